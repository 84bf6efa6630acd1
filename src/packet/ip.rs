//! IPv4 and IPv6 with extension headers and fragments.
