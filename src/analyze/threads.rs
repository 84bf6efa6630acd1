//! As many threads as were asked for, and how pieces of evidence are spread over them.
//!
//! What enters: a number of threads, and pieces in order. What leaves: what each piece gave, in the same order.
//! Guaranteed: all work happens in one pool of exactly that many threads, the calling one included; results that wait
//! for their turn are few.

use crate::error::Error;
use crate::input::{Evidence, Kind};
use rayon::prelude::*;

/// Captures larger than this are read one after another, each by all threads.
pub const LARGE_BYTES: u64 = 32 << 20;

/// Pieces read at the same time for each thread, so that one that takes long does not leave the others idle.
const AHEAD: usize = 8;

/// How many threads read one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The one it is called in; others read other pieces.
    Alone,
    /// All of the pool.
    Together,
}

/// Runs `work` in a pool of `threads` threads (0: one for each core), of which the calling thread is one.
pub fn with_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build() {
        Ok(pool) => pool.install(work),
        // The system gives no more threads, or this one is in a pool already.
        Err(_) => work(),
    }
}

/// Hands every piece to `read`, several at a time where they are small, and the results to `take`, in order. Everything
/// happens in the calling thread where the way is [`Way::Alone`]: its fellows have work of their own.
///
/// # Errors
/// What `take` returns, which ends it.
pub fn each<R: Send>(
    pieces: &[&Evidence],
    way: Way,
    read: impl Fn(&Evidence, Way) -> R + Sync,
    mut take: impl FnMut(&Evidence, R) -> Result<(), Error>,
) -> Result<(), Error> {
    let threads = rayon::current_num_threads();
    let mut rest = pieces;
    while let Some((first, others)) = rest.split_first() {
        let small = rest.iter().take(AHEAD * threads).take_while(|p| !is_large(p)).count();
        // One piece alone gets all threads, whatever its size: packed, it may be larger than it seems.
        if small < 2 || threads < 2 || way == Way::Alone {
            take(first, read(first, way))?;
            rest = others;
            continue;
        }
        let (group, behind) = rest.split_at_checked(small).unwrap_or((rest, &[]));
        let results: Vec<R> = group.par_iter().with_max_len(1).map(|piece| read(piece, Way::Alone)).collect();
        for (piece, result) in group.iter().zip(results) {
            take(piece, result)?;
        }
        rest = behind;
    }
    Ok(())
}

fn is_large(piece: &Evidence) -> bool {
    matches!(piece.kind, Kind::Capture(_)) && piece.bytes.is_none_or(|n| n > LARGE_BYTES)
}
