//! Command lines in logs: what was called, how, and for which tenant and account.
//!
//! What enters: a line with a prompt, a Python list, a list of arguments. What leaves: command and arguments, secrets
//! masked, and what they mean for the sign-in.

use crate::facts::log::{Attempt, Dialect, SigninMethod};
use crate::log::place::{self, HostPort};
use crate::log::secret;
use regex::Regex;
use std::sync::LazyLock;

/// A command that was typed or passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Who will write the log.
    pub dialect: Dialect,
    /// Command without arguments.
    pub name: String,
    /// Arguments, secrets masked.
    pub arguments: Vec<String>,
    /// It ran for sure: at a prompt, or by the client's own account. Other lines may only quote it.
    pub ran: bool,
}

/// Arguments kept of one command, and bytes of each.
const ARGUMENTS_MAX: usize = 64;

static PROMPT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // `$ az …`, `PS C:\Users\x> Connect-…`, `C:\>az …`, `user@host:~$ az …`, `PS /home/x> …`, `(venv) $ …`
    Regex::new(r"^(?:PS [^>]{0,200}>+ ?|[A-Za-z]:\\[^>]{0,200}>|(?:\([^)]{1,40}\) ?)?(?:[\w.-]{1,60}@[\w.-]{1,60}[^$#]{0,200})?[$#] |>> )(.+)$")
        .ok()
});

/// A command at a prompt, or a sign-in command that stands alone at the start of a line.
pub fn prompt(line: &str) -> Option<Command> {
    let line = line.trim();
    let typed = match PROMPT.as_ref().and_then(|r| r.captures(line)) {
        Some(c) => c.get(1)?.as_str(),
        None => line,
    };
    let prompted = typed.len() != line.len();
    let words = split(typed);
    let first = words.iter().position(|w| !w.contains('=') || w.starts_with('-')).unwrap_or(0);
    let words = words.get(first..)?;
    let program = words.first()?.rsplit(['/', '\\']).next()?.to_ascii_lowercase();
    let program = program.trim_end_matches(".exe").trim_end_matches(".cmd").trim_end_matches(".bat");
    let rest = |n: usize| words.get(n..).unwrap_or_default().to_vec();
    let make = |dialect, name: String, arguments: Vec<String>| {
        let arguments: Vec<String> = arguments.into_iter().take(ARGUMENTS_MAX).collect();
        Some(Command { dialect, name, arguments: secret::clean_arguments(&arguments), ran: prompted })
    };
    match program {
        "az" => {
            // Sub-commands are the words before the first option.
            let groups = words.iter().skip(1).take_while(|w| !w.starts_with('-')).take(4).count();
            let is_command = prompted || words.iter().any(|w| w.starts_with("--")) || words.get(1)? == "login";
            let plausible = groups > 0 && words.iter().skip(1).take(groups).all(|w| is_word(w));
            if !is_command || !plausible || words.get(1).is_some_and(|w| w == ":") {
                return None;
            }
            let name = words.iter().take(1 + groups).skip(1).fold(String::from("az"), |n, w| n + " " + w);
            make(Dialect::AzCli, name, rest(1 + groups))
        }
        "connect-azaccount"
        | "login-azaccount"
        | "connect-azurermaccount"
        | "login-azurermaccount"
        | "add-azaccount"
        | "get-azaccesstoken"
        | "get-aztenant"
        | "get-azsubscription"
        | "set-azcontext" => (prompted || words.len() == 1 || words.get(1)?.starts_with('-'))
            .then(|| make(Dialect::AzPowerShell, cmdlet(words.first()?), rest(1)))?,
        "connect-mggraph" | "connect-graph" | "invoke-mggraphrequest" => {
            (prompted || words.len() == 1 || words.get(1)?.starts_with('-'))
                .then(|| make(Dialect::GraphPowerShell, cmdlet(words.first()?), rest(1)))?
        }
        // A test that somebody ran beside the sign-in, with its own failure.
        name if prompted && WEB_REQUESTS.contains(&name) => make(Dialect::Other, words.first()?.clone(), rest(1)),
        "curl" if prompted => make(Dialect::Curl, program.to_owned(), rest(1)),
        "node" | "azd" if prompted => make(Dialect::Node, program.to_owned(), rest(1)),
        "python" | "python3" | "py" if prompted => make(Dialect::Python, program.to_owned(), rest(1)),
        name if prompted && module_of(name).is_some() => make(module_of(name)?, words.first()?.clone(), rest(1)),
        // Any other program after a Unix prompt; at a Windows prompt most lines are about other things.
        _ if prompted && line.starts_with("$ ") && is_word(program) => {
            make(Dialect::Other, program.to_owned(), rest(1))
        }
        _ => None,
    }
}

