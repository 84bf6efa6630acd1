//! Organisations that run public certificate authorities: table only.
//!
//! A certificate of a host that is not Microsoft's and is signed by one of them is no interception. The list is short
//! on purpose: it holds those that sign most of the web, and those of Japan.

use super::Source;

const CCADB: Source = Source {
    title: "general knowledge of the root programmes (CCADB); spelling of O as in the certificates",
    date: "2026-11",
};

/// A public certificate authority.
#[derive(Debug, Clone, Copy)]
pub struct PublicCa {
    /// Name for people.
    pub name: &'static str,
    /// Values of O in its issuing certificates.
    pub organisations: &'static [&'static str],
    /// Microsoft's endpoints get certificates from it (now or formerly).
    pub used_by_microsoft: bool,
    /// Where this is written.
    pub source: &'static Source,
}

const fn ca(name: &'static str, organisations: &'static [&'static str]) -> PublicCa {
    PublicCa { name, organisations, used_by_microsoft: false, source: &CCADB }
}

const fn microsoft_uses(name: &'static str, organisations: &'static [&'static str]) -> PublicCa {
    PublicCa { name, organisations, used_by_microsoft: true, source: &CCADB }
}

/// The table.
pub static PUBLIC_CAS: &[PublicCa] = &[
    microsoft_uses("Microsoft", &["Microsoft Corporation"]),
    microsoft_uses("DigiCert", &["DigiCert Inc", "DigiCert, Inc.", "DigiCert Ireland Limited", "DigiCert Europe"]),
    microsoft_uses("Baltimore CyberTrust", &["Baltimore"]),
    microsoft_uses("Entrust", &["Entrust, Inc.", "Entrust Limited", "Entrust Corporation"]),
    ca("GlobalSign", &["GlobalSign nv-sa", "GlobalSign", "GMO GlobalSign Holdings K.K.", "GMO GlobalSign, Inc."]),
    ca("Sectigo", &["Sectigo Limited", "COMODO CA Limited", "The USERTRUST Network", "ZeroSSL"]),
    ca("Let's Encrypt", &["Let's Encrypt", "Internet Security Research Group"]),
    ca("GoDaddy", &["GoDaddy.com, Inc.", "Starfield Technologies, Inc."]),
    ca("Amazon", &["Amazon"]),
    ca("Google Trust Services", &["Google Trust Services", "Google Trust Services LLC", "Google Inc"]),
    ca("Cybertrust Japan", &["Cybertrust Japan Co., Ltd.", "Cybertrust Japan Co.,Ltd."]),
    ca("SECOM", &["SECOM Trust Systems CO.,LTD.", "SECOM Trust Systems Co., Ltd.", "SECOM Trust.net"]),
    ca("NII (UPKI)", &["National Institute of Informatics"]),
    ca("IdenTrust", &["IdenTrust", "IdenTrust, Inc.", "HydrantID (Avalanche Cloud Corporation)"]),
    ca("SSL.com", &["SSL Corporation", "SSL Corp"]),
    ca("Certum", &["Unizeto Technologies S.A.", "Asseco Data Systems S.A."]),
    ca("Buypass", &["Buypass AS-983163327", "Buypass AS"]),
    ca("Actalis", &["Actalis S.p.A.", "Actalis S.p.A./03358520967"]),
    ca("SwissSign", &["SwissSign AG"]),
    ca("QuoVadis", &["QuoVadis Limited", "QuoVadis Trustlink B.V."]),
    ca("Telia", &["TeliaSonera", "Telia Finland Oyj", "Telia Company AB"]),
    ca("D-Trust", &["D-Trust GmbH"]),
    ca("T-Systems / Telekom Security", &["T-Systems International GmbH", "Deutsche Telekom Security GmbH"]),
    ca(
        "HARICA",
        &[
            "Hellenic Academic and Research Institutions CA",
            "Hellenic Academic and Research Institutions Cert. Authority",
        ],
    ),
    ca("GEANT", &["GEANT Vereniging", "GEANT"]),
    ca("Certigna", &["Dhimyotis", "Certigna"]),
    ca("Izenpe", &["IZENPE S.A."]),
    ca("Chunghwa Telecom", &["Chunghwa Telecom Co., Ltd."]),
    ca("TWCA", &["TAIWAN-CA"]),
    ca("CFCA", &["China Financial Certification Authority"]),
    ca("WoTrus / TrustAsia", &["WoTrus CA Limited", "TrustAsia Technologies, Inc."]),
    ca(
        "Symantec (former)",
        &["Symantec Corporation", "VeriSign, Inc.", "GeoTrust Inc.", "GeoTrust, Inc.", "thawte, Inc."],
    ),
    ca("Verizon / Cybertrust (former)", &["Verizon Enterprise Solutions", "Cybertrust Inc", "Cybertrust, Inc"]),
    ca("Trustwave", &["Trustwave Holdings, Inc.", "SecureTrust Corporation", "Viking Cloud, Inc."]),
    ca("Network Solutions", &["Network Solutions L.L.C."]),
    ca("Cloudflare (public CA)", &["CloudFlare, Inc.", "Cloudflare, Inc."]),
    ca("Apple", &["Apple Inc."]),
    ca("cPanel", &["cPanel, Inc.", "cPanel, LLC"]),
    ca("Gandi", &["Gandi"]),
    ca("e-Mudhra (emSign)", &["eMudhra Technologies Limited", "eMudhra Inc"]),
    ca("Certainly", &["Certainly"]),
    ca("TrustCor / others of the past", &["StartCom Ltd.", "WoSign CA Limited"]),
];

/// The public authority with that organisation; punctuation and case do not matter.
pub fn public_ca(organisation: &str) -> Option<&'static PublicCa> {
    PUBLIC_CAS.iter().find(|ca| ca.organisations.iter().any(|o| same_organisation(o, organisation)))
}

/// Compares letters and digits only: "DigiCert, Inc." is "DigiCert Inc".
pub(super) fn same_organisation(a: &str, b: &str) -> bool {
    let letters = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let a = letters(a);
    !a.is_empty() && a == letters(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_match_whole_and_loosely_spelled() {
        assert_eq!(public_ca("DigiCert, Inc.").unwrap().name, "DigiCert");
        assert_eq!(public_ca("globalsign NV-SA").unwrap().name, "GlobalSign");
        assert!(public_ca("Amazonia").is_none() && public_ca("").is_none() && public_ca("Contoso").is_none());
    }

    #[test]
    fn no_organisation_stands_twice() {
        let all: Vec<&str> = PUBLIC_CAS.iter().flat_map(|c| c.organisations).copied().collect();
        for (i, o) in all.iter().enumerate() {
            assert!(!all.iter().skip(i + 1).any(|p| p == o), "{o}");
        }
    }
}
