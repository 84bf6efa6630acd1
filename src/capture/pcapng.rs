//! pcapng: blocks → frames.
//!
//! What enters: a [`ByteSource`] at the first section header. What leaves: windows of frames, and in
//! [`CaptureInfo`] what the other blocks say: interfaces, drop counts, names, TLS secrets. Guaranteed: frames carry
//! the number that Wireshark shows, which also numbers custom, journal and Sysdig blocks; each section has its own
//! byte order and interfaces; the first block that cannot be right ends the reading with a problem that names its
//! offset.
//!
//! The format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>. Packet blocks are decoded here,
//! because they are the hot path and pcap-parser collects their options in a vector; it parses the rare blocks.
//! Options, time resolutions, sections and the end of reading are this module's own (the crate reads resolutions that
//! are powers of two and offsets in big-endian sections wrongly).

mod echo;
mod options;
mod section;

use super::{CaptureInfo, Direction, Format, Frame, FrameSource, Window};
use crate::bytes::Cursor;
use crate::error::Error;
use crate::input::{ByteSource, Room};
use crate::lang::Message;
use crate::limits;
use crate::message;
use echo::{Converter, Echo};
use options::Options;
use section::{Section, read_rare_block};
use std::path::PathBuf;

/// Block type of a section header; reads the same in both byte orders.
pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete, but written by old tools.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Type and length of an enhanced packet block, interface, time, and both lengths of the packet.
const ENHANCED_PACKET_HEADER_BYTES: usize = 28;

/// Type, length and length again.
const BLOCK_BYTES_MIN: usize = 12;

/// Reads pcapng.
#[derive(Debug)]
pub struct PcapngSource {
    source: ByteSource,
    window: usize,
    /// Bytes that the next block is known to need.
    need: usize,
    decoder: Decoder,
    done: bool,
}

/// Everything that decoding a block reads and changes.
#[derive(Debug, Default)]
struct Decoder {
    section: Section,
    info: CaptureInfo,
    /// Number of the last frame or numbered block.
    number: u64,
    echo: Echo,
    keep_duplicates: bool,
}

/// What became of a block.
enum Outcome<'a> {
    Frame(Frame<'a>),
    /// It was read or skipped.
    Taken,
    /// At least so many bytes are needed from its start on.
    Incomplete(usize),
    Damaged(Message),
}

impl PcapngSource {
    /// Checks that a section header is there. `window` is the number of bytes worked off at a time.
    ///
    /// # Errors
    /// When the input does not begin with a section header that can be read.
    pub fn new(mut source: ByteSource, window: usize) -> Result<PcapngSource, Error> {
        let window = window.max(BLOCK_BYTES_MIN);
        let mut want = BLOCK_BYTES_MIN;
        let info = CaptureInfo { format: Some(Format::PcapNg), ..CaptureInfo::default() };
        let mut decoder = Decoder { info, ..Decoder::default() };
        loop {
            let head = source.fill(want);
            let damaged =
                |offset: usize, reason| Err(Error::Damaged { path: PathBuf::new(), offset: offset as u64, reason });
            match decoder.step(head, true).0 {
                Outcome::Incomplete(need) if need > want && head.len() >= want => want = need,
                Outcome::Incomplete(_) => {
                    return damaged(
                        head.len(),
                        message!(
                            en: "the file ends within its first block",
                            ja: "ファイルが最初のブロックの途中で終わっています"
                        ),
                    );
                }
                Outcome::Damaged(reason) => return damaged(0, reason),
                Outcome::Taken | Outcome::Frame(_) => break,
            }
        }
        // The header is read again with the first window, so that one place only deals with it.
        let info = CaptureInfo { format: Some(Format::PcapNg), ..CaptureInfo::default() };
        let decoder = Decoder { info, ..Decoder::default() };
        Ok(PcapngSource { source, window, need: 0, decoder, done: false })
    }
}

impl PcapngSource {
    /// Hands out every copy of a packet that converters of Windows traces left, not only the first.
    pub fn keep_duplicates(mut self, keep: bool) -> Self {
        self.decoder.keep_duplicates = keep;
        self
    }
}

