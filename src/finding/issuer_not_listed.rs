//! An issuer of the right organisation that the list does not know yet.

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::certificate::TrustKind;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "issuer_not_listed",
    severity: Severity::Info,
    title: Text { en: "An issuer that the list does not know yet", ja: "一覧にない発行者" },
    meaning: Text {
        en: "The certificate of a Microsoft host is from an organisation that signs for Microsoft, but by an authority that this tool's list does not hold. Authorities are renewed; this is not called interception.",
        ja: "Microsoft ホストの証明書が、Microsoft 向けに署名する組織の、一覧にない認証局から発行されている。認証局は更新されるため、傍受とは判定しない。",
    },
    blind: Text {
        en: "The list has a date; see the end of the report.",
        ja: "一覧には日付がある (報告の末尾を参照)。",
    },
    advice: Text {
        en: "Compare the issuer with Microsoft's published list of certificate authorities.",
        ja: "Microsoft が公開している認証局の一覧と照合する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .hosts()
        .filter_map(|(host, v)| {
            let trust = v.judged.iter().filter_map(|j| j.detail.trust.as_ref()).find(|t| t.kind == TrustKind::NewButPlausible)?;
            let (name, issuer) = (&host.name, &trust.issuer);
            Some(Finding {
                host: Some(name.clone()),
                title: message!(en: "{name}: issuer \"{issuer}\" is not in the list", ja: "{name}: 発行者「{issuer}」は一覧にない"),
                detail: message!(en: "The certificate of {name} was issued by \"{issuer}\": plausible, but not in the list.", ja: "{name} の証明書の発行者は「{issuer}」。妥当と思われるが一覧にはない。"),
                filter: super::words::display_filter(context.case, host),
                ..RULE.finding()
            })
        })
        .collect()
}
