//! Tunnels: IP protocols and UDP ports that carry further packets.
//!
//! What enters: the payload of an IP packet or a UDP datagram. What leaves: the [`Step`] into the tunnel, or `None`
//! where the payload is no tunnel packet after all (a client that happens to use the port, a control message), so
//! that the outer packet stands for itself.

use crate::packet::ip::protocol;
use crate::packet::layer::{Layer, Opaque, Span, Step};

/// UDP ports of tunnels (IANA), and of what hides packets.
mod port {
    pub(super) const L2TP: u16 = 1701;
    pub(super) const GTP_U: u16 = 2152;
    pub(super) const TEREDO: u16 = 3544;
    pub(super) const LISP: u16 = 4341;
    pub(super) const ESP: u16 = 4500;
    pub(super) const GRE: u16 = 4754;
    pub(super) const VXLAN: u16 = 4789;
    pub(super) const VXLAN_GPE: u16 = 4790;
    pub(super) const AYIYA: u16 = 5072;
    pub(super) const CAPWAP: u16 = 5247;
    pub(super) const GUE: u16 = 6080;
    pub(super) const GENEVE: u16 = 6081;
    pub(super) const MPLS: u16 = 6635;
    /// What Linux used for VXLAN before the port was assigned.
    pub(super) const VXLAN_LINUX: u16 = 8472;
    pub(super) const TZSP: u16 = 37008;
    /// Not assigned, but the one that every WireGuard guide uses.
    pub(super) const WIREGUARD: u16 = 51820;
}

/// Whether a UDP datagram of this port may be a tunnel's; such frames leave the fast path.
#[inline]
pub(super) fn is_port(port: u16) -> bool {
    matches!(
        port,
        port::L2TP
            | port::GTP_U
            | port::TEREDO
            | port::LISP
            | port::ESP
            | port::GRE
            | port::VXLAN
            | port::VXLAN_GPE
            | port::AYIYA
            | port::CAPWAP
            | port::GUE
            | port::GENEVE
            | port::MPLS
            | port::VXLAN_LINUX
            | port::TZSP
            | port::WIREGUARD
    )
}

