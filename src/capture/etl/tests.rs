//! The whole reader on files built in code: order, copies, drops, damage, bombs.

use super::testing::*;
use super::*;
use crate::capture::{Direction, LinkType};
use crate::input::sniff::is_etl;
use crate::time::Timestamp;
use proptest::prelude::*;

struct Got {
    time: i64,
    data: Vec<u8>,
    link: u16,
    interface: u32,
    pid: Option<u32>,
    direction: Direction,
    dropped: bool,
    number: u64,
}

fn read_all(data: &[u8], window: usize, keep: bool) -> (Vec<Got>, CaptureInfo) {
    let data = Bytes::from(data.to_vec());
    let mut source = Box::new(EtlSource::open(&data, window).unwrap().keep_duplicates(keep));
    let mut got = Vec::new();
    loop {
        let more = source
            .window(&mut |frames| {
                for f in frames {
                    assert!(f.original_len as usize >= f.data.len());
                    got.push(Got {
                        time: f.time.0,
                        data: f.data.to_vec(),
                        link: f.link.0,
                        interface: f.interface,
                        pid: f.pid,
                        direction: f.direction,
                        dropped: f.dropped.is_some(),
                        number: f.number,
                    });
                }
            })
            .unwrap();
        if !more {
            break;
        }
    }
    let size = source.index.bytes;
    assert_eq!(source.position(), size);
    (got, source.finish())
}

fn ns(ticks: i64) -> i64 {
    container::filetime_to_timestamp(START + ticks).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn what_the_short_way_takes_is_what_the_long_one_makes_of_it(
        keyword in prop_oneof![Just(WHOLE), Just(WHOLE | SEND), Just(WHOLE | SEND << 1), Just(WHOLE | WIFI), any::<u64>()],
        layers in (any::<u32>(), any::<u32>()),
        payload in proptest::collection::vec(any::<u8>(), 0..60),
        flips in proptest::collection::vec((0usize..100, any::<u8>()), 0..3),
    ) {
        let has_flips = !flips.is_empty();
        let mut bytes = ndis(7, keyword, layers.0, layers.1, &tcp(1, &payload));
        for (at, value) in flips {
            bytes[at] = value;
        }
        let Ok(head) = event::head(&bytes) else { return Ok(()) };
        let bytes = &bytes[..head.size];
        if let Some(short) = ndis::whole_packet(bytes) {
            let (mut joiner, mut problems) = (Joiner::default(), Problems::default());
            let event = event::Event::decode(&head, bytes, 0, 8).unwrap();
            prop_assert_eq!((event.kind, event.provider, event.id), (Kind::Event, guid::NDIS_PACKET_CAPTURE, 1001));
            let long = joiner.packet(&event, &mut problems).unwrap();
            prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
            prop_assert!(problems.is_empty());
        } else {
            prop_assert!(has_flips || ![WHOLE, WHOLE | SEND].contains(&keyword), "left to the long way");
        }
    }
}

#[test]
fn processors_are_merged_by_time_and_any_window_gives_the_same() {
    let frame = |n: u16| tcp(n, &[n as u8; 50]);
    for compress in [false, true] {
        let b = Builder { compress, ..Builder::default() };
        // A circular file: processor 1's newer buffer stands before its older one.
        let file = b
            .buffer(0, 3, &[ndis(10, WHOLE | SEND, 5, 5, &frame(1)), ndis(50, WHOLE, 5, 5, &frame(5))])
            .buffer(1, 4, &[ndis(40, WHOLE, 5, 5, &frame(4)), ndis(60, WHOLE, 5, 5, &frame(6))])
            .buffer(1, 2, &[ndis(20, WHOLE, 5, 5, &frame(2)), ndis(30, WHOLE, 5, 5, &frame(3))])
            .build();
        for window in [1, 100, 1 << 20] {
            let (got, info) = read_all(&file, window, false);
            let times: Vec<i64> = got.iter().map(|g| g.time).collect();
            assert_eq!(times, [10, 20, 30, 40, 50, 60].map(ns));
            for (i, g) in got.iter().enumerate() {
                assert_eq!(g.number, i as u64 + 1);
                assert_eq!(g.data, frame(i as u16 + 1));
            }
            assert_eq!((got[0].direction, got[0].pid), (Direction::Outbound, Some(4711)));
            assert_eq!((info.frames, info.duplicates, info.format), (6, 0, Some(Format::EtlNdis)));
            assert_eq!(info.utc_offset_minutes, Some(540));
            assert!(info.problems.is_empty(), "{:?}", info.problems);
        }
    }
}

