//! The story of a host → one verdict with its proof.
