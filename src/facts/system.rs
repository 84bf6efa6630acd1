//! Facts of the system files beside a trace (NetTrace.cab, `ipconfig /all`, `netsh winhttp show proxy`, ...).
//!
//! What enters: what [`crate::system`] recognised in one file. What leaves: owned values without control characters;
//! credentials in proxy addresses are taken out. The facts of several files of one machine are merged into one.

use crate::problem::Problems;
use crate::time::Timestamp;
use std::net::{IpAddr, SocketAddr};

/// What the system files of one machine say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemFacts {
    /// Names of the files that gave something.
    pub files: Vec<String>,
    /// Host name.
    pub host_name: Option<String>,
    /// Build of Windows, for example 19045.
    pub os_build: Option<u32>,
    /// Offset of the machine's time zone from UTC in minutes, east positive; without daylight saving time.
    pub zone_offset_minutes: Option<i32>,
    /// Interfaces with their addresses.
    pub interfaces: Vec<SystemInterface>,
    /// Routes, in file order.
    pub routes: Vec<Route>,
    /// Proxies that the machine is set to use, from `proxy_settings`: host in lower case, port.
    pub proxies: Vec<(String, u16)>,
    /// Proxy settings, one entry a place they come from.
    pub proxy_settings: Vec<ProxySetting>,
    /// Names that the machine resolved before (resolver's cache): address, name asked for.
    pub names: Vec<(IpAddr, String)>,
    /// Processes.
    pub processes: Vec<ProcessEntry>,
    /// Packets and connections that the Windows filtering platform dropped.
    pub drops: Vec<FilterDrop>,
    /// Drops that were not kept, only counted.
    pub drops_left_out: u64,
    /// Entries of the resolver's cache.
    pub dns_cache: Vec<CachedName>,
    /// What could not be read.
    pub problems: Problems,
}

/// One network interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemInterface {
    /// Name as the file shows it (alias, or ipconfig's heading, which is localised).
    pub name: Option<String>,
    /// Description of the adapter.
    pub description: Option<String>,
    /// Windows interface index.
    pub if_index: Option<u32>,
    /// MAC address.
    pub mac: Option<[u8; 6]>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// Default gateways.
    pub gateways: Vec<IpAddr>,
    /// DNS servers.
    pub dns_servers: Vec<IpAddr>,
    /// DHCP server.
    pub dhcp_server: Option<IpAddr>,
    /// DNS suffix of the connection.
    pub dns_suffix: Option<String>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Network.
    pub network: IpAddr,
    /// Bits of the network.
    pub prefix_len: u8,
    /// Gateway; `None` = on link.
    pub gateway: Option<IpAddr>,
    /// Address of the interface (IPv4).
    pub interface: Option<IpAddr>,
    /// Index of the interface (IPv6).
    pub if_index: Option<u32>,
    /// Metric.
    pub metric: Option<u32>,
}

/// Where a proxy setting applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyScope {
    /// `netsh winhttp`: services, Windows itself.
    WinHttp,
    /// Internet settings of the user: browsers, .NET, PowerShell.
    User,
    /// Environment variables: Azure CLI and other ported programs.
    Environment,
}

/// One proxy setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySetting {
    /// Where it applies.
    pub scope: ProxyScope,
    /// Proxy as set (`host:port`, `http=...;https=...`); `None` = none is used.
    pub server: Option<String>,
    /// Address of a configuration script.
    pub auto_config_url: Option<String>,
    /// Names that go direct.
    pub bypass: Option<String>,
    /// Set but switched off (ProxyEnable 0).
    pub enabled: bool,
    /// Environment variable it comes from.
    pub variable: Option<String>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessEntry {
    /// Process id.
    pub pid: u32,
    /// Image name.
    pub name: String,
    /// Services in it.
    pub services: Vec<String>,
}

/// A packet or connection that a filter of Windows dropped (netevents.xml).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterDrop {
    /// When, UTC.
    pub time: Option<Timestamp>,
    /// Protocol number.
    pub protocol: Option<u8>,
    /// Local address and port.
    pub local: Option<SocketAddr>,
    /// Remote address and port.
    pub remote: Option<SocketAddr>,
    /// File name of the program.
    pub program: Option<String>,
    /// Outbound, where it is told.
    pub outbound: Option<bool>,
    /// Filter that dropped it.
    pub filter_id: Option<u64>,
    /// Type of the event, as Windows names it.
    pub kind: String,
}

/// One entry of the resolver's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedName {
    /// Name that was asked for; the record may be of a name that this one points to.
    pub asked: Option<String>,
    /// Name of the record.
    pub name: String,
    /// Record type.
    pub record_type: u16,
    /// Address, where the record is one.
    pub address: Option<IpAddr>,
    /// Other data (CNAME target).
    pub target: Option<String>,
}

