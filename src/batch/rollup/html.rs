//! The roll-up as an HTML page, with links to the reports of the cases beside it.

use super::{GroupRow, RollUp, Seen, kind_name};
use crate::batch::record;
use crate::lang::{Lang, Message, Text};
use crate::report::html::escape::{both, breakable, esc, fixed, label};
use crate::report::html::{counted, page, tone};
use crate::verdict::Verdict;
use std::fmt::Write;

/// Names of cases listed behind a row before the rest is folded away.
const CASES: usize = 4;
/// Tables up to this size are seen at a glance.
const ROWS_WITHOUT_FILTER: usize = 8;

/// Titles of the sections, which the list of places under the answer repeats.
const CAUSES: Text = Text { en: "What stopped sign-ins", ja: "サインインを止めた原因" };
const HOSTS: Text = Text { en: "Hosts", ja: "ホスト" };
const NETWORKS: Text = Text { en: "Networks", ja: "ネットワーク" };
const DEVICES: Text = Text { en: "Devices recognised in several cases", ja: "複数のケースに現れた機器" };
const LEGACY: Text = Text { en: "Clients of TLS 1.0/1.1", ja: "TLS 1.0/1.1 のクライアント" };
const UNDECIDED: Text = Text { en: "Could not be judged", ja: "判定できなかったケース" };
const INPUTS: Text = Text { en: "Inputs without a result", ja: "結果のない入力" };
const THE_CASES: Text = Text { en: "All cases", ja: "全ケース" };

const WITH_FAULT: Text = Text { en: "only with a fault", ja: "障害のあるもののみ" };

/// The roll-up as one page.
pub fn render(rollup: &RollUp, lang: Lang) -> String {
    let parts = [
        causes(rollup),
        hosts(rollup),
        groups("networks", NETWORKS, &rollup.networks, rollup),
        groups("devices", DEVICES, &rollup.devices, rollup),
        legacy(rollup),
        undecided(rollup),
        inputs(rollup),
        cases(rollup),
    ];
    let mut body = answer(rollup);
    parts.iter().for_each(|p| body.push_str(p));
    let n = rollup.outcomes("network_fault");
    let all = rollup.cases.len();
    let title = Message {
        en: format!("{n} of {all} cases with a network fault"),
        ja: format!("{all} ケース中 {n} 件にネットワーク障害"),
    };
    page(&title, "", &body, crate::knowledge::DATE, lang)
}

fn answer(rollup: &RollUp) -> String {
    let faults = rollup.outcomes("network_fault");
    let undecided = rollup.undecided().count();
    let all = rollup.cases.len();
    let class = if faults > 0 {
        "bad"
    } else if undecided > 0 || all == 0 {
        "warn"
    } else {
        "good"
    };
    let headline = Message {
        en: format!("{faults} of {all} cases: the network stopped the sign-in"),
        ja: format!("{all} ケース中 {faults} 件: ネットワークがサインインを止めている"),
    };
    let mut out = format!("<section id=\"answer\" class=\"answer {class}\"><h1>{}</h1>", both(&headline));
    if let Some(first) = rollup.causes.first() {
        let title = first.verdict.title();
        let n = first.seen.cases.len();
        let said = Message {
            en: format!("Most often: {} – {} ({n} {})", first.host, title.en, if n == 1 { "case" } else { "cases" }),
            ja: format!("最も多い原因: {} – {} ({n} 件)", first.host, title.ja),
        };
        let _ = write!(out, "<p>{}</p>", both(&said));
    }
    let _ = write!(
        out,
        "<ul class=\"tiles\"><li><b>{faults}</b>{}</li><li><b>{}</b>{}</li><li><b>{undecided}</b>{}</li><li><b>{}</b>{}</li>",
        fixed("network fault", "件にネットワーク障害"),
        rollup.outcomes("no_network_fault"),
        fixed("no network fault", "件は障害なし"),
        fixed("cannot be judged", "件は判定不能"),
        rollup.unread().count(),
        counted(rollup.unread().count(), "input not read", "inputs not read", "件の入力を読み取れず"),
    );
    if let Some((first, last)) = rollup.span() {
        let _ = write!(out, "<li>{} – {}</li>", day(first), day(last));
    }
    out + "</ul>" + &jump(rollup) + "</section>"
}

