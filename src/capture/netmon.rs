//! Network Monitor 2.x captures.
