//! Findings, hosts, log commands and evidence as tables that sort, each record a `tbody` of its own.

use super::escape::{both, breakable, esc, fixed, label};
use super::{needed, tone};
use crate::finding::{Evidence, Finding, Severity};
use crate::report::{EvidenceReport, HostReport, Report};
use crate::verdict::Confidence;
use std::fmt::Write;

/// A heading that sorts its column.
fn sortable(en: &'static str, ja: &'static str) -> String {
    format!("<th scope=\"col\"><button type=\"button\" data-sort>{}</button></th>", fixed(en, ja))
}

/// The word filter above a table.
fn word_filter(table: &str, with_only: Option<(&'static str, &'static str)>) -> String {
    let only = with_only.map_or(String::new(), |(en, ja)| {
        format!("<label><input type=\"checkbox\" data-only=\"{table}\">{}</label>", fixed(en, ja))
    });
    format!(
        "<div class=\"bar js-only\"><input type=\"search\" data-filters=\"{table}\" {}>{only}</div>",
        label("Filter", "絞り込み")
    )
}

/// A button that copies `text`.
pub fn copy_button(text: &str) -> String {
    format!(
        "<button type=\"button\" class=\"copy js-only\" data-copy=\"{}\">{}</button>",
        esc(text),
        fixed("Copy", "コピー")
    )
}

/// A display filter with its button.
fn display_filter(filter: &str) -> String {
    if filter.is_empty() {
        return String::new();
    }
    format!(
        "<div class=\"filter\"><span class=\"dim\">Wireshark</span> <code>{}</code> {}</div>",
        esc(filter),
        copy_button(filter)
    )
}

/// Where something is seen: a button that copies the filter that finds the frame, or the line of a log.
pub fn place(report: &Report, e: &Evidence) -> String {
    let Some(number) = e.frame else { return String::new() };
    if report.evidence.iter().any(|p| p.kind != "capture" && p.path == e.capture) {
        return format!("<span class=\"line dim\">{} {number}</span>", fixed("line", "行"));
    }
    format!("<button type=\"button\" class=\"copy frame\" data-copy=\"frame.number == {number}\">#{number}</button>")
}

/// Frames and log lines.
fn proof(report: &Report, list: &[Evidence], with_file: bool) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut out = String::from("<ul class=\"proof\">");
    for e in list {
        let _ = write!(out, "<li>{}", place(report, e));
        if let Some(time) = e.time {
            let _ = write!(out, "{}", super::clock(time));
        }
        let _ = write!(out, "<span class=\"t\">{}</span>", both(&e.text));
        if with_file && report.evidence.len() > 1 && !e.capture.is_empty() {
            let _ = write!(out, "<span class=\"dim small brk\">{}</span>", esc(base_name(&e.capture)));
        }
        out.push_str("</li>");
    }
    out + "</ul>"
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A severity as a badge.
pub fn severity_badge(severity: Severity) -> String {
    let class = match severity {
        Severity::Critical => "bad",
        Severity::Warning => "warn",
        Severity::Info => "info",
    };
    let title = severity.title();
    format!("<span class=\"badge {class}\">{}</span>", fixed(title.en, title.ja))
}

/// The section of findings.
pub fn findings(report: &Report) -> String {
    if report.findings.is_empty() {
        return String::new();
    }
    let root = report.diagnosis.root_cause.as_ref().map(|r| r.finding);
    let mut out = format!(
        "<section id=\"findings\"><h2>{} <span class=\"count\">{}</span></h2>{}<div class=\"scroll\"><table class=\"cards lead2\" id=\"t-findings\"><thead><tr>{}{}{}{}</tr></thead>",
        fixed("Findings", "検出事項"),
        report.findings.len(),
        if report.findings.len() > 6 { word_filter("t-findings", None) } else { String::new() },
        sortable("Severity", "重要度"),
        sortable("Finding", "内容"),
        sortable("Host", "ホスト"),
        sortable("Code", "コード"),
    );
    for (i, f) in report.findings.iter().enumerate() {
        finding(&mut out, report, f, root == Some(i));
    }
    out + "</table></div></section>"
}

