//! A record that moves time further than anybody would expect.
//!
//! Source  decision D-1.

use crate::run::counts::Jump;
use crate::state::{Arrival, Fate};
use crate::unit::{EventTime, Span};
use crate::wire::{Origin, RawRecord, Source};

/// More than this in one step is worth a word.
const FAR: Span = Span::days(30);

/// The first of the records that `came` from `source` that moved a partition's `now`, which stood at
/// `nows` before, very far.
pub(super) fn first_jump(
    mut nows: Vec<EventTime>,
    fates: &[Fate],
    came: (&[Arrival<'_>], &[&RawRecord]),
    source: &dyn Source,
) -> Option<Jump> {
    for ((fate, arrival), raw) in fates.iter().zip(came.0).zip(came.1) {
        let Some(now) = nows.get_mut(arrival.partition as usize) else { continue };
        let time = arrival.event.time;
        if *fate != Fate::Applied || time <= *now {
            continue;
        }
        if *now != EventTime::ALWAYS && FAR < time.since(*now) {
            let place = match raw.origin {
                Origin::File { line, .. } => format!("{}:{line}", source.name(raw.origin)),
                Origin::Topic { partition, offset } => {
                    format!("{}-{partition}@{offset}", source.name(raw.origin))
                }
            };
            return Some(Jump { place, from: *now, to: time });
        }
        *now = time;
    }
    None
}
