//! What the README shows is what the program does: the output for the sample, the table of findings, the facts' fields.
//!
//! `NETTRIAGE_UPDATE=1 cargo test --locked --test readme` renews the first two.

#[path = "support/samples.rs"]
mod samples;

use nettriage::cli::Options;
use nettriage::lang::Lang;
use nettriage::{analyze, finding};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

const SAMPLE: &str = "samples/arm_denied_by_proxy.pcapng";

/// Tests of one file run at the same time; the README is one.
static README: Mutex<()> = Mutex::new(());

#[test]
fn the_output_shown_is_the_output_of_the_sample() {
    let output = Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .args([SAMPLE, "--lang", "en"])
        .env("COLUMNS", "100")
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("output is UTF-8");
    assert!(text.lines().count() > 10);
    is_in_readme("sample", &format!("```text\n{text}```\n"));
}

#[test]
fn the_table_of_findings_is_that_of_the_rules() {
    let mut table = String::from("| code | severity | what it says |\n| --- | --- | --- |\n");
    for rule in finding::all() {
        let title = rule.title.get(Lang::En).replace('|', "\\|");
        writeln!(table, "| `{}` | {} | {title} |", rule.code, rule.severity.code()).expect("writing to memory");
    }
    is_in_readme("findings", &table);
}

#[test]
fn every_field_of_the_facts_is_described() {
    let readme = readme();
    let section = readme.split("\n## Facts\n").nth(1).and_then(|s| s.split("\n## ").next()).expect("the section");
    let paths: Vec<PathBuf> = samples::all().into_iter().map(|s| s.path).collect();
    let mut missing = Vec::new();
    let options: Options = samples::quiet();
    let found = analyze::open(&paths, &options);
    analyze::each_piece(&found, &options, &mut |path, facts| {
        for record in nettriage::records::of_piece(path, &facts?) {
            let fields = record.as_object().expect("a record is an object");
            missing.extend(fields.keys().filter(|f| !section.contains(&format!("`{f}`"))).cloned());
            let kind = record["type"].as_str().expect("a record has a type");
            if !section.contains(&format!("`{kind}`")) {
                missing.push(kind.to_owned());
            }
        }
        Ok(())
    })
    .expect("samples can be read");
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "not in the README's section on facts: {missing:?}");
}

#[test]
fn the_first_commands_are_the_main_job_and_the_tests() {
    let readme = readme();
    let block = readme.split("```sh\n").nth(1).and_then(|s| s.split("```").next()).expect("a block of commands");
    let commands: Vec<&str> = block.lines().map(|l| l.split('#').next().unwrap_or("").trim()).collect();
    assert_eq!(commands, [&format!("cargo run --release -- {SAMPLE}"), "cargo test --locked"]);
    let checks = std::fs::read_to_string(".ci/run").expect("the checks are there");
    assert!(checks.lines().any(|l| l == commands[1]), ".ci/run does not run the README's tests");
}

fn readme() -> String {
    std::fs::read_to_string("README.md").expect("the README is there").replace("\r\n", "\n")
}

/// Compares the part between `<!-- name -->` and `<!-- /name -->`, or renews it where that is asked for.
fn is_in_readme(name: &str, expected: &str) {
    let _alone = README.lock();
    let readme = readme();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = readme.split_once(&open).expect("the mark is there");
    let (shown, after) = rest.split_once(&close).expect("the mark is there");
    if std::env::var_os("NETTRIAGE_UPDATE").is_some() {
        std::fs::write("README.md", format!("{before}{open}{expected}{close}{after}")).expect("the README is written");
    } else {
        assert!(
            shown == expected,
            "the README is stale: NETTRIAGE_UPDATE=1 cargo test --locked --test readme\nexpected:\n{expected}"
        );
    }
}
