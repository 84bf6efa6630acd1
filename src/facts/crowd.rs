//! Flows that went as one before them: in large captures they are counted beside it instead of kept.
//!
//! What enters: what the dissectors found in a finished flow. What leaves: the outline that flows which went alike
//! share, and the [`Crowd`] of those that are only counted. Guaranteed: a flow in which anything failed, was slow or is
//! unusual has no outline; whatever a verdict, a finding or a report looks at in a flow that went well is part of the
//! outline or is kept in the crowd.

use super::members::Members;
use super::{
    AppFacts, Choice, DnsKind, DnsMessage, HttpExchange, NXDOMAIN, Offer, Presented, QuicFact, TlsCarrier, TlsSession,
    push_only,
};
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// An answer that takes no longer than this lets nobody wait: a third of what counts as silence.
pub const PROMPT_NS: i64 = NANOS_PER_SECOND;

/// An address on the internet is never nearer than this.
pub const NEAR_HOPS_MAX: u8 = 2;

/// Clocks that differ by less go by the same one, as far as anybody asks: five minutes are tolerated.
const CLOCK_NS: i64 = 60 * NANOS_PER_SECOND;

/// Servers that one crowd takes in, and kinds of handshake. What comes with one more is kept by itself. (Crowds that
/// are joined in the end may have as many each.)
const KINDS_MAX: usize = 64;

/// Flows that went as one that is kept. They are counted, and only this is known of them.
#[derive(Debug, Default)]
pub struct Crowd {
    /// When each of them ended, and its client.
    members: Members,
    /// The one that was kept first, if it was counted after all. It does not count against the limits, since when it was
    /// counted depends on how often that is looked at. Forgotten as soon as the lists begin with what it brought.
    first: Option<Box<Kind>>,
    /// Their servers, each once.
    pub servers: Vec<SocketAddr>,
    /// What their TLS clients offered and their servers chose, each pair once.
    pub hellos: Vec<(Arc<Offer>, Arc<Choice>)>,
    /// When the last of them to begin began.
    pub latest: Timestamp,
    handshake_rtt: Shortest,
    first_answer: Shortest,
    /// As in [`super::SideFacts`], of both sides of all of them.
    pub missed_bytes: u64,
    /// See `missed_bytes`.
    pub cut_bytes: u64,
    /// They have nothing in common but that both sides spoke, not even the server.
    pub mixed: bool,
    /// The answer that all of them brought, where they were look-ups of a name.
    pub answer: Option<Box<DnsMessage>>,
}

/// The shortest of some times in nanoseconds; the greatest number where there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shortest(i64);

impl Default for Shortest {
    fn default() -> Self {
        Shortest(i64::MAX)
    }
}

impl Shortest {
    fn or(self, nanos: Option<i64>) -> Shortest {
        self.min(Shortest(nanos.unwrap_or(i64::MAX)))
    }

    fn nanos(self) -> Option<i64> {
        (self != Shortest::default()).then_some(self.0)
    }
}

/// What a flow of a crowd may bring that others did not.
#[derive(Debug)]
struct Kind {
    server: SocketAddr,
    hellos: Option<(Arc<Offer>, Arc<Choice>)>,
}

/// What is known of one flow of a crowd.
#[derive(Debug, Clone, Copy)]
pub struct Fellow {
    /// First and last frame.
    pub began: Timestamp,
    /// See `began`.
    pub ended: Timestamp,
    /// Its client.
    pub client: IpAddr,
    /// Its server.
    pub server: SocketAddr,
    /// As in [`super::TcpFacts`].
    pub handshake_rtt: Option<i64>,
    /// See `handshake_rtt`.
    pub first_answer: Option<i64>,
    /// As in [`super::SideFacts`], of both sides.
    pub missed_bytes: u64,
    /// See `missed_bytes`.
    pub cut_bytes: u64,
}

impl Crowd {
    /// Counts a flow in which `app` was found. False where it comes with a server or with hellos more than the crowd has
    /// room for.
    pub fn take_in(&mut self, fellow: &Fellow, app: &AppFacts) -> bool {
        self.mixed = app.is_opaque();
        let new_server = !self.mixed && !self.servers.contains(&fellow.server);
        let new_hellos = settled(app).filter(|(offer, choice)| !self.knows(offer, choice));
        if new_server && self.servers.len() >= KINDS_MAX || new_hellos.is_some() && self.hellos.len() >= KINDS_MAX {
            return false;
        }
        if new_server {
            push_only(&mut self.servers, fellow.server);
        }
        if let Some((offer, choice)) = new_hellos {
            push_only(&mut self.hellos, (Arc::clone(offer), Arc::clone(choice)));
        }
        self.forget_first();
        self.count(fellow);
        true
    }

