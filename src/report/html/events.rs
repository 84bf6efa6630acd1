//! The timeline: a table of events, from which the script draws the chart above it.

use super::escape::{both, breakable, esc, fixed, label};
use super::tables::place;
use crate::case::Role;
use crate::report::{Lane, Report, TimelineEntry};
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The section of the timeline; empty where nothing happened.
pub fn section(report: &Report) -> String {
    let Some(first) = report.timeline.first().map(|e| e.time) else { return String::new() };
    let others: BTreeSet<&str> =
        report.hosts.iter().filter(|h| h.role == Role::Other).map(|h| h.name.as_str()).collect();
    let is_other = |e: &TimelineEntry| e.host.as_deref().is_some_and(|h| others.contains(h));
    let only_others = report.timeline.iter().all(is_other);
    let mut out = format!(
        "<section id=\"timeline\"><h2>{} <span class=\"count\" id=\"tl-count\">{}</span></h2>",
        fixed("Timeline", "タイムライン"),
        report.timeline.len()
    );
    out.push_str(&toolbar(report, !others.is_empty() && !only_others));
    let _ = write!(
        out,
        "<div class=\"chart js-only\" id=\"chart\" tabindex=\"0\" role=\"group\" {}></div><div class=\"legend js-only\"><span><i class=\"good\"></i>{}</span><span><i class=\"bad\"></i>{}</span><span><i class=\"none\"></i>{}</span><span class=\"hint\">{}</span></div>",
        label("Timeline chart", "タイムラインの図"),
        fixed("worked", "成功"),
        fixed("failed", "失敗"),
        fixed("neither", "どちらでもない"),
        fixed(
            "drag to move, Ctrl + wheel or + − 0 to zoom, arrows to step",
            "ドラッグで移動、Ctrl + ホイールまたは + − 0 で拡大縮小、矢印キーで選択"
        ),
    );
    let _ = write!(
        out,
        "<div class=\"events\" tabindex=\"0\" role=\"region\" {}><table id=\"events\"><thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"lane\">{}</th><th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead><tbody>",
        label("Events", "イベント"),
        fixed("Time (UTC)", "時刻 (UTC)"),
        fixed("Layer", "層"),
        fixed("Host", "ホスト"),
        fixed("What happened", "内容")
    );
    for e in &report.timeline {
        row(&mut out, report, e, first, is_other(e) && !only_others);
    }
    out + "</tbody></table></div></section>"
}

fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::Dns => "DNS",
        Lane::Tcp => "TCP",
        Lane::Tls => "TLS",
        Lane::Http => "HTTP",
        Lane::Log => "Log",
        Lane::System => "System",
    }
}

fn toolbar(report: &Report, with_others: bool) -> String {
    let lanes: BTreeSet<Lane> = report.timeline.iter().map(|e| e.lane).collect();
    let mut out = String::from("<div class=\"bar js-only\">");
    for lane in lanes {
        let _ = write!(
            out,
            "<label><input type=\"checkbox\" data-lane-on=\"{}\" checked>{}</label>",
            lane.code(),
            lane_name(lane)
        );
    }
    let _ = write!(
        out,
        "<select id=\"tl-host\" {}><option value=\"\" data-label-en=\"all hosts\" data-label-ja=\"すべてのホスト\">all hosts</option>",
        label("Host", "ホスト")
    );
    let with_events: BTreeSet<&str> = report.timeline.iter().filter_map(|e| e.host.as_deref()).collect();
    // In the order of the report, then those that only a log names.
    let mut listed: Vec<&str> =
        report.hosts.iter().map(|h| h.name.as_str()).filter(|h| with_events.contains(h)).collect();
    listed.extend(with_events.iter().filter(|h| !report.hosts.iter().any(|r| r.name == **h)));
    for host in listed {
        let _ = write!(out, "<option>{}</option>", esc(host));
    }
    let _ = write!(
        out,
        "</select><select id=\"tl-group\" {}><option value=\"host\" data-label-en=\"by host\" data-label-ja=\"ホスト別\">by host</option><option value=\"lane\" data-label-en=\"by layer\" data-label-ja=\"層別\">by layer</option></select>",
        label("Group", "まとめ方")
    );
    let _ = write!(out, "<label><input type=\"checkbox\" id=\"tl-bad\">{}</label>", fixed("only failures", "失敗のみ"));
    if with_others {
        let _ = write!(
            out,
            "<label><input type=\"checkbox\" id=\"tl-other\">{}</label>",
            fixed("other hosts too", "その他のホストも")
        );
    }
    let _ = write!(
        out,
        "<input type=\"search\" id=\"tl-words\" {}><button type=\"button\" id=\"tl-out\" {}>−</button><button type=\"button\" id=\"tl-in\" {}>+</button><button type=\"button\" id=\"tl-fit\">{}</button></div>",
        label("Filter", "絞り込み"),
        label("Zoom out", "縮小"),
        label("Zoom in", "拡大"),
        fixed("Fit", "全体")
    );
    out
}

fn row(out: &mut String, report: &Report, e: &TimelineEntry, first: Timestamp, other: bool) {
    let ms = |t: Timestamp| t.since(first) as f64 / 1e6;
    let good = match e.good {
        Some(true) => "good",
        Some(false) => "bad",
        None => "none",
    };
    let _ = write!(
        out,
        "<tr data-s=\"{:.4}\" data-e=\"{:.4}\" data-lane=\"{}\" data-host=\"{}\" data-good=\"{good}\"{}{}><td class=\"when\">{}</td><td class=\"lane\">{}</td><td class=\"brk\">{}</td><td class=\"brk txt\">{} {}</td></tr>",
        ms(e.time),
        ms(e.end.unwrap_or(e.time)),
        e.lane.code(),
        e.host.as_deref().map(esc).unwrap_or_default(),
        if other { " data-other=\"1\"" } else { "" },
        if e.good == Some(false) { " class=\"f\"" } else { "" },
        super::clock(e.time),
        lane_name(e.lane),
        e.host.as_deref().map(breakable).unwrap_or_default(),
        place(report, &e.evidence),
        both(&e.text)
    );
}
