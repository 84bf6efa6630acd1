//! Which HTTP statuses Entra ID gives at which of its own addresses: table and look-up.
//!
//! What enters: host, path and status of a reply. What leaves: whether the reply can be taken for Entra ID's own. Statuses
//! of a server in trouble (5xx) are not in the table: Entra ID gives them now and then, gateways on the way far more often.

use super::Source;
use super::endpoints::{Role, endpoint};

/// One address of Entra ID.
#[derive(Debug)]
pub struct Row {
    /// How the path ends.
    pub path: &'static str,
    /// Its own statuses beside 2xx.
    pub statuses: &'static [u16],
    /// Where this is written.
    pub source: &'static Source,
}

const OIDC: Source = Source {
    title: "MicrosoftDocs/entra-docs v2-protocols-oidc.md, and public threads with AADSTS90002",
    date: "2026-11",
};
const OAUTH: Source = Source {
    title: "RFC 6749 5.2, RFC 8628 3.2; MicrosoftDocs/entra-docs v2-oauth2-device-code.md, v2-oauth2-auth-code-flow.md",
    date: "2026-11",
};

/// The table.
static ROWS: &[Row] = &[
    // A tenant that does not exist is answered with 400, never with 404.
    Row { path: "/.well-known/openid-configuration", statuses: &[400, 429], source: &OIDC },
    Row { path: "/discovery/instance", statuses: &[400, 429], source: &OIDC },
    Row { path: "/oauth2/v2.0/token", statuses: &[400, 401, 429], source: &OAUTH },
    Row { path: "/oauth2/token", statuses: &[400, 401, 429], source: &OAUTH },
    Row { path: "/oauth2/v2.0/devicecode", statuses: &[400, 401, 429], source: &OAUTH },
    Row { path: "/oauth2/devicecode", statuses: &[400, 401, 429], source: &OAUTH },
];

/// Whether `host` is Entra ID and the reply one that it does not give there, or that a gateway may have given as well.
pub fn is_doubtful_reply(host: &str, path: &str, status: u16) -> bool {
    let row = ROWS.iter().find(|r| path.ends_with(r.path));
    let own = |r: &Row| (200..300).contains(&status) || r.statuses.contains(&status);
    is_entra(host) && row.is_some_and(|r| !own(r))
}

/// Whether `path` is one of those where clients ask Entra ID for its metadata.
pub fn is_metadata_of_entra(host: &str, path: &str) -> bool {
    is_entra(host) && (path.ends_with("/.well-known/openid-configuration") || path.ends_with("/discovery/instance"))
}

fn is_entra(host: &str) -> bool {
    endpoint(host).is_some_and(|e| matches!(e.role, Role::Authority | Role::AuthorityAlias))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entra_answers_its_own_addresses_with_few_statuses() {
        let login = "login.microsoftonline.com";
        let metadata = "/organizations/v2.0/.well-known/openid-configuration";
        for status in [302, 403, 404, 405, 500, 502, 504] {
            assert!(is_doubtful_reply(login, metadata, status), "{status}");
            assert!(!is_doubtful_reply("adfs.contoso.example", metadata, status), "{status}");
            assert!(!is_doubtful_reply(login, "/", status), "{status}");
        }
        assert!(![200, 400, 429].iter().any(|s| is_doubtful_reply(login, metadata, *s)));
        assert!(!is_doubtful_reply(login, "/organizations/oauth2/v2.0/token", 401));
        assert!(is_doubtful_reply(login, "/organizations/oauth2/v2.0/devicecode", 403));
        assert!(ROWS.iter().all(|r| !r.source.date.is_empty()));
        assert!(is_metadata_of_entra(login, metadata) && !is_metadata_of_entra(login, "/common/oauth2/token"));
    }
}
