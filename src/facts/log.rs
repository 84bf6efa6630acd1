//! Facts of a debug log and of a sign-in log export.
//!
//! What enters: what the readers in [`crate::log`] recognised. What leaves: owned, small values whose every text has
//! been freed of secrets, of line breaks and of control characters. Nothing here depends on the language or the
//! version of the client that wrote the log: causes are named by [`ErrorClass`], never by their wording.

mod answered;
mod class;
mod signin;

pub use class::{BrokerFault, ErrorClass, NameFault, ProxyFault, TrustFault};
pub use signin::{SigninEntry, SigninFacts};

use crate::problem::Problems;
use crate::time::Timestamp;

/// Everything read from one debug log.
#[derive(Debug, Clone, Default)]
pub struct LogFacts {
    /// The dialect that most lines are written in; each attempt has its own.
    pub dialect: Dialect,
    /// How the bytes were encoded, for example `UTF-8`, `UTF-16LE`, `Shift_JIS`.
    pub encoding: String,
    /// Lines read, before wrapped ones were joined.
    pub lines: u64,
    /// The PowerShell transcript around the log, where there is one.
    pub transcript: Option<Transcript>,
    /// Sign-in attempts, in the order of the file. An error that stands alone is an attempt of its own.
    pub attempts: Vec<Attempt>,
    /// Attempts beyond the limit, only counted.
    pub attempts_left_out: u64,
    /// Local time minus UTC in minutes, where the log shows both side by side.
    pub utc_offset_minutes: Option<i32>,
    /// What could not be read.
    pub problems: Problems,
}

/// Head of a PowerShell transcript (`Start-Transcript`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Start, wall clock of the machine, zone unknown.
    pub start: Option<Timestamp>,
    /// Name of the machine.
    pub machine: Option<String>,
    /// User who ran the shell.
    pub user: Option<String>,
    /// Version of PowerShell.
    pub powershell: Option<String>,
}

/// Who wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Dialect {
    /// Azure CLI (`az … --debug`), knack loggers.
    AzCli,
    /// Azure PowerShell (`Connect-AzAccount -Debug`), Azure.Identity or ADAL below it.
    AzPowerShell,
    /// Microsoft Graph PowerShell (`Connect-MgGraph -Debug`).
    GraphPowerShell,
    /// Another program on Python's logging (requests, MSAL Python).
    Python,
    /// curl -v.
    Curl,
    /// Node (Azure Identity for JavaScript).
    Node,
    /// Any other text: an error pasted alone, Go, Java, a .NET program.
    #[default]
    Other,
}

impl Dialect {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Dialect::AzCli => "az_cli",
            Dialect::AzPowerShell => "az_powershell",
            Dialect::GraphPowerShell => "graph_powershell",
            Dialect::Python => "python",
            Dialect::Curl => "curl",
            Dialect::Node => "node",
            Dialect::Other => "other",
        }
    }
}

/// One run of a command.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    /// Who wrote this part.
    pub dialect: Dialect,
    /// Only lines of a library tell the dialect, outside any stream of PowerShell: any program may have written them.
    pub by_library: bool,
    /// The command without its arguments: `az login`, `Connect-AzAccount`; empty where the log does not say.
    pub command: String,
    /// The arguments, secrets masked.
    pub arguments: Vec<String>,
    /// How the user meant to sign in, as far as arguments or loggers tell.
    pub method: SigninMethod,
    /// Cloud by name, as the log has it (`AzureCloud`, `AzureChinaCloud`, `-Environment` value).
    pub cloud: Option<String>,
    /// Tenant given by the user (id or domain).
    pub tenant_asked: Option<String>,
    /// Tenant in the authority or token endpoint that the client used (id, domain, `organizations`, `common`).
    pub tenant_used: Option<String>,
    /// Host of the authority.
    pub authority: Option<String>,
    /// Account given or used.
    pub account: Option<String>,
    /// Scopes or resource asked for, the first one.
    pub scope: Option<String>,
    /// Proxy that the client says it uses, `host:port`, credentials removed.
    pub proxy: Option<String>,
    /// Whether the Windows broker (WAM) was in use; `None` where nothing was said.
    pub broker: Option<bool>,
    /// Versions of the parts.
    pub versions: Versions,
    /// Correlation ids that the client generated, in order, each once.
    pub correlation_ids: Vec<String>,
    /// First line, 1-based.
    pub first_line: u64,
    /// Last line.
    pub last_line: u64,
    /// When it began.
    pub start: Option<LogTime>,
    /// How long it ran by its own account, milliseconds.
    pub duration_ms: Option<u64>,
    /// What happened, in the order of the file.
    pub events: Vec<LogEvent>,
    /// Events beyond the limit, only counted.
    pub events_left_out: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// Versions that a log names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// Azure CLI.
    pub cli: Option<String>,
    /// PowerShell module (Az.Accounts, Microsoft.Graph.Authentication), with its name.
    pub module: Option<String>,
    /// MSAL, with its flavour where known.
    pub msal: Option<String>,
    /// Python or .NET (or Node, curl, OpenSSL), with its name.
    pub runtime: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// PowerShell.
    pub powershell: Option<String>,
}

