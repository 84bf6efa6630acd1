//! HTTP/1.x in clear: requests, answers, CONNECT and its tunnel.
//!
//! What enters: the bytes of both directions in order, with gaps known. What leaves: [`HttpExchange`]s in the order of
//! the requests, and the word that from here on the bytes are those of a tunnel. Guaranteed: total; bodies are read
//! over, not kept (but for the head of error pages and PAC files); no credentials, cookies or query strings leave.

mod body;
mod date;
mod head;

pub use body::{decode as decode_page, title as page_title};
pub use head::{looks_like_request, looks_like_response};

use crate::bytes::Cursor;
use crate::facts::{HttpExchange, push_only};
use crate::flow::Side;
use crate::limits::{HTTP_EXCHANGES_MAX, HTTP_HEAD_BYTES_MAX, OPTIMISTIC_BYTES_MAX};
use crate::packet::At;
use body::{Body, BodyProgress};
use std::collections::VecDeque;

/// What a dissector of a connection's beginning wants next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More bytes.
    More,
    /// Nothing: no more can be learnt.
    Done,
    /// The connection is a tunnel now: give the leftover and everything that follows to another dissector.
    Tunnel {
        /// Host:port asked for (of an upgrade: the Host header).
        authority: String,
    },
}

/// Bytes that belong to a tunnel and came with the negotiation: side, bytes, frame; in order.
pub type Leftover = Vec<(Side, Vec<u8>, At)>;

/// Follows one connection that speaks HTTP/1.x.
#[derive(Debug, Default)]
pub struct HttpDissector {
    exchanges: Vec<HttpExchange>,
    /// Indexes of exchanges without a final answer.
    pending: VecDeque<usize>,
    client: Half,
    server: Half,
    /// Exchange whose answer's body is being read.
    answering: Option<usize>,
    /// Client bytes behind an unanswered CONNECT.
    held: Leftover,
    held_bytes: usize,
    leftover: Leftover,
    tunnel: Option<usize>,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    state: State,
    /// Head of the message so far.
    head: Vec<u8>,
    head_at: At,
}

#[derive(Debug, Default)]
enum State {
    /// Before or inside a head.
    #[default]
    Head,
    Body(Body),
    /// Not followed until something starts like a message again.
    Lost,
}

impl HttpDissector {
    /// At the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of one direction in order.
    pub fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Progress {
        if self.tunnel.is_some() {
            self.leftover.push((side, bytes.to_vec(), at));
            return Progress::More;
        }
        if self.exchanges.len() >= HTTP_EXCHANGES_MAX {
            return Progress::Done;
        }
        match side {
            Side::Client => {
                self.client_bytes(bytes, at);
                Progress::More
            }
            Side::Server => self.server_bytes(bytes, at),
        }
    }

    /// `missing` bytes of one direction never come.
    pub fn gap(&mut self, side: Side, missing: u64, _at: At) {
        let half = if side == Side::Client { &mut self.client } else { &mut self.server };
        let progress = match &mut half.state {
            State::Body(body) => body.gap(missing),
            State::Head | State::Lost => BodyProgress::Lost,
        };
        match progress {
            BodyProgress::More => {}
            BodyProgress::Done => half.state = State::Head,
            BodyProgress::Lost => half.state = State::Lost,
        }
        if side == Side::Server && progress != BodyProgress::More {
            self.end_answer();
        }
        // A head with a hole in it still tells its first line, as far as that is needed, and what came before the hole.
        let half = if side == Side::Client { &mut self.client } else { &mut self.server };
        let told = match side {
            Side::Client => head::tells_target(&half.head),
            Side::Server => head::tells_status(&half.head),
        };
        if told {
            let (head, head_at) = (std::mem::take(&mut half.head), half.head_at);
            match side {
                Side::Client => {
                    if let Some((x, _)) = head::request(&head, head_at) {
                        self.pending.push_back(self.exchanges.len());
                        push_only(&mut self.exchanges, x);
                    }
                }
                Side::Server => {
                    if head::status(&head).is_some_and(|s| s >= 200) {
                        let index = self.pending.pop_front().unwrap_or_else(|| self.without_request());
                        if let Some(x) = self.exchanges.get_mut(index) {
                            let _ = head::answer(&head, head_at, x);
                        }
                    }
                }
            }
        } else {
            half.head.clear();
        }
    }

