//! From what was written to rules that cannot be wrong.
//!
//! Rules   every key is read once, by a reader of its kind; a fault never hides another. Rules
//!         between keys are looked at only where both were right by themselves.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use toml::Value;

use super::raw::{FREE, Raw, free, shown};
use super::secret::{self, is_secret, kept_in_file};
use super::sql;
use super::watches;
use super::{
    BatchRules, CheckpointRules, ClockMode, ClockRules, Delivery, Fault, Input, Kafka, Missing,
    Output, Place, Properties, Retry, Settings, SnapshotRules, Timers, WatchRule,
};
use crate::unit::{Points, Size, Span};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Longest name of a topic or group, in characters.
///
/// Source: `Topic.MAX_NAME_LENGTH` of Apache Kafka.
const NAME_MAX: usize = 249;

/// Properties that are not the user's to set, and why.
const RESERVED: &[(&str, &str)] = &[
    ("bootstrap.servers", "kafka.brokers is its setting"),
    ("metadata.broker.list", "kafka.brokers is its setting"),
    ("client.id", "kafka.client_id is its setting"),
    ("group.id", "input.group is its setting"),
    ("group.instance.id", "kafka.instance_id is its setting"),
    ("enable.auto.commit", "offsets are committed after their alerts are acknowledged"),
    ("auto.commit.enable", "offsets are committed after their alerts are acknowledged"),
    ("enable.auto.offset.store", "offsets are committed after their alerts are acknowledged"),
    ("auto.offset.reset", "a range of records that is gone must stop the start"),
    ("enable.partition.eof", "it tells when a partition is caught up"),
    ("enable.idempotence", "an alert must not be doubled by a retry"),
    ("acks", "an alert is safe when every replica has it"),
    ("request.required.acks", "an alert is safe when every replica has it"),
    ("partitioner", "a customer's records must stay in one partition"),
    ("transactional.id", "delivery is its setting"),
    ("isolation.level", "whoever takes over waits for what is about to be committed"),
];

/// Turns `raw` into settings, or gives all faults, those of `faults` first.
pub(super) fn check(raw: Raw, faults: Vec<Fault>) -> Result<Settings, Vec<Fault>> {
    let mut reader = Reader { raw: &raw, faults };
    let settings = read(&mut reader);
    across(&mut reader, &settings);
    if reader.faults.is_empty() { Ok(Settings { raw, ..settings }) } else { Err(reader.faults) }
}

fn read(reader: &mut Reader<'_>) -> Settings {
    let map = reader.text("map");
    let count = reader.whole("lanes.count", 0, 256);
    let input = Input { topic: reader.name("input.topic"), group: reader.filled("input.group") };
    let deliveries =
        [("effectively-once", Delivery::EffectivelyOnce), ("exactly-once", Delivery::ExactlyOnce)];
    let misses = [("stop", Missing::Stop), ("go-on", Missing::GoOn)];
    Settings {
        catalog: reader.filled("catalog"),
        model: reader.filled("model"),
        map: Some(map).filter(|map| !map.is_empty()),
        delivery: reader.word("delivery", &deliveries),
        journal: reader.journal(&input.group),
        input,
        output: Output {
            alerts: reader.name("output.alerts"),
            scores: reader.name("output.scores"),
            rejects: reader.name("output.rejects"),
            receipts: reader.name("output.receipts"),
        },
        checkpoint: CheckpointRules {
            folder: reader.filled("checkpoint.folder"),
            interval: reader.span("checkpoint.interval", SECOND, DAY),
            keep: reader.whole("checkpoint.keep", 1, 1_000),
            properties: reader.properties(FREE[1], &[]),
        },
        snapshots: snapshots(reader),
        watches: watches(reader),
        missing: reader.word("recovery.missing", &misses),
        kafka: kafka(reader),
        clock: clock(reader),
        dedup_horizon: reader.span("dedup.horizon", 0, 120 * DAY),
        exact_events_max: reader.whole("window.exact_events_max", 16, 1_000_000),
        score_change_min: Points::new(reader.number("scores.min_change", 0.0, 100.0)),
        lanes: NonZeroUsize::new(count),
        batch: BatchRules {
            records_max: reader.whole("batch.records_max", 1, 100_000),
            wait: reader.span("batch.wait", 1, SECOND),
        },
        commit_interval: reader.span("commit.interval", 10, MINUTE),
        transaction_timeout: reader.span("commit.transaction_timeout", SECOND, 15 * MINUTE),
        retry: Retry {
            tries_max: u32::try_from(reader.whole("retry.tries_max", 1, 1_000)).unwrap_or(1),
            wait_first: reader.span("retry.wait_first", 10, MINUTE),
            wait_max: reader.span("retry.wait_max", 10, 10 * MINUTE),
        },
        sql: sql::read(reader),
        halt_deadline: reader.span("halt.deadline", SECOND, 10 * MINUTE),
        raw: reader.raw.clone(),
    }
}

