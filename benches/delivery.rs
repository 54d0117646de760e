//! What a way of delivery costs, against a real broker on the same machine.
//!
//! Budget  2.0 CPU s a million events for the whole process; at half load an alert acknowledged
//!         within 10 ms at the 99th percentile, later by up to commit.interval in transactions.
//!         With snapshots published, and with questions asked back to back beside it, the delay is
//!         longer by a tenth at most.
//! Load    the bench model's stream for the rate; for the delay customers who ask to leave, each
//!         of whom rings at once, sent evenly, the way to the broker and back included.
//!
//! `EBB_EVENTS` and `EBB_RATE` choose how many events and how many a second, `EBB_SECONDS` (20) for
//! how long.

#[expect(dead_code, unused_imports, clippy::unwrap_used, reason = "shared with the tests")]
#[path = "../tests/broker/mod.rs"]
mod broker;

mod asking;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use asking::Asking;
use broker::Broker;
use ebb::kafka::Producer;
use ebb::kafka::produce::{Pace, Parcel};
use ebb::run::Settings;
use ebb::run::settings::Layers;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

/// The ways, the default first.
const WAYS: [&str; 2] = ["effectively-once", "exactly-once"];
/// Nothing here takes longer, on however loaded a machine.
const LIMIT: Duration = Duration::from_secs(600);

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let is_test = env::args().any(|arg| arg == "--test");
    let Some(broker) = broker::shared() else { return Ok(()) };
    let number = |name: &str, few: u64, many: u64| match env::var(name) {
        Ok(text) => text.parse(),
        Err(_) => Ok(if is_test { few } else { many }),
    };
    let (n_events, rate) =
        (number("EBB_EVENTS", 2_000, 2_000_000)?, number("EBB_RATE", 500, 20_000)?);
    for way in WAYS {
        let stage = Stage::set(broker, way)?;
        let (seconds, cpu) = stage.drain(n_events)?;
        println!(
            "{way}: {:.0} events/s, {:.2} CPU s a million ({n_events} events)",
            n_events as f64 / seconds,
            cpu * 1e6 / n_events as f64
        );
    }
    let seconds = number("EBB_SECONDS", 1, 20)?;
    // A broker that was started just now is still making itself fast.
    Stage::set(broker, WAYS[0])?.delays(rate, seconds)?;
    let beside = [Beside::Nothing, Beside::Snapshots, Beside::Questions];
    let runs = beside.map(|beside| (WAYS[0], beside)).into_iter();
    for (way, beside) in runs.chain([(WAYS[1], Beside::Nothing)]) {
        let mut stage = Stage::set(broker, way)?;
        let asking = stage.put_beside(beside)?;
        let delays = stage.delays(rate, seconds)?;
        let n_answers = asking.map_or(0, Asking::end);
        let at = |per_mille: usize| {
            let place = delays.len() * per_mille / 1_000;
            delays.get(place.min(delays.len() - 1)).copied().unwrap_or_default()
        };
        println!(
            "{way}, {beside:?} beside: alert acknowledged after p50 {:.1} ms, p99 {:.1} ms, p99.9 \
             {:.1} ms ({} at {rate}/s, {n_answers} answers)",
            at(500),
            at(990),
            at(999),
            delays.len()
        );
    }
    Ok(())
}

/// Topics of one run, and the settings that name them.
struct Stage {
    broker: &'static Broker,
    sets: Vec<String>,
    settings: Settings,
    folder: tempfile::TempDir,
}

/// What goes on beside the scoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// Snapshots are published.
    Snapshots,
    /// They are asked, too, one question after the other.
    Questions,
}

impl Stage {
    fn set(broker: &'static Broker, way: &str) -> Result<Stage, Failed> {
        let input = broker.topic("events", 4, &[]);
        let folder = tempfile::tempdir()?;
        let mut sets = vec![
            format!("kafka.brokers={}", broker.brokers()),
            format!("input.topic={input}"),
            format!("input.group={input}"),
            format!("checkpoint.folder={}", folder.path().display()),
            format!("delivery={way}"),
        ];
        for (name, n, configs) in [
            ("alerts", 1, &[][..]),
            ("scores", 4, &[("cleanup.policy", "compact")][..]),
            ("rejects", 1, &[][..]),
        ] {
            sets.push(format!("output.{name}={}", broker.topic(name, n, configs)));
        }
        let layers = Layers { env: Vec::new(), flags: sets.clone() };
        let settings = Settings::from_text(None, &layers)?;
        Ok(Stage { broker, sets, settings, folder })
    }

    /// Has `beside` go on beside what runs here; whoever asks, if somebody is to.
    fn put_beside(&mut self, beside: Beside) -> Result<Option<Asking>, Failed> {
        if beside == Beside::Nothing {
            return Ok(None);
        }
        let folder = self.folder.path().join("snapshots");
        self.sets.push(format!("snapshots.folder={}", folder.display()));
        if beside == Beside::Snapshots {
            return Ok(None);
        }
        let door = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        self.sets.push(format!("sql.http={door}"));
        Ok(Some(Asking::begin(door)))
    }

