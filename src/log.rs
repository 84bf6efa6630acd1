//! Debug text → events.
//!
//! What enters: the bytes of one file that may be a debug log or a sign-in log export. What leaves: [`LogEvidence`],
//! owned facts without secrets. The readers are total: any bytes give a result, at worst [`LogEvidence::NotALog`].
//!
//! A log may mix dialects: each line goes to the reader that knows its shape, and all write into one collector.

pub mod az;
pub mod az_powershell;
mod build;
mod command;
pub mod graph_powershell;
mod other;
pub mod pattern;
mod place;
pub mod secret;
pub mod signin_export;
mod stamp;
pub mod text;

use crate::facts::log::{Dialect, LogEventKind, LogFacts, SigninFacts, Transcript};
use crate::limits::LOG_BYTES_MAX;
use crate::message;
use build::{Block, Builder};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a file turned out to be.
#[derive(Debug)]
pub enum LogEvidence {
    /// A debug log, or text with an error of a sign-in in it.
    Debug(LogFacts),
    /// An export of the Entra sign-in log.
    Signin(SigninFacts),
    /// Neither.
    NotALog,
}

/// Reads one file. `name` is its name without folders; it only decides between readings that the content leaves open.
pub fn read(name: &str, bytes: &[u8]) -> LogEvidence {
    let limit = usize::try_from(LOG_BYTES_MAX).unwrap_or(usize::MAX);
    let head = bytes.get(..limit).unwrap_or(bytes);
    if is_binary(head) {
        return LogEvidence::NotALog;
    }
    let (text, encoding) = text::decode(head);
    if let Some(mut facts) = signin_export::read(&text) {
        facts.encoding = encoding.name.to_owned();
        return LogEvidence::Signin(facts);
    }
    let extension = name.rsplit_once('.').map_or(String::new(), |(_, e)| e.to_ascii_lowercase());
    if is_data(&extension, &text) {
        return LogEvidence::NotALog;
    }
    let mut facts = read_text(&text);
    if !is_log(&facts, &extension) {
        return LogEvidence::NotALog;
    }
    facts.encoding = encoding.name.to_owned();
    if encoding.damaged {
        facts.problems.note("log_encoding", None, None, || {
            message!(
                en: "some characters could not be decoded as {0}",
                ja: "{0} として解読できない文字がありました",
                encoding.name
            )
        });
    }
    if head.len() < bytes.len() {
        facts.problems.note(
            "log_cut",
            None,
            Some(head.len() as u64),
            || message!(en: "only the first {limit} bytes were read", ja: "先頭の {limit} バイトだけを読みました"),
        );
    }
    LogEvidence::Debug(facts)
}

/// Captures, archives and programs: many control characters that no encoding of text explains.
fn is_binary(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return false;
    }
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or(bytes);
    let control = head.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31)).count();
    control * 50 > head.len()
}

/// JSON, HTML, source code: text that may talk about errors without being a log.
fn is_data(extension: &str, text: &str) -> bool {
    let first = text.trim_start();
    let is_json = extension == "json" || first.starts_with("{\"") || first.starts_with("[{");
    let is_markup = first.starts_with("<?xml") || first.starts_with("<!DOCTYPE") || first.starts_with("<html");
    (is_json && matches!(extension, "json" | "jsonl" | "har" | "")) || is_markup
}

/// Whether what was read is a log: written by a known client, or naming a failure.
fn is_log(facts: &LogFacts, extension: &str) -> bool {
    let prose =
        matches!(extension, "md" | "rst" | "html" | "htm" | "csv" | "py" | "rs" | "ps1" | "js" | "xml" | "yaml");
    let known = facts.attempts.iter().any(|a| {
        a.dialect != Dialect::Other || a.events.iter().any(|e| matches!(e.kind, LogEventKind::HttpResponse { .. }))
    });
    let fails = facts.attempts.iter().any(|a| a.first_error().is_some());
    if prose { known && facts.attempts.iter().any(|a| a.events.len() > 3) } else { known || fails }
}

