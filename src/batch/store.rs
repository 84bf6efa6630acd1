//! The output folder: keys of cases, files written whole and then renamed, records for `--resume`.
//!
//! What enters: cases, options, rendered reports. What leaves: files below the output folder. Guaranteed: a file with
//! its final name is complete; a record exists only after all reports of its case; no name from a capture or folder
//! leads out of the output folder.

use super::discover::CaseFiles;
use super::record::CaseRecord;
use crate::cli::{Options, ReportFormat};
use crate::error::Error;
use crate::lang::Lang;
use crate::output::{PART, WholeFile};
use crate::report::json_text::{self, Layout};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// Folder of the records below the output folder.
const STATE: &str = ".nettriage";
/// Folder of the reports below the output folder.
const CASES: &str = "cases";
/// Characters of one name in a file system that lets 255 bytes pass: room for endings and for the longest encoding.
const NAME_MAX: usize = 56;

/// The output folder.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Makes the folders and removes what an interrupted run left unfinished.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(root: &Path) -> Result<Store, Error> {
        let state = root.join(STATE);
        fs::create_dir_all(&state).map_err(|source| Error::Io { path: state.clone(), source })?;
        let ours = [state, root.join(CASES)];
        for entry in ours.iter().flat_map(WalkDir::new).flatten().filter(|e| e.file_type().is_file()) {
            if entry.file_name().to_string_lossy().ends_with(PART) {
                // Left over from a run that was stopped; a failure to remove it harms nobody.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Store { root: root.to_path_buf() })
    }

    /// Writes a file below the output folder: whole under another name, then renamed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        // Beside the file that it becomes: threads that write to different folders do not wait for one another, as they
        // would for a folder of all parts (Linux lets one rename from folder to folder happen at a time).
        let path = self.root.join(relative);
        let written = (|| -> io::Result<()> {
            let mut file = match WholeFile::create(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    path.parent().map_or(Ok(()), fs::create_dir_all)?;
                    WholeFile::create(&path)
                }
                created => created,
            }?;
            file.write_all(bytes)?;
            file.finish()
        })();
        written.map_err(|source| Error::Io { path, source })
    }

    /// The record of the case with these reports, where it was done under this very key and all reports are there as they
    /// were written.
    pub fn record(&self, name: &str, key: &str) -> Option<CaseRecord> {
        let text = fs::read(self.root.join(state_of(name))).ok()?;
        let kept: Kept<CaseRecord> = serde_json::from_slice(&text).ok()?;
        let reports = &kept.record.reports;
        let read = |report: &String| fs::read(self.root.join(report)).ok().map(|bytes| sum(&bytes));
        let as_written = kept.sums.len() == reports.len()
            && reports.iter().zip(&kept.sums).all(|(report, told)| read(report).as_ref() == Some(told));
        (kept.key == key && as_written).then_some(kept.record)
    }

    /// Forgets a case whose reports are about to be overwritten: a stop in between must not leave it counting as done.
    ///
    /// # Errors
    /// When its record is there and cannot be removed.
    pub fn forget(&self, name: &str) -> Result<(), Error> {
        let path = self.root.join(state_of(name));
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Io { path, source }),
            _ => Ok(()),
        }
    }

    /// Keeps the record of a case whose reports are written, with the sums of their bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, name: &str, key: &str, sums: Vec<String>, record: &CaseRecord) -> Result<(), Error> {
        let kept = Kept { key: key.to_owned(), sums, record };
        self.write(&state_of(name), json_text::text(&kept, Layout::Line).as_bytes())
    }
}

/// What is kept of a case. One for each name of reports, so that a run with other options, which writes other reports
/// in the same place, leaves no record that still speaks for the ones before.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept<R> {
    key: String,
    /// Of each report's bytes, in the order of `record.reports`.
    sums: Vec<String>,
    record: R,
}

