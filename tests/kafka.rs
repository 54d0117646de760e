//! The Kafka room against a real broker: source and sink by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use ebb::kafka::check::Grade;
use ebb::kafka::produce::{Pace, Parcel};
use ebb::kafka::source::Handover;
use ebb::kafka::{KafkaSink, KafkaSource, Producer};
use ebb::record::reject::Reason;
use ebb::record::{self, Reject};
use ebb::run::Settings;
use ebb::run::settings::Layers;
use ebb::unit::EventTime;
use ebb::wire::{Batch, Body, Fault, Fetched, Origin, Outgoing, Position, Sink, Source};

use crate::broker::{self, Broker};

/// How long anything may take here; a loaded machine is slow, and a hang must end.
const LIMIT: Duration = Duration::from_secs(60);

/// Topics of one test and the settings that name them.
struct Stage {
    broker: &'static Broker,
    settings: Settings,
}

impl Stage {
    /// Four topics, the input with `n_partitions`; `flags` lie over the settings.
    fn set(n_partitions: i32, flags: &[&str]) -> Option<Stage> {
        let broker = broker::shared()?;
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
        ];
        lines.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Some(Stage { broker, settings: settings(lines) })
    }

    fn source(&self) -> KafkaSource {
        KafkaSource::connect(&self.settings).unwrap()
    }

    /// Puts `records` on the input topic.
    fn put(&self, records: &[(Option<&str>, Option<&str>)]) {
        let pace = Pace::Bulk;
        let mut producer = Producer::new(&self.settings.kafka, self.settings.retry, pace).unwrap();
        for (key, value) in records {
            let topic = &self.settings.input.topic;
            let (key, value) = (key.map(str::as_bytes), value.map(str::as_bytes));
            producer.send(&Parcel { topic, key, value, headers: &[] }).unwrap();
        }
        producer.settle().unwrap();
    }
}

fn settings(flags: Vec<String>) -> Settings {
    Settings::from_text(None, &Layers { env: Vec::new(), flags }).unwrap()
}

/// What a record was: its origin, key and bytes.
type Seen = (u32, i64, Option<String>, String);

/// Everything that comes until all partitions are caught up.
fn read_on(source: &mut KafkaSource) -> Vec<Seen> {
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

fn words<T>(result: Result<T, Fault>) -> String {
    result.err().map_or("no fault".to_owned(), |fault| fault.to_string())
}

#[test]
fn fifty_thousand_records_come_as_they_were_sent_and_where_murmur2_puts_them() {
    let Some(stage) = Stage::set(4, &[]) else { return };
    let sent: Vec<_> =
        (0..50_000).map(|i| (format!("c-{}", i % 997), format!("value {i}"))).collect();
    let pairs: Vec<_> = sent.iter().map(|(k, v)| (Some(k.as_str()), Some(v.as_str()))).collect();
    stage.put(&pairs);
    let mut source = stage.source();
    let seen = read_on(&mut source);
    assert_eq!(seen.len(), sent.len());
    assert_eq!(source.assigned(), [0, 1, 2, 3]);

    let four = NonZeroU32::new(4).unwrap();
    let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut next = [0_i64; 4];
    for (partition, offset, key, value) in &seen {
        let key = key.as_deref().unwrap();
        assert_eq!(*partition, record::partition(key.as_bytes(), four), "{key}");
        let next = &mut next[usize::try_from(*partition).unwrap()];
        assert_eq!(offset, next, "offsets have no gap and keep their order");
        *next += 1;
        by_key.entry(key).or_default().push(value);
    }
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in &sent {
        wanted.entry(key).or_default().push(value);
    }
    assert_eq!(by_key, wanted);
}

#[test]
fn keys_values_and_their_absence_arrive_as_they_are() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let long = "x".repeat(900_000);
    stage.put(&[
        (Some("c-1"), Some("{}")),
        (None, Some("no key")),
        (Some(""), Some("empty key")),
        (Some("c-2"), None),
        (Some("c-3"), Some("")),
        (Some("c-4"), Some(&long)),
    ]);
    let seen = read_on(&mut stage.source());
    let key = |text: &str| Some(text.to_owned());
    let wanted = [
        (0, 0, key("c-1"), "{}".to_owned()),
        (0, 1, None, "no key".to_owned()),
        (0, 2, key(""), "empty key".to_owned()),
        (0, 3, key("c-2"), String::new()),
        (0, 4, key("c-3"), String::new()),
        (0, 5, key("c-4"), long),
    ];
    assert!(seen == wanted, "{:?}", seen.iter().map(|seen| &seen.2).collect::<Vec<_>>());
}

