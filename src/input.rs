//! Opens evidence: a memory map, a reader or unpacked bytes behind one face. The only `unsafe` is the map.
//!
//! What enters: paths of files and folders, and `-` for standard input. What leaves: one [`Evidence`] a piece, with
//! its kind, read when it is asked for. Guaranteed: a piece that cannot be read is in the list with its reason, and
//! takes no other piece away; the order depends on names only; nothing is written to disk.

pub mod archive;
pub mod evidence;
mod glance;
pub mod kind;
pub mod room;
pub mod sniff;
pub mod source;

pub use evidence::{Evidence, Unreadable};
pub use glance::{Glance, glance};
pub use kind::{Kind, is_capture_name};
pub use room::{Room, Span};
pub use source::{ByteSource, Bytes};

use crate::lang::Message;
use crate::limits;
use crate::message;
use archive::stream::Codec;
use archive::{Budget, Member};
use evidence::{Content, base_name, head_of, limit_message, limited, mark_duplicates};
use kind::{Class, classify};
use sniff::Container;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Maps a file read-only.
///
/// Windows keeps a mapped file from shrinking. Elsewhere another process may cut it while it is mapped, and touching a
/// page that is gone ends the process; so only what needs random access to a large local file comes here, and
/// `--no-mmap` keeps everything away.
#[expect(unsafe_code, reason = "a memory map is shared with whoever else may write the file")]
fn map(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the map is private to `Bytes`, is only ever read through `&[u8]`, and nothing here relies on its content
    // staying the same between two reads: every parser checks each value at the place where it uses it.
    unsafe { memmap2::Mmap::map(file) }
}

/// How evidence is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Large files that need random access are mapped; otherwise they are read.
    pub mmap: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { mmap: true }
    }
}

/// Finds all evidence in `paths`: files, folders with everything in them, archives with everything in them, and `-`.
pub fn open(paths: &[PathBuf], options: &Options) -> Vec<Evidence> {
    let mut finder = Finder { found: Vec::new(), budget: Budget::default(), options: *options };
    for path in paths {
        if path.as_os_str() == "-" {
            finder.standard_input();
        } else if path.is_dir() {
            finder.folder(path);
        } else {
            finder.file(path, true);
        }
    }
    mark_duplicates(&mut finder.found);
    finder.found
}

/// Finds all evidence in bytes that are in memory, shown under `name`: an archive with everything in it, or one piece.
pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Vec<Evidence> {
    let mut finder = Finder { found: Vec::new(), budget: Budget::default(), options: Options::default() };
    let place = Place { path: name.to_owned(), container: None, depth: 0, named: true, file: None };
    let length = bytes.len() as u64;
    finder.add(Content::Memory(Bytes::from(bytes)), Some(length), place);
    mark_duplicates(&mut finder.found);
    finder.found
}

/// Collects evidence.
struct Finder {
    found: Vec<Evidence>,
    budget: Budget,
    options: Options,
}

/// Where a piece stands.
#[derive(Clone)]
struct Place {
    path: String,
    container: Option<&'static str>,
    depth: usize,
    named: bool,
    /// The file on disk.
    file: Option<Arc<Path>>,
}

impl Place {
    fn inside(&self, container: &'static str, member: Option<&str>) -> Place {
        let path = match member {
            Some(member) => format!("{}!{member}", self.path),
            None => self.path.clone(),
        };
        let named = self.named && member.is_none();
        Place { path, container: Some(container), depth: self.depth + 1, named, file: self.file.clone() }
    }
}

