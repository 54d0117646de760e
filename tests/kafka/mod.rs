//! The Kafka room against a real broker: source and sink by themselves.

mod away;
mod doors;
mod erase;
mod exits;
mod group;
mod live;
mod load;
mod put_out;
mod secure;
mod sink;
mod snapshots;
mod source;
mod stops;
mod whole;

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ebb::kafka::produce::{Pace, Parcel};
use ebb::kafka::{KafkaSource, Producer};
use ebb::run::Settings;
use ebb::run::settings::Layers;
use ebb::wire::{Batch, Body, Fault, Fetched, Handover, Origin, Source};

use crate::broker::{self, Broker};

/// How long anything may take here; a loaded machine is slow, and a hang must end.
const LIMIT: Duration = Duration::from_secs(180);

/// Topics of one test and the settings that name them.
struct Stage {
    broker: &'static Broker,
    settings: Settings,
}

impl Stage {
    /// Four topics, the input with `n_partitions`; `flags` lie over the settings.
    fn set(n_partitions: i32, flags: &[&str]) -> Option<Stage> {
        Some(Stage::on(broker::shared()?, n_partitions, flags))
    }

    /// The same on a broker of the test's own.
    fn on(broker: &'static Broker, n_partitions: i32, flags: &[&str]) -> Stage {
        let input = broker.topic("events", n_partitions, &[]);
        let alerts = broker.topic("alerts", 2, &[]);
        let scores = broker.topic("scores", 2, &[("cleanup.policy", "compact")]);
        let rejects = broker.topic("rejects", 1, &[]);
        let mut lines = vec![
            format!("kafka.brokers={}", broker.brokers()),
            format!("input.topic={input}"),
            format!("input.group={input}"),
            format!("output.alerts={alerts}"),
            format!("output.scores={scores}"),
            format!("output.rejects={rejects}"),
            format!("output.receipts={input}-receipts"),
        ];
        lines.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Stage { broker, settings: settings(lines) }
    }

    fn source(&self) -> Member {
        Member::join(&self.settings)
    }

    /// What the settings of this stage differ in, checkpoints in `folder`, as `--set` takes it.
    fn sets(&self, folder: &Path) -> Vec<String> {
        let (input, output) = (&self.settings.input, &self.settings.output);
        let folder = folder.display().to_string();
        let pairs = [
            ("kafka.brokers", self.broker.brokers()),
            ("input.topic", &input.topic),
            ("input.group", &input.group),
            ("output.alerts", &output.alerts),
            ("output.scores", &output.scores),
            ("output.rejects", &output.rejects),
            ("output.receipts", &output.receipts),
            ("checkpoint.folder", &folder),
        ];
        let pairs =
            pairs.iter().flat_map(|(key, value)| ["--set".into(), format!("{key}={value}")]);
        pairs.collect()
    }

    /// Starts `ebb run` on this stage with `more` settings.
    fn run(&self, folder: &Path, more: &[&str]) -> Running {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ebb"));
        run.arg("run").args(self.sets(folder)).stderr(Stdio::null());
        run.args(more.iter().flat_map(|set| ["--set", set]));
        Running(run.spawn().unwrap())
    }

    /// Puts `records` on the input topic.
    fn put(&self, records: &[(Option<&str>, Option<&str>)]) {
        let pace = Pace::Bulk;
        let mut producer = Producer::new(&self.settings.kafka, self.settings.retry, pace).unwrap();
        for (key, value) in records {
            let topic = &self.settings.input.topic;
            let (key, value) = (key.map(str::as_bytes), value.map(str::as_bytes));
            producer.send(&Parcel { topic, partition: None, key, value, headers: &[] }).unwrap();
        }
        producer.settle().unwrap();
    }
}

fn settings(flags: Vec<String>) -> Settings {
    Settings::from_text(None, &Layers { env: Vec::new(), flags }).unwrap()
}

/// A running `ebb run`, ended when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the test failed before.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A source whose partitions are read from what is committed, or from their beginning.
struct Member {
    source: KafkaSource,
    handovers: Vec<Handover>,
}

impl Member {
    fn join(settings: &Settings) -> Member {
        Member { source: KafkaSource::connect(settings).unwrap(), handovers: Vec::new() }
    }

    fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
        let fetched = self.source.fill(batch)?;
        let mut starts = Vec::new();
        for handover in self.source.handovers() {
            if let Handover::TakenOn(partition, position) = handover {
                let earliest = self.source.earliest(partition)?;
                starts.push((partition, position.map_or(earliest, |p| p.next_offset)));
            }
            self.handovers.push(handover);
        }
        self.source.place(&starts)?;
        for (partition, from) in starts {
            self.source.open(partition, from)?;
        }
        Ok(fetched)
    }

    fn handovers(&mut self) -> Vec<Handover> {
        std::mem::take(&mut self.handovers)
    }
}

impl Deref for Member {
    type Target = KafkaSource;

    fn deref(&self) -> &KafkaSource {
        &self.source
    }
}

impl DerefMut for Member {
    fn deref_mut(&mut self) -> &mut KafkaSource {
        &mut self.source
    }
}

/// What a record was: its origin, key and bytes.
type Seen = (u32, i64, Option<String>, String);

/// Everything that comes until all partitions are caught up.
fn read_on(source: &mut Member) -> Vec<Seen> {
    let (mut seen, mut batch) = (Vec::new(), Batch::default());
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < LIMIT, "never caught up");
        batch.clear();
        let fetched = source.fill(&mut batch).unwrap();
        let text = |range| String::from_utf8_lossy(&batch.bytes[range]).into_owned();
        for raw in &batch.records {
            let Origin::Topic { partition, offset } = raw.origin else { continue };
            let (Body::Event(body) | Body::Refused(_, body)) = raw.body.clone();
            seen.push((partition, offset, raw.key.clone().unwrap().map(text), text(body)));
        }
        if fetched == Fetched::CaughtUp && !source.assigned().is_empty() {
            return seen;
        }
    }
}

/// The wall clock, in milliseconds.
fn wall_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn words<T>(result: Result<T, Fault>) -> String {
    result.err().map_or("no fault".to_owned(), |fault| fault.to_string())
}
