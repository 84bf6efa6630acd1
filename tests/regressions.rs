//! Inputs that made a fuzz target fail once, and the seeds of its corpus, replayed: none may fail again.

// The file that the fuzz targets use themselves.
#[path = "fuzz/inputs.rs"]
mod inputs;

use std::path::{Path, PathBuf};

#[test]
fn inputs_that_crashed_once_no_longer_do() {
    replay("tests/fuzz/regressions");
}

#[test]
fn seeds_pass() {
    assert!(replay("tests/fuzz/seeds") >= inputs::TARGETS.len(), "each target has a seed");
}

#[test]
fn every_target_is_built_by_the_fuzzer() {
    let manifest = std::fs::read_to_string("tests/fuzz/Cargo.toml").expect("the manifest is there");
    for (name, _) in inputs::TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} has no [[bin]]");
        assert!(Path::new(&format!("tests/fuzz/fuzz_targets/{name}.rs")).is_file(), "{name} has no file");
    }
}

/// Runs every file of `folder/TARGET/` through its target.
fn replay(folder: &str) -> usize {
    let mut count = 0;
    for target in entries(Path::new(folder)) {
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in entries(&target) {
            let bytes = std::fs::read(&file).expect("the input can be read");
            let passed = std::panic::catch_unwind(|| inputs::run(&name, &bytes));
            assert!(passed.is_ok(), "{} fails", file.display());
            count += 1;
        }
    }
    count
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = found.map(|e| e.expect("the folder can be read").path()).collect();
    paths.sort();
    paths
}
