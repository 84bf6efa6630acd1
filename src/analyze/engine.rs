//! One capture: frames → packets → flows → facts.
//!
//! Windows of frames are decoded and fed to the flow table; what the table gives at the end becomes the capture's
//! facts, in an order that depends on the frames alone.

use crate::capture::FrameSource;
use crate::error::Error;
use crate::facts::{CaptureFacts, DropFact};
use crate::flow::finished::FinishedFlows;
use crate::flow::table::{FlowLimits, FlowTable};
use crate::lang::Message;
use crate::message;
use crate::packet::decoder::{DecodeStats, Decoder};
use crate::packet::fast;
use crate::protocol::{Context, Dissector};
use std::sync::Arc;

/// Reads a capture to its end. `progress` is told the position in the input after each window.
pub fn read(
    mut source: Box<dyn FrameSource + '_>,
    context: Arc<Context>,
    progress: &mut dyn FnMut(u64),
) -> Result<CaptureFacts, Error> {
    let mut decoder = Decoder::new();
    let mut table: FlowTable<Dissector> = FlowTable::new(context, FlowLimits::share_of(1));
    loop {
        let more = source.window(&mut |frames| {
            for frame in frames {
                match fast::decode(frame) {
                    Some(packet) => table.packet(&packet),
                    None => decoder.decode(frame, &mut |packet| table.packet(packet)),
                }
            }
        })?;
        progress(source.position());
        if !more {
            break;
        }
    }
    Ok(facts(source, decoder.finish(), FinishedFlows::from_shards([table.finish()])))
}

fn facts(
    source: Box<dyn FrameSource + '_>,
    decoded: DecodeStats,
    mut finished: FinishedFlows<Dissector>,
) -> CaptureFacts {
    let mut info = source.finish();
    info.problems.merge(decoded.problems);
    for (link, frames) in &decoded.unsupported_links {
        info.problems.note_many("unsupported_link", *frames, None, None, || unsupported_link(*link));
    }
    for (what, packets) in &decoded.opaque {
        info.problems.note_many(what.code(), *packets, None, None, || what.text().into());
    }
    info.problems.note_many("flows_given_up", finished.given_up, None, None, || {
        message!(
            en: "more flows than the limit: the ones with nothing to tell were only counted",
            ja: "フロー数が上限を超えたため、情報のないものは件数のみ記録",
        )
    });
    let drops = std::mem::take(&mut finished.drops)
        .into_iter()
        .map(|d| DropFact {
            at: d.at,
            mark: d.mark,
            component: named(&info.component_names, d.mark.component, "component"),
            reason: named(&info.drop_reasons, d.mark.reason, "reason"),
            ends: d.ends,
            protocol: d.protocol,
            flow: d.flow,
        })
        .collect();
    let mut out = CaptureFacts {
        unsupported_links: decoded.unsupported_links,
        conversations: finished.conversations,
        flows_dropped: finished.given_up,
        icmp: std::mem::take(&mut finished.icmp),
        drops,
        ..CaptureFacts::default()
    };
    for one in finished.flows() {
        let mut flow = one.into_facts(|sink| sink.finish());
        let stream = flow.stream;
        out.dns.extend(std::mem::take(&mut flow.app.dns).into_iter().map(|mut m| {
            m.stream = stream;
            m
        }));
        if let Some(process) = &mut flow.process
            && process.name.is_none()
        {
            process.name = info.processes.iter().find(|(pid, _)| *pid == process.pid).map(|(_, n)| n.clone());
        }
        out.flows.push(flow);
    }
    out.dns.sort_by_key(|m| m.at.frame);
    info.problems.sort();
    out.info = info;
    out
}

fn unsupported_link(link: u16) -> Message {
    match crate::packet::link_name(link) {
        Some(name) => message!(
            en: "frames of link type {link} ({name}) are not read",
            ja: "リンク タイプ {link} ({name}) のフレームは読み取れない",
        ),
        None => message!(
            en: "frames of link type {link} are not read",
            ja: "リンク タイプ {link} のフレームは読み取れない",
        ),
    }
}

fn named<K: PartialEq + Copy + std::fmt::Display>(names: &[(K, String)], key: K, what: &str) -> String {
    names.iter().find(|(k, _)| *k == key).map_or_else(|| format!("{what} {key}"), |(_, n)| n.clone())
}
