//! What a side of a TCP connection says by its own numbers that it sent, though the capture holds nothing of it.
//!
//! What enters: the numbers of FINs, and acknowledgements. (Those of resets are often made up.) What leaves: the offset up to
//! which bytes are missing in the capture. Where the other side shows by its next acknowledgement that it lacks those bytes too, they were lost on the way,
//! and the capture missed nothing; a FIN that is sent again says nothing new then.

use crate::flow::seq::SeqNum;
use crate::flow::side::{of, of_mut};
use crate::flow::tcp::TcpFlow;
use crate::flow::{FlowSink, Side};

/// Bytes that a side can be ahead of what was seen of it: a window without scaling, which no handshake exceeds.
const AHEAD_MAX: i64 = 65_535;

impl<S: FlowSink> TcpFlow<S> {
    /// Notes that a side has come to the sequence number `seq`, unless the other side ended the connection before: it did so
    /// perhaps because those bytes never reached it. One byte more may be a FIN.
    pub(super) fn claim(&mut self, side: Side, seq: SeqNum) {
        let half = of(&self.sides, side);
        if !half.flags.based || half.flags.soft || of(&self.sides, side.other()).fin.is_set() {
            return;
        }
        let Ok(high) = i64::try_from(half.high) else { return };
        let offset = half.offset(seq);
        if (2..=AHEAD_MAX).contains(&offset.saturating_sub(high)) {
            let rare = self.rare_half(side);
            if offset.unsigned_abs() > rare.denied {
                rare.claimed = rare.claimed.max(offset.unsigned_abs());
            }
        }
    }

    /// Takes back what the other side of `side` claimed where `side`, having heard it, acknowledges no more than was seen.
    pub(super) fn deny(&mut self, side: Side, reached: u64) {
        let high = of(&self.sides, side.other()).high;
        let Some(rare) = self.rare.as_mut().filter(|_| reached <= high) else { return };
        let half = of_mut(&mut rare.halves, side.other());
        half.denied = half.denied.max(std::mem::take(&mut half.claimed));
    }
}