impl FrameSource for PcapngSource {
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
            if let Some((frame, size)) = self.decoder.plain_packet(rest) {
                self.decoder.info.count(&frame);
                frames.push(frame);
                at += size;
                continue;
            }
            let (outcome, size) = self.decoder.step(rest, false);
            match outcome {
                Outcome::Frame(frame) => {
                    if self.decoder.is_copy(&frame) {
                        self.decoder.info.duplicates += 1;
                        self.decoder.info.see_time(&frame);
                    } else {
                        self.decoder.info.count(&frame);
                        frames.push(frame);
                    }
                }
                Outcome::Taken => {}
                Outcome::Incomplete(need) => {
                    self.need = need;
                    if complete {
                        break false;
                    }
                    if !rest.is_empty() {
                        let (number, offset) = (self.decoder.number + 1, start + at as u64);
                        self.decoder.info.truncated = true;
                        super::note_truncated(&mut self.decoder.info.problems, number, offset);
                    }
                    break true;
                }
                Outcome::Damaged(reason) => {
                    let (number, offset) = (self.decoder.number + 1, start + at as u64);
                    let Message { en, ja } = reason;
                    self.decoder.info.problems.note("damaged_record", Some(number), Some(offset), || {
                        let en = format!("{en}; nothing behind it can be read");
                        Message { en, ja: format!("{ja}。これ以降は読めません") }
                    });
                    break true;
                }
            }
            at += size;
        };
        self.source.put_back(data, at);
        if self.done {
            super::note_broken_input(&self.source, &mut self.decoder.info);
        }
        Ok(Window { room, more: !self.done })
    }

    fn position(&self) -> u64 {
        self.source.position()
    }

    fn finish(self: Box<Self>) -> CaptureInfo {
        let mut info = self.decoder.info;
        info.lost = info.lost.saturating_add(self.decoder.section.lost());
        info
    }
}

impl Decoder {
    #[inline]
    fn is_copy(&mut self, frame: &Frame<'_>) -> bool {
        !self.keep_duplicates && self.echo.is_copy(frame, self.section.converter)
    }

