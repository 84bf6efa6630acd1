//! NetTrace.cab's text files → facts: interfaces, resolvers, routes, proxies, processes, drops, time zone.
//!
//! What enters: one file, by name and bytes, in any of the encodings Windows writes. What leaves: [`SystemFacts`], or
//! `None` where nothing was recognised. All these files are output of commands in the language of the machine, so
//! numbers, addresses and positions decide, and words only where they are the same in every language. Guaranteed:
//! each line is looked at a bounded number of times, and every list is bounded.

mod ipconfig;
mod net_events;
mod proxy;
mod route;
mod tables;
mod text;

use crate::facts::system::SystemFacts;
use crate::limits;

/// Entries kept of any one list.
const ENTRIES_MAX: usize = 16_384;

/// Reads one file; `name` is its name in the cabinet, with or without a path.
pub fn read(name: &str, bytes: &[u8]) -> Option<SystemFacts> {
    let limit = usize::try_from(limits::LOG_BYTES_MAX).unwrap_or(usize::MAX);
    let text = text::decode(bytes.get(..bytes.len().min(limit))?);
    let mut facts = SystemFacts::default();
    if text.contains("<netEvents") {
        net_events::read(&text, &mut facts);
    } else if text.trim_start().starts_with('<') {
        // The state of the filtering platform and the like: nothing that is used.
        return None;
    } else {
        ipconfig::read(&text, &mut facts);
        route::read(&text, &mut facts);
        tables::read(&text, &mut facts);
        proxy::read(&text, &mut facts);
        read_numbers(&text, &mut facts);
    }
    if facts.is_empty() {
        return None;
    }
    facts.files.push(text::clean(name.rsplit(['\\', '/']).next().unwrap_or(name)));
    Some(facts)
}

/// Build of Windows and time zone, which read alike in every language.
fn read_numbers(text: &str, facts: &mut SystemFacts) {
    for line in text.lines() {
        if facts.os_build.is_none() {
            facts.os_build = build(line);
        }
        if facts.zone_offset_minutes.is_none() {
            facts.zone_offset_minutes = zone(line);
        }
        if facts.os_build.is_some() && facts.zone_offset_minutes.is_some() {
            return;
        }
    }
}

/// `10.0.19045`, as `systeminfo`, `ver` and osinfo.txt write it. File versions have a fourth number and no place here.
fn build(line: &str) -> Option<u32> {
    let mut rest = line;
    while let Some(at) = rest.find("10.0.") {
        let before = rest.get(..at)?.chars().next_back();
        rest = rest.get(at + 5..)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let after = rest.get(digits..)?;
        // `[Version 10.0.19045.3570]` of the command prompt is the one form with four numbers that counts.
        let system = !after.starts_with('.') || line.trim_start().starts_with("Microsoft Windows [");
        if digits == 5 && system && !before.is_some_and(|c| c.is_ascii_digit() || c == '.') {
            return rest.get(..digits)?.parse().ok();
        }
    }
    None
}

/// `(UTC+09:00)`, as the names of time zones begin in every language.
fn zone(line: &str) -> Option<i32> {
    let at = line.find("(UTC")?;
    let rest = line.get(at + 4..)?;
    if rest.starts_with(')') {
        return Some(0);
    }
    let inner = rest.get(..rest.find(')')?)?;
    let sign = match inner.chars().next()? {
        '+' => 1,
        // Windows writes a hyphen, some texts a minus.
        '-' | '\u{2212}' => -1,
        _ => return None,
    };
    let (hours, minutes) = inner.trim_start_matches(['+', '-', '\u{2212}']).split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_and_zone_are_found_in_any_language() {
        let t = "OS バージョン:          10.0.19045 N/A ビルド 19045\r\nタイム ゾーン:          (UTC+09:00) 大阪、札幌、東京\r\n";
        let facts = read("systeminfo.txt", t.as_bytes()).unwrap();
        assert_eq!((facts.os_build, facts.zone_offset_minutes), (Some(19045), Some(540)));
        assert_eq!(zone("Zeitzone: (UTC-03:30) Neufundland"), Some(-210));
        assert_eq!(build("file version 10.0.19041.1202"), None);
        assert_eq!(build("Microsoft Windows [Version 10.0.22631.3155]"), Some(22631));
        assert_eq!(build("210.0.19041"), None);
    }

    #[test]
    fn files_without_anything_known_give_nothing() {
        for text in ["", "hello", "<?xml version=\"1.0\"?><wfpstate/>", "\0\0\0", "a : b\r\n"] {
            assert!(read("x.txt", text.as_bytes()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn noise_and_cut_files_neither_panic_nor_hang() {
        let mut state = 7u64;
        for round in 0..300 {
            let noise: Vec<u8> = (0..round * 3)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    // Mostly the characters that mean something here.
                    let bytes = b" .:-=0123456789abcdef\r\n<>\"ProxyServer\x82\xA0";
                    bytes[(state >> 33) as usize % bytes.len()]
                })
                .collect();
            read("processes.txt", &noise);
        }
    }
}
