//! Products that intercept TLS: table only.
