//! Counts of events by provider, id and version: what a trace holds, and what other readers are compared with.
//!
//! What enters: a whole file. What leaves: [`Census`]. Guaranteed: rows are bounded, buffers are read in file order.

use super::container::{self, LogHeader};
use super::event::Kind;
use super::guid::Guid;
use super::merge::Merger;
use crate::error::Error;
use crate::problem::Problems;
use crate::time::Timestamp;
use std::collections::BTreeMap;

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
        let e = item.event;
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
