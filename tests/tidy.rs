//! The rules of the house that the compiler does not know: who may use whom, where a crate's door is, how files look.
//!
//! A rule that has to give way gives way here, in the open: by a line in a table, with the reason.

#[path = "support/tree.rs"]
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tree::{Source, files, slashes, sources};

/// Types without a stage: everybody may use them, and they use only one another.
const LEAVES: &[&str] = &["bytes", "error", "imprint", "lang", "limits", "parallel", "problem", "time"];

/// What each room uses besides the leaves. A stage knows the one before it; anything more has its reason.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("input", &["log"], "whether a text is a log, the patterns of logs know"),
    ("capture", &["input", "knowledge"], "windows come from `input::Source`; drop reasons have names in `knowledge`"),
    ("packet", &["capture"], ""),
    (
        "flow",
        &["packet", "capture", "facts"],
        "flows are handed on as facts; frames' process and drop marks pass through",
    ),
    ("protocol", &["flow", "packet", "facts"], "dissectors note the packet (`At`) that showed what they found"),
    (
        "facts",
        &["capture", "flow", "packet"],
        "owned facts are spelled in the stages' small types (`Side`, `At`, `Format`)",
    ),
    ("log", &["facts", "knowledge"], "whether a name is a service's, and a page a filter's, stands in its tables"),
    ("system", &["facts"], ""),
    ("knowledge", &["facts"], "issuers are asked about a certificate, and which command a log is of"),
    ("case", &["facts", "knowledge", "packet"], "`At` is a place in a capture; facts carry it"),
    ("verdict", &["case", "facts", "knowledge", "flow", "packet"], "`Side` and `At`, which facts carry"),
    ("finding", &["verdict", "case", "facts", "knowledge", "flow", "packet"], "`Side` and `At`, which facts carry"),
    ("diagnosis", &["finding", "verdict", "case", "facts", "knowledge", "report"], "it fills `report::Diagnosis`"),
    (
        "report",
        &["finding", "verdict", "case", "diagnosis", "knowledge", "facts", "capture", "flow", "packet"],
        "the words of `Format`; `Side` and `At`, which facts carry",
    ),
    (
        "records",
        &["case", "facts", "protocol", "flow", "capture", "report"],
        "`PieceFacts` parts captures from logs; names of record types; CSV cells made harmless",
    ),
    ("explain", &["finding"], ""),
    ("progress", &["cli", "input", "report"], "asks for `-q`; cleans file names for the terminal"),
    ("output", &["input"], "what is read is never written"),
    (
        "convert",
        &["capture", "input", "output", "cli", "progress", "packet"],
        "a command of its own, thin over the stages",
    ),
    (
        "diff",
        &["analyze", "case", "cli", "facts", "finding", "report", "verdict", "input", "knowledge", "packet", "render"],
        "a command",
    ),
    (
        "cli",
        &["finding", "records", "report"],
        "`--fail-on` is a severity, `--type` a type of record; prints the JSON Schema",
    ),
];

/// The files on top, which may use everything: they put the stages together.
const TOP: &[&str] = &["analyze", "batch", "lib", "main", "render", "run"];

