//! A policy of the tenant wants something that the sign-in did not give.

use super::entra_refused;
use super::logs::{Run, runs, tenant_option};
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::{ErrorClass, LogEvent, SigninMethod};
use crate::knowledge::error_groups::{ErrorGroup, error_group};
use crate::knowledge::error_texts;
use crate::lang::{Message, Text};
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "conditional_access",
    severity: Severity::Critical,
    title: Text {
        en: "A policy of the tenant stopped the sign-in",
        ja: "テナントのポリシー (条件付きアクセスなど) によりサインインが止められた",
    },
    meaning: Text {
        en: "Entra ID knew the account and refused because of Conditional Access, security defaults, device state or missing multi-factor authentication. The network carried everything.",
        ja: "Entra ID はアカウントを認識したうえで、条件付きアクセス、セキュリティの既定値群、デバイスの状態、多要素認証の不足により拒否した。通信はすべて届いている。",
    },
    blind: Text {
        en: "Which policy it was stands in the sign-in log, tab Conditional Access.",
        ja: "どのポリシーかは、サインイン ログの [条件付きアクセス] タブにある。",
    },
    advice: Text {
        en: "Sign in interactively from a device that the policy admits, or have the administrator look at the policy in the sign-in log.",
        ja: "ポリシーが許可するデバイスから対話的にサインインするか、管理者がサインイン ログで該当ポリシーを確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context) {
        let Some((event, code)) = run.aadsts() else {
            let found = interaction(&run).map(|event| without_code(context, &run, event));
            out.extend(found.filter(|f| !out.iter().any(|o| o.title == f.title)));
            continue;
        };
        let group = error_group(code);
        if !matches!(group, ErrorGroup::Policy | ErrorGroup::MultiFactor) {
            continue;
        }
        let mut title = entra_refused::title(code);
        let (en, ja) = match group {
            ErrorGroup::MultiFactor => ("Multi-factor authentication is due.", "多要素認証が必要。"),
            _ => ("Stopped by a policy of the tenant.", "テナントのポリシーによる拒否。"),
        };
        title.en = format!("{en} {}", title.en);
        title.ja = format!("{ja}{}", title.ja);
        if out.iter().any(|f| f.title == title) {
            continue;
        }
        out.push(Finding {
            title,
            detail: run.tell(entra_refused::detail("%c", code)),
            advice: advice(&run, code, group),
            ..run.finding(context, &RULE, event)
        });
    }
    out
}

/// What Azure PowerShell says where Entra ID wants the user and the code is not printed.
fn interaction<'a>(run: &Run<'a>) -> Option<&'a LogEvent> {
    let (event, _) = run.ended_by(|c| c == ErrorClass::OAuth)?;
    is_interaction(run, event).then_some(event)
}

/// Whether `event` says that Entra ID wants the user, and no failure of the network stands in the same run: one tenant may
/// want that while the way to the next is broken.
pub(super) fn is_interaction(run: &Run<'_>, event: &LogEvent) -> bool {
    error_texts::wants_interaction(&event.text) && !run.failures().iter().any(|(_, c)| c.is_network())
}

/// The failure of the network in a run whose cause is that Entra ID wants the user for one of the tenants.
pub(super) fn beside_interaction<'a>(run: &Run<'a>) -> Option<(&'a LogEvent, ErrorClass)> {
    let (event, _) = run.ended_by(|c| c == ErrorClass::OAuth)?;
    let other = || run.failures().into_iter().find(|(_, c)| c.is_network());
    if error_texts::wants_interaction(&event.text) { other() } else { None }
}

/// The finding where the log tells no code.
fn without_code(context: &Context<'_>, run: &Run<'_>, event: &LogEvent) -> Finding {
    Finding {
        title: run.tell(message!(
            en: "%c: Entra ID wants the user to sign in again for this tenant or resource (multi-factor authentication or another policy)",
            ja: "%c: このテナントまたはリソースに対して、Entra ID がユーザーの再サインインを要求している (多要素認証またはその他のポリシー)",
        )),
        detail: message!(en: "The log says: {}", ja: "ログの記録: {}", event.text),
        advice: message!(
            en: "Sign in interactively as the text says: Connect-AzAccount with -TenantId of that tenant, or with -AuthScope of that resource. If it is refused again, the tenant's sign-in log (tab Conditional Access) names the policy.",
            ja: "メッセージのとおり対話的にサインインする (Connect-AzAccount に、そのテナントの -TenantId またはそのリソースの -AuthScope を指定)。再び拒否される場合は、テナントのサインイン ログ ([条件付きアクセス] タブ) で該当ポリシーを確認する。",
        ),
        ..run.finding(context, &RULE, event)
    }
}

fn advice(run: &Run<'_>, code: u32, group: ErrorGroup) -> Message {
    let tenant = run.attempt.tenant_used.as_deref().or(run.attempt.tenant_asked.as_deref());
    let tenant = tenant.filter(|t| !matches!(*t, "organizations" | "common" | "consumers")).unwrap_or("YOUR_TENANT_ID");
    let mut text = match (group, run.attempt.method) {
        (ErrorGroup::MultiFactor, _) => message!(
            en: "Sign in interactively to that tenant: {}.",
            ja: "そのテナントに対して対話的にサインインする: {}。",
            tenant_option(run.command(), tenant)
        ),
        (_, SigninMethod::DeviceCode) => message!(
            en: "The device code flow was used, which policies often forbid: sign in with the browser or the broker instead (leave out --use-device-code, -UseDeviceAuthentication, -UseDeviceCode).",
            ja: "デバイス コード フローが使われている。ポリシーで禁止されていることが多いため、ブラウザーまたはブローカーでサインインする (--use-device-code、-UseDeviceAuthentication、-UseDeviceCode を外す)。",
        ),
        _ => message!(
            en: "The tenant's administrator sees the policy in the sign-in log (tab Conditional Access) of this time and correlation id; sign in from a device and place that it admits.",
            ja: "テナントの管理者が、この時刻と関連付け ID のサインイン ログ ([条件付きアクセス] タブ) で該当ポリシーを確認する。ポリシーが許可するデバイスと場所からサインインする。",
        ),
    };
    text.push_sentence(entra_refused::page(code));
    text
}
