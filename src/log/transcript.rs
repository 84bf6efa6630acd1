//! The head of a PowerShell transcript → who ran what, where and when.
//!
//! What enters: the first lines of a log. What leaves: a [`Transcript`] in the log's facts, free of secrets. Guaranteed:
//! nothing behind the head of the file is taken for one.

use crate::facts::log::Transcript;
use crate::log::build::Builder;
use crate::log::is;
use crate::log::{secret, stamp};
use regex::Regex;
use std::sync::LazyLock;

static START: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:Windows )?PowerShell (?:transcript start|トランスクリプト(?:の)?開始)|^(?:Windows )?PowerShell トランスクリプト開始|^Début de la transcription|^Start der (?:Windows )?PowerShell-Aufzeichnung|^\*{10,}$").ok()
});
static FIELD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)^(start time|開始時刻|heure de début|startzeit|hora de inicio|username|ユーザー名|nom d'utilisateur|benutzername|machine|コンピューター|マシン|ordinateur|computer|psversion|host application|ホスト アプリケーション)\s*[:：]\s*(.*)$").ok()
});

/// Whether a line belongs to the head of a transcript, in any language: it stands between lines of asterisks.
pub(super) fn line(b: &mut Builder, head: &mut Option<Transcript>, line: &str) -> bool {
    let Some(t) = head else { return false };
    // The head is at the start of the file or nowhere.
    if b.line > 60 {
        *head = None;
        return false;
    }
    if is(&START, line) {
        return true;
    }
    let Some(c) = FIELD.as_ref().and_then(|r| r.captures(line)) else { return false };
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
