//! Two stages that work at the same time, with a few things on their way from one to the other.
//!
//! What enters: how a thing is made, and what is done with it. Guaranteed: things come in the order in which they are
//! made; no more than [`ON_THE_WAY`] exist; each stage waits for the other only when it is that far ahead or behind.

use rayon::Yield;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

/// Things on their way: enough that neither stage waits because the other one is slower now and then, few enough to
/// stay in the cache.
const ON_THE_WAY: usize = 4;

/// How long a stage waits before it looks whether it can help: long against a look, short against a thing.
const PATIENCE: Duration = Duration::from_micros(100);

/// `make` fills one thing after another in another thread of the pool, until it returns false (that thing is the last)
/// or fails; `take` gets them in the calling thread, which waits for them: so one pipeline at a time may run in a pool
/// thread, in a pool of two threads at least. Things are used again, as they are.
///
/// # Errors
/// The error of `make`; what was made before has been taken.
pub fn pipeline<T: Default + Send, E: Send>(
    mut make: impl FnMut(&mut T) -> Result<bool, E> + Send,
    mut take: impl FnMut(&T),
) -> Result<(), E> {
    let (full, made) = mpsc::sync_channel(ON_THE_WAY);
    let (free, empty) = mpsc::channel();
    for _ in 0..ON_THE_WAY {
        // The receiver is there.
        let _ = free.send(T::default());
    }
    rayon::in_place_scope(move |scope| {
        scope.spawn(move |_| {
            while let Some(mut thing) = next(&empty) {
                let result = make(&mut thing);
                let more = matches!(result, Ok(true));
                if full.send(result.map(|_| thing)).is_err() || !more {
                    break;
                }
            }
        });
        for result in made {
            let thing = result?;
            take(&thing);
            // Nobody waits for it after the last one was made.
            let _ = free.send(thing);
        }
        Ok(())
    })
}

/// The next empty thing. While there is none, the other stage is behind: its thread gets a hand, and whoever else has
/// work for the pool, which must never stand still for a stage that waits.
fn next<T>(empty: &Receiver<T>) -> Option<T> {
    loop {
        match empty.try_recv() {
            Ok(thing) => return Some(thing),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if rayon::yield_now() == Some(Yield::Executed) => {}
            Err(TryRecvError::Empty) => match empty.recv_timeout(PATIENCE) {
                Ok(thing) => return Some(thing),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::threads::with_pool;

    /// Makes the numbers up to `last`, the one `fails` is an error; what was taken and how it ended.
    fn run(last: u32, fails: Option<u32>) -> (Vec<u32>, Result<(), u32>) {
        let (mut n, mut taken) = (0, Vec::new());
        let make = |thing: &mut u32| {
            n += 1;
            *thing = n;
            if Some(n) == fails { Err(n) } else { Ok(n < last) }
        };
        // A thread belongs to one pool in its life.
        let result = std::thread::scope(|threads| {
            threads.spawn(|| with_pool(2, || pipeline(make, |thing| taken.push(*thing)))).join().unwrap()
        });
        (taken, result)
    }

    #[test]
    fn many_pipelines_share_one_pool() {
        // From threads outside the pool, each of which needs it for both stages.
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    let (mut n, mut sum) = (0u64, 0);
                    let make = |thing: &mut u64| {
                        n += 1;
                        *thing = n;
                        Ok::<_, ()>(n < 200)
                    };
                    pipeline(make, |thing| sum += rayon::join(|| *thing, || 0).0).unwrap();
                    assert_eq!(sum, 200 * 201 / 2);
                });
            }
        });
    }

    #[test]
    fn everything_made_is_taken_in_order_up_to_the_end_or_an_error() {
        for last in [1, 2, 4, 5, 100] {
            assert_eq!(run(last, None), ((1..=last).collect(), Ok(())));
        }
        assert_eq!(run(100, Some(1)), (vec![], Err(1)));
        assert_eq!(run(100, Some(50)), ((1..50).collect(), Err(50)));
    }
}
