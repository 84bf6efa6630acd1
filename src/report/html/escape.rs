//! Text → HTML that stays text: the only door through which words from captures, logs and file names reach a page.
//!
//! Control characters and marks that turn the direction of writing are shown as `\u{..}`, as on the terminal; the
//! five characters that mean something to HTML are escaped, so the result fits element content and quoted attributes.

use crate::lang::{Message, Text};
use crate::report::text::{is_plain, visible};

/// Text for element content or a quoted attribute.
pub fn esc(text: &str) -> String {
    if is_plain(text) && !text.contains(['&', '<', '>', '"', '\'']) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    visible(text).chars().for_each(|c| push(&mut out, c));
    out
}

/// A name or path for element content, which a narrow column may break behind its separators.
pub fn breakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    for c in visible(text).chars() {
        push(&mut out, c);
        if matches!(c, '.' | '/' | '\\' | '_' | ':') {
            out.push_str("<wbr>");
        }
    }
    out
}

fn push(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        c => out.push(c),
    }
}

/// Both languages of a text; the page shows the one that is chosen.
pub fn both(message: &Message) -> String {
    if message.en == message.ja {
        return esc(&message.en);
    }
    format!("<span lang=\"en\">{}</span><span lang=\"ja\">{}</span>", esc(&message.en), esc(&message.ja))
}

/// Both languages of a fixed text.
pub fn fixed(en: &'static str, ja: &'static str) -> String {
    both(&Text { en, ja }.into())
}

/// Both languages as attributes from which the script takes the label of an element.
pub fn label(en: &'static str, ja: &'static str) -> String {
    format!("aria-label=\"{}\" data-label-en=\"{}\" data-label-ja=\"{}\"", esc(en), esc(en), esc(ja))
}

/// Text for an SVG, in both languages, cut to `width` pixels at about `size` pixels a character.
pub fn svg_text(message: &Message, width: f64, size: f64) -> String {
    if message.en == message.ja {
        return fit(&message.en, width, size);
    }
    format!(
        "<tspan lang=\"en\">{}</tspan><tspan lang=\"ja\">{}</tspan>",
        fit(&message.en, width, size),
        fit(&message.ja, width, size)
    )
}

/// Escaped text cut to about `width` pixels.
pub fn fit(text: &str, width: f64, size: f64) -> String {
    use unicode_width::UnicodeWidthChar;
    let clean = visible(text);
    // Average advance of a Latin letter is a little over half its size; wide characters take a whole one.
    let advance = |c: char| size * if c.width() == Some(2) { 1.0 } else { 0.6 };
    let whole: f64 = clean.chars().map(advance).sum();
    if whole <= width {
        return esc(&clean);
    }
    let mut used = size;
    let kept: String = clean
        .chars()
        .take_while(|c| {
            used += advance(*c);
            used <= width
        })
        .collect();
    format!("{}…", esc(&kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_controls_stay_text() {
        assert_eq!(esc("</script><b a='\"'>&"), "&lt;/script&gt;&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(esc("\u{1b}[2J\u{202e}x"), "\\u{1b}[2J\\u{202e}x");
        assert_eq!(breakable("a.b/<c>"), "a.<wbr>b/<wbr>&lt;c&gt;");
        assert_eq!(both(&Message { en: "<a>".into(), ja: "<b>".into() }).matches('<').count(), 4);
    }

    #[test]
    fn cut_text_is_not_cut_inside_an_entity() {
        for width in 0..120 {
            let cut = fit("a&b<c>d\"e'f 日本語", f64::from(width), 12.0);
            let without = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].iter().fold(cut, |s, e| s.replace(e, ""));
            assert!(!without.contains(['&', '<', '>', ';']), "{without}");
        }
    }
}
