//! Bytes → frames: what the containers have in common.
//!
//! What enters: a [`crate::input`] source. What leaves: [`Frame`]s in the order in which Wireshark numbers them, in
//! windows whose bytes stay borrowed only while the window is handed out. Guaranteed: frame numbers are 1-based and
//! rise, by one except where Wireshark numbers a block that holds no packet; damaged records become [`Problems`], never a panic; every window advances.

pub mod etl;
pub mod netmon;
pub mod pcap;
pub mod pcapng;

use crate::bytes::Cursor;
use crate::error::Error;
use crate::input::sniff::Container;
use crate::input::{ByteSource, Evidence, Kind};
pub use crate::input::{Room, Span};
use crate::limits;
use crate::message;
use crate::problem::Problems;
use crate::time::Timestamp;

/// A link type as in the registry of the tcpdump project (LINKTYPE_ values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: 4 bytes protocol family in host order.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// Raw IPv4 or IPv6.
    pub const RAW: LinkType = LinkType(101);
    /// 802.11 without a capture header.
    pub const IEEE802_11: LinkType = LinkType(105);
}

/// Which way a frame went, seen from the capturing machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The file does not say.
    #[default]
    Unknown,
    /// Received.
    Inbound,
    /// Sent.
    Outbound,
}

/// Where and why Windows dropped a packet (PktMon event 170).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropMark {
    /// PktMon component that dropped it.
    pub component: u16,
    /// Drop reason, as a number of the build that wrote the trace.
    pub reason: u32,
    /// Drop location, opaque.
    pub location: u32,
}

/// One frame; the bytes are borrowed from the window it came in.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'w> {
    /// 1-based number, as Wireshark shows it for the same file.
    pub number: u64,
    /// Time of capture. Frames without a time (simple packet blocks) have [`Timestamp`] 0 and `timed` false.
    pub time: Timestamp,
    /// Whether the container gave a time.
    pub timed: bool,
    /// Link type of `data`.
    pub link: LinkType,
    /// Captured bytes.
    pub data: &'w [u8],
    /// Bytes on the wire; never less than `data.len()`.
    pub original_len: u32,
    /// Index into [`CaptureInfo::interfaces`] (0 where the format knows none).
    pub interface: u32,
    /// Direction, where known.
    pub direction: Direction,
    /// Process id of the thread that ran when the frame was logged, where known (reliable on sends only).
    pub pid: Option<u32>,
    /// Thread id beside it.
    pub tid: Option<u32>,
    /// Set when this is the record of a drop inside Windows, not of a packet on a link.
    pub dropped: Option<DropMark>,
}

/// The container of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Classic pcap, all variants.
    Pcap,
    /// pcapng.
    PcapNg,
    /// ETL with NDIS-PacketCapture events.
    EtlNdis,
    /// ETL with PktMon events.
    EtlPktmon,
    /// ETL without packet events.
    Etl,
    /// Network Monitor 2.x.
    Netmon,
}

impl Format {
    /// The word used in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Format::Pcap => "pcap",
            Format::PcapNg => "pcapng",
            Format::EtlNdis => "etl_ndis",
            Format::EtlPktmon => "etl_pktmon",
            Format::Etl => "etl",
            Format::Netmon => "netmon",
        }
    }
}

/// One interface as the capture describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// Name (`if_name`, alias).
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Link type of its frames.
    pub link: u16,
    /// Snap length in bytes; 0 = unlimited.
    pub snaplen: u32,
    /// MAC address.
    pub mac: Option<[u8; 6]>,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// Windows interface index.
    pub if_index: Option<u32>,
}

/// A record of another kind than a packet that explains a failure: an event of TCPIP, DNS-Client, WinHTTP, Schannel
/// in an ETL file, decoded through its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemEvent {
    /// When.
    pub time: Timestamp,
    /// Provider name, e.g. `Microsoft-Windows-DNS-Client`.
    pub provider: String,
    /// Event id.
    pub id: u16,
    /// Process that logged it.
    pub pid: u32,
    /// What kind of explanation it is.
    pub kind: SystemEventKind,
    /// The rendered message or the fields, one line.
    pub text: String,
    /// Fields by name, as text.
    pub fields: Vec<(String, String)>,
}

/// What a [`SystemEvent`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemEventKind {
    /// A TCP connect that failed or timed out.
    ConnectFailure,
    /// A DNS client query or its result.
    Dns,
    /// Proxy detection or settings.
    Proxy,
    /// A request of WinHTTP, WebIO or WinINet.
    HttpRequest,
    /// A Schannel alert or error.
    TlsAlert,
    /// A process start, stop or rundown record.
    Process,
    /// Anything else that was asked for.
    Other,
}

