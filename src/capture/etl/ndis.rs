//! Microsoft-Windows-NDIS-PacketCapture and RAS-NdisWan events → packets.
//!
//! What enters: one event. What leaves: a `Packet` or a piece of one; pieces are joined here. Guaranteed: sizes in
//! the event are clipped to its data, runs that never end are bounded.

use super::event::{Event, Kind, wide_bytes};
use super::guid;
use super::packet::{Identity, Packet, Site};
use super::shape;
use crate::bytes::Cursor;
use crate::capture::{Direction, LinkType};
use crate::message;
use crate::problem::Problems;
use hashbrown::HashMap;

/// Keyword bits (manifest of the provider).
const WIRELESS_WAN: u64 = 0x200;
const NATIVE_80211: u64 = 0x1_0000;
const TRUNCATED: u64 = 0x0200_0000;
const START: u64 = 0x4000_0000;
const END: u64 = 0x8000_0000;
const SEND: u64 = 0x1_0000_0000;
const RECEIVE: u64 = 0x2_0000_0000;

/// Event id of a packet.
const PACKET: u16 = 1001;

/// Bytes of an EVENT_HEADER.
const HEADER_BYTES: usize = Kind::Event.header_bytes();

/// Largest packet that is joined: offloads reach 64 KiB and a little.
const PACKET_BYTES_MAX: usize = 1 << 20;

/// Packets that may be unfinished at the same time (one for each processor, thread and layer).
const RUNS_MAX: usize = 4096;

/// Bytes of all unfinished packets together.
const RUNS_BYTES_MAX: usize = 16 << 20;

/// Bytes and place of a fragment inside its event's user data.
struct Fragment<'e> {
    miniport: u32,
    lower: u32,
    data: &'e [u8],
    at: usize,
    clipped: bool,
}

fn fragment<'e>(event: &Event<'e>) -> Option<Fragment<'e>> {
    let mut c = Cursor::new(event.user);
    let miniport = c.u32_le()?;
    let lower = c.u32_le()?;
    if event.id == 1003 {
        c.skip(4)?;
        for _ in 0..3 {
            wide_bytes(&mut c);
        }
        let destinations = c.u32_le()? as usize;
        c.skip(destinations.checked_mul(8)?)?;
    }
    let size = c.u32_le()? as usize;
    let (data, clipped) = match c.peek(size) {
        Some(data) => (data, false),
        None => (c.rest(), true),
    };
    Some(Fragment { miniport, lower, data, at: c.position(), clipped })
}

/// The short way for what nearly all of a trace of packets is: a 1001 without extended items that holds a whole, uncut
/// Ethernet packet. `bytes` are the event's. What it leaves is for [`Joiner::packet`], which makes the same of what it
/// takes.
#[inline(always)]
pub fn whole_packet(bytes: &[u8]) -> Option<Packet<'_>> {
    const OFFSET: usize = HEADER_BYTES + 12;
    let (header, user) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let (fixed, data) = user.split_first_chunk::<12>()?;
    let field = |at: usize| header.get(at..).and_then(|h| h.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b));
    let &[.., k0, k1, k2, k3, k4, k5, k6, k7] = header.first_chunk::<56>()?;
    let keyword = u64::from_le_bytes([k0, k1, k2, k3, k4, k5, k6, k7]);
    let is_packet = matches!(header, [_, _, 0x12 | 0x13, 0xC0..=0xFF, flags, ..] if flags & 1 == 0)
        && header.get(24..40) == Some(&guid::NDIS_PACKET_CAPTURE.0)
        && header.get(40..42) == Some(&PACKET.to_le_bytes());
    let is_whole = keyword & (START | END) == START | END && keyword & (NATIVE_80211 | WIRELESS_WAN | TRUNCATED) == 0;
    let &[m0, m1, m2, m3, l0, l1, l2, l3, s0, s1, s2, s3] = fixed;
    let len = u32::from_le_bytes([s0, s1, s2, s3]);
    let data = data.get(..len as usize)?;
    (is_packet && is_whole).then_some(())?;
    Some(Packet {
        link: LinkType::ETHERNET,
        data,
        place: Some(OFFSET),
        original_len: len,
        direction: direction(keyword),
        pid: Some(field(12)?),
        tid: Some(field(8)?),
        site: Site::Ndis {
            miniport: u32::from_le_bytes([m0, m1, m2, m3]),
            lower: u32::from_le_bytes([l0, l1, l2, l3]),
        },
        identity: Identity::Content,
        dropped: None,
    })
}

fn direction(keyword: u64) -> Direction {
    if keyword & SEND != 0 {
        Direction::Outbound
    } else if keyword & RECEIVE != 0 {
        Direction::Inbound
    } else {
        Direction::Unknown
    }
}

/// A packet of which the last piece has not come yet.
struct Run {
    data: Vec<u8>,
    pid: Option<u32>,
    tid: Option<u32>,
    truncated: bool,
    link: LinkType,
}

/// (processor, thread, lower, miniport, direction): what the pieces of a packet have in common.
type RunKey = (u16, u32, u32, u32, u8);

