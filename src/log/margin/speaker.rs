//! Who speaks on a line: containers, machines and jobs whose lines stand in one log.
//!
//! What enters: words of margins and values of JSON. What leaves: whether there are several speakers. A log of several
//! is not one client's: the one that works must not excuse the one that fails.

use super::learned;
use crate::log::{pattern, place};
use std::collections::HashMap;

/// The first speaker at each place where one may stand.
#[derive(Debug, Default)]
pub(super) struct Speakers(HashMap<usize, String>);

impl Speakers {
    /// Whether `word` at `place` names another speaker than the lines before.
    pub(super) fn is_another(&mut self, place: usize, word: &str) -> bool {
        is_name(word) && self.is_other(place, word)
    }

    /// The same for what is known to be a name.
    pub(super) fn is_other(&mut self, place: usize, name: &str) -> bool {
        match self.0.get(&place) {
            Some(known) => known != name,
            None => {
                self.0.insert(place, name.to_owned());
                false
            }
        }
    }
}

/// Whether a line says something that another speaker's lines must not be mixed with.
pub(super) fn tells(text: &str) -> bool {
    text.contains("://") || learned::record(text).is_some() || pattern::classify(text).is_some()
}

/// Whether a word that changes from line to line may be a name: dates, clocks, counters, levels, identifiers of single
/// requests and loggers are none.
fn is_name(word: &str) -> bool {
    const CALENDAR: &[&str] = &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mon", "tue", "wed", "thu",
        "fri", "sat", "sun", "am", "pm",
    ];
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let hex = word.chars().filter(char::is_ascii_hexdigit).count();
    let is_date = word.starts_with(|c: char| c.is_ascii_digit()) && letters <= 2;
    // Of a span, a trace, or a GUID; 12 digits are a container's.
    let is_id = (matches!(hex, 16 | 32) && hex == word.len()) || (hex == 32 && word.len() == 36);
    let is_logger = word.contains('.') && (!place::plausible(word) || word.starts_with(char::is_uppercase));
    letters > 0
        && !is_date
        && !is_id
        && !is_logger
        && !learned::is_alike(word)
        && !CALENDAR.iter().any(|name| name.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_dates_counters_levels_or_loggers() {
        for name in ["app-1", "prod", "web01.contoso.local", "3f2a9c1b7d4e", "login-7c9"] {
            assert!(is_name(name), "{name}");
        }
        for word in [
            "2026-11-02T10",
            "37.0499Z",
            "4242",
            "01O",
            "Nov",
            "PM",
            "ERROR",
            "stderr",
            "Azure.Identity",
            "connectionpool.py",
            "4bf92f3577b34da6",
            "0a6f2f61-4c1e-4f0d-8a35-0c6c8b6b7d11",
        ] {
            assert!(!is_name(word), "{word}");
        }
    }

    #[test]
    fn only_what_tells_counts() {
        for text in ["Connection refused", "GET https://a.example/", "DEBUG: urllib3.connectionpool: x"] {
            assert!(tells(text), "{text}");
        }
        assert!(!tells("ready to accept work"));
    }
}
