//! Bodies of HTTP/1.x messages: where they end (RFC 9112 6, 7), and the head of those worth reading.

use super::head::BodyLength;
use crate::bytes::Cursor;
use crate::limits::HTTP_BODY_HEAD_BYTES;

/// Longest chunk-size line and longest trailer line followed.
const LINE_MAX: usize = 4096;

/// Reads over one body.
#[derive(Debug)]
pub struct Body {
    state: State,
    line: Vec<u8>,
    /// First bytes of the content, collected when asked for.
    head: Vec<u8>,
    collect: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Bytes(u64),
    UntilClose,
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
    Done,
    Lost,
}

/// How far a body came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyProgress {
    /// More of it is to come.
    More,
    /// It is complete.
    Done,
    /// Its end cannot be found any more.
    Lost,
}

impl Body {
    /// A body of that length; `collect` keeps its first bytes.
    pub fn new(length: BodyLength, collect: bool) -> Self {
        let state = match length {
            BodyLength::Bytes(0) => State::Done,
            BodyLength::Bytes(n) => State::Bytes(n),
            BodyLength::Chunked => State::ChunkSize,
            BodyLength::UntilClose => State::UntilClose,
        };
        Body { state, line: Vec::new(), head: Vec::new(), collect }
    }

    /// Whether it ends only with the connection.
    pub fn until_close(&self) -> bool {
        self.state == State::UntilClose
    }

    /// The first bytes of the content.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Consumes what belongs to the body.
    pub fn data(&mut self, c: &mut Cursor<'_>) -> BodyProgress {
        loop {
            match self.state {
                State::Done => return BodyProgress::Done,
                State::Lost => return BodyProgress::Lost,
                _ if c.is_empty() => return BodyProgress::More,
                State::UntilClose => {
                    let rest = c.take_rest();
                    self.keep(rest);
                }
                State::Bytes(n) => self.state = self.content(c, n, State::Done, State::Bytes),
                State::ChunkData(n) => self.state = self.content(c, n, State::ChunkEnd, State::ChunkData),
                State::ChunkSize => {
                    if let Some(line) = self.take_line(c) {
                        self.state = match chunk_size(&line) {
                            Some(0) => State::Trailer,
                            Some(n) => State::ChunkData(n),
                            None => State::Lost,
                        };
                    }
                }
                State::ChunkEnd => {
                    if let Some(line) = self.take_line(c) {
                        self.state = if line.is_empty() { State::ChunkSize } else { State::Lost };
                    }
                }
                State::Trailer => {
                    if let Some(line) = self.take_line(c)
                        && line.is_empty()
                    {
                        self.state = State::Done;
                    }
                }
            }
        }
    }

    /// `missing` bytes of the body never come.
    pub fn gap(&mut self, missing: u64) -> BodyProgress {
        self.state = match self.state {
            State::Bytes(n) if missing < n => State::Bytes(n - missing),
            State::Bytes(n) if missing == n => State::Done,
            State::ChunkData(n) if missing < n => State::ChunkData(n - missing),
            State::ChunkData(n) if missing == n => State::ChunkEnd,
            State::UntilClose => State::UntilClose,
            _ => State::Lost,
        };
        // What follows a hole is no head of the content any more.
        self.collect = false;
        match self.state {
            State::Done => BodyProgress::Done,
            State::Lost => BodyProgress::Lost,
            _ => BodyProgress::More,
        }
    }

    fn content(&mut self, c: &mut Cursor<'_>, left: u64, next: State, same: fn(u64) -> State) -> State {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(c.remaining());
        let part = c.take(n).unwrap_or(&[]);
        self.keep(part);
        match left.saturating_sub(n as u64) {
            0 => next,
            rest => same(rest),
        }
    }

    fn keep(&mut self, part: &[u8]) {
        if self.collect {
            let room = HTTP_BODY_HEAD_BYTES.saturating_sub(self.head.len()).min(part.len());
            self.head.extend_from_slice(part.get(..room).unwrap_or(&[]));
        }
    }

    /// A line without its end, once it is complete.
    fn take_line(&mut self, c: &mut Cursor<'_>) -> Option<Vec<u8>> {
        let rest = c.rest();
        let end = rest.iter().position(|b| *b == b'\n');
        let n = end.map_or(rest.len(), |e| e.saturating_add(1));
        let part = c.take(n).unwrap_or(&[]);
        if self.line.len().saturating_add(part.len()) > LINE_MAX {
            self.state = State::Lost;
            self.line = Vec::new();
            return None;
        }
        self.line.extend_from_slice(part);
        end?;
        let mut line = std::mem::take(&mut self.line);
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Some(line)
    }
}

