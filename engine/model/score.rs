//! Signals, red flags, scores and their bands.

use crate::model::measure::Compare;
use crate::record::Kind;
use crate::unit::{Micros, Span};

/// A test of one measure that adds to one score.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Its id in the specification, such as `R3-B1`.
    pub id: String,
    /// Its name, such as `low_engagement`.
    pub name: String,
    /// Index of the score it adds to.
    pub score: usize,
    /// Index of its group in a capped score, of its level in a severity score.
    pub group: usize,
    /// Its points in a capped score; in a severity score its level's.
    pub points: f64,
    /// The same in millionths, as coverage adds them up.
    pub micros: i64,
    /// Index of the measure it tests.
    pub measure: usize,
    /// The test.
    pub test: Compare,
    /// Active only if one of these signals, which stand before it, is too; empty asks nothing.
    pub with_any: Vec<usize>,
    /// Whether it rings when it becomes active.
    pub rings: Rings,
    /// What the specification tells people to do.
    pub action: String,
}

/// Whether something rings by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rings {
    /// When it becomes active; the span is its cooldown.
    WhenActive {
        /// How long the same ring is kept back after it rang.
        cooldown: Span,
    },
    /// Never.
    Never,
}

/// A combination that puts a floor under a score.
#[derive(Clone, Debug, PartialEq)]
pub struct RedFlag {
    /// Its id, such as `RF-1`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Index of the score.
    pub score: usize,
    /// All of these.
    pub all: Vec<Condition>,
    /// The floor, in points.
    pub floor: f64,
    /// Whether it rings.
    pub rings: Rings,
}

/// One part of a red flag.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// This signal is active.
    Signal(usize),
    /// This measure is available and passes.
    Measure(usize, Compare),
}

/// One score.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Its name.
    pub name: String,
    /// How it is made.
    pub combine: Combine,
    /// Its signals in model order; none in a weighted score.
    pub signals: Vec<usize>,
    /// The same, one bit each.
    pub mask: u128,
    /// Its bands from the lowest up; the first begins at 0.
    pub bands: Vec<Band>,
    /// Which end is the bad one.
    pub worse: Worse,
    /// How far past the edge a score must be before a better band is entered, in points.
    pub exit_margin: f64,
    /// How long a move must hold before it rings.
    pub dwell: Span,
    /// How long the same ring is kept back after it rang.
    pub cooldown: Span,
    /// Below this coverage, 0 to 1, the score is null; 0 asks nothing.
    pub min_coverage: f64,
    /// The word for the band of a null score, if there is one.
    pub null_band: Option<String>,
    /// Whether its fall rings.
    pub drop: Option<DropRule>,
}

/// Which end of a score is the bad one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    /// A higher score is worse: a risk.
    Higher,
    /// A lower score is worse: a retention.
    Lower,
}

/// One band: scores from `from` up to the next band's.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// Its edge, inclusive.
    pub from: f64,
    /// Whether it asks somebody to act.
    pub asks: Asks,
    /// What to do, in words.
    pub action: String,
    /// By which ways.
    pub channels: Vec<String>,
    /// Within which time, if it is said.
    pub due: Option<Span>,
}

/// Whether a band asks for action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// It does: a customer who is first seen there rings.
    Action,
    /// It does not.
    Nothing,
}

/// How a score is made of its signals or measures.
#[derive(Clone, Debug, PartialEq)]
pub enum Combine {
    /// Σ over groups of min(cap, Σ points), then floors by count and by red flag.
    CappedSum {
        /// The groups in model order.
        groups: Vec<Group>,
        /// The floor for 0, 1, 2, … active signals; the last holds for more.
        count_floor: Vec<f64>,
        /// Which groups' signals count for the floor, by index; empty means all (I-34).
        count_groups: Vec<usize>,
    },
    /// Σ over groups of cap × Σ active points / Σ available points, then the same floors (I-1).
    Normalised {
        /// The groups in model order.
        groups: Vec<Group>,
        /// The floor for 0, 1, 2, … active signals; the last holds for more.
        count_floor: Vec<f64>,
        /// Which groups' signals count for the floor, by index; empty means all (I-34).
        count_groups: Vec<usize>,
    },
    /// By the levels of the active signals (I-3).
    Severity {
        /// The levels from the worst down.
        levels: Vec<Level>,
        /// Which of the three ways.
        how: Severity,
    },
    /// A weighted mean of sub-scores over the available ones.
    Weighted {
        /// The sub-scores in model order.
        subscores: Vec<Subscore>,
    },
}

/// A group of signals with a cap.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The most it adds, in points.
    pub cap: f64,
}

/// A level of severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// The score of one signal of this level alone.
    pub base: f64,
    /// How much the others can add.
    pub span: f64,
    /// What one signal of this level weighs among the others.
    pub points: f64,
}

/// The ways to make one number of severities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Base of the worst, plus span × Σ points of the other active / Σ points of all others.
    Max,
    /// 100 × (1 − Π (1 − base / 100)).
    NoisyOr,
    /// min(100, Σ base).
    SumCapped,
}

/// One part of a weighted score.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscore {
    /// Its name.
    pub name: String,
    /// Its weight; the weights of a score add up to 1.
    pub weight: Micros,
    /// The mean of those available.
    pub inputs: Vec<InputRule>,
}

/// A measure turned into 0 to 100 points, linear from `low` to `high`, clamped.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRule {
    /// Index of the measure.
    pub measure: usize,
    /// Where it gives 0 points; may lie above `high`.
    pub low: f64,
    /// Where it gives 100 points.
    pub high: f64,
}

/// When the fall of a score rings.
#[derive(Clone, Debug, PartialEq)]
pub struct DropRule {
    /// Against the sample of so many days ago.
    pub days: u32,
    /// Rings when score less sample is this or less; negative points.
    pub ring_at: f64,
    /// Armed again when score less sample was above this.
    pub arm_above: f64,
    /// How long the same ring is kept back after it rang.
    pub cooldown: Span,
}

/// What rings at the arrival of an event of one type (CX-1).
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// Its id: the alert's rule.
    pub id: String,
    /// The type.
    pub on: Kind,
    /// Index of the score whose value the alert carries.
    pub score: usize,
    /// How long the same ring is kept back after it rang.
    pub cooldown: Span,
}
