//! Who may know whom: a floor uses the floors below it, never one above or beside.

use super::source::{Fault, Source, name_at};

/// The floors from the ground up. What shares a row shares a floor, and none of it knows another.
const FLOORS: [&[&str]; 10] = [
    &["unit"],
    &["record"],
    &["model"],
    &["window"],
    &["score"],
    &["state"],
    &["wire"],
    &["run"],
    &["cloud", "kafka", "query", "serve"],
    &["cli"],
];

/// How many floors, from the ground up, are plain functions.
pub const PLAIN: usize = 6;

/// The floor of the module `name`, from 0, if it is one.
pub fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|row| row.contains(&name))
}

/// The module of the first level that the file at `path` belongs to; `None` at the roof, which
/// may know everyone, and outside the engine.
pub fn room(path: &str) -> Option<&str> {
    let below = path.strip_prefix("engine/")?;
    let first = below.split('/').next()?.trim_end_matches(".rs");
    (!matches!(first, "lib" | "main")).then_some(first)
}

/// Imports upward or sideways, and rooms that stand on no floor.
pub fn check(source: &Source) -> Vec<Fault> {
    let Some(room) = room(&source.path) else { return Vec::new() };
    let Some(here) = floor(room) else {
        return vec![source.fault(0, format!("`{room}` stands on no floor of DESIGN §13"))];
    };
    let mut faults = Vec::new();
    for (at, name) in crate_paths(source).into_iter().chain(super_paths(source)) {
        match floor(&name) {
            _ if name == room => {}
            Some(there) if there < here => {}
            Some(there) if there == here => {
                faults.push(source.fault(at, format!("`{room}` knows `{name}` beside it")));
            }
            Some(_) => faults.push(source.fault(at, format!("`{room}` knows `{name}` above it"))),
            None => {
                faults.push(
                    source.fault(at, format!("`{room}` imports `{name}`, which is no floor")),
                );
            }
        }
    }
    for at in source.words("extern crate") {
        faults.push(source.fault(at, "`extern crate` hides who knows whom"));
    }
    faults
}

/// The modules of the first level that `crate::` paths name, and where.
fn crate_paths(source: &Source) -> Vec<(usize, String)> {
    let ends = source.words("crate").map(|at| at + "crate".len());
    ends.flat_map(|end| next(&source.code, end)).collect()
}

/// The modules of the first level that `super::` paths reach, and where.
fn super_paths(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    let mut found = Vec::new();
    let mut done = 0;
    for at in source.words("super") {
        if at < done {
            continue;
        }
        let (mut end, mut n_up) = (at + "super".len(), 1);
        while code[end..].starts_with("::super") {
            end += "::super".len();
            n_up += 1;
        }
        done = end;
        if depth(source, at) <= n_up {
            found.extend(next(code, end));
        }
    }
    found
}

/// The names that `::` at `end` leads to: one, or the first ones of a list in braces.
fn next(code: &str, end: usize) -> Vec<(usize, String)> {
    let Some(rest) = code[end..].strip_prefix("::") else { return Vec::new() };
    let start = end + 2;
    if rest.starts_with('*') {
        return vec![(start, "*".to_owned())];
    }
    if !rest.starts_with('{') {
        let name = name_at(code, start);
        return if name.is_empty() { Vec::new() } else { vec![(start, name.to_owned())] };
    }
    let (mut names, mut depth, mut fresh) = (Vec::new(), 0_usize, true);
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 1 => fresh = true,
            _ if fresh && !byte.is_ascii_whitespace() => {
                names.push((at, name_at(code, at).to_owned()));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// How many modules lie around the byte `at`, the crate not counted.
fn depth(source: &Source, at: usize) -> usize {
    let below = source.path.trim_start_matches("engine/").trim_end_matches(".rs");
    let names = below.split('/').filter(|name| *name != "mod").count();
    let inline = source.words("mod").filter(|start| {
        let head = &source.code[*start..];
        let Some(open) = head.find(['{', ';']) else { return false };
        head.as_bytes()[open] == b'{'
            && *start < at
            && at < super::source::after_closing(&source.code, start + open)
    });
    names + inline.count()
}
