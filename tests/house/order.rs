//! Sizes, names, and what a finished house does not contain.

use super::source::{Fault, Source, after_closing, name_at};

/// Lines of a file.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function: a screen.
const FUNCTION_LINES_MAX: usize = 60;

/// What stands at the top (DESIGN §13), and the folder that builds go to unless told otherwise;
/// names that begin with a dot are free.
const TOP: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "config",
    "engine",
    "schemas",
    "target",
    "tests",
];

/// Words of a thing that is not done, or of a test that does not test.
const UNFINISHED: [&str; 7] = [
    "todo!",
    "unimplemented!",
    "#[ignore",
    "should_panic",
    "allow(dead_code",
    "allow(unused",
    "allow(clippy::all",
];

/// Names of rooms that say nothing.
const NAMELESS: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "misc"];

/// Every rule of this file over one source.
pub fn check(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    let n_lines = source.n_lines();
    if FILE_LINES_MAX < n_lines {
        let says = format!("{n_lines} lines; wanted at most {FILE_LINES_MAX}");
        faults.push(source.fault(source.code.len(), says));
    }
    for word in UNFINISHED {
        faults.extend(source.words(word).map(|at| source.fault(at, format!("`{word}`"))));
    }
    let names = source.path.trim_end_matches(".rs").split('/');
    for name in names.filter(|name| NAMELESS.contains(name)) {
        faults.push(source.fault(0, format!("a room called `{name}` says nothing")));
    }
    faults.extend(functions(source));
    faults
}

/// Functions that do not fit on a screen; a list counts as one line, for rows of data are read
/// one by one.
fn functions(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for at in source.words("fn") {
        let name = name_at(&source.code, (at + 3).min(source.code.len()));
        let Some(open) = source.code[at..].find(['{', ';']).map(|open| at + open) else { continue };
        if name.is_empty() || source.code.as_bytes()[open] == b';' {
            continue;
        }
        let body = &source.code[at..after_closing(&source.code, open)];
        let n_lines = body.lines().count() - lines_in_lists(body);
        if FUNCTION_LINES_MAX < n_lines {
            let says =
                format!("fn {name} has {n_lines} lines; wanted at most {FUNCTION_LINES_MAX}");
            faults.push(source.fault(at, says));
        }
    }
    faults
}

/// How many ends of lines stand within square brackets.
fn lines_in_lists(body: &str) -> usize {
    let (mut n_lines, mut end) = (0, 0);
    for (open, _) in body.match_indices('[') {
        if end <= open {
            end = after_closing(body, open);
            n_lines += body[open..end].matches('\n').count();
        }
    }
    n_lines
}

/// Names at the top of the house that do not belong there.
pub fn strangers<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let known = |name: &str| TOP.contains(&name) || name.starts_with('.');
    names.into_iter().filter(|name| !known(name)).collect()
}

/// Lines of Cargo.toml's dependencies that give no reason.
pub fn unexplained(manifest: &str) -> Vec<&str> {
    let mut wanted = false;
    let mut bare = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            wanted = line.ends_with("dependencies]");
        } else if wanted && line.contains(" = ") && !line.contains(" # ") {
            bare.push(line);
        }
    }
    bare
}
