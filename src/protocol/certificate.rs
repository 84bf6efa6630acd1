//! X.509 certificates as facts.