/// How the user meant to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SigninMethod {
    /// The log does not tell.
    #[default]
    Unknown,
    /// Browser with a loopback redirect.
    Browser,
    /// Windows broker.
    Broker,
    /// Device code.
    DeviceCode,
    /// User name and password.
    Password,
    /// Service principal: secret, certificate, federated token.
    ServicePrincipal,
    /// Managed identity.
    ManagedIdentity,
    /// A token given by the user.
    AccessToken,
}

/// A time in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTime {
    /// A point in time.
    Utc(Timestamp),
    /// Date and time of the machine's wall clock, zone unknown; written as though it were UTC.
    Local(Timestamp),
    /// Wall clock without a date: nanoseconds since midnight.
    TimeOfDay(i64),
}

impl LogTime {
    /// The point in time, where it is one.
    pub fn utc(self) -> Option<Timestamp> {
        match self {
            LogTime::Utc(t) => Some(t),
            LogTime::Local(_) | LogTime::TimeOfDay(_) => None,
        }
    }
}

/// One thing that a log tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Line in the file, 1-based.
    pub line: u64,
    /// When, as a point in time. By the client's clock unless the kind says otherwise.
    pub time: Option<Timestamp>,
    /// When, by the wall clock of the machine, where the line has that.
    pub local: Option<LogTime>,
    /// What.
    pub kind: LogEventKind,
    /// Host concerned: the service, not the proxy on the way to it. Lower case.
    pub host: Option<String>,
    /// Port of `host`.
    pub port: Option<u16>,
    /// It names a place that is no service of a sign-in: of the host before it tells nothing.
    pub elsewhere: bool,
    /// The line, without secrets, cut to a readable length.
    pub text: String,
}

impl LogEvent {
    /// The scopes that a line of Azure.Identity names: `Scopes: [ https://graph.microsoft.com/.default ]`.
    pub fn scopes(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("Scopes: [")?;
        Some(rest.split_once(']')?.0.trim())
    }
}

/// What a line of a log means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEventKind {
    /// The command was entered.
    Command,
    /// The client is about to connect to `host` (or to ask its proxy for it). Says intent, not success.
    Connecting {
        /// Address that was tried, where the log names it.
        address: Option<std::net::IpAddr>,
    },
    /// A transport connection was established, by the client's own account.
    Connected {
        /// Address reached.
        address: Option<std::net::IpAddr>,
    },
    /// A TLS handshake completed.
    TlsEstablished {
        /// Version as written (`TLSv1.3`).
        version: String,
    },
    /// A request was sent, or is about to be.
    HttpRequest {
        /// Method.
        method: String,
        /// Path without query.
        path: String,
        /// Value of `x-ms-client-request-id` or the id the client gives its request.
        request_id: Option<String>,
    },
    /// A reply came: the network path to `host` worked.
    HttpResponse {
        /// Method; empty where unknown.
        method: String,
        /// Path without query; empty where unknown.
        path: String,
        /// Status; 0 where the log has only an unknown name for it.
        status: u16,
        /// Time from request to reply, milliseconds, where the log has it.
        duration_ms: Option<u64>,
        /// Bytes of the body, where the log has them.
        bytes: Option<u64>,
        /// Value of `x-ms-request-id`, where the log has it.
        request_id: Option<String>,
    },
    /// A try failed and another follows.
    Retry {
        /// Cause of the failure.
        class: ErrorClass,
    },
    /// A failure.
    Exception {
        /// Its cause.
        class: ErrorClass,
    },
    /// Entra ID answered with an error.
    Aadsts {
        /// Number behind `AADSTS`.
        code: u32,
        /// Trace id, which is the request id of the sign-in log.
        trace_id: Option<String>,
        /// Correlation id.
        correlation_id: Option<String>,
        /// `Timestamp:` by the clock of Entra ID.
        timestamp: Option<Timestamp>,
    },
    /// The Windows broker failed.
    Wam {
        /// Error code as 32 bits, where there is one.
        code: Option<u32>,
        /// What the code means.
        class: ErrorClass,
    },
    /// A proxy is named.
    Proxy {
        /// `host:port`, credentials removed.
        proxy: String,
    },
    /// A browser was opened, or the user was sent to one.
    BrowserOpened,
    /// A device code was shown.
    DeviceCode,
    /// The browser came back with an answer.
    BrowserAnswered,
    /// The authority's metadata was read.
    AuthorityKnown,
    /// A token was received.
    TokenReceived,
    /// A token came out of the cache: no network was needed for it.
    CacheUsed,
    /// A tenant is named.
    TenantSeen {
        /// Id or domain.
        tenant: String,
    },
    /// Time of a server (`Date` header): the clock of the service, not of the client.
    ServerDate {
        /// That time.
        date: Timestamp,
    },
    /// The reply before bears Entra ID's own mark (`x-ms-ests-server`), which nobody else writes.
    EntraNamed,
    /// A warning without a known meaning.
    Warning,
    /// The command ended.
    Finished {
        /// Exit code, where the log has it.
        exit_code: Option<i32>,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// The log does not tell.
    #[default]
    Unknown,
    /// Signed in, and the command ended well.
    Succeeded,
    /// Ended with an error; the index into [`Attempt::events`] of the event that names the cause.
    Failed {
        /// That event.
        event: usize,
    },
    /// The log ends while the client waits; the index of the last event, where there is one.
    Waiting {
        /// That event.
        event: usize,
    },
}

