//! Finished flows of all shards in one order, with Wireshark's stream numbers.
//!
//! What enters: the [`FlowShard`] of every table of a capture. What leaves: the flows, TCP first, each transport in
//! the order in which its flows began, and the ICMP errors and drops with the index of their flow. Guaranteed: the
//! result does not depend on how packets were shared out over tables.

use crate::facts::{AppFacts, Crowd, Flow, FlowTransport, IcmpFact, ProcessFact, SideFacts, TcpFacts};
use crate::flow::key::Key;
use crate::flow::starts::{StartLog, merged};
use crate::flow::table::{About, DroppedPacket, FlowId, FlowShard, Kept, KeptFlow};
use crate::flow::{Ends, FlowSink};
use crate::packet::At;

/// One finished flow, still in its small form: facts are made of it one flow at a time.
#[derive(Debug)]
pub struct FinishedFlow<S> {
    /// Wireshark's tcp.stream or udp.stream.
    pub stream: u32,
    flow: KeptFlow<S>,
    crowd: Option<Box<Crowd>>,
}

/// All flows of a capture.
#[derive(Debug)]
pub struct FinishedFlows<S> {
    kept: Vec<Kept<S>>,
    order: Vec<Place>,
    /// ICMP errors in frame order, joined to the flows they quote.
    pub icmp: Vec<IcmpFact>,
    /// Drops inside Windows in frame order, joined to their flows.
    pub drops: Vec<DroppedPacket>,
    /// Distinct unordered address and port pairs: TCP, UDP.
    pub conversations: (u64, u64),
    /// Flows given up by the limits.
    pub given_up: u64,
    /// ICMP errors and drops beyond the limits.
    pub errors_given_up: u64,
}

/// Where a flow stands in the order, and where it is kept.
#[derive(Debug)]
struct Place {
    id: FlowId,
    index: usize,
    stream: u32,
}

impl<S> KeptFlow<S> {
    fn id(&self) -> FlowId {
        match self {
            KeptFlow::Tcp(f) => (FlowTransport::Tcp, f.numbered),
            KeptFlow::Udp(f) => (FlowTransport::Udp, f.start),
        }
    }

    fn key(&self) -> &Key {
        match self {
            KeptFlow::Tcp(f) => &f.key,
            KeptFlow::Udp(f) => &f.key,
        }
    }
}

impl<S: FlowSink> FinishedFlow<S> {
    /// TCP or UDP.
    pub fn transport(&self) -> FlowTransport {
        self.flow.id().0
    }

    /// Client and server.
    pub fn ends(&self) -> Ends {
        match &self.flow {
            KeptFlow::Tcp(f) => f.ends(),
            KeptFlow::Udp(f) => f.ends(),
        }
    }

    /// First frame.
    pub fn first(&self) -> At {
        match &self.flow {
            KeptFlow::Tcp(f) => f.first,
            KeptFlow::Udp(f) => f.first,
        }
    }

    /// Last frame.
    pub fn last(&self) -> At {
        match &self.flow {
            KeptFlow::Tcp(f) => f.last(),
            KeptFlow::Udp(f) => f.last(),
        }
    }

    /// Counters of each side: client, server.
    pub fn sides(&self) -> [SideFacts; 2] {
        match &self.flow {
            KeptFlow::Tcp(f) => f.sides(),
            KeptFlow::Udp(f) => f.sides(),
        }
    }

    /// The state history of a TCP connection.
    pub fn tcp(&self) -> Option<TcpFacts> {
        match &self.flow {
            KeptFlow::Tcp(f) => Some(f.facts()),
            KeptFlow::Udp(_) => None,
        }
    }

    /// The process that owns the client end; names are known elsewhere.
    pub fn process(&self) -> Option<ProcessFact> {
        let (pid, from_syn) = match &self.flow {
            KeptFlow::Tcp(f) => (f.pid?, f.flags.pid_from_syn),
            KeptFlow::Udp(f) => (f.pid?, false),
        };
        Some(ProcessFact { pid, name: None, from_syn })
    }

    /// The flows that went as this one and are only counted.
    pub fn crowd(&self) -> Option<&Crowd> {
        self.crowd.as_deref()
    }

    /// What read the flow's bytes; `None` where there were none.
    pub fn sink(&self) -> Option<&S> {
        match &self.flow {
            KeptFlow::Tcp(f) => f.sink.as_deref(),
            KeptFlow::Udp(f) => f.sink.as_deref(),
        }
    }

    /// The flow as facts; `app` takes what the sink found. What is left of the flow is for its owner to drop.
    pub fn take_facts(&mut self, app: impl FnOnce(&mut S) -> AppFacts) -> Flow {
        let sink = match &mut self.flow {
            KeptFlow::Tcp(f) => f.sink.as_deref_mut(),
            KeptFlow::Udp(f) => f.sink.as_deref_mut(),
        };
        let app = sink.map(app).unwrap_or_default();
        let swapped = app.swapped;
        let mut flow = Flow {
            transport: self.transport(),
            stream: self.stream,
            ends: self.ends(),
            first: self.first(),
            last: self.last(),
            sides: self.sides(),
            tcp: self.tcp(),
            app,
            process: self.process(),
            crowd: self.crowd.take(),
        };
        if swapped {
            flow.swap_sides();
        }
        flow
    }
}