    /// The short way for most blocks of most files: a whole enhanced packet block without options, of a writer that leaves
    /// no copies. For any other it does nothing.
    // Inlined, so that the frame is written once, where it stays.
    #[inline(always)]
    fn plain_packet<'a>(&mut self, data: &'a [u8]) -> Option<(Frame<'a>, usize)> {
        let section = &self.section;
        let (head, rest) = data.split_first_chunk::<ENHANCED_PACKET_HEADER_BYTES>()?;
        let fields = head.as_chunks::<4>().0;
        let &[kind, length, index, high, low, captured, original_len] = fields else { return None };
        let value = |bytes| section.order.value(bytes);
        let (length, captured) = (value(length) as usize, value(captured) as usize);
        let interface = section.interfaces.get(value(index) as usize)?;
        let (packet, behind) = rest.split_at_checked(captured)?;
        let (trailer, _) = behind.get(captured.wrapping_neg() & 3..)?.split_first_chunk::<4>()?;
        let plain = length == captured.next_multiple_of(4) + ENHANCED_PACKET_HEADER_BYTES + trailer.len();
        if value(kind) != ENHANCED_PACKET
            || !plain
            || value(*trailer) as usize != length
            || captured > super::frame_bytes_max(interface.link)
            || length > limits::RECORD_BYTES_MAX
            || section.converter != Converter::Other
        {
            return None;
        }
        self.number += 1;
        let ticks = u64::from(value(high)) << 32 | u64::from(value(low));
        let frame = Frame {
            number: self.number,
            time: interface.clock.time(ticks),
            timed: true,
            link: interface.link,
            data: packet,
            original_len: value(original_len).max(captured as u32),
            interface: interface.index,
            direction: Direction::Unknown,
            pid: None,
            tid: None,
            dropped: None,
        };
        Some((frame, length))
    }

    /// Decodes the block at the start of `data` and gives its size. `first`: it must be a section header.
    fn step<'a>(&mut self, data: &'a [u8], first: bool) -> (Outcome<'a>, usize) {
        let Some(header) = data.get(..BLOCK_BYTES_MIN) else {
            return (Outcome::Incomplete(BLOCK_BYTES_MIN), 0);
        };
        let mut c = Cursor::new(header);
        let is_section = c.peek(4) == Some(&SECTION_HEADER.to_le_bytes());
        if is_section {
            if let Err(reason) = self.section.set_order(header) {
                return (Outcome::Damaged(reason), 0);
            }
        } else if first {
            return (
                Outcome::Damaged(message!(
                    en: "the file does not begin with a section header",
                    ja: "ファイルがセクションヘッダーで始まっていません"
                )),
                0,
            );
        }
        let order = self.section.order;
        let (kind, length) = (order.u32(&mut c).unwrap_or(0), order.u32(&mut c).unwrap_or(0));
        let size = length as usize;
        if !(BLOCK_BYTES_MIN..=limits::RECORD_BYTES_MAX).contains(&size) {
            return (
                Outcome::Damaged(message!(
                    en: "a block claims a length of {length} bytes, which cannot be",
                    ja: "ブロック長が {length} バイトとなっており不正です"
                )),
                0,
            );
        }
        let Some(block) = data.get(..size) else {
            return (Outcome::Incomplete(size), 0);
        };
        let trailer = order.u32(&mut Cursor::new(block.get(size - 4..).unwrap_or(&[])));
        if trailer != Some(length) {
            let trailer = trailer.unwrap_or(0);
            return (
                Outcome::Damaged(message!(
                    en: "a block gives its length as {length} bytes in front and as {trailer} bytes at the end",
                    ja: "ブロックの先頭の長さ {length} と末尾の長さ {trailer} が一致しません"
                )),
                0,
            );
        }
        let body = block.get(8..size - 4).unwrap_or(&[]);
        (self.block(kind, body, block).unwrap_or_else(Outcome::Damaged), size)
    }

    fn block<'a>(&mut self, kind: u32, body: &'a [u8], block: &[u8]) -> Result<Outcome<'a>, Message> {
        match kind {
            ENHANCED_PACKET => self.enhanced_packet(body, false).map(Outcome::Frame),
            PACKET => self.enhanced_packet(body, true).map(Outcome::Frame),
            SIMPLE_PACKET => self.simple_packet(body).map(Outcome::Frame),
            SECTION_HEADER => self.section.begin(body, &mut self.info).map(|()| Outcome::Taken),
            INTERFACE_DESCRIPTION => self.section.add_interface(body, &mut self.info).map(|()| Outcome::Taken),
            // Custom blocks (copied or not by tools), a systemd journal entry, Sysdig events of all versions: no
            // packets, but Wireshark shows each as a frame.
            0xbad | 0x4000_0bad | 9 | 0x204 | 0x216 | 0x221 => {
                self.number += 1;
                Ok(Outcome::Taken)
            }
            _ => {
                read_rare_block(block, &mut self.section, &mut self.info);
                Ok(Outcome::Taken)
            }
        }
    }

    /// An enhanced packet block (section 4.3), or the obsolete packet block, which differs in its first eight bytes.
    #[inline]
    fn enhanced_packet<'a>(&mut self, body: &'a [u8], obsolete: bool) -> Result<Frame<'a>, Message> {
        let order = self.section.order;
        let mut c = Cursor::new(body);
        let mut fixed = || {
            let interface = if obsolete {
                let interface = u32::from(order.u16(&mut c)?);
                c.skip(2)?; // Drop count since the packet before; the statistics block says it better.
                interface
            } else {
                order.u32(&mut c)?
            };
            let ticks = u64::from(order.u32(&mut c)?) << 32 | u64::from(order.u32(&mut c)?);
            Some((interface, ticks, order.u32(&mut c)?, order.u32(&mut c)?))
        };
        let (index, ticks, captured, original_len) = fixed().ok_or_else(too_short)?;
        let Some(interface) = self.section.interfaces.get(index as usize) else {
            let known = self.section.interfaces.len();
            return Err(message!(
                en: "a packet belongs to interface {index}, but only {known} are described",
                ja: "パケットのインターフェイス番号は {index} ですが、記述されているのは {known} 個です"
            ));
        };
        let captured = captured as usize;
        if captured > super::frame_bytes_max(interface.link) {
            return Err(message!(
                en: "a packet block claims a frame of {captured} bytes, which cannot be",
                ja: "パケットブロックのフレーム長が {captured} バイトとなっており不正です"
            ));
        }
        let data = c.take(captured).ok_or_else(too_short)?;
        let padding = captured.wrapping_neg() & 3;
        let _ = c.skip(padding.min(c.remaining()));
        self.number += 1;
        let mut frame = Frame {
            number: self.number,
            time: interface.clock.time(ticks),
            timed: true,
            link: interface.link,
            data,
            original_len: original_len.max(captured as u32),
            interface: interface.index,
            direction: Direction::Unknown,
            pid: None,
            tid: None,
            dropped: None,
        };
        if !c.is_empty() {
            for option in Options::new(c.rest(), order) {
                self.section.packet_option(option?, &mut frame);
            }
        }
        Ok(frame)
    }

    /// A simple packet block (section 4.4): of the first interface, without a time.
    fn simple_packet<'a>(&mut self, body: &'a [u8]) -> Result<Frame<'a>, Message> {
        let mut c = Cursor::new(body);
        let original_len = self.section.order.u32(&mut c).ok_or_else(too_short)?;
        let Some(interface) = self.section.interfaces.first() else {
            return Err(message!(
                en: "a simple packet block without any interface",
                ja: "インターフェイスの記述がないのに単純パケットブロックがあります"
            ));
        };
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = original_len.min(limit) as usize;
        if captured > super::frame_bytes_max(interface.link) {
            return Err(too_short());
        }
        let data = c.take(captured).ok_or_else(too_short)?;
        self.number += 1;
        Ok(Frame {
            number: self.number,
            time: Default::default(),
            timed: false,
            link: interface.link,
            data,
            original_len,
            interface: interface.index,
            direction: Direction::Unknown,
            pid: None,
            tid: None,
            dropped: None,
        })
    }
}