    /// Counts the flow that the others went as, in which `app` was found.
    pub fn take_in_first(&mut self, fellow: &Fellow, app: &AppFacts) {
        self.mixed = app.is_opaque();
        let hellos = settled(app).map(|(offer, choice)| (Arc::clone(offer), Arc::clone(choice)));
        self.first = (!self.mixed).then(|| Box::new(Kind { server: fellow.server, hellos }));
        self.forget_first();
        self.count(fellow);
    }

    /// What stands in front of the lists need not be told apart from them.
    fn forget_first(&mut self) {
        let is_known = |(offer, choice): &(Arc<Offer>, Arc<Choice>)| {
            self.hellos.first().is_some_and(|(o, c)| Arc::ptr_eq(o, offer) && Arc::ptr_eq(c, choice))
        };
        self.first = self.first.take_if(|first| {
            self.servers.first() != Some(&first.server) || !first.hellos.as_ref().is_none_or(is_known)
        });
    }

    fn count(&mut self, fellow: &Fellow) {
        self.members.push(fellow.ended, fellow.client);
        self.latest = self.latest.max(fellow.began);
        self.handshake_rtt = self.handshake_rtt.or(fellow.handshake_rtt);
        self.first_answer = self.first_answer.or(fellow.first_answer);
        self.missed_bytes = self.missed_bytes.saturating_add(fellow.missed_bytes);
        self.cut_bytes = self.cut_bytes.saturating_add(fellow.cut_bytes);
    }

    /// Takes in the flows of another crowd of the same kind.
    pub fn absorb(&mut self, other: Crowd) {
        let Crowd { members, first, servers, hellos, latest, handshake_rtt, first_answer, .. } = other;
        self.members.append(&members);
        let (own_server, own_hellos) = first.map_or((None, None), |first| (Some(first.server), first.hellos));
        for server in own_server.into_iter().chain(servers) {
            if !self.servers.contains(&server) {
                self.servers.push(server);
            }
        }
        for (offer, choice) in own_hellos.into_iter().chain(hellos) {
            if !self.knows(&offer, &choice) {
                self.hellos.push((offer, choice));
            }
        }
        self.latest = self.latest.max(latest);
        self.handshake_rtt = self.handshake_rtt.min(handshake_rtt);
        self.first_answer = self.first_answer.min(first_answer);
        self.missed_bytes = self.missed_bytes.saturating_add(other.missed_bytes);
        self.cut_bytes = self.cut_bytes.saturating_add(other.cut_bytes);
        self.mixed |= other.mixed;
    }

    fn knows(&self, offer: &Arc<Offer>, choice: &Arc<Choice>) -> bool {
        self.hellos.iter().any(|(o, c)| Arc::ptr_eq(o, offer) && Arc::ptr_eq(c, choice))
    }

    /// Number of flows.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.members.len() == 0
    }

    /// The shortest round trip of their TCP handshakes, in nanoseconds.
    pub fn handshake_rtt(&self) -> Option<i64> {
        self.handshake_rtt.nanos()
    }

    /// The shortest time from the client's first data to the server's, in nanoseconds.
    pub fn first_answer(&self) -> Option<i64> {
        self.first_answer.nanos()
    }

    /// When each of them ended and who its client was, in no order.
    pub fn members(&self) -> impl Iterator<Item = (Timestamp, IpAddr)> + '_ {
        self.members.iter()
    }

    /// The client of each, in no order.
    pub fn clients(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.members().map(|(_, client)| client)
    }

    /// When each of them ended, in no order.
    pub fn ends(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.members().map(|(end, _)| end)
    }
}

/// The hellos of a flow's session, where the capture holds both.
fn settled(app: &AppFacts) -> Option<(&Arc<Offer>, &Arc<Choice>)> {
    let session = app.tls.first()?;
    let hello = session.client_hellos.first().filter(|hello| !hello.cut)?;
    Some((&hello.offer, &session.server_hellos.last()?.choice))
}

