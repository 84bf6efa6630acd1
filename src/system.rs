//! NetTrace.cab's text files → facts: interfaces, resolvers, routes, processes, time zone.

use crate::facts::system::SystemFacts;

/// Reads one system file; `None` where its name and content are of none that is known.
pub fn read(_name: &str, _bytes: &[u8]) -> Option<SystemFacts> {
    None
}
