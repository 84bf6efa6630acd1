//! The system configuration records of a merged trace: interface table, Windows version.
//!
//! What enters: events of the SystemConfigEx class. What leaves: [`Config`]. Guaranteed: bounded tables.

use super::event::{Event, decode_wide, wide_string};
use super::guid;
use crate::bytes::Cursor;

/// Bytes of MIB_IF_ROW2.
const ROW_BYTES: usize = 1352;

/// Interfaces kept: real tables have 25 to 80 rows with all filter layers.
const ROWS_MAX: usize = 4096;

/// One row of the interface table (MIB_IF_ROW2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Interface index.
    pub index: u32,
    /// Alias ("Ethernet", "Wi-Fi").
    pub alias: String,
    /// Description.
    pub description: String,
    /// MAC address.
    pub mac: Option<[u8; 6]>,
    /// MTU in bytes.
    pub mtu: u32,
}

/// What the configuration records said.
#[derive(Debug, Default)]
pub struct Config {
    /// Interface table.
    pub rows: Vec<Row>,
    /// Build string and product of Windows.
    pub windows: Option<(String, String)>,
}

impl Config {
    /// Takes one record; others are left alone.
    pub fn take(&mut self, event: &Event<'_>) {
        if event.provider != guid::SYSTEM_CONFIG {
            return;
        }
        match event.opcode {
            36 if self.rows.len() < ROWS_MAX => self.rows.extend(row(event.user)),
            32 => {
                let mut c = Cursor::new(event.user);
                if c.skip(8).is_some() {
                    let build = wide_string(&mut c);
                    self.windows = Some((build, wide_string(&mut c)));
                }
            }
            _ => {}
        }
    }

    /// The row of an interface index.
    pub fn row(&self, index: u32) -> Option<&Row> {
        self.rows.iter().find(|r| r.index == index)
    }
}

fn row(bytes: &[u8]) -> Option<Row> {
    let bytes = bytes.get(..ROW_BYTES)?;
    let u32_at = |at: usize| bytes.get(at..).and_then(|b| b.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b));
    let text = |at: usize| {
        let field = bytes.get(at..at + 514)?;
        let mut c = Cursor::new(field);
        Some(decode_wide(super::event::wide_bytes(&mut c)))
    };
    let mac = (u32_at(1056)? == 6).then(|| bytes.get(1060..).and_then(|b| b.first_chunk::<6>()).copied()).flatten();
    Some(Row { index: u32_at(8)?, alias: text(28)?, description: text(542)?, mac, mtu: u32_at(1124)? })
}