fn too_short() -> Message {
    message!(en: "a packet block is too short for its packet", ja: "パケットブロックがパケット長に対して短すぎます")
}

#[cfg(test)]
mod tests {
    use super::super::DropMark;
    use super::*;

    /// Writes blocks in one byte order.
    struct Writer {
        big: bool,
        out: Vec<u8>,
    }

    impl Writer {
        fn u32(&self, v: u32) -> [u8; 4] {
            if self.big { v.to_be_bytes() } else { v.to_le_bytes() }
        }

        fn block(&mut self, kind: u32, body: &[u8]) {
            let length = self.u32((body.len().next_multiple_of(4) + 12) as u32);
            let kind = self.u32(kind);
            self.out.extend(kind);
            self.out.extend(length);
            self.out.extend(body);
            self.out.resize(self.out.len().next_multiple_of(4), 0);
            self.out.extend(length);
        }

        fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
            let u16 = |v: u16| if self.big { v.to_be_bytes() } else { v.to_le_bytes() };
            let mut out = [u16(code), u16(value.len() as u16)].concat();
            out.extend(value);
            out.resize(out.len().next_multiple_of(4), 0);
            out
        }

        fn section(&mut self) {
            let version = if self.big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
            let body = [&self.u32(0x1a2b_3c4d)[..], &version, &[0xff; 8]].concat();
            self.block(SECTION_HEADER, &body);
        }

        fn interface(&mut self, link: u16, options: &[u8]) {
            let u16 = |v: u16| if self.big { v.to_be_bytes() } else { v.to_le_bytes() };
            let body = [&u16(link)[..], &[0, 0], &self.u32(0), options].concat();
            self.block(INTERFACE_DESCRIPTION, &body);
        }

