//! `nettriage explain` and `nettriage guide`.
