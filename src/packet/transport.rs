//! TCP and UDP headers of one IP payload.
//!
//! What enters: the payload of an IP packet, its length on the wire known. What leaves: the header with the captured
//! part of what it carries and the true length of that. `None`: no such header can stand there.

use crate::packet::layer::Span;
use crate::packet::{TcpFlags, TcpOptions, TcpSegment, UdpDatagram};
use etherparse::{TcpHeaderSlice, UdpHeaderSlice, err::tcp::HeaderSliceError};

/// Length of a TCP header without options (RFC 9293, 3.1).
pub(super) const TCP_HEADER_LEN: usize = 20;

/// Length of a UDP header (RFC 768).
pub(super) const UDP_HEADER_LEN: usize = 8;

/// Reads a TCP segment.
pub(super) fn tcp(span: Span<'_>) -> Option<TcpSegment<'_>> {
    match TcpHeaderSlice::from_slice(span.data()) {
        Ok(header) => {
            let payload = span.skip(header.slice().len())?;
            Some(TcpSegment {
                src_port: header.source_port(),
                dst_port: header.destination_port(),
                seq: header.sequence_number(),
                ack: header.acknowledgment_number(),
                flags: TcpFlags(span.u8(13)?),
                window: header.window_size(),
                options: tcp_options(header.options()),
                payload: payload.data(),
                payload_len: length(payload),
            })
        }
        Err(HeaderSliceError::Len(_)) => tcp_cut(span),
        Err(HeaderSliceError::Content(_)) => None,
    }
}

/// Reads a TCP header that the snap length cut, as long as its flags are there.
fn tcp_cut(span: Span<'_>) -> Option<TcpSegment<'_>> {
    let header_len = usize::from(span.u8(12)? >> 4) * 4;
    if !span.is_cut() || header_len < TCP_HEADER_LEN {
        return None;
    }
    Some(TcpSegment {
        src_port: span.u16(0)?,
        dst_port: span.u16(2)?,
        seq: span.u32(4)?,
        ack: span.u32(8)?,
        flags: TcpFlags(span.u8(13)?),
        window: span.u16(14).unwrap_or(0),
        options: tcp_options(span.data().get(TCP_HEADER_LEN..).unwrap_or(&[])),
        payload: &[],
        payload_len: length(span.skip(header_len)?),
    })
}

/// Reads a UDP datagram. A length field of 0 (segmentation offload, jumbograms: RFC 2675, 4) means all of the IP
/// payload; one that is longer than the IP payload cannot be true.
pub(super) fn udp(span: Span<'_>) -> Option<UdpDatagram<'_>> {
    let (src_port, dst_port, stated) = match UdpHeaderSlice::from_slice(span.data()) {
        Ok(header) => (header.source_port(), header.destination_port(), header.length()),
        // Cut behind the ports: the IP header tells the rest.
        Err(_) if span.is_cut() => (span.u16(0)?, span.u16(2)?, 0),
        Err(_) => return None,
    };
    let datagram = match usize::from(stated) {
        0 => span,
        n if n < UDP_HEADER_LEN => return None,
        n => span.at_most(n),
    };
    let payload = datagram.skip(UDP_HEADER_LEN)?;
    Some(UdpDatagram { src_port, dst_port, payload: payload.data(), payload_len: length(payload) })
}

/// The wire length of `span` in the width of the packet types.
fn length(span: Span<'_>) -> u32 {
    u32::try_from(span.wire_len()).unwrap_or(u32::MAX)
}

/// Reads the options of a TCP header as far as they are whole. Unknown ones are stepped over (which is why this is
/// not left to etherparse: its iterator ends at the first unknown kind).
pub(super) fn tcp_options(mut options: &[u8]) -> TcpOptions {
    let mut out = TcpOptions::default();
    while let Some((&kind, rest)) = options.split_first() {
        match kind {
            // End of list and no-operation have no length (RFC 9293, 3.2).
            0 => break,
            1 => {
                options = rest;
                continue;
            }
            _ => {}
        }
        let len = rest.first().map_or(0, |&len| usize::from(len));
        let (Some(body), Some(after)) = (options.get(2..len), options.get(len..)) else { break };
        options = after;
        match (kind, body) {
            (2, &[a, b]) => out.mss = Some(u16::from_be_bytes([a, b])),
            // RFC 7323, 2.3: a shift above 14 counts as 14.
            (3, &[shift]) => out.window_scale = Some(shift.min(14)),
            (4, &[]) => out.sack_permitted = true,
            (5, edges) => sack(edges, &mut out),
            (8, &[a, b, c, d, e, f, g, h]) => {
                out.timestamps = Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])));
            }
            _ => {}
        }
    }
    out
}

