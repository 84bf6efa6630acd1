//! The transcript of wget, which tells of each address that it tries.
//!
//! What enters: a line. What leaves: that a connection was made, or what was answered. What failed is read with the words
//! of failures. Total.

use super::reply;
use crate::facts::log::LogEventKind;
use crate::log::build::Builder;
use crate::log::place;

regex!(
    CONNECTED,
    r"^Connecting to ([A-Za-z0-9_.-]{1,253})(?: \([^)]*\))?\|([0-9A-Fa-f.:]+)\|:(\d{1,5})\.\.\. connected\.$"
);
// Of a proxy it is `Proxy request sent`.
regex!(ANSWERED, r"^HTTP request sent, awaiting response\.\.\. (\d{3})(?: |$)");

/// Reads one line; false when it is none of these.
pub(super) fn line(b: &mut Builder, line: &str) -> bool {
    let text = line.trim_end();
    if let Some(c) = CONNECTED.as_ref().and_then(|r| r.captures(text)) {
        let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
        let (host, port) = (part(1).to_ascii_lowercase(), part(3).parse().unwrap_or(443));
        b.host = Some((host.clone(), port));
        b.event(
            LogEventKind::Connected { address: place::bare(part(2)).parse().ok() },
            Some((&host, Some(port))),
            line,
        );
        return true;
    }
    let Some(status) = ANSWERED.as_ref().and_then(|r| r.captures(text)?.get(1)?.as_str().parse().ok()) else {
        return false;
    };
    let host = b.host.clone();
    b.event(reply(String::new(), String::new(), status), host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
    true
}

#[cfg(test)]
mod tests {
    use crate::facts::log::LogEventKind;
    use crate::log::read_text;

    #[test]
    fn an_address_that_fails_before_another_one_answers_is_no_end() {
        let text = "Connecting to a.example (a.example)|192.0.2.1|:443... failed: Connection refused.\nConnecting to a.example (a.example)|192.0.2.2|:443... connected.\nHTTP request sent, awaiting response... 200 OK\n";
        let facts = read_text(text);
        let events: Vec<_> = facts.attempts.iter().flat_map(|a| &a.events).collect();
        assert!(events.iter().all(|e| e.host.as_deref() == Some("a.example")), "{events:?}");
        assert!(matches!(events.last().map(|e| &e.kind), Some(LogEventKind::HttpResponse { status: 200, .. })));
        assert!(matches!(events.get(1).map(|e| &e.kind), Some(LogEventKind::Connected { .. })));
    }
}
