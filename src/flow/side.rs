//! What is kept of one side of a live TCP connection, small enough for many thousand of them.
//!
//! What enters: what [`crate::flow::tcp`] saw of each segment. What leaves: counters, and stamps that become
//! [`At`]s again when the flow is finished. Guaranteed: a side in order owns no memory outside its record.

use crate::facts::Reset;
use crate::flow::Side;
use crate::flow::reassembly::Reassembly;
use crate::flow::seq::SeqNum;
use crate::packet::At;
use crate::time::Timestamp;

/// The element of a pair that belongs to a side.
pub fn of<T>(pair: &[T; 2], side: Side) -> &T {
    let [client, server] = pair;
    match side {
        Side::Client => client,
        Side::Server => server,
    }
}

/// As [`of`], to change it.
pub fn of_mut<T>(pair: &mut [T; 2], side: Side) -> &mut T {
    let [client, server] = pair;
    match side {
        Side::Client => client,
        Side::Server => server,
    }
}

/// A frame and its time relative to the first frame of the flow, in 12 bytes; or nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stamp {
    /// Frames after the first one, plus 1; 0 for "never".
    frames: u32,
    nanos: [u32; 2],
}

impl Stamp {
    /// The stamp of `at` in a flow that began at `first`.
    pub fn new(at: At, first: At) -> Stamp {
        let frames = at.frame.saturating_sub(first.frame).saturating_add(1);
        let nanos = at.time.since(first.time).cast_unsigned();
        Stamp {
            frames: u32::try_from(frames).unwrap_or(u32::MAX),
            nanos: [(nanos >> 32) as u32, (nanos & 0xffff_ffff) as u32],
        }
    }

    /// Whether there is anything.
    pub fn is_set(self) -> bool {
        self.frames != 0
    }

    /// Sets the stamp unless it is set.
    pub fn set_once(&mut self, at: At, first: At) {
        if !self.is_set() {
            *self = Stamp::new(at, first);
        }
    }

    /// Nanoseconds after the first frame.
    pub fn nanos(self) -> i64 {
        let [high, low] = self.nanos;
        (u64::from(high) << 32 | u64::from(low)).cast_signed()
    }

    /// Frame and time, in a flow that began at `first`.
    pub fn at(self, first: At) -> Option<At> {
        let frames = u64::from(self.frames.checked_sub(1)?);
        Some(At { frame: first.frame.saturating_add(frames), time: first.time.plus(self.nanos()) })
    }
}

/// One side of a TCP connection. Offsets count payload bytes from the first one after the SYN.
#[derive(Debug, Default)]
pub struct Half {
    /// Highest end of payload seen.
    pub high: u64,
    /// Highest offset that the other side acknowledged (a FIN counts as one byte).
    pub acked: u64,
    /// Payload bytes seen, each offset once.
    pub bytes: u64,
    /// Offset at which the FIN stands; `u64::MAX` while there is none.
    pub fin_offset: u64,
    /// The part of the stream behind the first hole, while one is open.
    pub waiting: Option<Box<Reassembly>>,
    /// Sequence number of offset 0; meaningful with `based`.
    pub base: SeqNum,
    /// Sequence number that Wireshark takes for the SYN's: of the first segment, or one before what the other side
    /// first acknowledged. Streams are told apart by it, so it is not corrected when more is known.
    pub first_seq: SeqNum,
    /// Packets.
    pub packets: u32,
    /// Largest payload.
    pub largest: u32,
    /// First and last frame that brought new payload.
    pub first_data: Stamp,
    /// See `first_data`.
    pub last_data: Stamp,
    /// Last frame that brought more than a farewell.
    pub last_content: Stamp,
    /// First FIN.
    pub fin: Stamp,
    /// The first payload bytes, to tell an injected answer from the real one that follows it.
    pub head: [u8; 8],
    /// Number of bytes in `head`.
    pub head_len: u8,
    /// TTL of the first packet that was no RST, the smallest, the largest and the last.
    pub ttl: [u8; 4],
    /// IPv4 identification of the last packet that was no RST.
    pub ip_id: Option<u16>,
    /// Last window.
    pub window: u16,
    /// MSS of the SYN.
    pub mss: Option<u16>,
    /// What is known about this side.
    pub flags: HalfFlags,
}

/// What is known about one side.
#[derive(Debug, Clone, Copy, Default)]
pub struct HalfFlags {
    /// `base` and `first_seq` are set.
    pub based: bool,
    /// `base` is a guess from the middle of the connection; the first payload corrects it.
    pub soft: bool,
    /// `ttl` is set: there was a packet that was no RST.
    pub seen: bool,
    /// The other side acknowledged something of this side.
    pub was_acked: bool,
    /// There was a RST from this side.
    pub reset: bool,
}

/// With so many bytes, or fewer, a side may only take its leave (an encrypted close_notify has 24 to 53, RFC 8446 5.2, RFC
/// 5246 6.2.3), ask whether the other is there, or acknowledge.
pub const FAREWELL_BYTES: u64 = 100;

