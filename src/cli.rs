//! Command line → resolved options; the only file that knows clap.
