//! Who vouches for a host: its own CAs, an interceptor, or nobody that can be seen.
//!
//! Order of the judgement: the certificate authorities that Microsoft's hosts use (by name first, because whoever
//! pins keys calls a renewed CA an interceptor), then known products, then a foreign issuer of unknown make. A
//! company's own PKI on its own hosts is not interception; a certificate that cannot be seen is never called fine.

use crate::facts::{Certificate, TlsSession};
use crate::knowledge::{self, IssuerJudgement};
use crate::lang::Message;
use crate::time::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What the certificates of a session say about who terminates TLS.
#[derive(Debug, Clone, PartialEq)]
pub struct Trust {
    /// Judgement.
    pub kind: TrustKind,
    /// Product, or `unknown (issuer)` where the issuer is foreign and no product is known.
    pub vendor: Option<String>,
    /// Issuer as text.
    pub issuer: String,
    /// Why a certificate with a known issuer name is held for forged, where it is.
    pub forged: Vec<Message>,
}

/// Judgement of `trust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustKind {
    /// An issuer that this host uses.
    Genuine,
    /// An issuer of the right organisation that the list does not know yet.
    NewButPlausible,
    /// Not one of the host's issuers.
    Foreign,
    /// A host for which no issuer is known; nothing speaks against it.
    Unjudged,
}

impl Trust {
    /// Somebody else terminates TLS.
    pub fn is_foreign(&self) -> bool {
        self.kind == TrustKind::Foreign
    }
}

/// Why a genuine certificate is not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFault {
    /// Past its end at the time of the capture.
    Expired,
    /// Before its beginning at the time of the capture (most often the client's clock).
    NotYetValid,
    /// For another name.
    WrongName,
    /// Its key or signature is too weak for the client.
    Weak,
    /// Its issuer revoked it.
    Revoked,
    /// Nothing visible is wrong: the client does not trust the issuer.
    Untrusted,
    /// Nothing visible is wrong, and the client does not say what is.
    NotTold,
}

/// Judgements of the chains that one host showed: a server shows the same ones on every connection.
#[derive(Debug, Default)]
pub struct Trusts {
    /// By the shared certificates of a chain, which live as long as the case.
    known: HashMap<Vec<usize>, Option<Arc<Trust>>>,
}

impl Trusts {
    /// As `trust`, always for the same host.
    pub fn of(&mut self, host: &str, session: &TlsSession) -> Option<Arc<Trust>> {
        let chain = session.certificates.iter().map(|c| Arc::as_ptr(&c.certificate).addr()).collect();
        self.known.entry(chain).or_insert_with(|| trust(host, session).map(Arc::new)).clone()
    }
}

/// Judges the certificates of a session against the host they were shown for.
pub(super) fn trust(host: &str, session: &TlsSession) -> Option<Trust> {
    let leaf = session.certificates.first().filter(|c| c.parse_error.is_none())?;
    let chain: Vec<&Certificate> = session.certificates.iter().map(|presented| &**presented).collect();
    let judgement = knowledge::issuer_of(&chain);
    let microsoft = knowledge::is_microsoft_host(host) || knowledge::is_entra_address(host);
    let foreign =
        if microsoft { judgement.is_interception_for_microsoft() } else { judgement.is_interception_for_others() };
    let kind = match (&judgement, foreign, microsoft) {
        (_, true, _) => TrustKind::Foreign,
        (IssuerJudgement::Known { .. }, false, true) => TrustKind::Genuine,
        (_, false, true) => TrustKind::NewButPlausible,
        (_, false, false) => TrustKind::Unjudged,
    };
    let vendor = foreign.then(|| match judgement.interceptor() {
        Some(product) => product.label(),
        None => format!("unknown ({})", issuer_text(leaf)),
    });
    let forged = match &judgement {
        IssuerJudgement::NameCopied { signs } if foreign => signs.iter().map(|s| s.text().into()).collect(),
        _ => Vec::new(),
    };
    Some(Trust { kind, vendor, issuer: issuer_text(leaf), forged })
}

fn issuer_text(c: &Certificate) -> String {
    c.issuer_cn.clone().or_else(|| c.issuer_o.clone()).unwrap_or_else(|| c.issuer.clone())
}

/// What is wrong with the leaf itself at `when`.
pub fn fault(host: &str, session: &TlsSession, when: Timestamp) -> Option<CertificateFault> {
    let leaf = session.certificates.first().filter(|c| c.parse_error.is_none())?;
    if when > leaf.not_after {
        Some(CertificateFault::Expired)
    } else if when < leaf.not_before {
        Some(CertificateFault::NotYetValid)
    } else if !leaf.names.is_empty()
        // Where only the server's address is known, the client may have asked for any name.
        && host.parse::<IpAddr>().is_err()
        && !leaf.names.iter().any(|n| matches_name(n, host))
    {
        Some(CertificateFault::WrongName)
    } else {
        None
    }
}

/// RFC 6125 6.4: exact, or one wildcard as the whole first label.
pub fn matches_name(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(rest), Some((_, parent))) => rest.eq_ignore_ascii_case(parent),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_label() {
        assert!(matches_name("*.example.com", "a.example.com"));
        assert!(!matches_name("*.example.com", "a.b.example.com"));
        assert!(!matches_name("*.example.com", "example.com"));
        assert!(matches_name("A.example.com", "a.example.COM"));
    }
}
