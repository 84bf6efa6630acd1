//! Facts of the system files beside a trace.

use std::net::IpAddr;

/// What the system files of a NetTrace.cab say.
#[derive(Debug, Clone, Default)]
pub struct SystemFacts {
    /// Names that the machine resolves by itself (hosts file, DNS cache): address, name.
    pub names: Vec<(IpAddr, String)>,
    /// Proxies that the machine is set to use: host, port.
    pub proxies: Vec<(String, u16)>,
    /// Processes: id, image name.
    pub processes: Vec<(u32, String)>,
}
