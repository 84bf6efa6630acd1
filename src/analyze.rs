//! All stages for one case; the only file that names them all.
//!
//! Evidence is found and told apart by content; key logs are read first, since captures need them; large captures are
//! read one by one with all threads, small ones at the same time; everything becomes one [`Case`], is judged and
//! reported.

pub mod engine;
mod pipeline;
pub mod threads;

use crate::capture::{self, ReadOptions};
use crate::case::{Case, Piece, PieceFacts};
use crate::cli::Options;
use crate::error::Error;
use crate::facts::CaptureFacts;
use crate::input::{self, Evidence, Kind};
use crate::lang::Message;
use crate::limits::FLOWS_IN_FULL;
use crate::log::{self, LogEvidence};
use crate::message;
use crate::parallel;
use crate::progress::Progress;
use crate::protocol::Context;
use crate::protocol::keylog::KeyLog;
use crate::report::redact::Redactor;
use crate::report::{Report, build};
use crate::system;
use crate::verdict::{self, HostVerdict};
use engine::Wanted;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use threads::Way;

/// A case, analysed.
#[derive(Debug)]
pub struct Analysis {
    /// The report.
    pub report: Report,
    /// The case behind it.
    pub case: Case,
    /// Verdicts, by index into the case's hosts.
    pub verdicts: Vec<Option<HostVerdict>>,
}

impl Analysis {
    /// Puts placeholders for what belongs to the customer into the report; case and verdicts stay as they are.
    pub fn redact(&mut self, redactor: &mut Redactor) {
        redactor.learn(&self.case);
        redactor.report(&mut self.report);
    }
}

/// Analyses all `paths` together as one case.
///
/// # Errors
/// When a key log given by option cannot be read; pieces that cannot be read are listed in the report.
pub fn case(paths: &[PathBuf], options: &Options) -> Result<Analysis, Error> {
    opened(&open(paths, options), options)
}

/// Opens all evidence in `paths`.
pub fn open(paths: &[PathBuf], options: &Options) -> Vec<Evidence> {
    input::open(paths, &input::Options { mmap: !options.no_mmap })
}

/// Whether a piece is evidence, or is called so, rather than something that lies beside it. A text that may be a log is
/// read for it.
pub fn is_evidence(piece: &Evidence) -> bool {
    match &piece.kind {
        _ if piece.named || piece.unreadable.is_some() => true,
        Kind::Unknown(_) => false,
        Kind::DebugLog | Kind::SigninLog => {
            piece.whole().map_or(true, |bytes| !matches!(log::read(&piece.path, &bytes), LogEvidence::NotALog))
        }
        Kind::Capture(_) | Kind::SystemInfo | Kind::KeyLog => true,
    }
}

/// Analyses all that was opened as one case, with all threads and a bar.
///
/// # Errors
/// As [`case`].
pub fn opened(found: &[Evidence], options: &Options) -> Result<Analysis, Error> {
    let progress = Progress::start(found, options);
    evidence(found, options, Way::Together, &progress)
}

/// Analyses evidence that was found already as one case, in the calling thread or with all of the pool.
///
/// # Errors
/// As [`case`].
pub fn evidence(found: &[Evidence], options: &Options, way: Way, progress: &Progress) -> Result<Analysis, Error> {
    let mut unread = Vec::new();
    let key_log = key_log(found, options, &mut unread)?;
    let context = Arc::new(Context::new(key_log));
    let mut pieces = Vec::new();
    let distinct: Vec<&Evidence> = found.iter().filter(|piece| piece.duplicate_of.is_none()).collect();
    // The lines of a log are joined to the connections that they speak of, one by one.
    let logs = distinct.iter().any(|piece| piece.kind == Kind::DebugLog);
    let wanted = if logs { Wanted::Each } else { Wanted::Telling(FLOWS_IN_FULL) };
    let read = |piece: &Evidence, way| {
        // Pipes and decompressors tell their size once they were read.
        let mut read = 0;
        let facts = match piece.unreadable {
            None => facts(piece, options, &context, wanted, way, &mut read, progress),
            Some(_) => Ok(None),
        };
        (facts, read)
    };
    threads::each(&distinct, way, read, |piece, (result, read)| {
        match (result, &piece.unreadable) {
            (_, Some(why)) => unread.push((piece.path.clone(), why.message.clone())),
            (Ok(Some(facts)), _) => pieces.push(Piece {
                path: piece.path.clone(),
                container: piece.container,
                bytes: piece.bytes.unwrap_or(read),
                facts,
            }),
            (Ok(None), _) if piece.named => unread.push((piece.path.clone(), not_evidence(piece))),
            (Ok(None), _) => {}
            (Err(error), _) => unread.push((piece.path.clone(), reason(&error))),
        }
        Ok(())
    })?;
    let case = Case::build(pieces);
    let verdicts = parallel::map_loaded(case.attempts(), &case.hosts, |h| verdict::judge_host(&case, h));
    let report = build::build(&case, &verdicts, unread);
    Ok(Analysis { report, case, verdicts })
}