/// What asks for a page in PowerShell.
const WEB_REQUESTS: [&str; 4] = ["invoke-webrequest", "invoke-restmethod", "iwr", "irm"];

/// The host that a request of PowerShell was told to ask, as its line has it.
pub(super) fn asked(attempt: &Attempt) -> Option<HostPort> {
    if !WEB_REQUESTS.contains(&attempt.command.to_ascii_lowercase().as_str()) {
        return None;
    }
    let mut before = "";
    attempt.arguments.iter().find_map(|argument| {
        let option = std::mem::replace(&mut before, argument);
        // A URL may be the value of another option: a proxy, a header.
        let is_it =
            !option.starts_with('-') || ["-uri", "-usebasicparsing"].contains(&option.to_ascii_lowercase().as_str());
        place::urls(argument).next().filter(|_| is_it).map(|url| (url.host, url.port))
    })
}

/// The module that a cmdlet is of, by the first letters of its noun: what is run behind a sign-in is a command of its own.
fn module_of(cmdlet: &str) -> Option<Dialect> {
    let (verb, noun) = cmdlet.split_once('-')?;
    let letters = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric());
    if !letters(verb) || !letters(noun) || noun.starts_with("azuread") {
        return None;
    }
    let has = |prefix: &str| noun.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    if has("az") { Some(Dialect::AzPowerShell) } else { has("mg").then_some(Dialect::GraphPowerShell) }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The cmdlet as Microsoft spells it, whatever the user typed.
fn cmdlet(typed: &str) -> String {
    const KNOWN: [&str; 4] = ["Connect-AzAccount", "Connect-MgGraph", "Get-AzAccessToken", "Set-AzContext"];
    KNOWN.iter().find(|k| k.eq_ignore_ascii_case(typed)).map_or_else(|| typed.to_owned(), |k| (*k).to_owned())
}

/// Splits a typed line at blanks, keeping quoted words whole.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut open = false;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                open = true;
            }
            (None, c) if c.is_whitespace() => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (None, c) => word.push(c),
        }
        if words.len() > ARGUMENTS_MAX {
            return words;
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The words of a Python list of strings: `['login', '--debug']`.
pub fn python_list(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == ']' || words.len() >= ARGUMENTS_MAX {
            break;
        }
        if c != '\'' && c != '"' {
            continue;
        }
        let mut word = String::new();
        while let Some(d) = rest.next() {
            match d {
                '\\' => word.extend(rest.next()),
                d if d == c => break,
                d => word.push(d),
            }
        }
        words.push(word);
    }
    words
}

