//! Hosts that the three commands need: types and look-ups over the table.

mod table;

use super::{Source, matches_host};
use crate::facts::log::Dialect;
use crate::lang::Text;
use table::{CUSTOMER_DOMAINS, ENDPOINTS, MICROSOFT_DOMAINS, SEQUENCES};

/// The commands whose sign-in is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Command {
    /// Azure CLI.
    AzLogin,
    /// Azure PowerShell.
    ConnectAzAccount,
    /// Microsoft Graph PowerShell.
    ConnectMgGraph,
}

impl Command {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Command::AzLogin => "az login",
            Command::ConnectAzAccount => "Connect-AzAccount",
            Command::ConnectMgGraph => "Connect-MgGraph",
        }
    }
}

/// The command that a dialect belongs to.
pub fn command_of(dialect: Dialect) -> Option<Command> {
    match dialect {
        Dialect::AzCli => Some(Command::AzLogin),
        Dialect::AzPowerShell => Some(Command::ConnectAzAccount),
        Dialect::GraphPowerShell => Some(Command::ConnectMgGraph),
        Dialect::Python | Dialect::Curl | Dialect::Node | Dialect::Other => None,
    }
}

/// A Microsoft cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cloud {
    /// The worldwide cloud.
    Public,
    /// US Government (GCC High).
    UsGov,
    /// US Government DoD.
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
    /// Germany, closed in 2021.
    GermanyRetired,
    /// New sovereign cloud, France.
    SovereignFr,
    /// New sovereign cloud, Germany.
    SovereignDe,
    /// New sovereign cloud, Singapore.
    SovereignSg,
    /// The same host in every cloud.
    Any,
}

impl Cloud {
    /// Name for people.
    pub fn title(self) -> Text {
        match self {
            Cloud::Public => Text { en: "public cloud", ja: "パブリック クラウド" },
            Cloud::UsGov => Text { en: "US Government cloud", ja: "米国政府機関向けクラウド" },
            Cloud::UsGovDod => {
                Text { en: "US Government cloud (DoD)", ja: "米国政府機関向けクラウド (DoD)" }
            }
            Cloud::China => Text { en: "China cloud (21Vianet)", ja: "中国クラウド (21Vianet)" },
            Cloud::GermanyRetired => {
                Text { en: "German cloud (closed in 2021)", ja: "ドイツ クラウド (2021 年に終了)" }
            }
            Cloud::SovereignFr => {
                Text { en: "sovereign cloud, France", ja: "ソブリン クラウド (フランス)" }
            }
            Cloud::SovereignDe => Text { en: "sovereign cloud, Germany", ja: "ソブリン クラウド (ドイツ)" },
            Cloud::SovereignSg => {
                Text { en: "sovereign cloud, Singapore", ja: "ソブリン クラウド (シンガポール)" }
            }
            Cloud::Any => Text { en: "every cloud", ja: "すべてのクラウド" },
        }
    }
}

/// What a host does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sign-in and tokens.
    Authority,
    /// Another name of an authority.
    AuthorityAlias,
    /// Sign-in with a certificate.
    CertificateAuthority,
    /// Belongs to the authority; part in the sign-in not known.
    AuthorityRelated,
    /// Only a name in DNS answers of the authority.
    AuthorityDns,
    /// Device authentication.
    DeviceAuthentication,
    /// Device registration.
    DeviceRegistration,
    /// Seamless single sign-on.
    SeamlessSso,
    /// Personal Microsoft accounts.
    MicrosoftAccount,
    /// Scripts and images of the sign-in page.
    SignInPage,
    /// Customer's images on the sign-in page.
    SignInBranding,
    /// Page where a device code is typed.
    DeviceCodePage,
    /// Azure Resource Manager.
    ResourceManager,
    /// List of clouds that Az.Accounts reads from Resource Manager.
    CloudDiscovery,
    /// A name inside tokens, never connected to.
    Audience,
    /// Microsoft Graph.
    Graph,
    /// Azure AD Graph.
    GraphLegacy,
    /// Azure portal.
    Portal,
    /// Short links.
    ShortLinks,
    /// Version check and download of the Azure CLI.
    VersionCheck,
    /// Extension index of the Azure CLI.
    ExtensionIndex,
    /// Telemetry.
    Telemetry,
    /// Module installation.
    ModuleInstall,
    /// Instance metadata (managed identity).
    ManagedIdentity,
    /// The client's own port that takes the browser's redirect.
    Loopback,
    /// Issuer certificates and trust lists.
    PkiIssuer,
    /// CRL and OCSP.
    PkiRevocation,
}

