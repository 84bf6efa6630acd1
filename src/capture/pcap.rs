//! Classic pcap in all its variants: bytes → frames.
//!
//! What enters: a [`ByteSource`] at the file header. What leaves: windows of frames. Guaranteed: as many frames as
//! Wireshark shows; the first record that cannot be right ends the reading with a problem that names its offset.
//!
//! The format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>. The variants have no specification;
//! their magic numbers and record headers are those of libpcap and Wireshark. pcap-parser reads the
//! records of both byte orders; that a length is believable, that reading ends, and everything about variants is
//! decided here (its slice reader knows little-endian records only and repeats an error for ever).

use super::{ByteOrder, CaptureInfo, Direction, Format, Frame, FrameSource, Interface, LinkType, Window};
use crate::bytes::Cursor;
use crate::error::Error;
use crate::input::sniff::is_pcap_magic;
use crate::input::{ByteSource, Room};
use crate::limits;
use crate::message;
use crate::problem::Problems;
use crate::time::Timestamp;
use pcap_parser::pcap::{LegacyPcapBlock, parse_pcap_frame, parse_pcap_frame_be};
use std::path::PathBuf;

/// Bytes of the file header.
const FILE_HEADER_BYTES: usize = 24;
/// Bytes of a record header that all variants begin with.
const RECORD_HEADER_BYTES: usize = 16;
/// Original lengths above this are taken for nonsense when variants are told apart.
const ORIGINAL_BYTES_MAX: u32 = 128 << 20;
/// Records looked at to tell variants apart that share a magic number.
const TRIAL_RECORDS: usize = 3;
/// Bytes looked at for that: enough for three frames of the usual sizes.
const TRIAL_BYTES: usize = 64 << 10;

/// What the file header says about the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    order: ByteOrder,
    /// Units of the second part of the time in a second.
    units_per_second: u32,
    /// Bytes between the 16 common bytes of a record header and the frame.
    extra: usize,
    lengths: Lengths,
    link: LinkType,
    snaplen: u32,
    /// Where the first record begins.
    first_record: usize,
    version: (u16, u16),
}

/// The order of the two lengths in a record header: before version 2.3 the original length came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3 was written both ways; the larger of two unequal lengths is the original one.
    Either,
}

impl Lengths {
    /// (captured, original) out of the two in file order.
    fn sort(self, first: u32, second: u32) -> (u32, u32) {
        match self {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::Either => (first.min(second), first.max(second)),
        }
    }
}

/// One step through the records.
enum Step<'a> {
    Record {
        time: (Option<Timestamp>, bool),
        data: &'a [u8],
        original_len: u32,
        size: usize,
    },
    /// At least so many bytes are needed from here on.
    Incomplete(usize),
    /// The captured length cannot be right.
    TooLong(u32),
}

impl Layout {
    /// Reads the file header; `None` when it is not classic pcap or cut.
    fn parse(head: &[u8]) -> Option<Layout> {
        let mut c = Cursor::new(head);
        let (big_endian, magic) = match Cursor::new(head.get(..4)?).u32_le()? {
            m if is_pcap_magic(m) => (false, m),
            m if is_pcap_magic(m.swap_bytes()) => (true, m.swap_bytes()),
            _ => return None,
        };
        c.skip(4)?;
        let order = if big_endian { ByteOrder::Big } else { ByteOrder::Little };
        let version = (order.u16(&mut c)?, order.u16(&mut c)?);
        c.skip(8)?; // Time zone and accuracy: always zero in the field, and ignored by every reader.
        let (snaplen, network) = (order.u32(&mut c)?, order.u32(&mut c)?);
        let mut layout = Layout {
            order,
            units_per_second: match magic {
                0xa1b2_c3d4 | 0xa1b2_cd34 | 0x1c00_01ab => 1_000_000,
                _ => 1_000_000_000,
            },
            extra: 0,
            lengths: match version {
                (2, 0..=2) | (543, _) => Lengths::OriginalFirst,
                (2, 3) => Lengths::Either,
                _ => Lengths::CapturedFirst,
            },
            // Above the 16 bits of the link type are the length of a frame check sequence and reserved bits.
            link: LinkType(network as u16),
            snaplen,
            first_record: FILE_HEADER_BYTES,
            version,
        };
        if matches!(magic, 0x1c00_01ab | 0x1c00_01ac) {
            layout.first_record += 4; // Ixia counts the bytes of all records here.
        }
        // AIX writes version 2.2 with interface types of RFC 1573 instead of link types, and nanoseconds.
        if magic == 0xa1b2_c3d4 && version == (2, 2) {
            let link = match network {
                6 => Some(LinkType::ETHERNET),
                9 => Some(LinkType(6)),
                15 => Some(LinkType(10)),
                24 => Some(LinkType::NULL),
                _ => None,
            };
            if let Some(link) = link {
                layout.link = link;
                layout.units_per_second = 1_000_000_000;
            }
        }
        let candidates: &[usize] = match (magic, version) {
            (0xa1b2_c3d4, (2, 4)) => &[0, 8, 4], // standard, the 1999-04-17 patch, Nokia
            (0xa1b2_cd34, _) => &[8, 12],        // the patches of 1999-10-29 and 1999-09-15
            _ => &[0],
        };
        let records = head.get(layout.first_record..).unwrap_or(&[]);
        layout.extra = candidates.iter().copied().min_by_key(|&extra| layout.implausible(records, extra)).unwrap_or(0);
        Some(layout)
    }

