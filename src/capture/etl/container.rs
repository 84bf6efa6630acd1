//! The container: trace header, clock, and the index of all buffers.
//!
//! What enters: the whole file. What leaves: [`LogHeader`], and one [`BufferRef`] for each buffer that can hold events,
//! in file order. Guaranteed: only headers are read here, the walk always advances, and the index is bounded.

use super::event::{self, Kind};
use super::xpress::Decoder;
use crate::bytes::Cursor;
use crate::error::Error;
use crate::input::sniff::is_etl;
pub(super) use crate::input::sniff::{ETL_BUFFER_HEADER as BUFFER_HEADER, ETL_COMPRESSED as FLAG_COMPRESSED};
use crate::lang::Message;
use crate::message;
use crate::problem::Problems;
use crate::time::Timestamp;
use std::path::PathBuf;

/// Largest buffer that is believed (ETW allows 16 MiB).
const BUFFER_BYTES_MAX: usize = 64 << 20;

/// Buffers that are indexed: 4 GiB of the smallest buffers Windows makes (4 KiB) is a million; the index of that many
/// takes 160 MB at most.
const BUFFERS_MAX: usize = 4 << 20;

/// 1970-01-01 as FILETIME.
const FILETIME_UNIX_EPOCH: i64 = 116_444_736_000_000_000;

/// BufferFlag bits.
const FLAG_EVENTS_LOST: u16 = 0x02;
const FLAG_BUFFER_LOST: u16 = 0x04;
const FLAG_PROCESSOR_INDEX: u16 = 0x20;
/// LogFileMode: newest buffers overwrite the oldest.
const MODE_CIRCULAR: u32 = 0x2;
/// LogFileMode: merged or relogged.
const MODE_RELOGGED: u32 = 0x0001_0000;

/// What the trace header says about the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogHeader {
    /// Size of the session's buffers in bytes.
    pub buffer_size: u32,
    /// OS major, OS minor, log version, log sub version.
    pub version: [u8; 4],
    /// Windows build.
    pub os_build: u32,
    /// Processors of the session.
    pub processors: u32,
    /// FILETIME of the end; 0 when the session was never closed.
    pub end_time: i64,
    /// Largest file size in MB; 0 = unlimited.
    pub max_file_mb: u32,
    /// LogFileMode bits.
    pub mode: u32,
    /// Buffers the session says it wrote.
    pub buffers_written: u32,
    /// 4 or 8.
    pub pointer_size: u8,
    /// Events the session lost.
    pub events_lost: u32,
    /// Buffers the session lost.
    pub buffers_lost: u32,
    /// Logger name: `Relogger` in merged files.
    pub logger_name: String,
    /// Name of the file when it was written.
    pub file_name: String,
    /// The clock of all events.
    pub clock: Clock,
    /// Minutes east of UTC on the traced machine when the session started.
    pub utc_offset_minutes: i32,
    /// Process that started the session.
    pub creator_pid: u32,
}

impl LogHeader {
    /// The newest buffers overwrote the oldest ones.
    pub fn is_circular(&self) -> bool {
        self.mode & MODE_CIRCULAR != 0
    }

    /// `netsh trace stop`, `pktmon stop` or another tool merged the file.
    pub fn is_merged(&self) -> bool {
        self.mode & MODE_RELOGGED != 0 || self.logger_name == "Relogger"
    }

    /// The session was closed in an orderly way.
    pub fn is_closed(&self) -> bool {
        self.end_time != 0
    }
}

/// How raw event times become times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clock {
    kind: u32,
    /// FILETIME of the session's start.
    pub start: i64,
    /// Raw time at the start.
    raw_start: i64,
    /// A tick is `numerator / denominator` times 100 ns.
    numerator: i64,
    denominator: i64,
}

impl Clock {
    /// FILETIME (100 ns since 1601, UTC) of a raw event time.
    pub fn filetime(&self, raw: i64) -> i64 {
        // Before Vista the field is 0 and the stamps are system time.
        if self.kind == 2 || (self.kind == 0 && raw > 100_000_000_000_000_000) {
            return raw;
        }
        let ticks = raw.wrapping_sub(self.raw_start);
        let units = match ticks.checked_mul(self.numerator) {
            Some(n) if self.denominator == 1 => n,
            Some(n) => n.div_euclid(self.denominator.max(1)),
            None => {
                let wide = i128::from(ticks) * i128::from(self.numerator);
                i64::try_from(wide.div_euclid(i128::from(self.denominator.max(1)))).unwrap_or(i64::MAX)
            }
        };
        self.start.saturating_add(units)
    }

