//! DER certificates → [`Certificate`] facts, and the Certificate messages that carry them.
//!
//! What enters: the content of a Certificate handshake message (RFC 5246 7.4.2, RFC 8446 4.4.2), or one certificate's
//! DER. What leaves: one fact a certificate, leaf first. Guaranteed: a certificate that cannot be parsed still has its
//! SHA-256 and says why; nothing is verified here. The one door to x509-parser.

use crate::bytes::Cursor;
use crate::facts::{Certificate, Presented};
use crate::packet::At;
use crate::protocol::shared::Shared;
use crate::time::Timestamp;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Certificates met before.
pub type SharedCertificates = Shared<Certificate>;

/// Certificates read from one message: public chains have up to five, some servers send a whole store.
const CERTIFICATES_MAX: usize = 64;

/// Names kept of one certificate's subjectAltName: the most in use are about 2000 (shared hosting).
const NAMES_MAX: usize = 4096;

/// Bits of the shortest RSA modulus that clients accept (CA/Browser Forum Baseline Requirements 6.1.5).
const RSA_BITS_MIN: usize = 2048;

/// The certificates of a Certificate message; `tls13` selects the format with context and extensions.
///
/// A list that ends in the middle gives what is whole.
pub fn list(body: &[u8], tls13: bool, at: At, shared: &SharedCertificates) -> Vec<Presented> {
    let presented = |(index, der)| Presented { at, index, certificate: shared.get(der, || parse(der)) };
    chain(body, tls13).into_iter().enumerate().map(presented).collect()
}

/// The DER of each certificate of a Certificate message.
fn chain(body: &[u8], tls13: bool) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut cursor = Cursor::new(body);
    let mut entries = || -> Option<()> {
        if tls13 {
            let context = cursor.u8()?;
            cursor.skip(usize::from(context))?;
        }
        let total = cursor.u24_be()? as usize;
        let mut entries = Cursor::new(cursor.peek(total).unwrap_or(cursor.rest()));
        while !entries.is_empty() && out.len() < CERTIFICATES_MAX {
            let length = entries.u24_be()? as usize;
            out.push(entries.take(length)?);
            if tls13 {
                let extensions = entries.u16_be()?;
                entries.skip(usize::from(extensions))?;
            }
        }
        Some(())
    };
    // `None` only means that the list ended early.
    let _ = entries();
    out
}

/// One certificate.
pub fn parse(der: &[u8]) -> Certificate {
    let mut fact = Certificate {
        sha256: hex(&Sha256::digest(der)),
        sha1: hex(&Sha1::digest(der)).to_ascii_uppercase(),
        ..Certificate::default()
    };
    match X509Certificate::from_der(der) {
        Ok((rest, certificate)) => {
            fill(&mut fact, &certificate);
            if !rest.is_empty() {
                fact.parse_error = Some(format!("{} bytes behind the certificate", rest.len()));
            }
        }
        Err(error) => {
            let text = match error {
                x509_parser::nom::Err::Incomplete(_) => "the DER ends early".to_string(),
                x509_parser::nom::Err::Error(e) | x509_parser::nom::Err::Failure(e) => e.to_string(),
            };
            fact.parse_error = Some(text);
        }
    }
    fact
}

fn fill(fact: &mut Certificate, certificate: &X509Certificate<'_>) {
    let tbs = &certificate.tbs_certificate;
    fact.spki_sha256 = base64(&Sha256::digest(tbs.subject_pki.raw));
    fact.subject = rfc4514(&tbs.subject);
    fact.issuer = rfc4514(&tbs.issuer);
    fact.subject_cn = first(tbs.subject.iter_common_name());
    fact.issuer_cn = first(tbs.issuer.iter_common_name());
    fact.subject_o = first(tbs.subject.iter_organization());
    fact.issuer_o = first(tbs.issuer.iter_organization());
    fact.issuer_ou = first(tbs.issuer.iter_organizational_unit());
    fact.issuer_email = first(tbs.issuer.iter_email());
    fact.serial = serial(tbs.raw_serial());
    fact.not_before = Timestamp::from_parts(tbs.validity.not_before.timestamp(), 0);
    fact.not_after = Timestamp::from_parts(tbs.validity.not_after.timestamp(), 0);
    fact.self_issued = tbs.subject.as_raw() == tbs.issuer.as_raw();
    for extension in tbs.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(san) => {
                fact.names = san.general_names.iter().filter_map(name).take(NAMES_MAX).collect();
            }
            ParsedExtension::BasicConstraints(constraints) => {
                fact.is_ca = constraints.ca;
                fact.basic_constraints_critical = Some(extension.critical);
            }
            ParsedExtension::AuthorityKeyIdentifier(_) => fact.has_aki = true,
            ParsedExtension::SubjectKeyIdentifier(_) => fact.has_ski = true,
            ParsedExtension::SCT(_) => fact.has_sct = true,
            ParsedExtension::AuthorityInfoAccess(_) | ParsedExtension::CRLDistributionPoints(_) => {
                fact.has_aia_or_crl = true;
            }
            _ => {}
        }
    }
    let short_key = matches!(tbs.subject_pki.parsed(), Ok(PublicKey::RSA(rsa)) if rsa.key_size() < RSA_BITS_MIN);
    // Nobody checks the signature of a root: its hash does not matter.
    let root = fact.self_issued && fact.is_ca;
    fact.weak = short_key || !root && weak_signature(&certificate.signature_algorithm.algorithm.to_id_string());
}

