//! An orderly close comes instead of a ServerHello.

use super::words::{Words, authorities, for_hosts, tell_breaker, through};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "closed_before_server_hello",
    severity: Severity::Critical,
    title: Text {
        en: "The connection is closed instead of answered by a ServerHello",
        ja: "ServerHello の代わりに接続が閉じられている",
    },
    meaning: Text {
        en: "TCP connected, the ClientHello arrived (it was acknowledged), and the other side closed with a FIN and no TLS byte. Proxies that speak plain HTTP on that port, load balancers without a backend and some filters do this.",
        ja: "TCP は接続でき ClientHello も届いた (ACK あり) が、相手は TLS の応答なしに FIN で閉じた。そのポートで平文 HTTP を話すプロキシ、後段のないロード バランサー、一部のフィルターの動作。",
    },
    blind: Text {
        en: "Who closed cannot be told from a FIN.", ja: "FIN からは誰が閉じたかを特定できない。"
    },
    advice: Text {
        en: "Allow the host by name; where the host is a proxy, use http:// in the proxy variable.",
        ja: "ホストを名前で許可する。相手がプロキシの場合は、プロキシ変数で http:// を使う。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::ClosedBeforeServerHello, |host, v| {
        let name = &host.name;
        let https = authorities(context.case, host, v);
        let through = through(v);
        let mut detail = Message {
            en: format!(
                "{name}{} accepted the connection and the ClientHello, then closed without a TLS answer.",
                through.en
            ),
            ja: format!("{name}{} は接続と ClientHello を受け付けたが、TLS の応答なしに閉じた。", through.ja),
        };
        if v.detail.accepted_first {
            detail = Message {
                en: format!("{name}{} accepted the connection and closed it before a byte was said.", through.en),
                ja: format!("{name}{} は接続を受け付けたが、データのやり取りがないまま接続を閉じた。", through.ja),
            };
        }
        if v.detail.tls_to_proxy {
            detail.push(message!(
                en: " The peer is a proxy that expects plain HTTP: the client spoke TLS to it (https:// in HTTPS_PROXY).",
                ja: "相手は平文 HTTP を期待するプロキシで、クライアントが TLS で話しかけている (HTTPS_PROXY の https://)。",
            ));
        }
        tell_breaker(&mut detail, v);
        Words {
            title: message!(en: "Closed before the ServerHello: {name}", ja: "ServerHello の前に切断: {name}"),
            detail,
            advice: message!(en: "Allow {https} by name in the filters on the way. If the peer is a proxy, write http:// (not https://) in HTTPS_PROXY.", ja: "経路上のフィルターで {https} を名前で許可する。相手がプロキシの場合、HTTPS_PROXY には https:// ではなく http:// を書く。"),
        }
    })
}
