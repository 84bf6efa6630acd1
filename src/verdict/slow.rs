//! Time that an answer took on an attempt that worked.
//!
//! What enters: the scene of an attempt. What leaves: the longest wait for an answer of the other side (SYN, CONNECT,
//! ClientHello), where a person notices it. Pauses of the client itself (a connection opened ahead of its use) are
//! none.

use super::scene::{Proof, SILENCE_NS, Scene};
use crate::lang::Message;
use crate::message;
use crate::packet::At;

/// A wait that a person notices.
#[derive(Debug, Clone, PartialEq)]
pub struct Slow {
    /// Nanoseconds from the question to the answer.
    pub nanos: i64,
    /// Frame of the answer, and what it answers.
    pub proof: Proof,
}

/// The longest wait of an attempt, from [`SILENCE_NS`] on: shorter ones are within what a busy server or one lost
/// packet takes (a lost SYN costs one to three seconds).
pub(super) fn longest_wait(s: &Scene<'_>) -> Option<Slow> {
    let session = s.attempt.session.and_then(|i| s.flow.app.tls.get(i));
    let exchange = s.attempt.exchange.and_then(|i| s.flow.app.http.get(i));
    let hello = session.and_then(|t| t.client_hellos.first()).map(|h| h.at);
    let chosen = session.and_then(|t| t.server_hellos.first()).map(|h| h.at);
    let waits: [(Option<At>, Option<At>, Message); 3] = [
        (s.tcp.syns.first().copied(), s.tcp.syn_ack, message!(en: "first answer to the SYN", ja: "SYN への最初の応答")),
        (
            exchange.and_then(|e| e.request_at),
            exchange.and_then(|e| e.response_at),
            message!(en: "answer to the request", ja: "要求への応答"),
        ),
        (hello, chosen, message!(en: "answer to the ClientHello", ja: "ClientHello への応答")),
    ];
    waits
        .into_iter()
        .filter_map(|(asked, answered, what)| {
            let (asked, at) = (asked?, answered?);
            let nanos = at.time.since(asked.time);
            if nanos < SILENCE_NS {
                return None;
            }
            let seconds = nanos as f64 / 1e9;
            let text = Message {
                en: format!("{} after {seconds:.1} s", what.en),
                ja: format!("{} ({seconds:.1} 秒後)", what.ja),
            };
            Some(Slow { nanos, proof: Proof::new(at, text) })
        })
        .max_by_key(|slow| slow.nanos)
}
