//! Which way an answer or a failed connection took, and who gave it: redirects, proxies that the client does not name.

use super::Builder;
use crate::facts::log::{ErrorClass, LogEvent, LogEventKind, SigninMethod};
use crate::knowledge::endpoints::{command_of, is_microsoft_host, is_short_link};
use crate::knowledge::entra_replies::is_doubtful_reply;
use crate::knowledge::interceptors::{interceptor_by_header, interceptor_by_text};
use crate::log::{failing, is_cmdlet_error, pattern, place};

// .NET Framework puts the name that it looked for in vain behind its words.
regex!(QUOTED_NAME, r"[:：]\s*'([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)'");

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

    /// Host, path and status of the reply that came last, where nothing but its own fields stands behind it.
    pub(crate) fn fresh_reply(&self) -> Option<(&str, &str, u16)> {
        let last = self.attempt.events.iter().rev().find(|e| !matches!(e.kind, LogEventKind::ServerDate { .. }))?;
        match &last.kind {
            LogEventKind::HttpResponse { path, status, .. } => Some((last.host.as_deref()?, path, *status)),
            _ => None,
        }
    }

    /// The status of a fresh reply that Entra ID does not give, or not alone.
    fn doubtful_status(&self) -> Option<u16> {
        self.fresh_reply().filter(|(host, path, status)| is_doubtful_reply(host, path, *status)).map(|(.., s)| s)
    }

    /// The status of a fresh reply that a product on the way wrote itself in the place of a service of Microsoft's, by the
    /// headers that name an author. `Via`, `X-Cache` and their like stand on every answer that a proxy hands on.
    pub(crate) fn answered_by_product(&self, name: &str, value: &str) -> Option<u16> {
        let (host, _, status) = self.fresh_reply()?;
        let names_author = name.eq_ignore_ascii_case("server")
            // RFC 9209: only whoever made the answer up tells an error of its own.
            || name.eq_ignore_ascii_case("proxy-status") && value.contains("error=");
        let refuses = status >= 400 && status != 407 && is_microsoft_host(host);
        (refuses && names_author && interceptor_by_header(name, value).is_some()).then_some(status)
    }

    /// The class of an answer by who can have given it: a status of proxies that no reply, no words of a service and no host
    /// tell of anybody, or that is none of Entra ID's, may be a proxy's.
    pub(super) fn by_sender(&self, class: ErrorClass, host: Option<&str>, line: &str) -> ErrorClass {
        if matches!(class, ErrorClass::Other | ErrorClass::HttpStatus(_) | ErrorClass::AuthorityDiscovery)
            && let Some(status) = self.doubtful_status()
        {
            return ErrorClass::AnswerUnplaced(Some(status));
        }
        let ErrorClass::HttpStatus(status) = class else { return class };
        // With these, proxies refuse or give up.
        let may_be_proxys = matches!(status, 403 | 500..=599);
        let is_logged = self.replies().any(|(s, ..)| s == status);
        let told =
            is_logged || pattern::is_answer_of_a_service(line) || host.is_some() && !pattern::tells_no_sender(line);
        if may_be_proxys && !told { ErrorClass::AnswerUnplaced(Some(status)) } else { class }
    }

    /// The proxy whose name was looked for in vain, where only its quotes tell it.
    pub(super) fn unresolved_proxy(&self, class: ErrorClass, place: &place::Place, line: &str) -> Option<String> {
        if class != ErrorClass::ProxyNameNotResolved || place.proxy.is_some() {
            return None;
        }
        Some(QUOTED_NAME.as_ref()?.captures(line)?.get(1)?.as_str().to_ascii_lowercase())
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

    /// Where a connection failed by the text is the service, or the proxy of a client that does not call it one. False where
    /// it is neither: no service of a sign-in has a name of one label.
    pub(super) fn endpoint(&mut self, place: &mut place::Place, class: ErrorClass, line: &str) -> bool {
        let Some(endpoint) = place.endpoint.take() else { return true };
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
            signs_in: self.signs_in(line),
        };
        if class.is_connecting() && (known || place::is_proxy(&endpoint, question)) {
            let (host, port) = &endpoint;
            self.proxy(&place::written(host, *port), line);
            if let Some((host, port)) = place.host.take() {
                self.host = Some((host, port.unwrap_or(443)));
            }
            place.host = Some(endpoint);
        } else if !asked_here {
            if !endpoint.0.contains(['.', ':']) && !place::is_of_the_machine(&endpoint.0) {
                return false;
            }
            place.host = Some(endpoint);
        }
        true
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

    /// Whether it is a tool that signs in, or a library of Microsoft's for that, whose failure `line` tells.
    fn signs_in(&self, line: &str) -> bool {
        /// Libraries by which programs sign in.
        const LIBRARIES: [&str; 3] = ["Microsoft.Identity", "Azure.Identity", "IdentityModel.Clients.ActiveDirectory"];
        let is_of_one = |text: &str| LIBRARIES.iter().any(|name| text.contains(name));
        // The error of a cmdlet that asks something else.
        if is_cmdlet_error(line) && !failing::is_of_a_signin_cmdlet(line) {
            return false;
        }
        command_of(self.attempt.dialect).is_some()
            || is_of_one(line)
            || self.attempt.events.last().is_some_and(|e| is_of_one(&e.text))
    }

    /// Whether the attempt's proxy is this place.
    pub(super) fn is_known_proxy(&self, (host, port): &place::HostPort) -> bool {
        let proxy = self.attempt.proxy.as_deref().map(|p| p.rsplit_once(':').unwrap_or((p, "")));
        proxy.is_some_and(|(h, p)| place::bare(h) == host && port.is_none_or(|n| p.is_empty() || p == n.to_string()))
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

    /// Whether what was asked last has its answer, so that a connection that is refused next, and that no text gives a
    /// place, is another one: clients tell of each that they open to the hosts of a sign-in.
    pub(super) fn is_settled(&self) -> bool {
        use LogEventKind as K;
        let last = self.attempt.events.iter().rev().find_map(|e| match &e.kind {
            K::HttpResponse { .. } => Some(e.kind.is_answer()),
            K::HttpRequest { .. } | K::Connecting { .. } | K::Connected { .. } | K::Retry { .. } => Some(false),
            _ => None,
        });
        last == Some(true)
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

    fn class_of(text: &str) -> Option<ErrorClass> {
        crate::log::read_text(text).attempts.first().and_then(crate::facts::log::Attempt::error_class)
    }

    #[test]
    fn a_status_without_a_sender_may_be_a_proxys() {
        let unplaced = |status| Some(ErrorClass::AnswerUnplaced(Some(status)));
        for (text, class) in [
            ("Connect-AzAccount : The remote server returned an error: (403) Forbidden.", unplaced(403)),
            ("Connect-AzAccount : リモート サーバーがエラーを返しました: (502) 不正なゲートウェイ", unplaced(502)),
            (
                "InteractiveBrowserCredential authentication failed: Response status code does not indicate success: 503 (Service Unavailable).",
                unplaced(503),
            ),
            ("Response status code does not indicate success: 401 (Unauthorized).", Some(ErrorClass::HttpStatus(401))),
            ("Get-MgUser_List: Insufficient privileges to complete the operation.", Some(ErrorClass::HttpStatus(403))),
        ] {
            assert_eq!(class_of(&format!("PS C:\\> Connect-AzAccount\n{text}\n")), class, "{text}");
        }
        let asked = "DEBUG: Request [11111111-2222-3333-4444-555555555555] GET https://management.azure.com/tenants\n";
        let failed = "Connect-AzAccount : The remote server returned an error: (403) Forbidden.\n";
        assert_eq!(class_of(&format!("{asked}{failed}")), unplaced(403));
        let reply = "DEBUG: Error response [11111111-2222-3333-4444-555555555555] 403 Forbidden (00.1s)\n";
        assert_eq!(class_of(&format!("{asked}{reply}{failed}")), Some(ErrorClass::HttpStatus(403)));
    }

    #[test]
    fn a_status_that_is_none_of_entras_may_be_a_proxys_and_is_where_the_proxy_names_itself() {
        let class = |url: &str, header: &str| {
            class_of(&format!(
                "DEBUG: Request [11111111-2222-3333-4444-555555555555] GET https://{url}\n\
                 DEBUG: Error response [11111111-2222-3333-4444-555555555555] 403 Forbidden (00.1s)\n{header}\nDate:Mon, 02 Nov 2026 01:15:09 GMT\n\
                 Connect-AzAccount: InteractiveBrowserCredential authentication failed: Response status code does not indicate success: 403 (Forbidden).\n"
            ))
        };
        let metadata = "login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration";
        let arm = "management.azure.com/tenants";
        assert_eq!(class(metadata, "Via:REDACTED"), Some(ErrorClass::AnswerUnplaced(Some(403))));
        // A proxy that hands on an answer did not write it.
        for header in ["X-Bluecoat-Via:REDACTED", "Via:1.1 proxy01 (squid/6.6)", "X-Cache:MISS from squid"] {
            assert_eq!(class(metadata, header), Some(ErrorClass::AnswerUnplaced(Some(403))), "{header}");
            let of_entra = format!("x-ms-ests-server:REDACTED\n{header}");
            assert_eq!(class(metadata, &of_entra), Some(ErrorClass::HttpStatus(403)), "{header}");
            assert_eq!(class(arm, header), Some(ErrorClass::HttpStatus(403)), "{header}");
        }
        let refused = "Proxy-Status:squid01; error=http_request_denied";
        assert_eq!(class(metadata, refused), Some(ErrorClass::ProxyStatus(403)));
        assert_eq!(class(metadata, "Proxy-Status:squid01"), Some(ErrorClass::AnswerUnplaced(Some(403))));
        for url in [metadata, arm] {
            assert_eq!(class(url, "Server:Zscaler/6.3"), Some(ErrorClass::ProxyStatus(403)));
        }
        assert_eq!(class("files.corp.example/a", "Server:squid/6.6"), Some(ErrorClass::HttpStatus(403)));
    }

    #[test]
    fn metadata_of_entra_that_cannot_be_read_is_not_entras() {
        let class = |host: &str| {
            class_of(&format!(
                "DEBUG: urllib3.connectionpool: https://{host}:443 \"GET /common/v2.0/.well-known/openid-configuration HTTP/1.1\" 200 9\n\
                 json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n"
            ))
        };
        assert_eq!(class("login.microsoftonline.com"), Some(ErrorClass::ForeignPage));
        assert_eq!(class("adfs.corp.example"), Some(ErrorClass::AuthorityDiscovery));
    }

    #[test]
    fn a_proxy_whose_name_is_not_resolved_is_named_by_the_quotes() {
        let text = "Connect-AzAccount : The proxy name could not be resolved: 'Proxy.corp.example'\n";
        let attempt = crate::log::read_text(text).attempts.into_iter().next().unwrap_or_default();
        assert_eq!(attempt.proxy.as_deref(), Some("proxy.corp.example"));
        assert_eq!(attempt.error_class(), Some(ErrorClass::ProxyNameNotResolved));
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

    #[test]
    fn a_failure_behind_an_answer_has_no_place_unless_it_names_one() {
        let ask = "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443\n";
        let answer = "DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 \"GET /x HTTP/1.1\" 200 9\n";
        let unplaced = |text: &str| {
            let facts = crate::log::read_text(text);
            let attempt = facts.attempts.first().unwrap();
            attempt.cause().map(|event| (attempt.is_unplaced(event), event.host.clone()))
        };
        let login = Some("login.microsoftonline.com".to_owned());
        for failed in [
            "redis.exceptions.ConnectionError: Error -2 connecting to redis:6379. Name or service not known.",
            "pymongo.errors.ServerSelectionTimeoutError: mongo:27017: [Errno -3] Temporary failure in name resolution",
            "psycopg2.OperationalError: could not translate host name \"db\" to address: Name or service not known",
        ] {
            assert_eq!(unplaced(&format!("{ask}{answer}{failed}\n")), Some((true, None)), "{failed}");
        }
        // What names another place is of another program, though the answer is still to come.
        for failed in [
            "Error: getaddrinfo ENOTFOUND redis",
            "redis.exceptions.ConnectionError: Error -2 connecting to redis:6379. Name or service not known.",
            "psycopg2.OperationalError: connection to server at \"db\" (172.18.0.2), port 5432 failed: Connection refused",
        ] {
            assert_eq!(unplaced(&format!("{ask}{failed}\n")), Some((true, None)), "{failed}");
        }
        let failed = "gaierror(-2, 'Name or service not known')\n";
        assert_eq!(unplaced(&format!("{ask}{failed}")), Some((false, login.clone())));
        assert_eq!(unplaced(&format!("{ask}{answer}{ask}{failed}")), Some((false, login.clone())));
        // A connection that is kept open breaks where it stands.
        let broken = "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))\n";
        assert_eq!(unplaced(&format!("{ask}{answer}{broken}")), Some((false, login)));
        let named = "No such host is known. (graph.microsoft.com:443)\n";
        assert_eq!(unplaced(&format!("{ask}{answer}{named}")), Some((false, Some("graph.microsoft.com".to_owned()))));
    }
}
