//! Names and addresses: which name stood for which address at which time, for a client without an SNI.

use super::{Piece, PieceFacts};
use crate::facts::{CaptureFacts, Crowd, DnsData, DnsKind, DnsMessage, Flow};
use crate::knowledge;
use crate::time::{LATE_NS, NANOS_PER_SECOND, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Which names stood for which addresses, by the DNS answers of the captures (and their name resolution blocks).
#[derive(Debug, Default)]
pub struct AddressBook {
    /// Address → (time of the answer, name asked for), in time order.
    by_address: BTreeMap<IpAddr, Vec<(Timestamp, Arc<str>)>>,
    /// (Client, address) → the answers that this client itself was given, in time order. Only of clients with a
    /// connection to that address that does not say its name.
    own: HashMap<(IpAddr, IpAddr), Vec<OwnAnswer>>,
    /// Who went to an address to which a connection without a name went.
    visitors: HashMap<IpAddr, Visitors>,
    /// Client → answers that were seen but cut before the addresses, in time order.
    cut_answers: HashMap<IpAddr, Vec<CutAnswer>>,
    /// (Client, whether for IPv6) → questions whose answers the capture misses, as cut answers, in time order.
    unseen_answers: HashMap<(IpAddr, bool), Vec<CutAnswer>>,
    /// Cut answer (client, time) → the first connection that worked of those that are taken for its name: when it
    /// began, and where it went.
    tied: HashMap<(IpAddr, Timestamp), (Timestamp, IpAddr)>,
}

/// An answer that named an address.
#[derive(Debug)]
struct OwnAnswer {
    at: Timestamp,
    name: Arc<str>,
    /// When the same address was last given for another name before.
    other: Option<Timestamp>,
}

/// An answer whose addresses were cut off.
#[derive(Debug)]
struct CutAnswer {
    at: Timestamp,
    /// The name asked for; `None` where the question was cut too: some other name.
    name: Option<Arc<str>>,
}

/// The clients that went to an address.
#[derive(Debug, Clone, Copy)]
struct Visitors {
    first: IpAddr,
    several: bool,
}

/// A connection is taken for the name whose answer came at most this long before its first packet, where it is not the
/// address that tells.
const ANSWER_WINDOW_NS: i64 = 2 * NANOS_PER_SECOND;

/// A name that an address was given for may be used this long: hardly any answer may be kept longer.
const LIVE_NS: i64 = 3600 * NANOS_PER_SECOND;

/// Within this time after a question a client that was answered connects: the first that asks again does so then.
const UNASKED_NS: i64 = NANOS_PER_SECOND;

/// A question that is repeated at all is repeated within this time.
pub(super) const REPEATED_NS: i64 = 15 * NANOS_PER_SECOND;

impl AddressBook {
    pub(super) fn build(pieces: &[Piece]) -> AddressBook {
        let mut book = AddressBook::default();
        let captures = || pieces.iter().filter_map(Piece::capture);
        let flows = || captures().flat_map(|c| &c.flows);
        let wanted = Wanted::new(flows());
        let mut counted = HashMap::new();
        for piece in pieces {
            match &piece.facts {
                PieceFacts::Capture(capture) => book.read(capture, &wanted, &mut counted),
                PieceFacts::System(system) => {
                    for (address, name) in &system.names {
                        book.by_address.entry(*address).or_default().push((Timestamp(i64::MIN), name.as_str().into()));
                    }
                }
                _ => {}
            }
        }
        for (address, names) in &mut book.by_address {
            add_counted(names, counted.get(address).map_or(&[], Vec::as_slice));
            put_in_order(names);
        }
        book.own.values_mut().for_each(|answers| note_other_names(answers));
        captures().for_each(|capture| book.note_unseen_answers(capture));
        for answers in book.cut_answers.values_mut().chain(book.unseen_answers.values_mut()) {
            answers.sort_by_key(|a| a.at);
        }
        for flow in flows() {
            book.visit(flow, &wanted);
        }
        if !book.cut_answers.is_empty() || !book.unseen_answers.is_empty() {
            flows().for_each(|flow| book.tie(flow));
        }
        book
    }

    /// Reads the answers of a capture; those that are only counted go to `counted`, by the addresses in them.
    fn read<'c>(
        &mut self,
        capture: &'c CaptureFacts,
        wanted: &Wanted,
        counted: &mut HashMap<IpAddr, Vec<Counted<'c>>>,
    ) {
        for (address, name) in &capture.info.names {
            self.by_address.entry(*address).or_default().push((Timestamp(i64::MIN), name.to_ascii_lowercase().into()));
        }
        // (Client, alias) → when an answer left it to the client to ask for that, and what it wanted.
        let mut chased: HashMap<(IpAddr, String), (Timestamp, Arc<str>)> = HashMap::new();
        for message in capture.dns.iter().filter(|m| m.response && m.kind == DnsKind::Dns) {
            let client = message.dst.map(|dst| dst.ip());
            let mut name: Option<Arc<str>> =
                message.questions.first().map(|(name, _)| name.to_ascii_lowercase().into());
            if !chased.is_empty()
                && let (Some(client), Some(asked)) = (client, &name)
                && let Some((at, wanted)) = chased.get(&(client, asked.to_string()))
                && message.at.time.since(*at) < CHASE_NS
            {
                name = Some(Arc::clone(wanted));
            }
            if let (Some(client), Some(name), Some(alias)) = (client, &name, open_alias(message)) {
                chased.insert((client, alias), (message.at.time, Arc::clone(name)));
            }
            let mut any = false;
            for address in addresses(message) {
                any = true;
                let Some(name) = &name else { continue };
                self.by_address.entry(address).or_default().push((message.at.time, Arc::clone(name)));
                if let Some(client) = client.filter(|client| wanted.ways.contains(&(*client, address))) {
                    self.own_answer(client, address, message.at.time, name);
                }
            }
            if !any
                && message.damaged
                && message.rcode == 0
                && let Some(client) = client
            {
                self.cut_answers.entry(client).or_default().push(CutAnswer { at: message.at.time, name });
            }
        }
        for crowd in capture.crowds() {
            let Some(answer) = crowd.answer.as_deref() else { continue };
            let Some((name, _)) = answer.questions.first() else { continue };
            let name: Arc<str> = name.to_ascii_lowercase().into();
            for address in addresses(answer) {
                self.by_address.entry(address).or_default();
                counted.entry(address).or_default().push((Arc::clone(&name), crowd));
                if !wanted.addresses.contains(&address) {
                    continue;
                }
                for (end, client) in crowd.members().filter(|(_, client)| wanted.ways.contains(&(*client, address))) {
                    self.own_answer(client, address, end, &name);
                }
            }
        }
    }

    fn own_answer(&mut self, client: IpAddr, address: IpAddr, at: Timestamp, name: &Arc<str>) {
        let answer = OwnAnswer { at, name: Arc::clone(name), other: None };
        self.own.entry((client, address)).or_default().push(answer);
    }

    /// Notes the questions that have no answer in the capture and that the client did not repeat, as it does where it is not
    /// answered. What it connects to next tells whether it was.
    fn note_unseen_answers(&mut self, capture: &CaptureFacts) {
        // Client, name and record type → the last question, where nothing has answered it and none came shortly before it.
        let mut open: HashMap<(IpAddr, &str, u16), (Timestamp, bool)> = HashMap::new();
        for message in capture.dns.iter().filter(|m| m.kind == DnsKind::Dns) {
            let Some((name, kind)) = message.questions.first().filter(|(_, kind)| matches!(kind, 1 | 28)) else {
                continue;
            };
            let client = if message.response { message.dst } else { message.src };
            let Some(client) = client.map(|c| c.ip()) else { continue };
            let (key, at) = ((client, name.as_str(), *kind), message.at.time);
            if message.response {
                open.remove(&key);
            } else {
                let repeats = open.get(&key).is_some_and(|(last, _)| at.since(*last) < REPEATED_NS);
                open.insert(key, (at, repeats));
            }
        }
        for ((client, name, kind), (at, _)) in open.into_iter().filter(|(_, (_, repeats))| !repeats) {
            let answer = CutAnswer { at, name: Some(name.to_ascii_lowercase().into()) };
            self.unseen_answers.entry((client, kind == 28)).or_default().push(answer);
        }
    }

    /// Notes who went where with a flow, and with those that are only counted beside it.
    fn visit(&mut self, flow: &Flow, wanted: &Wanted) {
        let mut note = |address: IpAddr, by: Visitors| {
            if wanted.addresses.contains(&address) {
                let known = self.visitors.entry(address).or_insert(by);
                known.several |= by.several || known.first != by.first;
            }
        };
        note(flow.ends.server.ip(), Visitors { first: flow.ends.client.ip(), several: false });
        let Some(crowd) = flow.crowd.as_deref() else { return };
        let mut there = crowd.servers.iter().map(|s| s.ip()).filter(|s| wanted.addresses.contains(s)).peekable();
        if there.peek().is_some()
            && let Some(first) = crowd.clients().next()
        {
            let by = Visitors { first, several: crowd.clients().any(|client| client != first) };
            there.for_each(|address| note(address, by));
        }
    }

    /// Ties the name of a cut answer to the address of the first connection that worked after it.
    fn tie(&mut self, flow: &Flow) {
        let (client, address, began) = (flow.ends.client.ip(), flow.ends.server.ip(), flow.first.time);
        if flow.tcp.as_ref().is_none_or(|tcp| tcp.syn_ack.is_none()) || self.by_address.contains_key(&address) {
            return;
        }
        let Some(answer) = self.answer_by_order(client, address, began).filter(|a| a.name.is_some()) else { return };
        let sni = flow.app.tls.iter().flat_map(|t| &t.client_hellos).find_map(|h| h.sni.as_deref());
        if sni.is_some_and(|sni| !answer.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(sni))) {
            return;
        }
        let key = (client, answer.at);
        let first = self.tied.entry(key).or_insert((began, address));
        *first = (*first).min((began, address));
    }

    /// The name that stood for `address` when a connection began at `when`, whoever asked: the latest answer before it,
    /// else the first one after it.
    pub fn name_of(&self, address: IpAddr, when: Timestamp) -> Option<&str> {
        self.answer_for(address, when).map(|(_, _, name)| name)
    }

    /// The answer behind that: how many came before `when`, its time, its name.
    fn answer_for(&self, address: IpAddr, when: Timestamp) -> Option<(usize, Timestamp, &str)> {
        let names = self.by_address.get(&address)?;
        let earlier = names.partition_point(|(t, _)| *t <= when);
        names.get(earlier.saturating_sub(1)).map(|(at, name)| (earlier, *at, &**name))
    }

    /// The name that `address` stood for to `client` when its connection began at `when`, and whether that is a
    /// conclusion: the client knew several names of the address, or others go there too and only they asked.
    pub fn name_for(&self, client: IpAddr, address: IpAddr, when: Timestamp) -> Option<(&str, bool)> {
        if let Some(answers) = self.own.get(&(client, address)) {
            let earlier = answers.partition_point(|a| a.at <= when);
            let answer = answers.get(earlier.saturating_sub(1))?;
            let fresh = |at: Timestamp| when.since(at) <= ANSWER_WINDOW_NS;
            // Asked for just now, it is what the client wants; what it asked for long ago, it no longer does.
            let told = answer.other.is_none_or(|o| when.since(o) > LIVE_NS || fresh(answer.at) && !fresh(o));
            // Nothing was told before it, and what came behind it speaks of more than one name.
            let several = || answers.iter().any(|a| a.name != answer.name);
            let told = told && (earlier > 0 || !several());
            return Some((&*answer.name, !told));
        }
        // A machine may ask by one address and go by another. Where more clients go there, whose answer it was is open.
        let (earlier, at, name) = self.answer_for(address, when)?;
        let alone = earlier < 2 && self.visitors.get(&address).is_none_or(|v| !v.several && v.first == client);
        Some((name, !alone && at.0 != i64::MIN))
    }

    /// The name that a connection of `client` to `address` at `when` was probably about, where the snap length cut the
    /// addresses out of the answers: that of the last answer before it, or one just behind it. A name whose connection
    /// works at one address is not sought at another. Where the capture misses an answer altogether, its question stands
    /// for it.
    pub fn name_by_order(&self, client: IpAddr, address: IpAddr, when: Timestamp) -> Option<&str> {
        let answer = self.answer_by_order(client, address, when)?;
        let tied = self.tied.get(&(client, answer.at));
        let elsewhere = tied.is_some_and(|(began, there)| *there != address && *began < when);
        answer.name.as_deref().filter(|_| !elsewhere)
    }

    fn answer_by_order(&self, client: IpAddr, address: IpAddr, when: Timestamp) -> Option<&CutAnswer> {
        let (cut, unseen) = (self.cut_answer(client, when), self.unseen_answer(client, address, when));
        // The later one; a cut answer may come just behind its connection.
        unseen.filter(|unseen| cut.is_none_or(|cut| cut.at < unseen.at)).or(cut)
    }

    /// The question of `client` whose answer the capture misses and that it probably had when it connected to a public
    /// `address` at `when`.
    fn unseen_answer(&self, client: IpAddr, address: IpAddr, when: Timestamp) -> Option<&CutAnswer> {
        let asked = self.unseen_answers.get(&(client, address.is_ipv6()))?;
        let last = asked.get(asked.partition_point(|a| a.at < when).checked_sub(1)?)?;
        (when.since(last.at) < UNASKED_NS && !knowledge::cannot_be_public(address)).then_some(last)
    }

    /// The cut answer that a connection of `client` at `when` probably came from.
    fn cut_answer(&self, client: IpAddr, when: Timestamp) -> Option<&CutAnswer> {
        let answers = self.cut_answers.get(&client)?;
        let behind = answers.partition_point(|a| a.at <= when);
        let before = behind.checked_sub(1).and_then(|last| answers.get(last));
        before
            .filter(|a| when.since(a.at) <= ANSWER_WINDOW_NS)
            .or_else(|| answers.get(behind).filter(|a| a.at.since(when) <= LATE_NS))
    }

    /// All addresses that ever stood for `name`.
    pub fn addresses_of(&self, name: &str) -> Vec<IpAddr> {
        self.by_address.iter().filter(|(_, names)| names.iter().any(|(_, n)| **n == *name)).map(|(a, _)| *a).collect()
    }
}