fn kafka(reader: &mut Reader<'_>) -> Kafka {
    let instance_id = reader.text("kafka.instance_id");
    let token_file = reader.text("kafka.oauth_token_file");
    Kafka {
        brokers: reader.brokers(),
        client_id: reader.filled("kafka.client_id"),
        instance_id: Some(instance_id).filter(|id| !id.is_empty()),
        oauth_token_file: Some(token_file).filter(|file| !file.is_empty()).map(PathBuf::from),
        properties: reader.properties(FREE[0], RESERVED),
    }
}

fn snapshots(reader: &mut Reader<'_>) -> Option<SnapshotRules> {
    let folder = reader.text("snapshots.folder");
    let rules = SnapshotRules {
        folder: PathBuf::from(&folder),
        interval: reader.span("snapshots.interval", 250, DAY),
        complete: reader.span("snapshots.complete", 250, DAY),
        keep: reader.span("snapshots.keep", MINUTE, 3_650 * DAY),
        history: reader.span("snapshots.history", DAY, 3_650 * DAY),
    };
    let keys = ["snapshots.complete", "snapshots.interval"];
    if reader.right(&keys) && rules.complete < rules.interval {
        reader.fault(keys[0], format!("at least snapshots.interval ({})", rules.interval));
    }
    (!folder.is_empty()).then_some(rules)
}

fn watches(reader: &mut Reader<'_>) -> Vec<WatchRule> {
    let read = match reader.value("watch") {
        Some(value) => watches::read(value),
        None => return Vec::new(),
    };
    match read {
        Ok(rules) => {
            if !rules.is_empty() && reader.text("snapshots.folder").is_empty() {
                reader.fault("snapshots.folder", "a folder, as something is watched");
            }
            rules
        }
        Err(wanted) => {
            for wanted in wanted {
                reader.fault("watch", wanted);
            }
            Vec::new()
        }
    }
}

fn clock(reader: &mut Reader<'_>) -> ClockRules {
    let modes = [("live", ClockMode::Live), ("replay", ClockMode::Replay)];
    let timers = [("on", Timers::On), ("off", Timers::Off)];
    ClockRules {
        mode: reader.word("clock.mode", &modes),
        delay: reader.span("clock.delay", 0, HOUR),
        ahead_max: reader.span("clock.ahead_max", 0, 365 * DAY),
        skew: reader.span("clock.skew", 0, HOUR),
        timers: reader.word("clock.timers", &timers),
    }
}

