//! Names and addresses: which name stood for which address at which time, for a client without an SNI.

use super::{Piece, PieceFacts};
use crate::facts::{CaptureFacts, DnsData, DnsKind, DnsMessage};
use crate::time::{LATE_NS, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Which names stood for which addresses, by the DNS answers of the captures (and their name resolution blocks).
#[derive(Debug, Default)]
pub struct AddressBook {
    /// Address → (time of the answer, name asked for), in time order.
    by_address: BTreeMap<IpAddr, Vec<(Timestamp, Arc<str>)>>,
    /// Questions whose answers were seen but cut before the addresses: (client, time of answer, name).
    cut_answers: Vec<(IpAddr, Timestamp, String)>,
}

/// A connection is taken for the name whose cut answer came at most this long before its first packet.
const CUT_ANSWER_WINDOW_NS: i64 = 2_000_000_000;

impl AddressBook {
    pub(super) fn build(pieces: &[Piece]) -> AddressBook {
        let mut book = AddressBook::default();
        for piece in pieces {
            match &piece.facts {
                PieceFacts::Capture(capture) => book.read(capture),
                PieceFacts::System(system) => {
                    for (address, name) in &system.names {
                        book.by_address.entry(*address).or_default().push((Timestamp(i64::MIN), name.as_str().into()));
                    }
                }
                _ => {}
            }
        }
        for names in book.by_address.values_mut() {
            names.sort();
            // Of answers with the same name in a row the first says all.
            names.dedup_by(|later, earlier| later.1 == earlier.1);
        }
        book.cut_answers.sort_by_key(|c| c.1);
        book
    }

    fn read(&mut self, capture: &CaptureFacts) {
        for (address, name) in &capture.info.names {
            self.by_address.entry(*address).or_default().push((Timestamp(i64::MIN), name.to_ascii_lowercase().into()));
        }
        for message in capture.dns.iter().filter(|m| m.response && m.kind == DnsKind::Dns) {
            let Some((name, _)) = message.questions.first() else { continue };
            let name: Arc<str> = name.to_ascii_lowercase().into();
            let mut any = false;
            for address in addresses(message) {
                any = true;
                self.by_address.entry(address).or_default().push((message.at.time, Arc::clone(&name)));
            }
            if !any
                && message.damaged
                && message.rcode == 0
                && let Some(client) = message.dst
            {
                self.cut_answers.push((client.ip(), message.at.time, name.to_string()));
            }
        }
        for crowd in capture.crowds() {
            let Some(answer) = crowd.answer.as_deref() else { continue };
            let Some((name, _)) = answer.questions.first() else { continue };
            let name: Arc<str> = name.to_ascii_lowercase().into();
            for address in addresses(answer) {
                let names = self.by_address.entry(address).or_default();
                names.extend(crowd.ends().map(|end| (end, Arc::clone(&name))));
            }
        }
    }

    /// The name that stood for `address` when a connection began at `when`: the latest answer before it, else the
    /// first one after it.
    pub fn name_of(&self, address: IpAddr, when: Timestamp) -> Option<&str> {
        let names = self.by_address.get(&address)?;
        let earlier = names.partition_point(|(t, _)| *t <= when);
        names.get(earlier.saturating_sub(1)).map(|(_, n)| &**n)
    }

    /// The name that a connection of `client` at `when` was probably about, where the snap length cut the addresses
    /// out of the answers: that of the last answer before it, or one just behind it.
    pub fn name_by_order(&self, client: IpAddr, when: Timestamp) -> Option<&str> {
        let own = || self.cut_answers.iter().filter(|(c, ..)| *c == client);
        let before = own().rev().find(|(_, t, _)| (0..=CUT_ANSWER_WINDOW_NS).contains(&when.since(*t)));
        let behind = || own().find(|(_, t, _)| (1..=LATE_NS).contains(&t.since(when)));
        before.or_else(behind).map(|(_, _, n)| n.as_str())
    }

    /// All addresses that ever stood for `name`.
    pub fn addresses_of(&self, name: &str) -> Vec<IpAddr> {
        self.by_address.iter().filter(|(_, names)| names.iter().any(|(_, n)| **n == *name)).map(|(a, _)| *a).collect()
    }
}

/// The addresses in an answer.
pub(super) fn addresses(message: &DnsMessage) -> impl Iterator<Item = IpAddr> + '_ {
    message.answers.iter().filter_map(|r| match &r.data {
        DnsData::Address(a) => Some(*a),
        _ => None,
    })
}

/// Names that federation servers of organisations commonly carry as their first label. A guess for ordering hosts,
/// never for a verdict.
const FEDERATION_LABELS: [&str; 11] =
    ["sts", "adfs", "fs", "sso", "idp", "federation", "login", "auth", "signin", "okta", "ping"];

/// Whether a name looks like the federation server of an organisation.
pub(super) fn is_federation_like(name: &str) -> bool {
    let Some((first, rest)) = name.split_once('.') else { return false };
    rest.contains('.') && FEDERATION_LABELS.iter().any(|l| first.trim_end_matches(|c: char| c.is_ascii_digit()) == *l)
}

/// Labels by which proxies are usually named, alone or with a number or a place behind them.
const PROXY_LABELS: [&str; 9] = ["proxy", "prx", "px", "squid", "webgw", "webgateway", "webproxy", "swg", "gateway"];

/// Whether a name looks like that of a proxy. A guess for captures that hold nothing else; never proof.
pub(super) fn is_proxy_like(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or("");
    first
        .split(|c: char| c == '-' || c == '_' || c.is_ascii_digit())
        .any(|part| PROXY_LABELS.contains(&part) || part.ends_with("proxy"))
}
