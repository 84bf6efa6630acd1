//! What the layers of a frame have in common: their bytes, what may come next, and what cannot be looked into.

use crate::capture::{Direction, DropMark, Frame};
use crate::lang::Text;
use crate::packet::At;

/// The bytes of one layer: those captured, and how many there were on the wire.
///
/// Guaranteed: `wire_len()` is never less than `data().len()`; no method panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<'a> {
    data: &'a [u8],
    wire: usize,
}

impl<'a> Span<'a> {
    /// `data` of a layer that had `wire` bytes.
    pub(super) fn new(data: &'a [u8], wire: usize) -> Self {
        Span { data, wire: wire.max(data.len()) }
    }

    /// A layer captured in full.
    pub(super) fn whole(data: &'a [u8]) -> Self {
        Span { data, wire: data.len() }
    }

    /// The captured bytes.
    pub(super) fn data(self) -> &'a [u8] {
        self.data
    }

    /// Length on the wire.
    pub(super) fn wire_len(self) -> usize {
        self.wire
    }

    /// Whether the capture holds less than the wire did.
    pub(super) fn is_cut(self) -> bool {
        self.data.len() < self.wire
    }

    /// What follows the first `n` bytes; `None` when the layer is shorter than that, even on the wire.
    pub(super) fn skip(self, n: usize) -> Option<Span<'a>> {
        Some(Span { wire: self.wire.checked_sub(n)?, data: self.data.get(n..).unwrap_or(&[]) })
    }

    /// The layer with its length as its header states it: what follows is padding. A longer length than the capture
    /// knows of means that the rest was not captured.
    pub(super) fn with_len(self, n: usize) -> Span<'a> {
        Span { wire: n, data: self.data.get(..n).unwrap_or(self.data) }
    }

    /// As [`Span::with_len`], but never longer than the layer is.
    pub(super) fn at_most(self, n: usize) -> Span<'a> {
        self.with_len(n.min(self.wire))
    }

    /// `N` bytes from `at`.
    pub(super) fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.data.get(at..)?.first_chunk::<N>().copied()
    }

    /// The byte at `at`.
    pub(super) fn u8(self, at: usize) -> Option<u8> {
        self.data.get(at).copied()
    }

    /// Big-endian 16 bits at `at`.
    pub(super) fn u16(self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// Big-endian 32 bits at `at`.
    pub(super) fn u32(self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }
}

/// What a run of bytes is, between the start of a frame and an IP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// The start of a frame of this link type (LINKTYPE_ number).
    Link(u16),
    /// An Ethernet frame from its destination address on.
    Ethernet,
    /// What follows this EtherType.
    EtherType(u16),
    /// An IEEE 802.2 LLC header.
    Llc,
    /// A PPP frame, with or without its HDLC address and control bytes.
    Ppp,
    /// An 802.11 frame from frame control on.
    Wlan,
    /// An 802.11 aggregate: subframes with Ethernet addresses, a length and LLC.
    Amsdu,
    /// IPv4 or IPv6, as its first nibble says.
    Ip,
}

/// What one header leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The next layer.
    Next(Layer, Span<'a>),
    /// Read and understood; no IP inside (ARP, spanning tree, beacons, keep-alives).
    NoIp,
    /// IP may be inside, but it cannot be seen.
    Opaque(Opaque),
    /// A header ends early or contradicts itself.
    Damaged,
    /// A link type that is not read here.
    Unsupported(u16),
}

impl<'a> Step<'a> {
    /// `layer` behind `n` bytes of header.
    pub(super) fn after(span: Span<'a>, n: usize, layer: Layer) -> Step<'a> {
        span.skip(n).map_or(Step::Damaged, |rest| Step::Next(layer, rest))
    }

    /// The EtherType that stands `at` in `span`, its payload behind it.
    pub(super) fn ether_type_at(span: Span<'a>, at: usize) -> Step<'a> {
        match span.u16(at) {
            Some(t) => Step::after(span, at.saturating_add(2), Layer::EtherType(t)),
            None => Step::Damaged,
        }
    }
}

/// Payload that hides what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opaque {
    /// IPsec ESP (RFC 4303), also inside UDP (RFC 3948).
    Esp,
    /// Encrypted MACsec (IEEE 802.1AE).
    Macsec,
    /// An encrypted 802.11 frame.
    Wlan,
    /// WireGuard transport data.
    WireGuard,
    /// Encrypted or compressed PPP (RFC 1962, RFC 1968, RFC 1144).
    Ppp,
    /// CAPWAP data protected by DTLS (RFC 5415).
    Capwap,
}

impl Opaque {
    /// The word used in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Opaque::Esp => "esp",
            Opaque::Macsec => "macsec",
            Opaque::Wlan => "wlan_protected",
            Opaque::WireGuard => "wireguard",
            Opaque::Ppp => "ppp_encrypted",
            Opaque::Capwap => "capwap_dtls",
        }
    }

    /// The words for people.
    pub fn text(self) -> Text {
        match self {
            Opaque::Esp => Text { en: "IPsec (ESP)", ja: "IPsec (ESP)" },
            Opaque::Macsec => Text { en: "encrypted MACsec", ja: "暗号化された MACsec" },
            Opaque::Wlan => Text { en: "encrypted 802.11", ja: "暗号化された 802.11" },
            Opaque::WireGuard => Text { en: "WireGuard", ja: "WireGuard" },
            Opaque::Ppp => Text { en: "encrypted or compressed PPP", ja: "暗号化または圧縮された PPP" },
            Opaque::Capwap => Text { en: "CAPWAP over DTLS", ja: "CAPWAP over DTLS" },
        }
    }
}

/// What all packets of one frame share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    /// Frame and time.
    pub(super) at: At,
    /// Direction, from the capture or from a capture header.
    pub(super) direction: Direction,
    /// Process id, likewise.
    pub(super) pid: Option<u32>,
    /// A drop inside Windows.
    pub(super) dropped: Option<DropMark>,
}

impl Context {
    /// Of `frame`, before its bytes are looked at.
    pub(super) fn of(frame: &Frame<'_>) -> Context {
        Context {
            at: At { frame: frame.number, time: frame.time },
            direction: frame.direction,
            pid: frame.pid,
            dropped: frame.dropped,
        }
    }

    /// Sets the direction where the container did not say.
    pub(super) fn learn_direction(&mut self, direction: Direction) {
        if self.direction == Direction::Unknown {
            self.direction = direction;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_span_knows_what_the_snap_length_took() {
        let span = Span::new(&[1, 2, 3, 4], 10);
        assert!(span.is_cut());
        let rest = span.skip(6).unwrap();
        assert_eq!((rest.data(), rest.wire_len()), (&[][..], 4));
        assert!(span.skip(11).is_none());
        assert_eq!(span.with_len(2), Span::whole(&[1, 2]));
        assert_eq!(span.with_len(12).wire_len(), 12);
        assert_eq!(span.at_most(12).wire_len(), 10);
        assert_eq!(span.u16(2), Some(0x0304));
        assert_eq!(span.u16(3), None);
    }

    #[test]
    fn the_wire_is_never_shorter_than_the_capture() {
        assert_eq!(Span::new(&[1, 2, 3], 1).wire_len(), 3);
    }
}
