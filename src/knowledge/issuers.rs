//! Certificate authorities that Microsoft's endpoints use: types, and the judgement of a chain.
//!
//! What enters: a chain as the server sent it, leaf first. What leaves: who signed it, and whether a known name was
//! copied. Names are judged first and keys are never pinned: the list ages, and a new key under an old name is not
//! interception by itself. What gives a copied name away is what the forged chain lacks ([`ForgedSign`]).

mod table;

use super::interceptors::{Interceptor, interceptor};
use super::public_cas::{PublicCa, public_ca, same_organisation};
use super::{Source, interceptors};
use crate::facts::Certificate;
use crate::lang::Text;
use table::ISSUERS;

/// Longest lifetime of a public TLS certificate issued since 2020-09-01 (CA/Browser Forum ballot SC31: 398 days), in
/// nanoseconds.
const PUBLIC_LIFETIME_MAX: i64 = 398 * 86_400 * 1_000_000_000;
/// 2020-09-01T00:00:00Z in nanoseconds since 1970.
const LIFETIME_RULE_SINCE: i64 = 1_598_918_400 * 1_000_000_000;

/// Place of an authority in its hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssuerKind {
    /// Trust anchor.
    Root,
    /// Signed by another authority, in use.
    Subordinate,
    /// Taken off Microsoft's list; normal in old captures.
    Historic,
}

/// One CA certificate of the table.
#[derive(Debug, Clone, Copy)]
pub struct Issuer {
    /// Common name.
    pub name: &'static str,
    /// Organisation.
    pub organisation: &'static str,
    /// Place in the hierarchy.
    pub kind: IssuerKind,
    /// Common name of the parent; its own for a root, empty where not known.
    pub issued_by: &'static str,
    /// SHA-1 of the certificate, upper-case hex.
    pub sha1: &'static str,
    /// SHA-256 of the certificate, lower-case hex; empty where not known.
    pub sha256: &'static str,
    /// End of validity (year-month-day); empty where not known.
    pub not_after: &'static str,
    /// Where this is written.
    pub sources: &'static [&'static Source],
}

/// What a chain under a public name lacks, or has too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForgedSign {
    /// An authority that is a subordinate, or signs leaves, stands there signed by itself.
    SelfSignedIssuer,
    /// The authority is there, but signed by another one than its real parents.
    WrongParent,
    /// The server sent the leaf alone; public servers send the issuer with it.
    NoIntermediate,
    /// The next certificate of the chain is not the one that signed the leaf.
    BrokenChain,
    /// No certificate transparency timestamps.
    NoSct,
    /// Neither authority information access nor CRL distribution points.
    NoAiaOrCrl,
    /// No authority key identifier in the leaf.
    NoAuthorityKey,
    /// Valid for longer than public authorities may sign.
    TooLongLived,
}

impl ForgedSign {
    /// Words for people.
    pub fn text(self) -> Text {
        match self {
            ForgedSign::SelfSignedIssuer => Text {
                en: "the issuing authority is signed by itself",
                ja: "発行元の認証局が自己署名になっている",
            },
            ForgedSign::WrongParent => Text {
                en: "the issuing authority is not signed by its real parent",
                ja: "発行元の認証局が本来の上位認証局で署名されていない",
            },
            ForgedSign::NoIntermediate => {
                Text { en: "no intermediate certificate was sent", ja: "中間証明書が送られていない" }
            }
            ForgedSign::BrokenChain => Text {
                en: "the certificates sent do not form a chain",
                ja: "送られた証明書がチェーンになっていない",
            },
            ForgedSign::NoSct => {
                Text { en: "no certificate transparency timestamps", ja: "Certificate Transparency の SCT がない" }
            }
            ForgedSign::NoAiaOrCrl => Text { en: "no AIA and no CRL pointers", ja: "AIA と CRL 配布点がない" },
            ForgedSign::NoAuthorityKey => {
                Text { en: "no authority key identifier", ja: "機関キー識別子がない" }
            }
            ForgedSign::TooLongLived => {
                Text { en: "valid for more than 398 days", ja: "有効期間が 398 日を超えている" }
            }
        }
    }
}

