//! What a file is, from its first bytes alone: for sorting the files of a folder into cases before any is read.
//!
//! What enters: a path. What leaves: a [`Glance`]. Archives are not unpacked but for the first bytes of gz and zst.

use super::archive::stream::Codec;
use super::evidence::{base_name, head_of};
use super::kind::{Class, Kind, classify};
use super::sniff::Container;
use std::fs::File;
use std::io;
use std::path::Path;

/// What a file seems to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glance {
    /// A piece of evidence, perhaps packed by itself (gz, zst).
    Evidence(Kind),
    /// An archive that may hold several pieces: cab, zip, or an archive inside gz or zst.
    Archive(Container),
}

/// Looks at the head of a file.
///
/// # Errors
/// When it cannot be opened or read.
pub fn glance(path: &Path) -> io::Result<Glance> {
    let name = path.to_string_lossy();
    let head = head_of(&mut File::open(path)?)?;
    let codec = match classify(&head, base_name(&name)) {
        Class::Evidence(kind) => return Ok(Glance::Evidence(kind)),
        Class::Packed(Container::Gz) => Codec::Gz,
        Class::Packed(Container::Zst) => Codec::Zst,
        Class::Packed(container) => return Ok(Glance::Archive(container)),
    };
    let inside = head_of(&mut codec.reader(Box::new(File::open(path)?)))?;
    Ok(match classify(&inside, base_name(&name)) {
        Class::Evidence(kind) => Glance::Evidence(kind),
        Class::Packed(container) => Glance::Archive(container),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn packed_files_are_told_by_what_is_inside() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let pcap = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(&pcap).unwrap();
        let gz = gz.finish().unwrap();
        let capture = |path: &Path| matches!(glance(path), Ok(Glance::Evidence(Kind::Capture(_))));
        assert!(capture(&write("a.bin", &pcap)));
        assert!(capture(&write("b.gz", &gz)));
        assert!(matches!(glance(&write("c", b"MSCF\0\0\0\0")), Ok(Glance::Archive(Container::Cab))));
        assert!(matches!(glance(&write("d", b"hello")), Ok(Glance::Evidence(Kind::Unknown(_)))));
        assert!(glance(&folder.path().join("none")).is_err());
    }
}