impl LogEventKind {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            LogEventKind::Command => "command",
            LogEventKind::Connecting { .. } => "connecting",
            LogEventKind::Connected { .. } => "connected",
            LogEventKind::TlsEstablished { .. } => "tls_established",
            LogEventKind::HttpRequest { .. } => "http_request",
            LogEventKind::HttpResponse { .. } => "http_response",
            LogEventKind::Retry { .. } => "retry",
            LogEventKind::Exception { .. } => "exception",
            LogEventKind::Aadsts { .. } => "aadsts",
            LogEventKind::Wam { .. } => "wam",
            LogEventKind::Proxy { .. } => "proxy",
            LogEventKind::BrowserOpened => "browser_opened",
            LogEventKind::DeviceCode => "device_code",
            LogEventKind::BrowserAnswered => "browser_answered",
            LogEventKind::AuthorityKnown => "authority_known",
            LogEventKind::TokenReceived => "token_received",
            LogEventKind::CacheUsed => "cache_used",
            LogEventKind::TenantSeen { .. } => "tenant_seen",
            LogEventKind::ServerDate { .. } => "server_date",
            LogEventKind::EntraNamed => "entra_named",
            LogEventKind::Warning => "warning",
            LogEventKind::Finished { .. } => "finished",
        }
    }

    /// The cause, where the event is a failure (an AADSTS answer counts as one).
    pub fn error(&self) -> Option<ErrorClass> {
        match self {
            LogEventKind::Retry { class } | LogEventKind::Exception { class } | LogEventKind::Wam { class, .. } => {
                Some(*class)
            }
            LogEventKind::Aadsts { code, .. } => Some(ErrorClass::Aadsts(*code)),
            _ => None,
        }
    }
}

impl Attempt {
    /// First event that is a failure, retries included.
    pub fn first_error(&self) -> Option<&LogEvent> {
        self.events.iter().find(|e| e.kind.error().is_some())
    }

    /// The event that names the cause of the failure.
    pub fn cause(&self) -> Option<&LogEvent> {
        match self.outcome {
            Outcome::Failed { event } => self.events.get(event),
            Outcome::Unknown | Outcome::Succeeded | Outcome::Waiting { .. } => None,
        }
    }

    /// Class of the failure that ended the attempt.
    pub fn error_class(&self) -> Option<ErrorClass> {
        self.cause().and_then(|e| e.kind.error())
    }

    /// The last connection that was begun and never answered: where a hanging client hangs.
    pub fn last_connecting(&self) -> Option<&LogEvent> {
        let last = self.events.iter().rposition(|e| matches!(e.kind, LogEventKind::Connecting { .. }))?;
        let event = self.events.get(last)?;
        let answered = self.events.get(last.saturating_add(1)..).unwrap_or_default().iter().any(|e| {
            e.host == event.host
                && (matches!(e.kind, LogEventKind::HttpResponse { .. } | LogEventKind::TlsEstablished { .. })
                    || e.kind.error().is_some())
        });
        (!answered).then_some(event)
    }

    /// Hosts in the order in which the client turned to them, each once.
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = Vec::new();
        for host in self.events.iter().filter_map(|e| e.host.as_deref()) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// Hosts from which an HTTP reply came, each once, with the line of the first reply.
    pub fn hosts_answered(&self) -> Vec<(&str, u64)> {
        let mut hosts: Vec<(&str, u64)> = Vec::new();
        for event in self.events.iter().filter(|e| matches!(e.kind, LogEventKind::HttpResponse { .. })) {
            if let Some(host) = event.host.as_deref()
                && !hosts.iter().any(|(h, _)| *h == host)
            {
                hosts.push((host, event.line));
            }
        }
        hosts
    }

