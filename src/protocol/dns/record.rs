//! Resource records (RFC 1035 4.1.3) and the data of the types that matter.
//!
//! What enters: a whole message and the place of a record. What leaves: the record with its data in the form of
//! [`DnsData`]. Guaranteed: data of one record never reaches past its RDLENGTH, except by compression pointers.

use super::name::{self, NameError};
use crate::bytes::Cursor;
use crate::facts::{DnsData, DnsRecord};
use crate::limits::DNS_TEXT_MAX;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The OPT pseudo record of EDNS (RFC 6891 6.1.2).
pub const TYPE_OPT: u16 = 41;
/// Start of a zone of authority (RFC 1035 3.3.13).
pub const TYPE_SOA: u16 = 6;
/// NetBIOS name record (RFC 1002 4.2.1.2); the number is NIMLOC's in the DNS.
const TYPE_NB: u16 = 32;

/// Numbers and mnemonics of record types (IANA registry "DNS Parameters").
const TYPE_NAMES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (10, "NULL"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (24, "SIG"),
    (25, "KEY"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (37, "CERT"),
    (39, "DNAME"),
    (41, "OPT"),
    (43, "DS"),
    (44, "SSHFP"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (257, "CAA"),
];

/// The mnemonic of a record type; `TYPE123` for others (RFC 3597 5).
pub fn type_name(number: u16) -> String {
    match TYPE_NAMES.iter().find(|(n, _)| *n == number) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("TYPE{number}"),
    }
}

/// One record as walked over: its head, and where its data lies.
#[derive(Debug)]
pub struct Walked {
    /// Owner name.
    pub name: String,
    /// Type.
    pub kind: u16,
    /// Time to live; for OPT the extended rcode and flags.
    pub ttl: u32,
    /// Offset of the data.
    pub data_at: usize,
    /// Offset behind the record.
    pub end: usize,
    /// The data runs past the end of the message.
    pub cut: bool,
}

/// Walks over the record at `offset`.
pub fn walk(message: &[u8], offset: usize) -> Result<Walked, NameError> {
    let (name, after) = name::read(message, offset)?;
    let mut c = Cursor::new(message);
    c.skip(after).ok_or(NameError::Cut)?;
    let kind = c.u16_be().ok_or(NameError::Cut)?;
    let _class = c.u16_be().ok_or(NameError::Cut)?;
    let ttl = c.u32_be().ok_or(NameError::Cut)?;
    let data_len = usize::from(c.u16_be().ok_or(NameError::Cut)?);
    let data_at = c.position();
    let cut = c.remaining() < data_len;
    Ok(Walked { name, kind, ttl, data_at, end: data_at.saturating_add(data_len), cut })
}

/// The record with its data decoded; data that does not fit its type is given as raw text.
pub fn decode(message: &[u8], w: Walked, netbios: bool) -> DnsRecord {
    let rdata = message.get(w.data_at..w.end).unwrap_or(&[]);
    let data = known(message, rdata, &w, netbios).unwrap_or_else(|| DnsData::Other(raw(rdata)));
    DnsRecord { name: w.name, kind: w.kind, ttl: w.ttl, data }
}

fn known(message: &[u8], rdata: &[u8], w: &Walked, netbios: bool) -> Option<DnsData> {
    let mut c = Cursor::new(rdata);
    // A name inside the data, at an offset of the data; it must end where the data ends or before.
    let name_at = |at: usize| -> Option<(String, usize)> {
        let (name, end) = name::read(message, w.data_at.checked_add(at)?).ok()?;
        (end <= w.end).then(|| (name, end.saturating_sub(w.data_at)))
    };
    Some(match w.kind {
        1 => DnsData::Address(IpAddr::V4(Ipv4Addr::from_bits(c.u32_be().filter(|_| rdata.len() == 4)?))),
        28 => DnsData::Address(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(rdata).ok()?))),
        TYPE_NB if netbios => {
            let _flags = c.u16_be()?;
            DnsData::Address(IpAddr::V4(Ipv4Addr::from_bits(c.u32_be()?)))
        }
        2 | 5 | 12 | 39 => DnsData::Name(name_at(0)?.0),
        TYPE_SOA => {
            let (primary, at) = name_at(0)?;
            let (mailbox, at) = name_at(at)?;
            c.skip(at)?;
            let mut text = format!("{primary}. {mailbox}.");
            for _ in 0..5 {
                let _ = write!(text, " {}", c.u32_be()?);
            }
            DnsData::Other(text)
        }
        15 => {
            let preference = c.u16_be()?;
            DnsData::Other(format!("{preference} {}.", name_at(2)?.0))
        }
        33 => {
            let (priority, weight, port) = (c.u16_be()?, c.u16_be()?, c.u16_be()?);
            DnsData::Other(format!("{priority} {weight} {port} {}.", name_at(6)?.0))
        }
        16 | 99 => DnsData::Other(strings(c)?),
        257 => {
            let flags = c.u8()?;
            let tag_len = usize::from(c.u8()?);
            let tag = quoted_free(c.take(tag_len)?);
            DnsData::Other(format!("{flags} {tag} {}", quoted(c.take_rest())))
        }
        64 | 65 => service(c, name_at)?,
        _ => return None,
    })
}

/// SVCB and HTTPS (RFC 9460 2.2).
fn service(mut c: Cursor<'_>, name_at: impl Fn(usize) -> Option<(String, usize)>) -> Option<DnsData> {
    let _priority = c.u16_be()?;
    let (target, after) = name_at(2)?;
    c.skip(after.checked_sub(2)?)?;
    let (mut alpn, mut hints, mut ech) = (Vec::new(), Vec::new(), false);
    while let (Some(key), Some(length)) = (c.u16_be(), c.u16_be()) {
        // A parameter that is cut ends the list; what was read before stays.
        let Some(mut value) = c.sub(usize::from(length)) else { break };
        match key {
            1 => {
                while let Some(id) = value.u8().and_then(|n| value.take(usize::from(n))) {
                    alpn.push(quoted_free(id));
                }
            }
            4 => {
                while let Some(bits) = value.u32_be() {
                    hints.push(IpAddr::V4(Ipv4Addr::from_bits(bits)));
                }
            }
            5 => ech = true,
            6 => {
                while let Some(Ok(octets)) = value.take(16).map(<[u8; 16]>::try_from) {
                    hints.push(IpAddr::V6(Ipv6Addr::from(octets)));
                }
            }
            _ => {}
        }
    }
    Some(DnsData::Service { target, alpn, hints, ech })
}

/// Character strings (RFC 1035 3.3.14), quoted, bounded.
fn strings(mut c: Cursor<'_>) -> Option<String> {
    let mut text = String::new();
    while !c.is_empty() && text.len() < DNS_TEXT_MAX {
        let length = usize::from(c.u8()?);
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&quoted(c.take(length)?));
    }
    Some(text)
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", quoted_free(bytes))
}

/// Printable ASCII as it is, the rest as `\DDD`.
fn quoted_free(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &b in bytes.iter().take(DNS_TEXT_MAX) {
        match b {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(b));
            }
            0x20..=0x7E => text.push(char::from(b)),
            _ => {
                let _ = write!(text, "\\{b:03}");
            }
        }
    }
    text
}

/// Unknown data (RFC 3597 5), at most 32 bytes of it.
fn raw(rdata: &[u8]) -> String {
    let mut text = format!("\\# {}", rdata.len());
    for (i, b) in rdata.iter().take(32).enumerate() {
        let _ = write!(text, "{}{b:02x}", if i == 0 { " " } else { "" });
    }
    if rdata.len() > 32 {
        text.push_str("...");
    }
    text
}
