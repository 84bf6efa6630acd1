//! The picture of the way: stations from left to right on a wide page, as a tree on a narrow one.
//!
//! What enters: [`PathReport`]. What leaves: two inline SVGs (the style sheet shows one), every text in both
//! languages, the link on which the way broke marked with a cross. No size depends on what a capture says but for the
//! number of stations, which the path itself bounds.

use super::escape::{esc, fit, svg_text};
use super::tone;
use crate::lang::{Message, Text};
use crate::report::{PathLink, PathNode, PathNodeKind, PathReport};
use crate::verdict::Verdict;
use std::fmt::Write;

/// Width of the wide picture.
const WIDE: f64 = 1080.0;
/// Width of the narrow picture.
const NARROW: f64 = 360.0;
/// Height of a station.
const BOX: f64 = 50.0;
/// Distance from station to station, top to top.
const STEP: f64 = 62.0;
/// Station drawn at most in one tree: a host behind two ways is drawn twice.
const TREE_ROWS_MAX: usize = 64;

/// The picture in both shapes; empty where there is no way to draw.
pub fn picture(path: &PathReport) -> String {
    if path.nodes.len() < 2 {
        return String::new();
    }
    format!("<div class=\"scroll wide\">{}</div><div class=\"narrow\">{}</div>", wide(path), narrow(path))
}

fn kind(node: &PathNode) -> Text {
    match node.kind {
        PathNodeKind::Client => Text { en: "client", ja: "クライアント" },
        PathNodeKind::Resolver => Text { en: "resolver", ja: "DNS サーバー" },
        PathNodeKind::Proxy => Text { en: "proxy", ja: "プロキシ" },
        PathNodeKind::Appliance => Text { en: "on the way", ja: "経路上の装置" },
        PathNodeKind::Host => Text { en: "host", ja: "ホスト" },
    }
}

fn name(node: &PathNode) -> Message {
    match node.kind {
        PathNodeKind::Client if node.label.is_empty() => {
            Text { en: "This computer", ja: "このコンピューター" }.into()
        }
        PathNodeKind::Appliance if node.label == "?" => Text { en: "unknown device", ja: "不明な装置" }.into(),
        _ => Message::same(node.label.clone()),
    }
}

/// Words on a link: its own text, or nothing where it simply worked.
fn said(link: &PathLink) -> Message {
    match (link.verdict, link.text.en.is_empty()) {
        (Verdict::Ok, true) => Text { en: "reached", ja: "到達" }.into(),
        (_, true) => Message::default(),
        _ => link.text.clone(),
    }
}

/// A station: its box, what it is, its name, its second line, and what became of the link to it.
fn station(out: &mut String, node: &PathNode, into: Option<&PathLink>, x: f64, y: f64, width: f64) {
    let class = into.map_or("none", |l| tone(l.verdict));
    let class = if node.kind == PathNodeKind::Client { "none" } else { class };
    let inner = width - 20.0;
    let _ = write!(
        out,
        "<g><title>{} {}</title><rect class=\"node {class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX}\" rx=\"8\"/>",
        esc(&node.label),
        esc(&node.detail)
    );
    let name = name(node);
    let _ = write!(
        out,
        "<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>",
        x + 10.0,
        y + 20.0,
        svg_text(&name, inner, 13.5)
    );
    let said = into.map(said).unwrap_or_default();
    let with_verdict = node.kind != PathNodeKind::Client && !said.en.is_empty();
    if with_verdict {
        let _ = write!(
            out,
            "<text class=\"said {class}\" x=\"{}\" y=\"{}\">{}</text>",
            x + 10.0,
            y + 38.0,
            svg_text(&said, inner * 0.66, 12.0)
        );
        let _ = write!(
            out,
            "<text class=\"kind\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            x + width - 10.0,
            y + 38.0,
            if node.detail.is_empty() {
                svg_text(&kind(node).into(), inner * 0.4, 11.0)
            } else {
                fit(&node.detail, inner * 0.4, 11.0)
            }
        );
    } else {
        let detail = if node.detail.is_empty() { kind(node).into() } else { Message::same(node.detail.clone()) };
        let _ = write!(
            out,
            "<text class=\"kind\" x=\"{}\" y=\"{}\">{}</text>",
            x + 10.0,
            y + 38.0,
            svg_text(&detail, inner, 11.0)
        );
    }
    out.push_str("</g>");
}

