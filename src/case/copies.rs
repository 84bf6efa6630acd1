//! One connection that was captured more than once: in the overlapping files of a ring, at both ends of the way, before
//! and behind an address translation. What is seen twice happened once; what the next file of a ring shows goes on.
//!
//! What enters: the flows of all captures. What leaves: [`Copies`], which tells of each flow what connection it is of,
//! and where that goes on.

use super::Piece;
use crate::facts::{Flow, FlowTransport};
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::collections::HashMap;
use std::net::SocketAddr;

/// A flow: index of its piece of evidence, and of the flow in that capture.
pub type FlowId = (usize, usize);

/// Copies in one capture have one clock: a packet takes no longer through a machine or a network.
const NEAR_NS: i64 = NANOS_PER_SECOND;

/// Clocks of the machines that took the captures of one case differ by less, and a file of a ring may begin with the
/// repetition of a SYN.
const APART_NS: i64 = 60 * NANOS_PER_SECOND;

/// A ring goes on with the next packet there is; on a network in use that takes no longer.
const FILES_APART_NS: i64 = 2 * NANOS_PER_SECOND;

/// Files through which a connection is followed: rings have hundreds, an attempt to sign in lasts through a few.
const FILES_MAX: usize = 64;

/// Which flows are of one connection.
#[derive(Debug, Default)]
pub struct Copies {
    /// Flow → one of the same connection that stands before it.
    earlier: HashMap<FlowId, FlowId>,
    /// Flow → the one in another capture in which it goes on.
    later: HashMap<FlowId, Later>,
}

/// Where a connection goes on: a flow without a beginning of its own, behind the end of the one before it.
#[derive(Debug, Clone, Copy)]
pub struct Later {
    /// The flow.
    pub flow: FlowId,
    /// Its capture begins where the other ends: nothing is missing between them.
    pub adjoins: bool,
}

/// What copies of a connection have in common and no two connections have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark<'a> {
    /// The random of the first ClientHello: it passes every translation.
    Hello(&'a [u8]),
    /// Where the SYN went, and its sequence number: translations of the client's address mostly leave that.
    Syn(SocketAddr, u32),
    /// Both ends, where a file begins in the middle of the connection.
    Ends(SocketAddr, SocketAddr),
}

/// A flow with one of its marks.
struct Marked<'a> {
    mark: Mark<'a>,
    id: FlowId,
    flow: &'a Flow,
}

impl Copies {
    pub(super) fn find(pieces: &[Piece]) -> Copies {
        let mut marked: Vec<Marked<'_>> = Vec::new();
        for (piece, p) in pieces.iter().enumerate() {
            let Some(capture) = p.capture() else { continue };
            for (index, flow) in capture.flows.iter().enumerate().filter(|(_, f)| f.transport == FlowTransport::Tcp) {
                marked.extend(marks(flow).map(|mark| Marked { mark, id: (piece, index), flow }));
            }
        }
        marked.sort_unstable_by(|a, b| (a.mark, a.flow.first.time, a.id).cmp(&(b.mark, b.flow.first.time, b.id)));
        let mut copies = Copies::default();
        // One client rarely has two connections of the same mark: each is compared with its neighbour only.
        for pair in marked.windows(2) {
            if let [a, b] = pair
                && a.mark == b.mark
                && are_copies(a, b)
            {
                copies.join(a.id, b.id);
                if matches!(a.mark, Mark::Ends(..)) && b.flow.first.time >= a.flow.last.time {
                    copies.later.insert(a.id, Later { flow: b.id, adjoins: adjoin(pieces, a.id.0, b.id.0) });
                }
            }
        }
        // Straight to the first, so that nobody walks the way again.
        let flows: Vec<FlowId> = copies.earlier.keys().copied().collect();
        for id in flows {
            copies.shorten(id);
        }
        copies
    }

    /// The flow that stands for the connection `flow` is of: the same for all its copies.
    pub fn connection(&self, flow: FlowId) -> FlowId {
        let mut id = flow;
        while let Some(earlier) = self.earlier.get(&id) {
            id = *earlier;
        }
        id
    }

