//! `nettriage batch`: folders of cases, and their roll-up.
//!
//! What enters: folders. What leaves: a report per case and a roll-up over all, below the output folder. Guaranteed:
//! one bad file, one panic, one folder that cannot be read is listed with its reason and ends nothing; a file with its
//! final name is complete; the roll-up's bytes depend on the evidence alone, not on threads, order or interruptions.

pub mod discover;
mod display;
pub mod record;
pub mod rollup;
pub mod store;
mod stream;
mod turns;

use crate::analyze::threads::{LARGE_BYTES, Way};
use crate::analyze::{self, Analysis};
use crate::cli::{Options, ReportFormat};
use crate::error::Error;
use crate::finding::Severity;
use crate::input::{self, Kind};
use crate::lang::Message;
use crate::output;
use crate::progress::{Progress, say};
use crate::report::json_text::{self, Layout};
use crate::report::redact::Redactor;
use crate::report::text::{Style, WIDTH_DEFAULT};
use crate::{message, render, report};
use discover::{CaseFiles, Found, Skipped};
use display::Display;
use rayon::prelude::*;
use record::CaseRecord;
use rollup::RollUp;
use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use store::Store;
use stream::{Stream, print};
use turns::Turns;

/// Set by the first Ctrl-C; no further case is begun. Static, because a signal has no other way in.
static STOP: AtomicBool = AtomicBool::new(false);

/// Files of cases up to this size are read into memory rather than mapped, so that one that shrinks takes nothing down:
/// twice what `netsh trace` writes unless told otherwise, and large cases are worked on one after another. Where the
/// memory is not there, the case fails with that reason.
const READ_BYTES_MAX: u64 = 4 << 30;

/// The files of the roll-up, in the order in which they are written.
const ROLLUPS: [&str; 4] = ["rollup.txt", "rollup.json", "rollup.csv", "rollup.html"];

/// What a shell reports for a program that Ctrl-C ended (128 + SIGINT).
const INTERRUPTED: u8 = 130;

/// Analyses every case below `paths`.
///
/// # Errors
/// When the output folder cannot be written.
pub fn run(
    paths: &[PathBuf],
    output: &Path,
    formats: &[ReportFormat],
    resume: bool,
    options: &Options,
) -> Result<u8, Error> {
    // A key log that is none fails the call, not each of its cases.
    analyze::given_secrets(&options.keylogs)?;
    let found = discover::discover(paths, output);
    let names = store::report_names(&found.cases, options.redact);
    refuse_evidence(output, &names, formats, &found, options)?;
    let store = Store::open(output)?;
    stop_on_ctrl_c(options);
    let display = Display::start(&found.cases, options);
    let mut formats = formats.to_vec();
    let mut named = HashSet::new();
    formats.retain(|format| named.insert(*format));
    let batch = Batch {
        names,
        found: &found,
        store: &store,
        formats: &formats,
        // Placeholders are numbered as the cases come by, so a case that is skipped would shift them.
        resume: resume && !options.redact,
        options,
        display: &display,
        stream: Stream::new(formats.contains(&ReportFormat::Jsonl)),
        turns: Turns::new(),
        unread: Mutex::new(Vec::new()),
        failure: Mutex::new(None),
    };
    let records = quiet_panics(|| batch.run());
    display.finish();
    if let Some(error) = batch.failure.lock().ok().and_then(|mut f| f.take()) {
        return Err(error);
    }
    if STOP.load(Ordering::Relaxed) && records.len() < found.cases.len() {
        say(stopped(records.len(), found.cases.len()).get(options.lang));
        return Ok(INTERRUPTED);
    }
    let streamed = formats.contains(&ReportFormat::Jsonl);
    let (nothing, records): (Vec<_>, Vec<_>) = records.into_iter().partition(CaseRecord::is_nothing);
    let mut skipped = batch.skipped();
    skipped.extend(nothing.into_iter().flat_map(inputs_without_evidence));
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    let rollup = RollUp::build(records, skipped);
    write_rollup(&store, &rollup, options)?;
    if !streamed {
        print(rollup::text::render(&rollup, options.lang, &render::style(options, None)).as_bytes())?;
    }
    batch.say_unread(&rollup);
    Ok(status(&rollup, options))
}

