//! Link types: what the first byte of a frame starts.
//!
//! What enters: a frame's bytes and its LINKTYPE_ number. What leaves: the next [`Layer`]; capture headers that tell
//! direction or process (cooked, PKTAP) write it into the [`Context`]. What is not read is named, never guessed at.

use crate::capture::Direction;
use crate::packet::layer::{Context, Layer, Opaque, Span, Step};

/// Looks at the start of a frame of link type `link`.
pub(super) fn step<'a>(link: u16, span: Span<'a>, cx: &mut Context) -> Step<'a> {
    match link {
        1 => Step::Next(Layer::Ethernet, span),
        // DLT_RAW of several systems, LINKTYPE_RAW, _IPV4, _IPV6.
        12 | 14 | 101 | 228 | 229 => Step::Next(Layer::Ip, span),
        0 | 108 => loopback(span),
        113 => cooked_v1(span, cx),
        276 => cooked_v2(span, cx),
        9 | 50 => ppp_or_hdlc(span),
        51 => super::ether::pppoe(span),
        // LINKTYPE_PPP_PPPD: the first byte is the direction, in the place of the HDLC address.
        166 => {
            learn_sent(cx, span.u8(0) == Some(1));
            Step::after(span, usize::from(span.u8(1) == Some(0x03)).saturating_add(1), Layer::Ppp)
        }
        // LINKTYPE_PPP_WITH_DIR: a direction byte in front of a PPP frame.
        204 => {
            learn_sent(cx, span.u8(0).is_some_and(|d| d != 0));
            Step::after(span, 1, Layer::Ppp)
        }
        104 => hdlc(span),
        107 => frame_relay(span),
        6 => token_ring(span),
        10 => fddi(span),
        7 => arcnet(span, 2),
        129 => arcnet(span, 4),
        // RFC 2684 LLC encapsulation over ATM.
        100 => Step::Next(Layer::Llc, span),
        // SunATM: traffic type in the low half of the first byte, 2 = LLC.
        123 if span.u8(0).is_some_and(|flags| flags & 0x0f == 2) => Step::after(span, 4, Layer::Llc),
        123 => Step::NoIp,
        105 => Step::Next(Layer::Wlan, span),
        119 => super::wlan::prism(span),
        127 => super::wlan::radiotap(span),
        163 => super::wlan::avs(span),
        192 => ppi(span),
        109 => enc(span),
        117 => pflog(span, cx),
        149 | 258 => pktap(span, cx),
        219 => Step::Next(Layer::EtherType(0x8847), span),
        239 => nflog(span),
        // NetAnalyzer: four bytes, or twelve with the preamble, in front of Ethernet.
        240 => Step::after(span, 4, Layer::Ethernet),
        241 => Step::after(span, 12, Layer::Ethernet),
        // IP over InfiniBand (RFC 4391, 6): EtherType and two reserved bytes.
        242 => match span.u16(0) {
            Some(ether_type) => Step::after(span, 4, Layer::EtherType(ether_type)),
            None => Step::Damaged,
        },
        281 | 282 | 284 | 285 => switch_tag(link, span),
        other => Step::Unsupported(other),
    }
}

/// The name of a link type that a capture may hold, for reports; `None` for one that is not known by name.
pub fn link_name(link: u16) -> Option<&'static str> {
    Some(match link {
        0 => "BSD loopback",
        1 => "Ethernet",
        6 => "Token Ring",
        7 | 129 => "ARCNET",
        8 => "SLIP",
        9 | 50 | 166 | 204 => "PPP",
        10 => "FDDI",
        12 | 14 | 101 => "raw IP",
        51 => "PPPoE",
        100 => "LLC over ATM",
        104 => "Cisco HDLC",
        105 => "802.11",
        107 => "Frame Relay",
        108 => "OpenBSD loopback",
        109 => "OpenBSD IPsec",
        113 => "Linux cooked v1",
        117 => "OpenBSD pflog",
        119 => "802.11 with Prism header",
        122 => "IP over Fibre Channel",
        123 => "SunATM",
        127 => "802.11 with radiotap",
        143 => "DOCSIS",
        147..=148 | 150..=162 => "user-defined",
        149 | 258 => "Apple PKTAP",
        163 => "802.11 with AVS header",
        165 => "BACnet MS/TP",
        177 => "LAPD",
        182 => "multilink Frame Relay",
        130..=138 | 178..=181 | 183 | 194 | 200 => "Juniper",
        186 | 189 | 220 | 249 | 266 => "USB",
        187 | 201 | 251 | 254 | 255 | 256 | 272 => "Bluetooth",
        190 | 227 => "CAN",
        192 => "PPI",
        195 | 215 | 230 | 283 => "IEEE 802.15.4",
        197 => "ERF",
        202 => "AX.25",
        203 => "LAPD",
        212 => "LIN",
        210 => "FlexRay",
        219 => "MPLS",
        224 | 225 => "Fibre Channel",
        228 => "raw IPv4",
        229 => "raw IPv6",
        239 => "NFLOG",
        240 | 241 => "netANALYZER",
        242 => "IP over InfiniBand",
        247 => "InfiniBand",
        248 => "SCTP",
        252 => "Wireshark upper PDU",
        253 => "Linux netlink",
        276 => "Linux cooked v2",
        281 | 282 => "Broadcom switch tag",
        284 | 285 => "Marvell switch tag",
        _ => return None,
    })
}

