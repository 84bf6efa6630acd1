//! The first records of a connection that begins with an SSLv2-format ClientHello (RFC 5246 E.2).
//!
//! What enters: the first bytes of either side. What leaves: whole records, and SSLv2's own ServerHello. Guaranteed: a
//! record's 32,769 bytes are all that is ever held.

use crate::facts::{Choice, ServerHello};
use crate::packet::At;
use std::sync::Arc;

/// The first record of a side that may speak SSLv2.
#[derive(Debug, Default)]
pub struct Begun {
    /// What came so far.
    pub bytes: Vec<u8>,
    /// Frame that began it.
    pub first: Option<At>,
}

impl Begun {
    /// The record with its header, and what follows it; an empty record where the side speaks TLS at once.
    pub fn record(&self) -> Option<(&[u8], &[u8])> {
        let length = match self.bytes.as_slice() {
            [high, low, ..] if high & 0x80 != 0 => usize::from(u16::from_be_bytes([high & 0x7f, *low])) + 2,
            [high, ..] if high & 0x80 != 0 => return None,
            _ => 0,
        };
        self.bytes.split_at_checked(length)
    }
}

/// SSLv2's SERVER-HELLO with its record header, and the certificate in it: type 4, session-id-hit, certificate type,
/// version, three lengths (the protocol's specification of 1995). It names suites of three bytes; none is chosen yet.
pub fn server_hello(record: &[u8], at: At) -> Option<(ServerHello, &[u8])> {
    match record {
        [_, _, 4, _, _, 0, 2, high, low, _, _, _, _, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let choice = Arc::new(Choice { version: 2, ..Choice::default() });
            let hello = ServerHello { at, choice, ..ServerHello::default() };
            Some((hello, rest.get(..length).unwrap_or(&[])))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_hello_gives_its_certificate_as_far_as_it_is_there() {
        let record = [0x80, 13, 4, 0, 1, 0, 2, 0, 2, 0, 0, 0, 0, 0x30, 0];
        let (hello, der) = server_hello(&record, At::default()).unwrap();
        assert_eq!((hello.version, der), (2, &[0x30, 0][..]));
        for end in 0..record.len() {
            assert!(server_hello(&record[..end], At::default()).is_none_or(|(_, der)| der.is_empty()));
        }
        assert!(server_hello(&[0x80, 3, 4, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0], At::default()).is_none());
    }

    #[test]
    fn a_record_is_whole_or_waited_for() {
        let begun = |bytes: &[u8]| Begun { bytes: bytes.to_vec(), first: None };
        assert_eq!(begun(&[0x80, 2, 1, 0, 9]).record(), Some((&[0x80, 2, 1, 0][..], &[9][..])));
        assert_eq!(begun(&[0x80, 2, 1]).record(), None);
        assert_eq!(begun(&[0x80]).record(), None);
        assert_eq!(begun(&[22, 3]).record(), Some((&[][..], &[22, 3][..])));
    }
}
