//! What is remembered of a customer, and how an event gets in.

use crate::record::Field;
use crate::unit::{Micros, Span};

/// One thing remembered of every customer: one copy of the events that several measures read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// For people: the types and field it remembers.
    pub name: String,
    /// How entries are kept.
    pub shape: Shape,
    /// How long an entry can matter: the longest window of the measures that read it, counted
    /// from the entry's time. `FOREVER` where a measure looks back without end.
    pub keep: Span,
}

/// How a track keeps its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Every time: counts and rates.
    Times,
    /// Every time with a number: sums, means, extremes.
    Values,
    /// For every key its latest time: distinct values in windows that end now.
    Keys,
    /// Every time with its key, and whether the key was answered: distinct values in windows
    /// that end before now, and `matched`.
    Sends,
    /// For every user their latest answer.
    Answers,
    /// For every (key, group) its latest time: the most of one group.
    Groups,
    /// Only the latest entry, with a numerator and a denominator: `latest`, `age`.
    Latest,
    /// Every invoice with its due date and payment.
    Invoices,
}

/// One way from an event of one type into one track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Index of the track.
    pub track: usize,
    /// Which events of the type.
    pub filter: Filter,
    /// What is kept of them; an event without the fields it needs is passed over.
    pub entry: Entry,
}

/// What is kept of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Its time: into `Times`, or into `Latest` as 1 / 1.
    Time,
    /// Its time and a number: into `Values`, or into `Latest`.
    Value(Number),
    /// Its time and a key: into `Keys` or `Sends`.
    Key(Field),
    /// The answer to a key of a `Sends` track.
    Mark(Field),
    /// A user's answer, its goodness as a quotient: into `Answers`. An event without the field
    /// belongs to one nameless user.
    Answer {
        /// Whose answer.
        by: Field,
    },
    /// Its time, a key and the group the key belongs to: into `Groups`.
    Grouped {
        /// The key.
        key: Field,
        /// Its group.
        group: Field,
    },
    /// The issue of the invoice `invoice_id`, due at `due_at`.
    Issue,
    /// A new due date, `new_due_at`, of `invoice_id`.
    Defer,
    /// A payment of `invoice_id`.
    Pay,
}

/// A number taken from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// The field as it stands.
    Field(Field),
    /// `score` scaled to 0 to 1 by the event's scale (SPEC §15).
    Scaled,
    /// A survey's goodness, 0 to 1.
    Goodness,
    /// (`value` − `baseline`) / (`target` − `baseline`), kept as the pair of both differences.
    Attainment,
}

/// Which events: any of the rows, all tests of a row; no row lets every event in.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    /// The rows.
    pub any: Vec<Vec<FieldTest>>,
}

/// A test of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTest {
    /// Which field.
    pub field: Field,
    /// What must hold.
    pub test: Test,
}

/// What must hold of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// A text that is one of these.
    OneOf(Vec<String>),
    /// Absent, or a text that is none of these.
    NoneOf(Vec<String>),
    /// A text that holds one of these, letter case ignored; an empty list holds for every event,
    /// with the field or without.
    HoldsAny(Vec<String>),
    /// The flag has this value.
    Flag(bool),
    /// Absent.
    Absent,
    /// Present.
    Present,
    /// A number (for `score`: scaled to 0 to 1) below this.
    Below(Micros),
    /// A number (for `score`: scaled to 0 to 1) at or above this.
    AtLeast(Micros),
}
