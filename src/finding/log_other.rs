//! Failures that a log names and that need no more than a sentence: the browser's leg, metadata that made no sense,
//! the user who gave up, a service that refused after the sign-in, a log that ends while the client waits.

use super::conditional_access::{beside_interaction, is_interaction};
use super::logs::{Run, runs, tenant_option};
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::{ErrorClass, LogEvent, LogEventKind, Outcome, SigninMethod};
use crate::knowledge::endpoints::{Command, endpoint};
use crate::knowledge::error_texts;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// The browser's leg failed.
pub(super) static BROWSER: Rule = Rule {
    code: "browser_leg",
    severity: Severity::Critical,
    title: Text {
        en: "The part of the sign-in in the browser failed", ja: "ブラウザーでの認証部分が失敗した"
    },
    meaning: Text {
        en: "The browser signs in and comes back to a port of the client itself (http://localhost). That leg never reaches the network interface: it fails when the browser forces https on localhost, a proxy takes localhost, the window is closed, or the sign-in page's files (CDN) are blocked.",
        ja: "ブラウザーでの認証後、端末自身のポート (http://localhost) に戻る。この区間はネットワークに出ない。ブラウザーが localhost に https を強制する、localhost をプロキシに送る、ウィンドウを閉じる、サインイン ページのファイル (CDN) がブロックされる、などで失敗する。",
    },
    blind: Text {
        en: "The loopback leg is in no ordinary capture.",
        ja: "ループバックの通信は通常のキャプチャには含まれない。",
    },
    advice: Text {
        en: "Sign in with a device code (az login --use-device-code, Connect-AzAccount -UseDeviceAuthentication, Connect-MgGraph -UseDeviceCode), delete localhost from the browser's HSTS list, put localhost and 127.0.0.1 into the proxy's exceptions.",
        ja: "デバイス コードでサインインする (az login --use-device-code、Connect-AzAccount -UseDeviceAuthentication、Connect-MgGraph -UseDeviceCode)。ブラウザーの HSTS から localhost を削除し、プロキシの例外に localhost と 127.0.0.1 を加える。",
    },
    check: |context| by_class(context, &BROWSER, |c| c == ErrorClass::BrowserLeg),
};

/// The authority's metadata was not what it should be.
pub(super) static AUTHORITY: Rule = Rule {
    code: "authority_not_understood",
    severity: Severity::Critical,
    title: Text {
        en: "The authority's metadata could not be used", ja: "認証機関のメタデータを利用できなかった"
    },
    meaning: Text {
        en: "The client asked the authority for its configuration and could not use the answer: the tenant does not exist there (wrong tenant or cloud), or a captive portal, block page or proxy answered in its place.",
        ja: "クライアントが認証機関の構成を取得したが、応答を利用できなかった。テナントが存在しない (テナントやクラウドの誤り) か、キャプティブ ポータル、ブロック ページ、プロキシが代わりに応答している。",
    },
    blind: Text {
        en: "Which of the two it is shows in the answer: its status in the log, its certificate in the capture.",
        ja: "どちらかは応答で分かる (ログのステータス、キャプチャの証明書)。",
    },
    advice: Text {
        en: "Check tenant and cloud; open the address of the log in a browser on the same network and see who answers.",
        ja: "テナントとクラウドの指定を確認する。同じネットワークのブラウザーでログの URL を開き、何が応答するかを確認する。",
    },
    check: authority,
};

/// The user gave up.
pub(super) static CANCELLED: Rule = Rule {
    code: "user_cancelled",
    severity: Severity::Warning,
    title: Text { en: "The sign-in was cancelled", ja: "サインインがキャンセルされた" },
    meaning: Text {
        en: "The log ends because the user closed the window or pressed Ctrl+C. What came before it may have made them do so.",
        ja: "利用者がウィンドウを閉じた、または Ctrl+C を押したためログが終わっている。その前の状況が理由である可能性がある。",
    },
    blind: Text {
        en: "Why the user gave up is not in the log.", ja: "キャンセルの理由はログには残らない。"
    },
    advice: Text {
        en: "Run the command again and let it run to its error; if it hangs, wait five minutes with the trace running.",
        ja: "再実行し、エラーが出るまで待つ。応答がない場合は、トレース採取中のまま 5 分待つ。",
    },
    check: cancelled,
};