/// The rules between keys.
fn across(reader: &mut Reader<'_>, settings: &Settings) {
    let clock = &settings.clock;
    if reader.right(&["clock.ahead_max", "clock.skew"]) && clock.ahead_max < clock.skew {
        let wanted = format!("at least clock.skew ({})", clock.skew);
        reader.fault("clock.ahead_max", wanted);
    }
    let retry = &settings.retry;
    if reader.right(&["retry.wait_max", "retry.wait_first"]) && retry.wait_max < retry.wait_first {
        let wanted = format!("at least retry.wait_first ({})", retry.wait_first);
        reader.fault("retry.wait_max", wanted);
    }
    let commit = ["commit.transaction_timeout", "commit.interval"];
    let least = Span::millis(settings.commit_interval.as_millis() * 10);
    if reader.right(&commit) && settings.transaction_timeout < least {
        reader.fault(commit[0], format!("at least 10 times commit.interval ({least})"));
    }
    let (key, kafka) = ("kafka.oauth_token_file", &settings.kafka);
    let names = ["sasl.mechanism", "sasl.mechanisms"];
    let mut mechanisms = kafka.properties.iter().filter(|(name, _)| names.contains(name));
    let is_bearer = mechanisms.any(|(_, word)| word.eq_ignore_ascii_case("OAUTHBEARER"));
    match (&kafka.oauth_token_file, is_bearer) {
        (None, true) => reader.fault(key, "the path of a file, as sasl.mechanism is OAUTHBEARER"),
        (Some(_), false) => reader.fault(key, "nothing, as sasl.mechanism is not OAUTHBEARER"),
        (Some(_), true) | (None, false) => {}
    }
    let topics = [
        ("input.topic", &settings.input.topic),
        ("output.alerts", &settings.output.alerts),
        ("output.scores", &settings.output.scores),
        ("output.rejects", &settings.output.rejects),
        ("output.receipts", &settings.output.receipts),
        ("journal.topic", &settings.journal),
    ];
    for (i, (key, topic)) in topics.iter().enumerate() {
        let same = topics[..i].iter().find(|(_, before)| before == topic);
        if let Some((before, _)) = same.filter(|(before, _)| reader.right(&[before, key])) {
            reader.fault(key, format!("another topic than {before}"));
        }
    }
}

/// Whether Kafka takes `text` for a topic's name.
fn is_topic(text: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=NAME_MAX).contains(&text.len())
        && text.chars().all(is_legal)
        && !matches!(text, "." | "..")
}