    /// The flows in which `flow` goes on, in order of time.
    pub fn later(&self, flow: FlowId) -> impl Iterator<Item = Later> + '_ {
        // Each begins where the one before it ends, so that none comes twice; captures that hold nothing but one moment
        // end the walk all the same.
        let next = |flow: &FlowId| self.later.get(flow).copied();
        std::iter::successors(next(&flow), move |later| next(&later.flow)).take(FILES_MAX)
    }

    fn join(&mut self, a: FlowId, b: FlowId) {
        let (a, b) = (self.shorten(a), self.shorten(b));
        if a != b {
            self.earlier.insert(a.max(b), a.min(b));
        }
    }

    /// The connection of a flow; all flows on the way to it lead there at once afterwards.
    fn shorten(&mut self, flow: FlowId) -> FlowId {
        let first = self.connection(flow);
        let mut id = flow;
        while id != first
            && let Some(next) = self.earlier.insert(id, first)
        {
            id = next;
        }
        first
    }
}

fn marks(flow: &Flow) -> impl Iterator<Item = Mark<'_>> {
    // In the tunnel of a proxy runs what the proxy carries on by a connection of its own.
    let plain = flow.app.tls.iter().filter(|t| t.tunnel.is_none());
    let random = plain.flat_map(|t| &t.client_hellos).map(|h| h.random.as_slice()).find(|r| !r.is_empty());
    let syn = flow.tcp.as_ref().and_then(|t| t.syn_number);
    random
        .map(Mark::Hello)
        .into_iter()
        .chain(syn.map(|number| Mark::Syn(flow.ends.server, number)))
        .chain([Mark::Ends(flow.ends.client, flow.ends.server)])
}

/// Whether two flows of one mark are of one connection.
fn are_copies(a: &Marked<'_>, b: &Marked<'_>) -> bool {
    let (one, other) = (a.flow.ends.client, b.flow.ends.client);
    let same_piece = a.id.0 == b.id.0;
    // Two connections of one client have ports of their own; in one capture the same ends are one flow.
    if one.ip() == other.ip() && (same_piece || one.port() != other.port()) {
        return false;
    }
    let allowed = if same_piece { NEAR_NS } else { APART_NS };
    let ended = |m: &Marked<'_>| m.flow.last.time;
    let near = |from: Timestamp| b.flow.first.time.since(from) <= allowed;
    match a.mark {
        Mark::Hello(_) | Mark::Syn(..) => near(a.flow.first.time),
        // A port is used again, if at all, with a SYN of its own; what has none goes on where the one before it ended.
        Mark::Ends(..) => is_headless(b.flow) && near(ended(a)) && ended(b) >= a.flow.first.time,
    }
}

/// Whether the second capture begins where the first ends, or before: between them nothing is missing that a file of the
/// ring might show which is not among the evidence.
fn adjoin(pieces: &[Piece], first: usize, second: usize) -> bool {
    let capture = |piece: usize| pieces.get(piece).and_then(Piece::capture);
    let end = capture(first).and_then(|capture| capture.info.latest);
    let begin = capture(second).and_then(|capture| capture.info.earliest);
    end.zip(begin).is_some_and(|(end, begin)| begin.since(end) <= FILES_APART_NS)
}

