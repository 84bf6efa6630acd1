//! Windows event traces (`NetTrace.etl`, `PktMon.etl`, any other ETL) → frames, on any system.
//!
//! What enters: the bytes of the file, with random access. What leaves: packets of NDIS-PacketCapture, PktMon and
//! RAS-NdisWan in one time order, each once, and everything else the trace tells, in [`CaptureInfo`]. Guaranteed:
//! damage costs the buffer it is in, memory is bounded by the number of processors and the window, and what is not
//! known here is skipped by its size and counted.

mod absence;
mod census;
mod config;
mod container;
pub mod event;
pub mod guid;
mod layout;
mod merge;
mod names;
pub mod ndis;
mod packet;
pub mod pktmon;
mod process;
mod queue;
pub mod schema;
mod shape;
mod status;
pub mod system_event;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod value;
pub mod xpress;
mod zone;

pub use census::{Census, Row, census, listing};
pub use container::LogHeader;

use crate::capture::{CaptureInfo, Format, Frame, FrameSource, Interface, Window};
use crate::error::Error;
use crate::input::{Bytes, Room};
use crate::message;
use crate::problem::Problems;
use absence::Providers;
use config::Config;
use container::Index;
use event::Kind;
use merge::{Item, Merger};
use ndis::Joiner;
use packet::{Packet, Site};
use pktmon::Components;
use queue::Queue;
use schema::Schemas;
use std::collections::BTreeSet;
use system_event::Collector;

/// Bytes of events after which a window ends though it holds few packets, so that progress is seen.
const QUIET_BYTES: u64 = 64 << 20;

/// Different drop reasons that are named: Windows knows some hundreds.
const DROP_REASONS_MAX: usize = 4096;

/// A reader of one ETL file.
pub struct EtlSource<'a> {
    merger: Merger<'a>,
    trace: Trace<'a>,
    index: Index,
    ended: bool,
}

/// What the events of a trace become.
struct Trace<'a> {
    index_clock: container::Clock,
    queue: Queue<'a>,
    joiner: Joiner,
    components: Components,
    config: Config,
    schemas: Schemas,
    system: Collector,
    drop_reasons: BTreeSet<u32>,
    tally: Tally,
    providers: Providers,
    info: CaptureInfo,
}

/// Events by what they are, to choose the format and to explain a trace without packets.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    events: u64,
    ndis_packets: u64,
    pktmon_packets: u64,
    pktmon_drops: u64,
    ras_packets: u64,
    ndis_other: u64,
    pktmon_other: u64,
    merge_records: u64,
    cut_packets: u64,
}

impl<'a> EtlSource<'a> {
    /// Opens a trace; windows of about `window_bytes` are handed out.
    ///
    /// # Errors
    /// When `data` is no ETL file or ends inside the trace header.
    pub fn open(data: &'a Bytes, window_bytes: usize) -> Result<Self, Error> {
        let mut problems = Problems::default();
        let mut index = container::index(data, &mut problems)?;
        let merger = Merger::new(data, &mut index, &mut problems);
        let trace = Trace {
            index_clock: index.header.clock,
            queue: Queue::new(data, window_bytes),
            joiner: Joiner::default(),
            components: Components::default(),
            config: Config::default(),
            schemas: Schemas::default(),
            system: Collector::default(),
            drop_reasons: BTreeSet::new(),
            tally: Tally::default(),
            providers: Providers::default(),
            info: CaptureInfo { problems, ..CaptureInfo::default() },
        };
        Ok(EtlSource { merger, trace, index, ended: false })
    }

    /// Hands out every record of a packet (each NDIS layer, each PktMon component) as a frame of its own.
    pub fn keep_duplicates(mut self, keep: bool) -> Self {
        self.trace.queue.keep_duplicates(keep);
        self
    }

    /// What the trace header says.
    pub fn header(&self) -> &LogHeader {
        &self.index.header
    }
}

impl FrameSource for EtlSource<'_> {
    fn read<'w>(&mut self, room: &'w mut Room, frames: &mut Vec<Frame<'w>>) -> Result<Window<'w>, Error> {
        room.clear();
        if self.ended {
            return Ok(Window { room, more: false });
        }
        let trace = &mut self.trace;
        let mut quiet = 0u64;
        while !trace.queue.is_full() && quiet < QUIET_BYTES {
            // Trouble met while merging is counted in the same place as that of the events.
            let Some(item) = self.merger.next(&mut trace.info.problems) else {
                self.ended = true;
                ndis::note_unfinished(&mut trace.info.problems, trace.joiner.unfinished());
                trace.queue.end();
                break;
            };
            quiet += item.bytes.len() as u64;
            match ndis::whole_packet(item.bytes) {
                Some(packet) => trace.take_whole(&packet, &item),
                None => trace.take(&item),
            }
        }
        let room = trace.queue.hand_out(&mut trace.info, room, frames);
        Ok(Window { room, more: !self.ended })
    }

    fn position(&self) -> u64 {
        if self.ended { self.index.bytes } else { self.merger.consumed.min(self.index.bytes) }
    }

    fn finish(self: Box<Self>) -> CaptureInfo {
        let EtlSource { trace, index, .. } = *self;
        trace.finish(&index)
    }
}