/// Reads keys, each by its kind, and keeps the faults.
///
/// A reader that finds a fault returns some value of the kind; it is never used, because with a
/// fault there are no settings.
pub(super) struct Reader<'a> {
    raw: &'a Raw,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn value(&self, key: &str) -> Option<&Value> {
        self.raw.values.get(key).map(|given| &given.value)
    }

    fn right(&self, keys: &[&str]) -> bool {
        self.faults.iter().all(|fault| !keys.contains(&fault.key.as_str()))
    }

    pub(super) fn fault(&mut self, key: &str, wanted: impl Into<String>) {
        let given = self.raw.values.get(key);
        self.faults.push(Fault {
            key: key.to_owned(),
            found: given.map_or("nothing".to_owned(), |given| shown(key, &given.value)),
            wanted: wanted.into(),
            place: given.map_or(Place::Default, |given| given.place.clone()),
        });
    }

    pub(super) fn text(&mut self, key: &str) -> String {
        let found = self.value(key).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| {
            self.fault(key, "a text in quotes");
            String::new()
        })
    }

    pub(super) fn filled(&mut self, key: &str) -> String {
        let text = self.text(key);
        if self.right(&[key]) && text.is_empty() {
            self.fault(key, "a text that is not empty");
        }
        text
    }

    /// A topic's name.
    fn name(&mut self, key: &str) -> String {
        let text = self.text(key);
        if self.right(&[key]) && !is_topic(&text) {
            self.fault(key, "a topic's name: 1 to 249 characters of a-z A-Z 0-9 . _ -");
        }
        text
    }

    fn brokers(&mut self) -> String {
        let key = "kafka.brokers";
        let text = self.text(key);
        let is_broker = |broker: &str| match broker.trim().rsplit_once(':') {
            Some((host, port)) => !host.is_empty() && port.parse::<u16>().is_ok(),
            None => false,
        };
        if self.right(&[key]) && !text.split(',').all(is_broker) {
            self.fault(key, "host:port, several with commas between");
        }
        text
    }

    fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T); 2]) -> T {
        let found = self.value(key).and_then(Value::as_str);
        let found = words.iter().find(|(word, _)| found == Some(word));
        if let Some((_, meaning)) = found {
            return *meaning;
        }
        self.fault(key, format!("\"{}\" or \"{}\"", words[0].0, words[1].0));
        words[0].1
    }

    /// The journal's topic, named after the `group` where it has no name of its own.
    fn journal(&mut self, group: &str) -> String {
        let key = "journal.topic";
        if !self.text(key).is_empty() {
            return self.name(key);
        }
        let name = format!("{group}-journal");
        if self.right(&[key, "input.group"]) && !is_topic(&name) {
            self.fault(key, "a topic's name, for that of input.group cannot be part of one");
        }
        name
    }

    pub(super) fn span(&mut self, key: &str, min_ms: i64, max_ms: i64) -> Span {
        let (min, max) = (Span::millis(min_ms), Span::millis(max_ms));
        let found = self.value(key).and_then(Value::as_str).and_then(Span::parse);
        match found.filter(|span| min <= *span && *span <= max) {
            Some(span) => span,
            None => {
                let min = if min_ms == 0 { "0".to_owned() } else { min.to_string() };
                self.fault(key, format!("a span such as \"250ms\" or \"24h\", {min} to {max}"));
                max
            }
        }
    }

    pub(super) fn whole(&mut self, key: &str, min: usize, max: usize) -> usize {
        let found = self.value(key).and_then(Value::as_integer);
        let found = found.and_then(|number| usize::try_from(number).ok());
        match found.filter(|number| (min..=max).contains(number)) {
            Some(number) => number,
            None => {
                self.fault(key, format!("a whole number from {min} to {max}"));
                max
            }
        }
    }

    pub(super) fn size(&mut self, key: &str, min: u64, max: u64) -> Size {
        let found = self.value(key).and_then(Value::as_str).and_then(Size::parse);
        match found.filter(|size| (min..=max).contains(&size.as_bytes())) {
            Some(size) => size,
            None => {
                let (min, max) = (Size::bytes(min), Size::bytes(max));
                self.fault(key, format!("a size such as \"64KiB\" or \"1GiB\", {min} to {max}"));
                max
            }
        }
    }

    /// Whether anyone wrote `key` down.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.raw.values.contains_key(key)
    }

    fn number(&mut self, key: &str, min: f64, max: f64) -> f64 {
        let found = match self.value(key) {
            Some(Value::Float(number)) => Some(*number),
            // A whole number is a number too; those in range are exact.
            Some(Value::Integer(number)) => i32::try_from(*number).ok().map(f64::from),
            _ => None,
        };
        match found.filter(|number| (min..=max).contains(number)) {
            Some(number) => number,
            None => {
                self.fault(key, format!("a number from {min} to {max}"));
                max
            }
        }
    }

    /// The properties in `table`, none of them `reserved`.
    fn properties(&mut self, table: &str, reserved: &[(&str, &str)]) -> Properties {
        let raw = self.raw;
        let mut pairs = Vec::new();
        for (key, given) in &raw.values {
            let Some((_, name)) = free(key).filter(|(free, _)| *free == table) else { continue };
            let given_name = kept_in_file(name).unwrap_or(name);
            if let Some((_, why)) = reserved.iter().find(|(reserved, _)| *reserved == given_name) {
                self.fault(key, format!("no such property here: {why}"));
            }
            let value = match &given.value {
                Value::String(text) => text.clone(),
                Value::Integer(number) => number.to_string(),
                Value::Boolean(truth) => truth.to_string(),
                _ if is_secret(key) => {
                    self.fault(key, "a text in quotes");
                    continue;
                }
                _ => {
                    self.fault(key, "a text in quotes, a whole number, true or false");
                    continue;
                }
            };
            match kept_in_file(name).map(|name| (name, secret::read(&value))) {
                None => pairs.push((name.to_owned(), value)),
                Some((name, Ok(secret))) => pairs.push((name.to_owned(), secret)),
                Some((_, Err(wanted))) => self.fault(key, wanted),
            }
        }
        pairs.into_iter().collect()
    }
}