    /// Bytes that already belong to the tunnel, in order, once [`Progress::Tunnel`] was returned.
    pub fn take_leftover(&mut self) -> Leftover {
        std::mem::take(&mut self.leftover)
    }

    /// Counts bytes inside the tunnel, leftover included.
    pub fn tunnelled(&mut self, side: Side, bytes: u64) {
        if let Some(x) = self.tunnel.and_then(|t| self.exchanges.get_mut(t)) {
            let [client, server] = &mut x.tunnel_bytes;
            let count = if side == Side::Client { client } else { server };
            *count = count.saturating_add(bytes);
        }
    }

    /// What the client sent behind a CONNECT whose answer was not captured, with the authority: when the connection
    /// ended, the ClientHello in there can still be read.
    pub fn take_optimistic(&mut self) -> Option<(String, Leftover)> {
        if self.tunnel.is_some() || self.held.is_empty() {
            return None;
        }
        let authority = self.pending_connect().map(|x| x.target.clone())?;
        Some((authority, std::mem::take(&mut self.held)))
    }

    /// The exchanges, in the order of the requests.
    pub fn finish(mut self) -> Vec<HttpExchange> {
        self.end_answer();
        // A request or status line whose head never ended.
        self.gap(Side::Client, 0, At::default());
        self.gap(Side::Server, 0, At::default());
        self.exchanges
    }

    /// The CONNECT that waits for its answer, if the client's last request is one.
    fn pending_connect(&self) -> Option<&HttpExchange> {
        self.pending.back().and_then(|i| self.exchanges.get(*i)).filter(|x| x.is_connect())
    }

    /// The last CONNECT, where the proxy wanted credentials for it and what the client said then is missing.
    fn challenged(&self) -> Option<&HttpExchange> {
        let is_missing = self.pending.is_empty() && matches!(self.client.state, State::Lost);
        self.exchanges.last().filter(|x| is_missing && x.is_connect() && x.status == Some(407))
    }

    /// An exchange for the request that is missing behind such a challenge: a tunnel that opens then is the one that was
    /// asked for before, since schemes such as NTLM go on on the connection on which they began.
    fn asked_again(&mut self) -> Option<usize> {
        let HttpExchange { method, target, host, .. } = self.challenged()?.clone();
        push_only(&mut self.exchanges, HttpExchange { method, target, host, ..HttpExchange::default() });
        self.exchanges.len().checked_sub(1)
    }

    /// Keeps what may belong to a tunnel until it is known whether there is one.
    fn hold(&mut self, bytes: &[u8], at: At) {
        self.held_bytes = self.held_bytes.saturating_add(bytes.len());
        if self.held_bytes <= OPTIMISTIC_BYTES_MAX {
            self.held.push((Side::Client, bytes.to_vec(), at));
        }
    }

