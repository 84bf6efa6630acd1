//! Facts of an export of the Entra sign-in log: what the service itself recorded.

use crate::problem::Problems;
use crate::time::Timestamp;

/// Everything read from one export of the Entra sign-in log.
#[derive(Debug, Clone, Default)]
pub struct SigninFacts {
    /// `json` or `csv`.
    pub format: &'static str,
    /// How the bytes were encoded.
    pub encoding: String,
    /// Sign-ins, by time.
    pub entries: Vec<SigninEntry>,
    /// Entries beyond the limit, only counted.
    pub entries_left_out: u64,
    /// What could not be read.
    pub problems: Problems,
}

/// One sign-in as Entra ID recorded it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigninEntry {
    /// When (clock of Entra ID).
    pub time: Option<Timestamp>,
    /// Correlation id: the client's own.
    pub correlation_id: Option<String>,
    /// Request id: `Trace ID` of an error text.
    pub request_id: Option<String>,
    /// User (principal name, else display name), or the service principal's name.
    pub user: Option<String>,
    /// Application.
    pub app: Option<String>,
    /// Application id.
    pub app_id: Option<String>,
    /// Resource asked for.
    pub resource: Option<String>,
    /// Address that Entra ID saw.
    pub ip: Option<std::net::IpAddr>,
    /// AADSTS number; 0 = success.
    pub status: Option<u32>,
    /// Failure reason, as exported.
    pub failure_reason: Option<String>,
    /// Tenant id.
    pub tenant: Option<String>,
    /// Client app (`Browser`, `Mobile Apps and Desktop clients`).
    pub client_app: Option<String>,
    /// User agent.
    pub user_agent: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Conditional Access result.
    pub conditional_access: Option<String>,
    /// Entra ID marked the sign-in as using an old TLS version.
    pub legacy_tls: bool,
    /// Interactive or not, where the export says it.
    pub interactive: Option<bool>,
}

impl SigninEntry {
    /// Whether it succeeded, where the export says it.
    pub fn succeeded(&self) -> Option<bool> {
        self.status.map(|s| s == 0)
    }
}

impl SigninFacts {
    /// The entry with this correlation or request id (ids compare without case).
    pub fn by_id(&self, id: &str) -> Option<&SigninEntry> {
        self.entries.iter().find(|e| {
            [&e.request_id, &e.correlation_id].into_iter().flatten().any(|have| have.eq_ignore_ascii_case(id))
        })
    }
}
