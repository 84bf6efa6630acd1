//! Many points in time in order, in a few bytes each.
//!
//! What enters: a list of them. What leaves: the last one up to any time. Guaranteed: nothing is rounded; a look-up reads
//! [`BLOCK`] of them at most beside a binary search.

use crate::bytes::{Cursor, push_varint};
use crate::time::Timestamp;

/// Points that are stored as distances from one that is stored as such.
const BLOCK: usize = 64;

/// Points in time, each once.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Every [`BLOCK`]th point, and where the distances behind it begin.
    blocks: Vec<(Timestamp, usize)>,
    /// Distances from the point before, in units.
    steps: Vec<u8>,
    /// Nanoseconds; all distances are multiples: most captures have microseconds.
    unit: u64,
}

impl Times {
    /// These points in time.
    pub(super) fn of(mut list: Vec<Timestamp>) -> Times {
        list.sort_unstable();
        list.dedup();
        let steps = || list.iter().zip(list.iter().skip(1)).map(|(a, b)| b.0.abs_diff(a.0));
        let mut times = Times { unit: steps().fold(0, common_divisor).max(1), ..Times::default() };
        times.blocks.reserve_exact(list.len().div_ceil(BLOCK));
        for (n, (at, step)) in list.iter().zip(std::iter::once(0).chain(steps())).enumerate() {
            if n % BLOCK == 0 {
                times.blocks.push((*at, times.steps.len()));
            } else {
                push_varint(&mut times.steps, (step / times.unit).into());
            }
        }
        times.steps.shrink_to_fit();
        times
    }

    /// The last of them that is no later than `time`.
    pub(super) fn last_until(&self, time: Timestamp) -> Option<Timestamp> {
        let block = self.blocks.partition_point(|(first, _)| *first <= time).checked_sub(1)?;
        let (mut last, from) = *self.blocks.get(block)?;
        let end = self.blocks.get(block + 1).map_or(self.steps.len(), |(_, from)| *from);
        let mut steps = Cursor::new(self.steps.get(from..end)?);
        while let Some(step) = steps.varint() {
            let next = Timestamp(last.0.saturating_add_unsigned((step as u64).saturating_mul(self.unit)));
            if next > time {
                break;
            }
            last = next;
        }
        Some(last)
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(list: &[i64], times: &[i64]) {
        let points = Times::of(list.iter().map(|at| Timestamp(*at)).collect());
        for time in list.iter().flat_map(|at| [at.saturating_sub(1), *at, at.saturating_add(1)]).chain(times.to_vec()) {
            let last = list.iter().filter(|at| **at <= time).max().map(|at| Timestamp(*at));
            assert_eq!(points.last_until(Timestamp(time)), last, "{time}");
        }
    }

    proptest! {
        #[test]
        fn the_last_until_any_time_is_found(
            near in proptest::collection::vec(0i64..100_000, 0..400),
            unit in proptest::sample::select(vec![1i64, 100, 1000]),
            far in proptest::collection::vec(any::<i64>(), 0..5),
            times in proptest::collection::vec(any::<i64>(), 0..5),
        ) {
            let near: Vec<i64> = near.into_iter().map(|at| 1_800_000_000_000_000_000 + at * unit).collect();
            check(&near, &times);
            check(&[near, far].concat(), &times);
        }
    }

    #[test]
    fn the_ends_of_time_and_nothing() {
        check(&[i64::MIN, i64::MAX], &[0]);
        check(&[], &[0, i64::MAX]);
    }

    #[test]
    fn neighbours_take_few_bytes() {
        let times = Times::of((0..10_000).map(|n| Timestamp(n * 1_234_000)).collect());
        assert!(times.steps.len() <= 10_000 && times.blocks.len() == 157, "{}", times.steps.len());
    }
}
