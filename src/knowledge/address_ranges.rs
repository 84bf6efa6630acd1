//! Address ranges of Entra, of synthetic resolvers and of DNS filters' block pages.

use super::Source;
use crate::lang::Text;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const M365: Source =
    Source { title: "Microsoft 365 URLs and IP address ranges, id 56, version 2022072800", date: "2022-07-28" };
const WSL_THREADS: Source =
    Source { title: "microsoft/WSL #12806, MicrosoftDocs/WSL pull 2151, Azure/azure-cli #30763", date: "2025" };
const UMBRELLA: Source = Source { title: "Cisco Umbrella documentation, block page IP addresses", date: "2026-11" };
const FORTIGUARD: Source = Source { title: "OONI fingerprints, dns_prod_fortidns", date: "2026-11" };
const PALO_ALTO: Source =
    Source { title: "PAN-OS documentation, default sinkhole sinkhole.paloaltonetworks.com", date: "2026-11" };
const RFC6598: Source = Source { title: "RFC 6598", date: "2012-04" };
const RFC2544: Source = Source { title: "RFC 2544, RFC 6890", date: "2013-04" };

/// A range of addresses.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// First address.
    pub network: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// Where this is written.
    pub source: &'static Source,
}

impl Range {
    /// Whether the range holds the address; IPv4-mapped IPv6 addresses count as IPv4.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.network, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.prefix.into())).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.prefix.into())).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            _ => false,
        }
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8, source: &'static Source) -> Range {
    Range { network: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix, source }
}

const fn v6(a: u16, b: u16, c: u16, source: &'static Source) -> Range {
    Range { network: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), prefix: 48, source }
}

/// Ranges of the public authority. The copy is from 2022: an address outside is worth a look, not an accusation.
pub static ENTRA_PUBLIC: &[Range] = &[
    v4(20, 190, 128, 0, 18, &M365),
    v4(40, 126, 0, 0, 18, &M365),
    v6(0x2603, 0x1006, 0x2000, &M365),
    v6(0x2603, 0x1007, 0x0200, &M365),
    v6(0x2603, 0x1016, 0x1400, &M365),
    v6(0x2603, 0x1017, 0x0000, &M365),
    v6(0x2603, 0x1026, 0x3000, &M365),
    v6(0x2603, 0x1027, 0x0001, &M365),
    v6(0x2603, 0x1036, 0x3000, &M365),
    v6(0x2603, 0x1037, 0x0001, &M365),
    v6(0x2603, 0x1046, 0x2000, &M365),
    v6(0x2603, 0x1047, 0x0001, &M365),
    v6(0x2603, 0x1056, 0x2000, &M365),
    v6(0x2603, 0x1057, 0x0002, &M365),
];

/// Addresses that a resolver on the client makes up and that never leave it.
#[derive(Debug, Clone, Copy)]
pub struct SyntheticRange {
    /// The range.
    pub range: Range,
    /// Product that makes them up.
    pub product: &'static str,
    /// What they mean.
    pub meaning: Text,
}

/// The table.
pub static SYNTHETIC: &[SyntheticRange] = &[
    SyntheticRange {
        range: v4(6, 6, 0, 0, 16, &WSL_THREADS),
        product: "Microsoft Entra Global Secure Access client",
        meaning: Text {
            en: "the Global Secure Access client answers DNS itself and swaps the address when a connection is made; traffic that \
                 does not pass its hooks (WSL, containers) dies with unanswered SYNs",
            ja: "Global Secure Access クライアントが自ら DNS に応答し、接続時にアドレスを差し替える。フックを通らない通信 (WSL、\
                 コンテナーなど) では SYN に応答がない",
        },
    },
    SyntheticRange {
        range: v4(100, 64, 0, 0, 10, &RFC6598),
        product: "VPN, ZTNA client or carrier NAT",
        meaning: Text {
            en: "shared address space: a ZTNA or VPN client answers DNS with addresses of its own, or a carrier's NAT stands there",
            ja: "共有アドレス空間。ZTNA や VPN のクライアントが独自のアドレスで DNS に応答しているか、キャリア NAT がある",
        },
    },
    SyntheticRange {
        range: v4(198, 18, 0, 0, 15, &RFC2544),
        product: "fake-IP resolver",
        meaning: Text {
            en: "benchmark address space: local proxy clients hand out such addresses and swap them when a connection is made",
            ja: "ベンチマーク用アドレス空間。ローカルのプロキシ クライアントが払い出し、接続時に差し替えるアドレス",
        },
    },
];

