//! Opens evidence: a memory map, a reader or unpacked bytes behind one face. The only `unsafe` is the map.

pub mod archive;
pub mod kind;
pub mod source;

pub use source::{ByteSource, Bytes};

use std::fs::File;

/// Maps a file read-only.
///
/// Windows keeps a mapped file from shrinking. Elsewhere another process may cut it while it is mapped, and touching a
/// page that is gone ends the process; so only what needs random access to a large local file comes here, and
/// `--no-mmap` keeps everything away.
#[expect(unsafe_code, reason = "a memory map is shared with whoever else may write the file")]
fn map(file: &File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the map is private to `Bytes`, is only ever read through `&[u8]`, and nothing here relies on its content
    // staying the same between two reads: every parser checks each value at the place where it uses it.
    unsafe { memmap2::Mmap::map(file) }
}