/// Looks into an IP payload of a protocol that tunnels.
pub(super) fn ip_protocol(number: u8, span: Span<'_>) -> Option<Step<'_>> {
    match number {
        protocol::IPV4 | protocol::IPV6 | protocol::IPIP => Some(Step::Next(Layer::Ip, span)),
        protocol::GRE => gre(span),
        protocol::ESP => Some(Step::Opaque(Opaque::Esp)),
        // EtherIP (RFC 3378): version 3 and reserved bits.
        protocol::ETHERIP if span.u8(0).is_some_and(|b| b >> 4 == 3) => Some(Step::after(span, 2, Layer::Ethernet)),
        protocol::MPLS => Some(Step::Next(Layer::EtherType(0x8847), span)),
        protocol::ETHERNET => Some(Step::Next(Layer::Ethernet, span)),
        _ => None,
    }
}

/// Looks into a UDP payload. The destination port decides; the source port only where the destination is none of the
/// well-known ports, since a DNS query may well leave from 6081.
pub(super) fn udp(src_port: u16, dst_port: u16, span: Span<'_>) -> Option<Step<'_>> {
    let (port, other) = if is_port(dst_port) { (dst_port, src_port) } else { (src_port, dst_port) };
    if !is_port(port) || other < 1024 && other != 0 {
        return None;
    }
    match port {
        port::L2TP => l2tp(span),
        port::GTP_U => gtp_u(span),
        port::TEREDO => teredo(span),
        // LISP (RFC 9300, 5.1): eight bytes, then IP.
        port::LISP => ip_after(span, 8),
        port::ESP => udp_esp(span),
        port::GRE => gre(span),
        port::VXLAN | port::VXLAN_LINUX => vxlan(span),
        port::VXLAN_GPE => vxlan_gpe(span),
        port::AYIYA => ayiya(span),
        port::CAPWAP => capwap(span),
        port::GUE => gue(span),
        port::GENEVE => geneve(span),
        port::MPLS => Some(Step::Next(Layer::EtherType(0x8847), span)),
        port::TZSP => tzsp(span),
        port::WIREGUARD => wireguard(span),
        _ => None,
    }
}

/// IP behind `n` bytes, if the version says so.
fn ip_after(span: Span<'_>, n: usize) -> Option<Step<'_>> {
    let rest = span.skip(n)?;
    matches!(rest.u8(0)? >> 4, 4 | 6).then_some(Step::Next(Layer::Ip, rest))
}

/// GRE (RFC 2784, RFC 2890; version 1 of RFC 2637 for PPTP), with ERSPAN and WCCP in it.
fn gre(span: Span<'_>) -> Option<Step<'_>> {
    let (flags, protocol) = (span.u16(0)?, span.u16(2)?);
    if flags & 7 == 1 {
        return pptp(span, flags, protocol);
    }
    if flags & 7 != 0 {
        return None;
    }
    // Checksum and offset come together where either checksum or (RFC 1701) routing is announced.
    let mut len = 4;
    if flags & 0xc000 != 0 {
        len += 4;
    }
    for bit in [0x2000, 0x1000] {
        if flags & bit != 0 {
            len += 4;
        }
    }
    // RFC 1701: source route entries (family, offset, length) up to an empty one.
    if flags & 0x4000 != 0 {
        loop {
            let (family, entry) = (span.u16(len)?, usize::from(span.u8(len + 3)?));
            len += 4 + entry;
            if family == 0 && entry == 0 {
                break;
            }
        }
    }
    let sequence = flags & 0x1000 != 0;
    match protocol {
        // ERSPAN: type I has no sequence number and no header, type II eight bytes.
        0x88be if sequence => Some(Step::after(span, len + 8, Layer::Ethernet)),
        0x88be => Some(Step::after(span, len, Layer::Ethernet)),
        0x22eb => erspan3(span.skip(len)?),
        // WCCP version 2 puts four bytes between, the first nibble of which is no IP version.
        0x883e if span.u8(len).is_some_and(|b| b >> 4 != 4) => Some(Step::after(span, len + 4, Layer::Ip)),
        0x883e => Some(Step::after(span, len, Layer::Ip)),
        // Keep-alives.
        0 => None,
        ether_type => Some(Step::after(span, len, Layer::EtherType(ether_type))),
    }
}

/// GRE version 1: the key holds payload length and call; sequence and acknowledgement numbers are optional.
fn pptp(span: Span<'_>, flags: u16, protocol: u16) -> Option<Step<'_>> {
    let payload = usize::from(span.u16(4)?);
    if protocol != 0x880b || payload == 0 {
        return None;
    }
    let mut len = 8;
    for bit in [0x1000, 0x0080] {
        if flags & bit != 0 {
            len += 4;
        }
    }
    Some(Step::Next(Layer::Ppp, span.skip(len)?.at_most(payload)))
}

/// ERSPAN type III: twelve bytes, eight more where the last bit says so; the frame type is Ethernet or IP.
fn erspan3(span: Span<'_>) -> Option<Step<'_>> {
    let last = span.u16(10)?;
    let len = if last & 1 != 0 { 20 } else { 12 };
    Some(match last >> 10 & 0x1f {
        2 => Step::after(span, len, Layer::Ip),
        _ => Step::after(span, len, Layer::Ethernet),
    })
}

/// VXLAN (RFC 7348, 5): the flag that the network identifier is valid must be set.
fn vxlan(span: Span<'_>) -> Option<Step<'_>> {
    (span.u8(0)? & 0x08 != 0).then_some(())?;
    Some(Step::Next(Layer::Ethernet, span.skip(8)?))
}

/// VXLAN-GPE: as VXLAN, with the next protocol in the fourth byte.
fn vxlan_gpe(span: Span<'_>) -> Option<Step<'_>> {
    let (flags, next) = (span.u8(0)?, span.u8(3)?);
    if flags & 0x08 == 0 {
        return None;
    }
    match next {
        1 | 2 => ip_after(span, 8),
        0 | 3 => Some(Step::after(span, 8, Layer::Ethernet)),
        4 => Some(Step::after(span, 8, Layer::EtherType(0x894f))),
        5 => Some(Step::after(span, 8, Layer::EtherType(0x8847))),
        _ => None,
    }
}

/// Geneve (RFC 8926, 3.4): version 0, option length in words, EtherType.
fn geneve(span: Span<'_>) -> Option<Step<'_>> {
    let (head, ether_type) = (span.u8(0)?, span.u16(2)?);
    if head >> 6 != 0 {
        return None;
    }
    Some(Step::Next(Layer::EtherType(ether_type), span.skip(usize::from(head & 0x3f) * 4 + 8)?))
}

/// GTP-U (3GPP TS 29.281, 5): version 1, user data (255), a chain of extension headers.
fn gtp_u(span: Span<'_>) -> Option<Step<'_>> {
    let (flags, kind, length) = (span.u8(0)?, span.u8(1)?, usize::from(span.u16(2)?));
    if flags & 0xf0 != 0x30 || kind != 0xff {
        return None;
    }
    let span = span.at_most(length.saturating_add(8));
    let mut len = 8;
    if flags & 0x07 != 0 {
        let mut next = if flags & 0x04 != 0 { span.u8(11)? } else { 0 };
        len = 12;
        while next != 0 {
            // Length in words, the last byte of which is the next type.
            let words = usize::from(span.u8(len)?);
            if words == 0 {
                return None;
            }
            len += words * 4;
            next = span.u8(len - 1)?;
        }
    }
    match ip_after(span, len) {
        Some(step) => Some(step),
        // Non-IP sessions: PPP or Ethernet; only a frame that carries IP is believed.
        None => match (span.array::<2>(len), span.u16(len.saturating_add(12))) {
            (Some([0xff, 0x03]), _) => Some(Step::after(span, len, Layer::Ppp)),
            (_, Some(0x0800 | 0x86dd | 0x8100)) => Some(Step::after(span, len, Layer::Ethernet)),
            _ => None,
        },
    }
}

/// Teredo (RFC 4380, 5.1.1): optional authentication and origin indications, then IPv6.
fn teredo(span: Span<'_>) -> Option<Step<'_>> {
    let mut rest = span;
    if rest.u16(0)? == 1 {
        // Lengths of client identifier and authentication value; nonce and confirmation byte.
        let len = usize::from(rest.u8(2)?) + usize::from(rest.u8(3)?) + 13;
        rest = rest.skip(len)?;
    }
    if rest.u16(0)? == 0 {
        rest = rest.skip(8)?;
    }
    // 40 bytes of header and the payload that it announces.
    let stated = usize::from(rest.u16(4)?) + 40;
    (rest.u8(0)? >> 4 == 6 && stated <= rest.wire_len()).then_some(Step::Next(Layer::Ip, rest))
}

/// L2TP version 2 data (RFC 2661, 3.1), which is PPP.
fn l2tp(span: Span<'_>) -> Option<Step<'_>> {
    let flags = span.u16(0)?;
    if flags & 0x8000 != 0 || flags & 0x000f != 2 {
        return None;
    }
    let mut len = 2;
    let mut end = span.wire_len();
    if flags & 0x4000 != 0 {
        end = usize::from(span.u16(2)?);
        len += 2;
    }
    len += 4;
    if flags & 0x0800 != 0 {
        len += 4;
    }
    if flags & 0x0200 != 0 {
        len += usize::from(span.u16(len)?) + 2;
    }
    Some(Step::Next(Layer::Ppp, span.at_most(end).skip(len)?))
}

/// ESP in UDP (RFC 3948, 2): a security index that is not 0; key exchange and keep-alives are not ESP.
fn udp_esp(span: Span<'_>) -> Option<Step<'_>> {
    (span.wire_len() > 8 && span.u32(0)? != 0).then_some(Step::Opaque(Opaque::Esp))
}

/// WireGuard: message type 1 to 4 and three zero bytes.
fn wireguard(span: Span<'_>) -> Option<Step<'_>> {
    matches!(span.array::<4>(0)?, [1..=4, 0, 0, 0]).then_some(Step::Opaque(Opaque::WireGuard))
}

/// AYIYA (draft-massar-v6ops-ayiya, 4): a header, a time, an identity of 2^n bytes, a signature of words. The low half
/// of the third byte is the operation (1 = forward), the fourth the protocol of what follows.
fn ayiya(span: Span<'_>) -> Option<Step<'_>> {
    let [identity, signature, operation, next] = span.array::<4>(0)?;
    let identity = 1usize << (identity >> 4);
    let rest = span.skip(8 + identity + usize::from(signature >> 4) * 4)?;
    if operation & 0x0f != 1 {
        return None;
    }
    ip_protocol(next, rest).filter(|step| matches!(step, Step::Next(Layer::Ip, _)))
}

/// Generic UDP encapsulation: version 0 with a header of words, or IP directly (version 1).
fn gue(span: Span<'_>) -> Option<Step<'_>> {
    let head = span.u8(0)?;
    match head >> 6 {
        0 if head & 0x20 == 0 => {
            let rest = span.skip(usize::from(head & 0x1f) * 4 + 4)?;
            ip_protocol(span.u8(1)?, rest).filter(|step| matches!(step, Step::Next(..)))
        }
        1 => ip_after(span, 0),
        _ => None,
    }
}

/// CAPWAP data (RFC 5415, 4.3): header length in words; native 802.11 frames, some with their frame control swapped,
/// or 802.3 frames. Fragments and keep-alives carry no whole frame.
fn capwap(span: Span<'_>) -> Option<Step<'_>> {
    let head = span.u32(0)?;
    match head >> 24 {
        0 => {}
        1 => return Some(Step::Opaque(Opaque::Capwap)),
        _ => return None,
    }
    let len = usize::try_from(head >> 19 & 0x1f).ok()? * 4;
    let (native, fragment, keep_alive) = (head & 0x100 != 0, head & 0x80 != 0, head & 0x08 != 0);
    if fragment || keep_alive || len < 8 {
        return None;
    }
    let frame = span.skip(len)?;
    if !native {
        return Some(Step::Next(Layer::Ethernet, frame));
    }
    Some(Step::Next(Layer::Wlan, frame))
}

/// TZSP: version 1, type received (0) or transmitted (1), encapsulation, tags up to an end tag.
fn tzsp(span: Span<'_>) -> Option<Step<'_>> {
    let [1, 0 | 1, encapsulation @ ..] = span.array::<4>(0)? else { return None };
    let mut at = 4;
    loop {
        match span.u8(at)? {
            0 => at += 1,
            1 => break,
            _ => at += usize::from(span.u8(at + 1)?) + 2,
        }
    }
    let layer = match u16::from_be_bytes(encapsulation) {
        1 => Layer::Ethernet,
        18 => Layer::Wlan,
        119 => Layer::Link(119),
        127 => Layer::Link(163),
        _ => return None,
    };
    Some(Step::after(span, at + 1, layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn into(port: u16, bytes: &[u8]) -> Option<Step<'_>> {
        udp(50_000, port, Span::whole(bytes))
    }

    #[test]
    fn gre_headers_of_all_lengths_are_skipped() {
        let inner = Step::Next(Layer::EtherType(0x0800), Span::whole(&[0x45]));
        for (flags, more) in [(0u16, 0), (0x8000, 4), (0x2000, 4), (0x1000, 4), (0xb000, 12)] {
            let mut v = flags.to_be_bytes().to_vec();
            v.extend([8, 0]);
            v.resize(4 + more, 0);
            v.push(0x45);
            assert_eq!(gre(Span::whole(&v)), Some(inner), "{flags:04x}");
        }
        let pptp = [0x30, 0x81, 0x88, 0x0b, 0, 2, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x21, 0x45];
        assert_eq!(gre(Span::whole(&pptp)), Some(Step::Next(Layer::Ppp, Span::whole(&[0x21, 0x45]))));
    }

    #[test]
    fn erspan_of_three_types_carries_ethernet() {
        let frame = Step::Next(Layer::Ethernet, Span::whole(&[9]));
        assert_eq!(gre(Span::whole(&[0, 0, 0x88, 0xbe, 9])), Some(frame));
        let second = [&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1][..], &[0; 8], &[9]].concat();
        assert_eq!(gre(Span::whole(&second)), Some(frame));
        let third = [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1][..], &[0; 11], &[1], &[0; 8], &[9]].concat();
        assert_eq!(gre(Span::whole(&third)), Some(frame));
    }

    #[test]
    fn udp_tunnels_lead_to_their_inner_layer() {
        let ip = Some(Step::Next(Layer::Ip, Span::whole(&[0x45])));
        assert_eq!(into(4789, &[8, 0, 0, 0, 0, 0, 1, 0, 9]), Some(Step::Next(Layer::Ethernet, Span::whole(&[9]))));
        assert_eq!(
            into(6081, &[1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0, 9]),
            Some(Step::Next(Layer::EtherType(0x6558), Span::whole(&[9])))
        );
        assert_eq!(into(2152, &[0x30, 0xff, 0, 1, 0, 0, 0, 1, 0x45]), ip);
        let extended = [0x34, 0xff, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0, 0x45];
        assert_eq!(into(2152, &extended), ip);
        assert_eq!(into(1701, &[0, 2, 0, 1, 0, 1, 0x21]), Some(Step::Next(Layer::Ppp, Span::whole(&[0x21]))));
        let mut ayiya = vec![0x10, 0x10, 0x01, 4];
        ayiya.resize(8 + 2 + 4, 0);
        ayiya.push(0x45);
        assert_eq!(into(5072, &ayiya), ip);
        assert_eq!(into(37008, &[1, 0, 0, 1, 0, 10, 1, 5, 1, 9]), Some(Step::Next(Layer::Ethernet, Span::whole(&[9]))));
    }

    #[test]
    fn teredo_is_found_behind_its_indications() {
        let mut inner = vec![0x60, 0, 0, 0, 0, 0, 59, 1];
        inner.resize(40, 0);
        let origin = [&[0; 8][..], &inner].concat();
        let both = [&[0, 1, 0, 0][..], &[0; 9], &origin].concat();
        for bytes in [&inner, &origin, &both] {
            assert_eq!(into(3544, bytes), Some(Step::Next(Layer::Ip, Span::whole(&inner))));
        }
    }

    #[test]
    fn a_port_alone_makes_no_tunnel() {
        assert_eq!(into(4789, b"GET / HTTP"), None);
        assert_eq!(into(2152, &[0x32, 0x01, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]), None, "an echo request");
        assert_eq!(udp(6081, 53, Span::whole(&[0, 0, 0x65, 0x58, 0, 0, 1, 0, 9])), None);
        assert_eq!(udp(1, 2, Span::whole(&[8, 0, 0, 0, 0, 0, 0, 0])), None);
        assert_eq!(into(4500, &[0xff]), None);
        assert_eq!(into(4500, &[0, 0, 0, 0, 1, 2, 3, 4, 5]), None, "key exchange");
    }

    #[test]
    fn every_tunnel_survives_every_short_payload() {
        for port in 0..=u16::MAX {
            if !is_port(port) {
                continue;
            }
            for first in 0..=255u8 {
                for fill in [0, 1, 0x45, 0xff] {
                    let mut bytes = [fill; 40];
                    bytes[0] = first;
                    for len in 0..bytes.len() {
                        let _ = into(port, &bytes[..len]);
                        let _ = gre(Span::whole(&bytes[..len]));
                    }
                }
            }
        }
    }
}
