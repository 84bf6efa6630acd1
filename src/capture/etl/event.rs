//! Event headers of all kinds inside a buffer.
//!
//! What enters: bytes that begin at an event. What leaves: its size and time ([`Head`]), and the decoded [`Event`],
//! which borrows them. Guaranteed: nothing is copied but the fixed fields, and user data never reach outside the event.

use super::guid::Guid;
use crate::bytes::Cursor;

/// The kind of an event header (its HeaderType byte).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// SYSTEM_TRACE_HEADER of the kernel logger.
    System,
    /// The same without processor times.
    Compact,
    /// PERFINFO_TRACE_HEADER: no process, no thread.
    PerfInfo,
    /// EVENT_TRACE_HEADER: classic (MOF) events and the records of a merge.
    Classic,
    /// EVENT_INSTANCE_HEADER.
    Instance,
    /// EVENT_HEADER: manifest and TraceLogging events.
    Event,
    /// WPP message.
    Message,
    /// ERROR records.
    Error,
    /// TIMED and WNODE records, skipped by their size.
    Other,
}

impl Kind {
    /// The kind, and the pointer size it stands for (4, 8, or 0 where the type does not say), from the first four
    /// bytes; `None` for a type that is not known (its size field may lie anywhere, so it cannot be skipped).
    pub fn of(first: &[u8; 4]) -> Option<(Kind, u8)> {
        let [_, _, header_type, mark] = *first;
        if mark & 0x80 == 0 {
            return None;
        }
        if mark & 0x40 == 0 {
            return if mark & 0x10 != 0 { Some((Kind::Message, 0)) } else { None };
        }
        Some(match header_type {
            0x01 => (Kind::System, 4),
            0x02 => (Kind::System, 8),
            0x03 => (Kind::Compact, 4),
            0x04 => (Kind::Compact, 8),
            0x10 => (Kind::PerfInfo, 4),
            0x11 => (Kind::PerfInfo, 8),
            0x0A => (Kind::Classic, 4),
            0x14 => (Kind::Classic, 8),
            0x0B => (Kind::Instance, 4),
            0x15 => (Kind::Instance, 8),
            0x12 => (Kind::Event, 4),
            0x13 => (Kind::Event, 8),
            0x0D => (Kind::Error, 0),
            0x0C | 0x0E => (Kind::Other, 0),
            _ => return None,
        })
    }

    /// Bytes of the header.
    pub const fn header_bytes(self) -> usize {
        match self {
            Kind::System => 32,
            Kind::Compact => 24,
            Kind::PerfInfo => 16,
            Kind::Classic => 48,
            Kind::Instance => 72,
            Kind::Event => 80,
            Kind::Message | Kind::Error | Kind::Other => 8,
        }
    }

    /// Where the raw time lies, for the kinds that have one at a fixed place.
    pub fn time_offset(self) -> Option<usize> {
        match self {
            Kind::System | Kind::Compact | Kind::Classic | Kind::Instance | Kind::Event => Some(16),
            Kind::PerfInfo => Some(8),
            Kind::Message | Kind::Error | Kind::Other => None,
        }
    }

    /// Where the u16 size field lies.
    fn size_offset(self) -> usize {
        match self {
            Kind::System | Kind::Compact | Kind::PerfInfo => 4,
            _ => 0,
        }
    }

    /// The word used in dumps.
    pub fn code(self) -> &'static str {
        match self {
            Kind::System => "system",
            Kind::Compact => "compact",
            Kind::PerfInfo => "perfinfo",
            Kind::Classic => "classic",
            Kind::Instance => "instance",
            Kind::Event => "event",
            Kind::Message => "message",
            Kind::Error => "error",
            Kind::Other => "other",
        }
    }
}

/// Size and time of an event, all that merging needs.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Kind of header.
    pub kind: Kind,
    /// Pointer size of its user data, 0 where the header does not say.
    pub pointer: u8,
    /// Bytes of the event with header.
    pub size: usize,
    /// Raw time.
    pub time: Option<i64>,
}

/// Why no event begins where one should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEvent {
    /// Filler or never-written bytes: the ordinary end of a buffer.
    Filler,
    /// Bytes that no event begins with.
    Unknown,
    /// The size field is smaller than the header.
    BadSize,
    /// The event would need this many bytes in all.
    Needs(usize),
}