#[test]
fn ndis_layers_are_folded_and_a_retransmission_is_not() {
    let f = tcp(1, b"once");
    // Down the stack: two filters, then the adapter; a repetition 5 ms later is a packet of its own.
    let file = Builder::default()
        .buffer(
            0,
            1,
            &[
                ndis(10, WHOLE | SEND, 5, 21, &f),
                ndis(11, WHOLE | SEND, 5, 20, &f),
                ndis(12, WHOLE | SEND, 5, 5, &f),
                ndis(50_010, WHOLE | SEND, 5, 21, &f),
                ndis(50_012, WHOLE | SEND, 5, 5, &f),
            ],
        )
        .build();
    let (got, info) = read_all(&file, 1 << 20, false);
    assert_eq!(got.iter().map(|g| g.time).collect::<Vec<_>>(), [ns(10), ns(50_010)]);
    assert_eq!((info.frames, info.duplicates), (2, 3));
    // What is kept is the layer right above the adapter.
    assert!(got.iter().all(|g| info.interfaces[g.interface as usize].description.is_none()));
    let (got, info) = read_all(&file, 1 << 20, true);
    assert_eq!((got.len(), info.duplicates), (5, 0));
}

#[test]
fn a_second_layer_late_in_the_trace_is_folded_from_its_first_packet_on() {
    let mut builder = Builder { buffer_size: 1 << 20, ..Builder::default() };
    let mut events: Vec<_> = (0..6000u32).map(|n| ndis(i64::from(n) * 10, WHOLE, 5, 5, &tcp(n as u16, b"x"))).collect();
    let last = tcp(9999, b"y");
    events.push(ndis(70_000, WHOLE, 5, 5, &last));
    events.push(ndis(70_001, WHOLE, 5, 20, &last));
    builder = builder.buffer(0, 1, &events);
    let (got, info) = read_all(&builder.build(), 1 << 16, false);
    assert_eq!((got.len(), info.duplicates), (6001, 1));
}

#[test]
fn packets_in_pieces_are_joined_and_orphans_counted() {
    let whole = tcp(1, &[7; 100]);
    let (a, rest) = whole.split_at(40);
    let (b, c) = rest.split_at(40);
    let file = Builder::default()
        .buffer(
            0,
            1,
            &[
                ndis(5, 0x8000_0000, 5, 5, b"end without start"),
                ndis(10, 0x4000_0000, 5, 5, a),
                ndis(11, SEND | WHOLE, 5, 5, &tcp(2, b"between")),
                ndis(12, 0, 5, 5, b),
                ndis(13, 0x8000_0000, 5, 5, c),
                ndis(14, 0x4000_0000, 5, 5, a),
            ],
        )
        .build();
    let (got, info) = read_all(&file, 1 << 20, false);
    assert_eq!(got.len(), 2);
    assert_eq!((got[1].time, &got[1].data), (ns(13), &whole));
    assert_eq!(info.problems.get("etl_fragment_orphan").map(|p| p.count), Some(1));
    assert_eq!(info.problems.get("etl_packet_unfinished").map(|p| p.count), Some(1));
}

#[test]
fn native_80211_frames_lose_the_protected_bit() {
    let file = Builder::default().buffer(0, 1, &[ndis(1, WHOLE | WIFI, 5, 5, &wifi(&tcp(1, b"x")))]).build();
    let (got, _) = read_all(&file, 1 << 20, false);
    assert_eq!(got[0].link, LinkType::IEEE802_11.0);
    assert_eq!(got[0].data[1], 0x01);
}

