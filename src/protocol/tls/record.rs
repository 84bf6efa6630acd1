//! Bytes of one direction → TLS records (RFC 8446 5.1), piece by piece.
//!
//! What enters: the direction's bytes in order, and how many are missing where. What leaves: record headers, pieces of
//! record bodies and their ends. Guaranteed: nothing but an incomplete header (at most four bytes) is held back, every
//! step consumes input or says that the input is no record, and bytes behind a gap count as a record only where their
//! place in the stream, or a chain of headers, says so.

use crate::packet::At;

/// Record types (RFC 8446 B.1, RFC 6520).
pub const CHANGE_CIPHER_SPEC: u8 = 20;
/// See [`CHANGE_CIPHER_SPEC`].
pub const ALERT: u8 = 21;
/// See [`CHANGE_CIPHER_SPEC`].
pub const HANDSHAKE: u8 = 22;
/// See [`CHANGE_CIPHER_SPEC`].
pub const APPLICATION_DATA: u8 = 23;
/// See [`CHANGE_CIPHER_SPEC`].
pub const HEARTBEAT: u8 = 24;

/// Bytes of a record header.
pub const HEADER_BYTES: usize = 5;

/// Longest record body: 2^14 and 2048 for the cipher's expansion (RFC 5246 6.2.3).
pub const BODY_BYTES_MAX: usize = 16_384 + 2048;

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Header {
    /// Content type.
    pub kind: u8,
    /// legacy_record_version.
    pub version: u16,
    /// Bytes of the body.
    pub length: u16,
}

impl Header {
    /// Reads a header; `None` where the bytes cannot be one (unknown type or version, impossible length).
    ///
    /// Versions: SSL 3.0 to TLS 1.3; nothing else was ever sent in records, drafts of TLS 1.3 included.
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let &[kind, major, minor, high, low] = bytes.first_chunk::<HEADER_BYTES>()?;
        let header =
            Header { kind, version: u16::from_be_bytes([major, minor]), length: u16::from_be_bytes([high, low]) };
        header.plausible().then_some(header)
    }

    fn plausible(self) -> bool {
        let length = usize::from(self.length);
        let length_fits = match self.kind {
            CHANGE_CIPHER_SPEC => length == 1,
            ALERT => (2..=BODY_BYTES_MAX).contains(&length),
            HANDSHAKE => (1..=BODY_BYTES_MAX).contains(&length),
            // RFC 5246 6.2.1 allows empty fragments of application data.
            APPLICATION_DATA => length <= BODY_BYTES_MAX,
            HEARTBEAT => (3..=BODY_BYTES_MAX).contains(&length),
            _ => false,
        };
        length_fits && (0x0300..=0x0304).contains(&self.version)
    }

    /// True while `bytes`, shorter than a header, could still become one.
    pub fn may_begin_with(bytes: &[u8]) -> bool {
        match *bytes {
            [] => true,
            [kind] => (CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind),
            [kind, major] => Header::may_begin_with(&[kind]) && major == 3,
            [kind, major, minor, ..] => Header::may_begin_with(&[kind, major]) && minor <= 4,
        }
    }
}

/// What the walker met.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A record begins; its header is complete.
    Begin(Header),
    /// The next piece of the record's body; `end` with the last one (which may be empty).
    Body {
        /// The piece.
        bytes: &'a [u8],
        /// The body is complete.
        end: bool,
    },
    /// At a record boundary the input is not TLS. The walker is lost until [`Walker::resync`] finds a record.
    NotTls(&'a [u8]),
}

/// Where a direction stands.
#[derive(Debug, Default)]
pub struct Walker {
    head: [u8; HEADER_BYTES],
    head_len: u8,
    /// Bytes of the current body still to come; `None` at a record boundary.
    left: Option<usize>,
    lost: bool,
    /// Records begun.
    pub records: u64,
    /// Frame in which the current record began.
    pub began: At,
}

impl Walker {
    /// True when the direction's place within the records is not known.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// True at a record boundary, with nothing held back.
    pub fn at_boundary(&self) -> bool {
        !self.lost && self.left.is_none() && self.head_len == 0
    }

