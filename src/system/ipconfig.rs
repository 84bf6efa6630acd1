//! `ipconfig /all` and `ipconfig /displaydns`, in any language.
//!
//! What enters: a text that may hold them. What leaves: interfaces and cached names. The commands print their lines in
//! the same order in every language, and "DNS" and "DHCP" are never translated; the rest is told by what the value
//! looks like and where it stands.

use super::ENTRIES_MAX;
use super::text::{address, clean, leader, mac};
use crate::facts::system::{CachedName, SystemFacts, SystemInterface};
use std::net::IpAddr;

/// What a value without a key of its own continues.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    None,
    Addresses,
    Gateways,
    Servers,
}

/// Reads all blocks of leaders.
pub fn read(text: &str, facts: &mut SystemFacts) {
    let mut block: Option<SystemInterface> = None;
    let mut list = List::None;
    let mut cache = Cache::default();
    let mut heading = None;
    for line in text.lines() {
        let indented = line.starts_with([' ', '\t']);
        if line.trim().is_empty() {
            continue;
        }
        if let Some((key, value)) = leader(line) {
            cache.line(value, facts);
            heading = None;
            match &mut block {
                Some(interface) => list = take(interface, key, value),
                None if facts.host_name.is_none() && facts.interfaces.is_empty() && host_key(key) => {
                    facts.host_name = Some(clean(value)).filter(|v| !v.is_empty());
                }
                None => {}
            }
            continue;
        }
        // A line with an address alone goes on with the list above it.
        if indented
            && let Some(ip) = address(line)
            && list != List::None
        {
            if let Some(interface) = &mut block {
                push(interface, list, ip);
            }
            continue;
        }
        if indented
            && cache.values.len() >= 5
            && let Some((_, value)) = line.split_once(": ")
        {
            // A long key leaves no room for dots before the data of a record.
            cache.line(value, facts);
            continue;
        }
        cache.reset();
        list = List::None;
        let trimmed = line.trim();
        if trimmed.len() > 3 && trimmed.bytes().all(|b| b == b'-') {
            // Above the ruler stands the name that was asked for.
            cache.asked = heading.take();
        } else {
            heading = Some(clean(trimmed));
        }
        if indented {
            continue;
        }
        end(&mut block, facts);
        // Headings of adapters end with a colon; their words are localised.
        if let Some(name) = line.trim_end().strip_suffix([':', '：']) {
            block = Some(SystemInterface { name: Some(clean(name)), ..SystemInterface::default() });
        }
    }
    end(&mut block, facts);
}

/// An adapter counts when it showed anything that an interface has.
fn end(block: &mut Option<SystemInterface>, facts: &mut SystemFacts) {
    if let Some(interface) = block.take() {
        let any = interface.mac.is_some() || !interface.addresses.is_empty() || !interface.dns_servers.is_empty();
        if any && facts.interfaces.len() < ENTRIES_MAX {
            facts.interfaces.push(interface);
        }
    }
}

/// The host name is the first line of the block without a heading.
fn host_key(key: &str) -> bool {
    let key = key.to_lowercase();
    ["host", "ホスト", "hôte", "equipo", "主机", "主機", "호스트", "имя"].iter().any(|w| key.contains(w))
}

fn take(interface: &mut SystemInterface, key: &str, value: &str) -> List {
    let upper = key.to_ascii_uppercase();
    if let Some(found) = mac(value) {
        // The DUID is longer, so this is the adapter's own address.
        interface.mac = Some(found);
        return List::None;
    }
    let Some(ip) = address(value) else {
        if upper.contains("DNS") {
            if interface.dns_suffix.is_none() && !value.is_empty() && value.contains('.') {
                interface.dns_suffix = Some(clean(value));
            }
        } else if interface.description.is_none() && interface.mac.is_none() && interface.addresses.is_empty() {
            // Between heading and MAC address stands nothing else but the suffix and the description; the state of a
            // disconnected medium stands first and is overwritten.
            interface.description = Some(clean(value)).filter(|v| !v.is_empty());
        }
        // An empty gateway is followed by nothing; an IPv6 gateway may stand alone on the next line.
        let gateway = value.is_empty() && !interface.addresses.is_empty() && !upper.contains("DNS");
        return if gateway { List::Gateways } else { List::None };
    };
    let list = if upper.contains("DNS") {
        List::Servers
    } else if upper.contains("DHCP") {
        interface.dhcp_server = Some(ip);
        List::None
    } else if upper.contains("WINS") || is_mask(ip, value) {
        List::None
    } else if upper.contains("IPV4")
        || upper.contains("IPV6")
        || value.contains(['(', '（', '/'])
        || upper.contains("IP ")
    {
        List::Addresses
    } else {
        List::Gateways
    };
    push(interface, list, ip);
    list
}

