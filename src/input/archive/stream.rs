//! Decompressors of one stream: gz, zst and the deflate of zip.
//!
//! What enters: a reader of packed bytes. What leaves: a reader of unpacked ones. Guaranteed: several members (gz) or
//! frames (zst) one behind the other are read as one; a stream that ends early or fails its check ends in an error
//! after everything that could be unpacked.

use std::io::{self, BufRead, BufReader, Read};

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// gzip, RFC 1952.
    Gz,
    /// Zstandard, RFC 8878.
    Zst,
    /// Raw deflate, RFC 1951, of a zip member.
    Deflate { size: u64, crc: u32 },
}

/// Bytes of packed input read at once.
const PACKED_BUFFER_BYTES: usize = 64 << 10;

/// Largest window that a Zstandard frame may ask for: what the command-line tool accepts by default.
const ZST_WINDOW_MAX: u64 = 128 << 20;

impl Codec {
    /// The unpacked stream.
    pub(crate) fn reader(self, packed: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        match self {
            Codec::Gz => {
                let packed = BufReader::with_capacity(PACKED_BUFFER_BYTES, packed);
                Box::new(GzReader { inner: flate2::bufread::MultiGzDecoder::new(packed), some: false })
            }
            Codec::Zst => Box::new(ZstReader { state: ZstState::Between(Peek::new(packed)), some: false }),
            Codec::Deflate { size, crc } => {
                let packed = BufReader::with_capacity(PACKED_BUFFER_BYTES, packed);
                let inner = flate2::bufread::DeflateDecoder::new(packed);
                Box::new(Checked { inner, crc: flate2::Crc::new(), left: size, want: crc })
            }
        }
    }
}

/// gzip; what stands behind the last member without being one (padding of some tools) is not an error.
struct GzReader<R: BufRead> {
    inner: flate2::bufread::MultiGzDecoder<R>,
    some: bool,
}

impl<R: BufRead> Read for GzReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Ok(n) => {
                self.some |= n > 0;
                Ok(n)
            }
            Err(e) if self.some && e.kind() == io::ErrorKind::InvalidInput && e.to_string().contains("header") => Ok(0),
            Err(e) => Err(e),
        }
    }
}

/// Ends with an error when size or checksum of a zip member are not what its directory says.
struct Checked<R> {
    inner: R,
    crc: flate2::Crc,
    left: u64,
    want: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // One byte more than announced is asked for, so that a longer stream is noticed.
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX).min(buf.len());
        let Some(room) = buf.get_mut(..most).filter(|room| !room.is_empty()) else { return Ok(0) };
        let n = self.inner.read(room)?;
        self.crc.update(room.get(..n).unwrap_or(&[]));
        let Some(left) = self.left.checked_sub(n as u64) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the member is longer than the archive says"));
        };
        self.left = left;
        if n == 0 && left > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the member is shorter than the archive says"));
        }
        if n == 0 && self.crc.sum() != self.want {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the member's checksum is wrong"));
        }
        Ok(n)
    }
}

/// A buffered reader that can look ahead over the border of two reads.
struct Peek {
    inner: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Peek {
    fn new(inner: Box<dyn Read + Send>) -> Peek {
        Peek { inner, buffer: vec![0; PACKED_BUFFER_BYTES], start: 0, end: 0 }
    }

    /// The next `n` bytes, fewer only at the end; `n` is small.
    fn peek(&mut self, n: usize) -> io::Result<&[u8]> {
        while self.end - self.start < n {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            let Some(room) = self.buffer.get_mut(self.end..) else { break };
            match self.inner.read(room) {
                Ok(0) => break,
                Ok(read) => self.end = (self.end + read).min(self.buffer.len()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or(&[]))
    }
}

impl Read for Peek {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let held = self.peek(1)?;
        let n = held.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), held.get(..n)) {
            to.copy_from_slice(from);
        }
        self.start += n;
        Ok(n)
    }
}

/// Zstandard: one frame behind the other, skippable frames left out.
struct ZstReader {
    state: ZstState,
    some: bool,
}

enum ZstState {
    /// Before a frame.
    Between(Peek),
    Frame(Box<ruzstd::decoding::StreamingDecoder<Peek, ruzstd::decoding::FrameDecoder>>),
    Ended,
}

impl Read for ZstReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, ZstState::Ended) {
                ZstState::Ended => return Ok(0),
                ZstState::Between(mut packed) => {
                    let head = packed.peek(4)?;
                    if head.is_empty() {
                        return Ok(0);
                    }
                    let magic = head.first_chunk().copied().map(u32::from_le_bytes);
                    if magic.is_some_and(|m| (0x184d_2a50..=0x184d_2a5f).contains(&m)) {
                        skip_frame(&mut packed)?;
                        self.state = ZstState::Between(packed);
                        continue;
                    }
                    if magic != Some(0xfd2f_b528) && self.some {
                        return Ok(0); // Something else behind the last frame.
                    }
                    let decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(packed, ZST_WINDOW_MAX)
                        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.to_string()))?;
                    self.state = ZstState::Frame(Box::new(decoder));
                }
                ZstState::Frame(mut decoder) => {
                    let n = decoder.read(buf)?;
                    self.some = true;
                    if n > 0 {
                        self.state = ZstState::Frame(decoder);
                        return Ok(n);
                    }
                    self.state = ZstState::Between(decoder.into_inner());
                }
            }
        }
    }
}

/// Steps over a skippable frame: magic, length, that many bytes.
fn skip_frame(reader: &mut Peek) -> io::Result<()> {
    let mut header = [0; 8];
    reader.read_exact(&mut header)?;
    let [_, _, _, _, length @ ..] = header;
    let length = u64::from(u32::from_le_bytes(length));
    let skipped = io::copy(&mut reader.take(length), &mut io::sink())?;
    if skipped < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
