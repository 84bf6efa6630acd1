//! Packets on their way out: copies folded, windows filled.
//!
//! What enters: packets in time order, as each place in the stack logged them. What leaves: windows of [`Frame`]s, each
//! packet once. A packet waits [`WAIT_NS`] for further copies, so that the best of them is kept: of NDIS layers the
//! one right above the adapter, else the one with most bytes, Ethernet before other framing. Two records are copies
//! when Packet Monitor numbered them alike, or when their bytes agree, they are close in time, and no place in the
//! stack logged both (the same place twice is a retransmission). Guaranteed: what waits is bounded in number and bytes;
//! bytes of plain buffers are never copied.

use super::packet::{Identity, Packet, Site};
use super::shape;
use crate::capture::{CaptureInfo, Direction, DropMark, Frame, LinkType};
use crate::input::{Bytes, Room};
use crate::time::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// How long a packet waits for its copies: layers and components log within microseconds; a queue may add some ms.
const WAIT_NS: i64 = 50_000_000;

/// How long it waits where no copies are expected: the events of one processor are out of order by microseconds. So few
/// packets wait that their bytes are still in the cache when they are decoded.
const ORDER_NS: i64 = 2_000_000;

/// How far apart two records with equal bytes may be to count as one packet. Above it they are a retransmission.
const COPY_NS: i64 = 20_000_000;

/// How long numbered packets are remembered after they were handed out.
const REMEMBER_NS: i64 = 2_000_000_000;

/// Packets after which it is looked whether some have waited long enough, where copies do not depend on it.
const RELEASE_EVERY: u64 = 32;

/// Packets that wait at most.
const WAITING_MAX: usize = 16_384;

/// Bytes that wait at most (only those of compressed buffers, joined and changed packets are held).
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Packets remembered at most.
const KNOWN_MAX: usize = 1 << 16;

/// Packets after which a trace that has shown one place only is taken to have no other, until one appears.
const ONE_SITE_TRUSTED: u64 = 4096;

/// Places that a packet is followed through; PktMon shows up to 13.
const SITES_MAX: usize = 15;

/// Interfaces that a trace may have.
const INTERFACES_MAX: usize = 4096;

/// Where the bytes of a waiting packet are.
#[derive(Debug, Clone, Copy)]
enum Span {
    File { at: usize, len: usize },
    Held { at: usize, len: usize },
}

impl Span {
    fn len(self) -> usize {
        match self {
            Span::File { len, .. } | Span::Held { len, .. } => len,
        }
    }
}

/// A packet that waits, or stands in the window.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    time: Timestamp,
    span: Span,
    original_len: u32,
    link: LinkType,
    interface: u32,
    direction: Direction,
    pid: Option<u32>,
    tid: Option<u32>,
    dropped: Option<DropMark>,
    content: bool,
    site: Site,
}

/// What is remembered of a packet.
#[derive(Debug, Clone)]
struct Known {
    /// Its number since the start, to find it while it waits.
    serial: u64,
    first: Timestamp,
    /// Places that logged it, as [`site_code`]s.
    sites: [u32; SITES_MAX],
    count: u8,
}

/// What distinguishes the interfaces that frames are attributed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceKey {
    /// Where its packets were logged; the edge of a PktMon component does not count.
    pub site: Site,
    /// Link type.
    pub link: LinkType,
}

/// The queue.
pub struct Queue<'a> {
    data: &'a Bytes,
    window_bytes: usize,
    keep_duplicates: bool,
    /// Packets of the window, then those that wait.
    packets: VecDeque<Waiting>,
    /// How many of them are the window's.
    ready: usize,
    ready_bytes: usize,
    /// They are in order of time, and the last of them has this one.
    in_order: bool,
    latest: Timestamp,
    /// Serial number of the first of them.
    first: u64,
    known: HashMap<u64, Known, RandomState>,
    forget: VecDeque<(Timestamp, u64, u64)>,
    hasher: RandomState,
    sites: Vec<(Site, u64)>,
    folding: bool,
    /// Bytes that are not in the file as they are handed out.
    held: Vec<u8>,
    /// Interfaces in order of appearance.
    pub interfaces: Vec<InterfaceKey>,
    /// Where the last packet was logged, and its interface.
    last: Option<(Site, LinkType, u32)>,
    frames: u64,
}