/// What tells that a report is still as it was written.
pub fn sum(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Where the record of a case lies, by the name of its reports: in one of 256 folders, so that threads seldom wait for
/// the same one and none gets too large for the tools that list it.
fn state_of(name: &str) -> String {
    let hash = blake3::hash(name.as_bytes()).to_hex();
    let (folder, rest) = hash.split_at_checked(2).unwrap_or(("", &hash));
    format!("{STATE}/{folder}/{rest}.json")
}

/// What makes a result the same: content and names of the files, options that show in reports, version of the tool.
///
/// # Errors
/// When a file cannot be read; then the case has no key and is not skipped the next time.
pub fn key(case: &CaseFiles, formats: &[ReportFormat], options: &Options) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    // Lengths before contents, so that no two lists of fields run together to the same bytes.
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    field(b"nettriage.batch/1");
    field(env!("CARGO_PKG_VERSION").as_bytes());
    let lang = if options.lang == Lang::Ja { 1 } else { 0 };
    // Text reports show all evidence with `-v`, the others do anyway.
    let verbose = options.verbosity > 0 && formats.contains(&ReportFormat::Text);
    field(&[lang, options.redact.into(), options.keep_duplicates.into(), case.named.into(), verbose.into()]);
    let formats: Vec<&str> = formats.iter().map(|f| f.extension()).collect();
    field(formats.join(",").as_bytes());
    field(case.name.as_bytes());
    for path in &options.keylogs {
        field(&digest(path)?);
    }
    for path in &case.files {
        field(path.to_string_lossy().as_bytes());
        field(&digest(path)?);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn digest(path: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(fs::File::open(path)?)?;
    Ok(*hasher.finalize().as_bytes())
}

/// File names of the reports, without ending, for cases in this order: the names of the cases made safe, or numbers
/// where names must not show.
pub fn report_names(cases: &[CaseFiles], redact: bool) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let digits = cases.len().to_string().len().max(4);
    cases
        .iter()
        .enumerate()
        .map(|(i, case)| {
            if redact {
                return format!("{CASES}/case-{:0digits$}", i + 1);
            }
            let parts: Vec<String> = case.name.split('/').filter(|p| !p.is_empty()).map(safe).collect();
            let wanted = format!("{CASES}/{}", parts.join("/"));
            let mut name = wanted.clone();
            let mut n = 2;
            // Some file systems do not tell capitals from small letters.
            while !taken.insert(name.to_lowercase()) {
                name = format!("{wanted}-{n}");
                n += 1;
            }
            name
        })
        .collect()
}

/// One part of a path that every file system takes and that means nothing to a shell or browser.
fn safe(part: &str) -> String {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];
    let mut out: String = part
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(NAME_MAX)
        .collect();
    while out.ends_with('.') {
        out.pop();
    }
    let bare = out.split('.').next().unwrap_or("").to_lowercase();
    let device = DEVICES.iter().any(|d| bare.strip_prefix(d).is_some_and(|r| r.len() <= 1));
    if out.is_empty() || out.starts_with('.') || device { format!("_{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str) -> CaseFiles {
        CaseFiles { name: name.into(), files: Vec::new(), bytes: 0, named: false }
    }

    #[test]
    fn names_stay_inside_the_folder_and_apart() {
        let cases = [case("../../etc/passwd"), case("a/<b>&c"), case("A/<b>&C"), case("nul.pcap"), case("...")];
        let names = report_names(&cases, false);
        assert!(names.iter().all(|n| n.starts_with("cases/") && !n.contains("..")), "{names:?}");
        assert_eq!(names.iter().map(|n| n.to_lowercase()).collect::<BTreeSet<_>>().len(), cases.len());
        assert_eq!(report_names(&cases, true)[1], "cases/case-0002");
    }

    #[test]
    fn the_longest_name_has_room_for_its_endings() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // Four bytes a character; the second one of that name.
        let long = "\u{20000}".repeat(300);
        let names = report_names(&[case(&long), case(&long)], false);
        for name in names {
            store.write(&format!("{name}.jsonl"), b"{}").unwrap();
            let file = name.rsplit('/').next().unwrap();
            assert!(format!("{file}.jsonl.{}{PART}", u32::MAX).len() <= 255);
        }
    }

    #[test]
    fn a_key_changes_with_content_options_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"one").unwrap();
        let files = CaseFiles { files: vec![path.clone()], ..case("x") };
        let options = Options::default();
        let formats = [ReportFormat::Json];
        let first = key(&files, &formats, &options).unwrap();
        assert_eq!(first, key(&files, &formats, &Options { threads: 7, ..options.clone() }).unwrap());
        let others = [
            key(&files, &formats, &Options { lang: Lang::Ja, ..options.clone() }).unwrap(),
            key(&files, &[ReportFormat::Html], &options).unwrap(),
            key(&CaseFiles { name: "y".into(), ..files.clone() }, &formats, &options).unwrap(),
        ];
        fs::write(&path, b"two").unwrap();
        let changed = key(&files, &formats, &options).unwrap();
        assert!(others.iter().chain([&changed]).all(|k| *k != first));
        // Only reports that differ with `-v` are made again.
        let told = |verbosity, format| key(&files, &[format], &Options { verbosity, ..options.clone() }).unwrap();
        assert_eq!(told(0, ReportFormat::Json), told(1, ReportFormat::Json));
        assert_ne!(told(0, ReportFormat::Text), told(1, ReportFormat::Text));
        fs::remove_file(&path).unwrap();
        assert!(key(&files, &formats, &options).is_err());
    }

    #[test]
    fn a_record_counts_only_while_its_reports_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.write("cases/x.json", b"{}").unwrap();
        let record = CaseRecord { reports: vec!["cases/x.json".into()], ..CaseRecord::default() };
        store.keep("cases/x", "k", vec![sum(b"{}")], &record).unwrap();
        assert_eq!(store.record("cases/x", "k"), Some(record.clone()));
        store.forget("cases/x").unwrap();
        store.forget("cases/x").unwrap();
        assert_eq!(store.record("cases/x", "k"), None);
        store.keep("cases/x", "k", vec![sum(b"{}")], &record).unwrap();
        assert_eq!(store.record("cases/y", "k"), None);
        store.keep("cases/x", "other options", vec![sum(b"{}")], &record).unwrap();
        assert_eq!(store.record("cases/x", "k"), None, "its reports were overwritten");
        assert_eq!(store.record("cases/x", "other options"), Some(record.clone()));
        fs::write(folder.path().join("cases/x.json"), b"[]").unwrap();
        assert_eq!(store.record("cases/x", "other options"), None, "its report was changed");
        fs::remove_file(folder.path().join("cases/x.json")).unwrap();
        assert_eq!(store.record("cases/x", "other options"), None);
        let halves = [state_of("cases/x"), "cases/y/z.html".to_owned()].map(|f| folder.path().join(f + ".9.part"));
        fs::create_dir_all(folder.path().join("cases/y")).unwrap();
        halves.iter().for_each(|half| fs::write(half, b"half").unwrap());
        Store::open(folder.path()).unwrap();
        assert!(halves.iter().all(|half| !half.exists()));
    }
}
