//! 802.11 and the capture headers in front of it.
//!
//! What enters: radiotap, Prism or AVS headers, or a bare 802.11 frame. What leaves: the LLC header inside a data
//! frame, or the aggregate. Frames under encryption are opaque, unless the capture decrypted them and left the bit.

use crate::packet::layer::{Layer, Opaque, Span, Step};

/// An RFC 1042 SNAP header up to the EtherType, as it starts nearly every data frame.
const SNAP_START: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

/// Bytes of an initialisation vector in front of the payload: CCMP, GCMP and TKIP (8), WEP (4).
const IV_LENS: [usize; 2] = [8, 4];

/// Reads a radiotap header: version 0, length, and the bitmap of its fields, little-endian.
pub(super) fn radiotap(span: Span<'_>) -> Step<'_> {
    let (Some(0), Some(len)) = (span.u8(0), span.array(2).map(u16::from_le_bytes)) else { return Step::Damaged };
    let Some(frame) = span.skip(usize::from(len)) else { return Step::Damaged };
    let flags = radiotap_flags(span).unwrap_or(0);
    // 0x10: the frame check sequence is included. 0x20: padding between header and payload.
    let frame = if flags & 0x10 != 0 { frame.at_most(frame.wire_len().saturating_sub(4)) } else { frame };
    if flags & 0x20 != 0 { padded(frame) } else { Step::Next(Layer::Wlan, frame) }
}

/// The flags field, which only a time stamp may precede.
fn radiotap_flags(span: Span<'_>) -> Option<u8> {
    let present = u32::from_le_bytes(span.array(4)?);
    let mut at = 8;
    let mut word = present;
    // Bit 31: another bitmap follows.
    while word & 0x8000_0000 != 0 {
        word = u32::from_le_bytes(span.array(at)?);
        at += 4;
    }
    if present & 1 != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    if present & 2 != 0 { span.u8(at) } else { None }
}

/// Reads a Prism header (144 bytes in practice; the length stands in it in the order of the capturing machine), or an
/// AVS header, which some drivers write under the same link type.
pub(super) fn prism(span: Span<'_>) -> Step<'_> {
    let (Some(head), Some(len)) = (span.u32(0), span.array::<4>(4)) else { return Step::Damaged };
    if head & 0xffff_f000 == 0x8021_1000 {
        return avs(span);
    }
    let len = u32::from_le_bytes(len).min(u32::from_be_bytes(len));
    usize::try_from(len).map_or(Step::Damaged, |len| Step::after(span, len, Layer::Wlan))
}

/// Reads an AVS header: magic and version, length, big-endian.
pub(super) fn avs(span: Span<'_>) -> Step<'_> {
    match span.u32(4).and_then(|len| usize::try_from(len).ok()) {
        Some(len) if len >= 8 => Step::after(span, len, Layer::Wlan),
        _ => Step::Damaged,
    }
}

/// Reads an 802.11 frame (IEEE 802.11, 9.2 and 9.3.2).
pub(super) fn frame(span: Span<'_>) -> Step<'_> {
    data_frame(span, false)
}

/// A frame whose header is padded to a multiple of four bytes.
fn padded(span: Span<'_>) -> Step<'_> {
    data_frame(span, true)
}

fn data_frame(span: Span<'_>, padded: bool) -> Step<'_> {
    let Some([control, flags]) = span.array::<2>(0) else { return Step::Damaged };
    if control & 0x03 != 0 {
        return Step::Damaged; // Protocol version: 0 is the only one.
    }
    // Type 2 is data; bit 6 of the subtypes means that there is none.
    if control & 0x0c != 0x08 || control & 0x40 != 0 {
        return Step::NoIp;
    }
    let four_addresses = flags & 0x03 == 0x03;
    let qos = control & 0x80 != 0;
    let mut header = if four_addresses { 30 } else { 24 };
    let mut aggregate = false;
    if qos {
        aggregate = span.u8(header).is_some_and(|b| b & 0x80 != 0);
        header += 2;
        // The order bit of a QoS frame announces an HT control field.
        if flags & 0x80 != 0 {
            header += 4;
        }
    }
    if padded {
        header = header.next_multiple_of(4);
    }
    let Some(body) = span.skip(header) else { return Step::Damaged };
    // Only the first fragment of an 802.11 fragment burst starts with LLC, and it is seldom whole.
    let fragment = span.u8(22).map_or(0, |b| b & 0x0f);
    if fragment != 0 {
        return Step::NoIp;
    }
    if flags & 0x40 != 0 { protected(body, aggregate) } else { Step::Next(body_layer(aggregate), body) }
}

fn body_layer(aggregate: bool) -> Layer {
    if aggregate { Layer::Amsdu } else { Layer::Llc }
}

/// The body of a frame whose protected bit is set. Captures made above the hardware's decryption keep the bit, some
/// also the initialisation vector: a SNAP header in its place is no accident (one in 2^48).
fn protected(body: Span<'_>, aggregate: bool) -> Step<'_> {
    let clear_from = |at: usize| {
        let start = if aggregate { at.saturating_add(super::ether::ETHERNET_HEADER_LEN) } else { at };
        body.array(start) == Some(SNAP_START)
    };
    for at in std::iter::once(0).chain(IV_LENS) {
        if clear_from(at) {
            return Step::after(body, at, body_layer(aggregate));
        }
    }
    Step::Opaque(Opaque::Wlan)
}

/// The subframe at the start of an aggregate and what follows it (IEEE 802.11, 9.3.2.2.2): addresses, length, LLC,
/// padded to four bytes.
pub(super) fn subframe(span: Span<'_>) -> Option<(Span<'_>, Option<Span<'_>>)> {
    let len = usize::from(span.u16(12)?);
    let body = span.skip(super::ether::ETHERNET_HEADER_LEN)?.at_most(len);
    let next = span.skip((super::ether::ETHERNET_HEADER_LEN + len).next_multiple_of(4));
    Some((body, next.filter(|n| n.wire_len() > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(control: u8, flags: u8, more: usize, body: &[u8]) -> Vec<u8> {
        let mut v = vec![control, flags];
        v.resize(24 + more, 0);
        v.extend(body);
        v
    }

    #[test]
    fn data_frames_of_all_header_lengths_lead_to_llc() {
        let body = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        for (control, flags, more) in
            [(0x08, 1, 0), (0x88, 1, 2), (0x88, 0x81, 6), (0x08, 3, 6), (0x88, 3, 8), (0x88, 0x83, 12)]
        {
            let bytes = data(control, flags, more, &body);
            assert_eq!(frame(Span::whole(&bytes)), Step::Next(Layer::Llc, Span::whole(&body)), "{control:x} {flags:x}");
        }
        assert_eq!(frame(Span::whole(&data(0x80, 0, 0, &body))), Step::NoIp, "a beacon");
        assert_eq!(frame(Span::whole(&data(0x48, 0, 0, &[]))), Step::NoIp, "null data");
    }

    #[test]
    fn protection_hides_unless_the_capture_lifted_it() {
        let clear = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
        let hidden = data(0x08, 0x41, 0, &[0x5a; 30]);
        assert_eq!(frame(Span::whole(&hidden)), Step::Opaque(Opaque::Wlan));
        let bit_left = data(0x08, 0x41, 0, &clear);
        assert_eq!(frame(Span::whole(&bit_left)), Step::Next(Layer::Llc, Span::whole(&clear)));
        let iv_left = data(0x08, 0x41, 0, &[&[7; 8][..], &clear].concat());
        assert_eq!(frame(Span::whole(&iv_left)), Step::Next(Layer::Llc, Span::whole(&clear)));
    }

    #[test]
    fn radiotap_finds_its_flags_and_takes_the_check_sequence_off() {
        let mut bytes = vec![0, 0, 25, 0, 0x03, 0, 0, 0x80, 0, 0, 0, 0]; // two bitmaps
        bytes.resize(24, 0);
        bytes.push(0x10);
        bytes.extend([0x08, 0x01, 1, 2, 3, 4]);
        assert_eq!(radiotap(Span::whole(&bytes)), Step::Next(Layer::Wlan, Span::whole(&[0x08, 0x01])));
        for cut in 0..bytes.len() {
            let _ = radiotap(Span::new(&bytes[..cut], bytes.len()));
        }
    }

    #[test]
    fn subframes_advance_to_the_end() {
        let mut bytes = vec![0; 12];
        bytes.extend([0, 5, 1, 2, 3, 4, 5, 0]);
        bytes.extend([0; 12]);
        bytes.extend([0, 1, 9]);
        let (first, next) = subframe(Span::whole(&bytes)).unwrap();
        assert_eq!(first, Span::whole(&[1, 2, 3, 4, 5]));
        let (second, next) = subframe(next.unwrap()).unwrap();
        assert_eq!((second, next), (Span::whole(&[9]), None));
    }
}
