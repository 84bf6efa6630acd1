//! The sign-in host was reached, and nothing was asked of the next host.

use super::{Context, Finding, Rule, Severity};
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "step_missing",
    severity: Severity::Info,
    title: Text {
        en: "The next step of the sign-in does not appear", ja: "サインインの次の手順が見られない"
    },
    meaning: Text {
        en: "az login and Connect-AzAccount ask Azure Resource Manager after the token, Graph commands ask Microsoft Graph. Here the authority was reached and neither a look-up nor a connection for those hosts follows: the command stopped at the authority (an error of the account, a sign-in that was not finished), or it needs no more.",
        ja: "az login と Connect-AzAccount はトークン取得後に Azure Resource Manager を、Graph のコマンドは Microsoft Graph を呼び出す。ここでは認証ホストに到達しているが、その後これらのホストへの名前解決も接続もない。コマンドが認証の段階で止まった (アカウントのエラー、サインイン未完了) か、次の呼び出しが不要だったと考えられる。",
    },
    blind: Text {
        en: "Connect-MgGraph alone asks nothing of Graph; a capture that stops early cuts the next step off.",
        ja: "Connect-MgGraph 単体では Graph を呼び出さない。早く終わったキャプチャでは次の手順が欠ける。",
    },
    advice: Text {
        en: "Look at the command's error and at the sign-in log of Entra for that time.",
        ja: "コマンドのエラーと、その時刻の Entra サインイン ログを確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    // Where a log names the error, nothing is left to conclude; without a capture nothing can be missing from it.
    let told = context.case.logs().flat_map(|(_, l)| &l.attempts).any(|a| a.cause().is_some());
    if told || context.case.captures().next().is_none() {
        return Vec::new();
    }
    let is =
        |host: &crate::case::HostStory, roles: &[EndpointRole]| host.endpoint.is_some_and(|e| roles.contains(&e.role));
    let next = [EndpointRole::ResourceManager, EndpointRole::CloudDiscovery, EndpointRole::Graph];
    let authority = context
        .hosts()
        .find(|(h, v)| is(h, &[EndpointRole::Authority, EndpointRole::AuthorityAlias]) && v.verdict.is_good());
    let Some((host, verdict)) = authority else { return Vec::new() };
    if context.case.hosts.iter().any(|h| is(h, &next)) {
        return Vec::new();
    }
    let name = &host.name;
    vec![Finding {
        host: Some(name.clone()),
        title: message!(en: "After {name} nothing was asked of Resource Manager or Graph", ja: "{name} の後、Resource Manager も Graph も呼び出されていない"),
        detail: message!(
            en: "{name} was reached, and the capture holds neither a DNS question nor a connection for a management or Graph host after it. So the network did not stop the next step: the command did not begin it.",
            ja: "{name} には到達しているが、その後に管理用ホストや Graph への DNS 問い合わせも接続もない。次の手順はネットワークに妨げられたのではなく、コマンドが開始していない。",
        ),
        evidence: context.proof(verdict),
        filter: super::words::display_filter(context.case, host),
        ..RULE.finding()
    }]
}
