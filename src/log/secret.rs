//! Secrets in log texts: found, and kept out of every output.
