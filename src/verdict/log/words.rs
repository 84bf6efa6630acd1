//! The words on a verdict that rests on logs alone: title, the line that says so, what to do.

use super::hear;
use crate::case::log_join::UNNAMED_PROXY;
use crate::case::{Case, HostStory, Role};
use crate::facts::log::ErrorClass;
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::knowledge::interceptors::{Interceptor, interceptor_by_text};
use crate::lang::Message;
use crate::message;
use crate::verdict::{HostVerdict, Verdict};

/// What a finding says where only a log tells: title (where the log knows less than the rule's), detail, advice.
pub struct Said {
    /// One line.
    pub title: Option<Message>,
    /// The line of the log.
    pub detail: Message,
    /// What to do.
    pub advice: Option<Message>,
}

/// The words on a verdict that rests on logs alone.
pub fn words(case: &Case, host: &HostStory, verdict: &HostVerdict) -> Option<Said> {
    let first = verdict.said.first()?;
    let path = case.pieces.get(first.piece).map_or("", |p| p.path.rsplit(['/', '\\', '!']).next().unwrap_or(""));
    let name = &host.name;
    let detail = message!(
        en: "No packet of this host is among the evidence; the debug log says so ({path}, line {}): {}",
        ja: "このホストのパケットは証跡にない。デバッグ ログの記録による ({path} の {} 行目): {}",
        first.line, first.text.en
    );
    let unnamed = host.role == Role::Proxy && name == UNNAMED_PROXY;
    let heard = hear(case, host);
    let port = heard.as_ref().and_then(|h| case.line(h.decided?)?.1.port).unwrap_or(443);
    let decided = heard.and_then(|h| h.class);
    let (title, advice) = match verdict.verdict {
        Verdict::CertInvalid | Verdict::ClosedBeforeServerHello if host.role == Role::Proxy => (
            Some(message!(
                en: "The TLS connection to the proxy itself failed",
                ja: "プロキシ自体への TLS 接続が失敗",
            )),
            Some(message!(
                en: "The client speaks TLS to the proxy because its setting begins with https://. Nearly every proxy is spoken to in plain HTTP: write HTTPS_PROXY=http://proxy:port. If the proxy does speak TLS, the client must trust its certificate (REQUESTS_CA_BUNDLE).",
                ja: "プロキシの設定が https:// で始まるため、クライアントはプロキシに TLS で接続している。ほとんどのプロキシには平文の HTTP で接続する。HTTPS_PROXY=http://プロキシ:ポート と設定する。プロキシが TLS に対応している場合は、その証明書をクライアントに信頼させる (REQUESTS_CA_BUNDLE)。",
            )),
        ),
        _ if unnamed => {
            let title = verdict.verdict.title();
            let check = message!(
                en: "Find the setting (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY; netsh winhttp show proxy; Internet options): correct it, or remove it if it is left over from another network, and check that the proxy runs.",
                ja: "設定箇所 (HTTPS_PROXY、HTTP_PROXY、ALL_PROXY、netsh winhttp show proxy、インターネット オプション) を確認し、修正する。別のネットワーク用の設定であれば削除する。プロキシの稼働状況も確認する。",
            );
            let title = Message {
                en: format!("The proxy that the client is set to use: {}", title.en),
                ja: format!("クライアントに設定されたプロキシ: {}", title.ja),
            };
            (Some(title), Some(check))
        }
        // The log names what happened, and no verdict has just that meaning.
        Verdict::Refused if decided == Some(ErrorClass::BlockedLocally) => (
            Some(message!(
                en: "The machine itself blocks the connection to {name}",
                ja: "端末側で {name} への接続がブロックされている",
            )),
            Some(message!(
                en: "Windows refused the connection before a packet was sent (error 10013): a filter on this machine does that. Look at its firewall's outbound rules (wf.msc), its endpoint security and its VPN client, and allow {name} on TCP {port} for this program there; the network has no part in it.",
                ja: "パケットの送信前に Windows が接続を拒否している (エラー 10013)。端末上のフィルターによる動作である。Windows ファイアウォールの送信規則 (wf.msc)、エンドポイント セキュリティ製品、VPN クライアントを確認し、このプログラムから {name} への TCP {port} を許可する。ネットワーク側の問題ではない。",
            )),
        ),
        Verdict::SynNoAnswer if decided == Some(ErrorClass::Timeout) && is_metadata_service(host) => (
            Some(message!(
                en: "The machine's service for managed identities ({name}) did not answer",
                ja: "マシンのマネージド ID サービス ({name}) から応答がない",
            )),
            Some(message!(
                en: "Only the machine itself can answer there, and only a machine in Azure does. If it is one, put {name} into NO_PROXY (and the proxy's exceptions) of the program that asks, and look for a route or a filter on the machine that takes the address; elsewhere, sign in another way.",
                ja: "このアドレスに応答するのは Azure 上のマシン自身だけである。Azure 上のマシンであれば、要求元プログラムの NO_PROXY (およびプロキシの例外) に {name} を追加し、マシン上の経路とフィルターがこのアドレスを対象にしていないか確認する。Azure 以外では別の方法でサインインする。",
            )),
        ),
        Verdict::SynNoAnswer if decided == Some(ErrorClass::Timeout) && port != 443 => (
            Some(timed_out(name)),
            Some(message!(
                en: "Find the step on the client: Test-NetConnection {name} -Port {port} tells whether TCP is let through. If it is not, allow it in the firewall; if it is, the service behind it, or something on the way, holds back the answer: take a capture while the command hangs.",
                ja: "端末で Test-NetConnection {name} -Port {port} を実行し、TCP が通るか確認する。通らない場合はファイアウォールで許可する。通る場合はその先のサービスまたは途中の装置が応答を止めているため、コマンドが止まっている間のキャプチャを採取する。",
            )),
        ),
        Verdict::SynNoAnswer if decided == Some(ErrorClass::Timeout) => (
            Some(timed_out(name)),
            Some(message!(
                en: "Find the step on the client: Test-NetConnection {name} -Port 443 tells whether TCP is let through. If it is not, allow it in the firewall, or set the proxy of this network for the tool; if it is, something holds back TLS: take a capture while the command hangs.",
                ja: "端末で Test-NetConnection {name} -Port 443 を実行し、TCP が通るか確認する。通らない場合はファイアウォールで許可するか、ツールにこのネットワークのプロキシを設定する。通る場合は TLS が途中で止められているため、コマンドが止まっている間のキャプチャを採取する。",
            )),
        ),
        Verdict::DnsFailure => (
            Some(message!(en: "{name} does not resolve", ja: "{name} の名前解決に失敗")),
            Some(message!(
                en: "Ask the resolver on the client (nslookup {name}) and mend it; where only the proxy can resolve public names, the tool must use the proxy: set HTTPS_PROXY=http://proxy:port.",
                ja: "端末で nslookup {name} を実行し、DNS サーバーの応答を確認して修正する。プロキシだけが外部の名前を解決できる環境では、ツールにプロキシを使わせる (HTTPS_PROXY=http://プロキシ:ポート)。",
            )),
        ),
        Verdict::Refused if host.endpoint.is_some() && !is_metadata_service(host) => (None, Some(refused(name, port))),
        Verdict::IcmpUnreachable if !is_metadata_service(host) => (
            Some(message!(
                en: "{name} cannot be reached: the client found no way there",
                ja: "{name} に到達不能: クライアントからの経路がない",
            )),
            Some(unreachable(name, port)),
        ),
        Verdict::ProxyDenied | Verdict::ProxyUpstreamError if verdict.proxy.is_none() => {
            let status = verdict.detail.status.map_or_else(String::new, |s| s.to_string());
            // A product that opens TLS answers the request itself, and writes its name.
            if let Some(product) = interceptor_by_text(&first.text.en).map(Interceptor::label) {
                let title = message!(
                    en: "{product} answers {status} in place of {name}",
                    ja: "{name} の代わりに {product} が {status} を応答",
                );
                let advice = if verdict.verdict == Verdict::ProxyUpstreamError {
                    beyond_proxy(&product, &product, name)
                } else {
                    message!(
                        en: "Allow {name} in {product}, and exempt it from TLS inspection.",
                        ja: "{product} で {name} を許可し、TLS 検査の対象外にする。",
                    )
                };
                return Some(Said { title: Some(title), detail, advice: Some(advice) });
            }
            if verdict.verdict == Verdict::ProxyUpstreamError {
                return Some(Said {
                    title: None, detail, advice: Some(beyond_proxy("the proxy", "プロキシ", name))
                });
            }
            let advice = message!(
                en: "Look for {name} in the proxy's log (it answered {status}) and have CONNECT {name}:443 allowed there.",
                ja: "プロキシのログで {name} を確認し (応答 {status})、CONNECT {name}:443 を許可する。",
            );
            (None, Some(advice))
        }
        _ => (None, None),
    };
    Some(Said { title, detail, advice })
}

