//! Does a text name a failure that the readers know? Asked before it is called no log.
//!
//! What enters: the first bytes of a file and its name. What leaves: yes or no. Total.

use super::{CMDLET_ERROR, NATIVE, command, extension, is_binary, is_json_log, margin, other, pattern, text};
use crate::knowledge::endpoints::{command_of, is_microsoft_host};
use crate::log::is;

/// Whether the beginning of the file `name` names a failure that the readers know: what is asked before a text is called
/// no log. Programs, configurations and translations name failures that nobody had: their names say that they are no logs.
pub fn names_a_failure(name: &str, head: &[u8]) -> bool {
    has_failure(name, head, |_| true)
}

/// The same, where the failure is one of a sign-in: at a host of Microsoft, or of a tool that signs in.
pub fn names_a_failure_of_a_sign_in(name: &str, head: &[u8]) -> bool {
    let mut is_of_a_tool = false;
    has_failure(name, head, |line| {
        // A command that names such a host, or its tool, is what the failures below it are of.
        if let Some(command) = command::prompt(line) {
            is_of_a_tool =
                command_of(command.dialect).is_some() || command.arguments.iter().any(|a| names_microsoft(a));
        }
        let cmdlet = CMDLET_ERROR.as_ref().and_then(|r| r.captures(line)?.get(1)).map_or("", |m| m.as_str());
        let is_native = line.starts_with("az") && is(&NATIVE, line);
        is_of_a_tool || is_native || cmdlet.contains("-Az") || cmdlet.contains("-Mg") || names_microsoft(line)
    })
}

/// Verbs of cmdlets that sign in, lower case.
const VERBS: [&str; 3] = ["connect-", "login-", "add-"];
/// What the nouns of modules that sign in to Microsoft's services begin with, lower case.
const NOUNS: [&str; 11] = [
    "az",
    "mg",
    "msolservice",
    "exchangeonline",
    "exoservice",
    "exopssession",
    "ippssession",
    "microsoftteams",
    "pnponline",
    "sposervice",
    "entra",
];

/// What is added to sign in.
const ACCOUNTS: [&str; 3] = ["azaccount", "azurermaccount", "azenvironment"];

/// Whether a line is the error of a cmdlet that signs in: whatever its words are, the text is of a sign-in that failed.
pub(super) fn is_of_a_signin_cmdlet(line: &str) -> bool {
    let Some(name) = CMDLET_ERROR.as_ref().and_then(|r| r.captures(line)?.get(1)) else { return false };
    let name = name.as_str().to_ascii_lowercase();
    let noun = VERBS
        .iter()
        .find_map(|verb| name.strip_prefix(verb))
        .or_else(|| name.strip_prefix("new-exo").map(|_| "exopssession"));
    // Most of what is added to Azure and Graph is no account.
    let signs_in = |noun: &str| !name.starts_with("add-") || ACCOUNTS.contains(&noun);
    noun.is_some_and(|noun| signs_in(noun) && NOUNS.iter().any(|known| noun.starts_with(known)))
}

/// Fields of HTTP whose names look like a cmdlet's, in small letters.
const HEADERS: [&str; 16] = [
    "accept-",
    "alt-svc",
    "cache-control",
    "content-",
    "keep-alive",
    "last-modified",
    "permissions-policy",
    "proxy-",
    "referrer-policy",
    "report-to",
    "retry-after",
    "server-timing",
    "set-cookie",
    "transfer-encoding",
    "user-agent",
    "www-authenticate",
];

/// Whether a line is the error of a cmdlet.
pub(super) fn is_cmdlet_error(line: &str) -> bool {
    let is_header = |name: &str| line.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    is(&CMDLET_ERROR, line) && !HEADERS.iter().any(|name| is_header(name))
}

/// Whether a host of Microsoft stands in the text.
fn names_microsoft(text: &str) -> bool {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let mut words = text.split(|c| !is_of_a_name(c)).map(|w| w.trim_matches('.').to_ascii_lowercase());
    words.any(|w| w.contains('.') && is_microsoft_host(&w))
}

/// Whether a text is the body of a refused request, as somebody kept it: an object that begins with its error.
fn is_error_body(text: &str) -> bool {
    let head: String = text.chars().take(64).filter(|c| !c.is_whitespace()).collect();
    head.starts_with("{\"error\":")
}

/// Whether one of the lines for which `is_meant` names a failure, in a file that may be a log.
fn has_failure(name: &str, head: &[u8], mut is_meant: impl FnMut(&str) -> bool) -> bool {
    let extension = extension(name);
    let is_plain = matches!(extension.as_str(), "" | "log" | "txt" | "out" | "err")
        // Logs that were rotated: `az.log.1`.
        || extension.bytes().all(|b| b.is_ascii_digit());
    let may_be_json = matches!(extension.as_str(), "json" | "jsonl" | "ndjson");
    if is_binary(head) || !(is_plain || may_be_json) {
        return false;
    }
    let (text, _) = text::decode(head);
    let bare = margin::without(&text);
    if may_be_json && !is_json_log(&bare, &extension) {
        return false;
    }
    let is_json = ["{", "[{", "[\""].iter().any(|mark| bare.text.trim_start().starts_with(mark)) && !bare.is_of_json();
    (!is_json || is_plain && is_error_body(&bare.text))
        && text::lines(&bare.text).0.iter().any(|line| {
            let names = |text: &str| other::names_a_broker(text) || is_of_a_signin_cmdlet(text);
            is_meant(&line.text) && (pattern::classify(&line.text).is_some() || names(&line.text))
        })
}
