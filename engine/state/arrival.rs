//! What comes in, and what became of it.

use crate::record::Event;
use crate::score::Tally;
use crate::state::output::Output;
use crate::unit::EventTime;

/// One decoded record on its way in.
#[derive(Clone, Debug)]
pub struct Arrival<'a> {
    /// The event.
    pub event: Event<'a>,
    /// Its partition.
    pub partition: u32,
    /// Its offset, where records have one.
    pub offset: Option<i64>,
    /// How many events of its partition came before it.
    pub n_before: u64,
    /// The record's bytes if it lies too far ahead of the wall clock to be applied at once; it
    /// then waits until `now` reaches its time.
    pub waits: Option<&'a [u8]>,
    /// The least `now` that its partition had before it, as the journal of an earlier run says.
    pub told: Option<EventTime>,
}

impl<'a> Arrival<'a> {
    /// `event` from somewhere without partitions and offsets, to be applied at once.
    pub fn plain(event: Event<'a>) -> Arrival<'a> {
        Arrival { event, partition: 0, offset: None, n_before: 0, waits: None, told: None }
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Applied, in time.
    Applied,
    /// Applied, though its time lies before `now`.
    Late,
    /// Passed over: the same id of the same customer was applied within the horizon.
    Duplicate,
    /// Passed over: no window reaches back to it.
    TooOld,
    /// Passed over: the customer asked to be forgotten and has not begun anew since.
    Erased,
    /// Waits for its time.
    Waiting,
}

/// What came out of a call.
#[derive(Debug, Default)]
pub struct Applied {
    /// The fate of every record, in order.
    pub fates: Vec<Fate>,
    /// What goes out, in order.
    pub outputs: Vec<Output>,
    /// The partition of each of `outputs`.
    pub homes: Vec<u32>,
    /// What was kept back.
    pub tally: Tally,
    /// The records, by index, before which a replay must first move `now` to what stands here:
    /// the wall clock had moved it, and they came too late for it.
    pub told: Vec<(usize, EventTime)>,
}
