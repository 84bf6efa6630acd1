//! The proxy wants credentials that the client never gave.

use super::words::{Words, for_hosts, tell_product, whose};
use super::{Context, Finding, Rule, Severity};
use crate::case::{Attempt, HostStory, Way};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::host::deciding;
use crate::verdict::{HostVerdict, Judged, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "proxy_auth_required",
    severity: Severity::Critical,
    title: Text { en: "The proxy wants authentication", ja: "プロキシが認証を要求している" },
    meaning: Text {
        en: "The proxy answered CONNECT with 407 (or a SOCKS authentication refusal) and no request with accepted credentials followed. Python (az) answers Basic only, and only with credentials in the proxy variable; .NET can use the Windows user for Negotiate and NTLM.",
        ja: "プロキシは CONNECT に 407 (または SOCKS の認証拒否) を返し、受け入れられた認証付きの要求が続かない。Python (az) は Basic のみ、かつプロキシ変数に資格情報がある場合のみ応答する。.NET は Negotiate と NTLM に Windows ユーザーを使える。",
    },
    blind: Text {
        en: "Whether credentials that were sent are wrong stands in the proxy's log.",
        ja: "送信された資格情報の正否はプロキシのログにしかない。",
    },
    advice: Text {
        en: "Give the tool credentials, use an authenticating relay, or exempt the hosts.",
        ja: "ツールに資格情報を与えるか、認証中継を使うか、ホストを認証対象から除外する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = for_hosts(context, &RULE, Verdict::ProxyAuthRequired, |host, v| {
        let name = &host.name;
        if let Some((attempt, judged)) = refused_relay(host, v) {
            return relayed(context, name, v, attempt, judged);
        }
        let proxy = v.proxy.as_deref().unwrap_or_default();
        let [proxy_en, proxy_ja] = whose(v);
        let mut detail = message!(en: "The proxy {proxy} answered the request for {name} with 407", ja: "プロキシ {proxy} は {name} への要求に 407 を返した");
        tell_schemes(&mut detail, &v.detail.schemes);
        detail.push(if v.detail.credentials_sent {
            message!(en: " The client sent credentials and was refused.", ja: "クライアントは資格情報を送ったが拒否された。")
        } else {
            message!(en: " The client never answered the challenge.", ja: "クライアントは認証要求に応答していない。")
        });
        tell_product(&mut detail, v);
        Words {
            title: title(name),
            detail,
            advice: Message {
                en: format!(
                    "Put credentials into the variable (HTTPS_PROXY=http://user:password@proxy:port, if the proxy offers Basic), use an authenticating relay on the client, or exempt {name} from authentication on {proxy_en}."
                ),
                ja: format!(
                    "変数に資格情報を設定する (プロキシが Basic を提示する場合 HTTPS_PROXY=http://user:password@proxy:port)、端末に認証中継を置く、または {proxy_ja} で {name} を認証対象から除外する。"
                ),
            },
        }
    });
    for finding in &mut findings {
        let of = finding.host.as_deref().and_then(|name| context.host(name));
        if let Some((attempt, judged)) = of.and_then(|(host, v)| refused_relay(host, v)) {
            finding.evidence.extend(context.shown(attempt, judged));
        }
    }
    findings
}

fn title(name: &str) -> Message {
    message!(en: "The proxy wants authentication for {name}", ja: "プロキシが {name} への認証を要求")
}

/// What the proxy offers, and the end of the sentence.
fn tell_schemes(detail: &mut Message, schemes: &[String]) {
    if !schemes.is_empty() {
        let list = schemes.join(", ");
        detail.push(message!(en: " and offers: {list}", ja: " (提示された方式: {list})"));
    }
    detail.en.push('.');
    detail.ja.push('。');
}

/// The refusal that a relay on the client itself passed on: another proxy's, for the same host, while the relay was asked.
fn refused_relay<'a>(host: &'a HostStory, v: &'a HostVerdict) -> Option<(&'a Attempt, &'a Judged)> {
    let asked = deciding(host, v).filter(|asked| asked.peer.ip().is_loopback())?;
    let meanwhile = asked.start.time..=asked.end.time;
    host.attempts.iter().zip(&v.judged).find(|(a, j)| {
        let elsewhere = !a.peer.ip().is_loopback() && a.way != Way::Direct;
        elsewhere && j.verdict == Some(Verdict::ProxyAuthRequired) && meanwhile.contains(&a.start.time)
    })
}

fn relayed(context: &Context<'_>, name: &str, v: &HostVerdict, attempt: &Attempt, judged: &Judged) -> Words {
    let relay = v.proxy.as_deref().unwrap_or_default();
    let upstream = attempt.way.proxy_text().unwrap_or_default();
    let mut schemes = judged.detail.schemes.clone();
    let exchanges = || context.case.flow(attempt).into_iter().flat_map(|flow| &flow.app.http);
    if schemes.is_empty() {
        schemes = exchanges().map(|e| e.proxy_authenticate.clone()).find(|s| !s.is_empty()).unwrap_or_default();
    }
    let mut detail = message!(
        en: "{relay} is a relay on the client itself; the proxy behind it, {upstream}, answered its request for {name} with 407",
        ja: "{relay} は端末自身の中継であり、その先のプロキシ {upstream} が {name} への要求に 407 を返した",
    );
    tell_schemes(&mut detail, &schemes);
    detail.push(if judged.detail.credentials_sent {
        message!(
            en: " The relay sent credentials and was refused: they are wrong, have expired, or the account is locked.",
            ja: "中継は資格情報を送ったが拒否された (誤り、期限切れ、アカウントのロックなど)。",
        )
    } else {
        message!(en: " The relay never answered the challenge.", ja: "中継は認証要求に応答していない。")
    });
    Words {
        title: title(name),
        detail,
        advice: message!(
            en: "Correct the user, domain and password in the configuration of the relay {relay}, and look in the log of {upstream} for why it refuses them; or exempt {name} from authentication on {upstream}.",
            ja: "中継 {relay} の設定 (ユーザー、ドメイン、パスワード) を修正し、{upstream} のログで拒否の理由を確認する。または {upstream} で {name} を認証対象から除外する。",
        ),
    }
}
