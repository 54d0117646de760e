//! The rules of the house, read off its sources: who may know whom, what belongs into one room,
//! how large a thing may be.
//!
//! Shape   `source` blanks comments and strings, `floors`, `rooms` and `order` are the rules,
//!         `bad` holds sources that break each of them, so that none has gone blind.
//! Source  DESIGN §13 and D-9; the house as it is drawn in `engine/lib.rs`.

mod bad;
mod floors;
mod order;
mod rooms;
mod source;

use std::fs;
use std::path::Path;

use source::{Fault, Source};

/// Every rule over one file.
fn check(source: &Source) -> Vec<Fault> {
    [floors::check(source), rooms::check(source), order::check(source)].concat()
}

#[test]
fn the_house_keeps_its_rules() {
    let sources = Source::all(top(), &["engine", "tests", "benches"]);
    assert!(100 < sources.len(), "only {} sources were found", sources.len());
    let faults: Vec<String> = sources
        .iter()
        .flat_map(check)
        .map(|fault| format!("{}:{}: {}", fault.path, fault.line, fault.says))
        .collect();
    assert!(faults.is_empty(), "the house is out of order:\n{}", faults.join("\n"));
}

#[test]
fn nothing_else_stands_at_the_top() {
    let entries = fs::read_dir(top()).unwrap();
    let names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    let none: [&str; 0] = [];
    assert_eq!(order::strangers(names.iter().map(String::as_str)), none);
}

#[test]
fn every_dependency_has_a_reason_on_its_line() {
    let manifest = fs::read_to_string(top().join("Cargo.toml")).unwrap();
    let none: [&str; 0] = [];
    assert_eq!(order::unexplained(&manifest), none);
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
