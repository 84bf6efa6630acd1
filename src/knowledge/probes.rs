//! Hosts by which systems and browsers probe for a captive portal: table only.
//!
//! Source: documentation of the vendors (Windows NCSI, Apple, Android and Chromium, Firefox, GNOME), checked 2026-11.

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
