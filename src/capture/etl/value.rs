//! Values of event fields and how they read as text.
//!
//! What enters: user data and the type of a field. What leaves: [`Value`]. Guaranteed: bounded by the data, and the
//! text of a value holds no control characters.

use super::event::{decode_wide, wide_bytes};
use super::guid::Guid;
use crate::bytes::Cursor;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of a text field that are kept.
const TEXT_MAX: usize = 4096;

/// InType values (TDH_INTYPE_, published in tdh.h's documentation).
pub mod in_type {
    pub const WIDE: u16 = 1;
    pub const ANSI: u16 = 2;
    pub const I8: u16 = 3;
    pub const U8: u16 = 4;
    pub const I16: u16 = 5;
    pub const U16: u16 = 6;
    pub const I32: u16 = 7;
    pub const U32: u16 = 8;
    pub const I64: u16 = 9;
    pub const U64: u16 = 10;
    pub const FLOAT: u16 = 11;
    pub const DOUBLE: u16 = 12;
    pub const BOOL: u16 = 13;
    pub const BINARY: u16 = 14;
    pub const GUID: u16 = 15;
    pub const POINTER: u16 = 16;
    pub const FILETIME: u16 = 17;
    pub const SYSTEMTIME: u16 = 18;
    pub const SID: u16 = 19;
    pub const HEX32: u16 = 20;
    pub const HEX64: u16 = 21;
    pub const COUNTED_WIDE_MANIFEST: u16 = 22;
    pub const COUNTED_ANSI_MANIFEST: u16 = 23;
    pub const COUNTED_BINARY_MANIFEST: u16 = 25;
    pub const COUNTED_WIDE: u16 = 300;
    pub const COUNTED_ANSI: u16 = 301;
    pub const WIDE_CHAR: u16 = 306;
    pub const ANSI_CHAR: u16 = 307;
    pub const SIZE_T: u16 = 308;
}

/// OutType values that change how a value reads (TDH_OUTTYPE_).
mod out_type {
    pub const HEX: std::ops::RangeInclusive<u16> = 15..=19;
    pub const PORT: u16 = 22;
    pub const IPV4: u16 = 23;
    pub const IPV6: u16 = 24;
    pub const SOCKET_ADDRESS: u16 = 25;
    pub const NTSTATUS: u16 = 31;
}

/// The value of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Unsigned number.
    Unsigned(u64),
    /// Signed number.
    Signed(i64),
    /// Floating point.
    Float(f64),
    /// Text.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// GUID.
    Guid(Guid),
    /// IP address.
    Address(IpAddr),
    /// Address and port.
    Socket(SocketAddr),
    /// Several values of an array or a struct.
    List(Vec<Value>),
}

