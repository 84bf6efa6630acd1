//! Microsoft Network Monitor 1.x and 2.x (`.cap`): bytes → frames.
//!
//! What enters: a whole file, because its frame table stands at the end. What leaves: windows of frames in the order
//! of that table, which is the order Wireshark shows. Guaranteed: event, filter and adapter records are numbered where
//! Wireshark numbers them, but are no frames; a file whose table was never written (the capture was cut off) is read
//! from its first record on.
//!
//! The format is described in the help of Network Monitor 3.4; its gaps are filled as Wireshark reads it. Integers
//! are little-endian.

use super::{CaptureInfo, Direction, Format, Frame, FrameSource, Interface, LinkType, Window};
use crate::bytes::Cursor;
use crate::error::Error;
use crate::input::{Bytes, Room};
use crate::lang::Message;
use crate::limits;
use crate::message;
use crate::time::Timestamp;
use std::path::PathBuf;

/// Where the first record stands when there is no frame table.
const FIRST_RECORD: u32 = 128;
/// Processes taken from the file's table.
const PROCESSES_MAX: u32 = 65_536;
/// Nanoseconds from 1601 to 1970, in units of 100.
const FILETIME_1970: u64 = 116_444_736_000_000_000;

/// Reads Network Monitor captures.
#[derive(Debug)]
pub struct NetmonSource {
    bytes: Bytes,
    window: usize,
    header: Header,
    /// Process ids in the order of the table that frames point into.
    pids: Vec<u32>,
    next: Next,
    number: u64,
    consumed: u64,
    info: CaptureInfo,
    done: bool,
}

/// Where the next record is.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// Entry of the frame table, which has `count` entries at `table`.
    Entry { index: u32, table: u32, count: u32 },
    /// Directly behind the record before.
    Offset(u32),
}

#[derive(Debug, Clone, Copy)]
struct Header {
    major: u8,
    minor: u8,
    link: Option<Medium>,
    start: Timestamp,
    table: u32,
    table_bytes: u32,
    processes: u32,
    process_count: u32,
}

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Medium {
    Link(LinkType),
    /// 802.11 behind a header of Network Monitor's own.
    Wifi,
    /// No packet, but Wireshark shows it as a frame.
    Shown,
    /// No packet, and Wireshark leaves it out.
    Hidden,
    Unknown,
}

impl Medium {
    fn of(network: u16, in_header: bool) -> Medium {
        match network {
            1 => Medium::Link(LinkType::ETHERNET),
            2 => Medium::Link(LinkType(6)),
            3 => Medium::Link(LinkType(10)),
            6 => Medium::Wifi,
            // Tunnels, mobile broadband and raw IP.
            7..=9 => Medium::Link(LinkType::RAW),
            // Events of Windows, the adapter list of later versions, the capture filter.
            0xffe0 | 0xfffb | 0xffff if !in_header => Medium::Shown,
            // Reassembled payload, adapter list, cache of names.
            0xfffc..=0xfffe if !in_header => Medium::Hidden,
            0xe080 => Medium::Link(LinkType::IEEE802_11),
            // Events of Message Analyzer.
            0xe081..=0xe08a => Medium::Shown,
            // A converted pcap file.
            0xe000..=0xefff => Medium::Link(LinkType(network & 0x0fff)),
            _ => Medium::Unknown,
        }
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Header> {
        let mut c = Cursor::new(bytes);
        c.skip(4)?;
        let (minor, major, network) = (c.u8()?, c.u8()?, c.u16_le()?);
        // SYSTEMTIME: year, month, day of the week, day, hour, minute, second, millisecond.
        let mut part = || c.u16_le().map(i64::from);
        let (year, month, _, day) = (part()?, part()?, part()?, part()?);
        let (hour, minute, second, milli) = (part()?, part()?, part()?, part()?);
        let start = Timestamp::from_civil(year, month, day, hour * 3600 + minute * 60 + second, milli * 1_000_000);
        let (table, table_bytes) = (c.u32_le()?, c.u32_le()?);
        c.skip(16)?;
        let (processes, process_count) = (c.u32_le()?, c.u32_le()?);
        let link = Some(Medium::of(network, true)).filter(|m| *m != Medium::Unknown);
        Some(Header { major, minor, link, start, table, table_bytes, processes, process_count })
    }

    /// Version 2.`minor` or later.
    fn since(&self, minor: u8) -> bool {
        self.major > 2 || self.major == 2 && self.minor >= minor
    }

    fn trailer_bytes(&self) -> usize {
        match self {
            h if h.since(3) => 15,
            h if h.since(2) => 6,
            h if h.since(1) => 2,
            _ => 0,
        }
    }
}

/// One record as the file has it.
struct Record<'a> {
    time: Timestamp,
    original_len: u32,
    data: &'a [u8],
    medium: Medium,
    process: Option<u32>,
    size: usize,
}

