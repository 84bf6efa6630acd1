//! Jobs → output: opens what they write to, prints results and errors, decides the exit status.

use crate::analyze::{self, Analysis};
use crate::cli::{Job, Options};
use crate::error::Error;
use crate::lang::{Lang, Message};
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
        Job::Explain { lang, .. } | Job::Guide { lang } => *lang,
        Job::Census { .. } | Job::Print(_) => Lang::En,
    };
    let result = match &job {
        Job::Analyze { options, .. }
        | Job::Batch { options, .. }
        | Job::Facts { options, .. }
        | Job::Diff { options, .. } => analyze::threads::with_pool(options.threads, || dispatch(job)),
        _ => dispatch(job),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        // The reader of our output closed it: nothing is wrong.
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.text(lang));
            ExitCode::from(UNREADABLE)
        }
    }
}

fn dispatch(job: Job) -> Result<u8, Error> {
    match job {
        Job::Analyze { paths, format, output, options } => {
            let mut analysis = analyze::case(&paths, &options)?;
            say_unread(&analysis.report.unread, &options);
            if options.redact {
                analysis.redact(&mut Redactor::default());
            }
            let output = output.as_deref();
            let mut out = open_out(output)?;
            render::report(&analysis.report, format, &options, output, &mut out)
                .and_then(|()| out.flush())
                .map_err(|source| io_error(output, source))?;
            let status = status(&analysis, &options);
            // The process ends here: giving the facts of a million flows back one by one would be for nothing.
            std::mem::forget(analysis);
            Ok(status)
        }
        Job::Batch { paths, output, formats, resume, options } => {
            batch::run(&paths, &output, &formats, resume, &options)
        }
        Job::Facts { paths, csv, types, output, options } => facts(&paths, csv, &types, output.as_deref(), &options),
        Job::Convert { input, output, options } => convert::run(&input, &output, &options).map(|()| 0),
        Job::Diff { good, bad, format, output, options } => {
            let diff = diff::run(&good, &bad, format, output.as_deref(), &options)?;
            say_unread(&diff.unread, &options);
            write_out(output.as_deref(), diff.text.as_bytes())?;
            Ok(diff.status)
        }
        Job::Explain { code, lang, markdown } => {
            let text = explain::explain(code.as_deref(), lang, markdown)?;
            write_out(None, text.as_bytes())?;
            Ok(0)
        }
        Job::Guide { lang } => write_out(None, explain::guide(lang).as_bytes()).map(|()| 0),
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
    let mut code = 0;
    let mut out = open_out(output)?;
    let mut table = records::Csv::default();
    let mut redactor = options.redact.then(Redactor::default);
    analyze::each_capture(paths, options, &mut |path, result| {
        if let Some(redactor) = &mut redactor {
            result.iter().for_each(|facts| redactor.learn_capture(facts));
            redactor.learn_path(path);
        }
        let mut rows = match result {
            Ok(facts) => records::of_capture(path, &facts),
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
                json_text::write(&mut out, row, Layout::Line).map_err(|source| io_error(output, source))?;
            }
        }
        Ok(())
    })?;
    if csv {
        out.write_all(table.finish().as_bytes()).map_err(|source| io_error(output, source))?;
    }
    out.flush().map_err(|source| io_error(output, source))?;
    Ok(code)
}

fn open_out(output: Option<&Path>) -> Result<Box<dyn Write>, Error> {
    Ok(match output {
        Some(path) => {
            let file = std::fs::File::create(path).map_err(|source| io_error(output, source))?;
            Box::new(io::BufWriter::new(file))
        }
        None => Box::new(io::BufWriter::new(io::stdout().lock())),
    })
}

fn write_out(output: Option<&Path>, bytes: &[u8]) -> Result<(), Error> {
    let mut out = open_out(output)?;
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|source| io_error(output, source))
}

fn io_error(output: Option<&Path>, source: io::Error) -> Error {
    Error::Io { path: output.map_or_else(|| PathBuf::from("<stdout>"), Path::to_path_buf), source }
}