    fn client_bytes(&mut self, bytes: &[u8], at: At) {
        let mut c = Cursor::new(bytes);
        if matches!(self.client.state, State::Lost) {
            if !looks_like_request(bytes) {
                if looks_like_tls(bytes) && self.challenged().is_some() {
                    self.hold(bytes, at);
                }
                return;
            }
            self.client.state = State::Head;
        }
        while !c.is_empty() && self.exchanges.len() < HTTP_EXCHANGES_MAX {
            // What follows a CONNECT is held until its answer says whether it is a tunnel.
            if self.pending_connect().is_some() && matches!(self.client.state, State::Head) {
                self.hold(c.take_rest(), at);
                return;
            }
            match &mut self.client.state {
                State::Body(body) => match body.data(&mut c) {
                    BodyProgress::More => {}
                    BodyProgress::Done => self.client.state = State::Head,
                    BodyProgress::Lost => self.client.state = State::Lost,
                },
                State::Head => {
                    let Some((head, head_at)) = self.client.take_head(&mut c, at) else { continue };
                    match head::request(&head, head_at) {
                        Some((x, steering)) => {
                            let body = if x.is_connect() {
                                Body::new(head::BodyLength::Bytes(0), false)
                            } else {
                                Body::new(steering.request_body(), false)
                            };
                            self.client.state = State::Body(body);
                            self.pending.push_back(self.exchanges.len());
                            push_only(&mut self.exchanges, x);
                            self.client.settle();
                        }
                        None => self.client.state = State::Lost,
                    }
                }
                State::Lost => {
                    let _ = c.take_rest();
                }
            }
        }
    }

    fn server_bytes(&mut self, bytes: &[u8], at: At) -> Progress {
        let mut c = Cursor::new(bytes);
        let restart = match &self.server.state {
            // A proxy that announces no length answers the next request all the same.
            State::Body(body) => body.until_close() && !self.pending.is_empty() && looks_like_response(bytes),
            State::Lost => looks_like_response(bytes),
            State::Head => false,
        };
        if restart {
            self.end_answer();
            self.server.state = State::Head;
        }
        // TLS in the place of the answer to a CONNECT: the answer is missing in the capture.
        let between = self.server.head.is_empty() && !matches!(self.server.state, State::Body(_));
        if between && looks_like_tls(bytes) {
            let asked = if self.pending_connect().is_some() { self.pending.pop_back() } else { self.asked_again() };
            if let Some(index) = asked {
                return self.start_tunnel(index, bytes, at);
            }
        }
        while !c.is_empty() {
            match &mut self.server.state {
                State::Body(body) => match body.data(&mut c) {
                    BodyProgress::More => {}
                    BodyProgress::Done => {
                        self.end_answer();
                        self.server.state = State::Head;
                        self.replay_held();
                    }
                    BodyProgress::Lost => {
                        self.end_answer();
                        self.server.state = State::Lost;
                    }
                },
                State::Head => {
                    let Some((head, head_at)) = self.server.take_head(&mut c, at) else { continue };
                    if let Some(index) = self.answer(&head, head_at) {
                        return self.start_tunnel(index, c.take_rest(), at);
                    }
                }
                State::Lost => {
                    let _ = c.take_rest();
                }
            }
        }
        Progress::More
    }

    /// Takes an answer's head; returns the exchange when it opens a tunnel.
    fn answer(&mut self, head: &[u8], at: At) -> Option<usize> {
        let Some(status) = head::status(head) else {
            self.server.state = State::Lost;
            return None;
        };
        if status < 200 && status != 101 {
            return None;
        }
        let grants = (200..300).contains(&status) && head::is_bare(head);
        let asked = self.pending.pop_front().or_else(|| if grants { self.asked_again() } else { None });
        let index = asked.unwrap_or_else(|| self.without_request());
        let x = self.exchanges.get_mut(index)?;
        let steering = head::answer(head, at, x)?;
        if status == 101 || (x.is_connect() && (200..300).contains(&status)) {
            return Some(index);
        }
        let length = steering.answer_body(&x.method, status);
        let html = x.content_type.as_deref().is_none_or(|t| t.to_ascii_lowercase().contains("html"));
        let collect = !steering.encoded && (status >= 400 || html || head::is_pac(x));
        self.server.state = State::Body(Body::new(length, collect));
        self.answering = Some(index);
        if self.server.settle() {
            self.end_answer();
            self.replay_held();
        }
        None
    }

