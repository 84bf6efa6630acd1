//! The machine's own service for managed identities cannot be reached: the failure never left the machine.

use super::logs::runs;
use super::{Context, Finding, Rule, Severity};
use crate::case::log_join::is_local;
use crate::facts::log::{LogEvent, SigninMethod};
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "local_identity_down",
    severity: Severity::Critical,
    title: Text {
        en: "The machine's own identity service cannot be reached",
        ja: "端末自身の ID サービスに接続できない",
    },
    meaning: Text {
        en: "A managed identity asks a service on the machine itself for its token: Azure Arc's agent (himds, port 40342), App Service, Service Fabric, Cloud Shell. The connection to it failed, so nothing of the sign-in reached the network.",
        ja: "マネージド ID は、端末自身で動作するサービス (Azure Arc エージェントの himds (ポート 40342)、App Service、Service Fabric、Cloud Shell) にトークンを要求する。このサービスへの接続が失敗したため、サインインの通信はネットワークに出ていない。",
    },
    blind: Text {
        en: "Why the service does not answer is in its own log and not in the client's.",
        ja: "サービスが応答しない理由は、クライアントのログではなくサービス自身のログにある。",
    },
    advice: Text {
        en: "Start the service and look at its log; on a machine that offers no managed identity, sign in another way.",
        ja: "サービスを起動し、そのログを確認する。マネージド ID を提供しない端末では、別の方法でサインインする。",
    },
    check,
};

/// Port of the agent of Azure Arc, `IDENTITY_ENDPOINT=http://localhost:40342/metadata/identity/oauth2/token`.
/// Source: learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication, 2026-11.
const ARC_PORT: u16 = 40342;

/// Port of Cloud Shell, `MSI_ENDPOINT=http://localhost:50342/oauth2/token`.
const CLOUD_SHELL_PORT: u16 = 50342;

/// Paths of requests for a token of the machine's own service.
const TOKEN_PATHS: [&str; 2] = ["/metadata/identity", "/msi/token"];

/// Words of requests for a token of the machine's own service.
const ASKS_FOR_A_TOKEN: [&str; 3] = ["ManagedIdentity", "metadata/identity", "msi/token"];

/// Whether a line has a token asked for at the very place of `failed`: a proxy is told the whole address of another.
fn is_asked(line: &LogEvent, failed: &LogEvent) -> bool {
    let text = line.text.to_ascii_lowercase();
    let is_there = |path: &str| {
        let before = text.split_once(path).map(|(before, _)| before);
        // What stands right before a path is its host; nothing stands there where the line names the host elsewhere.
        before.is_some_and(|before| match before.rsplit_once("://") {
            Some((_, place)) if !place.contains(char::is_whitespace) => {
                let (host, port) = place.rsplit_once(':').unwrap_or((place, "80"));
                failed.host.as_deref() == Some(host) && failed.port.is_none_or(|p| p.to_string() == port)
            }
            _ => true,
        })
    };
    let is_same_place = line.host == failed.host && (line.port == failed.port || line.port.is_none());
    is_same_place && TOKEN_PATHS.iter().any(|path| is_there(path))
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context) {
        let Some((event, class)) = run.cause() else { continue };
        // A proxy on the machine is none of its services.
        let is_its_own = |e: &LogEvent| {
            !class.is_proxy()
                && e.host.as_deref().is_some_and(is_local)
                && (matches!(e.port, Some(ARC_PORT | CLOUD_SHELL_PORT))
                    || run.attempt.events.iter().any(|o| is_asked(o, e)))
        };
        let asks = run.attempt.method == SigninMethod::ManagedIdentity
            || run.attempt.events.iter().any(|e| ASKS_FOR_A_TOKEN.iter().any(|words| e.text.contains(words)));
        if !(class.is_network() && is_its_own(event) && asks) {
            continue;
        }
        let name = event.host.as_deref().unwrap_or_default();
        let place = event.port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let mut finding = run.finding(context, &RULE, event);
        finding.severity = run.severity();
        if event.port == Some(ARC_PORT) {
            finding.title = message!(
                en: "The agent of Azure Arc does not answer on {place}",
                ja: "Azure Arc エージェントが {place} で応答しない",
            );
            finding.advice = message!(
                en: "Start the Azure Hybrid Instance Metadata Service (himds: net start himds, systemctl start himdsd) and check the agent with azcmagent show; its log is himds.log.",
                ja: "Azure Hybrid Instance Metadata Service (himds) を起動し (net start himds、systemctl start himdsd)、azcmagent show でエージェントの状態を確認する。ログは himds.log にある。",
            );
        } else {
            finding.title = message!(
                en: "The machine's own identity service does not answer on {place}",
                ja: "端末自身の ID サービスが {place} で応答しない",
            );
        }
        finding.detail = message!(
            en: "The client asked the machine itself for a token and nothing of the sign-in reached the network. The log says: {}",
            ja: "クライアントは端末自身にトークンを要求しており、サインインの通信はネットワークに出ていない。ログの記録: {}",
            event.text
        );
        out.push(finding);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_place_that_is_asked_for_a_token_is_the_service() {
        let line = |text: &str, port: u16| LogEvent {
            line: 1,
            time: None,
            local: None,
            host: Some("127.0.0.1".to_owned()),
            port: Some(port),
            elsewhere: false,
            kind: crate::facts::log::LogEventKind::Warning,
            text: text.to_owned(),
        };
        for (text, is_it) in [
            ("with url: /MSI/token/?resource=x", true),
            ("GET http://127.0.0.1:41234/metadata/identity/oauth2/token", true),
            ("with url: http://169.254.169.254/metadata/identity/oauth2/token", false),
            ("GET http://127.0.0.1:40342/metadata/identity/oauth2/token", false),
            ("connection refused", false),
        ] {
            assert_eq!(is_asked(&line(text, 41234), &line("", 41234)), is_it, "{text}");
        }
        assert!(!is_asked(&line("with url: /MSI/token", 1), &line("", 41234)));
    }
}
