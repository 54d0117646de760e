//! What goes out when something rings.
//!
//! Shape   one JSON object an alert, every key always there, null where it does not apply.
//! Rules   the id is derived from what the alert is, so a replay repeats it byte for byte.
//! Source  DESIGN §7 and D-6; readings of the specification.

mod kpi;
mod read;
mod write;

use serde::{Deserialize, Serialize};

use crate::unit::{EventTime, Key128};

pub use kpi::KpiAlert;

/// What rang.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// E05 arrived.
    CancellationIntent,
    /// A signal became active.
    Signal,
    /// A combination of signals became active.
    RedFlag,
    /// The held band of a score moved.
    Band,
    /// A score fell by so many points in so many days.
    Drop,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: &[AlertKind] = &[
        AlertKind::CancellationIntent,
        AlertKind::Signal,
        AlertKind::RedFlag,
        AlertKind::Band,
        AlertKind::Drop,
    ];

    /// The word in JSON, labels and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            AlertKind::CancellationIntent => "cancellation_intent",
            AlertKind::Signal => "signal",
            AlertKind::RedFlag => "red_flag",
            AlertKind::Band => "band",
            AlertKind::Drop => "drop",
        }
    }
}

/// Which way the customer went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards leaving.
    Worse,
    /// A recovery that an event brought.
    Better,
    /// A recovery because evidence ran out and nobody came back.
    Faded,
}

impl Direction {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Worse => "worse",
            Direction::Better => "better",
            Direction::Faded => "faded",
        }
    }
}

/// What brought the judging at which the alert rang.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause<S = String> {
    /// An event from a file, a pipe or memory.
    Event {
        /// The event's id.
        id: S,
    },
    /// An event from a topic.
    Record {
        /// The event's id.
        id: S,
        /// The topic it came from.
        topic: S,
        /// The partition it came from.
        partition: u32,
        /// Its offset there.
        offset: i64,
    },
    /// Time alone.
    Timer,
}

/// One part of a score's explanation; the points of all parts add up to the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Part<S = String> {
    /// An active signal.
    Signal {
        /// The signal's id.
        signal: S,
        /// Its name.
        name: S,
        /// What its measure reads.
        value: f64,
        /// What it is compared with.
        threshold: f64,
        /// What it adds.
        points: f64,
    },
    /// What a group's cap takes away.
    Cap {
        /// The group's name.
        cap: S,
        /// The group's points before the cap.
        value: f64,
        /// The cap.
        threshold: f64,
        /// Cap less value: negative.
        points: f64,
    },
    /// What a floor adds.
    Floor {
        /// `count`, or the id of the red flag.
        floor: S,
        /// The number of active signals, or the red flag's floor.
        value: f64,
        /// The floor.
        threshold: f64,
        /// What it adds.
        points: f64,
    },
    /// What an override adds or takes away.
    Override {
        /// Who set it, or `unknown`.
        #[serde(rename = "override")]
        by: S,
        /// Why, if it was said.
        reason: Option<S>,
        /// The value it was set to.
        value: f64,
        /// What it adds; negative where it takes away.
        points: f64,
    },
    /// A weighted sub-score.
    Subscore {
        /// Its name.
        subscore: S,
        /// Its points, 0 to 100.
        value: f64,
        /// Its weight among those available, 0 to 1.
        weight: f64,
        /// What it adds.
        points: f64,
        /// What it is the mean of.
        inputs: Vec<Input<S>>,
    },
}

/// One input of a sub-score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input<S = String> {
    /// The measure's name.
    pub input: S,
    /// What it reads.
    pub value: f64,
    /// Where it gives 0 points.
    pub low: f64,
    /// Where it gives 100 points.
    pub high: f64,
    /// The points it gives, 0 to 100.
    pub score: f64,
}

