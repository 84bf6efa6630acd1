//! The text report for a terminal.
