//! Whether what stands on the topics is what one undisturbed run over the same events gives.
//!
//! Rules   readers see what is committed. Where there are no transactions, what is repeated
//!         counts once; it must be the same to the last byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::EFFECTIVELY;
use super::course::Course;
use super::group::text;
use crate::mishap::Mishap;

/// Fails unless the topics hold what `ebb replay` gives; says how much was compared.
pub(super) fn compare(course: &mut Course<'_>) -> String {
    let stage = &course.stage;
    let path = |name: &str| stage.path(name).to_str().unwrap().to_owned();
    let (alerts, scores, rejects) = (path("a.jsonl"), path("s.jsonl"), path("r.jsonl"));
    let (events, settings, journal) = (path("events.jsonl"), path("ebb.toml"), path("journal"));
    let outputs = ["--alerts", &alerts, "--scores", &scores, "--rejects", &rejects];
    let replay = ["replay", "--partitions", "4", "--settings", &settings];
    if course.plan.clock == "live" {
        stage.run(&["journal", "--settings", &settings, &journal]);
        let journal = ["--clock-journal", &journal, &events];
        let said = stage.run(&[&replay[..], &outputs[..], &journal[..]].concat());
        assert!(!said.contains("notes on events found none"), "{said}");
    } else {
        stage.run(&[&replay[..], &outputs[..], &[events.as_str()]].concat());
    }
    let is_repeated = course.plan.delivery == EFFECTIVELY;
    let topic = |name: &str| {
        let records = stage.broker.read_all(name).into_iter();
        by_customer(records.filter_map(|record| record.value), is_repeated)
    };
    let file = |name: &str| {
        let text = text(Path::new(name));
        let lines = text.lines().map(|line| line.as_bytes().to_vec());
        by_customer(lines, is_repeated)
    };
    let n_alerts = same("alerts", &topic(&stage.alerts), &file(&alerts));
    let n_scores = same("scores", &topic(&stage.scores), &file(&scores));
    let places = stage.broker.read_all(&stage.rejects).into_iter();
    let places = places.map(|record| (record.header("partition"), record.header("offset")));
    let places: Vec<_> = places.collect();
    let n_unique = places.iter().collect::<BTreeSet<_>>().len();
    assert!(is_repeated || n_unique == places.len(), "a reject stands there twice");
    assert_eq!(n_unique, text(Path::new(&rejects)).lines().count(), "rejects");
    assert!(50 < n_alerts, "{n_alerts} alerts are too few to tell anything");
    let said = |words: &str| -> usize {
        (0..3).map(|slot| text(&stage.log(slot)).matches(words).count()).sum()
    };
    let (n_handovers, n_undone) = (said("partition taken on"), said("a transaction is undone"));
    let n_put_out = said("the group has put this instance out");
    let kills = course.counts.get(&Mishap::Kill).copied().unwrap_or_default();
    format!(
        "{kills} kills, {:?}, {n_handovers} partitions taken on, {n_undone} transactions undone, \
         {n_put_out} put out unheard, {} events, {n_alerts} alerts, {n_scores} scores",
        course.counts, course.plan.n_events
    )
}

/// By customer, in order: outputs without what tells the doors apart (D-5).
fn by_customer(
    lines: impl Iterator<Item = Vec<u8>>,
    is_repeated: bool,
) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in lines {
        let mut value: Value = serde_json::from_slice(&line).unwrap();
        if let Some(cause) = value.get_mut("cause").and_then(Value::as_object_mut) {
            cause.retain(|key, _| key == "type" || key == "id");
        }
        let customer = value["customer_id"].as_str().unwrap().to_owned();
        let words = value.to_string();
        if !is_repeated || seen.insert(words.clone()) {
            found.entry(customer).or_default().push(words);
        }
    }
    found
}

/// Fails unless both are the same, customer by customer; how much there is.
fn same(
    what: &str,
    found: &BTreeMap<String, Vec<String>>,
    wanted: &BTreeMap<String, Vec<String>>,
) -> usize {
    let customers: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    let n_customers = customers.len();
    let mut differ = customers;
    differ.retain(|customer| found.get(*customer) != wanted.get(*customer));
    if let Some(first) = differ.first() {
        let of = |all: &BTreeMap<String, Vec<String>>| all.get(*first).cloned().unwrap_or_default();
        let (found, wanted) = (of(found), of(wanted));
        let at = (0..).find(|at| found.get(*at) != wanted.get(*at)).unwrap_or_default();
        panic!(
            "{what} of {} of {n_customers} customers differ: {differ:?}\n{first}: {} found, {} \
             wanted; number {at}:\n  found {:?}\n  wanted {:?}",
            differ.len(),
            found.len(),
            wanted.len(),
            found.get(at),
            wanted.get(at)
        );
    }
    wanted.values().map(Vec::len).sum()
}