enum Found<'a> {
    Record(Record<'a>),
    Cut,
    Damaged(u32),
}

impl NetmonSource {
    /// Reads header and tables. `window` is the number of bytes worked off at a time.
    ///
    /// # Errors
    /// When the file header is cut or of another version.
    pub fn new(bytes: Bytes, window: usize) -> Result<NetmonSource, Error> {
        let header = Header::read(&bytes).filter(|h| matches!(h.major, 1 | 2));
        let Some(header) = header else {
            return Err(Error::Damaged {
                path: PathBuf::new(),
                offset: 0,
                reason: message!(
                    en: "the file header of a Network Monitor capture is cut or of an unknown version",
                    ja: "Network Monitor のファイルヘッダーが途中で切れているか、未知のバージョンです"
                ),
            });
        };
        let mut info = CaptureInfo { format: Some(Format::Netmon), ..CaptureInfo::default() };
        let mut pids = Vec::new();
        if header.since(2) {
            read_processes(&bytes, &header, &mut pids, &mut info);
        }
        if !header.since(3) {
            info.problems.note("local_time", None, None, || {
                message!(
                    en: "this version of the format gives times of the captured machine's own clock without its time zone; they are taken as UTC",
                    ja: "この形式のバージョンでは、時刻はキャプチャした端末の現地時刻で、タイムゾーンが記録されません。UTC として扱います"
                )
            });
        }
        let table = bytes.get(header.table as usize..).unwrap_or(&[]);
        let count = header.table_bytes / 4;
        let next = if count == 0 || header.table < FIRST_RECORD || table.len() < 4 {
            info.truncated = true;
            super::note_truncated(&mut info.problems, 1, u64::from(header.table));
            Next::Offset(FIRST_RECORD)
        } else {
            Next::Entry { index: 0, table: header.table, count }
        };
        Ok(NetmonSource { bytes, window, header, pids, next, number: 0, consumed: 0, info, done: false })
    }
}

/// The process table (version 2.2): path, icon, pid, ports and addresses of each.
fn read_processes(bytes: &[u8], header: &Header, pids: &mut Vec<u32>, info: &mut CaptureInfo) {
    let mut c = Cursor::new(bytes.get(header.processes as usize..).unwrap_or(&[]));
    if header.processes == 0 || c.skip(2).is_none() {
        return;
    }
    let mut entry = || {
        let path_bytes = c.u32_le()? as usize;
        let path = c.take(path_bytes)?;
        let icon_bytes = c.u32_le()? as usize;
        c.skip(icon_bytes)?;
        let pid = c.u32_le()?;
        c.skip(2 * 4 + 4 + 2 * 16)?;
        let units = path.chunks_exact(2).filter_map(|b| b.try_into().ok()).map(u16::from_le_bytes);
        let path = String::from_utf16_lossy(&units.take_while(|u| *u != 0).take(1024).collect::<Vec<_>>());
        Some((pid, path))
    };
    for _ in 0..header.process_count.min(PROCESSES_MAX) {
        let Some((pid, path)) = entry() else { return };
        pids.push(pid);
        let name = path.rsplit('\\').next().unwrap_or(&path);
        if !name.is_empty() && !info.processes.iter().any(|(known, _)| *known == pid) {
            info.processes.push((pid, name.to_owned()));
        }
    }
}

