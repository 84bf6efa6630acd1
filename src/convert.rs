//! Any capture as pcapng: frames → blocks.
//!
//! What enters: a piece of evidence that is a capture. What leaves: a pcapng file in which Wireshark shows frame `n`
//! where this program speaks of frame `n` (for event traces; other containers keep the numbers they have, except
//! that blocks without packets are left out). Guaranteed: works in windows, so a capture of any size passes through a
//! fixed amount of memory; process, thread and drops are kept in the options and the comment that etl2pcapng uses.
//!
//! The format: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>, written little-endian.

mod order;

use crate::capture::{CaptureInfo, Direction, Frame, Interface, ReadOptions, with_source};
use crate::cli;
use crate::error::Error;
use crate::input::{self, Evidence, Kind};
use crate::message;
use crate::output::{Output, refuse_evidence};
use crate::progress::say;
use crate::time::Timestamp;
use order::Order;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::iter;
use std::path::{Path, PathBuf};

/// Bytes collected before they are written.
const FLUSH_BYTES: usize = 256 << 10;
/// Longest text of an option; the length field has 16 bits.
const OPTION_BYTES_MAX: usize = 0xffff;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

/// Converts the one capture in `input` (a file, or an archive with one capture in it) to `output`; `-` is standard
/// input and output.
///
/// The TLS secrets in `secrets` (a key log, or nothing) go into the file, so that Wireshark opens the sessions.
///
/// # Errors
/// When names were to be hidden, there is no capture or more than one, nothing of it can be read, or writing fails; then
/// what was in the output's place before still is.
pub fn run(input: &PathBuf, output: &Path, secrets: Vec<u8>, options: &cli::Options) -> Result<(), Error> {
    if options.redact {
        return Err(Error::Usage(message!(
            en: "--redact hides names in reports and facts; the packets of a capture are written as they are, so leave it out",
            ja: "--redact はレポートと facts の名前を置き換えるものです。convert はパケットをそのまま書き出すため、指定できません",
        )));
    }
    let found = input::open(std::slice::from_ref(input), &input::Options { mmap: !options.no_mmap });
    refuse_evidence(Some(output), iter::once(input).chain(&options.keylogs), &found, |_| true)?;
    let captures = found.iter().filter(|e| matches!(e.kind, Kind::Capture(_)) && e.duplicate_of.is_none());
    let captures: Vec<&Evidence> = captures.collect();
    let evidence = match captures.as_slice() {
        [one] => *one,
        [] => {
            let reason = match found.first() {
                Some(Evidence { kind: Kind::Unknown(reason), .. }) => reason.clone(),
                _ => message!(en: "no capture", ja: "キャプチャがありません"),
            };
            return Err(Error::Unsupported { path: input.to_path_buf(), reason });
        }
        several => {
            let names: Vec<_> = several.iter().map(|e| e.path.as_str()).collect();
            let (count, names) = (several.len(), names.join(", "));
            return Err(Error::Usage(message!(
                en: "{count} captures, but one output: {names}",
                ja: "キャプチャが {count} 個ありますが、出力は 1 個です: {names}",
            )));
        }
    };
    let read = ReadOptions { window_bytes: options.window, keep_duplicates: options.keep_duplicates };
    let mut out = Output::open(Some(output))?;
    let info = convert(evidence, &read, secrets, &mut out, output)?;
    out.finish()?;
    if options.verbosity >= 0 {
        for problem in info.problems.iter() {
            say(&format!("{}: {}", evidence.path, problem.message.get(options.lang)));
        }
        if let Some(reason) = info.no_packets_because.as_ref().filter(|_| info.frames == 0) {
            say(&format!("{}: {}", evidence.path, reason.get(options.lang)));
        }
    }
    if options.verbosity > 0 {
        let (count, output) = (info.frames, output.display());
        let text = message!(en: "{output}: {count} frames", ja: "{output}: {count} フレーム");
        say(text.get(options.lang));
    }
    Ok(())
}