/// Where each external crate may be named. An empty prefix would be "anywhere"; there is none.
const DOORS: &[(&str, &[&str], &str)] = &[
    ("aes", &["src/protocol/quic_crypto.rs"], ""),
    ("aes_gcm", &["src/protocol/quic_crypto.rs", "src/protocol/tls/cipher.rs"], "QUIC and TLS seal with the same"),
    ("anstream", &["src/run.rs"], ""),
    ("anstyle", &["src/report/text.rs"], ""),
    ("blake3", &["src/input/", "src/batch"], "two files of one content, two runs over one case"),
    ("cab", &["src/input/archive/cab.rs"], ""),
    ("chacha20poly1305", &["src/protocol/tls/cipher.rs"], ""),
    ("clap", &["src/cli.rs"], ""),
    ("clap_complete", &["src/cli.rs"], ""),
    ("clap_mangen", &["src/cli.rs"], ""),
    (
        "csv",
        &["src/log/signin_export.rs", "src/log/margin/table.rs", "src/records.rs", "src/report/csv.rs", "src/batch"],
        "reading and writing",
    ),
    ("ctrlc", &["src/batch", "src/run.rs"], ""),
    (
        "encoding_rs",
        &["src/log/text.rs", "src/system/text.rs", "src/input/", "src/protocol/http/body.rs"],
        "texts of strangers",
    ),
    ("etherparse", &["src/packet/"], ""),
    ("flate2", &["src/input/archive/stream.rs"], ""),
    ("foldhash", &["src/flow/", "src/capture/", "src/protocol/shared.rs"], "tables keyed by what a stranger wrote"),
    (
        "hashbrown",
        &["src/flow/", "src/capture/", "src/packet/", "src/protocol/shared.rs"],
        "tables keyed by what a stranger wrote",
    ),
    ("hkdf", &["src/protocol/quic_crypto.rs", "src/protocol/tls/cipher.rs"], "QUIC and TLS derive keys alike"),
    ("indicatif", &["src/progress.rs", "src/batch/display.rs"], "one bar for a case, one for a batch"),
    ("jiff", &["src/time.rs", "src/system/"], "time zones of Windows' files"),
    ("md5", &["src/protocol/fingerprint.rs"], "JA3 is defined over MD5"),
    ("memchr", &["src/input/", "src/log/", "src/protocol/", "src/capture/"], "searching in bytes"),
    ("memmap2", &["src/input.rs", "src/input/source.rs"], ""),
    ("pcap_parser", &["src/capture/pcap"], ""),
    ("rayon", &["src/analyze", "src/batch", "src/parallel.rs"], "threads over pieces, cases, items"),
    (
        "regex",
        &["src/log", "src/knowledge/", "src/system/", "src/report/redact"],
        "texts that people and products write",
    ),
    ("ruzstd", &["src/input/archive/stream.rs"], ""),
    ("schemars", &["src/report/json.rs", "src/batch"], ""),
    (
        "serde",
        &["src/report/json", "src/log/signin_export.rs", "src/batch", "src/diff/json.rs", "src/lang.rs"],
        "what is read and written as JSON",
    ),
    ("serde_json", &["src/report/", "src/log/", "src/records", "src/cli.rs", "src/batch"], "JSON in and out"),
    ("sha1", &["src/protocol/"], "fingerprints and key identifiers"),
    (
        "sha2",
        &["src/protocol/", "src/report/html.rs", "src/capture/etl/census.rs"],
        "fingerprints, keys, content policy, census",
    ),
    ("sys_locale", &["src/cli.rs"], ""),
    ("terminal_size", &["src/render.rs"], ""),
    ("thiserror", &["src/error.rs"], ""),
    ("tls_parser", &["src/protocol/hello.rs", "src/protocol/tls"], ""),
    ("unicode_width", &["src/report/", "src/batch/rollup/text.rs"], "columns of a terminal"),
    ("walkdir", &["src/input.rs", "src/batch"], ""),
    ("x509_parser", &["src/protocol/certificate.rs"], ""),
    ("zip", &["src/input/archive.rs", "src/input/archive/"], ""),
];

/// Crates that wait for the work that needs them.
const NOT_YET: &[&str] = &["anstream"];

/// Files of more than 600 lines. Tables (`*/table.rs`) are data and tests are lists: they may be long.
const LONG: &[(&str, &str)] = &[
    ("src/protocol/tls.rs", "one session's states, both sides"),
    ("src/capture/etl/schema.rs", "manifests and the fields that they describe, with its tests"),
];

const LONG_LINES: usize = 600;

#[test]
fn a_room_uses_only_the_rooms_before_it() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !s.test_only) {
        let room = source.room();
        if TOP.contains(&room) {
            continue;
        }
        let allowed = ROOMS.iter().find(|(name, ..)| *name == room).map_or(&[][..], |(_, uses, _)| *uses);
        for used in rooms_used(&source.code) {
            if used != room && !LEAVES.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "against the stream (see ROOMS): {wrong:#?}");
}