/// The record at `offset`.
fn record<'a>(bytes: &'a [u8], header: &Header, offset: u32) -> Found<'a> {
    let mut c = Cursor::new(bytes.get(offset as usize..).unwrap_or(&[]));
    let mut fixed = || {
        Some(if header.major == 1 {
            let millis = c.u32_le()?;
            let (original, captured) = (u32::from(c.u16_le()?), u32::from(c.u16_le()?));
            (i64::from(millis).saturating_mul(1_000_000), original, captured)
        } else {
            // Microseconds, unsigned by the documentation; times ten they are a signed number of 100 nanoseconds.
            let micros = c.u64_le()?;
            let delta = (micros.wrapping_mul(10) as i64).saturating_mul(100);
            (delta, c.u32_le()?, c.u32_le()?)
        })
    };
    let Some((delta, original_len, captured)) = fixed() else { return Found::Cut };
    if captured as usize > limits::FRAME_BYTES_MAX {
        return Found::Damaged(captured);
    }
    let Some(data) = c.take(captured as usize) else { return Found::Cut };
    let Some(trailer) = c.take(header.trailer_bytes()) else { return Found::Cut };
    let mut t = Cursor::new(trailer);
    let medium = match t.u16_le() {
        Some(network) => Medium::of(network, false),
        None => header.link.unwrap_or(Medium::Unknown),
    };
    let process = t.u32_le();
    let time = match t.u64_le() {
        Some(filetime) => Timestamp((filetime.wrapping_sub(FILETIME_1970) as i64).saturating_mul(100)),
        None => header.start.plus(delta),
    };
    Found::Record(Record { time, original_len, data, medium, process, size: c.position() })
}

impl NetmonSource {
    /// Index of the interface for a link type: the file has adapters, but not which frame came over which.
    fn interface(info: &mut CaptureInfo, link: LinkType) -> u32 {
        let known = info.interfaces.iter().position(|i| i.link == link.0);
        let index = known.unwrap_or_else(|| {
            info.interfaces.push(Interface { link: link.0, ..Interface::default() });
            info.interfaces.len() - 1
        });
        u32::try_from(index).unwrap_or(0)
    }
}

