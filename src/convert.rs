//! `nettriage convert`: any capture as pcapng.