fn finding(out: &mut String, report: &Report, f: &Finding, open: bool) {
    let rank = match f.severity {
        Severity::Critical => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    };
    let _ = write!(
        out,
        "<tbody data-bad=\"{}\"><tr><td data-key=\"{rank}\">{}{}</td><td><b>{}</b></td><td class=\"brk\">{}</td><td><code>{}</code></td></tr>",
        u8::from(rank == 0),
        severity_badge(f.severity),
        inferred(f.confidence),
        both(&f.title),
        f.host.as_deref().map(breakable).unwrap_or_default(),
        esc(f.code),
    );
    let _ = write!(
        out,
        "<tr class=\"more\"><td colspan=\"4\"><details{}><summary>{}</summary><p class=\"prose\">{}</p>{}{}",
        if open { " open" } else { "" },
        fixed("What was seen, and what to do", "根拠と対処"),
        both(&f.detail),
        proof(report, &f.evidence, true),
        display_filter(&f.filter),
    );
    if !f.advice.en.is_empty() {
        let _ = write!(out, "<p class=\"advice\"><b>{}</b> {}</p>", fixed("Do:", "対処:"), both(&f.advice));
    }
    if !f.doubt.en.is_empty() {
        let _ = write!(
            out,
            "<p class=\"prose small dim\">{} {}</p>",
            fixed("What would change this:", "この判定を変えうるもの:"),
            both(&f.doubt)
        );
    }
    out.push_str("</details></td></tr></tbody>");
}

fn inferred(confidence: Confidence) -> String {
    match confidence {
        Confidence::Observed => String::new(),
        Confidence::Inferred => format!(" <span class=\"small dim\">{}</span>", fixed("inferred", "推定")),
    }
}

/// The section of hosts.
pub fn hosts(report: &Report) -> String {
    if report.hosts.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<section id=\"hosts\"><h2>{} <span class=\"count\">{}</span></h2>{}<div class=\"scroll\"><table class=\"cards lead1\" id=\"t-hosts\"><thead><tr>{}{}{}{}{}{}</tr></thead>",
        fixed("Hosts", "ホスト"),
        report.hosts.len(),
        word_filter("t-hosts", Some(("only what failed", "失敗のみ"))),
        sortable("Host", "ホスト"),
        sortable("Verdict", "判定"),
        sortable("Needed", "必要性"),
        sortable("TLS", "TLS"),
        sortable("Way", "経路"),
        sortable("Connections", "接続"),
    );
    for (i, h) in report.hosts.iter().enumerate() {
        host(&mut out, report, i, h);
    }
    out + "</table></div></section>"
}

fn host(out: &mut String, report: &Report, rank: usize, h: &HostReport) {
    let tls = match (h.negotiated_tls, h.client_tls_max) {
        (Some(n), _) => esc(n),
        (None, Some(max)) => format!("<span class=\"dim\">≤ {}</span>", esc(max)),
        (None, None) => String::new(),
    };
    let way = match &h.proxy {
        Some(p) => format!("{} <span class=\"brk\">{}</span>", fixed("via", "経由:"), breakable(p)),
        None if h.connections.0 > 0 => fixed("direct", "直接"),
        None => String::new(),
    };
    let (tried, established, failed) = h.connections;
    let connections = if tried == 0 {
        String::new()
    } else if failed > 0 {
        format!("{established}/{tried} <span class=\"badge bad\">✕ {failed}</span>")
    } else {
        format!("{established}/{tried}")
    };
    let _ = write!(
        out,
        "<tbody data-bad=\"{}\"><tr><td class=\"brk\" data-key=\"{}\"><b>{}</b>{}</td><td data-key=\"{rank}\"><span class=\"badge {}\">{}</span>{}</td><td>{}</td><td>{tls}</td><td>{way}</td><td data-key=\"{tried}\">{connections}</td></tr>",
        u8::from(h.verdict.is_fault()),
        esc(&h.name),
        breakable(&h.name),
        h.service.as_ref().map_or(String::new(), |s| format!("<br><span class=\"small dim\">{}</span>", both(s))),
        tone(h.verdict),
        both(&h.verdict.title().into()),
        inferred(h.confidence),
        both(&needed(h.role, h.required).into()),
    );
    let _ = write!(
        out,
        "<tr class=\"more\"><td colspan=\"6\"><details><summary>{}</summary><dl class=\"facts\">",
        fixed("Details", "詳細")
    );
    let mut fact = |en, ja, value: String| {
        if !value.is_empty() {
            let _ = write!(out, "<dt>{}</dt><dd>{value}</dd>", fixed(en, ja));
        }
    };
    fact("Verdict", "判定", format!("<code>{}</code>", esc(h.verdict.code())));
    let also: Vec<String> = h.also.iter().map(|v| format!("<code>{}</code>", esc(v.code()))).collect();
    fact("On other ways", "他の経路での判定", also.join(" "));
    let addresses: Vec<String> = h.addresses.iter().map(|a| esc(a)).collect();
    fact("Addresses", "アドレス", addresses.join(", "));
    let processes: Vec<String> = h.processes.iter().map(|p| esc(p)).collect();
    fact("Processes", "プロセス", processes.join(", "));
    if let Some(c) = &h.certificate {
        fact("Subject", "サブジェクト", esc(&c.subject));
        fact("Issuer", "発行者", esc(&c.issuer));
        fact("Vendor", "製品", c.vendor.as_deref().map(esc).unwrap_or_default());
        let valid = format!("{} – {}", day(c.not_before), day(c.not_after));
        fact("Valid", "有効期間", valid);
    }
    fact("Time lost", "遅延", h.delay_seconds.map_or(String::new(), |s| format!("{s:.1} s")));
    let proof = proof(report, &h.evidence, true);
    let _ = write!(out, "</dl>{proof}{}</details></td></tr></tbody>", display_filter(&h.filter));
}