/// Reads size and time of the event at the start of `bytes`.
///
/// # Errors
/// When no event begins there, or `bytes` does not hold all of it.
pub fn head(bytes: &[u8]) -> Result<Head, NoEvent> {
    let first = bytes.first_chunk::<4>().ok_or(NoEvent::Needs(8))?;
    let word = u32::from_le_bytes(*first);
    if word == 0 || word == u32::MAX {
        return Err(NoEvent::Filler);
    }
    let (kind, pointer) = Kind::of(first).ok_or(NoEvent::Unknown)?;
    let size = bytes.get(kind.size_offset()..).and_then(|b| b.first_chunk::<2>()).ok_or(NoEvent::Needs(8))?;
    let size = usize::from(u16::from_le_bytes(*size));
    if size < kind.header_bytes() {
        return Err(NoEvent::BadSize);
    }
    if size > bytes.len() {
        return Err(NoEvent::Needs(size));
    }
    let time = match kind.time_offset() {
        Some(at) => bytes.get(at..).and_then(|b| b.first_chunk::<8>()).map(|b| i64::from_le_bytes(*b)),
        None => message_time(kind, bytes.get(..size).unwrap_or(bytes)),
    };
    Ok(Head { kind, pointer, size, time })
}

/// Places of the optional fields of a WPP message, by its option bits.
struct MessageFields {
    guid: Option<Guid>,
    time: Option<i64>,
    ids: Option<(u32, u32)>,
    user: usize,
}

fn message_fields(event: &[u8]) -> Option<MessageFields> {
    let mut c = Cursor::new(event);
    c.skip(6)?;
    let options = c.u16_le()?;
    let mut fields = MessageFields { guid: None, time: None, ids: None, user: 8 };
    let mut read = || -> Option<()> {
        if options & 0x01 != 0 {
            c.skip(4)?;
        }
        if options & 0x04 != 0 {
            c.skip(4)?;
        } else if options & 0x02 != 0 {
            fields.guid = Guid::read(c.take(16)?);
        }
        if options & 0x18 != 0 {
            fields.time = Some(c.u64_le()? as i64);
        }
        if options & 0x20 != 0 {
            fields.ids = Some((c.u32_le()?, c.u32_le()?));
        }
        Some(())
    };
    // A message cut inside these fields keeps those that are whole and has no user data.
    let whole = read().is_some();
    fields.user = if whole { c.position() } else { event.len() };
    Some(fields)
}

fn message_time(kind: Kind, event: &[u8]) -> Option<i64> {
    if kind == Kind::Message { message_fields(event)?.time } else { None }
}

/// A decoded event.
#[derive(Debug, Clone, Copy)]
pub struct Event<'e> {
    /// Kind of header.
    pub kind: Kind,
    /// Pointer size of its user data: 4 or 8.
    pub pointer: u8,
    /// Processor whose buffer it was in.
    pub cpu: u16,
    /// Raw time.
    pub raw_time: Option<i64>,
    /// Process; `None` where the header has no place for it.
    pub pid: Option<u32>,
    /// Thread.
    pub tid: Option<u32>,
    /// Provider or event class.
    pub provider: Guid,
    /// Kernel group (SYSTEM, COMPACT, PERFINFO).
    pub group: u8,
    /// Event id, message number.
    pub id: u16,
    /// Version.
    pub version: u16,
    /// Opcode or type.
    pub opcode: u8,
    /// Level.
    pub level: u8,
    /// Keyword bits.
    pub keyword: u64,
    /// Extended items.
    pub ext: &'e [u8],
    /// User data.
    pub user: &'e [u8],
    /// Where the user data begin, from the start of the event.
    pub user_offset: usize,
    /// The extended items were damaged.
    pub bad_ext: bool,
}

