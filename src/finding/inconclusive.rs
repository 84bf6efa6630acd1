//! The evidence cannot tell what became of a host.

use super::ended_by_client::{is_ended, is_wordless};
use super::words::{Words, for_hosts, peers, stream_filter};
use super::{Context, Finding, Rule, Severity};
use crate::case::{Attempt, HostStory};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::host::{deciding, is_guessed_proxy};
use crate::verdict::{HostVerdict, Judged, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "inconclusive",
    severity: Severity::Warning,
    title: Text { en: "The evidence cannot tell", ja: "この証跡では判定できない" },
    meaning: Text {
        en: "Something was tried, but the capture shows too little of it: it stops too early, holds one direction only, or its packets are cut. No verdict is better than a wrong one.",
        ja: "試行はあるが、キャプチャの情報が不足している (早く終わっている、片方向のみ、パケットが切り詰められているなど)。誤った判定よりも判定しないことを選ぶ。",
    },
    blind: Text {
        en: "A longer or complete capture settles it.",
        ja: "より長い、または完全なキャプチャがあれば判定できる。",
    },
    advice: Text {
        en: "Take the trace again: start it before the command, stop it after the error, both directions, whole packets.",
        ja: "トレースを再取得する (コマンド前に開始、エラー後に停止、両方向、パケット全体)。",
    },
    check,
};

/// What to do where the evidence is too thin.
pub fn take_again() -> Message {
    message!(
        en: "Take a new trace that starts before the command and ends after its error: netsh trace start capture=yes maxSize=2000M, ipconfig /flushdns, the command with its debug option, netsh trace stop.",
        ja: "コマンド実行前に開始し、エラー後に停止したトレースを再取得する: netsh trace start capture=yes maxSize=2000M、ipconfig /flushdns、デバッグ オプション付きでコマンドを実行、netsh trace stop。",
    )
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut found = of_hosts(context);
    // The proxy itself was reached: what it refused is another host.
    found.extend(context.hosts().filter_map(|(host, v)| refused_unseen(context, host, v)));
    found
}

