//! Plain LZ77 (MS-XCA 2.3/2.4, "XPRESS") and LZNT1 (MS-XCA 2.5), as Windows compresses ETL buffers.
//!
//! What enters: the compressed bytes of one buffer. What leaves: its plain bytes, piece by piece, so that a buffer of
//! 16 MiB never has to be in memory at once: a match reaches back 8 KiB at most, so the caller only keeps that much
//! of what it has consumed. Guaranteed: never more output than announced, no read before its start, always an end.

/// How far back a match of plain LZ77 reaches (13 bits of distance, MS-XCA 2.4.4).
pub const HISTORY: usize = 8192;

/// Bytes of one LZNT1 chunk (MS-XCA 2.5.1.2); nothing reaches back over its start.
const LZNT1_CHUNK: usize = 4096;

/// Which of the two formats a stream is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Lz77,
    Lznt1,
}

/// A stream that is being unpacked.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    src: &'a [u8],
    at: usize,
    method: Method,
    /// Bytes still to be written.
    left: usize,
    /// Token bits not yet used, the next one in the highest place.
    flags: u32,
    flag_count: u32,
    /// Place of a byte of which the high nibble is still to be used as a length.
    half: Option<usize>,
    /// Rest of a match that did not fit into the last piece: (length, distance).
    open: (usize, usize),
    failed: Option<&'static str>,
}

impl<'a> Decoder<'a> {
    /// Unpacks `src`, which announces `want` bytes.
    pub fn new(src: &'a [u8], want: usize) -> Self {
        let method = if looks_lznt1(src) && !starts_as_lz77(src, want) { Method::Lznt1 } else { Method::Lz77 };
        Decoder { src, at: 0, method, left: want, flags: 0, flag_count: 0, half: None, open: (0, 0), failed: None }
    }

    /// True when no further byte will come.
    pub fn is_finished(&self) -> bool {
        self.left == 0 || self.failed.is_some()
    }

