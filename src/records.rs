//! `nettriage facts`: facts as JSON Lines and CSV.
