//! An old-version hello behind a broken modern one: a symptom, not the cause.

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::leading::fall_back;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "tls_fallback",
    severity: Severity::Warning,
    title: Text {
        en: "TLS 1.0/1.1 only as a fall-back after a broken attempt",
        ja: "切断後のフォールバックとしての TLS 1.0/1.1",
    },
    meaning: Text {
        en: "The client first offered a current version; that attempt was reset, closed or left without an answer, and only then it tried an older one. The old version is a symptom of what broke the first attempt.",
        ja: "クライアントは最初に現行バージョンを提示したが、その試行が切断・無応答となり、その後に古いバージョンを試している。古いバージョンは最初の切断の症状であり原因ではない。",
    },
    blind: Text {
        en: "Two programs, one old and one new, look alike where neither process nor fingerprint tells.",
        ja: "プロセスやフィンガープリントで区別できない場合、新旧 2 つのプログラムと見分けがつかない。",
    },
    advice: Text {
        en: "Repair what breaks the first attempt; do not enable old versions.",
        ja: "最初の試行を切断している原因を直す。古いバージョンを有効にしない。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (host, v) in context.hosts() {
        let Some((broken, old)) = fall_back(host, &v.judged, 0..v.judged.len()) else { continue };
        let name = &host.name;
        let evidence = [broken, old]
            .iter()
            .filter_map(|i| Some((host.attempts.get(*i)?, v.judged.get(*i)?)))
            .flat_map(|(attempt, judged)| context.shown(attempt, judged))
            .collect();
        found.push(Finding {
            host: Some(name.clone()),
            title: message!(en: "{name}: the old TLS version is a fall-back", ja: "{name}: 古い TLS バージョンはフォールバック"),
            detail: message!(
                en: "The client offered a current version to {name} first; only after that attempt was broken it tried an old one.",
                ja: "クライアントは {name} に対してまず現行バージョンを提示し、その試行が切断された後に古いバージョンを試している。",
            ),
            evidence,
            filter: super::words::display_filter(context.case, host),
            ..RULE.finding()
        });
    }
    found
}