    /// Takes over what was kept of the body of the answer that ends here.
    fn end_answer(&mut self) {
        let Some(index) = self.answering.take() else { return };
        let (Some(x), State::Body(body)) = (self.exchanges.get_mut(index), &self.server.state) else { return };
        let text = body::decode(body.head(), x.content_type.as_deref());
        x.title = body::title(&text);
        if x.status.is_some_and(|s| s >= 400) || head::is_pac(x) || text.contains("FindProxyForURL") {
            x.body_head = text;
        }
    }

    /// The CONNECT was refused: what the client sent since is the next request.
    fn replay_held(&mut self) {
        if self.pending_connect().is_some() {
            return;
        }
        self.held_bytes = 0;
        for (_, bytes, at) in std::mem::take(&mut self.held) {
            self.client_bytes(&bytes, at);
        }
    }

    fn start_tunnel(&mut self, index: usize, rest: &[u8], at: At) -> Progress {
        self.tunnel = Some(index);
        self.leftover = std::mem::take(&mut self.held);
        if !rest.is_empty() {
            self.leftover.push((Side::Server, rest.to_vec(), at));
        }
        let authority = self.exchanges.get(index).map(|x| match &x.host {
            Some(host) if !x.is_connect() => host.clone(),
            _ => x.target.clone(),
        });
        Progress::Tunnel { authority: authority.unwrap_or_default() }
    }

    /// An exchange for an answer whose request was not captured.
    fn without_request(&mut self) -> usize {
        push_only(&mut self.exchanges, HttpExchange::default());
        self.exchanges.len().saturating_sub(1)
    }
}

impl Half {
    /// Consumes bytes of a head and returns it with its first frame once the empty line came.
    fn take_head(&mut self, c: &mut Cursor<'_>, at: At) -> Option<(Vec<u8>, At)> {
        if self.head.is_empty() {
            // Empty lines before a message are allowed (RFC 9112 2.2).
            while matches!(c.peek(1), Some([b'\r' | b'\n'])) {
                c.skip(1)?;
            }
            let first = c.peek(1)?;
            if !first.iter().all(u8::is_ascii_alphabetic) {
                self.state = State::Lost;
                return None;
            }
            self.head_at = at;
        }
        // Look for the end from a little before the new bytes: it may lie across the seam.
        let from = self.head.len().saturating_sub(3);
        let old = self.head.len();
        let room = HTTP_HEAD_BYTES_MAX.saturating_sub(old);
        self.head.extend_from_slice(c.peek(room.min(c.remaining()))?);
        match head::end(&self.head, from) {
            Some(end) => {
                let _ = c.skip(end.saturating_sub(old));
                self.head.truncate(end);
                Some((std::mem::take(&mut self.head), self.head_at))
            }
            None if self.head.len() >= HTTP_HEAD_BYTES_MAX => {
                self.head = Vec::new();
                self.state = State::Lost;
                None
            }
            None => {
                let _ = c.take_rest();
                None
            }
        }
    }

    /// Goes on to the next head where the body is empty; true if so.
    fn settle(&mut self) -> bool {
        let State::Body(body) = &mut self.state else { return false };
        let empty = body.data(&mut Cursor::new(&[])) == BodyProgress::Done;
        if empty {
            self.state = State::Head;
        }
        empty
    }
}