impl<'a> Queue<'a> {
    /// An empty queue over the file `data`.
    pub fn new(data: &'a Bytes, window_bytes: usize) -> Self {
        Queue {
            data,
            window_bytes: window_bytes.max(1),
            keep_duplicates: false,
            packets: VecDeque::new(),
            ready: 0,
            ready_bytes: 0,
            in_order: true,
            latest: Timestamp(i64::MIN),
            first: 0,
            known: HashMap::default(),
            forget: VecDeque::new(),
            hasher: RandomState::default(),
            sites: Vec::new(),
            folding: true,
            held: Vec::new(),
            interfaces: Vec::new(),
            last: None,
            frames: 0,
        }
    }

    /// Keeps every record as a frame of its own.
    pub fn keep_duplicates(&mut self, keep: bool) {
        self.keep_duplicates = keep;
    }

    /// True when a window should be handed out.
    pub fn is_full(&self) -> bool {
        self.ready_bytes >= self.window_bytes
    }

    /// Takes a packet logged at `time`; `event_at` is its event's place in the file, where the bytes can be used from.
    // Inlined, so that a packet from the short way is never written as a whole.
    #[inline(always)]
    pub fn push(&mut self, packet: &Packet<'_>, time: Timestamp, event_at: Option<usize>, info: &mut CaptureInfo) {
        let interface = match self.last {
            Some((site, link, interface)) if site == packet.site && link == packet.link => interface,
            _ => self.interface(packet),
        };
        let serial = self.first + self.packets.len() as u64;
        // Copies ask what is remembered, which is forgotten in time; else it is enough to look now and then.
        if self.folding || serial.is_multiple_of(RELEASE_EVERY) {
            self.release(time);
        }
        let has_copies = packet.dropped.is_none() && !self.keep_duplicates && !self.is_alone(packet);
        if has_copies && let Some(key) = self.key(packet) {
            if self.is_copy(key, packet, time) {
                info.duplicates += 1;
                self.improve(key, packet, interface, event_at);
                return;
            }
            self.remember(key, serial, packet.site, time);
        }
        let span = self.span(packet, event_at);
        self.packets.push_back(Waiting {
            time,
            span,
            original_len: packet.original_len,
            link: packet.link,
            interface,
            direction: packet.direction,
            pid: packet.pid,
            tid: packet.tid,
            dropped: packet.dropped,
            content: packet.identity == Identity::Content,
            site: packet.site,
        });
        // A window of held bytes may stand beside those that wait; if only the window is large, it is handed out soon.
        while self.packets.len() > self.ready
            && (self.packets.len() - self.ready > WAITING_MAX
                || self.held.len() > WAITING_BYTES_MAX.saturating_add(self.window_bytes))
        {
            self.make_ready(1);
        }
    }

    /// Index of the interface of a packet.
    fn interface(&mut self, packet: &Packet<'_>) -> u32 {
        let site = match packet.site {
            Site::Pktmon { component, .. } => Site::Pktmon { component, edge: 0 },
            site => site,
        };
        let key = InterfaceKey { site, link: packet.link };
        let index = match self.interfaces.iter().position(|i| *i == key) {
            Some(i) => i as u32,
            None if self.interfaces.len() >= INTERFACES_MAX => 0,
            None => {
                self.interfaces.push(key);
                (self.interfaces.len() - 1) as u32
            }
        };
        self.last = Some((packet.site, packet.link, index));
        index
    }

    /// Whether a packet was logged at the one place that the trace has, and has no number that could say more.
    fn is_alone(&self, packet: &Packet<'_>) -> bool {
        !self.folding
            && packet.identity == Identity::Content
            && matches!(*self.sites, [(site, _)] if site == packet.site)
    }

