//! The sign-in itself worked, and Azure Resource Manager could not be reached after it.

use super::logs::runs;
use super::words::{authorities, display_filters};
use super::{Context, Finding, Rule, Severity};
use crate::case::HostStory;
use crate::facts::log::{Dialect, LogEvent, LogEventKind};
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;
use crate::verdict::host::deciding;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "management_after_token",
    severity: Severity::Critical,
    title: Text {
        en: "Resource Manager cannot be reached after the sign-in",
        ja: "認証後の Azure Resource Manager (management.azure.com) への通信に失敗している",
    },
    meaning: Text {
        en: "az login and Connect-AzAccount fetch the list of tenants and subscriptions from Azure Resource Manager (management.azure.com in the public cloud, HTTPS 443) once Entra ID has issued the token. Where only the URLs of the sign-in itself are allowed, the command fails at this last step, and the sign-in log shows a success.",
        ja: "az login と Connect-AzAccount は、Entra ID からトークンを取得した後に Azure Resource Manager (パブリック クラウドでは management.azure.com、HTTPS 443) からテナントとサブスクリプションの一覧を取得する。認証用の URL だけを許可している環境ではこの最後の手順で失敗し、サインイン ログには成功が記録される。",
    },
    blind: Text {
        en: "Without a debug log, that the token was issued is concluded from the sign-in host being reached first. Az.Accounts also asks Resource Manager for the list of clouds before the sign-in and only warns when that fails.",
        ja: "デバッグ ログがない場合、トークン取得の成功は認証ホストへの先行した到達から推定している。Az.Accounts はサインイン前にもクラウド一覧を Resource Manager に問い合わせ、失敗しても警告だけで続行する。",
    },
    advice: Text {
        en: "Allow HTTPS 443 to the Resource Manager host in the proxy or firewall, beside the sign-in URLs.",
        ja: "認証用 URL に加えて、プロキシまたはファイアウォールで Resource Manager のホストへの HTTPS 443 を許可する。",
    },
    check,
};

fn is(host: &HostStory, roles: &[EndpointRole]) -> bool {
    host.endpoint.is_some_and(|e| roles.contains(&e.role))
}

/// Whether, in the run of one of the host's failures, a token or an answer of the authority stands before it. Az.Accounts
/// asks Resource Manager for the clouds before it signs in.
fn signed_in_before(context: &Context<'_>, host: &HostStory) -> bool {
    host.said.iter().any(|said| {
        let Some((run, event)) = context.case.line(*said) else { return false };
        let before = run.events.get(..said.event).unwrap_or_default();
        event.kind.error().is_some() && before.iter().any(is_sign_in)
    })
}

fn is_sign_in(event: &LogEvent) -> bool {
    match event.kind {
        LogEventKind::TokenReceived | LogEventKind::CacheUsed => true,
        LogEventKind::HttpResponse { status, .. } => {
            let endpoint = event.host.as_deref().and_then(crate::knowledge::endpoint);
            (200..300).contains(&status) && endpoint.is_some_and(|e| e.role == EndpointRole::Authority)
        }
        _ => false,
    }
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let failing = context.hosts().find(|(h, v)| {
        is(h, &[EndpointRole::ResourceManager, EndpointRole::CloudDiscovery])
            // A region's own is not asked for the subscriptions.
            && h.required.is_some()
            && v.verdict.is_fault()
            && !(v.verdict == Verdict::Intercepted && v.detail.client_accepts)
    });
    let Some((host, verdict)) = failing else { return Vec::new() };
    if verdict.by_log && !signed_in_before(context, host) {
        return Vec::new();
    }
    let token = runs(context).into_iter().rev().find(|r| r.attempt.has_token());
    let authority = context.hosts().find(|(h, v)| {
        let before = match (h.first_time(), host.attempts.last()) {
            (Some(first), Some(last)) => first <= last.start.time,
            _ => true,
        };
        is(h, &[EndpointRole::Authority])
            && v.verdict.is_good()
            && before
            && deciding(host, verdict).is_none_or(|attempt| context.reached_by(h, v, attempt.client))
    });
    if token.is_none() && authority.is_none() {
        return Vec::new();
    }
    let name = &host.name;
    let https = authorities(context.case, host, verdict);
    let title = verdict.verdict.title();
    let graph_only = token.is_some_and(|r| r.attempt.dialect == Dialect::GraphPowerShell);
    if graph_only {
        return Vec::new();
    }
    let mut evidence = Vec::new();
    // The host of the authority, where its connection is evidence.
    let mut seen = None;
    let mut detail = match (token, authority) {
        (Some(run), _) => {
            let received = run.attempt.events.iter().rev().find(|e| {
                use crate::facts::log::LogEventKind::{CacheUsed, TokenReceived};
                matches!(e.kind, TokenReceived | CacheUsed)
            });
            if let Some(event) = received {
                evidence.extend(run.evidence(context, event));
            }
            run.tell(message!(en: "%c received its token from Entra ID; then {name} failed: {}.", ja: "%c は Entra ID からトークンを取得しているが、その後の {name} への通信が失敗した: {}。", title.en))
        }
        (None, authority) => {
            let reached = authority.map_or("Entra ID", |(h, _)| h.name.as_str());
            if let Some((h, v)) = authority {
                seen = Some(h);
                evidence.extend(context.proof(v).into_iter().take(1));
            }
            message!(
                en: "{reached} was reached first; then {name} failed: {}.",
                ja: "先に {reached} には到達しているが、その後の {name} への通信が失敗した: {}。",
                title.en
            )
        }
    };
    detail.ja = detail.ja.replace(title.en, title.ja);
    evidence.extend(context.proof(verdict));
    vec![Finding {
        confidence: if token.is_some() { verdict.confidence } else { crate::verdict::Confidence::Inferred },
        host: Some(name.clone()),
        title: message!(en: "The sign-in worked, then {name} could not be reached", ja: "認証は成功したが、その後の {name} への通信に失敗"),
        detail,
        advice: message!(
            en: "Allow HTTPS to {https} in the proxy or firewall as well: the sign-in URLs alone are not enough for az login and Connect-AzAccount, which list the subscriptions there. Check the proxy's log for a blocked {name}; a try from a network with a direct line to the internet shows the difference.",
            ja: "プロキシまたはファイアウォールで {https} への HTTPS も許可する。az login と Connect-AzAccount はここでサブスクリプション一覧を取得するため、認証用 URL の許可だけでは足りない。プロキシのログで {name} がブロックされていないかを確認する。インターネットへ直接接続できる環境での実行も切り分けに有効。",
        ),
        evidence,
        filter: display_filters(context.case, seen.into_iter().chain([host])),
        ..RULE.finding()
    }]
}