/// A TLS record of version 3.x: alert, handshake, change_cipher_spec or application data.
fn looks_like_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x14..=0x17, 3, 0..=4, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: u64) -> At {
        At { frame, ..At::default() }
    }

    const CONNECT: &[u8] = b"CONNECT login.example:443 HTTP/1.1\r\nHost: login.example:443\r\n\r\n";
    const OK: &[u8] = b"HTTP/1.1 200 Connection established\r\nContent-Length: 7\r\n\r\n";

    #[test]
    fn a_granted_connect_is_a_tunnel_whatever_its_segmentation() {
        let client = [CONNECT, b"\x16\x03\x01early"].concat();
        let server = [OK, b"\x16\x03\x03server"].concat();
        for size in 1..=server.len() {
            let mut d = HttpDissector::new();
            for part in client.chunks(size) {
                assert_eq!(d.data(Side::Client, part, at(1)), Progress::More);
            }
            let authority = "login.example:443".to_owned();
            let progress: Vec<Progress> = server.chunks(size).map(|part| d.data(Side::Server, part, at(2))).collect();
            assert_eq!(progress.iter().filter(|p| **p == Progress::Tunnel { authority: authority.clone() }).count(), 1);
            let leftover = d.take_leftover();
            let of = |side| {
                leftover.iter().filter(|(s, ..)| *s == side).flat_map(|(_, b, _)| b.clone()).collect::<Vec<u8>>()
            };
            assert_eq!(of(Side::Client), b"\x16\x03\x01early", "{size}");
            assert_eq!(of(Side::Server), b"\x16\x03\x03server", "{size}");
            d.tunnelled(Side::Client, 8);
            let x = &d.finish()[0];
            assert_eq!((x.status, x.minor_version, x.tunnel_bytes), (Some(200), 1, [8, 0]));
        }
    }

    #[test]
    fn a_407_is_followed_by_the_second_try_on_the_same_connection() {
        let mut d = HttpDissector::new();
        d.data(Side::Client, CONNECT, at(1));
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Type: text/html\r\nContent-Length: 24\r\n\r\n<title>Who are?</title>\n";
        assert_eq!(d.data(Side::Server, refusal, at(2)), Progress::More);
        d.data(Side::Client, b"CONNECT login.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eDp5\r\n\r\n", at(3));
        assert!(matches!(d.data(Side::Server, OK, at(4)), Progress::Tunnel { .. }));
        let all = d.finish();
        assert_eq!(all.iter().map(|x| x.status).collect::<Vec<_>>(), [Some(407), Some(200)]);
        assert_eq!(all[0].title.as_deref(), Some("Who are?"));
        assert_eq!(all[0].proxy_authenticate, ["Basic"]);
        assert_eq!(all[1].proxy_authorization.as_deref(), Some("Basic"));
        assert_eq!((all[1].request_at, all[1].response_at), (Some(at(3)), Some(at(4))));
    }

    #[test]
    fn a_407_without_length_does_not_hide_the_second_answer() {
        let mut d = HttpDissector::new();
        d.data(Side::Client, CONNECT, at(1));
        d.data(Side::Server, b"HTTP/1.0 407 Auth\r\n\r\nbody", at(2));
        d.data(Side::Client, CONNECT, at(3));
        assert!(matches!(d.data(Side::Server, OK, at(4)), Progress::Tunnel { .. }));
        let all = d.finish();
        assert_eq!((all[0].status, all[0].body_head.as_str(), all[1].status), (Some(407), "body", Some(200)));
    }

    #[test]
    fn a_connect_without_answer_has_no_status_and_gives_its_early_bytes() {
        let mut d = HttpDissector::new();
        d.data(Side::Client, CONNECT, at(1));
        d.data(Side::Client, b"\x16\x03\x01", at(2));
        let (authority, bytes) = d.take_optimistic().unwrap();
        assert_eq!((authority.as_str(), bytes.len()), ("login.example:443", 1));
        assert_eq!(d.finish()[0].status, None);
    }

    #[test]
    fn tls_in_the_place_of_the_answer_is_a_tunnel_too() {
        let mut d = HttpDissector::new();
        d.data(Side::Client, CONNECT, at(1));
        d.gap(Side::Server, 39, at(2));
        assert!(matches!(d.data(Side::Server, b"\x16\x03\x03\x00", at(3)), Progress::Tunnel { .. }));
        assert_eq!(d.take_leftover().len(), 1);
        assert_eq!(d.finish()[0].status, None);
    }

    #[test]
    fn pipelined_requests_meet_their_answers() {
        let mut d = HttpDissector::new();
        d.data(
            Side::Client,
            b"HEAD /a HTTP/1.1\n\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\n\r\n",
            at(1),
        );
        let server = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\r\nHTTP/1.1 304 Not Modified\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n\n";
        for part in server.chunks(7) {
            assert_eq!(d.data(Side::Server, part, at(2)), Progress::More);
        }
        let all = d.finish();
        let seen: Vec<_> = all.iter().map(|x| (x.method.as_str(), x.target.as_str(), x.status)).collect();
        assert_eq!(seen, [("HEAD", "/a", Some(200)), ("POST", "/b", Some(201)), ("GET", "/c", Some(304))]);
        assert_eq!(all[2].date.unwrap().to_string(), "1994-11-06T08:49:37.000000000Z");
    }

    #[test]
    fn an_upgrade_is_a_tunnel_and_pac_files_keep_their_head() {
        let mut d = HttpDissector::new();
        d.data(Side::Client, b"GET http://wpad/wpad.dat HTTP/1.1\r\nHost: wpad\r\n\r\n", at(1));
        d.data(
            Side::Server,
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 26\r\n\r\nfunction FindProxyForURL()",
            at(2),
        );
        d.data(Side::Client, b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", at(3));
        let progress = d.data(Side::Server, b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00", at(4));
        assert_eq!(progress, Progress::Tunnel { authority: "h".into() });
        assert_eq!(d.take_leftover(), vec![(Side::Server, vec![0x81, 0], at(4))]);
        assert_eq!(d.finish()[0].body_head, "function FindProxyForURL()");
    }

    #[test]
    fn an_answer_without_request_is_kept() {
        let mut d = HttpDissector::new();
        d.data(
            Side::Server,
            b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login?u=1\r\nContent-Length: 0\r\n\r\n",
            at(9),
        );
        let x = &d.finish()[0];
        assert_eq!(
            (x.request_at, x.status, x.location.as_deref()),
            (None, Some(302), Some("http://portal.example/login"))
        );
    }

    #[test]
    fn a_head_that_never_ends_still_tells_its_first_line() {
        let mut d = HttpDissector::new();
        d.data(Side::Client, &CONNECT[..40], at(1));
        d.data(Side::Server, b"HTTP/1.1 503 Service Unavailable\r\nServer: squid", at(2));
        let all = d.finish();
        assert_eq!((all[0].target.as_str(), all[0].status), ("login.example:443", Some(503)));
    }

    #[test]
    fn hostile_streams_end_and_stay_small() {
        let client = [CONNECT, b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"].concat();
        let server = [
            b"HTTP/1.1 407 x\r\nContent-Length: 3\r\n\r\nabc".as_slice(),
            b"HTTP/1.1 200 y\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        ]
        .concat();
        let mut kept = 0;
        for i in 0..client.len().max(server.len()) {
            for flip in [0_u8, 1, 0x20, 0x80, 0xFF] {
                let (mut c, mut s) = (client.clone(), server.clone());
                if let Some(b) = c.get_mut(i) {
                    *b ^= flip;
                }
                if let Some(b) = s.get_mut(i) {
                    *b ^= flip;
                }
                let mut d = HttpDissector::new();
                d.data(Side::Client, c.get(..i).unwrap_or(&c), at(1));
                d.gap(Side::Client, u64::from(flip), at(1));
                d.data(Side::Client, c.get(i..).unwrap_or(&[]), at(1));
                d.data(Side::Server, s.get(..i).unwrap_or(&s), at(2));
                d.data(Side::Server, s.get(i..).unwrap_or(&[]), at(3));
                kept += d.finish().len();
            }
        }
        assert!(kept > 100);
        let mut d = HttpDissector::new();
        for _ in 0..20_000 {
            d.data(Side::Client, b"GET / HTTP/1.1\r\n\r\n", at(1));
            d.data(Side::Server, &[b'H'; 100], at(1));
        }
        assert!(d.finish().len() <= HTTP_EXCHANGES_MAX + 1);
    }
}