/// The mark on a link: a cross where the way broke, an exclamation mark where it suffered.
fn mark(out: &mut String, verdict: Verdict, x: f64, y: f64) {
    match tone(verdict) {
        "bad" => {
            let _ = write!(
                out,
                "<g class=\"mark bad\"><circle cx=\"{x}\" cy=\"{y}\" r=\"11\"/><path d=\"M{} {}l9 9m0 -9l-9 9\"/></g>",
                x - 4.5,
                y - 4.5
            );
        }
        "warn" => {
            let _ = write!(
                out,
                "<g class=\"mark warn\"><circle cx=\"{x}\" cy=\"{y}\" r=\"10\"/><text x=\"{x}\" y=\"{}\">!</text></g>",
                y + 4.5
            );
        }
        _ => {}
    }
}

/// The column of each station: one more than the farthest station before it. Links never lead backwards, because
/// stations are added on the way out; the number of rounds is bounded all the same.
fn columns(path: &PathReport) -> Vec<usize> {
    let mut column = vec![0usize; path.nodes.len()];
    for _ in 0..4 {
        for link in &path.links {
            let from = column.get(link.from).copied().unwrap_or(0);
            if let Some(to) = column.get_mut(link.to) {
                *to = (*to).max((from + 1).min(3));
            }
        }
    }
    column
}

fn wide(path: &PathReport) -> String {
    let column = columns(path);
    let last = column.iter().copied().max().unwrap_or(1);
    let is_end = |n: &PathNode| n.kind == PathNodeKind::Host;
    let column_of = |i: usize, n: &PathNode| if is_end(n) { last } else { column.get(i).copied().unwrap_or(0) };
    let box_width = match last {
        0..=1 => 330.0,
        2 => 280.0,
        _ => 225.0,
    };
    let gap = if last == 0 { 0.0 } else { (WIDE - box_width) / last as f64 };
    // Resolvers first, then hosts, each on a line of its own; stations between stand in the middle of what they lead to.
    let mut y = vec![0.0f64; path.nodes.len()];
    let mut line = 0.0;
    for kind in [PathNodeKind::Resolver, PathNodeKind::Host] {
        for (i, _) in path.nodes.iter().enumerate().filter(|(_, n)| n.kind == kind) {
            if let Some(slot) = y.get_mut(i) {
                *slot = 4.0 + line * STEP;
                line += 1.0;
            }
        }
    }
    for level in (0..last).rev() {
        let mut lowest = f64::MIN;
        for (i, node) in path.nodes.iter().enumerate() {
            if matches!(node.kind, PathNodeKind::Host | PathNodeKind::Resolver) || column.get(i) != Some(&level) {
                continue;
            }
            let targets: Vec<f64> =
                path.links.iter().filter(|l| l.from == i).filter_map(|l| y.get(l.to).copied()).collect();
            let middle = if targets.is_empty() { 4.0 } else { targets.iter().sum::<f64>() / targets.len() as f64 };
            let place = middle.max(lowest + STEP);
            lowest = place;
            if let Some(slot) = y.get_mut(i) {
                *slot = place;
            }
        }
    }
    let height = y.iter().copied().fold(0.0, f64::max) + BOX + 6.0;
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDE} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\">"
    );
    let at = |i: usize| {
        let x = path.nodes.get(i).map_or(0.0, |n| column_of(i, n) as f64 * gap);
        (x, y.get(i).copied().unwrap_or(0.0) + BOX / 2.0)
    };
    let mut marks = String::new();
    for link in &path.links {
        let ((x0, y0), (x1, y1)) = (at(link.from), at(link.to));
        let x0 = x0 + box_width;
        let reach = ((x1 - x0) / 2.0).max(20.0);
        let _ = write!(
            out,
            "<path class=\"link {}\" d=\"M{x0} {y0}C{} {y0} {} {y1} {x1} {y1}\"/>",
            tone(link.verdict),
            x0 + reach,
            x1 - reach
        );
        // Near the end, where links that fan out have parted.
        mark(&mut marks, link.verdict, x1 - 20.0, y1 - (y1 - y0) * 0.04);
    }
    for (i, node) in path.nodes.iter().enumerate() {
        let into = worst_into(path, i);
        let (x, middle) = at(i);
        station(&mut out, node, into, x, middle - BOX / 2.0, box_width);
    }
    out + &marks + "</svg>"
}

