//! Release table of the Azure CLI, Az.Accounts and Microsoft.Graph, with what changed for the sign-in.
//!
//! Coarse on purpose: it tells how old a version in a log is, and which behaviour to expect of it. It ages; every
//! answer that rests on it must name [`TABLE_DATE`].

use super::Source;
use super::endpoints::Command;
use crate::lang::Text;

/// The table knows nothing that came later.
pub const TABLE_DATE: &str = "2026-08";

const CLI_NOTES: Source =
    Source { title: "MicrosoftDocs/azure-docs-cli release-notes-azure-cli.md", date: "2025-09-02" };
const CLI_TAGS: Source =
    Source { title: "Azure/azure-cli release tags, milestones and pull requests", date: "2026-08" };
const GALLERY: Source = Source { title: "PowerShell Gallery package pages", date: "2026-08" };
const PS_CHANGELOG: Source =
    Source { title: "Azure/azure-powershell src/Accounts/Accounts/ChangeLog.md", date: "2023" };
const MG_RELEASES: Source = Source { title: "microsoftgraph/msgraph-sdk-powershell releases page", date: "2026-02-06" };
const RECALLED: Source = Source { title: "general knowledge, not verified", date: "2026-11" };

/// A version as its numbers; missing parts are zero.
pub type Version = (u32, u32, u32);

/// One release.
#[derive(Debug, Clone, Copy)]
pub struct Release {
    /// The command that the product belongs to.
    pub product: Command,
    /// Version.
    pub version: Version,
    /// Date (year-month-day, or a part of it).
    pub date: &'static str,
    /// What changed for the sign-in, where something did.
    pub change: Option<Text>,
    /// Where this is written.
    pub source: &'static Source,
}

const fn row(product: Command, version: Version, date: &'static str, source: &'static Source) -> Release {
    Release { product, version, date, change: None, source }
}

impl Release {
    const fn change(mut self, en: &'static str, ja: &'static str) -> Release {
        self.change = Some(Text { en, ja });
        self
    }
}

use Command::{AzLogin, ConnectAzAccount, ConnectMgGraph};

/// By product, then version.
pub static RELEASES: &[Release] = &[
    row(AzLogin, (2, 30, 0), "2021-11", &RECALLED).change("MSAL replaces ADAL", "ADAL に代わって MSAL を使う"),
    row(AzLogin, (2, 52, 0), "2023-09-05", &CLI_TAGS),
    row(AzLogin, (2, 61, 0), "2024-05-21", &CLI_TAGS).change(
        "the Windows broker (WAM) is the default on Windows, and tenants and subscriptions are chosen at sign-in",
        "Windows では認証ブローカー (WAM) が既定になり、サインイン時にテナントとサブスクリプションを選ぶ",
    ),
    row(AzLogin, (2, 62, 0), "2024-07-02", &CLI_TAGS),
    row(AzLogin, (2, 73, 0), "2025-05-20", &CLI_NOTES),
    row(AzLogin, (2, 74, 0), "2025-06-03", &CLI_NOTES),
    row(AzLogin, (2, 75, 0), "2025-07-01", &CLI_NOTES),
    row(AzLogin, (2, 76, 0), "2025-08-05", &CLI_NOTES)
        .change("az login takes --claims-challenge", "az login が --claims-challenge を受け付ける"),
    row(AzLogin, (2, 77, 0), "2025-09-02", &CLI_NOTES).change(
        "embedded Python 3.13: it refuses CA certificates without critical basicConstraints or without key identifiers",
        "同梱 Python が 3.13 になり、basicConstraints が critical でない CA 証明書や鍵識別子のない証明書を拒否する",
    ),
    row(AzLogin, (2, 81, 0), "2025-12", &CLI_TAGS),
    row(AzLogin, (2, 88, 0), "2026-06-30", &CLI_TAGS),
    row(AzLogin, (2, 89, 0), "2026-08-04", &CLI_TAGS),
    row(AzLogin, (2, 89, 1), "2026-08-12", &CLI_TAGS),
    row(ConnectAzAccount, (1, 9, 0), "2020-06", &PS_CHANGELOG)
        .change("reads the list of clouds from Resource Manager", "Resource Manager からクラウド一覧を取得する"),
    row(ConnectAzAccount, (2, 1, 0), "2020-10", &PS_CHANGELOG)
        .change("MSAL replaces ADAL", "ADAL に代わって MSAL を使う"),
    row(ConnectAzAccount, (2, 2, 3), "2020-12", &PS_CHANGELOG).change(
        "the HTTP proxy is respected in Windows PowerShell again",
        "Windows PowerShell で HTTP プロキシの設定が再び有効になる",
    ),
    row(ConnectAzAccount, (2, 10, 2), "2022-10", &PS_CHANGELOG)
        .change("the German cloud is removed", "ドイツ クラウドが削除された"),
    row(ConnectAzAccount, (2, 15, 0), "2024-01", &GALLERY),
    row(ConnectAzAccount, (3, 0, 0), "2024-05-21", &RECALLED)
        .change("the Windows broker (WAM) is the default on Windows", "Windows では認証ブローカー (WAM) が既定になる"),
    row(ConnectAzAccount, (3, 0, 5), "2024-10", &GALLERY),
    row(ConnectAzAccount, (4, 0, 0), "2024-11", &GALLERY),
    row(ConnectAzAccount, (5, 4, 0), "2026", &GALLERY),
    row(ConnectAzAccount, (5, 5, 2), "2026", &GALLERY),
    row(ConnectAzAccount, (5, 5, 4), "2026", &GALLERY),
    row(ConnectMgGraph, (1, 12, 0), "2022-09", &RECALLED),
    row(ConnectMgGraph, (2, 0, 0), "2023-07", &RECALLED),
    row(ConnectMgGraph, (2, 3, 0), "2023-08", &GALLERY),
    row(ConnectMgGraph, (2, 29, 0), "2025-07-11", &MG_RELEASES),
    row(ConnectMgGraph, (2, 30, 0), "2025-08-18", &MG_RELEASES),
    row(ConnectMgGraph, (2, 31, 0), "2025-09-30", &MG_RELEASES),
    row(ConnectMgGraph, (2, 32, 0), "2025-10-21", &MG_RELEASES),
    row(ConnectMgGraph, (2, 33, 0), "2025-12-10", &MG_RELEASES),
    row(ConnectMgGraph, (2, 34, 0), "2025-12-22", &MG_RELEASES).change(
        "the Windows broker (WAM) is the default on Windows and cannot be switched off",
        "Windows では認証ブローカー (WAM) が既定になり、無効にできない",
    ),
    row(ConnectMgGraph, (2, 35, 0), "2026-02-02", &MG_RELEASES),
    row(ConnectMgGraph, (2, 35, 1), "2026-02-06", &MG_RELEASES),
    row(ConnectMgGraph, (2, 36, 0), "2026", &GALLERY),
    row(ConnectMgGraph, (2, 37, 0), "2026", &GALLERY),
];

