//! A load that goes on while something happens, and what must have rung in the end.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ebb::kafka::Producer;
use ebb::kafka::produce::{Pace, Parcel};
use serde_json::Value;

use super::Stage;

/// How long anything may take here: a pause of the broker and a slow machine.
const LIMIT: Duration = Duration::from_secs(240);
/// Events of a load, and how many of them go at once, how often.
const EVENTS: &str = "40000";
const CHUNK: usize = 400;
const EVERY: Duration = Duration::from_millis(60);

/// Events of one file, and the alerts that `ebb replay` finds in it, by their ids.
pub(super) struct Load {
    lines: Arc<Vec<String>>,
    wanted: BTreeMap<String, Value>,
}

impl Load {
    /// Generates events and replays them for a topic of `n_partitions`.
    pub(super) fn make(folder: &Path, n_partitions: u32) -> Load {
        let path = |name: &str| folder.join(name).display().to_string();
        let (file, alerts) = (path("load.jsonl"), path("load-alerts.jsonl"));
        let plan = ["generate", "--customers", "800", "--events", EVENTS, "--days", "60"];
        ebb(&[&plan[..], &["--out", &file]].concat());
        let n = n_partitions.to_string();
        ebb(&["replay", "--partitions", &n, "--alerts", &alerts, &file]);
        let lines = std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect();
        let rung = std::fs::read_to_string(alerts).unwrap();
        let wanted = rung.lines().map(|line| alert(line.as_bytes())).collect();
        Load { lines: Arc::new(lines), wanted }
    }

    /// Puts the events on the input of `stage`, a few at a time.
    pub(super) fn trickle(&self, stage: &Stage) -> JoinHandle<()> {
        self.trickle_by(stage, CHUNK, || thread::sleep(EVERY))
    }

    /// The same, `n` at a time, with a `pause` after each few.
    pub(super) fn trickle_by(
        &self,
        stage: &Stage,
        n: usize,
        pause: impl Fn() + Send + 'static,
    ) -> JoinHandle<()> {
        let (lines, settings) = (Arc::clone(&self.lines), stage.settings.clone());
        thread::spawn(move || {
            let pace = Pace::Bulk;
            let mut producer = Producer::new(&settings.kafka, settings.retry, pace).unwrap();
            for chunk in lines.chunks(n) {
                for line in chunk {
                    let event: Value = serde_json::from_str(line).unwrap();
                    let key = event["customer_id"].as_str().map(str::as_bytes);
                    let topic = &settings.input.topic;
                    let value = Some(line.as_bytes());
                    producer
                        .send(&Parcel { topic, partition: None, key, value, headers: &[] })
                        .unwrap();
                }
                producer.settle().unwrap();
                pause();
            }
        })
    }

    /// Compares once as many alerts are there as must ring; calls `look` now and then until they
    /// are.
    pub(super) fn compare_when_there(&self, stage: &Stage, mut look: impl FnMut()) -> usize {
        let began = Instant::now();
        while stage.broker.read_all(&stage.settings.output.alerts).len() < self.wanted.len() {
            assert!(began.elapsed() < LIMIT, "{} alerts never came", self.wanted.len());
            look();
            thread::sleep(Duration::from_millis(500));
        }
        self.compare(stage)
    }

    /// Fails unless what rang on `stage` is what a replay rings, none missing, and no two alerts
    /// of one id differ. Returns how many were written twice.
    pub(super) fn compare(&self, stage: &Stage) -> usize {
        assert!(500 < self.wanted.len(), "{} alerts tell too little", self.wanted.len());
        let mut found = BTreeMap::new();
        let mut n_again = 0;
        for record in stage.broker.read_all(&stage.settings.output.alerts) {
            let (id, rung) = alert(&record.value.unwrap());
            if let Some(before) = found.insert(id, rung.clone()) {
                assert_eq!(before, rung);
                n_again += 1;
            }
        }
        let missing = self.wanted.keys().filter(|id| !found.contains_key(*id)).count();
        assert_eq!(missing, 0, "of {} alerts", self.wanted.len());
        assert_eq!(found, self.wanted);
        n_again
    }
}

/// The id of an alert, and the alert without what tells the doors apart (D-5).
fn alert(line: &[u8]) -> (String, Value) {
    let mut alert: Value = serde_json::from_slice(line).unwrap();
    let cause = alert["cause"].as_object_mut().unwrap();
    cause.retain(|key, _| key == "type" || key == "id");
    (alert["id"].as_str().unwrap().to_owned(), alert)
}

fn ebb(args: &[&str]) {
    let done = Command::new(env!("CARGO_BIN_EXE_ebb")).args(args).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A running `ebb run` whose words are heard; ended when the test ends.
pub(super) struct Heard {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Heard {
    /// Starts `command`, which becomes `ebb run`.
    pub(super) fn start(command: &mut Command) -> Heard {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (pipe, heard) = (child.stderr.take().unwrap(), Arc::clone(&said));
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut said = heard.lock().unwrap_or_else(PoisonError::into_inner);
                *said += &line;
                said.push('\n');
            }
        });
        Heard { child, said }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it said `word`.
    pub(super) fn n_said(&self, word: &str) -> usize {
        self.said().matches(word).count()
    }

    /// Returns once it has said `word` `n` times.
    pub(super) fn wait_for(&self, word: &str, n: usize) {
        let began = Instant::now();
        while self.n_said(word) < n {
            assert!(began.elapsed() < LIMIT, "it never said {word:?}:\n{}", self.said());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends it `signal`.
    pub(super) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.pid().to_string()]).status();
        assert!(kill.unwrap().success(), "kill {signal} {}", self.pid());
    }

    /// Waits for its end.
    pub(super) fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it said last may still be on its way.
                thread::sleep(Duration::from_millis(100));
                return status;
            }
            assert!(began.elapsed() < LIMIT, "it never ended:\n{}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        // It has ended already unless the test failed before.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
