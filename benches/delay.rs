//! How long an alert takes, from the sending of its event until it is read, at a real broker on the
//! same machine.
//!
//! Budget  p99 10 ms, p99.9 25 ms; in transactions later by up to commit.interval. With snapshots
//!         published, and with questions asked back to back beside it, a tenth more at most.
//! Load    the bench job at `EBB_JOB_RATE` (20 000) events a second, of which a few ring; and
//!         customers who ask to leave, `EBB_RATE` (1 000) a second, each of whom rings at once.
//!         Sent evenly, for `EBB_SECONDS` (20) after a while to warm up.
//! Echo    the same customers past a thread of the bench that sends on what a plain consumer of the
//!         same library reads, by a producer with Ebb's settings: about what the way to the broker
//!         and back takes without any scoring.

#[expect(dead_code, unused_imports, clippy::unwrap_used, reason = "shared with the tests")]
#[path = "../tests/broker/mod.rs"]
mod broker;

mod asking;
mod stage;

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use asking::Asking;
use broker::Broker;
use ebb::kafka::Producer;
use ebb::kafka::produce::{Pace, Parcel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use stage::{Running, Stage};

/// How long what is sent at first does not count.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long no alert came where none is on its way any more.
const SILENCE: Duration = Duration::from_secs(3);
/// Nothing here takes longer, on however loaded a machine.
const LIMIT: Duration = Duration::from_secs(600);

type Failed = Box<dyn Error>;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    /// The bench job.
    Job,
    /// Customers who ask to leave.
    Leave,
}

/// Who passes on what was sent, and what goes on beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Between {
    /// A thread that only sends on.
    Echo,
    /// Ebb, with nothing beside it.
    Ebb,
    /// Snapshots are published.
    Snapshots,
    /// They are asked, too, one question after the other.
    Questions,
}