impl<'e> Event<'e> {
    /// Decodes the event that `head` was read from; `bytes` begins at it.
    pub fn decode(head: &Head, bytes: &'e [u8], cpu: u16, file_pointer: u8) -> Option<Event<'e>> {
        let bytes = bytes.get(..head.size)?;
        let header_bytes = head.kind.header_bytes();
        let mut e = Event {
            kind: head.kind,
            pointer: if head.pointer == 0 { file_pointer } else { head.pointer },
            cpu,
            raw_time: head.time,
            pid: None,
            tid: None,
            provider: Guid::NONE,
            group: 0,
            id: 0,
            version: 0,
            opcode: 0,
            level: 0,
            keyword: 0,
            ext: &[],
            user: &[],
            user_offset: header_bytes,
            bad_ext: false,
        };
        let mut c = Cursor::new(bytes);
        match head.kind {
            Kind::System | Kind::Compact => {
                e.version = u16::from(c.u8()?);
                c.skip(5)?;
                e.opcode = c.u8()?;
                e.group = c.u8()?;
                e.tid = c.u32_le();
                e.pid = c.u32_le();
            }
            Kind::PerfInfo => {
                e.version = u16::from(c.u8()?);
                let counters = c.u8()?;
                c.skip(4)?;
                e.opcode = c.u8()?;
                e.group = c.u8()?;
                // Counter values stand before the data: 8 bytes each, and one more for a PEBS index.
                e.user_offset += 8 * usize::from(counters & 7) + if counters & 0x80 != 0 { 8 } else { 0 };
            }
            Kind::Classic | Kind::Instance => {
                c.skip(4)?;
                e.opcode = c.u8()?;
                e.level = c.u8()?;
                e.version = c.u16_le()?;
                e.tid = c.u32_le();
                e.pid = c.u32_le();
                c.skip(8)?;
                e.provider = Guid::read(c.take(16)?)?;
            }
            Kind::Event => {
                c.skip(4)?;
                let flags = c.u16_le()?;
                c.skip(2)?;
                e.tid = c.u32_le();
                e.pid = c.u32_le();
                c.skip(8)?;
                e.provider = Guid::read(c.take(16)?)?;
                e.id = c.u16_le()?;
                e.version = u16::from(c.u8()?);
                c.skip(1)?;
                e.level = c.u8()?;
                e.opcode = c.u8()?;
                c.skip(2)?;
                e.keyword = c.u64_le()?;
                if flags & 1 != 0 {
                    let rest = bytes.get(header_bytes..)?;
                    let (len, whole) = ext_len(rest);
                    e.ext = rest.get(..len)?;
                    e.bad_ext = !whole;
                    e.user_offset = header_bytes + len;
                }
            }
            Kind::Message => {
                c.skip(4)?;
                e.id = c.u16_le()?;
                let fields = message_fields(bytes)?;
                e.provider = fields.guid.unwrap_or(Guid::NONE);
                (e.tid, e.pid) = fields.ids.map_or((None, None), |(t, p)| (Some(t), Some(p)));
                e.user_offset = fields.user;
            }
            Kind::Error | Kind::Other => {}
        }
        e.user_offset = e.user_offset.min(bytes.len());
        e.user = bytes.get(e.user_offset..)?;
        Some(e)
    }

    /// The data of the first extended item of type `wanted`.
    pub fn ext_item(&self, wanted: u16) -> Option<&'e [u8]> {
        let mut c = Cursor::new(self.ext);
        loop {
            let total = usize::from(c.u16_le()?);
            let kind = c.u16_le()?;
            c.skip(2)?;
            let len = usize::from(c.u16_le()?);
            let body = c.take(total.checked_sub(8)?)?;
            if kind == wanted {
                return body.get(..len);
            }
            c.skip(total.wrapping_neg() & 7)?;
        }
    }
}

/// Bytes that the extended items at the start of `rest` take, and whether all of them were whole.
fn ext_len(rest: &[u8]) -> (usize, bool) {
    let mut at = 0usize;
    loop {
        let mut c = Cursor::new(rest.get(at..).unwrap_or(&[]));
        let item = (|| Some((usize::from(c.u16_le()?), c.u16_le()?, c.u16_le()?, usize::from(c.u16_le()?))))();
        let Some((total, _, link, len)) = item else { return (at.min(rest.len()), false) };
        if total < 8 || len > total - 8 || at + total > rest.len() {
            return (at, false);
        }
        at += (total + 7) & !7;
        if link & 1 == 0 {
            return (at.min(rest.len()), true);
        }
    }
}

/// A NUL-terminated UTF-16LE string; ends at the end of the bytes where there is no NUL.
pub fn wide_string(c: &mut Cursor<'_>) -> String {
    let bytes = wide_bytes(c);
    decode_wide(bytes)
}

/// The bytes of a NUL-terminated UTF-16LE string, without the NUL, which is consumed.
pub fn wide_bytes<'a>(c: &mut Cursor<'a>) -> &'a [u8] {
    let rest = c.rest();
    let units = rest.chunks_exact(2).position(|u| u == [0, 0]);
    let len = units.map_or(rest.len() & !1, |n| n * 2);
    let bytes = c.take(len).unwrap_or(&[]);
    if units.is_some() {
        c.skip(2);
    } else {
        c.take_rest();
    }
    bytes
}

