//! What one instance writes that nothing befalls, and whether that is what was written.
//!
//! Rules   in live mode that instance goes by the journal that is there at the end, record by
//!         record. Where outputs and offsets do not share a transaction, what is written twice
//!         counts once.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::OnceLock;

use ebb::run::settings::Delivery;
use ebb::run::{Journal, Pump, Spread};
use ebb::state::rules::Publish;
use ebb::state::{Engine, Row, Rules};
use ebb::unit::EventTime;
use ebb::wire::{
    Batch, Body, Fault, Fetched, MemorySink, MemorySource, Origin, Outgoing, RawRecord, Source,
};
use serde_json::Value;

use super::schedule::Plan;
use super::world::{Record, World};
use crate::engine;
use crate::played::default_options;

/// The rules of every engine here.
pub(super) fn rules() -> Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    let rules = RULES.get_or_init(|| Rules {
        publish: Publish::Changes { min_change: 1.0 },
        topic: Some(super::TOPIC.to_owned()),
        ..engine::rules(&default_options())
    });
    rules.clone()
}

/// The records of one partition, at once.
struct Whole<'w> {
    partition: u32,
    records: &'w [Record],
}

impl Source for Whole<'_> {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
        for record in std::mem::take(&mut self.records) {
            let key = Some(Some(batch.store(record.key.as_bytes())));
            let body = Body::Event(batch.store(record.line.as_bytes()));
            let origin = Origin::Topic { partition: self.partition, offset: record.offset };
            batch.records.push(RawRecord { body, key, original: None, origin });
        }
        Ok(Fetched::End)
    }

    fn name(&self, _origin: Origin) -> &str {
        super::TOPIC
    }
}

/// Fails unless what stands on the topics of `world`, and in the engines that own the partitions
/// in the end, is what one run gives.
pub(super) fn compare(world: &World, plan: Plan, engines: &[&Engine], assigned: &[Vec<u32>]) {
    let mut sink = MemorySink::default();
    let mut again = MemorySink::default();
    for (partition, log) in (0..).zip(&world.input) {
        let owner = assigned.iter().position(|of| of.contains(&partition)).unwrap();
        let engine = engines[owner];
        let to = (partition, engine.now(partition));
        for whole in [by_offsets(world, to, &mut sink), by_names(world, to, &mut again)] {
            same_state(world, partition, (engine, whole.engine()));
        }
        let committed = world.committed[partition as usize];
        let done = log.records.last().map(|last| last.offset + 1);
        let is_done = committed.map(|it| it.next_offset).max(Some(log.begin)) >= done;
        let is_past = committed.is_none_or(|it| it.now <= engine.now(partition));
        assert!(is_done && is_past, "{committed:?} {done:?}");
    }
    let found: Vec<&Outgoing> = world.outputs().collect();
    let wanted: Vec<&Outgoing> = sink.sent().iter().collect();
    let by_names: Vec<&Outgoing> = again.sent().iter().collect();
    assert_eq!(without_places(&by_names), without_places(&wanted), "by offsets and by names");
    same_outputs(world, plan, by_owner(&found), by_owner(&wanted));
}

/// What went out of whom, without the places of records, which files do not have (D-5).
fn without_places(outputs: &[&Outgoing]) -> BTreeMap<Owner, Vec<String>> {
    let mut found = by_owner(outputs);
    found.retain(|(kind, _), _| *kind != "rejects");
    for (_, words) in found.iter_mut().filter(|((kind, _), _)| *kind == "alerts") {
        for alert in words {
            let mut json: Value = serde_json::from_str(alert).unwrap();
            if let Some(cause) = json.get_mut("cause").and_then(Value::as_object_mut) {
                cause.retain(|key, _| key == "type" || key == "id");
            }
            *alert = json.to_string();
        }
    }
    found
}

/// Plays a partition in one go, by what the journal says of offsets.
fn by_offsets(world: &World, to: (u32, EventTime), sink: &mut MemorySink) -> Pump<'static> {
    let (partition, now) = to;
    let log = &world.input[partition as usize];
    let mut pump = Pump::new(Engine::new(rules(), 0), Spread::AsTheyCome, None);
    let (notes, _) = world.notes(partition, 0);
    pump.begin(partition, None, (log.begin, None), &notes);
    pump.turn(&mut Whole { partition, records: &log.records }, sink).unwrap();
    pump.advance(partition, now, sink).unwrap();
    pump
}

