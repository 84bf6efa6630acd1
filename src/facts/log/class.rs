//! Causes of failures as logs tell them: codes that depend on neither language nor version of the client.

/// The cause of a failure, independent of the language and wording of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The server's certificate was not accepted.
    CertificateUntrusted(TrustFault),
    /// The client's own file of trusted certificates, or another that its TLS needs, cannot be opened: no packet was sent.
    CaBundleBroken,
    /// The peer closed the connection during the TLS handshake.
    TlsEof,
    /// No common TLS version or algorithm.
    TlsVersion,
    /// The peer sent another TLS alert; its number (RFC 8446 section 6), where the text names it.
    TlsAlert(Option<u8>),
    /// What answered does not speak TLS.
    TlsNotSpoken,
    /// The TLS handshake failed, the text does not say how.
    TlsOther,
    /// Certificate revocation could not be checked.
    RevocationUnavailable,
    /// The connection was reset by the peer or by something on the way.
    ConnectionReset,
    /// The connection was closed in an orderly way without an answer.
    ConnectionClosed,
    /// The connection was refused.
    ConnectionRefused,
    /// Nothing answered the attempt to connect.
    ConnectTimeout,
    /// The connection stood, no answer came.
    ReadTimeout,
    /// A time limit ran out, the text does not say in which phase.
    Timeout,
    /// The name could not be resolved.
    NameNotResolved(NameFault),
    /// The proxy answered CONNECT with this status.
    ProxyStatus(u16),
    /// The proxy itself could not be reached.
    ProxyUnreachable(ProxyFault),
    /// The name of the proxy could not be resolved.
    ProxyNameNotResolved,
    /// A failure at the proxy, the text does not say which.
    ProxyOther,
    /// No route to the network or host.
    NetworkUnreachable,
    /// Something on the client itself (firewall, security product) forbade the connection.
    BlockedLocally,
    /// The clock of the client is wrong.
    ClockSkew,
    /// The token cache cannot be read.
    CacheDamaged,
    /// The authority's metadata was not what it should be (wrong tenant, or a page in between answered).
    AuthorityDiscovery,
    /// The leg through the browser failed (loopback redirect, embedded window).
    BrowserLeg,
    /// The Windows broker failed.
    Broker(BrokerFault),
    /// The user gave up.
    UserCancelled,
    /// Entra ID answered with this error: the network path to it works.
    Aadsts(u32),
    /// Entra ID or another service answered with an OAuth error that has no AADSTS number.
    OAuth,
    /// A service answered with this HTTP status.
    HttpStatus(u16),
    /// An answer with this HTTP status, where it shows, and nothing that tells whether the service gave it or a proxy in its
    /// place.
    AnswerUnplaced(Option<u16>),
    /// A page that refuses came in place of the service's answer.
    BlockPage,
    /// A captive portal answered in the service's place.
    CaptivePortal,
    /// A page came in place of the service's answer; who wrote it does not show.
    ForeignPage,
    /// The connection could not be made, the text does not say how.
    ConnectOther,
    /// An error without a known cause.
    Other,
}

/// Why a certificate was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrustFault {
    /// The issuer is unknown to the client, and was not sent (`unable to get local issuer certificate`).
    UnknownIssuer,
    /// The chain that was sent ends in a root that the client does not trust.
    SelfSignedInChain,
    /// The certificate itself is self-signed.
    SelfSigned,
    /// Past its validity.
    Expired,
    /// Before its validity.
    NotYetValid,
    /// Made out to another name.
    NameMismatch,
    /// CA certificate without authorityKeyIdentifier, refused by Python 3.13 and later.
    MissingAuthorityKeyId,
    /// CA certificate without subjectKeyIdentifier, refused by Python 3.13 and later.
    MissingSubjectKeyId,
    /// CA certificate whose basicConstraints are missing or not critical, refused by Python 3.13 and later.
    BasicConstraints,
    /// Key or signature too weak.
    Weak,
    /// Revoked.
    Revoked,
    /// The text does not say.
    Unspecified,
}

/// Why a name was not resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameFault {
    /// The resolver said that the name does not exist, or has no address.
    NotFound,
    /// The resolver failed, refused, or did not answer.
    Temporary,
    /// The text does not say.
    Unspecified,
}