/// Joins packets that were logged in pieces (Windows 8 and older).
#[derive(Default)]
pub struct Joiner {
    open: HashMap<RunKey, Run>,
    bytes: usize,
    /// The packet that was joined last.
    joined: Vec<u8>,
}

impl Joiner {
    /// Takes a 1001 or 1003; a whole packet if this event is or completes one.
    pub fn packet<'e>(&'e mut self, event: &Event<'e>, problems: &mut Problems) -> Option<Packet<'e>> {
        let Some(f) = fragment(event) else {
            note_short(problems);
            return None;
        };
        if f.clipped {
            problems.note("etl_fragment_size", None, None, || {
                message!(
                    en: "a packet event announces more bytes than it holds; it was clipped",
                    ja: "パケットイベントの長さがイベント内のデータを超えています。データの終わりまでとしました"
                )
            });
        }
        let keyword = event.keyword;
        let link = if keyword & NATIVE_80211 != 0 {
            LinkType::IEEE802_11
        } else if keyword & WIRELESS_WAN != 0 {
            LinkType::RAW
        } else {
            LinkType::ETHERNET
        };
        let direction = direction(keyword);
        let site = Site::Ndis { miniport: f.miniport, lower: f.lower };
        let truncated = keyword & TRUNCATED != 0;
        let whole = |data: &'e [u8], place, pid, tid, truncated, link| {
            let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
            let original = if truncated { shape::original_length(data, link).unwrap_or(0) } else { 0 };
            Packet {
                link,
                data,
                place,
                original_len: original.max(len),
                direction,
                pid,
                tid,
                site,
                identity: Identity::Content,
                dropped: None,
            }
        };
        if keyword & START != 0 && keyword & END != 0 {
            let place = Some(event.user_offset + f.at);
            return Some(whole(f.data, place, event.pid, event.tid, truncated, link));
        }
        let key = (event.cpu, event.tid.unwrap_or(0), f.lower, f.miniport, direction as u8);
        if keyword & START != 0 {
            if let Some(run) = self.open.remove(&key) {
                self.bytes = self.bytes.saturating_sub(run.data.len());
                note_unfinished(problems, 1);
            }
            if self.open.len() >= RUNS_MAX || self.bytes >= RUNS_BYTES_MAX {
                // Nothing real has so many; give all of them up rather than grow.
                note_unfinished(problems, self.open.len() as u64);
                self.open.clear();
                self.bytes = 0;
            }
            self.bytes += f.data.len();
            self.open.insert(key, Run { data: f.data.to_vec(), pid: event.pid, tid: event.tid, truncated, link });
            return None;
        }
        let Some(run) = self.open.get_mut(&key) else {
            problems.note("etl_fragment_orphan", None, None, || {
                message!(
                    en: "pieces of packets whose beginning is not in the trace",
                    ja: "先頭部分がトレースに含まれていないパケットの断片があります"
                )
            });
            return None;
        };
        run.truncated |= truncated;
        if run.data.len() + f.data.len() > PACKET_BYTES_MAX {
            note_unfinished(problems, 1);
            self.bytes = self.bytes.saturating_sub(run.data.len());
            self.open.remove(&key);
            return None;
        }
        run.data.extend_from_slice(f.data);
        self.bytes += f.data.len();
        if keyword & END == 0 {
            return None;
        }
        let run = self.open.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(run.data.len());
        self.joined = run.data;
        Some(whole(&self.joined, None, run.pid, run.tid, run.truncated, run.link))
    }

    /// Packets that never became whole.
    pub fn unfinished(&self) -> u64 {
        self.open.len() as u64
    }
}

/// RAS-NdisWan 5001 (send) and 5002 (receive).
pub fn ras<'e>(event: &Event<'e>, problems: &mut Problems) -> Option<Packet<'e>> {
    let mut c = Cursor::new(event.user);
    wide_bytes(&mut c);
    wide_bytes(&mut c);
    let Some(size) = c.u32_le() else {
        note_short(problems);
        return None;
    };
    let data = c.peek(size as usize).unwrap_or(c.rest());
    Some(Packet {
        link: LinkType::ETHERNET,
        data,
        place: Some(event.user_offset + c.position()),
        original_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
        direction: if event.id == 5001 { Direction::Outbound } else { Direction::Inbound },
        pid: event.pid,
        tid: event.tid,
        site: Site::Ras,
        identity: Identity::Content,
        dropped: None,
    })
}

fn note_short(problems: &mut Problems) {
    problems.note("etl_packet_short", None, None, || {
        message!(
            en: "packet events that are too short for what they must hold",
            ja: "必要な項目が収まらないほど短いパケットイベントがあります"
        )
    });
}

/// Counts packets whose last piece never came.
pub fn note_unfinished(problems: &mut Problems, count: u64) {
    problems.note_many("etl_packet_unfinished", count, None, None, || {
        message!(
            en: "packets of which the last piece is not in the trace; they were left out",
            ja: "最後の断片がトレースに含まれていないパケットがあります。これらは除外しました"
        )
    });
}
