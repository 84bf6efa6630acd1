//! The Windows broker (WAM) failed.

use super::logs::runs;
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::{BrokerFault, ErrorClass, LogEventKind};
use crate::knowledge;
use crate::knowledge::endpoints::Command;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "broker_failed",
    severity: Severity::Critical,
    title: Text { en: "The Windows broker (WAM) failed", ja: "Windows の認証ブローカー (WAM) が失敗した" },
    meaning: Text {
        en: "On Windows the modules sign in through the Web Account Manager, which is another process with the proxy rules of Windows (WinHTTP, user settings), not with HTTPS_PROXY. A broker that finds no network while the command itself reaches hosts is a matter of those settings.",
        ja: "Windows では、モジュールは Web アカウント マネージャー (WAM) 経由でサインインする。WAM は別プロセスであり、HTTPS_PROXY ではなく Windows のプロキシ設定 (WinHTTP、ユーザー設定) に従う。コマンド自身は通信できるのにブローカーがネットワークなしと報告する場合は、この設定の問題である。",
    },
    blind: Text {
        en: "The broker's own log is in the event log (Microsoft-Windows-AAD/Operational), not among this evidence.",
        ja: "ブローカー自身のログはイベント ログ (Microsoft-Windows-AAD/Operational) にあり、この証跡には含まれない。",
    },
    advice: Text {
        en: "Check netsh winhttp show proxy and the user's proxy settings; to tell the cases apart, sign in without the broker.",
        ja: "netsh winhttp show proxy とユーザーのプロキシ設定を確認する。切り分けとして、ブローカーを使わずにサインインする。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context) {
        let Some((event, ErrorClass::Broker(fault))) = run.ended_by(|c| matches!(c, ErrorClass::Broker(_))) else {
            continue;
        };
        if fault == BrokerFault::UserCancelled {
            continue;
        }
        let code = match event.kind {
            LogEventKind::Wam { code, .. } => code,
            _ => None,
        };
        let known = code.and_then(knowledge::wam_code);
        let shown = code.map_or_else(|| fault.code().to_owned(), |c| format!("0x{c:08X}"));
        let meaning: Message = match known {
            Some(k) => k.meaning.into(),
            None => event_meaning(fault),
        };
        let title = message!(en: "The Windows broker failed: {shown}", ja: "Windows ブローカーの失敗: {shown}");
        if out.iter().any(|f| f.title == title) {
            continue;
        }
        out.push(Finding {
            title,
            detail: Message {
                en: format!("{}: {}. The log says: {}", run.tell(Message::same("%c")).en, meaning.en, event.text),
                ja: format!("{}: {}。ログの記録: {}", run.name().ja, meaning.ja, event.text),
            },
            advice: advice(run.command(), fault),
            // A failure of the broker's network leaves it open which host it was.
            verdict: ErrorClass::Broker(fault).is_network().then_some(Verdict::Inconclusive),
            ..run.finding(context, &RULE, event)
        });
    }
    out
}

fn event_meaning(fault: BrokerFault) -> Message {
    match fault {
        BrokerFault::NoNetwork => {
            message!(en: "the broker found neither server nor proxy", ja: "ブローカーがサーバーまたはプロキシを見つけられない")
        }
        BrokerFault::NameNotResolved => {
            message!(en: "the broker could not resolve the name", ja: "ブローカーが名前を解決できない")
        }
        BrokerFault::CannotConnect | BrokerFault::Timeout => {
            message!(en: "the broker could not connect", ja: "ブローカーが接続できない")
        }
        BrokerFault::ConnectionAborted => {
            message!(en: "the broker's connection was broken off", ja: "ブローカーの接続が切断された")
        }
        BrokerFault::TlsFailure => message!(en: "the broker's TLS failed", ja: "ブローカーの TLS が失敗した"),
        BrokerFault::InteractionRequired => {
            message!(en: "the broker needs the user", ja: "ブローカーが利用者の操作を必要としている")
        }
        BrokerFault::UserCancelled => message!(en: "the user closed the window", ja: "利用者がウィンドウを閉じた"),
        BrokerFault::ServerRefused => {
            message!(en: "Entra ID refused the grant", ja: "Entra ID が許可を拒否した")
        }
        BrokerFault::Unspecified => {
            message!(en: "the broker gave no known reason", ja: "ブローカーの理由は既知のものではない")
        }
    }
}

fn advice(command: Option<Command>, fault: BrokerFault) -> Message {
    let off = match command {
        Some(Command::AzLogin) => "az config set core.enable_broker_on_windows=false",
        Some(Command::ConnectAzAccount) => "Update-AzConfig -EnableLoginByWam $false",
        Some(Command::ConnectMgGraph) => "Connect-MgGraph -UseDeviceCode",
        None => {
            "az config set core.enable_broker_on_windows=false / Update-AzConfig -EnableLoginByWam $false / Connect-MgGraph -UseDeviceCode"
        }
    };
    match fault {
        BrokerFault::InteractionRequired => message!(
            en: "Sign in interactively (run the command in a window of the user, not as a service or remotely); to tell the cases apart, sign in without the broker: {off}",
            ja: "対話的にサインインする (サービスやリモート実行ではなく、利用者のウィンドウで実行する)。切り分けとして、ブローカーなしでサインインする: {off}",
        ),
        _ => message!(
            en: "Check the proxy that Windows itself uses (netsh winhttp show proxy, Internet options): the broker does not read HTTPS_PROXY. To tell the cases apart, sign in without the broker: {off}",
            ja: "Windows 自体のプロキシ設定 (netsh winhttp show proxy、インターネット オプション) を確認する。ブローカーは HTTPS_PROXY を参照しない。切り分けとして、ブローカーなしでサインインする: {off}",
        ),
    }
}
