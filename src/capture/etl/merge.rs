//! Events of all processors in one time order, with bounded memory.
//!
//! What enters: the file and its index. What leaves: events, the earliest first; equal times in file order. Guaranteed:
//! plain buffers are read in place; a compressed buffer is unpacked piece by piece, so a processor never holds more
//! than one piece (64 processors with 16 MiB buffers take about 20 MB), and every call advances or ends.

use super::container::{self, BUFFER_HEADER, Body, BufferRef, Index};
use super::event::{self, Event, Head, NoEvent};
use super::xpress::{Decoder, HISTORY};
use crate::message;
use crate::problem::Problems;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;

/// Bytes unpacked at once: small enough for the cache, large enough for the largest event (64 KiB).
const PIECE: usize = 256 << 10;

/// The same where there are many processors.
const PIECE_SMALL: usize = 80 << 10;

/// Lanes that are merged: Windows has 2048 processors at most. More can only be nonsense, which is folded.
const LANES_MAX: usize = 2048;

/// Buffers of one processor whose sequence contradicts their times by more than this are sorted by time (nanoseconds).
const DISORDER_NS: i64 = 50_000_000;

/// Bytes of a plain buffer that are fetched at once: those of a few processors stay in a core's own cache.
const FETCH: usize = 64 << 10;

/// Bytes that memory gives at a time, on the processors of today.
const CACHE_LINE: usize = 64;

/// Where the current buffer's bytes are.
#[derive(Debug)]
enum Source<'a> {
    None,
    Plain(&'a [u8]),
    Packed {
        decoder: Decoder<'a>,
        /// Logical offset of `Lane::piece`'s first byte.
        base: usize,
    },
}

/// The buffers of one processor, read one after another.
#[derive(Debug)]
struct Lane<'a> {
    buffers: Range<usize>,
    source: Source<'a>,
    piece: Vec<u8>,
    /// File position, processor of the current buffer.
    pos: u64,
    cpu: u16,
    /// Logical offset of the current event and of the end of the buffer.
    at: usize,
    end: usize,
    /// Logical offset up to which a plain buffer was fetched from memory.
    fetched: usize,
    head: Option<Head>,
    time: i64,
}

/// An event in its place.
#[derive(Debug)]
pub struct Item<'e> {
    head: &'e Head,
    pointer: u8,
    /// The event's bytes.
    pub bytes: &'e [u8],
    /// Processor whose buffer it was in.
    pub cpu: u16,
    /// Raw time by which it is ordered: its own, or that of the event before it where it has none.
    pub time: i64,
    /// Where it begins in the file, if its buffer is not compressed.
    pub file_offset: Option<usize>,
}

impl<'e> Item<'e> {
    /// The event, decoded.
    pub fn event(&self) -> Option<Event<'e>> {
        Event::decode(self.head, self.bytes, self.cpu, self.pointer)
    }
}

/// All lanes.
#[derive(Debug)]
pub struct Merger<'a> {
    data: &'a [u8],
    session: usize,
    pointer: u8,
    piece_bytes: usize,
    buffers: Vec<BufferRef>,
    lanes: Vec<Lane<'a>>,
    /// The next event of each lane: time, buffer, place in it, lane. The earliest is the current one.
    waiting: BinaryHeap<Reverse<(i64, u64, usize, usize)>>,
    /// Bytes of the buffers that were read to their end.
    pub consumed: u64,
    /// Plain bytes that compressed buffers may still give.
    budget: u64,
}

impl<'a> Merger<'a> {
    /// Groups the buffers of `index` by processor; the index's list is taken out of it.
    pub fn new(data: &'a [u8], index: &mut Index, problems: &mut Problems) -> Self {
        let mut buffers = std::mem::take(&mut index.buffers);
        let mut cpus: Vec<u16> = buffers.iter().map(|b| b.cpu).collect();
        cpus.sort_unstable();
        cpus.dedup();
        let fold = cpus.len() > LANES_MAX;
        if fold {
            problems.note("etl_processors", None, None, || {
                message!(
                    en: "the buffers name more processors than Windows supports; their order may be wrong",
                    ja: "Windows の上限を超えるプロセッサー番号があります。順序が正しくない可能性があります"
                )
            });
        }
        let lane_of = |b: &BufferRef| if fold { usize::from(b.cpu) % LANES_MAX } else { usize::from(b.cpu) };
        buffers.sort_unstable_by_key(|b| (lane_of(b), !b.is_header, b.seq, b.pos));
        let mut lanes: Vec<Lane<'a>> = Vec::new();
        let mut start = 0;
        for run in buffers.chunk_by_mut(|a, b| lane_of(a) == lane_of(b)) {
            settle_order(run, index, problems);
            lanes.push(Lane::new(start..start + run.len()));
            start += run.len();
        }
        let piece_bytes = if lanes.len() > 256 { PIECE_SMALL } else { PIECE };
        let mut merger = Merger {
            data,
            session: index.header.buffer_size as usize,
            pointer: index.header.pointer_size,
            piece_bytes,
            buffers,
            lanes,
            waiting: BinaryHeap::new(),
            consumed: 0,
            budget: crate::limits::ARCHIVE_BYTES_MAX.max(data.len() as u64),
        };
        // A lane is only opened when its first event's turn comes.
        for (i, lane) in merger.lanes.iter().enumerate() {
            if let Some(first) = merger.buffers.get(lane.buffers.start) {
                merger.waiting.push(Reverse((first.first_time.unwrap_or(i64::MIN), first.pos, 0, i)));
            }
        }
        merger
    }

