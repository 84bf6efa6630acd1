//! A report → bytes in one format, as they suit where they go: colours and width of a terminal, or none for a file.

use crate::cli::{Color, Options, ReportFormat};
use crate::report::json_text::{self, Layout};
use crate::report::{self, Report};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes a report in one format. `output` tells whether colours and the terminal's width make sense.
///
/// # Errors
/// Of the place it goes to.
pub fn report(
    report: &Report,
    format: ReportFormat,
    options: &Options,
    output: Option<&Path>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let lang = options.lang;
    let text = match format {
        ReportFormat::Json => return json_text::write(out, &report::json::case(report, lang), Layout::Pretty),
        ReportFormat::Jsonl => return json_text::write(out, &report::json::case(report, lang), Layout::Line),
        ReportFormat::Text => report::text::render(report, lang, &style(options, output)),
        ReportFormat::Html => report::html::render(report, lang),
        ReportFormat::Markdown => report::markdown::render(report, lang),
        ReportFormat::Csv => report::csv::render(report, lang),
    };
    out.write_all(text.as_bytes())
}

/// How text looks on standard output, or in the file `output`.
pub fn style(options: &Options, output: Option<&Path>) -> report::text::Style {
    report::text::Style {
        color: match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => output.is_none() && io::stdout().is_terminal() && !no_color(),
        },
        width: if output.is_none() { terminal_width() } else { report::text::WIDTH_DEFAULT },
        verbose: options.verbosity > 0,
    }
}

/// Whether the environment wants no colours: <https://no-color.org>, by which an empty value says nothing.
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Columns of the terminal, where standard output is one.
fn terminal_width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or_else(|| {
        terminal_size::terminal_size().map_or(report::text::WIDTH_DEFAULT, |(w, _)| usize::from(w.0))
    })
}