/// Signature algorithms with MD2, MD5 or SHA-1: RFC 3279 2.2.
fn weak_signature(oid: &str) -> bool {
    matches!(
        oid,
        "1.2.840.113549.1.1.2"
            | "1.2.840.113549.1.1.4"
            | "1.2.840.113549.1.1.5"
            | "1.3.14.3.2.29"
            | "1.2.840.10040.4.3"
            | "1.2.840.10045.4.1"
    )
}

/// The serial as hex without leading zeros, a minus sign before a negative one (RFC 5280 4.1.2.2 forbids those).
fn serial(raw: &[u8]) -> String {
    let negative = raw.first().is_some_and(|b| b & 0x80 != 0);
    let mut bytes = raw.to_vec();
    if negative {
        // Two's complement: invert and add one.
        let mut carry = true;
        for byte in bytes.iter_mut().rev() {
            let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (sum, over);
        }
    }
    let text = hex(&bytes);
    let digits = text.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if negative { format!("-{digits}") } else { digits.to_string() }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) => Some(printable(text)),
        GeneralName::IPAddress(bytes) => {
            if let Ok(v4) = <[u8; 4]>::try_from(*bytes) {
                Some(Ipv4Addr::from(v4).to_string())
            } else {
                <[u8; 16]>::try_from(*bytes).ok().map(|v6| Ipv6Addr::from(v6).to_string())
            }
        }
        _ => None,
    }
}

/// The first of several attributes, as most tools show it.
fn first<'a>(mut attributes: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<String> {
    attributes.next().and_then(value).map(|v| printable(&v))
}

