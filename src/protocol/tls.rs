//! TLS record layer: sessions, alerts, certificates, progress of the handshake.
