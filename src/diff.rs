//! `nettriage diff`: a working against a failing trace.
