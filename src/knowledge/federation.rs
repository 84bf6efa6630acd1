//! Identity providers to which Entra ID sends users on: domains of services, and how organisations name their own
//! servers. Tables, and the look-up over them.
//!
//! Source: general knowledge of the vendors' sign-in addresses and of Microsoft's examples for AD FS (`sts`, `adfs`,
//! `fs`), 2026-11; no document was read for it.

use super::matches_host;

/// How much the name of a host says that it is an identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// A service that does nothing else.
    Provider,
    /// The usual name of an organisation's federation server.
    Server,
    /// The same, where it is asked for web pages: file servers are named alike.
    WebServer,
    /// A name that any site with a sign-in of its own may have.
    Guess,
}

/// Domains under which services sign in the users of organisations; a leading dot: every name under it.
const PROVIDERS: &[&str] = &[
    ".okta.com",
    ".okta-emea.com",
    ".okta-gov.com",
    ".oktapreview.com",
    ".onelogin.com",
    ".pingone.com",
    ".pingone.eu",
    ".pingone.ca",
    ".pingone.asia",
    ".pingone.com.au",
    ".sso.duosecurity.com",
    "sso.jumpcloud.com",
    ".my.idaptive.app",
    ".id.cyberark.cloud",
    // HENNGE One, TrustLogin, SeciossLink, CloudGate UNO.
    ".ssso.hdems.com",
    "portal.trustlogin.com",
    "slink.secioss.com",
    ".cloudgate.jp",
];

/// Domains of services that sign in to much else besides.
const SHARED_PROVIDERS: &[&str] = &[".auth0.com", ".duosecurity.com"];

/// Domains of other clouds, whose token services are named alike.
const OTHER_CLOUDS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn", ".googleapis.com"];

/// Words in the first label, between hyphens and without a number behind them.
const SERVER_WORDS: [&str; 2] = ["sts", "adfs"];
const WEB_SERVER_LABEL: &str = "fs";
const GUESS_WORDS: [&str; 18] = [
    "fs",
    "sso",
    "idp",
    "federation",
    "federate",
    "login",
    "logon",
    "auth",
    "signin",
    "okta",
    "ping",
    "saml",
    "openam",
    "keycloak",
    "shibboleth",
    "shib",
    "wap",
    "eidp",
];

/// What stands at the end of the names of organisations everywhere; in the middle of a name, it is where a search
/// suffix was put behind a whole name.
const ENDINGS: [&str; 4] = ["com", "net", "org", "local"];

/// Whether a host may be the identity provider of an organisation, by its name alone.
pub fn federation_likeness(host: &str) -> Option<Likeness> {
    let is_in = |list: &[&str]| list.iter().any(|p| p.trim_start_matches('.') != host && matches_host(p, host));
    if is_in(OTHER_CLOUDS) {
        return None;
    }
    let site = host.starts_with("www.");
    if !site && (is_in(PROVIDERS) || PROVIDERS.contains(&host)) {
        return Some(Likeness::Provider);
    }
    if !site && is_in(SHARED_PROVIDERS) {
        return Some(Likeness::Guess);
    }
    let (first, rest) = host.split_once('.')?;
    let labels: Vec<&str> = rest.split('.').collect();
    // The first label is a zone of the organisation's, whatever it is called: before an ending comes a domain.
    let is_searched = labels.iter().skip(1).rev().skip(2).any(|label| ENDINGS.contains(label));
    if labels.len() < 2 || is_searched {
        return None;
    }
    let plain = |word: &str| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
    let has = |words: &[&str]| first.split(['-', '_']).any(|word| words.contains(&plain(word).as_str()));
    if has(&SERVER_WORDS) {
        Some(Likeness::Server)
    } else if plain(first) == WEB_SERVER_LABEL {
        Some(Likeness::WebServer)
    } else {
        has(&GUESS_WORDS).then_some(Likeness::Guess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_how_likely_a_host_is_an_identity_provider() {
        let of = |likeness, hosts: &[&str]| {
            for host in hosts {
                assert_eq!(federation_likeness(host), likeness, "{host}");
            }
        };
        let providers = ["contoso.okta.com", "myapps.contoso.okta-emea.com", "ap.ssso.hdems.com", "slink.secioss.com"];
        of(Some(Likeness::Provider), &providers);
        of(
            Some(Likeness::Server),
            &["sts.contoso.com", "sts1.contoso.co.jp", "adfs-tokyo.contoso.com", "sts.x.com.au", "sts.net.contoso.com"],
        );
        of(Some(Likeness::WebServer), &["fs.contoso.com", "fs01.contoso.local"]);
        of(
            Some(Likeness::Guess),
            &["ping.chartbeat.net", "login-idp.contoso.com", "eidp.contoso.com", "x.us.auth0.com"],
        );
        of(None, &["sts.us-east-1.amazonaws.com", "sts.cn-north-1.amazonaws.com.cn", "sts.googleapis.com"]);
        // A search suffix behind the whole name; a site; a word inside another; no domain.
        of(
            None,
            &["sts.contoso.com.corp.contoso.com", "www.okta.com", "okta.com", "fsharp.org.example", "sts", "sts.local"],
        );
    }
}
