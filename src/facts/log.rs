//! Facts of a debug log and of a sign-in log export.
