//! Facts of all evidence → the case: one clock, names ↔ addresses ↔ flows joined; the story of each host.
//!
//! What enters: the facts of every piece of evidence. What leaves: [`Case`], for each host that the client wanted the
//! name look-ups and the attempts to reach it, in time order, each with the way it took. Nothing is judged here.

mod attempts;
mod copies;
pub mod log_join;
mod lookups;
mod moment;
mod names;
mod presence;
mod times;
mod vouched;
mod watch;

use crate::facts::log::{LogFacts, SigninFacts};
use crate::facts::system::SystemFacts;
use crate::facts::{CaptureFacts, Crowd, Flow, FlowTransport, TlsSession};
use crate::knowledge;
use crate::knowledge::endpoints::Endpoint;
use crate::packet::At;
use crate::parallel;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

pub(crate) use attempts::{in_lost_tunnel, is_proxy_port};
pub use log_join::{AttemptJoin, LogClock, Said};
pub use lookups::{Lookup, LookupResult};
pub use moment::Moment;
pub use names::AddressBook;
pub(crate) use names::is_proxy_like;
pub use presence::{Heard, Presence};
pub use vouched::Vouched;
pub use watch::Watch;

/// One piece of evidence with its facts.
#[derive(Debug)]
pub struct Piece {
    /// Path as shown in reports.
    pub path: String,
    /// Container around it (`cab`, `zip`, `gz`, `zst`).
    pub container: Option<&'static str>,
    /// Size in bytes.
    pub bytes: u64,
    /// What it says.
    pub facts: PieceFacts,
}

impl Piece {
    /// What it says, if it is a capture.
    pub fn capture(&self) -> Option<&CaptureFacts> {
        if let PieceFacts::Capture(capture) = &self.facts { Some(capture) } else { None }
    }
}

/// What a piece of evidence says.
#[derive(Debug)]
pub enum PieceFacts {
    /// A capture.
    Capture(Box<CaptureFacts>),
    /// A debug log.
    Log(Box<LogFacts>),
    /// A sign-in log export.
    Signin(Box<SigninFacts>),
    /// System files of a NetTrace.cab.
    System(Box<SystemFacts>),
    /// A TLS key log; used while the captures were read.
    KeyLog,
}

/// Everything known about one customer problem.
#[derive(Debug)]
pub struct Case {
    /// The evidence.
    pub pieces: Vec<Piece>,
    /// Hosts in order of first appearance.
    pub hosts: Vec<HostStory>,
    /// Names and addresses.
    pub book: AddressBook,
    /// Proxies that the client used or tried: address → name or address text, `host:port`.
    pub proxies: BTreeMap<SocketAddr, String>,
    /// Those of them that nothing shows to be proxies but that nothing else was tried.
    guessed_proxies: BTreeSet<SocketAddr>,
    /// What each capture saw, by index into [`Case::pieces`]; of other pieces, nothing.
    watches: Vec<Watch>,
    /// Connections that were captured more than once.
    copies: copies::Copies,
    /// Addresses that anybody connected to, or was answered by.
    used: HashSet<IpAddr>,
    /// When each client last reached an address of which no capture tells a name.
    nameless: HashMap<IpAddr, Timestamp>,
    /// When each client was heard, once somebody asks.
    presence: OnceLock<Presence>,
    /// Whose certificates the clients' programs went on with, once somebody asks.
    vouched: OnceLock<Vouched>,
    /// The clock of each debug log against the capture's.
    pub clocks: Vec<LogClock>,
    /// The lines of each sign-in attempt on the capture's clock.
    pub joins: Vec<AttemptJoin>,
}

/// What a host is to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// A service that was asked for.
    #[default]
    Service,
    /// A proxy on the way.
    Proxy,
    /// A resolver.
    DnsServer,
    /// Neighbours and noise.
    Other,
}

impl Role {
    /// The word of the contract.
    pub fn code(self) -> &'static str {
        match self {
            Role::Service => "service",
            Role::Proxy => "proxy",
            Role::DnsServer => "dns_server",
            Role::Other => "other",
        }
    }
}

