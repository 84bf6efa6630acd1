//! QUIC packets: Initial decryption, CRYPTO reassembly, versions.
