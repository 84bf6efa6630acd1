//! Microsoft-Windows-PktMon events → packets, drops and the description of components.
//!
//! What enters: one event. What leaves: a `Packet`, or an entry of [`Components`]. Guaranteed: sizes are clipped to
//! the event's data; the tables are bounded.

use super::event::{Event, wide_string};
use super::packet::{Identity, Packet, Site};
use super::shape;
use crate::bytes::Cursor;
use crate::capture::{Direction, DropMark, LinkType};
use crate::message;
use crate::problem::Problems;
use std::collections::BTreeMap;

/// A packet that passed.
pub const FLOWING: u16 = 160;
/// A packet that was dropped.
pub const DROPPED: u16 = 170;

/// Link type of records that hold no link-layer frame (HTTP messages, TCP payload): LINKTYPE_USER0.
const NO_LINK: LinkType = LinkType(147);

/// Components of one machine: some dozens; more than this is nonsense.
const COMPONENTS_MAX: usize = 4096;

/// Event 160 or 170.
pub fn packet<'e>(event: &Event<'e>, problems: &mut Problems) -> Option<Packet<'e>> {
    let parsed = parse(event, problems);
    if parsed.is_none() {
        problems.note("etl_packet_short", None, None, || {
            message!(
                en: "packet events that are too short for what they must hold",
                ja: "必要な項目が収まらないほど短いパケットイベントがあります"
            )
        });
    }
    parsed
}

fn parse<'e>(event: &Event<'e>, problems: &mut Problems) -> Option<Packet<'e>> {
    let mut c = Cursor::new(event.user);
    let group = c.u64_le()?;
    let number = c.u16_le()?;
    let appearance = c.u16_le()?;
    let direction = c.u16_le()?;
    let packet_type = c.u16_le()?;
    let component = c.u16_le()?;
    let edge = c.u16_le()?;
    c.skip(2)?;
    let reason = c.u32_le()?;
    let location = c.u32_le()?;
    let original = u32::from(c.u16_le()?);
    let logged = usize::from(c.u16_le()?);
    let data = match c.peek(logged) {
        Some(data) => data,
        None => {
            problems.note("etl_fragment_size", None, None, || {
                message!(
                    en: "a packet event announces more bytes than it holds; it was clipped",
                    ja: "パケットイベントの長さがイベント内のデータを超えています。データの終わりまでとしました"
                )
            });
            c.rest()
        }
    };
    let link = link(packet_type, data);
    let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
    // The 16-bit size wraps on the largest offload frames: then the IP header knows better.
    let original = if original < len { shape::original_length(data, link).unwrap_or(0) } else { original };
    Some(Packet {
        link,
        data,
        place: Some(event.user_offset + c.position()),
        original_len: original.max(len),
        direction: match direction {
            1 | 3 | 5 => Direction::Inbound,
            2 | 4 | 6 => Direction::Outbound,
            _ => Direction::Unknown,
        },
        pid: event.pid,
        tid: event.tid,
        site: Site::Pktmon { component, edge },
        identity: if appearance > 0 { Identity::Numbered { group, number } } else { Identity::Content },
        dropped: (event.id == DROPPED).then_some(DropMark { component, reason, location }),
    })
}

/// The link type of a record; its own word for it is wrong at some edges, so the bytes decide where they can.
fn link(packet_type: u16, data: &[u8]) -> LinkType {
    match packet_type {
        1 if !shape::looks_ethernet(data) && shape::has_llc_80211(data) => LinkType::IEEE802_11,
        1 => LinkType::ETHERNET,
        2 if shape::looks_ethernet(data) && !shape::has_llc_80211(data) => LinkType::ETHERNET,
        2 => LinkType::IEEE802_11,
        3 if !shape::looks_ip(data) && shape::looks_ethernet(data) => LinkType::ETHERNET,
        3 => LinkType::RAW,
        0 if shape::looks_ethernet(data) => LinkType::ETHERNET,
        0 if shape::has_llc_80211(data) => LinkType::IEEE802_11,
        0 if shape::looks_ip(data) => LinkType::RAW,
        _ => NO_LINK,
    }
}

/// What the rundown says about one component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Component {
    /// ComponentType: 1 NDIS, 2 miniport, 3 filter, 4 protocol, ...
    pub kind: u16,
    /// Driver.
    pub name: String,
    /// Description.
    pub description: String,
    /// Interface index of the adapter (property IfIndex, else MiniportIfIndex).
    pub if_index: Option<u32>,
    /// MAC address.
    pub mac: Option<[u8; 6]>,
}

/// Packets and bytes of one counter record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records.
    pub records: u64,
    /// Packets counted, both directions.
    pub packets: u64,
}

/// The rundown at the end of a PktMon session.
#[derive(Debug, Default)]
pub struct Components {
    /// Components by id.
    pub table: BTreeMap<u16, Component>,
    /// Flow counters (event 90).
    pub flowed: Counters,
    /// Drop counters (event 80).
    pub dropped: Counters,
    /// Capture filters that were set (events 100, 110).
    pub filters: u64,
}

impl Components {
    /// Takes an event of the rundown; others are left alone.
    pub fn take(&mut self, event: &Event<'_>) {
        // Short records are no loss: they only describe.
        let _ = self.read(event);
    }

    fn entry(&mut self, id: u16) -> Option<&mut Component> {
        if self.table.len() >= COMPONENTS_MAX && !self.table.contains_key(&id) {
            return None;
        }
        Some(self.table.entry(id).or_default())
    }

    fn read(&mut self, event: &Event<'_>) -> Option<()> {
        let mut c = Cursor::new(event.user);
        match event.id {
            20 => {
                let id = c.u16_le()?;
                let kind = c.u16_le()?;
                // Components without a driver say "NULL".
                let mut name = wide_string(&mut c);
                name.retain(|ch| !ch.is_control());
                if name == "NULL" {
                    name.clear();
                }
                let mut description = wide_string(&mut c);
                description.retain(|ch| !ch.is_control());
                let component = self.entry(id)?;
                (component.kind, component.name, component.description) = (kind, name, description);
            }
            30 => {
                let id = c.u16_le()?;
                let property = c.u16_le()?;
                let value = c.u32_le()?;
                let component = self.entry(id)?;
                // 1 IfIndex, 2 MiniportIfIndex.
                if property == 2 || (property == 1 && component.if_index.is_none()) {
                    component.if_index = Some(value);
                }
            }
            70 => {
                let id = c.u16_le()?;
                c.skip(2)?;
                if c.u32_le()? == 6 {
                    self.entry(id)?.mac = c.peek(6)?.first_chunk::<6>().copied();
                }
            }
            80 | 90 => {
                c.skip(2)?;
                if event.id == 90 {
                    wide_string(&mut c);
                    c.skip(2)?;
                }
                c.skip(2)?;
                let inbound = c.u64_le()?;
                c.skip(8 + 2)?;
                let outbound = c.u64_le()?;
                let counters = if event.id == 90 { &mut self.flowed } else { &mut self.dropped };
                counters.records += 1;
                counters.packets = counters.packets.saturating_add(inbound).saturating_add(outbound);
            }
            100 | 110 => self.filters += 1,
            _ => {}
        }
        Some(())
    }
}
