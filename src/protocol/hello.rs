//! ClientHello and ServerHello messages, for TLS, DTLS and QUIC.
