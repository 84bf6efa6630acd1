//! Members of an error object as JavaScript prints it below the error: what it was asked for stands there, not in the
//! error's own line.
//!
//! What enters: a line. What leaves: the place of the failure above it, where that names none.

use crate::facts::log::LogEventKind;
use crate::log::build::Builder;
use crate::log::place;

// What a request was for, at any depth; the host only among the error's own members: a proxy has one too.
regex!(ASKED, r"^\s+(?:config: \{\s*)?(?:url|baseURL): '(https?://[^'\s]+)',?\s*\}?,?\s*$");
regex!(HOST, r"^  (?:host|hostname): '([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)',?\s*$");

/// Lines below an error in which its members are looked for: those that are printed with its connection are many.
const LINES_MAX: u64 = 60;

/// Reads a member that tells where the error above happened. False for any other line.
pub(super) fn member(b: &mut Builder, line: &str) -> bool {
    if !line.starts_with(' ') {
        return false;
    }
    let open = b.attempt.events.last().is_some_and(|e| {
        let fails = matches!(e.kind, LogEventKind::Exception { class } if class.is_network());
        fails && e.host.is_none() && b.line.saturating_sub(e.line) <= LINES_MAX
    });
    if !open {
        return false;
    }
    let url = || place::urls(ASKED.as_ref()?.captures(line)?.get(1)?.as_str()).next().map(|u| (u.host, u.port));
    let host = || Some((HOST.as_ref()?.captures(line)?.get(1)?.as_str().to_ascii_lowercase(), None));
    let Some((host, port)) = url().or_else(host) else { return false };
    b.names_what_failed(&host, port)
}

#[cfg(test)]
mod tests {
    use crate::log::read_text;

    fn host(text: &str) -> Option<String> {
        read_text(text).attempts.first().and_then(|a| a.cause()?.host.clone())
    }

    #[test]
    fn an_error_object_names_the_host_that_its_line_does_not() {
        let login = Some("login.microsoftonline.com".to_owned());
        for text in [
            "AxiosError: self-signed certificate in certificate chain\n    at TLSSocket.x (node:_tls_wrap:1674:34) {\n  code: 'SELF_SIGNED_CERT_IN_CHAIN',\n  config: {\n    method: 'post',\n    url: 'https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token',\n  },\n}\n",
            "Error: read ECONNRESET\n  code: 'ECONNRESET',\n  config: { url: 'https://login.microsoftonline.com/x' }\n",
            "Error: Client network socket disconnected before secure TLS connection was established\n  code: 'ECONNRESET',\n  host: 'login.microsoftonline.com',\n  port: 443,\n",
        ] {
            assert_eq!(host(text), login, "{text}");
        }
        for text in [
            "Error: read ECONNRESET\n  config: {\n    proxy: {\n      host: 'proxy.corp.example',\n",
            "Error: read ECONNRESET\nhost: 'login.microsoftonline.com',\n",
        ] {
            assert_eq!(host(text), None, "{text}");
        }
        let named =
            "Error: connect ECONNREFUSED login.microsoftonline.com:443\n  config: { url: 'https://a.example/x' }\n";
        assert_eq!(host(named), login);
    }
}
