//! Endpoints of the three commands in the clouds: table only.
//!
//! Compiled from public documents and source code; nothing was probed live. The first entry of a host is the one that
//! matters most for a sign-in.

use super::Cloud::{self, *};
use super::Command::{self, *};
use super::Need::{self, *};
use super::Role::{self, *};
use super::{Endpoint, Step};
use crate::knowledge::Source;

const CLI_EP: Source =
    Source { title: "MicrosoftDocs/azure-docs-cli azure-cli-endpoints.md, commit e97b361", date: "2026-08-21" };
const CLI_CLOUD: Source = Source { title: "Azure/azure-cli azure/cli/core/cloud.py", date: "2026" };
const PS_ENV: Source =
    Source { title: "Azure/azure-powershell-common AzureEnvironmentConstants.cs, commit 1a004d9", date: "2025-07-22" };
const PS_DISC: Source =
    Source { title: "Azure/azure-powershell-common AzureEnvironment.cs, commit 1a004d9", date: "2025-07-22" };
const MSAL_NET: Source = Source {
    title: "AzureAD/microsoft-authentication-library-for-dotnet KnownMetadataProvider.cs, commit 39d2001",
    date: "2026-07-24",
};
const MSAL_PY: Source = Source {
    title: "AzureAD/microsoft-authentication-library-for-python msal/authority.py, commit 7db6c2c",
    date: "2024-10-17",
};
const SAFELIST: Source = Source { title: "MicrosoftDocs/azure-docs azure-portal-safelist-urls.md", date: "2023-12-15" };
const M365: Source =
    Source { title: "Microsoft 365 URLs and IP address ranges, ids 56, 59, 69, 75, 78", date: "2022-07-28" };
const GRAPH_DEP: Source = Source { title: "microsoftgraph/microsoft-graph-docs concepts/deployments.md", date: "2026" };
const AZ_CA: Source = Source { title: "MicrosoftDocs azure-certificate-authority-details.md", date: "2025-11-17" };
const TENANT_RESTRICTIONS: Source = Source { title: "MicrosoftDocs/entra-docs tenant-restrictions.md", date: "2026" };
const DEVICE_TEST: Source =
    Source { title: "Azure-Samples/TestDeviceRegConnectivity, commit 60e8a5a", date: "2023-12-13" };
const CLI_DEBUG: Source = Source { title: "debug output in Azure/azure-cli issues", date: "2026" };
const SEED: Source = Source { title: "Azure & Identity support troubleshooting guide", date: "2024-08-19" };
const PS_12280: Source = Source { title: "Azure/azure-powershell #12280", date: "2020" };
const PS_THREADS: Source = Source { title: "Azure/azure-powershell #29129, #19987", date: "2025" };
const MG_2474: Source = Source { title: "microsoftgraph/msgraph-sdk-powershell #2474", date: "2023" };
const FIREWALL_RULES: Source =
    Source { title: "outbound rules for Azure Kubernetes Service and Azure Arc (*.login.microsoft.com)", date: "2026" };
const CLI_24631: Source = Source { title: "Azure/azure-cli #24631", date: "2022" };
const REGIONAL: Source =
    Source { title: "az --debug output in MicrosoftDocs articles (eastus.management.azure.com)", date: "2024" };
const UNVERIFIED: Source = Source { title: "general knowledge, no document read", date: "2026-11" };

/// All three commands.
const ALL: &[Command] = &[AzLogin, ConnectAzAccount, ConnectMgGraph];
/// `az login` and `Connect-AzAccount`.
const AZ: &[Command] = &[AzLogin, ConnectAzAccount];
/// `az login` alone.
const CLI: &[Command] = &[AzLogin];
/// `Connect-AzAccount` alone.
const AZ_PS: &[Command] = &[ConnectAzAccount];
/// `Connect-MgGraph` alone.
const MG: &[Command] = &[ConnectMgGraph];
/// The two PowerShell commands.
const PS: &[Command] = &[ConnectAzAccount, ConnectMgGraph];
/// None of them: listed to avoid false alarms.
const NONE: &[Command] = &[];

const fn https(
    host: &'static str,
    cloud: Cloud,
    role: Role,
    commands: &'static [Command],
    need: Need,
    sources: &'static [&'static Source],
) -> Endpoint {
    Endpoint { host, cloud, role, commands, need, port: Some(443), sources }
}

const fn http(
    host: &'static str,
    cloud: Cloud,
    role: Role,
    commands: &'static [Command],
    need: Need,
    sources: &'static [&'static Source],
) -> Endpoint {
    Endpoint { host, cloud, role, commands, need, port: Some(80), sources }
}