/// Who signed a chain.
#[derive(Debug, Clone)]
pub enum IssuerJudgement {
    /// An authority of Microsoft's list; `by_fingerprint` when its very certificate was in the chain.
    Known {
        /// The row.
        issuer: &'static Issuer,
        /// Proven by the certificate, not by the name alone.
        by_fingerprint: bool,
        /// What is odd about the chain all the same; not enough to doubt the name.
        signs: Vec<ForgedSign>,
    },
    /// A name that the list does not know, of an organisation that signs for Microsoft: new, to be checked.
    NewButPlausible {
        /// The organisation.
        ca: &'static PublicCa,
        /// What is odd about the chain.
        signs: Vec<ForgedSign>,
    },
    /// Another public authority: ordinary for other hosts, unexpected for Microsoft's.
    PublicCa {
        /// The organisation.
        ca: &'static PublicCa,
        /// What is odd about the chain.
        signs: Vec<ForgedSign>,
    },
    /// A public name over a chain that a public authority does not make: somebody copied the name.
    NameCopied {
        /// What gives it away.
        signs: Vec<ForgedSign>,
    },
    /// No public authority.
    Foreign {
        /// The product, where the names tell it.
        interceptor: Option<&'static Interceptor>,
        /// The name contains a word of gateways ("proxy", "inspection", ...).
        gateway_word: Option<&'static str>,
        /// Issued by itself.
        self_signed: bool,
    },
    /// There is no certificate that could be read.
    Unknown,
}

impl IssuerJudgement {
    /// For a host of Microsoft's: whether the chain shows that somebody else terminates TLS.
    pub fn is_interception_for_microsoft(&self) -> bool {
        matches!(self, IssuerJudgement::Foreign { .. } | IssuerJudgement::NameCopied { .. })
    }

    /// For any other public host: whether the chain shows it by a product's name or a copied one. A private authority
    /// alone is normal there (intranet, federation servers).
    pub fn is_interception_for_others(&self) -> bool {
        matches!(self, IssuerJudgement::Foreign { interceptor: Some(_), .. } | IssuerJudgement::NameCopied { .. })
    }

    /// The product that signed, where it can be told.
    pub fn interceptor(&self) -> Option<&'static Interceptor> {
        match self {
            IssuerJudgement::Foreign { interceptor, .. } => *interceptor,
            _ => None,
        }
    }
}

/// The rows with that common name.
pub fn issuers_named(common_name: &str) -> impl Iterator<Item = &'static Issuer> {
    let wanted = common_name.trim();
    ISSUERS.iter().filter(move |i| i.name.eq_ignore_ascii_case(wanted))
}

/// The whole table.
pub fn all_issuers() -> &'static [Issuer] {
    ISSUERS
}

/// Judges a chain, leaf first, as the server sent it.
pub fn issuer_of(chain: &[&Certificate]) -> IssuerJudgement {
    let Some(leaf) = chain.first().copied().filter(|c| c.parse_error.is_none()) else {
        return IssuerJudgement::Unknown;
    };
    let cn = leaf.issuer_cn.as_deref().unwrap_or_default().trim();
    let organisation = leaf.issuer_o.as_deref().unwrap_or_default();
    // The certificate itself is the proof, as long as it is the one that the leaf names as its issuer.
    let signer = chain.iter().copied().skip(1).find(|c| c.subject == leaf.issuer && c.parse_error.is_none());
    if let Some(issuer) = signer.and_then(by_fingerprint) {
        return IssuerJudgement::Known { issuer, by_fingerprint: true, signs: Vec::new() };
    }
    let by_name =
        issuers_named(cn).find(|i| organisation.is_empty() || same_organisation(i.organisation, organisation));
    let public = public_ca(organisation);
    if by_name.is_none() && public.is_none() {
        return foreign(chain, leaf);
    }
    // A product whose regex fits wins over a public organisation, never over a name of the list.
    if by_name.is_none() && product(chain).is_some() {
        return foreign(chain, leaf);
    }
    let signs = forged_signs(chain, leaf, signer);
    if copied(&signs) {
        return IssuerJudgement::NameCopied { signs };
    }
    match (by_name, public) {
        (Some(issuer), _) => IssuerJudgement::Known { issuer, by_fingerprint: false, signs },
        (None, Some(ca)) if ca.used_by_microsoft => IssuerJudgement::NewButPlausible { ca, signs },
        (None, Some(ca)) => IssuerJudgement::PublicCa { ca, signs },
        (None, None) => IssuerJudgement::Unknown,
    }
}

fn by_fingerprint(c: &Certificate) -> Option<&'static Issuer> {
    ISSUERS.iter().find(|i| {
        let sha256 = !i.sha256.is_empty() && i.sha256.eq_ignore_ascii_case(&c.sha256);
        sha256 || (!c.sha1.is_empty() && i.sha1.eq_ignore_ascii_case(&c.sha1))
    })
}