/// What is known of a capture once it is read to the end.
#[derive(Debug, Clone, Default)]
pub struct CaptureInfo {
    /// Container.
    pub format: Option<Format>,
    /// Frames handed out.
    pub frames: u64,
    /// Copies left out (NDIS layers, PktMon components), not counted in `frames`.
    pub duplicates: u64,
    /// Times of the first and the last frame in file order.
    pub first_time: Option<Timestamp>,
    /// See `first_time`.
    pub last_time: Option<Timestamp>,
    /// Earliest and latest time of any frame.
    pub earliest: Option<Timestamp>,
    /// See `earliest`.
    pub latest: Option<Timestamp>,
    /// The file ends in the middle of a record.
    pub truncated: bool,
    /// Packets the capturing system says it lost (drop counters, EventsLost).
    pub lost: u64,
    /// Interfaces in order of their index.
    pub interfaces: Vec<Interface>,
    /// Process names by pid, where the capture knows them (ETL process events).
    pub processes: Vec<(u32, String)>,
    /// Explaining events beside the packets.
    pub events: Vec<SystemEvent>,
    /// Names of PktMon components and drop reasons met in the file: (component id → name), (reason → text).
    pub component_names: Vec<(u16, String)>,
    /// See `component_names`.
    pub drop_reasons: Vec<(u32, String)>,
    /// TLS secrets found in the capture (pcapng decryption secrets blocks of type TLS key log).
    pub tls_secrets: Vec<u8>,
    /// Names the capture resolves itself (pcapng name resolution blocks): address → names.
    pub names: Vec<(std::net::IpAddr, String)>,
    /// Offset of local time in the traced machine, minutes east of UTC, where known.
    pub utc_offset_minutes: Option<i32>,
    /// Why an ETL holds no packets, in words, where it holds none.
    pub no_packets_because: Option<crate::lang::Message>,
    /// Trouble met while reading.
    pub problems: Problems,
}

impl CaptureInfo {
    /// Counts a frame and its time; every source calls it for each frame it hands out.
    pub fn count(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        self.see_time(frame);
    }

    /// Takes the time of a frame into account: of one handed out, or of a copy that the file holds and that was left
    /// out.
    pub fn see_time(&mut self, frame: &Frame<'_>) {
        if !frame.timed {
            return;
        }
        let t = frame.time;
        // Mostly it is later than all before.
        if let (Some(earliest), Some(latest)) = (self.earliest, self.latest)
            && earliest <= t
            && latest <= t
        {
            (self.last_time, self.latest) = (Some(t), Some(t));
            return;
        }
        self.first_time.get_or_insert(t);
        self.last_time = Some(t);
        self.earliest = Some(self.earliest.map_or(t, |e| e.min(t)));
        self.latest = Some(self.latest.map_or(t, |e| e.max(t)));
    }
}

/// A window that was read.
#[derive(Debug)]
pub struct Window<'w> {
    /// The bytes in which its frames lie.
    pub room: &'w Room,
    /// False at the end of the capture.
    pub more: bool,
}

/// A reader of one container.
pub trait FrameSource: Send {
    /// Reads the next window into `room`, which the caller keeps for as long as it needs the frames; they are added to
    /// `frames`, in order.
    ///
    /// # Errors
    /// Only when nothing could be read at all; later trouble is a problem in [`FrameSource::finish`].
    fn read<'w>(&mut self, room: &'w mut Room, frames: &mut Vec<Frame<'w>>) -> Result<Window<'w>, Error>;

    /// Hands the frames of the next window to `sink`, in order; returns `false` at the end.
    ///
    /// # Errors
    /// As [`FrameSource::read`].
    fn window(&mut self, sink: &mut dyn FnMut(&[Frame<'_>])) -> Result<bool, Error> {
        let (mut room, mut frames) = (Room::default(), Vec::new());
        let more = self.read(&mut room, &mut frames)?.more;
        if !frames.is_empty() {
            sink(&frames);
        }
        Ok(more)
    }

    /// Bytes of input consumed so far, for progress.
    fn position(&self) -> u64;

    /// What is known of the capture, after the last window.
    fn finish(self: Box<Self>) -> CaptureInfo;
}

/// How a capture is read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// Bytes worked off at a time.
    pub window_bytes: usize,
    /// Hand out every copy that Windows logged of a packet, not only the first.
    pub keep_duplicates: bool,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions { window_bytes: limits::WINDOW_BYTES, keep_duplicates: false }
    }
}

