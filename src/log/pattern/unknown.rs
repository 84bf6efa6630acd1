//! What error texts tell beside their cause: that they are about a connection, and who gave the answer that they name.

use super::{IN_BRACKETS, RETURNED};
use crate::log::is;
use regex::Regex;
use std::sync::LazyLock;

// What .NET puts behind the words of a socket, in every language.
regex!(
    ENDS_IN_A_PLACE,
    r#"\((?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+|localhost|\[[0-9A-Fa-f:.]+\]):\d{1,5}\)[\s.。)'"]*$"#
);
// Types whose texts are about a connection; an I/O error that names a path is about a file.
regex!(NETWORK_TYPE, r"\b(?:Web|Socket|HttpRequest)Exception\b");
// Sentences about a connection that was not made; what listens in a file of the machine's own is none of the network's.
regex!(NOT_CONNECTED, r"(?i)\b(?:could not|couldn't|can(?:not|'t)|unable to|failed to) connect to [^\n]*$");
regex!(IO_TYPE, r"\bIOException\b");
regex!(
    FILE_PATH,
    r#"\b[A-Za-z]:\\|\\\\|['"(]/|~/|(?i:\bfile\b|\bdisk\b)|ファイル|ディスク|Datei|fichier|archivo|файл|文件|檔案|파일"#
);

// Words of .NET Framework for a proxy's answer as for a service's.
regex!(EITHER, &format!(r"(?i){IN_BRACKETS}|{RETURNED}|WebException\b"));
// Codes and sentences that services of Azure and Graph write into their refusals.
regex!(
    OF_A_SERVICE,
    r"\bAuthorization_\w+|\b(?:Linked)?AuthorizationFailed\b|Insufficient privileges to complete the operation|(?:not (?:authorized|permitted)|does not have (?:authorization|permission)) to perform |does not have access to subscription|caller is not a trusted service|\bAuthorizationPermissionMismatch\b"
);
// Where they write a code: words in one, as no sentence has.
regex!(
    SERVICE_CODE,
    r"(?:(?:^|[^\w ])\s*|\bError ?|\s\s)Code: ?'?([A-Za-z][a-z]+[A-Z]\w+)|(?:^|: )\(([A-Z][a-z]+[A-Z]\w+)\) "
);
/// Codes that are but names of statuses, which clients make out of a proxy's answer as well.
const NAMES_OF_STATUSES: [&str; 4] =
    ["badgateway", "serviceunavailable", "gatewaytimeout", "proxyauthenticationrequired"];

/// Whether an error text gives a status in words that a service's answer and a proxy's refusal have in common.
pub(crate) fn tells_no_sender(text: &str) -> bool {
    is(&EITHER, text)
}

/// Whether an error text holds what only a service of Microsoft writes.
pub(crate) fn is_answer_of_a_service(text: &str) -> bool {
    let own = |code: &str| !NAMES_OF_STATUSES.contains(&code.to_ascii_lowercase().as_str());
    let coded = |r: &regex::Regex| {
        r.captures_iter(text).any(|c| c.iter().skip(1).flatten().next().is_some_and(|code| own(code.as_str())))
    };
    is(&OF_A_SERVICE, text) || SERVICE_CODE.as_ref().is_some_and(coded)
}

/// Whether an error text that [`classify`](super::classify) does not understand is about a connection: by the type of
/// the exception, or by the place behind it.
pub(crate) fn is_about_a_connection(text: &str) -> bool {
    let says = |r: &LazyLock<Option<Regex>>| r.as_ref().is_some_and(|r| r.is_match(text));
    let is_not_connected = says(&NOT_CONNECTED) && !text.contains("unix://") && !text.contains("npipe:");
    is_not_connected || says(&ENDS_IN_A_PLACE) || says(&NETWORK_TYPE) || says(&IO_TYPE) && !says(&FILE_PATH)
}

#[cfg(test)]
mod tests {
    use super::super::classify;
    use super::*;
    use crate::facts::log::ErrorClass as E;

    #[test]
    fn a_name_of_an_exception_around_a_place_is_about_a_connection() {
        for who in ["InteractiveBrowserCredential", "DeviceCodeCredential"] {
            for words in ["Finner ikke verten.", "????????"] {
                let text = format!("{who} authentication failed: {words} (login.microsoftonline.com:443)");
                assert_eq!(classify(&text).unwrap_or(E::ConnectOther), E::ConnectOther, "{text}");
                assert!(is_about_a_connection(&text));
            }
        }
        let local = "InteractiveBrowserCredential authentication failed: A window handle must be configured.";
        assert_eq!(classify(local), Some(E::Other));
    }

    #[test]
    fn the_codes_and_sentences_of_services_are_theirs() {
        for text in [
            "Get-AzVM: The server was not able to process the request. ErrorCode: InternalServerError StatusCode: 500",
            "New-AzResourceGroup: Resource 'rg' was disallowed by policy. ErrorCode: RequestDisallowedByPolicy StatusCode: 403",
            "Operation returned an invalid status code 'Forbidden'Code: Forbidden Message: Caller is not authorized to perform action on resource.",
            "This request is not authorized to perform this operation using this permission. HTTP Status Code: 403",
            "ERROR: (DisallowedOperation) The current subscription type is odd. Status code: 403",
        ] {
            assert!(is_answer_of_a_service(text), "{text}");
        }
        for text in [
            "Response status code does not indicate success: 503 (ServiceUnavailable).",
            "ErrorCode: BadGateway StatusCode: 502",
            "ERROR: (ServiceUnavailable) Service Unavailable. Status code: 503",
            "HTTP Status Code: NotFoundHere",
            "StatusCode: 403",
            "You are not authorized to access this site. StatusCode: 403",
        ] {
            assert!(!is_answer_of_a_service(text), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_understood_can_be_about_a_connection() {
        for text in [
            "Ymmärrettävää tekstiä ei ole. (login.microsoftonline.com:443)",
            "xyz (10.0.0.1:8080).",
            "System.Net.WebException: ???",
            "---> System.Net.Sockets.SocketException (0x80004005): ???",
            "System.IO.IOException: ???",
            "Connect-SPOService : Could not connect to SharePoint Online.",
        ] {
            assert_eq!(classify(text).filter(|c| *c != E::ConnectOther), None, "{text}");
            assert!(is_about_a_connection(text), "{text}");
        }
        for text in [
            "System.IO.IOException: The file 'C:\\Users\\a\\.azure\\x.bin' is used by another process",
            "System.IO.IOException: The process cannot access the file because it is being used by another process.",
            "java.io.IOException: '/var/lib/a/.azure/x': No space left on device",
            "(line 3:1)",
            "Get token failed (see a.example:443) for a user",
            "KeyError: 'tenants'",
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        ] {
            assert!(!is_about_a_connection(text), "{text}");
        }
    }
}
