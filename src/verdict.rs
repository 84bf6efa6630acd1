//! The story of a host → one verdict with its proof.
//!
//! What enters: a [`crate::case::HostStory`]. What leaves: [`HostVerdict`]. Each attempt is judged by itself
//! ([`attempt`]), then the attempts of each way (direct, each proxy) are weighed, then the ways.

pub mod again;
pub mod agents;
mod answers;
pub mod attempt;
pub mod breaker;
pub mod certificate;
pub mod clients;
pub mod dns;
mod farm;
pub mod host;
mod inspection;
pub mod leading;
pub mod log;
mod old;
mod open;
mod page;
mod parting;
mod proxy;
pub mod scene;
#[cfg(test)]
mod scenes;
mod slow;
mod stopped;
pub mod tls;

use crate::case::{Case, HostStory};
use crate::lang::Text;

pub use host::HostVerdict;
pub use scene::{Detail, Judged, Proof, Stage, reached};
pub use slow::Slow;

/// Judges a host by packets and logs. `None` where neither says anything.
pub fn judge_host(case: &Case, host: &HostStory) -> Option<HostVerdict> {
    let mut verdict = log::judge_host(case, host)?;
    again::made_good(case, host, &mut verdict);
    Some(verdict)
}

/// How sure a verdict or finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Confidence {
    /// Frames or log lines show it.
    #[default]
    Observed,
    /// Concluded from what is visible.
    Inferred,
}

impl Confidence {
    /// The word of the contract.
    pub fn code(self) -> &'static str {
        match self {
            Confidence::Observed => "observed",
            Confidence::Inferred => "inferred",
        }
    }
}

/// What became of a host: the words of the contract, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Verdict {
    /// Reached.
    Ok,
    /// Reached in the end, but part of the way failed.
    Degraded,
    /// The evidence cannot tell.
    #[default]
    Inconclusive,
    /// A genuine certificate that the client cannot accept.
    CertInvalid,
    /// A proxy or appliance terminates TLS in the middle.
    Intercepted,
    /// TLS 1.0/1.1 is all that is offered, or what was negotiated.
    TlsLegacy,
    /// A TLS alert ended the handshake.
    TlsAlert,
    /// The name did not resolve.
    DnsFailure,
    /// The name resolved to an address that cannot be the service.
    DnsSinkhole,
    /// SYNs without any answer.
    SynNoAnswer,
    /// RST in answer to the SYN.
    Refused,
    /// ICMP says that it cannot be reached.
    IcmpUnreachable,
    /// RST once the ClientHello was sent.
    ResetAfterClientHello,
    /// Nothing came back for the ClientHello.
    SilentAfterClientHello,
    /// RST after the ServerHello, before the handshake completed.
    ResetMidHandshake,
    /// Orderly close instead of a ServerHello.
    ClosedBeforeServerHello,
    /// The handshake began and stopped for want of packets.
    StalledMidHandshake,
    /// The proxy refused the CONNECT.
    ProxyDenied,
    /// The proxy wants credentials that the client never gave.
    ProxyAuthRequired,
    /// The proxy could not reach the host itself.
    ProxyUpstreamError,
    /// The proxy took the CONNECT and closed or stayed silent.
    ProxyNoResponse,
    /// A block page answered in the host's place.
    BlockPage,
    /// A captive portal answered in the host's place.
    CaptivePortal,
}

impl Verdict {
    /// Every verdict, in the order of the contract's table.
    pub const ALL: [Verdict; 23] = [
        Verdict::Ok,
        Verdict::Degraded,
        Verdict::DnsFailure,
        Verdict::DnsSinkhole,
        Verdict::SynNoAnswer,
        Verdict::Refused,
        Verdict::IcmpUnreachable,
        Verdict::ResetAfterClientHello,
        Verdict::SilentAfterClientHello,
        Verdict::ResetMidHandshake,
        Verdict::ClosedBeforeServerHello,
        Verdict::StalledMidHandshake,
        Verdict::TlsAlert,
        Verdict::TlsLegacy,
        Verdict::Intercepted,
        Verdict::CertInvalid,
        Verdict::ProxyDenied,
        Verdict::ProxyAuthRequired,
        Verdict::ProxyUpstreamError,
        Verdict::ProxyNoResponse,
        Verdict::BlockPage,
        Verdict::CaptivePortal,
        Verdict::Inconclusive,
    ];