/// Opens the capture in `evidence` and gives its reader to `work`; the reader may borrow what was mapped for it.
///
/// # Errors
/// When the evidence cannot be opened, is no capture, or nothing of it can be read.
pub fn with_source<R>(
    evidence: &Evidence,
    options: &ReadOptions,
    work: impl FnOnce(Box<dyn FrameSource + '_>) -> R,
) -> Result<R, Error> {
    let window = options.window_bytes;
    let Kind::Capture(container) = evidence.kind else {
        let reason = message!(en: "not a capture", ja: "キャプチャではありません");
        return Err(Error::Unsupported { path: evidence.path.clone().into(), reason });
    };
    let named = |e: Error| e.at(&evidence.path);
    match container {
        Container::Etl => {
            let bytes = evidence.whole()?;
            let source = etl::EtlSource::open(&bytes, window).map_err(named)?;
            Ok(work(Box::new(source.keep_duplicates(options.keep_duplicates))))
        }
        Container::Netmon => Ok(work(Box::new(netmon::NetmonSource::new(evidence.whole()?, window).map_err(named)?))),
        Container::PcapNg => {
            let source = pcapng::PcapngSource::new(evidence.source()?, window).map_err(named)?;
            Ok(work(Box::new(source.keep_duplicates(options.keep_duplicates))))
        }
        container => Ok(work(open(container, evidence.source()?, window).map_err(named)?)),
    }
}

/// A reader for a container that is read from front to back: pcap and pcapng.
///
/// # Errors
/// When the container is another one, or nothing can be read.
pub fn open(container: Container, source: ByteSource, window: usize) -> Result<Box<dyn FrameSource>, Error> {
    Ok(match container {
        Container::Pcap => Box::new(pcap::PcapSource::new(source, window)?),
        Container::PcapNg => Box::new(pcapng::PcapngSource::new(source, window)?),
        _ => {
            let reason =
                message!(en: "no capture that is read from the front", ja: "先頭から読めるキャプチャではありません");
            return Err(Error::Unsupported { path: std::path::PathBuf::new(), reason });
        }
    })
}

/// The order of bytes that a container was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, c: &mut Cursor<'_>) -> Option<u16> {
        match self {
            ByteOrder::Little => c.u16_le(),
            ByteOrder::Big => c.u16_be(),
        }
    }

    fn u32(self, c: &mut Cursor<'_>) -> Option<u32> {
        match self {
            ByteOrder::Little => c.u32_le(),
            ByteOrder::Big => c.u32_be(),
        }
    }

    fn value(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    fn u64(self, c: &mut Cursor<'_>) -> Option<u64> {
        match self {
            ByteOrder::Little => c.u64_le(),
            ByteOrder::Big => c.u64_be(),
        }
    }
}

/// The longest frame that is believed: D-Bus messages, USB transfers and EBHSCR may be larger than network frames.
fn frame_bytes_max(link: LinkType) -> usize {
    if matches!(link.0, 231 | 249 | 279) { limits::RECORD_BYTES_MAX } else { limits::FRAME_BYTES_MAX }
}

/// The allocation of `frames` for the next window. Nothing is left in it, so nothing is borrowed: collecting an
/// emptied vector into the same layout reuses its memory.
pub(crate) fn emptied<'w>(mut frames: Vec<Frame<'_>>) -> Vec<Frame<'w>> {
    frames.clear();
    frames.into_iter().map_while(|_| None).collect()
}

/// Notes that the input ends in the middle of a record.
fn note_truncated(problems: &mut Problems, frame: u64, offset: u64) {
    problems.note("truncated", Some(frame), Some(offset), || {
        message!(
            en: "the capture ends in the middle of a record: it was cut short, or the capture was still running",
            ja: "キャプチャがレコードの途中で終わっています。途中で切れたか、取得中にコピーされた可能性があります"
        )
    });
}

/// Notes why the input ended, when it was not its end: a bad disk, a damaged gzip, a budget.
fn note_broken_input(source: &ByteSource, info: &mut CaptureInfo) {
    if let Some(reason) = source.broken() {
        info.truncated = true;
        info.problems.note("input_broken", None, Some(source.position()), || {
            message!(
                en: "the input could only be read up to here: {reason}",
                ja: "入力をここまでしか読めませんでした: {reason}"
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_window_is_used_again() {
        let frames: Vec<Frame<'_>> = Vec::with_capacity(100);
        let place = frames.as_ptr().addr();
        let frames = emptied(frames);
        assert_eq!((frames.as_ptr().addr(), frames.capacity()), (place, 100));
    }
}
