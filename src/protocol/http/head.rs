//! Heads of HTTP/1.x messages (RFC 9112): start line and fields.
//!
//! What enters: the bytes up to and with the empty line. What leaves: the fields that the facts need. Guaranteed: no
//! credential, cookie or query string leaves this file.

use super::date;
use crate::facts::HttpExchange;
use crate::limits::{HTTP_PRODUCT_HEADERS_MAX, HTTP_VALUE_MAX};
use crate::packet::At;
use std::borrow::Cow;

/// Methods that start a request (RFC 9110 9.3, WebDAV, RPC over HTTP, BITS, UPnP).
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "CONNECT",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "SEARCH",
    "REPORT",
    "MERGE",
    "CHECKOUT",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "POLL",
    "BPROPFIND",
    "BITS_POST",
    "CCM_POST",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "RPC_CONNECT",
    "PURGE",
];

/// How long the body behind a head is (RFC 9112 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes.
    Bytes(u64),
    /// Chunks.
    Chunked,
    /// Until the connection closes.
    UntilClose,
}

/// What of a head steers the connection.
#[derive(Debug, Clone, Default)]
pub struct Steering {
    content_length: Option<u64>,
    chunked: bool,
    /// Content-Encoding: the body is no text.
    pub encoded: bool,
}

impl Steering {
    /// Length of a request's body.
    pub fn request_body(&self) -> BodyLength {
        match (self.chunked, self.content_length) {
            (true, _) => BodyLength::Chunked,
            (false, length) => BodyLength::Bytes(length.unwrap_or(0)),
        }
    }

    /// Length of an answer's body.
    pub fn answer_body(&self, method: &str, status: u16) -> BodyLength {
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return BodyLength::Bytes(0);
        }
        match (self.chunked, self.content_length) {
            (true, _) => BodyLength::Chunked,
            (false, Some(length)) => BodyLength::Bytes(length),
            (false, None) => BodyLength::UntilClose,
        }
    }
}

/// Offset behind the empty line that ends a head: LF LF or LF CR LF.
pub fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let found = bytes.get(at..)?.iter().position(|b| *b == b'\n')?.checked_add(at)?;
        let behind = bytes.get(found.checked_add(1)?..)?;
        if behind.first() == Some(&b'\n') {
            return found.checked_add(2);
        }
        if behind.starts_with(b"\r\n") {
            return found.checked_add(3);
        }
        at = found.checked_add(1)?;
    }
}

/// Whether the bytes can start a request; true for a shorter piece of one, too.
pub fn looks_like_request(prefix: &[u8]) -> bool {
    if prefix.is_empty() {
        return false;
    }
    let method_fits = METHODS.iter().any(|m| {
        let m = m.as_bytes();
        match prefix.get(..m.len()) {
            Some(start) => start == m && prefix.get(m.len()).is_none_or(|b| *b == b' '),
            None => m.starts_with(prefix),
        }
    });
    // Where the first line is complete, it must end with a version (SIP and RTSP have requests of the same shape).
    method_fits
        && match prefix.iter().position(|b| *b == b'\n') {
            Some(end) => prefix.get(..end).is_some_and(|line| line.windows(6).any(|w| w == b"HTTP/1")),
            None => true,
        }
}

/// Whether the bytes can start an answer; true for a shorter piece of one, too.
pub fn looks_like_response(prefix: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/1.";
    match prefix.get(..START.len()) {
        Some(start) => start == START,
        None => !prefix.is_empty() && START.starts_with(prefix),
    }
}

/// Whether a head that breaks off tells what was asked for: its first line is whole, or what follows the authority of a
/// CONNECT has begun.
pub fn tells_target(head: &[u8]) -> bool {
    head.contains(&b'\n') || cut_connect(head).is_some()
}

/// Whether a head that breaks off tells the status: the reason behind it is for people.
pub fn tells_status(head: &[u8]) -> bool {
    head.contains(&b'\n') || status(head).is_some() && head.iter().filter(|b| **b == b' ').count() > 1
}

/// The authority in the first line of a CONNECT whose version is cut off or incomplete, where all of it is there.
fn cut_connect(head: &[u8]) -> Option<String> {
    if head.contains(&b'\n') {
        return None;
    }
    let line = text(head);
    let (authority, version) = line.strip_prefix("CONNECT ")?.split_once(' ')?;
    (authority.contains(':') && "HTTP/1.".starts_with(version.get(..7).unwrap_or(version)))
        .then(|| authority.to_owned())
}

