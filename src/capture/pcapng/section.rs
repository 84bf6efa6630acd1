//! A section of a pcapng file: byte order, interfaces with their clocks, and the blocks that are not packets.
//!
//! What enters: the bodies of section header, interface description and rarer blocks. What leaves: the state that
//! packets are decoded with, and entries in [`CaptureInfo`]. Guaranteed: totals of what is kept stay under the limits.

use super::super::{ByteOrder, CaptureInfo, Direction, DropMark, Frame, Interface, LinkType};
use super::echo::Converter;
use super::options::{BlockOption, Options, number_after, text};
use crate::bytes::Cursor;
use crate::lang::Message;
use crate::limits;
use crate::message;
use crate::time::Timestamp;
use pcap_parser::pcapng::{Block, NameRecordType, SecretsType, parse_block_be, parse_block_le};
use std::net::IpAddr;

/// The byte order magic of a section header.
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Names kept from name resolution blocks.
const NAMES_MAX: usize = 65_536;

/// What packets of the current section are decoded with.
#[derive(Debug)]
pub(super) struct Section {
    pub order: ByteOrder,
    pub interfaces: Vec<SectionInterface>,
    pub converter: Converter,
}

impl Default for Section {
    fn default() -> Section {
        Section { order: ByteOrder::Little, interfaces: Vec::new(), converter: Converter::Other }
    }
}

/// One interface of the section.
#[derive(Debug, Clone)]
pub(super) struct SectionInterface {
    /// Index over all sections.
    pub index: u32,
    pub link: LinkType,
    pub snaplen: u32,
    pub clock: Clock,
    /// Packets lost, by the latest statistics block (they count from the start of the capture).
    lost: u64,
}

/// How an interface counts time (`if_tsresol`, `if_tsoffset`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    unit: Unit,
    offset_seconds: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds each.
    Nanos(u64),
    /// So many to a nanosecond.
    PerNano(u64),
    /// A second is two to the power of this many.
    PowerOfTwo(u32),
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { unit: Unit::Nanos(1000), offset_seconds: 0 }
    }
}

impl Clock {
    /// The unit that an `if_tsresol` byte means; `None` where it is out of range.
    fn unit(resolution: u8) -> Option<Unit> {
        let power = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            return (power <= 63).then_some(Unit::PowerOfTwo(power));
        }
        match power {
            0..=9 => Some(Unit::Nanos(10u64.pow(9 - power))),
            10..=19 => Some(Unit::PerNano(10u64.pow(power - 9))),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let nanos: i64 = match self.unit {
            Unit::Nanos(each) => i64::try_from(ticks.saturating_mul(each)).unwrap_or(i64::MAX),
            Unit::PerNano(each) => i64::try_from(ticks / each.max(1)).unwrap_or(i64::MAX),
            Unit::PowerOfTwo(power) => i64::try_from((u128::from(ticks) * 1_000_000_000) >> power).unwrap_or(i64::MAX),
        };
        Timestamp(nanos.saturating_add(self.offset_seconds.saturating_mul(1_000_000_000)))
    }
}

impl SectionInterface {
    /// A frame of this interface with a time.
    // Inlined, so that the frame is written once, where it stays.
    #[inline(always)]
    pub(super) fn frame<'a>(&self, number: u64, ticks: u64, data: &'a [u8], original_len: u32) -> Frame<'a> {
        Frame {
            number,
            time: self.clock.time(ticks),
            timed: true,
            link: self.link,
            data,
            original_len: original_len.max(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            interface: self.index,
            direction: Direction::Unknown,
            pid: None,
            tid: None,
            dropped: None,
        }
    }
}

impl Section {
    /// Packets that the interfaces of this section lost.
    pub(super) fn lost(&self) -> u64 {
        self.interfaces.iter().fold(0, |sum, i| sum.saturating_add(i.lost))
    }

    /// Reads the byte order out of the first twelve bytes of a section header.
    pub(super) fn set_order(&mut self, header: &[u8]) -> Result<(), Message> {
        let mut c = Cursor::new(header.get(8..).unwrap_or(&[]));
        match c.u32_le() {
            Some(BYTE_ORDER_MAGIC) => self.order = ByteOrder::Little,
            Some(m) if m.swap_bytes() == BYTE_ORDER_MAGIC => self.order = ByteOrder::Big,
            _ => {
                return Err(message!(
                    en: "a section header without a byte order mark",
                    ja: "セクションヘッダーにバイト順の印がありません"
                ));
            }
        }
        Ok(())
    }

