//! Measures: a number, or "not available", for a customer at an instant.

use crate::unit::{EventTime, Micros, Span};

/// One measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Its name in the file.
    pub name: String,
    /// How it is computed.
    pub how: How,
    /// Not available until the customer has been known, and back from a pause or a cancellation,
    /// for this long; a measure with a grace is not available while paused.
    pub grace: Span,
    /// Not available without this consent: index into the model's purposes.
    pub consent: Option<usize>,
    /// Whether the types it needs are listed as sources; if not it is never available.
    pub sourced: bool,
    /// Its grace counts from here at the earliest: the smallest `since` of its types.
    pub since: EventTime,
    /// A count at or above this changes nothing in any score, so that the engine need not wake
    /// for it; `None` where every value matters.
    pub enough: Option<u64>,
    /// Whether any signal, red flag or score reads it, itself or through another measure.
    pub judged: bool,
    /// What of it those that read it directly can tell apart; `None` where nobody does.
    pub felt: Option<Felt>,
}

/// The values that the readers of a measure can tell apart: those between `low` and `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Felt {
    /// All values at or below this are alike to them.
    pub low: f64,
    /// All values at or above this are alike to them.
    pub high: f64,
}

/// The half-open window (T − `length`, T − `exclude_last`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How far back it reaches.
    pub length: Span,
    /// How long before T it ends.
    pub exclude_last: Span,
}

/// How a measure is computed. `track` and the measures named are indices into the model.
#[derive(Clone, Debug, PartialEq)]
pub enum How {
    /// Events in the window. Track `Times`.
    Count {
        /// Index of the track.
        track: usize,
        /// Which events count.
        window: Window,
    },
    /// Sum in the window, divided by `per`. Track `Values`.
    Sum {
        /// Index of the track.
        track: usize,
        /// Which events count.
        window: Window,
        /// How many of the field's units make one of the measure's.
        per: u32,
    },
    /// Mean in the window, n/a without events. Track `Values`.
    Mean {
        /// Index of the track.
        track: usize,
        /// Which events count.
        window: Window,
    },
    /// Smallest number in the window, n/a without events. Track `Values`.
    Min {
        /// Index of the track.
        track: usize,
        /// Which events count.
        window: Window,
    },
    /// Largest number in the window, n/a without events. Track `Values`.
    Max {
        /// Index of the track.
        track: usize,
        /// Which events count.
        window: Window,
    },
    /// Distinct keys in the window. Track `Keys`, or `Sends` where the window ends before T.
    Distinct {
        /// Index of the track.
        track: usize,
        /// Which events count.
        window: Window,
    },
    /// Distinct keys in the window that were answered at any time up to T. Track `Sends`.
    Matched {
        /// Index of the track.
        track: usize,
        /// Which sends count; `exclude_last` is how long a send matures before it is judged.
        window: Window,
    },
    /// The latest entry's quotient, n/a past `max_age` or where its denominator is zero.
    /// Track `Latest`.
    Latest {
        /// Index of the track.
        track: usize,
        /// The window (T − `max_age`, T].
        max_age: Span,
    },
    /// Days since the latest entry. Track `Latest`. Continuous.
    Age {
        /// Index of the track.
        track: usize,
        /// Whether a customer without entry counts from `known_since`; if not it is n/a.
        or_known: OrKnown,
    },
    /// One measure divided by another, n/a below `min_den` or where one is n/a.
    Ratio {
        /// Index of the measure above the line.
        num: usize,
        /// Index of the measure below the line.
        den: usize,
        /// The smallest denominator it is given for, at least 1.
        min_den: u32,
        /// The most it can be: min(1, …) where the specification says so.
        bound: Bound,
    },
    /// Events a day in (T − `window`, T] against events a day in the `baseline` before.
    /// Track `Times`.
    Rate {
        /// Index of the track.
        track: usize,
        /// The recent span.
        window: Span,
        /// The span before it.
        baseline: Span,
        /// How the days of the baseline are counted.
        days: Days,
    },
    /// Days late of the oldest unpaid invoice, else 0. Track `Invoices`. Continuous.
    Overdue {
        /// Index of the track.
        track: usize,
    },
    /// Invoices due in the window that were paid by their due date, of all due in it; n/a
    /// without one. Track `Invoices`.
    OnTime {
        /// Index of the track.
        track: usize,
        /// Which due dates count.
        window: Window,
    },
    /// Days since the customer is known. Continuous.
    Tenure,
    /// Something the customer is or has now.
    State(StateOf),
    /// The worst of every user's latest answer, from `low` (goodness 0) to `high` (goodness 1).
    /// Track `Answers`.
    WorstLatest {
        /// Index of the track.
        track: usize,
        /// The window (T − `max_age`, T].
        max_age: Span,
        /// What the worst answer reads.
        low: Micros,
        /// What the best answer reads.
        high: Micros,
    },
    /// The most distinct keys that share one group. Track `Groups`.
    Most {
        /// Index of the track.
        track: usize,
        /// Which events count.
        window: Window,
    },
    /// The greatest of the measures that are available; n/a if none is.
    Greatest(Vec<usize>),
    /// Days until the moment that the latest entry names, n/a without one. Track `Latest`, the
    /// moment in milliseconds as numerator. Continuous.
    DaysUntil {
        /// Index of the track.
        track: usize,
    },
}

/// Whether `known_since` stands in for an event that never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrKnown {
    /// It does.
    Known,
    /// It does not: the measure is n/a.
    Nothing,
}

/// Whether a ratio is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At most 1.
    One,
    /// Not bounded.
    None,
}

/// How the days of a baseline are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Whole days in which the customer was known and neither paused nor cancelled; n/a below
    /// `min_history` of them.
    Active {
        /// The least history.
        min_history: Span,
    },
    /// Every day of the baseline.
    Fixed,
}

/// Something the customer is or has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateOf {
    /// Monthly recurring revenue, n/a until an event names it.
    Mrr,
    /// Seats, n/a until an event names them.
    Seats,
    /// Features of the current plan by the catalogue.
    PlanFeatures,
    /// 1 while paused, else 0.
    Paused,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compare {
    /// Which comparison.
    pub op: Op,
    /// With what.
    pub threshold: f64,
}

/// The comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Less than.
    Lt,
    /// At most.
    Le,
    /// More than.
    Gt,
    /// At least.
    Ge,
}

impl Compare {
    /// Whether `value` passes.
    pub fn holds(self, value: f64) -> bool {
        match self.op {
            Op::Lt => value < self.threshold,
            Op::Le => value <= self.threshold,
            Op::Gt => self.threshold < value,
            Op::Ge => self.threshold <= value,
        }
    }
}

impl How {
    /// Whether its value moves with every millisecond; such a measure may stand in comparisons
    /// only, so that every flip has a known instant.
    pub fn is_continuous(&self) -> bool {
        matches!(self, How::Age { .. } | How::Overdue { .. } | How::Tenure | How::DaysUntil { .. })
    }
}
