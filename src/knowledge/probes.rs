//! Hosts by which systems and browsers probe for a captive portal: table only.
//!
//! Source: documentation of the vendors (Windows NCSI, Apple, Android and Chromium, Firefox, GNOME), checked 2026-11.
//! What Windows opens in a browser once a probe failed: Eric Lawrence, "Captive Portals", 2022-06-24; on a free network
//! that address sends every client on to `go.microsoft.com/fwlink`.

/// Names that answer every client alike as long as nothing stands in between.
pub const PROBES: [&str; 9] = [
    "www.msftconnecttest.com",
    "ipv6.msftconnecttest.com",
    "www.msftncsi.com",
    "ipv6.msftncsi.com",
    "captive.apple.com",
    "connectivitycheck.gstatic.com",
    "connectivitycheck.android.com",
    "detectportal.firefox.com",
    "nmcheck.gnome.org",
];

/// Probes that send every client on by design: host, path, and the host it is sent on to.
pub const REDIRECTS: [(&str, &str, &str); 4] = [
    ("www.msftconnecttest.com", "/redirect", "go.microsoft.com"),
    ("ipv6.msftconnecttest.com", "/redirect", "go.microsoft.com"),
    ("www.msftncsi.com", "/redirect", "go.microsoft.com"),
    ("ipv6.msftncsi.com", "/redirect", "go.microsoft.com"),
];
