//! What the program writes, and where: no output takes the place of evidence, files are whole, closed pipes change no
//! exit status, and what was collected and cannot be read is told.

use assert_cmd::Command;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

const HEALTHY: &str = "samples/healthy_az_login.pcapng";
const DENIED: &str = "samples/arm_denied_by_proxy.pcapng";
const LOG: &str = "samples/case_tls10_az_powershell/debug.log";

fn nettriage<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nettriage"));
    command.args(arguments).env("LC_ALL", "C").env("LANG", "C").env("COLUMNS", "100");
    command.output().expect("the program starts")
}

/// Runs it with words and paths.
fn run(words: &[&str], paths: &[&Path]) -> Output {
    let all: Vec<PathBuf> = words.iter().map(PathBuf::from).chain(paths.iter().map(|p| p.to_path_buf())).collect();
    nettriage(&all)
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("messages are UTF-8")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn no_output_takes_the_place_of_evidence() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let case = folder.path().join("case");
    fs::create_dir(&case).expect("a folder");
    let (capture, log) = (case.join("NetTrace.pcapng"), case.join("debug.log"));
    fs::copy(DENIED, &capture).expect("copied");
    fs::copy(LOG, &log).expect("copied");
    let before = [&capture, &log].map(|path| fs::read(path).expect("there"));
    let to = Path::new("-o");
    let mut calls = vec![
        run(&["convert"], &[&capture, to, &capture]),
        run(&["convert"], &[&case, to, &capture]),
        run(&["facts"], &[&capture, to, &capture]),
        run(&["facts"], &[&case, to, &log]),
        run(&["diff"], &[Path::new(HEALTHY), &capture, to, &capture]),
        run(&["--format", "html"], &[&case, to, &log]),
        run(&["analyze"], &[&capture, to, &case.join("../case/NetTrace.pcapng")]),
    ];
    if cfg!(unix) {
        let hard = folder.path().join("hard.pcapng");
        fs::hard_link(&capture, &hard).expect("linked");
        calls.push(run(&["facts"], &[&capture, to, &hard]));
        calls.push(run(&["convert"], &[&case, to, &hard]));
    }
    for (number, output) in calls.iter().enumerate() {
        assert_eq!(output.status.code(), Some(2), "{number}: {}", err(output));
        assert!(err(output).contains("is the same file as the input"), "{number}: {}", err(output));
    }
    assert_eq!(before, [&capture, &log].map(|path| fs::read(path).expect("still there")));
    assert_eq!(names(&case), ["NetTrace.pcapng", "debug.log"]);
    let text = err(&run(&["facts", "--lang", "ja"], &[&capture, to, &capture]));
    assert!(text.contains("同じファイル"), "{text}");
    // What lies in the folder and is no evidence, such as the report of the call before, may be replaced.
    for _ in 0..2 {
        let output = run(&["--format", "html"], &[&case, to, &case.join("report.html")]);
        assert!(output.status.code() != Some(2), "{}", err(&output));
    }
}

/// Everything that is written about a case, and what it is called.
fn outputs_about(case: &str) -> Vec<(String, Vec<u8>)> {
    const REPORTS: [&str; 6] = ["text", "json", "jsonl", "html", "markdown", "csv"];
    let mut all = Vec::new();
    let mut add = |name: String, arguments: &[&str]| all.push((name, nettriage(arguments).stdout));
    for lang in ["en", "ja"] {
        for format in REPORTS {
            let colored = ["--color", "always", "--fail-on", "never", "--lang", lang, "--format", format];
            add(format!("report-{lang}-{format}"), &[&colored[..], &[case]].concat());
            if format != "csv" {
                let diff = [&["diff"], &colored[..], &[HEALTHY, case]].concat();
                add(format!("diff-{lang}-{format}"), &diff);
            }
        }
    }
    add("explain".to_owned(), &["explain"]);
    for format in ["jsonl", "csv"] {
        add(format!("facts-{format}"), &["facts", "--format", format, case]);
    }
    all
}

#[test]
fn what_the_program_wrote_is_no_evidence_and_can_be_written_again() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for case in ["samples/case_management_blocked_az", "samples/case_wrong_tenant_graph"] {
        for (name, bytes) in outputs_about(case) {
            assert!(bytes.len() > 100, "{case} {name}");
            // As a shell redirects it, as PowerShell does, and called what a log is called.
            let text = String::from_utf8(bytes.clone()).expect("UTF-8");
            let utf16: Vec<u8> =
                std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
            for (bytes, end) in [(&bytes, ""), (&bytes, ".log"), (&utf16, ".txt")] {
                let place = folder.path().join(format!("{name}{end}"));
                fs::write(&place, bytes).expect("written");
                let output = run(&["--format", "json"], &[folder.path(), Path::new("-o"), &place]);
                assert_eq!(output.status.code(), Some(0), "{case} {name}{end}: {}", err(&output));
                let report: serde_json::Value =
                    serde_json::from_slice(&fs::read(&place).expect("written")).expect("JSON");
                assert_eq!(report["evidence"], serde_json::json!([]), "{case} {name}{end}");
                fs::write(&place, bytes).expect("written");
            }
        }
    }
    // A log below a report in one file is read.
    let both = folder.path().join("mail.txt");
    let report = nettriage(&["samples/case_management_blocked_az"]).stdout;
    let log = fs::read("samples/case_management_blocked_az/debug.log").expect("the sample is there");
    fs::write(&both, [report, log].concat()).expect("written");
    assert_eq!(run(&[], &[folder.path(), Path::new("-o"), &both]).status.code(), Some(2));
    let named = folder.path().join("report-en-text");
    assert!(err(&run(&[], &[&named])).contains("an output of this program"));
}

