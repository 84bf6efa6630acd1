//! Bytes of a log → lines: encodings, colour codes, terminal width.
//!
//! What enters: the bytes of a text file that some shell or editor wrote. What leaves: Unicode text without control
//! characters and escape sequences, in logical lines that carry the number of the line they begin on. Total: any
//! bytes give text, undecodable ones as U+FFFD.

use super::width::Width;
use super::{mail, wrap};
use encoding_rs::{BIG5, EUC_KR, GBK, SHIFT_JIS, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252};
use std::borrow::Cow;

/// How bytes were encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Name: `UTF-8`, `UTF-16LE`, `Shift_JIS`, `cp850`, …
    pub name: &'static str,
    /// A byte order mark was there.
    pub bom: bool,
    /// Some bytes had no meaning in it.
    pub damaged: bool,
}

/// Bytes from which an encoding without a byte order mark is guessed.
const GUESS_BYTES: usize = 1 << 20;

/// Decodes `bytes` by byte order mark, then by validity, then by what makes the likeliest text.
///
/// Windows PowerShell 5.1 writes UTF-16LE with a mark, PowerShell 6 and later UTF-8 without one, programs redirected by
/// cmd.exe the console's OEM code page.
pub fn decode(bytes: &[u8]) -> (String, Encoding) {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        let text = String::from_utf8_lossy(rest);
        let damaged = matches!(text, Cow::Owned(_));
        return (tidy(&text), Encoding { name: "UTF-8", bom: true, damaged });
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        let Some((head, tail)) = appended(rest) else { return utf16(rest, UTF_16LE, true) };
        let (mut text, encoding) = utf16(head, UTF_16LE, true);
        text.push_str(&decode(tail).0);
        return (text, encoding);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return utf16(rest, UTF_16BE, true);
    }
    if let Some(encoding) = guess_utf16(bytes) {
        return utf16(bytes, encoding, false);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => return (tidy(text), Encoding { name: "UTF-8", bom: false, damaged: false }),
        // Cut in the middle of the last character.
        Err(e) if e.error_len().is_none() => {
            let text = String::from_utf8_lossy(bytes);
            return (tidy(&text), Encoding { name: "UTF-8", bom: false, damaged: true });
        }
        Err(_) => {}
    }
    code_page(bytes)
}

fn utf16(bytes: &[u8], encoding: &'static encoding_rs::Encoding, bom: bool) -> (String, Encoding) {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    (tidy(&text), Encoding { name: encoding.name(), bom, damaged })
}

/// Bytes at the end that cannot be UTF-16: shorter ones may be chance.
const APPENDED_BYTES_MIN: usize = 32;

/// Splits UTF-16 (little-endian) from what another program appended in bytes: `>` of Windows PowerShell, then `>>` of
/// cmd.exe. UTF-16 has a zero in every line end; appended ASCII has none.
fn appended(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memrchr(0, bytes)?.checked_add(1)?;
    // Zeros stand in every second place.
    let (head, tail) = bytes.split_at_checked(end).filter(|_| end % 2 == 0)?;
    let ascii = tail.iter().filter(|b| matches!(b, b'\t' | b'\n' | b'\r' | 32..=126)).count();
    let has_blank = |skipped: usize| tail.iter().skip(skipped).step_by(2).any(|b| *b == b' ');
    // Bytes of Han characters look like letters too, but blanks are in no place of theirs.
    let is_text = ascii * 10 >= tail.len() * 9 && tail.contains(&b'\n') && has_blank(0) && has_blank(1);
    (is_text && tail.len() >= APPENDED_BYTES_MIN).then_some((head, tail))
}

