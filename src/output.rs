//! Where results go: standard output, a device or pipe, or a file that is whole or not there.
//!
//! What enters: the place that the call names, and what was opened to be read. What leaves: bytes in that place.
//! Guaranteed: a file has its name only when it is whole, and what was there before stays until then; no output takes
//! the place of anything that is read.

use crate::error::Error;
use crate::input::Evidence;
use crate::message;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Ending of files that are not complete yet.
pub const PART: &str = ".part";

/// Longest name of a file, in bytes, that still has room for what a part adds to it: file systems let 255 pass.
const NAME_BYTES_MAX: usize = 238;

/// A file that is written under another name beside its place, and renamed when it is whole. One that is dropped
/// before is removed.
#[derive(Debug)]
pub struct WholeFile {
    place: PathBuf,
    part: PathBuf,
    /// `None` once it has its name.
    file: Option<File>,
}

impl WholeFile {
    /// Begins a file that will be `place`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn create(place: &Path) -> io::Result<WholeFile> {
        let part = part_of(place);
        let file = File::create(&part)?;
        Ok(WholeFile { place: place.to_path_buf(), part, file: Some(file) })
    }

    /// Gives it its name, in the place of what had it before.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn finish(mut self) -> io::Result<()> {
        // Windows renames no file that is open.
        drop(self.file.take());
        fs::rename(&self.part, &self.place).inspect_err(|_| {
            let _ = fs::remove_file(&self.part);
        })
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or_else(|| Err(io::ErrorKind::NotFound.into()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            drop(file);
            // Half a file would pass for a whole one. Where it cannot be removed, its name still tells what it is.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// The name under which `place` is written: beside it, since only there a rename is one step; hidden, so that a folder
/// that is read as a case has nothing of it, should a run be killed.
fn part_of(place: &Path) -> PathBuf {
    let name = place.file_name().filter(|name| name.len() <= NAME_BYTES_MAX);
    let mut part = OsString::from(".");
    part.push(name.unwrap_or("nettriage".as_ref()));
    part.push(format!(".{}{PART}", std::process::id()));
    place.with_file_name(part)
}

/// The open output of a command.
pub struct Output {
    path: PathBuf,
    to: To,
}

enum To {
    /// Standard output, or what is no regular file: written as it comes.
    Stream(BufWriter<Box<dyn Write>>),
    /// A file.
    File(BufWriter<WholeFile>),
}

impl Output {
    /// Opens the place that was named; standard output without one, or for `-`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn open(path: Option<&Path>) -> Result<Output, Error> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            let to = To::Stream(BufWriter::new(Box::new(io::stdout().lock())));
            return Ok(Output { path: PathBuf::from("<stdout>"), to });
        };
        let to = To::open(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
        Ok(Output { path: path.to_path_buf(), to })
    }

    /// Ends the output: a file gets its name.
    ///
    /// # Errors
    /// When the rest cannot be written; then the file that was there before still is.
    pub fn finish(self) -> Result<(), Error> {
        let result = match self.to {
            To::Stream(mut out) => out.flush(),
            To::File(out) => out.into_inner().map_err(io::IntoInnerError::into_error).and_then(WholeFile::finish),
        };
        result.map_err(|source| Error::Io { path: self.path, source })
    }

    /// What comes of writing a part: an error names the place.
    ///
    /// # Errors
    /// That error.
    pub fn checked(&self, result: io::Result<()>) -> Result<(), Error> {
        result.map_err(|source| Error::Io { path: self.path.clone(), source })
    }
}

impl To {
    fn open(path: &Path) -> io::Result<To> {
        let stream = |file: File| To::Stream(BufWriter::new(Box::new(file)));
        match fs::metadata(path) {
            Ok(there) if there.is_file() && !is_of_the_system(path) => {
                // A file that may not be written is not to be replaced either.
                OpenOptions::new().write(true).open(path)?;
                // A link stays one: what it leads to is replaced.
                let out = WholeFile::create(&path.canonicalize()?)?;
                // The file is as private as the one before. Where that cannot be, it is as private as new files are.
                let _ = fs::set_permissions(&out.part, there.permissions());
                Ok(To::File(BufWriter::new(out)))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                WholeFile::create(&end_of_links(path)).map(|out| To::File(BufWriter::new(out)))
            }
            _ => File::create(path).map(stream),
        }
    }
}

/// Links that are followed to a file that is not there yet: more than any system follows.
const LINKS_MAX: usize = 64;

/// Where a path leads at whose end nothing is yet: a link stays one, and the file comes to be where it points.
fn end_of_links(path: &Path) -> PathBuf {
    let mut place = path.to_path_buf();
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&place) else { break };
        place = place.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    place
}