fn main() -> Result<(), Failed> {
    let is_test = env::args().any(|arg| arg == "--test");
    let Some(broker) = broker::shared() else { return Ok(()) };
    let number = |name: &str, few: u64, many: u64| match env::var(name) {
        Ok(text) => text.parse(),
        Err(_) => Ok(if is_test { few } else { many }),
    };
    let seconds = number("EBB_SECONDS", 1, 20)?;
    let rate_of = |load| match load {
        Load::Job => number("EBB_JOB_RATE", 2_000, 20_000),
        Load::Leave => number("EBB_RATE", 200, 1_000),
    };
    let (once, exactly) = ("effectively-once", "exactly-once");
    for (way, load, between) in [
        // A broker that was started just now is still making itself fast.
        (once, Load::Leave, Between::Ebb),
        (once, Load::Leave, Between::Echo),
        (once, Load::Leave, Between::Ebb),
        (once, Load::Leave, Between::Snapshots),
        (once, Load::Leave, Between::Questions),
        (exactly, Load::Leave, Between::Ebb),
        (once, Load::Job, Between::Ebb),
        (exactly, Load::Job, Between::Ebb),
    ] {
        let rate = rate_of(load)?;
        let mut course = Course::new(broker, way, load)?;
        let (delays, n_answers) = course.run(between, (rate, seconds))?;
        let at = |per_mille: usize| {
            let place = delays.len() * per_mille / 1_000;
            delays.get(place.min(delays.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        println!(
            "{load:?} at {rate}/s, {way}, {between:?}: alert read after p50 {:.1} ms, \
             p99 {:.1} ms, p99.9 {:.1} ms ({} alerts, {n_answers} answers)",
            at(500),
            at(990),
            at(999),
            delays.len()
        );
    }
    Ok(())
}

/// One run.
struct Course {
    stage: Stage,
    load: Load,
    /// What is still to be sent of the bench job: id, key and line.
    lines: std::vec::IntoIter<(String, String, String)>,
    producer: Producer,
}

impl Course {
    fn new(broker: &'static Broker, way: &str, load: Load) -> Result<Course, Failed> {
        let stage = Stage::set(broker, way)?;
        let producer = Producer::new(&stage.settings.kafka, stage.settings.retry, Pace::Prompt)?;
        Ok(Course { stage, load, lines: Vec::new().into_iter(), producer })
    }

    /// Milliseconds from an event's sending to its alert's coming, sorted, and how many questions
    /// were answered meanwhile.
    fn run(
        &mut self,
        between: Between,
        (rate, seconds): (u64, u64),
    ) -> Result<(Vec<f64>, u64), Failed> {
        let last = WARM_UP + Duration::from_secs(seconds);
        if self.load == Load::Job {
            self.make((last.as_secs() + 1) * rate)?;
        }
        let asking = self.put_beside(between)?;
        let reader = self.reader(&self.stage.settings.output.alerts, 1)?;
        let (_echo, _ebb) = match between {
            Between::Echo => (Some(self.echo()?), None),
            Between::Ebb | Between::Snapshots | Between::Questions => (None, Some(self.ebb()?)),
        };
        let (mut sent, mut delays) = (HashMap::new(), Vec::new());
        let (start, mut n_sent) = (Instant::now(), 0);
        let mut heard_at = None;
        loop {
            let is_all = match self.load {
                Load::Leave => sent.is_empty(),
                Load::Job => heard_at.is_some_and(|at: Instant| SILENCE <= at.elapsed()),
            };
            if last <= start.elapsed() && is_all {
                break;
            }
            if LIMIT < start.elapsed() {
                let n_rung = n_sent as usize - sent.len();
                return Err(format!("{between:?}: only {n_rung} of {n_sent} rang").into());
            }
            let due = start.elapsed().min(last).as_secs_f64() * rate as f64;
            while f64::from(n_sent) < due {
                // What is sent too late has waited since then.
                let due = start + Duration::from_secs_f64(f64::from(n_sent) / rate as f64);
                sent.insert(self.send(n_sent)?, due);
                n_sent += 1;
            }
            while let Some(Ok(message)) = reader.poll(Duration::ZERO) {
                heard_at = Some(Instant::now());
                let cause = cause_of(message.payload().unwrap_or_default());
                let Some(at) = cause.and_then(|id| sent.remove(&id)) else { continue };
                if WARM_UP < at.duration_since(start) {
                    delays.push(at.elapsed().as_secs_f64() * 1e3);
                }
            }
            thread::sleep(Duration::from_micros(200));
        }
        delays.sort_by(f64::total_cmp);
        Ok((delays, asking.map_or(Ok(0), Asking::end)?))
    }

    /// Has the bench job made: forty events of each customer.
    fn make(&mut self, n_events: u64) -> Result<(), Failed> {
        let path = self.stage.folder.path().join("events.jsonl");
        let to = ["--out", path.to_str().ok_or("a strange folder")?];
        self.stage.generate((n_events, (n_events / 40).max(10)), &to)?;
        let mut lines = Vec::new();
        for line in fs::read_to_string(&path)?.lines() {
            let event: Value = serde_json::from_str(line)?;
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            lines.push((text("id"), text("customer_id"), line.to_owned()));
        }
        self.lines = lines.into_iter();
        Ok(())
    }

    /// Sends the event `number`; its id.
    fn send(&mut self, number: u32) -> Result<String, Failed> {
        let (id, customer, event) = match self.load {
            Load::Job => self.lines.next().ok_or("too few events")?,
            Load::Leave => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
                let (id, customer) = (number.to_string(), format!("c-{number}"));
                let what = format!(r#""type":"cancellation_requested","time":{now}"#);
                let event = format!(r#"{{"id":"{id}","customer_id":"{customer}",{what}}}"#);
                (id, customer, event)
            }
        };
        let (key, value) = (Some(customer.as_bytes()), Some(event.as_bytes()));
        let topic = &self.stage.settings.input.topic;
        self.producer.send(&Parcel { topic, partition: None, key, value, headers: &[] })?;
        Ok(id)
    }

    /// Has what belongs to `between` go on beside; whoever asks, if somebody is to.
    fn put_beside(&mut self, between: Between) -> Result<Option<Asking>, Failed> {
        if between == Between::Echo || between == Between::Ebb {
            return Ok(None);
        }
        let folder = self.stage.folder.path().join("snapshots");
        self.stage.sets.push(format!("snapshots.folder={}", folder.display()));
        if between == Between::Snapshots {
            return Ok(None);
        }
        let door = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        self.stage.sets.push(format!("sql.http={door}"));
        Ok(Some(Asking::begin(door)))
    }

    fn ebb(&self) -> Result<Running, Failed> {
        match self.load {
            Load::Job => self.stage.run(&["--model", "bench", "--set", "clock.mode=replay"]),
            Load::Leave => self.stage.run(&[]),
        }
    }

    /// Sends on what comes until it is dropped.
    fn echo(&self) -> Result<Echo, Failed> {
        let settings = &self.stage.settings;
        let reader = self.reader(&settings.input.topic, 4)?;
        let mut producer = Producer::new(&settings.kafka, settings.retry, Pace::Prompt)?;
        let (topic, is_over) = (settings.output.alerts.clone(), Arc::new(AtomicBool::new(false)));
        let heard = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !heard.load(Ordering::Relaxed) {
                let Some(Ok(message)) = reader.poll(Duration::from_millis(5)) else { continue };
                let (topic, key, value) = (topic.as_str(), message.key(), message.payload());
                let parcel = Parcel { topic, partition: None, key, value, headers: &[] };
                if let Err(fault) = producer.send(&parcel) {
                    println!("the echo ends: {fault}");
                    return;
                }
            }
        });
        Ok(Echo { is_over, thread: Some(thread) })
    }

    /// Reads `topic` from its beginning, what is in open transactions left out.
    fn reader(&self, topic: &str, n_partitions: i32) -> Result<BaseConsumer, Failed> {
        let mut config = self.stage.broker.config();
        config.set("group.id", "delays").set("isolation.level", "read_committed");
        config.set("enable.auto.commit", "false").set("fetch.wait.max.ms", "5");
        let reader: BaseConsumer = config.create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..n_partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        reader.assign(&list)?;
        Ok(reader)
    }
}

/// A thread that sends on what comes, ended when this is dropped.
struct Echo {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

/// The id of the event that an alert was rung by, or of an event that was sent on.
fn cause_of(record: &[u8]) -> Option<String> {
    let record: Value = serde_json::from_slice(record).ok()?;
    let cause = record.get("cause").unwrap_or(&record);
    cause.get("id")?.as_str().map(str::to_owned)
}