impl FrameSource for NetmonSource {
    fn read<'w>(&mut self, room: &'w mut Room, frames: &mut Vec<Frame<'w>>) -> Result<Window<'w>, Error> {
        room.clear();
        room.share(&self.bytes);
        let room: &'w Room = room;
        let bytes = room.shared();
        if self.done {
            return Ok(Window { room, more: false });
        }
        let mut held = 0;
        self.done = loop {
            if held >= self.window {
                break false;
            }
            let offset = match self.next {
                Next::Entry { index, count, .. } if index >= count => break true,
                Next::Entry { index, table, count } => {
                    let at = (table as usize).saturating_add(index as usize * 4);
                    self.next = Next::Entry { index: index.saturating_add(1), table, count };
                    match bytes.get(at..).and_then(|b| Cursor::new(b).u32_le()) {
                        Some(offset) => offset,
                        None => {
                            self.info.truncated = true;
                            super::note_truncated(&mut self.info.problems, self.number + 1, at as u64);
                            break true;
                        }
                    }
                }
                Next::Offset(offset) if offset as usize >= bytes.len() => break true,
                Next::Offset(offset) => offset,
            };
            let record = match record(bytes, &self.header, offset) {
                Found::Record(record) => record,
                Found::Cut => {
                    self.info.truncated = true;
                    super::note_truncated(&mut self.info.problems, self.number + 1, offset.into());
                    break true;
                }
                Found::Damaged(length) => {
                    self.info
                        .problems
                        .note("damaged_record", Some(self.number + 1), Some(offset.into()), || damaged(length));
                    break true;
                }
            };
            // An entry costs its four bytes at least, so that a table of equal entries ends a window as well.
            held += record.size + 4;
            self.consumed = self.consumed.max(u64::from(offset) + record.size as u64);
            if let Next::Offset(_) = self.next {
                self.next = Next::Offset(offset.saturating_add(u32::try_from(record.size).unwrap_or(u32::MAX)));
            }
            let (link, data) = match record.medium {
                Medium::Hidden => continue,
                Medium::Shown => {
                    self.number += 1;
                    continue;
                }
                Medium::Link(link) => (link, record.data),
                Medium::Wifi => (LinkType::IEEE802_11, behind_wifi_header(record.data)),
                Medium::Unknown => {
                    self.number += 1;
                    let number = self.number;
                    self.info.problems.note("unknown_link_type", Some(number), Some(offset.into()), || {
                        message!(
                            en: "records of a medium that is not known were left out",
                            ja: "未知のメディア種別のレコードを除外しました"
                        )
                    });
                    continue;
                }
            };
            self.number += 1;
            let skipped = record.data.len() - data.len();
            let original_len = record.original_len.saturating_sub(skipped as u32).max(data.len() as u32);
            let frame = Frame {
                number: self.number,
                time: record.time,
                timed: true,
                link,
                data,
                original_len,
                interface: NetmonSource::interface(&mut self.info, link),
                direction: Direction::Unknown,
                pid: record.process.and_then(|index| self.pids.get(index as usize)).copied(),
                tid: None,
                dropped: None,
            };
            self.info.count(&frame);
            frames.push(frame);
        };
        Ok(Window { room, more: !self.done })
    }

    fn position(&self) -> u64 {
        self.consumed
    }

    fn finish(self: Box<Self>) -> CaptureInfo {
        self.info
    }
}

fn damaged(length: u32) -> Message {
    message!(
        en: "the record claims a frame of {length} bytes, which cannot be; nothing behind it can be read",
        ja: "レコードのフレーム長が {length} バイトとなっており不正です。これ以降は読めません"
    )
}