/// Hexadecimal, perhaps with extensions behind a semicolon (RFC 9112 7.1).
fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|b| *b == b';').unwrap_or(line.len());
    let digits = std::str::from_utf8(line.get(..end)?).ok()?.trim();
    if digits.is_empty() || digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

/// Text of a body's head in the charset that its Content-Type or its own first lines name; UTF-8 otherwise.
pub fn decode(head: &[u8], content_type: Option<&str>) -> String {
    let named = content_type.and_then(|t| charset(t.as_bytes())).or_else(|| charset(head));
    let encoding = named.and_then(|n| encoding_rs::Encoding::for_label(n.as_bytes())).unwrap_or(encoding_rs::UTF_8);
    let (text, _, _) = encoding.decode(head);
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// The value of `charset=` in a field or in HTML.
fn charset(bytes: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"charset=";
    let at = bytes.windows(KEY.len()).position(|w| w.eq_ignore_ascii_case(KEY))?;
    let value = bytes.get(at.saturating_add(KEY.len())..)?;
    let name: String = value
        .iter()
        .skip_while(|b| matches!(b, b'"' | b'\'' | b' '))
        .take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
        .take(40)
        .map(|b| char::from(*b))
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The content of `<title>`, white space folded, at most 200 characters.
pub fn title(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = lower.get(open..)?.find('>')?.checked_add(open)?.checked_add(1)?;
    let end = lower.get(start..)?.find("</title").and_then(|e| e.checked_add(start)).unwrap_or(html.len());
    let words: Vec<&str> = html.get(start..end)?.split_whitespace().collect();
    let text: String = words.join(" ").chars().take(200).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(body: &mut Body, bytes: &[u8], size: usize) -> (BodyProgress, usize) {
        let mut used = 0;
        let mut last = BodyProgress::More;
        for part in bytes.chunks(size) {
            let mut c = Cursor::new(part);
            last = body.data(&mut c);
            used += c.position();
            if last != BodyProgress::More {
                break;
            }
        }
        (last, used)
    }

    #[test]
    fn chunks_are_joined_over_any_segmentation() {
        let bytes = b"5;x=1\r\nhello\r\n6\n world\r\n0\r\nA: b\r\n\r\nNEXT";
        for size in 1..bytes.len() {
            let mut body = Body::new(BodyLength::Chunked, true);
            assert_eq!(run(&mut body, bytes, size), (BodyProgress::Done, bytes.len() - 4), "{size}");
            assert_eq!(body.head(), b"hello world");
        }
    }

    #[test]
    fn lengths_that_lie_lose_the_body_only() {
        for hostile in [&b"zz\r\n"[..], b"\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"1\r\nab\r\n", b"+1\r\n"] {
            let mut body = Body::new(BodyLength::Chunked, false);
            assert_eq!(run(&mut body, hostile, 99).0, BodyProgress::Lost, "{hostile:?}");
        }
        let mut body = Body::new(BodyLength::Chunked, false);
        assert_eq!(run(&mut body, &[b'1'; 9000], 100).0, BodyProgress::Lost);
        let mut body = Body::new(BodyLength::Bytes(u64::MAX), true);
        assert_eq!(run(&mut body, &[b'x'; 9000], 100).0, BodyProgress::More);
        assert_eq!(body.head().len(), HTTP_BODY_HEAD_BYTES);
    }

    #[test]
    fn a_hole_inside_a_counted_body_is_stepped_over() {
        let mut body = Body::new(BodyLength::Bytes(10), false);
        assert_eq!(body.gap(4), BodyProgress::More);
        assert_eq!(run(&mut body, b"123456NEXT", 99), (BodyProgress::Done, 6));
        assert_eq!(Body::new(BodyLength::Bytes(10), false).gap(11), BodyProgress::Lost);
        assert_eq!(Body::new(BodyLength::Chunked, false).gap(1), BodyProgress::Lost);
    }

    #[test]
    fn titles_are_found_and_decoded() {
        let page =
            b"<html><head><meta charset=\"shift_jis\"><TITLE a=b>\n \x83A\x83N\x83Z\x83X\x8b\x91\x94\xdb </TITLE>";
        assert_eq!(title(&decode(page, Some("text/html"))).as_deref(), Some("アクセス拒否"));
        assert_eq!(title("<title>a").as_deref(), Some("a"));
        assert_eq!(title("<titlé").as_deref(), None);
        assert_eq!(title("<title></title>"), None);
    }
}
