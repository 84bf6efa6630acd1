//! Ordered bytes of one TCP direction, gaps known, memory bounded.
