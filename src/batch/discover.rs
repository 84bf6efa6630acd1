//! Folders → cases: which files belong together.
//!
//! What enters: the paths of the call. What leaves: [`Found`]: cases in the order of their names, and every other file
//! with the reason why it is in none. Nothing is analysed here; a file is judged by its first bytes.
//!
//! The rules, in this order, for the files of one folder:
//! 1. Logs, key logs and cabinets that share a capture's stem (`a.etl`, `a.cab`, `a-debug.log`) are a case with it.
//! 2. A folder with a few captures and something else beside them is one case with everything in it; the folder of
//!    the call only where it holds a single capture, since it is where loose captures of many cases lie.
//! 3. Otherwise each capture is a case of its own, and so is each log or archive.
//!
//! A folder with logs only belongs to the case of the folder above it, where that is one case and not the folder of
//! the call.

use crate::input::sniff::Container;
use crate::input::{Glance, Kind, glance, is_capture_name};
use crate::lang::Message;
use crate::message;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A folder with more captures than this, and something beside them, is a collection rather than one case: people
/// send a trace or a few of one problem, with two interfaces or two tries.
const CAPTURES_OF_A_CASE_MAX: usize = 8;

/// Evidence that is looked at together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFiles {
    /// Unique name: path below the folder of the call, with `/`.
    pub name: String,
    /// Files, sorted.
    pub files: Vec<PathBuf>,
    /// Bytes of all files.
    pub bytes: u64,
    /// The user named the file itself, so that not reading it is an error.
    pub named: bool,
}

/// A file that is in no case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: Message,
    /// It could not be read (rather than being something else).
    pub failed: bool,
}

/// What is below the paths of the call.
#[derive(Debug, Default)]
pub struct Found {
    /// The cases.
    pub cases: Vec<CaseFiles>,
    /// All other files.
    pub skipped: Vec<Skipped>,
}

/// What a file can be to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A capture, or an archive that may hold a whole case.
    Leading,
    /// A log, a key log, a cabinet: something that usually lies beside a capture.
    Companion,
}

struct Item {
    path: PathBuf,
    part: Part,
    cabinet: bool,
    bytes: u64,
}