fn cancelled(context: &Context<'_>) -> Vec<Finding> {
    let mut found = by_class(context, &CANCELLED, |c| c == ErrorClass::UserCancelled);
    for finding in found.iter_mut().filter(|f| error_texts::is_code_expired(&f.detail.en)) {
        finding.title = message!(
            en: "The device code ran out before the sign-in with it was finished",
            ja: "デバイス コードでのサインインが完了する前に、コードの有効期限が切れた",
        );
        finding.advice = message!(
            en: "Run the command again and enter the code at once, in a browser that can reach the sign-in page. If that page refuses (a policy may forbid the device code flow), its words and the tenant's sign-in log tell why.",
            ja: "再実行し、サインイン ページに到達できるブラウザーでコードをすぐに入力する。ページで拒否される場合 (ポリシーでデバイス コード フローが禁止されていることがある) は、その文面とテナントのサインイン ログで理由を確認する。",
        );
    }
    found
}

/// A service answered with an HTTP error.
pub(super) static SERVICE: Rule = Rule {
    code: "service_refused",
    severity: Severity::Critical,
    title: Text { en: "A service refused after the sign-in", ja: "認証後にサービスが要求を拒否した" },
    meaning: Text {
        en: "The service was reached and answered with an error status: the network did its part. 401 and 403 are permissions (role assignments, consent), 404 a wrong name or cloud, 429 throttling, 5xx the service, unless a proxy wrote the answer.",
        ja: "サービスに到達し、エラー ステータスが返っている。ネットワークは役割を果たしている。401 と 403 は権限 (ロール割り当て、同意)、404 は名前やクラウドの誤り、429 は要求過多、5xx はサービス側 (プロキシが応答した場合を除く)。",
    },
    blind: Text {
        en: "A proxy that opens TLS can answer in the service's place; the body of the answer tells.",
        ja: "TLS を終端するプロキシが代わりに応答している場合がある。応答の本文で判別できる。",
    },
    advice: Text {
        en: "Check the account's roles on the subscription (or the consent for Graph) and the tenant that is signed in to.",
        ja: "サブスクリプションに対するアカウントのロール (Graph の場合は同意) と、サインイン先のテナントを確認する。",
    },
    check: service,
};

/// The log ends while the client waits.
pub(super) static WAITING: Rule = Rule {
    code: "log_ends_waiting",
    severity: Severity::Warning,
    title: Text {
        en: "The log ends while the client waits for a connection",
        ja: "接続を待っている状態でログが終わっている",
    },
    meaning: Text {
        en: "The last line announces a connection and nothing follows. az has no time limit of its own towards Entra ID: it waits for dropped SYNs, for a dead IPv6 path (addresses are tried one after the other), or for a handshake whose large packets are lost.",
        ja: "最後の行が接続の開始で、その後の記録がない。az は Entra ID に対する独自のタイムアウトを持たず、破棄された SYN、届かない IPv6 (アドレスを順に試行)、大きなパケットが失われるハンドシェイクを待ち続ける。",
    },
    blind: Text {
        en: "What the client waits for is seen only in a capture.",
        ja: "何を待っているかはキャプチャでしか分からない。",
    },
    advice: Text {
        en: "Take a capture while the command hangs.",
        ja: "コマンドが止まっている間のキャプチャを採取する。",
    },
    check: waiting,
};

/// A failure of the network without the host it is about.
pub(super) static UNNAMED: Rule = Rule {
    code: "network_error_unnamed",
    severity: Severity::Warning,
    title: Text {
        en: "The log tells of a network error without naming the host",
        ja: "ログにネットワーク エラーがあるが、ホストが分からない",
    },
    meaning: Text {
        en: "The error text names a failure of the network (reset, timeout, name, TLS), but no host: usually only the last lines of the output were saved. Which host it was decides who can fix it.",
        ja: "エラー メッセージはネットワークの失敗 (リセット、タイムアウト、名前解決、TLS) を示しているが、ホストが分からない。出力の最後の数行だけが保存された場合に多い。どのホストかによって対処できる人が決まる。",
    },
    blind: Text { en: "The host, and at which step it failed.", ja: "対象のホストと、失敗した段階。" },
    advice: Text {
        en: "Run the command with its debug option and save the whole output; take a network trace at the same time.",
        ja: "デバッグ オプション付きでコマンドを実行して出力全体を保存し、同時にネットワーク トレースを採取する。",
    },
    check: unnamed,
};