/// Writes the capture in `evidence` to `out` and gives what is known of it.
///
/// Interfaces and secrets must be written before the packets, but event traces name their interfaces at the end, and
/// only the end tells whether frames stand out of order: so what can be read twice is read twice. `secrets` go in front
/// of those that the capture has. `out_path` only names the output in errors.
///
/// # Errors
/// When nothing of the capture can be read, or writing fails.
pub fn convert(
    evidence: &Evidence,
    options: &ReadOptions,
    mut secrets: Vec<u8>,
    out: &mut dyn Write,
    out_path: &Path,
) -> Result<CaptureInfo, Error> {
    let mut order = Order::default();
    let mut before = if evidence.is_rereadable() {
        read_through(evidence, options, &mut |frames| {
            frames.iter().for_each(|f| order.see(f));
            Ok(())
        })?
    } else {
        CaptureInfo::default()
    };
    secrets.append(&mut before.tls_secrets);
    before.tls_secrets = secrets;
    let mut sorter = order.sorter();
    let mut writer = Writer::new(before);
    let failed = |source| Error::Io { path: out_path.to_path_buf(), source };
    writer.section();
    let info = read_through(evidence, options, &mut |frames| {
        for frame in frames {
            match &mut sorter {
                None => writer.frame(frame),
                Some(sorter) => {
                    sorter.push(frame);
                    while let Some(held) = sorter.pop_ready() {
                        writer.frame(&held.frame());
                    }
                }
            }
            if writer.buffer.len() >= FLUSH_BYTES {
                writer.flush(out)?;
            }
        }
        Ok(())
    });
    let mut info = match info {
        Err(Error::Io { path, source }) if path.as_os_str().is_empty() => return Err(failed(source)),
        other => other?,
    };
    if let Some(mut sorter) = sorter {
        while let Some(held) = sorter.pop() {
            writer.frame(&held.frame());
            if writer.buffer.len() >= FLUSH_BYTES {
                writer.flush(out).map_err(failed)?;
            }
        }
        info.problems.note_many("reordered", order.backwards, None, None, || {
            message!(
                en: "frames stood out of order of time in the capture and were sorted; their numbers differ from the original",
                ja: "キャプチャ内で時刻順でないフレームを並べ替えました。番号は元のファイルと異なります"
            )
        });
    }
    writer.statistics(&info);
    writer.flush(out).and_then(|()| out.flush()).map_err(failed)?;
    Ok(info)
}

