//! `nettriage diff`: a working against a failing trace.
//!
//! What enters: two inputs, each a case. What leaves: what differs, the answer first, hosts in the order of how much they
//! explain. Both are analysed and judged as ever; [`compare`] looks at the two results, the formats print them.

pub mod compare;
mod html;
mod json;
mod markdown;
mod text;

use crate::analyze::{self, Analysis};
use crate::cli::{Options, ReportFormat};
use crate::error::Error;
use crate::input::Evidence;
use crate::lang::Message;
use crate::render;
use crate::report::json_text::Layout;
use crate::report::redact::Redactor;
use compare::Diff;
use std::path::Path;

/// Something at or above `--fail-on` was found in the failing trace alone.
const FOUND: u8 = 1;
/// An input could not be read.
const UNREADABLE: u8 = 2;

/// A comparison, printed.
#[derive(Debug)]
pub struct Output {
    /// The report.
    pub text: String,
    /// Exit status of the contract.
    pub status: u8,
    /// Inputs that could not be read, by the names that they really have.
    pub unread: Vec<(String, Message)>,
}

/// What differs between two cases, of which this is the evidence: the working one first.
///
/// # Errors
/// When a key log cannot be read.
pub fn run(
    found: &[Vec<Evidence>; 2],
    format: ReportFormat,
    output: Option<&Path>,
    options: &Options,
) -> Result<Output, Error> {
    let [good, bad] = found;
    let (good, bad) = (analyze::opened(good, options)?, analyze::opened(bad, options)?);
    let unread: Vec<_> = good.report.unread.iter().chain(&bad.report.unread).cloned().collect();
    let mut diff = compare::compare(&good, &bad);
    let status = status(&diff, options);
    if options.redact {
        redact(&mut diff, &good, &bad);
    }
    let lang = options.lang;
    let text = match format {
        ReportFormat::Json => json::render(&diff, lang, Layout::Pretty),
        ReportFormat::Jsonl => json::render(&diff, lang, Layout::Line),
        ReportFormat::Html => html::render(&diff, lang),
        ReportFormat::Markdown => markdown::render(&diff, lang),
        ReportFormat::Text | ReportFormat::Csv => text::render(&diff, lang, &render::style(options, output)),
    };
    Ok(Output { text, status, unread })
}

/// By the findings that the failing trace alone has: what both have stops nothing in the working one.
fn status(diff: &Diff, options: &Options) -> u8 {
    if !diff.good.unread.is_empty() || !diff.bad.unread.is_empty() {
        return UNREADABLE;
    }
    let worst = diff.only_bad.iter().map(|f| f.severity).max();
    match (worst, options.fail_on) {
        (Some(worst), Some(limit)) if worst >= limit => FOUND,
        _ => 0,
    }
}

fn redact(diff: &mut Diff, good: &Analysis, bad: &Analysis) {
    let mut redactor = Redactor::default();
    for analysis in [good, bad] {
        redactor.learn(&analysis.case);
        analysis.report.unread.iter().for_each(|(path, _)| redactor.learn_path(path));
    }
    diff.redact(&mut redactor);
}
