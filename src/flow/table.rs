//! Flow keys, stream numbers and the table of live flows.