    /// Time of a raw event time.
    pub fn time(&self, raw: i64) -> Timestamp {
        filetime_to_timestamp(self.filetime(raw))
    }
}

/// FILETIME → time.
pub fn filetime_to_timestamp(filetime: i64) -> Timestamp {
    Timestamp(filetime.saturating_sub(FILETIME_UNIX_EPOCH).saturating_mul(100))
}

/// One buffer of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferRef {
    /// Where its header begins.
    pub pos: u64,
    /// Order in which the session took it.
    pub seq: u64,
    /// Raw time of its first event that has one.
    pub first_time: Option<i64>,
    /// Processor that filled it.
    pub cpu: u16,
    /// The first buffer of the file, which holds the trace header.
    pub is_header: bool,
}

/// A buffer's header, decoded.
#[derive(Debug, Clone, Copy)]
pub struct BufferHeader {
    /// Bytes from here to the next buffer.
    pub size: usize,
    /// End of valid data, this header included, in the unpacked buffer.
    pub filled: usize,
    /// SavedOffset: the fallback of `filled`.
    pub saved: usize,
    /// Sequence number.
    pub seq: u64,
    /// Processor.
    pub cpu: u16,
    /// BufferFlag bits.
    pub flags: u16,
}

impl BufferHeader {
    /// Reads the header at the start of `bytes`.
    pub fn read(bytes: &[u8]) -> Option<BufferHeader> {
        let mut c = Cursor::new(bytes.get(..BUFFER_HEADER)?);
        let size = c.u32_le()? as usize;
        let saved = c.u32_le()? as usize;
        c.skip(16)?;
        let seq = c.u64_le()?;
        c.skip(8)?;
        let cpu = c.u16_le()?;
        c.skip(6)?;
        let filled = c.u32_le()? as usize;
        let flags = c.u16_le()?;
        let cpu = if flags & FLAG_PROCESSOR_INDEX != 0 { cpu } else { cpu & 0xFF };
        Some(BufferHeader { size, filled, saved, seq, cpu, flags })
    }

    /// The body is compressed.
    pub fn is_compressed(&self) -> bool {
        self.flags & FLAG_COMPRESSED != 0
    }
}

/// Where the logical bytes of a buffer come from.
#[derive(Debug, Clone)]
pub enum Body<'a> {
    /// Straight from the file; the slice begins at the buffer header.
    Plain(&'a [u8]),
    /// Unpacked piece by piece; logical offset 72 is its first byte.
    Packed(Decoder<'a>),
}

/// The logical bytes of a buffer: where they come from and where they end (logical offset, header included).
pub fn body<'a>(data: &'a [u8], pos: usize, session: usize, problems: &mut Problems) -> Option<(Body<'a>, usize)> {
    let rest = data.get(pos..)?;
    let header = BufferHeader::read(rest)?;
    let whole = rest.get(..header.size).unwrap_or(rest);
    let filled = if header.filled < BUFFER_HEADER { header.saved } else { header.filled };
    let at = Some(pos as u64);
    if header.is_compressed() {
        let limit = session.clamp(16 << 20, BUFFER_BYTES_MAX);
        if filled < BUFFER_HEADER {
            return None;
        }
        if filled > limit {
            problems.note("etl_buffer_filled", None, at, || {
                message!(
                    en: "a compressed buffer announces more bytes than the session's buffers have; it was read to that size",
                    ja: "圧縮バッファーがセッションのバッファーサイズを超える長さを示しています。その上限まで読み取りました"
                )
            });
        }
        let end = filled.min(limit);
        let packed = whole.get(BUFFER_HEADER..).unwrap_or(&[]);
        return Some((Body::Packed(Decoder::new(packed, end - BUFFER_HEADER)), end));
    }
    let mut end = filled;
    if end < BUFFER_HEADER || end > header.size {
        if filled != 0 {
            problems.note("etl_buffer_filled", None, at, || {
                message!(
                    en: "a buffer says that it is filled beyond its size; it was read until its events ended",
                    ja: "バッファーの使用量がバッファーサイズを超えています。イベントが途切れるまで読み取りました"
                )
            });
        }
        end = header.size;
    }
    let end = end.min(whole.len());
    Some((Body::Plain(whole.get(..end)?), end))
}

