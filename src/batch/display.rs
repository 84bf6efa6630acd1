//! How far a batch has come, on standard error: a bar on a terminal, lines with `-v`, nothing otherwise.

use super::discover::CaseFiles;
use super::record::CaseRecord;
use crate::cli::Options;
use crate::lang::Lang;
use crate::progress::say;
use crate::report::text::one_line;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The display of one batch.
#[derive(Debug)]
pub(super) struct Display {
    bar: ProgressBar,
    lines: bool,
    all: usize,
    done: AtomicUsize,
    faults: AtomicUsize,
    lang: Lang,
}

impl Display {
    /// Begins the display over all cases.
    pub(super) fn start(cases: &[CaseFiles], options: &Options) -> Display {
        let terminal = io::stderr().is_terminal();
        let bar = if terminal && options.verbosity >= 0 {
            let bar = ProgressBar::new(cases.iter().map(|c| c.bytes).sum());
            let style = "{bar:24} {prefix} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        } else {
            ProgressBar::hidden()
        };
        Display {
            bar,
            lines: options.verbosity > 0,
            all: cases.len(),
            done: AtomicUsize::new(0),
            faults: AtomicUsize::new(0),
            lang: options.lang,
        }
    }

    /// The bar that the readers of captures move.
    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// A case begins.
    pub(super) fn begin(&self, case: &CaseFiles) -> Instant {
        // The end of the name: what stands before it is the same for many cases, and the line is short.
        let name = case.name.rsplit('/').next().unwrap_or(&case.name);
        self.bar.set_message(one_line(name));
        Instant::now()
    }

    /// A case is done; `read` bytes of it moved the bar already.
    pub(super) fn end(&self, case: &CaseFiles, record: &CaseRecord, started: Instant, read: u64) {
        match case.bytes.checked_sub(read) {
            Some(rest) => self.bar.inc(rest),
            // Packed evidence is longer unpacked.
            None => self.bar.set_position(self.bar.position().saturating_sub(read.saturating_sub(case.bytes))),
        }
        let seconds = started.elapsed().as_secs_f64();
        self.count(record, &format!(" ({seconds:.1} s)"));
    }

    /// A case was done in an earlier run.
    pub(super) fn skip(&self, case: &CaseFiles, record: &CaseRecord) {
        self.bar.inc(case.bytes);
        let before = match self.lang {
            Lang::En => " (done before)",
            Lang::Ja => " (完了済み)",
        };
        self.count(record, before);
    }

    fn count(&self, record: &CaseRecord, how: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let fault = record.failed || record.outcome == "network_fault";
        let faults = self.faults.fetch_add(usize::from(fault), Ordering::Relaxed) + usize::from(fault);
        let all = self.all;
        self.bar.set_prefix(match self.lang {
            Lang::En => format!("{done}/{all} cases, {faults} with a fault,"),
            Lang::Ja => format!("{done}/{all} ケース、障害 {faults} 件、"),
        });
        if self.lines {
            let what = match &record.root {
                Some((host, verdict)) => format!("{host} {verdict}"),
                None if record.failed => "failed".to_owned(),
                None => record.outcome.clone(),
            };
            let line = format!("[{done}/{all}] {}: {what}{how}", record.name);
            self.bar.suspend(|| say(&line));
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