fn unnamed(context: &Context<'_>) -> Vec<Finding> {
    let found = runs(context).into_iter().filter(|r| r.standing && r.aadsts().is_none()).find_map(|run| {
        let (event, class) = run.ended_by(ErrorClass::is_network).or_else(|| beside_interaction(&run))?;
        let answer = if let ErrorClass::ProxyStatus(status) = class { Some(status) } else { None };
        // A proxy that cannot be reached is a host of its own.
        let told = matches!(class, ErrorClass::Broker(_)) || class.is_proxy() && answer.is_none();
        // Another run in the log may name the host of the same failure.
        let named = |r: &Run<'_>| r.piece == run.piece && r.failures().iter().any(|(e, c)| *c == class && e.host.is_some());
        if told || !run.attempt.is_unplaced(event) || runs(context).iter().any(named) {
            return None;
        }
        let mut finding = run.finding(context, &UNNAMED, event);
        finding.detail = run.tell(message!(en: "%c failed: {}", ja: "%c の失敗: {}", event.text));
        if class == ErrorClass::TlsVersion {
            let tls = message!(
                en: "The text speaks of TLS versions: enable TLS 1.2 on the client (update it; on .NET SchUseStrongCrypto and SystemDefaultTlsVersions = 1).",
                ja: "TLS のバージョンに関するエラーである。端末で TLS 1.2 を有効にする (更新する。.NET では SchUseStrongCrypto と SystemDefaultTlsVersions を 1 にする)。",
            );
            finding.advice = tls;
        }
        if error_texts::is_embedded_window(&event.text) {
            finding.title = run.tell(message!(
                en: "The sign-in window of %c could not load its page; the log does not say from which host",
                ja: "%c のサインイン ウィンドウがページを読み込めなかった (ログからは対象のホストが分からない)",
            ));
        }
        if let ErrorClass::AnswerUnplaced(status) = class {
            (finding.title, finding.advice) = unplaced_words(status, is_of_machine(&run));
        }
        if let Some(status) = answer {
            let proxy = run.attempt.proxy.as_deref();
            let (en, ja) = proxy.map_or(("A proxy".to_owned(), "プロキシ".to_owned()), |p| (format!("The proxy {p}"), format!("プロキシ {p} ")));
            finding.title = message!(en: "{en} answered {status}; the log does not say for which host", ja: "{ja}が {status} を応答 (ログからは対象のホストが分からない)");
            finding.advice = match status {
                407 => message!(
                    en: "The proxy wants authentication: put credentials into HTTPS_PROXY (http://user:password@proxy:port, if the proxy offers Basic), use an authenticating relay, or exempt the sign-in hosts from it.",
                    ja: "プロキシが認証を要求している。HTTPS_PROXY に資格情報を設定する (プロキシが Basic を提示する場合 http://user:password@proxy:port)、認証を代行する中継を使う、またはサインイン用ホストを認証の対象外にする。",
                ),
                500.. => message!(
                    en: "The proxy did not get through to the host: look for this client and time in the proxy's log, and check name resolution, routing and firewall behind it.",
                    ja: "プロキシからホストに到達できていない。プロキシのログでこの端末と時刻を確認し、プロキシから先の名前解決・経路・ファイアウォールを確認する。",
                ),
                _ => message!(
                    en: "The proxy refuses a host: look for this client and time in the proxy's log, and have CONNECT to the host named there allowed.",
                    ja: "プロキシがホストへの接続を拒否している。プロキシのログでこの端末と時刻を確認し、記録されているホストへの CONNECT を許可する。",
                ),
            };
        }
        Some(finding)
    });
    found.into_iter().collect()
}

/// What an answer of nobody in particular means where no host is known: title and advice.
fn unplaced_words(status: Option<u16>, of_machine: bool) -> (Message, Message) {
    let (en, ja) = status.map_or_else(
        || ("An error status".to_owned(), "エラー ステータス".to_owned()),
        |s| (format!("Status {s}"), format!("ステータス {s} ")),
    );
    let title = message!(
        en: "{en} was returned; the log does not say by whom",
        ja: "{ja}が返されたが、ログからは何が応答したか分からない"
    );
    if of_machine {
        let advice = message!(
            en: "The machine's own service for managed identities (169.254.169.254) was asked through a proxy or gateway: put 169.254.169.254 into NO_PROXY (and the proxy's exceptions) of the program that asks, and try again.",
            ja: "マシン自身のマネージド ID サービス (169.254.169.254) への要求がプロキシまたはゲートウェイを経由している。要求元プログラムの NO_PROXY (およびプロキシの例外) に 169.254.169.254 を追加して再試行する。",
        );
        return (title, advice);
    }
    let advice = message!(
        en: "A proxy that refuses a host, or cannot reach it, is told in the same words as a service that refuses: look for this client and time in the proxy's log. Without a proxy, run the command with its debug option and save the whole output.",
        ja: "プロキシがホストを拒否した、または到達できなかった場合も、サービスが拒否した場合と同じ文面になる。プロキシのログでこの端末と時刻を確認する。プロキシがない場合は、デバッグ オプション付きでコマンドを実行して出力全体を保存する。",
    );
    (title, advice)
}