fn product(chain: &[&Certificate]) -> Option<&'static Interceptor> {
    chain.iter().filter(|c| c.parse_error.is_none()).find_map(|c| {
        interceptor(&interceptors::Names {
            cn: c.issuer_cn.as_deref(),
            o: c.issuer_o.as_deref(),
            ou: c.issuer_ou.as_deref(),
            email: c.issuer_email.as_deref(),
        })
    })
}

fn foreign(chain: &[&Certificate], leaf: &Certificate) -> IssuerJudgement {
    let gateway_word = chain.iter().find_map(|c| interceptors::generic_gateway_word(&c.issuer));
    IssuerJudgement::Foreign { interceptor: product(chain), gateway_word, self_signed: leaf.self_issued }
}

fn forged_signs(chain: &[&Certificate], leaf: &Certificate, signer: Option<&Certificate>) -> Vec<ForgedSign> {
    let mut signs = Vec::new();
    match signer {
        Some(ca) if ca.self_issued => signs.push(ForgedSign::SelfSignedIssuer),
        Some(ca) => {
            let parent = ca.issuer_cn.as_deref().unwrap_or_default().trim();
            let mut rows = issuers_named(ca.subject_cn.as_deref().unwrap_or_default()).peekable();
            let listed = rows.peek().is_some();
            // Rows without a known parent prove nothing; another name of the list may cross-sign.
            let fits = rows.any(|i| i.issued_by.is_empty() || i.issued_by.eq_ignore_ascii_case(parent));
            let public_parent = ca.issuer_o.as_deref().and_then(public_ca).is_some();
            if listed && !fits && !public_parent {
                signs.push(ForgedSign::WrongParent);
            }
        }
        None if leaf.self_issued => signs.push(ForgedSign::SelfSignedIssuer),
        None if chain.len() == 1 => signs.push(ForgedSign::NoIntermediate),
        None => signs.push(ForgedSign::BrokenChain),
    }
    if !leaf.has_sct {
        signs.push(ForgedSign::NoSct);
    }
    if !leaf.has_aia_or_crl {
        signs.push(ForgedSign::NoAiaOrCrl);
    }
    if !leaf.has_aki {
        signs.push(ForgedSign::NoAuthorityKey);
    }
    let since_rule = leaf.not_before.0 >= LIFETIME_RULE_SINCE;
    if since_rule && leaf.not_after.since(leaf.not_before) > PUBLIC_LIFETIME_MAX {
        signs.push(ForgedSign::TooLongLived);
    }
    signs
}

