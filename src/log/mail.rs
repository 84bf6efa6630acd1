//! What mail programs and ticket systems make of the characters of a log → the log's own.
//!
//! What enters: text, or a line of it. What leaves: the same; a line stays one, and is joined with the next where it was cut. Total.

use std::borrow::Cow;

/// Lines at the beginning in which the head of a mail stands.
const HEAD_LINES_MAX: usize = 200;

/// Characters that are written otherwise inside HTML, without which a log names no host.
const ENTITIES: [(&str, &str); 5] = [("&#39;", "'"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">")];

/// Whether a mail was saved as it is sent, with a part that is quoted-printable (RFC 2045 section 6.7).
pub(super) fn is_quoted_printable(text: &str) -> bool {
    text.lines().take(HEAD_LINES_MAX).any(|line| encoding(line) == Some(true))
}

/// Whether a field of a head says that what follows is quoted-printable; `None` for other lines.
fn encoding(line: &str) -> Option<bool> {
    const FIELD: &str = "content-transfer-encoding:";
    let (field, value) = line.split_at_checked(FIELD.len())?;
    field.eq_ignore_ascii_case(FIELD).then(|| value.trim().eq_ignore_ascii_case("quoted-printable"))
}

/// Where such a mail is quoted-printable, line by line: every part says so for itself.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// What stands between the parts.
    boundaries: Vec<String>,
    in_body: bool,
    quoted: bool,
    lines: usize,
}

impl Parts {
    /// Takes the next line.
    pub fn is_quoted(&mut self, line: &str) -> bool {
        self.lines = self.lines.saturating_add(1);
        let line = line.trim_end();
        let name = line.strip_prefix("--").map(|n| n.strip_suffix("--").unwrap_or(n));
        if name.is_some_and(|name| self.boundaries.iter().any(|b| b == name || Some(b.as_str()) == line.get(2..))) {
            (self.in_body, self.quoted) = (false, false);
            return false;
        }
        // Text may stand above a mail that was pasted.
        if (!self.in_body || self.lines <= HEAD_LINES_MAX)
            && let Some(quoted) = encoding(line).filter(|q| *q || !self.in_body)
        {
            (self.in_body, self.quoted) = (false, quoted);
        } else if line.is_empty() {
            self.in_body = true;
        }
        if !self.in_body
            && let Some((_, name)) = line.split_once("boundary=")
        {
            self.boundaries.push(name.split(';').next().unwrap_or_default().trim_matches('"').to_owned());
        }
        self.in_body && self.quoted
    }
}

/// A line of such a mail as it was meant, and whether the next one is its rest.
pub(super) fn unquoted(line: &str) -> (Cow<'_, str>, bool) {
    if !line.contains('=') {
        return (Cow::Borrowed(line), false);
    }
    let trimmed = line.trim_end();
    let soft = trimmed.ends_with('=');
    let mut rest = trimmed.strip_suffix('=').unwrap_or(line).as_bytes();
    let mut bytes = Vec::with_capacity(line.len());
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let code = behind.split_at_checked(2).filter(|_| *byte == b'=');
        let decoded = code.and_then(|(c, _)| u8::from_str_radix(std::str::from_utf8(c).ok()?, 16).ok());
        match (decoded, code) {
            // A line stays one.
            (Some(decoded), Some((_, behind))) if !matches!(decoded, b'\n' | b'\r') => {
                bytes.push(decoded);
                rest = behind;
            }
            _ => bytes.push(*byte),
        }
    }
    (Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()), soft)
}

/// Text that was copied out of the source of a page, with its own characters. A page itself stays as it is, and so does
/// JSON, whose strings other quotes would end.
pub(super) fn without_entities(text: Cow<'_, str>) -> Cow<'_, str> {
    let has_some = text.contains("&#") || text.contains("&quot;");
    if !has_some || text.contains("</") || text.trim_start().starts_with(['{', '[']) {
        return text;
    }
    let plain = ENTITIES.iter().fold(text.into_owned(), |t, (entity, plain)| t.replace(entity, plain));
    Cow::Owned(plain.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_as_it_is_sent_is_read_as_it_was_meant() {
        let mail =
            "Content-Transfer-Encoding: Quoted-Printable\n\nhost=3D'login.mic=\nrosoftonline.com' =E6=8E=A5\nx = 1\n";
        let lines = crate::log::text::lines(mail).0;
        let shown: Vec<(u64, &str)> = lines.iter().map(|l| (l.number, l.text.as_ref())).skip(2).collect();
        assert_eq!(shown, [(3, "host='login.microsoftonline.com' 接"), (5, "x = 1")]);
        assert!(!is_quoted_printable("host=3D'a'"));
    }

    #[test]
    fn every_part_of_a_mail_is_written_as_it_says() {
        let mail = "Content-Type: multipart/alternative; boundary=\"b1\"\n\n--b1\nContent-Transfer-Encoding: 7bit\n\n\
                    host='a', port=443\nx=\n\n--b1\nContent-Transfer-Encoding: quoted-printable\n\nport=3D80\n--b1--\nport=443";
        let shown: Vec<String> = crate::log::text::lines(mail).0.iter().map(|l| l.text.to_string()).collect();
        for line in ["host='a', port=443", "x=", "port=80", "port=443"] {
            assert!(shown.iter().any(|l| l == line), "{line}: {shown:?}");
        }
    }

    #[test]
    fn entities_are_characters_unless_the_text_is_a_page() {
        let plain = |text: &'static str| without_entities(Cow::Borrowed(text));
        assert_eq!(plain("&gt; host=&#39;a.example&#39; &amp;"), "> host='a.example' &");
        for text in ["a &gt; b", "<b>&#39;</b>", "{\"m\":\"&quot;x&quot;\"}", "x"] {
            assert_eq!(plain(text), text);
        }
    }
}
