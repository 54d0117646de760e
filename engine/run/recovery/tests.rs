#![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

use super::*;

use std::sync::Arc;
use std::time::Instant;

use crate::model::{load, shipped};
use crate::run::press::Reach;
use crate::run::service::Workers;
use crate::wire::store::{MemoryStore, Store};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(60);

fn bench(store: &MemoryStore, workers: Workers) -> Bench {
    let model = load(shipped::DEFAULT, "[features]\n\"*\" = 3\n", None).unwrap();
    let topic = "customer-events".to_owned();
    let rules = Rules { topic: Some(topic.clone()), ..Rules::plain(model) };
    let store = Arc::new(store.clone());
    let archive = Archive { store, topic, workers, published: None };
    Bench { rules, archive, journal: None, missing: Missing::Stop }
}

/// A job that goes on behind `next_offset`, on a topic that begins there.
fn job(number: u64, next_offset: i64) -> Job {
    let committed = Position { partition: 0, next_offset, now: EventTime::ALWAYS };
    let committed = Some(committed).filter(|_| 1 < number);
    Job { partition: 0, number, committed, earliest: next_offset, n_partitions: 1 }
}

/// A store with the checkpoint of nothing that a first start leaves.
fn begun(next_offset: i64) -> MemoryStore {
    let store = MemoryStore::default();
    let mut hands = Hands::own(bench(&store, Workers::Own));
    hands.start(job(1, next_offset)).unwrap();
    assert!(hands.next().unwrap().unwrap().restored.is_none());
    assert_eq!(store.list().unwrap().len(), 1);
    store
}

fn wait(hands: &mut Hands) -> Result<Ready, Fault> {
    let began = Instant::now();
    loop {
        if let Some(ready) = hands.next()? {
            return Ok(ready);
        }
        assert!(began.elapsed() < LIMIT, "it is never ready");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn whoever_takes_a_partition_on_does_not_wait_for_a_store_that_is_away() {
    let store = begun(5);
    let mut hands = Hands::apart(bench(&store, Workers::Apart));
    store.set_away(true);
    let guess = hands.start(job(2, 5)).unwrap();
    assert_eq!(guess.wait(Duration::from_millis(20)), None);
    assert!(hands.next().unwrap().is_none());
    store.set_away(false);
    assert_eq!(guess.wait(LIMIT), Some(5));
    let ready = wait(&mut hands).unwrap();
    assert_eq!((ready.job.number, ready.from), (2, 5));
    assert!(ready.restored.is_some());
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_passed_over_only_where_the_store_answers() {
    let store = begun(5);
    let [stored] = store.list().unwrap().try_into().unwrap();
    let mut bench = bench(&store, Workers::Apart);
    let names = vec![stored.name.clone()];
    store.set_away(true);
    let mended = store.clone();
    let mends = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        mended.set_away(false);
    });
    let ready = bench.prepare(job(2, 5), names.clone()).unwrap();
    assert!(ready.restored.is_some());
    mends.join().unwrap();

    store.wear_out(stored.name);
    let lost = bench.prepare(job(3, 5), names).unwrap_err();
    assert!(matches!(lost, Fault::DataLoss(_)) && lost.to_string().contains(": away"), "{lost}");
}

#[test]
fn nobody_waits_for_a_store_where_nothing_happens_beside() {
    let store = begun(5);
    store.set_away(true);
    let mut hands = Hands::own(bench(&store, Workers::Own));
    assert!(matches!(hands.start(job(2, 5)), Err(Fault::Input(_))));
}

#[test]
fn a_checkpoint_ahead_of_the_snapshots_gives_way_to_the_one_before_it() {
    let store = begun(5);
    let bench = bench(&store, Workers::Own);
    // Two more of nothing, as if the partition had gone on without events.
    for next_offset in [7, 9] {
        bench.leave_origin(&job(1, next_offset)).unwrap();
    }
    let order = |published: Option<i64>, earliest: i64| {
        let reach: Option<Reach> = published
            .map(|offset| Arc::new(move |_, _| Some((offset, EventTime::ALWAYS))) as Reach);
        let archive = Archive { published: reach, ..bench.archive.clone() };
        let names = archive.look(&Job { earliest, ..job(2, 9) }).unwrap().names;
        names.iter().map(|name| name.next_offset).collect::<Vec<_>>()
    };
    assert_eq!(order(None, 5), [9, 7, 5]);
    assert_eq!(order(Some(9), 5), [9, 7, 5]);
    assert_eq!(order(Some(8), 5), [7, 9, 5]);
    assert_eq!(order(Some(8), 8), [9, 7, 5], "what came since is gone");
    assert_eq!(order(Some(6), 5), [9, 7, 5], "snapshots have been away for longer");
}