/// Why a proxy could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyFault {
    /// Connection refused.
    Refused,
    /// No answer.
    Timeout,
    /// Reset or closed.
    Reset,
    /// No route.
    NoRoute,
    /// It was spoken to in TLS, and its certificate was not accepted.
    Certificate,
    /// It was spoken to in TLS, and closed or answered something else.
    Tls,
    /// The text does not say.
    Unspecified,
}

/// Why the Windows broker failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BrokerFault {
    /// It reached no network: server or proxy not found.
    NoNetwork,
    /// The name could not be resolved.
    NameNotResolved,
    /// It could not connect.
    CannotConnect,
    /// It ran out of time.
    Timeout,
    /// The connection was broken off.
    ConnectionAborted,
    /// TLS failed.
    TlsFailure,
    /// The user has to do something; not a fault of the network.
    InteractionRequired,
    /// The user closed the window.
    UserCancelled,
    /// Entra ID refused the grant.
    ServerRefused,
    /// Anything else.
    Unspecified,
}

impl ErrorClass {
    /// Stable code, `snake_case`, with the detail behind a colon where there is one.
    pub fn code(self) -> String {
        let plain = match self {
            ErrorClass::CertificateUntrusted(f) => return format!("certificate_untrusted:{}", f.code()),
            ErrorClass::NameNotResolved(f) => return format!("name_not_resolved:{}", f.code()),
            ErrorClass::ProxyStatus(s) => return format!("proxy_status:{s}"),
            ErrorClass::ProxyUnreachable(f) => return format!("proxy_unreachable:{}", f.code()),
            ErrorClass::Broker(f) => return format!("broker:{}", f.code()),
            ErrorClass::Aadsts(code) => return format!("aadsts:{code}"),
            ErrorClass::HttpStatus(s) => return format!("http_status:{s}"),
            ErrorClass::AnswerUnplaced(Some(s)) => return format!("answer_unplaced:{s}"),
            ErrorClass::AnswerUnplaced(None) => "answer_unplaced",
            ErrorClass::TlsAlert(Some(n)) => return format!("tls_alert:{n}"),
            ErrorClass::TlsAlert(None) => "tls_alert",
            ErrorClass::CaBundleBroken => "ca_bundle_broken",
            ErrorClass::TlsEof => "tls_eof",
            ErrorClass::TlsVersion => "tls_version",
            ErrorClass::TlsNotSpoken => "tls_not_spoken",
            ErrorClass::TlsOther => "tls_other",
            ErrorClass::RevocationUnavailable => "revocation_unavailable",
            ErrorClass::ConnectionReset => "connection_reset",
            ErrorClass::ConnectionClosed => "connection_closed",
            ErrorClass::ConnectionRefused => "connection_refused",
            ErrorClass::ConnectTimeout => "connect_timeout",
            ErrorClass::ReadTimeout => "read_timeout",
            ErrorClass::Timeout => "timeout",
            ErrorClass::ProxyNameNotResolved => "proxy_name_not_resolved",
            ErrorClass::ProxyOther => "proxy_other",
            ErrorClass::NetworkUnreachable => "network_unreachable",
            ErrorClass::BlockedLocally => "blocked_locally",
            ErrorClass::ClockSkew => "clock_skew",
            ErrorClass::CacheDamaged => "cache_damaged",
            ErrorClass::AuthorityDiscovery => "authority_discovery",
            ErrorClass::BrowserLeg => "browser_leg",
            ErrorClass::UserCancelled => "user_cancelled",
            ErrorClass::OAuth => "oauth",
            ErrorClass::BlockPage => "block_page",
            ErrorClass::CaptivePortal => "captive_portal",
            ErrorClass::ForeignPage => "foreign_page",
            ErrorClass::ConnectOther => "connect_other",
            ErrorClass::Other => "other",
        };
        plain.to_owned()
    }