/// What happened between the client and one host.
#[derive(Debug)]
pub struct HostStory {
    /// Name in lower case, or the address as text.
    pub name: String,
    /// What it is to the client.
    pub role: Role,
    /// Its line in the endpoint table.
    pub endpoint: Option<&'static Endpoint>,
    /// Needed for the sign-in, as far as that can be told.
    pub required: Option<bool>,
    /// Questions for its name, in time order.
    pub lookups: Vec<Lookup>,
    /// Attempts to reach it, in time order.
    pub attempts: Vec<Attempt>,
    /// Hosts the debug log speaks of have this set.
    pub in_log: bool,
    /// What debug logs say about it, in the order of the evidence.
    pub said: Vec<Said>,
}

impl HostStory {
    /// The address that stands for a host whose name is not known.
    pub fn address(&self) -> Option<IpAddr> {
        self.name.parse().ok()
    }

    /// By what hosts are put in order of time. Hosts of which only a log tells have no time; where there are packets, they
    /// come first.
    pub fn order_in_time(&self) -> (bool, Option<Moment>) {
        let first = self.first_moment();
        (first.is_none(), first)
    }

    /// First thing that happened with it.
    pub fn first_time(&self) -> Option<Timestamp> {
        self.first_moment().map(|first| first.time)
    }

    fn first_moment(&self) -> Option<Moment> {
        let lookup = self.lookups.first().and_then(|l| Some(Moment::new(l.piece, *l.asked.first()?)));
        lookup.into_iter().chain(self.attempts.first().map(Attempt::began)).min()
    }
}

/// The way an attempt took.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// To the host itself.
    Direct,
    /// Through an HTTP proxy, `host:port`.
    Proxy(String),
    /// Through a SOCKS proxy, `host:port`.
    Socks(String),
}

impl Way {
    /// The proxy as reports show it.
    pub fn proxy_text(&self) -> Option<String> {
        match self {
            Way::Direct => None,
            Way::Proxy(p) => Some(p.clone()),
            Way::Socks(p) => Some(format!("socks5://{p}")),
        }
    }
}

/// One attempt to reach a host: a flow, and the part of it that was about this host.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Index into [`Case::pieces`].
    pub piece: usize,
    /// Index into the capture's flows.
    pub flow: usize,
    /// Index into the flow's TLS sessions.
    pub session: Option<usize>,
    /// Index into the flow's HTTP exchanges: the CONNECT, or the plain request.
    pub exchange: Option<usize>,
    /// The way it took.
    pub way: Way,
    /// The client end.
    pub client: IpAddr,
    /// Where the packets went.
    pub peer: SocketAddr,
    /// First frame.
    pub start: At,
    /// Last frame.
    pub end: At,
    /// The name was concluded (order of questions and connections), not read.
    pub name_inferred: bool,
}

impl Attempt {
    /// Its beginning, in the order of the case.
    pub fn began(&self) -> Moment {
        Moment::new(self.piece, self.start)
    }
}

/// Whether two clients may be one machine: they have the same address, or one has none of the other's family.
pub fn may_be_one(a: IpAddr, b: IpAddr) -> bool {
    a == b || a.is_ipv6() != b.is_ipv6()
}

impl Case {
    /// Joins the facts of all pieces.
    pub fn build(pieces: Vec<Piece>) -> Case {
        let flows = pieces.iter().filter_map(Piece::capture).map(|capture| capture.flows.len()).sum();
        let tried = || {
            let book = AddressBook::build(&pieces);
            let named = attempts::named(&pieces);
            let (proxies, guessed) = attempts::proxies(&pieces, &book, &named);
            let attempts = attempts::collect(&pieces, &book, &proxies);
            (book, named, (proxies, guessed), attempts)
        };
        let ((book, named_proxies, (proxies, guessed_proxies), attempts), lookups) =
            parallel::join(flows, tried, || lookups::collect(&pieces));
        let mut case = Case {
            pieces,
            hosts: Vec::new(),
            book,
            proxies,
            guessed_proxies,
            watches: Vec::new(),
            copies: copies::Copies::default(),
            used: HashSet::new(),
            nameless: HashMap::new(),
            presence: OnceLock::new(),
            vouched: OnceLock::new(),
            clocks: Vec::new(),
            joins: Vec::new(),
        };
        case.tell_stories(lookups, attempts, &named_proxies);
        let watch = |(index, piece): (usize, &Piece)| {
            piece.capture().map_or_else(Watch::default, |capture| Watch::new(index, capture, &case.hosts))
        };
        let heard = || {
            let watches = case.pieces.iter().enumerate().map(watch).collect();
            (case.used_addresses(), case.last_nameless(), watches)
        };
        let copies = || copies::Copies::find(&case.pieces);
        (case.copies, (case.used, case.nameless, case.watches)) = parallel::join(flows, copies, heard);
        log_join::name_hosts(&mut case);
        (case.clocks, case.joins) = log_join::join(&case);
        case
    }

