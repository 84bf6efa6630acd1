//! ETL container: buffers, headers, clocks, time order over CPUs.

pub mod event;
pub mod ndis;
pub mod pktmon;
pub mod schema;
pub mod system_event;
pub mod xpress;