/// Sorts everything below `paths` into cases; `output` is left out, should it lie below them.
pub fn discover(paths: &[PathBuf], output: &Path) -> Found {
    let mut found = Found::default();
    let output = output.canonicalize().ok();
    let mut names = BTreeSet::new();
    // Of a folder that is named twice, or lies in another one that is named, each file counts once.
    let mut seen = (paths.len() > 1).then(BTreeSet::new);
    for root in paths {
        if !root.is_dir() {
            if !is_new(&mut seen, root) {
                continue;
            }
            let name = unique(&mut names, &file_name(root));
            let bytes = std::fs::metadata(root).map_or(0, |m| m.len());
            found.cases.push(CaseFiles { name, files: vec![root.clone()], bytes, named: true });
            continue;
        }
        let folders = walk(root, output.as_deref(), &mut seen, &mut found.skipped);
        let prefix = if paths.len() > 1 { file_name(root) } else { String::new() };
        let mut grouped: BTreeMap<PathBuf, Vec<Vec<Item>>> =
            folders.into_iter().map(|(folder, items)| (folder.clone(), group(items, folder == *root))).collect();
        adopt(root, &mut grouped);
        for (folder, groups) in grouped {
            let alone = groups.len() == 1;
            for items in groups {
                let whole_folder = alone && items.len() > 1 && folder != *root;
                let named_after = match items.iter().find(|i| i.part == Part::Leading).or(items.first()) {
                    Some(_) if whole_folder => folder.clone(),
                    Some(item) => item.path.clone(),
                    None => continue,
                };
                let below = named_after.strip_prefix(root).unwrap_or(&named_after);
                let mut parts: Vec<String> = if prefix.is_empty() { Vec::new() } else { vec![prefix.clone()] };
                parts.extend(below.components().map(|c| c.as_os_str().to_string_lossy().into_owned()));
                let mut files: Vec<PathBuf> = items.iter().map(|i| i.path.clone()).collect();
                files.sort();
                let bytes = items.iter().map(|i| i.bytes).sum();
                found.cases.push(CaseFiles { name: unique(&mut names, &parts.join("/")), files, bytes, named: false });
            }
        }
    }
    found.cases.sort_by(|a, b| a.name.cmp(&b.name));
    found.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Whether a file is met for the first time, by whichever way.
fn is_new(seen: &mut Option<BTreeSet<PathBuf>>, path: &Path) -> bool {
    // Nobody asks where there is one way only.
    let Some(seen) = seen else { return true };
    path.canonicalize().map_or(true, |canonical| seen.insert(canonical))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().or_else(|| path.components().next_back().map(|c| c.as_os_str()));
    name.map_or_else(|| "case".to_owned(), |n| n.to_string_lossy().into_owned())
}

fn unique(names: &mut BTreeSet<String>, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let mut n = 2;
    while !names.insert(name.clone()) {
        name = format!("{wanted} ({n})");
        n += 1;
    }
    name
}

/// Every file below `root`, sorted into folders; hidden ones and links are listed as skipped.
fn walk(
    root: &Path,
    output: Option<&Path>,
    seen: &mut Option<BTreeSet<PathBuf>>,
    skipped: &mut Vec<Skipped>,
) -> BTreeMap<PathBuf, Vec<Item>> {
    let mut folders: BTreeMap<PathBuf, Vec<Item>> = BTreeMap::new();
    let mut skip = |path: &Path, reason: Message, failed: bool| {
        skipped.push(Skipped { path: path.display().to_string(), reason, failed });
    };
    let mut entries = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_path_buf();
                // Without the path, which stands beside it.
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                skip(&path, Message::same(reason), true);
                continue;
            }
        };
        let path = entry.path();
        let hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
        if entry.file_type().is_dir() {
            let own = output.is_some_and(|o| path.canonicalize().is_ok_and(|p| p == o));
            if hidden || own {
                if hidden {
                    skip(path, message!(en: "a hidden folder", ja: "隠しフォルダー"), false);
                }
                entries.skip_current_dir();
            }
            continue;
        }
        if hidden {
            skip(path, message!(en: "a hidden file", ja: "隠しファイル"), false);
        } else if !entry.file_type().is_file() {
            skip(path, message!(en: "a link or device", ja: "リンクまたはデバイス"), false);
        } else if is_new(seen, path) {
            match item(path) {
                Ok(item) => folders.entry(path.parent().unwrap_or(root).to_path_buf()).or_default().push(item),
                Err((reason, failed)) => skip(path, reason, failed),
            }
        }
    }
    folders
}

fn item(path: &Path) -> Result<Item, (Message, bool)> {
    let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
    let (part, cabinet) = match glance(path) {
        Ok(Glance::Evidence(Kind::Capture(_))) => (Part::Leading, false),
        // What is called a capture and is none is missed by whoever collected it.
        Ok(Glance::Evidence(Kind::Unknown(why))) => return Err((why, is_capture_name(&path.to_string_lossy()))),
        Ok(Glance::Evidence(_)) => (Part::Companion, false),
        Ok(Glance::Archive(Container::Cab)) => (Part::Companion, true),
        Ok(Glance::Archive(_)) => (Part::Leading, false),
        Err(error) => return Err((Message::same(error.to_string()), true)),
    };
    Ok(Item { path: path.to_path_buf(), part, cabinet, bytes })
}

/// The name without its endings: `trace.pcapng.gz` → `trace`.
fn stem(path: &Path) -> String {
    const ENDINGS: [&str; 16] = [
        ".gz", ".zst", ".zip", ".cab", ".etl", ".pcapng", ".ntar", ".pcap", ".cap", ".dmp", ".trc", ".txt", ".log",
        ".keys", ".json", ".csv",
    ];
    let mut name = file_name(path).to_lowercase();
    while let Some(shorter) = ENDINGS.iter().find_map(|e| name.strip_suffix(e)).filter(|s| !s.is_empty()) {
        name = shorter.to_owned();
    }
    name
}

