//! The findings that stand for verdicts: the list of their rules.

use super::Rule;

/// The rules of this family, worst stage first.
pub(super) static RULES: &[&Rule] = &[
    &super::dns_failure::RULE,
    &super::dns_sinkhole::RULE,
    &super::syn_no_answer::RULE,
    &super::refused::RULE,
    &super::icmp_unreachable::RULE,
    &super::reset_after_client_hello::RULE,
    &super::silent_after_client_hello::RULE,
    &super::reset_mid_handshake::RULE,
    &super::closed_before_server_hello::RULE,
    &super::stalled_mid_handshake::RULE,
    &super::tls_alert::RULE,
    &super::tls_legacy::RULE,
    &super::intercepted::RULE,
    &super::cert_invalid::RULE,
    &super::proxy_denied::RULE,
    &super::proxy_auth_required::RULE,
    &super::proxy_upstream_error::RULE,
    &super::proxy_no_response::RULE,
    &super::block_page::RULE,
    &super::captive_portal::RULE,
    &super::degraded::RULE,
    &super::ended_by_client::RULE,
    &super::inconclusive::RULE,
];