    fn ebb(&self, args: &[&str]) -> Command {
        let mut ebb = Command::new(env!("CARGO_BIN_EXE_ebb"));
        ebb.args(args).stderr(Stdio::null()).stdout(Stdio::null());
        ebb
    }

    fn run(&self, args: &[&str]) -> Command {
        let mut run = self.ebb(&["run"]);
        run.args(args).args(self.sets.iter().flat_map(|set| ["--set", set]));
        run
    }

    /// Seconds and CPU seconds that a run takes for `n_events` that wait on the topic.
    fn drain(&self, n_events: u64) -> Result<(f64, f64), Failed> {
        let (n, topic) = (n_events.to_string(), &self.settings.input.topic);
        let customers = (n_events / 50).max(10).to_string();
        let generate = ["generate", "--model", "bench", "--customers", &customers, "--events", &n];
        let to = ["--brokers", self.broker.brokers(), "--topic", topic];
        let made = self.ebb(&[&generate[..], &to[..]].concat()).status()?;
        if !made.success() {
            return Err(format!("ebb generate ended with {made}").into());
        }
        let replay = ["--model", "bench", "--until-caught-up", "--set", "clock.mode=replay"];
        let began = Instant::now();
        let mut child = self.run(&replay).spawn()?;
        let (mut cpu, stat) = (0.0, format!("/proc/{}/stat", child.id()));
        let status = loop {
            if let Ok(text) = fs::read_to_string(Path::new(&stat)) {
                cpu = cpu_seconds(&text).unwrap_or(cpu);
            }
            match child.try_wait()? {
                Some(status) => break status,
                None if LIMIT < began.elapsed() => return Err("it never ended".into()),
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        if !status.success() {
            return Err(format!("ebb run ended with {status}").into());
        }
        Ok((began.elapsed().as_secs_f64(), cpu))
    }

    /// Milliseconds from an event's sending to its alert's coming, sorted.
    fn delays(&self, rate: u64, seconds: u64) -> Result<Vec<f64>, Failed> {
        let reader = self.alerts()?;
        let _running = Running(self.run(&[]).spawn()?);
        // The first ones tell that it is at work.
        let mut sent = HashMap::new();
        let (mut delays, mut n_sent, began) = (Vec::new(), 0, Instant::now());
        let (kafka, retry) = (&self.settings.kafka, self.settings.retry);
        let mut producer = Producer::new(kafka, retry, Pace::Prompt)?;
        let n_events = rate * seconds;
        let mut is_warm = false;
        let mut start = Instant::now();
        while (delays.len() as u64) < n_events {
            if LIMIT < began.elapsed() {
                return Err(format!("{} of {n_events} alerts came", delays.len()).into());
            }
            let due = if is_warm { start.elapsed().as_secs_f64() * rate as f64 } else { 1.0 };
            while n_sent < n_events + 1 && (n_sent as f64) < due {
                self.ask_to_leave(&mut producer, n_sent)?;
                sent.insert(n_sent, Instant::now());
                n_sent += 1;
            }
            while let Some(Ok(message)) = reader.poll(Duration::from_millis(u64::from(!is_warm))) {
                let Some(number) = number_of(message.key()) else { continue };
                let Some(at) = sent.remove(&number) else { continue };
                if is_warm {
                    delays.push(at.elapsed().as_secs_f64() * 1e3);
                } else {
                    (is_warm, start) = (true, Instant::now());
                }
            }
            thread::sleep(Duration::from_micros(200));
        }
        delays.sort_by(f64::total_cmp);
        Ok(delays)
    }

    fn ask_to_leave(&self, producer: &mut Producer, number: u64) -> Result<(), Failed> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let customer = format!("c-{number}");
        let event = format!(
            r#"{{"id":"{number}","type":"cancellation_requested","customer_id":"{customer}","time":{now}}}"#
        );
        let (key, value) = (Some(customer.as_bytes()), Some(event.as_bytes()));
        let topic = &self.settings.input.topic;
        producer.send(&Parcel { topic, partition: None, key, value, headers: &[] })?;
        Ok(())
    }

    /// The alerts from the beginning, those of open transactions left out.
    fn alerts(&self) -> Result<BaseConsumer, Failed> {
        let mut config = self.broker.config();
        config.set("group.id", "delays").set("isolation.level", "read_committed");
        config.set("enable.auto.commit", "false").set("fetch.wait.max.ms", "5");
        let reader: BaseConsumer = config.create()?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.settings.output.alerts, 0, Offset::Beginning)?;
        reader.assign(&list)?;
        Ok(reader)
    }
}

/// A running engine, ended when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// User and system time of a line of /proc/PID/stat, in seconds of 100 ticks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let ticks = words.next()?.parse::<f64>().ok()? + words.next()?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

fn number_of(key: Option<&[u8]>) -> Option<u64> {
    std::str::from_utf8(key?).ok()?.strip_prefix("c-")?.parse().ok()
}
