//! Links that a mail filter rewrote → the links that the client wrote.
//!
//! Mail carries logs, and filters put every address in it behind one of their own. What enters: text. What leaves: the
//! text with the addresses that were meant.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Domain of a filter's links.
const WRAPPERS: &[&str] = &["safelinks.protection.outlook.com", "safelinks.protection.office365.us"];

/// What all of them have in common: most texts hold no such link.
const WRAPPERS_SHARE: &str = "safelinks.protection.";

// The address that was meant is the query's `url`; what stands behind it is the filter's. A link whose address cannot be
// read matches as a whole.
static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let domains = WRAPPERS.iter().map(|d| regex::escape(d)).collect::<Vec<_>>().join("|");
    Regex::new(&format!(
        r#"(?i)https?://[a-z0-9-]+\.(?:{domains})/[^\s"'<>?]*\?(?:[^\s"'<>&]*&(?:amp;)?)*?url=(http[^\s"'<>&]+)(?:&[^\s"'<>()\[\]:,]*)?|https?://[a-z0-9-]+\.(?:{domains})/[^\s"'<>?]*\?[^\s"'<>()\[\]]*"#
    ))
    .ok()
});

/// `text` with rewritten links undone. Of one that holds no address only the place stays: its query names the reader.
pub(crate) fn unwrapped(text: &str) -> Cow<'_, str> {
    let Some(link) = LINK.as_ref().filter(|_| is_there(text)) else { return Cow::Borrowed(text) };
    link.replace_all(text, |c: &regex::Captures<'_>| {
        let whole = c.get(0).map_or("", |m| m.as_str());
        c.get(1)
            .and_then(|m| decoded(m.as_str()))
            .unwrap_or_else(|| whole.split('?').next().unwrap_or_default().to_owned())
    })
}

/// Whether a filter's domain may stand in the text, in any case.
fn is_there(text: &str) -> bool {
    let tail = WRAPPERS_SHARE.as_bytes();
    // The rarest letters of the name are looked for; the rest is compared where they stand.
    memchr::memchr2_iter(b'k', b'K', text.as_bytes()).any(|at| {
        let Some(from) = at.checked_sub(7) else { return false };
        text.as_bytes().get(from..from.saturating_add(tail.len())).is_some_and(|s| s.eq_ignore_ascii_case(tail))
    })
}

/// An address without its percent signs; `None` where what comes out is none.
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = if byte == b'%' {
            let (high, low) = (rest.next()?, rest.next()?);
            let digit = |b: u8| char::from(b).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()?
        } else {
            byte
        };
        out.push(byte);
    }
    let out = String::from_utf8(out).ok()?;
    let plain = !out.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>'));
    (plain && (out.starts_with("https://") || out.starts_with("http://"))).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_was_meant_comes_back() {
        let wrapped = "Get \"https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fgraph.microsoft.com%2Fv1.0%2Fme&data=05%7C02%7C&reserved=0\": x509: bad";
        assert_eq!(unwrapped(wrapped), "Get \"https://graph.microsoft.com/v1.0/me\": x509: bad");
        let html = "GET https://a.safelinks.protection.outlook.com/?url=http%3A%2F%2Fa.example%2F&amp;data=1&amp;reserved=0 failed";
        assert_eq!(unwrapped(html), "GET http://a.example/ failed");
        let bare = "Get https://a.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example&data=1: EOF";
        assert_eq!(unwrapped(bare), "Get https://a.example: EOF");
    }

    #[test]
    fn every_spelling_and_cloud_of_the_filter_is_known() {
        for filter in ["GCC02.SafeLinks.Protection.Outlook.COM", "usg01.safelinks.protection.office365.us"] {
            let wrapped = format!("Get https://{filter}/?url=https%3A%2F%2Fa.example&data=1: EOF");
            assert_eq!(unwrapped(&wrapped), "Get https://a.example: EOF");
        }
    }

    #[test]
    fn the_query_of_a_link_without_an_address_is_dropped() {
        for query in [
            "url=https%3A%2F%2Fa.example%0Ab&data=05%7Calice%40a.example",
            "url=https%3A%2F%2Fa%",
            "data=alice%40a.example",
        ] {
            let text = format!("Get \"https://a.safelinks.protection.outlook.com/ap/?{query}\": EOF");
            assert_eq!(unwrapped(&text), "Get \"https://a.safelinks.protection.outlook.com/ap/\": EOF");
        }
    }

    #[test]
    fn what_is_no_wrapped_link_stays_as_it_is() {
        for text in
            ["safelinks.protection.outlook.com does not resolve", "https://a.example/?url=https%3A%2F%2Fb.example"]
        {
            assert_eq!(unwrapped(text), text);
        }
    }
}