        fn packet(&mut self, interface: u32, ticks: u64, data: &[u8], options: &[u8]) {
            let length = self.u32(data.len() as u32);
            let mut body =
                [self.u32(interface), self.u32((ticks >> 32) as u32), self.u32(ticks as u32), length, length].concat();
            body.extend(data);
            body.resize(body.len().next_multiple_of(4), 0);
            body.extend(options);
            self.block(ENHANCED_PACKET, &body);
        }
    }

    type Copied = (u64, i64, Vec<u8>, u32, Direction, Option<u32>, Option<u32>, Option<DropMark>);

    fn read(bytes: &[u8], window: usize) -> Result<(Vec<Copied>, CaptureInfo), Error> {
        let mut source = PcapngSource::new(ByteSource::from_bytes(bytes.to_vec()), window)?;
        let mut all = Vec::new();
        let mut windows = 0;
        let mut take = |frames: &[Frame<'_>]| {
            for f in frames {
                all.push((f.number, f.time.0, f.data.to_vec(), f.interface, f.direction, f.pid, f.tid, f.dropped));
            }
        };
        while source.window(&mut take)? {
            windows += 1;
            assert!(windows <= 2 * bytes.len() + 2, "a window must advance");
        }
        Ok((all, Box::new(source).finish()))
    }

    /// A decoder that has read a section header and an interface.
    fn begun(big: bool) -> (Decoder, Writer) {
        let mut w = Writer { big, out: Vec::new() };
        w.section();
        let (first, mut decoder) = (w.out.len(), Decoder::default());
        w.interface(1, &[]);
        decoder.step(&w.out, true);
        decoder.step(&w.out[first..], false);
        w.out.clear();
        (decoder, w)
    }

    #[test]
    fn the_short_way_tells_what_the_long_one_does() {
        let mut short = 0;
        for big in [false, true] {
            for (length, options) in [(0, false), (1, false), (60, false), (62, false), (60, true)] {
                let (_, mut w) = begun(big);
                let options = if options { w.option(2, &[1, 0, 0, 0]) } else { Vec::new() };
                w.packet(0, 0x1_0000_0002, &vec![7; length], &options);
                for (at, change) in (0..w.out.len()).flat_map(|at| [0, 1, 4, 0x80].map(|change| (at, change))) {
                    let mut block = w.out.clone();
                    block[at] ^= change;
                    for bytes in [&block[..], &block[..at], &[&block[..], &block[..]].concat()] {
                        let ((mut one, _), (mut other, _)) = (begun(big), begun(big));
                        let Some((frame, size)) = one.plain_packet(bytes) else { continue };
                        short += 1;
                        let (Outcome::Frame(long), long_size) = other.step(bytes, false) else {
                            panic!("no frame: {bytes:?}");
                        };
                        assert_eq!((format!("{frame:?}"), size), (format!("{long:?}"), long_size));
                        assert_eq!(one.number, other.number);
                    }
                }
            }
        }
        assert!(short > 1_000, "{short}");
    }

    /// Two sections of different byte order, every kind of block, options in the manner of etl2pcapng.
    fn sample() -> Vec<u8> {
        let mut w = Writer { big: false, out: Vec::new() };
        w.section();
        let options = [w.option(2, b"eth:12:0"), w.option(3, b"Ethernet"), w.option(6, &[2; 6]), w.option(0, &[])];
        w.interface(1, &options.concat());
        let options = [w.option(9, &[9]), w.option(14, &(-3600i64).to_le_bytes())];
        w.interface(101, &options.concat());
        let options = [
            w.option(2, &2u32.to_le_bytes()),
            w.option(8, &[&w.u32(4711)[..], &w.u32(12)].concat()),
            w.option(1, b"PID=4711 TID=12"),
            w.option(0, &[]),
        ];
        w.packet(0, 1_700_000_000_000_001, b"first", &options.concat());
        let options = [w.option(7, &[2, 1, 0, 0, 0, 0, 0, 0, 0]), w.option(1, b"PID=-1 TID=7")];
        w.packet(1, 1_700_003_600_000_000_007, b"second", &options.concat());
        let simple = [&w.u32(3)[..], b"abc\0"].concat();
        w.block(SIMPLE_PACKET, &simple);
        w.block(0xbad, &[0; 8]);
        w.block(0x7777, b"who knows");
        let names = [&[1u8, 0, 9, 0, 10, 0, 0, 1][..], b"a.b\0", b"c\0\0\0", &[0; 4]].concat();
        w.block(4, &names);
        let secrets = [w.u32(0x544c_534b), w.u32(9)].concat();
        w.block(10, &[&secrets[..], b"CLIENT_RA\0\0\0"].concat());
        let statistics = [&[0; 12][..], &w.option(5, &4u64.to_le_bytes()), &w.option(7, &2u64.to_le_bytes())].concat();
        w.block(5, &statistics);
        w.big = true;
        w.section();
        let options = [w.option(9, &[0x80 | 10])];
        w.interface(113, &options.concat());
        w.packet(0, 1024 + 512, b"third", &[]);
        let mut old = [&[0, 0, 0xff, 0xff][..], &w.u32(0), &w.u32(2048), &w.u32(4), &w.u32(9)].concat();
        old.extend(b"olds");
        w.block(PACKET, &old);
        w.out
    }

    #[test]
    fn sections_interfaces_and_options_are_read() {
        let (frames, info) = read(&sample(), 1 << 20).unwrap();
        let second = 1_000_000_000;
        let dropped = Some(DropMark { component: 0, reason: 0, location: 0 });
        let expected: [Copied; 5] = [
            (1, 1_700_000_000 * second + 1000, b"first".to_vec(), 0, Direction::Outbound, Some(4711), Some(12), None),
            (
                2,
                1_700_000_000 * second + 7,
                b"second".to_vec(),
                1,
                Direction::Unknown,
                Some(u32::MAX),
                Some(7),
                dropped,
            ),
            (3, 0, b"abc".to_vec(), 0, Direction::Unknown, None, None, None),
            (5, second + second / 2, b"third".to_vec(), 2, Direction::Unknown, None, None, None),
            (6, 2 * second, b"olds".to_vec(), 2, Direction::Unknown, None, None, None),
        ];
        assert_eq!(frames, expected);
        assert_eq!(info.interfaces.len(), 3);
        assert_eq!(info.interfaces[0].if_index, Some(12));
        assert_eq!(info.interfaces[0].mac, Some([2; 6]));
        assert_eq!(info.interfaces[0].description.as_deref(), Some("Ethernet"));
        assert_eq!(info.lost, 6);
        assert_eq!(info.tls_secrets, b"CLIENT_RA\n");
        assert_eq!(info.names, [([10, 0, 0, 1].into(), "a.b".to_owned()), ([10, 0, 0, 1].into(), "c".to_owned())]);
        assert!(info.problems.is_empty(), "{:?}", info.problems);
        assert_eq!(info.frames, 5);
    }

    #[test]
    fn windows_of_any_size_give_the_same() {
        let bytes = sample();
        let whole = read(&bytes, 1 << 20).unwrap();
        for window in 1..200 {
            let part = read(&bytes, window).unwrap();
            assert_eq!(part.0, whole.0, "{window}");
            assert_eq!(part.1.problems, whole.1.problems);
        }
    }

    #[test]
    fn a_cut_at_any_length_is_told_and_keeps_what_was_whole() {
        let bytes = sample();
        let whole = read(&bytes, 1 << 20).unwrap().0;
        let mut seen = 0;
        for cut in 0..bytes.len() {
            match read(&bytes[..cut], 64) {
                Err(_) => assert!(cut < 28),
                Ok((frames, info)) => {
                    assert!(frames.len() >= seen && whole.starts_with(&frames));
                    assert_eq!(info.problems.get("truncated").is_some(), info.truncated);
                    seen = frames.len();
                }
            }
        }
        assert_eq!(seen, whole.len() - 1);
    }

    #[test]
    fn flipped_bits_never_panic() {
        let bytes = sample();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                if let (Ok(a), Ok(b)) = (read(&bytes, 1), read(&bytes, 1 << 20)) {
                    assert_eq!(a.0, b.0);
                    assert_eq!(a.1.problems, b.1.problems);
                }
            }
        }
    }

    #[test]
    fn a_length_that_differs_at_the_end_stops_the_reading() {
        let mut bytes = sample();
        let end = bytes.len();
        bytes[end - 1] ^= 4;
        let (frames, info) = read(&bytes, 1 << 20).unwrap();
        assert_eq!(frames.len(), 4);
        let problem = info.problems.get("damaged_record").unwrap();
        assert_eq!(problem.first_frame, Some(6));
        assert!(!info.truncated && problem.offset.is_some());
    }

    #[test]
    fn copies_that_packet_monitor_left_are_left_out_but_numbered() {
        let mut w = Writer { big: false, out: Vec::new() };
        let body = [&w.u32(0x1a2b_3c4d)[..], &[1, 0, 0, 0], &[0xff; 8], &w.option(4, b"Packet Monitor")].concat();
        w.block(SECTION_HEADER, &body);
        w.interface(1, &[]);
        for (micros, data) in [(10, b"one"), (11, b"one"), (12, b"two"), (13, b"one")] {
            w.packet(0, micros, data, &[]);
        }
        let (frames, info) = read(&w.out, 64).unwrap();
        assert_eq!(frames.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 3]);
        assert_eq!((info.frames, info.duplicates, info.last_time.unwrap().0), (2, 2, 13_000));
        let source = PcapngSource::new(ByteSource::from_bytes(w.out), 64).unwrap();
        let mut source = source.keep_duplicates(true);
        let mut count = 0;
        while source.window(&mut |frames| count += frames.len()).unwrap() {}
        assert_eq!(count, 4);
    }

    #[test]
    fn other_files_are_refused() {
        assert!(read(b"", 100).is_err());
        assert!(read(b"something else entirely, and long enough", 100).is_err());
    }
}