    /// How many things are odd in the first records when the record header has `extra` more bytes; the first candidate
    /// with the fewest wins, so the standard layout only loses to one that fits better. That the last record is cut
    /// is odd only for the others: a standard file that was cut is likelier than a rare one that was not.
    fn implausible(&self, records: &[u8], extra: usize) -> u32 {
        let layout = Layout { extra, ..*self };
        let (mut at, mut odd) = (0, 0);
        for _ in 0..TRIAL_RECORDS {
            let rest = records.get(at..).unwrap_or(&[]);
            let Some(header) = rest.get(..RECORD_HEADER_BYTES) else {
                return odd + u32::from(extra > 0 && !rest.is_empty());
            };
            let Some(f) = layout.header_fields(header) else { return odd };
            odd += u32::from(f.fraction >= self.units_per_second)
                + u32::from(f.captured as usize > limits::FRAME_BYTES_MAX)
                + u32::from(f.captured > self.snaplen)
                + u32::from(f.original > ORIGINAL_BYTES_MAX)
                + u32::from(f.captured > f.original);
            if extra >= 8 {
                let mut c = Cursor::new(rest.get(RECORD_HEADER_BYTES..).unwrap_or(&[]));
                let (index, protocol) = (self.order.u32(&mut c), self.order.u16(&mut c));
                odd += u32::from(index.is_none_or(|i| i > 10_000));
                // An Ethertype or one of Linux's own numbers below it.
                odd += u32::from(protocol.is_none_or(|p| !matches!(p, 0..=0x17 | 0x60 | 0x200 | 0x400 | 0x600..)));
                odd += u32::from(c.u8().is_none_or(|packet_type| packet_type > 4));
            }
            at = at.saturating_add(RECORD_HEADER_BYTES + extra).saturating_add(f.captured as usize);
            if at > records.len() {
                return odd + u32::from(extra > 0);
            }
        }
        odd
    }

    fn header_fields(&self, header: &[u8]) -> Option<HeaderFields> {
        let mut c = Cursor::new(header);
        let mut u32 = || self.order.u32(&mut c);
        let (_seconds, fraction, a, b) = (u32()?, u32()?, u32()?, u32()?);
        let (captured, original) = self.lengths.sort(a, b);
        Some(HeaderFields { fraction, captured, original })
    }

    fn frame_bytes_max(&self) -> usize {
        super::frame_bytes_max(self.link)
    }

