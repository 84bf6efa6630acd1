//! What goes to standard error: messages, and progress as a bar on a terminal.

use crate::cli::Options;
use crate::input::Evidence;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Inputs smaller than this are done before a bar could be seen.
const BAR_BYTES_MIN: u64 = 64 << 20;

/// A message on standard error. Names of files come from strangers, so nothing in them may steer the terminal or pass
/// for a line of its own.
pub fn say(text: &str) {
    // Nobody may be there to hear it, which changes nothing about what is to be done.
    let _ = writeln!(io::stderr(), "nettriage: {}", crate::report::text::one_line(text));
}

/// Shows how far the reading of the evidence has come.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    done: AtomicU64,
    /// The bar belongs to several at once, which each add to it.
    shared: bool,
}

impl Progress {
    /// A bar over all of `found`, where standard error is a terminal and there is enough to read.
    pub fn start(found: &[Evidence], options: &Options) -> Progress {
        let total: u64 = found.iter().filter_map(|e| e.bytes).sum();
        if total < BAR_BYTES_MIN || options.verbosity < 0 || !io::stderr().is_terminal() {
            return Progress::hidden();
        }
        let bar = ProgressBar::new(total);
        let style = "{bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, done: AtomicU64::new(0), shared: false }
    }

    /// No display.
    pub fn hidden() -> Progress {
        Progress { bar: ProgressBar::hidden(), done: AtomicU64::new(0), shared: false }
    }

    /// A part of a bar that others add to as well; [`Progress::done`] tells how much came from here.
    pub fn part_of(bar: ProgressBar) -> Progress {
        Progress { bar, done: AtomicU64::new(0), shared: true }
    }

    /// Bytes read so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Begins a file.
    pub fn task(&self, name: &str) -> Task<'_> {
        if !self.shared {
            self.bar.set_message(crate::report::text::one_line(name));
        }
        Task { progress: self, told: 0 }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.shared {
            self.bar.finish_and_clear();
        }
    }
}

/// The reading of one file.
#[derive(Debug)]
pub struct Task<'a> {
    progress: &'a Progress,
    told: u64,
}

impl Task<'_> {
    /// The file was read up to `position` bytes.
    pub fn at(&mut self, position: u64) {
        let step = position.saturating_sub(self.told);
        self.told = self.told.max(position);
        let before = self.progress.done.fetch_add(step, Ordering::Relaxed);
        if self.progress.shared {
            self.progress.bar.inc(step);
        } else {
            self.progress.bar.set_position(before.saturating_add(step));
        }
    }
}