/// Reads a request head. `None` when the first line is no request.
pub fn request(head: &[u8], at: At) -> Option<(HttpExchange, Steering)> {
    if let Some(authority) = cut_connect(head) {
        let x = HttpExchange {
            request_at: Some(at),
            method: "CONNECT".to_owned(),
            target: without_secrets(&authority),
            ..HttpExchange::default()
        };
        return Some((x, Steering::default()));
    }
    let mut lines = Lines::new(head);
    let line = text(lines.next_line()?);
    let (method, rest) = line.split_once(' ')?;
    if method.is_empty() || method.len() > 32 || !method.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    // The version is the last word; targets with blanks in them are met in the field.
    let (target, version) = rest.rsplit_once(' ')?;
    // An authority has no blanks; some clients write a path behind it all the same.
    let target = if method == "CONNECT" { target.split_ascii_whitespace().next()? } else { target };
    let minor = version.strip_prefix("HTTP/1.")?.bytes().next().filter(u8::is_ascii_digit)?;
    let mut x = HttpExchange {
        request_at: Some(at),
        method: method.to_owned(),
        target: without_secrets(target.trim()),
        minor_version: minor.saturating_sub(b'0'),
        ..HttpExchange::default()
    };
    let mut steering = Steering::default();
    while let Some((name, value)) = lines.next_field() {
        match name.as_str() {
            "host" => x.host = Some(value),
            "user-agent" => x.user_agent = Some(value),
            "proxy-authorization" => x.proxy_authorization = scheme(&value),
            _ => steer(&mut steering, &name, &value),
        }
    }
    Some((x, steering))
}

/// The status code of an answer head.
pub fn status(head: &[u8]) -> Option<u16> {
    let line = text(Lines::new(head).next_line()?);
    let rest = line.strip_prefix("HTTP/1.")?;
    let code = rest.split_ascii_whitespace().nth(1)?;
    code.parse().ok().filter(|c| (100..=999).contains(c))
}

/// A proxy auto-configuration file, by its type or usual names.
pub fn is_pac(x: &HttpExchange) -> bool {
    let by_type = x.content_type.as_deref().is_some_and(|t| t.to_ascii_lowercase().contains("ns-proxy-autoconfig"));
    let path = x.target.to_ascii_lowercase();
    by_type || path.ends_with(".pac") || path.ends_with("/wpad.dat")
}

/// Whether an answer announces nothing behind its head, as one that opens a tunnel.
pub fn is_bare(head: &[u8]) -> bool {
    let mut x = HttpExchange::default();
    let steering = answer(head, At::default(), &mut x);
    steering.is_some_and(|s| matches!(s.answer_body("", 200), BodyLength::UntilClose | BodyLength::Bytes(0)))
        && x.content_type.is_none()
}

/// Reads an answer head into the exchange it belongs to.
pub fn answer(head: &[u8], at: At, x: &mut HttpExchange) -> Option<Steering> {
    x.status = Some(status(head)?);
    x.response_at = Some(at);
    let mut lines = Lines::new(head);
    let line = text(lines.next_line()?);
    x.reason = line.splitn(3, ' ').nth(2).unwrap_or_default().trim().to_owned();
    let mut steering = Steering::default();
    while let Some((name, value)) = lines.next_field() {
        match name.as_str() {
            "proxy-authenticate" => schemes(&value, &mut x.proxy_authenticate),
            "server" => x.server = Some(value),
            "via" => x.via = Some(value),
            "location" => x.location = Some(without_secrets(&value)),
            "date" => x.date = date::parse(&value),
            "content-type" => x.content_type = Some(value),
            name if is_product(name) && x.product_headers.len() < HTTP_PRODUCT_HEADERS_MAX => {
                x.product_headers.push((lines.last_name.clone(), without_secrets(&value)));
            }
            _ => steer(&mut steering, &name, &value),
        }
    }
    Some(steering)
}

fn steer(steering: &mut Steering, name: &str, value: &str) {
    match name {
        // The first of several wins; none is believed over Transfer-Encoding.
        "content-length" => steering.content_length = steering.content_length.or(value.trim().parse().ok()),
        "transfer-encoding" => steering.chunked |= value.to_ascii_lowercase().contains("chunked"),
        "content-encoding" => steering.encoded = !value.eq_ignore_ascii_case("identity"),
        _ => {}
    }
}

