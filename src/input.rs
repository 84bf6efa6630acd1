//! Opens evidence: a memory map, a reader or unpacked bytes behind one face. The only `unsafe` is the map.

pub mod archive;
pub mod kind;
pub mod source;
