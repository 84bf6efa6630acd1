//! What was answered in an attempt, what stands behind it without a place, and whose attempt it was.
//!
//! What enters: an attempt with its events. What leaves: whether an event is a service's answer, whether a failure can be
//! placed, and the tool, where one is known. Total.

use super::{Attempt, Dialect, LogEvent, LogEventKind};

impl LogEventKind {
    /// Whether it is the answer of a service, and not of a proxy on the way to it.
    pub fn is_answer(&self) -> bool {
        matches!(self, LogEventKind::HttpResponse { method, status, .. } if method != "CONNECT" && *status != 407)
    }
}

impl Attempt {
    /// The dialect, where it tells which tool wrote the log.
    pub fn tool(&self) -> Option<Dialect> {
        (!self.by_library || !self.command.is_empty()).then_some(self.dialect)
    }

    /// Whether nothing tells where `event` happened: it names no host, and no host was turned to before it that has not
    /// answered since.
    pub fn is_unplaced(&self, event: &LogEvent) -> bool {
        let before = self.events.iter().take_while(|e| !std::ptr::eq(*e, event));
        let is_open = before.filter(|e| e.host.is_some()).last().is_some_and(|e| !e.kind.is_answer());
        event.host.is_none() && (event.elsewhere || !is_open)
    }
}
