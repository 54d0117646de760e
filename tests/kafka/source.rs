//! The source by itself: what comes, in which order, and when there is no more.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Instant;

use ebb::record;
use ebb::record::reject::Reason;
use ebb::wire::{Batch, Body, Origin};

use super::{LIMIT, Stage, read_on, settings};

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