/// The connections that do not say their name.
#[derive(Default)]
struct Wanted {
    /// (Client, server).
    ways: HashSet<(IpAddr, IpAddr)>,
    /// Their servers.
    addresses: HashSet<IpAddr>,
}

impl Wanted {
    fn new<'a>(flows: impl Iterator<Item = &'a Flow>) -> Wanted {
        let named = |f: &Flow| {
            let sessions = &f.app.tls;
            !sessions.is_empty() && sessions.iter().all(|t| t.client_hellos.iter().any(|h| h.sni.is_some()))
        };
        let mut wanted = Wanted::default();
        for flow in flows.filter(|f| !named(f)) {
            wanted.ways.insert((flow.ends.client.ip(), flow.ends.server.ip()));
            wanted.addresses.insert(flow.ends.server.ip());
        }
        wanted
    }
}

/// Answers that are only counted, and the name that they were asked for.
type Counted<'c> = (Arc<str>, &'c Crowd);

/// Adds the answers with an address that are only counted to the others: all of them where it has several names, else the
/// first of each crowd, before which there is none that says more.
fn add_counted(names: &mut Vec<(Timestamp, Arc<str>)>, counted: &[Counted<'_>]) {
    let mut all = names.iter().map(|(_, name)| name).chain(counted.iter().map(|(name, _)| name));
    let several = all.next().is_some_and(|first| all.any(|name| name != first));
    for (name, crowd) in counted {
        let named = |end| (end, Arc::clone(name));
        if several {
            names.extend(crowd.ends().map(named));
        } else {
            names.extend(crowd.ends().min().map(named));
        }
    }
}

/// Brings answers into the order of time; of those with the same name in a row the first says all.
fn put_in_order(names: &mut Vec<(Timestamp, Arc<str>)>) {
    names.sort_unstable();
    names.dedup_by(|later, earlier| later.1 == earlier.1);
    names.shrink_to_fit();
}

/// Brings answers into the order of time and notes for each when the address last had another name.
fn note_other_names(answers: &mut [OwnAnswer]) {
    answers.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    let mut before: Option<(Arc<str>, Timestamp, Option<Timestamp>)> = None;
    for answer in answers {
        answer.other =
            before.as_ref().and_then(|(name, at, other)| if *name == answer.name { *other } else { Some(*at) });
        before = Some((Arc::clone(&answer.name), answer.at, answer.other));
    }
}

/// The addresses in an answer.
pub(super) fn addresses(message: &DnsMessage) -> impl Iterator<Item = IpAddr> + '_ {
    message.answers.iter().filter_map(|r| match &r.data {
        DnsData::Address(a) => Some(*a),
        _ => None,
    })
}

