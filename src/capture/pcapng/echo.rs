//! Copies of one packet in traces that Windows tools converted.
//!
//! What enters: the frames of a section written by `pktmon etl2pcap` or etl2pcapng. What leaves: whether a frame is
//! a copy of one shortly before. Guaranteed: only equal bytes within a millisecond count, and with etl2pcapng only on
//! another interface; at most [`RECENT_MAX`] frames are remembered.
//!
//! Packet Monitor logs a packet at every component it passes, and its converter keeps them all without saying so;
//! a capture of NDIS at several layers does the same on one interface a layer. Taken as they are, every packet
//! would look retransmitted.

use crate::capture::Frame;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

/// A copy follows within this time; components are microseconds apart, and no sender repeats a packet so fast.
const COPY_NANOS_MAX: i64 = 1_000_000;
/// Frames remembered.
const RECENT_MAX: usize = 512;

/// Who converted the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Converter {
    /// None that is known to leave copies.
    #[default]
    Other,
    /// `pktmon etl2pcap`: copies on the one interface there is.
    PacketMonitor,
    /// etl2pcapng: one interface for each layer.
    Etl2Pcapng,
}

/// Remembers recent frames.
#[derive(Debug, Default)]
pub(super) struct Echo {
    /// Time, length, hash and interface; in file order.
    recent: VecDeque<(i64, usize, u64, u32)>,
    hasher: foldhash::fast::RandomState,
}

impl Echo {
    /// True when `frame` is a copy of one before it.
    pub(super) fn is_copy(&mut self, frame: &Frame<'_>, converter: Converter) -> bool {
        if converter == Converter::Other || !frame.timed || frame.dropped.is_some() {
            return false;
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(frame.data);
        let (time, length, hash) = (frame.time.0, frame.data.len(), hasher.finish());
        while self.recent.front().is_some_and(|(t, ..)| time.saturating_sub(*t) > COPY_NANOS_MAX) {
            self.recent.pop_front();
        }
        let copy = self.recent.iter().any(|&(t, l, h, interface)| {
            (l, h) == (length, hash)
                && time.saturating_sub(t).abs() <= COPY_NANOS_MAX
                && (converter == Converter::PacketMonitor || interface != frame.interface)
        });
        if !copy {
            if self.recent.len() >= RECENT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back((time, length, hash, frame.interface));
        }
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Direction, LinkType};
    use crate::time::Timestamp;

    fn frame(micros: i64, data: &[u8], interface: u32) -> Frame<'_> {
        Frame {
            number: 1,
            time: Timestamp(micros * 1000),
            timed: true,
            link: LinkType::ETHERNET,
            data,
            original_len: 0,
            interface,
            direction: Direction::Unknown,
            pid: None,
            tid: None,
            dropped: None,
        }
    }

    #[test]
    fn equal_frames_close_together_are_copies() {
        let mut echo = Echo::default();
        let mut look =
            |micros, data, interface| echo.is_copy(&frame(micros, data, interface), Converter::PacketMonitor);
        assert!(!look(10, b"one", 0));
        assert!(!look(12, b"two", 0));
        assert!(look(15, b"one", 0));
        assert!(look(1009, b"one", 0));
        assert!(!look(1011, b"one", 0));
    }

    #[test]
    fn on_one_interface_etl2pcapng_leaves_no_copies() {
        let mut echo = Echo::default();
        let mut look = |data, interface| echo.is_copy(&frame(5, data, interface), Converter::Etl2Pcapng);
        assert!(!look(b"one", 0));
        assert!(!look(b"one", 0));
        assert!(look(b"one", 1));
    }

    #[test]
    fn other_files_are_left_alone() {
        let mut echo = Echo::default();
        for _ in 0..3 {
            assert!(!echo.is_copy(&frame(5, b"one", 0), Converter::Other));
        }
    }

    #[test]
    fn little_is_remembered() {
        let mut echo = Echo::default();
        for i in 0..100_000u32 {
            assert!(!echo.is_copy(&frame(5, &i.to_le_bytes(), 0), Converter::PacketMonitor));
        }
        assert!(echo.recent.len() <= RECENT_MAX);
    }
}