fn is_headless(flow: &Flow) -> bool {
    flow.tcp.as_ref().is_some_and(|t| t.midstream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::PieceFacts;
    use crate::facts::{CaptureFacts, ClientHello, HelloBytes, SideFacts, TcpFacts, TlsSession};
    use crate::flow::Ends;
    use crate::packet::At;

    fn flow(client: &str, server: &str, seconds: (i64, i64), number: Option<u32>) -> Flow {
        let at = |s: i64| At { frame: 1, time: Timestamp(s * NANOS_PER_SECOND) };
        Flow {
            transport: FlowTransport::Tcp,
            stream: 0,
            ends: Ends { client: client.parse().unwrap(), server: server.parse().unwrap() },
            first: at(seconds.0),
            last: at(seconds.1),
            sides: [SideFacts::default(), SideFacts::default()],
            tcp: Some(TcpFacts { syn_number: number, midstream: number.is_none(), ..TcpFacts::default() }),
            app: Default::default(),
            process: None,
            crowd: None,
        }
    }

    fn hello(mut flow: Flow, random: u8) -> Flow {
        let hello = ClientHello { random: HelloBytes::new(&[random; 32]), ..ClientHello::default() };
        flow.app.tls.push(TlsSession { client_hellos: vec![hello], ..TlsSession::default() });
        flow
    }

    fn are_one(captures: Vec<Vec<Flow>>) -> bool {
        let piece = |flows| {
            let facts = PieceFacts::Capture(Box::new(CaptureFacts { flows, ..CaptureFacts::default() }));
            Piece { path: String::new(), container: None, bytes: 0, facts }
        };
        let last = (captures.len() - 1, captures.last().unwrap().len() - 1);
        let copies = Copies::find(&captures.into_iter().map(piece).collect::<Vec<_>>());
        copies.connection(last) == copies.connection((0, 0))
    }

    const A: &str = "10.0.0.5:50001";
    const BEHIND: &str = "203.0.113.1:61000";
    const SERVER: &str = "192.0.2.1:443";

    #[test]
    fn legs_and_files_of_a_ring_and_both_ends_are_one_connection() {
        let first = || flow(A, SERVER, (10, 12), Some(7));
        assert!(are_one(vec![vec![first(), flow(BEHIND, SERVER, (10, 12), Some(7))]]));
        assert!(are_one(vec![vec![first()], vec![first()]]));
        assert!(are_one(vec![vec![first()], vec![flow(BEHIND, SERVER, (40, 42), Some(7))]]), "clocks differ");
        assert!(are_one(vec![vec![first()], vec![flow(A, SERVER, (11, 20), None)]]), "begins in the middle");
        // A load balancer changes the server too.
        let behind = hello(flow(BEHIND, "10.8.0.1:8443", (10, 12), Some(9)), 1);
        assert!(are_one(vec![vec![hello(first(), 1)], vec![behind]]));
    }

    #[test]
    fn a_connection_goes_on_in_the_files_behind_it() {
        let files =
            [flow(A, SERVER, (10, 12), Some(7)), flow(A, SERVER, (13, 20), None), flow(A, SERVER, (20, 31), None)];
        let piece = |flow: Flow| {
            let mut facts = CaptureFacts::default();
            (facts.info.earliest, facts.info.latest) = (Some(flow.first.time), Some(flow.last.time));
            facts.flows.push(flow);
            Piece { path: String::new(), container: None, bytes: 0, facts: PieceFacts::Capture(Box::new(facts)) }
        };
        let later = |files: &[Piece]| {
            let copies = Copies::find(files);
            assert_eq!(copies.later((files.len() - 1, 0)).count(), 0);
            copies.later((0, 0)).map(|later| (later.flow, later.adjoins)).collect::<Vec<_>>()
        };
        let mut files: Vec<Piece> = files.into_iter().map(piece).collect();
        assert_eq!(later(&files), [((1, 0), true), ((2, 0), true)]);
        files.remove(1);
        assert_eq!(later(&files), [((1, 0), false)], "a file is missing");
    }

    #[test]
    fn two_connections_stay_two() {
        let first = || flow(A, SERVER, (10, 12), Some(7));
        let not = |other: Flow| !are_one(vec![vec![first()], vec![other]]);
        assert!(not(flow(BEHIND, SERVER, (10, 12), Some(8))));
        assert!(not(flow(BEHIND, "192.0.2.2:443", (10, 12), Some(7))));
        assert!(not(flow(BEHIND, SERVER, (90, 92), Some(7))));
        assert!(not(flow("10.0.0.5:50002", SERVER, (10, 12), Some(7))));
        assert!(not(flow(A, SERVER, (200, 201), None)));
        assert!(not(flow(A, SERVER, (11, 13), Some(8))), "the port is used again");
        assert!(!are_one(vec![vec![first(), flow(BEHIND, SERVER, (13, 14), Some(7))]]));
    }
}
