//! Event headers of all kinds inside a buffer.