#[test]
fn every_compression_of_kafka_is_read() {
    for kind in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let flag = format!("kafka.properties.compression.type={kind}");
        let Some(stage) = Stage::set(1, &[&flag]) else { return };
        let value = format!("{kind} ").repeat(500);
        stage.put(&vec![(Some("c-1"), Some(value.as_str())); 100]);
        let seen = read_on(&mut stage.source());
        assert_eq!(seen.len(), 100, "{kind}");
        assert!(seen.iter().all(|seen| seen.3 == value), "{kind}");
    }
}

#[test]
fn a_record_above_the_bound_is_refused_and_the_next_one_read() {
    let Some(stage) = Stage::set(1, &["kafka.properties.message.max.bytes=3000000"]) else {
        return;
    };
    let broad = [("max.message.bytes", "3000000")];
    let topic = stage.broker.topic("broad", 1, &broad);
    let mut flags = vec![format!("kafka.brokers={}", stage.broker.brokers())];
    flags.push(format!("input.topic={topic}"));
    flags.push(format!("input.group={topic}"));
    flags.push("kafka.properties.message.max.bytes=3000000".to_owned());
    let stage = Stage { broker: stage.broker, settings: settings(flags) };
    let long = "x".repeat((1 << 20) + 1);
    stage.put(&[(Some("c-1"), Some(&long)), (Some("c-1"), Some("next"))]);
    let (mut source, mut batch) = (stage.source(), Batch::default());
    let began = Instant::now();
    while batch.records.len() < 2 && began.elapsed() < LIMIT {
        source.fill(&mut batch).unwrap();
    }
    let Body::Refused(reject, range) = batch.records[0].body.clone() else {
        return assert_eq!("an event", "a refused record");
    };
    assert_eq!((reject.reason, range.len()), (Reason::TooLarge, (1 << 20) + 1));
    assert!(matches!(batch.records[1].body, Body::Event(_)));
}

#[test]
fn d_2_a_commit_carries_offset_and_now_over_a_restart() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let keys: Vec<_> = (0..20).map(|i| format!("c-{i}")).collect();
    stage.put(&keys.iter().map(|key| (Some(key.as_str()), Some("v"))).collect::<Vec<_>>());
    let mut source = stage.source();
    let seen = read_on(&mut source);
    let n_first = seen.iter().filter(|seen| seen.0 == 1).count();
    assert_eq!(source.committed(0), None);
    let now = EventTime::from_millis(1_795_248_000_123);
    let positions = [
        Position { partition: 1, next_offset: 3, now },
        Position { partition: 7, next_offset: 9, now },
    ];
    source.commit(&positions).unwrap();
    assert_eq!(source.committed(1), Some(positions[0]));
    assert_eq!(source.committed(7), None, "a partition that is not ours is passed over");
    drop(source);

    let mut source = stage.source();
    let again = read_on(&mut source);
    assert_eq!(source.committed(1), Some(positions[0]));
    assert_eq!(source.committed(0), None);
    let handovers = source.handovers();
    assert!(handovers.contains(&Handover::TakenOn(1, Some(positions[0]))), "{handovers:?}");
    assert!(handovers.contains(&Handover::TakenOn(0, None)), "{handovers:?}");
    let of_1: Vec<_> = again.iter().filter(|seen| seen.0 == 1).map(|seen| seen.1).collect();
    assert_eq!(of_1, (3..i64::try_from(n_first).unwrap()).collect::<Vec<_>>());
    assert_eq!(again.len(), 20 - 3);

    let never = Position { partition: 0, next_offset: 0, now: EventTime::ALWAYS };
    source.commit(&[never]).unwrap();
    drop(source);
    let mut source = stage.source();
    read_on(&mut source);
    assert_eq!(source.committed(0), Some(never));
}

