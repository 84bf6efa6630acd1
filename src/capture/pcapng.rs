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
use crate::input::sniff::PCAPNG_SECTION as SECTION_HEADER;
use crate::input::{ByteSource, Room};
use crate::lang::Message;
use crate::limits;
use crate::message;
use echo::{Converter, Echo};
use options::Options;
use section::{Section, read_rare_block};
use std::path::PathBuf;

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
        Some((interface.frame(self.number, ticks, packet, value(original_len)), length))
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
        let mut frame = interface.frame(self.number, ticks, data, original_len);
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
mod tests;
