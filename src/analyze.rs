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
    let found = input::open(paths, &input::Options { mmap: !options.no_mmap });
    let progress = Progress::start(&found, options);
    evidence(&found, options, Way::Together, &progress)
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

/// The secrets of all key logs of the case and of the option.
fn key_log(
    found: &[Evidence],
    options: &Options,
    unread: &mut Vec<(String, Message)>,
) -> Result<Option<Arc<KeyLog>>, Error> {
    let mut secrets = KeyLog::default();
    for path in &options.keylogs {
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.clone(), source })?;
        secrets.add(&bytes);
    }
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
        Error::Usage(text) => Message::same(text.clone()),
    }
}

/// Reads every capture among `paths`, in order, and hands its facts on as soon as they are there.
///
/// # Errors
/// What `sink` returns; captures that cannot be read go to `sink`.
pub fn each_capture(
    paths: &[PathBuf],
    options: &Options,
    sink: &mut dyn FnMut(&str, Result<CaptureFacts, Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let found = input::open(paths, &input::Options { mmap: !options.no_mmap });
    let progress = Progress::start(&found, options);
    let context = Arc::new(Context::new(key_log(&found, options, &mut Vec::new())?));
    let wanted: Vec<&Evidence> = found.iter().collect();
    let read = |piece: &Evidence, way| {
        let unsupported = |reason: Message| Err(Error::Unsupported { path: PathBuf::from(&piece.path), reason });
        Some(match (&piece.unreadable, &piece.kind) {
            (Some(why), _) => unsupported(why.message.clone()),
            (None, Kind::Capture(_)) => capture_facts(piece, options, &context, Wanted::Each, way, &mut 0, &progress),
            (None, Kind::KeyLog) => return None,
            (None, _) if piece.named => unsupported(not_evidence(piece)),
            (None, _) => return None,
        })
    };
    threads::each(&wanted, Way::Together, read, |piece, result| {
        result.map_or(Ok(()), |result| sink(&piece.path, result))
    })
}

/// Events of an ETL file by provider, id and version, and its packets, for comparison with other readers.
///
/// # Errors
/// When the file cannot be read.
pub fn census(path: &Path) -> Result<String, Error> {
    let bytes = input::Bytes::open(path, false)?;
    capture::etl::listing(&bytes).map_err(|e| e.at(path))
}
