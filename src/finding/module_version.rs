//! The version of the module: old, or the newest.

use super::logs::{Run, issues_of, runs};
use super::{Context, Finding, Rule, Severity};
use crate::knowledge::endpoints::Command;
use crate::knowledge::releases::{self, Version, changes_since, newest_release, parse_version, release};
use crate::lang::{Message, Text};
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "module_version",
    severity: Severity::Warning,
    title: Text { en: "The module is old", ja: "モジュールのバージョンが古い" },
    meaning: Text {
        en: "Known defects are mended in newer releases. The version in the log is compared with the release table of this program, whose date the report shows. The newest release can have defects of its own: where the trouble began with an update, going back one version tells.",
        ja: "既知の不具合は新しいバージョンで修正される。ログのバージョンを、このプログラムのリリース表 (日付はレポートに表示) と比較している。逆に最新バージョンに不具合がある場合もあり、更新の時期と発生時期が一致する場合は以前のバージョンに戻すことが切り分けになる。",
    },
    blind: Text {
        en: "Releases after the date of the table are not known here.",
        ja: "表の日付以降のリリースは含まれない。",
    },
    advice: Text {
        en: "Update the module and try again; if the trouble began with an update, go back to the version before.",
        ja: "モジュールを更新して再実行する。更新後に発生し始めた場合は以前のバージョンに戻して確認する。",
    },
    check,
};

/// A module this much older than the newest release known is worth a warning by itself.
const OLD_MONTHS: i64 = 12;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context).into_iter().filter(|r| r.standing) {
        let Some((command, text, version)) = version_of(&run) else { continue };
        let Some(newest) = newest_release(command) else { continue };
        let title = if version >= newest.version {
            message!(en: "{text} is the newest version known here ({})", ja: "{text} は既知の最新バージョン ({} 時点)", newest.date)
        } else {
            message!(en: "{text} is not the newest version", ja: "{text} は最新バージョンではない")
        };
        if out.iter().any(|f| f.title == title) {
            continue;
        }
        let Some(event) = run.cause().map(|(e, _)| e).or(run.attempt.events.first()) else { continue };
        let months = release(command, version).and_then(|r| Some(month(newest.date)?.saturating_sub(month(r.date)?)));
        let changes: Vec<&releases::Release> = changes_since(command, version).collect();
        let old = version < newest.version && (months.is_none_or(|m| m >= OLD_MONTHS) || !changes.is_empty());
        let mut finding = run.finding(context, &RULE, event);
        finding.severity = if old { Severity::Warning } else { Severity::Info };
        finding.host = None;
        finding.filter = String::new();
        finding.title = title;
        finding.detail = detail(command, version, newest, &changes);
        finding.advice = advice(command, version < newest.version);
        out.push(finding);
    }
    out
}

/// The module's version, as the log names it.
fn version_of(run: &Run<'_>) -> Option<(Command, String, Version)> {
    let command = run.command()?;
    let versions = &run.attempt.versions;
    let text = match command {
        Command::AzLogin => {
            versions.cli.as_deref().map(|v| format!("azure-cli {}", v.trim_start_matches("azure-cli/")))
        }
        Command::ConnectAzAccount | Command::ConnectMgGraph => versions.module.clone(),
    }?;
    let version = parse_version(&text)?;
    Some((command, text, version))
}

/// Months since the year 0 of `2024-05-21`, `2024-05` or `2024`.
fn month(date: &str) -> Option<i64> {
    let mut parts = date.split('-').map(|p| p.parse::<i64>().ok());
    let year = parts.next()??;
    Some(year.saturating_mul(12).saturating_add(parts.next().flatten().unwrap_or(6)))
}

fn number(v: Version) -> String {
    format!("{}.{}.{}", v.0, v.1, v.2)
}

fn detail(command: Command, version: Version, newest: &releases::Release, changes: &[&releases::Release]) -> Message {
    let mut text = match release(command, version) {
        Some(r) => message!(
            en: "This version is from about {} or later; the newest known here is {} of {}.",
            ja: "このバージョンは {} 頃かそれ以降のもので、既知の最新は {} ({}) である。",
            r.date, number(newest.version), newest.date
        ),
        None => message!(
            en: "This version is older than every release known here; the newest is {} of {}.",
            ja: "このバージョンは既知のどのリリースよりも古い。最新は {} ({}) である。",
            number(newest.version), newest.date
        ),
    };
    for r in changes.iter().rev().take(3).rev() {
        if let Some(Text { en, ja }) = r.change {
            let version = number(r.version);
            text.push(message!(en: " Since {version}: {en}.", ja: " {version} 以降: {ja}。"));
        }
    }
    text
}

fn advice(command: Command, older: bool) -> Message {
    let (update, back) = match command {
        Command::AzLogin => ("az upgrade", "https://learn.microsoft.com/cli/azure/release-notes-azure-cli"),
        Command::ConnectAzAccount => {
            ("Update-Module Az (Az.Accounts)", "https://www.powershellgallery.com/packages/Az.Accounts")
        }
        Command::ConnectMgGraph => {
            ("Update-Module Microsoft.Graph", "https://www.powershellgallery.com/packages/Microsoft.Graph")
        }
    };
    let issues = issues_of(Some(command));
    if older {
        message!(
            en: "Update ({update}) and run the command again; releases: {back}. If the trouble began with an update, go back one version instead.",
            ja: "更新 ({update}) してコマンドを再実行する。リリース: {back}。更新後に発生し始めた場合は、逆に一つ前のバージョンに戻して確認する。",
        )
    } else {
        message!(
            en: "If the trouble began with the update to this version, go back one version ({back}) and compare; known cases: {issues}",
            ja: "このバージョンへの更新後に発生し始めた場合は、一つ前のバージョン ({back}) に戻して比較する。既知の事例: {issues}",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_with_and_without_month_compare() {
        assert_eq!(month("2024-05-21"), Some(2024 * 12 + 5));
        assert_eq!(month("2026"), Some(2026 * 12 + 6));
        assert_eq!(month("x"), None);
    }

    #[test]
    fn an_old_version_is_told_what_changed_since() {
        let newest = newest_release(Command::AzLogin).unwrap();
        let changes: Vec<_> = changes_since(Command::AzLogin, (2, 52, 0)).collect();
        let text = detail(Command::AzLogin, (2, 52, 0), newest, &changes);
        assert!(text.en.contains("2023-09-05") && text.en.contains("Since 2.61.0"), "{}", text.en);
        assert!(detail(Command::AzLogin, (0, 1, 0), newest, &[]).en.contains("older than every"));
    }
}
