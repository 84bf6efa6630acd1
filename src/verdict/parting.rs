//! Clients that complete a handshake and leave without a request.
//!
//! Some programs (those on .NET, on Windows most of all) look at the certificate only behind the handshake: one that they
//! refuse, or cannot check, shows in nothing but that they close at once. So does a connection that was opened to spare,
//! or to see whether somebody is there: one alone proves nothing.
//!
//! What enters: the attempts of a host with their judgements. What leaves: judgements that no longer count such
//! connections as ways that work, where their program never used any ([`take_back`]). Guaranteed: linear in the attempts.

use super::host::distinct;
use super::inspection::{self, Program};
use super::scene::{Judged, Proof, SILENCE_NS, Scene, Stage};
use super::tls::{ENCRYPTED_ALERT_LEN, TLS_1_3};
use crate::case::{Case, HostStory, Way};
use crate::facts::{FlowTransport, TlsSession};
use crate::message;
use crate::packet::At;
use std::collections::HashMap;
use std::net::IpAddr;

/// Connections that must all end so.
const CONNECTIONS_MIN: usize = 2;

/// Lengths of a Finished alone in its record under TLS 1.3, for hashes of 32 and 48 bytes: header (4), hash, inner content
/// type (1), tag (16); RFC 8446 4.4.4, 5.2.
const FINISHED_LEN: [u16; 2] = [53, 69];

/// Bytes of a record's header (RFC 8446 5.1), and of a whole ChangeCipherSpec (RFC 8446 D.4).
const HEADER_BYTES: u64 = 5;
/// See [`HEADER_BYTES`].
const CHANGE_CIPHER_SPEC_BYTES: u64 = 6;

/// The client's end of a connection on which a handshake was completed, where it is the first to end it, does so at once,
/// and the last that it said before is its Finished or an alert.
pub(super) fn without_request(s: &Scene<'_>, session: &TlsSession, complete: At) -> Option<At> {
    let end = s.client_end()?;
    let whole = s.flow.sides.iter().all(|side| side.missed_bytes == 0 && side.cut_bytes == 0) && !s.tcp.midstream;
    let is_first = s.server_close().is_none() && s.server_reset().is_none();
    let at_once = end.time.since(complete.time) < SILENCE_NS;
    let is_tcp = s.flow.transport == FlowTransport::Tcp && s.case.crowd(s.attempt).is_none();
    (is_tcp && whole && is_first && at_once && says_no_more(s, session)).then_some(end)
}

/// Whether all that the client says behind its Finished is one alert at most.
fn says_no_more(s: &Scene<'_>, session: &TlsSession) -> bool {
    let [client, _] = &session.encrypted;
    let version = session.server_hellos.iter().rev().find(|h| !h.hello_retry_request).map(|h| h.version);
    if version != Some(TLS_1_3) {
        // A record tells what it is, and all of them are read until there is data.
        let others = client.records.saturating_sub(client.encrypted_alerts.into());
        let is_last =
            s.flow.sides.first().and_then(|c| c.last_data).map(|at| at.frame) <= client.last.map(|at| at.frame);
        return version.is_some() && client.application_records == 0 && others == 1 && is_last;
    }
    // Here all look the same, and not all are read: the bytes tell.
    let Some((finished, _)) = client.first.filter(|(length, _)| FINISHED_LEN.contains(length)) else { return false };
    let said = match &s.attempt.way {
        Way::Direct => s.flow.sides.first().map(|side| side.bytes),
        Way::Proxy(_) => s.attempt.exchange.and_then(|i| s.flow.app.http.get(i)).map(|e| e.tunnel_bytes[0]),
        Way::Socks(_) => None,
    };
    let hellos: u64 = session.client_hellos.iter().map(|hello| HEADER_BYTES + u64::from(hello.length)).sum();
    let changes = if session.change_cipher_spec[0].is_some() { CHANGE_CIPHER_SPEC_BYTES } else { 0 };
    let handshake = hellos + changes + HEADER_BYTES + u64::from(finished);
    let alert = HEADER_BYTES + u64::from(ENCRYPTED_ALERT_LEN);
    said.and_then(|said| said.checked_sub(handshake)).is_some_and(|rest| rest == 0 || rest == alert)
}

/// Where the program of a client left all its connections to a host so, the handshakes are no sign that it could use it.
/// What shows an inspecting device was refused then, as far as can be told; of the rest nobody knows the reason. Of a single
/// one the former is said where nobody else came through either.
pub(super) fn take_back(case: &Case, host: &HostStory, judged: &mut [Judged]) {
    let mut programs: HashMap<(Option<Program<'_>>, IpAddr), (Vec<usize>, bool)> = HashMap::new();
    let mut anybody = false;
    for (i, (attempt, j)) in host.attempts.iter().zip(judged.iter()).enumerate().filter(|(_, (_, j))| j.serves()) {
        let (left, used) = programs.entry((inspection::program(case, attempt), attempt.client)).or_default();
        match j.detail.left {
            Some(_) => left.push(i),
            None => (*used, anybody) = (true, true),
        }
    }
    for (left, _) in programs.into_values().filter(|(left, used)| !used && !left.is_empty()) {
        let attempts = left.iter().filter_map(|i| host.attempts.get(*i));
        let several = distinct(case, attempts) >= CONNECTIONS_MIN;
        for i in left {
            let Some(j) = judged.get_mut(i) else { continue };
            if several || j.goes_on_inspected() && !anybody {
                refuse(j);
            }
        }
    }
}

/// The client did not go on.
fn refuse(judged: &mut Judged) {
    let Some(end) = judged.detail.left else { return };
    let text = message!(
        en: "the client ends the connection behind the handshake, without a request",
        ja: "クライアントはハンドシェイク完了後、要求を送らずに切断",
    );
    judged.proof.push(Proof::new(end, text));
    judged.stage = Stage::Certificate;
    if judged.goes_on_inspected() {
        judged.detail.client_accepts = false;
    } else {
        *judged = Judged { detail: judged.detail.clone(), ..Judged::undecided(judged.stage, judged.proof.clone()) };
    }
}