    /// True where the text alone already says that packets were lost, refused or tampered with on the way.
    pub fn is_network(self) -> bool {
        match self {
            ErrorClass::CertificateUntrusted(_)
            | ErrorClass::TlsEof
            | ErrorClass::TlsVersion
            | ErrorClass::TlsAlert(_)
            | ErrorClass::TlsNotSpoken
            | ErrorClass::TlsOther
            | ErrorClass::RevocationUnavailable
            | ErrorClass::ConnectionReset
            | ErrorClass::ConnectionClosed
            | ErrorClass::ConnectionRefused
            | ErrorClass::ConnectTimeout
            | ErrorClass::ReadTimeout
            | ErrorClass::Timeout
            | ErrorClass::NameNotResolved(_)
            | ErrorClass::ProxyStatus(_)
            | ErrorClass::ProxyUnreachable(_)
            | ErrorClass::ProxyNameNotResolved
            | ErrorClass::ProxyOther
            | ErrorClass::NetworkUnreachable
            | ErrorClass::AnswerUnplaced(_)
            | ErrorClass::BlockPage
            | ErrorClass::CaptivePortal
            | ErrorClass::ForeignPage
            | ErrorClass::ConnectOther => true,
            ErrorClass::Broker(f) => matches!(
                f,
                BrokerFault::NoNetwork
                    | BrokerFault::NameNotResolved
                    | BrokerFault::CannotConnect
                    | BrokerFault::Timeout
                    | BrokerFault::ConnectionAborted
                    | BrokerFault::TlsFailure
            ),
            ErrorClass::CaBundleBroken
            | ErrorClass::BlockedLocally
            | ErrorClass::ClockSkew
            | ErrorClass::CacheDamaged
            | ErrorClass::AuthorityDiscovery
            | ErrorClass::BrowserLeg
            | ErrorClass::UserCancelled
            | ErrorClass::Aadsts(_)
            | ErrorClass::OAuth
            | ErrorClass::HttpStatus(_)
            | ErrorClass::Other => false,
        }
    }

    /// True where the failure lies between client and proxy, or is the proxy's own answer.
    pub fn is_proxy(self) -> bool {
        matches!(
            self,
            ErrorClass::ProxyStatus(_)
                | ErrorClass::ProxyUnreachable(_)
                | ErrorClass::ProxyNameNotResolved
                | ErrorClass::ProxyOther
        )
    }

    /// True where the failure is one of making a connection, before anything was sent.
    pub fn is_connecting(self) -> bool {
        matches!(
            self,
            ErrorClass::ConnectionRefused
                | ErrorClass::ConnectTimeout
                | ErrorClass::NameNotResolved(_)
                | ErrorClass::NetworkUnreachable
        )
    }

    /// True for failures that only a connection that is just being made has.
    pub fn is_of_a_new_connection(self) -> bool {
        self.is_connecting() || matches!(self, ErrorClass::CertificateUntrusted(_))
    }

    /// True where a service answered, so that the path to it works and the cause is policy, account or setting.
    pub fn is_answer(self) -> bool {
        matches!(self, ErrorClass::Aadsts(_) | ErrorClass::OAuth | ErrorClass::HttpStatus(_))
    }
}

impl TrustFault {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            TrustFault::UnknownIssuer => "unknown_issuer",
            TrustFault::SelfSignedInChain => "self_signed_in_chain",
            TrustFault::SelfSigned => "self_signed",
            TrustFault::Expired => "expired",
            TrustFault::NotYetValid => "not_yet_valid",
            TrustFault::NameMismatch => "name_mismatch",
            TrustFault::MissingAuthorityKeyId => "missing_authority_key_id",
            TrustFault::MissingSubjectKeyId => "missing_subject_key_id",
            TrustFault::BasicConstraints => "basic_constraints",
            TrustFault::Weak => "weak",
            TrustFault::Revoked => "revoked",
            TrustFault::Unspecified => "unspecified",
        }
    }
}

impl NameFault {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            NameFault::NotFound => "not_found",
            NameFault::Temporary => "temporary",
            NameFault::Unspecified => "unspecified",
        }
    }
}

impl ProxyFault {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            ProxyFault::Refused => "refused",
            ProxyFault::Timeout => "timeout",
            ProxyFault::Reset => "reset",
            ProxyFault::NoRoute => "no_route",
            ProxyFault::Certificate => "certificate",
            ProxyFault::Tls => "tls",
            ProxyFault::Unspecified => "unspecified",
        }
    }
}

impl BrokerFault {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            BrokerFault::NoNetwork => "no_network",
            BrokerFault::NameNotResolved => "name_not_resolved",
            BrokerFault::CannotConnect => "cannot_connect",
            BrokerFault::Timeout => "timeout",
            BrokerFault::ConnectionAborted => "connection_aborted",
            BrokerFault::TlsFailure => "tls_failure",
            BrokerFault::InteractionRequired => "interaction_required",
            BrokerFault::UserCancelled => "user_cancelled",
            BrokerFault::ServerRefused => "server_refused",
            BrokerFault::Unspecified => "unspecified",
        }
    }
}
