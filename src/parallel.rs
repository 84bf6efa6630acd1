//! Work on many items with the threads of the pool that the caller runs in.
//!
//! What enters: items, and what to do with one. What leaves: the results in the order of the items, so that nothing
//! depends on the number of threads. Guaranteed: few items are worked off by the caller alone. That is faster, and
//! keeps a thread that reads a small case of a batch from taking up another case while it waits for its own.

use rayon::prelude::*;

/// Items that one thread takes at a time; as many and fewer are few.
pub const FEW: usize = 2048;

/// What `work` makes of each item. `memory` is what it may remember from one to the next; each piece of many items has
/// its own.
pub fn map<T: Sync, M, R: Send>(
    items: &[T],
    memory: impl Fn() -> M + Sync,
    work: impl Fn(&mut M, &T) -> R + Sync,
) -> Vec<R> {
    in_pieces(items, |_, piece| {
        let mut memory = memory();
        piece.iter().map(|item| work(&mut memory, item)).collect()
    })
}

/// What `work` adds for each item, which it gets with its index.
pub fn flat_map<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &T, &mut Vec<R>) + Sync) -> Vec<R> {
    in_pieces(items, |from, piece| {
        let mut out = Vec::new();
        for (index, item) in (from..).zip(piece) {
            work(index, item, &mut out);
        }
        out
    })
}

/// Hands out all items, piece by piece with the index of each piece's first, and puts the results in one list.
fn in_pieces<T: Sync, R: Send>(items: &[T], work: impl Fn(usize, &[T]) -> Vec<R> + Sync) -> Vec<R> {
    if items.len() <= FEW {
        return work(0, items);
    }
    let pieces: Vec<Vec<R>> = items.par_chunks(FEW).enumerate().map(|(n, piece)| work(n * FEW, piece)).collect();
    let mut all = Vec::with_capacity(pieces.iter().map(Vec::len).sum());
    all.extend(pieces.into_iter().flatten());
    all
}

/// What `work` makes of each of a few items that are much work where `load`, by whatever measure, is more than [`FEW`].
pub fn map_loaded<T: Sync, R: Send>(load: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if load <= FEW {
        return items.iter().map(work).collect();
    }
    items.par_iter().with_max_len(1).map(&work).collect()
}

/// Does two things, at the same time where `load` is more than [`FEW`].
pub fn join<A: Send, B: Send>(load: usize, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if load <= FEW { (a(), b()) } else { rayon::join(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items_whether_few_or_many() {
        for count in [0, 1, FEW, FEW + 1, 5 * FEW + 7] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|n| n * 2).collect();
            assert_eq!(map(&items, || 2, |by, n| n * *by), doubled);
            assert_eq!(map_loaded(count, &items, |n| n * 2), doubled);
            let each: Vec<usize> = items.iter().flat_map(|n| std::iter::repeat_n(*n, n % 3)).collect();
            let told = flat_map(&items, |index, n, out| {
                assert_eq!(index, *n);
                out.extend(std::iter::repeat_n(*n, n % 3));
            });
            assert_eq!(told, each);
            assert_eq!(join(count, || 1, || 2), (1, 2));
        }
    }
}
