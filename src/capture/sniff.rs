//! Which container a capture is, from its first bytes.
