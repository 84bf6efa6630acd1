//! DNS messages over UDP and TCP, mDNS, LLMNR, NBNS.
//!
//! What enters: one datagram's payload, or the bytes of a TCP direction in order. What leaves: [`DnsMessage`]s; the
//! caller knows the frame, the addresses and the flow. Guaranteed: total, bounded by the `DNS_*` limits; a message that
//! is cut gives what could be read of it, marked as damaged.

mod name;
mod record;

pub use record::type_name;

use crate::bytes::Cursor;
use crate::facts::{DnsKind, DnsMessage};
use crate::flow::Side;
use crate::limits::{DNS_QUESTIONS_MAX, DNS_RECORDS_MAX};
use crate::packet::At;
use name::NameError;
use record::{TYPE_OPT, TYPE_SOA};

/// The kind of DNS that well-known ports stand for; `None` where neither port is one of them.
pub fn kind_of_ports(src_port: u16, dst_port: u16) -> Option<DnsKind> {
    let kind = |port: u16| match port {
        53 => Some(DnsKind::Dns),
        5353 => Some(DnsKind::Mdns),
        5355 => Some(DnsKind::Llmnr),
        137 => Some(DnsKind::Nbns),
        _ => None,
    };
    kind(dst_port).or_else(|| kind(src_port))
}

/// Reads one message. `None` when it is not DNS at all; `damaged` is set when it is cut or inconsistent.
pub fn message(payload: &[u8], kind: DnsKind) -> Option<DnsMessage> {
    let mut c = Cursor::new(payload);
    let id = c.u16_be()?;
    let flags = c.u16_be()?;
    let counts = [c.u16_be()?, c.u16_be()?, c.u16_be()?, c.u16_be()?];
    let [question_count, answer_count, authority_count, additional_count] = counts.map(usize::from);
    let mut m = DnsMessage {
        kind,
        id,
        response: flags & 0x8000 != 0,
        opcode: ((flags >> 11) & 0xF) as u8,
        authoritative: flags & 0x0400 != 0,
        truncated: flags & 0x0200 != 0,
        recursion_available: flags & 0x0080 != 0,
        rcode: flags & 0xF,
        ..DnsMessage::default()
    };
    let netbios = kind == DnsKind::Nbns;
    let mut at = c.position();
    for n in 0..question_count {
        if n >= DNS_QUESTIONS_MAX {
            m.damaged = true;
            return Some(m);
        }
        match question(payload, at) {
            Ok((name, qtype, next)) => {
                let name = if netbios { name::netbios(&name).unwrap_or(name) } else { name };
                m.questions.push((name, qtype));
                at = next;
            }
            // Nothing but a header that fits: other protocols run over port 53 too.
            Err(NameError::Bad) if n == 0 => return None,
            Err(_) => {
                m.damaged = true;
                return Some(m);
            }
        }
    }
    let total = answer_count.saturating_add(authority_count).saturating_add(additional_count);
    let first_authority = answer_count;
    let first_additional = answer_count.saturating_add(authority_count);
    for n in 0..total {
        let walked = match record::walk(payload, at) {
            Ok(walked) if n < DNS_RECORDS_MAX => walked,
            _ => {
                m.damaged = true;
                break;
            }
        };
        if walked.cut {
            m.damaged = true;
            break;
        }
        let end = walked.end;
        if n < first_authority {
            let mut r = record::decode(payload, walked, netbios);
            if netbios {
                r.name = name::netbios(&r.name).unwrap_or(r.name);
            }
            m.answers.push(r);
        } else if n < first_additional {
            m.soa |= walked.kind == TYPE_SOA;
        } else if walked.kind == TYPE_OPT {
            m.edns = true;
            // RFC 6891 6.1.3: the upper eight bits of the rcode stand in the first byte of the TTL field.
            m.rcode |= ((walked.ttl >> 24) as u16) << 4;
        }
        at = end;
    }
    Some(m)
}

fn question(payload: &[u8], at: usize) -> Result<(String, u16, usize), NameError> {
    let (name, after) = name::read(payload, at)?;
    let mut c = Cursor::new(payload);
    c.skip(after).ok_or(NameError::Cut)?;
    let qtype = c.u16_be().ok_or(NameError::Cut)?;
    let _class = c.u16_be().ok_or(NameError::Cut)?;
    Ok((name, qtype, c.position()))
}