impl AppFacts {
    /// Whether what was found in a flow is ordinary: one TLS session by name, an HTTP exchange or a look-up that worked at
    /// once. If so its outline goes into `hash`. `round_trip` is that of the flow's TCP handshake, in nanoseconds.
    pub fn outline(&self, round_trip: i64, hash: &mut dyn Hasher) -> bool {
        let mut hash = hash;
        if self.socks.is_some() || self.swapped || self.unknown_prefix.iter().any(|p| !p.is_empty()) {
            return false;
        }
        if let Some(quic) = &self.quic {
            let ([session], [], []) = (self.tls.as_slice(), self.http.as_slice(), self.dns.as_slice()) else {
                return false;
            };
            quic.version.hash(&mut hash);
            tls_outline(session).hash(&mut hash);
            return is_smooth(quic) && is_sound(session);
        }
        match (self.tls.as_slice(), self.http.as_slice(), self.dns.as_slice()) {
            ([session], [] | [_], []) => {
                let through = self.http.first();
                let tunnel = through.is_none_or(|e| e.is_connect() && session.tunnel.as_ref() == Some(&e.target));
                if !tunnel || !is_ordinary(session, round_trip) || !through.is_none_or(is_prompt) {
                    return false;
                }
                tls_outline(session).hash(&mut hash);
                through.map(http_outline).hash(&mut hash);
            }
            ([], [exchange], []) if is_prompt(exchange) && names_its_host(exchange) => {
                http_outline(exchange).hash(&mut hash);
            }
            ([], [], [asked, answer]) if is_answered(asked, answer) => dns_outline(answer).hash(&mut hash),
            _ => return false,
        }
        true
    }

    /// Whether nothing is known of what was said: a protocol that is not read here, or the middle of a TLS session.
    pub fn is_opaque(&self) -> bool {
        let headless = |t: &TlsSession| {
            t.tunnel.is_none()
                && t.client_hellos.is_empty()
                && t.server_hellos.is_empty()
                && t.certificates.is_empty()
                && t.alerts.is_empty()
                && t.plaintext_answer.is_none()
                && t.cut_hello.iter().all(Option::is_none)
        };
        let something = !self.tls.is_empty() || self.unknown_prefix.iter().any(|p| !p.is_empty());
        let nothing_else = self.http.is_empty() && self.socks.is_none() && self.quic.is_none() && self.dns.is_empty();
        something && nothing_else && !self.swapped && self.tls.iter().all(headless)
    }

    /// Whether it matters at which address the server is: it is a proxy or a resolver.
    pub fn asks_a_server(&self) -> bool {
        !self.dns.is_empty() || self.http.iter().any(|e| e.is_connect() || !e.target.starts_with('/'))
    }
}

/// A TLS 1.2 or 1.3 session by name, complete, without an alert, quickly accepted. Of a hello that the capture missed
/// nothing is asked but that the handshake was quick without it.
fn is_sound(t: &TlsSession) -> bool {
    let ([hello], choices @ ([] | [_])) = (t.client_hellos.as_slice(), t.server_hellos.as_slice()) else {
        return false;
    };
    let Some(complete) = t.complete else { return false };
    let accepted = t.first_answer().unwrap_or_else(|| complete.time.since(hello.at.time));
    t.carrier != TlsCarrier::Dtls
        && !t.reversed
        && !hello.sslv2
        && hello.sni.is_some()
        && choices.iter().all(|c| !c.record_cut && !c.hello_retry_request && matches!(c.version, 0x0303 | 0x0304))
        && t.alerts.is_empty()
        && t.client_certificates.is_empty()
        && t.plaintext_answer.is_none()
        && !t.decrypted
        && accepted < PROMPT_NS
}

/// One over TCP in which both sides had something to say; nobody else was asked before the server answered.
fn is_ordinary(t: &TlsSession, round_trip: i64) -> bool {
    is_sound(t) && !t.asks_another_first(round_trip) && t.encrypted.iter().all(|e| e.application_records > 0)
}

/// A QUIC connection that was taken at the first try and used by both.
fn is_smooth(quic: &QuicFact) -> bool {
    let (Some(asked), Some(answered)) = (quic.first_initial, quic.first_answer) else { return false };
    quic.version_negotiation.is_empty()
        && !quic.retry
        && quic.close_code.is_none()
        && quic.short_packets.iter().all(|n| *n > 0)
        && answered.time.since(asked.time) < PROMPT_NS
}

/// Certificates by their fingerprints.
struct Chain<'a>(&'a [Presented]);

impl Chain<'_> {
    fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|c| c.sha256.as_str())
    }
}

impl Hash for Chain<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprints().for_each(|f| f.hash(state));
    }
}

fn tls_outline(t: &TlsSession) -> impl Hash + '_ {
    let hello = t.client_hellos.first();
    (
        hello.and_then(|h| h.sni.as_deref()),
        hello.map(|h| (h.max_version(), h.cut)),
        t.tunnel.as_deref(),
        t.server_hellos.first().map(|h| h.version),
        t.resumed,
        t.certificate_requested,
        Chain(&t.certificates),
    )
}