/// The places of the page, with the number of their rows.
fn jump(rollup: &RollUp) -> String {
    let places = [
        ("causes", CAUSES, rollup.causes.len()),
        ("hosts", HOSTS, rollup.hosts.len()),
        ("networks", NETWORKS, rollup.networks.len()),
        ("devices", DEVICES, rollup.devices.len()),
        ("legacy", LEGACY, rollup.legacy.len()),
        ("undecided", UNDECIDED, rollup.undecided().count()),
        ("inputs", INPUTS, rollup.unread().count() + rollup.unused().count()),
        ("cases", THE_CASES, rollup.cases.len()),
    ];
    let mut out = format!("<nav class=\"jump\" {}>", label("Places in this page", "ページ内の項目"));
    for (id, title, n) in places.into_iter().filter(|p| p.2 > 0) {
        let _ = write!(out, "<a href=\"#{id}\">{} <span class=\"dim\">{n}</span></a>", both(&title.into()));
    }
    out + "</nav>"
}

fn day(time: crate::time::Timestamp) -> String {
    esc(time.to_string().get(..10).unwrap_or(""))
}

/// A section with a table; the heading cells sort. Where `only` says what, rows without a fault can be hidden.
fn table(id: &str, title: Text, rows: usize, only: Option<Text>, heads: &[String], body: &str) -> String {
    if rows == 0 {
        return String::new();
    }
    let filter = if rows > ROWS_WITHOUT_FILTER {
        let only = only.map_or(String::new(), |t| {
            format!("<label><input type=\"checkbox\" data-only=\"t-{id}\">{}</label>", both(&t.into()))
        });
        let words = label("Filter", "絞り込み");
        format!("<div class=\"bar js-only\"><input type=\"search\" data-filters=\"t-{id}\" {words}>{only}</div>")
    } else {
        String::new()
    };
    let heads: String = heads
        .iter()
        .map(|h| format!("<th scope=\"col\"><button type=\"button\" data-sort>{h}</button></th>"))
        .collect();
    let title = both(&title.into());
    format!(
        "<section id=\"{id}\"><h2>{title} <span class=\"count\">{rows}</span></h2>{filter}<div class=\"scroll\"><table class=\"cards lead1\" id=\"t-{id}\"><thead><tr>{heads}</tr></thead>{body}</table></div></section>"
    )
}

fn verdict_badge(verdict: Verdict) -> String {
    format!("<span class=\"badge {}\">{}</span>", tone(verdict), both(&verdict.title().into()))
}

/// A case as a link to its report, where there is a page.
fn link(rollup: &RollUp, name: &str) -> String {
    // Records come in the order of their names.
    let case = rollup.cases.binary_search_by(|c| c.name.as_str().cmp(name)).ok().and_then(|i| rollup.cases.get(i));
    let page = case.and_then(|c| c.reports.iter().find(|r| r.ends_with(".html")));
    match page {
        Some(page) => format!("<a href=\"{}\">{}</a>", address(page), breakable(name)),
        None => breakable(name),
    }
}

