//! Every way in which a running engine ends, by its exit code and what it says.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ebb::kafka::client::wait_for;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;

use super::{LIMIT, Running, Stage};
use crate::broker;

/// A login of customer `c-<n>`, each a second later than the one before.
fn login(n: u64) -> (String, String) {
    let (customer, time) = (format!("c-{}", n % 7), 1_700_000_000_000 + n * 1_000);
    let event =
        format!(r#"{{"id":"{n}","type":"login","customer_id":"{customer}","time":{time}}}"#);
    (customer, event)
}

impl Stage {
    fn put_logins(&self, numbers: std::ops::Range<u64>) {
        let records: Vec<_> = numbers.map(login).collect();
        let records: Vec<_> = records.iter().map(|(k, v)| (Some(&**k), Some(&**v))).collect();
        self.put(&records);
    }

    /// Runs `ebb run` until it is caught up or ends otherwise: its exit code and what it said.
    fn run_to_end(&self, folder: &Path, more: &[&str]) -> (Option<i32>, String) {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ebb"));
        run.arg("run").arg("--until-caught-up").args(self.sets(folder));
        run.args(more.iter().flat_map(|set| ["--set", set]));
        let done = run.output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    }

    /// Starts `ebb run` and gives what it says on a pipe.
    fn run_aloud(&self, folder: &Path, more: &[&str]) -> Running {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ebb"));
        run.arg("run").args(self.sets(folder)).stderr(Stdio::piped());
        run.args(more.iter().flat_map(|set| ["--set", set]));
        Running(run.spawn().unwrap())
    }
}

/// Waits for the end of `running`: its exit code and what it said.
fn end(mut running: Running) -> (Option<i32>, String) {
    let began = Instant::now();
    while running.0.try_wait().unwrap().is_none() {
        assert!(began.elapsed() < LIMIT, "it never ended");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut said = String::new();
    let mut pipe = running.0.stderr.take().unwrap();
    std::io::Read::read_to_string(&mut pipe, &mut said).unwrap();
    (running.0.wait().unwrap().code(), said)
}

fn check((code, said): (Option<i32>, String), wanted: i32, words: &[&str]) {
    assert_eq!(code, Some(wanted), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in:\n{said}");
    }
}

#[test]
fn exit_0_and_6_a_past_that_is_gone_stops_the_start_unless_told() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    stage.put_logins(0..20);
    check(stage.run_to_end(folder.path(), &[]), 0, &["everything done is committed"]);

    // Saved at the end: a start reads that and goes over nothing.
    stage.put_logins(20..30);
    let again = stage.run_to_end(folder.path(), &["recovery.missing=stop"]);
    check(again, 0, &["checkpoint read", "customers=7", "from=20"]);

    // Without checkpoints all is gone over, as long as the topic has it.
    let empty = tempfile::tempdir().unwrap();
    let all = stage.run_to_end(empty.path(), &[]);
    check(all, 0, &["no checkpoint: going over all", "from=0 to=30"]);

    let input = &stage.settings.input.topic;
    stage.broker.delete_before(input, 0, 5);
    let empty = tempfile::tempdir().unwrap();
    let lost = stage.run_to_end(empty.path(), &[]);
    check(lost, 6, &["there is no checkpoint in", "the records 0 to 4 are no longer on the topic"]);
    let told = stage.run_to_end(empty.path(), &["recovery.missing=go-on"]);
    check(told, 0, &["no checkpoint: events before it are missing"]);

    // Of another model: refused with its reason, and nothing else is there.
    let other = stage.run_to_end(folder.path(), &["model=bench"]);
    check(other, 6, &["no checkpoint can be used", "model = default version 1; wanted bench"]);

    stage.broker.delete_before(input, 0, 30);
    stage.put_logins(30..31);
    stage.broker.delete_before(input, 0, 31);
    let gone = stage.run_to_end(folder.path(), &[]);
    check(gone, 6, &["the records 30 to 30 are no longer on the topic"]);
}

#[test]
fn exit_6_another_number_of_partitions() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    stage.put_logins(0..20);
    for mode in ["clock.mode=live", "clock.mode=replay"] {
        check(stage.run_to_end(folder.path(), &[mode]), 0, &[]);
    }
    let admin: AdminClient<DefaultClientContext> = stage.broker.config().create().unwrap();
    let more = NewPartitions::new(&stage.settings.input.topic, 2);
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    assert!(wait_for(admin.create_partitions([&more], &options), LIMIT).is_some());
    let live = stage.run_to_end(folder.path(), &[]);
    check(live, 6, &["it has 1 partitions, and", "try: a new input.group"]);
    let replay = stage.run_to_end(folder.path(), &["clock.mode=replay"]);
    check(replay, 6, &["its checkpoint is of a topic with 1 partitions, which now has 2"]);
}

#[test]
fn exit_5_another_instance_of_the_same_name() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let name = ["kafka.instance_id=ebb-0"];
    let first = stage.run_aloud(folder.path(), &name);
    stage.put_logins(0..3);
    let began = Instant::now();
    while stage.broker.read_all(&stage.settings.output.scores).is_empty() {
        assert!(began.elapsed() < LIMIT, "it never scored");
    }
    let _second = stage.run(folder.path(), &name);
    check(end(first), 5, &["another instance has the same kafka.instance_id", "safe: "]);
}

#[test]
fn exit_4_a_broker_that_is_not_there_and_exit_1_a_folder_that_cannot_be() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let nobody = ["kafka.brokers=127.0.0.1:1", "retry.tries_max=1"];
    let away = stage.run_to_end(folder.path(), &nobody);
    check(away, 4, &["cannot reach the broker: 127.0.0.1:1: connection refused, 1 try"]);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let full = stage.run_to_end(&file.join("checkpoints"), &[]);
    check(full, 1, &["cannot write checkpoint"]);
    let unknown = stage.run_to_end(folder.path(), &["checkpoint.folder=ftp://there"]);
    check(unknown, 3, &["checkpoint.folder = \"ftp://there\": wanted"]);
    assert!(broker::shared().is_some());
}

#[test]
fn exit_2_and_3_nothing_is_started() {
    let run = |args: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_ebb")).args(args).output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    check(run(&["run", "--nonsense"]), 2, &["unexpected argument '--nonsense'", "Usage: ebb run"]);
    check(run(&["erase", ""]), 2, &["cannot erase: an id of 0 bytes"]);
    let set = ["run", "--set", "kafka.properties.sasl.passwort=x", "--set", "clock.dely=1s"];
    check(run(&set), 3, &["clock.dely = unknown: wanted a key that there is"]);
    let property = "kafka.properties.sasl.passwort = unknown: wanted a property of librdkafka";
    check(run(&set[..3]), 3, &["cannot start: 1 setting in --set is wrong", property]);
}