/// Direction of the link types that say "sent" or "received" and nothing else.
fn learn_sent(cx: &mut Context, sent: bool) {
    cx.learn_direction(if sent { Direction::Outbound } else { Direction::Inbound });
}

/// LINKTYPE_NULL and LINKTYPE_LOOP: an address family as four bytes in the order of the capturing machine (NULL) or
/// the network's (LOOP). Both orders are taken for both, since files get moved and headers rewritten. AF_INET is 2
/// everywhere; AF_INET6 is 10, 23, 24, 28 or 30 (Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin).
fn loopback(span: Span<'_>) -> Step<'_> {
    let Some(head) = span.array::<4>(0) else { return Step::Damaged };
    let family = match u32::from_be_bytes(head) {
        family @ 0..=0xffff => family,
        _ => u32::from_le_bytes(head),
    };
    match family {
        2 | 10 | 23 | 24 | 28 | 30 => Step::after(span, 4, Layer::Ip),
        // PPP over a loopback of some BSDs.
        _ if head.starts_with(&[0xff, 0x03]) => Step::Next(Layer::Ppp, span),
        // Some drivers write an EtherType in place of the family.
        0x0600..=0xffff => {
            u16::try_from(family).map_or(Step::NoIp, |ether_type| Step::after(span, 4, Layer::EtherType(ether_type)))
        }
        _ => Step::NoIp,
    }
}

/// What the packet type of a cooked header says: 4 = sent by us, 0 to 2 = for us.
fn learn_cooked(cx: &mut Context, packet_type: u16) {
    match packet_type {
        4 => cx.learn_direction(Direction::Outbound),
        0..=2 => cx.learn_direction(Direction::Inbound),
        _ => {}
    }
}

/// LINKTYPE_LINUX_SLL: packet type, ARPHRD, address, protocol: 16 bytes.
fn cooked_v1<'a>(span: Span<'a>, cx: &mut Context) -> Step<'a> {
    let (Some(packet_type), Some(hardware), Some(protocol)) = (span.u16(0), span.u16(2), span.u16(14)) else {
        return Step::Damaged;
    };
    learn_cooked(cx, packet_type);
    cooked(span.skip(16), hardware, protocol)
}

/// LINKTYPE_LINUX_SLL2: protocol first, interface index, ARPHRD, packet type, address: 20 bytes.
fn cooked_v2<'a>(span: Span<'a>, cx: &mut Context) -> Step<'a> {
    let (Some(protocol), Some(hardware), Some(packet_type)) = (span.u16(0), span.u16(8), span.u8(10)) else {
        return Step::Damaged;
    };
    learn_cooked(cx, u16::from(packet_type));
    cooked(span.skip(20), hardware, protocol)
}

