//! What may stay: names and addresses of everybody's, products and public authorities.

use crate::knowledge;
use crate::knowledge::interceptors::{Names, interceptor, interceptor_by_text};
use crate::knowledge::issuers::issuers_named;
use crate::knowledge::public_cas::{PUBLIC_CAS, public_ca};
use std::net::{IpAddr, Ipv4Addr};

/// Domains below which customers name their own: the first label tells who they are, the rest what it is.
const SHARED: &[&str] = &[
    ".blob.core.windows.net",
    ".dfs.core.windows.net",
    ".file.core.windows.net",
    ".queue.core.windows.net",
    ".table.core.windows.net",
    ".web.core.windows.net",
    ".database.windows.net",
    ".servicebus.windows.net",
    ".search.windows.net",
    ".redis.cache.windows.net",
    ".vault.azure.net",
    ".vault.azure.cn",
    ".azurecr.io",
    ".azurewebsites.net",
    ".azure-api.net",
    ".azureedge.net",
    ".azurefd.net",
    ".trafficmanager.net",
    ".documents.azure.com",
    ".cloudapp.azure.com",
    ".cloudapp.net",
    ".sharepoint.com",
    ".dynamics.com",
    ".visualstudio.com",
    ".b2clogin.com",
    ".ciamlogin.com",
    ".okta.com",
    ".oktapreview.com",
    ".onelogin.com",
    ".auth0.com",
    ".pingone.com",
    ".duosecurity.com",
    ".amazonaws.com",
    ".cloudfront.net",
    ".zscaler.net",
    ".zscalerone.net",
    ".zscalertwo.net",
    ".zscalerthree.net",
    ".zscloud.net",
    ".goskope.com",
    ".iboss.com",
    ".forcepoint.net",
    ".prismaaccess.com",
];

/// Domains whose labels are tenants.
const TENANTS: &[&str] = &[".onmicrosoft.com", ".onmicrosoft.cn", ".onmicrosoft.us", ".partner.onmschina.cn"];

/// What the sign-in, the clients' packages and certificates of everybody lead to besides Microsoft's own.
const PUBLIC: &[&str] = &[
    ".aadg.trafficmanager.net",
    ".aadg.akadns.net",
    ".akadns.net",
    ".akamai.net",
    ".akamaiedge.net",
    ".edgekey.net",
    ".edgesuite.net",
    ".msedge.net",
    ".digicert.com",
    ".globalsign.com",
    ".entrust.net",
    ".sectigo.com",
    ".usertrust.com",
    ".lencr.org",
    ".letsencrypt.org",
    ".amazontrust.com",
    ".github.com",
    ".githubusercontent.com",
    ".pypi.org",
    ".pythonhosted.org",
    ".python.org",
    ".wireshark.org",
    ".ietf.org",
    ".rfc-editor.org",
];

/// Words of domain names and authorities that name nobody.
const GENERIC: &[&str] = &[
    "authority",
    "ca",
    "certificate",
    "certification",
    "cloud",
    "co",
    "com",
    "company",
    "content",
    "corp",
    "corporate",
    "corporation",
    "decrypt",
    "decryption",
    "default",
    "device",
    "example",
    "filter",
    "forward",
    "gateway",
    "gmbh",
    "home",
    "https",
    "inc",
    "inspect",
    "inspection",
    "intermediate",
    "internal",
    "internet",
    "intra",
    "intranet",
    "invalid",
    "issuing",
    "kk",
    "lan",
    "limited",
    "llc",
    "local",
    "localdomain",
    "localhost",
    "ltd",
    "mail",
    "main",
    "net",
    "network",
    "networks",
    "office",
    "online",
    "org",
    "policy",
    "private",
    "proxy",
    "root",
    "secure",
    "security",
    "server",
    "service",
    "services",
    "site",
    "ssl",
    "sub",
    "subordinate",
    "test",
    "tls",
    "trust",
    "untrust",
    "unit",
    "user",
    "web",
    "workgroup",
    "do",
    "not",
    "by",
    "of",
    "the",
    "for",
    "and",
    "t",
    "it",
];

/// Second-level labels under which countries register.
const SECOND_LEVEL: &[&str] =
    &["ac", "ad", "co", "com", "ed", "edu", "go", "gov", "gr", "lg", "ne", "net", "or", "org"];

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|label| !label.is_empty()) || suffix.strip_prefix('.') == Some(host)
}

/// Whether a name (with dots) may stay.
pub(super) fn is_public(host: &str) -> bool {
    let host = host.trim_matches('.').to_lowercase();
    let exact =
        knowledge::endpoints(&host).any(|e| !e.host.starts_with('.')) || knowledge::is_connectivity_probe(&host);
    if exact || PUBLIC.iter().any(|p| is_below(&host, p)) {
        return true;
    }
    if shared_suffix(&host).is_some() || is_tenant_domain(&host) {
        return false;
    }
    let bare = SHARED.iter().any(|s| s.strip_prefix('.') == Some(host.as_str()));
    bare || knowledge::endpoint(&host).is_some() || knowledge::is_microsoft_host(&host)
}

