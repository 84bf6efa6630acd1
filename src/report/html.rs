//! The HTML report: one self-contained file that opens from a file share.
//!
//! What enters: a [`Report`]. What leaves: a page with both languages in it, whose policy allows its own style sheet
//! and script by hash and nothing else: no request leaves it, no inline handler runs, and words from captures go
//! through [`escape`] alone. Without script the page is complete but for the chart, sorting and copying.

pub mod escape;
mod events;
mod path;
mod tables;

use super::{Outcome, Report};
use crate::case::Role;
use crate::imprint::{self, GENERATOR};
use crate::lang::{Lang, Message, Text};
use crate::time::Timestamp;
use crate::verdict::Verdict;
use escape::{both, esc, fixed, label};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::LazyLock;

const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");

/// The report as one HTML page.
pub fn render(report: &Report, lang: Lang) -> String {
    let mut body = answer(report);
    let picture = path::picture(&report.path);
    if !picture.is_empty() {
        let _ = write!(
            body,
            "<section class=\"path\" id=\"path\"><h2>{}</h2><figure>{picture}<figcaption>{}</figcaption></figure></section>",
            fixed("The way to the hosts", "ホストまでの経路"),
            path::words(&report.path)
        );
    }
    body.push_str(&tables::findings(report));
    body.push_str(&events::section(report));
    body.push_str(&tables::hosts(report));
    body.push_str(&tables::attempts(report));
    body.push_str(&tables::evidence(report));
    let name = case_name(report);
    let head = headline(report);
    let title = Message { en: format!("{} – {name}", head.en), ja: format!("{} – {name}", head.ja) };
    page(&title, &name, &body, &report.knowledge_date, lang)
}

/// A whole page around `body`, which must be escaped already.
pub fn page(title: &Message, name: &str, body: &str, knowledge_date: &str, lang: Lang) -> String {
    let code = match lang {
        Lang::En => "en",
        Lang::Ja => "ja",
    };
    let mut out = String::with_capacity(body.len() + STYLE.len() + SCRIPT.len() + 4096);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"{code}\" data-title-en=\"{}\" data-title-ja=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n{GENERATOR}{}\">\n<title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n</head>\n<body>\n",
        esc(&title.en),
        esc(&title.ja),
        *POLICY,
        env!("CARGO_PKG_VERSION"),
        esc(title.get(lang)),
    );
    let _ = write!(
        out,
        "<a class=\"skip\" href=\"#answer\">{}</a><header class=\"top\"><div><span class=\"brand\">nettriage</span><span class=\"case\">{}</span>\
         <span class=\"seg js-only\" role=\"group\" {}><button type=\"button\" data-lang=\"en\">EN</button><button type=\"button\" data-lang=\"ja\">日本語</button></span>\
         <span class=\"seg js-only\" role=\"group\" {}><button type=\"button\" data-theme-to=\"light\" {}>☀</button><button type=\"button\" data-theme-to=\"dark\" {}>☾</button></span></div></header>\n<main>\n",
        fixed("To the answer", "結論へ"),
        esc(name),
        label("Language", "言語"),
        label("Colours", "配色"),
        label("Light", "ライト"),
        label("Dark", "ダーク"),
    );
    out.push_str(body);
    let _ = write!(
        out,
        "\n</main>\n<footer>nettriage {} · {} {}</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        both(&imprint::TABLES.into()),
        esc(knowledge_date)
    );
    out
}

/// Only the style sheet and the script of this very page; nothing is loaded, nothing is sent. The same for all pages.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        base64(&Sha256::digest(STYLE.as_bytes())),
        base64(&Sha256::digest(SCRIPT.as_bytes()))
    )
});

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let index = (word >> (18 - 6 * i)) as usize & 63;
            let letter = ALPHABET.get(index).copied().unwrap_or(b'A');
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// The class that colours a verdict: `good`, `warn`, `bad`, `none`.
pub fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "good",
        Verdict::Degraded => "warn",
        Verdict::Inconclusive => "none",
        _ => "bad",
    }
}