impl Trace<'_> {
    /// The short way, for what nearly every event of a capture is.
    #[inline(always)]
    fn take_whole(&mut self, packet: &Packet<'_>, item: &Item<'_>) {
        self.tally.events += 1;
        self.tally.ndis_packets += 1;
        self.queue.push(packet, self.index_clock.time(item.time), item.file_offset, &mut self.info);
    }

    #[inline(never)]
    fn take(&mut self, item: &Item<'_>) {
        let Some(event) = &item.event() else { return };
        self.tally.events += 1;
        let time = self.index_clock.time(item.time);
        let problems = &mut self.info.problems;
        if event.bad_ext {
            problems.note("etl_extended_item", None, item.file_offset.map(|o| o as u64), || {
                message!(
                    en: "an event's extended items are damaged; its data may be read from the wrong place",
                    ja: "イベントの拡張項目が壊れています。データの位置がずれている可能性があります"
                )
            });
        }
        let packet = match (event.kind, event.provider) {
            (Kind::Event, guid::NDIS_PACKET_CAPTURE) => match event.id {
                1001 | 1003 => {
                    self.tally.ndis_packets += 1;
                    self.joiner.packet(event, problems)
                }
                _ => {
                    self.tally.ndis_other += 1;
                    None
                }
            },
            (Kind::Event, guid::PKTMON) => match event.id {
                pktmon::FLOWING | pktmon::DROPPED => {
                    self.tally.pktmon_packets += 1;
                    self.tally.pktmon_drops += u64::from(event.id == pktmon::DROPPED);
                    pktmon::packet(event, problems)
                }
                _ => {
                    self.tally.pktmon_other += 1;
                    self.components.take(event);
                    None
                }
            },
            (Kind::Event, guid::RAS_NDISWAN) if matches!(event.id, 5001 | 5002) => {
                self.tally.ras_packets += 1;
                ndis::ras(event, problems)
            }
            (Kind::Classic, guid::EVENT_METADATA | guid::SYSTEM_CONFIG | guid::WINSAT | guid::IMAGE_ID) => {
                self.tally.merge_records += 1;
                self.config.take(event);
                self.schemas.take(event);
                None
            }
            _ => {
                self.providers.count(event.provider, event.group);
                self.system.take(event, time);
                None
            }
        };
        if let Some(packet) = packet {
            self.tally.cut_packets += u64::from((packet.data.len() as u64) < u64::from(packet.original_len));
            if let Some(drop) = packet.dropped
                && self.drop_reasons.len() < DROP_REASONS_MAX
            {
                self.drop_reasons.insert(drop.reason);
            }
            self.queue.push(&packet, time, item.file_offset, &mut self.info);
        }
    }

    fn finish(mut self, index: &Index) -> CaptureInfo {
        let header = &index.header;
        let tally = self.tally;
        self.info.interfaces = self.queue.interfaces.iter().map(|key| self.interface(key)).collect();
        let mut info = self.info;
        info.format = Some(if tally.ndis_packets + tally.ras_packets > 0 {
            Format::EtlNdis
        } else if tally.pktmon_packets > 0 {
            Format::EtlPktmon
        } else {
            Format::Etl
        });
        info.truncated = index.cut;
        info.lost = u64::from(header.events_lost);
        info.utc_offset_minutes = Some(header.utc_offset_minutes);
        info.component_names = self
            .components
            .table
            .iter()
            .map(|(id, c)| {
                (*id, if c.description.is_empty() { c.name.clone() } else { format!("{} ({})", c.name, c.description) })
            })
            .collect();
        info.drop_reasons = drop_reasons(&self.drop_reasons, &self.schemas);
        (info.events, info.processes) = self.system.finish(&self.schemas, &mut info.problems);
        note_session(index, &mut info.problems);
        absence::note_partial(&tally, &self.components, &mut info.problems);
        if info.frames == 0 {
            info.no_packets_because =
                Some(absence::explain(index, &tally, &self.components, &self.providers, &self.schemas));
        }
        info
    }

    /// Describes an interface from the tables of the trace.
    fn interface(&self, key: &queue::InterfaceKey) -> Interface {
        let mut interface = Interface { link: key.link.0, ..Interface::default() };
        match key.site {
            Site::Ndis { miniport, lower } => {
                interface.if_index = Some(miniport);
                if let Some(row) = self.config.row(miniport) {
                    interface.name = Some(row.alias.clone());
                    interface.description = Some(row.description.clone());
                    (interface.mac, interface.mtu) = (row.mac, Some(row.mtu));
                }
                if lower != miniport {
                    let layer = self.config.row(lower).map_or_else(|| format!("#{lower}"), |r| r.alias.clone());
                    interface.description = Some(match interface.description {
                        Some(d) => format!("{d} / {layer}"),
                        None => layer,
                    });
                }
            }
            Site::Pktmon { component, .. } => {
                if let Some(c) = self.components.table.get(&component) {
                    interface.if_index = c.if_index;
                    interface.mac = c.mac;
                    interface.name = Some(c.name.clone()).filter(|n| !n.is_empty());
                    interface.description = Some(c.description.clone()).filter(|d| !d.is_empty());
                    if let Some(row) = c.if_index.and_then(|i| self.config.row(i)) {
                        interface.mtu = Some(row.mtu);
                        interface.mac = interface.mac.or(row.mac);
                        // Adapters are known to people by their alias, not by their driver.
                        if c.kind == 2 && !row.alias.is_empty() {
                            interface.name = Some(row.alias.clone());
                        }
                    }
                }
            }
            Site::Ras => interface.name = Some("RAS".to_owned()),
        }
        interface
    }
}