impl Role {
    /// Whether hosts of this role sign in, under whichever name.
    pub fn is_authority(self) -> bool {
        matches!(self, Role::Authority | Role::AuthorityAlias)
    }

    /// Whether hosts of this role are asked with a token: a token says nothing of the way to them.
    pub fn is_called_with_a_token(self) -> bool {
        matches!(self, Role::ResourceManager | Role::Graph)
    }

    /// The service, for people.
    pub fn title(self) -> Text {
        match self {
            Role::Authority => Text { en: "Microsoft Entra ID sign-in", ja: "Microsoft Entra ID のサインイン" },
            Role::AuthorityAlias => {
                Text { en: "Microsoft Entra ID sign-in (alias)", ja: "Microsoft Entra ID のサインイン (別名)" }
            }
            Role::CertificateAuthority => Text {
                en: "Microsoft Entra ID certificate-based sign-in",
                ja: "Microsoft Entra ID の証明書ベースのサインイン",
            },
            Role::AuthorityRelated | Role::AuthorityDns => {
                Text { en: "Microsoft Entra ID (infrastructure)", ja: "Microsoft Entra ID (基盤)" }
            }
            Role::DeviceAuthentication => {
                Text { en: "Microsoft Entra ID device authentication", ja: "Microsoft Entra ID のデバイス認証" }
            }
            Role::DeviceRegistration => {
                Text { en: "Microsoft Entra ID device registration", ja: "Microsoft Entra ID のデバイス登録" }
            }
            Role::SeamlessSso => {
                Text { en: "seamless single sign-on", ja: "シームレス シングル サインオン" }
            }
            Role::MicrosoftAccount => Text {
                en: "personal Microsoft account sign-in",
                ja: "個人用 Microsoft アカウントのサインイン",
            },
            Role::SignInPage => {
                Text { en: "sign-in page content (CDN)", ja: "サインイン ページのコンテンツ (CDN)" }
            }
            Role::SignInBranding => {
                Text { en: "sign-in page branding (CDN)", ja: "サインイン ページの会社ブランド (CDN)" }
            }
            Role::DeviceCodePage => Text { en: "device code page", ja: "デバイス コードの入力ページ" },
            Role::ResourceManager => Text { en: "Azure Resource Manager", ja: "Azure Resource Manager" },
            Role::CloudDiscovery => Text {
                en: "Azure Resource Manager (list of clouds)",
                ja: "Azure Resource Manager (クラウド一覧)",
            },
            Role::Audience => {
                Text { en: "token audience (no connection)", ja: "トークンの対象名 (接続なし)" }
            }
            Role::Graph => Text { en: "Microsoft Graph", ja: "Microsoft Graph" },
            Role::GraphLegacy => {
                Text { en: "Azure AD Graph (retired API)", ja: "Azure AD Graph (廃止された API)" }
            }
            Role::Portal => Text { en: "Azure portal", ja: "Azure portal" },
            Role::ShortLinks => Text { en: "Microsoft short links", ja: "Microsoft の短縮リンク" },
            Role::VersionCheck => Text { en: "Azure CLI version check", ja: "Azure CLI のバージョン確認" },
            Role::ExtensionIndex => Text { en: "Azure CLI extension index", ja: "Azure CLI の拡張機能一覧" },
            Role::Telemetry => Text { en: "telemetry", ja: "テレメトリ" },
            Role::ModuleInstall => Text { en: "PowerShell Gallery", ja: "PowerShell ギャラリー" },
            Role::ManagedIdentity => Text {
                en: "instance metadata (managed identity)",
                ja: "インスタンス メタデータ (マネージド ID)",
            },
            Role::Loopback => {
                Text { en: "redirect to the client itself", ja: "クライアント自身へのリダイレクト" }
            }
            Role::PkiIssuer => Text { en: "certificate chain download", ja: "証明書チェーンの取得" },
            Role::PkiRevocation => Text { en: "certificate revocation check", ja: "証明書の失効確認" },
        }
    }
}

/// How much a sign-in needs a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// The command fails without it.
    Required,
    /// The first call after the sign-in fails without it.
    AfterSignIn,
    /// Failure only warns.
    Soft,
    /// The sign-in page is incomplete without it.
    InteractivePage,
    /// Redirect of the browser to the client.
    InteractiveBrowser,
    /// Needed by the user, perhaps on another machine.
    DeviceCode,
    /// A name in DNS answers, not connected to by that name.
    DnsOnly,
    /// Only in some flows, or by Windows chain building.
    Conditional,
    /// A string inside requests; no connection.
    AudienceOnly,
    /// Failure is harmless.
    Optional,
    /// Older versions.
    Legacy,
    /// The cloud is closed.
    Retired,
    /// Module installation.
    InstallOnly,
    /// Managed identity sign-in.
    ManagedIdentityOnly,
    /// Listed to avoid false alarms.
    NotNeeded,
    /// Listed by Microsoft; part in these commands not verified.
    Unknown,
}

