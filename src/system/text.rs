//! Encodings of Windows' text files, and the small forms they share: leaders, addresses, MACs.
//!
//! What enters: bytes. What leaves: text, and values found in it. Guaranteed: linear in the input.

use std::net::IpAddr;

/// Text of a file: by its byte order mark, else UTF-8 where it is valid, else UTF-16 where every second byte is zero,
/// else the Japanese code page where that gives kana, else Western European.
pub fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, skip)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(bytes.get(skip..).unwrap_or(&[]));
        return text.into_owned();
    }
    let sample = bytes.get(..bytes.len().min(4096)).unwrap_or(bytes);
    let zeros = sample.iter().skip(1).step_by(2).filter(|b| **b == 0).count();
    if sample.len() >= 16 && zeros * 4 > sample.len() {
        return encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let (text, bad) = encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes);
    // Western letters before ASCII ones are valid double bytes too; only Japanese texts have kana.
    if !bad && text.chars().any(|c| ('\u{3041}'..='\u{30FF}').contains(&c)) {
        return text.into_owned();
    }
    encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
}

/// A value on one line without control characters, of bounded length.
pub fn clean(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(512).collect()
}

/// `   Key . . . . . : value` → (key, value). The dots are the same in every language; before the colon there may be
/// a blank or not.
pub fn leader(line: &str) -> Option<(&str, &str)> {
    // Address values hold colons too: the one behind the dots counts.
    let dots = line.find(" .").or_else(|| line.find(". "))?;
    let rest = line.get(dots..)?;
    let colon = rest.find(':')?;
    let between = rest.get(..colon)?;
    if !between.chars().all(|c| c == '.' || c == ' ') || !between.contains('.') {
        return None;
    }
    let key = line.get(..dots)?.trim().trim_end_matches(['.', ' ']);
    (!key.is_empty()).then_some((key, rest.get(colon + 1..)?.trim()))
}

/// An address as ipconfig and route print it: `fe80::1%12(Preferred)`, `10.0.0.7(優先)`.
pub fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let end = text.find(['%', '(', ' ', '（']).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// `02-00-00-00-00-01`, `02:00:..` or `02 00 ..`.
pub fn mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0u8; 6];
    let mut parts = text.trim().split(['-', ':', ' ']);
    for place in &mut mac {
        let part = parts.next()?;
        if part.len() != 2 {
            return None;
        }
        *place = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_encodings_of_windows_are_read() {
        let text = "ホスト名. . . . : PC-01";
        let sjis = encoding_rs::SHIFT_JIS.encode(text).0.into_owned();
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let with_bom = [&[0xFF, 0xFE][..], &utf16].concat();
        for bytes in [text.as_bytes(), &sjis, &with_bom] {
            assert_eq!(decode(bytes), text);
        }
        let plain: Vec<u8> = "Get-NetAdapter table".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&plain), "Get-NetAdapter table");
        assert_eq!(decode(b"Ger\xE4t"), "Gerät");
    }

    #[test]
    fn leaders_are_split_at_their_own_colon() {
        assert_eq!(
            leader("   IPv6 Address. . . . : 2001:db8::1(Preferred)"),
            Some(("IPv6 Address", "2001:db8::1(Preferred)"))
        );
        assert_eq!(leader("   IPv4 アドレス . . . . .: 10.0.0.7(優先)"), Some(("IPv4 アドレス", "10.0.0.7(優先)")));
        assert_eq!(leader("Ethernet adapter Ethernet:"), None);
        assert_eq!(leader("see www . example : x"), None);
        assert_eq!(address("fe80::1%12(Preferred)"), "fe80::1".parse().ok());
        assert_eq!(mac("02-00-00-00-00-01"), Some([2, 0, 0, 0, 0, 1]));
        assert_eq!(mac("02-00-00-00-00-01-00-00"), None);
    }
}