/// Reads the blocks of a SACK option (RFC 2018, 3): at most four fit.
fn sack(edges: &[u8], out: &mut TcpOptions) {
    let (blocks, _) = edges.as_chunks::<8>();
    out.sack_count = 0;
    for (slot, &[a, b, c, d, e, f, g, h]) in out.sack.iter_mut().zip(blocks) {
        *slot = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        out.sack_count = out.sack_count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(options: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut v = vec![0x01, 0xbb, 0xc0, 0x00, 0, 0, 0, 1, 0, 0, 0, 2];
        v.push((((20 + options.len()) / 4) as u8) << 4);
        v.extend([0x18, 0x20, 0x00, 0, 0, 0, 0]);
        v.extend(options);
        v.extend(payload);
        v
    }

    #[test]
    fn tcp_options_survive_unknown_kinds() {
        let o = tcp_options(&[
            2, 4, 5, 0xb4, 34, 4, 9, 9, 1, 3, 3, 8, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4,
            0, 7,
        ]);
        assert_eq!(o.mss, Some(1460));
        assert_eq!(o.window_scale, Some(8));
        assert!(o.sack_permitted);
        assert_eq!(o.timestamps, Some((1, 2)));
        assert_eq!((o.sack_count, o.sack[0]), (1, (3, 4)));
    }

    #[test]
    fn tcp_options_that_lie_about_their_length_end_the_list() {
        for bad in [&[2u8, 0][..], &[2, 1, 5], &[2, 40, 5, 0xb4], &[8], &[3, 3]] {
            assert_eq!(tcp_options(bad), TcpOptions::default());
        }
        assert_eq!(tcp_options(&[3, 3, 99]).window_scale, Some(14));
    }

    #[test]
    fn a_cut_segment_keeps_its_true_length() {
        let bytes = segment(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], &[7; 100]);
        let whole = tcp(Span::whole(&bytes)).unwrap();
        assert_eq!((whole.payload.len(), whole.payload_len), (100, 100));
        for cut in 0..bytes.len() {
            let got = tcp(Span::new(&bytes[..cut], bytes.len()));
            assert_eq!(got.is_some(), cut >= 14, "{cut}");
            if let Some(s) = got {
                assert_eq!(s.payload_len, 100);
                assert_eq!(s.payload.len(), cut.saturating_sub(32));
                assert_eq!((s.src_port, s.dst_port, s.seq, s.flags), (443, 49152, 1, TcpFlags(0x18)));
            }
        }
    }

    #[test]
    fn a_header_longer_than_the_segment_is_none() {
        let mut bytes = segment(&[], &[]);
        bytes[12] = 0xf0;
        assert!(tcp(Span::whole(&bytes)).is_none());
        bytes[12] = 0x40;
        assert!(tcp(Span::whole(&bytes)).is_none());
    }

    #[test]
    fn a_udp_length_is_believed_only_where_it_can_be_true() {
        let with = |len: u16| {
            let mut v = vec![0, 53, 0xc0, 0];
            v.extend(len.to_be_bytes());
            v.extend([0, 0, 1, 2, 3, 4]);
            v
        };
        let payload = |len| udp(Span::whole(&with(len))).map(|u| (u.payload.to_vec(), u.payload_len));
        assert_eq!(payload(12), Some((vec![1, 2, 3, 4], 4)));
        assert_eq!(payload(10), Some((vec![1, 2], 2)));
        assert_eq!(payload(0), Some((vec![1, 2, 3, 4], 4)));
        assert_eq!(payload(900), Some((vec![1, 2, 3, 4], 4)));
        assert_eq!(payload(7), None);
        let cut = with(500);
        let u = udp(Span::new(&cut, 500)).unwrap();
        assert_eq!((u.payload.len(), u.payload_len), (4, 492));
    }
}