impl Need {
    /// Whether the command fails without the host; `None` where it depends on the flow or is not known.
    pub fn required(self) -> Option<bool> {
        match self {
            Need::Required | Need::AfterSignIn => Some(true),
            Need::InteractivePage
            | Need::InteractiveBrowser
            | Need::DeviceCode
            | Need::Conditional
            | Need::Retired
            | Need::ManagedIdentityOnly
            | Need::Unknown => None,
            Need::Soft
            | Need::DnsOnly
            | Need::AudienceOnly
            | Need::Optional
            | Need::Legacy
            | Need::InstallOnly
            | Need::NotNeeded => Some(false),
        }
    }
}

/// One host of the table.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// Host name; with a leading dot: every name under it.
    pub host: &'static str,
    /// Cloud.
    pub cloud: Cloud,
    /// What it does.
    pub role: Role,
    /// Commands that use it.
    pub commands: &'static [Command],
    /// How much they need it.
    pub need: Need,
    /// Port, where it is fixed.
    pub port: Option<u16>,
    /// Where this is written.
    pub sources: &'static [&'static Source],
}

impl Endpoint {
    /// The service, for people.
    pub fn title(&self) -> Text {
        self.role.title()
    }

    /// Whether one command uses it.
    pub fn used_by(&self, command: Command) -> bool {
        self.commands.contains(&command)
    }
}

/// One step of a command's sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Az.Accounts reads the list of clouds; failing only warns.
    CloudDiscovery,
    /// OpenID configuration, instance discovery.
    Authority,
    /// Browser or broker shows the sign-in page (interactive flows).
    SignInPage,
    /// The token is fetched from the authority.
    Token,
    /// Tenants and subscriptions are listed.
    ResourceManager,
    /// The first Graph call.
    Graph,
}

impl Step {
    /// Name for people.
    pub fn title(self) -> Text {
        match self {
            Step::CloudDiscovery => Text { en: "reads the list of clouds", ja: "クラウド一覧の取得" },
            Step::Authority => Text { en: "reads the sign-in configuration", ja: "サインイン構成の取得" },
            Step::SignInPage => Text { en: "shows the sign-in page", ja: "サインイン ページの表示" },
            Step::Token => Text { en: "fetches the token", ja: "トークンの取得" },
            Step::ResourceManager => Text {
                en: "lists tenants and subscriptions",
                ja: "テナントとサブスクリプションの一覧取得",
            },
            Step::Graph => Text { en: "calls Microsoft Graph", ja: "Microsoft Graph の呼び出し" },
        }
    }

    fn roles(self) -> &'static [Role] {
        match self {
            Step::CloudDiscovery => &[Role::CloudDiscovery],
            Step::Authority | Step::Token => &[Role::Authority],
            Step::SignInPage => &[Role::SignInPage],
            Step::ResourceManager => &[Role::ResourceManager],
            Step::Graph => &[Role::Graph],
        }
    }
}

/// A step with the hosts that serve it.
#[derive(Debug, Clone)]
pub struct SequenceStep {
    /// The step.
    pub step: Step,
    /// Hosts of that cloud; one of them is enough where several stand there.
    pub hosts: Vec<&'static Endpoint>,
}

/// The entry that matters most for a host: exact names first, then the longest pattern.
pub fn endpoint(host: &str) -> Option<&'static Endpoint> {
    let exact = endpoints(host).find(|e| !e.host.starts_with('.'));
    // `rev` makes the first of equally long patterns win, as `max_by_key` returns the last.
    exact.or_else(|| ENDPOINTS.iter().rev().filter(|e| matches_host(e.host, host)).max_by_key(|e| e.host.len()))
}

/// All entries that fit a host, in the order of the table.
pub fn endpoints(host: &str) -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(move |e| matches_host(e.host, host))
}

/// The whole table.
pub fn all_endpoints() -> &'static [Endpoint] {
    ENDPOINTS
}

/// Whether Microsoft serves the host with certificates of its own list: endpoints of the table and Microsoft's domains,
/// never customers' federation servers or machines.
pub fn is_microsoft_host(host: &str) -> bool {
    let is_in = |list: &[&str]| list.iter().any(|p| matches_host(p, host));
    is_in(MICROSOFT_DOMAINS) && !is_in(CUSTOMER_DOMAINS)
}

