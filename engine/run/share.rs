//! One batch, sorted by what is done with its records.

use crate::record::reject::Reason;
use crate::record::{Note, Reject, Says};
use crate::state::Arrival;
use crate::wire::{Batch, Body, Origin, Outgoing, RawRecord};

/// The records of one batch, sorted by what is done with them.
pub(super) struct Share<'a, 'b> {
    /// Events that were done before.
    pub(super) quiet: Vec<Arrival<'a>>,
    /// Events that were not.
    pub(super) arrivals: Vec<Arrival<'a>>,
    /// The records of `arrivals`.
    pub(super) arrived: Vec<&'b RawRecord>,
    /// Notes for the journal.
    pub(super) notes: Vec<Outgoing>,
    /// Records that are no events.
    pub(super) refused: Vec<Outgoing>,
}

/// Whether a record was done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Quiet,
    Loud,
}

impl Share<'_, '_> {
    pub(super) fn with_capacity(n: usize) -> Self {
        let (notes, refused) = (Vec::new(), Vec::new());
        let (arrivals, arrived) = (Vec::with_capacity(n), Vec::with_capacity(n));
        Share { quiet: Vec::new(), arrivals, arrived, notes, refused }
    }

    /// A refusal that hangs on the wall clock must be known to a replay.
    pub(super) fn note_refusal(
        &mut self,
        reject: &Reject,
        record: Option<(String, String)>,
        raw: &RawRecord,
    ) {
        if let (Reason::FromTheFuture, Origin::Topic { partition, offset }) =
            (reject.reason, raw.origin)
        {
            let note = Note { offset, says: Says::Refused, record };
            self.notes.push(Outgoing::Journal { partition, note });
        }
    }
}

/// What the journal says of `arrival`, where records have offsets.
pub(super) fn note_of(arrival: &Arrival<'_>, says: Says) -> Option<Outgoing> {
    let event = &arrival.event;
    let record = Some((event.customer_id.to_string(), event.id.to_string()));
    let note = Note { offset: arrival.offset?, says, record };
    Some(Outgoing::Journal { partition: arrival.partition, note })
}

/// A refused record on its way out, with its bytes as they came.
pub(super) fn refused(reject: Reject, raw: &RawRecord, batch: &Batch) -> Outgoing {
    let body = match &raw.body {
        Body::Event(range) | Body::Refused(_, range) => range.clone(),
    };
    let range = raw.original.clone().unwrap_or(body);
    let bytes = batch.bytes.get(range).unwrap_or_default().to_vec();
    Outgoing::Reject { reject, origin: raw.origin, bytes }
}
