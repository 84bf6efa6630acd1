//! Which way an answer or a failed connection took: redirects and proxies that the client does not name.

use super::Builder;
use crate::facts::log::{ErrorClass, LogEvent, LogEventKind, SigninMethod};
use crate::knowledge::endpoints::{is_microsoft_host, is_short_link};
use crate::knowledge::interceptors::interceptor_by_text;
use crate::log::place;

impl Builder {
    /// Status of the last reply of the attempt.
    pub(crate) fn last_status(&self) -> Option<u16> {
        self.attempt.events.iter().rev().find_map(|e| match e.kind {
            LogEventKind::HttpResponse { status, .. } => Some(status),
            _ => None,
        })
    }

    /// Status, host and port of the replies of known hosts, the last one first.
    fn replies(&self) -> impl Iterator<Item = (u16, &str, Option<u16>)> {
        self.attempt.events.iter().rev().filter_map(|e| match e.kind {
            LogEventKind::HttpResponse { status, .. } => Some((status, e.host.as_deref()?, e.port)),
            _ => None,
        })
    }

    /// The host that sent the client on to a plain HTTP page elsewhere, which answered last: a service that is asked
    /// over TLS never does that.
    pub(super) fn redirected_from(&self) -> Option<String> {
        let mut replies = self.replies();
        let (_, last, last_port) = replies.next()?;
        let (status, from, port) = replies.next()?;
        let sent_on = (300..400).contains(&status) && port == Some(443) && last_port == Some(80) && last != from;
        sent_on.then(|| from.to_owned())
    }

    /// The class of a page that stands where a service's redirects led, if that is no service of Microsoft: its hosts are
    /// asked over TLS and send nobody to strangers, so whoever did that stands in between.
    pub(super) fn led_astray(&self) -> Option<ErrorClass> {
        let (first, last) = self.sent_on()?;
        if !is_microsoft_host(&first) || is_microsoft_host(&last) {
            return None;
        }
        if interceptor_by_text(&last).is_some() {
            return Some(ErrorClass::BlockPage);
        }
        (!is_short_link(&first)).then_some(ErrorClass::ForeignPage)
    }

    /// The first host of the redirects that led to the last reply, and the host of that reply.
    pub(super) fn sent_on(&self) -> Option<(String, String)> {
        let mut replies = self.replies();
        let (_, last, _) = replies.next()?;
        let (_, first, _) = replies.take_while(|(status, ..)| (300..400).contains(status)).last()?;
        (first != last).then(|| (first.to_owned(), last.to_owned()))
    }

    /// Where a connection failed by the text is the service, or the proxy of a client that does not call it one.
    pub(super) fn endpoint(&mut self, place: &mut place::Place, class: ErrorClass, line: &str) {
        let Some(endpoint) = place.endpoint.take() else { return };
        let asked_here = place.host.is_some();
        let open = self.host.clone().map(|(h, p)| (h, Some(p)));
        let asked = place.host.as_ref().or(open.as_ref());
        // A managed identity asks a service of the machine itself.
        let managed = self.attempt.method == SigninMethod::ManagedIdentity
            || ["ManagedIdentity", "IMDS", "metadata endpoint"].iter().any(|w| line.contains(w));
        let known = self.is_known_proxy(&endpoint);
        let question = place::Asked {
            host: asked,
            here: asked_here,
            open: asked_here || self.is_waiting(),
            answered: asked.is_some_and(|(h, _)| self.answered_directly(h)),
            managed,
        };
        if class.is_connecting() && (known || place::is_proxy(&endpoint, question)) {
            let (host, port) = &endpoint;
            self.proxy(&port.map_or_else(|| host.clone(), |p| format!("{host}:{p}")), line);
            if let Some((host, port)) = place.host.take() {
                self.host = Some((host, port.unwrap_or(443)));
            }
            place.host = Some(endpoint);
        } else if !asked_here {
            place.host = Some(endpoint);
        }
    }

    /// Whether a socket that the machine itself forbids is the one on which the client listens for its browser: everything
    /// that it asked for was answered, and the text names no place.
    pub(super) fn listens(&self, class: ErrorClass, place: &place::Place) -> bool {
        class == ErrorClass::BlockedLocally
            && place.host.is_none()
            && place.endpoint.is_none()
            && self.last_status().is_some()
            && !self.is_waiting()
    }

