//! Ordered bytes of one TCP direction, gaps known, memory bounded.
//!
//! What enters: pieces of a stream by their offset, in the order in which they were captured. What leaves: the same
//! bytes in stream order, each offset once, and the holes that were given up. Guaranteed: where copies of an offset
//! differ, the first copy captured wins; never more than [`REORDER_SEGMENTS_MAX`] pieces and [`REORDER_BYTES_MAX`]
//! bytes wait (beyond that the earliest hole is given up), so a segment costs a bounded amount of work whatever came
//! before it.
//!
//! A direction in order needs none of this: the flow makes a [`Reassembly`] when the first hole opens and drops it
//! when the last one closes.

use crate::limits::{REORDER_BYTES_MAX, REORDER_SEGMENTS_MAX};
use crate::packet::At;
use crate::time::{LATE_NS, Timestamp};
use std::collections::VecDeque;

/// So many packets of the connection are as good as [`LATE_NS`], since times may stand still.
const LATE_PACKETS: u32 = 1024;

/// One waiting range of the stream. `data` may be shorter than the range (snap length), or empty where only the
/// ranges are followed.
#[derive(Debug)]
struct Piece {
    start: u64,
    end: u64,
    data: Box<[u8]>,
    at: At,
    /// Offset up to which its sender had heard the other side: it is given out behind that.
    after: u64,
}

/// What a segment brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inserted {
    /// Bytes of the stream that were not known before.
    pub new: u64,
    /// Of these, bytes that lie before some piece that was waiting: they fill a hole.
    pub filled: u64,
    /// Bytes that were known already.
    pub repeated: u64,
    /// Some of the repeated bytes differ from their first copy, as far as that copy is still held.
    pub conflict: bool,
}

/// The part of one direction's stream from its first open hole on.
#[derive(Debug)]
pub struct Reassembly {
    /// Everything before this offset has been given out.
    next: u64,
    /// Disjoint, sorted; after [`Reassembly::take_ready`] none starts at `next`.
    pieces: VecDeque<Piece>,
    /// Bytes of all pieces' data.
    held: usize,
    /// What is before this offset was acknowledged more than [`LATE_NS`] ago: the capture missed it.
    settled: u64,
    /// The acknowledgement of the first hole.
    latest: Option<Acknowledged>,
    /// Time of the connection's last packet.
    now: Timestamp,
}

/// An acknowledgement whose data may still come.
#[derive(Debug)]
struct Acknowledged {
    to: u64,
    time: Timestamp,
    /// Packets of the connection since.
    packets: u32,
}

impl Reassembly {
    /// A stream of which everything before `next` has been given out.
    pub fn new(next: u64) -> Self {
        Reassembly { next, pieces: VecDeque::new(), held: 0, settled: 0, latest: None, now: Timestamp(i64::MIN) }
    }

    /// Notes with a packet of the connection that the other side has acknowledged everything before `to`.
    pub fn acknowledged(&mut self, to: u64, now: Timestamp) {
        self.now = now;
        let waits = self.hole_end().is_some_and(|end| end <= to && end > self.settled);
        self.latest = match self.latest.take().filter(|_| waits) {
            None => waits.then_some(Acknowledged { to, time: now, packets: 0 }),
            Some(latest) if now.since(latest.time) > LATE_NS || latest.packets >= LATE_PACKETS => {
                self.settled = latest.to;
                None
            }
            Some(latest) => Some(Acknowledged { packets: latest.packets.saturating_add(1), ..latest }),
        };
    }

    /// Notes that nothing came on the connection for long, with what the other side has acknowledged.
    pub fn quiet(&mut self, to: u64) {
        self.settled = to;
        self.now = Timestamp(i64::MAX);
    }

    /// True when the first hole was acknowledged and would have come by now.
    pub fn is_missed(&self) -> bool {
        self.hole_end().is_some_and(|end| end <= self.settled)
    }

    /// True when there is a hole.
    pub fn has_hole(&self) -> bool {
        self.holes().next().is_some()
    }

    /// True when what the first piece is to be given out behind would have come by now.
    pub fn is_overdue(&self) -> bool {
        let first = self.pieces.front().filter(|p| p.start <= self.next);
        first.is_some_and(|p| self.now.since(p.at.time) > LATE_NS)
    }

    /// The offset of the next byte to give out: the start of the first hole.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes of memory that the waiting data takes.
    pub fn held(&self) -> usize {
        self.held
    }

    /// When the earliest waiting piece (in stream order) was captured.
    pub fn first_waiting(&self) -> Option<At> {
        self.pieces.front().map(|p| p.at)
    }

    /// End of the first hole, where one is open.
    pub fn hole_end(&self) -> Option<u64> {
        self.pieces.front().map(|p| p.start).filter(|&s| s > self.next)
    }

    /// The open holes in stream order.
    pub fn holes(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut from = self.next;
        self.pieces.iter().filter_map(move |p| {
            let hole = (from, p.start);
            from = p.end;
            (hole.0 < hole.1).then_some(hole)
        })
    }