#[test]
fn two_rooms_know_each_other_only_where_the_table_says_so() {
    /// Facts carry the flows' small types, and flows are handed on as facts; the diagnosis is a part of the report.
    const MUTUAL: [(&str, &str); 2] = [("flow", "facts"), ("diagnosis", "report")];
    let uses = |a: &str, b: &str| ROOMS.iter().any(|(room, uses, _)| *room == a && uses.contains(&b));
    let pairs = ROOMS.iter().flat_map(|(room, uses, _)| uses.iter().map(move |used| (*room, *used)));
    let mutual = pairs.filter(|(a, b)| uses(b, a));
    let wrong: Vec<_> = mutual.filter(|(a, b)| !MUTUAL.contains(&(*a, *b)) && !MUTUAL.contains(&(*b, *a))).collect();
    assert!(wrong.is_empty(), "a circle: {wrong:?}");
}

#[test]
fn every_room_is_in_the_table() {
    let rooms: BTreeSet<String> = sources().iter().map(|s| s.room().to_owned()).collect();
    let known: BTreeSet<String> =
        ROOMS.iter().map(|(r, ..)| *r).chain(LEAVES.iter().chain(TOP).copied()).map(str::to_owned).collect();
    assert_eq!(rooms, known);
}

#[test]
fn each_crate_has_its_door() {
    let mut wrong = Vec::new();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for source in sources().iter().filter(|s| !s.test_only) {
        for (name, doors, _) in DOORS {
            if names_crate(&source.code, name) {
                *used.entry(name).or_default() += 1;
                if !doors.iter().any(|door| source.path.starts_with(door)) {
                    wrong.push(format!("{} uses {name}", source.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "crates used outside their doors (see DOORS): {wrong:#?}");
    let unused: Vec<&str> =
        DOORS.iter().map(|(n, ..)| *n).filter(|n| !used.contains_key(n) && !NOT_YET.contains(n)).collect();
    assert!(unused.is_empty(), "dependencies that nobody uses: {unused:?}");
}

#[test]
fn every_dependency_is_in_the_table() {
    let manifest = std::fs::read_to_string("Cargo.toml").expect("the manifest is there");
    let section = manifest.split("[dependencies]").nth(1).and_then(|s| s.split("\n[").next()).unwrap_or("");
    let listed: BTreeSet<String> = section
        .lines()
        .filter_map(|l| Some(l.split_once('=')?.0.trim()))
        .map(|name| if name == "md-5" { "md5".to_owned() } else { name.replace('-', "_") })
        .collect();
    let doors: BTreeSet<String> = DOORS.iter().map(|(n, ..)| (*n).to_owned()).collect();
    assert_eq!(listed, doors);
}

#[test]
fn modules_are_files_beside_their_folder() {
    let wrong: Vec<String> =
        files(Path::new(".")).iter().map(|p| slashes(p)).filter(|p| p.ends_with("/mod.rs")).collect();
    assert!(wrong.is_empty(), "x.rs beside x/, not {wrong:?}");
}

#[test]
fn every_file_says_what_it_is() {
    let wrong: Vec<String> = sources().into_iter().filter(|s| !s.whole.starts_with("//! ")).map(|s| s.path).collect();
    assert!(wrong.is_empty(), "no //! at the top of {wrong:#?}");
}

#[test]
fn long_files_have_their_reason() {
    let sources = sources();
    let is_test = |path: &str| sources.iter().any(|s| s.path == path && s.test_only);
    let length = |path: &str| sources.iter().find(|s| s.path == path).map_or(0, |s| s.whole.lines().count());
    let wrong: Vec<String> = sources
        .iter()
        .map(|s| s.path.as_str())
        .filter(|p| {
            !is_test(p) && !p.ends_with("/table.rs") && length(p) > LONG_LINES && LONG.iter().all(|(l, _)| l != p)
        })
        .map(|p| format!("{p}: {} lines", length(p)))
        .collect();
    assert!(wrong.is_empty(), "split them, or say why not in LONG: {wrong:#?}");
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !s.test_only) {
        for attribute in ["#[allow(", "#![allow("] {
            if source.code.contains(attribute) {
                wrong.push(format!("{}: {attribute}", source.path));
            }
        }
        for part in source.code.split("expect(").skip(1) {
            // An attribute, not the method: lints are paths or snake case, with a reason.
            let attribute = part.split(']').next().unwrap_or("");
            if (attribute.contains("clippy::") || attribute.contains("unsafe_code")) && !attribute.contains("reason") {
                wrong.push(format!("{}: expect without reason", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_memory_map_is_unsafe() {
    let found: Vec<String> = sources()
        .into_iter()
        .filter(|s| s.code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe"))
        .map(|s| s.path)
        .collect();
    assert_eq!(found, ["src/input.rs"]);
}

#[test]
fn stages_know_no_clock_no_files_and_no_globals() {
    /// Rooms that touch the world: they open, print, draw or put together.
    const WORLDLY: &[&str] =
        &["analyze", "batch", "cli", "convert", "diff", "input", "main", "output", "progress", "render", "run"];
    const WORLD: &[&str] = &[
        "std::fs",
        "std::env",
        "std::process",
        "std::net::TcpStream",
        "SystemTime",
        "Instant::now",
        "println!(",
        "print!(",
        "static mut",
        "thread_local!",
        "thread::current",
    ];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !s.test_only && !WORLDLY.contains(&s.room())) {
        wrong.extend(WORLD.iter().filter(|w| source.code.contains(**w)).map(|w| format!("{}: {w}", source.path)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_names_a_machine() {
    // Put together, so that this file does not find itself. People's logs may name their homes; ours are `x`.
    let marks = ["/wo|rk/", "/ro|ot/", "/ho|me/", "local|host:90"].map(|m| m.replace('|', ""));
    let harmless = ["/ho|me/x", "/ho|me/user"].map(|m| m.replace('|', ""));
    let mut wrong = Vec::new();
    for path in files(Path::new(".")) {
        let Ok(mut text) = std::fs::read_to_string(&path) else { continue };
        for h in &harmless {
            text = text.replace(h.as_str(), "");
        }
        wrong.extend(marks.iter().filter(|m| text.contains(*m)).map(|m| format!("{}: {m}", slashes(&path))));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_top_of_the_repository_is_tidy() {
    const PLACES: &[&str] = &[
        ".ci",
        ".gitignore",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "benches",
        "clippy.toml",
        "rustfmt.toml",
        "samples",
        "src",
        "tests",
    ];
    let mut strange: Vec<String> = std::fs::read_dir(".")
        .expect("the root can be read")
        .map(|e| e.expect("the root can be read").file_name().to_string_lossy().into_owned())
        .filter(|name| !PLACES.contains(&name.as_str()) && name != ".git" && name != "target")
        .collect();
    strange.sort();
    assert!(strange.is_empty(), "what is {strange:?} doing here?");
}

/// The rooms named by `crate::room` and `use crate::{room, ...}`.
fn rooms_used(code: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                if c == ',' && depth == 0 {
                    out.insert(std::mem::take(&mut name));
                } else {
                    name.push(c);
                }
            }
            out.insert(name);
        } else {
            out.insert(part.to_owned());
        }
    }
    out.iter()
        .map(|path| path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        // The macro of `lang`, and types of the crate's root (there are none).
        .filter(|name| !name.is_empty() && name != "message")
        .collect()
}

/// Whether a path in the code begins with the crate's name.
fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(i, _)| {
        let before = code.get(..i).unwrap_or("");
        // `::csv::` names the crate for certain; `self::csv::` and `super::csv::` do not.
        let before = before
            .strip_suffix("::")
            .map_or(before, |b| if b.ends_with(|c: char| c.is_alphanumeric() || c == '_') { "x" } else { b });
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn names_are_found_in_code() {
    assert!(names_crate("use csv::Writer;", "csv"));
    assert!(names_crate("let w = ::csv::Writer::new();", "csv"));
    assert!(!names_crate("super::csv::harmless(x)", "csv"));
    assert!(!names_crate("my_csv::harmless(x)", "csv"));
    let rooms = rooms_used("use crate::{capture, flow::{Side, seq}, message};\ncrate::time::Timestamp");
    assert_eq!(rooms, ["capture", "flow", "time"].map(str::to_owned).into());
}

/// Kept in use: a table without readers would rot.
#[test]
fn exceptions_have_reasons() {
    for (room, uses, why) in ROOMS {
        assert!(uses.len() < 2 || !why.is_empty(), "{room}: why does it use so many?");
    }
    for (name, doors, why) in DOORS {
        assert!(doors.len() < 3 || !why.is_empty(), "{name}: why so many doors?");
    }
    let sources: Vec<Source> = sources();
    for (path, why) in LONG {
        assert!(sources.iter().any(|s| s.path == *path) && !why.is_empty(), "{path}");
    }
}
