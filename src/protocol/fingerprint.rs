//! Fingerprints of hellos: JA3 and JA3S (MD5 over decimal lists), JA4 and JA4S (readable prefix, truncated SHA-256).
//!
//! What enters: the lists of a hello as they stood on the wire, GREASE (RFC 8701) already left out. What leaves: text.
//! Nothing here parses; whatever the lists hold, a string of bounded length comes out.

use crate::facts::TlsCarrier;
use md5::Md5;
use sha2::{Digest, Sha256};

/// What JA3 and JA4 look at in a ClientHello.
#[derive(Debug, Clone, Copy)]
pub struct ClientLists<'a> {
    /// TCP, DTLS or QUIC.
    pub carrier: TlsCarrier,
    /// legacy_version.
    pub legacy_version: u16,
    /// supported_versions.
    pub supported_versions: &'a [u16],
    /// Cipher suites in order.
    pub cipher_suites: &'a [u16],
    /// Extension types in order.
    pub extensions: &'a [u16],
    /// supported_groups in order.
    pub groups: &'a [u16],
    /// ec_point_formats in order.
    pub point_formats: &'a [u8],
    /// signature_algorithms in order.
    pub signature_algorithms: &'a [u16],
    /// The first ALPN protocol, as bytes.
    pub first_alpn: Option<&'a [u8]>,
}

/// What JA3S and JA4S look at in a ServerHello.
#[derive(Debug, Clone, Copy)]
pub struct ServerLists<'a> {
    /// TCP, DTLS or QUIC.
    pub carrier: TlsCarrier,
    /// legacy_version.
    pub legacy_version: u16,
    /// Negotiated version.
    pub version: u16,
    /// Cipher suite.
    pub cipher: u16,
    /// Extension types in order.
    pub extensions: &'a [u16],
    /// ALPN chosen, as bytes.
    pub alpn: Option<&'a [u8]>,
}

/// JA3: MD5 of `version,ciphers,extensions,groups,point formats` (<https://github.com/salesforce/ja3>).
pub fn ja3(hello: &ClientLists<'_>) -> String {
    md5_hex(&ja3_text(hello))
}

/// JA3S: MD5 of `version,cipher,extensions`.
pub fn ja3s(hello: &ServerLists<'_>) -> String {
    md5_hex(&format!("{},{},{}", hello.legacy_version, hello.cipher, decimal(hello.extensions)))
}

/// JA4 (<https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md>).
pub fn ja4(hello: &ClientLists<'_>) -> String {
    let version = hello.supported_versions.iter().copied().max().unwrap_or(hello.legacy_version);
    let sni = if hello.extensions.contains(&EXT_SERVER_NAME) { 'd' } else { 'i' };
    let mut ciphers = hello.cipher_suites.to_vec();
    ciphers.sort_unstable();
    let mut extensions: Vec<u16> =
        hello.extensions.iter().copied().filter(|&e| e != EXT_SERVER_NAME && e != EXT_ALPN).collect();
    extensions.sort_unstable();
    let hashed = if extensions.is_empty() && hello.signature_algorithms.is_empty() {
        NOTHING.to_owned()
    } else if hello.signature_algorithms.is_empty() {
        sha256_prefix(&hex_list(&extensions))
    } else {
        sha256_prefix(&format!("{}_{}", hex_list(&extensions), hex_list(hello.signature_algorithms)))
    };
    format!(
        "{}{}{}{:02}{:02}{}_{}_{}",
        carrier_letter(hello.carrier),
        version_digits(version),
        sni,
        hello.cipher_suites.len().min(COUNT_MAX),
        hello.extensions.len().min(COUNT_MAX),
        alpn_ends(hello.first_alpn),
        list_hash(&ciphers),
        hashed
    )
}

/// JA4S: the extensions stay in the order of the wire, since servers do not shuffle them.
pub fn ja4s(hello: &ServerLists<'_>) -> String {
    format!(
        "{}{}{:02}{}_{:04x}_{}",
        carrier_letter(hello.carrier),
        version_digits(hello.version),
        hello.extensions.len().min(COUNT_MAX),
        alpn_ends(hello.alpn),
        hello.cipher,
        list_hash(hello.extensions)
    )
}

/// GREASE values (RFC 8701): 0x0A0A, 0x1A1A, ... 0xFAFA.
pub fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0F == 0x0A
}

/// server_name (RFC 6066), counted but not hashed by JA4.
const EXT_SERVER_NAME: u16 = 0;
/// application_layer_protocol_negotiation (RFC 7301), counted but not hashed by JA4.
const EXT_ALPN: u16 = 16;
/// JA4 prints counts with two digits.
const COUNT_MAX: usize = 99;
/// JA4's hash of an empty list.
const NOTHING: &str = "000000000000";

fn ja3_text(hello: &ClientLists<'_>) -> String {
    let formats: Vec<u16> = hello.point_formats.iter().map(|&f| u16::from(f)).collect();
    format!(
        "{},{},{},{},{}",
        hello.legacy_version,
        decimal(hello.cipher_suites),
        decimal(hello.extensions),
        decimal(hello.groups),
        decimal(&formats)
    )
}