/// The numbers of a version text such as `2.61.0` or `azure-cli/2.61.0 (MSI)`: the first run of numbers with dots.
pub fn parse_version(text: &str) -> Option<Version> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let run = text.get(start..)?.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = run.split('.').map(|p| p.parse::<u32>().ok());
    let major = parts.next()??;
    let minor = parts.next().flatten()?;
    Some((major, minor, parts.next().flatten().unwrap_or(0)))
}

/// The newest row of a product that is not newer than the version: how old it is at least, and how it behaves.
pub fn release(product: Command, version: Version) -> Option<&'static Release> {
    RELEASES.iter().rfind(|r| r.product == product && r.version <= version)
}

/// The newest row of a product.
pub fn newest_release(product: Command) -> Option<&'static Release> {
    RELEASES.iter().rfind(|r| r.product == product)
}

/// Changes of the sign-in that came after a version: what an update would bring.
pub fn changes_since(product: Command, version: Version) -> impl Iterator<Item = &'static Release> {
    RELEASES.iter().filter(move |r| r.product == product && r.version > version && r.change.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_dated() {
        for pair in RELEASES.windows(2) {
            assert!((pair[0].product, pair[0].version) < (pair[1].product, pair[1].version), "{:?}", pair[1].version);
        }
        assert!(RELEASES.iter().all(|r| r.date.starts_with("20") && r.date <= "2026-12"));
    }

    #[test]
    fn versions_are_placed_between_releases() {
        assert_eq!(parse_version("azure-cli/2.61.3 (MSI)"), Some((2, 61, 3)));
        assert_eq!(parse_version("v5"), None);
        assert_eq!(parse_version("99999999999.1"), None);
        assert_eq!(parse_version("no number"), None);
        assert_eq!(release(AzLogin, (2, 61, 3)).unwrap().version, (2, 61, 0));
        assert!(release(AzLogin, (1, 0, 0)).is_none());
        assert_eq!(newest_release(ConnectMgGraph).unwrap().version, (2, 37, 0));
        assert_eq!(changes_since(ConnectMgGraph, (2, 33, 0)).count(), 1);
    }
}
