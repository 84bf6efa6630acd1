//! Who is the server, where no SYN told: by port numbers.

/// Ports on which servers listen that the analysis meets in the middle of a connection.
const SERVER_PORTS: &[u16] = &[
    21, 22, 25, 53, 80, 88, 110, 135, 139, 143, 389, 443, 445, 464, 465, 587, 636, 853, 993, 995, 1080, 1433, 3128,
    3268, 3269, 3389, 5060, 5061, 5223, 5353, 5355, 5671, 5985, 5986, 8000, 8008, 8080, 8081, 8088, 8118, 8123, 8443,
    8530, 8531, 8880, 8888, 9090, 9400, 9443, 9480,
];

/// First port that Linux takes for outgoing connections (`ip_local_port_range`); Windows and IANA begin at 49,152.
const EPHEMERAL: u16 = 32_768;

/// Whether the sender of a first packet without SYN is the client, by the ports: the well-known port is the server's,
/// then the privileged one, then the one that no system takes for outgoing connections; else the first to speak is
/// the client.
pub fn sender_is_client(src: u16, dst: u16) -> bool {
    let listed = |p: u16| SERVER_PORTS.binary_search(&p).is_ok();
    for serves in [&listed as &dyn Fn(u16) -> bool, &|p| p < 1024, &|p| p < EPHEMERAL] {
        match (serves(src), serves(dst)) {
            (true, false) => return false,
            (false, true) => return true,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(SERVER_PORTS.is_sorted());
    }

    #[test]
    fn the_server_is_found_by_its_port() {
        assert!(sender_is_client(50_000, 443));
        assert!(!sender_is_client(443, 50_000));
        assert!(!sender_is_client(8080, 1025));
        assert!(sender_is_client(443, 53) && sender_is_client(53, 53));
        assert!(!sender_is_client(700, 5000));
        assert!(!sender_is_client(10_000, 60_000));
        assert!(sender_is_client(60_000, 61_000));
    }
}