/// An attribute's value as text; `None` where it is no string.
fn value(attribute: &AttributeTypeAndValue<'_>) -> Option<String> {
    let any = attribute.attr_value();
    match any.tag().0 {
        // UTF8String, NumericString, PrintableString, T61String, VideotexString, IA5String, GraphicString,
        // VisibleString, GeneralString (X.680 8.4); bytes that are not UTF-8 are Latin-1 in practice.
        12 | 18..=22 | 25..=27 => Some(match std::str::from_utf8(any.data) {
            Ok(text) => text.to_string(),
            Err(_) => any.data.iter().map(|&b| char::from(b)).collect(),
        }),
        // UniversalString, BMPString.
        28 => Some(
            any.data
                .chunks_exact(4)
                .map(|c| c.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)))
                .map(|n| char::from_u32(n).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        ),
        30 => {
            let units = any.data.chunks_exact(2).map(|c| c.iter().fold(0u16, |n, &b| n << 8 | u16::from(b)));
            Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        _ => None,
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A name as RFC 4514 writes it: most specific first, special characters escaped.
fn rfc4514(name: &X509Name<'_>) -> String {
    let mut rdns: Vec<String> = name
        .iter_rdn()
        .map(|rdn| {
            let parts: Vec<String> = rdn.iter().map(attribute).collect();
            parts.join("+")
        })
        .collect();
    rdns.reverse();
    rdns.join(",")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let kind = descriptor(&oid).unwrap_or(&oid);
    match value(attribute) {
        Some(text) => format!("{kind}={}", escaped(&text)),
        // RFC 4514 2.4: what is no string is given as the hex of its BER.
        None => {
            let any = attribute.attr_value();
            let length = u8::try_from(any.data.len()).unwrap_or(u8::MAX);
            let tag = u8::try_from(any.tag().0).unwrap_or(0);
            format!("{kind}=#{}{}", hex(&[tag, length]), hex(any.data))
        }
    }
}

/// Short names: RFC 4514 3, and the ones of the LDAP registry that certificates use.
fn descriptor(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.13" => "description",
        "2.5.4.15" => "businessCategory",
        "2.5.4.17" => "postalCode",
        "2.5.4.42" => "givenName",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (i, c) in text.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => out.extend(['\\', c]),
            '#' | ' ' if i == 0 => out.extend(['\\', c]),
            ' ' if i == last => out.push_str("\\ "),
            c if c.is_control() => {
                let mut utf8 = [0u8; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    let _ = write!(out, "\\{byte:02x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Base64 with padding (RFC 4648 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |n, &b| n << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let index = (word >> (18 - 6 * i)) as usize & 63;
            let letter = ALPHABET.get(index).copied().unwrap_or(b'A');
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let content = parts.concat();
        let mut out = vec![tag];
        match content.len() {
            n @ 0..=127 => out.push(n as u8),
            n => out.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        out.extend(content);
        out
    }

    fn attribute(kind: u8, tag: u8, value: &[u8]) -> Vec<u8> {
        let pair = der(0x30, &[vec![6, 3, 0x55, 4, kind], der(tag, &[value.to_vec()])]);
        der(0x31, &[pair])
    }

    fn extension(id: u8, critical: bool, value: Vec<u8>) -> Vec<u8> {
        let mut parts = vec![vec![6, 3, 0x55, 0x1d, id]];
        if critical {
            parts.push(vec![1, 1, 0xff]);
        }
        parts.push(der(4, &[value]));
        der(0x30, &parts)
    }

    fn certificate() -> Vec<u8> {
        let sha256_rsa = vec![0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11, 5, 0];
        let rsa = vec![0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
        let mut modulus = vec![0u8];
        modulus.extend([0xc1; 128]);
        let key = der(0x30, &[der(2, &[modulus]), vec![2, 3, 1, 0, 1]]);
        let key_bits = [vec![0], key].concat();
        let issuer = der(
            0x30,
            &[
                attribute(10, 0x0c, b"Proxy, Inc."),
                attribute(11, 0x0c, b"Gate"),
                attribute(3, 0x1e, &[0, b'C', 0x65, 0xe5]),
            ],
        );
        let subject = der(0x30, &[attribute(6, 0x13, b"JP"), attribute(3, 0x0c, b" login.example ")]);
        let names = der(0x30, &[der(0x82, &[b"login.example".to_vec()]), der(0x87, &[vec![192, 0, 2, 7]])]);
        let extensions = der(
            0x30,
            &[
                extension(17, false, names),
                extension(19, true, der(0x30, &[vec![1, 1, 0xff]])),
                extension(14, false, der(4, &[vec![1, 2, 3]])),
            ],
        );
        let validity = der(0x30, &[der(0x17, &[b"240101000000Z".to_vec()]), der(0x18, &[b"20500101000000Z".to_vec()])]);
        let tbs = der(
            0x30,
            &[
                vec![0xa0, 3, 2, 1, 2],
                vec![2, 2, 0x00, 0xab],
                sha256_rsa.clone(),
                issuer,
                validity,
                subject,
                der(0x30, &[rsa, der(3, &[key_bits])]),
                der(0xa3, &[extensions]),
            ],
        );
        der(0x30, &[tbs, sha256_rsa, der(3, &[vec![0, 1, 2, 3]])])
    }

    #[test]
    fn a_certificate_gives_its_fields() {
        let c = parse(&certificate());
        assert_eq!(c.parse_error, None);
        assert_eq!(c.subject, "CN=\\ login.example\\ ,C=JP");
        assert_eq!(c.issuer, "CN=C\u{65e5},OU=Gate,O=Proxy\\, Inc.");
        assert_eq!((c.issuer_o.as_deref(), c.issuer_ou.as_deref()), (Some("Proxy, Inc."), Some("Gate")));
        assert_eq!(c.names, ["login.example", "192.0.2.7"]);
        assert_eq!(c.serial, "ab");
        assert_eq!(c.not_before.to_string(), "2024-01-01T00:00:00.000000000Z");
        assert_eq!(c.not_after.to_string(), "2050-01-01T00:00:00.000000000Z");
        assert_eq!((c.is_ca, c.basic_constraints_critical), (true, Some(true)));
        assert!(c.has_ski && !c.has_aki && !c.has_sct && !c.has_aia_or_crl && !c.self_issued);
        assert!(c.weak, "the modulus has 1024 bits");
        assert_eq!((c.sha256.len(), c.sha1.len(), c.spki_sha256.len()), (64, 40, 44));
    }

    #[test]
    fn a_damaged_certificate_still_has_its_hash() {
        let whole = certificate();
        for end in 0..whole.len() {
            let c = parse(&whole[..end]);
            assert!(c.parse_error.is_some(), "cut at {end}");
            assert_eq!((c.sha256.len(), c.subject.as_str()), (64, ""));
        }
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut bent = whole.clone();
                bent[at] = value;
                assert_eq!(parse(&bent).sha256.len(), 64);
            }
        }
    }

    #[test]
    fn both_message_formats_are_read_and_a_cut_list_gives_what_is_whole() {
        let der = certificate();
        let sized = |n: usize| [0, (n >> 8) as u8, n as u8];
        let entry = [&sized(der.len())[..], &der].concat();
        let old = [&sized(entry.len() * 2)[..], &entry, &entry].concat();
        let shared = SharedCertificates::default();
        assert_eq!(list(&old, false, At::default(), &shared).len(), 2);
        assert_eq!(list(&old[..old.len() - 1], false, At::default(), &shared).len(), 1);
        let new = [&[0][..], &sized(entry.len() + 2), &entry, &[0, 0]].concat();
        let chain = list(&new, true, At::default(), &shared);
        assert_eq!((chain.len(), chain[0].parse_error.as_deref()), (1, None));
        assert!(list(&[], false, At::default(), &shared).is_empty());
    }

    #[test]
    fn serials_and_base64_are_written_as_usual() {
        assert_eq!(serial(&[0]), "0");
        assert_eq!(serial(&[0x0a, 0x00]), "a00");
        assert_eq!(serial(&[0xff, 0x00]), "-100");
        assert_eq!(base64(b"M"), "TQ==");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(base64(b"Man"), "TWFu");
    }
}
