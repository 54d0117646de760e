//! The engine behind the same shapes as the oracle.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use ebb::model::{Model, load, shipped};
use ebb::record::{Decoded, decode, partition};
use ebb::run::Counts;
use ebb::state::{Applied, Arrival, Engine, Output, Row, Rules, TimersSwitch};
use ebb::unit::{EventTime, Span};

use crate::played::{Options, Played, Timers};

/// Plays `lines` through the engine.
pub(crate) fn play(lines: &[String], options: &Options) -> Played {
    play_by(rules(options), lines, options)
}

/// Plays `lines` through an engine that goes by `rules`.
pub(crate) fn play_by(rules: Rules, lines: &[String], options: &Options) -> Played {
    let mut engine = Engine::new(rules, options.partitions);
    let spread = NonZeroU32::new(options.partitions).expect("at least one partition");
    let (mut counts, mut played) = (Counts::default(), Played::default());
    for chunk in lines.chunks(options.chunk) {
        let mut arrivals = Vec::new();
        for line in chunk {
            counts.read += 1;
            match decode(line.as_bytes()) {
                Ok(Decoded::Event(event)) => {
                    let partition = partition(event.customer_id.as_bytes(), spread);
                    arrivals.push(Arrival { partition, ..Arrival::plain(event) });
                }
                Ok(Decoded::Unknown(_)) => counts.unknown += 1,
                Err(reject) => counts.reject(reject.reason),
            }
        }
        let applied = engine.apply(&arrivals);
        for (fate, arrival) in applied.fates.iter().zip(&arrivals) {
            counts.fate(*fate, arrival.event.kind);
        }
        take(applied, &mut counts, &mut played);
    }
    for number in 0..options.partitions {
        if let Some(until) = options.until {
            let applied = engine.advance(number, EventTime::from_millis(until));
            take(applied, &mut counts, &mut played);
        }
        let model = &engine.rules().model;
        for customer in engine.customers(number) {
            let row = Row::of(customer, model, engine.now(number));
            let cells = Row::columns(model).into_iter().zip(row.cells());
            played.customers.insert(customer.id().to_owned(), cells.collect());
        }
    }
    played.counts = tally(&counts);
    played
}

fn take(applied: Applied, counts: &mut Counts, played: &mut Played) {
    counts.tally.add(applied.tally);
    for output in applied.outputs {
        if let Output::Alert(_, json) = output {
            let json = serde_json::from_slice(&json).expect("an alert is JSON");
            played.alerts.push(json);
        }
    }
}

fn tally(counts: &Counts) -> BTreeMap<String, u64> {
    let named = [
        ("read", counts.read),
        ("applied", counts.applied),
        ("duplicate", counts.duplicate),
        ("late", counts.late),
        ("too_old", counts.too_old),
        ("erased", counts.erased),
        ("unknown", counts.unknown),
        ("rejected", counts.rejected_in_all()),
        ("suppressed", counts.tally.n_suppressed),
        ("snoozed", counts.tally.n_snoozed),
    ];
    named.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

/// The rules that `options` ask for.
pub(crate) fn rules(options: &Options) -> Rules {
    Rules {
        timers: match options.timers {
            Timers::On => TimersSwitch::On,
            Timers::Off => TimersSwitch::Off,
        },
        n_lanes: options.lanes,
        ..Rules::plain(model(options))
    }
}

/// The model that `options` ask for, with their tuning.
fn model(options: &Options) -> Model {
    let text = options.model.as_deref().unwrap_or(shipped::DEFAULT);
    let catalog = format!("[features]\n\"*\" = {}\n", options.features);
    let mut model = load(text, &catalog, None).unwrap_or_else(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("the model is faulty: {}", faults.join("; "))
    });
    if options.model.is_none() {
        for (score, tuning) in model.scores.iter_mut().zip(options.tuning) {
            score.exit_margin = tuning.exit_margin;
            score.dwell = Span::millis(tuning.dwell);
            score.cooldown = Span::millis(tuning.cooldown);
        }
    }
    model
}