/// Whether a path is a door of the system rather than a file (`/dev/stdout`), whatever stands behind it.
fn is_of_the_system(path: &Path) -> bool {
    cfg!(unix) && ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder))
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Stream(out) => out.write(bytes),
            To::File(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Stream(out) => out.flush(),
            To::File(out) => out.flush(),
        }
    }
}

/// Takes the end of a reader that wants no more (a pipe that it closed) as if all had been written: what the exit
/// status tells is what was found.
///
/// # Errors
/// All others.
pub fn read_or_not(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Refuses an output that would take the place of something that is read: of a path of the call (`named`), or of what
/// was found below them and is evidence. What a folder holds beside it may be the report of the call before.
///
/// # Errors
/// Wrong usage, naming both.
pub fn refuse_evidence<'a>(
    output: Option<&Path>,
    named: impl IntoIterator<Item = &'a PathBuf>,
    found: &'a [Evidence],
    is_evidence: impl Fn(&Evidence) -> bool,
) -> Result<(), Error> {
    let Some(output) = output else { return Ok(()) };
    let Some(place) = Identity::of(output) else { return Ok(()) };
    let named = named.into_iter().map(PathBuf::as_path).find(|path| place.is(path));
    // Whether it is evidence may have to be read, so that is asked last.
    let below = || found.iter().find(|e| e.file().is_some_and(|file| place.is(file)) && is_evidence(e));
    match named.or_else(|| below().and_then(Evidence::file)) {
        None => Ok(()),
        Some(input) => Err(refused(output, input)),
    }
}

/// Refuses outputs of which one would take the place of an input.
///
/// # Errors
/// Wrong usage, naming both.
pub fn refuse_any(outputs: impl IntoIterator<Item = PathBuf>, inputs: &[&Path]) -> Result<(), Error> {
    let mut outputs = outputs.into_iter().peekable();
    if outputs.peek().is_none() {
        return Ok(());
    }
    let known: Vec<(Identity, &Path)> = inputs.iter().filter_map(|path| Some((Identity::of(path)?, *path))).collect();
    let paths: HashMap<&Path, &Path> = known.iter().map(|(identity, path)| (identity.path.as_path(), *path)).collect();
    let nodes: HashMap<(u64, u64), &Path> = known.iter().filter_map(|(i, path)| Some((i.node?, *path))).collect();
    for output in outputs {
        let Some(place) = Identity::of(&output) else { continue };
        let same = paths.get(place.path.as_path()).or_else(|| nodes.get(&place.node?));
        if let Some(input) = same {
            return Err(refused(&output, input));
        }
    }
    Ok(())
}

fn refused(output: &Path, input: &Path) -> Error {
    let (output, input) = (output.display(), input.display());
    Error::Usage(message!(
        en: "the output {output} is the same file as the input {input}, which would be lost; name another file",
        ja: "出力 {output} は入力 {input} と同じファイルで、入力が失われます。別のファイルを指定してください",
    ))
}

/// What makes two paths one file.
struct Identity {
    path: PathBuf,
    /// Device and number, which hard links share. On Windows the standard library tells neither; there a report takes
    /// the name of the link alone, and what the other name leads to stays ([`WholeFile`] never writes into a file).
    node: Option<(u64, u64)>,
}

