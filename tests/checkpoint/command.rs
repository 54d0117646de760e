//! `ebb checkpoint` from the command line: what it says, and the exit code it leaves.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ebb::model::{load, shipped};
use ebb::record::{Decoded, decode};
use ebb::state::checkpoint::Mark;
use ebb::state::{Arrival, Engine, Progress, Rules};
use ebb::wire::store::Name;
use ebb::wire::{Directory, Store};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with two checkpoints of `customer-events-0`, and their names, the older one first.
struct Saved {
    folder: TempDir,
    names: Vec<Name>,
}

/// What a run of the program printed on its two outputs, and its exit code.
struct Ran {
    out: String,
    err: String,
    exit: i32,
}

const TOPIC: &str = "customer-events";

impl Saved {
    fn new() -> Saved {
        let folder = tempfile::tempdir().unwrap();
        let store = Directory::new(folder.path());
        let model = load(shipped::DEFAULT, shipped::CATALOG, None).unwrap();
        let rules = Rules { topic: Some(TOPIC.to_owned()), n_lanes: 2, ..Rules::plain(model) };
        let mut engine = Engine::new(rules, 1);
        let mut names = Vec::new();
        let lines = [
            (r#""id":"1","type":"login","customer_id":"c-1","user_id":"u","time":1000"#, false),
            (r#""id":"2","type":"login","customer_id":"c-2","user_id":"u","time":2000"#, false),
            (r#""id":"3","type":"login","customer_id":"c-1","user_id":"u","time":9000"#, true),
            (r#""id":"4","type":"erasure_requested","customer_id":"c-3","time":3000"#, false),
        ];
        for (offset, (line, waits)) in (0..).zip(lines) {
            let line = format!("{{{line}}}");
            let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else { panic!("{line}") };
            let waits = waits.then_some(line.as_bytes());
            let offset = Some(offset);
            engine.apply(&[Arrival { offset, waits, ..Arrival::plain(event) }]);
            if let Some(offset @ (1 | 3)) = offset {
                names.push(save(&mut engine, &store, offset + 1));
            }
        }
        Saved { folder, names }
    }

    fn path(&self, index: usize) -> PathBuf {
        self.folder.path().join(self.names[index].to_string())
    }

    /// Changes one byte in the midst of a checkpoint.
    fn hurt(&self, index: usize) {
        let mut bytes = fs::read(self.path(index)).unwrap();
        let at = bytes.len() - 10;
        bytes[at] ^= 1;
        fs::write(self.path(index), bytes).unwrap();
    }

    fn ebb(&self, args: &[&str]) -> Ran {
        let folder = self.folder.path().to_str().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ebb"));
        command.arg("checkpoint").args(args).args(["--folder", folder]);
        let output = command.output().unwrap();
        Ran {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap(),
        }
    }

    fn json(&self, args: &[&str]) -> Value {
        let Ran { out, err, .. } = self.ebb(args);
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{args:?}: {out}{err}"))
    }
}

fn save(engine: &mut Engine, store: &Directory, next_offset: i64) -> Name {
    let mark = Mark { next_offset, n_partitions: 1, journal: 5, n_events: 6 };
    engine.begin_checkpoint(0, mark);
    let name = Name { topic: TOPIC.to_owned(), partition: 0, next_offset, now: engine.now(0) };
    let mut open = store.create(&name).unwrap();
    while let Some(Progress::More(pieces) | Progress::Done(pieces)) =
        engine.continue_checkpoint(0, 10)
    {
        open.write(&pieces.concat()).unwrap();
    }
    open.publish().unwrap();
    name
}

#[test]
fn list_and_verify_tell_what_is_there() {
    let saved = Saved::new();
    for verb in ["list", "verify"] {
        let Ran { out, err, exit } = saved.ebb(&[verb]);
        assert_eq!(exit, 0, "{out}{err}");
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].starts_with("TOPIC            PARTITION  NEXT OFFSET"), "{out}");
        assert_eq!(lines.len(), 3, "{out}");
        let newest = "customer-events  0          4            1970-01-01T00:00:03Z  2 ";
        assert!(lines[1].starts_with(newest), "{out}");
        assert_eq!(lines[1].ends_with("  ok"), verb == "verify", "{out}");
        let rows = saved.json(&[verb, "--format", "json"]);
        assert_eq!(rows[1]["name"], saved.names[0].to_string());
        assert_eq!(rows[1]["customers"], 2);
        assert_eq!(rows[1]["bytes"], fs::metadata(saved.path(0)).unwrap().len());
        assert!(rows[1]["saved_at"].is_string() && rows[1]["refused"].is_null(), "{rows}");
        let csv = saved.ebb(&[verb, "--format", "csv"]).out;
        let first = "name,topic,partition,next_offset,now,customers,bytes,saved_at,refused";
        assert_eq!(csv.lines().next(), Some(first));
        assert_eq!(csv.lines().count(), 3);
    }
    // The settings' own rules are those of the shipped model, unless something else is set.
    assert_eq!(saved.ebb(&["verify", "--model", "default"]).exit, 0);
    let other = ["verify", "--set", "dedup.horizon=12h", "--format", "json"];
    assert_eq!(saved.ebb(&other).exit, 6);
    let rows = saved.json(&other);
    let refused = "it rests on other rules: dedup.horizon = 1d; wanted 12h";
    assert_eq!((&rows[0]["refused"], &rows[1]["refused"]), (&refused.into(), &refused.into()));
    let other = ["verify", "--set", "dedup.horizon=12h", "--set", "input.topic=other"];
    assert_eq!(saved.ebb(&other).exit, 0, "rules of another topic are not theirs");
}

#[test]
fn what_a_start_could_not_use_shows_in_the_exit_code() {
    let saved = Saved::new();
    saved.hurt(0);
    let Ran { out, err, exit } = saved.ebb(&["verify"]);
    assert_eq!(exit, 1, "{out}{err}");
    assert!(out.lines().nth(2).is_some_and(|line| line.contains("refused: damaged: ")), "{out}");
    assert!(err.contains("1 of 2 checkpoints in ") && err.contains(": older ones only\n"), "{err}");
    assert_eq!(saved.ebb(&["list"]).exit, 0, "list looks at heads only");
    saved.hurt(1);
    let Ran { out, err, exit } = saved.ebb(&["verify"]);
    assert_eq!(exit, 6, "{out}{err}");
    assert!(err.contains("among them the newest of customer-events-0\n"), "{err}");
    let rows = saved.json(&["verify", "--format", "json"]);
    assert!(rows[0]["refused"].as_str().unwrap().starts_with("damaged: "), "{rows}");
}

#[test]
fn a_checkpoint_under_another_name_is_refused() {
    let saved = Saved::new();
    fs::rename(saved.path(0), saved.path(1)).unwrap();
    assert_eq!(saved.ebb(&["verify"]).exit, 6);
    let rows = saved.json(&["verify", "--format", "json"]);
    let why = format!("it is of {}; wanted {}, as it is called", saved.names[0], saved.names[1]);
    assert_eq!(rows[0]["refused"], why);
}

#[test]
fn without_a_checkpoint_there_is_nothing_to_rely_on() {
    let saved = Saved::new();
    (0..2).for_each(|index| fs::remove_file(saved.path(index)).unwrap());
    assert_eq!(saved.ebb(&["list"]).exit, 0);
    let Ran { err, exit, .. } = saved.ebb(&["verify"]);
    assert_eq!(exit, 1);
    assert!(err.contains("nothing to verify: no checkpoint in "), "{err}");
}

#[test]
fn show_tells_what_stands_in_one_checkpoint() {
    let saved = Saved::new();
    let (name, file) = (saved.names[1].to_string(), saved.path(1));
    let Ran { out, err, exit } = saved.ebb(&["show", &name]);
    assert_eq!(exit, 0, "{err}");
    for line in [
        "topic                    customer-events",
        "next offset              4",
        "journal offset           5",
        "events before            6",
        "customers                2",
        "waiting events           1",
        "remembered ids           5",
        "erased customers         1",
        "model                    default version 1",
        "dedup.horizon            1d",
    ] {
        assert!(out.lines().any(|found| found == line), "{line}\n{out}");
    }
    let of_file = saved.json(&["show", file.to_str().unwrap(), "--format", "json"]);
    assert_eq!(of_file["waiting_events"], 1);
    assert_eq!(of_file["now"], "1970-01-01T00:00:03Z");
    saved.hurt(1);
    let Ran { err, exit, .. } = saved.ebb(&["show", &name]);
    assert_eq!(exit, 1);
    assert!(err.starts_with(&format!("error: cannot show: {name}: damaged: ")), "{err}");
    assert_eq!(saved.ebb(&["show", "elsewhere"]).exit, 1);
}

#[test]
fn show_tells_what_a_checkpoint_holds_of_a_customer() {
    let saved = Saved::new();
    let name = saved.names[1].to_string();
    let told = saved.json(&["show", &name, "--customer", "c-1"]);
    assert_eq!(told["customer_id"], "c-1");
    assert_eq!(told["as_of"], "1970-01-01T00:00:03Z");
    assert_eq!(told["known_since"], "1970-01-01T00:00:01Z");
    assert_eq!(told["due"], "1970-01-01T00:00:09Z");
    assert_eq!(told["waiting"][0]["offset"], 2);
    assert_eq!(told["waiting"][0]["event"]["type"], "login");
    assert_eq!(told["scores"][0]["name"], "risk");
    assert!(told["remembered"].as_object().is_some_and(|tracks| !tracks.is_empty()), "{told}");
    let told = saved.json(&["show", &name, "--customer", "c-1", "--set", "dedup.horizon=12h"]);
    assert_eq!((&told["customer_id"], &told["scores"]), (&"c-1".into(), &Value::Null));
    assert!(told["unexplained"].as_str().is_some_and(|why| why.contains("dedup.horizon")));
    for (id, why) in [("c-3", "asked at 1970-01-01T00:00:03Z"), ("c-9", "none of its 2 customers")]
    {
        let Ran { err, exit, .. } = saved.ebb(&["show", &name, "--customer", id]);
        assert_eq!(exit, 1);
        assert!(err.contains(why), "{err}");
    }
}
