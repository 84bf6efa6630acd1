//! Clients that complete a handshake and leave without a request.
//!
//! Some programs (those on .NET, on Windows most of all) look at the certificate only behind the handshake: one that they
//! refuse, or cannot check, shows in nothing but that they close at once. So does a connection that was opened to spare,
//! or to see whether somebody is there: one alone proves nothing.
//!
//! What enters: the attempts of a host with their judgements. What leaves: judgements that no longer count such
//! connections as ways that work, where their program never used any ([`take_back`]). Guaranteed: linear in the attempts
//! and in the questions.

use super::host::distinct;
use super::inspection;
use super::scene::{Judged, Proof, SILENCE_NS, Scene, Stage};
use super::tls::{ENCRYPTED_ALERT_LEN, TLS_1_3};
use crate::case::{Attempt, Case, HostStory, Way};
use crate::facts::{FlowTransport, Program, TlsSession};
use crate::message;
use crate::packet::At;
use std::collections::{HashMap, HashSet};
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
/// What shows an inspecting device was refused then, as far as can be told; of the rest nobody knows the reason, nor of a
/// single one behind such a device where nobody else came through either. A program that goes on with such a certificate
/// at another host refuses none: several are left open then, since programs of one library look the same.
pub(super) fn take_back(case: &Case, host: &HostStory, judged: &mut [Judged]) {
    let serving = || host.attempts.iter().zip(judged.iter()).enumerate().filter(|(_, (_, j))| j.serves());
    let mut programs: HashMap<(Option<Program<'_>>, IpAddr), Vec<usize>> = HashMap::new();
    for (i, (attempt, _)) in serving().filter(|(_, (_, j))| j.detail.left.is_some()) {
        programs.entry((inspection::program(case, attempt), attempt.client)).or_default().push(i);
    }
    if programs.is_empty() {
        return;
    }
    let users = Users::of(case, host, serving().filter(|(_, (_, j))| j.detail.left.is_none()).map(|(_, (a, _))| a));
    for ((program, client), left) in programs {
        let direct = left.iter().all(|i| host.attempts.get(*i).is_some_and(|a| a.way == Way::Direct));
        if users.has(program, client) || direct && users.is_watched_by(client) {
            continue;
        }
        let several = came_back(case, host, judged, &left);
        for i in left {
            let (Some(attempt), Some(j)) = (host.attempts.get(i), judged.get_mut(i)) else { continue };
            let inspected = j.goes_on_inspected();
            let accepts = inspected && accepts_elsewhere(case, attempt, j);
            if several || inspected && !accepts && users.clients.all.is_empty() {
                refuse(j, several && inspected && !accepts);
            }
        }
    }
}

/// Who used a host, and who asked for its name.
#[derive(Default)]
struct Users<'a> {
    programs: HashSet<(Option<Program<'a>>, IpAddr)>,
    /// The same, with the family of the client's address.
    families: HashSet<(Option<Program<'a>>, bool)>,
    clients: Clients,
    asked: Clients,
}

impl<'a> Users<'a> {
    fn of(case: &'a Case, host: &'a HostStory, used: impl Iterator<Item = &'a Attempt>) -> Users<'a> {
        let mut users = Users::default();
        host.lookups.iter().for_each(|lookup| users.asked.insert(lookup.client.ip()));
        for attempt in used {
            let program = inspection::program(case, attempt);
            for client in case.clients_of(attempt) {
                users.programs.insert((program, client));
                users.families.insert((program, client.is_ipv6()));
                users.clients.insert(client);
            }
        }
        users
    }

    /// Whether a program of a client is among them. Of the other family it may be the same machine: see
    /// [`crate::case::may_be_one`].
    fn has(&self, program: Option<Program<'_>>, client: IpAddr) -> bool {
        self.programs.contains(&(program, client)) || self.families.contains(&(program, !client.is_ipv6()))
    }

    /// Whether a client only watches the host, as load balancers and monitors do: others used it, and this one, which never
    /// did, did not ask for its name either.
    fn is_watched_by(&self, client: IpAddr) -> bool {
        !self.clients.all.is_empty() && !self.clients.may_hold(client) && !self.asked.may_hold(client)
    }
}

/// Clients, and of which families they are: IPv4, IPv6.
#[derive(Default)]
struct Clients {
    all: HashSet<IpAddr>,
    families: [bool; 2],
}

impl Clients {
    fn insert(&mut self, client: IpAddr) {
        self.all.insert(client);
        let [v4, v6] = &mut self.families;
        *(if client.is_ipv6() { v6 } else { v4 }) = true;
    }

    /// Whether the client, or what may be the same machine by its other address, is among them.
    fn may_hold(&self, client: IpAddr) -> bool {
        let [v4, v6] = self.families;
        self.all.contains(&client) || if client.is_ipv6() { v4 } else { v6 }
    }
}

/// Whether a program left one connection after another. Those of one moment were opened to spare, and nobody needed them.
fn came_back(case: &Case, host: &HostStory, judged: &[Judged], left: &[usize]) -> bool {
    let attempts = || left.iter().filter_map(|i| host.attempts.get(*i));
    let over = left.iter().filter_map(|i| judged.get(*i)?.detail.left).map(|at| at.time).min();
    let last = attempts().map(|attempt| attempt.start.time).max();
    over.is_some() && last >= over && distinct(case, attempts()) >= CONNECTIONS_MIN
}

/// Whether the program of an attempt went on with a certificate of the same issuer at another host. Where the issuer's name
/// is borrowed, that one may have been of its owner.
fn accepts_elsewhere(case: &Case, attempt: &Attempt, judged: &Judged) -> bool {
    let own_name = judged.detail.trust.as_ref().is_some_and(|trust| trust.forged.is_empty());
    let accepted = |session: &TlsSession| case.vouched().is_accepted(attempt.client, session);
    own_name && case.session(attempt).is_some_and(accepted)
}

/// The client did not go on: it refused the certificate, or nobody knows why.
fn refuse(judged: &mut Judged, certificate: bool) {
    let Some(end) = judged.detail.left else { return };
    let text = message!(
        en: "the client ends the connection behind the handshake, without a request",
        ja: "クライアントはハンドシェイク完了後、要求を送らずに切断",
    );
    judged.proof.push(Proof::new(end, text));
    judged.stage = Stage::Certificate;
    judged.detail.client_accepts = false;
    if !certificate {
        *judged = Judged { detail: judged.detail.clone(), ..Judged::undecided(judged.stage, judged.proof.clone()) };
    }
}