    /// Number of attempts on all hosts.
    pub fn attempts(&self) -> usize {
        self.hosts.iter().map(|h| h.attempts.len()).sum()
    }

    /// The captures with their index among the pieces.
    pub fn captures(&self) -> impl Iterator<Item = (usize, &CaptureFacts)> {
        self.pieces.iter().enumerate().filter_map(|(i, p)| Some((i, p.capture()?)))
    }

    /// The debug logs with their index among the pieces.
    pub fn logs(&self) -> impl Iterator<Item = (usize, &LogFacts)> {
        self.pieces.iter().enumerate().filter_map(|(i, p)| match &p.facts {
            PieceFacts::Log(l) => Some((i, &**l)),
            _ => None,
        })
    }

    /// The sign-in log exports with their index among the pieces.
    pub fn signins(&self) -> impl Iterator<Item = (usize, &SigninFacts)> {
        self.pieces.iter().enumerate().filter_map(|(i, p)| match &p.facts {
            PieceFacts::Signin(s) => Some((i, &**s)),
            _ => None,
        })
    }

    /// What the system files say, with their index among the pieces.
    pub fn systems(&self) -> impl Iterator<Item = (usize, &SystemFacts)> {
        self.pieces.iter().enumerate().filter_map(|(i, p)| match &p.facts {
            PieceFacts::System(s) => Some((i, &**s)),
            _ => None,
        })
    }

    /// The attempt and the line that `said` stands for.
    pub fn line(&self, said: Said) -> Option<(&crate::facts::log::Attempt, &crate::facts::log::LogEvent)> {
        let attempt = self.log(said.piece)?.attempts.get(said.attempt)?;
        Some((attempt, attempt.events.get(said.event)?))
    }

    /// The log of a piece.
    pub fn log(&self, piece: usize) -> Option<&LogFacts> {
        if let PieceFacts::Log(log) = &self.pieces.get(piece)?.facts { Some(log) } else { None }
    }

    /// What the log of a line tells of after its run.
    pub fn runs_after(&self, said: Said) -> &[crate::facts::log::Attempt] {
        let later = self.log(said.piece).and_then(|log| log.attempts.get(said.attempt.saturating_add(1)..));
        later.unwrap_or_default()
    }

    /// The capture of an attempt.
    pub fn capture(&self, piece: usize) -> Option<&CaptureFacts> {
        self.pieces.get(piece)?.capture()
    }

    /// What a capture saw.
    pub fn watch(&self, piece: usize) -> Option<&Watch> {
        self.watches.get(piece)
    }

    /// Whether the client of `attempt` later reached an address of which the captures tell no name. Where the addresses
    /// were cut out of the DNS answers and a connection has its name by the order of events alone, that may have been
    /// the same host.
    pub fn reached_nameless_after(&self, attempt: &Attempt) -> bool {
        self.nameless.get(&attempt.client).is_some_and(|last| *last > attempt.start.time)
    }

    fn last_nameless(&self) -> HashMap<IpAddr, Timestamp> {
        let mut last = HashMap::new();
        for host in self.hosts.iter().filter(|h| h.address().is_some()) {
            let reached = |a: &&Attempt| self.flow(a).is_some_and(|f| f.sides.iter().all(|s| s.packets > 0));
            for attempt in host.attempts.iter().filter(reached) {
                let last = last.entry(attempt.client).or_insert(attempt.start.time);
                *last = (*last).max(attempt.start.time);
            }
        }
        last
    }

    /// The flow of an attempt.
    pub fn flow(&self, attempt: &Attempt) -> Option<&Flow> {
        self.capture(attempt.piece)?.flows.get(attempt.flow)
    }

    /// The TLS session of an attempt.
    pub fn session(&self, attempt: &Attempt) -> Option<&TlsSession> {
        self.flow(attempt)?.app.tls.get(attempt.session?)
    }

    /// When the last of the connections began that went as the attempt's, itself included.
    pub fn began_last(&self, attempt: &Attempt) -> Moment {
        let began = attempt.began();
        self.crowd(attempt).map_or(began, |crowd| Moment::late(attempt.piece, crowd.latest).max(began))
    }