    /// Whether a token was received over the network or from the cache.
    pub fn has_token(&self) -> bool {
        self.events.iter().any(|e| matches!(e.kind, LogEventKind::TokenReceived | LogEventKind::CacheUsed))
    }
}

/// Whose clock a stamp was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// The machine that wrote the log (and, mostly, the capture).
    Client,
    /// The service that answered.
    Server,
}

/// One absolute time in a log: input for putting log and packets on one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Index into [`LogFacts::attempts`].
    pub attempt: usize,
    /// Index into [`Attempt::events`].
    pub event: usize,
    /// Whose clock.
    pub clock: Clock,
    /// The time.
    pub time: Timestamp,
    /// Smallest step of that clock's text, nanoseconds: the error of the stamp.
    pub step_nanos: i64,
}

impl LogFacts {
    /// All absolute times of the log, in the order of the file.
    pub fn stamps(&self) -> Vec<Stamp> {
        let mut stamps = Vec::new();
        for (attempt, a) in self.attempts.iter().enumerate() {
            for (event, e) in a.events.iter().enumerate() {
                let server = match e.kind {
                    LogEventKind::ServerDate { date } => Some(date),
                    LogEventKind::Aadsts { timestamp, .. } => timestamp,
                    _ => None,
                };
                if let Some(time) = server {
                    stamps.push(Stamp { attempt, event, clock: Clock::Server, time, step_nanos: step_of(time) });
                }
                if let Some(time) = e.time {
                    stamps.push(Stamp { attempt, event, clock: Clock::Client, time, step_nanos: step_of(time) });
                }
            }
        }
        stamps
    }

    /// How far the client's clock is ahead of the services' (nanoseconds), by the smallest difference between a
    /// server's stamp and the next client stamp behind it in the same attempt; `None` where the log has no such pair.
    /// A reply cannot be logged before it was sent, so the smallest difference is the nearest to the truth.
    pub fn client_ahead_nanos(&self) -> Option<i64> {
        let stamps = self.stamps();
        let mut best: Option<i64> = None;
        for pair in stamps.windows(2) {
            if let [server, client] = pair
                && server.clock == Clock::Server
                && client.clock == Clock::Client
                && server.attempt == client.attempt
            {
                let ahead = client.time.since(server.time);
                best = Some(best.map_or(ahead, |b| b.min(ahead)));
            }
        }
        best
    }

    /// The attempt that best explains the case: the last one that failed or hangs, else the last one.
    pub fn leading_attempt(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .rev()
            .find(|a| matches!(a.outcome, Outcome::Failed { .. } | Outcome::Waiting { .. }))
            .or_else(|| self.attempts.last())
    }
}

/// The resolution of a stamp by its digits: whole seconds, milliseconds, or finer.
fn step_of(time: Timestamp) -> i64 {
    match time.0 {
        n if n % 1_000_000_000 == 0 => 1_000_000_000,
        n if n % 1_000_000 == 0 => 1_000_000,
        _ => 1_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: LogEventKind, host: &str) -> LogEvent {
        LogEvent {
            line: 1,
            time: None,
            local: None,
            kind,
            host: Some(host.to_owned()),
            port: Some(443),
            elsewhere: false,
            text: String::new(),
        }
    }

    #[test]
    fn a_connection_without_an_answer_is_where_the_client_hangs() {
        let mut a = Attempt::default();
        a.events.push(event(LogEventKind::Connecting { address: None }, "login.microsoftonline.com"));
        assert_eq!(a.last_connecting().and_then(|e| e.host.as_deref()), Some("login.microsoftonline.com"));
        a.events.push(event(
            LogEventKind::HttpResponse {
                method: "GET".to_owned(),
                path: "/".to_owned(),
                status: 200,
                duration_ms: None,
                bytes: None,
                request_id: None,
            },
            "login.microsoftonline.com",
        ));
        assert_eq!(a.last_connecting(), None);
        assert_eq!(a.hosts_answered(), vec![("login.microsoftonline.com", 1)]);
    }

    #[test]
    fn the_clients_clock_is_compared_with_the_server_stamp_just_before() {
        let mut facts = LogFacts::default();
        let mut a = Attempt::default();
        let t = |s| Timestamp::from_parts(s, 0);
        for (server, client) in [(100, 403), (200, 501)] {
            a.events.push(event(LogEventKind::ServerDate { date: t(server) }, "h"));
            let mut e = event(LogEventKind::TokenReceived, "h");
            e.time = Some(t(client));
            a.events.push(e);
        }
        facts.attempts.push(a);
        assert_eq!(facts.client_ahead_nanos(), Some(301_000_000_000));
    }
}
