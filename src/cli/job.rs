//! What the command line asks for, resolved: nothing here knows clap.

use crate::lang::Lang;
use std::path::PathBuf;

/// What to do.
#[derive(Debug)]
pub enum Job {
    /// One case.
    Analyze {
        /// Inputs.
        paths: Vec<PathBuf>,
        /// Format of the report.
        format: ReportFormat,
        /// Where to.
        output: Option<PathBuf>,
        /// Options.
        options: Options,
    },
    /// Many cases.
    Batch {
        /// Folders.
        paths: Vec<PathBuf>,
        /// Folder for the reports.
        output: PathBuf,
        /// Formats of the reports per case.
        formats: Vec<ReportFormat>,
        /// Skip what is done.
        resume: bool,
        /// Options.
        options: Options,
    },
    /// Facts.
    Facts {
        /// Inputs.
        paths: Vec<PathBuf>,
        /// CSV rather than JSON Lines.
        csv: bool,
        /// Types to keep; all when empty.
        types: Vec<String>,
        /// Where to.
        output: Option<PathBuf>,
        /// Options.
        options: Options,
    },
    /// A capture as pcapng.
    Convert {
        /// From.
        input: PathBuf,
        /// To.
        output: PathBuf,
        /// Options.
        options: Options,
    },
    /// Good against bad.
    Diff {
        /// Works.
        good: PathBuf,
        /// Fails.
        bad: PathBuf,
        /// Format.
        format: ReportFormat,
        /// Where to.
        output: Option<PathBuf>,
        /// Options.
        options: Options,
    },
    /// What findings mean.
    Explain {
        /// One of them.
        code: Option<String>,
        /// Language.
        lang: Lang,
        /// Markdown instead of text.
        markdown: bool,
        /// Where to.
        output: Option<PathBuf>,
    },
    /// How to collect evidence.
    Guide {
        /// Language.
        lang: Lang,
        /// Where to.
        output: Option<PathBuf>,
    },
    /// Events of an ETL file.
    Census {
        /// File.
        path: PathBuf,
    },
    /// A ready text (completions, manual page, schema).
    Print(String),
}

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportFormat {
    /// For a terminal.
    Text,
    /// `nettriage.case/1`.
    Json,
    /// The same, one line a case.
    Jsonl,
    /// One self-contained page.
    Html,
    /// For a ticket.
    Markdown,
    /// Hosts and findings as tables.
    Csv,
}

impl ReportFormat {
    /// File name extension.
    pub fn extension(self) -> &'static str {
        match self {
            ReportFormat::Text => "txt",
            ReportFormat::Json => "json",
            ReportFormat::Jsonl => "jsonl",
            ReportFormat::Html => "html",
            ReportFormat::Markdown => "md",
            ReportFormat::Csv => "csv",
        }
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options of all commands.
#[derive(Debug, Clone)]
pub struct Options {
    /// Language.
    pub lang: Lang,
    /// Placeholders for names.
    pub redact: bool,
    /// Threads; 0 = all cores.
    pub threads: usize,
    /// Colours.
    pub color: Color,
    /// 0 normal, 1 and more: say more; -1 quiet.
    pub verbosity: i8,
    /// Key log files.
    pub keylogs: Vec<PathBuf>,
    /// Read instead of mapping.
    pub no_mmap: bool,
    /// Keep copies.
    pub keep_duplicates: bool,
    /// Bytes of a window.
    pub window: usize,
    /// Lowest severity that makes the exit status 1; `None` = never.
    pub fail_on: Option<crate::finding::Severity>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            lang: Lang::En,
            redact: false,
            threads: 0,
            color: Color::Auto,
            verbosity: 0,
            keylogs: Vec::new(),
            no_mmap: false,
            keep_duplicates: false,
            window: crate::limits::WINDOW_BYTES,
            fail_on: Some(crate::finding::Severity::Critical),
        }
    }
}