    /// What attempts at one and the same connection have in common, however often that was captured; of several sessions
    /// in one connection each stands for itself. (Of the first a copy that is cut may show nothing.)
    pub fn connection(&self, attempt: &Attempt) -> (copies::FlowId, usize) {
        (self.copies.connection((attempt.piece, attempt.flow)), attempt.session.unwrap_or(0))
    }

    /// Where the connection of an attempt goes on in later files of a ring: the captures and flows, in order of time, and
    /// whether nothing is missing between a file and the one before it.
    pub fn later<'a>(&'a self, attempt: &Attempt) -> impl Iterator<Item = (usize, &'a Flow, bool)> + 'a {
        self.copies.later((attempt.piece, attempt.flow)).filter_map(|later| {
            let (piece, flow) = later.flow;
            Some((piece, self.capture(piece)?.flows.get(flow)?, later.adjoins))
        })
    }

    /// Whether the peer of an attempt is a proxy by a guess alone: no setting, log, request or name says so.
    pub fn is_guessed_proxy(&self, attempt: &Attempt) -> bool {
        self.guessed_proxies.contains(&attempt.peer)
    }

    /// When the server of an attempt last said more on its connection than a farewell.
    pub fn answered_until(&self, attempt: &Attempt) -> Option<Timestamp> {
        self.flow(attempt)?.sides.get(1)?.last_content.map(|at| at.time)
    }

    /// Whether anybody connected to an address, or was answered by it.
    pub fn is_used(&self, address: IpAddr) -> bool {
        self.used.contains(&address)
    }

    fn used_addresses(&self) -> HashSet<IpAddr> {
        let heard = |f: &Flow| f.transport == FlowTransport::Tcp || f.sides.iter().all(|side| side.packets > 0);
        let attempts = self.hosts.iter().flat_map(|h| &h.attempts);
        let used = attempts.filter(|a| self.flow(a).is_some_and(heard));
        used.flat_map(|a| {
            let counted = self.crowd(a).into_iter().flat_map(|crowd| crowd.servers.iter().map(|s| s.ip()));
            std::iter::once(a.peer.ip()).chain(counted)
        })
        .collect()
    }

    /// When the attempt's connection, or one that went as it did, was used last.
    pub fn used_until(&self, attempt: &Attempt) -> Timestamp {
        self.crowd(attempt).into_iter().flat_map(Crowd::ends).fold(attempt.end.time, Timestamp::max)
    }

    /// The connections that went as this attempt's, to the same host, and are only counted.
    pub fn crowd(&self, attempt: &Attempt) -> Option<&Crowd> {
        self.flow(attempt)?.crowd.as_deref().filter(|crowd| !crowd.mixed)
    }

    /// The clients of all attempts on a host, those that are only counted included; one may come several times.
    pub fn clients<'a>(&'a self, host: &'a HostStory) -> impl Iterator<Item = IpAddr> + 'a {
        host.attempts.iter().flat_map(|attempt| self.clients_of(attempt))
    }

    /// The client of an attempt, and those of the connections that went as it did.
    pub fn clients_of(&self, attempt: &Attempt) -> impl Iterator<Item = IpAddr> + '_ {
        std::iter::once(attempt.client).chain(self.crowd(attempt).into_iter().flat_map(Crowd::clients))
    }

    /// When an attempt's connection, and those that went as it did, were of use: client, beginning, and the server's last
    /// answer. Of those that are only counted no more than the ends are known.
    pub fn uses(&self, attempt: &Attempt) -> impl Iterator<Item = (IpAddr, Timestamp, Timestamp)> + '_ {
        let began = attempt.start.time;
        let until = self.answered_until(attempt).map_or(began, |until| until.max(began));
        let counted = self.crowd(attempt).into_iter().flat_map(Crowd::members).map(|(end, client)| (client, end, end));
        std::iter::once((attempt.client, began, until)).chain(counted)
    }

    /// When each client was heard.
    pub fn presence(&self) -> &Presence {
        self.presence.get_or_init(|| Presence::of(self))
    }

    /// Whose certificates programs went on with, at whatever host.
    pub fn vouched(&self) -> &Vouched {
        self.vouched.get_or_init(|| Vouched::of(self))
    }

    /// The image name of a process by the system files of the case.
    pub fn process_name(&self, pid: u32) -> Option<&str> {
        self.pieces.iter().find_map(|p| match &p.facts {
            PieceFacts::System(s) => s.processes.iter().find(|e| e.pid == pid).map(|e| e.name.as_str()),
            _ => None,
        })
    }

    /// The story of a host.
    pub fn host(&self, name: &str) -> Option<&HostStory> {
        self.hosts.iter().find(|h| h.name == name)
    }

    fn tell_stories(
        &mut self,
        lookups: Vec<Lookup>,
        attempts: Vec<(String, Attempt)>,
        named_proxies: &[(String, u16)],
    ) {
        let mut stories: BTreeMap<String, (Vec<Lookup>, Vec<Attempt>)> = BTreeMap::new();
        for (name, attempt) in attempts {
            stories.entry(name).or_default().1.push(attempt);
        }
        let asked: HashSet<String> = lookups.iter().map(|l| l.name.clone()).collect();
        for lookup in lookups {
            if lookups::is_suffix_search(&lookup, &asked) {
                continue;
            }
            stories.entry(lookup.name.clone()).or_default().0.push(lookup);
        }
        let proxy_names: Vec<&str> =
            self.proxies.values().filter_map(|p| p.rsplit_once(':').map(|(host, _)| host)).collect();
        let named: HashSet<&str> = named_proxies.iter().map(|(name, _)| name.as_str()).collect();
        // A proxy whose name never resolved has no address by which its connections could be known.
        let is_named_proxy = |name: &str, lookups: &[Lookup], attempts: &[Attempt]| {
            let unresolved = |l: &Lookup| !matches!(l.result, LookupResult::Addresses { .. });
            attempts.is_empty() && named.contains(name) && lookups.iter().all(unresolved)
        };
        let mut hosts: Vec<HostStory> = Vec::new();
        for (name, (mut lookups, mut attempts)) in stories {
            lookups.sort_by_key(|l| l.asked.first().map(|a| a.time));
            attempts.sort_by_key(|a| (a.start.time, a.piece, a.flow));
            let endpoint = knowledge::endpoint(&name);
            let role = if proxy_names.contains(&name.as_str()) || is_named_proxy(&name, &lookups, &attempts) {
                Role::Proxy
            } else if endpoint.is_some()
                || knowledge::is_microsoft_host(&name)
                || knowledge::federation_likeness(&name).is_some()
                || knowledge::is_entra_address(&name)
            {
                Role::Service
            } else {
                Role::Other
            };
            let required = match role {
                Role::Proxy => Some(true),
                _ => endpoint.and_then(|e| e.need.required()),
            };
            hosts.push(HostStory {
                name,
                role,
                endpoint,
                required,
                lookups,
                attempts,
                in_log: false,
                said: Vec::new(),
            });
        }
        hosts.sort_by(|a, b| (a.first_moment(), &a.name).cmp(&(b.first_moment(), &b.name)));
        name_the_way_out(&mut hosts);
        need_the_only_authority(&mut hosts);
        self.hosts = hosts;
    }
}

/// An authority by another name is one of several ways to sign in, unless it is the only one that was tried.
fn need_the_only_authority(hosts: &mut [HostStory]) {
    use knowledge::endpoints::Role as EndpointRole;
    let role = |h: &HostStory| h.endpoint.map(|e| e.role);
    if hosts.iter().any(|h| role(h) == Some(EndpointRole::Authority)) {
        return;
    }
    for host in hosts.iter_mut().filter(|h| role(h) == Some(EndpointRole::AuthorityAlias)) {
        host.required = Some(true);
    }
}

/// Where no host of a sign-in was asked for, a client that looked up the name of a proxy in vain wanted that proxy.
fn name_the_way_out(hosts: &mut [HostStory]) {
    let asked_for_service = hosts
        .iter()
        .any(|h| h.role == Role::Service && (h.endpoint.is_some() || knowledge::is_microsoft_host(&h.name)));
    if asked_for_service || hosts.iter().any(|h| h.role == Role::Proxy) {
        return;
    }
    let wanted = hosts.iter_mut().find(|h| h.attempts.is_empty() && names::is_proxy_like(&h.name));
    if let Some(host) = wanted {
        host.role = Role::Proxy;
        host.required = Some(true);
    }
}
