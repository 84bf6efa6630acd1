//! What is known of Microsoft's endpoints, issuers, interception products, error codes: look-ups.
//!
//! What enters: names, addresses, certificates, numbers out of facts. What leaves: entries of the tables below. The
//! tables are plain literals with source and date; there is no parser and no file at run time. All look-ups ignore the
//! case of names and are pure.

pub mod address_ranges;
pub mod endpoints;
pub mod entra_replies;
pub mod error_codes;
pub mod error_groups;
pub mod error_texts;
pub mod federation;
pub mod interceptors;
pub mod issuers;
pub mod pktmon_maps;
pub mod probes;
pub mod public_cas;
pub mod releases;
pub mod system_codes;

pub use address_ranges::{
    block_name, block_page, cannot_be_public, in_entra_ranges, is_entra_address, synthetic_range,
};
pub use endpoints::{endpoint, endpoints, expected_sequence, is_microsoft_host};
pub use error_codes::{error_code, oauth_error, wam_code};
pub use federation::federation_likeness;
pub use interceptors::{generic_gateway_word, interceptor, interceptor_by_header};
pub use issuers::{IssuerJudgement, issuer_of};
pub use releases::{newest_release, release};
pub use system_codes::{SystemCodeFamily, system_code};

/// Where an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Document, file or thread.
    pub title: &'static str,
    /// Date of what was read (year-month-day, or a part of it).
    pub date: &'static str,
}

/// Whether `host` (without final dot) is `pattern`, or under it where the pattern begins with a dot.
fn matches_host(pattern: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    if !pattern.starts_with('.') {
        return host.eq_ignore_ascii_case(pattern);
    }
    let (h, p) = (host.as_bytes(), pattern.as_bytes());
    // A suffix pattern covers names below it, and the bare name itself.
    let below =
        h.len() > p.len() && h.get(h.len().saturating_sub(p.len())..).is_some_and(|tail| tail.eq_ignore_ascii_case(p));
    below || p.get(1..).is_some_and(|bare| h.eq_ignore_ascii_case(bare))
}

/// Date of the newest source of the tables.
pub const DATE: &str = "2026-11-22";

/// Whether a host is one by which systems probe for a captive portal.
pub fn is_connectivity_probe(host: &str) -> bool {
    probes::PROBES.iter().any(|p| p.eq_ignore_ascii_case(host))
}

/// Whether the probe's own server sends a request for `path` on to `target`.
pub fn is_redirect_of_probe(host: &str, path: &str, target: &str) -> bool {
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    probes::REDIRECTS.iter().any(|(of, at, to)| same(of, host) && same(at, path) && same(to, target))
}