/// Hands all frames to `take`; an error of `take` ends it and comes back as an I/O error without a path.
fn read_through(
    evidence: &Evidence,
    options: &ReadOptions,
    take: &mut dyn FnMut(&[Frame<'_>]) -> io::Result<()>,
) -> Result<CaptureInfo, Error> {
    with_source(evidence, options, |mut source| {
        loop {
            let mut result = Ok(());
            let more = source.window(&mut |frames| {
                if result.is_ok() {
                    result = take(frames);
                }
            })?;
            if let Err(source) = result {
                return Err(Error::Io { path: Default::default(), source });
            }
            if !more {
                return Ok(source.finish());
            }
        }
    })?
}

/// Builds blocks in a buffer.
struct Writer {
    buffer: Vec<u8>,
    /// Interfaces, processes, names of components and reasons, and secrets, as far as they were read before.
    known: CaptureInfo,
    /// The block number of each (interface, link type) that was described.
    interfaces: BTreeMap<(u32, u16), u32>,
    comment: String,
    last_time: Timestamp,
}

impl Writer {
    fn new(known: CaptureInfo) -> Writer {
        Writer {
            buffer: Vec::with_capacity(FLUSH_BYTES * 2),
            known,
            interfaces: BTreeMap::new(),
            comment: String::new(),
            last_time: Timestamp(0),
        }
    }

    fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes one block, whose body `fill` appends.
    fn block(&mut self, kind: u32, fill: impl FnOnce(&mut Writer)) {
        let start = self.buffer.len();
        self.buffer.extend(kind.to_le_bytes());
        self.buffer.extend([0; 4]);
        fill(self);
        self.pad();
        let length = (self.buffer.len() - start + 4) as u32;
        self.buffer.extend(length.to_le_bytes());
        if let Some(place) = self.buffer.get_mut(start + 4..start + 8) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }

    /// Fills up to a multiple of four; blocks begin at one, so the buffer's length serves.
    fn pad(&mut self) {
        let length = self.buffer.len().next_multiple_of(4);
        self.buffer.resize(length, 0);
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        let value = value.get(..OPTION_BYTES_MAX).unwrap_or(value);
        self.buffer.extend(code.to_le_bytes());
        self.buffer.extend((value.len() as u16).to_le_bytes());
        self.buffer.extend(value);
        self.pad();
    }

    fn text_option(&mut self, code: u16, text: &str) {
        let most = text.len().min(OPTION_BYTES_MAX);
        // A character has up to four bytes; the text ends before one that would be cut.
        let whole = (most.saturating_sub(3)..=most).rev().find_map(|end| text.get(..end));
        self.option(code, whole.unwrap_or("").as_bytes());
    }

    fn end_of_options(&mut self) {
        self.buffer.extend([0; 4]);
    }

    /// The section header, and the TLS secrets, which must precede what they decrypt.
    fn section(&mut self) {
        self.block(SECTION_HEADER, |w| {
            w.buffer.extend(0x1a2b_3c4d_u32.to_le_bytes());
            w.buffer.extend([1, 0, 0, 0]);
            w.buffer.extend(u64::MAX.to_le_bytes()); // The length is not known beforehand.
            w.text_option(4, concat!("nettriage ", env!("CARGO_PKG_VERSION")));
            w.end_of_options();
        });
        let secrets = std::mem::take(&mut self.known.tls_secrets);
        if !secrets.is_empty() {
            self.block(DECRYPTION_SECRETS, |w| {
                w.buffer.extend(0x544c_534b_u32.to_le_bytes());
                w.buffer.extend((secrets.len() as u32).to_le_bytes());
                w.buffer.extend(&secrets);
            });
        }
    }

    /// The number of the interface of a frame, which is described first if it was not yet.
    fn interface(&mut self, frame: &Frame<'_>) -> u32 {
        let key = (frame.interface, frame.link.0);
        if let Some(number) = self.interfaces.get(&key) {
            return *number;
        }
        let number = self.interfaces.len() as u32;
        self.interfaces.insert(key, number);
        let Interface { name, description, snaplen, mac, if_index, .. } =
            self.known.interfaces.get(frame.interface as usize).cloned().unwrap_or_default();
        // Wireshark looks at the name only; what etl2pcapng calls an interface tells its Windows index.
        let name = name.or_else(|| if_index.map(|index| format!("eth:{index}:0")));
        self.block(INTERFACE_DESCRIPTION, |w| {
            w.buffer.extend(frame.link.0.to_le_bytes());
            w.buffer.extend([0; 2]);
            w.buffer.extend(snaplen.to_le_bytes());
            if let Some(name) = name {
                w.text_option(2, &name);
            }
            if let Some(description) = description {
                w.text_option(3, &description);
            }
            if let Some(mac) = mac {
                w.option(6, &mac);
            }
            w.option(9, &[9]); // Nanoseconds.
            w.end_of_options();
        });
        number
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        let interface = self.interface(frame);
        // A frame without a time stands where it stood in the file.
        let time = if frame.timed { frame.time } else { self.last_time };
        self.last_time = time;
        let ticks = u64::try_from(time.0).unwrap_or(0);
        self.comment_for(frame);
        self.block(ENHANCED_PACKET, |w| {
            w.buffer.extend(interface.to_le_bytes());
            w.buffer.extend(((ticks >> 32) as u32).to_le_bytes());
            w.buffer.extend((ticks as u32).to_le_bytes());
            w.buffer.extend((frame.data.len() as u32).to_le_bytes());
            w.buffer.extend(frame.original_len.to_le_bytes());
            w.buffer.extend(frame.data);
            w.pad();
            w.packet_options(frame);
        });
    }

    /// The options of a packet, in the order in which etl2pcapng writes them.
    fn packet_options(&mut self, frame: &Frame<'_>) {
        let direction: u32 = match frame.direction {
            Direction::Unknown => 0,
            Direction::Inbound => 1,
            Direction::Outbound => 2,
        };
        let before = self.buffer.len();
        if direction != 0 {
            self.option(2, &direction.to_le_bytes());
        }
        if frame.dropped.is_some() {
            // XDP's verdict "dropped", which etl2pcapng uses for drops inside Windows.
            self.option(7, &[2, 1, 0, 0, 0, 0, 0, 0, 0]);
        }
        if let Some(pid) = frame.pid {
            let [pid, tid] = [pid, frame.tid.unwrap_or(0)].map(u32::to_le_bytes);
            self.option(8, &[pid, tid].concat());
        }
        if !self.comment.is_empty() {
            let comment = std::mem::take(&mut self.comment);
            self.text_option(1, &comment);
            self.comment = comment;
        }
        if self.buffer.len() > before {
            self.end_of_options();
        }
    }

    /// `PID=… TID=…` as etl2pcapng writes it, the process by name, and what is known of a drop.
    fn comment_for(&mut self, frame: &Frame<'_>) {
        self.comment.clear();
        let comment = &mut self.comment;
        // Writing to a string cannot fail.
        if let Some(pid) = frame.pid {
            let _ = write!(comment, "PID={pid}");
            if let Some(tid) = frame.tid {
                let _ = write!(comment, " TID={tid}");
            }
            if let Some((_, name)) = self.known.processes.iter().find(|(known, _)| *known == pid) {
                let _ = write!(comment, " Process={name}");
            }
        }
        if let Some(drop) = frame.dropped {
            let space = if comment.is_empty() { "" } else { " " };
            let _ = write!(comment, "{space}DropReason={}", drop.reason);
            if let Some((_, reason)) = self.known.drop_reasons.iter().find(|(known, _)| *known == drop.reason) {
                let _ = write!(comment, " ({reason})");
            }
            let _ = write!(comment, " DropComponent={}", drop.component);
            if let Some((_, name)) = self.known.component_names.iter().find(|(known, _)| *known == drop.component) {
                let _ = write!(comment, " ({name})");
            }
            let _ = write!(comment, " DropLocation={}", drop.location);
        }
        if !frame.timed {
            let space = if comment.is_empty() { "" } else { " " };
            let _ = write!(comment, "{space}time not captured");
        }
    }

    /// What the capturing system lost, over all interfaces.
    fn statistics(&mut self, info: &CaptureInfo) {
        if info.lost == 0 || self.interfaces.is_empty() {
            return;
        }
        let ticks = u64::try_from(info.latest.unwrap_or_default().0).unwrap_or(0);
        let lost = info.lost;
        self.block(INTERFACE_STATISTICS, |w| {
            w.buffer.extend(0u32.to_le_bytes());
            w.buffer.extend(((ticks >> 32) as u32).to_le_bytes());
            w.buffer.extend((ticks as u32).to_le_bytes());
            w.option(7, &lost.to_le_bytes());
            w.end_of_options();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{DropMark, FrameSource, LinkType, pcapng::PcapngSource};
    use crate::input::sniff::{self, Container, SNIFF_BYTES};
    use crate::input::{ByteSource, Options, open};

    fn frame(number: u64, data: &[u8]) -> Frame<'_> {
        Frame {
            number,
            time: Timestamp(1_700_000_000_123_456_789 + number as i64),
            timed: true,
            link: LinkType::ETHERNET,
            data,
            original_len: data.len() as u32 + 9,
            interface: 0,
            direction: Direction::Unknown,
            pid: None,
            tid: None,
            dropped: None,
        }
    }

    fn known() -> CaptureInfo {
        let wifi = Interface { name: Some("wifi:7".into()), mac: Some([1; 6]), snaplen: 99, ..Interface::default() };
        let other = Interface { if_index: Some(12), description: Some("説明".into()), ..Interface::default() };
        CaptureInfo {
            interfaces: vec![wifi, other],
            processes: vec![(4711, "az.exe".into())],
            drop_reasons: vec![(9, "INET: no route".into())],
            component_names: vec![(3, "tcpip.sys".into())],
            tls_secrets: b"CLIENT_RANDOM 00 11\n".to_vec(),
            lost: 5,
            ..CaptureInfo::default()
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let data: Vec<u8> = (0..=255).collect();
        let mut writer = Writer::new(known());
        writer.section();
        let mut written = Vec::new();
        for number in 1..=8u64 {
            let mut f = frame(number, &data[..(number as usize * 13) % 97]);
            f.interface = (number % 3) as u32;
            f.link = if number == 5 { LinkType::RAW } else { LinkType::ETHERNET };
            f.direction = [Direction::Inbound, Direction::Outbound, Direction::Unknown][number as usize % 3];
            f.pid = (number % 2 == 0).then_some(4711);
            f.tid = f.pid.map(|_| 12);
            f.dropped = (number > 5).then_some(DropMark { component: 3, reason: 9, location: u32::MAX });
            writer.frame(&f);
            written.push(f);
        }
        writer.statistics(&known());
        let source = ByteSource::from_bytes(writer.buffer);
        let mut source = Box::new(PcapngSource::new(source, 100).unwrap());
        let mut at = 0;
        let mut check = |frames: &[Frame<'_>]| {
            for f in frames {
                let w = &written[at];
                assert_eq!((f.number, f.time, f.link, f.data), (w.number, w.time, w.link, w.data));
                assert_eq!((f.original_len, f.direction, f.pid, f.tid), (w.original_len, w.direction, w.pid, w.tid));
                assert_eq!(f.dropped, w.dropped);
                at += 1;
            }
        };
        while source.window(&mut check).unwrap() {}
        assert_eq!(at, written.len());
        let info = source.finish();
        assert!(info.problems.is_empty() && !info.truncated);
        assert_eq!((info.lost, info.tls_secrets.as_slice()), (5, &b"CLIENT_RANDOM 00 11\n"[..]));
        // Frame 1 is of the second interface, 2 of one that is not described, 3 of the first, 5 of another link type.
        let indexes: Vec<_> = info.interfaces.iter().map(|i| (i.if_index, i.link)).collect();
        assert_eq!(indexes, [(Some(12), 1), (None, 1), (Some(7), 1), (None, 101)]);
        assert_eq!(info.interfaces[0].description.as_deref(), Some("説明"));
        assert_eq!((info.interfaces[2].snaplen, info.interfaces[2].mac), (99, Some([1; 6])));
    }

    #[test]
    fn comments_name_process_and_drop() {
        let mut writer = Writer::new(known());
        let mut f = frame(1, &[]);
        (f.pid, f.tid) = (Some(4711), Some(12));
        writer.comment_for(&f);
        assert_eq!(writer.comment, "PID=4711 TID=12 Process=az.exe");
        f.dropped = Some(DropMark { component: 3, reason: 9, location: 7 });
        f.pid = None;
        writer.comment_for(&f);
        assert_eq!(writer.comment, "DropReason=9 (INET: no route) DropComponent=3 (tcpip.sys) DropLocation=7");
    }

    #[test]
    fn a_whole_file_is_converted_and_reads_the_same() {
        let mut bytes = vec![0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 101];
        for i in 0..5000u32 {
            for v in [1_700_000_000 + i, i, 60, 61] {
                bytes.extend(v.to_be_bytes());
            }
            bytes.extend([i as u8; 60]);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pcap");
        std::fs::write(&path, &bytes).unwrap();
        let found = open(&[path], &Options::default());
        let mut out = Vec::new();
        let info = convert(&found[0], &ReadOptions::default(), Vec::new(), &mut out, Path::new("out")).unwrap();
        assert_eq!(info.frames, 5000);
        assert_eq!(sniff::sniff(&out[..SNIFF_BYTES]), Container::PcapNg);
        let path = folder.path().join("y.pcapng");
        std::fs::write(&path, &out).unwrap();
        let again = open(&[path], &Options::default());
        let mut second = Vec::new();
        let copied = convert(&again[0], &ReadOptions::default(), Vec::new(), &mut second, Path::new("out")).unwrap();
        assert_eq!((copied.frames, copied.first_time, copied.latest), (info.frames, info.first_time, info.latest));
        assert_eq!(out, second);
    }

    #[test]
    fn frames_out_of_order_are_sorted() {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        for seconds in [5u32, 3, 9, 3, 1] {
            for v in [seconds, 0, 1, 1] {
                bytes.extend(v.to_le_bytes());
            }
            bytes.push(seconds as u8);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pcap");
        std::fs::write(&path, &bytes).unwrap();
        let found = open(&[path], &Options::default());
        let mut out = Vec::new();
        let info = convert(&found[0], &ReadOptions::default(), Vec::new(), &mut out, Path::new("out")).unwrap();
        assert_eq!(info.problems.get("reordered").unwrap().count, 3);
        let mut source = PcapngSource::new(ByteSource::from_bytes(out), 1 << 20).unwrap();
        let mut order = Vec::new();
        while source.window(&mut |frames| order.extend(frames.iter().map(|f| f.data[0]))).unwrap() {}
        assert_eq!(order, [1, 3, 3, 5, 9]);
    }

    #[test]
    fn an_output_that_fails_is_named() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("disk full"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pcap");
        let head = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        std::fs::write(&path, head).unwrap();
        let found = open(&[path], &Options::default());
        let error =
            convert(&found[0], &ReadOptions::default(), Vec::new(), &mut Full, Path::new("out.pcapng")).unwrap_err();
        assert_eq!(error.to_string(), "out.pcapng: disk full");
    }
}