/// Fields that name the product that answers: `X-...` and the few with other names, never those that can hold secrets.
fn is_product(name: &str) -> bool {
    const OTHER: &[&str] =
        &["proxy-agent", "proxy-status", "proxy-connection", "cf-ray", "cf-mitigated", "mime-version"];
    const SECRET: &[&str] = &["token", "auth", "key", "secret", "session", "cookie", "user", "pass", "sid", "nonce"];
    (name.starts_with("x-") || OTHER.contains(&name)) && !SECRET.iter().any(|s| name.contains(s))
}

/// The first word of a credentials field.
fn scheme(value: &str) -> Option<String> {
    let word: String = value.split_ascii_whitespace().next()?.chars().take(20).collect();
    // A value without scheme would be the credentials themselves.
    let known =
        ["basic", "digest", "negotiate", "ntlm", "kerberos", "bearer"].contains(&word.to_ascii_lowercase().as_str());
    Some(if known { word } else { "?".to_owned() })
}

/// The schemes of a challenge (RFC 9110 11.6.1): a comma list in which parameters stand too; a scheme is a word that
/// begins an element and has no `=` of its own.
fn schemes(value: &str, out: &mut Vec<String>) {
    for element in value.split(',').take(16) {
        let Some(word) = element.split_ascii_whitespace().next() else { continue };
        let second = element.split_ascii_whitespace().nth(1);
        let parameter = word.contains('=') || second.is_some_and(|s| s.starts_with('='));
        let token = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !parameter && token && word.len() <= 20 && !out.iter().any(|s| s == word) && out.len() < 8 {
            out.push(word.to_owned());
        }
    }
}

/// A target or address without user information, query and fragment.
fn without_secrets(target: &str) -> String {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let kept = target.get(..end).unwrap_or(target);
    let (before, rest) = match kept.find("://") {
        Some(p) => kept.split_at(p.saturating_add(3)),
        None => ("", kept),
    };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..authority_end).and_then(|authority| authority.rfind('@')) {
        Some(p) => format!("{before}{}", rest.get(p.saturating_add(1)..).unwrap_or_default()),
        None => kept.to_owned(),
    }
}

/// Bytes as text: UTF-8 as far as it is, control characters out, bounded.
pub fn text(bytes: &[u8]) -> String {
    let bytes = bytes.get(..HTTP_VALUE_MAX).unwrap_or(bytes);
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    if text.contains(char::is_control) {
        text = text.replace(char::is_control, " ");
    }
    text
}

fn trimmed(text: String) -> String {
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// Lines of a head; ends are CRLF or LF, folded lines (obs-fold) belong to the field before.
struct Lines<'a> {
    rest: &'a [u8],
    /// Name of the last field as written.
    last_name: String,
}

