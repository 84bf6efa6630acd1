//! One UDP flow: DNS and its relatives, DTLS, QUIC; told datagram by datagram, since WebRTC mixes them on one port.
//!
//! What enters: the datagrams of both directions. What leaves: [`AppFacts`]. Guaranteed: a flow that is none of these
//! is given up after `STRANGE_DATAGRAMS_MAX` datagrams.

use crate::facts::{AppFacts, append_only, push_only};
use crate::flow::{Ends, Interest, Side};
use crate::packet::At;
use crate::protocol::dtls::DtlsDissector;
use crate::protocol::quic::QuicDissector;
use crate::protocol::{Context, dns};
use std::sync::Arc;

/// Datagrams that nobody here reads after which a flow is given up: STUN and the like come before DTLS.
const STRANGE_DATAGRAMS_MAX: u32 = 32;

/// DNS messages kept of one flow: a resolver that uses one source port for all its queries.
const DNS_MESSAGES_MAX: usize = 65_536;

/// Reads one UDP flow.
#[derive(Debug)]
pub struct Datagrams {
    ends: Ends,
    context: Arc<Context>,
    facts: AppFacts,
    quic: Option<Box<QuicDissector>>,
    dtls: Option<Box<DtlsDissector>>,
    strange: u32,
}

impl Datagrams {
    /// At its beginning.
    pub fn new(ends: Ends, context: Arc<Context>) -> Self {
        Datagrams { ends, context, facts: AppFacts::default(), quic: None, dtls: None, strange: 0 }
    }

    /// One datagram; `cut` when the snap length cut it.
    pub fn datagram(&mut self, side: Side, payload: &[u8], cut: bool, at: At) -> Interest {
        let (src, dst) = match side {
            Side::Client => (self.ends.client, self.ends.server),
            Side::Server => (self.ends.server, self.ends.client),
        };
        let kind = dns::kind_of_ports(src.port(), dst.port());
        if let Some(kind) = kind
            && let Some(mut message) = dns::message(payload, kind)
        {
            (message.at, message.src, message.dst) = (at, Some(src), Some(dst));
            message.damaged |= cut;
            push_only(&mut self.facts.dns, message);
            return if self.facts.dns.len() < DNS_MESSAGES_MAX { Interest::More } else { Interest::Done };
        }
        if self.quic.is_none() && self.dtls.is_none() {
            if QuicDissector::detect(payload) {
                self.quic = Some(Box::new(QuicDissector::new(Arc::clone(&self.context))));
            } else if DtlsDissector::detect(payload) {
                self.dtls = Some(Box::new(DtlsDissector::new(Arc::clone(&self.context))));
            }
        }
        if let Some(quic) = &mut self.quic {
            return quic.datagram(side, payload, at);
        }
        if let Some(dtls) = &mut self.dtls {
            return dtls.datagram(side, payload, at);
        }
        self.strange = self.strange.saturating_add(1);
        if self.strange >= STRANGE_DATAGRAMS_MAX && self.facts.dns.is_empty() { Interest::Done } else { Interest::More }
    }

    /// What would be found if the flow ended here, where it is QUIC and nothing else.
    pub fn quic_so_far(&self) -> Option<AppFacts> {
        let quic =
            self.quic.as_deref().filter(|_| self.dtls.is_none() && self.strange == 0 && self.facts.dns.is_empty())?;
        let mut facts = AppFacts::default();
        add_quic(&mut facts, quic.clone());
        Some(facts)
    }

    /// What was found, where nothing but names was asked for so far.
    pub fn found(&self) -> Option<&AppFacts> {
        (self.quic.is_none() && self.dtls.is_none() && self.strange == 0).then_some(&self.facts)
    }

    /// What was found.
    pub fn finish(self) -> AppFacts {
        let mut facts = self.facts;
        if let Some(quic) = self.quic {
            add_quic(&mut facts, *quic);
        }
        if let Some(dtls) = self.dtls {
            facts.swapped = dtls.swapped();
            append_only(&mut facts.tls, dtls.finish());
        }
        facts
    }
}

fn add_quic(facts: &mut AppFacts, quic: QuicDissector) {
    facts.swapped = quic.swapped();
    let (fact, sessions) = quic.finish();
    facts.quic = Some(Box::new(fact));
    append_only(&mut facts.tls, sessions);
}
