//! Answers of something else than the host: block pages and captive portals.

use super::Verdict;
use super::scene::describe;
use super::scene::{Judged, Proof, Scene, Stage};
use crate::facts::{HttpExchange, PlaintextAnswer};
use crate::knowledge;
use crate::message;

/// Words in a title or a redirect target that a page which asks for a login or consent carries.
const PORTAL_WORDS: [&str; 12] =
    ["portal", "hotspot", "wifi", "wi-fi", "guest", "login", "welcome", "captive", "hotel", "terms", "splash", "logon"];

/// Words that a page which refuses carries.
const BLOCK_WORDS: [&str; 10] =
    ["block", "denied", "forbidden", "restricted", "policy", "filter", "prohibit", "not allowed", "warning", "閲覧"];

/// A plain HTTP exchange with the host itself.
pub(super) fn judge(s: &Scene<'_>, exchange: &HttpExchange) -> Judged {
    let asked = exchange.request_at.unwrap_or(s.flow.first);
    let request = Proof::new(asked, message!(en: "{} {}", ja: "{} {}", exchange.method, exchange.target));
    let Some(status) = exchange.status else {
        return if s.client_end().is_some() {
            Judged::neutral(Stage::Connected)
        } else {
            Judged::undecided(Stage::Connected, vec![request])
        };
    };
    let at = exchange.response_at.unwrap_or(asked);
    let answer = Proof::new(at, message!(en: "answer {status} {}", ja: "応答 {status} {}", exchange.reason));
    let probe = knowledge::is_connectivity_probe(s.host);
    let refused = matches!(status, 403 | 451) && is_refusal(exchange);
    let redirected = matches!(status, 301 | 302 | 303 | 307 | 308)
        && exchange
            .location
            .as_deref()
            .is_some_and(|l| leaves_site(s.host, l) && !is_meant(s.host, &exchange.target, l))
        && (probe || says(exchange.location.as_deref(), &BLOCK_WORDS));
    if redirected {
        return redirect(exchange, vec![request, answer]);
    }
    if refused || probe && matches!(status, 403 | 451 | 511) {
        let verdict = if status == 511 { Verdict::CaptivePortal } else { Verdict::BlockPage };
        let mut judged = Judged::seen(verdict, Stage::ServerHello, vec![request, answer]);
        describe(&mut judged, exchange);
        return judged;
    }
    Judged::seen(Verdict::Ok, Stage::Complete, vec![answer])
}

/// A redirect in the host's place.
pub(super) fn redirect(exchange: &HttpExchange, proof: Vec<Proof>) -> Judged {
    let verdict = kind(exchange.status, exchange.location.as_deref(), exchange.title.as_deref());
    let mut judged = Judged::seen(verdict, Stage::ServerHello, proof);
    describe(&mut judged, exchange);
    judged
}

/// Whether the title of a page says that something was refused on purpose.
pub(super) fn is_refusal(exchange: &HttpExchange) -> bool {
    says(exchange.title.as_deref(), &BLOCK_WORDS)
}

/// Whether bytes that are no TLS are a page: an HTTP answer, or bare HTML. Anything else (another protocol, the middle
/// of a stream whose beginning was not captured) shows no page.
pub(super) fn is_page(answer: &PlaintextAnswer) -> bool {
    answer.http_status.is_some() || answer.title.is_some() || answer.first_line.trim_start().starts_with("<")
}

/// An answer in clear to a ClientHello.
pub(super) fn plaintext(answer: &PlaintextAnswer, mut proof: Vec<Proof>) -> Judged {
    let text = message!(
        en: "answered in clear instead of TLS: \"{}\"",
        ja: "TLS ではなく平文の応答: \"{}\"",
        answer.first_line
    );
    let verdict = kind(answer.http_status, answer.location.as_deref(), answer.title.as_deref());
    proof.push(Proof::new(answer.at, text));
    let mut judged = Judged::seen(verdict, Stage::ServerHello, proof);
    judged.detail.status = answer.http_status;
    judged.detail.title = answer.title.clone();
    judged.detail.location = answer.location.clone();
    judged.detail.product = answer.server.as_ref().map(|v| format!("Server: {v}"));
    judged
}

/// A page that wants a login, or one that refuses: by its words; a bare redirect is a portal, the rest refuses.
fn kind(status: Option<u16>, location: Option<&str>, title: Option<&str>) -> Verdict {
    if says(location, &BLOCK_WORDS) || says(title, &BLOCK_WORDS) {
        Verdict::BlockPage
    } else if status == Some(511)
        || says(location, &PORTAL_WORDS)
        || says(title, &PORTAL_WORDS)
        || status.is_some_and(|s| (300..400).contains(&s))
    {
        Verdict::CaptivePortal
    } else {
        Verdict::BlockPage
    }
}

fn says(text: Option<&str>, words: &[&str]) -> bool {
    text.is_some_and(|t| {
        let t = t.to_lowercase();
        words.iter().any(|w| t.contains(w))
    })
}

/// Whether a redirect leads to another site (another last two labels).
fn leaves_site(host: &str, location: &str) -> bool {
    host_of(location).is_some_and(|target| site(&target.to_ascii_lowercase()) != site(host))
}

/// The host of a whole address.
fn host_of(location: &str) -> Option<&str> {
    location.split_once("://")?.1.split(['/', ':', '?']).next()
}

/// Whether the probe's own server answers a request for this target with this redirect.
fn is_meant(host: &str, target: &str, location: &str) -> bool {
    // A proxy is asked with the whole address.
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        None => target,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    host_of(location).is_some_and(|to| knowledge::is_redirect_of_probe(host, path, to))
}

fn site(host: &str) -> String {
    let mut labels: Vec<&str> = host.rsplit('.').take(2).collect();
    labels.reverse();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_a_portal_from_a_block_page() {
        assert_eq!(kind(Some(302), Some("http://portal.hotel.example/login"), None), Verdict::CaptivePortal);
        assert_eq!(kind(Some(302), Some("http://blocked.corp.example/"), None), Verdict::BlockPage);
        assert_eq!(kind(Some(403), None, Some("Web Page Blocked")), Verdict::BlockPage);
        assert_eq!(kind(Some(302), Some("http://10.0.0.1/"), None), Verdict::CaptivePortal);
    }

    #[test]
    fn redirects_within_a_site_are_no_page_of_others() {
        assert!(!leaves_site("www.example.com", "https://example.com/x"));
        assert!(leaves_site("www.example.com", "http://portal.test/"));
        assert!(!leaves_site("www.example.com", "/relative"));
    }

    #[test]
    fn a_probe_that_redirects_by_design_met_no_portal() {
        let probe = "www.msftconnecttest.com";
        let home = "http://go.microsoft.com/fwlink/?LinkID=219472&clcid=0x409";
        assert!(is_meant(probe, "/redirect", home));
        assert!(is_meant(probe, "http://www.msftconnecttest.com/redirect", home));
        assert!(is_meant(probe, "/redirect?x=1", "https://go.microsoft.com:443/"));
        assert!(!is_meant(probe, "/redirect", "http://go.microsoft.com.portal.example/"));
        assert!(!is_meant(probe, "/redirect", "http://portal.hotel.example/?to=http://go.microsoft.com/"));
        assert!(!is_meant(probe, "/connecttest.txt", home), "the probe itself is never sent on");
        assert!(!is_meant("detectportal.firefox.com", "/redirect", home));
    }
}
