//! Jobs → output: prints results and errors, decides the exit status.

use crate::analyze::{self, Analysis};
use crate::cli::{Job, Options};
use crate::error::Error;
use crate::input::Kind;
use crate::lang::{Lang, Message};
use crate::output::{self, Output, read_or_not};
use crate::progress::say;
use crate::report::json_text::{self, Layout};
use crate::report::redact::Redactor;
use crate::{batch, convert, diff, explain, records, render};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Something at or above `--fail-on` was found.
const FOUND: u8 = 1;
/// Bad usage, or an input that could not be read at all.
const UNREADABLE: u8 = 2;

/// Runs a job; the exit status is that of the contract.
pub fn run(job: Job) -> ExitCode {
    let lang = match &job {
        Job::Analyze { options, .. }
        | Job::Batch { options, .. }
        | Job::Facts { options, .. }
        | Job::Convert { options, .. }
        | Job::Diff { options, .. } => options.lang,
        Job::Explain { lang, .. } | Job::Guide { lang, .. } => *lang,
        Job::Census { .. } | Job::Print(_) => Lang::En,
    };
    let result = match &job {
        Job::Analyze { options, .. }
        | Job::Batch { options, .. }
        | Job::Facts { options, .. }
        | Job::Convert { options, .. }
        | Job::Diff { options, .. } => analyze::threads::with_pool(options.threads, || dispatch(job)),
        _ => dispatch(job),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&error.text(lang));
            ExitCode::from(UNREADABLE)
        }
    }
}

fn dispatch(job: Job) -> Result<u8, Error> {
    match job {
        Job::Analyze { paths, format, output, options } => {
            let output = output.as_deref();
            let found = analyze::open(&paths, &options);
            output::refuse_evidence(output, paths.iter().chain(&options.keylogs), &found, analyze::is_evidence)?;
            let mut analysis = analyze::opened(&found, &options)?;
            say_unread(&analysis.report.unread, &options);
            let status = status(&analysis, &options);
            if options.redact {
                analysis.redact(&mut Redactor::default());
            }
            let mut out = Output::open(output)?;
            let written = render::report(&analysis.report, format, &options, output, &mut out);
            end(out, written)?;
            // The process ends here: giving the facts of a million flows back one by one would be for nothing.
            std::mem::forget(analysis);
            Ok(status)
        }
        Job::Batch { paths, output, formats, resume, options } => {
            batch::run(&paths, &output, &formats, resume, &options)
        }
        Job::Facts { paths, csv, types, output, options } => facts(&paths, csv, &types, output.as_deref(), &options),
        Job::Convert { input, output, options } => {
            let secrets = analyze::given_secrets(&options.keylogs)?;
            read_or_not(convert::run(&input, &output, secrets, &options)).map(|()| 0)
        }
        Job::Diff { good, bad, format, output, options } => {
            let one = |path: &PathBuf| analyze::open(std::slice::from_ref(path), &options);
            let found = [one(&good), one(&bad)];
            for found in &found {
                let named = [&good, &bad].into_iter().chain(&options.keylogs);
                output::refuse_evidence(output.as_deref(), named, found, analyze::is_evidence)?;
            }
            let diff = diff::run(&found, format, output.as_deref(), &options)?;
            say_unread(&diff.unread, &options);
            write_out(output.as_deref(), diff.text.as_bytes())?;
            Ok(diff.status)
        }
        Job::Explain { code, lang, markdown, output } => {
            let text = explain::explain(code.as_deref(), lang, markdown)?;
            write_out(output.as_deref(), text.as_bytes())?;
            Ok(0)
        }
        Job::Guide { lang, output } => write_out(output.as_deref(), explain::guide(lang).as_bytes()).map(|()| 0),
        Job::Census { path } => {
            let text = analyze::census(&path)?;
            write_out(None, text.as_bytes()).map(|()| 0)
        }
        Job::Print(text) => write_out(None, text.as_bytes()).map(|()| 0),
    }
}

/// Says what could not be read, by the names that the one who called knows (placeholders would not help to find them).
fn say_unread(unread: &[(String, Message)], options: &Options) {
    for (path, reason) in unread {
        say(&format!("{path}: {}", reason.get(options.lang)));
    }
}

fn status(analysis: &Analysis, options: &Options) -> u8 {
    if !analysis.report.unread.is_empty() {
        return UNREADABLE;
    }
    let worst = analysis.report.findings.iter().map(|f| f.severity).max();
    match (worst, options.fail_on) {
        (Some(worst), Some(limit)) if worst >= limit => FOUND,
        _ => 0,
    }
}

fn facts(
    paths: &[PathBuf],
    csv: bool,
    types: &[String],
    output: Option<&Path>,
    options: &Options,
) -> Result<u8, Error> {
    let mut found = analyze::open(paths, options);
    output::refuse_evidence(output, paths.iter().chain(&options.keylogs), &found, analyze::is_evidence)?;
    if options.redact {
        // Captures tell which words of logs are names, and placeholders are numbered as in reports.
        found.sort_by_key(|piece| !matches!(piece.kind, Kind::Capture(_)));
    }
    let mut code = if analyze::any_unreadable(&found) { UNREADABLE } else { 0 };
    let mut out = Output::open(output)?;
    let mut table = records::Csv::default();
    let mut redactor = options.redact.then(Redactor::default);
    let read = analyze::each_piece(&found, options, &mut |path, result| {
        if let Some(redactor) = &mut redactor {
            result.iter().for_each(|facts| redactor.learn_piece(facts));
            redactor.learn_path(path);
        }
        let mut rows = match result {
            Ok(facts) => records::of_piece(path, &facts),
            Err(error) => {
                code = UNREADABLE;
                say(&error.text(options.lang));
                vec![records::of_error(path, &error.to_string())]
            }
        };
        if let Some(redactor) = &mut redactor {
            rows.iter_mut().for_each(|row| records::replace_texts(row, &mut |text| redactor.text(text)));
        }
        for row in rows.iter().filter(|r| records::wanted(r, types)) {
            if csv {
                table.add(row);
            } else {
                let written = json_text::write(&mut out, row, Layout::Line);
                out.checked(written)?;
            }
        }
        Ok(())
    });
    // A reader that wants no more ends the reading; what the rest would have told is not known.
    match read {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => return Ok(code),
        other => other?,
    }
    let written = if csv { out.write_all(table.finish().as_bytes()) } else { Ok(()) };
    end(out, written)?;
    Ok(code)
}

/// Ends an output, of which `written` tells how the writing went.
fn end(out: Output, written: io::Result<()>) -> Result<(), Error> {
    read_or_not(out.checked(written).and_then(|()| out.finish()))
}

fn write_out(output: Option<&Path>, bytes: &[u8]) -> Result<(), Error> {
    let mut out = Output::open(output)?;
    let written = out.write_all(bytes);
    end(out, written)
}