    /// Why the stream ended early, if it did.
    pub fn failure(&self) -> Option<&'static str> {
        self.failed
    }

    /// Compressed bytes read so far.
    pub fn consumed(&self) -> usize {
        self.at
    }

    /// Appends plain bytes until `out` holds `until` bytes or the stream ends. The last [`HISTORY`] bytes that this
    /// stream produced must still be at the end of `out` (fewer, if it has produced fewer).
    pub fn fill(&mut self, out: &mut Vec<u8>, until: usize) {
        // An LZNT1 chunk is unpacked whole, so `out` may grow 4 KiB beyond `until` there.
        match self.method {
            Method::Lz77 => self.fill_lz77(out, until),
            Method::Lznt1 => self.fill_lznt1(out, until),
        }
    }

    fn fail(&mut self, why: &'static str) {
        self.failed = Some(why);
    }

    fn fill_lz77(&mut self, out: &mut Vec<u8>, until: usize) {
        loop {
            let room = until.saturating_sub(out.len()).min(self.left);
            if room == 0 || self.failed.is_some() {
                return;
            }
            if self.open.0 > 0 {
                self.copy(out, room);
                continue;
            }
            if self.flag_count == 0 {
                let Some(bytes) = self.src.get(self.at..).and_then(|s| s.first_chunk::<4>()) else {
                    return self.fail("input ends inside the token flags");
                };
                self.flags = u32::from_le_bytes(*bytes);
                self.at += 4;
                self.flag_count = 32;
            }
            let run = (self.flags.leading_zeros()).min(self.flag_count) as usize;
            if run > 0 {
                let n = run.min(room);
                let rest = self.src.get(self.at..).unwrap_or(&[]);
                let piece = rest.get(..n).unwrap_or(rest);
                out.extend_from_slice(piece);
                self.at += piece.len();
                self.left -= piece.len();
                if piece.len() < n {
                    return self.fail("input ends inside a run of literals");
                }
                self.use_flags(n as u32);
                continue;
            }
            self.use_flags(1);
            match self.token() {
                Ok((length, distance)) => {
                    self.open = (length.min(self.left), distance);
                    self.copy(out, room);
                }
                Err(why) => return self.fail(why),
            }
        }
    }

    fn use_flags(&mut self, n: u32) {
        self.flags = self.flags.checked_shl(n).unwrap_or(0);
        self.flag_count = self.flag_count.saturating_sub(n);
    }

    fn byte(&mut self) -> Result<usize, &'static str> {
        let b = self.src.get(self.at).ok_or("input ends inside a match length")?;
        self.at += 1;
        Ok(usize::from(*b))
    }

    /// One match: length and distance.
    fn token(&mut self) -> Result<(usize, usize), &'static str> {
        let low = self.src.get(self.at..).and_then(|s| s.first_chunk::<2>()).ok_or("input ends inside a match")?;
        let symbol = usize::from(u16::from_le_bytes(*low));
        self.at += 2;
        let distance = (symbol >> 3) + 1;
        let mut length = symbol & 7;
        if length == 7 {
            length = match self.half.take() {
                // The byte was read before, so it is there.
                Some(place) => usize::from(self.src.get(place).copied().unwrap_or(0) >> 4),
                None => {
                    self.half = Some(self.at);
                    self.byte()? & 15
                }
            };
            if length == 15 {
                length = self.byte()?;
                if length == 255 {
                    length = self.byte()? | self.byte()? << 8;
                    if length == 0 {
                        let bytes = self.src.get(self.at..).and_then(|s| s.first_chunk::<4>());
                        length = u32::from_le_bytes(*bytes.ok_or("input ends inside a match length")?) as usize;
                        self.at += 4;
                    }
                    length = length.checked_sub(22).ok_or("impossible match length")?;
                }
                length = length.saturating_add(15);
            }
            length = length.saturating_add(7);
        }
        Ok((length.saturating_add(3), distance))
    }

    /// Copies as much of the open match as `room` allows.
    fn copy(&mut self, out: &mut Vec<u8>, room: usize) {
        let (length, distance) = self.open;
        let Some(start) = out.len().checked_sub(distance) else {
            return self.fail("a match reaches back over the start of the buffer");
        };
        let n = length.min(room);
        if distance >= n {
            out.extend_from_within(start..start + n);
        } else {
            // The match overlaps what it writes: repeat the pattern, doubling what can be copied each time.
            let mut todo = n;
            while todo > 0 {
                let piece = todo.min(out.len() - start);
                out.extend_from_within(start..start + piece);
                todo -= piece;
            }
        }
        self.left -= n;
        self.open.0 = length - n;
    }

    fn fill_lznt1(&mut self, out: &mut Vec<u8>, until: usize) {
        while out.len() < until && !self.is_finished() {
            let Some(bytes) = self.src.get(self.at..).and_then(|s| s.first_chunk::<2>()) else {
                return self.fail("input ends before an LZNT1 chunk");
            };
            let header = u16::from_le_bytes(*bytes);
            if header == 0 {
                return self.fail("LZNT1 data ends early");
            }
            let size = usize::from(header & 0x0FFF) + 1;
            let body = self.src.get(self.at + 2..).unwrap_or(&[]);
            let whole = body.len() >= size;
            let body = body.get(..size).unwrap_or(body);
            let start = out.len();
            let error = if header & 0x8000 == 0 {
                out.extend_from_slice(body.get(..body.len().min(LZNT1_CHUNK)).unwrap_or(body));
                None
            } else {
                lznt1_chunk(body, out).err()
            };
            let made = out.len() - start;
            if made > self.left {
                out.truncate(start + self.left);
            }
            self.left -= made.min(self.left);
            self.at += 2 + body.len();
            if let Some(why) = error {
                return self.fail(why);
            }
            if !whole {
                return self.fail("input ends inside an LZNT1 chunk");
            }
        }
    }
}

/// One compressed chunk of LZNT1 (MS-XCA 2.5.1.4).
fn lznt1_chunk(body: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let start = out.len();
    let mut at = 0;
    while let Some(&flags) = body.get(at) {
        at += 1;
        for bit in 0..8 {
            if at >= body.len() {
                return Ok(());
            }
            if flags >> bit & 1 == 0 {
                out.push(body.get(at).copied().unwrap_or(0));
                at += 1;
            } else {
                let low = body.get(at..).and_then(|s| s.first_chunk::<2>()).ok_or("input ends inside a match")?;
                let token = usize::from(u16::from_le_bytes(*low));
                at += 2;
                // The further into the chunk, the more bits the distance takes.
                let mut length_bits = 12;
                let mut reach = (out.len() - start).saturating_sub(1);
                while reach >= 0x10 {
                    length_bits -= 1;
                    reach >>= 1;
                }
                let distance = (token >> length_bits) + 1;
                let length = (token & ((1 << length_bits) - 1)) + 3;
                if distance > out.len() - start {
                    return Err("a match reaches back over the start of an LZNT1 chunk");
                }
                for _ in 0..length {
                    let b = out.get(out.len() - distance).copied().unwrap_or(0);
                    out.push(b);
                }
            }
            if out.len() - start > LZNT1_CHUNK {
                out.truncate(start + LZNT1_CHUNK);
                return Err("an LZNT1 chunk is longer than 4 KiB");
            }
        }
    }
    Ok(())
}

fn looks_lznt1(src: &[u8]) -> bool {
    src.first_chunk::<2>().is_some_and(|b| u16::from_le_bytes(*b) & 0x7000 == 0x3000)
}