static STREAM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // PowerShell's names of its streams in the languages of Windows; two letters of space before the colon in French.
    Regex::new(
        r"^(DEBUG|VERBOSE|WARNING|ERROR|INFORMATION|デバッグ|詳細|警告|エラー|DÉBOGUER|DÉBOGAGE|COMMENTAIRES|AVERTISSEMENT|AUSFÜHRLICH|WARNUNG|FEHLER|DEPURAR|DETALLADO|ADVERTENCIA|调试|详细信息|디버그|경고|ОТЛАДКА|ПРЕДУПРЕЖДЕНИЕ)\s?[:：] ?(.*)$",
    )
    .ok()
});
// `az : ERROR: …`, `az.cmd : …`: a native program's error stream as Windows PowerShell shows it; `Connect-X : text`.
static NATIVE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:az|az\.cmd|az\.exe|az\.ps1|python(?:\.exe)?|curl(?:\.exe)?) : (.*)$").ok());
static CMDLET_ERROR: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^((?:[A-Z][a-z]+)-[A-Za-z]{2,40}) ?: (.+)$").ok());
static VERSION_LINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^azure-cli\s+(\d+\.\d+[\w.]*)|^Python \([^)]*\) (\d+\.\d+\.\d+)").ok());
static MODULE_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:\w+\s+)?(\d+\.\d+\.\d+)\s+(?:\S*\s+)?(Az\.Accounts|Microsoft\.Graph\.Authentication)\b|^(?:Script\s+)(\d+\.\d+\.\d+)\s+(Az\.Accounts|Microsoft\.Graph\.Authentication)\b").ok()
});

/// Reads decoded text.
pub(crate) fn read_text(text: &str) -> LogFacts {
    let (lines, width) = text::lines(text);
    let mut b = Builder::default();
    b.facts.lines = lines.last().map_or(0, |l| l.number);
    let lines = join_native(lines);
    let mut head = Some(Transcript::default());
    let mut announces = false;
    for line in &lines {
        b.next_line(line.number);
        let trimmed = line.text.trim_end();
        if transcript(&mut b, &mut head, trimmed) {
            continue;
        }
        // Advice quotes commands: `Please run:` and the command on the next line.
        let quoted = announces;
        let is_command = one_line(&mut b, trimmed, quoted);
        announces = trimmed.ends_with([':', '：']) || (quoted && is_command);
    }
    let mut facts = b.finish();
    if let Some(width) = width {
        facts.problems.note("log_wrapped", None, None, || {
            message!(
                en: "lines were wrapped at {width} columns and have been joined again",
                ja: "{width} 桁で折り返された行をつなぎ直しました"
            )
        });
    }
    facts
}

/// One logical line to the reader that knows it; whether it was a command.
fn one_line(b: &mut Builder, line: &str, quoted: bool) -> bool {
    if let Some(command) = command::prompt(line) {
        if !quoted {
            b.begin(command);
        }
        return true;
    }
    read_line(b, line);
    false
}

/// A line that is no command.
fn read_line(b: &mut Builder, line: &str) {
    if line.is_empty() {
        if let Block::Http(block) = &b.block
            && !block.arm
        {
            b.block = Block::None;
        }
        return;
    }
    if az::line(b, line) {
        return;
    }
    let (stream, rest) = stream(line);
    let rest = rest.as_ref();
    if az_powershell::line(b, rest, stream.is_some()) || graph_powershell::line(b, rest) {
        return;
    }
    match stream {
        Some(Stream::Debug) => {
            if b.block == Block::None {
                other::free(b, rest, false);
            } else {
                other::line(b, rest);
            }
        }
        Some(Stream::Warning) => {
            if !other::free(b, rest, false) {
                b.event(LogEventKind::Warning, None, line);
            }
        }
        Some(Stream::Error) => {
            if rest.starts_with("Traceback") {
                b.block = Block::Traceback;
            } else {
                other::free(b, rest, true);
            }
        }
        None => {
            versions(b, line);
            if !succeeded(b, line) {
                other::line(b, line);
            }
        }
    }
}

/// What PowerShell calls a stream, or a native program a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Debug,
    Warning,
    Error,
}

/// Cuts off the name of a stream.
fn stream(line: &str) -> (Option<Stream>, Cow<'_, str>) {
    if let Some(c) = STREAM.as_ref().and_then(|r| r.captures(line)) {
        let (name, rest) = (c.get(1).map_or("", |m| m.as_str()), c.get(2).map_or("", |m| m.as_str()));
        let stream = match name {
            "WARNING" | "警告" | "AVERTISSEMENT" | "WARNUNG" | "ADVERTENCIA" | "경고" | "ПРЕДУПРЕЖДЕНИЕ" => {
                Stream::Warning
            }
            "ERROR" | "エラー" | "FEHLER" => Stream::Error,
            _ => Stream::Debug,
        };
        return (Some(stream), Cow::Owned(rest.to_owned()));
    }
    if let Some(c) = CMDLET_ERROR.as_ref().and_then(|r| r.captures(line)) {
        return (Some(Stream::Error), Cow::Owned(c.get(2).map_or("", |m| m.as_str()).to_owned()));
    }
    (None, Cow::Borrowed(line))
}