/// Everything the headers say about a file.
#[derive(Debug, Default)]
pub struct Index {
    /// Trace header.
    pub header: LogHeader,
    /// Buffers with events, in file order.
    pub buffers: Vec<BufferRef>,
    /// Buffers in the file, empty ones included.
    pub buffer_count: u64,
    /// Compressed buffers among them.
    pub compressed: u64,
    /// Buffers marked as having lost events or buffers before them.
    pub loss_marks: u64,
    /// The last buffer is not whole.
    pub cut: bool,
    /// Bytes of the file that belong to buffers.
    pub bytes: u64,
}

fn damaged(offset: u64, reason: Message) -> Error {
    Error::Damaged { path: PathBuf::new(), offset, reason }
}

/// Reads the trace header.
///
/// # Errors
/// When the file is no ETL file or ends inside the header.
pub fn read_header(data: &[u8], problems: &mut Problems) -> Result<LogHeader, Error> {
    if !is_etl(data) {
        return Err(Error::Unsupported {
            path: PathBuf::new(),
            reason: message!(en: "not an ETL trace", ja: "ETL トレースではありません"),
        });
    }
    parse_header(data, problems).ok_or_else(|| {
        damaged(
            data.len() as u64,
            message!(
                en: "the file ends inside the trace header: it was cut to {} bytes while it was copied or sent",
                ja: "トレースヘッダーの途中でファイルが終わっています。コピーまたは送信の際に {} バイトに切り詰められています",
                data.len()
            ),
        )
    })
}

fn parse_header(data: &[u8], problems: &mut Problems) -> Option<LogHeader> {
    let event = data.get(BUFFER_HEADER..)?;
    let mut c = Cursor::new(event);
    c.skip(2)?;
    let header_type = c.u8()?;
    c.skip(1)?;
    let size = usize::from(c.u16_le()?);
    c.skip(2 + 4)?;
    let creator_pid = c.u32_le()?;
    let raw_start = c.u64_le()? as i64;
    c.skip(8)?;
    let buffer_size = c.u32_le()?;
    let version = [c.u8()?, c.u8()?, c.u8()?, c.u8()?];
    let os_build = c.u32_le()?;
    let processors = c.u32_le()?;
    let end_time = c.u64_le()? as i64;
    c.skip(4)?;
    let max_file_mb = c.u32_le()?;
    let mode = c.u32_le()?;
    let buffers_written = c.u32_le()?;
    c.skip(4)?;
    let declared = c.u32_le()?;
    let events_lost = c.u32_le()?;
    let mhz = c.u32_le()?;
    let mut pointer_size: u8 = if header_type == 2 { 8 } else { 4 };
    if (declared == 4 || declared == 8) && declared != u32::from(pointer_size) {
        problems.note("etl_pointer_size", None, Some(0), || {
            message!(
                en: "the trace header contradicts itself about the pointer size",
                ja: "トレースヘッダーのポインターサイズの記述が矛盾しています"
            )
        });
        pointer_size = if declared == 8 { 8 } else { 4 };
    }
    c.skip(usize::from(pointer_size) * 2)?;
    let zone = c.take(172)?;
    c.skip(4 + 8)?;
    let perf_freq = c.u64_le()? as i64;
    let start = c.u64_le()? as i64;
    let kind = c.u32_le()?;
    let buffers_lost = c.u32_le()?;
    let mut names = event.get(c.position()..size.min(event.len())).map(Cursor::new).unwrap_or(Cursor::new(&[]));
    let logger_name = event::wide_string(&mut names);
    let file_name = event::wide_string(&mut names);
    let (mut numerator, mut denominator) = match kind {
        1 => (10_000_000, perf_freq),
        3 => (10, i64::from(mhz)),
        _ => (1, 1),
    };
    if denominator <= 0 {
        problems.note("etl_clock", None, Some(0), || {
            message!(
                en: "the trace header gives no clock frequency; 10 MHz was assumed, so times may be wrong",
                ja: "トレースヘッダーにクロック周波数がありません。10 MHz と仮定したため、時刻が正しくない可能性があります"
            )
        });
        (numerator, denominator) = (1, 1);
    }
    // At 10 MHz, the usual frequency since Windows 10, a tick is 100 ns and nothing is left to divide.
    let common = gcd(numerator, denominator);
    (numerator, denominator) = (numerator / common, denominator / common);
    let clock = Clock { kind, start, raw_start, numerator, denominator };
    Some(LogHeader {
        buffer_size,
        version,
        os_build,
        processors,
        end_time,
        max_file_mb,
        mode,
        buffers_written,
        pointer_size,
        events_lost,
        buffers_lost,
        logger_name,
        file_name,
        clock,
        utc_offset_minutes: super::zone::utc_offset_minutes(zone, filetime_to_timestamp(start)),
        creator_pid,
    })
}