    /// Whether the attempt's proxy is this place.
    pub(super) fn is_known_proxy(&self, (host, port): &place::HostPort) -> bool {
        let proxy = self.attempt.proxy.as_deref().map(|p| p.rsplit_once(':').unwrap_or((p, "")));
        proxy.is_some_and(|(h, p)| h == host && port.is_none_or(|n| p.is_empty() || p == n.to_string()))
    }

    /// Whether what was asked last has no answer yet.
    fn is_waiting(&self) -> bool {
        let last = self.attempt.events.iter().rev().find(|e| {
            matches!(
                e.kind,
                LogEventKind::HttpRequest { .. } | LogEventKind::HttpResponse { .. } | LogEventKind::Connecting { .. }
            )
        });
        last.is_some_and(|e| !matches!(e.kind, LogEventKind::HttpResponse { .. }))
    }

    /// Whether `host` answered in this attempt and no proxy is known that could have brought the answer.
    fn answered_directly(&self, host: &str) -> bool {
        let answers = |e: &LogEvent| matches!(e.kind, LogEventKind::HttpResponse { .. });
        self.attempt.proxy.is_none()
            && self.attempt.events.iter().any(|e| answers(e) && e.host.as_deref() == Some(host))
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::log::ErrorClass;

    #[test]
    fn a_socket_that_is_forbidden_after_the_last_answer_is_the_one_to_the_browser() {
        let class = |answer: &str| {
            let text = format!(
                "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443\n{answer}\
                 ERROR: cli.azure.cli.core.azclierror: [WinError 10013] An attempt was made to access a socket in a way forbidden by its access permissions\n"
            );
            crate::log::read_text(&text).attempts.first().and_then(crate::facts::log::Attempt::error_class)
        };
        let answer = "DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 \"GET /x HTTP/1.1\" 200 9\n";
        assert_eq!(class(answer), Some(ErrorClass::BrowserLeg));
        assert_eq!(class(""), Some(ErrorClass::BlockedLocally));
    }

    #[test]
    fn an_answer_that_a_stranger_gave_is_told_of_the_host_that_sent_there() {
        let cause = |path: &str, stranger: &str| {
            let asked = |host: &str, rest: &str| {
                format!(
                    "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): {host}:443\n\
                     DEBUG: urllib3.connectionpool: https://{host}:443 \"GET {rest}\n"
                )
            };
            let text = asked("login.microsoftonline.com", &format!("{path} HTTP/1.1\" 307 0"))
                + &asked(stranger, "/a?u=x HTTP/1.1\" 200 3211")
                + "ERROR: cli.azure.cli.core.azclierror: Expecting value: line 1 column 1 (char 0)\n";
            let attempt = crate::log::read_text(&text).attempts.into_iter().next().unwrap_or_default();
            (attempt.error_class(), attempt.cause().and_then(|e| e.host.clone()))
        };
        let login = Some("login.microsoftonline.com".to_owned());
        let discovery = "/organizations/v2.0/.well-known/openid-configuration";
        assert_eq!(cause(discovery, "gateway.zscalertwo.net"), (Some(ErrorClass::BlockPage), login.clone()));
        assert_eq!(cause(discovery, "auth.corp.example"), (Some(ErrorClass::ForeignPage), login.clone()));
        assert_eq!(cause(discovery, "login.microsoftonline.us").0, Some(ErrorClass::Other));
    }

    #[test]
    fn a_block_page_is_told_of_the_host_that_was_asked() {
        let asked = |replies: &[(&str, u16)]| {
            let mut text = "$ curl -v -L https://management.azure.com/\n".to_owned();
            for (host, status) in replies {
                text.push_str(&format!(
                    "* Connected to {host} (10.30.0.200) port 80 (#1)\n> GET / HTTP/1.1\n< HTTP/1.1 {status} X\n"
                ));
            }
            text.push_str("<html><title>Web Page Blocked</title></html>\n");
            let facts = crate::log::read_text(&text);
            let attempt = facts.attempts.into_iter().next().unwrap_or_default();
            assert_eq!(attempt.error_class(), Some(ErrorClass::BlockPage));
            attempt.cause().and_then(|e| e.host.clone())
        };
        let blocked = ("blocked.corp.example", 403);
        assert_eq!(asked(&[("a.example", 302), blocked]).as_deref(), Some("a.example"));
        assert_eq!(asked(&[("a.example", 302), ("b.example", 307), blocked]).as_deref(), Some("a.example"));
        assert_eq!(asked(&[("a.example", 200), ("b.example", 302), blocked]).as_deref(), Some("b.example"));
        assert_eq!(asked(&[("a.example", 200), blocked]).as_deref(), Some("blocked.corp.example"));
    }
}
