//! `nettriage diff`: a working against a failing trace.

use crate::cli::{Options, ReportFormat};
use crate::error::Error;
use std::path::Path;

/// What differs between two cases.
///
/// # Errors
/// When one of them cannot be read.
pub fn run(_good: &Path, _bad: &Path, _format: ReportFormat, _options: &Options) -> Result<String, Error> {
    Err(Error::Usage("diff is not built yet".to_owned()))
}