impl<'a> Lines<'a> {
    fn new(head: &'a [u8]) -> Self {
        Lines { rest: head, last_name: String::new() }
    }

    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|b| *b == b'\n').unwrap_or(self.rest.len());
        let line = self.rest.get(..end)?;
        self.rest = self.rest.get(end.saturating_add(1)..).unwrap_or(&[]);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The next field, its name in lower case; lines without a colon are left out.
    fn next_field(&mut self) -> Option<(String, String)> {
        loop {
            let line = self.next_line()?;
            let colon = line.iter().position(|b| *b == b':');
            let name = colon.and_then(|c| line.get(..c)).map(|n| trimmed(text(n)));
            let value = colon.and_then(|c| line.get(c.saturating_add(1)..)).unwrap_or(&[]);
            let mut value = Cow::Borrowed(value);
            while matches!(self.rest.first(), Some(b' ' | b'\t')) {
                let Some(more) = self.next_line() else { break };
                if value.len() < HTTP_VALUE_MAX {
                    let value = value.to_mut();
                    value.push(b' ');
                    value.extend_from_slice(more.trim_ascii());
                }
            }
            if let Some(name) = name.filter(|n| !n.is_empty()) {
                let lower = name.to_ascii_lowercase();
                self.last_name = name;
                return Some((lower, text(value.trim_ascii())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_tell_themselves() {
        assert!(looks_like_request(b"CONNECT a:443 HTTP/1.0\r\n"));
        assert!(looks_like_request(b"CON") && looks_like_request(b"GET /"));
        assert!(!looks_like_request(b"OPTIONS sip:a SIP/2.0\r\n"));
        assert!(
            !looks_like_request(b"GETX / HTTP/1.1") && !looks_like_request(b"\x16\x03\x01") && !looks_like_request(b"")
        );
        assert!(looks_like_response(b"HTT") && looks_like_response(b"HTTP/1.1 200 OK"));
        assert!(!looks_like_response(b"HTTP/2") && !looks_like_response(b"SSH-2.0"));
    }

    #[test]
    fn no_secret_leaves_a_request() {
        let head = b"GET http://me:pw@h/p?code=s3cret#x HTTP/1.1\r\nProxy-Authorization: Basic czNjcmV0\r\nAuthorization: Bearer s3cret\r\nCookie: s3cret\r\n\r\n";
        let (x, _) = request(head, At::default()).unwrap();
        assert_eq!((x.target.as_str(), x.proxy_authorization.as_deref()), ("http://h/p", Some("Basic")));
        let all = format!("{x:?}");
        assert!(!all.contains("s3cret") && !all.contains("czNj") && !all.contains("pw@"));
        let (x, _) = request(b"CONNECT h:443 HTTP/1.0\nProxy-Authorization: czNjcmV0\n\n", At::default()).unwrap();
        assert_eq!(x.proxy_authorization.as_deref(), Some("?"));
        let (x, _) = request(b"CONNECT mail:25 / HTTP/1.0\r\n\r\n", At::default()).unwrap();
        assert_eq!(x.target, "mail:25");
    }

    #[test]
    fn challenges_in_one_field_or_several_give_their_schemes() {
        let head = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM, Basic realm=\"a, b\", charset=\"UTF-8\"\r\nX-Squid-Error: ERR_CACHE_ACCESS_DENIED 0\r\nVia: 1.1 px\r\n (squid/6)\r\nX-Auth-Token: t\r\nContent-Length: 5\r\n\r\n";
        let mut x = HttpExchange::default();
        let steering = answer(head, At::default(), &mut x).unwrap();
        assert_eq!(x.proxy_authenticate, ["Negotiate", "NTLM", "Basic"]);
        assert_eq!(x.product_headers, [("X-Squid-Error".to_owned(), "ERR_CACHE_ACCESS_DENIED 0".to_owned())]);
        assert_eq!(x.via.as_deref(), Some("1.1 px (squid/6)"));
        assert_eq!(x.reason, "Proxy Authentication Required");
        assert_eq!(steering.answer_body("GET", 407), BodyLength::Bytes(5));
        assert_eq!(steering.answer_body("HEAD", 200), BodyLength::Bytes(0));
    }

    #[test]
    fn a_first_line_that_is_cut_off_tells_what_is_all_there() {
        let asked = |head: &[u8]| {
            let read = || request(head, At::default()).map(|(x, _)| x.target);
            tells_target(head).then(read).flatten()
        };
        for whole in ["CONNECT a.example:443 ", "CONNECT a.example:443 HTT", "CONNECT a.example:443 HTTP/1.1\r"] {
            assert_eq!(asked(whole.as_bytes()).as_deref(), Some("a.example:443"), "{whole}");
        }
        for cut in ["CONNECT a.example:443", "CONNECT a.example:4", "CONNECT ", "GET /x HT", "CONNECT a b:1"] {
            assert_eq!(asked(cut.as_bytes()), None, "{cut}");
        }
        assert!(tells_status(b"HTTP/1.1 407 Proxy Au") && tells_status(b"HTTP/1.1 407\r\nVia"));
        assert!(!tells_status(b"HTTP/1.1 407") && !tells_status(b"HTTP/1.1 4") && !tells_status(b""));
    }

    #[test]
    fn hostile_heads_are_refused_or_read() {
        let head = b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n : x\r\n\tfold\r\nUser-Agent:\xff\x00\r\n\r\n";
        let mut read = 0;
        for end in 0..head.len() {
            read += usize::from(request(&head[..end], At::default()).is_some());
            let _ = status(&head[..end]);
        }
        assert!(read > 20);
        assert!(status(b"HTTP/1.1 99999 x").is_none() && status(b"HTTP/1.1").is_none());
        assert_eq!(status(b"HTTP/1.0 200"), Some(200));
    }
}