impl Half {
    /// A side of which nothing was seen.
    pub fn new() -> Half {
        Half { fin_offset: u64::MAX, ..Half::default() }
    }

    /// Offset of a sequence number, by what was last seen.
    pub fn offset(&self, seq: SeqNum) -> i64 {
        seq.offset(self.base, self.high)
    }

    /// Lays down what sequence number offset 0 has.
    pub fn set_base(&mut self, base: SeqNum, soft: bool) {
        if !self.flags.based {
            self.first_seq = base.minus(1);
        }
        self.base = base;
        self.flags.based = true;
        self.flags.soft = soft;
    }

    /// True while no payload was seen, so that the base may still be corrected.
    pub fn is_blank(&self) -> bool {
        self.high == 0 && self.waiting.is_none()
    }

    /// Counts `new` payload bytes, which were not seen before.
    pub fn bring(&mut self, new: u64, at: At, first: At) {
        if new > 0 {
            self.bytes = self.bytes.saturating_add(new);
            self.first_data.set_once(at, first);
            self.last_data = Stamp::new(at, first);
        }
        if new > FAREWELL_BYTES {
            self.last_content = Stamp::new(at, first);
        }
    }

    /// Offset behind what was given out of this side, its FIN included.
    pub fn given(&self) -> u64 {
        let given = self.waiting.as_ref().map_or(self.high, |waiting| waiting.next());
        if self.fin.is_set() && given == self.fin_offset { given.saturating_add(1) } else { given }
    }

    /// Acknowledged payload bytes: without the FIN.
    pub fn acked_payload(&self) -> u64 {
        if self.fin_offset != u64::MAX {
            return self.acked.min(self.fin_offset);
        }
        // One more than was seen may be a FIN that the capture missed: no reason to speak of a missed byte.
        if self.acked == self.high.saturating_add(1) { self.high } else { self.acked }
    }

    /// Keeps the first payload bytes.
    pub fn keep_head(&mut self, payload: &[u8]) {
        let n = payload.len().min(self.head.len());
        if let (Some(head), Some(bytes)) = (self.head.get_mut(..n), payload.get(..n)) {
            head.copy_from_slice(bytes);
            self.head_len = n as u8;
        }
    }

    /// True when `payload`, which claims to be the first bytes of the stream, differs from what came first.
    pub fn head_differs(&self, payload: &[u8]) -> bool {
        self.head.iter().take(usize::from(self.head_len)).zip(payload).any(|(a, b)| a != b)
    }

    /// Counts TTL and identification of a packet that is no RST.
    pub fn see_ip(&mut self, ttl: u8, ip_id: Option<u16>) {
        let [first, least, most, _] = self.ttl;
        self.ttl = if self.flags.seen { [first, least.min(ttl), most.max(ttl), ttl] } else { [ttl; 4] };
        self.ip_id = ip_id;
        self.flags.seen = true;
    }
}

/// Counters of one side that stay zero in a connection without trouble.
#[derive(Debug, Default)]
pub struct RareHalf {
    /// Segments that repeat bytes, and the first of them.
    pub retransmissions: u32,
    /// See `retransmissions`.
    pub first_retransmission: Option<At>,
    /// Segments that closed a hole soon after it opened.
    pub out_of_order: u32,
    /// Bytes in holes given up that the other side had acknowledged.
    pub missed: u64,
    /// Bytes in holes given up for want of room, before they were acknowledged; and the end of the last such hole.
    pub given_up: u64,
    /// See `given_up`.
    pub given_up_end: u64,
    /// Segments with a zero window after the handshake.
    pub zero_windows: u32,
    /// Keep-alive probes.
    pub keep_alives: u32,
    /// Duplicate acknowledgements; of these, those with SACK blocks.
    pub duplicate_acks: u32,
    /// See `duplicate_acks`.
    pub sack_holes: u32,
    /// Overlaps whose bytes differed.
    pub conflicts: u32,
    /// Bytes cut by the snap length.
    pub cut: u64,
    /// What the FIN acknowledged of the other side, where that was not seen yet.
    pub fin_answers: u64,
    /// Where the side's own numbers stand beyond all that was seen of it: the offset that they tell.
    pub claimed: u64,
    /// The offset of a claim after which the other side showed that it lacks the bytes.
    pub denied: u64,
}

/// What only some connections have.
#[derive(Debug, Default)]
pub struct Rare {
    /// Counters: client, server.
    pub halves: [RareHalf; 2],
    /// The first resets.
    pub resets: Vec<Reset>,
    /// SYNs of the client after the first one (the first seven of them), with their timestamp option.
    pub more_syns: Vec<(At, Option<u32>)>,
    /// Number of SYNs of the client after the first one.
    pub more_syn_count: u32,
    /// Those of them that are tries of their own, and when the last one was.
    pub more_tries: u32,
    /// See `more_tries`.
    pub last_try: Option<Timestamp>,
    /// First sequence number after another SYN-ACK than the first, which the client may prefer.
    pub other_base: Option<SeqNum>,
}