    /// Begins the section whose header has this body.
    pub(super) fn begin(&mut self, body: &[u8], info: &mut CaptureInfo) -> Result<(), Message> {
        info.lost = info.lost.saturating_add(self.lost());
        self.interfaces.clear();
        let mut c = Cursor::new(body);
        let mut fixed = || {
            c.skip(4)?;
            let version = (self.order.u16(&mut c)?, self.order.u16(&mut c)?);
            c.skip(8)?; // The section's length: seldom known, never needed.
            Some(version)
        };
        let Some((major, minor)) = fixed() else {
            return Err(message!(en: "a section header is too short", ja: "セクションヘッダーが短すぎます"));
        };
        // 1.2 was written by mistake and means 1.0.
        if !matches!((major, minor), (1, 0 | 2)) {
            info.problems.note("unknown_version", None, None, || {
                message!(
                    en: "pcapng version {major}.{minor} is unknown; read as 1.0",
                    ja: "pcapng バージョン {major}.{minor} は未知です。1.0 として読みました"
                )
            });
        }
        self.converter = Converter::Other;
        for option in Options::new(c.rest(), self.order) {
            // shb_userappl.
            if let BlockOption { code: 4, value: b"Packet Monitor" } = option? {
                self.converter = Converter::PacketMonitor;
            }
        }
        Ok(())
    }

    /// Adds the interface whose description has this body.
    pub(super) fn add_interface(&mut self, body: &[u8], info: &mut CaptureInfo) -> Result<(), Message> {
        let mut c = Cursor::new(body);
        let mut fixed = || {
            let link = self.order.u16(&mut c)?;
            c.skip(2)?;
            Some((link, self.order.u32(&mut c)?))
        };
        let Some((link, snaplen)) = fixed() else {
            return Err(message!(
                en: "an interface description is too short",
                ja: "インターフェイス記述が短すぎます"
            ));
        };
        if info.interfaces.len() >= limits::CAPTURE_INTERFACES_MAX {
            return Err(message!(
                en: "the capture describes more than {} interfaces",
                ja: "インターフェイスの記述が {} 個を超えています",
                limits::CAPTURE_INTERFACES_MAX
            ));
        }
        let mut interface = Interface { link, snaplen, ..Interface::default() };
        let mut clock = Clock::default();
        for option in Options::new(c.rest(), self.order) {
            let BlockOption { code, value } = option?;
            match code {
                2 => interface.name = text(value),
                3 => interface.description = text(value),
                6 => interface.mac = value.try_into().ok(),
                9 => {
                    let resolution = value.first().copied().unwrap_or(6);
                    clock.unit = Clock::unit(resolution).ok_or_else(|| {
                        message!(
                            en: "an interface has the time resolution {resolution:#04x}, which cannot be",
                            ja: "インターフェイスの時刻分解能 {resolution:#04x} は不正です"
                        )
                    })?;
                }
                14 => {
                    let offset = self.order.u64(&mut Cursor::new(value));
                    clock.offset_seconds = offset.map_or(0, |o| o as i64);
                }
                _ => {}
            }
        }
        // etl2pcapng names interfaces by kind and Windows index: `eth:12:0`.
        interface.if_index = interface.name.as_deref().and_then(windows_index);
        if interface.if_index.is_some() && self.converter == Converter::Other {
            self.converter = Converter::Etl2Pcapng;
        }
        let index = u32::try_from(info.interfaces.len()).unwrap_or(u32::MAX);
        self.interfaces.push(SectionInterface { index, link: LinkType(link), snaplen, clock, lost: 0 });
        info.interfaces.push(interface);
        Ok(())
    }

    /// Takes what an option of a packet says over into its frame.
    pub(super) fn packet_option(&self, option: BlockOption<'_>, frame: &mut Frame<'_>) {
        let mut c = Cursor::new(option.value);
        match option.code {
            // epb_flags: the lowest two bits are the direction.
            2 => match self.order.u32(&mut c).map(|flags| flags & 3) {
                Some(1) => frame.direction = Direction::Inbound,
                Some(2) => frame.direction = Direction::Outbound,
                _ => {}
            },
            // epb_verdict: 2 is XDP, where 1 means dropped; etl2pcapng uses the same for drops inside Windows.
            7 if option.value.first() == Some(&2) => {
                c.skip(1);
                let verdict = c.take_rest();
                let value = match self.order {
                    ByteOrder::Little => verdict.first(),
                    ByteOrder::Big => verdict.last(),
                };
                let zero_else = verdict.iter().filter(|b| **b != 0).count() <= 1;
                if value == Some(&1) && zero_else {
                    frame.dropped.get_or_insert(DropMark { component: 0, reason: 0, location: 0 });
                }
            }
            // epb_processid_threadid, as etl2pcapng writes it.
            8 if option.value.len() == 8 => {
                frame.pid = self.order.u32(&mut c);
                frame.tid = self.order.u32(&mut c);
            }
            1 => {
                let comment = String::from_utf8_lossy(option.value);
                frame.pid = frame.pid.or_else(|| number_after(&comment, "PID="));
                frame.tid = frame.tid.or_else(|| number_after(&comment, "TID="));
                if let Some(reason) = number_after(&comment, "DropReason=") {
                    let component = number_after(&comment, "DropComponent=").unwrap_or(0) as u16;
                    let location = number_after(&comment, "DropLocation=").unwrap_or(0);
                    frame.dropped = Some(DropMark { component, reason, location });
                }
            }
            _ => {}
        }
    }
}