/// Where a DNS filter sends names that it blocks.
#[derive(Debug, Clone, Copy)]
pub struct BlockPageRange {
    /// The range.
    pub range: Range,
    /// Product.
    pub product: &'static str,
}

/// The table. Vendors move these: an address that is missing here is not cleared by it.
pub static BLOCK_PAGES: &[BlockPageRange] = &[
    BlockPageRange { range: v4(146, 112, 61, 104, 29, &UMBRELLA), product: "Cisco Umbrella (OpenDNS)" },
    BlockPageRange { range: v4(208, 91, 112, 55, 32, &FORTIGUARD), product: "FortiGuard DNS filter" },
    BlockPageRange { range: v4(198, 135, 184, 22, 32, &PALO_ALTO), product: "Palo Alto Networks DNS sinkhole" },
];

/// Names to which DNS filters point what they block (a CNAME), with the product.
pub static BLOCK_NAMES: &[(&str, &str, &Source)] =
    &[("sinkhole.paloaltonetworks.com", "Palo Alto Networks DNS sinkhole", &PALO_ALTO)];

/// The product on whose block page the address is.
pub fn block_page(ip: IpAddr) -> Option<&'static str> {
    BLOCK_PAGES.iter().find(|b| b.range.contains(ip)).map(|b| b.product)
}

/// The product to whose block page a CNAME leads.
pub fn block_name(name: &str) -> Option<&'static str> {
    BLOCK_NAMES
        .iter()
        .find(|(n, ..)| name.trim_end_matches('.').eq_ignore_ascii_case(n))
        .map(|(_, product, _)| *product)
}

/// Whether the address is one of the public authority's.
pub fn in_entra_ranges(ip: IpAddr) -> bool {
    let ip = behind_nat64(ip);
    ENTRA_PUBLIC.iter().any(|r| r.contains(ip))
}

/// Whether a host's name is one of the public authority's addresses.
pub fn is_entra_address(name: &str) -> bool {
    name.parse().is_ok_and(in_entra_ranges)
}

/// The IPv4 address that a translator is to reach, where the address is made for one (the well-known prefix 64:ff9b::/96
/// of RFC 6052 2.1, and 64:ff9b:1::/48 of RFC 8215 with the address in its last bits); any other stays as it is.
fn behind_nat64(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(a) => match a.segments() {
            [0x64, 0xff9b, 0 | 1, _, 0, 0, high, low] => {
                Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
            }
            _ => ip,
        },
        IpAddr::V4(_) => ip,
    }
}

/// The synthetic range that holds the address.
pub fn synthetic_range(ip: IpAddr) -> Option<&'static SyntheticRange> {
    SYNTHETIC.iter().find(|s| s.range.contains(ip))
}

/// Addresses that cannot be a public service: unspecified, loopback, private, shared, link-local, documentation.
pub fn cannot_be_public(address: IpAddr) -> bool {
    match behind_nat64(address) {
        IpAddr::V4(a) => {
            let o = a.octets();
            a.is_unspecified()
                || a.is_loopback()
                || a.is_private()
                || a.is_link_local()
                || a.is_broadcast()
                || a.is_documentation()
                || o[0] == 0
                || o[0] == 100 && (64..128).contains(&o[1])
        }
        IpAddr::V6(a) => {
            if let Some(v4) = a.to_ipv4_mapped() {
                return cannot_be_public(IpAddr::V4(v4));
            }
            let first = a.segments()[0];
            a.is_unspecified() || a.is_loopback() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_their_ranges() {
        let translated = ["64:ff9b::40.126.28.11", "64:ff9b:1:7::20.190.151.7"];
        for ip in
            ["20.190.151.7", "40.126.28.11", "2603:1026:3000::1", "::ffff:40.126.0.1"].into_iter().chain(translated)
        {
            assert!(in_entra_ranges(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["20.190.192.0", "40.126.64.0", "2603:1026:3001::1", "0.0.0.0", "::", "64:ff9b::20.190.192.0"] {
            assert!(!in_entra_ranges(ip.parse().unwrap()), "{ip}");
        }
        assert_eq!(synthetic_range("6.6.1.2".parse().unwrap()).unwrap().range.prefix, 16);
        assert!(synthetic_range("6.7.0.0".parse().unwrap()).is_none());
        assert_eq!(block_page("::ffff:146.112.61.106".parse().unwrap()), Some("Cisco Umbrella (OpenDNS)"));
        assert!(block_page("146.112.61.112".parse().unwrap()).is_none());
        assert!(block_name("Sinkhole.PaloAltoNetworks.com.").is_some() && block_name("paloaltonetworks.com").is_none());
    }
}
