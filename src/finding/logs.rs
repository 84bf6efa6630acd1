//! What the findings out of debug logs share: the runs of the commands, which of them still count, and their proof.

use super::{Context, Evidence, Finding, Severity};
use crate::case::Said;
use crate::case::log_join::Placed;
use crate::facts::log::{Attempt, ErrorClass, LogEvent, LogEventKind, Outcome};
use crate::knowledge::endpoints::{Command, command_of};
use crate::lang::Message;
use crate::message;
use crate::verdict::again::is_same_command;
use crate::verdict::log::LogProof;

/// Codes of findings that explain a failed sign-in without the network being at fault, in the order in which they are
/// taken for the answer.
pub(crate) const CAUSES: [&str; 21] = [
    "entra_tls_retired",
    "ca_bundle_broken",
    "wrong_tenant",
    "stale_cache",
    "conditional_access",
    "entra_refused",
    "clock_skew",
    "signin_recorded_failure",
    "service_refused",
    "local_identity_down",
    "broker_failed",
    "browser_leg",
    "authority_not_understood",
    "user_cancelled",
    "retired_cloud",
    "network_error_unnamed",
    "log_without_traffic",
    "signin_not_recorded",
    "signin_recorded_success",
    "evidence_apart",
    "error_elsewhere",
];

/// One run of a command in a log.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// Index into the case's pieces.
    pub piece: usize,
    /// Index into the log's attempts.
    pub index: usize,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// It did not succeed, and no later run in the same log did that can be one of the same command.
    pub standing: bool,
}

/// All runs of all logs, in order.
pub(super) fn runs<'a>(context: &Context<'a>) -> Vec<Run<'a>> {
    let mut out = Vec::new();
    for (piece, log) in context.case.logs() {
        for (index, attempt) in log.attempts.iter().enumerate() {
            // Another command that works does not make this one work; what is no sign-in counts less than a sign-in.
            let is_beside = command_of(attempt.dialect).is_none();
            let answers = |a: &Attempt| {
                a.outcome == Outcome::Succeeded
                    && (is_beside && command_of(a.dialect).is_some() || is_same_command(attempt, a))
            };
            let standing = !log.attempts.get(index..).unwrap_or_default().iter().any(answers);
            out.push(Run { piece, index, attempt, standing });
        }
    }
    out
}

impl<'a> Run<'a> {
    /// The command, where it is one of the three.
    pub fn command(&self) -> Option<Command> {
        self.attempt.tool().and_then(command_of)
    }

    /// Name of the command for people.
    pub fn name(&self) -> Message {
        match (self.attempt.command.as_str(), self.command()) {
            ("", Some(command)) => Message::same(command.name()),
            ("", None) => message!(en: "the command", ja: "コマンド"),
            (command, _) => Message::same(command),
        }
    }

    /// `text` with the command's name in the place of `%c`.
    pub fn tell(&self, text: Message) -> Message {
        let name = self.name();
        let upper = |s: String, at_start: bool| match s.strip_prefix("the ") {
            Some(rest) if at_start => format!("The {rest}"),
            _ => s,
        };
        let en = upper(name.en, text.en.starts_with("%c"));
        // Between Japanese words there is no space.
        let ja = if name.ja.is_ascii() { text.ja } else { text.ja.replace("%c ", "%c") };
        Message { en: text.en.replace("%c", &en), ja: ja.replace("%c", &name.ja) }
    }

    /// How much a failure of this run matters.
    pub fn severity(&self) -> Severity {
        if self.standing { Severity::Critical } else { Severity::Info }
    }

    /// The event that names the cause of the failure; where the log tells no end, its last failure.
    pub fn cause(&self) -> Option<(&'a LogEvent, ErrorClass)> {
        let event = match self.attempt.outcome {
            Outcome::Failed { .. } => self.attempt.cause(),
            Outcome::Unknown | Outcome::Waiting { .. } => {
                self.attempt.events.iter().rev().find(|e| e.kind.error().is_some())
            }
            Outcome::Succeeded => None,
        }?;
        Some((event, event.kind.error()?))
    }

