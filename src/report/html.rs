//! The HTML report: one self-contained file.

use super::Report;
use crate::lang::Lang;

/// The report as one HTML page.
pub fn render(report: &Report, lang: Lang) -> String {
    let text = super::text::render(report, lang, &super::text::Style { color: false, width: 120, verbose: true });
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<!doctype html><meta charset=utf-8><title>nettriage</title><pre>{text}</pre>\n")
}