/// Whether a companion's name says that it belongs to a capture: the same stem, or one behind a separator.
fn belongs(companion: &str, leading: &str) -> bool {
    companion.strip_prefix(leading).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_', ' ']))
}

/// The files of one folder as cases; `of_the_call` is the folder that the user named.
fn group(items: Vec<Item>, of_the_call: bool) -> Vec<Vec<Item>> {
    let captures_max = if of_the_call { 1 } else { CAPTURES_OF_A_CASE_MAX };
    let (mut leading, companions): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|i| i.part == Part::Leading);
    let mut rest = Vec::new();
    if leading.is_empty() {
        // No capture outside of archives: a cabinet holds one.
        let (cabinets, others): (Vec<Item>, Vec<Item>) = companions.into_iter().partition(|i| i.cabinet);
        leading = cabinets;
        rest = others;
    } else {
        rest.extend(companions);
    }
    let mut cases: Vec<Vec<Item>> = leading.into_iter().map(|i| vec![i]).collect();
    let mut homeless = Vec::new();
    for companion in rest {
        let own = stem(&companion.path);
        // The longest stem that fits: `a_b.log` is `a_b.etl`'s rather than `a.etl`'s.
        let home = cases
            .iter_mut()
            .filter_map(|c| Some((stem(&c.first()?.path), c)))
            .filter(|(s, _)| belongs(&own, s))
            .max_by_key(|(s, _)| s.len());
        match home {
            Some((_, case)) => case.push(companion),
            None => homeless.push(companion),
        }
    }
    if homeless.is_empty() {
        return cases;
    }
    if !cases.is_empty() && cases.len() <= captures_max {
        return vec![cases.into_iter().flatten().chain(homeless).collect()];
    }
    cases.extend(homeless.into_iter().map(|i| vec![i]));
    cases
}