#[test]
fn pktmon_numbered_and_flat_records_become_one_packet_and_drops_stay() {
    let f = tcp(1, b"hello");
    let m = |appearance, component, edge| Mon { group: 9, appearance, packet_type: 1, component, edge, reason: 0 };
    let flat = |group, component| Mon { group, appearance: 0, packet_type: 1, component, edge: 1, reason: 0 };
    let wifi_type = Mon { packet_type: 2, ..flat(104, 13) };
    let drop = Mon { group: 105, appearance: 0, packet_type: 3, component: 33, edge: 0, reason: 5 };
    let g = tcp(2, b"world");
    let file = Builder { compress: true, ..Builder::default() }
        .buffer(
            3,
            1,
            &[
                pktmon(1, m(1, 20, 2), &f),
                pktmon(2, m(2, 20, 1), &f[..40]),
                pktmon(3, m(3, 10, 1), &f),
                pktmon(100, flat(101, 20), &g),
                pktmon(101, flat(102, 10), &wifi(&g)),
                // Labelled 802.11, Ethernet by its bytes.
                pktmon(102, wifi_type, &g),
                // The same place again: the packet was sent again.
                pktmon(103, flat(106, 20), &g),
                pktmon(104, drop, &g[14..]),
            ],
        )
        .build();
    let (got, info) = read_all(&file, 1 << 20, false);
    let shown: Vec<_> = got.iter().map(|g| (g.time, g.link, g.dropped)).collect();
    assert_eq!(shown, [(ns(1), 1, false), (ns(100), 1, false), (ns(103), 1, false), (ns(104), 101, true)]);
    assert_eq!(got[0].data, f);
    assert_eq!((info.duplicates, info.format), (4, Some(Format::EtlPktmon)));
    // The file has no map of its own: the words come from the table.
    assert_eq!(info.drop_reasons, [(5, "Media Disconnected".to_owned())]);
    assert_eq!(read_all(&file, 1, true).0.len(), 8);
}

#[test]
fn names_of_interfaces_come_from_the_embedded_table() {
    let mut row = vec![0u8; 1352];
    row[8] = 5;
    let alias = wide("Ethernet");
    row[28..28 + alias.len()].copy_from_slice(&alias);
    row[1056] = 6;
    row[1060..1066].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    row[1124..1128].copy_from_slice(&1500u32.to_le_bytes());
    let file = Builder::default()
        .buffer(0, 1, &[ndis(1, WHOLE, 5, 5, &tcp(1, b"x")), classic(guid::SYSTEM_CONFIG, 36, 2, &row)])
        .build();
    let (_, info) = read_all(&file, 1 << 20, false);
    let i = &info.interfaces[0];
    assert_eq!(
        (i.name.as_deref(), i.mac, i.mtu, i.if_index),
        (Some("Ethernet"), Some([2, 0, 0, 0, 0, 1]), Some(1500), Some(5))
    );
}

fn why(file: &[u8]) -> crate::lang::Message {
    let (got, info) = read_all(file, 1 << 20, false);
    assert!(got.is_empty());
    info.no_packets_because.unwrap()
}

#[test]
fn a_trace_without_packets_says_why() {
    let other = || event(names::TCPIP, 9, 0, 1, 4, b"x");
    let m = why(&Builder::default().buffer(0, 1, &[other(), other()]).build());
    assert!(m.en.contains("without capture=yes") && m.en.contains("Microsoft-Windows-TCPIP (2)"), "{}", m.en);
    assert!(m.ja.contains("capture=yes なし") && m.ja.contains("netsh trace stop"), "{}", m.ja);

    let mut counters = vec![1, 0, 0, 0, 1, 0, 3, 0];
    counters.extend(40u64.to_le_bytes());
    counters.extend([0; 10]);
    counters.extend(2u64.to_le_bytes());
    counters.extend([0; 8]);
    let m = why(&Builder::default().buffer(0, 1, &[event(guid::PKTMON, 90, 2, 1, 4, &counters)]).build());
    assert!(m.en.contains("42 packets that passed"), "{}", m.en);
    assert!(m.en.contains("pktmon start --capture --pkt-size 0"), "{}", m.en);

    let filter = event(guid::PKTMON, 100, 2, 1, 4, &[0; 40]);
    let m = why(&Builder::default().buffer(0, 1, &[filter]).build());
    assert!(m.en.contains("filter let nothing through"), "{}", m.en);

    let rundown = event(guid::NDIS_PACKET_CAPTURE, 5100, 0, 1, 4, &[0; 8]);
    let m = why(&Builder::default().buffer(0, 1, std::slice::from_ref(&rundown)).build());
    assert!(m.en.contains("no packet came through"), "{}", m.en);
    let m = why(&Builder { mode: 2, ..Builder::default() }.buffer(0, 1, &[rundown]).build());
    assert!(m.en.contains("overwritten") && m.en.contains("512 MB"), "{}", m.en);

    let file = Builder::default().buffer(0, 1, &[other()]).build();
    let m = why(&file[..65_536 + 80]);
    assert!(m.en.contains("cut before its first packet"), "{}", m.en);
    let m = why(&Builder { closed: false, logger: "NetTrace-1", ..Builder::default() }.build());
    assert!(m.en.contains("still running"), "{}", m.en);

    let b = Builder { logger: "WindowsUpdate", file_name: "C:\\x\\WU.1.etl", lost: 3, ..Builder::default() };
    let m = why(&b.buffer(0, 1, &[event(Guid([1; 16]), 9, 0, 1, 4, b"x")]).build());
    assert!(m.en.contains("\"WindowsUpdate\"") && m.en.contains("\"WU.1.etl\"") && m.en.contains("lost 3"), "{}", m.en);
}