/// The end of a name of which only the beginning is the customer's.
pub(super) fn shared_suffix(host: &str) -> Option<&'static str> {
    let host = host.trim_end_matches('.').to_lowercase();
    let found = SHARED.iter().find(|s| host.strip_suffix(**s).is_some_and(|label| !label.is_empty())).copied();
    found.filter(|_| knowledge::endpoints(&host).all(|e| e.host.starts_with('.')))
}

/// Whether a name is that of a tenant.
pub(super) fn is_tenant_domain(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_lowercase();
    TENANTS.iter().any(|s| host.strip_suffix(*s).is_some_and(|label| !label.is_empty()))
}

/// The domain that somebody registered: `contoso.co.jp` of `sts.emea.contoso.co.jp`.
pub(super) fn registrable(host: &str) -> Option<String> {
    let host = host.trim_matches('.').to_lowercase();
    let labels: Vec<&str> = host.rsplit('.').collect();
    let top = labels.first().filter(|l| l.chars().any(char::is_alphabetic))?;
    let second = labels.get(1)?;
    match labels.get(2) {
        Some(third) if top.len() == 2 && SECOND_LEVEL.contains(second) => Some(format!("{third}.{second}.{top}")),
        _ => Some(format!("{second}.{top}")),
    }
}

/// The name in a domain: `contoso` of `emea.contoso.co.jp` and of `contoso.onmicrosoft.com`; nothing where it is a
/// word, a product or a public authority.
pub(super) fn brand(domain: &str) -> Option<String> {
    let lower = domain.trim_matches('.').to_lowercase();
    let label = match TENANTS.iter().find_map(|s| lower.strip_suffix(*s)) {
        Some(tenant) => tenant.split('.').next().unwrap_or("").to_owned(),
        None if shared_suffix(&lower).is_some() || is_public(&lower) => return None,
        None => registrable(&lower)?.split('.').next().unwrap_or("").to_owned(),
    };
    let public = |ca: &crate::knowledge::public_cas::PublicCa| ca.name.to_lowercase().contains(&label);
    let telling = label.len() > 3
        && label.bytes().any(|b| b.is_ascii_alphabetic())
        && !GENERIC.contains(&label.as_str())
        && interceptor_by_text(&label).is_none()
        && !PUBLIC_CAS.iter().any(public);
    telling.then_some(label)
}

/// Addresses that belong to nobody in particular: loopback, multicast, the cloud's own services, Entra's.
pub(super) fn is_everybodys(address: IpAddr) -> bool {
    const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
    const WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    let special = match address {
        IpAddr::V4(a) => {
            a == METADATA || a == WIRE_SERVER || a.is_broadcast() || matches!(a.octets(), [198, 18 | 19, ..])
        }
        IpAddr::V6(a) => a.to_ipv4_mapped().is_some_and(|a| is_everybodys(IpAddr::V4(a))),
    };
    special
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || knowledge::in_entra_ranges(address)
}

/// Whether an address belongs to a site, not to the public network.
pub(super) fn is_private(address: IpAddr) -> bool {
    knowledge::cannot_be_public(address) && !is_everybodys(address)
}

/// What to show for a name in a certificate (organisation, unit or common name of an authority).
pub(super) enum CertificateName {
    /// It may stay.
    Known,
    /// It is the customer's, made with this product.
    Product(String),
    /// It is the customer's.
    Own,
}

/// Judges a name in a certificate.
pub(super) fn certificate_name(value: &str) -> CertificateName {
    let known = value.starts_with("Microsoft") || public_ca(value).is_some() || issuers_named(value).next().is_some();
    let product = interceptor(&Names { cn: Some(value), ..Names::default() });
    let label = product.map(|p| p.label()).unwrap_or_default();
    let vendor = label.to_lowercase();
    let words = product.map_or(&[][..], |p| p.words);
    let is_generic = |word: &str| {
        GENERIC.contains(&word)
            || (word.len() > 3 && (vendor.contains(word) || words.iter().any(|w| w.contains(word) || word.contains(w))))
            || (word.len() < 4 && word.trim_start_matches(['g', 'v', 'r']).bytes().all(|b| b.is_ascii_digit()))
    };
    let lower = value.to_lowercase();
    let mut parts = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    if known || parts.all(is_generic) {
        CertificateName::Known
    } else if label.is_empty() {
        CertificateName::Own
    } else {
        CertificateName::Product(label)
    }
}

/// The ending of a file name that says what it is; nothing where it may say more.
pub(super) fn extension(path: &str) -> &'static str {
    const ENDINGS: &[&str] = &[
        ".pcap", ".pcapng", ".etl", ".cap", ".txt", ".log", ".json", ".csv", ".cab", ".zip", ".gz", ".zst", ".xml",
        ".html", ".dmp",
    ];
    ENDINGS.iter().find(|e| path.ends_with(*e)).copied().unwrap_or("")
}
