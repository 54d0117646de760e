//! One customer as a row: scores, forecast and every signal, as of an instant.
//!
//! Source  issue's customers file; readings of the specification.

use crate::model::Model;
use crate::record::ScoreRecord;
use crate::record::alert::Part;
use crate::score::Verdict;
use crate::score::reasons::Grounds;
use crate::state::customer::Customer;
use crate::state::step::record;
use crate::unit::EventTime;
use crate::window::measure::Which;
use crate::window::{Reading, Scope};

/// One signal of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalCell {
    /// Whether it is active; `None` where its measure is not available.
    pub active: Option<bool>,
    /// What its measure reads; `None` where it is not available.
    pub value: Option<f64>,
}

/// One customer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Scores, bands, coverage, forecast.
    pub scores: ScoreRecord,
    /// The signals in model order.
    pub signals: Vec<SignalCell>,
    /// Every measure in model order, `None` where it is not available.
    pub measures: Vec<Option<f64>>,
    /// The explanation of every score in model order.
    pub reasons: Vec<Vec<Part>>,
    /// Every score less its sample of 7 and of 30 days ago.
    pub trends: Vec<(Option<f64>, Option<f64>)>,
}

impl Row {
    /// `customer` as of `now`.
    pub fn of(customer: &Customer, model: &Model, now: EventTime) -> Row {
        let mut readings = Vec::new();
        let scope = Scope::new(model, &customer.history, now);
        scope.read(Which::All, &mut readings);
        let orders = customer.orders.as_deref();
        let verdict = Verdict::of(&scope, &readings, orders);
        let grounds = Grounds { model, verdict: &verdict, readings: &readings, orders, now };
        let cell = |(index, signal): (usize, &crate::model::Signal)| SignalCell {
            active: verdict.is_available(index).then_some(verdict.is_active(index)),
            value: readings.get(signal.measure).and_then(Reading::value),
        };
        let held = customer.machine.scores();
        Row {
            signals: model.signals.iter().enumerate().map(cell).collect(),
            measures: readings.iter().map(Reading::value).collect(),
            reasons: (0..model.scores.len()).map(|index| grounds.parts(index)).collect(),
            trends: held.iter().map(|h| (h.trend(now, 7), h.trend(now, 30))).collect(),
            scores: record(customer, &verdict, (model, now), &mut Vec::new()),
        }
    }
}