    /// Takes in the range `start .. start + len`, of which `data` is the captured head; without `keep` only the range
    /// is remembered. It is given out behind the other side's bytes before `after`.
    pub fn insert(&mut self, start: u64, len: u64, data: &[u8], at: At, after: u64, keep: bool) -> Inserted {
        let mut done = Inserted::default();
        let end = start.saturating_add(len);
        let mut from = start;
        if from < self.next {
            let known = self.next.min(end) - from;
            done.repeated += known;
            from += known;
        }
        // The first piece that ends behind the segment's start; the ones before it are not concerned.
        let mut i = self.pieces.partition_point(|p| p.end <= from);
        while from < end {
            let (until, behind) = match self.pieces.get(i) {
                Some(p) if p.start <= from => {
                    let known = p.end.min(end);
                    done.conflict |= differs(p, from, known, start, data);
                    done.repeated += known - from;
                    from = known;
                    i += 1;
                    continue;
                }
                Some(p) => (p.start.min(end), true),
                None => (end, false),
            };
            let bytes: Box<[u8]> = if keep { part(data, from - start, until - start).into() } else { Box::default() };
            self.held += bytes.len();
            self.pieces.insert(i, Piece { start: from, end: until, data: bytes, at, after });
            done.new += until - from;
            if behind {
                done.filled += until - from;
            }
            from = until;
            i += 1;
        }
        done
    }

    /// Gives out what is in order now that the other side's bytes before `heard` were given out.
    pub fn take_ready(&mut self, heard: u64, out: &mut impl FnMut(&[u8], u64, At)) {
        while self.pieces.front().is_some_and(|p| p.start <= self.next && p.after <= heard) {
            let Some(p) = self.pieces.pop_front() else { return };
            self.held -= p.data.len();
            self.next = p.end;
            let cut = (p.end - p.start).saturating_sub(p.data.len() as u64);
            out(&p.data, cut, p.at);
        }
    }

    /// Gives up the first hole, or, where there is none, what the first piece waits for: moves on to that piece. Returns
    /// the bytes given up and its frame.
    pub fn skip_hole(&mut self) -> Option<(u64, At)> {
        let first = self.pieces.front_mut()?;
        let missing = first.start.saturating_sub(self.next);
        if missing == 0 {
            first.after = 0;
        }
        self.next = self.next.max(first.start);
        Some((missing, first.at))
    }

    /// True when more waits than may wait: a hole has to be given up.
    pub fn over_limit(&self) -> bool {
        self.held > REORDER_BYTES_MAX || self.pieces.len() > REORDER_SEGMENTS_MAX
    }

    /// Drops the waiting bytes and keeps their ranges: for a flow from which nothing more can be learnt. Neighbours
    /// become one.
    pub fn forget_data(&mut self) {
        self.held = 0;
        let mut merged: VecDeque<Piece> = VecDeque::new();
        for mut p in self.pieces.drain(..) {
            p.data = Box::default();
            p.after = 0;
            match merged.back_mut() {
                Some(last) if last.end == p.start => last.end = p.end,
                _ => merged.push_back(p),
            }
        }
        self.pieces = merged;
    }
}

/// `data[from..to]` as far as it was captured.
fn part(data: &[u8], from: u64, to: u64) -> &[u8] {
    let clip = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(data.len());
    data.get(clip(from)..clip(to)).unwrap_or(&[])
}