    /// The record at the start of `data`.
    #[inline]
    fn step<'a>(&self, data: &'a [u8]) -> Step<'a> {
        let Some(header) = data.get(..RECORD_HEADER_BYTES) else {
            return Step::Incomplete(RECORD_HEADER_BYTES);
        };
        if self.extra == 0 && self.lengths == Lengths::CapturedFirst {
            // The common case: pcap-parser's record, once its length is believed.
            let length = header.last_chunk::<8>().and_then(|b| b.first_chunk::<4>().copied()).unwrap_or_default();
            let big_endian = self.order == ByteOrder::Big;
            let captured = self.order.value(length);
            if captured as usize > self.frame_bytes_max() {
                return Step::TooLong(captured);
            }
            let size = RECORD_HEADER_BYTES + captured as usize;
            let parsed = if big_endian { parse_pcap_frame_be(data) } else { parse_pcap_frame(data) };
            return match parsed {
                Ok((_, LegacyPcapBlock { ts_sec, ts_usec, origlen, data, .. })) => {
                    Step::Record { time: self.time(ts_sec, ts_usec), data, original_len: origlen, size }
                }
                Err(_) => Step::Incomplete(size),
            };
        }
        let mut c = Cursor::new(header);
        let mut u32 = || self.order.u32(&mut c).unwrap_or_default();
        let (seconds, fraction, a, b) = (u32(), u32(), u32(), u32());
        let (captured, original_len) = self.lengths.sort(a, b);
        if captured as usize > self.frame_bytes_max() {
            return Step::TooLong(captured);
        }
        let start = RECORD_HEADER_BYTES + self.extra;
        let size = start + captured as usize;
        match data.get(start..size) {
            Some(data) => Step::Record { time: self.time(seconds, fraction), data, original_len, size },
            None => Step::Incomplete(size),
        }
    }

    /// The time, and whether it is what the writer can have meant. With a fraction of a second or more it is not; then
    /// it is what Wireshark shows, which multiplies in 32 bits, or none where that is no time either.
    #[inline]
    fn time(&self, seconds: u32, fraction: u32) -> (Option<Timestamp>, bool) {
        let valid = fraction < self.units_per_second;
        let nanos = fraction.wrapping_mul(1_000_000_000 / self.units_per_second);
        let time = (valid || nanos < 1_000_000_000).then(|| Timestamp::from_parts(seconds.into(), nanos.into()));
        (time, valid)
    }
}

struct HeaderFields {
    fraction: u32,
    captured: u32,
    original: u32,
}

/// Reads classic pcap.
#[derive(Debug)]
pub struct PcapSource {
    source: ByteSource,
    window: usize,
    /// Bytes that the next record is known to need.
    need: usize,
    layout: Layout,
    info: CaptureInfo,
    done: bool,
}

impl PcapSource {
    /// Reads the file header. `window` is the number of bytes worked off at a time.
    ///
    /// # Errors
    /// When the file header is not there.
    pub fn new(mut source: ByteSource, window: usize) -> Result<PcapSource, Error> {
        let window = window.max(FILE_HEADER_BYTES + 4);
        // Variants are told apart by their first records, so more than the header is looked at.
        let head = source.fill(window.max(TRIAL_BYTES));
        let found = head.len();
        let Some(layout) = Layout::parse(head) else {
            return Err(Error::Damaged {
                path: PathBuf::new(),
                offset: found.min(FILE_HEADER_BYTES) as u64,
                reason: message!(
                    en: "the file header of a pcap capture is cut or unknown",
                    ja: "pcap のファイルヘッダーが途中で切れているか、未知の形式です"
                ),
            });
        };
        source.consume(layout.first_record);
        let mut info = CaptureInfo { format: Some(Format::Pcap), ..CaptureInfo::default() };
        info.interfaces.push(Interface { link: layout.link.0, snaplen: layout.snaplen, ..Interface::default() });
        if !matches!(layout.version.0, 2 | 543) {
            let (major, minor) = layout.version;
            info.problems.note("unknown_version", None, Some(4), || {
                message!(
                    en: "pcap version {major}.{minor} is unknown; read as 2.4",
                    ja: "pcap バージョン {major}.{minor} は未知です。2.4 として読みました"
                )
            });
        }
        Ok(PcapSource { source, window, need: 0, layout, info, done: false })
    }
}

