//! A hostile stream with everything that can come between two records.
//!
//! Rules   the same seed gives the same script; what waits for its time, and when the clock
//!         moves, is part of it, so that several engines can play it side by side.

use std::num::NonZeroU32;

use ebb::record::{Decoded, decode, partition};
use ebb::score::Tally;
use ebb::state::rules::Publish;
use ebb::state::{Applied, Arrival, Engine, Fate, Output, Rules};
use ebb::unit::{EventTime, Span};

use crate::engine;
use crate::oracle::streams::{Random, Size, stream};
use crate::oracle::traces::options;
use crate::played::{Options, Timers};

/// One step of a script.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// These lines, each with whether it waits for its time.
    Apply(Vec<(usize, bool)>),
    /// The time of a partition moves.
    Advance(u32, EventTime),
}

/// A whole script.
pub(crate) struct Script {
    pub(crate) lines: Vec<String>,
    pub(crate) options: Options,
    pub(crate) steps: Vec<Step>,
}

/// What came out of a step, but for what was judged for nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    fates: Vec<Fate>,
    said: Vec<String>,
    kept_back: (u64, u64),
}

impl Script {
    /// The script of `seed`.
    pub(crate) fn new(seed: u64, size: Size) -> Script {
        let mut random = Random(seed ^ 0xc4ec);
        let mut lines = stream(seed, size);
        let mut options = options(seed, &lines);
        if seed.is_multiple_of(5) {
            options.timers = Timers::Off;
        }
        let n_partitions = NonZeroU32::new(options.partitions).expect("at least one");
        let mut nows = vec![i64::MIN; options.partitions as usize];
        let (mut steps, mut batch) = (Vec::new(), Vec::new());
        let mut requests = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else { continue };
            let place = partition(event.customer_id.as_bytes(), n_partitions);
            let now = &mut nows[place as usize];
            let waits = *now < event.time.millis() && *now != i64::MIN && random.chance(15);
            if !waits {
                *now = (*now).max(event.time.millis());
            }
            batch.push((index, waits));
            if random.chance(2) {
                // The customer asks to be forgotten, in the midst of a batch.
                batch.push((lines.len() + requests.len(), false));
                requests.push(format!(
                    r#"{{"id":"forget-{index}","type":"erasure_requested","customer_id":"{}","time":{}}}"#,
                    event.customer_id,
                    (*now).max(0)
                ));
            }
            if random.chance(40) {
                steps.push(Step::Apply(std::mem::take(&mut batch)));
            }
            if *now != i64::MIN && random.chance(10) {
                // Between two records, sometimes into the midst of a crowd of timers.
                *now += random.span().abs() / 7;
                steps.push(Step::Apply(std::mem::take(&mut batch)));
                steps.push(Step::Advance(place, EventTime::from_millis(*now)));
            }
        }
        steps.push(Step::Apply(batch));
        lines.extend(requests);
        for (place, now) in (0..).zip(nows) {
            if now != i64::MIN {
                let to = EventTime::from_millis(now).plus(Span::days(45));
                steps.push(Step::Advance(place, to));
            }
        }
        Script { lines, options, steps }
    }

    /// An engine for it with `n_lanes` lanes a partition.
    pub(crate) fn engine(&self, n_lanes: usize) -> Engine {
        Engine::new(self.rules(n_lanes), self.options.partitions)
    }

    /// The rules it is played by.
    pub(crate) fn rules(&self, n_lanes: usize) -> Rules {
        Rules {
            publish: Publish::Changes { min_change: 1.0 },
            topic: Some("customer-events".to_owned()),
            n_lanes,
            ..engine::rules(&self.options)
        }
    }

    /// The records of step `index`, each at the next of the offsets of its partition.
    pub(crate) fn arrivals(
        &self,
        index: usize,
        next_offsets: &mut std::collections::BTreeMap<u32, i64>,
    ) -> Vec<Arrival<'_>> {
        let n_partitions = NonZeroU32::new(self.options.partitions).expect("at least one");
        let Step::Apply(batch) = &self.steps[index] else { return Vec::new() };
        let arrivals = batch.iter().filter_map(|(line, waits)| {
            let bytes = self.lines[*line].as_bytes();
            let Ok(Decoded::Event(event)) = decode(bytes) else { return None };
            let partition = partition(event.customer_id.as_bytes(), n_partitions);
            let next = next_offsets.entry(partition).or_insert(0);
            let offset = Some(*next);
            *next += 1;
            let waits = waits.then_some(bytes);
            Some(Arrival { partition, offset, waits, ..Arrival::plain(event) })
        });
        arrivals.collect()
    }

    /// Plays step `index` on `engine`.
    pub(crate) fn play(&self, index: usize, engine: &mut Engine) -> Heard {
        let n_partitions = NonZeroU32::new(self.options.partitions).expect("at least one");
        let applied = match &self.steps[index] {
            Step::Advance(partition, to) => engine.advance(*partition, *to),
            Step::Apply(batch) => {
                let arrivals = batch.iter().filter_map(|(line, waits)| {
                    let bytes = self.lines[*line].as_bytes();
                    let Ok(Decoded::Event(event)) = decode(bytes) else { return None };
                    let partition = partition(event.customer_id.as_bytes(), n_partitions);
                    let offset = i64::try_from(*line).ok();
                    let waits = waits.then_some(bytes);
                    Some(Arrival { partition, offset, waits, ..Arrival::plain(event) })
                });
                engine.apply(&arrivals.collect::<Vec<_>>())
            }
        };
        heard(applied)
    }
}

fn heard(applied: Applied) -> Heard {
    let said = applied.outputs.into_iter().map(|output| {
        let json = match output {
            Output::Alert(_, json) | Output::Scores(_, json) => json,
            Output::Erased(receipt) => receipt.to_json(),
        };
        String::from_utf8(json).expect("JSON is text")
    });
    let Tally { n_suppressed, n_snoozed, .. } = applied.tally;
    Heard { said: said.collect(), fates: applied.fates, kept_back: (n_suppressed, n_snoozed) }
}
