//! The repository's own files, as the tidy tests read them.

// Each test crate uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

/// A Rust file below `src/`.
#[derive(Debug)]
pub struct Source {
    /// Path from the root, with slashes.
    pub path: String,
    /// Everything in it.
    pub whole: String,
    /// Without comments, contents of string literals and test modules.
    pub code: String,
    /// Compiled for tests only.
    pub test_only: bool,
}

impl Source {
    /// The room of the house it stands in: the first name below `src/`.
    pub fn room(&self) -> &str {
        self.path.split('/').nth(1).unwrap_or("").trim_end_matches(".rs")
    }
}

/// All Rust files below `src/`, by path.
pub fn sources() -> Vec<Source> {
    let mut found: Vec<Source> = files(Path::new("src"))
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .map(|p| {
            let whole = std::fs::read_to_string(&p).expect("sources are UTF-8");
            let code = without_tests(&without_text(&whole));
            Source { path: slashes(&p), whole, code, test_only: false }
        })
        .collect();
    let tests: Vec<String> = found.iter().flat_map(test_files).collect();
    for source in &mut found {
        source.test_only = tests.contains(&source.path);
    }
    assert!(found.len() > 50, "sources are missing");
    found
}

/// All files below a folder, without what git ignores.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matches!(name.as_str(), "target" | ".git" | "corpus" | "artifacts" | "coverage") {
            continue;
        }
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// A path with slashes on any system, without a leading `./`.
pub fn slashes(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// Files that a source declares as modules for tests only.
fn test_files(source: &Source) -> Vec<String> {
    let folder = source.path.trim_end_matches(".rs").trim_end_matches("/lib");
    let mut out = Vec::new();
    let mut for_tests = false;
    for line in source.whole.lines().map(str::trim) {
        let name = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
        if for_tests && let Some(name) = name.strip_prefix("mod ").and_then(|n| n.strip_suffix(';')) {
            out.push(format!("{folder}/{name}.rs"));
        }
        for_tests = line == "#[cfg(test)]";
    }
    out
}

/// Code without the modules of tests at its end.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut lines = code.lines().peekable();
    let mut depth: Option<i32> = None;
    while let Some(line) = lines.next() {
        if let Some(open) = &mut depth {
            *open += braces(line);
            if *open <= 0 {
                depth = None;
            }
            continue;
        }
        let module =
            line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|l| l.contains("mod ") && l.contains('{'));
        if module {
            depth = lines.next().map(braces);
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn braces(line: &str) -> i32 {
    line.chars().map(|c| i32::from(c == '{') - i32::from(c == '}')).sum()
}

/// Source without comments and without what stands in string and character literals.
fn without_text(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut out = String::with_capacity(source.len());
    let mut i = 0;
    while i < chars.len() {
        let c = at(i);
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            i += 2;
            while i < chars.len() && !(at(i) == '*' && at(i + 1) == '/') {
                i += 1;
            }
            i += 2;
        } else if c == 'r' && (at(i + 1) == '"' || at(i + 1) == '#') && !identifier(at(i.wrapping_sub(1))) {
            let mut hashes = 0;
            while at(i + 1 + hashes) == '#' {
                hashes += 1;
            }
            if at(i + 1 + hashes) != '"' {
                out.push(c); // a raw identifier
                i += 1;
                continue;
            }
            i += 2 + hashes;
            while i < chars.len() && !(at(i) == '"' && (1..=hashes).all(|h| at(i + h) == '#')) {
                i += 1;
            }
            i += 1 + hashes;
            out.push_str("\"\"");
        } else if c == '"' {
            i += 1;
            while i < chars.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
            out.push_str("\"\"");
        } else if c == '\'' && (at(i + 1) == '\\' || at(i + 2) == '\'') {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            i += 1;
            out.push_str("' '");
        } else {
            out.push(c);
            i += 1;
        }
    }
    out
}

fn identifier(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[test]
fn text_and_tests_are_left_out() {
    let code = "use a::b; // c::d\nlet x = \"e::f\\\"{\"; let y = r#\"g::\"h\"#; let z = '\"'; let q = '\\'';\nfn k<'a>() {}\n\
                #[cfg(test)]\nmod tests {\n  fn t() { i::j(); }\n}\nfn end() {}\n";
    let clean = without_tests(&without_text(code));
    assert_eq!(
        clean,
        "use a::b; \nlet x = \"\"; let y = \"\"; let z = ' '; let q = ' ';\nfn k<'a>() {}\nfn end() {}\n"
    );
}
