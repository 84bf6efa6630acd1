//! Old TLS versions: of connections whose ServerHello the capture does not hold, and beside connections that worked.
//!
//! What enters: a session that was completed. What leaves: the verdict, where its records or the client's offer prove the
//! version. That of the record around a ClientHello proves nothing. Without the client's hello the connection is older
//! than the capture, and may be another program's: nobody asks of that. Of several attempts: whose program came through
//! with a current version later ([`Renewed`]), and which refusal no success of another program makes good.

use super::Verdict;
use super::leading::tried;
use super::scene::{Judged, Proof, Stage};
use super::tls::{TLS_1_1, version_name};
use crate::case::{Attempt, Case, HostStory, Moment};
use crate::facts::{ClientHello, TlsSession};
use crate::flow::Side;
use crate::message;
use crate::packet::At;
use std::collections::HashMap;
use std::net::IpAddr;

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

/// The processes that came through with a current version. Programs cannot be told apart by their hellos here, which
/// change with the version, and on most clients something else signs in beside the command.
pub(super) struct Renewed {
    /// When the last connection began by which each did so.
    last: HashMap<(IpAddr, u32), Moment>,
}

impl Renewed {
    /// Those of these attempts.
    pub(super) fn of(case: &Case, host: &HostStory, judged: &[Judged], members: &[usize]) -> Renewed {
        let mut last = HashMap::new();
        let good = |(_, j): &(&Attempt, &Judged)| j.verdict.is_some_and(Verdict::is_good);
        for (attempt, _) in members.iter().filter_map(|i| tried(host, judged, *i)).filter(good) {
            let Some(process) = process(case, attempt) else { continue };
            let at = last.entry(process).or_insert(attempt.began());
            *at = attempt.began().max(*at);
        }
        Renewed { last }
    }

    /// Whether the process of an attempt with an old version is among them, by a later connection.
    pub(super) fn has(&self, case: &Case, attempt: &Attempt) -> bool {
        process(case, attempt).and_then(|process| self.last.get(&process)).is_some_and(|at| *at > attempt.began())
    }
}

/// The client and the process that sent the SYN; of other packets a capture may name a process that only happened to run.
fn process(case: &Case, attempt: &Attempt) -> Option<(IpAddr, u32)> {
    let process = case.flow(attempt)?.process.as_ref().filter(|process| process.from_syn)?;
    Some((attempt.client, process.pid))
}

/// Whether an attempt shows a program that offers old versions only, and was refused for it. What reached the host with a
/// current one before, or goes on to use it, is another program, or was set up otherwise. (A fall-back is neither.)
pub(super) fn is_refused(judged: &[Judged], failed: usize) -> bool {
    let refused = |j: &Judged| j.verdict == Some(Verdict::TlsLegacy) && j.detail.legacy_side == Some(Side::Client);
    judged.get(failed).is_some_and(refused)
}
