//! Entra ID answered, and refused the sign-in: the code, what it means, who can put it right.

use super::log_clock::is_of_clock;
use super::logs::runs;
use super::{Context, Finding, Rule, Severity};
use crate::knowledge::error_groups::{ErrorGroup, error_group};
use crate::knowledge::{self, error_codes::NetworkRelevance};
use crate::lang::{Message, Text};
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "entra_refused",
    severity: Severity::Critical,
    title: Text {
        en: "Microsoft Entra ID refused the sign-in", ja: "Microsoft Entra ID がサインインを拒否した"
    },
    meaning: Text {
        en: "The debug log holds an AADSTS code as the cause of the failure. Such a code is an answer of Entra ID: the network carried the request there and the answer back, so the cause is the account, the application, a policy or a setting.",
        ja: "デバッグ ログの失敗原因が AADSTS コードである。このコードは Entra ID の応答であり、要求は届き応答も戻っている。原因はアカウント、アプリケーション、ポリシー、設定のいずれかにある。",
    },
    blind: Text {
        en: "Microsoft may change codes and texts; the sign-in log of the tenant has the same event with more detail, under the correlation id.",
        ja: "コードと文面は変更されることがある。テナントのサインイン ログに、関連付け ID で同じイベントの詳細がある。",
    },
    advice: Text {
        en: "Follow the code; do not search the network.",
        ja: "ネットワークではなく、コードの内容に従って対処する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context) {
        let Some((event, code)) = run.aadsts() else { continue };
        let group = error_group(code);
        // Groups with a remedy of their own have a finding of their own.
        let own = matches!(
            group,
            ErrorGroup::WrongTenant
                | ErrorGroup::StaleSession
                | ErrorGroup::Policy
                | ErrorGroup::MultiFactor
                | ErrorGroup::OldTls
        ) || is_of_clock(&run, event, code);
        if own || out.iter().any(|f| f.title.en.contains(&format!("AADSTS{code}:"))) {
            continue;
        }
        out.push(Finding {
            title: quoted_title(code, &event.text),
            detail: run.tell(detail("%c", code)),
            advice: advice(code),
            ..run.finding(context, &RULE, event)
        });
    }
    out
}

/// `AADSTS50126: user name or password wrong`.
pub(super) fn title(code: u32) -> Message {
    match knowledge::error_code(code) {
        Some(c) => Message {
            en: format!("Entra ID refused: AADSTS{code}: {}", first_clause(c.meaning.en)),
            ja: format!("Entra ID が拒否: AADSTS{code}: {}", first_clause(c.meaning.ja)),
        },
        None => message!(en: "Entra ID refused: AADSTS{code}", ja: "Entra ID が拒否: AADSTS{code}"),
    }
}

/// The same for a code of the log; one that no table has is told in Entra ID's own words.
fn quoted_title(code: u32, text: &str) -> Message {
    let mut title = title(code);
    if knowledge::error_code(code).is_none()
        && let Some(said) = sentence(code, text)
    {
        title.push(message!(en: ": {said}", ja: ": {said}"));
    }
    title
}

/// The first sentence behind the code in a line of a log.
fn sentence(code: u32, text: &str) -> Option<&str> {
    const CHARS_MAX: usize = 160;
    let (_, rest) = text.split_once(&format!("AADSTS{code}:"))?;
    let ends = ["。", " Trace ID", "\\r", "\\n", "\""];
    // A full stop behind an abbreviation ends nothing.
    let is_end = |at: &usize| !["e.g", "i.e"].iter().any(|a| rest.get(..*at).is_some_and(|before| before.ends_with(a)));
    let stop = rest.match_indices(". ").map(|(at, _)| at).find(is_end);
    let end = ends.iter().filter_map(|e| rest.find(e)).chain(stop).min().unwrap_or(rest.len());
    let said = rest.get(..end)?.trim().trim_end_matches('.');
    let cut = said.char_indices().nth(CHARS_MAX).map_or(said.len(), |(at, _)| at);
    said.get(..cut).filter(|s| !s.is_empty())
}

/// A meaning up to its first full stop or semicolon: titles are one line.
fn first_clause(text: &str) -> &str {
    text.split(['。', ';']).next().unwrap_or(text).split(". ").next().unwrap_or(text).trim_end_matches('.')
}

/// What the code proves, and who can put it right.
pub(super) fn detail(command: &str, code: u32) -> Message {
    let owner = error_group(code).owner();
    let mut text = message!(
        en: "{command} was answered with AADSTS{code}: request and answer came through, the network did its part.",
        ja: "{command} に対する応答は AADSTS{code} である。要求も応答も届いており、ネットワークは役割を果たしている。",
    );
    if let Some(c) = knowledge::error_code(code) {
        if !c.symbol.is_empty() {
            text.push_sentence(message!(en: "Its name is {}.", ja: "名称は {}。", c.symbol));
        }
        if matches!(c.relevance, NetworkRelevance::Direct | NetworkRelevance::Possible) {
            let more = message!(
                en: "A device on the way can have a part in this code.",
                ja: "このコードには途中の装置が関わることがある。",
            );
            text.push_sentence(more);
        }
    }
    text.push_sentence(Message {
        en: format!("Who can fix it: {}.", owner.en),
        ja: format!("対処できる人: {}。", owner.ja),
    });
    text
}

/// The next step, with Microsoft's page for the code.
pub(super) fn advice(code: u32) -> Message {
    let mut text = match knowledge::error_code(code).and_then(|c| c.next_step) {
        Some(step) => step.into(),
        None => message!(
            en: "Look at the sign-in log of the tenant for this time and correlation id.",
            ja: "この時刻と関連付け ID でテナントのサインイン ログを確認する。",
        ),
    };
    text.push_sentence(page(code));
    text
}

/// Microsoft's own page for the code.
pub(super) fn page(code: u32) -> Message {
    let page = format!("https://login.microsoftonline.com/error?code={code}");
    message!(en: "Microsoft's page: {page}", ja: "Microsoft のページ: {page}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_no_table_is_told_in_the_words_of_the_log() {
        let line = "ERROR: AADSTS4000000000: The moon is in the wrong phase. Trace ID: 1 Correlation ID: 2";
        let title = quoted_title(4_000_000_000, line);
        assert!(title.en.ends_with("AADSTS4000000000: The moon is in the wrong phase"), "{title:?}");
        assert!(title.ja.ends_with("The moon is in the wrong phase"), "{title:?}");
        assert!(!quoted_title(50126, "AADSTS50126: Xyz. Trace").en.contains("Xyz"));
        assert_eq!(sentence(1, "AADSTS1: "), None);
        assert_eq!(sentence(1, "AADSTS1: 月が欠けている。満月を待つ。"), Some("月が欠けている"));
        assert_eq!(sentence(1, "AADSTS1: Use a moon (e.g. Io). Then wait."), Some("Use a moon (e.g. Io)"));
    }

    #[test]
    fn a_code_is_named_with_its_meaning_in_both_languages() {
        let t = title(50126);
        assert!(t.en.contains("AADSTS50126") && t.en.contains("password"));
        assert!(t.ja.contains("パスワード"));
        assert!(title(4_000_000_000).en.ends_with("AADSTS4000000000"));
        assert!(advice(50126).en.contains("error?code=50126"));
        assert!(super::super::logs::CAUSES.contains(&RULE.code));
    }
}
