//! `ebb replay --clock-journal` over files that hold all the journal speaks of, or do not.

use std::fs;
use std::path::Path;
use std::process::Command;

/// One id twice: the first was refused, as it lay too far ahead of the wall clock.
const EVENTS: [&str; 3] = [
    r#"{"id":"1","type":"login","customer_id":"c","time":"2026-01-01T00:00:00Z"}"#,
    r#"{"id":"2","type":"login","customer_id":"c","time":"2026-01-09T00:00:00Z"}"#,
    r#"{"id":"2","type":"login","customer_id":"c","time":"2026-01-09T00:00:00Z"}"#,
];

/// Replays `events` along a journal that says what became of [`EVENTS`]; what is told of it.
fn replay(events: &[&str]) -> String {
    let (said, exit) = ebb(events, "1");
    assert_eq!(exit, 0, "{said}");
    said
}

/// The same over so many partitions; what is told of it, and the exit code.
fn ebb(events: &[&str], partitions: &str) -> (String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let (file, journal) = (folder.path().join("events.jsonl"), folder.path().join("journal"));
    fs::write(&file, events.join("\n")).unwrap();
    write_journal(&journal);
    let mut ebb = Command::new(env!("CARGO_BIN_EXE_ebb"));
    ebb.args(["replay", "--partitions", partitions, "--clock-journal"]).args([&journal, &file]);
    let ran = ebb.output().unwrap();
    (String::from_utf8_lossy(&ran.stderr).into_owned(), ran.status.code().unwrap())
}

fn write_journal(folder: &Path) {
    let notes = [
        r#"{"offset":1,"says":"refused","customer_id":"c","id":"2","n_before":1}"#,
        r#"{"offset":2,"says":"waits","customer_id":"c","id":"2","n_before":2}"#,
    ];
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("0.jsonl"), notes.join("\n")).unwrap();
}

#[test]
fn d_1_one_id_is_judged_each_time_as_it_was() {
    let said = replay(&EVENTS);
    for (what, n) in [("applied", 1), ("waiting", 1), ("duplicate", 0), ("rejected", 1)] {
        let is_told = |line: &str| line.trim_start().starts_with(&format!("{what:<10} {n:>13}"));
        assert!(said.lines().any(is_told), "{what} {n}: {said}");
    }
    assert!(!said.contains("note:"), "{said}");
}

#[test]
fn d_1_notes_that_find_no_event_are_told_of() {
    let said = replay(&EVENTS[..2]);
    let last = said.lines().last().unwrap_or_default();
    assert!(last.starts_with("note: 1 of the journal's 2 notes on events found none"), "{said}");
}

#[test]
fn d_1_a_journal_wants_as_many_partitions_as_its_topic_has() {
    let (said, exit) = ebb(&EVENTS, "4");
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("journal: wanted --partitions 1, as many as the topic has"), "{said}");
}
