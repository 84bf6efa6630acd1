//! Products that intercept TLS: types and look-ups over the table.
//!
//! The rules tell who signs, not whether that is allowed: some customers intercept the sign-in hosts on purpose
//! (tenant restrictions).

mod table;

use super::Source;
use crate::lang::Text;
use regex::RegexSet;
use std::sync::LazyLock;
use table::INTERCEPTORS;

/// What kind of product it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InterceptorKind {
    /// Security service in the cloud.
    CloudProxy,
    /// Firewall with TLS inspection.
    Firewall,
    /// Web proxy.
    Proxy,
    /// Dedicated appliance.
    Appliance,
    /// Content filter.
    Filter,
    /// Debugging proxy on the client itself: the engineer's own tool, perhaps.
    DebuggingProxy,
    /// Antivirus on the client itself.
    Antivirus,
    /// Parental control.
    ParentalControl,
}

impl InterceptorKind {
    /// Name for people.
    pub fn title(self) -> Text {
        match self {
            InterceptorKind::CloudProxy => {
                Text { en: "cloud web gateway", ja: "クラウド型 Web ゲートウェイ" }
            }
            InterceptorKind::Firewall => {
                Text { en: "firewall with TLS inspection", ja: "TLS 検査を行うファイアウォール" }
            }
            InterceptorKind::Proxy => Text { en: "web proxy", ja: "Web プロキシ" },
            InterceptorKind::Appliance => Text { en: "inspection appliance", ja: "検査アプライアンス" },
            InterceptorKind::Filter => Text { en: "web filter", ja: "Web フィルター" },
            InterceptorKind::DebuggingProxy => {
                Text { en: "debugging proxy on the client", ja: "クライアント上のデバッグ用プロキシ" }
            }
            InterceptorKind::Antivirus => {
                Text { en: "antivirus on the client", ja: "クライアント上のウイルス対策ソフト" }
            }
            InterceptorKind::ParentalControl => {
                Text { en: "parental control", ja: "ペアレンタル コントロール" }
            }
        }
    }
}

/// How well the names of a row are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Decoded from a real certificate.
    SeenInCertificate,
    /// Printed in a public thread.
    SeenInOutput,
    /// Named in the vendor's text.
    VendorDocument,
    /// In a maintained public list.
    Listed,
    /// Many independent mentions.
    WellKnown,
    /// General knowledge, unverified.
    Recalled,
    /// The product is real, its issuer's name is the customer's choice.
    UnnamedIssuer,
    /// Known to exist; nothing verified.
    Unknown,
}

/// One product.
#[derive(Debug, Clone, Copy)]
pub struct Interceptor {
    /// Stable id.
    pub id: &'static str,
    /// Vendor.
    pub vendor: &'static str,
    /// Product.
    pub product: &'static str,
    /// Kind.
    pub kind: InterceptorKind,
    /// Regular expressions over the issuer's common name.
    pub cn: &'static [&'static str],
    /// Over its organisation.
    pub o: &'static [&'static str],
    /// Over its organisational unit.
    pub ou: &'static [&'static str],
    /// Over its e-mail address.
    pub email: &'static [&'static str],
    /// Names of HTTP fields, lower case.
    pub headers: &'static [&'static str],
    /// Names that it carries in texts, lower case.
    pub words: &'static [&'static str],
    /// How well its issuer names are known.
    pub quality: Quality,
    /// Where this is written.
    pub sources: &'static [&'static Source],
}

impl Interceptor {
    /// Vendor and product in one, for people.
    pub fn label(&self) -> String {
        if self.product.starts_with(self.vendor) {
            self.product.to_owned()
        } else {
            format!("{} {}", self.vendor, self.product)
        }
    }
}

/// The names of an issuer, as far as it has them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// Common name.
    pub cn: Option<&'a str>,
    /// Organisation.
    pub o: Option<&'a str>,
    /// Organisational unit.
    pub ou: Option<&'a str>,
    /// E-mail address.
    pub email: Option<&'a str>,
}