/// Whether the signs are enough to say that the name was copied: the chain above the leaf is not the public one, or the
/// leaf came alone and has nothing that public authorities put into theirs.
fn copied(signs: &[ForgedSign]) -> bool {
    let has = |s: ForgedSign| signs.contains(&s);
    let bare = has(ForgedSign::NoSct) && has(ForgedSign::NoAiaOrCrl);
    has(ForgedSign::SelfSignedIssuer)
        || has(ForgedSign::WrongParent)
        || (bare && (has(ForgedSign::NoIntermediate) || has(ForgedSign::BrokenChain) || has(ForgedSign::TooLongLived)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn judged(chain: &[Certificate]) -> IssuerJudgement {
        issuer_of(&chain.iter().collect::<Vec<_>>())
    }

    fn certificate(subject_cn: &str, issuer_cn: &str, issuer_o: &str) -> Certificate {
        Certificate {
            subject: format!("CN={subject_cn}"),
            subject_cn: Some(subject_cn.into()),
            issuer: format!("CN={issuer_cn}"),
            issuer_cn: Some(issuer_cn.into()),
            issuer_o: Some(issuer_o.into()),
            has_aki: true,
            not_before: Timestamp::from_parts(1_760_000_000, 0),
            not_after: Timestamp::from_parts(1_770_000_000, 0),
            self_issued: subject_cn == issuer_cn,
            ..Certificate::default()
        }
    }

    const AZURE: &str = "Microsoft Azure RSA TLS Issuing CA 03";

    #[test]
    fn a_known_name_with_its_real_parent_is_known_whatever_its_key() {
        let chain = [
            certificate("management.azure.com", AZURE, "Microsoft Corporation"),
            certificate(AZURE, "DigiCert Global Root G2", "DigiCert Inc"),
        ];
        let judgement = judged(&chain);
        assert!(
            matches!(&judgement, IssuerJudgement::Known { issuer, by_fingerprint: false, .. } if issuer.name == AZURE)
        );
        assert!(!judgement.is_interception_for_microsoft());
    }

    #[test]
    fn the_certificate_itself_is_proof() {
        let mut ca = certificate(AZURE, "DigiCert Global Root G2", "DigiCert Inc");
        ca.sha1 = "f9388ea2c9b7d632b66a2b0b406df1d37d3901f6".into();
        let chain = [certificate("a", AZURE, "Microsoft Corporation"), ca.clone()];
        assert!(matches!(judged(&chain), IssuerJudgement::Known { by_fingerprint: true, .. }));
        // The same certificate beside a leaf that it did not sign proves nothing.
        let chain = [certificate("a", "Contoso Web Gateway CA", "Contoso"), ca];
        assert!(judged(&chain).is_interception_for_microsoft());
    }

    #[test]
    fn new_names_of_microsoft_and_digicert_are_to_be_checked_not_accused() {
        let chain = [
            certificate("a", "Microsoft TLS G3 RSA CA OCSP 18", "Microsoft Corporation"),
            certificate("Microsoft TLS G3 RSA CA OCSP 18", "Microsoft TLS RSA Root G3", "Microsoft Corporation"),
        ];
        let judgement = judged(&chain);
        assert!(matches!(judgement, IssuerJudgement::NewButPlausible { ca, .. } if ca.name == "Microsoft"));
    }

    #[test]
    fn copied_names_are_told_by_what_the_chain_lacks() {
        let leaf = certificate("login.microsoftonline.com", AZURE, "Microsoft Corporation");
        let alone = judged(std::slice::from_ref(&leaf));
        assert!(matches!(&alone, IssuerJudgement::NameCopied { signs } if signs.contains(&ForgedSign::NoIntermediate)));
        let own_root = certificate(AZURE, AZURE, "Microsoft Corporation");
        assert!(matches!(judged(&[leaf.clone(), own_root]), IssuerJudgement::NameCopied { .. }));
        let other_parent = certificate(AZURE, "Contoso Root", "Contoso");
        assert!(matches!(judged(&[leaf.clone(), other_parent]), IssuerJudgement::NameCopied { .. }));
        // A genuine leaf whose server forgot the intermediate still carries what public authorities put in.
        let genuine = Certificate { has_sct: true, has_aia_or_crl: true, ..leaf };
        assert!(matches!(judged(&[genuine]), IssuerJudgement::Known { .. }));
    }

    #[test]
    fn public_and_private_authorities_are_told_apart() {
        let chain = [
            certificate("sts.contoso.com", "GlobalSign RSA OV SSL CA 2018", "GlobalSign nv-sa"),
            certificate("GlobalSign RSA OV SSL CA 2018", "GlobalSign", "GlobalSign"),
        ];
        assert!(matches!(judged(&chain), IssuerJudgement::PublicCa { ca, .. } if ca.name == "GlobalSign"));
        let chain = [certificate("intranet", "Contoso Issuing CA 01", "")];
        let judgement = judged(&chain);
        assert!(!judgement.is_interception_for_others() && judgement.is_interception_for_microsoft());
        let chain = [certificate("a", "Contoso Web Gateway CA", "Contoso")];
        assert!(matches!(judged(&chain), IssuerJudgement::Foreign { gateway_word: Some("gateway"), .. }));
        assert!(matches!(judged(&[]), IssuerJudgement::Unknown));
    }

    #[test]
    fn products_are_named() {
        let chain = [certificate("a", "FG100FTK20012345", "Fortinet")];
        assert_eq!(judged(&chain).interceptor().unwrap().vendor, "Fortinet");
        let chain = [certificate("a", "Zscaler Intermediate Root CA (zscalerthree.net) (t) ", "Zscaler Inc.")];
        assert_eq!(judged(&chain).interceptor().unwrap().vendor, "Zscaler");
    }

    #[test]
    fn the_table_is_sound() {
        for (i, row) in ISSUERS.iter().enumerate() {
            assert_eq!(row.sha1.len(), 40, "{}", row.name);
            assert!(row.sha256.is_empty() || row.sha256.len() == 64, "{}", row.name);
            assert!(!row.sources.is_empty() && !row.organisation.is_empty() && row.organisation != "?");
            assert!(!ISSUERS.iter().skip(i + 1).any(|o| o.sha1 == row.sha1), "{}", row.name);
        }
    }
}