/// Whether a virtual machine asks there for the tokens of its managed identity.
fn is_metadata_service(host: &HostStory) -> bool {
    host.endpoint.is_some_and(|e| e.role == EndpointRole::ManagedIdentity)
}

fn timed_out(name: &str) -> Message {
    message!(
        en: "{name} did not answer within the client's time limit; the log does not say at which step",
        ja: "クライアントの制限時間内に {name} から応答がない (どの段階かはログから分からない)",
    )
}

/// What to do about a refusal of which nothing tells where it came from.
fn refused(name: &str, port: u16) -> Message {
    message!(
        en: "See which address the client has for {name} (nslookup {name}): 0.0.0.0, 127.0.0.1 or one of your own network comes from a DNS filter or the hosts file and refuses like that; take the name off there. If it is the service's own address, allow TCP {port} to {name} in the firewall that rejects it.",
        ja: "端末が得ている {name} のアドレスを確認する (nslookup {name})。0.0.0.0、127.0.0.1、社内のアドレスであれば、DNS フィルターか hosts ファイルによるもので、接続は同じように拒否される。その設定から名前を除外する。サービス本来のアドレスであれば、拒否しているファイアウォールで {name} への TCP {port} を許可する。",
    )
}

/// What to do where the system reports that there is no way: its own table has none, or a device refused by ICMP.
fn unreachable(name: &str, port: u16) -> Message {
    message!(
        en: "Look at the client's network first: its routes (route print, ip route), VPN and IPv6. If those are right, a router or firewall on the way answers with an ICMP error: a capture names it; have TCP {port} to {name} allowed there.",
        ja: "まず端末のネットワークを確認する: 経路 (route print、ip route)、VPN、IPv6。問題がなければ、途中のルーターやファイアウォールが ICMP エラーを返している。その装置はキャプチャで分かるため、{name} への TCP {port} をそこで許可する。",
    )
}

/// What to do where a proxy lets the host through and cannot reach it.
fn beyond_proxy(en: &str, ja: &str, name: &str) -> Message {
    message!(
        en: "Look for {name} and this time in the log of {en}: it did not get an answer from there. Check its name resolution (DNS), its upstream proxy, and routes and firewall behind it.",
        ja: "{ja} のログで {name} とこの時刻を確認する。{ja} から先で応答を得られていない。{ja} の名前解決 (DNS)、上位プロキシ、その先の経路とファイアウォールを確認する。",
    )
}