/// Whether a run asks the machine's own service for managed identities, which comes before any sign-in.
fn is_of_machine(run: &Run<'_>) -> bool {
    let says = |text: &str| text.contains("ManagedIdentity") || text.contains("Managed Identity");
    run.attempt.method == SigninMethod::ManagedIdentity || run.failures().iter().any(|(e, _)| says(&e.text))
}

fn by_class(context: &Context<'_>, rule: &Rule, is: impl Fn(ErrorClass) -> bool) -> Vec<Finding> {
    let found = runs(context).into_iter().filter(|r| r.aadsts().is_none()).find_map(|run| {
        let (event, _) = run.ended_by(&is)?;
        Some(said(context, &run, rule, event))
    });
    found.into_iter().collect()
}

/// A finding with the log's own words.
fn said(context: &Context<'_>, run: &Run<'_>, rule: &Rule, event: &LogEvent) -> Finding {
    let mut finding = run.finding(context, rule, event);
    let words = run.tell(message!(en: "%c: {}", ja: "%c: {}", event.text));
    let mut detail = words;
    detail.ja.push(' ');
    detail.push_sentence(rule.meaning.into());
    finding.detail = detail;
    finding
}

fn authority(context: &Context<'_>) -> Vec<Finding> {
    let page = runs(context).into_iter().filter(|r| r.aadsts().is_none()).find_map(|run| {
        let (event, class) = run.ended_by(is_foreign)?;
        if event.host.is_none() && run.attempt.hosts().is_empty() {
            return None;
        }
        let mut finding = run.finding(context, &AUTHORITY, event);
        finding.verdict = Some(Verdict::Inconclusive);
        let host = event.host.as_deref();
        let authority = host.is_some_and(|h| is_authority(&run, h));
        let (title, detail) = match class {
            ErrorClass::AnswerUnplaced(status) => unplaced(host, status, authority),
            // Metadata that cannot be read, though the log does not show a page.
            _ if authority && !event.text.contains('<') => {
                (page(host, authority, false).0, unplaced(host, None, authority).1)
            }
            _ => page(host, authority, event.text.contains('<')),
        };
        finding.title = title;
        finding.detail = run.tell(message!(en: "%c: {}", ja: "%c: {}。", event.text));
        finding.detail.push_sentence(detail);
        finding.advice = message!(
            en: "Open the address in a browser on the same network and see who answers: a block page, a portal, a proxy or the service. If this network has a proxy, look for the client and time in its log.",
            ja: "同じネットワークのブラウザーで URL を開き、何が応答するか (ブロック ページ、ポータル、プロキシ、サービス) を確認する。プロキシがあるネットワークでは、そのログでこの端末と時刻を確認する。",
        );
        Some(finding)
    });
    if let Some(page) = page {
        return vec![page];
    }
    let found = runs(context).into_iter().filter(|r| r.aadsts().is_none()).find_map(|run| {
        let (event, _) = run.ended_by(|c| c == ErrorClass::AuthorityDiscovery)?;
        let mut finding = said(context, &run, &AUTHORITY, event);
        // Where no answer shows, anything may have kept the client from it.
        if !is_answered(&run, event) {
            finding.verdict = Some(Verdict::Inconclusive);
            finding.title = message!(
                en: "The authority's metadata could not be fetched, and the log does not say why",
                ja: "認証機関のメタデータを取得できなかったが、ログに理由がない",
            );
            finding.detail = run.tell(message!(
                en: "%c: {}. The client tells every failure of this request in these words: a name that does not resolve, a proxy that refuses, a certificate that is not trusted, or a wrong tenant.",
                ja: "%c: {}。クライアントはこの要求のあらゆる失敗 (名前解決の失敗、プロキシによる拒否、信頼されない証明書、テナントの誤り) を同じ文面で表示する。",
                event.text
            ));
            finding.advice = message!(
                en: "Open the address of the log in a browser on the same network and see who answers. Give the program the proxy of this network (HTTPS_PROXY), run it again with its debug log on, and take a capture at the same time.",
                ja: "同じネットワークのブラウザーでログの URL を開き、何が応答するかを確認する。プログラムにこのネットワークのプロキシを設定し (HTTPS_PROXY)、デバッグ ログを有効にして再実行し、同時にキャプチャを採取する。",
            );
        }
        Some(finding)
    });
    let mut found: Vec<Finding> = found.into_iter().collect();
    let command = runs(context).last().and_then(Run::command);
    for finding in found.iter_mut().filter(|f| f.verdict.is_none()) {
        let option = tenant_option(command, "YOUR_TENANT_ID");
        finding.advice.push_sentence(message!(en: "The tenant is named by: {option}", ja: " テナントの指定: {option}"));
    }
    found
}

