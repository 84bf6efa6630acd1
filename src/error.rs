//! `Error` means: no result for this piece of evidence. Everything less is a [`crate::problem::Problem`].

use crate::lang::{Lang, Message};
use std::path::PathBuf;

/// Why a piece of evidence, or the whole call, gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is of no format that is read here.
    #[error("{path}: {reason}", path = path.display(), reason = reason.en)]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        reason: Message,
    },
    /// The format is known, the content cannot be read at all.
    #[error("{path}: offset {offset}: {reason}", path = path.display(), reason = reason.en)]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Byte offset of the place.
        offset: u64,
        /// What is wrong there.
        reason: Message,
    },
    /// A limit of [`crate::limits`] was reached.
    #[error("{path}: {reason}", path = path.display(), reason = reason.en)]
    Limit {
        /// The file.
        path: PathBuf,
        /// Which limit, and what to do.
        reason: Message,
    },
    /// The call itself makes no sense.
    #[error("{text}", text = .0.en)]
    Usage(Message),
}

impl Error {
    /// Names the file that was read when the parser failed (parsers see bytes, not paths).
    pub fn at(self, new: impl Into<PathBuf>) -> Error {
        let new = new.into();
        match self {
            Error::Io { source, .. } => Error::Io { path: new, source },
            Error::Unsupported { reason, .. } => Error::Unsupported { path: new, reason },
            Error::Damaged { offset, reason, .. } => Error::Damaged { path: new, offset, reason },
            Error::Limit { reason, .. } => Error::Limit { path: new, reason },
            Error::Usage(text) => Error::Usage(text),
        }
    }

    /// The error in one language, with file, offset and reason.
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Error::Unsupported { path, reason } | Error::Limit { path, reason }, Lang::Ja) => {
                format!("{}: {}", path.display(), reason.ja)
            }
            (Error::Damaged { path, offset, reason }, Lang::Ja) => {
                format!("{}: オフセット {offset}: {}", path.display(), reason.ja)
            }
            (Error::Usage(text), Lang::Ja) => text.ja.clone(),
            _ => self.to_string(),
        }
    }
}
