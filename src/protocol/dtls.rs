//! DTLS hellos over UDP.
