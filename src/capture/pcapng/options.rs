//! The options at the end of a pcapng block, and what packet comments say of processes and drops.
//!
//! What enters: the bytes behind a block's fixed fields. What leaves: (code, value) pairs. Guaranteed: an option that
//! reaches over the end of its block is an error, and the walk ends there.

use super::super::ByteOrder;
use crate::bytes::Cursor;
use crate::lang::Message;
use crate::message;

/// One option, without its padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockOption<'a> {
    pub code: u16,
    pub value: &'a [u8],
}

/// Walks the options of one block.
pub(super) struct Options<'a> {
    cursor: Cursor<'a>,
    order: ByteOrder,
    ended: bool,
}

impl<'a> Options<'a> {
    pub(super) fn new(data: &'a [u8], order: ByteOrder) -> Options<'a> {
        Options { cursor: Cursor::new(data), order, ended: false }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<BlockOption<'a>, Message>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || self.cursor.is_empty() {
            return None;
        }
        let mut read = || {
            let (code, length) = (self.order.u16(&mut self.cursor)?, self.order.u16(&mut self.cursor)?);
            let value = self.cursor.take(usize::from(length))?;
            // The padding of the last option may be missing.
            let padding = (usize::from(length).wrapping_neg() & 3).min(self.cursor.remaining());
            self.cursor.skip(padding)?;
            Some(BlockOption { code, value })
        };
        match read() {
            Some(BlockOption { code: 0, .. }) => {
                self.ended = true;
                None
            }
            Some(option) => Some(Ok(option)),
            None => {
                self.ended = true;
                Some(Err(message!(
                    en: "an option of a block reaches over the end of the block",
                    ja: "ブロックのオプションがブロックの終端を越えています"
                )))
            }
        }
    }
}

/// Text of an option; not always UTF-8, although it should be.
pub(super) fn text(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let text = text.trim_end_matches('\0').trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The number behind `key` in a comment such as `PID=4711 TID=12`. Converters print 32 bits signed or unsigned.
pub(super) fn number_after(comment: &str, key: &str) -> Option<u32> {
    let mut from = 0;
    loop {
        let at = from + comment.get(from..)?.find(key)?;
        let before = comment.get(..at)?.chars().next_back();
        let rest = comment.get(at + key.len()..)?;
        from = at + key.len();
        if before.is_some_and(|b| b.is_alphanumeric()) {
            continue; // `ParentPID=` is something else.
        }
        let (negative, digits) = match rest.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, rest),
        };
        let end = digits.find(|d: char| !d.is_ascii_digit()).unwrap_or(digits.len());
        let value = digits.get(..end)?.parse::<i64>().ok()?;
        let value = if negative { value.checked_neg()? } else { value };
        return u32::try_from(value).ok().or_else(|| i32::try_from(value).ok().map(|v| v as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_comments_are_found_by_their_whole_key() {
        assert_eq!(number_after("PID=4711 TID=12", "PID="), Some(4711));
        assert_eq!(number_after("PID=4711 TID=12", "TID="), Some(12));
        assert_eq!(number_after("ParentPID=1, PID=2", "PID="), Some(2));
        assert_eq!(number_after("PID=-2", "PID="), Some(u32::MAX - 1));
        assert_eq!(number_after("PID=4294967295", "PID="), Some(u32::MAX));
        for bad in ["PID=", "PID=x", "PID=99999999999999999999", "", "日本語PID", "PID=-"] {
            assert_eq!(number_after(bad, "PID="), None, "{bad}");
        }
    }

    #[test]
    fn an_option_over_the_end_is_an_error_and_the_last() {
        let data = [1, 0, 3, 0, b'a', b'b', b'c', 0, 2, 0, 9, 0, 1];
        let all: Vec<_> = Options::new(&data, ByteOrder::Little).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].as_ref().unwrap().value, b"abc");
        assert!(all[1].is_err());
    }

    #[test]
    fn nothing_behind_the_end_of_options_is_read() {
        let data = [0, 0, 0, 0, 2, 0, 9, 0, 1];
        assert_eq!(Options::new(&data, ByteOrder::Big).count(), 0);
    }
}
