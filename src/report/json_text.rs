//! Values → JSON in which nothing steers a terminal or hides itself.
//!
//! What enters: anything that can be serialized, and where it goes. What leaves: its JSON, piece by piece as it is
//! written. Guaranteed: it means the same as JSON of the same value by any other writer: JSON itself demands escapes for
//! the characters below U+0020 only (RFC 8259 section 7), others of that kind may be written as escapes and are. They
//! stand in strings alone.

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use std::io::{self, Write};

/// How JSON is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// On one line.
    Line,
    /// Indented, for people.
    Pretty,
}

/// Writes a value and the end of its last line.
///
/// # Errors
/// Of the place it goes to.
pub fn write(out: &mut dyn Write, value: &impl Serialize, layout: Layout) -> io::Result<()> {
    match layout {
        Layout::Line => value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless(CompactFormatter)))?,
        Layout::Pretty => {
            value.serialize(&mut Serializer::with_formatter(&mut *out, Harmless(PrettyFormatter::new())))?
        }
    }
    out.write_all(b"\n")
}

/// A value with the end of its last line.
pub fn text(value: &impl Serialize, layout: Layout) -> String {
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = write(&mut out, value, layout);
    String::from_utf8(out).unwrap_or_default()
}

/// The layout of another formatter, with what steers or hides escaped.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Reports are mostly such text.
        if super::text::is_plain(fragment) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| c.is_control() || super::text::is_hidden(*c)) {
            let (tame, from) = rest.split_at(at);
            writer.write_all(tame.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = from.get(c.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_steers_or_hides_is_escaped_and_means_the_same() {
        let value = "a\u{9b}31m\u{202e}b\u{e0041}\u{7f}\u{1b}\"語";
        let json = text(&value, Layout::Line);
        assert_eq!(json, "\"a\\u009b31m\\u202eb\\udb40\\udc41\\u007f\\u001b\\\"語\"\n");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
    }

    proptest! {
        #[test]
        fn it_is_laid_out_as_json_is(value: BTreeMap<String, Vec<Option<char>>>, tame in "[ -~語\n]{0,40}") {
            for layout in [Layout::Line, Layout::Pretty] {
                let json = text(&value, layout);
                prop_assert_eq!(&serde_json::from_str::<BTreeMap<String, Vec<Option<char>>>>(&json).unwrap(), &value);
                prop_assert!(json.chars().all(|c| c == '\n' || !c.is_control() && !crate::report::text::is_hidden(c)));
            }
            let tame = BTreeMap::from([(&tame, [&tame, &tame])]);
            prop_assert_eq!(text(&tame, Layout::Line), serde_json::to_string(&tame).unwrap() + "\n");
            prop_assert_eq!(text(&tame, Layout::Pretty), serde_json::to_string_pretty(&tame).unwrap() + "\n");
        }
    }
}
