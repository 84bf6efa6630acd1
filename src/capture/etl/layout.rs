//! Layouts of events in traces without embedded schemas (never merged, or cut before the end): tables only.
//!
//! What enters: user data. What leaves: [`Fields`]. From published manifests (checked 2026-11); where Windows versions
//! added fields, they were added behind those listed here. A schema in the trace always goes first.

use super::guid::Guid;
use super::names::{DNS_CLIENT, SCHANNEL, SCHANNEL_LOG, TCPIP, WEBIO, WINHTTP, WININET};
use super::schema::{Field, Fields};
use super::value::{self, Kind, Value, in_type, one_line};
use crate::bytes::Cursor;

/// How a field is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Pointer of the process's width.
    Pointer,
    /// 16 bits.
    U16,
    /// 32 bits.
    U32,
    /// 32 bits, read as hexadecimal.
    Status,
    /// 64 bits.
    U64,
    /// UTF-16 with NUL.
    Wide,
    /// ANSI with NUL.
    Ansi,
    /// 32-bit length, SOCKADDR.
    Socket,
    /// 16-bit number of characters, UTF-16.
    WideCounted,
    /// 16-bit number of bytes, ANSI.
    AnsiCounted,
}

use Form::{Ansi, AnsiCounted, Pointer, Socket, Status, U16, U32, U64, Wide, WideCounted};

type Layout = (Guid, &'static [u16], &'static [(&'static str, Form)]);

/// (provider, ids, fields).
static LAYOUTS: &[Layout] = &[
    (
        TCPIP,
        &[1016, 1017, 1033, 1034, 1038, 1039, 1043, 1044, 1045, 1046, 1047],
        &[
            ("LocalAddress", Socket),
            ("RemoteAddress", Socket),
            ("Status", Status),
            ("ProcessId", U32),
            ("Compartment", U32),
            ("Tcb", Pointer),
        ],
    ),
    (
        TCPIP,
        &[1300],
        &[("Tcb", Pointer), ("LocalAddress", Socket), ("RemoteAddress", Socket), ("State", U32), ("Pid", U32)],
    ),
    (
        TCPIP,
        &[1382],
        &[
            ("LocalAddress", Socket),
            ("RemoteAddress", Socket),
            ("Tcb", Pointer),
            ("Endpoint", Pointer),
            ("DnsName", Wide),
            ("Status", Status),
        ],
    ),
    (
        DNS_CLIENT,
        &[3006],
        &[
            ("QueryName", Wide),
            ("QueryType", U32),
            ("QueryOptions", U64),
            ("ServerList", Wide),
            ("IsNetworkQuery", U32),
            ("NetworkQueryIndex", U32),
            ("InterfaceIndex", U32),
            ("IsAsyncQuery", U32),
        ],
    ),
    (
        DNS_CLIENT,
        &[3008, 3018],
        &[("QueryName", Wide), ("QueryType", U32), ("QueryOptions", U64), ("QueryStatus", U32), ("QueryResults", Wide)],
    ),
    (DNS_CLIENT, &[3010], &[("QueryName", Wide), ("QueryType", U32), ("DnsServerIpAddress", Wide)]),
    (
        DNS_CLIENT,
        &[3011],
        &[("QueryName", Wide), ("QueryType", U32), ("DnsServerIpAddress", Wide), ("ResponseStatus", U32)],
    ),
    (
        DNS_CLIENT,
        &[3020],
        &[
            ("QueryName", Wide),
            ("QueryType", U32),
            ("NetworkIndex", U32),
            ("InterfaceIndex", U32),
            ("Status", U32),
            ("QueryResults", Wide),
        ],
    ),
    (
        WEBIO,
        &[17, 18],
        &[
            ("Session", Pointer),
            ("Request", Pointer),
            ("Parent", Pointer),
            ("Owner", Pointer),
            ("Method", Ansi),
            ("URI", Wide),
            ("VersionMajor", U16),
            ("VersionMinor", U16),
            ("Error", U32),
        ],
    ),
    (WEBIO, &[100, 101], &[("Request", Pointer), ("Headers", AnsiCounted)]),
    (WINHTTP, &[10, 11, 12, 13, 14], &[("ApiHandle", Pointer), ("Api", Ansi), ("Result", U32)]),
    (WINHTTP, &[801, 802, 803, 804, 805, 806, 807, 808, 809, 810, 811, 812, 813, 814, 815], &[("Text", WideCounted)]),
    (
        WININET,
        &[1057],
        &[("URL", Ansi), ("Verb", Ansi), ("RequestHeaders", Ansi), ("ResponseHeaders", Ansi), ("Status", U32)],
    ),
    (SCHANNEL, &[36887], &[("AlertDesc", U32)]),
    (SCHANNEL, &[36888], &[("AlertDesc", U32), ("ErrorState", U32)]),
    (SCHANNEL_LOG, &[36887], &[("AlertDesc", U32)]),
    (SCHANNEL_LOG, &[36888], &[("AlertDesc", U32), ("ErrorState", U32)]),
];

/// Decodes user data by the table; `None` when the event is not in it.
pub fn decode(provider: Guid, id: u16, user: &[u8], pointer: u8) -> Option<Fields> {
    let (_, _, layout) = LAYOUTS.iter().find(|(g, ids, _)| *g == provider && ids.contains(&id))?;
    let mut c = Cursor::new(user);
    let mut fields = Fields::default();
    for (name, form) in *layout {
        let Some(value) = read(*form, &mut c, pointer) else { return Some(fields) };
        let text = value.text(if *form == Status { 31 } else { 0 });
        fields.list.push(Field { name: (*name).to_owned(), value, text });
    }
    fields.left = Some(c.remaining());
    Some(fields)
}

fn read(form: Form, c: &mut Cursor<'_>, pointer: u8) -> Option<Value> {
    let simple = |in_type| Kind { in_type, pointer, ..Kind::default() };
    match form {
        Pointer => value::read(simple(in_type::POINTER), c),
        U16 => value::read(simple(in_type::U16), c),
        U32 | Status => value::read(simple(in_type::U32), c),
        U64 => value::read(simple(in_type::U64), c),
        Wide => value::read(simple(in_type::WIDE), c),
        Ansi => value::read(simple(in_type::ANSI), c),
        AnsiCounted => value::read(simple(in_type::COUNTED_ANSI), c),
        WideCounted => {
            let chars = usize::from(c.u16_le()?);
            Some(Value::Text(one_line(&super::event::decode_wide(c.take(chars.checked_mul(2)?)?))))
        }
        Socket => {
            let len = c.u32_le()? as usize;
            let bytes = c.take(len)?;
            Some(value::socket_address(bytes).map_or_else(|| Value::Bytes(bytes.to_vec()), Value::Socket))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_connect_reads_its_addresses_and_status() {
        let mut user = Vec::new();
        for last in [7u8, 9] {
            user.extend(16u32.to_le_bytes());
            user.extend([2, 0, 0x01, 0xBB, 10, 0, 0, last, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        user.extend(0xC000_00B5u32.to_le_bytes());
        user.extend(4711u32.to_le_bytes());
        user.extend(1u32.to_le_bytes());
        user.extend([0; 8]);
        let f = decode(TCPIP, 1034, &user, 8).unwrap();
        let texts: Vec<_> = f.list.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(texts, ["10.0.0.7:443", "10.0.0.9:443", "0xc00000b5", "4711", "1", "0"]);
        for cut in 0..user.len() {
            assert_eq!(decode(TCPIP, 1034, &user[..cut], 8).unwrap().left, None);
        }
        assert!(decode(TCPIP, 1, &user, 8).is_none());
    }
}
