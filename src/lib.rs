//! nettriage says what stopped a Microsoft Entra ID sign-in, from the network trace and the debug log.
//!
//! ```text
//!  bytes ──► frames ──► packets ──► flows ──► facts ──► story ──► findings ──► report
//!  input     capture     packet      flow    protocol    case      finding     report
//! ```
//!
//! A stage knows the types of the stage before it, and the leaves ([`bytes`], [`time`], [`limits`], [`problem`],
//! [`lang`], [`error`], [`parallel`], [`imprint`]); never what comes after. Borrowed bytes end at [`facts`]: everything
//! behind is owned, small, and independent of where it came from, so logs and sign-in exports are equal citizens from there on.
//!
//! Invariants: parsers are total (no panic, every loop advances, every buffer has a limit in [`limits`]); no clock,
//! I/O or global below `analyze` and `batch`; output bytes do not depend on the number of threads.

pub mod analyze;
pub mod batch;
pub mod bytes;
pub mod capture;
pub mod case;
pub mod cli;
pub mod convert;
pub mod diagnosis;
pub mod diff;
pub mod error;
pub mod explain;
pub mod facts;
pub mod finding;
pub mod flow;
pub mod imprint;
pub mod input;
pub mod knowledge;
pub mod lang;
pub mod limits;
pub mod log;
pub mod output;
pub mod packet;
pub mod parallel;
pub mod problem;
pub mod progress;
pub mod protocol;
pub mod records;
pub mod render;
pub mod report;
pub mod run;
pub mod system;
pub mod time;
pub mod verdict;
