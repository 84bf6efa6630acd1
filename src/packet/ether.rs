//! Ethernet and what an EtherType may announce: tags, LLC and SNAP, PPPoE, MPLS, MACsec.

use crate::packet::layer::{Layer, Opaque, Span, Step};
use crate::packet::link;
use etherparse::{Ethernet2HeaderSlice, MacsecHeaderSlice, SingleVlanHeaderSlice};

/// Two addresses and a type or length (IEEE 802.3, 3.1.1).
pub(super) const ETHERNET_HEADER_LEN: usize = 14;

/// One 802.1Q tag.
pub(super) const VLAN_TAG_LEN: usize = 4;

/// EtherType of IPv4.
pub(super) const IPV4: u16 = 0x0800;

/// EtherType of IPv6.
pub(super) const IPV6: u16 = 0x86dd;

/// EtherType of an 802.1Q tag.
pub(super) const VLAN: u16 = 0x8100;

/// Largest value of the type field that is a length (IEEE 802.3, 3.2.6).
const LENGTH_MAX: u16 = 1500;

/// Smallest value of the type field that is a type.
const TYPE_MIN: u16 = 0x0600;

/// Reads an Ethernet header.
pub(super) fn ethernet(span: Span<'_>) -> Step<'_> {
    let Ok(header) = Ethernet2HeaderSlice::from_slice(span.data()) else { return Step::Damaged };
    match header.ether_type().0 {
        len @ ..=LENGTH_MAX => match span.skip(ETHERNET_HEADER_LEN) {
            // Raw 802.3 of Novell: a checksum of ones in place of LLC.
            Some(rest) if rest.u16(0) == Some(0xffff) => Step::NoIp,
            Some(rest) => Step::Next(Layer::Llc, rest.at_most(usize::from(len))),
            None => Step::Damaged,
        },
        ether_type => Step::after(span, ETHERNET_HEADER_LEN, Layer::EtherType(ether_type)),
    }
}

/// Reads what follows an EtherType (IEEE registry).
pub(super) fn ether_type(ether_type: u16, span: Span<'_>) -> Step<'_> {
    match ether_type {
        IPV4 | IPV6 => Step::Next(Layer::Ip, span),
        // 802.1Q, 802.1ad and its predecessors.
        VLAN | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => match SingleVlanHeaderSlice::from_slice(span.data()) {
            Ok(tag) => tagged(tag.ether_type().0, span.skip(VLAN_TAG_LEN)),
            Err(_) => Step::Damaged,
        },
        0x8847 | 0x8848 => mpls(span),
        0x8864 => pppoe(span),
        // 802.1ah: service tag, then the customer's frame.
        0x88e7 => Step::after(span, 4, Layer::Ethernet),
        0x88e5 => macsec(span),
        // Transparent Ethernet bridging (RFC 1701).
        0x6558 => Step::Next(Layer::Ethernet, span),
        // PPP in GRE (RFC 2637).
        0x880b => Step::Next(Layer::Ppp, span),
        // FabricPath: the rest of its outer addresses' header, then the frame.
        0x8903 => Step::after(span, 2, Layer::Ethernet),
        // TRILL (RFC 6325, 3): six bytes and options of four bytes each, whose count spans the first two bytes.
        0x22f3 => match span.u16(0) {
            Some(head) => Step::after(span, usize::from(head >> 6 & 0x1f) * 4 + 6, Layer::Ethernet),
            None => Step::Damaged,
        },
        // VN-Tag; E-tag (IEEE 802.1BR); HSR tag (IEC 62439-3); redundancy tag (IEEE 802.1CB).
        0x8926 => Step::ether_type_at(span, 4),
        0x893f => Step::ether_type_at(span, 6),
        0x892f | 0xf1c1 => Step::ether_type_at(span, 4),
        // Cisco metadata: version and length in words, then options.
        0x8909 => match span.u8(1) {
            Some(words) => Step::ether_type_at(span, usize::from(words) * 4 + 2),
            None => Step::Damaged,
        },
        // Network service header (RFC 8300, 2): length in words; next protocol.
        0x894f => nsh(span),
        _ => Step::NoIp,
    }
}

/// What follows a VLAN tag: a type, or a length and LLC.
fn tagged(ether_type: u16, rest: Option<Span<'_>>) -> Step<'_> {
    match rest {
        None => Step::Damaged,
        Some(rest) if ether_type <= LENGTH_MAX => Step::Next(Layer::Llc, rest.at_most(usize::from(ether_type))),
        Some(rest) => Step::Next(Layer::EtherType(ether_type), rest),
    }
}

/// Reads an LLC header (IEEE 802.2).
pub(super) fn llc(span: Span<'_>) -> Step<'_> {
    match span.array::<3>(0) {
        Some([0xaa, 0xaa | 0xab, 0x03]) => span.skip(3).map_or(Step::Damaged, snap),
        Some([0x06, 0x06, 0x03]) => Step::after(span, 3, Layer::Ip),
        // OSI network layer: NLPID of IPv4 and IPv6 (RFC 2427).
        Some([0xfe, 0xfe, 0x03]) => match span.u8(3) {
            Some(0xcc | 0x8e) => Step::after(span, 4, Layer::Ip),
            _ => Step::NoIp,
        },
        Some(_) => Step::NoIp,
        None => Step::Damaged,
    }
}

/// Reads a SNAP header: an organisation and its protocol number.
pub(super) fn snap(span: Span<'_>) -> Step<'_> {
    match (span.array::<3>(0), span.u16(3)) {
        // RFC 1042, and 802.1H for bridges.
        (Some([0, 0, 0] | [0, 0, 0xf8]), Some(ether_type)) if ether_type >= TYPE_MIN => {
            Step::after(span, 5, Layer::EtherType(ether_type))
        }
        // RFC 2684, 5.2 and RFC 2427, 4.2: bridged Ethernet, behind two bytes of padding on ATM.
        (Some([0x00, 0x80, 0xc2]), Some(0x0001 | 0x0007)) => {
            let padding = if span.u16(5) == Some(0) { 2 } else { 0 };
            Step::after(span, 5 + padding, Layer::Ethernet)
        }
        (Some(_), Some(_)) => Step::NoIp,
        _ => Step::Damaged,
    }
}

/// Reads a PPPoE session header (RFC 2516, 4): code 0 is data; the length excludes padding.
pub(super) fn pppoe(span: Span<'_>) -> Step<'_> {
    match (span.u16(0), span.u16(4), span.skip(6)) {
        (Some(0x1100), Some(len), Some(rest)) => Step::Next(Layer::Ppp, rest.at_most(usize::from(len))),
        (Some(_), Some(_), Some(_)) => Step::NoIp,
        _ => Step::Damaged,
    }
}

/// Reads an MPLS label stack (RFC 3032, 2.1). What it carries is not written in it: the first nibble tells IP
/// (RFC 4928), 0 a control word in front of Ethernet (RFC 4385), and else an Ethernet header must make sense.
pub(super) fn mpls(span: Span<'_>) -> Step<'_> {
    let mut rest = span;
    loop {
        let (Some(entry), Some(next)) = (rest.u32(0), rest.skip(4)) else { return Step::Damaged };
        rest = next;
        if entry & 0x100 != 0 {
            break;
        }
    }
    match rest.u8(0).map(|b| b >> 4) {
        Some(4 | 6) => Step::Next(Layer::Ip, rest),
        // A control word; without one the first nibble of the address may be 0 too.
        Some(0) => match rest.skip(4) {
            Some(frame) if looks_like_ethernet(frame) => Step::Next(Layer::Ethernet, frame),
            _ if looks_like_ethernet(rest) => Step::Next(Layer::Ethernet, rest),
            _ => Step::NoIp,
        },
        Some(_) if looks_like_ethernet(rest) => Step::Next(Layer::Ethernet, rest),
        Some(_) => Step::NoIp,
        None => Step::Damaged,
    }
}

/// Whether a type that carries IP stands where an Ethernet header has it, and fits what follows.
fn looks_like_ethernet(span: Span<'_>) -> bool {
    match (span.u16(12), span.u8(ETHERNET_HEADER_LEN)) {
        (Some(IPV4), Some(first)) => first >> 4 == 4,
        (Some(IPV6), Some(first)) => first >> 4 == 6,
        (Some(VLAN | 0x88a8 | 0x8847 | 0x8864), _) => true,
        _ => false,
    }
}

/// Reads a MACsec tag (IEEE 802.1AE, 9): without encryption the payload stands in clear, its check value behind it.
fn macsec(span: Span<'_>) -> Step<'_> {
    let Ok(header) = MacsecHeaderSlice::from_slice(span.data()) else { return Step::Damaged };
    match header.next_ether_type() {
        Some(next) => Step::after(span, header.header_len(), Layer::EtherType(next.0)),
        None => Step::Opaque(Opaque::Macsec),
    }
}

/// Reads a network service header.
fn nsh(span: Span<'_>) -> Step<'_> {
    let (Some(len), Some(next)) = (span.u8(1).map(|b| usize::from(b & 0x3f) * 4), span.u8(3)) else {
        return Step::Damaged;
    };
    match next {
        _ if len < 8 => Step::Damaged,
        1 | 2 => Step::after(span, len, Layer::Ip),
        3 => Step::after(span, len, Layer::Ethernet),
        5 => Step::after(span, len, Layer::EtherType(0x8847)),
        _ => Step::NoIp,
    }
}

/// Takes one step between the start of a frame and IP, for the layers that need no context.
pub(super) fn step(layer: Layer, span: Span<'_>) -> Step<'_> {
    match layer {
        Layer::Ethernet => ethernet(span),
        Layer::EtherType(t) => ether_type(t, span),
        Layer::Llc => llc(span),
        Layer::Ppp => link::ppp(span),
        Layer::Wlan => super::wlan::frame(span),
        // Not steps of one layer: the decoder's own business.
        Layer::Link(_) | Layer::Amsdu | Layer::Ip => Step::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ether_type: u16, rest: &[u8]) -> Vec<u8> {
        [&[2; 12][..], &ether_type.to_be_bytes(), rest].concat()
    }

    #[test]
    fn lengths_mean_llc_and_end_before_the_padding() {
        let bytes = after(8, &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0xee, 0xee]);
        let Step::Next(Layer::Llc, rest) = ethernet(Span::whole(&bytes)) else { panic!() };
        assert_eq!(rest.wire_len(), 8);
        assert_eq!(llc(rest), Step::Next(Layer::EtherType(0x0800), Span::whole(&[])));
        let bytes = after(40, &[0xff, 0xff, 0]);
        assert_eq!(ethernet(Span::whole(&bytes)), Step::NoIp);
    }

    #[test]
    fn tags_of_all_kinds_lead_on() {
        let inner = Step::Next(Layer::EtherType(IPV4), Span::whole(&[0x45]));
        for (t, header) in [
            (0x8100, vec![0, 1, 8, 0]),
            (0x88a8, vec![0, 1, 8, 0]),
            (0x9100, vec![0, 1, 8, 0]),
            (0x8926, vec![0, 0, 0, 0, 8, 0]),
            (0x893f, vec![0, 0, 0, 0, 0, 0, 8, 0]),
            (0x892f, vec![0, 0, 0, 0, 8, 0]),
            (0x8909, vec![1, 1, 0, 1, 0, 1, 8, 0]),
            (0x88e5, vec![0, 0, 0, 0, 0, 1, 8, 0]),
        ] {
            let bytes = [&header[..], &[0x45]].concat();
            assert_eq!(ether_type(t, Span::whole(&bytes)), inner, "{t:04x}");
        }
    }

    #[test]
    fn encrypted_macsec_is_opaque() {
        assert_eq!(ether_type(0x88e5, Span::whole(&[0x0c, 0, 0, 0, 0, 1, 9, 9, 9])), Step::Opaque(Opaque::Macsec));
    }

    #[test]
    fn mpls_tells_ip_from_ethernet() {
        let ip = [0, 0, 0, 64, 0, 0, 1, 64, 0x60, 1];
        assert_eq!(mpls(Span::whole(&ip)), Step::Next(Layer::Ip, Span::whole(&[0x60, 1])));
        let frame = after(IPV4, &[0x45]);
        let with_control_word = [&[0, 0, 1, 64, 0, 0, 0, 0][..], &frame].concat();
        assert_eq!(mpls(Span::whole(&with_control_word)), Step::Next(Layer::Ethernet, Span::whole(&frame)));
        let without = [&[0, 0, 1, 64][..], &frame].concat();
        assert_eq!(mpls(Span::whole(&without)), Step::Next(Layer::Ethernet, Span::whole(&frame)));
        assert_eq!(mpls(Span::whole(&[0, 0, 0, 64])), Step::Damaged, "a stack without a bottom");
    }

    #[test]
    fn pppoe_data_ends_at_its_length() {
        let bytes = [0x11, 0, 0, 1, 0, 3, 0, 0x21, 0x45, 0xee];
        assert_eq!(pppoe(Span::whole(&bytes)), Step::Next(Layer::Ppp, Span::whole(&[0, 0x21, 0x45])));
        assert_eq!(pppoe(Span::whole(&[0x11, 9, 0, 0, 0, 0])), Step::NoIp);
    }

    #[test]
    fn every_ethertype_survives_every_short_frame() {
        for t in 0..=u16::MAX {
            for len in [0, 1, 3, 5, 7, 12] {
                for fill in [0x00, 0x01, 0xff] {
                    let bytes = [fill; 12];
                    let _ = ether_type(t, Span::whole(&bytes[..len]));
                }
            }
        }
    }
}