/// UTF-16 without a mark shows as zero bytes in every second place.
fn guess_utf16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = bytes.get(..bytes.len().min(8192)).unwrap_or(bytes);
    let pairs = head.len() / 2;
    if pairs < 4 {
        return None;
    }
    let (mut zero_first, mut zero_second) = (0usize, 0usize);
    for pair in head.chunks_exact(2) {
        zero_first += usize::from(pair.first() == Some(&0));
        zero_second += usize::from(pair.get(1) == Some(&0));
    }
    let many = pairs * 2 / 5;
    let few = pairs / 20;
    if zero_second >= many && zero_first <= few {
        Some(UTF_16LE)
    } else if zero_first >= many && zero_second <= few {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Upper half of OEM code page 850; 437 has the same letters in 0x80 to 0xA5.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";
/// Upper half of OEM code page 852 (central Europe).
const CP852: &str = "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}";

/// The likeliest ANSI or OEM code page: the one whose text has the most letters where letters belong.
fn code_page(bytes: &[u8]) -> (String, Encoding) {
    let sample = bytes.get(..bytes.len().min(GUESS_BYTES)).unwrap_or(bytes);
    let mut best: Option<(i64, Page)> = None;
    for page in Page::ALL {
        let (text, damaged) = page.decode(sample);
        let score = likelihood(&text) - if damaged { 20 } else { 0 };
        if best.is_none_or(|(b, _)| score > b) {
            best = Some((score, page));
        }
    }
    let page = best.map_or(Page::Known(WINDOWS_1252), |(_, p)| p);
    let (text, damaged) = page.decode(bytes);
    (tidy(&text), Encoding { name: page.name(), bom: false, damaged })
}

/// A code page that may be guessed.
#[derive(Clone, Copy)]
enum Page {
    /// One that encoding_rs has.
    Known(&'static encoding_rs::Encoding),
    /// An OEM page as its upper half.
    Oem(&'static str, &'static str),
}

impl Page {
    /// Candidates; of equal likelihood the first wins.
    const ALL: [Page; 9] = [
        Page::Known(SHIFT_JIS),
        Page::Known(WINDOWS_1252),
        Page::Oem("cp850", CP850),
        Page::Known(GBK),
        Page::Known(EUC_KR),
        Page::Known(BIG5),
        Page::Known(WINDOWS_1251),
        Page::Known(WINDOWS_1250),
        Page::Oem("cp852", CP852),
    ];

    fn name(self) -> &'static str {
        match self {
            Page::Known(e) => e.name(),
            Page::Oem(name, _) => name,
        }
    }

    fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        match self {
            Page::Known(e) => e.decode_without_bom_handling(bytes),
            Page::Oem(_, upper) => {
                let upper: Vec<char> = upper.chars().collect();
                let text = bytes
                    .iter()
                    .map(|b| match b.checked_sub(0x80) {
                        None => char::from(*b),
                        Some(i) => upper.get(usize::from(i)).copied().unwrap_or('\u{fffd}'),
                    })
                    .collect::<String>();
                (Cow::Owned(text), false)
            }
        }
    }
}

/// The script of a character, as far as guessing needs it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Ascii,
    AsciiLetter,
    Latin,
    Cyrillic,
    Kana,
    HalfKana,
    Han,
    Hangul,
    Mark,
    Wrong,
}

fn script(c: char) -> Script {
    match c {
        'a'..='z' | 'A'..='Z' => Script::AsciiLetter,
        '\0'..='\x7f' => Script::Ascii,
        '\u{80}'..='\u{9f}' | '\u{fffd}' | '\u{2500}'..='\u{259f}' | '\u{e000}'..='\u{f8ff}' => Script::Wrong,
        '\u{c0}'..='\u{24f}' if c.is_alphabetic() => Script::Latin,
        '\u{400}'..='\u{45f}' => Script::Cyrillic,
        '\u{3041}'..='\u{30ff}' => Script::Kana,
        '\u{ff61}'..='\u{ff9f}' => Script::HalfKana,
        '\u{4e00}'..='\u{9fff}' => Script::Han,
        '\u{ac00}'..='\u{d7a3}' => Script::Hangul,
        '\u{3000}'..='\u{303f}' | '\u{ff01}'..='\u{ff5e}' | '«' | '»' | '\u{a0}' | '°' | '’' | '“' | '”' | '„' => {
            Script::Mark
        }
        _ => Script::Wrong,
    }
}

/// How likely `text` is as a message of a program. Letters of the Latin script stand between ASCII letters; letters of
/// all others stand in runs of their own.
fn likelihood(text: &str) -> i64 {
    let mut score = 0i64;
    let mut run = 0i64;
    let mut before = Script::Ascii;
    for c in text.chars() {
        let s = script(c);
        run = if s == before && s != Script::Ascii { run + 1 } else { 1 };
        score += match s {
            Script::Ascii | Script::Mark => 0,
            Script::AsciiLetter => match before {
                // A lone letter of a script with words of its own, in the middle of an ASCII word.
                Script::Han | Script::Hangul | Script::HalfKana | Script::Cyrillic => -2,
                Script::Latin => 1,
                _ => 0,
            },
            Script::Latin if run > 2 => -3,
            Script::Latin => i64::from(before == Script::AsciiLetter) + 1,
            Script::Cyrillic if run > 1 => 2,
            Script::Cyrillic => 0,
            Script::Kana => 3,
            Script::HalfKana => -1,
            Script::Han if run > 1 || before == Script::Kana => 2,
            Script::Han => 0,
            Script::Hangul => 2,
            Script::Wrong => -3,
        };
        before = s;
    }
    score
}