/// Requests that are not in the capture and that a proxy refused.
fn refused_unseen(context: &Context<'_>, host: &HostStory, v: &HostVerdict) -> Option<Finding> {
    let unseen: Vec<(&Attempt, &Judged)> =
        host.attempts.iter().zip(&v.judged).filter(|(_, j)| j.detail.request_unseen).collect();
    let proxy = context.case.proxies.get(&unseen.first()?.0.peer)?;
    let mut statuses: Vec<u16> = unseen.iter().filter_map(|(_, j)| j.detail.status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let statuses = statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let count = unseen.len();
    Some(Finding {
        host: Some(host.name.clone()),
        title: message!(en: "The proxy {proxy} refused a request that is not in the capture", ja: "プロキシ {proxy} がキャプチャにない要求を拒否した"),
        detail: message!(
            en: "On {count} connections the proxy answers with an error ({statuses}), and the request before it was not captured. Which host was refused cannot be told; it may be one of the sign-in's.",
            ja: "{count} 接続でプロキシがエラー ({statuses}) を返しているが、その前の要求がキャプチャにない。拒否された宛先は判定できず、サインインのホストである可能性がある。",
        ),
        evidence: unseen.iter().take(4).flat_map(|(a, j)| context.shown(a, j)).collect(),
        filter: stream_filter(context.case, unseen.iter().map(|(a, _)| *a)).join(" || "),
        ..RULE.finding()
    })
}

fn of_hosts(context: &Context<'_>) -> Vec<Finding> {
    let told = |v: &HostVerdict| v.attempt.and_then(|i| v.judged.get(i)).is_some_and(|j| j.detail.request_unseen);
    let untold = |finding: &Finding| {
        let of = finding.host.as_deref().and_then(|name| context.host(name));
        !of.is_some_and(|(host, v)| told(v) || is_ended(context, host, v))
    };
    let found = for_hosts(context, &RULE, Verdict::Inconclusive, |host, v| {
        let name = &host.name;
        let peers = peers(host, v);
        let attempt = deciding(host, v);
        let failed = v.attempt.and_then(|i| v.judged.get(i)?.verdict).filter(|v| v.is_fault());
        if let (Some(attempt), Some(failed)) = (attempt, failed) {
            let (peer, how) = (attempt.peer, failed.title());
            if is_guessed_proxy(context.case, host, attempt) {
                return Words {
                    title: message!(en: "Cannot tell whether {name} is the way out", ja: "{name} が外部への経路 (プロキシ) かどうか判定できない"),
                    detail: Message {
                        en: format!(
                            "{peer} failed ({}), and the client tried nothing else that may lead to a host of the sign-in. But nothing shows that it is a proxy: no setting, no log, no request.",
                            how.en
                        ),
                        ja: format!(
                            "{peer} への通信が失敗した ({})。サインインのホストにつながり得る他の通信はない。ただし、これがプロキシであることを示すもの (設定、ログ、要求) もない。",
                            how.ja
                        ),
                    },
                    advice: message!(en: "Find out what listens at {peer}. If it is the proxy of this network, repair it; if not, take the trace again so that it covers the whole command.", ja: "{peer} が何のサービスか確認する。このネットワークのプロキシであれば復旧し、そうでなければコマンド全体を含むトレースを再取得する。"),
                };
            }
            if failed == Verdict::Intercepted && !attempt.name_inferred {
                return refused_and_accepted(name, &peers);
            }
            return Words {
                title: message!(en: "Cannot tell what became of {name}", ja: "{name} への通信がどうなったか判定できない"),
                detail: Message {
                    en: format!(
                        "A connection to {peer} failed ({}). That it was meant for {name} is only a conclusion, and what else the capture shows makes it doubtful.",
                        how.en
                    ),
                    ja: format!(
                        "{peer} への接続が失敗した ({})。{name} 宛てであったことは推定にすぎず、キャプチャの他の内容からは疑わしい。",
                        how.ja
                    ),
                },
                advice: message!(en: "Take the trace again with whole packets and after ipconfig /flushdns, so that the names of all connections are in it.", ja: "すべての接続の名前が含まれるように、ipconfig /flushdns の後にパケット全体を採取するトレースを再取得する。"),
            };
        }
        if v.name.stopped.is_some() {
            return Words {
                title: message!(en: "Cannot tell whether {name} resolves", ja: "{name} を解決できるかどうか判定できない"),
                detail: message!(
                    en: "The resolver gave no address for {name} again and again; later a connection went there directly, though no answer in this capture gives its address. Whether the program that asked in vain made it, or another one that resolves names on another way (DNS over HTTPS, hosts file, cache), cannot be told.",
                    ja: "リゾルバーは {name} のアドレスを繰り返し返さなかったが、その後、このキャプチャの応答にないアドレスへ直接接続している。問い合わせに失敗したプログラムによる接続か、別の方法 (DNS over HTTPS、hosts ファイル、キャッシュ) で名前を解決する別のプログラムによる接続かは判定できない。",
                ),
                advice: message!(en: "Resolve {name} on the machine (Resolve-DnsName {name}) as the user of the command. If that fails, repair the resolver or set the proxy for the tool (HTTPS_PROXY); if not, take the trace again with nothing but the command running.", ja: "コマンドを実行するユーザーで名前解決を試す (Resolve-DnsName {name})。失敗する場合はリゾルバーを修復するか、ツールにプロキシ (HTTPS_PROXY) を設定する。成功する場合は、コマンド以外のプログラムを動かさずにトレースを再取得する。"),
            };
        }
        if resolved_only(host, v) {
            return Words {
                title: message!(en: "Cannot tell what became of {name}", ja: "{name} への通信がどうなったか判定できない"),
                detail: message!(en: "{name} was asked for and resolved, and nobody is seen to connect to it.", ja: "{name} の名前解決は成功しているが、その後の接続が見当たらない。"),
                advice: {
                    let again = take_again();
                    Message {
                        en: format!(
                            "If the trace covers the whole attempt on {name}, something keeps the program's packets from leaving the client (host firewall, security software), or they leave by a way that was not captured (another adapter, a VPN, an agent): look there, and in the program's own error. If it does not: {}",
                            again.en
                        ),
                        ja: format!(
                            "トレースが {name} への試行全体を含む場合、プログラムのパケットが端末から出るのを妨げるもの (端末のファイアウォール、セキュリティ製品) があるか、採取していない経路 (別のアダプター、VPN、エージェント) から出ている。それらとプログラム自身のエラーを確認する。含まない場合: {}",
                            again.ja
                        ),
                    }
                },
            };
        }
        let detail = if attempt.is_none() && host.attempts.is_empty() && v.said.is_empty() {
            message!(en: "{name} was asked for, and nobody is seen to connect to it.", ja: "{name} の名前解決は行われているが、接続が見当たらない。")
        } else if !host.attempts.is_empty() && host.attempts.iter().all(|a| is_wordless(context, a)) {
            message!(
                en: "Connections to {name} ({peers}) were only opened and closed again without a word, as a port test does (Test-NetConnection): the port is open, and nobody tried to sign in there.",
                ja: "{name} ({peers}) への接続は、データを送らずに確立と切断だけを行っている (Test-NetConnection などのポート確認と同じ)。ポートは開いているが、サインインの試行はない。",
            )
        } else if peers.is_empty() {
            message!(en: "{name} was tried; the capture does not show how it ended.", ja: "{name} への試行はあるが、キャプチャからは結果が分からない。")
        } else {
            message!(en: "{name} was tried at {peers}; the capture does not show how it ended.", ja: "{name} ({peers}) への試行はあるが、キャプチャからは結果が分からない。")
        };
        Words {
            title: message!(en: "Cannot tell what became of {name}", ja: "{name} への通信がどうなったか判定できない"),
            detail,
            advice: message!(en: "Take the trace again so that it covers the whole attempt on {name}.", ja: "{name} への試行全体を含むトレースを再取得する。"),
        }
    });
    found.into_iter().filter(untold).collect()
}

/// A device's certificate that is refused by what offers the same as a program that accepts it.
fn refused_and_accepted(name: &str, peers: &str) -> Words {
    Words {
        title: message!(en: "Cannot tell whether every program accepts the inspection of {name}", ja: "すべてのプログラムが {name} の TLS 検査を受け入れているかどうか判定できない"),
        detail: message!(
            en: "TLS to {name} ({peers}) is inspected. Some connections went on with the device's certificate; others, which offer the same in TLS, were ended by the client at that certificate and did not succeed afterwards. Either these come from another program of the same TLS library (another Python, another account) that does not trust the device, or they were given up for another reason.",
            ja: "{name} ({peers}) への TLS は検査装置に中継されている。装置の証明書で続行した接続がある一方、TLS の提示内容が同じ別の接続はその証明書の段階でクライアントが終了し、その後に成功していない。同じ TLS ライブラリを使う別のプログラム (別の Python、別のアカウント) が装置を信頼していないか、別の理由で中断されたかのいずれかである。",
        ),
        advice: message!(
            en: "Read the program's own error. If it speaks of the certificate, add the inspecting root certificate to the list which that program and account use (REQUESTS_CA_BUNDLE, the system's roots), or exempt {name} from the inspection.",
            ja: "プログラム自身のエラーを確認する。証明書に関するエラーであれば、そのプログラムとアカウントが使う信頼済みの一覧 (REQUESTS_CA_BUNDLE、システムのルート証明書) に検査装置のルート証明書を追加するか、{name} を検査の対象から除外する。",
        ),
    }
}

/// Whether a name resolved and nothing is known beyond that.
pub(super) fn resolved_only(host: &HostStory, v: &HostVerdict) -> bool {
    host.attempts.is_empty() && v.said.is_empty() && !v.name.addresses.is_empty() && v.name.judged.is_none()
}
