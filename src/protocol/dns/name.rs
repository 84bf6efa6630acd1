//! Domain names in messages (RFC 1035 4.1.4).
//!
//! What enters: a whole message and an offset. What leaves: the name in presentation form without the final dot, and
//! the offset behind it. Guaranteed: at most [`DNS_POINTERS_MAX`] pointers are followed and at most 255 bytes of name
//! read, so that loops end.

use crate::bytes::Cursor;
use crate::limits::DNS_POINTERS_MAX;

/// Longest name on the wire, length bytes and root included (RFC 1035 2.3.4).
const NAME_WIRE_MAX: usize = 255;

/// Bytes that the text of most names takes.
const USUAL_BYTES: usize = 32;

/// Why a name could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// The message ended first: the capture cut it.
    Cut,
    /// It is no name: a reserved label type, a pointer loop, too long.
    Bad,
}

/// Reads the name at `offset`; returns it with the offset of what follows it there.
///
/// Pointers forward are followed too: RFC 1035 speaks of prior occurrences only, yet resolvers accept both.
pub fn read(message: &[u8], offset: usize) -> Result<(String, usize), NameError> {
    let mut text = String::new();
    let mut wire = 1_usize;
    let mut pointers = 0_usize;
    let mut position = offset;
    let mut after = None;
    loop {
        let mut c = Cursor::new(message);
        c.skip(position).ok_or(NameError::Cut)?;
        let length = c.u8().ok_or(NameError::Cut)?;
        match length {
            0 => {
                let end = after.unwrap_or(c.position());
                return Ok((text, end));
            }
            1..=0x3F => {
                let label = c.take(usize::from(length)).ok_or(NameError::Cut)?;
                wire = wire.saturating_add(label.len()).saturating_add(1);
                if wire > NAME_WIRE_MAX {
                    return Err(NameError::Bad);
                }
                if text.is_empty() {
                    // Most names fit, and few messages name the root only.
                    text.reserve(USUAL_BYTES);
                } else {
                    text.push('.');
                }
                push_label(&mut text, label);
                position = c.position();
            }
            0xC0..=0xFF => {
                let low = c.u8().ok_or(NameError::Cut)?;
                pointers = pointers.saturating_add(1);
                if pointers > DNS_POINTERS_MAX {
                    return Err(NameError::Bad);
                }
                after = after.or(Some(c.position()));
                position = (usize::from(length & 0x3F) << 8) | usize::from(low);
            }
            // 01 and 10 label types are reserved or were withdrawn (RFC 6891 5).
            _ => return Err(NameError::Bad),
        }
    }
}

/// Writes one label: dots and backslashes escaped, what is not printable ASCII as `\DDD` (RFC 1035 5.1).
fn push_label(text: &mut String, label: &[u8]) {
    for &b in label {
        match b {
            b'.' | b'\\' => {
                text.push('\\');
                text.push(char::from(b));
            }
            0x21..=0x7E => text.push(char::from(b)),
            _ => {
                text.push('\\');
                for digit in [b / 100, b / 10 % 10, b % 10] {
                    text.push(char::from(b'0'.saturating_add(digit)));
                }
            }
        }
    }
}

/// The NetBIOS name behind a first-level encoded label (RFC 1001 14.1), with its suffix byte as `<20>`.
pub fn netbios(name: &str) -> Option<String> {
    let (first, scope) = match name.split_once('.') {
        Some((first, scope)) => (first, Some(scope)),
        None => (name, None),
    };
    let encoded = first.as_bytes();
    if encoded.len() != 32 || !encoded.iter().all(|b| (b'A'..=b'P').contains(b)) {
        return None;
    }
    let mut bytes = encoded.chunks_exact(2).filter_map(|pair| match pair {
        [high, low] => Some((high.wrapping_sub(b'A') << 4) | low.wrapping_sub(b'A')),
        _ => None,
    });
    let raw: Vec<u8> = bytes.by_ref().take(15).collect();
    let suffix = bytes.next()?;
    let kept = raw.iter().rposition(|b| *b != b' ' && *b != 0).map_or(0, |last| last.saturating_add(1));
    let mut text = String::new();
    push_label(&mut text, raw.get(..kept)?);
    text.push_str(&format!("<{suffix:02x}>"));
    if let Some(scope) = scope {
        text.push('.');
        text.push_str(scope);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_compressed_and_forward_names_are_read() {
        let message = b"\x03www\x07example\x03com\x00\x01a\xC0\x04";
        assert_eq!(read(message, 0), Ok(("www.example.com".into(), 17)));
        assert_eq!(read(message, 17), Ok(("a.example.com".into(), 21)));
        assert_eq!(read(b"\xC0\x02\x01x\x00", 0), Ok(("x".into(), 2)));
        assert_eq!(read(b"\x00", 0), Ok((String::new(), 1)));
    }

    #[test]
    fn odd_bytes_are_escaped() {
        assert_eq!(read(b"\x04a.\\\x00\x01\xff\x00", 0).unwrap().0, "a\\.\\\\\\000.\\255");
    }

    #[test]
    fn loops_reserved_labels_and_long_names_are_refused() {
        assert_eq!(read(b"\xC0\x00", 0), Err(NameError::Bad));
        assert_eq!(read(b"\x01a\xC0\x00", 0), Err(NameError::Bad));
        assert_eq!(read(b"\x40aa", 0), Err(NameError::Bad));
        let mut long = Vec::new();
        for _ in 0..5 {
            long.push(60);
            long.extend_from_slice(&[b'a'; 60]);
        }
        long.push(0);
        assert_eq!(read(&long, 0), Err(NameError::Bad));
        assert_eq!(read(b"\x05ab", 0), Err(NameError::Cut));
        assert_eq!(read(b"\xC0\xF0", 0), Err(NameError::Cut));
        assert_eq!(read(b"", 7), Err(NameError::Cut));
    }

    #[test]
    fn netbios_names_are_decoded_with_their_suffix() {
        assert_eq!(netbios("FHEPFCELEHFCEPFFFACACACACACACABL").as_deref(), Some("WORKGROUP<1b>"));
        assert_eq!(netbios("example.com"), None);
    }
}
