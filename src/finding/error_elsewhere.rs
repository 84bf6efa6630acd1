//! The command failed for a reason that is neither the network nor a refusal of Entra ID: where to search on.

use super::logs::{issues_of, runs};
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::{ErrorClass, LogEvent, Outcome};
use crate::knowledge::endpoints::Command;
use crate::knowledge::error_texts;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "error_elsewhere",
    severity: Severity::Warning,
    title: Text {
        en: "The error lies elsewhere: in the module or its surroundings",
        ja: "その他の原因: モジュール自体またはその環境のエラー",
    },
    meaning: Text {
        en: "The command failed with a text that names no cause of the network, of Entra ID or of the cache. The three modules are open source; known cases are in their public issues.",
        ja: "コマンドは失敗しているが、メッセージはネットワーク、Entra ID、キャッシュのいずれの原因も示していない。3 つのモジュールはオープン ソースであり、既知の事例は公開の issue にある。",
    },
    blind: Text {
        en: "The text may be the last of a chain whose cause stands above it or is not in the log.",
        ja: "メッセージは連鎖の最後であり、真の原因がその上にあるか、ログに含まれないことがある。",
    },
    advice: Text {
        en: "Update the module, then search its public issues for the text.",
        ja: "モジュールを更新し、公開されている issue をメッセージで検索する。",
    },
    check,
};

/// Words of a text that make a good search; more find nothing.
const WORDS_MAX: usize = 10;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context).into_iter().filter(|r| r.standing) {
        if !matches!(run.attempt.outcome, Outcome::Failed { .. }) || run.aadsts().is_some() {
            continue;
        }
        let Some((event, class)) = run.cause() else { continue };
        let unknown = matches!(class, ErrorClass::Other);
        let explained = run.failures().iter().any(|(_, c)| c.is_network() || c.is_answer());
        if !unknown || explained {
            continue;
        }
        let search = search_text(&event.text);
        let issues = issues_of(run.command());
        let query = format!("repo:{} is:issue {search}", repository(run.command()));
        let mut finding = run.finding(context, &RULE, event);
        finding.title = run.tell(message!(en: "%c failed for a reason of its own", ja: "%c が独自の理由で失敗"));
        finding.advice = message!(
            en: "Update the module and try again. Then search the public issues ({issues}) with: {query}",
            ja: "モジュールを更新して再実行する。続いて公開の issue ({issues}) を次の語で検索する: {query}",
        );
        finding.detail = message!(
            en: "The log ends with: {}",
            ja: "ログの最後のエラー: {}",
            event.text
        );
        if is_mute(&event.text) {
            // A frame without a picture: what failed inside it is not in the log.
            finding.title = run
                .tell(message!(en: "%c failed and the log does not say why", ja: "%c が失敗したが、ログに理由がない"));
            finding.verdict = Some(Verdict::Inconclusive);
        } else if is_open(context, event) {
            // Words of connections in a text that nobody knows: the network may have a part in it.
            finding.title = run.tell(message!(
                en: "%c failed with an error that names no known cause; it does not show whether the network did its part",
                ja: "%c が既知の原因を示さないエラーで失敗 (ネットワークが正常だったかは判断できない)",
            ));
            finding.verdict = Some(Verdict::Inconclusive);
            let first = message!(
                en: "If the text gives no reason, run the command with its debug option, save the whole output and take a network trace at the same time. ",
                ja: "メッセージに理由がない場合は、デバッグ オプション付きでコマンドを実行して出力全体を保存し、同時にネットワーク トレースを採取する。",
            );
            finding.advice = Message { en: first.en + &finding.advice.en, ja: first.ja + &finding.advice.ja };
        }
        // An error while a request waits for its answer may be that request's.
        if let Some(asked) = run.unanswered(event) {
            let place = asked.host.as_deref().unwrap_or_default();
            finding.title = run.tell(message!(
                en: "%c failed while it waited for {place}",
                ja: "%c が {place} の応答を待っている間に失敗",
            ));
            finding.verdict = Some(Verdict::Inconclusive);
        }
        if is_not_signed_in(&event.text) && !speaks_of_the_network(&event.text) {
            finding.title = run.tell(message!(
                en: "%c was given no token: nobody is signed in where it looks for one",
                ja: "%c がトークンを取得できない: 参照先にサインイン済みのアカウントがない",
            ));
            finding.advice = message!(
                en: "Sign in with az login as the same user and in the same environment in which the program runs (a service, a container or an elevated console has a profile of its own), or give the program its own credentials. If az login itself fails, its log is the one to look at.",
                ja: "プログラムを実行するのと同じユーザー、同じ環境で az login によりサインインする (サービス、コンテナー、管理者コンソールはそれぞれ別のプロファイルを使う)。またはプログラム自身に資格情報を設定する。az login 自体が失敗する場合は、そのログを調べる。",
            );
        }
        if !out.iter().any(|f| f.detail == finding.detail) {
            out.push(finding);
        }
    }
    out
}

/// Words of programs that take their tokens from another one.
const NOT_SIGNED_IN: [&str; 3] = [
    "Please run 'az login'",
    "No Authorization Tokens were found",
    "failed to retrieve a token from the included credentials",
];