/// Words that a client has only after an answer of the authority.
const ONLY_AFTER_AN_ANSWER: [&str; 6] = [
    "invalid_instance",
    "unable to get authority configuration",
    "oidc discovery failed",
    "authority_validation_failed",
    "unknown_authority",
    "http status",
];

/// Whether an authority whose metadata could not be used answered, by the words of the failure or by a reply in the log.
fn is_answered(run: &Run<'_>, event: &LogEvent) -> bool {
    let text = event.text.to_ascii_lowercase();
    let replied = |e: &LogEvent| match &e.kind {
        LogEventKind::HttpResponse { method, .. } => {
            method != "CONNECT" && e.host.as_deref().is_some_and(|h| is_authority(run, h))
        }
        _ => false,
    };
    ONLY_AFTER_AN_ANSWER.iter().any(|words| text.contains(words)) || run.attempt.events.iter().any(replied)
}

/// Answers that may not be those of the host that was asked.
fn is_foreign(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::ForeignPage | ErrorClass::AnswerUnplaced(_))
}

/// What a status that the host itself may not have given means: title and detail.
fn unplaced(host: Option<&str>, status: Option<u16>, authority: bool) -> (Message, Message) {
    let (en, ja) = host.map_or(("the service", "サービス"), |h| (h, h));
    let status = status.map_or_else(String::new, |s| format!(" {s}"));
    let title = message!(
        en: "Cannot tell who answered{status} in the name of {en}",
        ja: "{ja} への要求に{status} を返したのが何か判定できない"
    );
    let detail = if authority {
        message!(
            en: "Entra ID itself hardly ever gives this answer at this address. More likely a proxy, a web filter or a portal answered in its place; a short outage of Entra ID is possible too.",
            ja: "このアドレスで Entra ID 自身がこのような応答を返すことはほとんどない。プロキシ、Web フィルター、ポータルが代わりに応答した可能性が高いが、Entra ID の一時的な障害もあり得る。",
        )
    } else {
        message!(
            en: "The client tells the refusal of the service and that of a proxy on the way with the same words.",
            ja: "クライアントは、サービスによる拒否と途中のプロキシによる拒否を同じ文面で表示する。",
        )
    };
    (title, detail)
}

/// Whether the client takes `host` for the authority.
fn is_authority(run: &Run<'_>, host: &str) -> bool {
    run.attempt.authority.as_deref() == Some(host) || endpoint(host).is_some_and(|e| e.role.is_authority())
}

/// What a page in place of an answer means: title and detail. `shown`: the log shows that it is a page.
fn page(host: Option<&str>, authority: bool, shown: bool) -> (Message, Message) {
    // The log may not say which host it was.
    let (en, ja) = host.map_or(("the service", "サービス"), |h| (h, h));
    let title = if shown {
        message!(
            en: "A web page came in place of an answer: {en}",
            ja: "応答の代わりに Web ページが返された: {ja}"
        )
    } else {
        message!(
            en: "Something that cannot be read came in place of an answer: {en}",
            ja: "応答の代わりに解釈できない内容が返された: {ja}"
        )
    };
    let detail = if authority {
        AUTHORITY.meaning.into()
    } else {
        message!(
            en: "The client expected data from {en} and got a web page: a block page, a captive portal or a proxy answered in its place, or the service's own web server refused with an error page.",
            ja: "クライアントは {ja} からデータを受け取るはずだったが、Web ページが返された。ブロック ページ、キャプティブ ポータル、プロキシが代わりに応答したか、サービス自身の Web サーバーがエラー ページで拒否している。",
        )
    };
    (title, detail)
}