/// What one piece says; `None` where it turns out to be no evidence.
fn facts(
    piece: &Evidence,
    options: &Options,
    context: &Arc<Context>,
    wanted: Wanted,
    way: Way,
    read: &mut u64,
    progress: &Progress,
) -> Result<Option<PieceFacts>, Error> {
    Ok(match &piece.kind {
        Kind::Capture(_) => {
            Some(PieceFacts::Capture(Box::new(capture_facts(piece, options, context, wanted, way, read, progress)?)))
        }
        Kind::DebugLog | Kind::SigninLog => match log::read(&piece.path, &piece.whole()?) {
            LogEvidence::Debug(facts) => Some(PieceFacts::Log(Box::new(facts))),
            LogEvidence::Signin(facts) => Some(PieceFacts::Signin(Box::new(facts))),
            LogEvidence::NotALog => None,
        },
        Kind::SystemInfo => {
            system::read(base_name(&piece.path), &piece.whole()?).map(|facts| PieceFacts::System(Box::new(facts)))
        }
        Kind::KeyLog => Some(PieceFacts::KeyLog),
        Kind::Unknown(_) => None,
    })
}

/// The facts of one capture, and how many bytes they were read from.
fn capture_facts(
    piece: &Evidence,
    options: &Options,
    context: &Arc<Context>,
    wanted: Wanted,
    way: Way,
    read: &mut u64,
    progress: &Progress,
) -> Result<CaptureFacts, Error> {
    let how = ReadOptions { window_bytes: options.window, keep_duplicates: options.keep_duplicates };
    let mut task = progress.task(&piece.path);
    let mut once = |context: &Arc<Context>| {
        let facts = capture::with_source(piece, &how, |source| {
            engine::read(source, Arc::clone(context), wanted, way, &mut |position| {
                *read = position;
                task.at(position);
            })
        })?;
        facts.map_err(|e| e.at(&piece.path))
    };
    let facts = once(context)?;
    if facts.info.tls_secrets.is_empty() || !piece.is_rereadable() {
        return Ok(facts);
    }
    // Secrets inside a capture are known only when it is read: read it again with them.
    let mut secrets = context.key_log.as_deref().cloned().unwrap_or_default();
    secrets.add(&facts.info.tls_secrets);
    once(&Arc::new(Context::new(Some(Arc::new(secrets)))))
}

/// The key logs of the option, one behind the other.
///
/// # Errors
/// When one cannot be read, or is none.
pub fn given_secrets(keylogs: &[PathBuf]) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    for path in keylogs {
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let mut log = KeyLog::default();
        log.add(&bytes);
        if log.is_empty() {
            let reason = message!(
                en: "no key log: no line of it has a TLS secret (SSLKEYLOGFILE, NSS key log format)",
                ja: "鍵ログではない: TLS の秘密情報を含む行がない (SSLKEYLOGFILE、NSS 鍵ログ形式)",
            );
            return Err(Error::Unsupported { path: path.clone(), reason });
        }
        all.extend(bytes);
        all.push(b'\n');
    }
    Ok(all)
}

