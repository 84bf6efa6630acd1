//! Windows of bytes out of a map, a file, a pipe or a decompressor.
//!
//! What enters: a file, a pipe, unpacked bytes or a decompressor. What leaves: slices of at least the size asked for
//! (less only at the end), each valid until the next call. Guaranteed: memory is bounded by the largest window asked
//! for; an error of the system or of a decompressor after the first byte ends the input and is kept for the report
//! instead of taking away what was read before it.

use super::room::Room;
use crate::error::Error;
use crate::limits;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Bytes that may be looked at in any order: unpacked, read or mapped; cheap to clone and to cut.
#[derive(Debug, Clone)]
pub struct Bytes {
    whole: Arc<Whole>,
    range: Range<usize>,
}

#[derive(Debug)]
enum Whole {
    Owned(Vec<u8>),
    Map(memmap2::Mmap),
}

impl Whole {
    fn as_slice(&self) -> &[u8] {
        match self {
            Whole::Owned(bytes) => bytes,
            Whole::Map(map) => map,
        }
    }
}

impl Bytes {
    /// Opens a local file for random access.
    ///
    /// Files up to [`limits::READ_WHOLE_BYTES_MAX`] are read: that is as fast as mapping and survives a file that
    /// shrinks meanwhile. Larger ones are mapped, unless `mmap` is false.
    ///
    /// # Errors
    /// What the system says when the file cannot be opened, read or mapped.
    pub fn open(path: &Path, mmap: bool) -> Result<Bytes, Error> {
        let io = |source| Error::Io { path: path.to_path_buf(), source };
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if mmap && length > limits::READ_WHOLE_BYTES_MAX {
            let map = super::map(&file).map_err(io)?;
            let range = 0..map.len();
            return Ok(Bytes { whole: Arc::new(Whole::Map(map)), range });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(limits::READ_WHOLE_BYTES_MAX)).unwrap_or(0));
        file.read_to_end(&mut bytes).map_err(io)?;
        Ok(Bytes::from(bytes))
    }

    /// The part `range` of these bytes; what lies outside is left away.
    pub fn part(&self, range: Range<usize>) -> Bytes {
        let start = self.range.start.saturating_add(range.start).min(self.range.end);
        let end = self.range.start.saturating_add(range.end).clamp(start, self.range.end);
        Bytes { whole: Arc::clone(&self.whole), range: start..end }
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        static NOTHING: OnceLock<Arc<Whole>> = OnceLock::new();
        let whole = NOTHING.get_or_init(|| Arc::new(Whole::Owned(Vec::new())));
        Bytes { whole: Arc::clone(whole), range: 0..0 }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        let range = 0..bytes.len();
        Bytes { whole: Arc::new(Whole::Owned(bytes)), range }
    }
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.whole.as_slice().get(self.range.clone()).unwrap_or(&[])
    }
}

/// `std::io::Cursor` and the archive readers want this.
impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// A run of bytes read from the front, in windows.
pub struct ByteSource {
    backing: Backing,
    position: u64,
    total: Option<u64>,
    broken: Option<String>,
}

enum Backing {
    Memory { bytes: Bytes, at: usize },
    Stream(Stream),
}

/// A reader with its reused buffer; `start..end` is what was read and not yet consumed.
struct Stream {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl std::fmt::Debug for ByteSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.backing {
            Backing::Memory { .. } => "memory",
            Backing::Stream(_) => "stream",
        };
        f.debug_struct("ByteSource").field("kind", &kind).field("position", &self.position).finish_non_exhaustive()
    }
}