const fn any_port(
    host: &'static str,
    cloud: Cloud,
    role: Role,
    commands: &'static [Command],
    need: Need,
    sources: &'static [&'static Source],
) -> Endpoint {
    Endpoint { host, cloud, role, commands, need, port: None, sources }
}

/// Hosts, by cloud. A host that begins with a dot stands for all names under it.
pub static ENDPOINTS: &[Endpoint] = &[
    // ---- Public cloud, and what does not depend on the cloud
    // OpenID configuration, authorize, devicecode, token. MSAL also uses it as the instance-discovery host for
    // authorities it does not know.
    https("login.microsoftonline.com", Public, Authority, ALL, Required, &[&CLI_EP, &PS_ENV, &MSAL_NET, &MSAL_PY]),
    // Alias of the public authority in MSAL.NET metadata; normally not contacted when the preferred host works.
    https("login.windows.net", Public, AuthorityAlias, ALL, Conditional, &[&MSAL_NET]),
    // Alias of the public authority in MSAL.NET metadata; normally not contacted when the preferred host works.
    https("login.microsoft.com", Public, AuthorityAlias, ALL, Conditional, &[&MSAL_NET]),
    // Alias of the public authority in MSAL.NET metadata; normally not contacted when the preferred host works.
    // Regional token endpoints of workloads (westeurope.login.microsoft.com).
    https(".login.microsoft.com", Public, AuthorityAlias, ALL, Conditional, &[&FIREWALL_RULES]),
    https("sts.windows.net", Public, AuthorityAlias, ALL, Conditional, &[&MSAL_NET]),
    https("login-us.microsoftonline.com", Public, AuthorityAlias, ALL, Conditional, &[&MSAL_NET, &M365]),
    https(".login.microsoftonline.com", Public, AuthorityRelated, ALL, Conditional, &[&M365]),
    // Certificate-based sign-in; a proxy that terminates TLS removes the client certificate (compare AADSTS50192).
    https("logincert.microsoftonline.com", Public, CertificateAuthority, ALL, Conditional, &[&M365]),
    https("loginex.microsoftonline.com", Public, AuthorityRelated, ALL, Unknown, &[&M365]),
    // Device authentication / registration. The tenant-restrictions article says not to intercept it; client
    // certificates are used.
    https(
        "device.login.microsoftonline.com",
        Public,
        DeviceAuthentication,
        ALL,
        Conditional,
        &[&TENANT_RESTRICTIONS, &DEVICE_TEST],
    ),
    // Not to be intercepted.
    https(
        "enterpriseregistration.windows.net",
        Public,
        DeviceRegistration,
        ALL,
        Conditional,
        &[&TENANT_RESTRICTIONS, &DEVICE_TEST],
    ),
    https("autologon.microsoftazuread-sso.com", Public, SeamlessSso, ALL, Conditional, &[&M365]),
    // Microsoft accounts; also restrict-msa header target.
    https("login.live.com", Public, MicrosoftAccount, ALL, Conditional, &[&M365, &TENANT_RESTRICTIONS]),
    // Scripts and images of the sign-in page. Blocked: blank page in browser or WAM window.
    https(".aadcdn.msftauth.net", Public, SignInPage, ALL, InteractivePage, &[&M365, &SAFELIST]),
    https("aadcdn.msauth.net", Public, SignInPage, ALL, InteractivePage, &[&M365, &SAFELIST]),
    https(".msauth.net", Public, SignInPage, ALL, InteractivePage, &[&M365, &SAFELIST]),
    https(".aadcdn.msftauthimages.net", Public, SignInBranding, ALL, Optional, &[&M365, &SAFELIST]),
    https(".aadcdn.msauthimages.net", Public, SignInBranding, ALL, Optional, &[&M365, &SAFELIST]),
    https(".logincdn.msftauth.net", Public, SignInPage, ALL, Conditional, &[&M365, &SAFELIST]),
    https(".aadcdn.microsoftonline-p.com", Public, SignInPage, ALL, Conditional, &[&SAFELIST]),
    // Seen as CNAME target of login.microsoftonline.com, e.g. ak.privatelink.msidentity.com (Azure/azure-cli
    // #24275, #24265; microsoft/WSL #5991).
    https(".msidentity.com", Public, AuthorityDns, ALL, DnsOnly, &[&M365, &CLI_DEBUG]),
    // User opens microsoft.com/devicelogin, possibly on another machine.
    https("microsoft.com", Public, DeviceCodePage, ALL, DeviceCode, &[&CLI_DEBUG]),
    // az login and Connect-AzAccount list tenants and subscriptions here after the token; blocking it gives
    // 'authentication OK, command fails'.
    https("management.azure.com", Public, ResourceManager, AZ, Required, &[&CLI_EP, &PS_ENV, &SEED]),
    // Az.Accounts reads https://management.azure.com/metadata/endpoints?api-version=2022-09-01 when it builds its
    // cloud list, BEFORE authentication and for every cloud, unless ARM_CLOUD_METADATA_URL overrides or is
    // DISABLED. On failure it warns 'Cannot discover environments from ARM with URI ... Falling back to built-in
    // environments.' and continues.
    https("management.azure.com", Any, CloudDiscovery, AZ_PS, Soft, &[&PS_DISC]),
    // A region's own door to Resource Manager, which answers about long operations (Azure-AsyncOperation) name. The
    // commands do not ask it to sign in.
    https(".management.azure.com", Public, ResourceManager, NONE, Conditional, &[&REGIONAL]),
    // Appears as a resource/scope string; port 8443 is the classic SQL management endpoint and is not needed for
    // sign-in.
    https("management.core.windows.net", Public, Audience, AZ, AudienceOnly, &[&CLI_EP, &PS_ENV]),
    // First Graph cmdlet needs it; whether Connect-MgGraph itself calls it was not verified. az uses it for 'az
    // ad' commands.
    https("graph.microsoft.com", Public, Graph, MG, AfterSignIn, &[&GRAPH_DEP, &PS_ENV, &CLI_EP]),
    // Azure AD Graph; old modules only, and these stop without it.
    https("graph.windows.net", Public, GraphLegacy, AZ, Conditional, &[&CLI_EP, &PS_ENV]),
    https("portal.azure.com", Public, Portal, NONE, NotNeeded, &[&CLI_EP]),
    // Version/news checks and links; host seen in debug output and docs.
    https("aka.ms", Public, ShortLinks, AZ, Optional, &[&CLI_DEBUG]),
    // CLI reads version information and alias documents.
    https("raw.githubusercontent.com", Public, VersionCheck, CLI, Optional, &[&CLI_EP, &CLI_DEBUG]),
    // Application Insights ingestion (M365 id 75).
    https("dc.services.visualstudio.com", Public, Telemetry, AZ, Optional, &[&M365]),
    https("dc.applicationinsights.azure.com", Public, Telemetry, CLI, Optional, &[&CLI_EP]),
    https(".events.data.microsoft.com", Public, Telemetry, ALL, Optional, &[&M365]),
    // Extension index; not part of sign-in.
    https("azcliextensionsync.blob.core.windows.net", Public, ExtensionIndex, CLI, Optional, &[&CLI_CLOUD]),
    https("azurecliextensionsync.blob.core.windows.net", Public, ExtensionIndex, CLI, Optional, &[&CLI_CLOUD]),
    // The first host that az asks (its version index); failing there is harmless.
    https("azcliprod.blob.core.windows.net", Public, VersionCheck, CLI, Optional, &[&CLI_CLOUD]),
    // Only Install-Module/Update-Module; not contacted by the sign-in commands. Included for completeness.
    https("www.powershellgallery.com", Public, ModuleInstall, PS, InstallOnly, &[&UNVERIFIED]),
    // Must never go through a proxy.
    http("169.254.169.254", Any, ManagedIdentity, ALL, ManagedIdentityOnly, &[&PS_12280]),
    // Browser returns the code to a random local port (older az: 8400). HSTS-forced https or proxied 127.0.0.1
    // break it (Azure/azure-cli #14376, #10426, #9852). Loopback frames are normally absent from NDIS captures.
    any_port("localhost", Any, Loopback, ALL, InteractiveBrowser, &[&CLI_DEBUG]),
    // ---- US Government, China, sovereign and retired clouds
    https("login.microsoftonline.us", UsGov, Authority, ALL, Required, &[&CLI_EP, &PS_ENV, &MSAL_NET]),
    https("login.usgovcloudapi.net", UsGov, AuthorityAlias, ALL, Conditional, &[&MSAL_NET]),
    https("management.usgovcloudapi.net", UsGov, ResourceManager, AZ, Required, &[&CLI_EP, &PS_ENV]),
    https("management.core.usgovcloudapi.net", UsGov, Audience, AZ, AudienceOnly, &[&CLI_EP, &PS_ENV]),
    // US Government L4 (GCC High).
    https("graph.microsoft.us", UsGov, Graph, MG, AfterSignIn, &[&GRAPH_DEP, &PS_ENV, &CLI_EP]),
    // US Government L5 (DoD).
    https("dod-graph.microsoft.us", UsGovDod, Graph, MG, AfterSignIn, &[&GRAPH_DEP]),
    https("graph.windows.net", UsGov, GraphLegacy, CLI, Conditional, &[&CLI_EP]),
    https("graph.microsoftazure.us", UsGov, GraphLegacy, AZ_PS, Legacy, &[&PS_ENV]),
    https(".msauth.net", UsGov, SignInPage, ALL, InteractivePage, &[&SAFELIST]),
    https(".msidentity.us", UsGov, AuthorityRelated, ALL, Conditional, &[&SAFELIST]),
    https("portal.azure.us", UsGov, Portal, NONE, NotNeeded, &[&CLI_EP]),
    https("dc.applicationinsights.us", UsGov, Telemetry, CLI, Optional, &[&CLI_EP]),
    // What az and Az are configured with.
    https("login.chinacloudapi.cn", China, Authority, ALL, Required, &[&CLI_EP, &PS_ENV, &MSAL_PY]),
    // MSAL.NET prefers this host on the network for China even when the configured authority is
    // login.chinacloudapi.cn; allow both.
    https("login.partner.microsoftonline.cn", China, Authority, ALL, Required, &[&MSAL_NET]),
    https("management.chinacloudapi.cn", China, ResourceManager, AZ, Required, &[&CLI_EP, &PS_ENV]),
    https("management.core.chinacloudapi.cn", China, Audience, AZ, AudienceOnly, &[&CLI_EP, &PS_ENV]),
    https("microsoftgraph.chinacloudapi.cn", China, Graph, MG, AfterSignIn, &[&GRAPH_DEP, &PS_ENV, &CLI_EP]),
    https("graph.chinacloudapi.cn", China, GraphLegacy, AZ, Legacy, &[&CLI_EP, &PS_ENV]),
    https("aadcdn.msauth.cn", China, SignInPage, ALL, InteractivePage, &[&SAFELIST]),
    https("aadcdn.msftauth.cn", China, SignInPage, ALL, InteractivePage, &[&SAFELIST]),
    https("login.live.com", China, MicrosoftAccount, ALL, Conditional, &[&SAFELIST]),
    https(".microsoftonline.cn", China, AuthorityRelated, ALL, Conditional, &[&SAFELIST]),
    https(".msidentity.cn", China, AuthorityRelated, ALL, Conditional, &[&SAFELIST]),
    https("portal.azure.cn", China, Portal, NONE, NotNeeded, &[&CLI_EP]),
    https("dc.applicationinsights.azure.cn", China, Telemetry, CLI, Optional, &[&CLI_EP]),
    // A stale cloud setting still points here and hangs.
    https("login.microsoftonline.de", GermanyRetired, Authority, ALL, Retired, &[&PS_ENV, &MSAL_NET, &CLI_24631]),
    https("management.microsoftazure.de", GermanyRetired, ResourceManager, AZ, Retired, &[&PS_ENV]),
    https("graph.microsoft.de", GermanyRetired, Graph, MG, Retired, &[&PS_ENV]),
    // New sovereign authority known to MSAL.NET; ARM and Graph hosts of that cloud: unknown.
    https("login.sovcloud-identity.fr", SovereignFr, Authority, ALL, Required, &[&MSAL_NET]),
    // New sovereign authority known to MSAL.NET; ARM and Graph hosts of that cloud: unknown.
    https("login.sovcloud-identity.de", SovereignDe, Authority, ALL, Required, &[&MSAL_NET]),
    // New sovereign authority known to MSAL.NET; ARM and Graph hosts of that cloud: unknown.
    https("login.sovcloud-identity.sg", SovereignSg, Authority, ALL, Required, &[&MSAL_NET]),
    // ---- Certificates: fetched over plain HTTP, by Windows chain building only (Python fetches none of them)
    http("cacerts.digicert.com", Any, PkiIssuer, ALL, Conditional, &[&AZ_CA]),
    http("cacerts.digicert.cn", Any, PkiIssuer, ALL, Conditional, &[&AZ_CA]),
    http("cacerts.geotrust.com", Any, PkiIssuer, ALL, Conditional, &[&AZ_CA]),
    http("caissuers.microsoft.com", Any, PkiIssuer, ALL, Conditional, &[&AZ_CA]),
    // Path /pkiops/. Only Windows/.NET chain building uses it; Python (az) does not fetch CRL, OCSP or AIA.
    http("www.microsoft.com", Any, PkiIssuer, ALL, Conditional, &[&AZ_CA]),
    http("crl3.digicert.com", Any, PkiRevocation, ALL, Conditional, &[&AZ_CA]),
    http("crl4.digicert.com", Any, PkiRevocation, ALL, Conditional, &[&AZ_CA]),
    http("crl.digicert.cn", Any, PkiRevocation, ALL, Conditional, &[&AZ_CA]),
    http("ocsp.digicert.com", Any, PkiRevocation, ALL, Conditional, &[&AZ_CA]),
    http("ocsp.digicert.cn", Any, PkiRevocation, ALL, Conditional, &[&AZ_CA]),
    http("oneocsp.microsoft.com", Any, PkiRevocation, ALL, Conditional, &[&AZ_CA]),
    // Taken off the Microsoft list on 2024-10-08; still normal in older captures and for other Windows traffic.
    http("crl.microsoft.com", Any, PkiRevocation, ALL, Legacy, &[&AZ_CA]),
    // Taken off the Microsoft list on 2024-10-08; still normal in older captures and for other Windows traffic.
    http("mscrl.microsoft.com", Any, PkiRevocation, ALL, Legacy, &[&AZ_CA]),
    // Taken off the Microsoft list on 2024-10-08; still normal in older captures and for other Windows traffic.
    http("ocsp.msocsp.com", Any, PkiRevocation, ALL, Legacy, &[&AZ_CA]),
    // Windows automatic root update list. Not confirmed by a look-up.
    http("ctldl.windowsupdate.com", Any, PkiIssuer, PS, Conditional, &[&UNVERIFIED]),
];

