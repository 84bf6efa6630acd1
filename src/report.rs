//! The report model: what every format prints.

pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub mod redact;
pub mod text;