/// The expressions over one of an issuer's names, each with its row's index; compiled at the first use, since that takes
/// milliseconds and most issuers have no more than two of the names.
type Compiled = LazyLock<(RegexSet, Vec<usize>)>;

fn compiled(field: fn(&Interceptor) -> &'static [&'static str]) -> (RegexSet, Vec<usize>) {
    let rows = INTERCEPTORS.iter().enumerate();
    let all: Vec<(usize, String)> =
        rows.flat_map(|(i, row)| field(row).iter().map(move |r| (i, format!("(?i){r}")))).collect();
    // An expression that does not compile is a fault of the table; a test finds it, users lose only that set.
    let set = RegexSet::new(all.iter().map(|(_, r)| r)).unwrap_or_else(|_| RegexSet::empty());
    (set, all.into_iter().map(|(i, _)| i).collect())
}

static CN: Compiled = LazyLock::new(|| compiled(|r| r.cn));
static O: Compiled = LazyLock::new(|| compiled(|r| r.o));
static OU: Compiled = LazyLock::new(|| compiled(|r| r.ou));
static EMAIL: Compiled = LazyLock::new(|| compiled(|r| r.email));

/// The product that an issuer's names tell: by its expressions first, by its name inside them second.
pub fn interceptor(names: &Names<'_>) -> Option<&'static Interceptor> {
    let fields = [names.cn, names.o, names.ou, names.email];
    let by_expression = [&CN, &O, &OU, &EMAIL].into_iter().zip(fields).find_map(|(compiled, field)| {
        let (field, (set, rows)) = (field?.trim(), &**compiled);
        let first = set.matches(field).iter().next()?;
        rows.get(first).and_then(|row| INTERCEPTORS.get(*row))
    });
    by_expression.or_else(|| fields.into_iter().flatten().find_map(interceptor_by_text))
}

/// The product that an HTTP field tells: by the field's own name, or by its value where that names the software.
pub fn interceptor_by_header(name: &str, value: &str) -> Option<&'static Interceptor> {
    let name = name.to_ascii_lowercase();
    if let Some(row) = INTERCEPTORS.iter().find(|r| r.headers.contains(&name.as_str())) {
        return Some(row);
    }
    // Squid's own field has no product's name in its value.
    if name.starts_with("x-squid") {
        return INTERCEPTORS.iter().find(|r| r.id == "squid");
    }
    let tells = matches!(
        name.as_str(),
        "server"
            | "via"
            | "proxy-agent"
            | "proxy-status"
            | "proxy-authenticate"
            | "location"
            | "x-cache"
            | "x-powered-by"
    );
    if tells || name.starts_with("x-") {
        interceptor_by_text(value).or_else(|| interceptor_by_text(&name))
    } else {
        None
    }
}

/// The product that a title, an error page or any other text names.
pub fn interceptor_by_text(text: &str) -> Option<&'static Interceptor> {
    let text = text.to_lowercase();
    INTERCEPTORS.iter().find(|row| row.words.iter().any(|w| has_word(&text, w)))
}

/// Whether the word stands in the text, not as part of a longer one of letters.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at.saturating_add(found.len())..).and_then(|t| t.chars().next());
        !before.is_some_and(|c| c.is_ascii_alphabetic()) && !after.is_some_and(|c| c.is_ascii_lowercase())
    })
}

/// Words that administrators give to a CA which inspects traffic.
const GATEWAY_WORDS: &[&str] = &[
    "proxy",
    "inspection",
    "inspect",
    "decryption",
    "decrypt",
    "gateway",
    "firewall",
    "intercept",
    "webfilter",
    "web filter",
    "web security",
    "forward trust",
    "forward untrust",
    "ssl filter",
    "utm",
    "mitm",
    "dpi",
    "プロキシ",
    "フィルター",
    "検査",
];

