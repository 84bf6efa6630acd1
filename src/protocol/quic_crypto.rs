//! Keys and ciphers of QUIC Initial packets (RFC 9001, RFC 9369).