impl Value {
    /// The number, where it is one that fits.
    pub fn number(&self) -> Option<u64> {
        match self {
            Value::Unsigned(n) => Some(*n),
            Value::Signed(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// One line of text.
    pub fn text(&self, out_type: u16) -> String {
        match self {
            Value::Unsigned(n) if out_type::HEX.contains(&out_type) => format!("{n:#x}"),
            Value::Unsigned(n) if out_type == out_type::NTSTATUS => format!("{n:#010x}"),
            Value::Unsigned(n) => n.to_string(),
            Value::Signed(n) => n.to_string(),
            Value::Float(n) => n.to_string(),
            Value::Text(t) => t.clone(),
            Value::Bytes(b) => hex(b),
            Value::Guid(g) => g.to_string(),
            Value::Address(a) => a.to_string(),
            Value::Socket(s) => s.to_string(),
            Value::List(values) => {
                let mut text = String::new();
                for (i, v) in values.iter().take(64).enumerate() {
                    let _ = write!(text, "{}{}", if i > 0 { ", " } else { "" }, v.text(out_type));
                }
                text
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for b in bytes.iter().take(64) {
        let _ = write!(text, "{b:02x}");
    }
    if bytes.len() > 64 {
        text.push('…');
    }
    text
}

/// A text on one line: control characters become blanks, length is bounded.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if line.len() >= TEXT_MAX {
            line.push('…');
            break;
        }
        if c.is_control() {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else {
            line.push(c);
        }
    }
    line.trim().to_owned()
}

/// A SOCKADDR: family, then as the family says.
pub fn socket_address(bytes: &[u8]) -> Option<SocketAddr> {
    let mut c = Cursor::new(bytes);
    let family = c.u16_le()?;
    let port = c.u16_be()?;
    match family {
        2 => Some(SocketAddr::from((Ipv4Addr::from(*c.take(4)?.first_chunk::<4>()?), port))),
        23 => {
            c.skip(4)?;
            Some(SocketAddr::from((Ipv6Addr::from(*c.take(16)?.first_chunk::<16>()?), port)))
        }
        _ => None,
    }
}

/// What a field's type needs besides its number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kind {
    /// InType.
    pub in_type: u16,
    /// OutType.
    pub out_type: u16,
    /// Length in bytes (binary) or characters (text); 0 = the data say.
    pub length: usize,
    /// `length` is to be used even if it is 0.
    pub fixed: bool,
    /// Pointer size: 4 or 8.
    pub pointer: u8,
}

/// Reads one value; `None` when the data end before it does or the type is not known.
pub fn read(kind: Kind, c: &mut Cursor<'_>) -> Option<Value> {
    use in_type as t;
    let unsigned = |n: u64| Some(Value::Unsigned(n));
    match kind.in_type {
        t::WIDE if kind.fixed => Some(text(&decode_wide(c.take(kind.length.checked_mul(2)?)?))),
        t::WIDE => Some(text(&decode_wide(wide_bytes(c)))),
        t::ANSI if kind.fixed => Some(text(&String::from_utf8_lossy(c.take(kind.length)?))),
        t::ANSI => {
            let len = c.rest().iter().position(|b| *b == 0);
            let bytes = c.take(len.unwrap_or(c.remaining()))?;
            c.skip(1);
            Some(text(&String::from_utf8_lossy(bytes)))
        }
        t::I8 => Some(Value::Signed(i64::from(c.u8()? as i8))),
        t::U8 | t::ANSI_CHAR => unsigned(u64::from(c.u8()?)),
        t::I16 => Some(Value::Signed(i64::from(c.u16_le()? as i16))),
        t::U16 if kind.out_type == out_type::PORT => unsigned(u64::from(c.u16_be()?)),
        t::U16 | t::WIDE_CHAR => unsigned(u64::from(c.u16_le()?)),
        t::I32 => Some(Value::Signed(i64::from(c.u32_le()? as i32))),
        t::U32 if kind.out_type == out_type::IPV4 => {
            Some(Value::Address(Ipv4Addr::from(*c.take(4)?.first_chunk::<4>()?).into()))
        }
        t::U32 | t::HEX32 | t::BOOL => unsigned(u64::from(c.u32_le()?)),
        t::I64 => Some(Value::Signed(c.u64_le()? as i64)),
        t::U64 | t::HEX64 | t::FILETIME => unsigned(c.u64_le()?),
        t::FLOAT => Some(Value::Float(f64::from(f32::from_bits(c.u32_le()?)))),
        t::DOUBLE => Some(Value::Float(f64::from_bits(c.u64_le()?))),
        t::POINTER | t::SIZE_T if kind.pointer == 4 => unsigned(u64::from(c.u32_le()?)),
        t::POINTER | t::SIZE_T => unsigned(c.u64_le()?),
        t::GUID => Some(Value::Guid(Guid::read(c.take(16)?)?)),
        t::SYSTEMTIME => {
            let mut part = || c.u16_le();
            let (y, mo, _, d) = (part()?, part()?, part()?, part()?);
            let (h, mi, s, ms) = (part()?, part()?, part()?, part()?);
            Some(Value::Text(format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{ms:03}")))
        }
        t::SID => {
            let count = usize::from(*c.peek(2)?.get(1)?);
            Some(Value::Bytes(c.take(8 + 4 * count)?.to_vec()))
        }
        t::COUNTED_WIDE | t::COUNTED_WIDE_MANIFEST => {
            let len = usize::from(c.u16_le()?);
            Some(text(&decode_wide(c.take(len)?)))
        }
        t::COUNTED_ANSI | t::COUNTED_ANSI_MANIFEST => {
            let len = usize::from(c.u16_le()?);
            Some(text(&String::from_utf8_lossy(c.take(len)?)))
        }
        t::COUNTED_BINARY_MANIFEST => {
            let len = usize::from(c.u16_le()?);
            Some(binary(c.take(len)?, kind.out_type))
        }
        t::BINARY => {
            let len = if kind.length == 0 && !kind.fixed && kind.out_type == out_type::IPV6 { 16 } else { kind.length };
            Some(binary(c.take(len)?, kind.out_type))
        }
        _ => None,
    }
}

fn text(t: &str) -> Value {
    Value::Text(one_line(t))
}

fn binary(bytes: &[u8], out: u16) -> Value {
    match (out, bytes.first_chunk::<16>(), socket_address(bytes)) {
        (out_type::IPV6, Some(address), _) if bytes.len() == 16 => Value::Address(Ipv6Addr::from(*address).into()),
        (out_type::SOCKET_ADDRESS, _, Some(address)) => Value::Socket(address),
        // Manifests often give socket addresses the plain type; their form is unmistakable.
        (_, _, Some(address)) if matches!(bytes.len(), 16 | 28) => Value::Socket(address),
        _ => Value::Bytes(bytes.get(..TEXT_MAX.min(bytes.len())).unwrap_or(bytes).to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_addresses_read_as_they_are_written() {
        let v4 = [2, 0, 0x01, 0xBB, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(socket_address(&v4), "10.0.0.7:443".parse().ok());
        let mut v6 = vec![23, 0, 0x01, 0xBB, 0, 0, 0, 0];
        v6.extend_from_slice(&Ipv6Addr::LOCALHOST.octets());
        v6.extend_from_slice(&[0; 4]);
        assert_eq!(socket_address(&v6), "[::1]:443".parse().ok());
        let kind = Kind { in_type: in_type::BINARY, length: 16, ..Kind::default() };
        assert_eq!(read(kind, &mut Cursor::new(&v4)).unwrap().text(0), "10.0.0.7:443");
    }

    #[test]
    fn every_type_is_safe_on_any_length() {
        let bytes = [0xFFu8; 64];
        for in_type in (0..30).chain(298..312) {
            for out_type in 0..40 {
                for length in [0, 1, 7, usize::MAX] {
                    for cut in 0..bytes.len() {
                        for fixed in [false, true] {
                            let kind = Kind { in_type, out_type, length, fixed, pointer: 4 };
                            if let Some(v) = read(kind, &mut Cursor::new(&bytes[..cut])) {
                                v.text(out_type);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn texts_stay_on_one_line() {
        assert_eq!(one_line("a\r\n\tb\u{7}"), "a b");
        assert!(one_line(&"x".repeat(100_000)).len() <= TEXT_MAX + 3);
    }
}