use guid::Guid;

#[test]
fn a_session_that_was_never_closed_gives_what_is_there() {
    let b = Builder { closed: false, mode: 1, ..Builder::default() };
    let mut file = b.buffer(0, 1, &[ndis(1, WHOLE, 5, 5, &tcp(1, b"x"))]).build();
    file.resize(file.len() + 3 * 65_536, 0);
    let (got, info) = read_all(&file, 1 << 20, false);
    assert_eq!(got.len(), 1);
    assert!(info.problems.get("etl_not_closed").is_some());
    assert!(info.problems.get("etl_unused_buffer").is_some());
}

/// A trace with every kind of record.
fn sample(compress: bool) -> Vec<u8> {
    let frames: Vec<_> = (0..40u16).map(|n| tcp(n, &[n as u8; 90])).collect();
    let mut b = Builder { compress, buffer_size: 8192, ..Builder::default() };
    for (i, part) in frames.chunks(8).enumerate() {
        let base = i as i64 * 1000;
        let mut events: Vec<_> = part.iter().enumerate().map(|(j, f)| ndis(base + j as i64, WHOLE, 5, 5, f)).collect();
        let m = Mon { group: i as u64, appearance: 1, packet_type: 1, component: 2, edge: 1, reason: i as u32 % 2 };
        events.push(pktmon(base + 20, m, &part[0]));
        events.push(ndis(base + 21, 0x4000_0000, 5, 5, b"start"));
        events.push(event(names::DNS_CLIENT, 3008, 0, base + 22, 4, &[b'a', 0, 0, 0, 1, 0, 0, 0]));
        let fields: &[(&str, u16, u16, u32, u16, u16)] = &[("QueryName", 1, 0, 0, 1, 0), ("QueryType", 8, 0, 0, 1, 4)];
        let schema = schema::tests::record(names::DNS_CLIENT, 3008, "Query %1 %2", fields, "");
        events.push(classic(guid::EVENT_METADATA, 32, base + 23, &schema));
        events.push(classic(guid::SYSTEM_CONFIG, 36, base + 24, &vec![1; 1352]));
        b = b.buffer(i as u16 % 3, i as u64 + 1, &events);
    }
    b.build()
}

#[test]
fn a_file_cut_anywhere_gives_a_prefix_of_each_processor_and_ends() {
    for compress in [false, true] {
        let file = sample(compress);
        let (whole, info) = read_all(&file, 1 << 20, false);
        assert_eq!((whole.len(), info.events.len()), (45, 5));
        assert_eq!(info.events[0].text, "Query a 1 (A)");
        for n in 0..=400 {
            let cut = &file[..file.len() * n / 400];
            if EtlSource::open(&Bytes::from(cut.to_vec()), 4096).is_err() {
                continue;
            }
            let (got, info) = read_all(cut, 4096, false);
            assert!(got.len() <= whole.len());
            assert!(got.iter().all(|g| whole.iter().any(|w| w.time == g.time && w.data == g.data)), "cut {n}");
            assert!(info.truncated || n == 400 || (file.len() * n / 400).is_multiple_of(8192), "cut {n}");
        }
    }
}

