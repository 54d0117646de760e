//! The source as a member of its group: commits, restarts, rebalances, and a broker that goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ebb::unit::EventTime;
use ebb::wire::{Batch, Fault, Fetched, Handover, Origin, Position};

use super::load::Heard;
use super::{LIMIT, Member, Stage, read_on, settings, words};
use crate::broker::{self, Broker};

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
    // Caught up may still be said of what was there before: until the first has its share.
    let began = Instant::now();
    while seen.len() == 500 {
        assert!(began.elapsed() < LIMIT, "the first saw nothing of its share");
        seen.extend(read_on(&mut first).into_iter().map(|s| (s.0, s.1)));
    }
    let n_of_first = seen.len() - 500;
    drop(first);
    let began = Instant::now();
    while seen.len() < 1_000 || second.assigned().len() != 4 {
        assert!(began.elapsed() < LIMIT, "{} of 1000", seen.len());
        seen.extend(read_on(&mut second).into_iter().map(|s| (s.0, s.1)));
    }
    assert!(0 < n_of_first && n_of_first < 500, "both had a share");
}

fn commit_all(source: &mut Member, seen: &BTreeSet<(u32, i64)>) {
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
fn an_instance_that_another_one_replaces_is_fenced() {
    let Some(stage) = Stage::set(1, &["kafka.instance_id=ebb-0"]) else { return };
    let mut first = stage.source();
    read_on(&mut first);
    let mut second = stage.source();
    let (mut batch, began) = (Batch::default(), Instant::now());
    let fault = loop {
        assert!(began.elapsed() < LIMIT, "no fault");
        second.fill(&mut batch).unwrap();
        if let Err(fault) = first.fill(&mut batch) {
            break fault;
        }
    };
    assert!(matches!(fault, Fault::Fenced(_)), "{fault:?}");
    assert!(fault.to_string().contains("the same kafka.instance_id"), "{fault}");
}

#[test]
fn a_broker_that_goes_away_is_waited_for_and_then_a_clear_fault() {
    if broker::shared().is_none() {
        return;
    }
    let Ok(own) = Broker::start() else { return };
    let topic = own.topic("events", 1, &[]);
    let mut source = Member::join(&settings(vec![
        format!("kafka.brokers={}", own.brokers()),
        format!("input.topic={topic}"),
        "retry.tries_max=2".to_owned(),
        "retry.wait_first=50ms".to_owned(),
        "kafka.properties.session.timeout.ms=6000".to_owned(),
    ]));
    read_on(&mut source);
    let now = EventTime::FIRST;
    source.commit(&[Position { partition: 0, next_offset: 0, now }]).unwrap();
    drop(own);
    let (mut batch, began) = (Batch::default(), Instant::now());
    let mut was_away = false;
    let fault = loop {
        assert!(began.elapsed() < LIMIT, "no fault");
        match source.fill(&mut batch) {
            Ok(fetched) => {
                was_away |= !source.is_reachable();
                let is_known = source.is_reachable() || fetched != Fetched::CaughtUp;
                assert!(is_known && source.is_caught_up(0) == source.is_reachable());
            }
            Err(fault) => break fault,
        }
    };
    assert!(was_away, "it was noticed before it was given up");
    let text = fault.to_string();
    assert!(matches!(fault, Fault::Broker(_)) && text.contains(", 2 tries in "), "{text}");
    assert!(text.contains(&format!("safe: nothing is committed beyond {topic}-0@-1")), "{text}");
    let text = words(source.commit(&[Position { partition: 0, next_offset: 0, now }]));
    assert!(text.starts_with("cannot reach the broker: 127.0.0.1:"), "{text}");
}

#[test]
fn no_record_comes_before_its_partition_was_announced() {
    let Some(stage) = Stage::set(4, &[]) else { return };
    let keys: Vec<_> = (0..100).map(|i| format!("c-{i}")).collect();
    stage.put(&keys.iter().map(|key| (Some(key.as_str()), Some("v"))).collect::<Vec<_>>());
    let (mut source, mut batch) = (stage.source(), Batch::default());
    let (mut announced, mut n_read, began) = (BTreeSet::new(), 0, Instant::now());
    while n_read < 100 {
        assert!(began.elapsed() < LIMIT, "{n_read} read");
        batch.clear();
        source.fill(&mut batch).unwrap();
        for raw in &batch.records {
            let Origin::Topic { partition, .. } = raw.origin else { continue };
            assert!(announced.contains(&partition), "{partition}");
        }
        n_read += batch.records.len();
        for handover in source.handovers() {
            assert_eq!(batch.records.len(), 0);
            if let Handover::TakenOn(partition, _) = handover {
                announced.insert(partition);
            }
        }
    }
}

#[test]
fn closing_is_quick_at_any_moment() {
    let Some(stage) = Stage::set(4, &[]) else { return };
    stage.put(&[(Some("c-1"), Some("v"))]);
    let check = |name: &str, source: Member| {
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

fn until_fault(source: &mut Member) -> Fault {
    let (mut batch, began) = (Batch::default(), Instant::now());
    loop {
        assert!(began.elapsed() < LIMIT, "no fault");
        if let Err(fault) = source.fill(&mut batch) {
            return fault;
        }
    }
}

#[test]
fn until_caught_up_means_the_partitions_of_others_too() {
    let Some(stage) = Stage::set(4, &[]) else { return };
    let keys: Vec<_> = (0..40).map(|i| format!("c-{i}")).collect();
    stage.put(&keys.iter().map(|key| (Some(key.as_str()), Some("{}"))).collect::<Vec<_>>());
    // It has its share, and does nothing.
    let mut other = stage.source();
    read_on(&mut other);
    let folder = tempfile::tempdir().unwrap();
    let mut run = Heard::start(stage.command(folder.path(), &[]).arg("--until-caught-up"));
    let began = Instant::now();
    while run.n_said("other members of the group are not yet") == 0 {
        assert!(began.elapsed() < LIMIT, "{}", run.said());
        other.fill(&mut Batch::default()).unwrap();
    }
    assert_eq!(other.assigned().len(), 2);
    drop(other);
    assert_eq!(run.end().code(), Some(0), "{}", run.said());
    assert_eq!(stage.broker.read_all(&stage.settings.output.rejects).len(), 40);
}