impl<S: FlowSink> FinishedFlows<S> {
    /// Joins what the tables of one capture saw.
    pub fn from_shards(shards: impl IntoIterator<Item = FlowShard<S>>) -> Self {
        let mut all = FinishedFlows {
            kept: Vec::new(),
            order: Vec::new(),
            icmp: Vec::new(),
            drops: Vec::new(),
            conversations: (0, 0),
            given_up: 0,
            errors_given_up: 0,
        };
        let (mut tcp_starts, mut udp_starts) = (Vec::new(), Vec::new());
        let (mut icmp, mut drops) = (Vec::new(), Vec::new());
        let shards: Vec<FlowShard<S>> = shards.into_iter().collect();
        all.kept.reserve_exact(shards.iter().map(|s| s.flows.len()).sum());
        for shard in shards {
            let ([tcp, udp], [tcp_ends, udp_ends]) = (shard.starts, shard.conversations);
            tcp_starts.push(tcp);
            udp_starts.push(udp);
            all.conversations.0 = all.conversations.0.saturating_add(tcp_ends);
            all.conversations.1 = all.conversations.1.saturating_add(udp_ends);
            all.given_up = all.given_up.saturating_add(shard.given_up);
            all.errors_given_up = all.errors_given_up.saturating_add(shard.errors_given_up);
            all.kept.extend(shard.flows.into_iter().filter(|kept| kept.flow.is_some()));
            icmp.extend(shard.icmp);
            drops.extend(shard.drops);
        }
        all.put_in_order(&tcp_starts, &udp_starts);
        let moved = all.moved();
        icmp.sort_by_key(|a| a.place);
        drops.sort_by_key(|a| a.place);
        all.icmp = icmp
            .into_iter()
            .map(|about| {
                let flow = all.index_of(&moved, &about);
                IcmpFact { flow, ..about.what }
            })
            .collect();
        all.drops = drops
            .into_iter()
            .map(|about| {
                let flow = all.index_of(&moved, &about);
                DroppedPacket { flow, ..about.what }
            })
            .collect();
        all
    }

    /// Sorts the flows and numbers them: a stream's number is the number of flows that began before it.
    fn put_in_order(&mut self, tcp_starts: &[StartLog], udp_starts: &[StartLog]) {
        let kept = &self.kept;
        self.order = kept
            .iter()
            .enumerate()
            .filter_map(|(index, k)| Some(Place { id: k.flow.as_ref()?.id(), index, stream: 0 }))
            .collect();
        let ends = |p: &Place| kept.get(p.index)?.flow.as_ref().map(|flow| (flow.key().low(), flow.key().high()));
        self.order.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| ends(a).cmp(&ends(b))));
        for (transport, logs) in [(FlowTransport::Tcp, tcp_starts), (FlowTransport::Udp, udp_starts)] {
            let mut flows = self.order.iter_mut().filter(|p| p.id.0 == transport).peekable();
            for (number, start) in merged(logs).enumerate() {
                // A conversation that left the table and came back is there twice.
                while let Some(flow) = flows.next_if(|p| p.id.1 <= start) {
                    flow.stream = u32::try_from(number).unwrap_or(u32::MAX);
                }
            }
        }
    }

    /// The connections that are numbered by another place than where they began: that place, and their index.
    fn moved(&self) -> Vec<(FlowId, usize)> {
        let began = |p: &Place| match self.kept.get(p.index) {
            Some(Kept { flow: Some(KeptFlow::Tcp(f)), .. }) if f.start() != f.numbered => {
                Some((FlowTransport::Tcp, f.start()))
            }
            _ => None,
        };
        let mut moved: Vec<_> = self.order.iter().enumerate().filter_map(|(i, p)| Some((began(p)?, i))).collect();
        moved.sort_unstable();
        moved
    }

    /// Index of the flow that an error or drop belongs to.
    fn index_of<T>(&self, moved: &[(FlowId, usize)], about: &About<T>) -> Option<usize> {
        let id = about.flow?;
        let (_, src, dst) = about.ends?;
        let (key, _) = Key::new(src, dst);
        let is_it =
            |index: usize| self.kept.get(index).and_then(|k| k.flow.as_ref()).is_some_and(|flow| *flow.key() == key);
        let from = self.order.partition_point(|p| p.id < id);
        let same = self.order.get(from..)?.iter().take_while(|p| p.id == id);
        let place = same.enumerate().find(|(_, p)| is_it(p.index)).map(|(n, _)| from + n);
        place.or_else(|| {
            let from = moved.partition_point(|(began, _)| *began < id);
            let same = moved.get(from..)?.iter().take_while(|(began, _)| *began == id);
            same.map(|(_, i)| *i).find(|i| self.order.get(*i).is_some_and(|p| is_it(p.index)))
        })
    }

    /// Number of flows kept.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The flows in order; `icmp` and `drops` speak of them by their place here.
    pub fn flows(&mut self) -> impl Iterator<Item = FinishedFlow<S>> + '_ {
        let kept = &mut self.kept;
        self.order.iter().filter_map(move |p| {
            let kept = kept.get_mut(p.index)?;
            Some(FinishedFlow { stream: p.stream, flow: kept.flow.take()?, crowd: kept.crowd.take() })
        })
    }
}