/// Plays a partition in one go, by what the journal says of events where there are no offsets, as
/// `ebb replay` does; every note must find its record.
fn by_names(world: &World, to: (u32, EventTime), sink: &mut MemorySink) -> Pump<'static> {
    let (partition, now) = to;
    let log = &world.input[partition as usize];
    let n_partitions = u32::try_from(world.input.len()).ok().and_then(NonZeroU32::new).unwrap();
    let engine = Engine::new(rules(), n_partitions.get());
    let mut pump = Pump::new(engine, Spread::ByCustomer(n_partitions), None);
    let (notes, _) = world.notes(partition, 0);
    let mut journal = Journal::default();
    journal.add(partition, &notes);
    pump.follow(journal);
    let lines = log.records.iter().map(|record| record.line.clone());
    pump.turn(&mut MemorySource::new(lines, usize::MAX), sink).unwrap();
    pump.advance(partition, now, sink).unwrap();
    assert_eq!(pump.journal().map(Journal::n_left), Some(0), "notes are left");
    pump
}

fn same_state(world: &World, partition: u32, engines: (&Engine, &Engine)) {
    let (found, wanted) = engines;
    let times = (found.now(partition), wanted.now(partition));
    assert_eq!(times.0, times.1, "the time of {partition}\n{}", scene(world, partition));
    let rows = (rows(found, partition), rows(wanted, partition));
    assert_eq!(rows.0, rows.1, "the customers of {partition}\n{}", scene(world, partition));
}

fn same_outputs(
    world: &World,
    plan: Plan,
    mut found: BTreeMap<Owner, Vec<String>>,
    mut wanted: BTreeMap<Owner, Vec<String>>,
) {
    let owners: BTreeSet<Owner> = found.keys().chain(wanted.keys()).cloned().collect();
    for owner in owners {
        let found = found.remove(&owner).unwrap_or_default();
        let wanted = wanted.remove(&owner).unwrap_or_default();
        let last = (found.last().cloned(), wanted.last().cloned());
        let (found, wanted) = match plan.delivery {
            // The same scores may be reached twice, at one instant.
            Delivery::EffectivelyOnce => (once(found), once(wanted)),
            Delivery::ExactlyOnce => (found, wanted),
        };
        let scenes = || {
            let all = (0..).zip(&world.input).map(|(partition, _)| scene(world, partition));
            all.collect::<Vec<String>>().join("\n")
        };
        assert_eq!(found, wanted, "what was written of {owner:?}\n{}", scenes());
        if !world.has_stragglers() {
            assert_eq!(last.0, last.1, "what was written last of {owner:?}\n{}", scenes());
        }
    }
}

/// The records and notes of a partition, for whoever has to find out what went wrong.
fn scene(world: &World, partition: u32) -> String {
    let log = &world.input[partition as usize];
    let records = log.records.iter().map(|record| format!("{} {}", record.offset, record.line));
    let notes = world.notes(partition, 0).0.into_iter().map(|note| format!("{note:?}"));
    let committed = world.committed[partition as usize];
    let lines: Vec<String> = records.chain(notes).collect();
    format!("{}\n{committed:?}", lines.join("\n"))
}

/// The rows of a partition, by customer.
fn rows(engine: &Engine, partition: u32) -> BTreeMap<String, Vec<(String, String)>> {
    let (model, now) = (&engine.rules().model, engine.now(partition));
    if now == EventTime::ALWAYS {
        return BTreeMap::new();
    }
    let rows = engine.customers(partition).map(|customer| {
        let cells = Row::of(customer, model, now).cells();
        (customer.id().to_owned(), Row::columns(model).into_iter().zip(cells).collect())
    });
    rows.collect()
}

/// What hangs together and keeps its order: a kind of output, and whose it is.
type Owner = (&'static str, String);

fn by_owner(outputs: &[&Outgoing]) -> BTreeMap<Owner, Vec<String>> {
    let mut found: BTreeMap<Owner, Vec<String>> = BTreeMap::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for output in outputs {
        let (owner, words) = match output {
            Outgoing::Alert { key, value } => (("alerts", key.clone()), text(value)),
            Outgoing::Scores { key, value } => {
                (("scores", key.clone()), value.as_deref().map(text).unwrap_or_default())
            }
            Outgoing::Reject { reject, origin, bytes } => {
                let Origin::Topic { partition, offset } = origin else { continue };
                let words = format!("{offset}: {:?} {}", reject.reason, text(bytes));
                (("rejects", partition.to_string()), words)
            }
            Outgoing::Receipt { key, value } => (("receipts", key.clone()), text(value)),
            Outgoing::Journal { .. } => continue,
        };
        found.entry(owner).or_default().push(words);
    }
    found
}

/// What is left of `words` where only the first of each counts.
fn once(words: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words.into_iter().filter(|words| seen.insert(words.clone())).collect()
}