fn day(time: crate::time::Timestamp) -> String {
    esc(time.to_string().get(..10).unwrap_or(""))
}

/// Commands as the logs tell them.
pub fn attempts(report: &Report) -> String {
    if report.attempts.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<section id=\"commands\"><h2>{}</h2><ul class=\"plain\">",
        fixed("Commands in the log", "ログにあるコマンド")
    );
    for a in &report.attempts {
        let versions: Vec<String> = a.versions.iter().map(|v| esc(v)).collect();
        let _ = write!(
            out,
            "<li><code>{}</code> {} <span class=\"dim small\">{}</span><br>{}{}</li>",
            esc(&a.command),
            a.start.map(super::clock).unwrap_or_default(),
            versions.join(", "),
            both(&a.outcome),
            proof(report, &a.events, false)
        );
    }
    out + "</ul></section>"
}

/// Inputs read and not read, and what is missing.
pub fn evidence(report: &Report) -> String {
    let mut out = String::new();
    if !report.missing.is_empty() {
        let _ = write!(
            out,
            "<section id=\"missing\"><h2>{}</h2><ul class=\"plain\">",
            fixed("What would settle more", "さらに必要な情報")
        );
        for m in &report.missing {
            let _ = write!(out, "<li>{}</li>", both(m));
        }
        out.push_str("</ul></section>");
    }
    let _ = write!(out, "<section id=\"evidence\"><h2>{}</h2><ul class=\"plain\">", fixed("Evidence", "証跡"));
    for e in &report.evidence {
        let _ = write!(out, "<li><code>{}</code> <span class=\"dim\">{}</span>", breakable(&e.path), piece(e));
        for p in &e.problems {
            let _ = write!(
                out,
                "<br><span class=\"badge warn\"><code>{}</code> ×{}</span> {}",
                esc(p.code),
                p.count,
                both(&p.message)
            );
        }
        out.push_str("</li>");
    }
    for (path, reason) in &report.unread {
        let _ = write!(
            out,
            "<li><code>{}</code> <span class=\"badge bad\">{}</span> {}</li>",
            esc(path),
            fixed("not read", "読み取り不能"),
            both(reason)
        );
    }
    out + "</ul></section>"
}

fn piece(e: &EvidenceReport) -> String {
    let mut parts: Vec<String> = Vec::new();
    parts.push(esc(&e.format));
    if let Some(c) = e.container {
        parts.push(esc(c));
    }
    if e.kind == "capture" {
        parts.push(format!("{} {}", e.frames, fixed("frames", "フレーム")));
        if e.duplicates > 0 {
            parts.push(format!("{} {}", e.duplicates, fixed("copies left out", "重複を除外")));
        }
        if e.counted > 0 {
            let what = fixed("ordinary flows only counted", "件の通常フローは件数のみ記録");
            parts.push(format!("{} {what}", e.counted));
        }
        if let (Some(first), Some(last)) = (e.first_time, e.last_time) {
            parts.push(format!("{} + {:.1} s", esc(&first.to_string()), last.seconds_since(first)));
        }
    } else if e.frames > 0 {
        parts.push(format!("{} {}", e.frames, fixed("lines", "行")));
    }
    parts.retain(|p| !p.is_empty());
    parts.join(" · ")
}