impl ByteSource {
    /// Over bytes in memory or a map.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> ByteSource {
        let bytes = bytes.into();
        let total = Some(bytes.len() as u64);
        ByteSource { backing: Backing::Memory { bytes, at: 0 }, position: 0, total, broken: None }
    }

    /// Over a pipe, a decompressor or anything else that can only be read forwards.
    pub fn from_reader(reader: Box<dyn Read + Send>) -> ByteSource {
        let stream = Stream { reader, buffer: Vec::new(), start: 0, end: 0, ended: false };
        ByteSource { backing: Backing::Stream(stream), position: 0, total: None, broken: None }
    }

    /// Over a local file, read into a reused buffer: measured faster than walking a map, and safe when it shrinks.
    ///
    /// # Errors
    /// What the system says when the file cannot be opened.
    pub fn open(path: &Path) -> Result<ByteSource, Error> {
        let io = |source| Error::Io { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(io)?;
        let total = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
        let mut source = ByteSource::from_reader(Box::new(file));
        source.total = total;
        Ok(source)
    }

    /// Bytes from here on: at least `want`, less only at the end of the input, and never many more than `want`.
    pub fn fill(&mut self, want: usize) -> &[u8] {
        match &mut self.backing {
            Backing::Memory { bytes, at } => {
                let end = at.saturating_add(want).min(bytes.len());
                bytes.get(*at..end).unwrap_or(&[])
            }
            Backing::Stream(stream) => {
                if let Err(error) = stream.fill(want) {
                    self.broken.get_or_insert(error.to_string());
                }
                stream.held()
            }
        }
    }

    /// As [`ByteSource::fill`], into memory of the caller, which keeps it while the next window is read. What is not
    /// used of it goes back with [`ByteSource::put_back`].
    pub fn take<'w>(&mut self, room: &'w mut Room, want: usize) -> (&'w Room, &'w [u8]) {
        room.clear();
        match &mut self.backing {
            Backing::Memory { bytes, at } => {
                room.share(&bytes.part(*at..at.saturating_add(want)));
                (room, room.shared())
            }
            Backing::Stream(stream) => {
                if let Err(error) = stream.take(room, want) {
                    self.broken.get_or_insert(error.to_string());
                }
                (room, room.own())
            }
        }
    }

    /// Steps over the first `used` bytes of the window `taken`; the rest comes again.
    pub fn put_back(&mut self, taken: &[u8], used: usize) {
        let used = used.min(taken.len());
        match &mut self.backing {
            Backing::Memory { at, .. } => *at = at.saturating_add(used),
            Backing::Stream(stream) => stream.hold(taken.get(used..).unwrap_or(&[])),
        }
        self.position += used as u64;
    }

    /// Steps over `n` bytes that [`ByteSource::fill`] handed out.
    pub fn consume(&mut self, n: usize) {
        let n = match &mut self.backing {
            Backing::Memory { bytes, at } => {
                let n = n.min(bytes.len().saturating_sub(*at));
                *at += n;
                n
            }
            Backing::Stream(stream) => {
                let n = n.min(stream.end - stream.start);
                stream.start += n;
                n
            }
        };
        self.position += n as u64;
    }

    /// Bytes consumed so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Size of the input, where it is known beforehand.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Why the input ended before its end, in the words of the system or the decompressor.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}

impl Stream {
    fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    fn fill(&mut self, want: usize) -> std::io::Result<()> {
        if self.end - self.start >= want || self.ended {
            return Ok(());
        }
        // What is left is at most one incomplete record: moving it costs less than a ring buffer would.
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        while self.end < want && !self.ended {
            let Some(free) = self.buffer.get_mut(self.end..) else { break };
            let n = read_once(&mut self.reader, free, &mut self.ended)?;
            self.end = self.end.saturating_add(n).min(self.buffer.len());
        }
        Ok(())
    }

    /// Moves what is held, and more up to `want` bytes, to `room`.
    fn take(&mut self, room: &mut Room, want: usize) -> std::io::Result<()> {
        room.extend(self.held());
        (self.start, self.end) = (0, 0);
        while !self.ended {
            let free = room.free(want);
            if free.is_empty() {
                break;
            }
            let n = read_once(&mut self.reader, free, &mut self.ended)?;
            room.advance(n);
        }
        Ok(())
    }

    /// Holds a copy of `rest`: the incomplete record at the end of a window.
    fn hold(&mut self, rest: &[u8]) {
        if self.buffer.len() < rest.len() {
            self.buffer.resize(rest.len(), 0);
        }
        if let Some(front) = self.buffer.get_mut(..rest.len()) {
            front.copy_from_slice(rest);
        }
        (self.start, self.end) = (0, rest.len());
    }
}