/// Microsoft's hosts whose whole work is to send the client on, to anybody's page.
const SHORT_LINKS: &[&str] = &["aka.ms", "go.microsoft.com"];

/// Whether the host sends every client on to somewhere else.
pub fn is_short_link(host: &str) -> bool {
    SHORT_LINKS.iter().any(|h| matches_host(h, host))
}

/// What a command asks in a cloud, in order, in the interactive flow; other flows leave the sign-in page out.
pub fn expected_sequence(command: Command, cloud: Cloud) -> Vec<SequenceStep> {
    let steps = SEQUENCES.iter().find(|(c, ..)| *c == command).map_or(&[][..], |(_, steps, _)| steps);
    steps
        .iter()
        .map(|step| {
            let in_cloud = |e: &&Endpoint| {
                let shared = e.cloud == cloud
                    || e.cloud == Cloud::Any
                    || (cloud == Cloud::UsGovDod && e.cloud == Cloud::UsGov && e.role != Role::Graph);
                shared && step.roles().contains(&e.role) && e.used_by(command)
            };
            SequenceStep { step: *step, hosts: ENDPOINTS.iter().filter(in_cloud).collect() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_names_come_before_patterns() {
        let e = endpoint("LOGIN.microsoftonline.com.").unwrap();
        assert_eq!((e.role, e.cloud, e.need.required()), (Role::Authority, Cloud::Public, Some(true)));
        assert_eq!(endpoint("management.azure.com").unwrap().role, Role::ResourceManager);
        assert_eq!(endpoint("japaneast.management.azure.com").unwrap().need, Need::Conditional);
        assert_eq!(endpoint("x.aadcdn.msftauth.net").unwrap().role, Role::SignInPage);
        assert_eq!(endpoint("aadcdn.msftauth.net").unwrap().role, Role::SignInPage);
        assert_eq!(endpoint("something.msauth.net").unwrap().cloud, Cloud::Public);
        assert_eq!(endpoint("login.partner.microsoftonline.cn").unwrap().role, Role::Authority);
        assert_eq!(endpoint("mobile.events.data.microsoft.com").unwrap().need.required(), Some(false));
        assert!(endpoint("evil-msauth.net").is_none() && endpoint("login.microsoftonline.com.evil.example").is_none());
        assert!(endpoint("").is_none());
    }

    #[test]
    fn customers_machines_are_not_microsofts() {
        for host in [
            "login.microsoftonline.com",
            "azcliprod.blob.core.windows.net",
            "learn.microsoft.com",
            "aadcdn.msauth.net",
            "aka.ms",
        ] {
            assert!(is_microsoft_host(host), "{host}");
        }
        for host in
            ["sts.contoso.com", "vm1.japaneast.cloudapp.azure.com", "notmicrosoft.com", "raw.githubusercontent.com", ""]
        {
            assert!(!is_microsoft_host(host), "{host}");
        }
    }

    #[test]
    fn every_entry_has_a_dated_source_and_no_entry_stands_twice() {
        for (i, e) in ENDPOINTS.iter().enumerate() {
            assert!(!e.sources.is_empty() && e.sources.iter().all(|s| !s.date.is_empty()), "{}", e.host);
            assert!(e.host == e.host.to_ascii_lowercase());
            assert!(
                !ENDPOINTS.iter().skip(i + 1).any(|o| (o.host, o.cloud, o.role) == (e.host, e.cloud, e.role)),
                "{}",
                e.host
            );
        }
    }

    #[test]
    fn each_command_knows_its_hosts_in_each_cloud() {
        let hosts = |command, cloud| -> Vec<Vec<&str>> {
            expected_sequence(command, cloud).iter().map(|s| s.hosts.iter().map(|e| e.host).collect()).collect()
        };
        let az = hosts(Command::AzLogin, Cloud::Public);
        assert_eq!(az[0], ["login.microsoftonline.com"]);
        assert_eq!(az.last().unwrap(), &["management.azure.com"]);
        let china = hosts(Command::ConnectAzAccount, Cloud::China);
        assert_eq!(china[0], ["management.azure.com"]);
        assert_eq!(china[1], ["login.chinacloudapi.cn", "login.partner.microsoftonline.cn"]);
        assert_eq!(hosts(Command::ConnectMgGraph, Cloud::UsGovDod).last().unwrap(), &["dod-graph.microsoft.us"]);
        assert_eq!(hosts(Command::ConnectMgGraph, Cloud::UsGovDod)[0], ["login.microsoftonline.us"]);
    }
}
