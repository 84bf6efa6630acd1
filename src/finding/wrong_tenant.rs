//! The sign-in went to a tenant that does not know the account, or is not the one that was meant.

use super::entra_refused;
use super::logs::{Run, runs, tenant_option};
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::Outcome;
use crate::knowledge::error_groups::{ErrorGroup, error_group};
use crate::lang::{Message, Text};
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "wrong_tenant",
    severity: Severity::Critical,
    title: Text {
        en: "The sign-in went to another tenant", ja: "異なるテナントに対してサインインしようとしている"
    },
    meaning: Text {
        en: "Entra ID answered that the tenant does not know the account, the application or itself; or the tenant in the log is not the one that was asked for. Guests are the usual case: without an option the command signs in to the tenant the account is at home in, and the attempt is recorded in that tenant's sign-in log.",
        ja: "Entra ID が、アカウントやアプリケーション、またはテナント自体が見つからないと応答した。あるいはログ上のテナントが指定と異なる。ゲスト ユーザーでよく起こる。オプションを省略すると、アカウントが所属するホーム テナントに対して認証が行われ、サインイン ログもそのテナントに記録される。",
    },
    blind: Text {
        en: "The log shows the tenant that was asked, not the one that the user meant.",
        ja: "ログで分かるのは認証先のテナントであり、利用者が意図したテナントではない。",
    },
    advice: Text {
        en: "Name the tenant: az login --tenant, Connect-AzAccount -Tenant, Connect-MgGraph -TenantId.",
        ja: "テナントを明示する: az login --tenant、Connect-AzAccount -Tenant、Connect-MgGraph -TenantId。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context) {
        let found = by_code(context, &run).or_else(|| by_names(context, &run));
        if let Some(found) = found
            && !out.iter().any(|f| f.title == found.title)
        {
            out.push(found);
        }
    }
    out
}

fn by_code(context: &Context<'_>, run: &Run<'_>) -> Option<Finding> {
    let (event, code) = run.aadsts()?;
    if error_group(code) != ErrorGroup::WrongTenant {
        return None;
    }
    let mut detail = run.tell(entra_refused::detail("%c", code));
    detail.push_sentence(tenants(run));
    let mut title = entra_refused::title(code);
    title.en = format!("Wrong tenant. {}", title.en);
    title.ja = format!("テナント違い。{}", title.ja);
    Some(Finding { title, detail, advice: advice(run, Some(code)), ..run.finding(context, &RULE, event) })
}

/// Asked for one tenant, signed in to another: both as ids, or both as domains, since one cannot be told from the other.
fn by_names(context: &Context<'_>, run: &Run<'_>) -> Option<Finding> {
    let asked = run.attempt.tenant_asked.as_deref()?;
    let used = run.attempt.tenant_used.as_deref()?;
    let shared = ["organizations", "common", "consumers"];
    if shared.contains(&used) || is_id(asked) != is_id(used) || asked.eq_ignore_ascii_case(used) {
        return None;
    }
    if run.attempt.outcome == Outcome::Succeeded {
        return None;
    }
    let event = run.attempt.events.iter().find(|e| e.text.contains(used)).or(run.attempt.events.first())?;
    Some(Finding {
        title: message!(en: "Asked for the tenant {asked}, the sign-in went to {used}", ja: "指定したテナントは {asked}、認証先は {used}"),
        detail: run.tell(message!(en: "%c was told the tenant {asked}; the authority in the log is that of {used}.", ja: "%c にはテナント {asked} が指定されているが、ログの認証先は {used} である。")),
        advice: advice(run, None),
        severity: run.severity().min(Severity::Warning),
        ..run.finding(context, &RULE, event)
    })
}

fn is_id(tenant: &str) -> bool {
    tenant.len() == 36 && tenant.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// What the log says of tenants and accounts.
fn tenants(run: &Run<'_>) -> Message {
    let asked = run.attempt.tenant_asked.as_deref();
    let used = run.attempt.tenant_used.as_deref();
    match (asked, used) {
        (Some(asked), Some(used)) if asked != used => message!(
            en: "Tenant asked for: {asked}; tenant that was used: {used}.",
            ja: "指定されたテナント: {asked}、実際の認証先: {used}。",
        ),
        (Some(asked), _) => {
            message!(en: "Tenant asked for: {asked}.", ja: "指定されたテナント: {asked}。")
        }
        (None, Some(used)) => message!(
            en: "No tenant was named; the sign-in went to {used}.",
            ja: "テナントは指定されておらず、認証先は {used} だった。",
        ),
        (None, None) => message!(en: "No tenant was named.", ja: "テナントは指定されていない。"),
    }
}

fn advice(run: &Run<'_>, code: Option<u32>) -> Message {
    let option = tenant_option(run.command(), "YOUR_TENANT_ID");
    let mut text = message!(
        en: "Name the tenant whose resources are wanted: {option}. If the option names it already, check the id, the cloud (az cloud set, -Environment), and that the account is a member or guest there. The sign-in log entry is in the tenant that was used.",
        ja: "アクセス先のテナントを明示する: {option}。すでに指定している場合は、テナント ID、クラウド (az cloud set、-Environment)、アカウントがそのテナントのメンバーまたはゲストであることを確認する。サインイン ログは実際の認証先テナントに記録される。",
    );
    if let Some(code) = code {
        text.push_sentence(entra_refused::page(code));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_domains_are_told_apart() {
        assert!(is_id("72c1a3f0-5b7e-4d0a-9d3c-0f4be2a91d11"));
        assert!(!is_id("contoso.onmicrosoft.com"));
    }
}
