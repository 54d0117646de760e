//! Snapshots out of a running engine, asked while it runs, dies and comes back.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::Stage;
use super::load::Load;
use crate::query::{ebb, rows, sql};

/// How often snapshots come here.
const SETS: [&str; 2] = ["snapshots.interval=250ms", "snapshots.complete=2s"];

/// What a snapshot must say of an end, however it came about.
const QUESTIONS: [&str; 5] = [
    "SELECT customer_id, status, plan, mrr, risk, risk_held, risk_cs, retention, retention_held, \
     coverage_retention, next_band FROM customers ORDER BY customer_id",
    "SELECT customer_id, signal, active FROM signals WHERE active ORDER BY 1, 2",
    "SELECT id, customer_id, at, kind, rule, reasons FROM alerts ORDER BY id",
    "SELECT customer_id, at, status, risk, retention FROM scores_history ORDER BY 1, 2, 4, 5",
    "SELECT customer_id, day, type, count FROM events_daily ORDER BY 1, 2, 3",
];

fn answer(folder: &Path, statement: &str) -> Vec<Value> {
    rows(&sql(folder, &["--format", "json", "--rows-max", "10000000"], statement))
}

#[test]
fn a_run_that_is_killed_and_comes_back_publishes_what_a_replay_does() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let load = Load::make(folder.path(), 2);
    let (state, live) = (folder.path().join("state"), folder.path().join("live"));
    let sets = [SETS[0], SETS[1], &format!("snapshots.folder={}", live.display())];
    let trickle = load.trickle(&stage);
    let mut n_seen = 0;
    for _ in 0..4 {
        let mut run = stage.heard(&state, &sets);
        run.wait_for("partition is scoring", 2);
        thread::sleep(Duration::from_millis(1_500));
        // An answer needs no more than the files: nobody asks the engine.
        let n =
            answer(&live, "SELECT count(*) AS n, count(DISTINCT customer_id) AS m FROM customers");
        assert_eq!(n[0]["n"], n[0]["m"], "a customer has one row");
        assert!(n_seen <= n[0]["n"].as_u64().unwrap(), "{n:?} after {n_seen}");
        n_seen = n[0]["n"].as_u64().unwrap();
        run.signal("-KILL");
        run.end();
    }
    assert!(0 < n_seen);
    trickle.join().unwrap();
    stage.catch_up(&state, &sets);
    let (file, replayed) = (folder.path().join("load.jsonl"), folder.path().join("replayed"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let flags = ["replay", "--partitions", "2", "--snapshots", &text(&replayed), &text(&file)];
    let said = ebb(&flags);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    for question in QUESTIONS {
        let (found, wanted) = (answer(&live, question), answer(&replayed, question));
        assert!(100 < wanted.len(), "{question}: {} rows", wanted.len());
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found, wanted, "{question}");
        }
        assert_eq!(found.len(), wanted.len(), "{question}");
    }
}

#[test]
fn kt_20_a_watched_number_that_crosses_its_line_rings_once() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("watched.toml");
    let text = "[[watch]]\nname = \"many\"\nsql = \"SELECT count(*) FROM customers\"\nabove = 300\n\
                [[watch]]\nname = \"wrong\"\nsql = \"SELECT nothing FROM customers\"\nbelow = 1\n";
    std::fs::write(&settings, text).unwrap();
    let load = Load::make(folder.path(), 2);
    let live = format!("snapshots.folder={}", folder.path().join("live").display());
    let start = || {
        let mut run: Command = stage.command(&folder.path().join("state"), &[SETS[0], &live]);
        super::load::Heard::start(run.args(["--settings", settings.to_str().unwrap()]))
    };
    let mut run = start();
    run.wait_for("partition is scoring", 2);
    load.trickle(&stage).join().unwrap();
    let rung = || {
        let records = stage.broker.read_all(&stage.settings.output.alerts).into_iter();
        let alerts = records.map(|record| {
            let value: Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
            (record.key, value)
        });
        alerts.filter(|(_, alert)| alert["kind"] == "kpi").collect::<Vec<_>>()
    };
    while rung().is_empty() {
        thread::sleep(Duration::from_millis(200));
    }
    assert!(run.said().contains("no column is called nothing"), "{}", run.said());
    run.signal("-KILL");
    run.end();
    let mut run = start();
    run.wait_for("partition is scoring", 2);
    thread::sleep(Duration::from_secs(2));
    run.signal("-TERM");
    assert_eq!(run.end().code(), Some(0), "{}", run.said());
    let mut rung = rung();
    // What was not known to be out when it was killed goes out again, with the same id.
    rung.dedup();
    assert_eq!(rung.len(), 1, "{rung:?}");
    let (key, alert) = &rung[0];
    assert_eq!(key.as_deref(), Some(&b"many"[..]));
    assert_eq!((&alert["rule"], &alert["direction"]), (&"many".into(), &"worse".into()));
    assert!(300.0 <= alert["value"].as_f64().unwrap(), "{alert}");
    assert_eq!(alert["customer_id"], Value::Null);
}
