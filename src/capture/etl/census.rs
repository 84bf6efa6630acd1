//! Counts of events by provider, id and version: what a trace holds, and what other readers are compared with.
//!
//! What enters: a whole file. What leaves: [`Census`], or the same as text with all packets. Guaranteed: rows are bounded, buffers are read in file order.

use super::EtlSource;
use super::container::{self, LogHeader};
use super::event::Kind;
use super::guid::Guid;
use super::merge::Merger;
use crate::capture::{Direction, FrameSource};
use crate::error::Error;
use crate::input::Bytes;
use crate::problem::Problems;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Distinct rows kept; events of further ones are only counted.
const ROWS_MAX: usize = 65_536;

/// What makes events the same row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Kind of header.
    pub kind: Kind,
    /// Provider or class; zero for kernel events.
    pub provider: Guid,
    /// Kernel group (SYSTEM, COMPACT, PERFINFO).
    pub group: u8,
    /// Event id, message number.
    pub id: u16,
    /// Version.
    pub version: u16,
    /// Opcode, except for manifest events, where the id says it.
    pub opcode: u8,
}

/// What a trace holds.
#[derive(Debug, Default)]
pub struct Census {
    /// Trace header.
    pub header: LogHeader,
    /// Buffers in the file.
    pub buffers: u64,
    /// Compressed ones among them.
    pub compressed: u64,
    /// All events.
    pub events: u64,
    /// Count, first and last time of each row.
    pub rows: BTreeMap<Row, (u64, Option<(Timestamp, Timestamp)>)>,
    /// Trouble met.
    pub problems: Problems,
}

/// Counts all events of a trace.
///
/// # Errors
/// When `data` is no ETL file or ends inside the trace header.
pub fn census(data: &[u8]) -> Result<Census, Error> {
    let mut problems = Problems::default();
    let mut index = container::index(data, &mut problems)?;
    let mut merger = Merger::new(data, &mut index, &mut problems);
    let mut census =
        Census { buffers: index.buffer_count, compressed: index.compressed, header: index.header, ..Census::default() };
    let clock = census.header.clock;
    while let Some(item) = merger.next(&mut problems) {
        let Some(e) = item.event() else { continue };
        census.events += 1;
        let opcode = if e.kind == Kind::Event { 0 } else { e.opcode };
        let row = Row { kind: e.kind, provider: e.provider, group: e.group, id: e.id, version: e.version, opcode };
        if census.rows.len() >= ROWS_MAX && !census.rows.contains_key(&row) {
            continue;
        }
        let entry = census.rows.entry(row).or_default();
        entry.0 += 1;
        if let Some(raw) = e.raw_time {
            let t = clock.time(raw);
            entry.1 = Some(entry.1.map_or((t, t), |(a, z)| (a.min(t), z.max(t))));
        }
    }
    census.problems = problems;
    Ok(census)
}

/// Everything that other readers can be compared with, one line each: `head`, then a `row` for each kind of event
/// (kind, provider, group, id, version, opcode, count, first and last time), then a `packet` for each record (time,
/// captured and original bytes, process, thread, link type, direction, drop, SHA-256), times in nanoseconds since 1970.
///
/// # Errors
/// When `data` is no ETL file or ends inside the trace header.
pub fn listing(data: &Bytes) -> Result<String, Error> {
    let census = census(data)?;
    let mut out = format!("head buffers {} events {}\n", census.buffers, census.events);
    for (row, (count, times)) in &census.rows {
        let Row { kind, provider, group, id, version, opcode } = row;
        let times = times.map_or("- -".to_owned(), |(a, z)| format!("{} {}", a.0, z.0));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "row {} {provider} {group} {id} {version} {opcode} {count} {times}", kind.code());
    }
    let mut source = EtlSource::open(data, crate::limits::WINDOW_BYTES)?.keep_duplicates(true);
    let mut more = true;
    while more {
        more = source.window(&mut |frames| {
            for f in frames {
                let direction = match f.direction {
                    Direction::Unknown => 0,
                    Direction::Inbound => 1,
                    Direction::Outbound => 2,
                };
                let (time, len, original, link) = (f.time.0, f.data.len(), f.original_len, f.link.0);
                let (pid, tid) = (f.pid.unwrap_or(0), f.tid.unwrap_or(0));
                let drop = f.dropped.map_or("-".to_owned(), |d| format!("{},{},{}", d.component, d.reason, d.location));
                let _ = write!(out, "packet {time} {len} {original} {pid} {tid} {link} {direction} {drop} ");
                for byte in Sha256::digest(f.data) {
                    let _ = write!(out, "{byte:02x}");
                }
                out.push('\n');
            }
        })?;
    }
    Ok(out)
}