impl FrameSource for PcapSource {
    fn read<'w>(&mut self, room: &'w mut Room, frames: &mut Vec<Frame<'w>>) -> Result<Window<'w>, Error> {
        if self.done {
            return Ok(Window { room, more: false });
        }
        let start = self.source.position();
        let want = self.window.max(self.need);
        let (room, data) = self.source.take(room, want);
        let complete = data.len() >= want;
        let mut at = 0;
        self.done = loop {
            let rest = data.get(at..).unwrap_or(&[]);
            match self.layout.step(rest) {
                Step::Record { time: (time, valid), data, original_len, size } => {
                    let frame = Frame {
                        number: self.info.frames + 1,
                        time: time.unwrap_or_default(),
                        timed: time.is_some(),
                        link: self.layout.link,
                        data,
                        original_len: original_len.max(data.len() as u32),
                        interface: 0,
                        direction: Direction::Unknown,
                        pid: None,
                        tid: None,
                        dropped: None,
                    };
                    self.info.count(&frame);
                    if !valid {
                        let offset = start + at as u64;
                        note_bad_time(&mut self.info.problems, frame.number, offset);
                    }
                    frames.push(frame);
                    at += size;
                }
                Step::Incomplete(need) => {
                    self.need = need;
                    if complete {
                        break false;
                    }
                    if !rest.is_empty() {
                        let (number, offset) = (self.info.frames + 1, start + at as u64);
                        self.info.truncated = true;
                        super::note_truncated(&mut self.info.problems, number, offset);
                    }
                    break true;
                }
                Step::TooLong(length) => {
                    let (number, offset) = (self.info.frames + 1, start + at as u64);
                    self.info.problems.note("damaged_record", Some(number), Some(offset), || {
                        message!(
                            en: "the record claims a frame of {length} bytes, which cannot be; nothing behind it can be read",
                            ja: "レコードのフレーム長が {length} バイトとなっており不正です。これ以降は読めません"
                        )
                    });
                    break true;
                }
            }
        };
        self.source.put_back(data, at);
        if self.done {
            super::note_broken_input(&self.source, &mut self.info);
        }
        Ok(Window { room, more: !self.done })
    }

    fn position(&self) -> u64 {
        self.source.position()
    }

    fn finish(self: Box<Self>) -> CaptureInfo {
        self.info
    }
}

