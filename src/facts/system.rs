//! Facts of the system files beside a trace.