/// Without escape sequences, carriage returns and other control characters; lines end with `\n`.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => skip_escape(&mut rest),
            // C1 control sequence introducer (ECMA-48 section 5.4).
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\r' => {
                if rest.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            '\u{2028}' | '\u{2029}' => out.push('\n'),
            c if c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// Skips what follows an escape character: a control sequence, an operating system command, or one character
/// (ECMA-48 sections 5.3 and 5.4).
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']') => {
            while let Some(c) = rest.next() {
                if c == '\x07' || c == '\n' {
                    break;
                }
                if c == '\x1b' {
                    rest.next();
                    break;
                }
            }
        }
        Some(c) if !c.is_control() => {
            rest.next();
        }
        _ => {}
    }
}

fn skip_control_sequence(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(&c) = rest.peek() {
        if !('\x20'..='\x7e').contains(&c) {
            break;
        }
        rest.next();
        if ('\x40'..='\x7e').contains(&c) {
            break;
        }
    }
}

/// A logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'t> {
    /// Number of its first physical line, 1-based.
    pub number: u64,
    /// Text without the line end.
    pub text: Cow<'t, str>,
}

/// Longest logical line; what is longer is cut (a page of HTML or JSON on one line tells nothing more behind it).
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;

/// Splits text into logical lines: lines that a console cut at its width are joined again. Also says the width.
pub fn lines(text: &str) -> (Vec<Line<'_>>, Option<usize>) {
    let width = Width::of(text).filter(|w| !wrap::is_by_words(text, w.columns));
    let mut parts = mail::is_quoted_printable(text).then(mail::Parts::default);
    let mut out: Vec<Line<'_>> = Vec::new();
    let mut continues = false;
    for (i, line) in text.split('\n').enumerate() {
        let quoted = parts.as_mut().is_some_and(|p| p.is_quoted(line));
        let (line, soft) = if quoted { mail::unquoted(line) } else { (Cow::Borrowed(line), false) };
        let fills = soft || width.is_some_and(|w| w.is_filled_by(&line));
        match out.last_mut() {
            Some(last) if continues && !line.is_empty() && last.text.len() < LINE_BYTES_MAX => {
                last.text.to_mut().push_str(&straight(&line));
            }
            _ => out.push(Line { number: i as u64 + 1, text: settled(line) }),
        }
        continues = fills;
    }
    if out.last().is_some_and(|l| l.text.is_empty()) {
        out.pop();
    }
    (out, width.map(|w| w.columns))
}

/// A line of its own: cut where it is too long, with straight quotes.
fn settled(line: Cow<'_, str>) -> Cow<'_, str> {
    match line {
        Cow::Borrowed(line) => straight(cut(line, LINE_BYTES_MAX)),
        Cow::Owned(line) => Cow::Owned(straight(cut(&line, LINE_BYTES_MAX)).into_owned()),
    }
}

/// With the quotes of a program where a word processor or mail program made typographic ones. An apostrophe within a
/// word stays, and so do quotes of languages that pair them otherwise.
fn straight(line: &str) -> Cow<'_, str> {
    // E2 80: the block that all of them are in.
    if memchr::memmem::find(line.as_bytes(), b"\xE2\x80").is_none() || !line.contains(['‘', '’', '”']) {
        return Cow::Borrowed(line);
    }
    let double = line.contains('“') && line.contains('”') && !line.contains('„');
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    let mut in_word = false;
    while let Some(c) = rest.next() {
        out.push(match c {
            '‘' => '\'',
            '’' if !(in_word && rest.peek().is_some_and(|next| next.is_alphanumeric())) => '\'',
            '“' | '”' if double => '"',
            other => other,
        });
        in_word = c.is_alphanumeric();
    }
    Cow::Owned(out)
}