    /// Bytes held for all processors.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.lanes.iter().map(|l| l.piece.capacity()).sum()
    }

    /// The next event.
    // Inlined, so that an event that takes the short way is never written as a whole.
    #[inline(always)]
    pub fn next(&mut self, problems: &mut Problems) -> Option<Item<'_>> {
        loop {
            let Reverse((.., i)) = *self.waiting.peek()?;
            // A lane that was not opened yet may begin later than its buffer's header promised.
            let more = self.advance(i, problems);
            match (self.lanes.get(i).filter(|_| more), self.waiting.peek_mut()?) {
                (Some(lane), mut top) => *top = Reverse((lane.time, lane.pos, lane.at, i)),
                (None, top) => drop(PeekMut::pop(top)),
            }
            let Reverse((.., first)) = *self.waiting.peek()?;
            if self.lanes.get(first)?.head.is_some() {
                break;
            }
        }
        let Reverse((.., i)) = self.waiting.peek()?;
        let lane = self.lanes.get(*i)?;
        let head = lane.head.as_ref()?;
        let (bytes, file_offset) = lane.bytes();
        let bytes = bytes.get(..head.size)?;
        Some(Item { head, pointer: self.pointer, bytes, cpu: lane.cpu, time: lane.time, file_offset })
    }

    /// Moves lane `i` to its next event; false at the end of its last buffer.
    fn advance(&mut self, i: usize, problems: &mut Problems) -> bool {
        let Some(lane) = self.lanes.get_mut(i) else { return false };
        loop {
            if matches!(lane.source, Source::None) {
                let Some(buffer) = lane.buffers.next().and_then(|n| self.buffers.get(n)) else { return false };
                lane.open(self.data, buffer, self.session, problems);
                continue;
            }
            if let Some(head) = lane.head.take() {
                lane.at = lane.at.saturating_add((head.size + 7) & !7);
            }
            match lane.find(self.piece_bytes, &mut self.budget, problems) {
                Some(head) => {
                    lane.time = head.time.unwrap_or(lane.time);
                    lane.head = Some(head);
                    return true;
                }
                None => {
                    lane.close();
                    let size = self.data.get(lane.pos as usize..).and_then(container::BufferHeader::read);
                    let left = (self.data.len() as u64).saturating_sub(lane.pos);
                    self.consumed = self.consumed.saturating_add(size.map_or(0, |h| h.size as u64).min(left));
                }
            }
        }
    }
}

/// Puts a run of one processor's buffers into time order where their sequence numbers do not tell it.
fn settle_order(run: &mut [BufferRef], index: &Index, problems: &mut Problems) {
    let clock = index.header.clock;
    let wrong = run.windows(2).any(|pair| match pair {
        [a, b] => match (a.first_time, b.first_time) {
            (Some(a), Some(b)) => b < a && clock.time(a).since(clock.time(b)) > DISORDER_NS,
            _ => false,
        },
        _ => false,
    });
    if wrong {
        problems.note("etl_buffer_order", None, run.first().map(|b| b.pos), || {
            message!(
                en: "buffers of one processor are numbered against their times; they were ordered by time",
                ja: "同じプロセッサーのバッファーの番号と時刻の順序が一致しません。時刻順に並べ替えました"
            )
        });
        run.sort_by_key(|b| (!b.is_header, b.first_time, b.seq, b.pos));
    }
}

/// Looks at every cache line of some bytes and keeps nothing. Where an event begins is known only when the one before
/// was read, so that each waits for memory anew; lines that are asked for in a row come as fast as memory is.
#[inline(never)]
fn touch(bytes: &[u8]) {
    for line in bytes.chunks(CACHE_LINE) {
        // One by one: put into vectors, the loads are no longer in a row, and take two and a half times as long.
        std::hint::black_box(line.first().copied());
    }
}

impl<'a> Lane<'a> {
    fn new(buffers: Range<usize>) -> Self {
        Lane {
            buffers,
            source: Source::None,
            piece: Vec::new(),
            pos: 0,
            cpu: 0,
            at: 0,
            end: 0,
            fetched: 0,
            head: None,
            time: i64::MIN,
        }
    }

