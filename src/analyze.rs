//! All stages for one case; the only file that names them all.
