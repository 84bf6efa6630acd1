//! Hosts and findings as CSV (RFC 4180), safe to open in a spreadsheet.

use super::Report;
use crate::lang::Lang;
use crate::verdict::Verdict;

/// Text that a spreadsheet does not take for a formula: a leading `=`, `+`, `-`, `@` (full-width ones too, which
/// Japanese spreadsheets take for the same), tab or return gets an apostrophe before it; other control characters go,
/// hidden ones are shown.
pub fn harmless(text: &str) -> String {
    let blank: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let clean = super::text::visible(&blank);
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r') => format!("'{clean}"),
        _ => clean,
    }
}

/// What stands before a table in this language: spreadsheets take UTF-8 for it only with a mark in front, which
/// scripts need not expect where the texts are English.
pub fn mark(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "",
        Lang::Ja => "\u{feff}",
    }
}

/// Two tables in one file, told apart by the first column: `host` rows, then `finding` rows.
pub fn render(report: &Report, lang: Lang) -> String {
    let mut out = ::csv::Writer::from_writer(Vec::new());
    let mut row = |cells: [String; 12]| {
        // Writing to memory cannot fail.
        let _ = out.write_record(cells.iter().map(|c| harmless(c)));
    };
    row([
        "row",
        "host",
        "role",
        "required",
        "verdict_or_code",
        "severity",
        "confidence",
        "tls_offered",
        "tls_negotiated",
        "proxy",
        "text",
        "filter",
    ]
    .map(str::to_owned));
    for h in &report.hosts {
        row([
            "host".into(),
            h.name.clone(),
            h.role.code().into(),
            h.required.map_or(String::new(), |r| r.to_string()),
            h.verdict.code().into(),
            String::new(),
            h.confidence.code().into(),
            h.client_tls_max.unwrap_or("").into(),
            h.negotiated_tls.unwrap_or("").into(),
            h.proxy.clone().unwrap_or_default(),
            h.verdict.title().get(lang).into(),
            h.filter.clone(),
        ]);
    }
    for f in &report.findings {
        row([
            "finding".into(),
            f.host.clone().unwrap_or_default(),
            String::new(),
            String::new(),
            f.code.into(),
            f.severity.code().into(),
            f.confidence.code().into(),
            String::new(),
            String::new(),
            f.verdict.map_or(String::new(), |v| Verdict::code(v).into()),
            f.sentence().get(lang).to_owned(),
            f.filter.clone(),
        ]);
    }
    mark(lang).to_owned() + &String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn formulas_and_controls_lose_their_power() {
        assert_eq!(harmless("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(harmless("@SUM(1)"), "'@SUM(1)");
        assert_eq!(harmless("＝1+1"), "'＝1+1");
        assert_eq!(harmless("a\u{1b}[31mb"), "a [31mb");
        assert_eq!(harmless("10.0.0.1"), "10.0.0.1");
        assert_eq!(harmless("a\u{202e}b"), "a\\u{202e}b");
    }
}