    /// The number that a packet's copies share, where copies are to be expected at all.
    fn key(&mut self, packet: &Packet<'_>) -> Option<u64> {
        use std::hash::BuildHasher;
        if let Identity::Numbered { group, number } = packet.identity {
            return Some(self.hasher.hash_one((group, number)));
        }
        let total = match self.sites.iter_mut().find(|(s, _)| *s == packet.site) {
            Some((_, n)) => {
                *n += 1;
                *n
            }
            None => {
                if self.sites.len() < SITES_MAX {
                    self.sites.push((packet.site, 1));
                }
                if self.sites.len() == 2 && !self.folding {
                    self.start_folding();
                }
                1
            }
        };
        if self.sites.len() < 2 && total > ONE_SITE_TRUSTED {
            self.folding = false;
        }
        self.folding.then(|| shape::identity(packet.data, packet.link, &self.hasher))
    }

    /// Remembers what waits, so that copies logged at a second place are recognised from the first on.
    fn start_folding(&mut self) {
        self.folding = true;
        for (i, serial) in (0..self.packets.len()).zip(self.first..).skip(self.ready) {
            if let Some(w) = self.packets.get(i).copied().filter(|w| w.content && w.dropped.is_none()) {
                let key = shape::identity(self.bytes(w.span), w.link, &self.hasher);
                self.remember(key, serial, w.site, w.time);
            }
        }
    }

    fn remember(&mut self, key: u64, serial: u64, site: Site, time: Timestamp) {
        let mut sites = [0; SITES_MAX];
        if let Some(first) = sites.first_mut() {
            *first = site_code(site);
        }
        self.known.insert(key, Known { serial, first: time, sites, count: 1 });
        self.forget.push_back((time, key, serial));
        while self.forget.len() > KNOWN_MAX {
            self.forget_one();
        }
    }

    fn forget_one(&mut self) {
        if let Some((_, key, serial)) = self.forget.pop_front()
            && self.known.get(&key).is_some_and(|k| k.serial == serial)
        {
            self.known.remove(&key);
        }
    }

    /// Whether a packet with this key was seen at other places only, close enough in time; marks the place if so.
    fn is_copy(&mut self, key: u64, packet: &Packet<'_>, time: Timestamp) -> bool {
        let Some(known) = self.known.get_mut(&key) else { return false };
        if let Identity::Numbered { .. } = packet.identity {
            return true;
        }
        let count = usize::from(known.count);
        if time.since(known.first) > COPY_NS
            || known.sites.get(..count).is_none_or(|s| s.contains(&site_code(packet.site)))
        {
            return false;
        }
        if let Some(place) = known.sites.get_mut(count) {
            *place = site_code(packet.site);
            known.count += 1;
        }
        true
    }

    /// Takes bytes and interface of a copy that shows more than what waits.
    fn improve(&mut self, key: u64, packet: &Packet<'_>, interface: u32, event_at: Option<usize>) {
        let Some(serial) = self.known.get(&key).map(|k| k.serial) else { return };
        let Some(at) = serial.checked_sub(self.first).and_then(|n| usize::try_from(n).ok()) else { return };
        // One that is the window's stays as it is.
        let Some(w) = self.packets.get(at).filter(|_| at >= self.ready) else { return };
        if rank(packet.site, packet.data, packet.link) <= rank(w.site, self.bytes(w.span), w.link) {
            return;
        }
        let span = self.span(packet, event_at);
        if let Some(w) = self.packets.get_mut(at) {
            // Time, direction and process stay those of the first record, which is nearest to the cause.
            (w.span, w.link, w.interface, w.site) = (span, packet.link, interface, packet.site);
            w.original_len = packet.original_len;
        }
    }

    /// Keeps the bytes of a packet: by their place in the file, or else a copy.
    fn span(&mut self, packet: &Packet<'_>, event_at: Option<usize>) -> Span {
        // Adapters deliver frames decrypted but leave the Protected bit set (IEEE 802.11 9.2.4.1.9).
        let protected = packet.link == LinkType::IEEE802_11 && packet.data.get(1).is_some_and(|b| b & 0x40 != 0);
        if let (false, Some(event_at), Some(place)) = (protected, event_at, packet.place) {
            return Span::File { at: event_at.saturating_add(place), len: packet.data.len() };
        }
        let at = self.held.len();
        self.held.extend_from_slice(packet.data);
        if let (true, Some(flags)) = (protected, self.held.get_mut(at + 1)) {
            *flags &= !0x40;
        }
        Span::Held { at, len: packet.data.len() }
    }

