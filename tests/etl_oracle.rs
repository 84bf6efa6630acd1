//! Every ETL sample is read as an independent reader reads it: same events per provider, id and version, same first
//! and last times, same packets with bytes, times and processes.
//!
//! The samples, the other reader and the generator of synthetic files are not part of the repository: the folder that
//! holds them is named by `NETTRIAGE_SHARED` (`tests/etl_oracle.sh FOLDER` sets it). Without it nothing is compared.

#![expect(clippy::unwrap_used, reason = "a comparison that cannot be made has failed")]

use nettriage::capture::etl;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the comparison of one file; false when it differs.
fn agrees(shared: &Path, file: &Path, work: &Path, truth: Option<&Path>) -> bool {
    let dumped = work.join("dump.txt");
    let listing = etl::listing(&nettriage::input::Bytes::from(std::fs::read(file).unwrap()));
    std::fs::write(&dumped, listing.unwrap_or_else(|_| "head refused\n".to_owned())).unwrap();
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/etl_oracle.py"));
    command.arg(shared.join("tools/etl_oracle.py")).arg(file).arg(&dumped).args(truth);
    command.status().unwrap().success()
}

/// Option sets of the generator (name, options, compare with what it wrote rather than with the other reader).
const SYNTHETIC: &[(&str, &str, bool)] = &[
    ("layers", "--cpus 4 --noise 5 --layers 3", false),
    ("pktmon-lz", "--provider pktmon --compress lz --layers 6 --noise 7", false),
    (
        "pktmon-flat",
        "--provider pktmon --compress literal --layers 4 --pktmon-style flat --drops 13 --packet-bytes 128",
        false,
    ),
    (
        "pieces",
        "--clock cycles --pointer-size 4 --fragment-bytes 300 --no-gft --buffer-size 65536 --style raw --noise 3",
        true,
    ),
    ("switch", "--clock systemtime --circular --buffer-size 65536 --cpus 3 --vmswitch --lost 17", false),
    ("cut", "--truncate 100000 --unclosed --qpc-freq 2343750 --packet-bytes 96", false),
    ("pktmon-cut", "--provider pktmon --compress literal --truncate 50000 --cpus 5", false),
    ("processors", "--qpc-freq 24000000 --cpus 64 --buffer-size 8192 --layers 2 --metadata", false),
];

fn find_capture(folder: &Path) -> Option<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    entries.sort();
    entries.iter().find_map(|p| {
        if p.is_dir() {
            return find_capture(p);
        }
        let size = p.metadata().ok()?.len();
        let pcap = p.extension().is_some_and(|e| e == "pcap" || e == "pcapng");
        (pcap && (200_000..1_500_000).contains(&size)).then(|| p.clone())
    })
}

#[test]
fn every_sample_is_read_as_another_reader_reads_it() {
    let Some(shared) = std::env::var_os("NETTRIAGE_SHARED").map(PathBuf::from) else {
        eprintln!("NETTRIAGE_SHARED is not set: nothing is compared");
        return;
    };
    let work = tempfile::tempdir().unwrap();
    let mut samples: Vec<_> =
        std::fs::read_dir(shared.join("captures/etl")).unwrap().map(|e| e.unwrap().path()).collect();
    samples.retain(|p| p.extension().is_some_and(|e| e == "etl"));
    samples.sort();
    assert!(!samples.is_empty());
    let mut different = samples.iter().filter(|f| !agrees(&shared, f, work.path(), None)).count();
    let capture = find_capture(&shared.join("captures/public/pcaps")).expect("a capture to make ETL files of");
    for (name, options, by_truth) in SYNTHETIC {
        let file = work.path().join(format!("synthetic-{name}.etl"));
        let truth = work.path().join("truth.jsonl");
        let made = Command::new("python3")
            .arg(shared.join("tools/etl_synth.py"))
            .args([&capture, &file])
            .args(options.split(' '))
            .arg("--truth")
            .arg(&truth)
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "{name}");
        different += usize::from(!agrees(&shared, &file, work.path(), by_truth.then_some(&truth)));
    }
    assert_eq!(different, 0, "files are read differently");
}
