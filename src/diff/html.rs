//! The comparison as one page, in the dress of the other reports.

use super::compare::{Diff, FindingSeen, HostDiff};
use super::text::{DIFFERENCES, ONLY_BAD, ONLY_GOOD, SAME, VERSIONS};
use crate::imprint::{COMPARISON, EVIDENCE};
use crate::lang::{Lang, Message, Text};
use crate::report::html::escape::{both, breakable, esc};
use crate::report::html::{page, tone};
use std::fmt::Write;

/// The comparison as a page.
pub(super) fn render(diff: &Diff, lang: Lang) -> String {
    let class =
        if diff.only_bad.iter().any(|f| f.severity == crate::finding::Severity::Critical) { "bad" } else { "warn" };
    let mut answer = diff.answer.iter();
    let first = answer.next().cloned().unwrap_or_default();
    let mut body = format!("<section id=\"answer\" class=\"answer {class}\"><h1 class=\"brk\">{}</h1>", both(&first));
    // Writing to a String cannot fail; the results are dropped on purpose.
    for sentence in answer {
        let _ = write!(body, "<p class=\"brk\">{}</p>", both(sentence));
    }
    body.push_str("</section>");
    hosts(&mut body, &diff.hosts);
    findings(&mut body, "only-bad", ONLY_BAD, &diff.only_bad);
    findings(&mut body, "only-good", ONLY_GOOD, &diff.only_good);
    if !diff.versions.is_empty() {
        table(&mut body, "versions", VERSIONS, &["", "GOOD", "BAD"]);
        for (name, good, bad) in &diff.versions {
            let _ = write!(
                body,
                "<tbody><tr><td>{}</td><td>{}</td><td>{}</td></tr></tbody>",
                both(name),
                esc(good),
                esc(bad)
            );
        }
        body.push_str("</table></div></section>");
    }
    if !diff.same.is_empty() {
        let names: Vec<String> = diff.same.iter().map(|n| breakable(n)).collect();
        let _ =
            write!(body, "<section id=\"same\"><h2>{}</h2><p>{}</p></section>", both(&SAME.into()), names.join(", "));
    }
    table(&mut body, "evidence", EVIDENCE, &["", ""]);
    for (name, side) in [("GOOD", &diff.good), ("BAD", &diff.bad)] {
        for path in &side.evidence {
            let _ = write!(body, "<tbody><tr><td>{name}</td><td class=\"brk\">{}</td></tr></tbody>", esc(path));
        }
        for (path, reason) in &side.unread {
            let _ = write!(
                body,
                "<tbody><tr><td>{name}</td><td class=\"brk\">{}: {}</td></tr></tbody>",
                esc(path),
                both(reason)
            );
        }
    }
    body.push_str("</table></div></section>");
    let title = Message::from(COMPARISON);
    page(&title, "", &body, crate::knowledge::DATE, lang)
}

fn table(out: &mut String, id: &str, title: Text, columns: &[&str]) {
    let _ = write!(
        out,
        "<section id=\"{id}\"><h2>{}</h2><div class=\"scroll\"><table id=\"t-{id}\"><thead><tr>",
        both(&title.into())
    );
    for column in columns {
        let _ = write!(out, "<th scope=\"col\">{}</th>", esc(column));
    }
    out.push_str("</tr></thead>");
}

fn hosts(out: &mut String, hosts: &[HostDiff]) {
    if hosts.is_empty() {
        return;
    }
    table(out, "hosts", DIFFERENCES, &["", "", "GOOD", "BAD"]);
    for host in hosts {
        out.push_str("<tbody>");
        for (i, c) in host.changes.iter().enumerate() {
            let name = if i == 0 { format!("<b>{}</b>", breakable(&host.name)) } else { String::new() };
            let badge = |verdict: Option<crate::verdict::Verdict>, text: &Message| match verdict {
                Some(v) if c.kind == super::compare::ChangeKind::Verdict => {
                    format!("<span class=\"badge {}\">{}</span>", tone(v), both(text))
                }
                _ => both(text),
            };
            let _ = write!(
                out,
                "<tr><td class=\"brk\">{name}</td><td>{}</td><td class=\"brk\">{}</td><td class=\"brk\">{}</td></tr>",
                both(&c.kind.title().into()),
                badge(host.good, &c.good),
                badge(host.bad, &c.bad),
            );
        }
        out.push_str("</tbody>");
    }
    out.push_str("</table></div></section>");
}

fn findings(out: &mut String, id: &str, title: Text, list: &[FindingSeen]) {
    if list.is_empty() {
        return;
    }
    table(out, id, title, &["", "", ""]);
    for f in list {
        let severity = Message::same(f.severity.code());
        let _ = write!(
            out,
            "<tbody><tr><td>{}</td><td class=\"brk\">{}</td><td><code>{}</code></td></tr></tbody>",
            both(&severity),
            both(&f.title),
            esc(f.code)
        );
    }
    out.push_str("</table></div></section>");
}