/// Gives folders that hold companions only to the case of the nearest folder above, below the folder of the call.
fn adopt(root: &Path, grouped: &mut BTreeMap<PathBuf, Vec<Vec<Item>>>) {
    let orphans: Vec<PathBuf> = grouped
        .iter()
        .filter(|(_, groups)| groups.iter().flatten().all(|i| i.part == Part::Companion && !i.cabinet))
        .map(|(folder, _)| folder.clone())
        .collect();
    for folder in orphans {
        let parent = folder
            .ancestors()
            .skip(1)
            .take_while(|a| *a != root && a.starts_with(root))
            .find(|a| grouped.get(*a).is_some_and(|g| g.len() == 1))
            .map(Path::to_path_buf);
        let Some(parent) = parent else { continue };
        let Some(items) = grouped.remove(&folder) else { continue };
        if let Some(case) = grouped.get_mut(&parent).and_then(|g| g.first_mut()) {
            case.extend(items.into_iter().flatten());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PCAP: &[u8] = &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    const LOG: &[u8] = b"DEBUG: cli.azure.cli.core: hello\nurllib3.connectionpool: https://login.microsoftonline.com\n";
    const CAB: &[u8] = b"MSCF\0\0\0\0";

    /// Cases of a folder with these files: name and number of files; then the skipped ones.
    fn cases(files: &[(&str, &[u8])]) -> (Vec<(String, usize)>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let found = discover(&[root.path().to_path_buf()], &root.path().join("out"));
        let prefix = format!("{}/", root.path().display());
        (
            found.cases.into_iter().map(|c| (c.name, c.files.len())).collect(),
            found.skipped.into_iter().map(|s| s.path.replace(&prefix, "")).collect(),
        )
    }

    fn named(list: &[(&str, usize)]) -> Vec<(String, usize)> {
        list.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect()
    }

    #[test]
    fn loose_captures_are_cases_of_their_own_and_the_same_stem_joins() {
        let (found, skipped) = cases(&[
            ("a.pcapng", PCAP),
            ("b.etl.pcap", PCAP),
            ("NetTrace.pcap", PCAP),
            ("NetTrace.cab", CAB),
            ("a-debug.log", LOG),
            ("notes.bin", &[0, 1, 2, 3]),
        ]);
        assert_eq!(found, named(&[("NetTrace.pcap", 2), ("a.pcapng", 2), ("b.etl.pcap", 1)]));
        assert_eq!(skipped, ["notes.bin"]);
    }

    #[test]
    fn a_subfolder_with_several_kinds_is_one_case() {
        let (found, _) = cases(&[
            ("c1/capture.pcapng", PCAP),
            ("c1/debug.log", LOG),
            ("c2/x.pcap", PCAP),
            ("c2/y.pcap", PCAP),
            ("c3/one.pcap", PCAP),
            ("c3/logs/az.log", LOG),
            ("c4/only.log", LOG),
        ]);
        let expected = [("c1", 2), ("c2/x.pcap", 1), ("c2/y.pcap", 1), ("c3", 2), ("c4/only.log", 1)];
        assert_eq!(found, named(&expected));
    }

    #[test]
    fn the_folder_of_the_call_is_one_case_only_around_one_capture() {
        let (found, _) = cases(&[("NetTrace.pcap", PCAP), ("NetTrace.cab", CAB), ("az-debug.txt", LOG)]);
        assert_eq!(found, named(&[("NetTrace.pcap", 3)]));
        let (found, _) = cases(&[("contoso.pcap", PCAP), ("fabrikam.pcap", PCAP), ("az-debug.txt", LOG)]);
        assert_eq!(found, named(&[("az-debug.txt", 1), ("contoso.pcap", 1), ("fabrikam.pcap", 1)]));
    }

    #[test]
    fn a_stray_log_does_not_make_a_case_of_a_collection() {
        let many: Vec<String> = (0..20).map(|i| format!("t/{i:02}.pcap")).collect();
        let mut files: Vec<(&str, &[u8])> = many.iter().map(|n| (n.as_str(), PCAP)).collect();
        files.push(("t/stray.log", LOG));
        let (found, _) = cases(&files);
        assert_eq!(found.len(), 21);
    }

    #[test]
    fn a_file_counts_once_by_whichever_way_it_is_met() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("monday");
        std::fs::create_dir_all(&below).unwrap();
        let files = [root.path().join("a.pcap"), below.join("b.pcap")];
        files.iter().for_each(|file| std::fs::write(file, PCAP).unwrap());
        let (whole, part, [file, _]) = (root.path().to_path_buf(), below, files);
        let count = |paths: &[&PathBuf]| {
            let paths: Vec<PathBuf> = paths.iter().map(|p| (*p).clone()).collect();
            discover(&paths, Path::new("out")).cases.len()
        };
        assert_eq!(count(&[&whole]), 2);
        for paths in [[&whole, &whole], [&whole, &part], [&part, &whole], [&whole, &file], [&file, &whole]] {
            assert_eq!(count(&paths), 2, "{paths:?}");
        }
        assert_eq!((count(&[&file, &file]), count(&[&part, &file])), (1, 2));
    }

    #[test]
    fn a_capture_by_name_that_is_none_could_not_be_read() {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in [("NetTrace.etl", &b""[..]), ("notes.bin", &[1, 2, 3]), ("x.PCAPNG", &[1, 2, 3])] {
            std::fs::write(root.path().join(name), bytes).unwrap();
        }
        let found = discover(&[root.path().to_path_buf()], Path::new("out"));
        let failed: Vec<bool> = found.skipped.iter().map(|s| s.failed).collect();
        assert_eq!(failed, [true, false, true]);
    }

    #[test]
    fn stems_lose_all_their_endings_and_separators_part_words() {
        assert_eq!(stem(Path::new("x/NetTrace.pcapng.gz")), "nettrace");
        assert!(belongs("nettrace-debug", "nettrace"));
        assert!(!belongs("nettrace2", "nettrace"));
    }
}