/// One read; sets `ended` at the end and at an error.
fn read_once(reader: &mut dyn Read, free: &mut [u8], ended: &mut bool) -> std::io::Result<usize> {
    loop {
        match reader.read(free) {
            Ok(0) => {
                *ended = true;
                return Ok(0);
            }
            Ok(n) => return Ok(n),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => {
                *ended = true;
                return Err(e);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out at most three bytes a call, then an error.
    struct Drip(Vec<u8>, usize, bool);

    impl Read for Drip {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let n = buf.len().min(3).min(self.0.len() - self.1);
            if n == 0 && self.2 {
                return Err(std::io::Error::other("the pipe broke"));
            }
            buf[..n].copy_from_slice(&self.0[self.1..self.1 + n]);
            self.1 += n;
            Ok(n)
        }
    }

    fn walk(mut source: ByteSource, want: usize, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let got = source.fill(want);
            let take = got.len().min(step);
            if take == 0 {
                return all;
            }
            all.extend_from_slice(&got[..take]);
            source.consume(take);
            assert_eq!(source.position(), all.len() as u64);
        }
    }

    /// As `walk`, but every window goes into a room of the caller.
    fn walk_rooms(mut source: ByteSource, want: usize, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let mut rooms = [Room::default(), Room::default()];
        loop {
            rooms.reverse();
            let (_, got) = source.take(&mut rooms[0], want);
            let take = got.len().min(step);
            all.extend_from_slice(&got[..take]);
            source.put_back(got, take);
            assert_eq!(source.position(), all.len() as u64);
            if take == 0 {
                return all;
            }
        }
    }

    #[test]
    fn every_backing_gives_the_same_bytes_for_any_window() {
        let bytes: Vec<u8> = (0..=255).collect();
        for want in [1, 2, 7, 64, 255, 256, 1000] {
            for step in [1, 5, 300] {
                assert_eq!(walk(ByteSource::from_bytes(bytes.clone()), want, step), bytes);
                let drip = Drip(bytes.clone(), 0, false);
                assert_eq!(walk(ByteSource::from_reader(Box::new(drip)), want, step), bytes);
                assert_eq!(walk_rooms(ByteSource::from_bytes(bytes.clone()), want, step), bytes);
                let drip = Drip(bytes.clone(), 0, false);
                assert_eq!(walk_rooms(ByteSource::from_reader(Box::new(drip)), want, step), bytes);
            }
        }
    }

    #[test]
    fn a_window_may_grow_while_bytes_are_held() {
        let mut source = ByteSource::from_reader(Box::new(Drip((0..100).collect(), 0, false)));
        assert!(source.fill(4).len() >= 4);
        source.consume(2);
        assert_eq!(source.fill(50)[..3], [2, 3, 4]);
        assert!(source.fill(50).len() >= 50);
        assert_eq!(source.fill(500).len(), 98);
    }

    #[test]
    fn a_broken_reader_keeps_what_it_gave() {
        let mut source = ByteSource::from_reader(Box::new(Drip(vec![1, 2, 3, 4], 0, true)));
        assert_eq!(source.fill(100), &[1, 2, 3, 4]);
        assert_eq!(source.broken(), Some("the pipe broke"));
        let mut source = ByteSource::from_reader(Box::new(Drip(vec![1, 2, 3, 4], 0, true)));
        assert_eq!(source.take(&mut Room::default(), 100).1, &[1, 2, 3, 4]);
        assert_eq!(source.broken(), Some("the pipe broke"));
    }

    #[test]
    fn a_file_reads_the_same_streamed_read_whole_and_mapped() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        assert_eq!(walk(ByteSource::open(file.path()).unwrap(), 4096, 4000), bytes);
        assert_eq!(*Bytes::open(file.path(), true).unwrap(), bytes);
        assert_eq!(*super::super::map(file.as_file()).unwrap(), bytes);
        assert!(Bytes::open(Path::new("no such file"), true).is_err());
    }

    #[test]
    fn parts_never_leave_the_whole() {
        let bytes = Bytes::from(vec![0, 1, 2, 3, 4, 5]);
        assert_eq!(&*bytes.part(2..4), &[2, 3]);
        assert_eq!(&*bytes.part(2..4).part(1..9), &[3]);
        assert_eq!(&*bytes.part(4..400), &[4, 5]);
        assert!(bytes.part(9..10).is_empty());
        assert!(bytes.part(usize::MAX - 1..usize::MAX).is_empty());
    }
}