/// Refuses an output folder in which a report would take the place of something that is read.
fn refuse_evidence(
    output: &Path,
    names: &[String],
    formats: &[ReportFormat],
    found: &Found,
    options: &Options,
) -> Result<(), Error> {
    let reports = names.iter().flat_map(|name| formats.iter().map(move |f| format!("{name}.{}", f.extension())));
    let rollups = ROLLUPS.iter().map(|name| (*name).to_owned());
    let written = reports.chain(rollups).map(|name| output.join(name)).filter(|path| path.is_file());
    let files = found.cases.iter().flat_map(|case| &case.files).chain(&options.keylogs);
    let inputs: Vec<&Path> = files.map(PathBuf::as_path).collect();
    output::refuse_any(written, &inputs)
}

fn stop_on_ctrl_c(options: &Options) {
    let text = message!(
        en: "stopping after the cases in work; Ctrl-C again stops at once",
        ja: "処理中のケースが終わり次第停止。もう一度 Ctrl-C で即時停止",
    );
    let text = text.get(options.lang).to_owned();
    // Where no handler can be set (it is set already), Ctrl-C ends the program at once, which leaves whole files too.
    let _ = ctrlc::set_handler(move || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        // The mark of the key stands on the line; nobody may be there to hear the rest.
        let _ = writeln!(std::io::stderr());
        say(&text);
    });
}

fn stopped(done: usize, all: usize) -> Message {
    message!(
        en: "stopped: {done} of {all} cases are done; --resume goes on with the rest",
        ja: "停止: {all} 件中 {done} 件のケースが完了。--resume で続きから再開",
    )
}

/// Runs `work` while panics, which are caught and reported per case, print nothing by themselves.
fn quiet_panics<T>(work: impl FnOnce() -> T) -> T {
    let before = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = work();
    panic::set_hook(before);
    result
}

fn write_rollup(store: &Store, rollup: &RollUp, options: &Options) -> Result<(), Error> {
    let lang = options.lang;
    // The file is the same whatever the terminal of the call.
    let style = Style { color: false, width: WIDTH_DEFAULT, verbose: false };
    let texts = [
        rollup::text::render(rollup, lang, &style),
        rollup::json::render(rollup, lang),
        rollup::csv::render(rollup, lang),
        rollup::html::render(rollup, lang),
    ];
    ROLLUPS.iter().zip(texts).try_for_each(|(name, text)| store.write(name, text.as_bytes()))
}

fn status(rollup: &RollUp, options: &Options) -> u8 {
    let rank = |word: &str| match word {
        "critical" => Some(Severity::Critical),
        "warning" => Some(Severity::Warning),
        "info" => Some(Severity::Info),
        _ => None,
    };
    let worst = rollup.cases.iter().filter_map(|c| rank(c.severity.as_deref()?)).max();
    if rollup.failed() > 0 || rollup.unread().next().is_some() {
        return 2;
    }
    match (worst, options.fail_on) {
        (Some(worst), Some(limit)) if worst >= limit => 1,
        _ => 0,
    }
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// In an earlier run.
    Before,
    /// In this one.
    Analysed,
    /// In a panic or error.
    Failed,
}

/// A case whose analysis is over.
#[derive(Debug)]
struct Done {
    index: usize,
    record: CaseRecord,
    analysis: Option<Analysis>,
    key: Option<String>,
    read: u64,
    started: Instant,
    outcome: Outcome,
}

/// One run over all cases.
struct Batch<'a> {
    found: &'a Found,
    names: Vec<String>,
    store: &'a Store,
    formats: &'a [ReportFormat],
    resume: bool,
    options: &'a Options,
    display: &'a Display,
    stream: Stream,
    /// Cases that wait for their placeholders.
    turns: Turns<Done>,
    /// Inputs that could not be read, by the names that they really have: for messages, never for reports.
    unread: Mutex<Vec<(String, Message)>>,
    /// The output folder could not be written: nothing more is worth doing.
    failure: Mutex<Option<Error>>,
}

