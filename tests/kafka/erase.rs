//! One customer is forgotten by one command, whatever happens in the middle.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{LIMIT, Stage, wall_millis};
use crate::broker::Record;

/// In transactions, and under a name: a restart need not wait for the end of a session.
const MODE: [&str; 2] = ["delivery=exactly-once", "kafka.instance_id=ebb-0"];

/// Runs `ebb erase` and gives its exit code and what it printed.
fn erase(stage: &Stage, folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut erase = Command::new(env!("CARGO_BIN_EXE_ebb"));
    erase.arg("erase").args(stage.sets(folder)).args(more);
    let done = erase.output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The scores of `customer` as the topic has them once `is_there` holds of the last one.
fn last_scores(stage: &Stage, customer: &str, is_there: impl Fn(&Record) -> bool) -> Record {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < LIMIT, "the scores of {customer} never came");
        let all = stage.broker.read_all(&stage.settings.output.scores);
        let last = all.into_iter().rfind(|record| record.key_text() == customer);
        if let Some(last) = last.filter(|last| is_there(last)) {
            return last;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn pv_3_a_customer_is_forgotten_by_one_command_and_over_a_kill() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let event = |id: u32, kind: &str, customer: &str, time: i64| {
        format!(r#"{{"id":"{id}","type":"{kind}","customer_id":"{customer}","time":{time}}}"#)
    };
    let put = |customer: &str, lines: &[String]| {
        let records: Vec<_> = lines.iter().map(|line| (Some(customer), Some(&**line))).collect();
        stage.put(&records);
    };
    let past = 1_700_000_000_000;
    let intent = "cancellation_requested";
    put("c-1", &[event(1, "login", "c-1", past), event(2, intent, "c-1", past + 1)]);
    put("c-2", &[event(1, "login", "c-2", past), event(2, intent, "c-2", past + 1)]);
    let mut running = stage.run(folder.path(), &MODE);
    last_scores(&stage, "c-1", |record| record.value.is_some());

    let (code, said) = erase(&stage, folder.path(), &["c-1"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("c-1 is forgotten as of "), "{said}");
    assert!(said.contains("checkpoints begun before"), "{said}");
    last_scores(&stage, "c-1", |record| record.value.is_none());

    // Killed with the next request on its way: the next start carries it out, once.
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let (code, said) = erase(&stage, folder.path(), &["c-2", "--wait", "1s"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no receipt for c-2 within 1s"), "{said}");
    assert!(said.contains("safe: the request stands on"), "{said}");
    let mut running = stage.run(folder.path(), &MODE);
    last_scores(&stage, "c-2", |record| record.value.is_none());
    running.0.kill().unwrap();
    running.0.wait().unwrap();

    // Nothing of theirs comes back, until a later beginning.
    let now = wall_millis();
    put("c-1", &[event(3, "login", "c-1", past + 5), event(4, "login", "c-1", now)]);
    put("c-2", &[event(5, "customer_created", "c-2", now), event(6, intent, "c-2", now)]);
    let _running = stage.run(folder.path(), &MODE);
    let scores = last_scores(&stage, "c-2", |record| record.value.is_some());
    let scores: Value = serde_json::from_slice(&scores.value.unwrap()).unwrap();
    assert_eq!(scores["status"], "active", "{scores}");
    last_scores(&stage, "c-1", |record| record.value.is_none());
    let receipts = stage.broker.read_all(&stage.settings.output.receipts);
    let of = |customer: &str| receipts.iter().filter(|it| it.key_text() == customer).count();
    assert_eq!((of("c-1"), of("c-2")), (1, 1));
}