#[test]
fn d_1_a_partition_is_caught_up_only_while_nothing_waits() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let mut source = stage.source();
    assert!(!source.is_caught_up(0), "nothing is known before the first answer");
    assert_eq!(read_on(&mut source), []);
    assert!(source.is_caught_up(0) && source.is_caught_up(1));
    assert!(!source.is_caught_up(2), "there is no such partition");
    stage.put(&[(Some("c-1"), Some("v"))]);
    let (mut batch, began) = (Batch::default(), Instant::now());
    while batch.records.is_empty() && began.elapsed() < LIMIT {
        source.fill(&mut batch).unwrap();
    }
    assert_eq!(batch.records.len(), 1);
    assert_eq!(read_on(&mut source), []);
}

#[test]
fn a_batch_keeps_to_its_bound_and_every_partition_has_its_turn() {
    let Some(stage) = Stage::set(4, &["batch.records_max=100"]) else { return };
    let keys: Vec<_> = (0..2_000).map(|i| format!("c-{i}")).collect();
    stage.put(&keys.iter().map(|key| (Some(key.as_str()), Some("v"))).collect::<Vec<_>>());
    let (mut source, mut batch) = (stage.source(), Batch::default());
    let (mut n_read, began) = (0, Instant::now());
    let mut partitions = BTreeSet::new();
    while n_read < 2_000 {
        assert!(began.elapsed() < LIMIT, "{n_read} read");
        batch.clear();
        source.fill(&mut batch).unwrap();
        assert!(batch.records.len() <= 100);
        n_read += batch.records.len();
        partitions.extend(batch.records.iter().map(|raw| match raw.origin {
            Origin::Topic { partition, .. } => partition,
            Origin::File { .. } => u32::MAX,
        }));
    }
    assert_eq!(partitions, BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn a_rebalance_neither_loses_nor_crashes() {
    let Some(stage) = Stage::set(4, &[]) else { return };
    let keys: Vec<_> = (0..500).map(|i| format!("c-{i}")).collect();
    let pairs: Vec<_> = keys.iter().map(|key| (Some(key.as_str()), Some("v"))).collect();
    stage.put(&pairs);
    let mut first = stage.source();
    let mut seen: BTreeSet<_> = read_on(&mut first).into_iter().map(|s| (s.0, s.1)).collect();
    assert_eq!(seen.len(), 500);
    commit_all(&mut first, &seen);

    let mut second = stage.source();
    let mut batch = Batch::default();
    let began = Instant::now();
    while first.assigned().len() != 2 || second.assigned().len() != 2 {
        assert!(began.elapsed() < LIMIT, "{:?} {:?}", first.assigned(), second.assigned());
        first.fill(&mut batch).unwrap();
        second.fill(&mut batch).unwrap();
    }
    assert_eq!(batch.records.len(), 0, "all was committed, so nothing comes again");
    assert!(first.handovers().iter().filter(|h| matches!(h, Handover::GivenUp(_))).count() == 2);
    // A position of a partition that was given up changes nothing.
    commit_all(&mut first, &seen);
    stage.put(&pairs);
    seen.extend(read_on(&mut first).into_iter().map(|s| (s.0, s.1)));
    let n_of_first = seen.len() - 500;
    drop(first);
    let began = Instant::now();
    while seen.len() < 1_000 || second.assigned().len() != 4 {
        assert!(began.elapsed() < LIMIT, "{} of 1000", seen.len());
        seen.extend(read_on(&mut second).into_iter().map(|s| (s.0, s.1)));
    }
    assert!(0 < n_of_first && n_of_first < 500, "both had a share");
}

fn commit_all(source: &mut KafkaSource, seen: &BTreeSet<(u32, i64)>) {
    let mut next = BTreeMap::new();
    for (partition, offset) in seen {
        next.insert(*partition, offset + 1);
    }
    let now = EventTime::FIRST;
    let positions: Vec<_> = next
        .into_iter()
        .map(|(partition, next_offset)| Position { partition, next_offset, now })
        .collect();
    source.commit(&positions).unwrap();
}

#[test]
fn closing_is_quick_at_any_moment() {
    let Some(stage) = Stage::set(4, &[]) else { return };
    stage.put(&[(Some("c-1"), Some("v"))]);
    let check = |name: &str, source: KafkaSource| {
        let began = Instant::now();
        drop(source);
        assert!(began.elapsed() < Duration::from_secs(10), "{name}: {:?}", began.elapsed());
    };
    check("just joined", stage.source());
    let mut source = stage.source();
    let (mut batch, began) = (Batch::default(), Instant::now());
    while !source.is_rebalancing() && source.assigned().is_empty() {
        assert!(began.elapsed() < LIMIT);
        source.fill(&mut batch).unwrap();
    }
    check("with an assignment waiting", source);
    let mut source = stage.source();
    read_on(&mut source);
    check("at work", source);
}

#[test]
fn outputs_reach_their_topics_in_order_with_keys_tombstones_and_headers() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let mut sink = KafkaSink::connect(&stage.settings).unwrap();
    sink.settle().unwrap();
    let mut outputs = Vec::new();
    for i in 0..1_000 {
        let key = format!("c-{}", i % 10);
        outputs.push(Outgoing::Alert { key: key.clone(), value: format!("a{i}").into_bytes() });
        let value = (i % 2 == 0).then(|| format!("s{i}").into_bytes());
        outputs.push(Outgoing::Scores { key, value });
    }
    let reject = Reject::new(Reason::BadTime, "time é; wanted RFC 3339");
    let origin = Origin::Topic { partition: 3, offset: 88 };
    outputs.push(Outgoing::Reject { reject, origin, bytes: vec![0, 255, 10] });
    let reject = Reject::new(Reason::TooLarge, "d".repeat(10_000));
    outputs.push(Outgoing::Reject { reject, origin, bytes: vec![b'x'; 2_000_000] });
    sink.send(&outputs).unwrap();
    sink.settle().unwrap();

    let alerts = stage.broker.read_all(&stage.settings.output.alerts);
    assert_eq!(alerts.len(), 1_000);
    let two = NonZeroU32::new(2).unwrap();
    let mut last = BTreeMap::new();
    for alert in &alerts {
        let number: i32 = alert.value_text()[1..].parse().unwrap();
        assert!(last.insert(alert.key_text(), number).is_none_or(|before| before < number));
        let wanted = record::partition(alert.key_text().as_bytes(), two);
        assert_eq!(alert.partition.unsigned_abs(), wanted);
    }
    let scores = stage.broker.read_all(&stage.settings.output.scores);
    assert_eq!(scores.iter().filter(|score| score.value.is_none()).count(), 500);

    let rejects = stage.broker.read_all(&stage.settings.output.rejects);
    assert_eq!(rejects[0].value.as_deref(), Some(&[0, 255, 10][..]));
    let topic = stage.settings.input.topic.as_str();
    let wanted = [
        ("reason", "bad_time"),
        ("detail", "time é; wanted RFC 3339"),
        ("topic", topic),
        ("partition", "3"),
        ("offset", "88"),
    ];
    let found: Vec<_> = rejects[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(found, wanted.map(|(name, _)| name));
    for (name, value) in wanted {
        assert_eq!(rejects[0].header(name), value);
    }
    assert_eq!(rejects[1].header("bytes_total"), "2000000");
    assert!(rejects[1].value_text().len() < 1_000_000);
}

#[test]
fn a_full_queue_makes_the_sender_wait_and_loses_nothing() {
    let small = "kafka.properties.queue.buffering.max.messages=100";
    let Some(stage) = Stage::set(1, &[small]) else { return };
    let pairs = vec![(Some("c-1"), Some("v")); 5_000];
    stage.put(&pairs);
    assert_eq!(read_on(&mut stage.source()).len(), 5_000);
}

#[test]
fn an_output_that_the_broker_refuses_is_a_fault_and_stays_one() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let mut sink = KafkaSink::connect(&stage.settings).unwrap();
    // Longer than what the topic takes, and not compressible by much.
    let value: Vec<u8> =
        (0_u32..1_500_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let sent = sink.send(&[Outgoing::Alert { key: "c-1".to_owned(), value }]);
    let result = sent.and_then(|()| sink.settle());
    let text = words(result);
    assert!(text.starts_with("cannot write to the broker: 127.0.0.1:"), "{text}");
    assert!(text.contains(&stage.settings.output.alerts), "{text}");
    assert!(text.contains("\nsafe: no offset was committed"), "{text}");
}

#[test]
fn a_broker_that_is_not_there_is_a_clear_fault_after_the_tries() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let settings = settings(vec![
        format!("kafka.brokers={closed}"),
        "retry.tries_max=2".to_owned(),
        "retry.wait_first=10ms".to_owned(),
    ]);
    let wanted = format!("cannot reach the broker: {closed}: connection refused, 2 tries in ");
    let text = words(KafkaSource::connect(&settings));
    assert!(text.starts_with(&wanted), "{text}");
    let text = words(KafkaSink::connect(&settings));
    assert!(text.starts_with(&wanted), "{text}");
    let findings = ebb::kafka::check(&settings);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].grade, Grade::Bad);
    assert!(findings[0].to_string().contains("set kafka.brokers"), "{}", findings[0]);
}

