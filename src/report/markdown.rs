//! The Markdown report, to paste into a ticket.

use super::Report;
use crate::finding::Evidence;
use crate::imprint;
use crate::lang::{Lang, Text};
use crate::verdict::Confidence;
use std::fmt::Write;

/// The report as Markdown (CommonMark with tables).
pub fn render(report: &Report, lang: Lang) -> String {
    let t = |en: &'static str, ja: &'static str| Text { en, ja }.get(lang);
    let mut out = String::new();
    // Writing to a String cannot fail; the results are dropped on purpose.
    let word = report.diagnosis.outcome.title().get(lang);
    let _ = match &report.diagnosis.root_cause {
        Some(r) => writeln!(out, "# {word}: {} – {}\n", code(&r.host), r.verdict.title().get(lang)),
        None => writeln!(out, "# {word}\n"),
    };
    let _ = writeln!(out, "{}\n", escape(report.diagnosis.text.get(lang)));
    let next = report.diagnosis.next_step.get(lang);
    if !next.is_empty() {
        let _ = writeln!(out, "**{}** {}\n", t("Next:", "次の手順:"), escape(next));
    }
    if !report.hosts.is_empty() {
        let _ = writeln!(out, "## {}\n", imprint::HOSTS.get(lang));
        let _ = writeln!(
            out,
            "| {} | {} | {} | TLS | {} |",
            t("Host", "ホスト"),
            t("Verdict", "判定"),
            t("Needed", "必須"),
            t("Proxy", "プロキシ")
        );
        let _ = writeln!(out, "| --- | --- | --- | --- | --- |");
        for h in &report.hosts {
            let needed = match h.required {
                Some(true) => t("yes", "はい"),
                Some(false) => t("no", "いいえ"),
                None => "",
            };
            let _ = writeln!(
                out,
                "| {} | {} (`{}`) | {needed} | {} | {} |",
                cell(&h.name),
                h.verdict.title().get(lang),
                h.verdict.code(),
                h.negotiated_tls.or(h.client_tls_max).unwrap_or(""),
                h.proxy.as_deref().map_or(String::new(), cell)
            );
        }
        out.push('\n');
    }
    if !report.findings.is_empty() {
        let _ = writeln!(out, "## {}\n", imprint::FINDINGS.get(lang));
        for f in &report.findings {
            let word = f.severity.title().get(lang);
            let inferred = match f.confidence {
                Confidence::Inferred => t(", inferred", "、推定"),
                Confidence::Observed => "",
            };
            let _ = writeln!(out, "### {} ({word}{inferred}, `{}`)\n", escape(f.title.get(lang)), f.code);
            let _ = writeln!(out, "{}\n", escape(f.detail.get(lang)));
            for e in &f.evidence {
                let _ = writeln!(out, "- {}", evidence(report, e, lang));
            }
            if !f.filter.is_empty() {
                let _ = writeln!(out, "\nWireshark: {}", code(&f.filter));
            }
            let _ = writeln!(out, "\n**{}** {}\n", t("Do:", "対処:"), escape(f.advice.get(lang)));
        }
    }
    if !report.attempts.is_empty() {
        let _ = writeln!(out, "## {}\n", t("Commands in the log", "ログにあるコマンド"));
        for a in &report.attempts {
            let start = a.start.map_or(String::new(), |t| format!("{t} "));
            let _ = writeln!(out, "- {start}{}: {}", code(&a.command), escape(a.outcome.get(lang)));
        }
        out.push('\n');
    }
    if !report.missing.is_empty() {
        let _ = writeln!(out, "## {}\n", t("What would settle more", "さらに必要な情報"));
        for m in &report.missing {
            let _ = writeln!(out, "- {}", escape(m.get(lang)));
        }
        out.push('\n');
    }
    let _ = writeln!(out, "## {}\n", imprint::EVIDENCE.get(lang));
    for e in &report.evidence {
        let unit = if e.kind == "capture" { t("frames", "フレーム") } else { t("lines", "行") };
        let count = if e.frames > 0 { format!(", {} {unit}", e.frames) } else { String::new() };
        let time = match (e.first_time, e.last_time) {
            (Some(first), Some(last)) => format!(", {first} (+{:.1} s)", last.seconds_since(first)),
            _ => String::new(),
        };
        let _ = writeln!(out, "- {} ({}{count}{time})", code(&e.path), e.format);
    }
    for (path, reason) in &report.unread {
        let _ = writeln!(out, "- {}: {}", code(path), escape(reason.get(lang)));
    }
    let _ = writeln!(
        out,
        "\nnettriage {}, {} {}",
        env!("CARGO_PKG_VERSION"),
        imprint::TABLES.get(lang).to_lowercase(),
        report.knowledge_date
    );
    out
}

/// A place in words: trackers take `#7` for their ticket 7.
fn evidence(report: &Report, e: &Evidence, lang: Lang) -> String {
    let word = match (report.evidence.iter().any(|p| p.kind != "capture" && p.path == e.capture), lang) {
        (false, Lang::En) => "frame",
        (false, Lang::Ja) => "フレーム",
        (true, Lang::En) => "line",
        (true, Lang::Ja) => "行",
    };
    let place = e.frame.map_or(String::new(), |n| format!("{word} {n}, "));
    let time = e.time.map_or(String::new(), |t| format!("{t}, "));
    format!("{place}{time}{}", escape(e.text.get(lang)))
}

/// Text in which no character is markup.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in blank(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A code span that its content cannot leave.
pub fn code(text: &str) -> String {
    let clean = blank(text);
    let longest = clean.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{clean}`") } else { format!("{fence} {clean} {fence}") }
}

/// A code span in a cell of a table, which a bar would end; elsewhere the backslash would be part of the code.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Control characters become spaces, hidden characters are shown.
fn blank(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    super::text::visible(&clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(escape("<script>*x*"), "\\<script\\>\\*x\\*");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!((code("a || b"), cell("a|b")), ("`a || b`".into(), "`a\\|b`".into()));
    }
}