/// An answer that only names an alias is followed by the question for that within this time.
pub(super) const CHASE_NS: i64 = 2 * NANOS_PER_SECOND;

/// The alias that an answer ends with, where it leaves it to the client to ask for that: it holds CNAMEs and no address.
pub(super) fn open_alias(message: &DnsMessage) -> Option<String> {
    if message.rcode != 0 || message.damaged || message.truncated || addresses(message).next().is_some() {
        return None;
    }
    message.answers.iter().rev().find_map(|r| match &r.data {
        DnsData::Name(alias) if r.kind == 5 => Some(alias.trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    })
}

/// Labels by which proxies are usually named, alone or with a number or a place behind them.
const PROXY_LABELS: [&str; 9] = ["proxy", "prx", "px", "squid", "webgw", "webgateway", "webproxy", "swg", "gateway"];

/// Whether a name looks like that of a proxy. A guess for captures that hold nothing else; never proof.
pub(crate) fn is_proxy_like(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or("");
    first
        .split(|c: char| c == '-' || c == '_' || c.is_ascii_digit())
        .any(|part| PROXY_LABELS.contains(&part) || part.ends_with("proxy"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{DnsRecord, Fellow, FlowTransport, SideFacts, TcpFacts};
    use crate::flow::Ends;
    use crate::packet::At;
    use std::net::SocketAddr;

    const ME: &str = "10.0.0.5";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(seconds: i64) -> At {
        At { frame: 1, time: Timestamp(seconds * NANOS_PER_SECOND) }
    }

    /// An answer; without addresses it is cut, without a name the question too.
    fn answer(seconds: i64, client: &str, name: Option<&str>, address: Option<&str>) -> DnsMessage {
        let record = |a| DnsRecord { name: String::new(), kind: 1, ttl: 60, data: DnsData::Address(ip(a)) };
        DnsMessage {
            at: at(seconds),
            dst: Some(SocketAddr::new(ip(client), 5000)),
            response: true,
            questions: name.map(|n| (n.to_owned(), 1)).into_iter().collect(),
            answers: address.map(record).into_iter().collect(),
            damaged: address.is_none(),
            ..DnsMessage::default()
        }
    }

    fn connection(seconds: i64, client: &str, server: &str) -> Flow {
        Flow {
            transport: FlowTransport::Tcp,
            stream: 0,
            ends: Ends { client: SocketAddr::new(ip(client), 50000), server: SocketAddr::new(ip(server), 443) },
            first: at(seconds),
            last: at(seconds),
            sides: [SideFacts::default(), SideFacts::default()],
            tcp: Some(TcpFacts { syn_ack: Some(at(seconds)), ..TcpFacts::default() }),
            app: Default::default(),
            process: None,
            crowd: None,
        }
    }

    fn book(dns: Vec<DnsMessage>, flows: Vec<Flow>) -> AddressBook {
        let facts = PieceFacts::Capture(Box::new(CaptureFacts { dns, flows, ..CaptureFacts::default() }));
        AddressBook::build(&[Piece { path: String::new(), container: None, bytes: 0, facts }])
    }

    #[test]
    fn an_answer_that_nobody_can_read_is_some_other_name() {
        let cut = |name| answer(10, ME, name, None);
        let by_order = |dns| book(dns, vec![]).name_by_order(ip(ME), ip("192.0.2.1"), at(11).time).map(str::to_owned);
        assert_eq!(by_order(vec![cut(Some("A.example"))]).as_deref(), Some("a.example"));
        assert_eq!(by_order(vec![cut(Some("a.example")), answer(11, ME, None, None)]), None);
        assert_eq!(by_order(vec![answer(9, ME, None, None), cut(Some("a.example"))]).as_deref(), Some("a.example"));
        let refused = DnsMessage { rcode: 3, ..answer(11, ME, None, None) };
        assert_eq!(by_order(vec![cut(Some("a.example")), refused]).as_deref(), Some("a.example"));
        assert_eq!(by_order(vec![answer(10, "10.0.0.6", Some("a.example"), None)]), None);
    }

    #[test]
    fn a_name_that_works_at_one_address_is_not_sought_at_another() {
        let (one, two) = ("192.0.2.1", "192.0.2.2");
        let first = || connection(10, ME, one);
        let of = |book: &AddressBook, to: &str| book.name_by_order(ip(ME), ip(to), at(11).time).map(str::to_owned);
        let works = book(vec![answer(10, ME, Some("a.example"), None)], vec![first()]);
        assert_eq!((of(&works, one).as_deref(), of(&works, two)), (Some("a.example"), None));
        // The first did not answer: then the next is tried.
        let dead = Flow { tcp: Some(TcpFacts::default()), ..first() };
        let dead = book(vec![answer(10, ME, Some("a.example"), None)], vec![dead]);
        assert_eq!(of(&dead, two).as_deref(), Some("a.example"));
        // It was asked for again.
        let again = [10, 11].map(|s| answer(s, ME, Some("a.example"), None));
        assert_eq!(of(&book(again.into(), vec![first()]), two).as_deref(), Some("a.example"));
    }

    #[test]
    fn a_clients_own_answers_come_first_and_one_name_must_be_left() {
        let there = "192.0.2.1";
        let of = |dns: Vec<DnsMessage>, clients: &[&str], seconds: i64| {
            let book = book(dns, clients.iter().map(|c| connection(seconds, c, there)).collect());
            book.name_for(ip(ME), ip(there), at(seconds).time).map(|(name, inferred)| (name.to_owned(), inferred))
        };
        let some = |name: &str, inferred| Some((name.to_owned(), inferred));
        let mine = |seconds, name| answer(seconds, ME, Some(name), Some(there));
        let theirs = |seconds, name| answer(seconds, "10.0.0.6", Some(name), Some(there));
        let dns = || vec![mine(1, "a.example"), theirs(5, "b.example")];
        assert_eq!(of(dns(), &[ME], 6), some("a.example", false));
        assert_eq!(of(vec![theirs(5, "b.example")], &[ME], 6), some("b.example", false), "one machine");
        assert_eq!(of(vec![theirs(5, "b.example")], &[ME, "10.0.0.6"], 6), some("b.example", true));
        let two = || vec![mine(1, "a.example"), mine(5, "b.example"), mine(6, "b.example")];
        assert_eq!(of(two(), &[ME], 30), some("b.example", true));
        assert_eq!(of(two(), &[ME], 7), some("b.example", false), "asked for just now");
        assert_eq!(of(two(), &[ME], 5000), some("b.example", false), "long forgotten");
        assert_eq!(of(vec![], &[ME], 6), None);
    }

    #[test]
    fn of_answers_that_are_counted_the_first_of_each_name_in_a_row_stays() {
        let crowd = |seconds: &[i64]| {
            let mut crowd = Crowd::default();
            for ended in seconds.iter().map(|s| at(*s).time) {
                let (began, client, server) = (ended, ip(ME), SocketAddr::new(ip("10.0.0.53"), 53));
                let (handshake_rtt, first_answer) = (None, None);
                let (missed_bytes, cut_bytes) = (0, 0);
                let fellow =
                    Fellow { began, ended, client, server, handshake_rtt, first_answer, missed_bytes, cut_bytes };
                assert!(crowd.take_in(&fellow, &Default::default()));
            }
            crowd
        };
        let left = |kept: &[(i64, &str)], counted: &[(&str, &[i64])]| {
            let crowds: Vec<_> = counted.iter().map(|(_, seconds)| crowd(seconds)).collect();
            let counted: Vec<_> = counted.iter().zip(&crowds).map(|((name, _), c)| ((*name).into(), c)).collect();
            let mut names: Vec<_> = kept.iter().map(|(s, name)| (at(*s).time, Arc::from(*name))).collect();
            add_counted(&mut names, &counted);
            put_in_order(&mut names);
            names.iter().map(|(at, name)| (at.0 / NANOS_PER_SECOND, name.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(left(&[(5, "a")], &[("a", &[7, 3]), ("a", &[4])]), [(3, "a".into())]);
        let several = left(&[(5, "b")], &[("a", &[7, 3, 4, 8])]);
        assert_eq!(several, [(3, "a".into()), (5, "b".into()), (7, "a".into())]);
        assert_eq!(left(&[], &[]), []);
    }
}