impl ProxySetting {
    /// Hosts and ports of the proxies that this setting sends requests to.
    pub fn endpoints(&self) -> Vec<(String, u16)> {
        if !self.enabled {
            return Vec::new();
        }
        let parts = self.server.as_deref().unwrap_or("").split([';', ' ']);
        parts
            .filter_map(|part| {
                // `https=host:port`, `http://host:port/`, `host:port`
                let part = part.rsplit_once('=').map_or(part, |(_, p)| p);
                let part = part.split_once("://").map_or(part, |(_, p)| p).trim_end_matches('/');
                let (host, port) = part.rsplit_once(':')?;
                let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
                Some((host, port.parse().ok()?)).filter(|(h, _): &(String, u16)| !h.is_empty())
            })
            .collect()
    }
}

impl SystemFacts {
    /// True when nothing was recognised.
    pub fn is_empty(&self) -> bool {
        let SystemFacts { files: _, problems: _, drops_left_out, host_name, os_build, zone_offset_minutes, .. } = self;
        *drops_left_out == 0
            && host_name.is_none()
            && os_build.is_none()
            && zone_offset_minutes.is_none()
            && self.interfaces.is_empty()
            && self.routes.is_empty()
            && self.proxy_settings.is_empty()
            && self.processes.is_empty()
            && self.drops.is_empty()
            && self.dns_cache.is_empty()
    }

    /// Adds the facts of another file of the same machine; what is known already is not repeated.
    pub fn merge(&mut self, other: SystemFacts) {
        add_new(&mut self.files, other.files);
        self.host_name = self.host_name.take().or(other.host_name);
        self.os_build = self.os_build.or(other.os_build);
        self.zone_offset_minutes = self.zone_offset_minutes.or(other.zone_offset_minutes);
        for interface in other.interfaces {
            self.merge_interface(interface);
        }
        add_new(&mut self.routes, other.routes);
        add_new(&mut self.proxies, other.proxies);
        add_new(&mut self.proxy_settings, other.proxy_settings);
        self.names.extend(other.names);
        self.names.sort();
        self.names.dedup();
        // A process list may be long; pids decide.
        let known: std::collections::HashSet<u32> = self.processes.iter().map(|p| p.pid).collect();
        self.processes.extend(other.processes.into_iter().filter(|p| !known.contains(&p.pid)));
        self.drops.extend(other.drops);
        self.drops_left_out = self.drops_left_out.saturating_add(other.drops_left_out);
        self.dns_cache.extend(other.dns_cache);
        self.problems.merge(other.problems);
    }

    /// Two files tell of the same interface when index, MAC with an address in common, or name agree.
    fn merge_interface(&mut self, new: SystemInterface) {
        let same = |old: &SystemInterface| {
            (old.if_index.is_some() && old.if_index == new.if_index)
                || (old.mac.is_some() && old.mac == new.mac && (old.if_index.is_none() || new.if_index.is_none()))
                || (old.name.is_some() && old.name == new.name)
        };
        let Some(old) = self.interfaces.iter_mut().find(|i| same(i)) else {
            self.interfaces.push(new);
            return;
        };
        old.name = old.name.take().or(new.name);
        old.description = old.description.take().or(new.description);
        old.if_index = old.if_index.or(new.if_index);
        old.mac = old.mac.or(new.mac);
        old.dhcp_server = old.dhcp_server.or(new.dhcp_server);
        old.dns_suffix = old.dns_suffix.take().or(new.dns_suffix);
        add_new(&mut old.addresses, new.addresses);
        add_new(&mut old.gateways, new.gateways);
        add_new(&mut old.dns_servers, new.dns_servers);
    }

    /// The name of a process.
    pub fn process(&self, pid: u32) -> Option<&ProcessEntry> {
        self.processes.iter().find(|p| p.pid == pid)
    }

    /// All DNS servers of all interfaces, each once.
    pub fn dns_servers(&self) -> Vec<IpAddr> {
        let mut servers = Vec::new();
        for i in &self.interfaces {
            add_new(&mut servers, i.dns_servers.clone());
        }
        servers
    }
}

fn add_new<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    for value in more {
        if !list.contains(&value) {
            list.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_two_files_become_one_machine() {
        let mut a = SystemFacts {
            interfaces: vec![SystemInterface {
                name: Some("Ethernet adapter Ethernet".into()),
                mac: Some([2, 0, 0, 0, 0, 1]),
                addresses: vec!["10.0.0.7".parse().unwrap()],
                dns_servers: vec!["10.0.0.1".parse().unwrap()],
                ..SystemInterface::default()
            }],
            processes: vec![ProcessEntry { pid: 4, name: "System".into(), services: vec![] }],
            ..SystemFacts::default()
        };
        let b = SystemFacts {
            os_build: Some(19045),
            interfaces: vec![SystemInterface {
                name: Some("Ethernet".into()),
                if_index: Some(12),
                mac: Some([2, 0, 0, 0, 0, 1]),
                dns_servers: vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()],
                ..SystemInterface::default()
            }],
            processes: a.processes.clone(),
            ..SystemFacts::default()
        };
        assert!(!a.is_empty() && SystemFacts::default().is_empty());
        a.merge(b);
        assert_eq!((a.interfaces.len(), a.interfaces[0].if_index, a.os_build), (1, Some(12), Some(19045)));
        assert_eq!(a.dns_servers().len(), 2);
        assert_eq!(a.processes.len(), 1);
    }
}
