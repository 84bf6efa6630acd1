//! Facts of all evidence → the case: one clock, names, addresses, flows and log events joined.
