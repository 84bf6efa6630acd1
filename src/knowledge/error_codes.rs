//! AADSTS, OAuth and WAM codes: types and look-ups.
//!
//! An AADSTS code, whatever its number, proves that a request reached Entra and the answer came back: network and TLS to
//! the authority worked for that request. Microsoft may change codes and texts at any time; they are evidence to show,
//! not the only ground of a verdict.

mod table;

use super::Source;
use crate::lang::Text;
use table::ERROR_CODES;

/// What a code has to do with the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetworkRelevance {
    /// The network path is the subject.
    Direct,
    /// The network path can cause or influence it.
    Possible,
    /// The network of the service, or of a published CRL.
    ServiceSide,
    /// The network of an agent in the customer's data centre.
    AgentSide,
    /// Look elsewhere.
    None,
}

/// One AADSTS code.
#[derive(Debug, Clone, Copy)]
pub struct ErrorCode {
    /// Number behind "AADSTS".
    pub number: u32,
    /// Microsoft's symbol; empty where none is published.
    pub symbol: &'static str,
    /// What it says.
    pub meaning: Text,
    /// What it has to do with the network.
    pub relevance: NetworkRelevance,
    /// What to do next, where that can be said.
    pub next_step: Option<Text>,
    /// Where this is written.
    pub source: &'static Source,
}

impl ErrorCode {
    /// Microsoft's own page for the code.
    pub fn link(&self) -> String {
        format!("https://login.microsoftonline.com/error?code={}", self.number)
    }
}

/// The entry of an AADSTS code.
pub fn error_code(aadsts: u32) -> Option<&'static ErrorCode> {
    let at = ERROR_CODES.binary_search_by_key(&aadsts, |c| c.number).ok()?;
    ERROR_CODES.get(at)
}

/// An OAuth error word (RFC 6749 5.2, RFC 8628 3.5, OpenID Connect).
#[derive(Debug, Clone, Copy)]
pub struct OauthError {
    /// The word.
    pub error: &'static str,
    /// What it says.
    pub meaning: Text,
}

const fn oauth(error: &'static str, en: &'static str, ja: &'static str) -> OauthError {
    OauthError { error, meaning: Text { en, ja } }
}

/// The table of OAuth words.
static OAUTH_ERRORS: &[OauthError] = &[
    oauth("authorization_pending", "device code polling, normal", "デバイス コードのポーリング中 (正常)"),
    oauth("interaction_required", "policy wants interaction", "ポリシーが対話操作を要求している"),
    oauth("invalid_grant", "code or refresh token cannot be used", "コードまたは更新トークンが使えない"),
    oauth("invalid_client", "credential of the application", "アプリケーションの資格情報の問題"),
    oauth("temporarily_unavailable", "retry", "再試行する"),
    oauth(
        "unauthorized_client",
        "application not allowed or not found",
        "アプリケーションが許可されていない、または存在しない",
    ),
    oauth("invalid_request", "protocol error", "プロトコルの誤り"),
    oauth("invalid_resource", "resource unknown in the tenant", "テナントに存在しないリソース"),
    oauth(
        "unsupported_grant_type",
        "the endpoint does not support the grant",
        "エンドポイントがこの許可をサポートしていない",
    ),
];

/// The entry of an OAuth error word.
pub fn oauth_error(word: &str) -> Option<&'static OauthError> {
    OAUTH_ERRORS.iter().find(|e| e.error == word)
}

/// A code of the Web Account Manager (the Windows broker).
#[derive(Debug, Clone, Copy)]
pub struct WamCode {
    /// The code as unsigned 32 bits; logs print it in decimal or hex.
    pub code: u32,
    /// Status that goes with it; empty where not known.
    pub status: &'static str,
    /// What it says.
    pub meaning: Text,
    /// It speaks of the network.
    pub network: bool,
    /// Where this is written.
    pub source: &'static Source,
}

const MSAL_4385: Source = Source { title: "AzureAD/microsoft-authentication-library-for-dotnet #4385", date: "2023" };
const CLI_29881: Source = Source { title: "Azure/azure-cli #29881", date: "2024" };
const CLI_29127: Source = Source { title: "Azure/azure-cli #29127", date: "2024" };

/// The table of WAM codes.
static WAM_CODES: &[WamCode] = &[
    WamCode {
        code: 0xCAA7_0004,
        status: "NoNetwork",
        meaning: Text {
            en: "the broker found neither server nor proxy",
            ja: "ブローカーがサーバーまたはプロキシを見つけられない",
        },
        network: true,
        source: &MSAL_4385,
    },
    WamCode {
        code: 0xCAA2_000C,
        status: "InteractionRequired",
        meaning: Text {
            en: "the broker needs the user", ja: "ブローカーがユーザーの操作を必要としている"
        },
        network: false,
        source: &CLI_29881,
    },
    WamCode {
        code: 0xCAA2_0003,
        status: "",
        meaning: Text {
            en: "seen in threads, not explained there", ja: "スレッドで報告されているが説明はない"
        },
        network: false,
        source: &CLI_29127,
    },
];

/// The entry of a WAM code.
pub fn wam_code(code: u32) -> Option<&'static WamCode> {
    WAM_CODES.iter().find(|w| w.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_in_both_languages() {
        assert!(ERROR_CODES.windows(2).all(|w| w[0].number < w[1].number));
        for c in ERROR_CODES {
            assert!(!c.meaning.en.is_empty() && !c.meaning.ja.is_empty(), "{}", c.number);
            assert!(!c.meaning.ja.is_ascii(), "{}", c.number);
        }
        assert!(ERROR_CODES.len() > 150);
    }

    #[test]
    fn codes_are_found() {
        let c = error_code(1_002_016).unwrap();
        assert_eq!(c.relevance, NetworkRelevance::Direct);
        assert!(c.link().ends_with("code=1002016"));
        assert_eq!(error_code(53003).unwrap().symbol, "BlockedByConditionalAccess");
        assert!(error_code(0).is_none() && error_code(u32::MAX).is_none());
        assert!(wam_code(3_399_942_148).unwrap().network);
        assert!(oauth_error("invalid_grant").is_some() && oauth_error("").is_none());
    }
}