/// The Windows interface index in an interface name of etl2pcapng.
fn windows_index(name: &str) -> Option<u32> {
    let mut parts = name.split(':');
    matches!(parts.next()?, "eth" | "wifi" | "mbb" | "Rras").then_some(())?;
    parts.next()?.parse().ok()
}

/// Reads the blocks of which there are few: names, statistics, secrets. What cannot be read is noted and skipped.
pub(super) fn read_rare_block(block: &[u8], section: &mut Section, info: &mut CaptureInfo) {
    // The parser below collects records of at least four bytes in vectors: only blocks of a believable size go there.
    const RARE_BLOCK_BYTES_MAX: usize = 4 << 20;
    let kind = section.order.u32(&mut Cursor::new(block)).unwrap_or(0);
    if !matches!(kind, 4 | 5 | 10) {
        return;
    }
    let parsed = if block.len() > RARE_BLOCK_BYTES_MAX {
        None
    } else {
        match section.order {
            ByteOrder::Little => parse_block_le(block).ok(),
            ByteOrder::Big => parse_block_be(block).ok(),
        }
    };
    match parsed {
        Some((_, Block::NameResolution(names))) => {
            for record in names.nr {
                read_name(record.record_type, record.record_value, info);
            }
        }
        Some((_, Block::InterfaceStatistics(_))) => {
            let mut c = Cursor::new(block.get(8..block.len().saturating_sub(4)).unwrap_or(&[]));
            let index = section.order.u32(&mut c).unwrap_or(u32::MAX) as usize;
            c.skip(8);
            let mut lost = 0u64;
            for option in Options::new(c.rest(), section.order).flatten() {
                // Dropped by the interface, and by the operating system.
                if matches!(option.code, 5 | 7) {
                    let count = section.order.u64(&mut Cursor::new(option.value)).unwrap_or(0);
                    // All ones is "not known" in some writers.
                    lost = lost.saturating_add(if count == u64::MAX { 0 } else { count });
                }
            }
            if let Some(interface) = section.interfaces.get_mut(index) {
                interface.lost = lost;
            }
        }
        Some((_, Block::DecryptionSecrets(secrets))) if secrets.secrets_type == SecretsType::TlsKeyLog => {
            let secret = secrets.data.get(..secrets.secrets_len as usize).unwrap_or(secrets.data);
            if info.tls_secrets.len().saturating_add(secret.len()) < limits::CAPTURE_SECRETS_BYTES_MAX {
                info.tls_secrets.extend_from_slice(secret);
                if !secret.ends_with(b"\n") {
                    info.tls_secrets.push(b'\n');
                }
            }
        }
        Some(_) => {}
        None => info.problems.note("damaged_block", None, None, || {
            message!(
                en: "a block with names, statistics or secrets cannot be read and was skipped",
                ja: "名前、統計またはシークレットのブロックを読めないため、飛ばしました"
            )
        }),
    }
}

/// A record of a name resolution block: an address and the names it has, each ended by a zero byte.
fn read_name(kind: NameRecordType, value: &[u8], info: &mut CaptureInfo) {
    let mut c = Cursor::new(value);
    let address: Option<IpAddr> = match kind {
        NameRecordType::Ipv4 => c.take(4).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(IpAddr::from),
        NameRecordType::Ipv6 => c.take(16).and_then(|b| <[u8; 16]>::try_from(b).ok()).map(IpAddr::from),
        _ => None,
    };
    let Some(address) = address else { return };
    for name in c.take_rest().split(|b| *b == 0).filter_map(text) {
        if info.names.len() < NAMES_MAX {
            info.names.push((address, name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_of_both_kinds_give_nanoseconds() {
        let time = |resolution, ticks| {
            let clock = Clock { unit: Clock::unit(resolution).unwrap(), offset_seconds: 0 };
            clock.time(ticks).0
        };
        assert_eq!(time(6, 1_700_000_000_000_001), 1_700_000_000_000_001_000);
        assert_eq!(time(9, 1_700_000_000_000_000_001), 1_700_000_000_000_000_001);
        assert_eq!(time(0, 1_700_000_000), 1_700_000_000_000_000_000);
        assert_eq!(time(12, 1_700_000_000_000_001_999), 1_700_000_000_000_001);
        assert_eq!(time(0x80 | 10, 1024 + 512), 1_500_000_000);
        assert_eq!(time(0x80 | 32, (7 << 32) | (1 << 31)), 7_500_000_000);
        assert_eq!(time(0, u64::MAX), i64::MAX);
        assert!(Clock::unit(20).is_none() && Clock::unit(0x80 | 64).is_none());
        let moved = Clock { offset_seconds: -1, ..Clock::default() };
        assert_eq!(moved.time(5).0, -999_995_000);
        assert_eq!(Clock { offset_seconds: i64::MIN, ..Clock::default() }.time(0).0, i64::MIN);
    }

    #[test]
    fn windows_indexes_are_read_from_names() {
        assert_eq!(windows_index("eth:12:0"), Some(12));
        assert_eq!(windows_index("wifi:5"), Some(5));
        assert_eq!(windows_index("eth0"), None);
        assert_eq!(windows_index("vNIC:1:2:3:4"), None);
    }
}
