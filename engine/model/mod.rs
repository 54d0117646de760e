//! Floor 3: what to measure and how to judge, parsed, checked and compiled.
//!
//! Shape   a model file becomes a [`Model`]: tracks that remember, feeds that fill them, measures
//!         that read them, signals that test measures, scores that weigh signals. Everything
//!         refers to everything else by index; names are for people.
//! Rules   no rule of the default model stands in code: it is data like any other model.

mod catalog;
mod check_events;
mod check_measure;
mod check_score;
mod check_signal;
mod compile;
mod derive;
pub mod facts;
mod fault;
mod load;
pub mod measure;
mod raw;
pub mod reads;
pub mod score;
pub mod shipped;
#[cfg(test)]
mod tests;
pub mod track;
pub mod words;

pub use derive::Sources;
pub use fault::{Fault, near};
pub use load::load;
pub use measure::{Bound, Compare, Days, Felt, How, Measure, Op, OrKnown, StateOf, Window};
pub use reads::{FlagsRead, Flow, Moves, Readers, Reads, Seat};
pub use score::{
    Asks, Band, Combine, Condition, DropRule, Group, InputRule, Intent, Level, RedFlag, Rings,
    Score, Severity, Signal, Subscore, Worse,
};
pub use track::{Entry, Feed, FieldTest, Filter, Number, Shape, Test, Track};

use crate::unit::Span;

/// A compiled model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its id; stands in every alert and score.
    pub id: String,
    /// Its version; stands in every alert and score.
    pub version: u32,
    /// What is remembered of a customer, at most [`TRACKS_MAX`](crate::unit::limit::TRACKS_MAX).
    pub tracks: Vec<Track>,
    /// By [`Kind::index`](crate::record::Kind::index): which tracks an event of that type feeds.
    pub feeds: Vec<Vec<Feed>>,
    /// By [`Kind::index`](crate::record::Kind::index): an event this long before `now`, or
    /// longer, is too old; `FOREVER` where it never is.
    pub reach: Vec<Span>,
    /// The measures; the parts of a measure stand before it.
    pub measures: Vec<Measure>,
    /// The signals in the order of the file, at most
    /// [`SIGNALS_MAX`](crate::unit::limit::SIGNALS_MAX).
    pub signals: Vec<Signal>,
    /// The red flags in the order of the file.
    pub flags: Vec<RedFlag>,
    /// The scores in the order of the file.
    pub scores: Vec<Score>,
    /// What rings at the arrival of one event.
    pub intents: Vec<Intent>,
    /// The purposes of consent that measures ask for, by name.
    pub purposes: Vec<String>,
    /// Features per plan; the last row is `"*"`, any other plan.
    pub catalog: Vec<PlanFeatures>,
    /// Who reads what.
    pub reads: Reads,
}

/// How many features a plan has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFeatures {
    /// The plan's name, or `*`.
    pub plan: String,
    /// The number of its features, at least 1.
    pub n_features: u32,
}

impl Model {
    /// The number of features of `plan`, as far as it is known.
    pub fn features_of(&self, plan: Option<&str>) -> u32 {
        let named = self.catalog.iter().find(|row| Some(row.plan.as_str()) == plan);
        named.or(self.catalog.last()).map_or(1, |row| row.n_features)
    }
}
