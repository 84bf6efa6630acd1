//! `nettriage batch`: folders of cases, and their roll-up.

use crate::cli::{Options, ReportFormat};
use crate::error::Error;
use std::path::{Path, PathBuf};

/// Analyses every case below `paths`.
///
/// # Errors
/// When the output folder cannot be written.
pub fn run(
    _paths: &[PathBuf],
    _output: &Path,
    _formats: &[ReportFormat],
    _resume: bool,
    _options: &Options,
) -> Result<u8, Error> {
    Err(Error::Usage("batch is not built yet".to_owned()))
}
