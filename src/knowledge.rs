//! What is known of Microsoft's endpoints, issuers, interception products, error codes: look-ups.

pub mod address_ranges;
pub mod endpoints;
pub mod error_codes;
pub mod interceptors;
pub mod issuers;
pub mod pktmon_maps;
pub mod releases;