/// At most `max` bytes of `text`, never cutting a character.
pub fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn byte_order_marks_decide() {
        let text = "DEBUG: 接続できません\n";
        for (mark, body, name) in [
            (&b"\xEF\xBB\xBF"[..], text.as_bytes().to_vec(), "UTF-8"),
            (b"\xFF\xFE", utf16_bytes(text, false), "UTF-16LE"),
            (b"\xFE\xFF", utf16_bytes(text, true), "UTF-16BE"),
        ] {
            let bytes = [mark, &body].concat();
            let (got, encoding) = decode(&bytes);
            assert_eq!((got.as_str(), encoding), (text, Encoding { name, bom: true, damaged: false }));
        }
    }

    #[test]
    fn utf16_is_recognised_without_a_mark() {
        let text = "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1)\n";
        assert_eq!(decode(&utf16_bytes(text, false)).1.name, "UTF-16LE");
        assert_eq!(decode(&utf16_bytes(text, true)).1.name, "UTF-16BE");
    }

    #[test]
    fn what_another_shell_appended_to_utf16_is_text() {
        let head = utf16_bytes("DEBUG: 接続\r\n", false);
        let (text, encoding) =
            decode(&[b"\xFF\xFE", &head[..], b"ERROR: connection to the proxy refused\r\n"].concat());
        assert_eq!((text.as_str(), encoding.damaged), ("DEBUG: 接続\nERROR: connection to the proxy refused\n", false));
        // Han characters whose bytes look like letters.
        let han =
            utf16_bytes(&"a\n".chars().chain("上\u{4e41}\u{6162}".chars().cycle().take(40)).collect::<String>(), false);
        assert_eq!(decode(&[b"\xFF\xFE", &han[..]].concat()).0.chars().count(), 42);
    }

    #[test]
    fn code_pages_are_told_by_their_text() {
        let japanese =
            "az : ERROR: 接続済みの呼び出し先が一定の時間を過ぎても正しく応答しなかったため、接続できませんでした。";
        let french = "WinError 10054] Une connexion existante a dû être fermée par l’hôte distant, échec réseau";
        let german = "Der Remotename konnte nicht aufgelöst werden; Verbindung für Gerät ungültig";
        let russian = "Удаленный хост принудительно разорвал существующее подключение";
        let chinese = "由于目标计算机积极拒绝，无法连接。远程主机强迫关闭了一个现有的连接。";
        let korean = "현재 연결은 원격 호스트에 의해 강제로 끊겼습니다";
        for (text, page) in [
            (japanese, SHIFT_JIS),
            (french, WINDOWS_1252),
            (german, WINDOWS_1252),
            (russian, WINDOWS_1251),
            (chinese, GBK),
            (korean, EUC_KR),
        ] {
            let (bytes, _, _) = page.encode(text);
            let (got, encoding) = decode(&bytes);
            assert_eq!((got.as_str(), encoding.name), (text, page.name()));
        }
        let oem: Vec<u8> = b"Le nom distant n'a pas pu \x88tre r\x82solu, \x82chec".to_vec();
        assert_eq!(decode(&oem).0, "Le nom distant n'a pas pu être résolu, échec");
    }

    #[test]
    fn colours_and_controls_are_taken_out() {
        let (text, _) = decode(b"\x1b[36mcli.knack.cli: x\x1b[0m\r\n\x1b]0;title\x07next\rlast\0");
        assert_eq!(text, "cli.knack.cli: x\nnext\nlast");
    }

    #[test]
    fn lines_cut_at_the_width_of_a_console_are_joined() {
        let long = "DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 GET /72c1a3f0-5b7e-4d0a-9d3c-0f4be2a91d11/v2.0/.well-known/openid-configuration HTTP/1.1 200 1729 tail of the line";
        let mut wrapped = String::new();
        for _ in 0..4 {
            for part in long.as_bytes().chunks(80) {
                wrapped.push_str(std::str::from_utf8(part).unwrap());
                wrapped.push('\n');
            }
        }
        let (got, width) = lines(&wrapped);
        assert_eq!(width, Some(80));
        assert_eq!(got.len(), 4);
        assert!(got.iter().all(|l| l.text == long));
        assert_eq!(got[1].number, 4);
    }

    #[test]
    fn quotes_of_a_word_processor_are_those_of_the_program_again() {
        for (typed, want) in [
            ("Pool(host=‘a.example’, port=443) (‘x’)", "Pool(host='a.example', port=443) ('x')"),
            ("Post “https://a.example/”: EOF", "Post \"https://a.example/\": EOF"),
            ("(“it’s”, ’x’)", "(\"it’s\", 'x')"),
            ("l’hôte „x“ n’est pas", "l’hôte „x“ n’est pas"),
        ] {
            assert_eq!(straight(typed), want);
        }
    }

    #[test]
    fn lines_of_a_file_that_nobody_wrapped_stay_apart() {
        let text = format!("{}\nshort\n{}\n{}\n", "a".repeat(90), "b".repeat(200), "c".repeat(90));
        let (got, width) = lines(&text);
        assert_eq!(width, None);
        assert_eq!(got.len(), 4);
    }

    #[test]
    fn any_bytes_give_text() {
        let mut state = 1u32;
        let bytes: Vec<u8> = (0..4096)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        for end in 0..bytes.len().min(300) {
            let (text, _) = decode(&bytes[..end]);
            assert!(!text.contains('\x1b'));
            let _ = lines(&text);
        }
        assert!(!decode(&bytes).0.is_empty());
    }
}