/// Whether a second copy of the offsets `from..to` differs from what `piece` holds of them.
fn differs(piece: &Piece, from: u64, to: u64, start: u64, data: &[u8]) -> bool {
    let old = part(&piece.data, from - piece.start, to - piece.start);
    let new = part(data, from - start, to - start);
    old.iter().zip(new).any(|(a, b)| a != b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    /// What comes out of a direction, in stream order.
    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Chunk {
        Data(Vec<u8>, At),
        Gap(u64, At),
    }

    fn at(frame: u64) -> At {
        At { frame, time: Timestamp(frame as i64) }
    }

    /// Runs segments (start, bytes) through a reassembly and gives up what stays open at the end.
    fn run(segments: &[(u64, Vec<u8>)]) -> (Vec<Chunk>, usize) {
        let mut r = Reassembly::new(0);
        let mut out = Vec::new();
        let mut conflicts = 0;
        let push = |out: &mut Vec<Chunk>, bytes: &[u8], cut: u64, at: At| {
            if !bytes.is_empty() {
                out.push(Chunk::Data(bytes.to_vec(), at));
            }
            if cut > 0 {
                out.push(Chunk::Gap(cut, at));
            }
        };
        for (i, (start, bytes)) in segments.iter().enumerate() {
            let done = r.insert(*start, bytes.len() as u64, bytes, at(i as u64 + 1), 0, true);
            assert_eq!(done.new + done.repeated, bytes.len() as u64);
            conflicts += usize::from(done.conflict);
            r.take_ready(0, &mut |b, cut, at| push(&mut out, b, cut, at));
        }
        while let Some((missing, at)) = r.skip_hole() {
            out.push(Chunk::Gap(missing, at));
            r.take_ready(0, &mut |b, cut, at| push(&mut out, b, cut, at));
        }
        assert_eq!(r.held(), 0);
        (out, conflicts)
    }

    fn bytes_of(chunks: &[Chunk]) -> Vec<Option<u8>> {
        let mut all = Vec::new();
        for c in chunks {
            match c {
                Chunk::Data(b, _) => all.extend(b.iter().map(|b| Some(*b))),
                Chunk::Gap(n, _) => all.extend((0..*n).map(|_| None)),
            }
        }
        all
    }

    #[test]
    fn a_late_segment_closes_its_hole() {
        let (out, _) = run(&[(3, b"def".to_vec()), (0, b"abc".to_vec())]);
        assert_eq!(out, [Chunk::Data(b"abc".to_vec(), at(2)), Chunk::Data(b"def".to_vec(), at(1))]);
    }

    #[test]
    fn the_first_copy_wins_and_the_difference_is_told() {
        let (out, conflicts) = run(&[(2, b"CD".to_vec()), (0, b"abcdef".to_vec())]);
        assert_eq!(bytes_of(&out), b"abCDef".iter().map(|b| Some(*b)).collect::<Vec<_>>());
        assert_eq!(conflicts, 1);
    }

    #[test]
    fn a_hole_is_given_up_with_its_size() {
        let (out, _) = run(&[(0, b"ab".to_vec()), (5, b"f".to_vec())]);
        assert_eq!(out, [Chunk::Data(b"ab".to_vec(), at(1)), Chunk::Gap(3, at(2)), Chunk::Data(b"f".to_vec(), at(2))]);
    }

    #[test]
    fn a_cut_segment_gives_its_head_and_then_a_gap() {
        let mut r = Reassembly::new(0);
        r.insert(2, 5, b"cd", at(1), 0, true);
        r.insert(0, 2, b"ab", at(2), 0, true);
        let mut out = Vec::new();
        r.take_ready(0, &mut |b, cut, _| out.push((b.to_vec(), cut)));
        assert_eq!(out, [(b"ab".to_vec(), 0), (b"cd".to_vec(), 3)]);
        assert_eq!(r.next(), 7);
    }

    #[test]
    fn one_byte_segments_never_pile_up_beyond_the_limit() {
        let mut r = Reassembly::new(0);
        let mut most = 0;
        for i in 0..100_000u64 {
            r.insert(2 * i + 1, 1, b"x", at(i + 1), 0, true);
            while r.over_limit() {
                r.skip_hole();
                r.take_ready(0, &mut |_, _, _| {});
            }
            most = most.max(r.pieces.len());
        }
        assert_eq!(most, REORDER_SEGMENTS_MAX);
    }

    #[test]
    fn forgetting_the_data_keeps_the_holes() {
        let mut r = Reassembly::new(0);
        r.insert(2, 2, b"cd", at(1), 0, true);
        r.insert(4, 2, b"ef", at(2), 0, true);
        r.insert(9, 1, b"j", at(3), 0, true);
        r.forget_data();
        assert_eq!((r.held(), r.pieces.len()), (0, 2));
        assert_eq!(r.holes().collect::<Vec<_>>(), [(0, 2), (6, 9)]);
    }

    proptest! {
        #[test]
        fn the_stream_is_what_a_map_of_bytes_says(
            segments in proptest::collection::vec((0u64..60, proptest::collection::vec(any::<u8>(), 1..12)), 1..40)
        ) {
            let mut oracle: std::collections::BTreeMap<u64, u8> = std::collections::BTreeMap::new();
            for (start, bytes) in &segments {
                for (i, b) in bytes.iter().enumerate() {
                    oracle.entry(start + i as u64).or_insert(*b);
                }
            }
            let end = oracle.keys().max().unwrap() + 1;
            let expected: Vec<Option<u8>> = (0..end).map(|i| oracle.get(&i).copied()).collect();
            let (out, _) = run(&segments);
            prop_assert_eq!(bytes_of(&out), expected);
        }

        #[test]
        fn arrival_order_and_duplicates_do_not_matter(
            text in proptest::collection::vec(any::<u8>(), 1..200),
            cuts in proptest::collection::vec((0usize..200, 1usize..40), 0..60),
            order in any::<u64>(),
        ) {
            // Random pieces of one text, with the whole text last so that everything is covered.
            let mut segments: Vec<(u64, Vec<u8>)> = cuts
                .iter()
                .filter(|(from, _)| *from < text.len())
                .map(|(from, n)| (*from as u64, text[*from..(from + n).min(text.len())].to_vec()))
                .collect();
            let turn = order as usize % (segments.len() + 1);
            segments.insert(turn, (0, text.clone()));
            let (out, conflicts) = run(&segments);
            prop_assert_eq!(bytes_of(&out), text.iter().map(|b| Some(*b)).collect::<Vec<_>>());
            prop_assert_eq!(conflicts, 0);
        }
    }
}
