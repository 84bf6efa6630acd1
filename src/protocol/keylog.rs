//! Decryption of TLS with the customer's key log.
