//! Which HTTP statuses Entra ID gives at which of its own addresses: table and look-up.
//!
//! What enters: host, path and status of a reply. What leaves: whether the reply can be taken for Entra ID's own. Statuses
//! of a server in trouble (5xx) are not in the table: Entra ID gives them now and then, gateways on the way far more often.

use super::Source;
use super::endpoints::endpoint;

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

/// With these, proxies refuse or give up; Entra ID's interfaces answer so hardly ever without a code of their own.
const OF_THE_WAY: [u16; 4] = [403, 405, 502, 504];

/// Whether `host` is Entra ID and the reply one that it does not give there, or that a gateway may have given as well.
pub fn is_doubtful_reply(host: &str, path: &str, status: u16) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let doubtful = match ROWS.iter().find(|r| path.ends_with(r.path)) {
        Some(row) => {
            let own = (200..300).contains(&status) || row.statuses.contains(&status);
            !(own || status == 404 && is_malformed_authority(path))
        }
        // The bare host is a page for people; a tunnel has no path.
        None => path.len() > 1 && path.starts_with('/') && OF_THE_WAY.contains(&status),
    };
    doubtful && is_entra(host)
}

/// Whether in the place of the tenant stands what cannot be one, such as a URL: that address does not exist.
fn is_malformed_authority(path: &str) -> bool {
    let Some(before) = path.strip_suffix("/.well-known/openid-configuration") else { return false };
    let tenant = before.strip_suffix("/v2.0").unwrap_or(before).trim_start_matches('/');
    !tenant.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Whether `path` is one of those where clients ask Entra ID for its metadata.
pub fn is_metadata_of_entra(host: &str, path: &str) -> bool {
    is_entra(host) && (path.ends_with("/.well-known/openid-configuration") || path.ends_with("/discovery/instance"))
}

fn is_entra(host: &str) -> bool {
    endpoint(host).is_some_and(|e| e.role.is_authority())
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
        // Addresses that the table does not have: what gateways give is doubtful there as well.
        for path in ["/common/userrealm/a@contoso.com?api-version=1.0", "/organizations/discovery/v2.0/keys"] {
            assert!([403, 405, 502, 504].iter().all(|s| is_doubtful_reply(login, path, *s)), "{path}");
            assert!(![200, 302, 400, 404, 429, 500, 503].iter().any(|s| is_doubtful_reply(login, path, *s)), "{path}");
            assert!(!is_doubtful_reply("adfs.contoso.example", path, 403), "{path}");
        }
        assert!(!is_doubtful_reply(login, "login.microsoftonline.com:443", 502));
        assert!(is_doubtful_reply(login, "/common/discovery/instance?api-version=1.1", 403));
        // No tenant can be called so, and such an address is not found by right.
        for tenant in ["https://contoso.onmicrosoft.com", "contoso/foo"] {
            let odd = format!("/{tenant}/v2.0/.well-known/openid-configuration");
            assert!(!is_doubtful_reply(login, &odd, 404) && is_doubtful_reply(login, &odd, 403), "{tenant}");
        }
        assert!(ROWS.iter().all(|r| !r.source.date.is_empty()));
        assert!(is_metadata_of_entra(login, metadata) && !is_metadata_of_entra(login, "/common/oauth2/token"));
    }
}
