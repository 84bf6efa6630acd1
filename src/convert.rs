//! `nettriage convert`: any capture as pcapng.

use crate::cli::Options;
use crate::error::Error;
use std::path::Path;

/// Converts.
///
/// # Errors
/// When input or output fails.
pub fn run(_input: &Path, _output: &Path, _options: &Options) -> Result<(), Error> {
    Err(Error::Usage("convert is not built yet".to_owned()))
}
