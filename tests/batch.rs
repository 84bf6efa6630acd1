//! `nettriage batch` as users run it: every input is accounted for, the roll-up is the same bytes whatever happened on
//! the way to it, and nothing that a folder holds ends the run.

#[path = "support/network.rs"]
mod network;
#[path = "support/samples.rs"]
mod samples;
#[path = "support/tree.rs"]
mod tree;

use assert_cmd::Command;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Output;

const ROLLUPS: [&str; 4] = ["rollup.txt", "rollup.json", "rollup.csv", "rollup.html"];

fn batch(input: &Path, out: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .arg("batch")
        .args([input, Path::new("-o"), out])
        .args(more)
        .env("LC_ALL", "C")
        .env("COLUMNS", "90")
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

fn rollup(out: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(out.join("rollup.json")).expect("a roll-up")).expect("JSON")
}

/// All files below a folder but the state of the batch.
fn written(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |p: &Path| tree::slashes(p.strip_prefix(out).expect("below the folder"));
    tree::files(out)
        .into_iter()
        .map(|p| (name(&p), std::fs::read(&p).expect("a report")))
        .filter(|(name, _)| !name.starts_with(".nettriage/"))
        .collect()
}

/// So many copies of the small sample captures.
fn copies(folder: &Path, count: usize) {
    let captures: Vec<_> = samples::all().into_iter().filter(|s| s.path.is_file()).map(|s| s.path).collect();
    std::fs::create_dir_all(folder).expect("a folder for the test");
    for (i, capture) in (0..count).zip(captures.iter().cycle()) {
        std::fs::copy(capture, folder.join(format!("{i:03}.pcapng"))).expect("copied");
    }
}

#[test]
fn the_samples_give_the_same_roll_up_with_one_thread_and_after_a_resumed_run() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let formats = ["--format", "text,json,html,markdown,csv"];
    let first = batch(Path::new("samples"), &one, &formats);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stderr));
    assert!(first.stderr.is_empty(), "{}", text(&first.stderr));
    assert!(text(&first.stdout).starts_with("Cases: "));
    let again = batch(Path::new("samples"), &two, &[&formats[..], &["--threads", "1"]].concat());
    assert_eq!(text(&first.stdout), text(&again.stdout));
    assert_eq!(written(&one), written(&two));

    // As if the run had been stopped: some cases are not done, the roll-up is not there.
    let states = tree::files(&two.join(".nettriage"));
    let half = states.len() / 2;
    assert!(half > 3);
    states.iter().take(half).for_each(|s| std::fs::remove_file(s).expect("removed"));
    ROLLUPS.iter().for_each(|r| std::fs::remove_file(two.join(r)).expect("removed"));
    let resumed = batch(Path::new("samples"), &two, &[&formats[..], &["--resume"]].concat());
    assert_eq!(text(&first.stdout), text(&resumed.stdout));
    assert_eq!(written(&one), written(&two));

    // `-v` shows more in text reports: nothing done without it counts as done, and the other way round.
    let done = |more: &[&str]| {
        let output = batch(Path::new("samples"), &two, &[&formats[..], more].concat());
        text(&output.stderr).matches("(done before)").count()
    };
    assert_eq!(done(&["--resume", "-v"]), 0);
    assert_eq!(done(&["--resume", "-v"]), states.len());
    done(&["--resume"]);
    assert_eq!(written(&one), written(&two));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_leaves_whole_files_and_goes_on() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (input, whole, out) = (folder.path().join("in"), folder.path().join("whole"), folder.path().join("out"));
    copies(&input, 120);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .args([Path::new("batch"), &input, Path::new("-o"), &out, Path::new("-v")])
        .env("LC_ALL", "C")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    assert!(said.next().expect("a line").expect("readable").contains("/120] "));
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.expect("kill is there").success());
    let last = said.last().expect("a line").expect("readable");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{last}");
    assert!(last.contains("of 120 cases are done; --resume"), "{last}");
    assert!(!out.join("rollup.json").exists(), "a roll-up over a part would pass for the whole");
    for (name, bytes) in written(&out) {
        let end: &[u8] = if name.ends_with(".html") { b"</html>\n" } else { b"}\n" };
        assert!(bytes.ends_with(end), "{name} is not whole");
    }
    let resumed = batch(&input, &out, &["--resume", "-v"]);
    assert!(text(&resumed.stderr).contains("(done before)"));
    batch(&input, &whole, &["-v"]);
    assert_eq!(written(&whole), written(&out));
}