impl Finder {
    fn folder(&mut self, folder: &Path) {
        // Links are not followed: they may lead in a circle or out of the case.
        let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
        let visible = |e: &walkdir::DirEntry| e.depth() == 0 || !e.file_name().as_encoded_bytes().starts_with(b".");
        for entry in entries.filter_entry(visible) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    if self.found.len() >= limits::FILES_MAX {
                        return;
                    }
                    self.file(entry.path(), false);
                }
                Ok(_) => {}
                Err(e) => {
                    let path = e.path().unwrap_or(folder).to_string_lossy().into_owned();
                    let place = Place { path, container: None, depth: 0, named: false, file: None };
                    // Without the path, which stands beside it. Only a circle of links has no such error, and none is followed.
                    let error = e.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    self.unreadable(place, io_unreadable(&error));
                }
            }
        }
    }

    fn file(&mut self, path: &Path, named: bool) {
        let shown = path.to_string_lossy().into_owned();
        let place = Place { path: shown, container: None, depth: 0, named, file: Some(Arc::from(path)) };
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {
                self.add(Content::File(path.to_path_buf()), Some(metadata.len()), place);
            }
            // A named pipe, or what a shell puts in the place of a file.
            Ok(_) => match File::open(path) {
                Ok(pipe) => self.once(Box::new(pipe), place),
                Err(e) => self.unreadable(place, io_unreadable(&e)),
            },
            Err(e) => self.unreadable(place, io_unreadable(&e)),
        }
    }

    fn standard_input(&mut self) {
        let place = Place { path: "-".to_owned(), container: None, depth: 0, named: true, file: None };
        self.once(Box::new(io::stdin()), place);
    }

    /// A stream that can be read once: its head is read and put in front of it again.
    fn once(&mut self, mut reader: Box<dyn Read + Send>, place: Place) {
        let head = match head_of(&mut reader) {
            Ok(head) => head,
            Err(e) => return self.unreadable(place, io_unreadable(&e)),
        };
        let class = classify(&head, base_name(&place.path));
        let all: Box<dyn Read + Send> = Box::new(io::Cursor::new(head).chain(reader));
        match class {
            Class::Packed(_) if place.depth >= limits::ARCHIVE_DEPTH_MAX => self.too_deep(place),
            Class::Packed(Container::Gz) => self.once(limited(Codec::Gz, all), place.inside("gz", None)),
            Class::Packed(Container::Zst) => self.once(limited(Codec::Zst, all), place.inside("zst", None)),
            Class::Packed(container) => {
                let content = Content::once(all);
                self.archive(container, content, place);
            }
            Class::Evidence(kind) => {
                let content = Content::once(all);
                self.push(kind, content, None, place);
            }
        }
    }

    fn add(&mut self, content: Content, bytes: Option<u64>, place: Place) {
        let head = match content.head() {
            Ok(head) => head,
            Err(e) => return self.unreadable(place, io_unreadable(&e)),
        };
        match classify(&head, base_name(&place.path)) {
            Class::Evidence(kind) => self.push(kind, content, bytes, place),
            Class::Packed(_) if place.depth >= limits::ARCHIVE_DEPTH_MAX => self.too_deep(place),
            Class::Packed(Container::Gz) => self.stream(content, Codec::Gz, place.inside("gz", None)),
            Class::Packed(Container::Zst) => self.stream(content, Codec::Zst, place.inside("zst", None)),
            Class::Packed(container) => self.archive(container, content, place),
        }
    }

    fn stream(&mut self, packed: Content, codec: Codec, place: Place) {
        self.add(Content::Packed { inner: Arc::new(packed), codec }, None, place);
    }

    fn archive(&mut self, container: Container, content: Content, place: Place) {
        let packed = matches!(content, Content::Packed { .. } | Content::Once(_));
        let bytes = match content.whole(self.options.mmap) {
            Ok(bytes) => bytes,
            Err(e) => {
                let text = e.to_string();
                return self.unreadable(place, unreadable("archive_damaged", Message::same(text)));
            }
        };
        if packed {
            let size = bytes.len() as u64;
            match (self.budget.hold.checked_sub(size), self.budget.unpack.checked_sub(size)) {
                (Some(hold), Some(unpack)) => self.budget = Budget { hold, unpack },
                _ => return self.unreadable(place, unreadable("archive_limit", limit_message())),
            }
        }
        let (name, members) = match container {
            Container::Cab => ("cab", archive::cab::cab_members(&bytes, &mut self.budget, &is_wanted)),
            _ => ("zip", archive::zip_members(&bytes)),
        };
        match members {
            Ok(members) => {
                for Member { name: member, content, bytes } in members {
                    let place = place.inside(name, Some(&member));
                    match content {
                        Ok(content) => self.add(content, bytes, place),
                        Err(why) => self.unreadable(place, why),
                    }
                }
            }
            Err(message) => self.unreadable(place, unreadable("archive_damaged", message)),
        }
    }

    fn push(&mut self, mut kind: Kind, content: Content, bytes: Option<u64>, place: Place) {
        // What a Windows machine tells of itself comes in a cabinet; text there that is nothing else is part of it.
        if place.container == Some("cab") && matches!(kind, Kind::Unknown(_)) && is_text_name(&place.path) {
            kind = Kind::SystemInfo;
        }
        // What is called a capture and is none is missed by whoever collected it: a trace that was not stopped before
        // it was copied is empty.
        if let Kind::Unknown(why) = &kind
            && !place.named
            && kind::is_capture_name(&place.path)
        {
            let why = unreadable("no_capture", why.clone());
            return self.unreadable(place, why);
        }
        let content = if matches!(kind, Kind::Unknown(_)) { Content::Memory(Bytes::from(Vec::new())) } else { content };
        self.found.push(Evidence {
            path: place.path,
            kind,
            container: place.container,
            bytes,
            named: place.named,
            duplicate_of: None,
            unreadable: None,
            file: place.file,
            content,
            mmap: self.options.mmap,
        });
    }

    fn too_deep(&mut self, place: Place) {
        let most = limits::ARCHIVE_DEPTH_MAX;
        let message = message!(
            en: "archives are nested more than {most} deep; unpack it first",
            ja: "アーカイブの入れ子が {most} 段を超えています。先に展開してください"
        );
        self.unreadable(place, unreadable("archive_limit", message));
    }

    fn unreadable(&mut self, place: Place, why: Unreadable) {
        self.found.push(Evidence {
            path: place.path,
            kind: Kind::Unknown(why.message.clone()),
            container: place.container,
            bytes: None,
            named: place.named,
            duplicate_of: None,
            unreadable: Some(why),
            file: place.file,
            content: Content::Memory(Bytes::from(Vec::new())),
            mmap: false,
        });
    }
}

