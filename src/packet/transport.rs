//! TCP, UDP and ICMP headers.