/// Whether a datagram on any port is a DNS message beyond doubt: consistent to its last byte, one question of class IN,
/// a name as hosts have them. For resolvers on unusual ports.
pub fn looks_like_message(payload: &[u8]) -> bool {
    let mut c = Cursor::new(payload);
    let head = (c.u16_be(), c.u16_be(), c.u16_be(), c.u16_be());
    let (Some(_), Some(flags), Some(1), Some(answers)) = head else { return false };
    let (opcode, reserved, rcode) = ((flags >> 11) & 0xF, flags & 0x0040, flags & 0xF);
    let query = flags & 0x8000 == 0;
    if opcode != 0 || reserved != 0 || (query && (rcode != 0 || answers != 0)) {
        return false;
    }
    let Ok((name, _, after)) = question(payload, 12) else { return false };
    let class_in = after.checked_sub(2).and_then(|from| payload.get(from..after)) == Some(&[0, 1]);
    let host = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.*".contains(&b));
    class_in && host && message(payload, DnsKind::Dns).is_some_and(|m| !m.damaged) && ends_exactly(payload)
}

/// Whether the records named in the header end at the last byte.
fn ends_exactly(payload: &[u8]) -> bool {
    let mut c = Cursor::new(payload);
    let _ = c.skip(6);
    let (Some(an), Some(ns), Some(ar)) = (c.u16_be(), c.u16_be(), c.u16_be()) else { return false };
    let Ok((_, _, mut at)) = question(payload, 12) else { return false };
    let total = [an, ns, ar].iter().map(|n| usize::from(*n)).sum::<usize>();
    for _ in 0..total.min(DNS_RECORDS_MAX) {
        match record::walk(payload, at) {
            Ok(w) if !w.cut => at = w.end,
            _ => return false,
        }
    }
    at == payload.len()
}

/// DNS over TCP: messages behind a 16-bit length (RFC 1035 4.2.2).
#[derive(Debug, Default)]
pub struct TcpDissector {
    sides: [TcpSide; 2],
}

#[derive(Debug, Default)]
struct TcpSide {
    /// Length prefix and message as far as they came; never more than 65,537 bytes.
    buffer: Vec<u8>,
    /// Bytes of the current message that come but belong to a message with a hole.
    skip: u64,
    /// The framing is lost.
    lost: bool,
}

impl TcpDissector {
    /// At the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the first bytes of a direction can be DNS over TCP: a plausible length and header.
    pub fn looks_like(prefix: &[u8]) -> bool {
        let mut c = Cursor::new(prefix);
        let (Some(length), Some(_id), Some(flags), Some(questions)) = (c.u16_be(), c.u16_be(), c.u16_be(), c.u16_be())
        else {
            return prefix.len() < 8;
        };
        length >= 12 && flags & 0x7800 <= 0x3000 && usize::from(questions) <= DNS_QUESTIONS_MAX
    }

    /// Bytes of one direction in order; returns the messages that they complete, `at` and `tcp` set.
    pub fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Vec<DnsMessage> {
        let [client, server] = &mut self.sides;
        let s = if side == Side::Client { client } else { server };
        let mut out = Vec::new();
        let mut c = Cursor::new(bytes);
        while !c.is_empty() && !s.lost {
            if s.skip > 0 {
                let n = usize::try_from(s.skip).unwrap_or(usize::MAX).min(c.remaining());
                let _ = c.skip(n);
                s.skip = s.skip.saturating_sub(n as u64);
                continue;
            }
            let wanted = s.wanted();
            let n = wanted.saturating_sub(s.buffer.len()).min(c.remaining());
            if let Some(part) = c.take(n) {
                s.buffer.extend_from_slice(part);
            }
            if s.buffer.len() >= 2 && s.buffer.len() == s.wanted() {
                match s.buffer.get(2..).and_then(|m| message(m, DnsKind::Dns)) {
                    Some(m) => out.push(DnsMessage { at, tcp: true, ..m }),
                    // No DNS inside the frame: this is another protocol.
                    None => s.lost = s.buffer.len() > 2,
                }
                s.buffer.clear();
            }
        }
        out
    }

    /// `missing` bytes of one direction never come. The message around the hole is given up to the hole.
    pub fn gap(&mut self, side: Side, missing: u64, at: At) -> Option<DnsMessage> {
        let [client, server] = &mut self.sides;
        let s = if side == Side::Client { client } else { server };
        if s.lost {
            return None;
        }
        if s.skip >= missing && s.skip > 0 {
            s.skip = s.skip.saturating_sub(missing);
            return None;
        }
        let left = s.wanted().saturating_sub(s.buffer.len()) as u64;
        let message = s.partial(at);
        // Where the hole swallows a length prefix, the next message cannot be found any more.
        if s.buffer.len() >= 2 && s.skip == 0 && missing <= left {
            s.skip = left.saturating_sub(missing);
        } else {
            s.lost = true;
        }
        s.buffer.clear();
        message
    }