/// Greatest common divisor of two positive numbers.
fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.max(1), b.max(1));
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Walks all buffer headers.
///
/// # Errors
/// When the file is no ETL file or ends inside the trace header.
pub fn index(data: &[u8], problems: &mut Problems) -> Result<Index, Error> {
    let header = read_header(data, problems)?;
    let mut index = Index { header, ..Index::default() };
    let session = index.header.buffer_size as usize;
    let mut pos = 0usize;
    let grid = BufferHeader::read(data).map_or(0, |h| h.size);
    while let Some(buffer) = data.get(pos..).and_then(BufferHeader::read) {
        if buffer.size < BUFFER_HEADER || buffer.size > 1 << 30 {
            if buffer.size == 0 && buffer.filled == 0 {
                problems.note("etl_unused_buffer", None, Some(pos as u64), || {
                    message!(
                        en: "buffers at the end were reserved but never written: the session was not closed",
                        ja: "末尾に予約だけされて書き込まれなかったバッファーがあります。セッションが正常に終了していません"
                    )
                });
            } else {
                problems.note("etl_buffer_size", None, Some(pos as u64), || {
                    message!(
                        en: "a buffer header is damaged; what it held is lost",
                        ja: "バッファーヘッダーが壊れています。そのバッファーの内容は失われました"
                    )
                });
            }
            // The one safe way to go on: files without compression keep all buffers on a grid.
            let next = pos.checked_div(grid).and_then(|n| n.checked_add(1)).and_then(|n| n.checked_mul(grid));
            match next {
                Some(next) if !buffer.is_compressed() && next > pos => pos = next,
                _ => break,
            }
            continue;
        }
        index.buffer_count += 1;
        index.compressed += u64::from(buffer.is_compressed());
        index.loss_marks += u64::from(buffer.flags & (FLAG_EVENTS_LOST | FLAG_BUFFER_LOST) != 0);
        let end = pos.saturating_add(buffer.size);
        index.cut |= end > data.len();
        if index.buffers.len() < BUFFERS_MAX {
            // Buffers without a byte of events need no place.
            if buffer.size > BUFFER_HEADER && (buffer.filled != BUFFER_HEADER) {
                index.buffers.push(BufferRef {
                    pos: pos as u64,
                    seq: buffer.seq,
                    first_time: first_time(data, pos, session),
                    cpu: buffer.cpu,
                    is_header: pos == 0,
                });
            }
        } else {
            problems.note("etl_too_many_buffers", None, Some(pos as u64), || {
                message!(
                    en: "the file has more buffers than are read; the rest was left out",
                    ja: "バッファーの数が読み取り上限を超えています。残りは読み取っていません"
                )
            });
            break;
        }
        pos = end;
    }
    let rest = data.len().saturating_sub(pos);
    if rest > 0 {
        index.cut = true;
    }
    index.bytes = pos.min(data.len()) as u64;
    Ok(index)
}

/// Raw time of the first event of a buffer.
fn first_time(data: &[u8], pos: usize, session: usize) -> Option<i64> {
    let mut ignored = Problems::default();
    let (body, end) = body(data, pos, session, &mut ignored)?;
    match body {
        Body::Plain(bytes) => raw_time(bytes.get(BUFFER_HEADER..)?),
        Body::Packed(mut decoder) => {
            let mut out = Vec::new();
            decoder.fill(&mut out, 80.min(end.saturating_sub(BUFFER_HEADER)));
            raw_time(&out)
        }
    }
}

/// Raw time of the event whose header `bytes` begins with.
fn raw_time(bytes: &[u8]) -> Option<i64> {
    let (kind, _) = Kind::of(bytes.first_chunk::<4>()?)?;
    kind.time_offset().and_then(|at| bytes.get(at..)).and_then(|b| b.first_chunk::<8>()).map(|b| i64::from_le_bytes(*b))
}