/// Subnet masks look like addresses.
fn is_mask(ip: IpAddr, value: &str) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let bits = u32::from(v4);
            !value.contains('(')
                && bits != 0
                && bits.leading_ones() + bits.trailing_zeros() == 32
                && bits >> 31 == 1
                && v4.octets().first() == Some(&255)
        }
        IpAddr::V6(_) => false,
    }
}

fn push(interface: &mut SystemInterface, list: List, ip: IpAddr) {
    let target = match list {
        List::None => return,
        List::Addresses => &mut interface.addresses,
        List::Gateways => &mut interface.gateways,
        List::Servers => &mut interface.dns_servers,
    };
    if target.len() < 256 && !target.contains(&ip) {
        target.push(ip);
    }
}

/// Records of `ipconfig /displaydns`: name, type, time to live, length, section, data, in this order.
#[derive(Default)]
struct Cache {
    asked: Option<String>,
    values: Vec<String>,
}

impl Cache {
    fn reset(&mut self) {
        self.values.clear();
    }

    fn line(&mut self, value: &str, facts: &mut SystemFacts) {
        self.values.push(clean(value));
        let number = |v: &String| v.parse::<u32>().is_ok();
        // Find the pattern at the end of what was collected, as several records may follow each other.
        if self.values.len() > 6 {
            self.values.remove(0);
        }
        if let [name, kind, ttl, length, _section, data] = self.values.as_slice()
            && number(kind)
            && number(ttl)
            && number(length)
            && !number(name)
        {
            let entry = CachedName {
                asked: self.asked.as_ref().map(|a| a.to_ascii_lowercase()),
                name: name.to_ascii_lowercase(),
                record_type: kind.parse().unwrap_or(0),
                address: data.parse().ok(),
                target: if data.parse::<IpAddr>().is_ok() { None } else { Some(data.clone()) },
            };
            if facts.dns_cache.len() < ENTRIES_MAX {
                if let Some(ip) = entry.address {
                    facts.names.push((ip, entry.asked.as_ref().unwrap_or(&entry.name).clone()));
                }
                facts.dns_cache.push(entry);
            }
            self.values.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> SystemFacts {
        let mut f = SystemFacts::default();
        read(text, &mut f);
        f
    }

    const ENGLISH: &str = "
Windows IP Configuration

   Host Name . . . . . . . . . . . . : PC-01
   Primary Dns Suffix  . . . . . . . : corp.example
   DNS Suffix Search List. . . . . . : corp.example

Ethernet adapter Ethernet:

   Connection-specific DNS Suffix  . : corp.example
   Description . . . . . . . . . . . : Contoso Gigabit Adapter
   Physical Address. . . . . . . . . : 02-00-00-00-00-01
   DHCP Enabled. . . . . . . . . . . : Yes
   Link-local IPv6 Address . . . . . : fe80::1%12(Preferred)
   IPv4 Address. . . . . . . . . . . : 10.1.2.3(Preferred)
   Subnet Mask . . . . . . . . . . . : 255.255.255.0
   Lease Obtained. . . . . . . . . . : Monday, March 4, 2024 9:00:00 AM
   Default Gateway . . . . . . . . . : fe80::ff%12
                                       10.1.2.1
   DHCP Server . . . . . . . . . . . : 10.1.2.2
   DHCPv6 Client DUID. . . . . . . . : 00-01-00-01-2B-00-00-00-02-00-00-00-00-01
   DNS Servers . . . . . . . . . . . : 10.1.2.53
                                       2001:db8::53
   NetBIOS over Tcpip. . . . . . . . : Enabled

Wireless LAN adapter Wi-Fi:

   Media State . . . . . . . . . . . : Media disconnected
   Connection-specific DNS Suffix  . :
   Description . . . . . . . . . . . : Contoso Wireless
   Physical Address. . . . . . . . . : 02-00-00-00-00-02
";

    const JAPANESE: &str = "
Windows IP 構成

   ホスト名. . . . . . . . . . . . . . .: PC-01
   プライマリ DNS サフィックス . . . . .: corp.example

イーサネット アダプター イーサネット:

   接続固有の DNS サフィックス . . . . .: corp.example
   説明. . . . . . . . . . . . . . . . .: Contoso Gigabit Adapter
   物理アドレス. . . . . . . . . . . . .: 02-00-00-00-00-01
   DHCP 有効 . . . . . . . . . . . . . .: はい
   リンクローカル IPv6 アドレス. . . . .: fe80::1%12(優先)
   IPv4 アドレス . . . . . . . . . . . .: 10.1.2.3(優先)
   サブネット マスク . . . . . . . . . .: 255.255.255.0
   リース取得. . . . . . . . . . . . . .: 2024年3月4日 9:00:00
   デフォルト ゲートウェイ . . . . . . .: fe80::ff%12
                                          10.1.2.1
   DHCP サーバー . . . . . . . . . . . .: 10.1.2.2
   DHCPv6 クライアント DUID. . . . . . .: 00-01-00-01-2B-00-00-00-02-00-00-00-00-01
   DNS サーバー. . . . . . . . . . . . .: 10.1.2.53
                                          2001:db8::53
   NetBIOS over TCP/IP . . . . . . . . .: 有効
";

    #[test]
    fn adapters_read_the_same_in_english_and_japanese() {
        for text in [ENGLISH, JAPANESE] {
            let f = facts(text);
            assert_eq!(f.host_name.as_deref(), Some("PC-01"));
            let i = &f.interfaces[0];
            assert_eq!(i.description.as_deref(), Some("Contoso Gigabit Adapter"));
            assert_eq!(i.mac, Some([2, 0, 0, 0, 0, 1]));
            let texts = |l: &[IpAddr]| l.iter().map(IpAddr::to_string).collect::<Vec<_>>();
            assert_eq!(texts(&i.addresses), ["fe80::1", "10.1.2.3"]);
            assert_eq!(texts(&i.gateways), ["fe80::ff", "10.1.2.1"]);
            assert_eq!(texts(&i.dns_servers), ["10.1.2.53", "2001:db8::53"]);
            assert_eq!(i.dhcp_server, "10.1.2.2".parse().ok());
            assert_eq!(i.dns_suffix.as_deref(), Some("corp.example"));
        }
        assert_eq!(facts(ENGLISH).interfaces.len(), 2);
    }

    #[test]
    fn the_resolver_cache_is_read_by_position() {
        let text = "
    login.example
    ----------------------------------------
    レコード名. . . . . : login.example
    レコードの種類. . . : 5
    Time To Live  . . . : 51
    データの長さ. . . . : 8
    セクション. . . . . : 回答
    CNAME レコード. . . : a.login.example


    レコード名. . . . . : a.login.example
    レコードの種類. . . : 1
    Time To Live  . . . : 51
    データの長さ. . . . : 4
    セクション. . . . . : 回答
    A (ホスト) レコード : 20.190.0.1

    Record Name . . . . . : a.login.example
    Record Type . . . . . : 1
    Time To Live  . . . . : 51
    Data Length . . . . . : 4
    Section . . . . . . . : Answer
    A (Host) Record . . . : 20.190.0.2
";
        let f = facts(text);
        let list: Vec<_> =
            f.dns_cache.iter().map(|c| (c.name.as_str(), c.record_type, c.address.map(|a| a.to_string()))).collect();
        assert_eq!(list[0], ("login.example", 5, None));
        assert_eq!(f.dns_cache[0].target.as_deref(), Some("a.login.example"));
        assert!(list.contains(&("a.login.example", 1, Some("20.190.0.2".into()))), "{list:?}");
        assert!(f.interfaces.is_empty());
        assert!(f.names.contains(&("20.190.0.1".parse().unwrap(), "login.example".into())), "{:?}", f.names);
    }
}