#[test]
fn a_missing_topic_is_a_clear_fault_with_the_command_that_makes_it() {
    let Some(stage) = Stage::set(1, &["input.topic=nowhere", "output.scores=nowhere-else"]) else {
        return;
    };
    let text = words(KafkaSource::connect(&stage.settings));
    assert!(text.starts_with("cannot use topic nowhere: "), "{text}");
    assert!(text.contains("kafka-topics.sh --bootstrap-server 127.0.0.1:"), "{text}");
    let text = words(KafkaSink::connect(&stage.settings));
    assert!(text.starts_with("cannot use topic nowhere-else: "), "{text}");

    let findings = ebb::kafka::check(&stage.settings);
    let bad: Vec<_> = findings.iter().filter(|finding| finding.grade == Grade::Bad).collect();
    assert_eq!(bad.len(), 2, "{findings:?}");
    let text = bad[1].to_string();
    assert!(text.contains("--create --topic nowhere-else --partitions 4 --config cleanup.policy"));
}

#[test]
fn check_is_content_with_a_right_cluster_and_doubts_a_wrong_cleanup() {
    let Some(stage) = Stage::set(3, &[]) else { return };
    let findings = ebb::kafka::check(&stage.settings);
    assert!(findings.iter().all(|finding| finding.grade == Grade::Good), "{findings:?}");
    assert!(findings[1].found.ends_with(": 3 partitions, cleanup.policy=delete"), "{findings:?}");

    let loose = stage.broker.topic("loose", 1, &[]);
    let flag = format!("output.scores={loose}");
    let Some(stage) = Stage::set(1, &[&flag]) else { return };
    let findings = ebb::kafka::check(&stage.settings);
    let doubtful: Vec<_> = findings.iter().filter(|f| f.grade == Grade::Doubtful).collect();
    assert_eq!(doubtful.len(), 1, "{findings:?}");
    assert!(doubtful[0].to_string().contains("--add-config cleanup.policy=compact"));
}

