//! A captive portal answers in the host's place.

use super::portal::{self, Standing};
use super::words::{Words, for_hosts, tell_product};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "captive_portal",
    severity: Severity::Critical,
    title: Text {
        en: "A captive portal answers in the host's place",
        ja: "ホストの代わりにキャプティブ ポータルが応答している",
    },
    meaning: Text {
        en: "A request was redirected to a page that wants a login or consent (hotel, guest network). Until then every connection is answered by the portal.",
        ja: "要求がログインや同意を求めるページ (ホテル、ゲスト ネットワークなど) に転送された。完了するまで、すべての接続にポータルが応答する。",
    },
    blind: Text {
        en: "A page inside TLS is visible only with a key log.",
        ja: "TLS 内のページは鍵ログがないと見えない。",
    },
    advice: portal::ADVICE,
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = of_hosts(context);
    let stands_before = Standing::before_needed(context);
    for finding in &mut findings {
        if finding.host.as_deref().is_some_and(|host| stands_before.contains(host)) {
            finding.severity = Severity::Critical;
        }
    }
    findings
}

fn of_hosts(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::CaptivePortal, |host, v| {
        let name = &host.name;

        let mut detail = message!(en: "The request for {name} was answered by a portal.", ja: "{name} への要求にポータルが応答した。");
        if let Some(location) = &v.detail.location {
            detail.push(message!(en: " It redirects to {location}.", ja: "転送先: {location}。"));
        }
        tell_product(&mut detail, v);
        Words {
            title: message!(en: "A captive portal answers in place of {name}", ja: "{name} の代わりにキャプティブ ポータルが応答している"),
            detail,
            advice: portal::ADVICE.into(),
        }
    })
}
