//! DNS messages → look-ups: one question of one client to one resolver, with all its repetitions and its answer.

use super::Piece;
use super::names::{self, REPEATED_NS};
use crate::facts::{CaptureFacts, DnsData, DnsKind, FlowTransport};
use crate::knowledge;
use crate::packet::At;
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// One question and what became of it.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// Index into the case's pieces.
    pub piece: usize,
    /// Name asked for, lower case.
    pub name: String,
    /// Record type number.
    pub kind: u16,
    /// Who asked.
    pub client: SocketAddr,
    /// Who was asked.
    pub resolver: SocketAddr,
    /// udp.stream or tcp.stream.
    pub stream: u32,
    /// Over TCP.
    pub tcp: bool,
    /// The question and its repetitions, in time order.
    pub asked: Vec<At>,
    /// The answer.
    pub result: LookupResult,
    /// What answered the question from an address that was not asked: the client does not take it, but somebody may have
    /// rewritten the addresses of one of the two.
    pub foreign: Option<(At, SocketAddr)>,
}

impl Lookup {
    /// Whether a frame is one of this look-up's: a question, the answer, or an error about it.
    pub fn has(&self, at: At) -> bool {
        let icmp = if let LookupResult::Unanswered { icmp } = &self.result { icmp.map(|(at, ..)| at) } else { None };
        let foreign = self.foreign.map(|(at, _)| at);
        self.asked.contains(&at) || [self.result.at(), icmp, foreign].contains(&Some(at))
    }
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq)]
pub enum LookupResult {
    /// No answer was seen.
    Unanswered {
        /// ICMP error that quoted the question: type, code, sender.
        icmp: Option<(At, u8, u8, IpAddr)>,
    },
    /// Answered with an error code.
    Failed {
        /// Frame of the answer.
        at: At,
        /// Response code (1 FORMERR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED, ...).
        rcode: u16,
    },
    /// Answered without an address of that kind (NODATA).
    Empty {
        /// Frame of the answer.
        at: At,
    },
    /// Answered with addresses.
    Addresses {
        /// Frame of the answer.
        at: At,
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// The CNAME chain.
        cnames: Vec<String>,
    },
    /// Answered, but the capture cut the answer.
    Cut {
        /// Frame of the answer.
        at: At,
    },
    /// The truncation bit told the client to ask again over TCP.
    Truncated {
        /// Frame of the answer.
        at: At,
    },
}

impl LookupResult {
    /// Frame of the answer.
    pub fn at(&self) -> Option<At> {
        match self {
            LookupResult::Unanswered { .. } => None,
            LookupResult::Failed { at, .. }
            | LookupResult::Empty { at }
            | LookupResult::Addresses { at, .. }
            | LookupResult::Cut { at }
            | LookupResult::Truncated { at } => Some(*at),
        }
    }
}

/// Record types whose look-ups decide whether a host can be reached: A, AAAA, HTTPS.
const ADDRESS_KINDS: [u16; 3] = [1, 28, 65];

/// A question that waits for its answer.
struct Open {
    /// Its look-up.
    index: usize,
    /// Port and id of each of its repetitions, the last of them.
    marks: VecDeque<(u16, u16)>,
}

/// More repetitions of a question than any resolver makes.
const MARKS_MAX: usize = 32;

impl Open {
    /// Whether the client does not take for its answer what comes with this id to this port: one of them is a question's,
    /// and the other is wrong. Where neither is known, the answer is that to a repetition which the capture misses.
    fn refuses(&self, (port, id): (u16, u16)) -> bool {
        let known = self.marks.contains(&(port, id));
        !known && self.marks.iter().any(|(p, i)| *p == port || *i == id)
    }
}