fn worst_into(path: &PathReport, node: usize) -> Option<&PathLink> {
    path.links.iter().filter(|l| l.to == node).max_by_key(|l| match tone(l.verdict) {
        "bad" => 3,
        "warn" => 2,
        "none" => 1,
        _ => 0,
    })
}

fn narrow(path: &PathReport) -> String {
    // (station, link that leads to it, depth), in the order of the tree.
    let mut rows: Vec<(usize, Option<&PathLink>, usize)> = vec![(0, None, 0)];
    let mut next = 0;
    // Depth first: what a station leads to is put right behind it.
    while next < rows.len() && rows.len() < TREE_ROWS_MAX {
        let Some(&(node, _, depth)) = rows.get(next) else { break };
        let children: Vec<_> = if depth >= 4 {
            Vec::new()
        } else {
            path.links.iter().filter(|l| l.from == node).map(|l| (l.to, Some(l), depth + 1)).collect()
        };
        for (k, child) in children.into_iter().enumerate() {
            rows.insert((next + 1 + k).min(rows.len()), child);
        }
        next += 1;
    }
    let height = rows.len() as f64 * STEP;
    let mut out = format!(
        "<svg viewBox=\"0 0 {NARROW} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\">"
    );
    let mut marks = String::new();
    let x_of = |depth: usize| depth as f64 * 30.0;
    for (i, (node, link, depth)) in rows.iter().enumerate() {
        let x = x_of(*depth);
        let y = 2.0 + i as f64 * STEP;
        if let Some(link) = link {
            // The elbow from the parent, which is the last row above with a smaller depth.
            let parent = rows.iter().take(i).rposition(|(_, _, d)| d < depth).unwrap_or(0);
            let x0 = x_of(depth.saturating_sub(1)) + 14.0;
            let y0 = 2.0 + parent as f64 * STEP + BOX;
            let middle = y + BOX / 2.0;
            let _ = write!(out, "<path class=\"link {}\" d=\"M{x0} {y0}V{middle}H{x}\"/>", tone(link.verdict));
            mark(&mut marks, link.verdict, x0, middle);
        }
        if let Some(node) = path.nodes.get(*node) {
            station(&mut out, node, *link, x, y, NARROW - x - 2.0);
        }
    }
    out + &marks + "</svg>"
}

/// The same in words, for those who do not see the picture.
pub fn words(path: &PathReport) -> String {
    let mut out = String::from("<ul class=\"sr\">");
    for link in &path.links {
        let (Some(from), Some(to)) = (path.nodes.get(link.from), path.nodes.get(link.to)) else { continue };
        let (from, to) = (name(from), name(to));
        let said = said(link);
        let line = Message {
            en: format!("{} → {}: {}", from.en, to.en, said.en),
            ja: format!("{} → {}: {}", from.ja, to.ja, said.ja),
        };
        let _ = write!(out, "<li>{}</li>", super::escape::both(&line));
    }
    out + "</ul>"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> PathReport {
        let node = |kind, label: &str| PathNode { kind, label: label.into(), detail: String::new() };
        let link = |from, to, verdict| PathLink { from, to, verdict, text: Message::default() };
        PathReport {
            nodes: vec![
                node(PathNodeKind::Client, ""),
                node(PathNodeKind::Proxy, "px:3128"),
                node(PathNodeKind::Host, "<script>alert(1)</script>"),
                node(PathNodeKind::Host, "b"),
            ],
            links: vec![link(0, 1, Verdict::Ok), link(1, 2, Verdict::ProxyDenied), link(0, 3, Verdict::Ok)],
        }
    }

    #[test]
    fn the_broken_link_is_marked_once_a_shape_and_names_stay_text() {
        let svg = picture(&sample());
        assert_eq!(svg.matches("class=\"mark bad\"").count(), 2);
        assert!(!svg.contains("<script"));
        assert!(svg.contains("px:3128"));
    }

    #[test]
    fn a_path_of_circles_still_ends() {
        let mut path = sample();
        path.links.push(PathLink { from: 2, to: 1, verdict: Verdict::Ok, text: Message::default() });
        path.links.push(PathLink { from: 9, to: 7, verdict: Verdict::Ok, text: Message::default() });
        assert!(picture(&path).len() < 200_000);
    }
}
