//! A block page answers in the host's place.

use super::words::{Words, for_hosts, tell_product};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "block_page",
    severity: Severity::Critical,
    title: Text {
        en: "A block page answers in the host's place", ja: "ホストの代わりにブロック ページが応答している"
    },
    meaning: Text {
        en: "Instead of TLS (or of the expected answer) a page in clear came that refuses access: a web filter answers in the host's name.",
        ja: "TLS (または期待される応答) の代わりに、アクセスを拒否する平文のページが返った。Web フィルターがホストを装って応答している。",
    },
    blind: Text {
        en: "A page inside TLS is visible only with a key log.",
        ja: "TLS 内のページは鍵ログがないと見えない。",
    },
    advice: Text {
        en: "Allow the host in the web filter that shows the page.",
        ja: "ページを表示している Web フィルターで ホスト を許可する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::BlockPage, |host, v| {
        let name = &host.name;

        let mut detail = message!(en: "Something on the way answered for {name} with a page that refuses access.", ja: "経路上の装置が {name} の代わりに、アクセスを拒否するページを返した。");
        if let Some(location) = &v.detail.location {
            detail.push(message!(en: " It redirects to {location}.", ja: "転送先: {location}。"));
        }
        tell_product(&mut detail, v);
        Words {
            title: message!(en: "A block page answers in place of {name}", ja: "{name} の代わりにブロック ページが応答している"),
            detail,
            advice: message!(en: "Allow {name} in the web filter that shows the page.", ja: "ページを表示している Web フィルターで {name} を許可する。"),
        }
    })
}
