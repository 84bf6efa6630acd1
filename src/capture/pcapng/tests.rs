//! Files written block by block, in both byte orders.

use super::super::DropMark;
use super::*;

/// Writes blocks in one byte order.
struct Writer {
    big: bool,
    out: Vec<u8>,
}

impl Writer {
    fn u32(&self, v: u32) -> [u8; 4] {
        if self.big { v.to_be_bytes() } else { v.to_le_bytes() }
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let length = self.u32((body.len().next_multiple_of(4) + 12) as u32);
        let kind = self.u32(kind);
        self.out.extend(kind);
        self.out.extend(length);
        self.out.extend(body);
        self.out.resize(self.out.len().next_multiple_of(4), 0);
        self.out.extend(length);
    }

    fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let u16 = |v: u16| if self.big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = [u16(code), u16(value.len() as u16)].concat();
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    fn section(&mut self) {
        let version = if self.big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
        let body = [&self.u32(0x1a2b_3c4d)[..], &version, &[0xff; 8]].concat();
        self.block(SECTION_HEADER, &body);
    }

    fn interface(&mut self, link: u16, options: &[u8]) {
        let u16 = |v: u16| if self.big { v.to_be_bytes() } else { v.to_le_bytes() };
        let body = [&u16(link)[..], &[0, 0], &self.u32(0), options].concat();
        self.block(INTERFACE_DESCRIPTION, &body);
    }

    fn packet(&mut self, interface: u32, ticks: u64, data: &[u8], options: &[u8]) {
        let length = self.u32(data.len() as u32);
        let mut body =
            [self.u32(interface), self.u32((ticks >> 32) as u32), self.u32(ticks as u32), length, length].concat();
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(ENHANCED_PACKET, &body);
    }
}

type Copied = (u64, i64, Vec<u8>, u32, Direction, Option<u32>, Option<u32>, Option<DropMark>);

fn read(bytes: &[u8], window: usize) -> Result<(Vec<Copied>, CaptureInfo), Error> {
    let mut source = PcapngSource::new(ByteSource::from_bytes(bytes.to_vec()), window)?;
    let mut all = Vec::new();
    let mut windows = 0;
    let mut take = |frames: &[Frame<'_>]| {
        for f in frames {
            all.push((f.number, f.time.0, f.data.to_vec(), f.interface, f.direction, f.pid, f.tid, f.dropped));
        }
    };
    while source.window(&mut take)? {
        windows += 1;
        assert!(windows <= 2 * bytes.len() + 2, "a window must advance");
    }
    Ok((all, Box::new(source).finish()))
}

/// A decoder that has read a section header and an interface.
fn begun(big: bool) -> (Decoder, Writer) {
    let mut w = Writer { big, out: Vec::new() };
    w.section();
    let (first, mut decoder) = (w.out.len(), Decoder::default());
    w.interface(1, &[]);
    decoder.step(&w.out, true);
    decoder.step(&w.out[first..], false);
    w.out.clear();
    (decoder, w)
}

#[test]
fn the_short_way_tells_what_the_long_one_does() {
    let mut short = 0;
    for big in [false, true] {
        for (length, options) in [(0, false), (1, false), (60, false), (62, false), (60, true)] {
            let (_, mut w) = begun(big);
            let options = if options { w.option(2, &[1, 0, 0, 0]) } else { Vec::new() };
            w.packet(0, 0x1_0000_0002, &vec![7; length], &options);
            for (at, change) in (0..w.out.len()).flat_map(|at| [0, 1, 4, 0x80].map(|change| (at, change))) {
                let mut block = w.out.clone();
                block[at] ^= change;
                for bytes in [&block[..], &block[..at], &[&block[..], &block[..]].concat()] {
                    let ((mut one, _), (mut other, _)) = (begun(big), begun(big));
                    let Some((frame, size)) = one.plain_packet(bytes) else { continue };
                    short += 1;
                    let (Outcome::Frame(long), long_size) = other.step(bytes, false) else {
                        panic!("no frame: {bytes:?}");
                    };
                    assert_eq!((format!("{frame:?}"), size), (format!("{long:?}"), long_size));
                    assert_eq!(one.number, other.number);
                }
            }
        }
    }
    assert!(short > 1_000, "{short}");
}

/// Two sections of different byte order, every kind of block, options in the manner of etl2pcapng.
fn sample() -> Vec<u8> {
    let mut w = Writer { big: false, out: Vec::new() };
    w.section();
    let options = [w.option(2, b"eth:12:0"), w.option(3, b"Ethernet"), w.option(6, &[2; 6]), w.option(0, &[])];
    w.interface(1, &options.concat());
    let options = [w.option(9, &[9]), w.option(14, &(-3600i64).to_le_bytes())];
    w.interface(101, &options.concat());
    let options = [
        w.option(2, &2u32.to_le_bytes()),
        w.option(8, &[&w.u32(4711)[..], &w.u32(12)].concat()),
        w.option(1, b"PID=4711 TID=12"),
        w.option(0, &[]),
    ];
    w.packet(0, 1_700_000_000_000_001, b"first", &options.concat());
    let options = [w.option(7, &[2, 1, 0, 0, 0, 0, 0, 0, 0]), w.option(1, b"PID=-1 TID=7")];
    w.packet(1, 1_700_003_600_000_000_007, b"second", &options.concat());
    let simple = [&w.u32(3)[..], b"abc\0"].concat();
    w.block(SIMPLE_PACKET, &simple);
    w.block(0xbad, &[0; 8]);
    w.block(0x7777, b"who knows");
    let names = [&[1u8, 0, 9, 0, 10, 0, 0, 1][..], b"a.b\0", b"c\0\0\0", &[0; 4]].concat();
    w.block(4, &names);
    let secrets = [w.u32(0x544c_534b), w.u32(9)].concat();
    w.block(10, &[&secrets[..], b"CLIENT_RA\0\0\0"].concat());
    let statistics = [&[0; 12][..], &w.option(5, &4u64.to_le_bytes()), &w.option(7, &2u64.to_le_bytes())].concat();
    w.block(5, &statistics);
    w.big = true;
    w.section();
    let options = [w.option(9, &[0x80 | 10])];
    w.interface(113, &options.concat());
    w.packet(0, 1024 + 512, b"third", &[]);
    let mut old = [&[0, 0, 0xff, 0xff][..], &w.u32(0), &w.u32(2048), &w.u32(4), &w.u32(9)].concat();
    old.extend(b"olds");
    w.block(PACKET, &old);
    w.out
}

