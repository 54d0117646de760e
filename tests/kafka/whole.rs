//! The whole road over topics: `ebb generate`, `ebb run`, and `ebb replay` of the same events.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::broker::{self, Broker};

/// How many events go through unless EBB_TEST_EVENTS says otherwise.
const EVENTS: &str = "60000";

/// Runs `ebb` and returns what it wrote to standard error.
fn ebb(args: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_ebb")).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "ebb {}: {said}", args.join(" "));
    said
}

/// The settings of a run from `topics` (input, alerts, scores, rejects).
fn settings(broker: &Broker, topics: &[String; 4], folder: &Path) -> String {
    let [input, alerts, scores, rejects] = topics;
    let checkpoints = folder.join("checkpoints");
    format!(
        "[kafka]\nbrokers = \"{}\"\n[clock]\nmode = \"replay\"\n\
         [input]\ntopic = \"{input}\"\ngroup = \"{input}\"\n\
         [checkpoint]\nfolder = \"{}\"\n[output]\nalerts = \"{alerts}\"\nscores = \"{scores}\"\nrejects = \"{rejects}\"\n",
        broker.brokers(),
        checkpoints.display()
    )
}

/// By customer, in order: alerts or scores without what tells the doors apart (D-5).
fn by_customer(lines: impl Iterator<Item = Vec<u8>>) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in lines {
        let mut value: Value = serde_json::from_slice(&line).unwrap();
        if let Some(cause) = value.get_mut("cause").and_then(Value::as_object_mut) {
            cause.retain(|key, _| key == "type" || key == "id");
        }
        let customer = value["customer_id"].as_str().unwrap().to_owned();
        found.entry(customer).or_default().push(value);
    }
    found
}

fn lines_of(path: &Path) -> impl Iterator<Item = Vec<u8>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>().into_iter()
}

fn topic_of(broker: &Broker, topic: &str) -> impl Iterator<Item = Vec<u8>> {
    broker.read_all(topic).into_iter().filter_map(|record| record.value)
}

#[test]
fn what_rings_from_a_topic_rings_from_a_file_too() {
    let Some(broker) = broker::shared() else { return };
    let topics = [
        broker.topic("events", 4, &[]),
        broker.topic("alerts", 2, &[]),
        broker.topic("scores", 2, &[("cleanup.policy", "compact")]),
        broker.topic("rejects", 1, &[]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let events = std::env::var("EBB_TEST_EVENTS").unwrap_or(EVENTS.to_owned());
    let disorder = ["--late", "0.02", "--duplicates", "0.01", "--garbage", "0.005"];
    let plan = ["generate", "--customers", "2000", "--events", &events, "--days", "120"];
    let file = path("events.jsonl");
    ebb(&[&plan[..], &disorder[..], &["--out", &file]].concat());
    let (brokers, topic) = (broker.brokers(), topics[0].as_str());
    ebb(&[&plan[..], &disorder[..], &["--brokers", brokers, "--topic", topic]].concat());

    std::fs::write(path("ebb.toml"), settings(broker, &topics, folder.path())).unwrap();
    let ran = ebb(&["run", "--settings", &path("ebb.toml"), "--until-caught-up"]);
    let replay = ["replay", "--partitions", "4", "--alerts", &path("alerts.jsonl")];
    let outputs = ["--scores", &path("scores.jsonl"), "--rejects", &path("rejects.jsonl"), &file];
    let replayed = ebb(&[&replay[..], &outputs[..]].concat());
    println!("{ran}\n{replayed}");

    let wanted = by_customer(lines_of(&folder.path().join("alerts.jsonl")));
    let found = by_customer(topic_of(broker, &topics[1]));
    let n_alerts: usize = wanted.values().map(Vec::len).sum();
    assert!(100 < n_alerts, "{n_alerts} alerts are too few to tell anything");
    assert_eq!(found, wanted);
    let wanted = by_customer(lines_of(&folder.path().join("scores.jsonl")));
    assert_eq!(by_customer(topic_of(broker, &topics[2])), wanted);
    let n_rejects = lines_of(&folder.path().join("rejects.jsonl")).count();
    assert_eq!(topic_of(broker, &topics[3]).count(), n_rejects);
}
