//! Whether the place where a connection failed is a proxy that the client does not call one.

use super::HostPort;
use crate::knowledge::endpoints::{endpoint, is_microsoft_host};
use crate::knowledge::probes::PROBES;

/// First labels of the hosts that publish certificates and revocation lists; digits may follow.
const ISSUER_LABELS: [&str; 7] = ["crl", "ocsp", "oneocsp", "mscrl", "cacerts", "pki", "aia"];

/// Azure's address for a machine's own agent; nothing else has it.
const WIRE_SERVER: [u8; 4] = [168, 63, 129, 16];

/// Where the agent of Azure Arc offers managed identities on the machine itself, by plain HTTP and for its extensions.
const IDENTITY_PORTS: [u16; 3] = [40341, 40342, 50342];

/// Where AD FS takes certificates of users.
const ADFS_CERTIFICATE_PORT: u16 = 49443;

/// What a client was about when a connection failed.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The service it wanted.
    pub host: Option<&'a HostPort>,
    /// The failing line itself names that service.
    pub here: bool,
    /// Its request to that service has no answer yet.
    pub open: bool,
    /// That service already answered in this attempt without a proxy.
    pub answered: bool,
    /// It wants a token of the machine's own service.
    pub managed: bool,
    /// It signs in, and so by itself connects to nothing on its own machine but a proxy.
    pub signs_in: bool,
}

/// Ports of databases (SQL Server, Oracle, MySQL, PostgreSQL, Redis, memcached, MongoDB, Elasticsearch), queues (ZooKeeper,
/// Kafka, AMQP) and mail (IANA's registry; Kafka's and memcached's own defaults).
const DATABASE_PORTS: [u16; 13] = [1433, 1521, 3306, 5432, 6379, 11211, 27017, 9200, 2181, 9092, 5672, 25, 587];

/// Whether `endpoint`, to which a connection failed, is the proxy of a client: services of a sign-in are on 443, and a
/// client that wants one of them connects to itself only for a proxy.
pub(crate) fn is_proxy(endpoint: &HostPort, asked: Asked<'_>) -> bool {
    let (host, port) = endpoint;
    if asked.host.is_some_and(|(h, _)| h == host)
        || asked.answered
        || *port == Some(ADFS_CERTIFICATE_PORT)
        || is_service(host)
    {
        return false;
    }
    // What runs there is no proxy.
    if port.is_some_and(|p| DATABASE_PORTS.contains(&p)) {
        return false;
    }
    let secure = asked.host.is_none_or(|(_, port)| port.is_none_or(|p| p == 443));
    // Plain HTTP is spoken to many; only a request that waits for its way makes it the way.
    let other_port = port.is_some_and(|p| p != 443 && (p != 80 || (asked.host.is_some() && asked.open)));
    let local =
        || asked.host.is_some() || asked.signs_in && other_port && port.is_some_and(|p| !IDENTITY_PORTS.contains(&p));
    match super::bare(host).parse::<std::net::IpAddr>() {
        // The metadata service of a virtual machine has an address that no proxy has.
        Ok(std::net::IpAddr::V4(ip)) if ip.is_link_local() || ip.octets() == WIRE_SERVER => false,
        // Arc, App Service and Service Fabric offer managed identities on addresses of the machine.
        Ok(_) if asked.managed => false,
        Ok(ip) if ip.is_loopback() => local(),
        Ok(_) => secure && other_port,
        Err(_) if host == "localhost" => !asked.managed && local(),
        // A name without a domain is a container's or a machine's as well.
        Err(_) if !host.contains('.') => (secure && other_port || asked.here) && (asked.open || asked.signs_in),
        Err(_) => secure && (other_port || asked.here),
    }
}

/// A name that serves what a client or its system asks for by itself.
fn is_service(host: &str) -> bool {
    let label = host.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit());
    // The client's own machine is in the table too, for the way back from the browser.
    host != "localhost" && endpoint(host).is_some()
        || is_microsoft_host(host)
        || PROBES.contains(&host)
        || ISSUER_LABELS.contains(&label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(h: &str, p: u16) -> HostPort {
        (h.to_owned(), Some(p))
    }

    #[test]
    fn a_connection_elsewhere_than_to_the_service_is_the_proxys() {
        let login = at("login.microsoftonline.com", 443);
        let open = Asked { host: Some(&login), open: true, ..Asked::default() };
        let here = Asked { here: true, ..open };
        let none = Asked::default();
        assert!(is_proxy(&at("proxy.corp.example", 8080), open));
        assert!(is_proxy(&at("proxy.corp.example", 80), open));
        assert!(is_proxy(&at("proxy.corp.example", 8080), none));
        assert!(is_proxy(&at("127.0.0.1", 8888), open));
        assert!(is_proxy(&at("127.0.0.1", 80), open));
        assert!(is_proxy(&("proxy.corp.example".to_owned(), None), here));
        assert!(!is_proxy(&login, none) && !is_proxy(&login, here));
        assert!(!is_proxy(&at("20.190.159.2", 443), here));
        assert!(!is_proxy(&at("169.254.169.254", 80), open));
        assert!(!is_proxy(&at("adfs.corp.example", 443), open));
    }

    #[test]
    fn services_of_the_system_and_the_machine_are_no_proxies() {
        let login = at("login.microsoftonline.com", 443);
        let open = Asked { host: Some(&login), open: true, ..Asked::default() };
        for (host, port) in [
            ("crl3.digicert.com", 80),
            ("crl.globalsign.com", 80),
            ("ocsp.corp.example", 8080),
            ("www.msftconnecttest.com", 80),
            ("captive.apple.com", 80),
            ("graph.microsoft.com", 8443),
            ("sts.contoso.com", 49443),
            ("168.63.129.16", 80),
            ("168.63.129.16", 32526),
        ] {
            assert!(!is_proxy(&at(host, port), open), "{host}:{port}");
        }
        for (host, port) in [("10.0.0.4", 2377), ("127.0.0.1", 40342), ("localhost", 40342)] {
            assert!(is_proxy(&at(host, port), open), "{host}:{port}");
            assert!(!is_proxy(&at(host, port), Asked { managed: true, ..open }), "{host}:{port}");
        }
        let alone = Asked { signs_in: true, ..Asked::default() };
        for (host, port) in [("127.0.0.1", 40342), ("localhost", 50342), ("127.0.0.1", 443)] {
            assert!(!is_proxy(&at(host, port), alone), "{host}:{port}");
        }
        for host in ["127.0.0.1", "localhost", "::1"] {
            assert!(is_proxy(&at(host, 8888), alone), "{host}");
            assert!(!is_proxy(&at(host, 8888), Asked::default()), "{host}");
            assert!(!is_proxy(&at(host, 8888), Asked { managed: true, ..alone }), "{host}");
        }
        assert!(!is_proxy(&at("proxy.corp.example", 80), Asked { open: false, ..open }));
        assert!(!is_proxy(&at("proxy.corp.example", 8080), Asked { answered: true, ..open }));
    }
}
