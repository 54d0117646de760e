//! One batch, sorted by what is done with its records.

use crate::record::{Note, Reject, Says, Subject};
use crate::run::counts::Counts;
use crate::run::course::{Course, Journal};
use crate::run::reading::{Read, came_too_early};
use crate::state::Arrival;
use crate::wire::{Batch, Body, Origin, Outgoing, RawRecord};

/// The records of one batch, sorted by what is done with them.
pub(super) struct Share<'a> {
    /// Events that were done before.
    pub(super) quiet: Vec<Arrival<'a>>,
    /// Events that were not.
    pub(super) arrivals: Vec<Arrival<'a>>,
    /// The records of `arrivals`.
    pub(super) arrived: Vec<&'a RawRecord>,
    /// Notes for the journal.
    pub(super) notes: Vec<Outgoing>,
    /// Records that are no events, or too early.
    pub(super) refused: Vec<Outgoing>,
}

/// Whether a record was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Quiet,
    Loud,
}

/// Sorts batches.
pub(super) struct Sorter<'p> {
    pub(super) courses: &'p mut [Course],
    pub(super) journal: Option<&'p mut Journal>,
    pub(super) counts: &'p mut Counts,
}

impl Sorter<'_> {
    /// Sorts the records of `batch`, which were `read`, and moves their courses past them.
    pub(super) fn sort<'a>(&mut self, batch: &'a Batch, read: Vec<Read<'a>>) -> Share<'a> {
        let mut share = Share {
            quiet: Vec::new(),
            arrivals: Vec::with_capacity(read.len()),
            arrived: Vec::with_capacity(read.len()),
            notes: Vec::new(),
            refused: Vec::new(),
        };
        for (raw, read) in batch.records.iter().zip(read) {
            let read = self.number(read, raw, batch);
            if self.pass(raw.origin) == Pass::Quiet {
                self.counts.recovered += 1;
                if let Read::Arrival(arrival) = read {
                    share.quiet.push(arrival);
                }
                continue;
            }
            self.counts.read += 1;
            match read {
                Read::Arrival(arrival) => {
                    share.arrivals.push(arrival);
                    share.arrived.push(raw);
                }
                Read::Unknown => self.counts.unknown += 1,
                Read::Refused(reject) => {
                    self.counts.reject(reject.reason);
                    share.refused.push(refused(reject, raw, batch));
                }
                Read::TooEarly(arrival, reject) => {
                    self.counts.reject(reject.reason);
                    // A refusal that hangs on the wall clock must be known to a replay.
                    share.notes.extend(note_of(&arrival, Says::Refused));
                    share.refused.push(refused(*reject, raw, batch));
                }
            }
        }
        share
    }

    /// Gives an event its number, and goes by what the journal of an earlier run says of it.
    fn number<'a>(&mut self, mut read: Read<'a>, raw: &RawRecord, batch: &'a Batch) -> Read<'a> {
        let (Read::Arrival(arrival) | Read::TooEarly(arrival, _)) = &mut read else { return read };
        if let Some(course) = self.courses.get_mut(arrival.partition as usize) {
            arrival.n_before = course.n_events;
            course.n_events += 1;
        }
        let Some(journal) = &mut self.journal else { return read };
        let mut last = None;
        for says in journal.take(arrival) {
            match says {
                Says::Now(now) => arrival.told = arrival.told.max(Some(now)),
                Says::Waits | Says::Refused => last = Some(says),
            }
        }
        match (last, read) {
            (Some(Says::Waits), Read::Arrival(arrival)) => {
                Read::Arrival(Arrival { waits: Some(bytes_of(raw, batch)), ..arrival })
            }
            (Some(Says::Refused), Read::Arrival(arrival)) => {
                let reject = came_too_early(&arrival.event);
                Read::TooEarly(arrival, Box::new(reject))
            }
            (_, read) => read,
        }
    }

    /// Moves the course of the record's partition past it, and tells whether it was done before.
    fn pass(&mut self, origin: Origin) -> Pass {
        let Origin::Topic { partition, offset } = origin else { return Pass::Loud };
        let Some(course) = self.courses.get_mut(partition as usize) else { return Pass::Loud };
        course.next_offset = Some(offset + 1);
        if course.is_quiet_at(offset) { Pass::Quiet } else { Pass::Loud }
    }
}

/// What the journal says of `arrival`, where records have offsets.
pub(super) fn note_of(arrival: &Arrival<'_>, says: Says) -> Option<Outgoing> {
    let subject = Subject {
        customer_id: arrival.event.customer_id.to_string(),
        id: arrival.event.id.to_string(),
        n_before: Some(arrival.n_before),
    };
    let note = Note { offset: arrival.offset?, says, subject: Some(subject) };
    Some(Outgoing::Journal { partition: arrival.partition, note })
}

/// A refused record on its way out, with its bytes as they came.
fn refused(reject: Reject, raw: &RawRecord, batch: &Batch) -> Outgoing {
    let bytes = match &raw.original {
        Some(original) => batch.bytes.get(original.clone()).unwrap_or_default(),
        None => bytes_of(raw, batch),
    };
    Outgoing::Reject { reject, origin: raw.origin, bytes: bytes.to_vec() }
}

/// The bytes of a record.
fn bytes_of<'a>(raw: &RawRecord, batch: &'a Batch) -> &'a [u8] {
    let (Body::Event(range) | Body::Refused(_, range)) = &raw.body;
    batch.bytes.get(range.clone()).unwrap_or_default()
}