    /// What stayed incomplete on one side when the connection ended.
    pub fn rest(&mut self, side: Side, at: At) -> Option<DnsMessage> {
        let [client, server] = &mut self.sides;
        let s = if side == Side::Client { client } else { server };
        let message = s.partial(at);
        s.buffer.clear();
        message
    }
}

impl TcpSide {
    /// Bytes that the buffer needs to hold a whole message; two while the length is unknown.
    fn wanted(&self) -> usize {
        match Cursor::new(&self.buffer).u16_be() {
            Some(length) => usize::from(length).saturating_add(2),
            None => 2,
        }
    }

    fn partial(&self, at: At) -> Option<DnsMessage> {
        let m = message(self.buffer.get(2..)?, DnsKind::Dns)?;
        Some(DnsMessage { at, tcp: true, damaged: true, ..m })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::DnsData;

    /// Header, a question for `name`, then `records` as they are.
    fn build(flags: u16, name: &[u8], qtype: u16, counts: [u16; 3], records: &[u8]) -> Vec<u8> {
        let mut m = Vec::new();
        for n in [0x1234, flags, 1, counts[0], counts[1], counts[2]] {
            m.extend_from_slice(&n.to_be_bytes());
        }
        m.extend_from_slice(name);
        m.extend_from_slice(&qtype.to_be_bytes());
        m.extend_from_slice(&[0, 1]);
        m.extend_from_slice(records);
        m
    }

    const NAME: &[u8] = b"\x05login\x0fmicrosoftonline\x03com\x00";

    fn record(kind: u16, ttl: u32, rdata: &[u8]) -> Vec<u8> {
        let mut r = vec![0xC0, 12];
        r.extend_from_slice(&kind.to_be_bytes());
        r.extend_from_slice(&[0, 1]);
        r.extend_from_slice(&ttl.to_be_bytes());
        r.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        r.extend_from_slice(rdata);
        r
    }

    #[test]
    fn an_answer_with_alias_addresses_and_edns_is_read() {
        let mut records = record(5, 300, b"\x03www\xC0\x12");
        records.extend(record(1, 60, &[20, 190, 128, 1]));
        records.extend(record(28, 60, &[0x26, 3, 0x10, 0x26, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]));
        records.extend(b"\x00\x00\x29\x04\xd0\x01\x00\x00\x00\x00\x00");
        let m = message(&build(0x8183, NAME, 1, [3, 0, 1], &records), DnsKind::Dns).unwrap();
        assert_eq!(m.questions, vec![("login.microsoftonline.com".to_owned(), 1)]);
        assert!(m.response && m.edns && !m.damaged && m.recursion_available);
        assert_eq!(m.rcode, 0x13);
        assert_eq!(m.answers[0].data, DnsData::Name("www.microsoftonline.com".into()));
        assert_eq!(m.answers[1].data, DnsData::Address("20.190.128.1".parse().unwrap()));
        assert_eq!(m.answers[2].data, DnsData::Address("2603:1026:3000::5".parse().unwrap()));
        assert_eq!(m.answers[2].name, "login.microsoftonline.com");
    }

    #[test]
    fn https_records_give_hints_alpn_and_ech() {
        let rdata = b"\x00\x01\x00\x00\x01\x00\x06\x02h2\x02h3\x00\x04\x00\x04\x01\x02\x03\x04\x00\x05\x00\x01\xff";
        let m = message(&build(0x8180, NAME, 65, [1, 0, 0], &record(65, 5, rdata)), DnsKind::Dns).unwrap();
        let DnsData::Service { target, alpn, hints, ech } = &m.answers[0].data else { panic!("no service") };
        assert!(target.is_empty() && *ech);
        assert_eq!(alpn, &["h2", "h3"]);
        assert_eq!(hints, &["1.2.3.4".parse::<std::net::IpAddr>().unwrap()]);
    }

    #[test]
    fn text_mail_service_and_authority_records_read_as_zone_files_do() {
        let mut records = record(16, 1, b"\x05v=\"1\\\x00");
        records.extend(record(15, 1, b"\x00\x0a\x02mx\xC0\x12"));
        records.extend(record(33, 1, b"\x00\x01\x00\x02\x01\xbb\x02sv\xC0\x12"));
        records.extend(record(257, 1, b"\x00\x05issueca.example"));
        records.extend(record(4711, 1, b"\x01\x02"));
        records.extend(record(6, 1, b"\x01n\xC0\x12\x01h\xC0\x12\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05"));
        let m = message(&build(0x8183, NAME, 255, [5, 1, 0], &records), DnsKind::Dns).unwrap();
        let texts: Vec<String> = m
            .answers
            .iter()
            .map(|r| match &r.data {
                DnsData::Other(t) => t.clone(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            texts,
            [
                r#""v=\"1\\" """#,
                "10 mx.microsoftonline.com.",
                "1 2 443 sv.microsoftonline.com.",
                r#"0 issue "ca.example""#,
                "\\# 2 0102"
            ]
        );
        assert!(m.soa);
    }

    #[test]
    fn a_cut_message_keeps_its_question_and_is_marked() {
        let whole = build(0x8180, NAME, 1, [1, 0, 0], &record(1, 60, &[1, 2, 3, 4]));
        for end in 0..whole.len() {
            let m = message(&whole[..end], DnsKind::Dns);
            assert_eq!(m.is_some(), end >= 12, "{end}");
            assert!(m.is_none_or(|m| m.damaged), "{end}");
        }
        let m = message(&whole[..whole.len() - 2], DnsKind::Dns).unwrap();
        assert_eq!(m.questions.len(), 1);
    }

    #[test]
    fn flipped_bytes_never_stop_the_parser() {
        let whole =
            build(0x8180, NAME, 65, [2, 0, 0], &[record(65, 1, b"\0\x01\0"), record(5, 1, b"\xC0\x0c")].concat());
        let mut read = 0;
        for i in 0..whole.len() {
            for bit in 0..8 {
                let mut m = whole.clone();
                m[i] ^= 1 << bit;
                read += usize::from(message(&m, DnsKind::Dns).is_some());
                let _ = looks_like_message(&m);
            }
        }
        assert!(read > whole.len());
    }

    #[test]
    fn counts_that_lie_are_bounded() {
        let mut m = vec![0, 1, 0x81, 0x80];
        m.extend_from_slice(&[0xFF; 8]);
        m.extend_from_slice(&[0; 65_000]);
        assert!(message(&m, DnsKind::Dns).unwrap().damaged);
    }

    #[test]
    fn a_response_without_question_is_read() {
        let mut m = vec![0, 1, 0x81, 0x85, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(message(&m, DnsKind::Dns).unwrap().rcode, 5);
        m[5] = 1;
        m.extend_from_slice(&[0xC0, 12, 0, 1, 0, 1]);
        assert!(message(&m, DnsKind::Dns).is_none());
    }

    #[test]
    fn only_whole_plain_messages_are_taken_on_odd_ports() {
        let query = build(0x0100, NAME, 1, [0, 0, 0], &[]);
        assert!(looks_like_message(&query));
        assert!(!looks_like_message(&[&query[..], b"x"].concat()));
        assert!(!looks_like_message(&query[..query.len() - 1]));
        assert!(!looks_like_message(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    #[test]
    fn tcp_messages_are_framed_over_any_segmentation() {
        let query = build(0x0100, NAME, 1, [0, 0, 0], &[]);
        let mut stream = Vec::new();
        for _ in 0..3 {
            stream.extend_from_slice(&(query.len() as u16).to_be_bytes());
            stream.extend_from_slice(&query);
        }
        for size in 1..stream.len() {
            let mut d = TcpDissector::new();
            let found: usize = stream.chunks(size).map(|part| d.data(Side::Client, part, At::default()).len()).sum();
            assert_eq!(found, 3, "{size}");
        }
    }

    #[test]
    fn a_hole_inside_a_tcp_message_costs_only_that_message() {
        let query = build(0x0100, NAME, 1, [0, 0, 0], &[]);
        let framed = [&(query.len() as u16).to_be_bytes()[..], &query].concat();
        let mut d = TcpDissector::new();
        assert!(d.data(Side::Server, &framed[..16], At::default()).is_empty());
        assert!(d.gap(Side::Server, 10, At::default()).unwrap().damaged);
        assert!(d.data(Side::Server, &framed[26..], At::default()).is_empty());
        assert_eq!(d.data(Side::Server, &framed, At::default()).len(), 1);
        assert!(d.data(Side::Server, &framed[..20], At::default()).is_empty());
        assert!(d.rest(Side::Server, At::default()).unwrap().damaged);
        assert!(d.gap(Side::Server, 1, At::default()).is_none());
        assert!(d.data(Side::Server, &framed, At::default()).is_empty());
    }

    #[test]
    fn netbios_questions_are_decoded() {
        let m = message(&build(0x0110, b"\x20FHEPFCELEHFCEPFFFACACACACACACABL\0", 32, [0, 0, 0], &[]), DnsKind::Nbns);
        assert_eq!(m.unwrap().questions[0].0, "WORKGROUP<1b>");
    }
}