    /// The word of the contract.
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Degraded => "degraded",
            Verdict::Inconclusive => "inconclusive",
            Verdict::CertInvalid => "cert_invalid",
            Verdict::Intercepted => "intercepted",
            Verdict::TlsLegacy => "tls_legacy",
            Verdict::TlsAlert => "tls_alert",
            Verdict::DnsFailure => "dns_failure",
            Verdict::DnsSinkhole => "dns_sinkhole",
            Verdict::SynNoAnswer => "syn_no_answer",
            Verdict::Refused => "refused",
            Verdict::IcmpUnreachable => "icmp_unreachable",
            Verdict::ResetAfterClientHello => "reset_after_client_hello",
            Verdict::SilentAfterClientHello => "silent_after_client_hello",
            Verdict::ResetMidHandshake => "reset_mid_handshake",
            Verdict::ClosedBeforeServerHello => "closed_before_server_hello",
            Verdict::StalledMidHandshake => "stalled_mid_handshake",
            Verdict::ProxyDenied => "proxy_denied",
            Verdict::ProxyAuthRequired => "proxy_auth_required",
            Verdict::ProxyUpstreamError => "proxy_upstream_error",
            Verdict::ProxyNoResponse => "proxy_no_response",
            Verdict::BlockPage => "block_page",
            Verdict::CaptivePortal => "captive_portal",
        }
    }

    /// The host was reached.
    pub fn is_good(self) -> bool {
        matches!(self, Verdict::Ok | Verdict::Degraded)
    }

    /// Something stood in the way for sure (neither good nor undecided).
    pub fn is_fault(self) -> bool {
        !self.is_good() && self != Verdict::Inconclusive
    }

    /// Somebody else answered in the place of the host: a certificate that is shown there says nothing of an inspection.
    pub fn is_imposture(self) -> bool {
        matches!(self, Verdict::DnsSinkhole | Verdict::BlockPage | Verdict::CaptivePortal)
    }

    /// A short name for people.
    pub fn title(self) -> Text {
        match self {
            Verdict::Ok => Text { en: "reached", ja: "到達" },
            Verdict::Degraded => Text { en: "reached with trouble", ja: "到達 (一部障害あり)" },
            Verdict::Inconclusive => Text { en: "cannot tell", ja: "判定不能" },
            Verdict::CertInvalid => Text { en: "certificate not acceptable", ja: "証明書が無効" },
            Verdict::Intercepted => Text { en: "TLS intercepted", ja: "TLS が傍受されている" },
            Verdict::TlsLegacy => Text { en: "TLS 1.0/1.1 only", ja: "TLS 1.0/1.1 のみ" },
            Verdict::TlsAlert => Text { en: "TLS alert", ja: "TLS アラート" },
            Verdict::DnsFailure => Text { en: "name not resolved", ja: "名前解決の失敗" },
            Verdict::DnsSinkhole => Text { en: "name points elsewhere", ja: "偽の名前解決 (シンクホール)" },
            Verdict::SynNoAnswer => Text { en: "no answer to SYN", ja: "SYN に応答なし" },
            Verdict::Refused => Text { en: "connection refused", ja: "接続拒否" },
            Verdict::IcmpUnreachable => Text { en: "unreachable (ICMP)", ja: "到達不能 (ICMP)" },
            Verdict::ResetAfterClientHello => Text { en: "reset after ClientHello", ja: "ClientHello の後に RST" },
            Verdict::SilentAfterClientHello => {
                Text { en: "silence after ClientHello", ja: "ClientHello の後に無応答" }
            }
            Verdict::ResetMidHandshake => {
                Text { en: "reset in the TLS handshake", ja: "TLS ハンドシェイク中に RST" }
            }
            Verdict::ClosedBeforeServerHello => {
                Text { en: "closed instead of ServerHello", ja: "ServerHello の前に切断" }
            }
            Verdict::StalledMidHandshake => {
                Text { en: "TLS handshake stalled", ja: "TLS ハンドシェイクが停止" }
            }
            Verdict::ProxyDenied => Text { en: "denied by the proxy", ja: "プロキシが拒否" },
            Verdict::ProxyAuthRequired => Text { en: "proxy wants authentication", ja: "プロキシ認証が必要" },
            Verdict::ProxyUpstreamError => Text { en: "proxy cannot reach it", ja: "プロキシから到達不能" },
            Verdict::ProxyNoResponse => Text { en: "no answer from the proxy", ja: "プロキシが無応答" },
            Verdict::BlockPage => Text { en: "block page", ja: "ブロック ページ" },
            Verdict::CaptivePortal => Text { en: "captive portal", ja: "キャプティブ ポータル" },
        }
    }
}
