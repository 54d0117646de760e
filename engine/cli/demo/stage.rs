//! The stage: a generated stream and an engine, moved forward together.
//!
//! Rules   what the customers do is applied in order, timers in between; then the time goes on to
//!         the asked-for moment even if nothing happened.

use std::time::{Duration, Instant};

use crate::model::Model;
use crate::record::scores::Status;
use crate::record::{Alert, Decoded, decode};
use crate::run::Witness;
use crate::state::{Arrival, Engine, Output, Row as EngineRow, Rules};
use crate::unit::{EventTime, Points};
use crate::wire::Outgoing;
use crate::wire::generate::{Generator, Plan, PlanFault};

use super::view::{Band, FirstScore, Row, Tone, View};
use super::words::Reasons;

/// Events applied in one call.
const BATCH: usize = 4_096;

/// A stream and an engine.
pub struct Stage {
    generator: Generator,
    engine: Engine,
    /// Lines written, each with its end in `bytes`; the last may lie ahead of the time.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    ahead: Option<EventTime>,
    events: u64,
    worked: Duration,
    witness: Option<Box<dyn Witness>>,
}

impl Stage {
    /// A stage for `plan`, nothing played yet.
    ///
    /// # Errors
    ///
    /// [`PlanFault`] where the plan cannot be carried out.
    pub fn new(plan: &Plan, rules: Rules) -> Result<Stage, PlanFault> {
        Ok(Stage {
            generator: Generator::new(plan)?,
            engine: Engine::new(rules, 1),
            bytes: Vec::new(),
            ends: Vec::new(),
            ahead: None,
            events: 0,
            worked: Duration::ZERO,
            witness: None,
        })
    }

    /// Shows `witness` everything that happens from here on.
    pub fn watch(&mut self, witness: Box<dyn Witness>) {
        self.witness = Some(witness);
    }

    /// The engine, for what is no scoring: snapshots.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The model that judges.
    pub fn model(&self) -> &Model {
        &self.engine.rules().model
    }

    /// Plays everything up to `to` and returns what rang, in order.
    pub fn play(&mut self, to: EventTime) -> Vec<Alert> {
        let mut outputs = Vec::new();
        while self.ahead.is_none_or(|time| time <= to) {
            let is_over = !self.read(to);
            let began = Instant::now();
            outputs.extend(self.apply());
            self.worked += began.elapsed();
            if is_over {
                break;
            }
        }
        let began = Instant::now();
        outputs.extend(self.engine.advance(0, to).outputs);
        self.worked += began.elapsed();
        let alerts = outputs.into_iter().filter_map(|output| match output {
            Output::Alert(rung, value) => {
                let alert = Alert::from_json(&value);
                if let Some(witness) = &mut self.witness {
                    witness.went_out(0, &Outgoing::Alert { key: rung.customer_id, value });
                }
                alert
            }
            Output::Scores(..) | Output::Erased(_) => None,
        });
        alerts.collect()
    }

    /// Writes lines until a batch is full or one lies after `to`; says whether more may come.
    fn read(&mut self, to: EventTime) -> bool {
        while self.ends.len() < BATCH && self.ahead.is_none_or(|time| time <= to) {
            // The line that lay ahead stands in `bytes` already.
            if self.ahead.take().is_some() {
                self.ends.push(self.bytes.len());
                continue;
            }
            match self.generator.next_into(&mut self.bytes) {
                Some(line) => self.ahead = Some(line.time),
                None => return false,
            }
        }
        true
    }

    /// Applies the lines that are due and keeps the one that lies ahead.
    fn apply(&mut self) -> Vec<Output> {
        let mut from = 0;
        let mut arrivals = Vec::with_capacity(self.ends.len());
        for end in &self.ends {
            let line = self.bytes.get(from..*end).unwrap_or_default();
            from = *end;
            if let Ok(Decoded::Event(event)) = decode(line) {
                arrivals.push(Arrival::plain(event));
            }
        }
        let applied = self.engine.apply(&arrivals);
        if let Some(witness) = &mut self.witness {
            witness.applied(&arrivals, &applied.fates);
        }
        self.events += arrivals.len() as u64;
        drop(arrivals);
        self.ends.clear();
        self.bytes.drain(..from);
        applied.outputs
    }

    /// Events applied so far, and how long the engine worked for them.
    pub fn effort(&self) -> (u64, Duration) {
        (self.events, self.worked)
    }

    /// The model's first score.
    pub fn first_score(&self) -> FirstScore {
        let score = self.engine.rules().model.scores.first();
        let names = score.map(|score| score.bands.iter().map(|band| band.name.clone()));
        let names: Vec<String> = names.into_iter().flatten().collect();
        let n_bands = names.len();
        let tone = |at: usize| match n_bands - at {
            1 => Tone::Bad,
            _ if at == 0 => Tone::Good,
            _ => Tone::Warn,
        };
        FirstScore {
            name: score.map(|score| score.name.clone()).unwrap_or_default(),
            reasons: Reasons::of(&self.engine.rules().model),
            bands: names.into_iter().enumerate().map(|(at, name)| (name, tone(at))).collect(),
        }
    }

    /// Puts into `view` where everyone stands, and the `most` customers most at risk.
    pub fn look(&self, first: &FirstScore, most: usize, view: &mut View) {
        let mut counts = vec![0_u64; first.bands.len()];
        let mut unscored = 0;
        let mut worst: Vec<(Points, &str)> = Vec::new();
        for customer in self.engine.customers(0) {
            let held = customer.machine.scores().first();
            let value = held.and_then(|held| held.value);
            let is_here = customer.machine.status() != Status::Cancelled;
            let (Some(value), true) = (value, is_here) else {
                unscored += 1;
                continue;
            };
            let band = held.and_then(|held| held.band).map_or(0, usize::from);
            if let Some(count) = counts.get_mut(band) {
                *count += 1;
            }
            worst.push((value, customer.id()));
        }
        // Worst first; those alike by name, so that rows do not dance.
        let order = |a: &(Points, &str), b: &(Points, &str)| {
            b.0.cmp(&a.0).then_with(|| (a.1.len(), a.1).cmp(&(b.1.len(), b.1)))
        };
        if most < worst.len() {
            worst.select_nth_unstable_by(most, order);
            worst.truncate(most);
        }
        worst.sort_unstable_by(order);
        view.unscored = unscored;
        view.at_risk = worst.iter().filter_map(|(_, id)| self.row(id, first)).collect();
        let bands = first.bands.iter().zip(counts);
        view.bands = bands
            .map(|((name, tone), customers)| Band { name: name.clone(), customers, tone: *tone })
            .collect();
    }

    fn row(&self, id: &str, first: &FirstScore) -> Option<Row> {
        let (partition, customer) = self.engine.find(id)?;
        let now = self.engine.now(partition);
        let row = EngineRow::of(customer, &self.engine.rules().model, now);
        let line = row.scores.scores.first()?;
        let band = line.held.clone().unwrap_or_default();
        let next = row.scores.next.as_ref().filter(|next| next.score == first.name);
        Some(Row {
            customer: id.to_owned(),
            score: line.value?,
            tone: first.tone(&band),
            band,
            why: first.reasons.words(row.reasons.first()?),
            next: next.map(|next| (next.band.clone(), next.at)),
        })
    }
}
