//! Hosts and findings as CSV.
