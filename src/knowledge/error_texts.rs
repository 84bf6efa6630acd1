//! Error texts of which it is known that nothing was sent when they came, or that what was sent was answered: a table.
//!
//! What enters: the text of an error without a cause of the network. What leaves: whether it is one of these. Any other
//! text proves nothing about the network. Beside it, sentences whose meaning a finding asks for.

use regex::{RegexSet, RegexSetBuilder};
use std::sync::LazyLock;

/// Words that only a failure on the machine itself has, or a refusal behind an answer. Without regard to case.
const LOCAL: &[&str] = &[
    // Modules of .NET that do not fit together.
    r"could not load (?:file or assembly|type)|method not found|does not have an implementation|entry point was not found",
    r"unable to (?:load DLL|find type)|assembly with same name is already loaded|type initializer for|(?:MissingMethod|TypeLoad|FileLoad|FileNotFound|EntryPointNotFound|DllNotFound|BadImageFormat)Exception",
    r"ファイルまたはアセンブリ|Datei oder Assembly|fichier ou (?:de )?l.assembly|archivo o ensamblado|程序集|파일이나 어셈블리",
    // Commands and modules that PowerShell does not know or must not run, and parameters that do not fit.
    r"is not recognized as|CommandNotFoundException|コマンドレット、関数|module '[^']*' was not loaded|no valid module file|running scripts is disabled|スクリプトの実行が無効|is not digitally signed|could not be loaded\. For more information",
    r"parameter cannot be found that matches|cannot (?:bind|validate|process) (?:argument|parameter)|parameter set cannot be resolved|missing an argument for parameter|unrecognized arguments|arguments are required|is misspelled or not recognized",
    // The client's own window, store of certificates, and keys.
    r"window handle|certificate .{0,80}(?:was not found|could not be found|not found in)|no certificate (?:was |with .{0,60})?found|key not valid for use in specified state|keyset does not exist|cannot find the requested object",
    r"basic authentication is currently disabled",
    r"in type '[^']*' from assembly",
    // What the account may do is told by Entra ID or Resource Manager; services name the code of their refusal first.
    r"^(?:ERROR: )?(?:[\w.]+: )?\([A-Z][A-Za-z]{3,60}\) |client with IP '[^']*' is not allowed|is from a network location that is not allowed",
    r"does not have access to subscription|no subscriptions? (?:was |were )?found|bad credential|unknown.user.type|unable to authenticate your credentials",
    // Python and the machine's files.
    r"ModuleNotFoundError|ImportError|no module named|PermissionError|FileNotFoundError|no space left on device|disk full|being used by another process",
];

static SET: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSetBuilder::new(LOCAL).case_insensitive(true).build().unwrap_or_else(|_| RegexSet::empty()));

/// Whether `text` is known to say nothing against the network.
pub fn is_local(text: &str) -> bool {
    SET.is_match(text)
}

/// Whether an error text is Azure PowerShell's word that Entra ID wants the user himself.
pub fn wants_interaction(text: &str) -> bool {
    ["Authentication failed against ", "due to the conditional access policy"].iter().any(|words| text.contains(words))
}

/// Whether an error text is of the window in which ADAL and MSAL show the authority's pages.
pub fn is_embedded_window(text: &str) -> bool {
    ["authentication dialog failed", "authentication_ui_failed"].iter().any(|words| text.contains(words))
}

/// Whether an error text says that a device code was not used in time: MSAL's words, Microsoft Graph PowerShell's, and the
/// code of MSAL.NET.
pub fn is_code_expired(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "verification code expired",
        "code_expired",
        "device code expired",
        "device code has expired",
        "device code terminal timed-out",
    ]
    .iter()
    .any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_of_a_known_kind_are_local() {
        assert_eq!(SET.len(), LOCAL.len());
        for text in [
            "Entry point was not found.",
            "Could not load file or assembly 'A.B, Version=1.0.0.0'",
            "The term 'Connect-MgGraph' is not recognized as the name of a cmdlet",
            "A window handle must be configured.",
            "No certificate was found with this thumbprint.",
        ] {
            assert!(is_local(text), "{text}");
        }
        for text in [
            "One or more errors occurred.",
            "Exception of type 'A.MsalServiceException' was thrown.",
            "An error occurred.",
            "Object reference not set to an instance of an object.",
            "KeyError: 'tenants'",
        ] {
            assert!(!is_local(text), "{text}");
        }
    }
}