/// UTF-16LE bytes as text; what is no character becomes U+FFFD.
pub fn decode_wide(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|u| u16::from_le_bytes([u.first().copied().unwrap_or(0), u.get(1).copied().unwrap_or(0)]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filler_and_unknown_headers_are_told_apart() {
        assert_eq!(head(&[0xFF; 16]).unwrap_err(), NoEvent::Filler);
        assert_eq!(head(&[0; 16]).unwrap_err(), NoEvent::Filler);
        assert_eq!(head(&[80, 0, 0x77, 0xC0, 0, 0, 0, 0]).unwrap_err(), NoEvent::Unknown);
        assert_eq!(head(&[80, 0, 0x13, 0x40, 0, 0, 0, 0]).unwrap_err(), NoEvent::Unknown);
        assert_eq!(head(&[79, 0, 0x13, 0xC0, 0, 0, 0, 0]).unwrap_err(), NoEvent::BadSize);
        assert_eq!(head(&[80, 0, 0x13, 0xC0, 0, 0, 0, 0]).unwrap_err(), NoEvent::Needs(80));
        assert_eq!(head(&[1, 0]).unwrap_err(), NoEvent::Needs(8));
    }

    #[test]
    fn an_event_with_extended_items_gives_them_and_its_user_data() {
        let mut bytes = vec![0u8; 80];
        let item = |kind: u8, link: u8, data: &[u8]| {
            let total = (8 + data.len() + 7) & !7;
            let mut v = vec![total as u8, 0, kind, 0, link, 0, data.len() as u8, 0];
            v.extend_from_slice(data);
            v.resize(total, 0xEE);
            v
        };
        bytes.extend(item(12, 1, b"traits"));
        bytes.extend(item(11, 0, b"schema of it"));
        bytes.extend_from_slice(b"user");
        let size = bytes.len() as u16;
        bytes[0..2].copy_from_slice(&size.to_le_bytes());
        bytes[2..4].copy_from_slice(&[0x13, 0xC0]);
        bytes[4] = 1;
        bytes[8..12].copy_from_slice(&7u32.to_le_bytes());
        bytes[12..16].copy_from_slice(&9u32.to_le_bytes());
        let h = head(&bytes).unwrap();
        let e = Event::decode(&h, &bytes, 3, 8).unwrap();
        assert_eq!((e.tid, e.pid, e.user, e.bad_ext), (Some(7), Some(9), &b"user"[..], false));
        assert_eq!(e.ext_item(12), Some(&b"traits"[..]));
        assert_eq!(e.ext_item(11), Some(&b"schema of it"[..]));
        assert_eq!(e.ext_item(6), None);
        for cut in 80..bytes.len() {
            let mut short = bytes[..cut].to_vec();
            short[0..2].copy_from_slice(&(cut as u16).to_le_bytes());
            let h = head(&short).unwrap();
            Event::decode(&h, &short, 0, 8).unwrap();
        }
    }

    #[test]
    fn a_wpp_message_carries_its_time_in_its_options() {
        let mut m = vec![0, 0, 0, 0x90, 12, 0, 0x2B, 0];
        m.extend_from_slice(&5u32.to_le_bytes());
        m.extend_from_slice(&[0xAA; 16]);
        m.extend_from_slice(&77i64.to_le_bytes());
        m.extend_from_slice(&1u32.to_le_bytes());
        m.extend_from_slice(&2u32.to_le_bytes());
        m.extend_from_slice(b"args");
        m[0] = m.len() as u8;
        let h = head(&m).unwrap();
        assert_eq!(h.time, Some(77));
        let e = Event::decode(&h, &m, 0, 8).unwrap();
        assert_eq!((e.id, e.tid, e.pid, e.user), (12, Some(1), Some(2), &b"args"[..]));
        assert_eq!(e.provider, Guid([0xAA; 16]));
    }

    #[test]
    fn wide_strings_end_with_their_bytes() {
        let mut c = Cursor::new(&[b'a', 0, 0, 0, b'b', 0, 0x00]);
        assert_eq!(wide_string(&mut c), "a");
        assert_eq!(wide_string(&mut c), "b");
        assert!(c.is_empty());
    }
}