fn carrier_letter(carrier: TlsCarrier) -> char {
    match carrier {
        TlsCarrier::Tcp => 't',
        TlsCarrier::Dtls => 'd',
        TlsCarrier::Quic => 'q',
    }
}

/// JA4's two characters for a version; drafts and experiments are `00`. OpenSSL's DTLS before the RFC calls itself
/// 0x0100 and is written like an SSL version.
fn version_digits(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 | 0x0200 => "s2",
        0x0100 => "s1",
        0xFEFF => "d1",
        0xFEFD => "d2",
        0xFEFC => "d3",
        _ => "00",
    }
}

/// First and last character of the ALPN value, or of its hex spelling where either is not alphanumeric.
fn alpn_ends(alpn: Option<&[u8]>) -> String {
    let Some((&first, &last)) = alpn.and_then(|a| a.first().zip(a.last())) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        format!("{}{}", char::from(first), char::from(last))
    } else {
        format!("{:x}{:x}", first >> 4, last & 0x0F)
    }
}

fn list_hash(values: &[u16]) -> String {
    if values.is_empty() { NOTHING.to_owned() } else { sha256_prefix(&hex_list(values)) }
}

fn decimal(values: &[u16]) -> String {
    values.iter().map(u16::to_string).collect::<Vec<_>>().join("-")
}

fn hex_list(values: &[u16]) -> String {
    values.iter().map(|v| format!("{v:04x}")).collect::<Vec<_>>().join(",")
}

fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn sha256_prefix(text: &str) -> String {
    hex(Sha256::digest(text.as_bytes()).get(..6).unwrap_or_default())
}

/// Lower-case hex of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the JA4 specification.
    fn example() -> ClientLists<'static> {
        ClientLists {
            carrier: TlsCarrier::Tcp,
            legacy_version: 0x0303,
            supported_versions: &[0x0304, 0x0303],
            cipher_suites: &[
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
                0x002f, 0x0035,
            ],
            extensions: &[
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01,
                0x000b, 0x000a, 0x0015,
            ],
            groups: &[29, 23, 24],
            point_formats: &[0],
            signature_algorithms: &[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            first_alpn: Some(b"h2"),
        }
    }

    #[test]
    fn ja4_of_the_specification_s_example() {
        assert_eq!(ja4(&example()), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn ja4_does_not_depend_on_the_order_of_ciphers_and_extensions() {
        let (mut ciphers, mut extensions) = (example().cipher_suites.to_vec(), example().extensions.to_vec());
        ciphers.reverse();
        extensions.rotate_left(5);
        let shuffled = ClientLists { cipher_suites: &ciphers, extensions: &extensions, ..example() };
        assert_eq!(ja4(&shuffled), ja4(&example()));
        assert_ne!(ja3(&shuffled), ja3(&example()));
    }

    #[test]
    fn ja4_without_signature_algorithms_has_no_trailing_underscore() {
        let lists = ClientLists { signature_algorithms: &[], ..example() };
        assert_eq!(ja4(&lists), "t13d1516h2_8daaf6152771_6d807ffa2a79");
    }

    #[test]
    fn empty_lists_hash_to_zeros() {
        let lists = ClientLists {
            supported_versions: &[],
            cipher_suites: &[],
            extensions: &[],
            signature_algorithms: &[],
            first_alpn: None,
            ..example()
        };
        assert_eq!(ja4(&lists), "t12i000000_000000000000_000000000000");
    }

    #[test]
    fn alpn_that_is_not_text_is_spelled_in_hex() {
        assert_eq!(alpn_ends(Some(b"http/1.1")), "h1");
        assert_eq!(alpn_ends(Some(b"x")), "xx");
        assert_eq!(alpn_ends(Some(&[0xAB])), "ab");
        assert_eq!(alpn_ends(Some(&[0xAB, 0xCD])), "ad");
        assert_eq!(alpn_ends(Some(&[0x30, 0xAB])), "3b");
        assert_eq!(alpn_ends(Some(&[0x30, 0xAB, 0xCD, 0x31])), "01");
        assert_eq!(alpn_ends(Some(&[])), "00");
        assert_eq!(alpn_ends(None), "00");
    }

    #[test]
    fn ja3_text_is_five_lists_of_decimals() {
        let lists = ClientLists {
            legacy_version: 769,
            cipher_suites: &[47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: &[0, 10, 11],
            groups: &[23, 24, 25],
            ..example()
        };
        assert_eq!(ja3_text(&lists), "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
        assert_eq!(ja3(&lists), "ada70206e40642a3e4461f35503241d5");
    }

    #[test]
    fn ja4s_keeps_the_order_of_extensions() {
        let lists = ServerLists {
            carrier: TlsCarrier::Quic,
            legacy_version: 0x0303,
            version: 0x0304,
            cipher: 0x1301,
            extensions: &[0x0033, 0x002b],
            alpn: None,
        };
        assert_eq!(ja4s(&lists), "q130200_1301_234ea6891581");
    }

    #[test]
    fn grease_is_sixteen_values() {
        assert_eq!((0..=u16::MAX).filter(|&v| is_grease(v)).count(), 16);
        assert!(is_grease(0x0A0A) && is_grease(0xFAFA) && !is_grease(0x0A1A));
    }
}