/// How much the sign-in needs a host, in a word.
pub fn needed(role: Role, required: Option<bool>) -> Text {
    match (role, required) {
        (Role::Proxy, _) => Text { en: "proxy", ja: "プロキシ" },
        (_, Some(true)) => Text { en: "needed", ja: "必須" },
        (_, Some(false)) => Text { en: "optional", ja: "任意" },
        (Role::Service, None) => Text { en: "service", ja: "サービス" },
        (Role::DnsServer, None) => Text { en: "resolver", ja: "DNS サーバー" },
        (Role::Other, None) => Text { en: "other", ja: "その他" },
    }
}

/// Time of day with microseconds, the whole time in its attribute.
fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    let clock = text.get(11..26).unwrap_or("");
    format!("<time datetime=\"{}\" title=\"{}\">{}</time> ", esc(&text), esc(&text), esc(clock))
}

/// What the case is called: its first evidence with its folder, since most traces have the same name, and how much
/// more there is.
fn case_name(report: &Report) -> String {
    let first = report.evidence.first().map(|e| e.path.as_str()).or(report.unread.first().map(|(p, _)| p.as_str()));
    let mut parts: Vec<&str> = first.unwrap_or("").rsplit(['/', '\\']).filter(|p| !p.is_empty()).take(2).collect();
    parts.reverse();
    let base = parts.join("/");
    match report.evidence.len() {
        0 | 1 => base,
        n => format!("{base} +{}", n - 1),
    }
}

/// The class of an outcome's colour.
fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NetworkFault => "bad",
        Outcome::NoNetworkFault => "good",
        Outcome::InsufficientEvidence => "warn",
    }
}

fn headline(report: &Report) -> Message {
    match &report.diagnosis.root_cause {
        Some(r) => {
            let title = r.verdict.title();
            Message { en: format!("{}: {}", r.host, title.en), ja: format!("{}: {}", r.host, title.ja) }
        }
        None => report.diagnosis.outcome.title().into(),
    }
}

/// The noun behind a number.
pub fn counted(n: usize, one: &'static str, many: &'static str, ja: &'static str) -> String {
    fixed(if n == 1 { one } else { many }, ja)
}

