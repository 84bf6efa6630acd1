//! What is this piece of evidence? Decided from its bytes.
