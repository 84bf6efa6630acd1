//! Frames in order of time, within bounds.
//!
//! What enters: frames as they stand in the file. What leaves: whether they need sorting, and the sorted frames.
//! Guaranteed: a sorted file is never copied; sorting holds no more than [`HELD_BYTES_MAX`], and frames that are
//! further out of place than that come out as early as they can.

use crate::capture::Frame;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bytes of frames held back for sorting: seconds of a busy link, while queues of a card differ by milliseconds.
const HELD_BYTES_MAX: usize = 256 << 20;
/// What holding a frame costs beside its bytes.
const FRAME_COST: usize = 128;

/// Looks at a capture's order before it is written.
#[derive(Debug, Default)]
pub(super) struct Order {
    latest: Timestamp,
    /// Frames earlier than one before them.
    pub backwards: u64,
}

impl Order {
    pub(super) fn see(&mut self, frame: &Frame<'_>) {
        if frame.timed {
            self.backwards += u64::from(frame.time < self.latest);
            self.latest = self.latest.max(frame.time);
        }
    }

    /// A sorter, if one is needed.
    pub(super) fn sorter(&self) -> Option<Sorter> {
        (self.backwards > 0).then(Sorter::default)
    }
}

/// Sorts frames by time; equal times keep their order.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    heap: BinaryHeap<Reverse<Held>>,
    held_bytes: usize,
    sequence: u64,
    last_time: Timestamp,
}

/// A frame with its own bytes.
#[derive(Debug)]
pub(super) struct Held {
    time: Timestamp,
    sequence: u64,
    data: Box<[u8]>,
    frame: Frame<'static>,
}

impl Held {
    pub(super) fn frame(&self) -> Frame<'_> {
        Frame { data: &self.data, ..self.frame }
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Held) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Held) -> std::cmp::Ordering {
        (self.time, self.sequence).cmp(&(other.time, other.sequence))
    }
}

impl Sorter {
    pub(super) fn push(&mut self, frame: &Frame<'_>) {
        // A frame without a time stays behind the one before it.
        let time = if frame.timed { frame.time } else { self.last_time };
        self.last_time = time;
        self.sequence += 1;
        self.held_bytes += frame.data.len() + FRAME_COST;
        let held =
            Held { time, sequence: self.sequence, data: frame.data.into(), frame: Frame { data: &[], ..*frame } };
        self.heap.push(Reverse(held));
    }

    /// The earliest frame, once more is held than may be.
    pub(super) fn pop_ready(&mut self) -> Option<Held> {
        if self.held_bytes > HELD_BYTES_MAX { self.pop() } else { None }
    }

    /// The earliest frame.
    pub(super) fn pop(&mut self) -> Option<Held> {
        let Reverse(held) = self.heap.pop()?;
        self.held_bytes = self.held_bytes.saturating_sub(held.data.len() + FRAME_COST);
        Some(held)
    }
}