fn cooked(rest: Option<Span<'_>>, hardware: u16, protocol: u16) -> Step<'_> {
    let Some(rest) = rest else { return Step::Damaged };
    match (hardware, protocol) {
        // ARPHRD_IEEE80211_RADIOTAP, ARPHRD_FRAD, ARPHRD_NETLINK: what follows is not an EtherType.
        (803, _) => super::wlan::radiotap(rest),
        (770, _) => frame_relay(rest),
        (824, _) => Step::NoIp,
        // Values below the EtherTypes name frame formats (linux/if_ether.h): 802.3 raw, 802.2 LLC, and PPP.
        (_, 0x0004) => Step::Next(Layer::Llc, rest),
        (_, 0x0007 | 0x0008) => Step::Next(Layer::Ppp, rest),
        (_, 0..=0x05ff) => Step::NoIp,
        (_, ether_type) => Step::Next(Layer::EtherType(ether_type), rest),
    }
}

/// LINKTYPE_PPP and PPP_HDLC: PPP, or Cisco HDLC where the address byte is one of Cisco's (0x0f, 0x8f).
fn ppp_or_hdlc(span: Span<'_>) -> Step<'_> {
    match span.u8(0) {
        Some(0x0f | 0x8f) => hdlc(span),
        _ => Step::Next(Layer::Ppp, span),
    }
}

/// Cisco HDLC (RFC 4349, 4): address, control, EtherType.
fn hdlc(span: Span<'_>) -> Step<'_> {
    Step::ether_type_at(span, 2)
}

/// PPP (RFC 1661, 2; RFC 1662, 3.1): the protocol field, one byte where it is odd, behind optional address and control.
pub(super) fn ppp(span: Span<'_>) -> Step<'_> {
    let framed = match span.array::<2>(0) {
        Some([0xff, 0x03]) => span.skip(2),
        _ => Some(span),
    };
    let Some((span, first)) = framed.and_then(|s| Some((s, s.u8(0)?))) else { return Step::Damaged };
    let (protocol, len) = if first & 1 == 1 { (Some(u16::from(first)), 1) } else { (span.u16(0), 2) };
    match protocol {
        Some(0x0021 | 0x0057) => Step::after(span, len, Layer::Ip),
        Some(0x0281) => Step::after(span, len, Layer::EtherType(0x8847)),
        Some(0x0283) => Step::after(span, len, Layer::EtherType(0x8848)),
        // Bridged frames (RFC 3518, 4.2): flags, then the MAC type, 1 = Ethernet.
        Some(0x0031) if span.u8(len.saturating_add(1)) == Some(1) => Step::after(span, len + 2, Layer::Ethernet),
        // Multilink (RFC 1990, 3) with the long header: both the first and the last fragment, so a whole packet.
        Some(0x003d) if span.u8(len).is_some_and(|flags| flags & 0xc0 == 0xc0) => {
            Step::after(span, len + 4, Layer::Ppp)
        }
        // Van Jacobson compressed TCP, compressed datagram, encrypted datagram.
        Some(0x002d | 0x002f | 0x0053 | 0x0055 | 0x00fb | 0x00fd) => Step::Opaque(Opaque::Ppp),
        Some(_) => Step::NoIp,
        None => Step::Damaged,
    }
}

/// Frame Relay: Q.922 address, then control and NLPID (RFC 2427, 3), or Cisco's EtherType.
fn frame_relay(span: Span<'_>) -> Step<'_> {
    // The address ends with the first byte whose low bit is set; two to four bytes exist.
    let Some(len) = (1..4).find(|&at| span.u8(at).is_some_and(|b| b & 1 == 1)) else { return Step::Damaged };
    let len = len + 1;
    match (span.u8(len), span.u8(len + 1), span.u8(len + 2)) {
        (Some(0x03), Some(0xcc | 0x8e), _) => Step::after(span, len + 2, Layer::Ip),
        (Some(0x03), Some(0x80), _) => snap_after(span, len + 2),
        (Some(0x03), Some(0x00), Some(0x80)) => snap_after(span, len + 3),
        (Some(0x03), ..) => Step::NoIp,
        (Some(_), Some(_), _) => Step::ether_type_at(span, len),
        _ => Step::Damaged,
    }
}

/// A SNAP header (OUI and PID) at `at`.
fn snap_after(span: Span<'_>, at: usize) -> Step<'_> {
    span.skip(at).map_or(Step::Damaged, super::ether::snap)
}

/// Token Ring (IEEE 802.5): access control, frame control, addresses, a routing field where the source says so, LLC.
fn token_ring(span: Span<'_>) -> Step<'_> {
    let (Some(control), Some(source)) = (span.u8(1), span.u8(8)) else { return Step::Damaged };
    if control & 0xc0 != 0x40 {
        return Step::NoIp; // MAC frames.
    }
    let routing = if source & 0x80 != 0 { span.u8(14).map_or(0, |b| usize::from(b & 0x1f)) } else { 0 };
    Step::after(span, routing.saturating_add(14), Layer::Llc)
}

/// FDDI (ANSI X3.139): frame control, addresses, LLC.
fn fddi(span: Span<'_>) -> Step<'_> {
    match span.u8(0) {
        Some(control) if control & 0x70 == 0x50 || control & 0x70 == 0x40 && control & 0x0f != 0 => {
            Step::after(span, 13, Layer::Llc)
        }
        Some(_) => Step::NoIp,
        None => Step::Damaged,
    }
}

/// ARCNET (RFC 1201, RFC 1051): two addresses, on Linux two bytes of offset, then the system code.
fn arcnet(span: Span<'_>, code_at: usize) -> Step<'_> {
    let Some(code) = span.u8(code_at) else { return Step::Damaged };
    let flag_at = code_at + 1;
    // A split flag of 0xff announces an exception frame: four bytes more.
    let header = match span.u8(flag_at) {
        Some(0xff) => flag_at + 7,
        _ => flag_at + 3,
    };
    match code {
        0xd4 | 0xc4 => Step::after(span, header, Layer::Ip),
        0xf0 => Step::after(span, flag_at, Layer::Ip),
        _ => Step::NoIp,
    }
}

/// PPI: version, flags, length, and the link type of what follows, in little-endian order.
fn ppi(span: Span<'_>) -> Step<'_> {
    let (Some(len), Some(link)) = (span.array(2).map(u16::from_le_bytes), span.array(4).map(u32::from_le_bytes)) else {
        return Step::Damaged;
    };
    match u16::try_from(link) {
        Ok(192) | Err(_) => Step::Damaged,
        Ok(link) if len >= 8 => Step::after(span, usize::from(len), Layer::Link(link)),
        Ok(_) => Step::Damaged,
    }
}

/// LINKTYPE_ENC: family, SPI and flags in front of an IP packet.
fn enc(span: Span<'_>) -> Step<'_> {
    Step::after(span, 12, Layer::Ip)
}

/// LINKTYPE_PFLOG: the header begins with its own length, which is padded to four bytes. The direction stands behind
/// interface, ruleset, rule numbers, user and process ids.
fn pflog<'a>(span: Span<'a>, cx: &mut Context) -> Step<'a> {
    let Some(len) = span.u8(0) else { return Step::Damaged };
    match span.u8(60) {
        Some(1) if len > 60 => cx.learn_direction(Direction::Inbound),
        Some(2) if len > 60 => cx.learn_direction(Direction::Outbound),
        _ => {}
    }
    Step::after(span, usize::from(len).next_multiple_of(4), Layer::Ip)
}

/// PKTAP of macOS: length, record type, link type, interface name, flags, ..., process id, little-endian.
fn pktap<'a>(span: Span<'a>, cx: &mut Context) -> Step<'a> {
    let word = |at| span.array(at).map(u32::from_le_bytes);
    let (Some(len), Some(record), Some(link)) = (word(0), word(4), word(8)) else { return Step::Damaged };
    let (Ok(len), Ok(link)) = (usize::try_from(len), u16::try_from(link)) else { return Step::Damaged };
    if len < 12 || matches!(link, 149 | 258) {
        return Step::Damaged;
    }
    if record != 1 {
        return Step::NoIp;
    }
    match word(36).map(|flags| flags & 3) {
        Some(1) => cx.learn_direction(Direction::Inbound),
        Some(2) => cx.learn_direction(Direction::Outbound),
        _ => {}
    }
    if cx.pid.is_none() {
        // -1 stands for a packet of no process.
        cx.pid = word(52).filter(|&pid| pid != u32::MAX);
    }
    Step::after(span, len, Layer::Link(link))
}

/// NFLOG: family, version, resource id, then attributes (length and type in the order of the capturing machine, in
/// practice little-endian); attribute 9 is the packet.
fn nflog(span: Span<'_>) -> Step<'_> {
    let mut rest = span.skip(4);
    while let Some(attribute) = rest {
        let (Some(len), Some(kind)) =
            (attribute.array(0).map(u16::from_le_bytes), attribute.array(2).map(u16::from_le_bytes))
        else {
            break;
        };
        let len = usize::from(len);
        if len < 4 {
            break;
        }
        if kind == 9 {
            return Step::after(attribute.at_most(len), 4, Layer::Ip);
        }
        rest = attribute.skip(len.next_multiple_of(4));
    }
    Step::Damaged
}

/// Ethernet with the tag of a switch chip: Broadcom's four bytes in front of the frame (282) or behind the addresses
/// (281), Marvell's four (284) or eight bytes (285) behind the addresses.
fn switch_tag(link: u16, span: Span<'_>) -> Step<'_> {
    match link {
        282 => Step::after(span, 4, Layer::Ethernet),
        285 => Step::ether_type_at(span, 20),
        _ => Step::ether_type_at(span, 16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::At;

    fn context() -> Context {
        Context { at: At::default(), direction: Direction::Unknown, pid: None, dropped: None }
    }

    fn leads_to(link: u16, bytes: &[u8]) -> Step<'_> {
        step(link, Span::whole(bytes), &mut context())
    }

    #[test]
    fn both_byte_orders_of_a_loopback_family_are_read() {
        for family in [[2, 0, 0, 0], [0, 0, 0, 2], [30, 0, 0, 0], [0, 0, 0, 24], [23, 0, 0, 0], [0x1c, 0, 0, 0]] {
            let bytes = [&family[..], &[0x45]].concat();
            assert_eq!(leads_to(0, &bytes), Step::Next(Layer::Ip, Span::whole(&[0x45])), "{family:?}");
        }
        assert_eq!(leads_to(0, &[7, 0, 0, 0, 1]), Step::NoIp);
        assert_eq!(leads_to(0, &[2, 0, 0]), Step::Damaged);
    }

    #[test]
    fn cooked_headers_tell_the_direction() {
        let mut bytes = vec![0, 4, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x08, 0x00];
        bytes.push(0x45);
        let mut cx = context();
        assert_eq!(step(113, Span::whole(&bytes), &mut cx), Step::Next(Layer::EtherType(0x0800), Span::whole(&[0x45])));
        assert_eq!(cx.direction, Direction::Outbound);
        let mut bytes = vec![0x86, 0xdd, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0];
        bytes.push(0x60);
        let mut cx = context();
        assert_eq!(step(276, Span::whole(&bytes), &mut cx), Step::Next(Layer::EtherType(0x86dd), Span::whole(&[0x60])));
        assert_eq!(cx.direction, Direction::Inbound);
    }

    #[test]
    fn ppp_is_read_with_and_without_framing_and_compression() {
        let ip = Step::Next(Layer::Ip, Span::whole(&[0x45]));
        for bytes in
            [&[0xff, 0x03, 0x00, 0x21, 0x45][..], &[0x00, 0x21, 0x45], &[0x21, 0x45], &[0xff, 0x03, 0x21, 0x45]]
        {
            assert_eq!(ppp(Span::whole(bytes)), ip);
        }
        assert_eq!(ppp(Span::whole(&[0x00, 0x53, 1, 2])), Step::Opaque(Opaque::Ppp));
        assert_eq!(ppp(Span::whole(&[0xc0, 0x21, 1])), Step::NoIp);
        assert_eq!(ppp(Span::whole(&[0xff, 0x03])), Step::Damaged);
    }

    #[test]
    fn pktap_names_process_and_direction() {
        let mut bytes = vec![0; 108];
        bytes[0] = 108;
        bytes[4] = 1;
        bytes[8] = 1;
        bytes[36] = 2;
        bytes[52] = 77;
        bytes.push(9);
        let mut cx = context();
        assert_eq!(step(258, Span::whole(&bytes), &mut cx), Step::Next(Layer::Link(1), Span::whole(&[9])));
        assert_eq!((cx.direction, cx.pid), (Direction::Outbound, Some(77)));
        bytes[8] = 0x02;
        bytes[9] = 0x01;
        assert_eq!(step(258, Span::whole(&bytes), &mut cx), Step::Damaged, "no nesting in itself");
    }

    #[test]
    fn nflog_finds_its_payload() {
        let bytes = [2, 0, 0, 0, 5, 0, 10, 0, 0x41, 0, 0, 0, 5, 0, 9, 0, 0x45];
        assert_eq!(leads_to(239, &bytes), Step::Next(Layer::Ip, Span::whole(&[0x45])));
        assert_eq!(leads_to(239, &[2, 0, 0, 0, 0, 0, 9, 0]), Step::Damaged);
    }

    #[test]
    fn frame_relay_and_hdlc_lead_to_ip() {
        assert_eq!(leads_to(107, &[0x18, 0x41, 0x03, 0xcc, 0x45]), Step::Next(Layer::Ip, Span::whole(&[0x45])));
        assert_eq!(
            leads_to(104, &[0x0f, 0, 0x08, 0, 0x45]),
            Step::Next(Layer::EtherType(0x0800), Span::whole(&[0x45]))
        );
    }

    #[test]
    fn every_link_type_survives_every_short_frame() {
        for link in 0..300 {
            for fill in [0x00, 0x01, 0x03, 0x45, 0x80, 0xaa, 0xff] {
                for len in 0..80 {
                    let bytes = vec![fill; len];
                    let _ = leads_to(link, &bytes);
                }
            }
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        assert_eq!(leads_to(189, &[0; 64]), Step::Unsupported(189));
        assert_eq!(link_name(189), Some("USB"));
        assert_eq!(link_name(60_000), None);
    }
}
