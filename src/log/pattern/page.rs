//! A web page where an API's answer was due: who wrote it, as far as its title tells.

use crate::facts::log::ErrorClass;
use regex::Regex;
use std::sync::LazyLock;

static TITLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)<title[^>]*>([^<]{1,200})").ok());

/// Words in the title of a page that refuses.
const BLOCK_WORDS: [&str; 10] = [
    "block",
    "denied",
    "restricted",
    "web filter",
    "web gateway",
    "prohibit",
    "not allowed",
    "could not be retrieved",
    "閲覧",
    "禁止",
];

/// Words in the title of a page that wants a login to the network.
const PORTAL_WORDS: [&str; 6] = ["portal", "hotspot", "captive", "splash", "wi-fi", "guest access"];

/// The title of the page in `text`.
pub(crate) fn title(text: &str) -> Option<&str> {
    Some(TITLE.as_ref()?.captures(text)?.get(1)?.as_str())
}

/// What the page in `text` is; `None` where there is no page.
pub(crate) fn page(text: &str) -> Option<ErrorClass> {
    let at = memchr::memchr(b'<', text.as_bytes())?;
    let text = text.get(at..)?.to_lowercase();
    if !(text.contains("<!doctype html") || text.contains("<html") || text.contains("<title")) {
        return None;
    }
    let title = title(&text).unwrap_or_default();
    let says = |words: &[&str]| words.iter().any(|w| title.contains(w));
    Some(if says(&BLOCK_WORDS) {
        ErrorClass::BlockPage
    } else if says(&PORTAL_WORDS) {
        ErrorClass::CaptivePortal
    } else {
        ErrorClass::ForeignPage
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_tells_who_wrote_a_page() {
        for (text, class) in [
            ("<!DOCTYPE html><html><head><title>Access Denied - Zscaler</title></head></html>", ErrorClass::BlockPage),
            ("HTTP status: 403, Error: <html><head><title>Blocked by Web Filter</title>", ErrorClass::BlockPage),
            ("<html><title>Hotel Wi-Fi</title>", ErrorClass::CaptivePortal),
            ("<html><head><title>502 Bad Gateway</title></head></html>", ErrorClass::ForeignPage),
        ] {
            assert_eq!(page(text), Some(class), "{text}");
        }
        assert_eq!(page("Path '', value: <. line 0"), None);
        assert_eq!(page("<urllib3.connection.HTTPSConnection object at 0x1>: blocked"), None);
    }
}
