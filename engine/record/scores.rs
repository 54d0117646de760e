//! What the score topic carries: a customer's latest scores.
//!
//! Shape   one JSON object, keyed by customer; a tombstone deletes it.
//! Source  DESIGN §7 and D-6.

use crate::unit::{EventTime, Points};

/// Whether the customer is a customer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Judged as usual.
    Active,
    /// Judged by what a pause leaves available.
    Paused,
    /// Not judged until they return.
    Cancelled,
}

impl Status {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Paused => "paused",
            Status::Cancelled => "cancelled",
        }
    }
}

/// One score of a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreLine {
    /// The score's name in the model.
    pub name: String,
    /// Its value, or null.
    pub value: Option<Points>,
    /// The band of the value; for a null value null, or `insufficient_data`.
    pub band: Option<String>,
    /// The band the machine holds.
    pub held: Option<String>,
    /// Available weight over all weight, 0 to 1.
    pub coverage: f64,
}

/// The first change of a held band if nothing more arrives.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Which score.
    pub score: String,
    /// The held band then.
    pub band: String,
    /// When.
    pub at: EventTime,
}

/// A customer's scores at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRecord {
    /// Whose.
    pub customer_id: String,
    /// As of when.
    pub at: EventTime,
    /// Active, paused or cancelled.
    pub status: Status,
    /// The scores in the order of the model.
    pub scores: Vec<ScoreLine>,
    /// What happens next if nothing does.
    pub next: Option<Forecast>,
    /// The model that judged.
    pub model_id: String,
    /// Its version.
    pub model_version: u32,
}
