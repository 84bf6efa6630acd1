//! ICMP and ICMPv6 errors: which flow they speak of.

use crate::packet::IcmpError;
use crate::packet::ip::{self, protocol};
use crate::packet::layer::Span;
use std::net::SocketAddr;

/// Length of the ICMP header in front of the quoted packet (RFC 792; RFC 4443, 2.1).
const ICMP_HEADER_LEN: usize = 8;

/// Reads an ICMP error (RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem). `None` for
/// messages that quote nothing, and where the quote cannot be read.
pub(super) fn v4(span: Span<'_>) -> Option<IcmpError> {
    let (kind, code) = (span.u8(0)?, span.u8(1)?);
    if !matches!(kind, 3 | 4 | 5 | 11 | 12) {
        return None;
    }
    // RFC 1191, 4: routers before it leave the next-hop MTU 0.
    let mtu = if (kind, code) == (3, 4) { span.u16(6).filter(|&mtu| mtu != 0).map(u32::from) } else { None };
    quoted(span, IcmpError { v6: false, mtu, ..empty(kind, code) })
}

/// Reads an ICMPv6 error (RFC 4443, 3: types 1 to 4).
pub(super) fn v6(span: Span<'_>) -> Option<IcmpError> {
    let (kind, code) = (span.u8(0)?, span.u8(1)?);
    if !matches!(kind, 1..=4) {
        return None;
    }
    let mtu = if kind == 2 { span.u32(4) } else { None };
    quoted(span, IcmpError { v6: true, mtu, ..empty(kind, code) })
}

fn empty(kind: u8, code: u8) -> IcmpError {
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
    IcmpError {
        v6: false,
        kind,
        code,
        mtu: None,
        quoted_protocol: 0,
        quoted_src: nowhere,
        quoted_dst: nowhere,
        quoted_seq: None,
    }
}

/// Fills in the flow of the quoted packet, of which 8 bytes behind the IP header are certain (RFC 792).
fn quoted(span: Span<'_>, error: IcmpError) -> Option<IcmpError> {
    let quote = ip::datagram(span.skip(ICMP_HEADER_LEN)?)?;
    let at_start = quote.fragment.is_none_or(|f| f.offset == 0);
    let has_ports = at_start && matches!(quote.protocol, protocol::TCP | protocol::UDP);
    let port = |at| if has_ports { quote.payload.u16(at) } else { None };
    Some(IcmpError {
        quoted_protocol: quote.protocol,
        quoted_src: SocketAddr::new(quote.src, port(0).unwrap_or(0)),
        quoted_dst: SocketAddr::new(quote.dst, port(2).unwrap_or(0)),
        quoted_seq: if has_ports && quote.protocol == protocol::TCP { quote.payload.u32(4) } else { None },
        ..error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> Vec<u8> {
        let mut v = vec![3, 4, 0, 0, 0, 0, 0x05, 0x14];
        v.extend([0x45, 0, 5, 0xdc, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        v.extend([0xc0, 0, 0x01, 0xbb, 0, 0, 0, 9]);
        v
    }

    #[test]
    fn an_error_names_the_flow_and_the_mtu() {
        let e = v4(Span::whole(&unreachable())).unwrap();
        assert_eq!((e.kind, e.code, e.mtu), (3, 4, Some(1300)));
        assert_eq!(e.quoted_src, "10.0.0.1:49152".parse().unwrap());
        assert_eq!(e.quoted_dst, "10.0.0.2:443".parse().unwrap());
        assert_eq!((e.quoted_protocol, e.quoted_seq), (6, Some(9)));
    }

    #[test]
    fn an_old_router_gives_no_mtu() {
        let mut bytes = unreachable();
        bytes[6] = 0;
        bytes[7] = 0;
        assert_eq!(v4(Span::whole(&bytes)).unwrap().mtu, None);
    }

    #[test]
    fn packet_too_big_quotes_behind_extension_headers() {
        let mut v = vec![2, 0, 0, 0, 0, 0, 0x05, 0x00];
        v.extend([0x60, 0, 0, 0, 5, 0, 60, 64]);
        v.extend([0x20; 16]);
        v.extend([0x30; 16]);
        v.extend([17, 0, 1, 4, 0, 0, 0, 0]);
        v.extend([0xc0, 0, 0x01, 0xbb, 0, 0, 0, 0]);
        let e = v6(Span::whole(&v)).unwrap();
        assert_eq!((e.mtu, e.quoted_protocol, e.quoted_dst.port()), (Some(1280), 17, 443));
        assert_eq!(e.quoted_seq, None);
    }

    #[test]
    fn echo_is_no_error_and_cut_quotes_do_no_harm() {
        assert!(v4(Span::whole(&[8, 0, 0, 0, 0, 0, 0, 0])).is_none());
        let bytes = unreachable();
        for cut in 0..bytes.len() {
            let e = v4(Span::new(&bytes[..cut], bytes.len()));
            assert_eq!(e.is_some(), cut >= 28, "{cut}");
        }
    }
}
