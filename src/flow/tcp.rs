//! State of one TCP connection: handshake, resets, retransmission, loss.
