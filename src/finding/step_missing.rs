//! The sign-in host was reached, and nothing was asked of the next host.

use super::{Context, Finding, Rule, Severity};
use crate::case::{HostStory, Role};
use crate::knowledge;
use crate::knowledge::endpoints::{Cloud, Command, Role as EndpointRole, SequenceStep, Step, command_of};
use crate::lang::Text;
use crate::message;
use crate::verdict::HostVerdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "step_missing",
    severity: Severity::Info,
    title: Text {
        en: "The next step of the sign-in does not appear", ja: "サインインの次の手順が見られない"
    },
    meaning: Text {
        en: "az login and Connect-AzAccount ask Azure Resource Manager after the token, Graph commands ask Microsoft Graph. Where the authority was reached and neither a look-up nor a connection for those hosts follows, the command stopped at the authority (an error of the account, a sign-in that was not finished), or it needs no more. Where one of those hosts was reached and the authority was never asked, a cached token was used or the command stopped before the sign-in.",
        ja: "az login と Connect-AzAccount はトークン取得後に Azure Resource Manager を、Graph のコマンドは Microsoft Graph を呼び出す。認証ホストに到達した後、これらのホストへの名前解決も接続もない場合、コマンドが認証の段階で止まった (アカウントのエラー、サインイン未完了) か、次の呼び出しが不要だったと考えられる。これらのホストに到達しているのに認証ホストが呼び出されていない場合、キャッシュのトークンが使われたか、サインイン前にコマンドが止まっている。",
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
    let first = |roles: &[EndpointRole]| {
        context.hosts().find(|(h, v)| v.verdict.is_good() && h.endpoint.is_some_and(|e| roles.contains(&e.role)))
    };
    let asked =
        |roles: &[EndpointRole]| context.case.hosts.iter().any(|h| h.endpoint.is_some_and(|e| roles.contains(&e.role)));
    // A server without a name that failed may have been the next step.
    let is_public = |h: &HostStory| h.address().is_some_and(|ip| !knowledge::cannot_be_public(ip));
    let unnamed = context.hosts().any(|(h, v)| v.verdict.is_fault() && is_public(h));
    // So may a request that the proxy refused and the capture misses.
    let unseen = context.hosts().any(|(_, v)| v.judged.iter().any(|j| j.detail.request_unseen));
    // So may the page, or the federation server, that the sign-in waited for.
    let stopped = context.hosts().any(|(h, v)| h.role == Role::Service && h.required.is_none() && v.verdict.is_fault());
    let unnamed = unnamed || unseen || stopped;
    let command = context.case.logs().flat_map(|(_, l)| &l.attempts).find_map(|a| a.tool().and_then(command_of));
    let went_on = asked(&NEXT) || asked(&[EndpointRole::GraphLegacy]);
    if let Some((host, verdict)) = first(&AUTHORITY).filter(|_| !went_on && !unnamed) {
        let cloud = host.endpoint.map_or(Cloud::Public, |e| e.cloud);
        return vec![nothing_after(context, host, verdict, &expected(command, cloud, |s| s.last()))];
    }
    match first(&NEXT).filter(|_| !asked(&AUTHORITY)) {
        Some((host, verdict)) => {
            let cloud = host.endpoint.map_or(Cloud::Public, |e| e.cloud);
            let is_authority = |s: &SequenceStep| matches!(s.step, Step::Authority);
            vec![no_authority(
                context,
                host,
                verdict,
                &expected(command, cloud, |s| s.iter().find(|s| is_authority(s))),
            )]
        }
        None => Vec::new(),
    }
}

const AUTHORITY: [EndpointRole; 2] = [EndpointRole::Authority, EndpointRole::AuthorityAlias];
const NEXT: [EndpointRole; 3] = [EndpointRole::ResourceManager, EndpointRole::CloudDiscovery, EndpointRole::Graph];

/// The hosts of one step, for the command or, where it is not known, for each of them: `az login: management.azure.com`.
fn expected(
    command: Option<Command>,
    cloud: Cloud,
    pick: impl Fn(&[SequenceStep]) -> Option<&SequenceStep>,
) -> Vec<String> {
    let all = [Command::AzLogin, Command::ConnectAzAccount, Command::ConnectMgGraph];
    let mut lines: Vec<String> = Vec::new();
    for one in all.into_iter().filter(|c| command.is_none_or(|k| k == *c)) {
        let steps = knowledge::expected_sequence(one, cloud);
        let hosts: Vec<&str> = pick(&steps).map_or_else(Vec::new, |s| s.hosts.iter().map(|e| e.host).collect());
        if !hosts.is_empty() {
            lines.push(format!("{}: {}", one.name(), hosts.join(" / ")));
        }
    }
    lines
}

/// The authority was reached, and the next step did not begin.
fn nothing_after(context: &Context<'_>, host: &HostStory, verdict: &HostVerdict, expected: &[String]) -> Finding {
    let name = &host.name;
    let list = expected.join("; ");
    Finding {
        host: Some(name.clone()),
        title: message!(en: "After {name} nothing was asked of Resource Manager or Graph", ja: "{name} の後、Resource Manager も Graph も呼び出されていない"),
        detail: message!(
            en: "{name} was reached, and the capture holds neither a DNS question nor a connection for a management or Graph host after it. So the network did not stop the next step: the command did not begin it. Expected next ({list}).",
            ja: "{name} には到達しているが、その後に管理用ホストや Graph への DNS 問い合わせも接続もない。次の手順はネットワークに妨げられたのではなく、コマンドが開始していない。次に想定される宛先 ({list})。",
        ),
        evidence: context.proof(verdict),
        filter: super::words::display_filter(context.case, host),
        ..RULE.finding()
    }
}

/// Resource Manager or Graph was reached, and nobody signed in.
fn no_authority(context: &Context<'_>, host: &HostStory, verdict: &HostVerdict, expected: &[String]) -> Finding {
    let name = &host.name;
    let list = expected.join("; ");
    Finding {
        host: Some(name.clone()),
        title: message!(en: "{name} was reached, the sign-in host was never asked", ja: "{name} には到達しているが、認証ホストが一度も呼び出されていない"),
        detail: message!(
            en: "The capture holds neither a DNS question nor a connection for the sign-in host. Either a token from the cache was used, or the command stopped before the sign-in (Connect-AzAccount reads the list of clouds first), or the browser or broker signed in on another way. Expected ({list}).",
            ja: "認証ホストへの DNS 問い合わせも接続もキャプチャにない。キャッシュのトークンが使われた、サインイン前にコマンドが止まった (Connect-AzAccount は先にクラウド一覧を取得する)、またはブラウザーやブローカーが別経路でサインインした可能性がある。想定される宛先 ({list})。",
        ),
        evidence: context.proof(verdict),
        filter: super::words::display_filter(context.case, host),
        ..RULE.finding()
    }
}