    fn bytes(&self, span: Span) -> &[u8] {
        match span {
            Span::File { at, len } => self.data.get(at..at.saturating_add(len)).unwrap_or(&[]),
            Span::Held { at, len } => self.held.get(at..at.saturating_add(len)).unwrap_or(&[]),
        }
    }

    /// Moves what has waited long enough into the window.
    fn release(&mut self, now: Timestamp) {
        let wait = if self.folding { WAIT_NS } else { ORDER_NS };
        let waiting = self.packets.iter().skip(self.ready);
        self.make_ready(waiting.take_while(|w| now.since(w.time) > wait).count());
        while self.forget.front().is_some_and(|(t, _, _)| now.since(*t) > REMEMBER_NS) {
            self.forget_one();
        }
    }

    /// Moves the first of those that wait into the window.
    fn make_ready(&mut self, count: usize) {
        for w in self.packets.iter().skip(self.ready).take(count) {
            // The frame's description counts too, so that a window of empty frames ends as well.
            self.ready_bytes += w.span.len() + 64;
            self.in_order &= self.latest <= w.time;
            self.latest = w.time;
            self.ready += 1;
        }
    }

    /// Moves everything that waits into the window: nothing more will come.
    pub fn end(&mut self) {
        self.make_ready(self.packets.len());
    }

    /// Hands the window out.
    pub fn hand_out<'w>(
        &mut self,
        info: &mut CaptureInfo,
        room: &'w mut Room,
        frames: &mut Vec<Frame<'w>>,
    ) -> &'w Room {
        room.share(self.data);
        room.swap(&mut self.held);
        let room: &'w Room = room;
        // Bytes that still wait move to the front of the new store.
        self.held.clear();
        for w in self.packets.iter_mut().skip(self.ready).filter(|_| !room.own().is_empty()) {
            if let Span::Held { at, len } = &mut w.span {
                let start = self.held.len();
                self.held.extend_from_slice(room.own().get(*at..at.saturating_add(*len)).unwrap_or(&[]));
                *at = start;
            }
        }
        // One processor's events may be out of order by a little; what belongs together waited together.
        if !self.in_order {
            let window = self.packets.make_contiguous().get_mut(..self.ready);
            window.unwrap_or(&mut []).sort_by_key(|w| w.time);
        }
        frames.reserve(self.ready);
        for w in self.packets.drain(..self.ready) {
            self.frames += 1;
            let data = match w.span {
                Span::File { at, len } => room.shared().get(at..at.saturating_add(len)),
                Span::Held { at, len } => room.own().get(at..at.saturating_add(len)),
            };
            let frame = Frame {
                number: self.frames,
                time: w.time,
                timed: true,
                link: w.link,
                data: data.unwrap_or(&[]),
                original_len: w.original_len,
                interface: w.interface,
                direction: w.direction,
                pid: w.pid,
                tid: w.tid,
                dropped: w.dropped,
            };
            info.count(&frame);
            frames.push(frame);
        }
        self.first += self.ready as u64;
        (self.ready, self.ready_bytes, self.in_order, self.latest) = (0, 0, true, Timestamp(i64::MIN));
        room
    }
}

/// A place in 32 bits. Two adapters' layers may share one by accident; then both packets are kept.
fn site_code(site: Site) -> u32 {
    match site {
        Site::Ndis { miniport, lower } => miniport.wrapping_mul(0x9E37_79B1) ^ lower,
        Site::Pktmon { component, edge } => u32::from(component) << 16 | u32::from(edge),
        Site::Ras => u32::MAX,
    }
}

/// Which of two copies to keep: the layer right above the adapter, then more bytes of the packet, then Ethernet.
fn rank(site: Site, data: &[u8], link: LinkType) -> (u8, usize, bool) {
    let layer = match site {
        Site::Ndis { miniport, lower } => u8::from(miniport == lower),
        Site::Pktmon { .. } | Site::Ras => 0,
    };
    (layer, shape::network_bytes(data, link), link == LinkType::ETHERNET)
}