impl Part<&str> {
    /// The same part with texts of its own.
    pub fn into_owned(self) -> Part {
        match self {
            Part::Signal { signal, name, value, threshold, points } => {
                let (signal, name) = (signal.to_owned(), name.to_owned());
                Part::Signal { signal, name, value, threshold, points }
            }
            Part::Cap { cap, value, threshold, points } => {
                Part::Cap { cap: cap.to_owned(), value, threshold, points }
            }
            Part::Floor { floor, value, threshold, points } => {
                Part::Floor { floor: floor.to_owned(), value, threshold, points }
            }
            Part::Override { by, reason, value, points } => {
                let (by, reason) = (by.to_owned(), reason.map(str::to_owned));
                Part::Override { by, reason, value, points }
            }
            Part::Subscore { subscore, value, weight, points, inputs } => {
                let subscore = subscore.to_owned();
                let own = |input: Input<&str>| Input {
                    input: input.input.to_owned(),
                    value: input.value,
                    low: input.low,
                    high: input.high,
                    score: input.score,
                };
                let inputs = inputs.into_iter().map(own).collect();
                Part::Subscore { subscore, value, weight, points, inputs }
            }
        }
    }
}

impl<S> Part<S> {
    /// What this part adds to the score.
    pub fn points(&self) -> f64 {
        match self {
            Part::Signal { points, .. }
            | Part::Cap { points, .. }
            | Part::Floor { points, .. }
            | Part::Override { points, .. }
            | Part::Subscore { points, .. } => *points,
        }
    }
}

/// One alert. Its texts are of type `S`: borrowed where it is written, owned where it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert<S = String> {
    /// What the alert is, hashed.
    pub id: Key128,
    /// What rang.
    pub kind: AlertKind,
    /// The name of what rang: a score, a signal, a red flag, `CX-1`.
    pub rule: S,
    /// The score that rang: bands and drops.
    pub score: Option<S>,
    /// Which way.
    pub direction: Direction,
    /// Whose.
    pub customer_id: S,
    /// The instant of the crossing.
    pub at: EventTime,
    /// The band, or `clear`, before.
    pub from: Option<S>,
    /// The band, or `active`, after.
    pub to: Option<S>,
    /// The score, measure, floor or trend; null where a score is not available.
    pub value: Option<f64>,
    /// The score's value before it last changed: bands only.
    pub previous: Option<f64>,
    /// What brought it.
    pub cause: Cause<S>,
    /// The explanation of the score it belongs to.
    pub reasons: Vec<Part<S>>,
    /// The model that judged.
    pub model_id: S,
    /// Its version.
    pub model_version: u32,
    /// When the alert that a recovery closes or continues first rang.
    pub open_since: Option<EventTime>,
    /// Who looks after the customer.
    pub owner: Option<S>,
}

/// What an alert is: the same identity is the same alert, in a replay too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Whose.
    pub customer_id: &'a str,
    /// What rang.
    pub kind: AlertKind,
    /// The name of what rang.
    pub rule: &'a str,
    /// When.
    pub at: EventTime,
    /// The band, or `clear`, before.
    pub from: Option<&'a str>,
    /// The band, or `active`, after.
    pub to: Option<&'a str>,
    /// 0 unless the same rings again at the same instant.
    pub repetition: u32,
}

/// The id of the alert that is `what`: a hash of the customer, kind, rule, instant in
/// decimal milliseconds, from, to (both empty for null) and repetition in decimal.
pub fn alert_id(what: &Identity<'_>) -> Key128 {
    let (mut at, mut repetition) = (itoa::Buffer::new(), itoa::Buffer::new());
    Key128::of_parts(&[
        what.customer_id.as_bytes(),
        what.kind.name().as_bytes(),
        what.rule.as_bytes(),
        at.format(what.at.millis()).as_bytes(),
        what.from.unwrap_or_default().as_bytes(),
        what.to.unwrap_or_default().as_bytes(),
        repetition.format(what.repetition).as_bytes(),
    ])
}

/// Which model judged, in alerts and scores.
#[derive(Serialize)]
pub(crate) struct Model<'a> {
    pub(crate) id: &'a str,
    pub(crate) version: u32,
}

#[cfg(test)]
mod tests;