    /// The AADSTS code that ended the run: of its cause, else the last one said.
    pub fn aadsts(&self) -> Option<(&'a LogEvent, u32)> {
        if self.attempt.outcome == Outcome::Succeeded {
            return None;
        }
        let code = |e: &LogEvent| match e.kind.error() {
            Some(ErrorClass::Aadsts(code)) => Some(code),
            _ => None,
        };
        match self.cause() {
            Some((event, class)) => match class {
                ErrorClass::Aadsts(code) => Some((event, code)),
                // The exception that ends the command may only repeat what Entra ID said before.
                ErrorClass::Other
                | ErrorClass::OAuth
                | ErrorClass::HttpStatus(_)
                | ErrorClass::AuthorityDiscovery
                | ErrorClass::Broker(_) => self.attempt.events.iter().rev().find_map(|e| Some((e, code(e)?))),
                _ => None,
            },
            None => self.attempt.events.iter().rev().find_map(|e| Some((e, code(e)?))),
        }
    }

    /// Events with a failure, by class, each class once (the last event of it).
    pub fn failures(&self) -> Vec<(&'a LogEvent, ErrorClass)> {
        let mut out: Vec<(&LogEvent, ErrorClass)> = Vec::new();
        for event in self.attempt.events.iter().rev() {
            if let Some(class) = event.kind.error()
                && !out.iter().any(|(_, c)| *c == class)
            {
                out.push((event, class));
            }
        }
        out
    }

    /// The run's last failure of a kind, where it is the cause or where the cause says nothing of its own.
    pub fn ended_by(&self, is: impl Fn(ErrorClass) -> bool) -> Option<(&'a LogEvent, ErrorClass)> {
        let (event, class) = self.cause()?;
        if is(class) {
            return Some((event, class));
        }
        let silent = matches!(class, ErrorClass::Other | ErrorClass::ConnectOther);
        self.failures().into_iter().find(|(_, c)| silent && is(*c))
    }

    /// What the run was asking for when `event` came: the last request or connection before it, if nothing answered it.
    pub fn unanswered(&self, event: &LogEvent) -> Option<&'a LogEvent> {
        use LogEventKind as K;
        let events = &self.attempt.events;
        let at = events.iter().position(|e| std::ptr::eq(e, event))?;
        let last = events.get(..at)?.iter().rev().find(|e| {
            let asks = matches!(e.kind, K::Connecting { .. } | K::Connected { .. } | K::HttpRequest { .. });
            let answers = matches!(
                e.kind,
                K::HttpResponse { .. } | K::TlsEstablished { .. } | K::TokenReceived | K::CacheUsed | K::AuthorityKnown
            );
            asks || answers || e.kind.error().is_some_and(ErrorClass::is_answer)
        })?;
        let asks = matches!(last.kind, K::Connecting { .. } | K::Connected { .. } | K::HttpRequest { .. });
        (asks && last.host.is_some()).then_some(last)
    }

    /// Place of an event on the capture's clock.
    pub fn placed(&self, context: &Context<'_>, event: &LogEvent) -> Option<Placed> {
        let at = self.attempt.events.iter().position(|e| std::ptr::eq(e, event))?;
        let join = context.case.joins.iter().find(|j| j.piece == self.piece && j.attempt == self.index)?;
        join.placed.get(at).copied().flatten()
    }

    /// The line of an event, and the connection of the capture that it is about, as evidence.
    pub fn evidence(&self, context: &Context<'_>, event: &LogEvent) -> Vec<Evidence> {
        let mut out = vec![context.line(&LogProof::new(self.piece, event))];
        let flow = self.placed(context, event).and_then(|p| p.flow);
        if let Some((piece, flow)) = flow
            && let Some(flow) = context.case.capture(piece).and_then(|c| c.flows.get(flow))
        {
            let at = flow.sides.get(1).and_then(|s| s.last_data).unwrap_or(flow.last);
            let text = message!(en: "the connection of this line", ja: "この行に対応する接続");
            out.push(context.evidence(piece, Some(flow.stream), &crate::verdict::Proof::new(at, text)));
        }
        out
    }

    /// The Wireshark filter over the connection of an event.
    pub fn filter(&self, context: &Context<'_>, event: &LogEvent) -> String {
        let flow = self.placed(context, event).and_then(|p| p.flow);
        flow.and_then(|(piece, flow)| context.case.capture(piece)?.flows.get(flow))
            .map_or(String::new(), |f| format!("tcp.stream eq {}", f.stream))
    }

    /// A finding of `rule` on this run.
    pub fn finding(&self, context: &Context<'_>, rule: &super::Rule, event: &LogEvent) -> Finding {
        Finding {
            severity: self.severity().min(rule.severity),
            host: event.host.clone(),
            evidence: self.evidence(context, event),
            filter: self.filter(context, event),
            ..rule.finding()
        }
    }
}