impl Batch<'_> {
    /// All cases; the records come in the order of the cases. Large ones one after another, each with all threads, then
    /// the others at the same time, each in one.
    fn run(&self) -> Vec<CaseRecord> {
        let large = |i: &usize| self.found.cases.get(*i).is_some_and(|c| c.bytes > LARGE_BYTES);
        let (large, mut small): (Vec<usize>, Vec<usize>) = (0..self.found.cases.len()).partition(large);
        if !self.stream.wanted {
            // The largest first, so that no thread is left with one at the end.
            small.sort_by_key(|i| std::cmp::Reverse(self.found.cases.get(*i).map(|c| c.bytes)));
        }
        let first = large.len();
        let mut done: BTreeMap<usize, CaseRecord> =
            large.into_iter().enumerate().flat_map(|(turn, index)| self.case(index, turn, Way::Together)).collect();
        let small: Vec<(usize, usize)> = small.into_iter().enumerate().map(|(i, index)| (first + i, index)).collect();
        let one = |(turn, index): (usize, usize)| self.case(index, turn, Way::Alone);
        let others: Vec<(usize, CaseRecord)> = if self.options.redact {
            // In order, so that few cases wait for their turn.
            small.into_iter().par_bridge().flat_map_iter(one).collect()
        } else {
            small.into_par_iter().with_max_len(1).flat_map_iter(one).collect()
        };
        done.extend(others);
        done.into_values().collect()
    }

    /// One case, and those that waited for it; none after a stop or when the output cannot be written.
    fn case(&self, index: usize, turn: usize, way: Way) -> Vec<(usize, CaseRecord)> {
        let done = self.analyzed(index, way);
        let ready = if self.options.redact {
            self.turns.put(turn, done, |redactor, done| self.redact(redactor, done))
        } else {
            done.into_iter().collect()
        };
        ready.into_iter().filter_map(|done| Some((done.index, self.finish(done)?))).collect()
    }

    /// The analysis of one case, or what was kept of it; `None` after a stop.
    fn analyzed(&self, index: usize, way: Way) -> Option<Done> {
        if STOP.load(Ordering::Relaxed) {
            return None;
        }
        let case = self.found.cases.get(index)?;
        let key = store::key(case, self.formats, self.options).ok();
        let started = Instant::now();
        if self.resume
            && let Some(record) = key.as_deref().and_then(|k| self.store.record(self.names.get(index)?, k))
        {
            return Some(Done { index, record, analysis: None, key, read: 0, started, outcome: Outcome::Before });
        }
        let started = self.display.begin(case);
        Some(match self.analyze(case, way) {
            Ok((record, analysis, read)) => {
                Done { index, record, analysis: Some(analysis), key, read, started, outcome: Outcome::Analysed }
            }
            Err(text) => {
                let record = failed(case, text);
                Done { index, record, analysis: None, key, read: 0, started, outcome: Outcome::Failed }
            }
        })
    }

    /// Writes and tells what came of a case; `None` when the output cannot be written.
    fn finish(&self, done: Done) -> Option<CaseRecord> {
        let case = self.found.cases.get(done.index)?;
        let record = match done.outcome {
            Outcome::Before => done.record,
            Outcome::Failed => self.failed(done.record),
            Outcome::Analysed => {
                match self.write(done.index, done.record, done.analysis.as_ref(), done.key.as_deref()) {
                    Ok(record) => record,
                    Err(error) => {
                        STOP.store(true, Ordering::Relaxed);
                        if let Ok(mut failure) = self.failure.lock() {
                            failure.get_or_insert(error);
                        }
                        return None;
                    }
                }
            }
        };
        match done.outcome {
            Outcome::Before => self.display.skip(case, &record),
            Outcome::Failed | Outcome::Analysed => self.display.end(case, &record, done.started, done.read),
        }
        self.stream.put(done.index, record.line.clone());
        Some(record)
    }

    /// Puts placeholders into all that is written of a case.
    fn redact(&self, redactor: &mut Redactor, done: &mut Done) {
        if let Ok(mut unread) = self.unread.lock() {
            unread.extend(done.record.unread.iter().cloned());
        }
        done.record.files.iter().for_each(|file| redactor.learn_path(file));
        if let Some(analysis) = &mut done.analysis {
            analysis.redact(redactor);
        }
        done.record.redact(redactor);
        // The number of the case, which its reports have for a name too.
        let name = self.names.get(done.index).and_then(|name| name.rsplit('/').next());
        done.record.name = name.unwrap_or_default().to_owned();
    }

    /// Files in no case.
    fn skipped(&self) -> Vec<Skipped> {
        let mut skipped = self.found.skipped.clone();
        if self.options.redact {
            self.turns.with_redactor(|redactor| {
                for file in &mut skipped {
                    if file.failed
                        && let Ok(mut unread) = self.unread.lock()
                    {
                        unread.push((file.path.clone(), file.reason.clone()));
                    }
                    redactor.learn_path(&file.path);
                    redactor.string(&mut file.path);
                    redactor.both(&mut file.reason);
                }
            });
        }
        skipped
    }

    /// Says which inputs could not be read: to the one who called, who has to find them.
    fn say_unread(&self, rollup: &RollUp) {
        let lang = self.options.lang;
        if self.options.redact {
            let unread = self.unread.lock().map(|u| u.clone()).unwrap_or_default();
            unread.iter().for_each(|(path, reason)| say(&format!("{path}: {}", reason.get(lang))));
            return;
        }
        for (_, path, reason) in rollup.unread() {
            say(&format!("{path}: {}", reason.get(lang)));
        }
    }

    /// The record of a case whose analysis failed, with a line of its own where lines are wanted.
    fn failed(&self, mut record: CaseRecord) -> CaseRecord {
        record.line = self.stream.wanted.then(|| failed_line(&record, self.options));
        record
    }

    /// Analyses a case behind a wall that panics do not pass.
    fn analyze(&self, case: &CaseFiles, way: Way) -> Result<(CaseRecord, Analysis, u64), Message> {
        let progress = Progress::part_of(self.display.bar());
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            let mmap = !self.options.no_mmap && may_map(case);
            let mut pieces = input::open(&case.files, &input::Options { mmap });
            for piece in &mut pieces {
                piece.named &= case.named;
            }
            let analysis = analyze::evidence(&pieces, self.options, way, &progress);
            (pieces, analysis)
        }));
        let read = progress.done();
        match caught {
            Ok((pieces, Ok(analysis))) => {
                let files: Vec<String> = case.files.iter().map(|f| f.display().to_string()).collect();
                let mut record = record::of(&case.name, &files, case.bytes, &analysis);
                record.unused = unused(&pieces, &analysis);
                Ok((record, analysis, read))
            }
            Ok((_, Err(error))) => {
                Err(Message { en: error.text(crate::lang::Lang::En), ja: error.text(crate::lang::Lang::Ja) })
            }
            Err(payload) => Err(panic_text(payload.as_ref())),
        }
    }

    /// Writes the reports of a case, then its record.
    fn write(
        &self,
        index: usize,
        mut record: CaseRecord,
        analysis: Option<&Analysis>,
        key: Option<&str>,
    ) -> Result<CaseRecord, Error> {
        let name = self.names.get(index).cloned().unwrap_or_default();
        let Some(analysis) = analysis else { return Ok(record) };
        self.store.forget(&name)?;
        let mut sums = Vec::new();
        let formats = if record.is_nothing() { &[] } else { self.formats };
        for format in formats {
            if *format == ReportFormat::Jsonl {
                record.line = Some(line(&record.name, &analysis.report, self.options));
                continue;
            }
            let path = format!("{name}.{}", format.extension());
            let mut bytes = Vec::new();
            // Writing to memory cannot fail.
            let _ = render::report(&analysis.report, *format, self.options, Some(Path::new(&path)), &mut bytes);
            self.store.write(&path, &bytes)?;
            sums.push(store::sum(&bytes));
            record.reports.push(path);
        }
        if let Some(key) = key
            && !self.options.redact
        {
            self.store.keep(&name, key, sums, &record)?;
        }
        Ok(record)
    }
}

