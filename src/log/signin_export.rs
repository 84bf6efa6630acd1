//! Exports of the Entra sign-in log: portal JSON, portal CSV (English and Japanese), Graph `auditLogs/signIns`.

use crate::facts::log::SigninFacts;

/// Reads an export; `None` for other text.
pub fn read(text: &str) -> Option<SigninFacts> {
    let _ = text;
    None
}
