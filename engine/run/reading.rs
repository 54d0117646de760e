//! From one record as it came to what is done with it.
//!
//! Rules   what the journal says of a record decides; where it says nothing, the wall clock does,
//!         if it has a say and the record was not done before. What a partition's time has reached
//!         is not ahead of a clock that was set back since. A record whose outputs went out and
//!         which was not committed is judged anew after a crash: only where the clock was set back
//!         behind it in between may it then lie ahead, and what goes out differ from what did. In
//!         transactions nothing goes out before.
//! Source  DESIGN §2, §3, §11; D-3; readings of the specification.

use std::num::NonZeroU32;

use crate::record::reject::Reason;
use crate::record::{Decoded, Event, Reject, Says, check_key, decode, partition};
use crate::run::course::Course;
use crate::state::Arrival;
use crate::unit::{EventTime, Span};
use crate::wire::{Batch, Body, Clock, Origin, RawRecord};

/// How records find their partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// By the customer's id, as Kafka's default partitioner does (files).
    ByCustomer(NonZeroU32),
    /// As they come: the topic has partitions of its own.
    AsTheyCome,
}

/// How the wall clock has a say (D-1, D-3).
pub struct Live<'c> {
    /// The wall clock.
    pub clock: &'c dyn Clock,
    /// How far behind it a caught-up partition's `now` is kept.
    pub delay: Span,
    /// How far ahead of it an event may lie.
    pub ahead_max: Span,
    /// How little ahead still counts as now.
    pub skew: Span,
}

/// One record, read.
pub(super) enum Read<'a> {
    /// An event.
    Arrival(Arrival<'a>),
    /// An event of a type that nobody registered.
    Unknown,
    /// No event.
    Refused(Reject),
    /// An event that is refused because of the wall clock.
    TooEarly(Arrival<'a>, Box<Reject>),
}

/// Reads records.
pub(super) struct Reader<'a, 'c> {
    pub(super) spread: Spread,
    pub(super) live: Option<&'a Live<'c>>,
    pub(super) courses: &'a [Course],
    /// The `now` of every partition before the first of the records.
    pub(super) nows: &'a [EventTime],
}

/// Whether an event lies ahead of the wall clock.
enum Early {
    No,
    Waits,
}

impl Reader<'_, '_> {
    /// Decodes one record and decides where it goes.
    pub(super) fn read<'b>(&self, raw: &RawRecord, batch: &'b Batch) -> Read<'b> {
        let range = match &raw.body {
            Body::Refused(reject, _) => return Read::Refused(reject.clone()),
            Body::Event(range) => range.clone(),
        };
        let bytes = batch.bytes.get(range).unwrap_or_default();
        let event = match decode(bytes) {
            Ok(Decoded::Event(event)) => event,
            Ok(Decoded::Unknown(_)) => return Read::Unknown,
            Err(reject) => return Read::Refused(reject),
        };
        if let Some(key) = &raw.key {
            let key = key.clone().map(|range| batch.bytes.get(range).unwrap_or_default());
            if let Err(reject) = check_key(&event, key) {
                return Read::Refused(reject);
            }
        }
        let (early, told) = self.known_of(raw.origin, &event);
        let (partition, offset) = match (raw.origin, self.spread) {
            (Origin::Topic { partition, offset }, _) => (partition, Some(offset)),
            (Origin::File { .. }, Spread::ByCustomer(n)) => {
                (partition(event.customer_id.as_bytes(), n), None)
            }
            (Origin::File { .. }, Spread::AsTheyCome) => (0, None),
        };
        let waits = match early {
            Ok(Early::Waits) => Some(bytes),
            Ok(Early::No) | Err(_) => None,
        };
        // Its number is given to it once all records before it are read.
        let arrival = Arrival { event, partition, offset, n_before: 0, waits, told };
        match early {
            Ok(_) => Read::Arrival(arrival),
            Err(reject) => Read::TooEarly(arrival, Box::new(reject)),
        }
    }

    /// Whether `event` comes too early, and what `now` its partition had before it.
    fn known_of(
        &self,
        origin: Origin,
        event: &Event<'_>,
    ) -> (Result<Early, Reject>, Option<EventTime>) {
        let (mut says, mut told, mut was_done) = (None, None, false);
        let mut now = EventTime::ALWAYS;
        if let Origin::Topic { partition, offset } = origin {
            if let Some(course) = self.courses.get(partition as usize) {
                says = course.notes().of(offset);
                told = course.notes().now_before(offset);
                was_done = course.is_quiet_at(offset);
            }
            now = self.nows.get(partition as usize).copied().max(told).unwrap_or(now);
        }
        let early = match says {
            Some(Says::Waits) => Ok(Early::Waits),
            Some(Says::Refused) => Err(came_too_early(event)),
            Some(Says::Now(_)) | None if was_done || event.time <= now => Ok(Early::No),
            Some(Says::Now(_)) | None => self.by_the_clock(event),
        };
        (early, told)
    }

    /// Whether `event` lies ahead of the wall clock, where that has a say.
    fn by_the_clock(&self, event: &Event<'_>) -> Result<Early, Reject> {
        let Some(live) = self.live else { return Ok(Early::No) };
        let wall = live.clock.now();
        if wall.plus(live.ahead_max) < event.time {
            let detail = format!(
                "time {}; wanted at most {} after the wall clock ({wall})",
                event.time, live.ahead_max
            );
            return Err(Reject::new(Reason::FromTheFuture, detail));
        }
        Ok(if wall.plus(live.skew) < event.time { Early::Waits } else { Early::No })
    }
}

/// Why `event` is refused, where it was before.
pub(super) fn came_too_early(event: &Event<'_>) -> Reject {
    let detail = format!("time {}; it lay too far ahead when it came", event.time);
    Reject::new(Reason::FromTheFuture, detail)
}