/// The option by which a command is told the tenant; all three where the command is not known.
pub(super) fn tenant_option(command: Option<Command>, tenant: &str) -> String {
    match command {
        Some(Command::AzLogin) => format!("az login --tenant \"{tenant}\""),
        Some(Command::ConnectAzAccount) => format!("Connect-AzAccount -Tenant \"{tenant}\""),
        Some(Command::ConnectMgGraph) => format!("Connect-MgGraph -TenantId \"{tenant}\""),
        None => format!(
            "az login --tenant \"{tenant}\" / Connect-AzAccount -Tenant \"{tenant}\" / Connect-MgGraph -TenantId \"{tenant}\""
        ),
    }
}

/// The command that clears the cached sign-in; all three where the command is not known.
pub(super) fn clear_cache(command: Option<Command>) -> Message {
    match command {
        Some(Command::AzLogin) => Message::same("az account clear"),
        Some(Command::ConnectAzAccount) => Message::same("Clear-AzContext"),
        Some(Command::ConnectMgGraph) => message!(
            en: "Disconnect-MgGraph (Get-MgContext shows whether a session is left)",
            ja: "Disconnect-MgGraph (Get-MgContext で残っているセッションを確認)",
        ),
        None => message!(
            en: "az account clear / Clear-AzContext / Disconnect-MgGraph",
            ja: "az account clear / Clear-AzContext / Disconnect-MgGraph",
        ),
    }
}

/// The public issue list of a command's module.
pub(super) fn issues_of(command: Option<Command>) -> &'static str {
    match command {
        Some(Command::AzLogin) => "https://github.com/Azure/azure-cli/issues",
        Some(Command::ConnectAzAccount) => "https://github.com/Azure/azure-powershell/issues",
        Some(Command::ConnectMgGraph) => "https://github.com/microsoftgraph/msgraph-sdk-powershell/issues",
        None => "https://github.com/AzureAD",
    }
}

/// Where `said` stands in the logs, as evidence.
pub(super) fn line(context: &Context<'_>, said: Said) -> Option<Evidence> {
    let (_, event) = context.case.line(said)?;
    Some(context.line(&LogProof::new(said.piece, event)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_a_rule() {
        for code in CAUSES {
            assert!(crate::finding::rule(code).is_some(), "{code}");
        }
    }

    #[test]
    fn each_command_is_told_the_tenant_its_own_way() {
        assert_eq!(tenant_option(Some(Command::AzLogin), "t"), "az login --tenant \"t\"");
        assert_eq!(tenant_option(Some(Command::ConnectMgGraph), "t"), "Connect-MgGraph -TenantId \"t\"");
        assert!(tenant_option(None, "t").contains("-Tenant \"t\""));
        assert_eq!(clear_cache(Some(Command::ConnectAzAccount)).en, "Clear-AzContext");
    }
}