/// Versions that customers paste along (`az --version`, `Get-Module`).
fn versions(b: &mut Builder, line: &str) {
    if let Some(c) = VERSION_LINE.as_ref().and_then(|r| r.captures(line)) {
        let v = &mut b.attempt.versions;
        if let Some(cli) = c.get(1) {
            v.cli.get_or_insert_with(|| cli.as_str().to_owned());
        }
        if let Some(python) = c.get(2) {
            v.runtime.get_or_insert_with(|| format!("Python {}", python.as_str()));
        }
    }
    if let Some(c) = MODULE_LINE.as_ref().and_then(|r| r.captures(line)) {
        let mut parts = c.iter().skip(1).flatten();
        if let (Some(version), Some(name)) = (parts.next(), parts.next()) {
            b.attempt.versions.module = Some(format!("{} {}", name.as_str(), version.as_str()));
        }
    }
}

/// Output that only a sign-in that worked prints.
fn succeeded(b: &mut Builder, line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let table = |names: [&str; 3]| names.iter().all(|n| words.contains(n));
    let is_table = table(["Account", "TenantId", "Environment"]) || table(["Name", "Account", "TenantId"]);
    let is_list = line.trim_start().starts_with("\"homeTenantId\":");
    let connected = b.attempt.command.contains("login") || b.attempt.command.starts_with("Connect-");
    if !(connected && (is_table || is_list)) {
        return false;
    }
    if !b.attempt.events.iter().rev().take(2).any(|e| matches!(e.kind, LogEventKind::Finished { .. })) {
        b.event(LogEventKind::Finished { exit_code: Some(0) }, None, line);
    }
    true
}

/// Lines of a native program's error stream, wrapped by Windows PowerShell at the width of its window and followed by
/// its own position lines, become one line again.
fn join_native(lines: Vec<text::Line<'_>>) -> Vec<text::Line<'_>> {
    let mut out: Vec<text::Line<'_>> = Vec::with_capacity(lines.len());
    let mut inside = false;
    let mut last_width = 0usize;
    for line in lines {
        let text = line.text.as_ref();
        if let Some(c) = NATIVE.as_ref().and_then(|r| r.captures(text)) {
            last_width = text.chars().count();
            let rest = c.get(1).map_or("", |m| m.as_str()).to_owned();
            out.push(text::Line { number: line.number, text: Cow::Owned(rest) });
            inside = true;
            continue;
        }
        let position = text.starts_with("At ") || text.starts_with("発生場所") || text.starts_with("Au caractère");
        if position || text.starts_with("    + ") || text.starts_with("+ ") {
            // Position and category: nothing about the cause.
            inside = false;
            continue;
        }
        let begins = text.is_empty() || az::record(text).is_some() || STREAM.as_ref().is_some_and(|r| r.is_match(text));
        if inside && !begins {
            if let Some(last) = out.last_mut() {
                // Wrapped in the middle of a word only where the line was full.
                if last_width < 60 && !last.text.ends_with(' ') {
                    last.text.to_mut().push(' ');
                }
                last.text.to_mut().push_str(text);
                last_width = text.chars().count();
            }
            continue;
        }
        inside = inside && !begins;
        out.push(line);
    }
    out
}

static TRANSCRIPT_START: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:Windows )?PowerShell (?:transcript start|トランスクリプト(?:の)?開始)|^(?:Windows )?PowerShell トランスクリプト開始|^Début de la transcription|^Start der (?:Windows )?PowerShell-Aufzeichnung|^\*{10,}$").ok()
});
static TRANSCRIPT_FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(start time|開始時刻|heure de début|startzeit|hora de inicio|username|ユーザー名|nom d'utilisateur|benutzername|machine|コンピューター|マシン|ordinateur|computer|psversion|host application|ホスト アプリケーション)\s*[:：]\s*(.*)$").ok()
});

/// Reads the head of a transcript, in any language: it stands between lines of asterisks.
fn transcript(b: &mut Builder, head: &mut Option<Transcript>, line: &str) -> bool {
    let Some(t) = head else { return false };
    // The head is at the start of the file or nowhere.
    if b.line > 60 {
        *head = None;
        return false;
    }
    if TRANSCRIPT_START.as_ref().is_some_and(|r| r.is_match(line)) {
        return true;
    }
    let Some(c) = TRANSCRIPT_FIELD.as_ref().and_then(|r| r.captures(line)) else { return false };
    let name = c.get(1).map_or("", |m| m.as_str()).to_lowercase();
    let value = secret::clean(c.get(2).map_or("", |m| m.as_str()).trim()).into_owned();
    let keep = |v: String| (!v.is_empty() && v.len() <= 256).then_some(v);
    match name.as_str() {
        "start time" | "開始時刻" | "heure de début" | "startzeit" | "hora de inicio" => {
            t.start = stamp::compact(&value)
        }
        "psversion" => t.powershell = keep(value),
        "username" | "ユーザー名" | "nom d'utilisateur" | "benutzername" => t.user = keep(value),
        "host application" | "ホスト アプリケーション" => {}
        _ => t.machine = keep(value),
    }
    if *t != Transcript::default() {
        b.facts.transcript = Some(t.clone());
    }
    true
}
