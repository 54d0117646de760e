//! `ebb replay --snapshots` and `ebb sql`, driven from outside as their users drive them.

mod answers;
mod clients;
pub mod doors;
mod formulas;
mod hostile;
mod kpis;
mod live;
mod page;
mod past;
mod plans;
mod press;
mod shell;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// A replayed stream: its events, everything that a replay writes, and a folder of snapshots.
pub struct World {
    folder: TempDir,
}

impl World {
    /// The path of `name` in the world's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The lines of the file `name`, as JSON.
    pub fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What `ebb sql` says to `statement` with more `flags`.
    pub fn sql(&self, flags: &[&str], statement: &str) -> Output {
        sql(&self.path("snapshots"), flags, statement)
    }

    /// The rows of the answer to `statement`.
    pub fn rows(&self, statement: &str) -> Vec<Value> {
        rows(&self.sql(&["--format", "json"], statement))
    }

    /// The only cell of the answer to `statement`.
    pub fn cell(&self, statement: &str) -> Value {
        let rows = self.rows(statement);
        assert_eq!(rows.len(), 1, "{statement}: {rows:?}");
        rows[0].as_object().unwrap().values().next().unwrap().clone()
    }
}

/// What `ebb` does with `arguments`.
pub fn ebb(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ebb")).args(arguments).output().unwrap()
}

/// What `ebb sql` says to `statement` over `snapshots`, with more `flags`.
pub fn sql(snapshots: &Path, flags: &[&str], statement: &str) -> Output {
    let folder = snapshots.to_str().unwrap();
    ebb(&[&["sql", "--snapshots", folder], flags, &["--", statement]].concat())
}

/// The lines of JSON of an answer that must have gone well.
pub fn rows(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", said(output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was said on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A stream of 120 customers over 120 days in two partitions, replayed once for all tests.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let world = World { folder: tempfile::tempdir().unwrap() };
        let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
        let events = path("events.jsonl");
        done(&ebb(&["generate", "--customers", "120", "--events", "30k", "--out", &events]));
        let flags = ["--partitions", "2", "--alerts", &path("alerts.jsonl")];
        let more = ["--scores", &path("scores.jsonl"), "--customers", &path("customers.csv")];
        let snapshots = ["--snapshots", &path("snapshots"), &events];
        done(&ebb(&[&["replay"], &flags[..], &more[..], &snapshots[..]].concat()));
        world
    })
}

/// Makes sure that a command went well.
pub fn done(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}
