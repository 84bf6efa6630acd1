//! What came before what, where the clock of a capture does not tell.
//!
//! What enters: frames. What leaves: their order. Some captures have ticks of a millisecond or of sixteen; what falls into
//! one tick came in the order of its frames.

use crate::packet::At;
use crate::time::Timestamp;

/// A place in time: in a capture frames tell the order of what has the same time, and in a ring its files do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    piece: usize,
    frame: u64,
}

impl Moment {
    /// A frame of the capture that is a piece of the case.
    pub fn new(piece: usize, at: At) -> Moment {
        Moment { time: at.time, piece, frame: at.frame }
    }

    /// A time in that capture whose frame is not known: the end of what has the same.
    pub(super) fn late(piece: usize, time: Timestamp) -> Moment {
        Moment { time, piece, frame: u64::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_part_what_the_clock_does_not() {
        let moment = |piece, frame, time| Moment::new(piece, At { frame, time: Timestamp(time) });
        assert!(moment(0, 7, 5) < moment(0, 8, 5));
        assert!(moment(0, 8, 4) < moment(0, 7, 5), "captures need not be in order");
        assert!(moment(0, 9, 5) < moment(1, 1, 5) && moment(1, 1, 5) < Moment::late(1, Timestamp(5)));
    }
}
