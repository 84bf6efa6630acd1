//! All stages for one case; the only file that names them all.
//!
//! Evidence is opened and told apart by content; key logs are read first, since captures need them; captures are read
//! one by one (each uses all threads); everything becomes one [`Case`], is judged and reported.

pub mod engine;

use crate::capture::etl::EtlSource;
use crate::capture::pcap::PcapSource;
use crate::capture::pcapng::PcapngSource;
use crate::capture::sniff::{self, Container};
use crate::case::{Case, Piece, PieceFacts};
use crate::cli::Options;
use crate::error::Error;
use crate::facts::CaptureFacts;
use crate::input::source::{ByteSource, Bytes};
use crate::lang::Message;
use crate::message;
use crate::protocol::Context;
use crate::report::Report;
use crate::verdict;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A case, analysed.
#[derive(Debug)]
pub struct Analysis {
    /// The report.
    pub report: Report,
    /// The case behind it.
    pub case: Case,
}

/// Analyses all `paths` together as one case.
///
/// # Errors
/// Only when nothing at all could be opened; unreadable pieces are listed in the report.
pub fn case(paths: &[PathBuf], options: &Options) -> Result<Analysis, Error> {
    let mut pieces = Vec::new();
    let mut unread = Vec::new();
    for path in paths {
        match capture_file(path, options) {
            Ok(facts) => pieces.push(Piece {
                path: path.display().to_string(),
                container: None,
                bytes: std::fs::metadata(path).map_or(0, |m| m.len()),
                facts: PieceFacts::Capture(Box::new(facts)),
            }),
            Err(error) => unread.push((path.display().to_string(), reason(&error))),
        }
    }
    Ok(report(pieces, unread))
}

fn report(pieces: Vec<Piece>, unread: Vec<(String, Message)>) -> Analysis {
    let case = Case::build(pieces);
    let verdicts: Vec<_> = case.hosts.iter().map(|h| verdict::judge_host(&case, h)).collect();
    let report = crate::report::build::build(&case, &verdicts, unread);
    Analysis { report, case }
}

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
/// What `sink` returns; unreadable captures go to `sink`.
pub fn each_capture(
    paths: &[PathBuf],
    options: &Options,
    sink: &mut dyn FnMut(&str, Result<CaptureFacts, Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    for path in paths {
        sink(&path.display().to_string(), capture_file(path, options))?;
    }
    Ok(())
}

fn capture_file(path: &Path, options: &Options) -> Result<CaptureFacts, Error> {
    let context = Arc::new(Context::default());
    let mut source = ByteSource::open(path)?;
    let head = source.fill(sniff::SNIFF_BYTES).to_vec();
    let facts = match sniff::sniff(&head) {
        Container::Pcap => {
            let pcap = PcapSource::new(source, options.window).map_err(|e| e.at(path))?;
            engine::read(Box::new(pcap), context, &mut |_| {})
        }
        Container::PcapNg => {
            let pcapng = PcapngSource::new(source, options.window).map_err(|e| e.at(path))?;
            engine::read(Box::new(pcapng), context, &mut |_| {})
        }
        Container::Etl => {
            let bytes = Bytes::open(path, !options.no_mmap)?;
            let etl = EtlSource::open(&bytes, options.window)
                .map_err(|e| e.at(path))?
                .keep_duplicates(options.keep_duplicates);
            engine::read(Box::new(etl), context, &mut |_| {})
        }
        Container::Foreign(text) => Err(Error::Unsupported { path: path.to_path_buf(), reason: text.into() }),
        _ => Err(Error::Unsupported {
            path: path.to_path_buf(),
            reason: message!(en: "no capture format that is known here", ja: "既知のキャプチャ形式ではない"),
        }),
    };
    facts.map_err(|e| e.at(path))
}

/// Events of an ETL file by provider, id and version, and its packets, for comparison with other readers.
///
/// # Errors
/// When the file cannot be read.
pub fn census(_path: &Path) -> Result<String, Error> {
    Err(Error::Usage("not built yet".to_owned()))
}
