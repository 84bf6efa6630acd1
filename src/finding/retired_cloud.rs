//! A host of a cloud that is closed.

use super::{Context, Finding, Rule, Severity};
use crate::knowledge::endpoints::Need;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "retired_cloud",
    severity: Severity::Warning,
    title: Text {
        en: "A host of a closed cloud is asked for", ja: "終了したクラウドのホストに接続している"
    },
    meaning: Text {
        en: "The client asks for a host of a cloud that no longer exists: an old setting of the tool is left over.",
        ja: "存在しないクラウドのホストに接続している。ツールの古い設定が残っている。",
    },
    blind: Text { en: "None.", ja: "なし。" },
    advice: Text {
        en: "az cloud set --name AzureCloud; in PowerShell leave out -Environment.",
        ja: "az cloud set --name AzureCloud を実行する。PowerShell では -Environment を指定しない。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .case
        .hosts
        .iter()
        .filter(|h| h.endpoint.is_some_and(|e| e.need == Need::Retired))
        .map(|host| {
            let name = &host.name;
            Finding {
                host: Some(name.clone()),
                title: message!(en: "{name} belongs to a closed cloud", ja: "{name} は終了したクラウドのホスト"),
                detail: message!(en: "The client asks for {name}, a host of a cloud that was closed.", ja: "クライアントが、終了したクラウドのホスト {name} に接続しようとしている。"),
                filter: super::words::display_filter(context.case, host),
                ..RULE.finding()
            }
        })
        .collect()
}