/// A case as one line of JSON, its name first.
fn line(name: &str, report: &report::Report, options: &Options) -> String {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        case: &'a str,
        #[serde(flatten)]
        report: report::json::CaseJson<'a>,
    }
    let line = Line { case: name, report: report::json::case(report, options.lang) };
    json_text::text(&line, Layout::Line)
}

/// The line of a case without a report.
fn failed_line(record: &CaseRecord, options: &Options) -> String {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        case: &'a str,
        failed: bool,
        error: &'a str,
    }
    let line = Line { case: &record.name, failed: true, error: record.text.get(options.lang) };
    json_text::text(&line, Layout::Line)
}

/// Whether files of a case may be mapped. Where a mapped file can shrink, touching what is gone ends the whole run, so
/// only what is too large for memory is mapped there.
fn may_map(case: &CaseFiles) -> bool {
    cfg!(windows) || case.bytes > READ_BYTES_MAX
}

fn failed(case: &CaseFiles, text: Message) -> CaseRecord {
    CaseRecord {
        name: case.name.clone(),
        files: case.files.iter().map(|f| f.display().to_string()).collect(),
        bytes: case.bytes,
        failed: true,
        text: text.clone(),
        unread: case.files.iter().map(|f| (f.display().to_string(), text.clone())).collect(),
        ..CaseRecord::default()
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> Message {
    let said = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "?".to_owned());
    message!(
        en: "the analysis failed by a fault of this program (please report it): {said}",
        ja: "本プログラムの不具合により解析に失敗 (ご報告ください): {said}",
    )
}

/// The files of what turned out to be no case.
fn inputs_without_evidence(record: CaseRecord) -> Vec<Skipped> {
    let mut reasons: BTreeMap<String, Message> = record.unused.into_iter().collect();
    let reason = |file: &String| reasons.remove(file).unwrap_or_else(nothing_in_it);
    let reasons: Vec<Message> = record.files.iter().map(reason).collect();
    let inputs = record.files.into_iter().zip(reasons);
    inputs.map(|(path, reason)| Skipped { path, reason, failed: false }).collect()
}

fn nothing_in_it() -> Message {
    message!(en: "nothing in it that belongs to a sign-in", ja: "サインインに関わる内容がない")
}

/// Pieces that are neither in the report nor unreadable: copies, and text or system files that gave nothing.
fn unused(pieces: &[input::Evidence], analysis: &Analysis) -> Vec<(String, Message)> {
    let report = &analysis.report;
    let told =
        |path: &str| report.evidence.iter().any(|e| e.path == path) || report.unread.iter().any(|(p, _)| p == path);
    let mut out = Vec::new();
    for piece in pieces.iter().filter(|p| !told(&p.path)) {
        let reason = match (piece.duplicate_of.and_then(|i| pieces.get(i)), &piece.kind) {
            (Some(first), _) => {
                let first = &first.path;
                message!(en: "the same bytes as {first}", ja: "{first} と同一の内容")
            }
            (None, Kind::Unknown(why)) => why.clone(),
            (None, _) => nothing_in_it(),
        };
        out.push((piece.path.clone(), reason));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_panic_is_told() {
        let payload = panic::catch_unwind(|| panic!("index {} of 3", 7)).unwrap_err();
        assert!(panic_text(payload.as_ref()).en.contains("index 7 of 3"));
        let payload = panic::catch_unwind(|| panic!("plain")).unwrap_err();
        assert!(panic_text(payload.as_ref()).ja.contains("plain"));
    }

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = root.path().join("in").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        root
    }

    const PCAP: &[u8] = &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];

    #[test]
    fn a_batch_accounts_for_every_file_and_repeats_itself_byte_by_byte() {
        let mut odd = b"\x00\x01\x02 binary".to_vec();
        odd.extend([0xff; 90]);
        let root = folder(&[
            ("a.pcap", PCAP),
            ("case one/b.pcap", PCAP),
            ("case one/<script>.log", b"DEBUG: cli.azure.cli.core: hello\nhttps://login.microsoftonline.com\n"),
            ("notes.bin", &odd),
            ("zip.zip", b"PK\x03\x04 broken"),
        ]);
        let input = [root.path().join("in")];
        let out = |n: &str| root.path().join(n);
        let options = Options { verbosity: -1, ..Options::default() };
        // One that is named twice counts once.
        let formats = [ReportFormat::Json, ReportFormat::Html, ReportFormat::Json];
        let status = run(&input, &out("one"), &formats, false, &options).unwrap();
        assert_eq!(status, 2, "the archive cannot be read");
        analyze::threads::with_pool(1, || run(&input, &out("two"), &formats, false, &options)).unwrap();
        run(&input, &out("two"), &formats, true, &options).unwrap();
        for name in ROLLUPS {
            let bytes = std::fs::read(out("one").join(name)).unwrap();
            assert_eq!(bytes, std::fs::read(out("two").join(name)).unwrap(), "{name}");
        }
        let json = std::fs::read_to_string(out("one").join("rollup.json")).unwrap();
        assert!(json.contains("a.pcap.json") && json.matches("a.pcap.json").count() == 1, "{json}");
        for file in ["a.pcap", "b.pcap", "<script>.log", "notes.bin", "zip.zip"] {
            assert!(json.contains(file), "{file} in {json}");
        }
        assert!(out("one").join("cases/case one").exists() || out("one").join("cases/case_one.html").exists());
    }
}
