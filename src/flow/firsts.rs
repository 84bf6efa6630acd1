//! The first flow of each kind over all tables of a capture, so that it is kept once and not once in each table.
//!
//! What enters: the flows that tables keep as the first of their kind, from time to time, and in the end
//! the [`FlowShard`]s. What leaves: the same tables, in which such a flow is only counted if another table has one of
//! its kind that began no later. Guaranteed: what becomes of a flow depends on the order of frames alone, not on how
//! often the tables are settled or by whom they were filled.

use crate::facts::Crowd;
use crate::flow::FlowSink;
use crate::flow::crowd::{Leaving, Outline, count_in};
use crate::flow::table::{FlowShard, FlowTable, Kept, KeptFlow};
use crate::time::Timestamp;
use hashbrown::HashTable;

/// A flow that a table keeps as the first of its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewFirst {
    /// Place of the packet at which it left the table.
    pub place: u64,
    /// Its kind.
    pub outline: Outline,
    /// When it began.
    pub began: Timestamp,
    /// Which of the table's finished flows it is.
    pub index: usize,
}

/// A flow whose kind another table has: its crowd is still to join that one's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded {
    /// Its kind.
    outline: Outline,
    /// Which of the table's finished flows it was.
    index: usize,
}

/// The first flow of each kind.
#[derive(Debug, Default)]
pub struct Firsts {
    known: HashTable<Known>,
}

#[derive(Debug)]
struct Known {
    outline: Outline,
    began: Timestamp,
    shard: usize,
    index: usize,
}

impl Firsts {
    /// Settles what tables that work on shards of one capture have kept since the last time. All of them must have seen
    /// the capture up to the same frame.
    pub fn settle<S: FlowSink>(&mut self, tables: &mut [FlowTable<S>]) {
        let mut shards: Vec<_> = tables.iter_mut().map(FlowTable::shard_mut).collect();
        self.settle_shards(&mut shards);
    }

    /// Settles the rest after the end of the capture, and brings the crowds of one kind together.
    pub fn join<S: FlowSink>(mut self, shards: &mut [FlowShard<S>]) {
        self.settle_shards(&mut shards.iter_mut().collect::<Vec<_>>());
        let mut homeless: Vec<(Outline, Box<Crowd>)> = Vec::new();
        for shard in shards.iter_mut() {
            for folded in std::mem::take(&mut shard.folded) {
                let crowd = shard.flows.get_mut(folded.index).and_then(|kept| kept.crowd.take());
                homeless.extend(crowd.map(|crowd| (folded.outline, crowd)));
            }
        }
        for (outline, crowd) in homeless {
            let first = self.known.find(outline[0], |known| known.outline == outline);
            let first = first.and_then(|f| shards.get_mut(f.shard)?.flows.get_mut(f.index));
            if let Some(first) = first {
                first.crowd.get_or_insert_default().absorb(*crowd);
            }
        }
    }

    fn settle_shards<S: FlowSink>(&mut self, shards: &mut [&mut FlowShard<S>]) {
        let mut new: Vec<(usize, NewFirst)> = Vec::new();
        for (number, shard) in shards.iter_mut().enumerate() {
            new.extend(shard.firsts.drain(..).map(|first| (number, first)));
        }
        new.sort_by_key(|(_, first)| first.place);
        for (number, NewFirst { outline, began, index, .. }) in new {
            let Some(shard) = shards.get_mut(number) else { continue };
            match self.known.find(outline[0], |known| known.outline == outline) {
                Some(known) if known.began <= began => {
                    if shard.flows.get_mut(index).is_some_and(Kept::fold) {
                        shard.folded.push(Folded { outline, index });
                    }
                }
                // It began earlier, so that it is told of as well.
                Some(_) => {}
                None => {
                    let known = Known { outline, began, shard: number, index };
                    self.known.insert_unique(outline[0], known, |known| known.outline[0]);
                }
            }
        }
    }
}

impl<S: FlowSink> Kept<S> {
    /// Counts the flow in its own crowd instead of keeping it; false where that cannot be.
    fn fold(&mut self) -> bool {
        let (fellow, sink) = match &self.flow {
            Some(KeptFlow::Tcp(flow)) => (flow.fellow(), flow.sink.as_deref()),
            Some(KeptFlow::Udp(flow)) => (flow.fellow(), flow.sink.as_deref()),
            None => return false,
        };
        let folded = sink.is_some_and(|sink| count_in(&mut self.crowd, |crowd| sink.join_as_first(&fellow, crowd)));
        if folded {
            self.flow = None;
        }
        folded
    }
}
