//! The doors as traits, and what passes through them.

use std::ops::Range;
use std::time::Duration;

use thiserror::Error;

use crate::record::{Note, Reject};
use crate::unit::EventTime;

/// Where a record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Line `line`, from 1, of the `file`th input, from 0.
    File {
        /// Which input.
        file: u32,
        /// Which line.
        line: u64,
    },
    /// Offset `offset` of partition `partition` of the input topic.
    Topic {
        /// Which partition.
        partition: u32,
        /// Which offset.
        offset: i64,
    },
}

/// What a record holds, as ranges of its batch's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A canonical JSON event, not yet decoded.
    Event(Range<usize>),
    /// Something the door itself had to refuse: too long, or a row that could not be mapped.
    Refused(Reject, Range<usize>),
}

/// One record as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// The event, or why there is none.
    pub body: Body,
    /// The record's key: `None` where the door has no keys (files), `Some(None)` where the
    /// record should have one and has not.
    pub key: Option<Option<Range<usize>>>,
    /// The bytes a reject shows, where they are others than the body's: the row before mapping.
    pub original: Option<Range<usize>>,
    /// Where it came from.
    pub origin: Origin,
}

/// Records in the order in which they are to be applied, in one piece of memory.
#[derive(Debug, Default)]
pub struct Batch {
    /// All bytes.
    pub bytes: Vec<u8>,
    /// The records.
    pub records: Vec<RawRecord>,
}

impl Batch {
    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
    }

    /// Copies `bytes` in and returns where they are.
    pub fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        from..self.bytes.len()
    }
}

/// What a call to [`Source::fill`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The batch holds records; more may be waiting.
    Some,
    /// Nothing is waiting now; more may come (a topic that is caught up).
    CaughtUp,
    /// Nothing will ever come again (the end of the files).
    End,
}

/// How far a partition is done: D-2's pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which partition.
    pub partition: u32,
    /// The first offset that is not done.
    pub next_offset: i64,
    /// The partition's `now` at that point.
    pub now: EventTime,
}

/// One output, already bytes, in the order in which it must be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// An alert, keyed by customer.
    Alert {
        /// The customer's id.
        key: String,
        /// JSON.
        value: Vec<u8>,
    },
    /// A customer's latest scores, keyed by customer; `None` deletes them.
    Scores {
        /// The customer's id.
        key: String,
        /// JSON, or a tombstone.
        value: Option<Vec<u8>>,
    },
    /// A note in the journal; what stands behind it goes out only once the note is safe.
    Journal {
        /// The partition that it speaks of.
        partition: u32,
        /// The note.
        note: Note,
    },
    /// A customer was forgotten; keyed by customer.
    Receipt {
        /// The customer's id.
        key: String,
        /// JSON.
        value: Vec<u8>,
    },
    /// A record that was refused.
    Reject {
        /// Why.
        reject: Reject,
        /// Where it came from.
        origin: Origin,
        /// Its bytes as they came.
        bytes: Vec<u8>,
    },
}

/// A fault of the world outside: what failed, where, what was found, what to do.
#[derive(Debug, Error)]
pub enum Fault {
    /// A file, folder or pipe.
    #[error("{0}")]
    Input(String),
    /// An output that cannot be written.
    #[error("{0}")]
    Output(String),
    /// The broker is away or refuses.
    #[error("{0}")]
    Broker(String),
    /// Another instance has taken over this one's work.
    #[error("{0}")]
    Fenced(String),
    /// Going on would lose data.
    #[error("{0}")]
    DataLoss(String),
}

/// Where records come from.
pub trait Source {
    /// Appends the next records to `batch`, which is empty; waits a moment if there are none.
    ///
    /// # Errors
    ///
    /// A [`Fault`] that retrying inside could not mend; nothing of `batch` may then be used.
    fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault>;

    /// The name of the place `origin` speaks of: a file's path, a topic.
    fn name(&self, origin: Origin) -> &str;
}

/// Where outputs go.
pub trait Sink {
    /// Takes `outputs` in order; may return before they are safe.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when one cannot be written.
    fn send(&mut self, outputs: &[Outgoing]) -> Result<(), Fault>;

    /// Returns once everything sent so far is safe: written, or acknowledged by the broker.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when that could not be reached.
    fn settle(&mut self) -> Result<(), Fault>;
}

/// The time outside.
pub trait Clock: Sync {
    /// The wall clock.
    fn now(&self) -> EventTime;

    /// How long this program has been at work, by a clock that nobody sets.
    fn uptime(&self) -> Duration;
}