/// All look-ups of addresses, folded from the DNS messages of all captures.
pub(super) fn collect(pieces: &[Piece]) -> Vec<Lookup> {
    let mut all = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let Some(capture) = piece.capture() else { continue };
        // (client ip, resolver, name, type) with at most one open question at a time; clients repeat a question with
        // the same or with a new id, from the same or from a new port, and mean the same.
        let mut open: BTreeMap<(IpAddr, SocketAddr, String, u16), Open> = BTreeMap::new();
        // (Client, id, record type) → the look-up that the question last asked so belongs to. What answers it from another
        // machine, or behind the answer, the client does not take for its answer.
        let mut by_id: HashMap<(SocketAddr, u16, u16), usize> = HashMap::new();
        // (Client, alias, record type) → the look-ups whose answers led to it, and when.
        let mut chased: HashMap<(IpAddr, String, u16), (Vec<usize>, Timestamp)> = HashMap::new();
        let first = all.len();
        for message in capture.dns.iter().filter(|m| m.kind == DnsKind::Dns) {
            let (Some(src), Some(dst)) = (message.src, message.dst) else { continue };
            let Some((name, kind)) = message.questions.first() else { continue };
            if !ADDRESS_KINDS.contains(kind) {
                continue;
            }
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let (client, resolver) = if message.response { (dst, src) } else { (src, dst) };
            let key = (client.ip(), resolver, name.clone(), *kind);
            let lookup = |result| Lookup {
                piece: index,
                name,
                kind: *kind,
                client,
                resolver,
                stream: message.stream,
                tcp: message.tcp,
                asked: vec![message.at],
                result,
                foreign: None,
            };
            let (mark, asked_by) = ((client, message.id, *kind), (client.port(), message.id));
            if !message.response {
                let waiting = open.entry(key).or_insert_with(|| Open { index: all.len(), marks: VecDeque::new() });
                by_id.insert(mark, waiting.index);
                if !waiting.marks.contains(&asked_by) {
                    if waiting.marks.len() >= MARKS_MAX {
                        waiting.marks.pop_front();
                    }
                    waiting.marks.push_back(asked_by);
                }
                match all.get_mut(waiting.index) {
                    Some(lookup) => {
                        let lookup: &mut Lookup = lookup;
                        lookup.asked.push(message.at);
                    }
                    None => all.push(lookup(LookupResult::Unanswered { icmp: None })),
                }
                continue;
            }
            let result = if message.truncated {
                LookupResult::Truncated { at: message.at }
            } else if message.rcode != 0 {
                LookupResult::Failed { at: message.at, rcode: message.rcode }
            } else {
                let addresses: Vec<IpAddr> = names::addresses(message).collect();
                if !addresses.is_empty() {
                    let cnames = message.answers.iter().filter_map(|r| match (&r.data, r.kind) {
                        (DnsData::Name(n), 5) => Some(n.to_ascii_lowercase()),
                        _ => None,
                    });
                    LookupResult::Addresses { at: message.at, addresses, cnames: cnames.collect() }
                } else if message.damaged {
                    LookupResult::Cut { at: message.at }
                } else {
                    LookupResult::Empty { at: message.at }
                }
            };
            match open.get(&key) {
                Some(waiting) if waiting.refuses(asked_by) => continue,
                Some(_) => {}
                None => {
                    let asked = by_id.get(&mark).copied().and_then(|i| all.get_mut(i)).filter(|l: &&mut Lookup| {
                        let since = |at: &At| message.at.time.since(at.time);
                        l.name == key.2 && l.asked.last().is_some_and(|at| since(at) < REPEATED_NS)
                    });
                    if let Some(asked) = asked {
                        if asked.resolver != resolver {
                            asked.foreign.get_or_insert((message.at, resolver));
                        }
                        continue;
                    }
                }
            }
            let alias = names::open_alias(message).filter(|_| matches!(result, LookupResult::Empty { .. }));
            let led_here = if chased.is_empty() { None } else { chased.remove(&(client.ip(), key.2.clone(), *kind)) };
            let led_here = led_here.filter(|(_, at)| message.at.time.since(*at) < names::CHASE_NS);
            let mut chain = led_here.map(|(chain, _)| chain).unwrap_or_default();
            if let LookupResult::Addresses { .. } = &result {
                // What was asked for first has the address that its alias was found to have.
                for i in chain.drain(..) {
                    if let Some(lookup) = all.get_mut(i) {
                        let lookup: &mut Lookup = lookup;
                        lookup.result = result.clone();
                    }
                }
            }
            let index = match open.remove(&key).and_then(|o| Some((o.index, all.get_mut(o.index)?))) {
                Some((index, lookup)) => {
                    lookup.result = result;
                    index
                }
                // An answer whose question was not captured still tells what the name gave.
                None => {
                    all.push(lookup(result));
                    all.len() - 1
                }
            };
            if let Some(alias) = alias {
                chain.push(index);
                chased.insert((client.ip(), alias, *kind), (chain, message.at.time));
            }
        }
        blame_errors(capture, all.get_mut(first..).unwrap_or(&mut []));
        let counted = Counted::new(capture, all.get(first..).unwrap_or(&[]));
        all.retain(|lookup| lookup.piece != index || !counted.answers(lookup));
    }
    all
}