/// Whether the first bytes decode as plain LZ77 to something that can be an event (bit 0x80 of the fourth byte).
fn starts_as_lz77(src: &[u8], want: usize) -> bool {
    let mut d = Decoder {
        src,
        at: 0,
        method: Method::Lz77,
        left: want,
        flags: 0,
        flag_count: 0,
        half: None,
        open: (0, 0),
        failed: None,
    };
    let mut out = Vec::new();
    d.fill(&mut out, want.min(64));
    d.failed.is_none() && out.get(3).is_some_and(|b| b & 0x80 != 0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Packs without looking for matches, as far as the format is concerned a valid stream.
    pub(crate) fn literal(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut pieces = data.chunks_exact(32);
        for p in &mut pieces {
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(p);
        }
        let rest = pieces.remainder();
        let ones = if rest.is_empty() { u32::MAX } else { (1u32 << (32 - rest.len())) - 1 };
        out.extend_from_slice(&ones.to_le_bytes());
        out.extend_from_slice(rest);
        out
    }

    fn whole(src: &[u8], want: usize) -> (Vec<u8>, Option<&'static str>) {
        let mut d = Decoder::new(src, want);
        let mut out = Vec::new();
        d.fill(&mut out, want);
        (out, d.failure())
    }

    /// The two examples of MS-XCA section 3.
    #[test]
    fn the_published_examples_unpack() {
        let abc = [
            0x3f, 0x00, 0x00, 0x00, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e,
            0x6f, 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
        ];
        assert_eq!(whole(&abc, 26), (b"abcdefghijklmnopqrstuvwxyz".to_vec(), None));
        let repeated = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0x00, 0x0f, 0xff, 0x26, 0x01];
        assert_eq!(whole(&repeated, 300), (b"abc".repeat(100), None));
    }

    #[test]
    fn a_stream_gives_the_same_bytes_in_pieces() {
        let repeated = [0xff, 0xff, 0xff, 0x1f, 0x61, 0x62, 0x63, 0x17, 0x00, 0x0f, 0xff, 0x26, 0x01];
        let mut d = Decoder::new(&repeated, 300);
        let mut out = Vec::new();
        for until in (7..=301).step_by(7) {
            d.fill(&mut out, until);
        }
        assert_eq!(out, b"abc".repeat(100));
        assert!(d.is_finished() && d.failure().is_none());
    }

    #[test]
    fn a_cut_stream_gives_its_prefix_and_says_so() {
        let data: Vec<u8> = (0..200u8).collect();
        let packed = literal(&data);
        for cut in 0..packed.len() {
            let (out, _) = whole(&packed[..cut], 200);
            assert!(data.starts_with(&out), "cut at {cut}");
            assert!(out.len() == 200 || whole(&packed[..cut], 200).1.is_some());
        }
    }

    #[test]
    fn a_bomb_stops_at_what_was_announced_and_bad_matches_are_refused() {
        // One literal, then a match of 4 GiB.
        let bomb = [0xff, 0xff, 0xff, 0x7f, 0x61, 0x07, 0x00, 0x0f, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff];
        let (out, why) = whole(&bomb, 1000);
        assert_eq!((out.len(), why), (1000, None));
        let early = [0xff, 0xff, 0xff, 0xff, 0x08, 0x00];
        assert_eq!(whole(&early, 10), (vec![], Some("a match reaches back over the start of the buffer")));
        let short = [0xff, 0xff, 0xff, 0x7f, 0x61, 0x07, 0x00, 0x0f, 0xff, 5, 0];
        assert_eq!(whole(&short, 10).1, Some("impossible match length"));
    }

    /// The example of MS-XCA 3.3, and a chunk that is stored.
    #[test]
    fn lznt1_unpacks() {
        let packed = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2, 0x47, 0x01, 0xa0, 0x45,
            0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4,
            0x02, 0x4a, 0x44, 0xef, 0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00,
            0x04, 0x01, 0x18, 0x90, 0x00,
        ];
        let text = "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G \
                    F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        assert_eq!(whole(&packed, text.len()), (text.as_bytes().to_vec(), None));
        assert_eq!(whole(&[0x02, 0x30, 1, 2, 3], 3), (vec![1, 2, 3], None));
        assert!(whole(&[0x02, 0x30, 1, 2], 3).1.is_some());
    }

    #[test]
    fn noise_neither_panics_nor_overruns() {
        let mut state = 0x1234_5678_9abc_def0_u64;
        for round in 0..3000 {
            let mut noise = Vec::new();
            for _ in 0..round % 97 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                noise.push((state >> 56) as u8);
            }
            assert!(whole(&noise, 5000).0.len() <= 5000);
        }
    }
}
