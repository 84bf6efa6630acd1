//! GUIDs as ETL files store them: three little-endian numbers and eight bytes.

use std::fmt;

/// A GUID in its on-disk byte order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// All zero: no GUID.
    pub const NONE: Guid = Guid([0; 16]);

    /// From the number that its 32 hexadecimal digits spell.
    pub const fn from_u128(text_order: u128) -> Guid {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = text_order.to_be_bytes();
        Guid([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }

    /// The first 16 bytes of `bytes`, where there are as many.
    pub fn read(bytes: &[u8]) -> Option<Guid> {
        bytes.first_chunk::<16>().copied().map(Guid)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [d, c, b, a, e1, e0, g1, g0, rest @ ..] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}-{e0:02x}{e1:02x}-{g0:02x}{g1:02x}-")?;
        for (i, x) in rest.iter().enumerate() {
            if i == 2 {
                f.write_str("-")?;
            }
            write!(f, "{x:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Microsoft-Windows-NDIS-PacketCapture, what `netsh trace` writes packets with.
pub const NDIS_PACKET_CAPTURE: Guid = Guid::from_u128(0x2ed6006e_4729_4609_b423_3ee7bcd678ef);
/// Microsoft-Windows-PktMon.
pub const PKTMON: Guid = Guid::from_u128(0x4d4f80d9_c8bd_4d73_bb5b_19c90402c5ac);
/// Microsoft-Windows-Ras-NdisWanPacketCapture.
pub const RAS_NDISWAN: Guid = Guid::from_u128(0xd84521f7_2235_4237_a7c0_14e3a9676286);
/// Records that a merge adds: schemas (opcode 32) and value maps (opcode 33).
pub const EVENT_METADATA: Guid = Guid::from_u128(0xbbccf6c1_6cd1_48c4_80ff_839482e37671);
/// Records that a merge adds: system configuration, interface table (opcode 36).
pub const SYSTEM_CONFIG: Guid = Guid::from_u128(0x9b79ee91_b5fd_41c0_a243_4248e266e9d0);
/// Image and debug ids that a merge adds.
pub const IMAGE_ID: Guid = Guid::from_u128(0xb3e675d7_2554_4f18_830b_2762732560de);
/// WinSAT records that a merge adds.
pub const WINSAT: Guid = Guid::from_u128(0xed54dff8_c409_4cf6_bf83_05e1e61a09c4);
/// Class of the trace header events.
pub const EVENT_TRACE: Guid = Guid::from_u128(0x68fdd900_4a3e_11d1_84f4_0000f80464e3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_prints_as_it_is_written() {
        assert_eq!(NDIS_PACKET_CAPTURE.to_string(), "2ed6006e-4729-4609-b423-3ee7bcd678ef");
        assert_eq!(NDIS_PACKET_CAPTURE.0[..4], [0x6e, 0x00, 0xd6, 0x2e]);
        assert_eq!(Guid::read(&[0; 15]), None);
    }
}