fn is_wanted(head: &[u8], name: &str) -> bool {
    !matches!(classify(head, name), Class::Evidence(Kind::Unknown(_))) || is_text_name(name)
}

fn is_text_name(path: &str) -> bool {
    let name = base_name(path);
    [".txt", ".log", ".xml", ".reg"].iter().any(|end| name.to_ascii_lowercase().ends_with(end))
}

fn unreadable(code: &'static str, message: Message) -> Unreadable {
    Unreadable { code, message }
}

fn io_unreadable(error: &io::Error) -> Unreadable {
    let code = match error.kind() {
        io::ErrorKind::NotFound => "not_found",
        io::ErrorKind::PermissionDenied => "no_permission",
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => "archive_damaged",
        _ => "unreadable",
    };
    unreadable(code, Message::same(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LOG: &[u8] = b"DEBUG: cli.azure.cli.core: hello\nurllib3.connectionpool: https://login.microsoftonline.com\n";

    fn pcap(frames: u8) -> Vec<u8> {
        let mut out = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        for i in 0..frames {
            out.extend([i, 0, 0, 0x60, 0, 0, 0, 0, 100, 0, 0, 0, 100, 0, 0, 0]);
            out.extend([i; 100]);
        }
        out
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn zst(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (i, (name, bytes)) in members.iter().enumerate() {
            let method = [zip::CompressionMethod::Deflated, zip::CompressionMethod::Stored][i % 2];
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            out.start_file(*name, options).unwrap();
            out.write_all(bytes).unwrap();
        }
        out.finish().unwrap().into_inner()
    }

    fn cab(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = cab::CabinetBuilder::new();
        let folder = builder.add_folder(cab::CompressionType::MsZip);
        for (name, _) in members {
            folder.add_file(*name);
        }
        let mut writer = builder.build(io::Cursor::new(Vec::new())).unwrap();
        let mut bytes = members.iter().map(|(_, bytes)| bytes);
        while let Some(mut file) = writer.next_file().unwrap() {
            file.write_all(bytes.next().unwrap()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// A folder with these files; gives (path below it, kind, container, duplicate, unreadable code).
    fn look(
        files: &[(&str, &[u8])],
    ) -> Vec<(String, Option<&'static str>, Option<&'static str>, Option<usize>, &'static str)> {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let found = open(&[folder.path().to_path_buf()], &Options::default());
        let prefix = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
        found
            .iter()
            .map(|e| {
                let path = e.path.strip_prefix(&prefix).unwrap().to_owned();
                let code = e.unreadable.as_ref().map_or("", |u| u.code);
                (path, e.kind.code(), e.container, e.duplicate_of, code)
            })
            .collect()
    }

    #[test]
    fn nested_archives_are_looked_into() {
        let capture = pcap(50);
        let inner = cab(&[("report.etl", &pcap(7)), ("dns.txt", b"something"), ("x.bin", &[0, 1, 2, 3])]);
        let outer = zip(&[("a/log.txt", LOG), ("NetTrace.cab", &inner), ("t.pcap.zst", &zst(&capture))]);
        let found = look(&[("case.zip", &outer), ("t.pcap.gz", &gz(&pcap(9)))]);
        let expected = [
            ("case.zip!a/log.txt", Some("debug_log"), Some("zip"), None, ""),
            ("case.zip!NetTrace.cab!report.etl", Some("capture"), Some("cab"), None, ""),
            ("case.zip!NetTrace.cab!dns.txt", Some("system_info"), Some("cab"), None, ""),
            ("case.zip!NetTrace.cab!x.bin", None, Some("cab"), None, ""),
            ("case.zip!t.pcap.zst", Some("capture"), Some("zst"), None, ""),
            ("t.pcap.gz", Some("capture"), Some("gz"), None, ""),
        ];
        let found: Vec<_> = found.iter().map(|f| (f.0.as_str(), f.1, f.2, f.3, f.4)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn content_comes_out_as_it_went_in() {
        let capture = pcap(200);
        let folder = tempfile::tempdir().unwrap();
        let two_members = [gz(&capture), gz(&capture)].concat();
        let mut frames = zst(&capture);
        frames.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        frames.extend(zst(&capture));
        let twice = [capture.clone(), capture.clone()].concat();
        let cases: [(&str, Vec<u8>, &Vec<u8>); 6] = [
            ("plain", capture.clone(), &capture),
            ("gz", gz(&capture), &capture),
            ("gz2", two_members, &twice),
            ("zst", frames, &twice),
            ("zip", zip(&[("x", &capture)]), &capture),
            ("cab", cab(&[("x", &capture)]), &capture),
        ];
        for (name, packed, unpacked) in cases {
            let path = folder.path().join(name);
            std::fs::write(&path, packed).unwrap();
            let found = open(&[path], &Options::default());
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(*found[0].whole().unwrap(), **unpacked, "{name}");
            let mut source = found[0].source().unwrap();
            assert_eq!(source.fill(1 << 20), &**unpacked, "{name}");
            assert!(source.broken().is_none(), "{name}");
            let (prefix, more) = found[0].prefix(100).unwrap();
            assert_eq!((&*prefix, more), (&unpacked[..100], true));
        }
    }

    #[test]
    fn equal_content_is_marked_once() {
        let capture = pcap(20);
        let found = look(&[
            ("a.cab", &cab(&[("report.etl", &capture), ("other.etl", &pcap(21))])),
            ("b.etl", &capture),
            ("c.pcap.gz", &gz(&capture)),
            ("d.pcap", &pcap(19)),
        ]);
        let of: Vec<_> = found.iter().map(|f| (f.0.as_str(), f.3)).collect();
        assert_eq!(
            of,
            [
                ("a.cab!report.etl", Some(2)),
                ("a.cab!other.etl", None),
                ("b.etl", None),
                ("c.pcap.gz", Some(2)),
                ("d.pcap", None)
            ]
        );
    }

    #[test]
    fn a_damaged_member_does_not_take_the_others_away() {
        let capture = pcap(100);
        let mut damaged = zip(&[("a.log", LOG), ("b.pcap", &capture), ("c.log", LOG), ("d.log", LOG)]);
        // The packed bytes of the third member (deflated), found by its name in its local header.
        let at = damaged.windows(5).position(|w| w == b"c.log").unwrap() + 5;
        damaged[at] = 0xff;
        let found = look(&[("x.zip", &damaged)]);
        let codes: Vec<_> = found.iter().map(|f| (f.1, f.4)).collect();
        assert_eq!(
            codes,
            [(Some("debug_log"), ""), (Some("capture"), ""), (None, "archive_damaged"), (Some("debug_log"), "")]
        );
    }

    #[test]
    fn an_encrypted_member_is_told_apart() {
        let mut archive = zip(&[("a.pcap", &pcap(5)), ("b.log", LOG)]);
        // Bit 0 of the flags in the local header and in the directory.
        archive[6] |= 1;
        let directory = archive.windows(4).position(|w| w == [b'P', b'K', 1, 2]).unwrap();
        archive[directory + 8] |= 1;
        let found = look(&[("x.zip", &archive)]);
        assert_eq!(found.iter().map(|f| f.4).collect::<Vec<_>>(), ["archive_encrypted", ""]);
    }

    #[test]
    fn nesting_ends_somewhere() {
        let mut bytes = pcap(3);
        for _ in 0..limits::ARCHIVE_DEPTH_MAX {
            bytes = gz(&bytes);
        }
        assert_eq!(look(&[("a", &bytes)])[0].1, Some("capture"));
        assert_eq!(look(&[("a", &gz(&bytes))])[0].4, "archive_limit");
    }

    #[test]
    fn what_is_not_there_is_in_the_list() {
        let found = open(&[PathBuf::from("no such file")], &Options::default());
        assert_eq!(found[0].unreadable.as_ref().unwrap().code, "not_found");
        assert!(found[0].named);
    }

    #[test]
    fn archives_cut_or_flipped_never_panic() {
        let members: [(&str, &[u8]); 2] = [("a.log", LOG), ("b.pcap", &pcap(3))];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for archive in [zip(&members), cab(&members), gz(LOG), zst(LOG)] {
            for at in 0..archive.len() {
                let mut flipped = archive.clone();
                flipped[at] ^= 1 << (at % 8);
                for bytes in [&archive[..at], &flipped] {
                    std::fs::write(&path, bytes).unwrap();
                    for evidence in open(std::slice::from_ref(&path), &Options::default()) {
                        let _ = evidence.whole();
                    }
                }
            }
        }
    }

    #[test]
    fn a_stream_is_read_once_through_its_packers() {
        let mut finder = Finder { found: Vec::new(), budget: Budget::default(), options: Options::default() };
        let place = Place { path: "-".to_owned(), container: None, depth: 0, named: true, file: None };
        let capture = pcap(250);
        finder.once(Box::new(io::Cursor::new(gz(&zst(&capture)))), place.clone());
        finder.once(Box::new(io::Cursor::new(zip(&[("x", &capture)]))), place);
        assert_eq!(finder.found.len(), 2);
        assert_eq!(finder.found[0].container, Some("zst"));
        let mut source = finder.found[0].source().unwrap();
        assert_eq!(source.fill(1 << 20), &*capture);
        assert!(finder.found[0].source().is_err());
        assert_eq!(*finder.found[1].whole().unwrap(), *capture);
    }
}