/// Gives each ICMP error to the first question before it between the same ends that is without an answer or error.
fn blame_errors(capture: &CaptureFacts, lookups: &mut [Lookup]) {
    if capture.icmp.is_empty() {
        return;
    }
    // The last question first: the first one that has no error yet is always at the end. Questions stand in the order
    // in which they were asked.
    let mut open: HashMap<(SocketAddr, SocketAddr), Vec<usize>> = HashMap::new();
    for (index, lookup) in lookups.iter().enumerate().rev() {
        if is_open(lookup) {
            open.entry((lookup.client, lookup.resolver)).or_default().push(index);
        }
    }
    for fact in &capture.icmp {
        let flow = fact.flow.and_then(|f| capture.flows.get(f)).filter(|f| f.transport == FlowTransport::Udp);
        let Some(waiting) = flow.and_then(|f| open.get_mut(&(f.ends.client, f.ends.server))) else { continue };
        let first = waiting.last().and_then(|index| lookups.get_mut(*index));
        let asked_before = |l: &&mut Lookup| l.asked.first().is_some_and(|a| a.frame < fact.at.frame);
        if let Some(lookup) = first.filter(asked_before) {
            lookup.result =
                LookupResult::Unanswered { icmp: Some((fact.at, fact.error.kind, fact.error.code, fact.sender)) };
            waiting.pop();
        }
    }
}

/// Look-ups that are only counted, of the clients with an open question.
struct Counted {
    /// Client, resolver, name and record type → when they were answered.
    answered: HashMap<(IpAddr, SocketAddr, String, u16), Vec<Timestamp>>,
}

impl Counted {
    fn new(capture: &CaptureFacts, lookups: &[Lookup]) -> Counted {
        let open: HashSet<IpAddr> = lookups.iter().filter(|l| is_open(l)).map(|l| l.client.ip()).collect();
        let mut answered: HashMap<_, Vec<Timestamp>> = HashMap::new();
        for crowd in capture.crowds().filter(|_| !open.is_empty()) {
            let Some((answer, resolver)) = crowd.answer.as_deref().and_then(|a| Some((a, a.src?))) else { continue };
            let Some((name, kind)) = answer.questions.first() else { continue };
            let name = name.to_ascii_lowercase();
            for (at, client) in crowd.members().filter(|(_, client)| open.contains(client)) {
                answered.entry((client, resolver, name.clone(), *kind)).or_default().push(at);
            }
        }
        Counted { answered }
    }

    /// Whether the client of an open question asked again and was answered: then that look-up stands for it.
    fn answers(&self, lookup: &Lookup) -> bool {
        if !is_open(lookup) {
            return false;
        }
        let key = (lookup.client.ip(), lookup.resolver, lookup.name.clone(), lookup.kind);
        let (Some(times), Some(last)) = (self.answered.get(&key), lookup.asked.last()) else { return false };
        times.iter().any(|t| (0..REPEATED_NS).contains(&t.since(last.time)))
    }
}

fn is_open(lookup: &Lookup) -> bool {
    lookup.result == LookupResult::Unanswered { icmp: None }
}

/// Whether a look-up is the resolver's search list at work: `name` + a suffix, failed, where `name` itself was asked
/// for too or is a host of a sign-in (the capture may begin between the two questions).
pub(super) fn is_suffix_search(lookup: &Lookup, asked: &HashSet<String>) -> bool {
    let failed = matches!(
        lookup.result,
        LookupResult::Failed { .. } | LookupResult::Empty { .. } | LookupResult::Unanswered { .. }
    );
    // Every name of two labels or more in front of a dot that something follows.
    let mut bases = lookup.name.match_indices('.').filter_map(|(dot, _)| {
        let (base, suffix) = lookup.name.split_at_checked(dot)?;
        (base.contains('.') && suffix.len() > 1).then_some(base)
    });
    failed
        && bases
            .any(|base| asked.contains(base) || knowledge::endpoints::all_endpoints().iter().any(|e| e.host == base))
}