fn is_not_signed_in(text: &str) -> bool {
    NOT_SIGNED_IN.iter().any(|words| text.contains(words))
}

/// Words of connections, in small letters.
const OF_THE_NETWORK: [&str; 26] = [
    "certificate",
    "certificates",
    "proxy",
    "proxies",
    "tls",
    "ssl",
    "network",
    "firewall",
    "connection",
    "connections",
    "dns",
    "socket",
    "vpn",
    "handshake",
    "timeout",
    "unreachable",
    "reachable",
    "resolve",
    "resolved",
    "endpoint",
    "destination",
    "remote",
    "gateway",
    "winrm",
    "netzwerk",
    "verbindung",
];

/// The same in Japanese, which does not part its words.
const OF_THE_NETWORK_JA: [&str; 5] = ["証明書", "プロキシ", "ネットワーク", "接続", "タイムアウト"];

/// Certificates with which a client proves who it is: they are files and entries of stores on its own machine.
const OF_THE_CLIENT: [&str; 5] = ["client certificate", "thumbprint", "private key", "クライアント証明書", "拇印"];

/// Whether a text has words of connections in it, so that it cannot be said that the network has no part in it.
fn speaks_of_the_network(text: &str) -> bool {
    let text = text.to_lowercase();
    let is_word = |word: &str| OF_THE_NETWORK.contains(&word);
    let speaks = text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_word)
        || OF_THE_NETWORK_JA.iter().any(|words| text.contains(words));
    speaks && !OF_THE_CLIENT.iter().any(|words| text.contains(words))
}

/// Whether an error text ends where its reason should begin, or has none.
fn is_mute(text: &str) -> bool {
    const ENDS: [&str; 6] = [
        "failed:",
        "Exception:",
        "One or more errors occurred.",
        "An error occurred.",
        "' was thrown.",
        "Unexpected authentication failure.",
    ];
    ENDS.iter().any(|end| text.trim_end().ends_with(end))
}

/// Whether the words are those of connections, and nothing else shows that the network did its part: no packets, and a text
/// of no kind that is known.
fn is_open(context: &Context<'_>, event: &LogEvent) -> bool {
    context.case.captures().next().is_none()
        && !error_texts::is_local(&event.text)
        && speaks_of_the_network(&event.text)
}

fn repository(command: Option<Command>) -> &'static str {
    match command {
        Some(Command::AzLogin) => "Azure/azure-cli",
        Some(Command::ConnectAzAccount) => "Azure/azure-powershell",
        Some(Command::ConnectMgGraph) => "microsoftgraph/msgraph-sdk-powershell",
        None => "AzureAD/microsoft-authentication-library-for-python",
    }
}

/// The words of an error text that are the same on every machine: no ids, paths, addresses, numbers of lines.
fn search_text(text: &str) -> String {
    let mut rest = text.trim();
    for label in ["ERROR:", "DEBUG:", "WARNING:", "Connect-AzAccount :", "Connect-MgGraph :", "az :"] {
        rest = rest.strip_prefix(label).unwrap_or(rest).trim_start();
    }
    // A logger's name stands before the text.
    if let Some((logger, text)) = rest.split_once(": ")
        && logger.contains('.')
        && !logger.contains(' ')
    {
        rest = text;
    }
    let same_everywhere = |word: &&str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let number = digits >= 3 && digits.saturating_mul(2) >= word.len();
        let identifier = word.len() >= 32 && word.contains('-');
        let place = word.contains(['\\', '/', '@', '{', '}', '<', '>']);
        !(word.is_empty() || word.len() > 40 || place || number || identifier)
    };
    rest.split_whitespace()
        .map(|w| w.trim_matches(|c: char| matches!(c, '"' | '\'' | ',' | ';' | '(' | ')' | '.' | '`')))
        .filter(same_everywhere)
        .take(WORDS_MAX)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_reason_proves_nothing() {
        assert!(is_mute("Connect-MgGraph : InteractiveBrowserCredential authentication failed: "));
        assert!(!is_mute("InteractiveBrowserCredential authentication failed: A window handle must be configured."));
    }

    #[test]
    fn words_of_connections_leave_it_open_whether_the_network_has_a_part() {
        assert!(speaks_of_the_network("ERROR: The appliance replaced the certificate."));
        assert!(speaks_of_the_network("エラー: プロキシの設定を確認してください。"));
        assert!(!speaks_of_the_network("Certificate with thumbprint ABC was not found in the store."));
        assert!(!speaks_of_the_network("KeyError: 'tenants'"));
    }

    #[test]
    fn a_search_keeps_what_is_the_same_on_every_machine() {
        let text = "ERROR: cli.azure.cli.core.azclierror: Can't find token cache at C:\\Users\\a\\.azure for 72c1a3f0-5b7e-4d0a-9d3c-0f4be2a91d11 (code 1006)";
        assert_eq!(search_text(text), "Can't find token cache at for code");
        assert_eq!(search_text("EOFError: Ran out of input"), "EOFError: Ran out of input");
    }
}