/// Writes into `attempt` what its arguments say about the sign-in.
pub fn understand(attempt: &mut Attempt) {
    let arguments = attempt.arguments.clone();
    let mut i = 0;
    while let Some(argument) = arguments.get(i) {
        i += 1;
        let (name, inline) = match argument.split_once(['=', ':']) {
            Some((name, value)) if name.starts_with('-') => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        if !name.starts_with('-') {
            continue;
        }
        let value = inline.or_else(|| arguments.get(i).filter(|v| !v.starts_with('-')).cloned());
        let name = name.trim_start_matches('-').to_ascii_lowercase();
        match name.as_str() {
            "x" | "proxy" | "preproxy" | "socks4" | "socks4a" | "socks5" | "socks5-hostname"
                if attempt.dialect == Dialect::Curl =>
            {
                // What `--preproxy` names only leads to the proxy, which is the one that answers.
                let named = value.map(|v| crate::log::place::authority(&v));
                attempt.proxy = match name.as_str() {
                    "x" | "proxy" => named.or(attempt.proxy.take()),
                    _ => attempt.proxy.take().or(named),
                };
            }
            "tenant" | "t" | "tenantid" | "domain" => attempt.tenant_asked = value,
            "username" | "u" | "accountid" | "applicationid" | "clientid" => attempt.account = value,
            "environment" | "environmentname" => attempt.cloud = value,
            "scope" | "scopes" | "resource" | "resourceurl" => attempt.scope = value,
            "service-principal"
            | "serviceprincipal"
            | "clientsecretcredential"
            | "certificatethumbprint"
            | "certificatepath"
            | "certificatename"
            | "federatedtoken"
            | "certificate" => {
                attempt.method = SigninMethod::ServicePrincipal;
            }
            "use-device-code" | "usedeviceauthentication" | "usedevicecode" | "deviceauth" | "device" => {
                attempt.method = SigninMethod::DeviceCode;
            }
            "identity" | "managedservice" | "msi" | "i" => attempt.method = SigninMethod::ManagedIdentity,
            "accesstoken" => attempt.method = SigninMethod::AccessToken,
            "password" | "p" | "credential" if attempt.method == SigninMethod::Unknown => {
                attempt.method = SigninMethod::Password;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_request_names_the_host_that_its_error_does_not() {
        let log = |line: &str| {
            let text = format!(
                "PS C:\\> {line}\nInvoke-WebRequest : The remote server returned an error: (407) Proxy Authentication Required.\n\
                 PS C:\\> Connect-AzAccount\nConnect-AzAccount : An error occurred while sending the request.\n"
            );
            let attempts = crate::log::read_text(&text).attempts;
            assert_eq!(attempts.len(), 2, "{attempts:#?}");
            attempts.first().and_then(|a| a.cause()?.host.clone())
        };
        let login = Some("login.microsoftonline.com".to_owned());
        assert_eq!(log("Invoke-WebRequest https://login.microsoftonline.com"), login);
        assert_eq!(log("iwr -Proxy http://proxy.corp.example:8080 -Uri https://login.microsoftonline.com/x"), login);
        assert_eq!(log("irm $url"), None);
    }

    #[test]
    fn commands_are_found_behind_any_prompt() {
        for (line, name, dialect) in [
            ("$ az login --debug", "az login", Dialect::AzCli),
            ("PS C:\\Users\\alice> az login --use-device-code --debug", "az login", Dialect::AzCli),
            ("C:\\>az account get-access-token --debug", "az account get-access-token", Dialect::AzCli),
            ("PS C:\\> connect-azaccount -Debug", "Connect-AzAccount", Dialect::AzPowerShell),
            ("Connect-MgGraph -Debug -TenantId contoso.com", "Connect-MgGraph", Dialect::GraphPowerShell),
            ("PS C:\\> Get-MgUser -Top 1", "Get-MgUser", Dialect::GraphPowerShell),
            ("PS C:\\> Get-AzResourceGroup", "Get-AzResourceGroup", Dialect::AzPowerShell),
            ("alice@box:~$ curl -v https://graph.microsoft.com/", "curl", Dialect::Curl),
        ] {
            let got = prompt(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((got.name.as_str(), got.dialect), (name, dialect), "{line}");
        }
        for line in [
            "Get-MgUser : Insufficient privileges",
            "PS C:\\> Get-AzureADUser",
            "PS C:\\> Get-Process",
            "az : ERROR: HTTPSConnectionPool",
            "azure-cli 2.55.0",
            "Connect-AzAccount : An error",
            "",
            "# az",
        ] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }

    #[test]
    fn arguments_tell_method_tenant_and_account() {
        let list = "['login', '--service-principal', '-u', 'app-id', '-p', 'hunter2', '--tenant', 'contoso.com']";
        let words = python_list(list);
        let mut a =
            Attempt { arguments: secret::clean_arguments(words.get(1..).unwrap_or_default()), ..Attempt::default() };
        understand(&mut a);
        assert_eq!(a.method, SigninMethod::ServicePrincipal);
        assert_eq!(a.tenant_asked.as_deref(), Some("contoso.com"));
        assert_eq!(a.account.as_deref(), Some("app-id"));
        assert!(!format!("{a:?}").contains("hunter2"));
    }

    #[test]
    fn every_kind_of_proxy_that_curl_is_given_is_its_proxy() {
        for option in ["-x http://127.0.0.1:1080", "--proxy=127.0.0.1:1080", "--socks5-hostname 127.0.0.1:1080"] {
            let command = prompt(&format!("$ curl -v {option} https://graph.microsoft.com/")).unwrap();
            let mut a = Attempt { dialect: command.dialect, arguments: command.arguments, ..Attempt::default() };
            understand(&mut a);
            assert_eq!(a.proxy.as_deref(), Some("127.0.0.1:1080"), "{option}");
        }
    }

    #[test]
    fn quoting_is_undone() {
        assert_eq!(split(r#"az login -u "a b" --x 'c d' e"#), ["az", "login", "-u", "a b", "--x", "c d", "e"]);
        assert_eq!(python_list(r"['a\'b', 'c']"), ["a'b", "c"]);
        assert_eq!(python_list("['open"), ["open"]);
    }
}
