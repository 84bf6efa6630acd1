//! Who sent a reset: the host itself, or something on the way in its name.
//!
//! An injector copies addresses, ports and the sequence number, but it sits at another distance and has its own
//! counters. Judged from one capture: TTL against the same side's other packets, the sequence number against the
//! expected one, data that arrives although the reset came first, and an answer faster than the path allows.
//! Ordinary stacks also reset with unusual TTLs (Windows and Linux start at 128 and 64, some set 255 on a RST), so a
//! difference that a different initial TTL explains counts as none.

use crate::facts::{Flow, Reset, hops};
use crate::flow::Side;
use crate::lang::Message;
use crate::message;

/// Hops by which a reset must be nearer or farther than its sender's other packets to count.
const HOP_DIFFERENCE_MIN: u8 = 3;

/// Who broke a connection, and how that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Breaker {
    /// Judgement.
    pub kind: BreakerKind,
    /// Reasons, in words.
    pub reasons: Vec<Message>,
    /// Hops to the sender of the reset, estimated from its TTL.
    pub hops: Option<u8>,
    /// Hops to the host, estimated from its other packets.
    pub host_hops: Option<u8>,
}

/// Judgement of [`breaker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerKind {
    /// Nothing distinguishes the reset from the host's own packets.
    Host,
    /// Something on the way sent it in the host's name.
    OnTheWay,
    /// The host sent nothing else to compare with.
    Unknown,
}

/// Judges the first reset that `by` sent.
pub fn breaker(flow: &Flow, by: Side) -> Option<Breaker> {
    let resets: Vec<&Reset> = flow.tcp.as_ref()?.resets.iter().filter(|r| r.by == by).collect();
    let first = *resets.first()?;
    let mut reasons = Vec::new();
    let reset_hops = hops(first.ttl);
    let host_hops = first.peer_ttl.map(hops);
    if let (Some(peer_ttl), Some(peer_hops)) = (first.peer_ttl, host_hops)
        && peer_hops.abs_diff(reset_hops) >= HOP_DIFFERENCE_MIN
    {
        reasons.push(message!(
            en: "its TTL {} is {} hops from here, the host's other packets (TTL {peer_ttl}) are {peer_hops} hops away",
            ja: "RST の TTL {} は {} ホップ相当だが、同じホストの他のパケット (TTL {peer_ttl}) は {peer_hops} ホップ相当",
            first.ttl, reset_hops
        ));
    }
    if first.data_after {
        reasons.push(message!(
            en: "the host went on sending data after the reset, so it did not send it",
            ja: "RST の後もホストがデータを送り続けており、RST はホスト自身のものではない",
        ));
    }
    let distinct: std::collections::BTreeSet<Option<i64>> = resets.iter().map(|r| r.seq_offset).collect();
    if resets.len() > 1 && distinct.len() > 1 && resets.iter().any(|r| r.seq_offset.is_some_and(|o| o > 0)) {
        reasons.push(message!(
            en: "{} resets with stepped sequence numbers, as injectors send them to hit the window",
            ja: "シーケンス番号をずらした RST が {} 個あり、注入装置の特徴と一致する",
            resets.len()
        ));
    }
    let kind = if !reasons.is_empty() {
        BreakerKind::OnTheWay
    } else if first.peer_ttl.is_some() {
        BreakerKind::Host
    } else {
        BreakerKind::Unknown
    };
    Some(Breaker { kind, reasons, hops: Some(reset_hops), host_hops })
}