/// Answered at once, and with what was asked for.
fn is_prompt(e: &HttpExchange) -> bool {
    let (Some(asked), Some(answered)) = (e.request_at, e.response_at) else { return false };
    e.status.is_some_and(|s| (200..300).contains(&s)) && answered.time.since(asked.time) < PROMPT_NS
}

/// What is inside of a tunnel is not known here, nor who is meant where nobody is named.
fn names_its_host(e: &HttpExchange) -> bool {
    !e.is_connect() && (e.host.is_some() || !e.target.starts_with('/'))
}

fn http_outline(e: &HttpExchange) -> impl Hash + '_ {
    // Where on a host something lies tells nothing; which host a proxy is asked for does.
    let asked = (!e.target.starts_with('/')).then_some(e.target.as_str());
    let clock = e.date.zip(e.response_at).map(|(date, at)| at.time.since(date).div_euclid(CLOCK_NS));
    let answer = (
        e.status,
        &e.server,
        &e.via,
        &e.location,
        &e.content_type,
        &e.product_headers,
        &e.title,
        &e.body_head,
        &e.proxy_authenticate,
        clock,
    );
    ((&e.method, asked, e.minor_version, &e.host, &e.user_agent, &e.proxy_authorization, e.decrypted), answer)
}

/// One question, and at once an answer that settles it.
fn is_answered(asked: &DnsMessage, answer: &DnsMessage) -> bool {
    let plain = |m: &DnsMessage| m.kind == DnsKind::Dns && !m.tcp && !m.damaged && !m.truncated && m.opcode == 0;
    plain(asked)
        && plain(answer)
        && !asked.response
        && answer.response
        && asked.id == answer.id
        && asked.questions.len() == 1
        && asked.questions == answer.questions
        && matches!((answer.rcode, answer.answers.is_empty()), (0, false) | (NXDOMAIN, _))
        && answer.at.time.since(asked.at.time) < PROMPT_NS
}

fn dns_outline(answer: &DnsMessage) -> impl Hash + '_ {
    let records: Vec<_> = answer.answers.iter().map(|r| (r.name.as_str(), r.kind, &r.data)).collect();
    (answer.questions.first(), answer.rcode, answer.soa, records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fellow(server: &str) -> Fellow {
        let (time, client) = (Timestamp(1), [10, 0, 0, 1].into());
        let server = server.parse().unwrap();
        let (handshake_rtt, first_answer) = (None, Some(7));
        Fellow { began: time, ended: time, client, server, handshake_rtt, first_answer, missed_bytes: 0, cut_bytes: 0 }
    }

    /// What the crowd of a first one brings into another: its server in front, however it is kept until then.
    fn servers(crowd: Crowd) -> Vec<String> {
        let mut all = Crowd::default();
        all.absorb(crowd);
        all.servers.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn what_the_first_brought_is_kept_once_and_in_front() {
        let (a, b, app) = ("192.0.2.1:443", "192.0.2.2:443", AppFacts::default());
        // In which order they are counted, and whether what the first brought must be kept beside the lists.
        for (before, after, beside) in
            [(&[][..], &[][..], true), (&[a], &[b], false), (&[b], &[a], true), (&[], &[a], false)]
        {
            let mut crowd = Crowd::default();
            assert!(before.iter().all(|server| crowd.take_in(&fellow(server), &app)));
            crowd.take_in_first(&fellow(a), &app);
            assert!(after.iter().all(|server| crowd.take_in(&fellow(server), &app)));
            assert_eq!(crowd.first.is_some(), beside, "{before:?} {after:?}");
            assert_eq!(crowd.len(), before.len() + after.len() + 1);
            assert_eq!(servers(crowd).first().map(String::as_str), Some(a));
        }
    }

    #[test]
    fn the_shortest_time_is_kept_where_there_was_one() {
        let mut crowd = Crowd::default();
        assert!(crowd.take_in(&fellow("192.0.2.1:443"), &AppFacts::default()));
        assert_eq!((crowd.handshake_rtt(), crowd.first_answer()), (None, Some(7)));
        assert!(crowd.take_in(&Fellow { first_answer: Some(3), ..fellow("192.0.2.1:443") }, &AppFacts::default()));
        assert!(crowd.take_in(&Fellow { first_answer: None, ..fellow("192.0.2.1:443") }, &AppFacts::default()));
        assert_eq!((crowd.handshake_rtt(), crowd.first_answer()), (None, Some(3)));
        let mut all = Crowd::default();
        all.absorb(crowd);
        assert_eq!((all.handshake_rtt(), all.first_answer()), (None, Some(3)));
    }

    #[test]
    fn a_crowd_stays_small() {
        assert!(size_of::<Crowd>() <= 168, "{}", size_of::<Crowd>());
    }
}
