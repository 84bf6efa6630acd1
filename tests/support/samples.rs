//! The samples: every file and every folder of `samples/` is one case, and so one test.

// Each test crate uses a part of this.
#![allow(dead_code)]

use nettriage::analyze::{self, Analysis};
use nettriage::cli::Options;
use std::path::{Path, PathBuf};

/// One sample.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Name of its snapshots: the file's or folder's name without extension.
    pub name: String,
    /// Path below the root of the repository, which is where cargo runs tests.
    pub path: PathBuf,
}

impl Sample {
    /// The files it consists of.
    pub fn files(&self) -> Vec<PathBuf> {
        if self.path.is_dir() { sorted(&self.path) } else { vec![self.path.clone()] }
    }

    /// The sample analysed.
    pub fn analyse(&self, options: &Options) -> Analysis {
        analyze::case(std::slice::from_ref(&self.path), options).expect("a sample has a report")
    }
}

/// All samples, by name.
pub fn all() -> Vec<Sample> {
    let found: Vec<Sample> = sorted(Path::new("samples"))
        .into_iter()
        .filter(|path| path.is_dir() || path.extension().is_none_or(|e| e != "md" && e != "py"))
        .map(|path| {
            let name = path.file_stem().expect("a file of a folder has a name").to_string_lossy().into_owned();
            Sample { name, path }
        })
        .collect();
    assert!(found.len() >= 8, "samples are missing: {found:?}");
    found
}

/// Options of a run that writes nothing but its report.
pub fn quiet() -> Options {
    Options { verbosity: -1, threads: 2, ..Options::default() }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("the folder can be read").path()).collect();
    paths.sort();
    paths
}
