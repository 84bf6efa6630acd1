//! Whose certificates the programs of the clients went on with.
//!
//! What enters: the case. What leaves: [`Vouched`]: whether a program of a client sent data behind a certificate of an
//! issuer, at whatever host. Guaranteed: linear in the connections.

use super::Case;
use crate::facts::TlsSession;
use std::collections::HashSet;
use std::net::IpAddr;

/// The last version that shows certificates, and in which the type of a record tells data.
const TLS_1_2: u16 = 0x0303;

/// A client, its [`Program`](crate::facts::Program), and the issuer.
type Key = (IpAddr, Vec<String>, Vec<u16>, u16, String);

/// The issuers whose certificates programs went on with.
#[derive(Debug)]
pub struct Vouched {
    accepted: HashSet<Key>,
}

impl Vouched {
    /// Of all captures.
    pub(super) fn of(case: &Case) -> Vouched {
        let flows = case.captures().flat_map(|(_, capture)| &capture.flows);
        let sessions = flows.flat_map(|flow| flow.app.tls.iter().map(|session| (flow.ends.client.ip(), session)));
        let accepted = sessions.filter(|(_, s)| sends_data(s)).filter_map(|(client, s)| key(client, s)).collect();
        Vouched { accepted }
    }

    /// Whether the program of that session went on with a certificate of the same issuer.
    pub fn is_accepted(&self, client: IpAddr, session: &TlsSession) -> bool {
        key(client, session).is_some_and(|key| self.accepted.contains(&key))
    }
}

fn sends_data(session: &TlsSession) -> bool {
    let shown = session.server_hellos.last().is_some_and(|hello| hello.version <= TLS_1_2);
    shown && session.complete.is_some() && session.encrypted.first().is_some_and(|c| c.application_records > 0)
}

fn key(client: IpAddr, session: &TlsSession) -> Option<Key> {
    let (alpn, cipher_suites, version) = session.client_hellos.first()?.program();
    let leaf = session.certificates.first().filter(|leaf| leaf.parse_error.is_none())?;
    Some((client, alpn.to_vec(), cipher_suites.to_vec(), version, leaf.issuer.clone()))
}