/// The words for drop reasons: the trace's own map first (the numbers changed between builds), then those of known builds.
fn drop_reasons(met: &BTreeSet<u32>, schemas: &Schemas) -> Vec<(u32, String)> {
    let own = schemas.map(guid::PKTMON, "DropReason").unwrap_or(&[]);
    let text = |reason: u32| {
        let own = own.iter().find(|(n, _)| *n == reason).map(|(_, t)| t.as_str());
        own.filter(|t| !t.is_empty()).or_else(|| crate::knowledge::pktmon_maps::drop_reason(reason))
    };
    met.iter().filter_map(|reason| Some((*reason, text(*reason)?.to_owned()))).collect()
}

/// What the header says about losses and about the session's end.
fn note_session(index: &Index, problems: &mut Problems) {
    let header = &index.header;
    problems.note_many("etl_events_lost", u64::from(header.events_lost), None, None, || {
        message!(
            en: "the tracing session lost events: packets missing from this trace are no proof of loss on the network. \
                 Use a faster disk, fewer providers, or larger buffers (netsh trace start ... bufferSize=1024)",
            ja: "トレースセッションがイベントを取りこぼしています。このトレースにないパケットがあっても、ネットワークでの損失とは\
                 言えません。高速なディスクの使用、プロバイダーの削減、バッファーの拡大 (netsh trace start ... bufferSize=1024) を\
                 検討してください"
        )
    });
    problems.note_many("etl_buffers_lost", u64::from(header.buffers_lost).max(index.loss_marks), None, None, || {
        message!(
            en: "the tracing session lost whole buffers; packets missing from this trace are no proof of loss on the network",
            ja: "トレースセッションがバッファー単位で取りこぼしています。このトレースにないパケットがあっても、ネットワークでの損失とは\
                 言えません"
        )
    });
    if index.cut {
        problems.note("etl_cut", None, Some(index.bytes), || {
            message!(
                en: "the file ends in the middle of a buffer: it was cut while it was written, copied or sent",
                ja: "バッファーの途中でファイルが終わっています。書き込み、コピー、送信のいずれかで途切れています"
            )
        });
    }
    if !header.is_closed() {
        problems.note("etl_not_closed", None, None, || {
            message!(
                en: "the session was not stopped when this file was taken (no netsh trace stop / pktmon stop): the last \
                     events and the names of interfaces may be missing",
                ja: "セッションが停止される前のファイルです (netsh trace stop / pktmon stop が未実行)。最後のイベントや\
                     インターフェイス名が含まれていない可能性があります"
            )
        });
    }
    if header.is_circular() {
        problems.note("etl_circular", None, None, || {
            message!(
                en: "a circular trace: what happened before its first event was overwritten, so connections may begin in \
                     the middle",
                ja: "循環ログのトレースです。最初のイベントより前の内容は上書きされており、途中から始まる接続がある可能性があります"
            )
        });
    }
}
