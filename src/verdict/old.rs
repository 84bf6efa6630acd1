//! Old TLS versions of connections whose ServerHello the capture does not hold.
//!
//! What enters: a session that was completed. What leaves: the verdict, where its records or the client's offer prove the
//! version. That of the record around a ClientHello proves nothing. Without the client's hello the connection is older
//! than the capture, and may be another program's: nobody asks of that.

use super::Verdict;
use super::scene::{Judged, Proof, Stage};
use super::tls::{TLS_1_1, version_name};
use crate::facts::{ClientHello, TlsSession};
use crate::flow::Side;
use crate::message;
use crate::packet::At;

/// A connection in use whose ServerHello is not in the capture, where its records or all that the client offers, at most
/// `offered`, show that the version is an old one.
pub(super) fn all_the_same(session: &TlsSession, at: At, offered: u16, mut proof: Vec<Proof>) -> Option<Judged> {
    // Who offers TLS 1.3 names TLS 1.2 in the old place (RFC 8446 4.1.2): an older version there is the highest, even where
    // the end of the hello is missing.
    let is_old =
        |hello: &ClientHello| hello.max_version() <= TLS_1_1 && (!hello.cut || hello.legacy_version <= TLS_1_1);
    let client_is_old = session.client_hellos.iter().all(is_old);
    let text = match session.old_records() {
        Some(version) => message!(
            en: "encrypted records of {} in both directions",
            ja: "双方向の暗号化レコードが {}",
            version_name(version)
        ),
        None if client_is_old => message!(
            en: "handshake complete, by {} at most",
            ja: "ハンドシェイク完了 (最大でも {})",
            version_name(offered)
        ),
        None => return None,
    };
    proof.push(Proof::new(at, text));
    let mut judged = Judged::seen(Verdict::TlsLegacy, Stage::Complete, proof);
    judged.detail.legacy_side = Some(if client_is_old { Side::Client } else { Side::Server });
    Some(judged)
}