fn service(context: &Context<'_>) -> Vec<Finding> {
    let found = runs(context).into_iter().filter(|r| r.aadsts().is_none()).find_map(|run| {
        let (event, class) = run.ended_by(|c| matches!(c, ErrorClass::HttpStatus(_) | ErrorClass::OAuth))?;
        if is_interaction(&run, event) {
            return None;
        }
        let mut finding = said(context, &run, &SERVICE, event);
        if class == ErrorClass::HttpStatus(429) {
            (finding.title, finding.advice) = throttled(&run);
            finding.detail = run.tell(message!(en: "%c: {}", ja: "%c: {}", event.text));
            return Some(finding);
        }
        if is_of_machine(&run) && run.attempt.hosts_answered().is_empty() {
            finding.title = message!(
                en: "The machine's service for managed identities refused",
                ja: "マシンのマネージド ID サービスが要求を拒否した"
            );
            finding.detail = run.tell(message!(en: "%c: {}", ja: "%c: {}", event.text));
            finding.advice = message!(
                en: "Check that the identity is assigned to this machine, and the client id with which it is asked for.",
                ja: "この ID がマシンに割り当てられているか、指定したクライアント ID が正しいかを確認する。",
            );
        }
        if let (ErrorClass::HttpStatus(status), Some(host)) = (class, &event.host) {
            finding.title =
                message!(en: "{host} was reached and answered {status}", ja: "{host} に到達し、応答は {status}");
            if is_authority(&run, host) {
                finding.detail = run.tell(message!(en: "%c: {}", ja: "%c: {}", event.text));
                finding.advice = message!(
                    en: "Check tenant, cloud and the application's settings; the sign-in log of the tenant has more.",
                    ja: "テナント、クラウド、アプリケーションの設定を確認する。詳細はテナントのサインイン ログにある。",
                );
            }
        }
        Some(finding)
    });
    found.into_iter().collect()
}

/// What an answer of 429 means: title and advice.
fn throttled(run: &Run<'_>) -> (Message, Message) {
    let title = run.tell(message!(
        en: "%c was throttled: the service was reached and gets too many requests",
        ja: "%c がスロットリングされた (サービスには到達しており、要求が多すぎる)",
    ));
    let advice = message!(
        en: "Wait some minutes and try again. Have scripts and pipelines sign in once and keep their token, instead of once for every call, and find what else asks in the name of this application or account.",
        ja: "数分待って再実行する。スクリプトやパイプラインは呼び出しごとではなく一度だけサインインし、トークンを使い回す。同じアプリケーションまたはアカウントで要求しているほかの処理も確認する。",
    );
    (title, advice)
}

fn waiting(context: &Context<'_>) -> Vec<Finding> {
    let found = runs(context).into_iter().filter(|r| r.standing).find_map(|run| {
        if !matches!(run.attempt.outcome, Outcome::Waiting { .. }) {
            return None;
        }
        let event = run.attempt.last_connecting()?;
        let host = event.host.clone()?;
        // Where the packets show the host answering, the log only stopped being saved.
        if context.host(&host).is_some_and(|(_, v)| !v.by_log && v.verdict.is_good()) {
            return None;
        }
        let mut finding = run.finding(context, &WAITING, event);
        finding.severity = Severity::Warning;
        finding.title = run.tell(message!(en: "%c: the log ends while it waits for {host}", ja: "%c: {host} を待っている状態でログが終わっている"));
        if run.command() == Some(Command::AzLogin) {
            let more = message!(
                en: "A try over IPv4 only (IPv6 switched off on the adapter) tells whether a dead IPv6 path is the cause.",
                ja: "IPv4 のみ (アダプターの IPv6 を無効化) で試すと、IPv6 の経路が原因かどうかを切り分けられる。",
            );
            finding.advice.push_sentence(more);
        }
        Some(finding)
    });
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_a_host_is_the_services_and_not_the_authoritys() {
        let (title, detail) = page(None, false, true);
        assert!(title.en.ends_with(": the service") && title.ja.ends_with(": サービス"), "{title:?}");
        assert!(!detail.en.contains("configuration") && !detail.ja.contains("構成"), "{detail:?}");
        let (title, detail) = page(Some("management.azure.com"), false, true);
        assert!(title.en.contains("management.azure.com") && !detail.en.contains("authority"), "{detail:?}");
        let (title, detail) = page(Some("login.microsoftonline.com"), true, false);
        assert!(!title.en.contains("web page"), "{title:?}");
        assert!(detail.en.contains("configuration") && detail.ja.contains("構成"), "{detail:?}");
    }
}
