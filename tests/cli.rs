//! The command line as users script against it: exit statuses, messages, where output goes, and that the same bytes
//! come out whatever the threads, windows and ways of reading.

#[path = "support/samples.rs"]
mod samples;

use assert_cmd::Command;
use std::io::Read;
use std::path::Path;
use std::process::{Output, Stdio};

const HEALTHY: &str = "samples/healthy_az_login.pcapng";
const DENIED: &str = "samples/arm_denied_by_proxy.pcapng";

/// The program, in a world that is the same on every machine.
fn nettriage(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nettriage"));
    command.args(arguments).env("LC_ALL", "C").env("LANG", "C").env("COLUMNS", "100").env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> Output {
    nettriage(arguments).output().expect("the program starts")
}

fn status(arguments: &[&str]) -> Option<i32> {
    run(arguments).status.code()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("messages are UTF-8")
}

#[test]
fn the_exit_status_is_0_without_and_1_with_critical_findings() {
    assert_eq!(status(&[HEALTHY]), Some(0));
    assert_eq!(status(&[DENIED]), Some(1));
    assert_eq!(status(&["analyze", DENIED]), Some(1));
    assert_eq!(status(&[DENIED, "--format", "json"]), Some(1));
}

#[test]
fn fail_on_moves_the_border() {
    assert_eq!(status(&[DENIED, "--fail-on", "never"]), Some(0));
    assert_eq!(status(&[DENIED, "--fail-on", "warning"]), Some(1));
    assert_eq!(status(&[DENIED, "--fail-on", "info"]), Some(1));
}

#[test]
fn the_exit_status_is_2_for_wrong_usage() {
    for arguments in [
        &[][..],
        &["--no-such-option", HEALTHY],
        &["--format", "yaml", HEALTHY],
        &["--threads", "0", HEALTHY],
        &["facts"],
        &["explain", "no_such_finding"],
        &["--lang", "ja", "explain", "refused"],
        &["bacth", "samples", "-o", "reports"],
        &["facts", "--format", "html", HEALTHY],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(out(&output).is_empty() && !err(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_unreadable_input_is_named_with_its_reason_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear support,\nit does not work.\n").expect("written");
    let text = text.to_string_lossy().into_owned();
    for (bad, reason) in
        [("no/such/file.pcapng", "o such file"), (text.as_str(), "text without anything that logs of a sign-in have")]
    {
        let output = run(&[bad, DENIED]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
        assert!(err(&output).contains(bad), "{bad} is not named: {}", err(&output));
        assert!(err(&output).contains(reason), "no reason: {}", err(&output));
        assert!(out(&output).contains("management.azure.com"), "the rest was not read: {}", out(&output));
        let alone = run(&[bad]);
        assert_eq!(alone.status.code(), Some(2), "{bad}");
        assert!(err(&alone).contains(bad));
    }
    let facts = run(&["facts", "no/such/file.pcapng", HEALTHY]);
    assert_eq!(facts.status.code(), Some(2));
    assert!(out(&facts).lines().count() > 10, "the rest was not read");
    let first: serde_json::Value = serde_json::from_str(out(&facts).lines().next().unwrap_or("")).expect("JSON");
    assert_eq!(first["type"], "error");
    assert_eq!(first["capture"], "no/such/file.pcapng");
}

#[test]
fn a_capture_cut_in_its_header_is_a_clear_message() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let whole = std::fs::read(HEALTHY).expect("the sample is there");
    for length in [0, 1, 3, 4, 11, 27] {
        let path = folder.path().join(format!("cut{length}.pcapng"));
        std::fs::write(&path, &whole[..length]).expect("written");
        let output = run(&[&path.to_string_lossy()]);
        assert_eq!(output.status.code(), Some(2), "{length}: {}", out(&output));
        assert!(err(&output).contains(&format!("cut{length}.pcapng")), "{length}: {}", err(&output));
    }
}

#[test]
fn the_answer_stands_in_the_first_ten_lines() {
    for (sample, answer) in [
        (DENIED, "management.azure.com"),
        ("samples/login_name_not_resolved.pcapng", "login.microsoftonline.com"),
        ("samples/arm_syn_dropped.pcapng", "management.azure.com"),
    ] {
        let output = run(&[sample]);
        let first: String = out(&output).lines().take(10).collect();
        assert!(first.contains("NETWORK FAULT") && first.contains(answer), "{sample}: {first}");
    }
    assert!(out(&run(&[HEALTHY])).starts_with("NO NETWORK FAULT"));
}

#[test]
fn results_go_to_standard_output_and_nothing_else_does() {
    let output = run(&[DENIED]);
    assert!(err(&output).is_empty(), "{}", err(&output));
    assert!(!out(&output).contains('\u{1b}'), "colours without a terminal");
    assert!(out(&run(&[DENIED, "--color", "always"])).contains('\u{1b}'));
    let json = out(&run(&[DENIED, "--format", "json", "--color", "always"]));
    assert!(!json.contains('\u{1b}') && json.ends_with("}\n"));
}

#[test]
fn output_goes_to_the_file_that_is_named() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for format in ["text", "json", "jsonl", "html", "markdown", "csv"] {
        let path = folder.path().join(format);
        let output = run(&[DENIED, "--format", format, "-o", &path.to_string_lossy()]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        assert!(output.stdout.is_empty(), "{format}");
        let written = std::fs::read_to_string(&path).expect("written");
        assert!(written.contains("management.azure.com"), "{format}: {written}");
    }
    let nowhere = folder.path().join("no/such/folder/report.txt");
    let output = run(&[DENIED, "-o", &nowhere.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("report.txt"));
}

#[test]
fn the_language_follows_the_option_else_the_locale() {
    assert!(out(&run(&[DENIED])).contains("NETWORK FAULT"));
    assert!(out(&run(&[DENIED, "--lang", "ja"])).contains("ネットワーク障害"));
    let japanese = nettriage(&[DENIED]).env("LC_ALL", "ja_JP.UTF-8").env("LANG", "ja_JP.UTF-8").output();
    assert!(out(&japanese.expect("the program starts")).contains("ネットワーク障害"));
}

#[test]
fn standard_input_is_read_like_the_file() {
    for sample in [DENIED, "samples/login_name_not_resolved.pcapng"] {
        let bytes = std::fs::read(sample).expect("the sample is there");
        for command in [&["facts"][..], &["analyze", "--format", "json"]] {
            let piped = nettriage(&[command, &["-"]].concat()).write_stdin(bytes.clone()).output();
            let piped = out(&piped.expect("the program starts"));
            let read = out(&run(&[command, &[sample]].concat()));
            let named = |text: &str, name: &str| text.replace(&format!("\"{name}\""), "\"it\"");
            assert!(piped.len() > 1000);
            assert_eq!(named(&piped, "-"), named(&read, sample), "{command:?} {sample}");
        }
    }
}

#[test]
fn the_same_bytes_come_out_whatever_the_threads_windows_and_ways_of_reading() {
    let ways: &[&[&str]] = &[
        &["--threads", "1"],
        &["--threads", "2"],
        &["--threads", "3"],
        &["--threads", "16"],
        &["--no-mmap"],
        &["--window", "1048576"],
        &["--window", "67108864"],
        &["--window", "65536", "--threads", "3"],
        &["--window", "65536", "--no-mmap"],
    ];
    for sample in samples::all() {
        let path = sample.path.to_string_lossy().into_owned();
        for command in [&["analyze", "--format", "json"][..], &["facts"]] {
            let expected = run(&[command, &[&path]].concat());
            for way in ways {
                let got = run(&[command, way, &[&path]].concat());
                assert_eq!(got.status.code(), expected.status.code(), "{path} {command:?} {way:?}");
                assert!(got.stdout == expected.stdout, "{path} {command:?} {way:?} differs");
            }
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // More output than a pipe holds, so that writing meets the closed end.
    let arguments = ["facts", "samples"].into_iter().chain(["--keep-duplicates"]);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdout.take().expect("a pipe");
    pipe.read_exact(&mut [0; 10]).expect("it writes");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).is_empty(), "{}", err(&output));
}

#[test]
fn facts_are_one_json_object_a_line() {
    let output = run(&["facts", DENIED]);
    assert_eq!(output.status.code(), Some(0));
    for line in out(&output).lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(record["capture"], DENIED);
        assert!(record["type"].is_string(), "{line}");
    }
}

#[test]
fn facts_can_be_a_table_of_one_type() {
    let output = run(&["facts", "--format", "csv", "--type", "client_hello", DENIED]);
    assert_eq!(output.status.code(), Some(0));
    let text = out(&output);
    let rows: Vec<&str> = text.lines().collect();
    assert!(rows[0].starts_with("capture,type,") && rows[0].contains(",sni,"), "{}", rows[0]);
    assert!(rows.len() > 1 && rows[1..].iter().all(|r| r.contains(",client_hello,")), "{text}");
    let both = out(&run(&["facts", "--type", "dns,connect", DENIED]));
    assert!(both.lines().all(|l| l.contains("\"type\":\"dns\"") || l.contains("\"type\":\"connect\"")), "{both}");
    assert!(both.contains("\"type\":\"dns\"") && both.contains("\"type\":\"connect\""));
}

#[test]
fn a_converted_capture_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("converted.pcapng").to_string_lossy().into_owned();
    assert_eq!(status(&["convert", DENIED, "-o", &path]), Some(0));
    let of = |capture: &str| out(&run(&["facts", "--type", "client_hello,dns,connect", capture])).replace(capture, "");
    assert!(!of(DENIED).is_empty());
    assert_eq!(of(&path), of(DENIED));
}

#[test]
fn explain_lists_and_explains() {
    let list = out(&run(&["explain"]));
    for rule in nettriage::finding::all() {
        assert!(list.contains(rule.code), "{} is missing", rule.code);
    }
    let one = out(&run(&["explain", "proxy_denied"]));
    assert!(one.contains("CONNECT") && one.starts_with("proxy_denied"), "{one}");
    assert!(out(&run(&["explain", "proxy_denied", "--lang", "ja"])).contains("プロキシ"));
    assert!(out(&run(&["explain", "--format", "markdown"])).contains("### `proxy_denied`"));
}

#[test]
fn guide_says_how_to_collect_the_evidence() {
    for lang in ["en", "ja"] {
        let guide = out(&run(&["guide", "--lang", lang]));
        for step in ["netsh trace start", "ipconfig /flushdns", "az login --debug", "netsh trace stop", "NetTrace.cab"]
        {
            assert!(guide.contains(step), "{lang}: {step} is missing");
        }
    }
}

#[test]
fn help_and_version_are_there() {
    assert!(out(&run(&["--version"])).starts_with("nettriage "));
    let help = out(&run(&["--help"]));
    for command in ["analyze", "batch", "facts", "convert", "diff", "explain", "guide", "Exit status"] {
        assert!(help.contains(command), "{command}");
    }
    assert_eq!(status(&["--help"]), Some(0));
    assert!(out(&run(&["completions", "bash"])).contains("nettriage"));
    assert!(out(&run(&["man"])).contains(".TH"));
}

#[test]
fn a_folder_is_one_case() {
    let output = run(&["samples/case_intercepted_tls13", "--format", "json"]);
    let case: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let kinds: Vec<&str> =
        case["evidence"].as_array().expect("a list").iter().filter_map(|e| e["kind"].as_str()).collect();
    assert!(kinds.contains(&"capture") && kinds.contains(&"debug_log") && kinds.contains(&"key_log"), "{kinds:?}");
    assert!(Path::new("samples/case_intercepted_tls13").is_dir());
}

#[test]
fn diff_says_what_differs_and_what_explains_it() {
    let output = run(&["diff", HEALTHY, "samples/arm_reset_after_client_hello.pcapng"]);
    assert_eq!(output.status.code(), Some(1));
    for (border, code) in [("info", 1), ("critical", 1), ("never", 0)] {
        let bad = "samples/arm_reset_after_client_hello.pcapng";
        assert_eq!(status(&["diff", HEALTHY, bad, "--fail-on", border]), Some(code), "{border}");
        assert_eq!(status(&["diff", bad, bad, "--fail-on", border]), Some(0), "{border}: both have it");
    }
    let text = out(&output);
    assert_eq!(
        text.lines().next(),
        Some("management.azure.com: reached in GOOD, reset after ClientHello in BAD."),
        "{text}"
    );
    let ja = out(&run(&["diff", "--lang", "ja", HEALTHY, "samples/arm_reset_after_client_hello.pcapng"]));
    assert!(ja.starts_with("management.azure.com: GOOD は「到達」"), "{ja}");
    let json = run(&[
        "diff",
        "--format",
        "json",
        "samples/healthy_explicit_proxy.pcapng",
        "samples/case_certificate_zscaler_az",
    ]);
    let json: serde_json::Value = serde_json::from_str(&out(&json)).expect("JSON");
    assert_eq!(json["schema"], "nettriage.diff/1");
    let host = &json["hosts"][0];
    assert_eq!(
        (&host["name"], &host["good"], &host["bad"]),
        (&"login.microsoftonline.com".into(), &"ok".into(), &"intercepted".into())
    );
    let issuer =
        host["changes"].as_array().expect("a list").iter().find(|c| c["kind"] == "issuer").expect("the issuer");
    assert!(issuer["good"].as_str().is_some_and(|t| t.contains("DigiCert")));
    assert!(issuer["bad"].as_str().is_some_and(|t| t.contains("Zscaler")));
    assert!(json["findings_only_in_bad"].as_array().is_some_and(|f| f.iter().any(|f| f["code"] == "intercepted")));
}

#[test]
fn diff_of_the_same_finds_nothing_and_names_what_it_cannot_read() {
    for sample in [HEALTHY, DENIED] {
        let output = run(&["diff", sample, sample]);
        assert_eq!(output.status.code(), Some(0));
        assert!(out(&output).contains("samples/"), "{}", out(&output));
    }
    assert!(out(&run(&["diff", HEALTHY, HEALTHY])).starts_with("Nothing differs"));
    let output = run(&["diff", HEALTHY, "no/such/file"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("no/such/file") && out(&output).contains("no/such/file"));
    assert_eq!(status(&["diff", "--format", "csv", HEALTHY, DENIED]), Some(2));
    for format in ["html", "markdown", "jsonl"] {
        assert!(out(&run(&["diff", "--format", format, HEALTHY, DENIED])).contains("proxy_denied"), "{format}");
    }
}