#[test]
fn sections_interfaces_and_options_are_read() {
    let (frames, info) = read(&sample(), 1 << 20).unwrap();
    let second = 1_000_000_000;
    let dropped = Some(DropMark { component: 0, reason: 0, location: 0 });
    let expected: [Copied; 5] = [
        (1, 1_700_000_000 * second + 1000, b"first".to_vec(), 0, Direction::Outbound, Some(4711), Some(12), None),
        (2, 1_700_000_000 * second + 7, b"second".to_vec(), 1, Direction::Unknown, Some(u32::MAX), Some(7), dropped),
        (3, 0, b"abc".to_vec(), 0, Direction::Unknown, None, None, None),
        (5, second + second / 2, b"third".to_vec(), 2, Direction::Unknown, None, None, None),
        (6, 2 * second, b"olds".to_vec(), 2, Direction::Unknown, None, None, None),
    ];
    assert_eq!(frames, expected);
    assert_eq!(info.interfaces.len(), 3);
    assert_eq!(info.interfaces[0].if_index, Some(12));
    assert_eq!(info.interfaces[0].mac, Some([2; 6]));
    assert_eq!(info.interfaces[0].description.as_deref(), Some("Ethernet"));
    assert_eq!(info.lost, 6);
    assert_eq!(info.tls_secrets, b"CLIENT_RA\n");
    assert_eq!(info.names, [([10, 0, 0, 1].into(), "a.b".to_owned()), ([10, 0, 0, 1].into(), "c".to_owned())]);
    assert!(info.problems.is_empty(), "{:?}", info.problems);
    assert_eq!(info.frames, 5);
}

#[test]
fn windows_of_any_size_give_the_same() {
    let bytes = sample();
    let whole = read(&bytes, 1 << 20).unwrap();
    for window in 1..200 {
        let part = read(&bytes, window).unwrap();
        assert_eq!(part.0, whole.0, "{window}");
        assert_eq!(part.1.problems, whole.1.problems);
    }
}

#[test]
fn a_cut_at_any_length_is_told_and_keeps_what_was_whole() {
    let bytes = sample();
    let whole = read(&bytes, 1 << 20).unwrap().0;
    let mut seen = 0;
    for cut in 0..bytes.len() {
        match read(&bytes[..cut], 64) {
            Err(_) => assert!(cut < 28),
            Ok((frames, info)) => {
                assert!(frames.len() >= seen && whole.starts_with(&frames));
                assert_eq!(info.problems.get("truncated").is_some(), info.truncated);
                seen = frames.len();
            }
        }
    }
    assert_eq!(seen, whole.len() - 1);
}

#[test]
fn flipped_bits_never_panic() {
    let bytes = sample();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            if let (Ok(a), Ok(b)) = (read(&bytes, 1), read(&bytes, 1 << 20)) {
                assert_eq!(a.0, b.0);
                assert_eq!(a.1.problems, b.1.problems);
            }
        }
    }
}

#[test]
fn a_length_that_differs_at_the_end_stops_the_reading() {
    let mut bytes = sample();
    let end = bytes.len();
    bytes[end - 1] ^= 4;
    let (frames, info) = read(&bytes, 1 << 20).unwrap();
    assert_eq!(frames.len(), 4);
    let problem = info.problems.get("damaged_record").unwrap();
    assert_eq!(problem.first_frame, Some(6));
    assert!(!info.truncated && problem.offset.is_some());
}

#[test]
fn copies_that_packet_monitor_left_are_left_out_but_numbered() {
    let mut w = Writer { big: false, out: Vec::new() };
    let body = [&w.u32(0x1a2b_3c4d)[..], &[1, 0, 0, 0], &[0xff; 8], &w.option(4, b"Packet Monitor")].concat();
    w.block(SECTION_HEADER, &body);
    w.interface(1, &[]);
    for (micros, data) in [(10, b"one"), (11, b"one"), (12, b"two"), (13, b"one")] {
        w.packet(0, micros, data, &[]);
    }
    let (frames, info) = read(&w.out, 64).unwrap();
    assert_eq!(frames.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!((info.frames, info.duplicates, info.last_time.unwrap().0), (2, 2, 13_000));
    let source = PcapngSource::new(ByteSource::from_bytes(w.out), 64).unwrap();
    let mut source = source.keep_duplicates(true);
    let mut count = 0;
    while source.window(&mut |frames| count += frames.len()).unwrap() {}
    assert_eq!(count, 4);
}

#[test]
fn other_files_are_refused() {
    assert!(read(b"", 100).is_err());
    assert!(read(b"something else entirely, and long enough", 100).is_err());
}