#[test]
fn a_conversion_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (bad, place) = (folder.path().join("bad.pcapng"), folder.path().join("out.pcapng"));
    let whole = fs::read(HEALTHY).expect("the sample");
    fs::write(&bad, &whole[..20]).expect("written");
    fs::write(&place, b"what was there").expect("written");
    let output = run(&["convert"], &[&bad, Path::new("-o"), &place]);
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    assert_eq!(fs::read(&place).expect("still there"), b"what was there");
    assert_eq!(names(folder.path()), ["bad.pcapng", "out.pcapng"]);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_written_as_they_are() {
    for command in [&["facts"][..], &["analyze"], &["convert"]] {
        let output = run(command, &[Path::new(DENIED), Path::new("-o"), Path::new("/dev/stdout")]);
        assert!(output.status.code() != Some(2) && output.stdout.len() > 1000, "{command:?} {}", err(&output));
        let output = run(command, &[Path::new(DENIED), Path::new("-o"), Path::new("/dev/null")]);
        assert!(output.status.code() != Some(2), "{command:?} {}", err(&output));
    }
}

/// The exit status with standard output or standard error closed at once.
fn closed(arguments: &[&str], stdout: bool) -> Option<i32> {
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    let (out, err) = if stdout { (write.into(), Stdio::null()) } else { (Stdio::null(), write.into()) };
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nettriage"));
    command.args(arguments).env("LC_ALL", "C").stdout(out).stderr(err).status().expect("it ends").code()
}

#[test]
fn a_closed_pipe_changes_no_exit_status() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let reports = folder.path().join("out").to_string_lossy().into_owned();
    for (arguments, status) in [
        (&["samples/arm_syn_dropped.pcapng"][..], 1),
        (&["samples/arm_syn_dropped.pcapng", "--format", "json"], 1),
        (&[HEALTHY], 0),
        (&["no/such/file.etl"], 2),
        (&["facts", DENIED, "no/such/file.etl"], 2),
        (&["facts", DENIED], 0),
        (&["diff", HEALTHY, DENIED], 1),
        (&["diff", HEALTHY, "no/such/file"], 2),
        (&["convert", "no/such/file", "-o", "-"], 2),
        (&["convert", DENIED, "-o", "-"], 0),
        (&["explain", "no_such_finding"], 2),
        (&["explain"], 0),
        (&["guide"], 0),
        (&["batch", DENIED, "-v", "-o", &reports], 1),
        (&["batch", DENIED, "no/such/file", "-v", "-o", &reports], 2),
    ] {
        for stdout in [true, false] {
            assert_eq!(closed(arguments, stdout), Some(status), "{arguments:?}, standard output: {stdout}");
        }
    }
    assert!(Path::new(&reports).join("rollup.html").exists());
}

#[test]
fn a_capture_by_name_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let case = folder.path().join("case");
    fs::create_dir(&case).expect("a folder");
    for (name, bytes) in [
        ("NetTrace.etl", &b""[..]),
        ("PktMon.etl", &[7; 3000]),
        ("._NetTrace.etl", &[1, 2, 3]),
        ("notes.txt", b"it does not work\n"),
        ("photo.jpg", &[0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3]),
    ] {
        fs::write(case.join(name), bytes).expect("written");
    }
    for extra in [false, true] {
        if extra {
            fs::copy(HEALTHY, case.join("good.pcapng")).expect("copied");
        }
        let output = run(&["--format", "json"], &[&case]);
        assert_eq!(output.status.code(), Some(2));
        let report: serde_json::Value = serde_json::from_str(&out(&output)).expect("JSON");
        let unread: Vec<&str> =
            report["unread"].as_array().expect("a list").iter().filter_map(|u| u["path"].as_str()).collect();
        assert_eq!(unread.len(), 2, "{unread:?}");
        let told = err(&output);
        assert!(told.contains("NetTrace.etl: an empty file") && told.contains("PktMon.etl: "), "{told}");
        let facts = run(&["facts"], &[&case]);
        assert_eq!((facts.status.code(), out(&facts).matches("\"type\":\"error\"").count()), (Some(2), 2));
    }
    let output = run(&["batch"], &[&case, Path::new("-o"), &folder.path().join("out")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("NetTrace.etl: an empty file"), "{}", err(&output));
}

