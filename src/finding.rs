//! Findings: rules, and the list of them.