/// The events of a connection in the letters of Zeek's `history` field, each letter once a side, in 20 bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct History {
    seen: u32,
    /// Five bits an event, twelve events a word.
    order: [u64; 2],
}

/// What a [`History`] holds; the letters are those of Zeek's conn.log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Letter {
    /// SYN without ACK.
    Syn,
    /// SYN-ACK ("handshake").
    SynAck,
    /// Pure ACK.
    Ack,
    /// Payload.
    Data,
    /// FIN.
    Fin,
    /// RST.
    Rst,
    /// A gap in the content.
    Gap,
    /// Retransmitted payload.
    Retransmission,
    /// Zero window.
    ZeroWindow,
    /// FIN and RST in one packet.
    Inconsistent,
    /// SYN with FIN or RST in one packet.
    MultiFlag,
    /// A limit stopped the analysis.
    Limit,
}

impl History {
    const LETTERS: [char; 12] = ['s', 'h', 'a', 'd', 'f', 'r', 'g', 't', 'w', 'i', 'q', 'x'];

    /// Adds an event, unless that side had it before.
    pub fn add(&mut self, side: Side, letter: Letter) {
        self.add_code(letter as u8 + if side == Side::Client { 12 } else { 0 });
    }

    fn add_code(&mut self, code: u8) {
        let bit = 1u32 << (code & 31);
        if self.seen & bit != 0 {
            return;
        }
        let n = self.seen.count_ones();
        self.seen |= bit;
        let [first, second] = &mut self.order;
        match n {
            0..12 => *first |= u64::from(code) << (5 * n),
            12..24 => *second |= u64::from(code) << (5 * (n - 12)),
            _ => {}
        }
    }

    /// Turns the sides round.
    pub fn swap(&mut self) {
        let old = *self;
        *self = History::default();
        old.each(|side, letter| self.add_code(letter + if side == Side::Client { 0 } else { 12 }));
    }

    fn each(&self, mut event: impl FnMut(Side, u8)) {
        let [first, second] = self.order;
        for n in 0..self.seen.count_ones() {
            let word = if n < 12 { first >> (5 * n) } else { second >> (5 * n.saturating_sub(12)) };
            let code = (word & 31) as u8;
            if code >= 12 { event(Side::Client, code - 12) } else { event(Side::Server, code) }
        }
    }

    /// Zeek's text: upper case for the client; `^` in front where the first packet seen was the server's.
    pub fn text(&self, flipped: bool) -> String {
        let mut text = String::with_capacity(usize::from(flipped) + self.seen.count_ones() as usize);
        if flipped {
            text.push('^');
        }
        self.each(|side, code| {
            let letter = Self::LETTERS.get(usize::from(code)).copied().unwrap_or('?');
            text.push(if side == Side::Client { letter.to_ascii_uppercase() } else { letter });
        });
        text
    }
}

/// Time from one stamp to a later one; `None` where one is missing or they come the other way round.
pub fn between(earlier: Stamp, later: Stamp) -> Option<i64> {
    if !earlier.is_set() || !later.is_set() || later.frames < earlier.frames {
        return None;
    }
    Some(Timestamp(later.nanos()).since(Timestamp(earlier.nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_gives_its_frame_and_time_back() {
        let first = At { frame: 7, time: Timestamp(1_000) };
        for (frame, time) in [(7, 1_000), (8, 999), (4_000_000_000, i64::from(u32::MAX) * 77)] {
            let at = At { frame, time: Timestamp(time) };
            assert_eq!(Stamp::new(at, first).at(first), Some(at));
        }
        assert_eq!(Stamp::default().at(first), None);
    }

    #[test]
    fn history_keeps_each_letter_once_a_side_in_order_and_turns_round() {
        let mut h = History::default();
        for (side, letter) in [
            (Side::Client, Letter::Syn),
            (Side::Server, Letter::SynAck),
            (Side::Client, Letter::Ack),
            (Side::Client, Letter::Data),
            (Side::Client, Letter::Data),
            (Side::Server, Letter::Data),
        ] {
            h.add(side, letter);
        }
        assert_eq!(h.text(false), "ShADd");
        h.swap();
        assert_eq!(h.text(true), "^sHadD");
    }

    #[test]
    fn all_letters_of_both_sides_fit() {
        let mut h = History::default();
        use Letter::*;
        for side in [Side::Client, Side::Server] {
            for l in [Syn, SynAck, Ack, Data, Fin, Rst, Gap, Retransmission, ZeroWindow, Inconsistent, MultiFlag, Limit]
            {
                h.add(side, l);
            }
        }
        assert_eq!(h.text(false), "SHADFRGTWIQXshadfrgtwiqx");
    }

    #[test]
    fn a_side_stays_small() {
        assert!(size_of::<Half>() <= 152, "{}", size_of::<Half>());
    }
}
