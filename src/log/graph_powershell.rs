//! Microsoft Graph PowerShell (`Connect-MgGraph -Debug`). Below the cmdlet it speaks as Azure PowerShell does.
//!
//! What enters: a line, its stream prefix already cut off. What leaves: events.

use crate::facts::log::{Dialect, LogEventKind, SigninMethod};
use crate::log::build::Builder;
use crate::log::command::Command;
use crate::log::other;
use regex::Regex;
use std::sync::LazyLock;

static BRACKET: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\[([A-Za-z]+)\]: - (.*)$").ok());
static BEGIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\S+) begin processing with parameterSet '([^']*)'").ok());

/// Reads one line; false when it is not this module's.
pub(crate) fn line(b: &mut Builder, line: &str) -> bool {
    if line.starts_with("Note: Sign in by Web Account Manager (WAM) is enabled by default") {
        b.speaks(Dialect::GraphPowerShell);
        b.attempt.broker = Some(true);
        return true;
    }
    if line.starts_with("Welcome to Microsoft Graph") || line.starts_with("Welcome To Microsoft Graph") {
        b.speaks(Dialect::GraphPowerShell);
        b.event(LogEventKind::Finished { exit_code: Some(0) }, None, line);
        return true;
    }
    let Some(c) = BRACKET.as_ref().and_then(|r| r.captures(line)) else { return false };
    let (topic, text) = (c.get(1).map_or("", |m| m.as_str()), c.get(2).map_or("", |m| m.as_str()));
    match topic {
        "CmdletBeginProcessing" => {
            b.speaks(Dialect::GraphPowerShell);
            if let Some(c) = BEGIN.as_ref().and_then(|r| r.captures(text)) {
                let (name, set) = (c.get(1).map_or("", |m| m.as_str()), c.get(2).map_or("", |m| m.as_str()));
                b.begin(Command {
                    dialect: Dialect::GraphPowerShell,
                    name: name.to_owned(),
                    arguments: Vec::new(),
                    ran: true,
                });
                if b.attempt.method == SigninMethod::Unknown && set.starts_with("App") {
                    b.attempt.method = SigninMethod::ServicePrincipal;
                }
            }
            true
        }
        "Authentication" => {
            b.speaks(Dialect::GraphPowerShell);
            // `AuthType: 'Delegated', TokenCredentialType: 'InteractiveBrowser', …`
            if b.attempt.method == SigninMethod::Unknown {
                b.attempt.method = if text.contains("DeviceCode") {
                    SigninMethod::DeviceCode
                } else if text.contains("AppOnly")
                    || text.contains("ClientSecret")
                    || text.contains("ClientCertificate")
                {
                    SigninMethod::ServicePrincipal
                } else if text.contains("ManagedIdentity") {
                    SigninMethod::ManagedIdentity
                } else if text.contains("UserProvidedAccessToken") {
                    SigninMethod::AccessToken
                } else if text.contains("InteractiveBrowser") {
                    SigninMethod::Browser
                } else {
                    SigninMethod::Unknown
                };
            }
            other::free(b, text, false);
            true
        }
        "CmdletException" => {
            b.speaks(Dialect::GraphPowerShell);
            other::free(b, text, true);
            true
        }
        "CmdletEndProcessing" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::ErrorClass;

    #[test]
    fn connect_mggraph_fails_at_the_browser_or_the_network() {
        let facts = crate::log::read_text(
            "PS C:\\> Connect-MgGraph -TenantId contoso.com -Debug\n\
             DEBUG: [CmdletBeginProcessing]: - Connect-MgGraph begin processing with parameterSet 'UserParameterSet'.\n\
             DEBUG: [Authentication]: - AuthType: 'Delegated', TokenCredentialType: 'InteractiveBrowser', ContextScope: 'CurrentUser', AppName: ''.\n\
             DEBUG: False MSAL 4.56.0.0 MSAL.Desktop 4.8 or later Windows Server 2016 Standard [2026-02-03 18:15:09Z - e193e6d7-c40e-4c1b-a983-5a6b8aa85f2f] Using system browser.\n\
             Connect-MgGraph : InteractiveBrowserCredential authentication failed: The remote name could not be resolved: 'login.microsoftonline.com'\n\
             At line:1 char:1\n+ Connect-MgGraph -Debug\n",
        );
        let a = facts.attempts.first().unwrap();
        assert_eq!(facts.attempts.len(), 1, "{facts:#?}");
        assert_eq!((a.dialect, a.command.as_str()), (Dialect::GraphPowerShell, "Connect-MgGraph"));
        assert_eq!(a.method, SigninMethod::Browser);
        assert!(matches!(a.error_class(), Some(ErrorClass::NameNotResolved(_))), "{a:#?}");
        assert_eq!(a.cause().and_then(|e| e.host.as_deref()), Some("login.microsoftonline.com"));
    }
}