/// Domains in which every name is served by Microsoft with a certificate of its own list. Domains where customers put
/// their own machines and certificates (`cloudapp.azure.com`, `cloudapp.net`) are left out on purpose.
pub static MICROSOFT_DOMAINS: &[&str] = &[
    ".microsoftonline.com",
    ".microsoftonline-p.com",
    ".microsoftonline.us",
    ".microsoftonline.cn",
    ".microsoftonline.de",
    ".microsoft.com",
    ".microsoft.us",
    ".microsoft.de",
    ".windows.net",
    ".windows.com",
    ".windowsupdate.com",
    ".azure.com",
    ".azure.net",
    ".azure.us",
    ".azure.cn",
    ".azure-api.net",
    ".azureedge.net",
    ".azurefd.net",
    ".azurewebsites.net",
    ".microsoftazure.de",
    ".microsoftazure.us",
    ".usgovcloudapi.net",
    ".chinacloudapi.cn",
    ".msauth.net",
    ".msftauth.net",
    ".msauthimages.net",
    ".msftauthimages.net",
    ".msauth.cn",
    ".msftauth.cn",
    ".msidentity.com",
    ".msidentity.us",
    ".msidentity.cn",
    ".microsoftazuread-sso.com",
    ".sovcloud-identity.fr",
    ".sovcloud-identity.de",
    ".sovcloud-identity.sg",
    ".live.com",
    ".msn.com",
    ".bing.com",
    ".office.com",
    ".office.net",
    ".office365.com",
    ".outlook.com",
    ".sharepoint.com",
    ".onedrive.com",
    ".onmicrosoft.com",
    ".dynamics.com",
    ".visualstudio.com",
    ".applicationinsights.us",
    ".powershellgallery.com",
    ".nuget.org",
    ".skype.com",
    ".xboxlive.com",
    ".s-microsoft.com",
    ".msecnd.net",
    ".msftconnecttest.com",
    ".msftncsi.com",
    ".aka.ms",
];

/// Domains inside [`MICROSOFT_DOMAINS`] where customers bring their own certificates.
pub static CUSTOMER_DOMAINS: &[&str] =
    &[".cloudapp.azure.com", ".cloudapp.net", ".cloudapp.usgovcloudapi.net", ".cloudapp.chinacloudapi.cn"];

/// What each command asks, in order, in the interactive flow.
pub static SEQUENCES: &[(Command, &[Step], &[&Source])] = &[
    (AzLogin, &[Step::Authority, Step::SignInPage, Step::Token, Step::ResourceManager], &[&CLI_DEBUG]),
    (
        ConnectAzAccount,
        &[Step::CloudDiscovery, Step::Authority, Step::SignInPage, Step::Token, Step::ResourceManager],
        &[&PS_DISC, &PS_THREADS],
    ),
    (ConnectMgGraph, &[Step::Authority, Step::SignInPage, Step::Token, Step::Graph], &[&MG_2474]),
];
