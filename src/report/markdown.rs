//! The Markdown report, to paste into a ticket.