impl Identity {
    /// Of a regular file that is there.
    fn of(path: &Path) -> Option<Identity> {
        let there = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        Some(Identity { path: canonical, node: node(&there) })
    }

    /// Whether `other` is the same file.
    fn is(&self, other: &Path) -> bool {
        // The file that a shell gives for standard input.
        let path = if cfg!(unix) && other.as_os_str() == "-" { Path::new("/dev/stdin") } else { other };
        Identity::of(path).is_some_and(|i| i.path == self.path || (i.node.is_some() && i.node == self.node))
    }
}

#[cfg(unix)]
fn node(there: &fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn node(_: &fs::Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("report.json");
        fs::write(&place, b"before").unwrap();
        let mut out = Output::open(Some(&place)).unwrap();
        out.write_all(&[b'x'; 100_000]).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"before");
        drop(out);
        assert_eq!((fs::read(&place).unwrap(), names(folder.path())), (b"before".to_vec(), vec!["report.json".into()]));
        let mut out = Output::open(Some(&place)).unwrap();
        out.write_all(b"after").unwrap();
        out.finish().unwrap();
        assert_eq!((fs::read(&place).unwrap(), names(folder.path())), (b"after".to_vec(), vec!["report.json".into()]));
    }

    #[test]
    fn the_longest_name_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        for length in [NAME_BYTES_MAX, NAME_BYTES_MAX + 1, 255] {
            let out = Output::open(Some(&folder.path().join("n".repeat(length)))).unwrap();
            out.finish().unwrap();
        }
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second, missing, circle] = ["first", "second", "missing", "circle"].map(|n| folder.path().join(n));
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::os::unix::fs::symlink("second", &first).unwrap();
        std::os::unix::fs::symlink("below/report.json", &second).unwrap();
        std::os::unix::fs::symlink("no folder/report.json", &missing).unwrap();
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        let mut out = Output::open(Some(&first)).unwrap();
        out.write_all(b"{}").unwrap();
        out.finish().unwrap();
        assert!(fs::symlink_metadata(&first).unwrap().is_symlink());
        assert_eq!(fs::read(folder.path().join("below/report.json")).unwrap(), b"{}");
        assert!(Output::open(Some(&missing)).is_err() && Output::open(Some(&circle)).is_err());
        assert_eq!(names(folder.path()), ["below", "circle", "first", "missing", "second"]);
    }

    #[test]
    fn another_name_of_a_file_that_is_replaced_keeps_what_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let [evidence, link] = ["evidence", "link"].map(|n| folder.path().join(n));
        fs::write(&evidence, b"packets").unwrap();
        fs::hard_link(&evidence, &link).unwrap();
        let mut out = Output::open(Some(&link)).unwrap();
        out.write_all(b"report").unwrap();
        out.finish().unwrap();
        assert_eq!([&evidence, &link].map(|path| fs::read(path).unwrap()), [&b"packets"[..], b"report"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_was_there_keeps_its_kind_and_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (place, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&place, b"before").unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&place, &link).unwrap();
        let mut out = Output::open(Some(&link)).unwrap();
        out.write_all(b"after").unwrap();
        out.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&place).unwrap(), b"after");
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        Output::open(Some(Path::new("/dev/null"))).unwrap().finish().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn one_file_is_known_by_all_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let [one, hard, soft, other] = ["one", "hard", "soft", "other"].map(|n| folder.path().join(n));
        fs::write(&one, b"x").unwrap();
        fs::write(&other, b"x").unwrap();
        fs::hard_link(&one, &hard).unwrap();
        std::os::unix::fs::symlink(&one, &soft).unwrap();
        let refused = |output: &Path| refuse_evidence(Some(output), [&one], &[], |_| true).is_err();
        assert!(refused(&one) && refused(&hard) && refused(&soft) && refused(&folder.path().join("./one")));
        assert!(!refused(&other) && !refused(&folder.path().join("new")) && !refused(Path::new("/dev/null")));
    }
}
