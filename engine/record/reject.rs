//! Why a record is no event.

use std::fmt;

/// The reason a record was refused, from a closed list: a metric's label and a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not one JSON object in UTF-8, or nested too deeply.
    BadJson,
    /// Longer than the bound for a record.
    TooLarge,
    /// `id`, `type`, `customer_id` or `time` is absent or null.
    MissingField,
    /// A field of another JSON kind than its type wants, or not one of the listed words.
    WrongForm,
    /// A key stands twice.
    RepeatedKey,
    /// An id that is empty or too long.
    BadId,
    /// `time` or another moment that cannot be read.
    BadTime,
    /// A number outside its scale, a scale without room, a negative amount or duration.
    OutOfRange,
    /// Further ahead of the wall clock than `clock.ahead_max`.
    FromTheFuture,
    /// The record's key is absent or is not its customer id.
    WrongKey,
    /// A row that the mapping could not turn into an event.
    Unmapped,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Reason] = &[
        Reason::BadJson,
        Reason::TooLarge,
        Reason::MissingField,
        Reason::WrongForm,
        Reason::RepeatedKey,
        Reason::BadId,
        Reason::BadTime,
        Reason::OutOfRange,
        Reason::FromTheFuture,
        Reason::WrongKey,
        Reason::Unmapped,
    ];

    /// The word in headers, labels and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::BadJson => "bad_json",
            Reason::TooLarge => "too_large",
            Reason::MissingField => "missing_field",
            Reason::WrongForm => "wrong_form",
            Reason::RepeatedKey => "repeated_key",
            Reason::BadId => "bad_id",
            Reason::BadTime => "bad_time",
            Reason::OutOfRange => "out_of_range",
            Reason::FromTheFuture => "from_the_future",
            Reason::WrongKey => "wrong_key",
            Reason::Unmapped => "unmapped",
        }
    }
}

/// A refused record: the reason, and what was found and wanted in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The reason.
    pub reason: Reason,
    /// *what was found; what was wanted*, lower case, without a full stop.
    pub detail: String,
}

impl Reject {
    /// A reject for `reason`, explained by `detail`.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Reject {
        Reject { reason, detail: detail.into() }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.detail)
    }
}
