//! Every sample's report, in text and JSON and in both languages, is the one in `snapshots/`.
//!
//! A capture or folder dropped into `samples/` is a test from then on. To accept changed reports, after reading them:
//! `INSTA_UPDATE=always NETTRIAGE_UPDATE=1 cargo test --locked --test samples --test readme --test schema`, then look at
//! `git diff`.

#[path = "support/samples.rs"]
mod samples;

use nettriage::cli::{Color, Options, ReportFormat};
use nettriage::lang::Lang;
use nettriage::render;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const LANGUAGES: [(Lang, &str); 2] = [(Lang::En, "en"), (Lang::Ja, "ja")];
const FORMATS: [(ReportFormat, &str); 2] = [(ReportFormat::Text, "text"), (ReportFormat::Json, "json")];

#[test]
fn every_sample_has_the_report_of_its_snapshots() {
    let mut differ = Vec::new();
    for sample in samples::all() {
        let analysis = sample.analyse(&samples::quiet());
        assert!(analysis.report.unread.is_empty(), "{}: {:?}", sample.name, analysis.report.unread);
        for (lang, language) in LANGUAGES {
            for (format, extension) in FORMATS {
                let options = Options { lang, color: Color::Never, ..samples::quiet() };
                // A file as the goal: its width does not depend on the terminal of whoever runs the test.
                let mut report = Vec::new();
                render::report(&analysis.report, format, &options, Some(Path::new("report")), &mut report).unwrap();
                let report = String::from_utf8(report).unwrap();
                let name = format!("{}.{language}.{extension}", sample.name);
                let settled = without_what_changes(&report);
                if catch_unwind(AssertUnwindSafe(|| assert_as_before(&name, &settled))).is_err() {
                    differ.push(name);
                }
            }
        }
    }
    assert!(differ.is_empty(), "reports differ from their snapshots: {differ:#?}");
}

#[test]
fn every_snapshot_belongs_to_a_sample() {
    let mut expected = BTreeSet::new();
    for sample in samples::all() {
        for (_, language) in LANGUAGES {
            for (_, extension) in FORMATS {
                expected.insert(format!("{}.{language}.{extension}.snap", sample.name));
            }
        }
    }
    for entry in std::fs::read_dir("tests/snapshots").expect("snapshots are committed") {
        let name = entry.expect("the folder can be read").file_name().to_string_lossy().into_owned();
        if !name.ends_with(".snap.new") {
            assert!(expected.contains(&name), "no sample has the snapshot {name}");
        }
    }
}

fn assert_as_before(name: &str, report: &str) {
    insta::with_settings!({
        snapshot_path => "snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, report);
    });
}

/// A report without what changes by itself: the version, and the date of the knowledge tables.
fn without_what_changes(report: &str) -> String {
    let date = nettriage::knowledge::DATE;
    report
        .replace(&format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"version\": \"[version]\"")
        .replace(&format!("\"knowledge_date\": \"{date}\""), "\"knowledge_date\": \"[date]\"")
        .replace(&format!(" {date}\n"), " [date]\n")
}
