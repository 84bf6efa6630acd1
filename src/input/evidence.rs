//! A piece of evidence and where its bytes are.
//!
//! What enters: what [`super::open`] found. What leaves: its bytes, in windows or whole, read when they are asked for.
//! Guaranteed: a packed piece is unpacked while it is read, and never further than the limits allow.

use super::archive::stream::Codec;
use super::kind::{KIND_BYTES, Kind};
use super::source::{ByteSource, Bytes};
use crate::error::Error;
use crate::lang::Message;
use crate::limits;
use crate::message;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Why a piece cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Stable code, `snake_case`: `not_found`, `archive_encrypted`, `archive_damaged`, `archive_limit`, ...
    pub code: &'static str,
    /// What it is and what to do.
    pub message: Message,
}

/// One piece of evidence.
#[derive(Debug)]
pub struct Evidence {
    /// For display: the path as given, with the members of archives behind `!` (`case.zip!NetTrace.cab!report.etl`).
    pub path: String,
    /// What it is. [`Kind::Unknown`] where it cannot be read.
    pub kind: Kind,
    /// What it is packed in, innermost: `cab`, `zip`, `gz` or `zst`.
    pub container: Option<&'static str>,
    /// Unpacked size, where it is known before reading.
    pub bytes: Option<u64>,
    /// True when the user named this very file, so that not reading it is an error.
    pub named: bool,
    /// Index of an earlier or better placed piece with the same bytes; such a piece is not worth a second look.
    pub duplicate_of: Option<usize>,
    /// Set when it cannot be read at all.
    pub unreadable: Option<Unreadable>,
    /// The file on disk, or the archive that it came out of; `None` for what was never a file.
    pub(super) file: Option<Arc<Path>>,
    pub(super) content: Content,
    pub(super) mmap: bool,
}

/// Where the bytes of a piece are.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A local file.
    File(PathBuf),
    /// Unpacked or read already, or a part of an archive that is not packed.
    Memory(Bytes),
    /// Unpacked when it is read.
    Packed { inner: Arc<Content>, codec: Codec },
    /// Standard input, which can be read once.
    Once(Arc<OnceReader>),
}

/// A reader that is there once.
pub(crate) struct OnceReader(Mutex<Option<Box<dyn Read + Send>>>);

impl std::fmt::Debug for OnceReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnceReader")
    }
}

impl Content {
    pub(super) fn once(reader: Box<dyn Read + Send>) -> Content {
        Content::Once(Arc::new(OnceReader(Mutex::new(Some(reader)))))
    }

    fn reader(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Content::File(path) => Box::new(File::open(path)?),
            Content::Memory(bytes) => Box::new(io::Cursor::new(bytes.clone())),
            Content::Packed { inner, codec } => {
                let unpacked = codec.reader(inner.reader()?);
                Box::new(Limited { inner: unpacked, left: limits::ARCHIVE_BYTES_MAX })
            }
            Content::Once(reader) => {
                let taken = reader.0.lock().map(|mut r| r.take()).unwrap_or_default();
                taken.ok_or_else(|| io::Error::other("standard input can be read only once"))?
            }
        })
    }

    /// Everything, for random access.
    pub(super) fn whole(&self, mmap: bool) -> Result<Bytes, Error> {
        match self {
            Content::File(path) => Bytes::open(path, mmap),
            Content::Memory(bytes) => Ok(bytes.clone()),
            Content::Packed { .. } | Content::Once(_) => {
                let no_path = PathBuf::new();
                let most = limits::ARCHIVE_HELD_BYTES_MAX;
                let mut bytes = Vec::new();
                let read = self.reader().and_then(|r| r.take(most + 1).read_to_end(&mut bytes));
                match read {
                    Err(source) if bytes.is_empty() => return Err(Error::Io { path: no_path, source }),
                    // What could be unpacked before the damage is worth reading.
                    Err(_) | Ok(_) if bytes.len() as u64 <= most => {}
                    _ => return Err(Error::Limit { path: no_path, reason: limit_message() }),
                }
                Ok(Bytes::from(bytes))
            }
        }
    }

    pub(super) fn head(&self) -> io::Result<Vec<u8>> {
        head_of(&mut self.reader()?)
    }

    /// The unpacked size, or a guess at it that equal content shares; for finding what may be equal.
    fn size_hint(&self, bytes: Option<u64>) -> Option<u64> {
        let Content::Packed { inner, codec: Codec::Gz } = self else { return bytes };
        // gzip ends with the size modulo 2^32.
        let tail = match &**inner {
            Content::Memory(bytes) => bytes.last_chunk::<4>().copied(),
            Content::File(path) => File::open(path).ok().and_then(|mut file| {
                let mut tail = [0; 4];
                io::Seek::seek(&mut file, io::SeekFrom::End(-4)).ok()?;
                file.read_exact(&mut tail).ok()?;
                Some(tail)
            }),
            _ => None,
        };
        tail.map(|t| u32::from_le_bytes(t).into())
    }
}