/// The word that makes an issuer's name look like a gateway's; `None` for ordinary names.
pub fn generic_gateway_word(issuer: &str) -> Option<&'static str> {
    let text = issuer.to_lowercase();
    GATEWAY_WORDS.iter().find(|w| has_word(&text, w)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(cn: &str, o: &str) -> Option<&'static str> {
        interceptor(&Names { cn: Some(cn), o: Some(o), ..Names::default() }).map(|r| r.id)
    }

    #[test]
    fn every_expression_compiles_and_every_row_can_be_met() {
        for row in INTERCEPTORS {
            for r in [row.cn, row.o, row.ou, row.email].concat() {
                assert!(regex::Regex::new(r).is_ok(), "{r}");
            }
            assert!(!row.words.is_empty() && !row.sources.is_empty() && !row.vendor.is_empty(), "{}", row.id);
            assert!(row.words.iter().all(|w| *w == w.to_lowercase()), "{}", row.id);
        }
        assert!([&CN, &O, &OU, &EMAIL].iter().all(|c| c.0.len() == c.1.len() && !c.1.is_empty()));
    }

    #[test]
    fn issuers_name_their_product() {
        assert_eq!(by("Zscaler Intermediate Root CA (zscloud.net) (t) ", "Zscaler Inc."), Some("zscaler"));
        assert_eq!(by("FG100FTK20012345", "Fortinet"), Some("fortinet"));
        assert_eq!(by("ca.contoso.goskope.com", "Contoso"), Some("netskope"));
        assert_eq!(by("DO_NOT_TRUST_FiddlerRoot", "DO_NOT_TRUST"), Some("fiddler"));
        assert_eq!(by("Contoso i-FILTER CA", "Contoso"), Some("i-filter"));
        assert_eq!(by("Gateway CA - Cloudflare Managed G1 abc", "Cloudflare, Inc."), Some("cloudflare-gateway"));
        assert_eq!(by("Contoso Issuing CA 01", "Contoso"), None);
        assert_eq!(by("DigiCert Global G2 TLS RSA SHA256 2020 CA1", "DigiCert Inc"), None);
        assert_eq!(by("Microsoft Azure RSA TLS Issuing CA 03", "Microsoft Corporation"), None);
    }

    #[test]
    fn error_pages_name_their_product() {
        let id = |n: &str, v: &str| interceptor_by_header(n, v).map(|r| r.id);
        assert_eq!(id("X-Squid-Error", "ERR_ACCESS_DENIED 0"), Some("squid"));
        assert_eq!(id("Via", "1.1 proxy.corp (squid/6.6)"), Some("squid"));
        assert_eq!(id("Server", "tinyproxy/1.11.1"), Some("tinyproxy"));
        assert_eq!(id("X-Bluecoat-Via", "a"), Some("bluecoat"));
        assert_eq!(id("Server", "Zscaler/6.2"), Some("zscaler"));
        assert_eq!(id("Server", "nginx"), None);
        assert_eq!(id("Content-Type", "squid"), None);
        assert_eq!(
            interceptor_by_text("FortiGuard Intrusion Prevention - Access Blocked").map(|r| r.id),
            Some("fortinet")
        );
    }

    #[test]
    fn gateway_words_stand_alone() {
        assert_eq!(generic_gateway_word("CN=Contoso Web Gateway CA,O=Contoso"), Some("gateway"));
        assert_eq!(generic_gateway_word("CN=SSL-Inspection-CA"), Some("inspection"));
        assert_eq!(generic_gateway_word("CN=Contoso Issuing CA 01,O=Proximity"), None);
    }

    #[test]
    fn labels_hold_vendor_and_product() {
        let fiddler = interceptor_by_text("fiddler").unwrap();
        assert_eq!(fiddler.label(), "Progress (Telerik) Fiddler Classic");
        assert_eq!(interceptor_by_text("zscaler").unwrap().label(), "Zscaler Internet Access");
    }
}