    /// Takes the next step over `input`, which is shortened by what was consumed. `None`: the input is used up.
    pub fn step<'a>(&mut self, input: &mut &'a [u8], at: At) -> Option<Step<'a>> {
        if self.lost {
            *input = &[];
            return None;
        }
        match self.left {
            Some(left) => {
                if input.is_empty() && left > 0 {
                    return None;
                }
                let (bytes, rest) = input.split_at_checked(left).unwrap_or((input, &[]));
                *input = rest;
                let left = left.saturating_sub(bytes.len());
                self.left = (left > 0).then_some(left);
                Some(Step::Body { bytes, end: left == 0 })
            }
            None => self.header(input, at),
        }
    }

    fn header<'a>(&mut self, input: &mut &'a [u8], at: At) -> Option<Step<'a>> {
        let whole: &'a [u8] = input;
        if self.head_len == 0 {
            self.began = at;
        }
        while usize::from(self.head_len) < HEADER_BYTES {
            let (&byte, rest) = input.split_first()?;
            *input = rest;
            if let Some(place) = self.head.get_mut(usize::from(self.head_len)) {
                *place = byte;
            }
            self.head_len += 1;
            if !Header::may_begin_with(self.head.get(..usize::from(self.head_len)).unwrap_or(&[])) {
                return Some(self.not_tls(whole, input));
            }
        }
        let Some(header) = Header::read(&self.head) else { return Some(self.not_tls(whole, input)) };
        self.head_len = 0;
        self.left = Some(usize::from(header.length));
        self.records += 1;
        Some(Step::Begin(header))
    }

    fn not_tls<'a>(&mut self, whole: &'a [u8], input: &mut &'a [u8]) -> Step<'a> {
        *input = &[];
        self.head_len = 0;
        self.lost = true;
        Step::NotTls(whole)
    }

    /// `missing` bytes will never come. True when the walker still knows where the next record begins.
    pub fn gap(&mut self, missing: u64) -> bool {
        match self.left {
            // A gap up to the very end of the body leaves an empty last piece to come.
            Some(left) if !self.lost && missing <= left as u64 => {
                self.left = Some(left.saturating_sub(usize::try_from(missing).unwrap_or(left)));
                true
            }
            _ => {
                self.lost = true;
                self.left = None;
                self.head_len = 0;
                false
            }
        }
    }

    /// Looks for a record boundary in `segment`, the bytes of one segment behind a gap: at its start, since stacks
    /// begin segments with records, or where two headers follow one another. Returns the bytes from there on.
    pub fn resync<'a>(&mut self, segment: &'a [u8]) -> Option<&'a [u8]> {
        if Header::read(segment).is_some_and(|h| chains(segment, h)) {
            self.lost = false;
            return Some(segment);
        }
        let mut from = 1usize;
        // 0x03 is the major version of every record: look one byte before each.
        while let Some(found) = segment.get(from..).and_then(|rest| memchr::memchr(3, rest)) {
            let start = from + found - 1;
            let candidate = segment.get(start..).unwrap_or(&[]);
            if let Some(header) = Header::read(candidate)
                && header.kind != CHANGE_CIPHER_SPEC
                && candidate
                    .get(HEADER_BYTES + usize::from(header.length)..)
                    .is_some_and(|next| next.is_empty() || Header::read(next).is_some())
            {
                self.lost = false;
                return Some(candidate);
            }
            from += found + 1;
        }
        None
    }
}

/// Whether what follows the record at the start of `segment`, as far as it is there, can be a record too.
fn chains(segment: &[u8], header: Header) -> bool {
    let next = segment.get(HEADER_BYTES + usize::from(header.length)..).unwrap_or(&[]);
    if next.len() < HEADER_BYTES { Header::may_begin_with(next) } else { Header::read(next).is_some() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(walker: &mut Walker, mut input: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(step) = walker.step(&mut input, At::default()) {
            out.push(match step {
                Step::Begin(h) => format!("{}:{}", h.kind, h.length),
                Step::Body { bytes, end } => format!("{bytes:?}{}", if end { "." } else { "" }),
                Step::NotTls(bytes) => format!("!{bytes:?}"),
            });
        }
        out
    }

    #[test]
    fn records_come_out_however_the_bytes_are_cut() {
        let stream = [22, 3, 1, 0, 2, 9, 8, 23, 3, 3, 0, 0, 21, 3, 3, 0, 2, 2, 40];
        for cut in 0..=stream.len() {
            let mut walker = Walker::default();
            let mut body = Vec::new();
            let mut kinds = Vec::new();
            for mut part in [&stream[..cut], &stream[cut..]] {
                while let Some(step) = walker.step(&mut part, At::default()) {
                    match step {
                        Step::Begin(h) => kinds.push(h.kind),
                        Step::Body { bytes, .. } => body.extend_from_slice(bytes),
                        Step::NotTls(_) => panic!("all of it is TLS"),
                    }
                }
            }
            assert_eq!((kinds, body), (vec![22, 23, 21], vec![9, 8, 2, 40]), "cut at {cut}");
            assert!(walker.at_boundary());
        }
    }

    #[test]
    fn what_is_no_record_is_handed_back_whole() {
        let mut walker = Walker::default();
        assert_eq!(steps(&mut walker, b"HTTP"), ["![72, 84, 84, 80]"]);
        assert!(walker.is_lost());
        assert_eq!(Header::read(&[22, 3, 5, 0, 1]), None);
        assert_eq!(Header::read(&[22, 3, 3, 0x49, 0]), None);
        assert_eq!(Header::read(&[25, 3, 3, 0, 1]), None);
    }

    #[test]
    fn a_gap_inside_a_body_keeps_the_place_and_a_longer_one_loses_it() {
        let mut walker = Walker::default();
        steps(&mut walker, &[23, 3, 3, 0, 10, 1, 2]);
        assert!(walker.gap(8));
        assert_eq!(steps(&mut walker, &[21, 3, 3, 0, 2, 1, 0]), ["[].", "21:2", "[1, 0]."]);
        steps(&mut walker, &[23, 3, 3, 0, 10, 1, 2]);
        assert!(!walker.gap(9));
        assert_eq!(steps(&mut walker, &[21, 3, 3, 0, 2, 1, 0]), Vec::<String>::new());
    }

    #[test]
    fn a_lost_direction_is_found_again_at_a_chain_of_headers() {
        let mut walker = Walker { lost: true, ..Walker::default() };
        let tail = [7, 3, 3, 3, 7, 23, 3, 3, 0, 1, 5, 21, 3, 3, 0, 2, 1, 0];
        assert_eq!(walker.resync(&tail), Some(&tail[5..]));
        let mut walker = Walker { lost: true, ..Walker::default() };
        assert_eq!(walker.resync(&[1, 2, 3, 4, 5, 6, 3, 3, 3, 3, 3, 3]), None);
        assert!(walker.is_lost());
    }
}