#[test]
fn a_key_log_goes_into_the_converted_capture_and_one_that_is_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (keys, place) = (folder.path().join("keys.txt"), folder.path().join("out.pcapng"));
    let line = format!("CLIENT_RANDOM {} {}\n", "0f".repeat(32), "a1".repeat(48));
    fs::write(&keys, &line).expect("written");
    let to = [Path::new(HEALTHY), Path::new("-o"), &place, Path::new("--keylog"), &keys];
    let output = run(&["convert", "-v"], &to);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("frames"), "{}", err(&output));
    let written = fs::read(&place).expect("written");
    assert!(written.windows(line.len()).any(|w| w == line.as_bytes()), "no secrets in the file");
    fs::write(&keys, "no secrets\n").expect("written");
    for command in ["convert", "batch", "facts", "analyze"] {
        let output = run(&[command], &to);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(err(&output).contains("keys.txt: no key log"), "{command}: {}", err(&output));
    }
    assert_eq!(fs::read(&place).expect("still there"), written);
}

#[test]
fn facts_tell_what_logs_say() {
    let output = run(&["facts", "--type", "log_event"], &[Path::new(LOG)]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let records: Vec<serde_json::Value> =
        out(&output).lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(records.len() > 3);
    assert!(records.iter().all(|r| r["type"] == "log_event" && r["dialect"] == "az_powershell"), "{records:#?}");
    assert!(records.iter().any(|r| r["cause"] == true && r["class"].is_string()), "{records:#?}");
    assert!(records.windows(2).all(|w| w[0]["line"].as_u64() <= w[1]["line"].as_u64()), "{records:#?}");
}

#[test]
fn options_that_cannot_work_are_refused_with_what_can() {
    let typo = run(&["facts", "--type", "client_helo"], &[Path::new(HEALTHY)]);
    assert_eq!(typo.status.code(), Some(2));
    assert!(err(&typo).contains("client_hello") && err(&typo).contains("log_event"), "{}", err(&typo));
    assert!(!out(&nettriage(&["diff", "--help"])).contains("csv"));
    assert!(out(&nettriage(&["batch", "--help"])).contains("json,html"));
    let folder = tempfile::tempdir().expect("a folder for the test");
    for command in ["explain", "guide"] {
        let place = folder.path().join(command);
        assert_eq!(run(&[command, "-o"], &[&place]).status.code(), Some(0));
        assert_eq!(fs::read_to_string(&place).expect("written"), out(&nettriage(&[command])));
    }
    // Common options are taken everywhere; names in packets cannot be hidden, which is said rather than ignored.
    let common = ["--lang", "en", "--threads", "2", "--color", "never", "-q"];
    for command in [&["explain", "Refused"][..], &["guide"]] {
        assert_eq!(nettriage(&[command, &common, &["--redact"]].concat()).status.code(), Some(0), "{command:?}");
    }
    let place = folder.path().join("out.pcapng");
    let convert = [&["convert", HEALTHY, "-o"], &[place.to_str().expect("UTF-8")][..], &common].concat();
    let refused = nettriage(&[&convert[..], &["--redact"]].concat());
    assert_eq!((refused.status.code(), place.exists()), (Some(2), false));
    assert!(err(&refused).contains("--redact hides names in reports"), "{}", err(&refused));
    assert_eq!((nettriage(&convert).status.code(), place.exists()), (Some(0), true));
    let japanese = run(&["convert", "--lang", "ja", "samples/case_intercepted_tls13/debug.log", "-o", "x"], &[]);
    assert!(err(&japanese).contains("キャプチャ"), "{}", err(&japanese));
}

#[test]
fn a_batch_does_again_what_was_changed_and_counts_a_folder_once() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (input, reports) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&input).expect("a folder");
    fs::copy(DENIED, input.join("a.pcapng")).expect("copied");
    let batch = |paths: &[&Path]| run(&["batch", "--resume", "-v", "-o"], &[&[reports.as_path()], paths].concat());
    let cases = || {
        let text = fs::read_to_string(reports.join("rollup.json")).expect("a roll-up");
        let rollup: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        rollup["cases"].as_array().expect("a list").len()
    };
    batch(&[&input]);
    let report = reports.join("cases/a.pcapng.json");
    let whole = fs::read(&report).expect("written");
    assert!(err(&batch(&[&input])).contains("(done before)"));
    fs::write(&report, "broken").expect("written");
    assert!(!err(&batch(&[&input])).contains("(done before)"));
    assert_eq!(fs::read(&report).expect("written"), whole);
    batch(&[&input, &input, &input.join("a.pcapng")]);
    assert_eq!(cases(), 1);
}
