//! Encodings, hard wraps, ANSI colours and prefixes of debug texts.