#[test]
fn whatever_cannot_be_read_is_listed_with_its_reason_and_ends_nothing() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (input, out) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::create_dir_all(input.join("terms")).expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(input.join(name), bytes).expect("written");
    let capture = network::refused_sign_in().pcap();
    // More archives in one another than anybody packs.
    let mut nested = capture.clone();
    for _ in 0..nettriage::limits::ARCHIVE_DEPTH_MAX + 2 {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&nested).expect("packed");
        nested = gz.finish().expect("packed");
    }
    write("good.pcap", &capture);
    write("nested.gz", &nested);
    write("broken.zip", b"PK\x03\x04 and nothing more");
    write("empty.pcap", b"");
    write("letter.txt", b"Dear support,\nit does not work.\n");
    write(".hidden.pcap", &capture);
    // Long texts may be logs until they are read.
    write("terms/licence.txt", &std::fs::read("LICENSE-APACHE").expect("the licence"));
    let mut letter = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    letter.write_all(b"Dear support,\nit does not work.\n").expect("packed");
    write("letter.txt.gz", &letter.finish().expect("packed"));
    let output = batch(&input, &out, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let rollup = rollup(&out);
    let list = |key: &str| rollup[key].as_array().expect("a list").clone();
    let reason = |key: &str, name: &str| {
        let row = list(key).into_iter().find(|r| r["path"].as_str().is_some_and(|p| p.ends_with(name)));
        row.map(|r| r["reason"].as_str().unwrap_or("").to_owned())
    };
    for name in ["nested.gz", "broken.zip", "empty.pcap"] {
        assert!(reason("unread", name).is_some_and(|r| !r.is_empty()), "{name} in {rollup:#}");
        assert!(text(&output.stderr).contains(name), "{name} is not named");
    }
    for name in ["letter.txt", ".hidden.pcap", "licence.txt", "letter.txt.gz"] {
        assert!(reason("unused", name).is_some_and(|r| !r.is_empty()), "{name} in {rollup:#}");
    }
    assert!(list("cases").iter().any(|c| c["name"] == "good.pcap" && c["outcome"] == "network_fault"));
    assert!(
        !list("cases").iter().any(|c| c["name"].as_str().is_some_and(|n| n.contains("terms") || n.contains("letter")))
    );
}

#[test]
fn lines_stream_one_for_each_case_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let output = batch(Path::new("samples"), &folder.path().join("out"), &["--format", "jsonl"]);
    let names: Vec<String> = text(&output.stdout)
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON"))
        .map(|case| {
            assert_eq!(case["schema"], "nettriage.case/1");
            case["case"].as_str().expect("a name").to_owned()
        })
        .collect();
    let cases = rollup(&folder.path().join("out"))["cases"].as_array().expect("a list").clone();
    let expected: Vec<&str> = cases.iter().filter_map(|c| c["name"].as_str()).collect();
    assert_eq!(names, expected);
}

#[cfg(unix)]
#[test]
fn names_of_files_cannot_steer_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let input = folder.path().join("in");
    std::fs::create_dir_all(&input).expect("a folder");
    let name = "=<b>\u{1b}[2J\nnettriage: all is well\u{202e}.zip";
    std::fs::write(input.join(name), b"PK\x03\x04 and nothing more").expect("written");
    std::fs::write(input.join(name.replace("zip", "pcap")), network::refused_sign_in().pcap()).expect("written");
    for lang in ["en", "ja"] {
        let out = folder.path().join(lang);
        let output = batch(&input, &out, &["-v", "--lang", lang, "--format", "text,json,html,markdown,csv"]);
        assert_eq!(output.status.code(), Some(2));
        let file = input.join(name);
        let alone = Command::new(env!("CARGO_BIN_EXE_nettriage")).arg(&file).output().expect("the program starts");
        let facts = Command::new(env!("CARGO_BIN_EXE_nettriage")).arg("facts").arg(&file).output().expect("it starts");
        let mut all = vec![text(&output.stdout)];
        all.extend([&output.stderr, &alone.stderr, &facts.stderr].map(|s| text(s)));
        assert!(all.iter().skip(1).all(|s| s.contains(".zip") && !s.contains("\nnettriage: all is well")), "{all:#?}");
        all.extend(written(&out).into_values().map(|bytes| text(&bytes)));
        for text in all {
            let bare = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let bad = |c: char| c == '\u{202e}' || c == '\u{feff}' || c.is_control() && c != '\n';
            assert!(!bare.contains(bad), "{text}");
            let page = text.starts_with("<!doctype html>");
            assert!(!page || !text.contains("<b>\\"), "{text}");
        }
    }
}