/// A path relative to the page as a link: percent-encoded but for what means the same in paths and addresses.
fn address(path: &str) -> String {
    let mut out = String::from("./");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The cases of a row: a few, the rest folded away.
fn places(rollup: &RollUp, seen: &Seen) -> String {
    let links: Vec<String> = seen.cases.iter().map(|c| link(rollup, c)).collect();
    let (shown, rest) = links.split_at(links.len().min(CASES));
    let mut out = shown.join("<br>");
    if !rest.is_empty() {
        let more = Message { en: format!("{} more", rest.len()), ja: format!("他 {} 件", rest.len()) };
        let _ = write!(out, "<details><summary>{}</summary>{}</details>", both(&more), rest.join("<br>"));
    }
    out
}

/// First and last occurrence, on a line each.
fn when(seen: &Seen) -> String {
    let line = |t: Option<crate::time::Timestamp>| {
        let text = t.map_or(String::new(), |t| t.to_string());
        esc(text.get(..19).unwrap_or("")).replace('T', " ")
    };
    let key = seen.last.map_or(String::new(), |t| t.to_string());
    format!("<td class=\"small when\" data-key=\"{}\">{}<br>{}</td>", esc(&key), line(seen.first), line(seen.last))
}

fn causes(rollup: &RollUp) -> String {
    let most = rollup.causes.iter().map(|c| c.seen.cases.len()).max().unwrap_or(1);
    let mut body = String::new();
    for c in &rollup.causes {
        let n = c.seen.cases.len();
        let _ = write!(
            body,
            "<tbody><tr><td class=\"brk\"><b>{}</b></td><td>{}</td><td class=\"when\" data-key=\"{n}\">{} {n}</td>{}<td class=\"small brk\">{}</td></tr></tbody>",
            breakable(&c.host),
            verdict_badge(c.verdict),
            bar(n, most),
            when(&c.seen),
            places(rollup, &c.seen)
        );
    }
    let heads = [
        fixed("Host", "ホスト"),
        fixed("What happened", "内容"),
        fixed("Cases", "ケース数"),
        fixed("First, last (UTC)", "初回、最終 (UTC)"),
        fixed("Where", "該当ケース"),
    ];
    table("causes", CAUSES, rollup.causes.len(), None, &heads, &body)
}

/// A bar whose length is a share; drawn, not styled, because the page's policy allows no style on elements.
fn bar(n: usize, most: usize) -> String {
    let width = 60.0 * n as f64 / most.max(1) as f64;
    format!(
        "<svg class=\"share\" width=\"60\" height=\"10\" aria-hidden=\"true\"><rect class=\"share\" width=\"{width:.1}\" height=\"10\" rx=\"2\"/></svg>"
    )
}

fn hosts(rollup: &RollUp) -> String {
    let mut body = String::new();
    for h in &rollup.hosts {
        let verdicts: Vec<String> = h
            .worst_first()
            .iter()
            .map(|(v, n)| format!("<span class=\"badge {}\">{} ×{n}</span>", tone(*v), both(&v.title().into())))
            .collect();
        let _ = write!(
            body,
            "<tbody data-bad=\"{}\"><tr><td class=\"brk\"><b>{}</b></td><td data-key=\"{}\">{}</td><td>{}</td>{}<td class=\"small brk\">{}</td></tr></tbody>",
            u8::from(h.faults > 0),
            breakable(&h.name),
            h.faults,
            h.faults,
            verdicts.join(" "),
            when(&h.seen),
            places(rollup, &h.seen)
        );
    }
    let heads = [
        fixed("Host", "ホスト"),
        fixed("Cases with a fault", "障害のあるケース"),
        fixed("Verdicts", "判定"),
        fixed("First, last (UTC)", "初回、最終 (UTC)"),
        fixed("Where", "該当ケース"),
    ];
    table("hosts", HOSTS, rollup.hosts.len(), Some(WITH_FAULT), &heads, &body)
}

fn groups(id: &str, title: Text, rows: &[GroupRow], rollup: &RollUp) -> String {
    let mut body = String::new();
    for g in rows {
        let hosts: Vec<String> = g.hosts.iter().take(CASES).map(|(h, n)| format!("{} ×{n}", breakable(h))).collect();
        let _ = write!(
            body,
            "<tbody data-bad=\"{}\"><tr><td class=\"brk\"><b>{}</b></td><td class=\"small when\">{}</td><td data-key=\"{}\">{} / {}</td><td class=\"small brk\">{}</td>{}<td class=\"small brk\">{}</td></tr></tbody>",
            u8::from(g.faults > 0),
            breakable(&g.label),
            both(&kind_name(&g.kind).into()),
            g.faults,
            g.faults,
            g.seen.cases.len(),
            hosts.join("<br>"),
            when(&g.seen),
            places(rollup, &g.seen)
        );
    }
    let heads = [
        fixed("Name", "名前"),
        fixed("Kind", "種類"),
        fixed("Faults / cases", "障害 / ケース"),
        fixed("Hosts with faults", "障害のあるホスト"),
        fixed("First, last (UTC)", "初回、最終 (UTC)"),
        fixed("Where", "該当ケース"),
    ];
    table(id, title, rows.len(), Some(WITH_FAULT), &heads, &body)
}

fn legacy(rollup: &RollUp) -> String {
    let mut body = String::new();
    for l in &rollup.legacy {
        let hosts: Vec<String> = l.hosts.iter().map(|h| breakable(h)).collect();
        let _ = write!(
            body,
            "<tbody><tr><td>{}</td><td>{}</td><td class=\"brk\"><code>{}</code><br><code>{}</code></td><td class=\"brk small\">{}</td><td>{}</td>{}<td class=\"small brk\">{}</td></tr></tbody>",
            if l.client.process.is_empty() { fixed("unknown", "不明") } else { esc(&l.client.process) },
            esc(&l.client.version),
            esc(&l.client.ja4),
            esc(&l.client.ja3),
            hosts.join(", "),
            l.seen.cases.len(),
            when(&l.seen),
            places(rollup, &l.seen)
        );
    }
    let heads = [
        fixed("Process", "プロセス"),
        fixed("Offers at most", "最大バージョン"),
        fixed("JA4, JA3", "JA4、JA3"),
        fixed("Hosts", "ホスト"),
        fixed("Cases", "ケース数"),
        fixed("First, last (UTC)", "初回、最終 (UTC)"),
        fixed("Where", "該当ケース"),
    ];
    table("legacy", LEGACY, rollup.legacy.len(), None, &heads, &body)
}

/// Why cases could not be judged, each reason once.
fn undecided(rollup: &RollUp) -> String {
    let reasons = rollup.reasons();
    let mut body = String::new();
    for (reason, cases) in &reasons {
        let n = cases.len();
        let seen = Seen { cases: cases.iter().map(|c| (*c).to_owned()).collect(), ..Seen::default() };
        let _ = write!(
            body,
            "<tbody><tr><td class=\"brk\">{}</td><td data-key=\"{n}\">{n}</td><td class=\"small brk\">{}</td></tr></tbody>",
            both(reason),
            places(rollup, &seen)
        );
    }
    let heads = [fixed("Reason", "理由"), fixed("Cases", "ケース数"), fixed("Where", "該当ケース")];
    table("undecided", UNDECIDED, reasons.len(), None, &heads, &body)
}

fn cases(rollup: &RollUp) -> String {
    let mut body = String::new();
    for c in &rollup.cases {
        let (class, word) = match (c.failed, c.outcome.as_str()) {
            (true, _) => ("bad", Text { en: "failed", ja: "解析失敗" }),
            (_, "network_fault") => ("bad", Text { en: "network fault", ja: "ネットワーク障害" }),
            (_, "no_network_fault") => ("good", Text { en: "no network fault", ja: "障害なし" }),
            _ => ("warn", Text { en: "cannot tell", ja: "判定不能" }),
        };
        let what = match &c.root {
            Some((host, code)) => {
                let badge = record::verdict(code).map(verdict_badge).unwrap_or_default();
                format!("<b>{}</b> {badge}", breakable(host))
            }
            None => format!("<span class=\"small\">{}</span>", both(&c.text)),
        };
        let seen = Seen {
            cases: Vec::new(),
            first: c.first.map(crate::time::Timestamp),
            last: c.last.map(crate::time::Timestamp),
        };
        let _ = write!(
            body,
            "<tbody data-bad=\"{}\"><tr><td class=\"brk\">{}</td><td><span class=\"badge {class}\">{}</span></td><td class=\"brk\">{what}</td>{}</tr></tbody>",
            u8::from(class == "bad"),
            link(rollup, &c.name),
            both(&word.into()),
            when(&seen)
        );
    }
    let heads = [
        fixed("Case", "ケース"),
        fixed("Outcome", "結果"),
        fixed("What happened", "内容"),
        fixed("First, last (UTC)", "初回、最終 (UTC)"),
    ];
    table("cases", THE_CASES, rollup.cases.len(), Some(WITH_FAULT), &heads, &body)
}

fn inputs(rollup: &RollUp) -> String {
    let unread: Vec<_> = rollup.unread().collect();
    let unused: Vec<_> = rollup.unused().collect();
    if unread.is_empty() && unused.is_empty() {
        return String::new();
    }
    let mut out = format!("<section id=\"inputs\"><h2>{}</h2>", both(&INPUTS.into()));
    let mut list = |rows: &[(&str, &str, &Message)], open: &str, title: String| {
        if rows.is_empty() {
            return;
        }
        let _ = write!(out, "<details{open}><summary>{} {title}</summary><ul class=\"plain\">", rows.len());
        for (_, path, reason) in rows {
            let _ = write!(out, "<li><code>{}</code> {}</li>", breakable(path), both(reason));
        }
        out.push_str("</ul></details>");
    };
    list(&unread, " open", counted(unread.len(), "could not be read", "could not be read", "件は読み取れない"));
    list(
        &unused,
        "",
        counted(unused.len(), "is no evidence of its own", "are no evidence of their own", "件は証跡ではない"),
    );
    out + "</section>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_text_and_links_stay_below() {
        let html = render(&super::super::tests::sample(), Lang::En);
        assert_eq!(html.matches("<script").count(), 1);
        assert!(!html.contains("<img"));
        assert!(html.contains("href=\"./cases/a.html\""));
        assert_eq!(address("cases/a b\"<.html"), "./cases/a%20b%22%3C.html");
    }
}
