//! The comparison as Markdown, to paste into a ticket.

use super::compare::{Diff, FindingSeen};
use super::text::{DIFFERENCES, ONLY_BAD, ONLY_GOOD, SAME, VERSIONS};
use crate::imprint::{COMPARISON, EVIDENCE};
use crate::lang::{Lang, Text};
use crate::report::markdown::{code, escape};
use std::fmt::Write;

/// The comparison as Markdown.
pub(super) fn render(diff: &Diff, lang: Lang) -> String {
    let t = |text: Text| text.get(lang);
    let mut out = String::new();
    // Writing to a String cannot fail; the results are dropped on purpose.
    let _ = writeln!(out, "# {}\n", COMPARISON.get(lang));
    for sentence in &diff.answer {
        let _ = writeln!(out, "- {}", escape(sentence.get(lang)));
    }
    if !diff.hosts.is_empty() {
        let host = Text { en: "Host", ja: "ホスト" }.get(lang);
        let what = Text { en: "What", ja: "項目" }.get(lang);
        let _ = writeln!(out, "\n## {}\n\n| {host} | {what} | GOOD | BAD |\n| --- | --- | --- | --- |", t(DIFFERENCES));
        for (h, c) in diff.hosts.iter().flat_map(|h| h.changes.iter().map(move |c| (h, c))) {
            let (good, bad) = (escape(c.good.get(lang)), escape(c.bad.get(lang)));
            let name = code(&h.name).replace('|', "\\|");
            let _ = writeln!(out, "| {name} | {} | {good} | {bad} |", t(c.kind.title()));
        }
    }
    findings(&mut out, t(ONLY_BAD), &diff.only_bad, lang);
    findings(&mut out, t(ONLY_GOOD), &diff.only_good, lang);
    if !diff.versions.is_empty() {
        let _ = writeln!(out, "\n## {}\n", t(VERSIONS));
        for (name, good, bad) in &diff.versions {
            let _ = writeln!(out, "- {}: GOOD {}, BAD {}", name.get(lang), escape(good), escape(bad));
        }
    }
    if !diff.same.is_empty() {
        let names: Vec<String> = diff.same.iter().map(|n| code(n)).collect();
        let _ = writeln!(out, "\n## {}\n\n{}", t(SAME), names.join(", "));
    }
    let _ = writeln!(out, "\n## {}\n", t(EVIDENCE));
    for (name, side) in [("GOOD", &diff.good), ("BAD", &diff.bad)] {
        let paths: Vec<String> = side.evidence.iter().map(|p| code(p)).collect();
        let _ = writeln!(out, "- {name}: {}", paths.join(", "));
        for (path, reason) in &side.unread {
            let _ = writeln!(out, "- {name}: {}: {}", code(path), escape(reason.get(lang)));
        }
    }
    let _ = writeln!(out, "\nnettriage {}", env!("CARGO_PKG_VERSION"));
    out
}

fn findings(out: &mut String, title: &str, list: &[FindingSeen], lang: Lang) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n");
    for f in list {
        let _ = writeln!(out, "- {} ({}, `{}`)", escape(f.title.get(lang)), f.severity.title().get(lang), f.code);
    }
}