fn note_bad_time(problems: &mut Problems, number: u64, offset: u64) {
    problems.note("invalid_time", Some(number), Some(offset), || {
        message!(
            en: "the time of the frame has a fraction of a second or more and cannot be relied on",
            ja: "フレームの時刻の小数部が 1 秒以上です。時刻は信頼できません"
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one magic number and frames of the given lengths; `extra` bytes follow each record header.
    fn file(magic: u32, big_endian: bool, version: (u16, u16), extra: &[u8], lengths: &[u32]) -> Vec<u8> {
        let u32 = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let u16 = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = Vec::new();
        out.extend(u32(magic));
        out.extend(u16(version.0));
        out.extend(u16(version.1));
        for v in [0, 0, 65_535, 1] {
            out.extend(u32(v));
        }
        if matches!(magic, 0x1c00_01ab | 0x1c00_01ac) {
            out.extend(u32(0));
        }
        for (i, length) in lengths.iter().enumerate() {
            let lengths = if version.1 < 3 { [length + 4, *length] } else { [*length, length + 4] };
            for v in [1_700_000_000 + i as u32, 5, lengths[0], lengths[1]] {
                out.extend(u32(v));
            }
            out.extend(extra);
            out.extend((0..*length).map(|b| b as u8));
        }
        out
    }

    fn read(bytes: &[u8], window: usize) -> Result<(Vec<(u64, i64, Vec<u8>, u32)>, CaptureInfo), Error> {
        let mut source = PcapSource::new(ByteSource::from_bytes(bytes.to_vec()), window)?;
        let mut all = Vec::new();
        let mut windows = 0;
        let mut take = |frames: &[Frame<'_>]| {
            all.extend(frames.iter().map(|f| (f.number, f.time.0, f.data.to_vec(), f.original_len)));
        };
        while source.window(&mut take)? {
            windows += 1;
            assert!(windows <= 2 * bytes.len() + 2, "a window must advance");
        }
        Ok((all, Box::new(source).finish()))
    }

    #[test]
    fn every_variant_gives_the_same_frames() {
        let lengths = [60, 0, 1514, 61, 7];
        let patched = [3, 0, 0, 0, 0, 8, 0, 0];
        let patched_be = [0, 0, 0, 3, 8, 0, 0, 0];
        let smp = [3, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0];
        let cases: [(u32, bool, (u16, u16), &[u8], i64); 12] = [
            (0xa1b2_c3d4, false, (2, 4), &[], 5000),
            (0xa1b2_c3d4, true, (2, 4), &[], 5000),
            (0xa1b2_3c4d, false, (2, 4), &[], 5),
            (0xa1b2_3c4d, true, (2, 4), &[], 5),
            (0xa1b2_c3d4, false, (2, 2), &[], 5000),
            (0xa1b2_c3d4, true, (2, 3), &[], 5000),
            (0xa1b2_c3d4, false, (2, 4), &patched, 5000),
            (0xa1b2_c3d4, false, (2, 4), &[1, 2, 3, 4], 5000),
            (0xa1b2_cd34, false, (2, 4), &patched, 5000),
            (0xa1b2_cd34, true, (2, 4), &patched_be, 5000),
            (0xa1b2_cd34, false, (2, 4), &smp, 5000),
            (0x1c00_01ac, true, (2, 4), &[], 5),
        ];
        for (magic, big_endian, version, extra, nanos) in cases {
            let bytes = file(magic, big_endian, version, extra, &lengths);
            for window in [1, 100, 4096, 1 << 20] {
                let (frames, info) = read(&bytes, window).unwrap();
                let name = format!("{magic:#x} {version:?} {} {window}", extra.len());
                assert_eq!(frames.len(), lengths.len(), "{name}");
                for (i, (number, time, data, original_len)) in frames.iter().enumerate() {
                    assert_eq!(*number, i as u64 + 1, "{name}");
                    assert_eq!(*time, (1_700_000_000 + i as i64) * 1_000_000_000 + nanos, "{name}");
                    assert_eq!(data.len() as u32, lengths[i], "{name}");
                    assert_eq!(*original_len, lengths[i] + 4, "{name}");
                }
                assert!(info.problems.is_empty() && !info.truncated, "{name}");
            }
        }
    }

    #[test]
    fn aix_files_have_interface_types_and_nanoseconds() {
        let mut bytes = file(0xa1b2_c3d4, true, (2, 2), &[], &[60]);
        bytes[23] = 6;
        let layout = Layout::parse(&bytes).unwrap();
        assert_eq!((layout.link, layout.units_per_second), (LinkType::ETHERNET, 1_000_000_000));
    }

    #[test]
    fn a_cut_at_any_length_keeps_the_whole_records_before_it() {
        let bytes = file(0xa1b2_c3d4, false, (2, 4), &[], &[20, 30, 40]);
        let ends = [24, 60, 106, 162];
        for cut in 0..bytes.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
            match read(&bytes[..cut], 64) {
                Err(_) => assert!(cut < 24),
                Ok((frames, info)) => {
                    assert_eq!(frames.len(), whole, "{cut}");
                    assert_eq!(info.truncated, !ends.contains(&cut), "{cut}");
                    assert_eq!(info.problems.get("truncated").is_some(), info.truncated);
                }
            }
        }
    }

    #[test]
    fn an_impossible_length_ends_the_reading_with_its_offset() {
        let mut bytes = file(0xa1b2_c3d4, false, (2, 4), &[], &[20, 30, 40, 50, 60, 70]);
        let third = 24 + 36 + 46;
        bytes[third + 10] = 0x42;
        let (frames, info) = read(&bytes, 1 << 20).unwrap();
        assert_eq!(frames.len(), 2);
        let problem = info.problems.get("damaged_record").unwrap();
        assert_eq!((problem.first_frame, problem.offset), (Some(3), Some(third as u64)));
        assert!(!info.truncated);
    }

    #[test]
    fn flipped_bits_never_panic_and_windows_do_not_matter() {
        for extra in [&[][..], &[3, 0, 0, 0, 0, 8, 0, 0]] {
            let bytes = file(0xa1b2_c3d4, false, (2, 4), extra, &[20, 30, 40]);
            for at in 0..bytes.len() {
                for bit in 0..8 {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= 1 << bit;
                    let (Ok(a), Ok(b)) = (read(&bytes, 1), read(&bytes, 1 << 20)) else { continue };
                    assert_eq!(a.0, b.0);
                    assert_eq!(a.1.problems, b.1.problems);
                }
            }
        }
    }

    #[test]
    fn a_time_without_a_meaning_is_noted() {
        let mut bytes = file(0xa1b2_3c4d, false, (2, 4), &[], &[20]);
        bytes[28..32].copy_from_slice(&1_000_000_000u32.to_le_bytes());
        let (frames, info) = read(&bytes, 100).unwrap();
        assert_eq!(frames.len(), 1);
        assert!(info.problems.get("invalid_time").is_some() && info.first_time.is_none());
    }
}
