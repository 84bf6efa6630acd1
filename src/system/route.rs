//! `route print`, in any language.
//!
//! What enters: a text that may hold it. What leaves: routes, and the interface list with indexes and MACs. Lines are
//! known by the shapes of their columns.

use super::ENTRIES_MAX;
use super::text::{clean, mac};
use crate::facts::system::{Route, SystemFacts, SystemInterface};
use std::net::{IpAddr, Ipv4Addr};

/// Reads all lines that look like routes or like entries of the interface list.
pub fn read(text: &str, facts: &mut SystemFacts) {
    for line in text.lines() {
        if facts.routes.len() < ENTRIES_MAX
            && let Some(route) = v4(line).or_else(|| v6(line))
            && !facts.routes.contains(&route)
        {
            facts.routes.push(route);
        }
        if facts.interfaces.len() < ENTRIES_MAX
            && let Some(interface) = listed(line)
        {
            // The same adapter stands in ipconfig's part with its addresses.
            let mut one = SystemFacts { interfaces: vec![interface], ..SystemFacts::default() };
            std::mem::swap(facts, &mut one);
            let listed = one;
            let new = std::mem::replace(facts, listed);
            facts.merge(new);
        }
    }
}

/// `0.0.0.0  0.0.0.0  10.1.2.1  10.1.2.3  25`; the gateway of a network on link is a word of the language.
fn v4(line: &str) -> Option<Route> {
    let words: Vec<&str> = line.split_whitespace().take(12).collect();
    let network: Ipv4Addr = words.first()?.parse().ok()?;
    let mask: Ipv4Addr = words.get(1)?.parse().ok()?;
    let bits = u32::from(mask);
    let prefix = bits.leading_ones();
    if prefix + bits.trailing_zeros().min(32 - prefix) != 32 || words.len() < 4 {
        return None;
    }
    let metric = words.last()?.parse().ok();
    let gateway = words.get(2)?.parse::<Ipv4Addr>().ok();
    let interface = words.get(words.len().checked_sub(2)?)?.parse::<Ipv4Addr>().ok();
    // Persistent routes have no interface; then the gateway is the last address.
    let interface = if words.len() == 4 { None } else { Some(interface?) };
    Some(Route {
        network: IpAddr::V4(network),
        prefix_len: prefix as u8,
        gateway: gateway.map(IpAddr::V4),
        interface: interface.map(IpAddr::V4),
        if_index: None,
        metric,
    })
}

/// `12  281  ::/0  fe80::1`; the gateway may stand on the next line, which does not matter here.
fn v6(line: &str) -> Option<Route> {
    let mut words = line.split_whitespace();
    let if_index = words.next()?.parse().ok()?;
    let metric = words.next()?.parse().ok()?;
    let (network, len) = words.next()?.split_once('/')?;
    let network: std::net::Ipv6Addr = network.parse().ok()?;
    let prefix_len: u8 = len.parse().ok().filter(|l| *l <= 128)?;
    Some(Route {
        network: IpAddr::V6(network),
        prefix_len,
        gateway: words.next().and_then(|w| w.parse().ok()),
        interface: None,
        if_index: Some(if_index),
        metric: Some(metric),
    })
}

/// ` 12...02 00 00 00 00 01 ......Contoso Gigabit Adapter`
fn listed(line: &str) -> Option<SystemInterface> {
    let (index, rest) = line.trim_start().split_once("...")?;
    let if_index = index.trim().parse().ok()?;
    let found = mac(rest.trim_start_matches('.').get(..17)?)?;
    let description = rest.trim_start_matches('.').get(17..)?.trim_start_matches([' ', '.']);
    Some(SystemInterface {
        if_index: Some(if_index),
        mac: Some(found),
        description: Some(clean(description)).filter(|d| !d.is_empty()),
        ..SystemInterface::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_and_interfaces_are_read_by_their_columns() {
        let text = "
インターフェイス一覧
 12...02 00 00 00 00 01 ......Contoso Gigabit Adapter
  1...........................Software Loopback Interface 1

IPv4 ルート テーブル
ネットワーク宛先        ネットマスク          ゲートウェイ       インターフェイス  メトリック
          0.0.0.0          0.0.0.0         10.1.2.1         10.1.2.3     25
         10.1.2.0    255.255.255.0            リンク上          10.1.2.3    281
固定ルート:
         10.9.0.0      255.255.0.0         10.1.2.9       1

IPv6 ルート テーブル
 12    281 ::/0                     fe80::ff
  1    331 ::1/128                  リンク上
";
        let mut f = SystemFacts::default();
        f.interfaces.push(SystemInterface {
            mac: Some([2, 0, 0, 0, 0, 1]),
            name: Some("Ethernet".into()),
            ..Default::default()
        });
        read(text, &mut f);
        assert_eq!(f.interfaces.len(), 1);
        assert_eq!((f.interfaces[0].if_index, f.interfaces[0].name.as_deref()), (Some(12), Some("Ethernet")));
        let shown: Vec<_> =
            f.routes.iter().map(|r| (r.prefix_len, r.gateway.map(|g| g.to_string()), r.metric)).collect();
        assert_eq!(
            shown,
            [
                (0, Some("10.1.2.1".into()), Some(25)),
                (24, None, Some(281)),
                (16, Some("10.1.2.9".into()), Some(1)),
                (0, Some("fe80::ff".into()), Some(281)),
                (128, None, Some(331)),
            ]
        );
    }
}