/// The secrets of all key logs of the case and of the option.
fn key_log(
    found: &[Evidence],
    options: &Options,
    unread: &mut Vec<(String, Message)>,
) -> Result<Option<Arc<KeyLog>>, Error> {
    let mut secrets = KeyLog::default();
    secrets.add(&given_secrets(&options.keylogs)?);
    for piece in found.iter().filter(|p| p.kind == Kind::KeyLog && p.duplicate_of.is_none()) {
        match piece.whole() {
            Ok(bytes) => secrets.add(&bytes),
            Err(error) => unread.push((piece.path.clone(), reason(&error))),
        }
    }
    Ok((!secrets.is_empty()).then(|| Arc::new(secrets)))
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\', '!']).next().unwrap_or(path)
}

fn not_evidence(piece: &Evidence) -> Message {
    match &piece.kind {
        Kind::Unknown(why) => why.clone(),
        _ => message!(
            en: "neither a capture nor a log that is known here",
            ja: "既知のキャプチャでもログでもない",
        ),
    }
}

/// An error without the path, which stands beside it in the report.
fn reason(error: &Error) -> Message {
    match error {
        Error::Unsupported { reason, .. } | Error::Limit { reason, .. } => reason.clone(),
        Error::Damaged { offset, reason, .. } => Message {
            en: format!("offset {offset}: {}", reason.en),
            ja: format!("オフセット {offset}: {}", reason.ja),
        },
        Error::Io { source, .. } => Message::same(source.to_string()),
        Error::Usage(text) => text.clone(),
    }
}

/// Reads every capture and log among `found`, in order, and hands its facts on as soon as they are there.
///
/// # Errors
/// What `sink` returns; what cannot be read goes to `sink`.
pub fn each_piece(
    found: &[Evidence],
    options: &Options,
    sink: &mut dyn FnMut(&str, Result<PieceFacts, Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let progress = Progress::start(found, options);
    let context = Arc::new(Context::new(key_log(found, options, &mut Vec::new())?));
    let wanted: Vec<&Evidence> = found.iter().filter(|piece| !piece.is_emptied()).collect();
    let read = |piece: &Evidence, way| {
        match prospect(piece) {
            Prospect::Facts => {}
            Prospect::Nothing => return None,
            Prospect::Missing(error) => return Some(Err(error)),
        }
        match facts(piece, options, &context, Wanted::Each, way, &mut 0, &progress) {
            Ok(Some(facts)) => Some(Ok(facts)),
            Ok(None) if piece.named => Some(Err(unsupported(piece, not_evidence(piece)))),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    };
    threads::each(&wanted, Way::Together, read, |piece, result| {
        result.map_or(Ok(()), |result| sink(&piece.path, result))
    })
}

/// What is to be had of a piece, as far as that is known before it is read.
enum Prospect {
    /// It is one that has facts.
    Facts,
    /// It is something else, of which nobody has to be told.
    Nothing,
    /// Somebody expects facts of it, and there are none.
    Missing(Error),
}

fn prospect(piece: &Evidence) -> Prospect {
    match (&piece.unreadable, &piece.kind) {
        (Some(why), _) => Prospect::Missing(unsupported(piece, why.message.clone())),
        (None, Kind::Capture(_) | Kind::DebugLog | Kind::SigninLog) => Prospect::Facts,
        (None, Kind::SystemInfo) if piece.named => {
            let reason = message!(
                en: "what Windows tells of itself; there are facts of captures and logs only",
                ja: "Windows のシステム情報。facts の対象はキャプチャとログのみ",
            );
            Prospect::Missing(unsupported(piece, reason))
        }
        (None, Kind::Unknown(_)) if piece.named => Prospect::Missing(unsupported(piece, not_evidence(piece))),
        (None, Kind::KeyLog | Kind::SystemInfo | Kind::Unknown(_)) => Prospect::Nothing,
    }
}

/// Whether one of `found` is known to be unreadable before any is read.
pub fn any_unreadable(found: &[Evidence]) -> bool {
    found.iter().any(|piece| matches!(prospect(piece), Prospect::Missing(_)))
}

fn unsupported(piece: &Evidence, reason: Message) -> Error {
    Error::Unsupported { path: PathBuf::from(&piece.path), reason }
}

/// Events of an ETL file by provider, id and version, and its packets, for comparison with other readers.
///
/// # Errors
/// When the file cannot be read.
pub fn census(path: &Path) -> Result<String, Error> {
    let bytes = input::Bytes::open(path, false)?;
    capture::etl::listing(&bytes).map_err(|e| e.at(path))
}
