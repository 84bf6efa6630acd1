//! Modular TCP sequence arithmetic (RFC 9293, 3.4).
