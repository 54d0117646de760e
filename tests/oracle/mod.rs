//! The oracle: the default model played a second time, slowly, straight from the definitions.
//!
//! Shape   `decode` tells lines apart; `history` keeps everything a customer did; `measures`
//!         and `scores` recompute all of it at every judging; `timeline` names the instants at
//!         which time alone could change something; `crossings` alone remembers.
//! Rules   nothing is shared with the engine; where the two differ, one of them is wrong.
//! Source  DESIGN §3 and §16; readings; P-10, P-17.

mod agreement;
pub(crate) mod answers;
pub(crate) mod crossings;
pub(crate) mod decode;
mod edges;
pub(crate) mod history;
pub(crate) mod measures;
pub(crate) mod moment;
mod partition;
mod ring;
pub(crate) mod rules;
pub(crate) mod scores;
pub(crate) mod streams;
pub(crate) mod timeline;
pub(crate) mod traces;
mod vectors;

use serde_json::Value;

use crate::oracle::crossings::Rung;
use crate::oracle::decode::{Line, decode};
use crate::oracle::partition::{Fate, Partition, place};
use crate::played::{Options, Played};

/// Plays `lines` as one replay.
pub(crate) fn play(lines: &[String], options: &Options) -> Played {
    play_judging_at(lines, options, &[])
}

/// Plays `lines` as one replay in which everyone is also judged at the instants `more`.
///
/// Nothing may come of it (P-01): neither a trace, nor an alert that was missed without it.
fn play_judging_at(lines: &[String], options: &Options, more: &[i64]) -> Played {
    assert!(options.model.is_none(), "the oracle knows the shipped model only");
    assert!(0 < options.lanes && 0 < options.chunk, "lanes and chunks are counted from 1");
    let names =
        ["read", "applied", "duplicate", "late", "too_old", "erased", "unknown", "rejected"]
            .map(str::to_owned);
    let mut played = Played::default();
    played.counts.extend(names.map(|name| (name, 0)));
    let mut rung = Rung::default();
    let mut partitions: Vec<Partition> =
        (0..options.partitions).map(|_| Partition::new(more)).collect();
    for line in lines {
        let mut count = |name: &str| *played.counts.entry(name.to_owned()).or_default() += 1;
        count("read");
        match decode(line) {
            Line::Rejected => count("rejected"),
            Line::Unknown => count("unknown"),
            Line::Event(event) => {
                let place = place(&event.customer, partitions.len());
                match partitions[place].take(event, options, &mut rung) {
                    Fate::Duplicate => count("duplicate"),
                    Fate::TooOld => count("too_old"),
                    Fate::Erased => count("erased"),
                    Fate::Applied => count("applied"),
                    Fate::Late => {
                        count("applied");
                        count("late");
                    }
                }
            }
        }
    }
    for partition in &mut partitions {
        if let Some(until) = options.until {
            partition.end(until, options, &mut rung);
        }
        played.customers.extend(partition.rows(options));
    }
    played.counts.insert("suppressed".to_owned(), rung.suppressed);
    played.counts.insert("snoozed".to_owned(), rung.snoozed);
    played.alerts = rung.alerts;
    played
}

/// `alert` with its id taken out, so that alerts of the engine and of the oracle compare.
pub(crate) fn without_id(mut alert: Value) -> Value {
    if let Some(id) = alert.get_mut("id") {
        *id = Value::Null;
    }
    alert
}