fn answer(report: &Report) -> String {
    let (class, word) = (class(report.diagnosis.outcome), report.diagnosis.outcome.title());
    let mut out = format!(
        "<section id=\"answer\" class=\"answer {class}\"><span class=\"badge {class}\">{}</span>",
        both(&word.into())
    );
    match &report.diagnosis.root_cause {
        Some(r) => {
            let _ =
                write!(out, "<h1>{}<span class=\"what\">{}</span></h1>", esc(&r.host), both(&r.verdict.title().into()));
        }
        None => {
            let said = match report.diagnosis.outcome {
                Outcome::NoNetworkFault => {
                    Text { en: "The network did its part", ja: "ネットワークに問題はない" }
                }
                Outcome::NetworkFault => word,
                Outcome::InsufficientEvidence => {
                    Text { en: "The evidence cannot tell", ja: "この証跡では判定できない" }
                }
            };
            let _ = write!(out, "<h1>{}</h1>", both(&said.into()));
        }
    }
    let _ = write!(out, "<p class=\"brk\">{}</p>", both(&report.diagnosis.text));
    if !report.diagnosis.next_step.en.is_empty() {
        let _ = write!(
            out,
            "<p class=\"next\"><b>{}</b> {}</p>",
            fixed("Next:", "次の手順:"),
            both(&report.diagnosis.next_step)
        );
    }
    let bad = report.hosts.iter().filter(|h| h.verdict.is_fault()).count();
    let reached = report.hosts.iter().filter(|h| h.verdict.is_good()).count();
    let _ = write!(
        out,
        "<ul class=\"tiles\"><li><b>{reached}</b>{}</li><li><b>{bad}</b>{}</li><li><b>{}</b>{}</li><li><b>{}</b>{}</li>",
        counted(reached, "host reached", "hosts reached", "ホスト到達"),
        counted(bad, "host with a fault", "hosts with a fault", "ホストに障害"),
        report.findings.len(),
        counted(report.findings.len(), "finding", "findings", "件の検出事項"),
        report.evidence.len(),
        counted(report.evidence.len(), "piece of evidence", "pieces of evidence", "件の証跡"),
    );
    let first = report.evidence.iter().filter_map(|e| e.first_time).min();
    if let Some(first) = first {
        let text = first.to_string();
        let _ = write!(
            out,
            "<li><b>{}</b>{} UTC</li>",
            esc(text.get(..10).unwrap_or("")),
            esc(text.get(11..19).unwrap_or(""))
        );
    }
    if !report.unread.is_empty() {
        let _ = write!(out, "<li><b>{}</b>{}</li>", report.unread.len(), fixed("not read", "件は読み取り不能"));
    }
    out + "</ul></section>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Diagnosis, EvidenceReport, HostReport};

    fn hostile() -> Report {
        let evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"' \u{1b}[31m =cmd";
        let text = Message::same(evil);
        let evidence = crate::finding::Evidence {
            capture: evil.into(),
            frame: Some(7),
            stream: Some(1),
            time: Some(Timestamp(1)),
            text: text.clone(),
        };
        Report {
            evidence: vec![EvidenceReport { path: evil.into(), format: evil.into(), ..EvidenceReport::default() }],
            diagnosis: Diagnosis { text: text.clone(), next_step: text.clone(), ..Diagnosis::default() },
            hosts: vec![HostReport {
                name: evil.into(),
                proxy: Some(evil.into()),
                processes: vec![evil.into()],
                filter: evil.into(),
                evidence: vec![evidence.clone()],
                certificate: Some(super::super::CertificateReport {
                    subject: evil.into(),
                    issuer: evil.into(),
                    vendor: Some(evil.into()),
                    ..Default::default()
                }),
                ..HostReport::default()
            }],
            findings: vec![crate::finding::Finding {
                code: "refused",
                host: Some(evil.into()),
                title: text.clone(),
                detail: text.clone(),
                advice: text.clone(),
                doubt: text.clone(),
                evidence: vec![evidence.clone()],
                filter: evil.into(),
                ..Default::default()
            }],
            timeline: vec![super::super::TimelineEntry {
                time: Timestamp(5),
                end: None,
                lane: super::super::Lane::Log,
                host: Some(evil.into()),
                good: Some(false),
                text: text.clone(),
                evidence,
            }],
            attempts: vec![super::super::AttemptReport {
                command: evil.into(),
                versions: vec![evil.into()],
                outcome: text.clone(),
                ..Default::default()
            }],
            missing: vec![text.clone()],
            unread: vec![(evil.into(), text)],
            knowledge_date: evil.into(),
            ..Report::default()
        }
    }

    #[test]
    fn hostile_text_stays_text_everywhere() {
        let html = render(&hostile(), Lang::En);
        assert_eq!(html.matches("<script").count(), 1, "only the page's own script");
        assert_eq!(html.matches("</script").count(), 1);
        assert!(!html.contains("<img"));
        assert!(!html.contains('\u{1b}'));
        assert!(html.matches("&lt;/script&gt;").count() > 10);
    }

    #[test]
    fn the_policy_names_the_hashes_of_what_is_in_the_page() {
        let html = render(&Report::default(), Lang::Ja);
        for (open, close, directive) in
            [("<style>", "</style>", "style-src 'sha256-"), ("<script>", "</script>", "script-src 'sha256-")]
        {
            let inside = html.split_once(open).unwrap().1.split_once(close).unwrap().0;
            let hash = base64(&Sha256::digest(inside.as_bytes()));
            assert!(html.contains(&format!("{directive}{hash}'")), "{directive}");
        }
        assert_eq!(base64(b"Ma"), "TWE=");
    }

    #[test]
    fn nothing_in_the_page_names_another_place_or_runs_inline() {
        let html = render(&hostile(), Lang::En).replace("http://www.w3.org/2000/svg", "");
        for word in ["http://", "https://", "src=\"", "url(", " onclick", " style=\"", "@import"] {
            assert!(!html.contains(word), "{word}");
        }
    }

    #[test]
    fn the_style_and_script_cannot_end_their_own_element() {
        assert!(!STYLE.to_ascii_lowercase().contains("</"));
        assert!(!SCRIPT.to_ascii_lowercase().contains("</s"));
    }
}