    fn open(&mut self, data: &'a [u8], buffer: &BufferRef, session: usize, problems: &mut Problems) {
        (self.pos, self.cpu) = (buffer.pos, buffer.cpu);
        self.at = BUFFER_HEADER;
        self.end = BUFFER_HEADER;
        if self.time == i64::MIN {
            self.time = buffer.first_time.unwrap_or(i64::MIN);
        }
        // An empty plain body ends at once, which closes the buffer.
        self.source = Source::Plain(&[]);
        self.piece.clear();
        let Some((body, end)) = container::body(data, buffer.pos as usize, session, problems) else { return };
        self.end = end;
        self.source = match body {
            Body::Plain(bytes) => {
                self.fetched = 0;
                Source::Plain(bytes)
            }
            Body::Packed(decoder) => Source::Packed { decoder, base: BUFFER_HEADER },
        };
    }

    fn close(&mut self) {
        self.source = Source::None;
        self.head = None;
        self.piece.clear();
        if self.buffers.is_empty() {
            self.piece = Vec::new();
        }
    }

    /// Bytes from the current event on, and where it is in the file.
    fn bytes(&self) -> (&[u8], Option<usize>) {
        match &self.source {
            Source::None => (&[], None),
            Source::Plain(bytes) => (bytes.get(self.at..).unwrap_or(&[]), Some(self.pos as usize + self.at)),
            Source::Packed { base, .. } => (self.piece.get(self.at.saturating_sub(*base)..).unwrap_or(&[]), None),
        }
    }

    /// The event at the current place; `None` at the end of the buffer.
    fn find(&mut self, piece_bytes: usize, budget: &mut u64, problems: &mut Problems) -> Option<Head> {
        loop {
            if self.end.saturating_sub(self.at) < 8 {
                return None;
            }
            if let Source::Plain(bytes) = self.source
                && self.at >= self.fetched
            {
                // The event at the border comes in part with the next ones.
                let end = self.at.saturating_add(FETCH);
                touch(bytes.get(self.at..end.min(bytes.len())).unwrap_or(&[]));
                self.fetched = end;
            }
            let reason = match event::head(self.bytes().0) {
                Ok(head) => return Some(head),
                Err(reason) => reason,
            };
            let place = Some(self.pos);
            match reason {
                NoEvent::Filler => return None,
                NoEvent::Needs(n) => {
                    if self.unpack(n, piece_bytes, budget, problems) {
                        continue;
                    }
                    problems.note("etl_event_cut", None, place, || {
                        message!(
                            en: "the last event of a buffer is not whole; it was left out",
                            ja: "バッファーの最後のイベントが途中で切れています。このイベントは除外しました"
                        )
                    });
                }
                NoEvent::Unknown => problems.note("etl_unknown_event", None, place, || {
                    message!(
                        en: "an event header of an unknown kind; the rest of its buffer was left out",
                        ja: "未知の種類のイベントヘッダーがあります。そのバッファーの残りは除外しました"
                    )
                }),
                NoEvent::BadSize => problems.note("etl_event_size", None, place, || {
                    message!(
                        en: "an event gives an impossible size; the rest of its buffer was left out",
                        ja: "イベントのサイズが不正です。そのバッファーの残りは除外しました"
                    )
                }),
            }
            return None;
        }
    }

    /// Unpacks until `n` bytes are there from the current event on; false when they cannot be had.
    fn unpack(&mut self, n: usize, piece_bytes: usize, budget: &mut u64, problems: &mut Problems) -> bool {
        let Source::Packed { decoder, base } = &mut self.source else { return false };
        let read = self.at.saturating_sub(*base);
        if decoder.is_finished() || n > self.end.saturating_sub(self.at) {
            return false;
        }
        if *budget == 0 {
            problems.note("etl_unpack_limit", None, Some(self.pos), || {
                message!(
                    en: "the compressed buffers unpack to more than is read; the rest was left out",
                    ja: "圧縮バッファーの展開後のサイズが上限を超えています。残りは読み取っていません"
                )
            });
            return false;
        }
        // Keep what is not consumed, and what a match may still reach back to.
        let drop = read.min(self.piece.len().saturating_sub(HISTORY));
        self.piece.drain(..drop);
        *base += drop;
        let before = self.piece.len();
        let wanted = self.at.saturating_sub(*base).saturating_add(n);
        decoder.fill(&mut self.piece, wanted.max(piece_bytes));
        *budget = budget.saturating_sub((self.piece.len() - before) as u64);
        if let Some(why) = decoder.failure() {
            problems.note("etl_decompress", None, Some(self.pos), || {
                message!(
                    en: "a compressed buffer is damaged or cut ({why}); what came before that place was used",
                    ja: "圧縮バッファーが壊れているか途中で切れています ({why})。その位置までの内容を使用しました"
                )
            });
        }
        self.piece.len() > before
    }
}