#[test]
fn a_committed_offset_whose_records_are_gone_stops_the_start() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    stage.put(&[(Some("c-1"), Some("v")); 10]);
    let mut source = stage.source();
    read_on(&mut source);
    let position = |next_offset| Position { partition: 0, next_offset, now: EventTime::FIRST };
    source.commit(&[position(99)]).unwrap();
    drop(source);
    let beyond = until_fault(&mut stage.source());
    assert!(matches!(beyond, Fault::DataLoss(_)), "{beyond}");
    assert!(beyond.to_string().contains("the topic ends at 10: it was made anew"), "{beyond}");
    assert!(beyond.to_string().contains(":0 --reset-offsets --to-earliest --execute"), "{beyond}");

    let stage = Stage::set(1, &[]).unwrap();
    stage.put(&[(Some("c-1"), Some("v")); 10]);
    let mut source = stage.source();
    read_on(&mut source);
    source.commit(&[position(2)]).unwrap();
    drop(source);
    stage.broker.delete_before(&stage.settings.input.topic, 0, 5);
    let gone = until_fault(&mut stage.source());
    assert!(matches!(gone, Fault::DataLoss(_)), "{gone}");
    assert!(gone.to_string().contains("the records 2 to 4 are no longer on the topic"), "{gone}");
}

fn until_fault(source: &mut KafkaSource) -> Fault {
    let (mut batch, began) = (Batch::default(), Instant::now());
    loop {
        assert!(began.elapsed() < LIMIT, "no fault");
        if let Err(fault) = source.fill(&mut batch) {
            return fault;
        }
    }
}