/// The frame behind Network Monitor's own 802.11 header: version, length of the header, and so on.
fn behind_wifi_header(data: &[u8]) -> &[u8] {
    let mut c = Cursor::new(data);
    let length = c.u8().and_then(|_| c.u16_le()).map_or(0, usize::from);
    data.get(length..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of version `major`.`minor` with frames of these lengths; the frame table lists them backwards, the
    /// second record is an event and the third hidden where the version knows that.
    fn file(major: u8, minor: u8, lengths: &[u32]) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(if major == 1 { b"RTSS" } else { b"GMBU" });
        out.extend([minor, major, 1, 0]);
        for part in [2026u16, 11, 0, 22, 15, 46, 5, 250] {
            out.extend(part.to_le_bytes());
        }
        out.resize(128, 0);
        let mut offsets = Vec::new();
        for (i, length) in lengths.iter().enumerate() {
            offsets.push(out.len() as u32);
            if major == 1 {
                out.extend(7u32.to_le_bytes());
                out.extend(((length + 4) as u16).to_le_bytes());
                out.extend((*length as u16).to_le_bytes());
            } else {
                out.extend(7_000u64.to_le_bytes());
                out.extend((length + 4).to_le_bytes());
                out.extend(length.to_le_bytes());
            }
            out.extend((0..*length).map(|b| b as u8));
            if major == 2 && minor >= 1 {
                let network = [1u16, 0xffe0, 0xfffd, 0xe065].get(i).copied().unwrap_or(1);
                out.extend(network.to_le_bytes());
            }
            if major == 2 && minor >= 2 {
                out.extend(0u32.to_le_bytes());
            }
            if major == 2 && minor >= 3 {
                out.extend((FILETIME_1970 + 17_000_000_000_000_000 + i as u64).to_le_bytes());
                out.push(0);
            }
        }
        let processes = out.len() as u32;
        out.extend([1, 0]);
        let path: Vec<u8> = "C:\\x\\az.exe\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        out.extend((path.len() as u32).to_le_bytes());
        out.extend(path);
        out.extend(0u32.to_le_bytes());
        out.extend(4711u32.to_le_bytes());
        out.extend([0; 44]);
        let table = out.len() as u32;
        for offset in offsets.iter().rev() {
            out.extend(offset.to_le_bytes());
        }
        for (at, value) in [(24, table), (28, 4 * lengths.len() as u32), (48, processes), (52, 1)] {
            out[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        out
    }

    type Copied = (u64, i64, usize, u32, u16, Option<u32>);

    fn read(bytes: &[u8], window: usize) -> Result<(Vec<Copied>, CaptureInfo), Error> {
        let mut source = NetmonSource::new(Bytes::from(bytes.to_vec()), window)?;
        let mut all = Vec::new();
        let mut windows = 0;
        let mut take = |frames: &[Frame<'_>]| {
            all.extend(frames.iter().map(|f| (f.number, f.time.0, f.data.len(), f.original_len, f.link.0, f.pid)));
        };
        while source.window(&mut take)? {
            windows += 1;
            assert!(windows <= bytes.len() + 2);
        }
        Ok((all, Box::new(source).finish()))
    }

    #[test]
    fn versions_one_and_two_are_read_in_the_order_of_the_table() {
        // 2026-11-22T15:46:05.250 and 7 ms.
        let time = 1_795_362_365_257_000_000;
        for (major, minor) in [(1, 1), (2, 0)] {
            for window in [1, 100, 1 << 20] {
                let (frames, info) = read(&file(major, minor, &[20, 30, 40]), window).unwrap();
                assert_eq!(
                    frames,
                    [(1, time, 40, 44, 1, None), (2, time, 30, 34, 1, None), (3, time, 20, 24, 1, None)]
                );
                assert!(info.problems.get("local_time").is_some() && !info.truncated);
            }
        }
    }

    #[test]
    fn trailers_give_medium_process_and_utc() {
        let (frames, info) = read(&file(2, 3, &[20, 30, 40, 50, 60]), 1 << 20).unwrap();
        let second = 1_700_000_000_000_000_000;
        assert_eq!(
            frames,
            [
                (1, second + 400, 60, 64, 1, Some(4711)),
                (2, second + 300, 50, 54, 101, Some(4711)),
                (4, second, 20, 24, 1, Some(4711))
            ]
        );
        assert_eq!(info.processes, [(4711, "az.exe".to_owned())]);
        assert!(info.problems.is_empty());
        assert_eq!(info.interfaces.len(), 2);
    }

    #[test]
    fn a_file_without_its_table_is_read_from_the_front() {
        let mut bytes = file(2, 0, &[20, 30]);
        bytes[24..32].fill(0);
        bytes.truncate(128 + 36 + 46);
        let (frames, info) = read(&bytes, 100).unwrap();
        assert_eq!(frames.iter().map(|f| f.2).collect::<Vec<_>>(), [20, 30]);
        assert!(info.truncated);
    }

    #[test]
    fn the_header_of_wifi_frames_is_taken_off() {
        assert_eq!(behind_wifi_header(&[2, 5, 0, 9, 9, 1, 2]), &[1, 2]);
        assert_eq!(behind_wifi_header(&[2, 50, 0]), &[] as &[u8]);
        assert_eq!(behind_wifi_header(&[]), &[] as &[u8]);
    }

    #[test]
    fn cut_and_flipped_files_never_panic() {
        for (major, minor) in [(1, 1), (2, 0), (2, 2), (2, 3)] {
            let bytes = file(major, minor, &[20, 30, 40, 50]);
            for at in 0..bytes.len() {
                let _ = read(&bytes[..at], 64);
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 8);
                if let (Ok(a), Ok(b)) = (read(&flipped, 1), read(&flipped, 1 << 20)) {
                    assert_eq!(a.0, b.0);
                }
            }
        }
    }
}