#[test]
fn flipped_bytes_never_panic_and_time_stays_bounded() {
    let mut state = 88_172_645_463_325_252u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for compress in [false, true] {
        let file = sample(compress);
        for round in 0..400 {
            let mut bad = file.clone();
            for _ in 0..=round % 12 {
                let at = random() as usize % bad.len();
                bad[at] = if round % 3 == 0 { 0xFF } else { random() as u8 };
            }
            // The buffer headers decide most: hit them often.
            let header = (random() as usize % 6) * 8192 + random() as usize % 72;
            if let Some(b) = bad.get_mut(header) {
                *b = random() as u8;
            }
            if EtlSource::open(&Bytes::from(bad.clone()), 4096).is_ok() {
                read_all(&bad, 4096, round % 2 == 0);
                census(&bad).unwrap();
            }
        }
    }
}

#[test]
fn a_bomb_that_announces_four_gigabytes_is_stopped_by_the_session_size() {
    let mut b = Builder { compress: true, ..Builder::default() };
    let e = ndis(1, WHOLE, 5, 5, &tcp(1, &[1; 7000]));
    let first = [e.clone(), vec![0; e.len().next_multiple_of(8) - e.len()]].concat();
    b.buffers.push(Buffer {
        cpu: 0,
        seq: 1,
        body: Vec::new(),
        packed: Some((repeated(&first, 0xFFFF_0000), 0xFFFF_0000 - 72)),
    });
    let file = b.build();
    assert!(file.len() < 20_000);
    let c = census(&file).unwrap();
    assert!(c.events <= (16 << 20) / first.len() as u64 + 2, "{}", c.events);
    assert!(c.problems.get("etl_buffer_filled").is_some());
}

#[test]
fn sixty_four_processors_with_full_buffers_stay_in_bounds() {
    let mut b = Builder { compress: true, ..Builder::default() };
    for cpu in 0..64u16 {
        let e = ndis(i64::from(cpu), WHOLE, 5, 5, &tcp(cpu, &[1; 7000]));
        let first = [e.clone(), vec![0; e.len().next_multiple_of(8) - e.len()]].concat();
        let size = (16 << 20) - 72;
        b.buffers.push(Buffer {
            cpu,
            seq: u64::from(cpu),
            body: Vec::new(),
            packed: Some((repeated(&first, size), size)),
        });
    }
    let file = b.build();
    let mut problems = Problems::default();
    let mut index = container::index(&file, &mut problems).unwrap();
    let mut merger = Merger::new(&file, &mut index, &mut problems);
    let (mut events, mut last, mut most) = (0u64, i64::MIN, 0);
    while let Some(item) = merger.next(&mut problems) {
        assert!(item.time >= last);
        last = item.time;
        events += 1;
        if events % 1000 == 0 {
            most = most.max(merger.held());
        }
    }
    assert!(events > 64 * 2000, "{events}");
    assert!(most < 40 << 20, "{most} bytes held");
}

#[test]
fn more_processors_than_windows_has_are_folded() {
    let mut b = Builder { compress: true, ..Builder::default() };
    for cpu in 0..5000u16 {
        b = b.buffer(cpu, u64::from(cpu), &[ndis(i64::from(cpu), WHOLE, 5, 5, &tcp(cpu, b"x"))]);
    }
    let (got, info) = read_all(&b.build(), 1 << 20, false);
    assert_eq!(got.len(), 5000);
    assert!(info.problems.get("etl_processors").is_some());
}

#[test]
fn what_is_no_trace_is_refused() {
    for bytes in [&b""[..], b"MZ", &[0; 4096], &[0xFF; 4096]] {
        assert!(!is_etl(bytes));
        assert!(EtlSource::open(&Bytes::from(bytes.to_vec()), 1).is_err());
    }
    let file = sample(false);
    assert!(is_etl(&file));
    for cut in 0..500 {
        assert!(EtlSource::open(&Bytes::from(file[..cut].to_vec()), 1).is_err() || cut > 380, "cut {cut}");
    }
    assert!(Timestamp(ns(0)).to_string().starts_with("2022-06-18T"));
}