/// Ends with an error instead of unpacking more than the limit.
struct Limited {
    inner: Box<dyn Read + Send>,
    left: u64,
}

impl Read for Limited {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        match self.left.checked_sub(n as u64) {
            Some(left) => {
                self.left = left;
                Ok(n)
            }
            None => Err(io::Error::other(limit_message().en)),
        }
    }
}

pub(super) fn limit_message() -> Message {
    message!(
        en: "unpacking it would exceed the limit for unpacked data; unpack it first",
        ja: "展開すると展開データの上限を超えます。先に展開してください"
    )
}

impl Evidence {
    /// The name without folders, archives and the ending of a packer.
    pub fn name(&self) -> &str {
        base_name(&self.path)
    }

    /// The bytes from the front, in windows: for captures that are read once, of any size.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn source(&self) -> Result<ByteSource, Error> {
        if let Content::File(path) = &self.content {
            return ByteSource::open(path);
        }
        if let Content::Memory(bytes) = &self.content {
            return Ok(ByteSource::from_bytes(bytes.clone()));
        }
        self.content.reader().map(ByteSource::from_reader).map_err(|source| self.io_error(source))
    }

    /// All bytes, for random access: mapped where that is allowed and worth it.
    ///
    /// # Errors
    /// When it cannot be read, or unpacks to more than may be held in memory.
    pub fn whole(&self) -> Result<Bytes, Error> {
        self.content.whole(self.mmap).map_err(|e| e.at(&self.path))
    }

    /// The first `most` bytes, and whether there are more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn prefix(&self, most: u64) -> Result<(Bytes, bool), Error> {
        let mut bytes = Vec::new();
        let read = self.content.reader().and_then(|r| r.take(most.saturating_add(1)).read_to_end(&mut bytes));
        if let Err(source) = read
            && bytes.is_empty()
        {
            return Err(self.io_error(source));
        }
        let more = bytes.len() as u64 > most;
        bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok((Bytes::from(bytes), more))
    }

    fn io_error(&self, source: io::Error) -> Error {
        Error::Io { path: PathBuf::from(&self.path), source }
    }

    /// The file on disk that it is, or that it came out of.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether it is a copy whose bytes were given back: there is nothing to read in it any more.
    pub fn is_emptied(&self) -> bool {
        self.duplicate_of.is_some() && matches!(self.content, Content::Memory(_))
    }

    /// False for standard input, which is gone once it was read.
    pub fn is_rereadable(&self) -> bool {
        !matches!(self.content, Content::Once(_))
    }

    /// BLAKE3 of the unpacked bytes; `None` where they cannot be read, or only once.
    pub fn digest(&self) -> Option<[u8; 32]> {
        if !self.is_rereadable() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        let mut reader = self.content.reader().ok()?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Some(*hasher.finalize().as_bytes()),
                Ok(n) => hasher.update(buffer.get(..n)?),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
        }
    }
}

/// The first bytes of a stream, as many as tell what it is. What came before damage is enough; an error there is none.
pub(super) fn head_of(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(KIND_BYTES);
    match reader.take(KIND_BYTES as u64).read_to_end(&mut head) {
        Err(e) if head.is_empty() => Err(e),
        _ => Ok(head),
    }
}

/// The name at the end of a display path, without the ending of a packer.
pub(super) fn base_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\', '!']).next().unwrap_or(path);
    name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name)
}

/// A decompressor that ends with an error rather than unpack more than the limit.
pub(super) fn limited(codec: Codec, packed: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
    Box::new(Limited { inner: codec.reader(packed), left: limits::ARCHIVE_BYTES_MAX })
}

/// Marks pieces with the same bytes, so that a trace that lies beside its own cabinet is analysed once. The piece that
/// is packed least deep stays; of equals the first.
pub(super) fn mark_duplicates(found: &mut [Evidence]) {
    let mut by_size: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, evidence) in found.iter().enumerate() {
        if matches!(evidence.kind, Kind::Unknown(_)) {
            continue;
        }
        if let Some(size) = evidence.content.size_hint(evidence.bytes).filter(|s| *s > 0) {
            by_size.entry(size).or_default().push(index);
        }
    }
    for mut group in by_size.into_values().filter(|group| group.len() > 1) {
        let depth = |e: &Evidence| (e.container.is_some(), e.path.matches('!').count());
        group.sort_by_key(|i| found.get(*i).map(depth));
        let mut seen: BTreeMap<[u8; 32], usize> = BTreeMap::new();
        for index in group {
            let Some(evidence) = found.get_mut(index) else { continue };
            let Some(digest) = evidence.digest() else { continue };
            match seen.get(&digest) {
                Some(first) => {
                    evidence.duplicate_of = Some(*first);
                    // Only memory is worth giving back; a file can be read again by who wants to.
                    if matches!(evidence.content, Content::Memory(_)) {
                        evidence.content = Content::Memory(Bytes::from(Vec::new()));
                    }
                }
                None => {
                    seen.insert(digest, index);
                }
            }
        }
    }
}
