//! What comes out of the engine, and in which order.
//!
//! Rules   output follows the record whose application produced it: first the timers that came
//!         due because it moved `now`, in order of time and customer id, then the record itself.
//! Source  decision D-5.

use crate::record::alert::{AlertKind, Cause};
use crate::record::{Receipt, ScoreRecord};
use crate::unit::EventTime;

/// One output.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// An alert, as its bytes.
    Alert(Rung, Vec<u8>),
    /// A customer's latest scores, and their bytes.
    Scores(Box<ScoreRecord>, Vec<u8>),
    /// A customer is forgotten; what remains is still to be filled in.
    Erased(Box<Receipt>),
}

/// What those who pass an alert on need to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// What rang.
    pub kind: AlertKind,
    /// Whose.
    pub customer_id: String,
}

/// Where an event came from, as far as its alerts tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance<'a> {
    /// The topic; `None` for a file, a pipe or memory.
    pub topic: Option<&'a str>,
    /// The partition.
    pub partition: u32,
    /// The offset; `None` where records have none.
    pub offset: Option<i64>,
}

impl<'a> Provenance<'a> {
    /// The cause that alerts of the event called `id` carry.
    pub fn cause(self, id: &'a str) -> Cause<&'a str> {
        match (self.topic, self.offset) {
            (Some(topic), Some(offset)) => {
                Cause::Record { id, topic, partition: self.partition, offset }
            }
            _ => Cause::Event { id },
        }
    }
}

/// Where an output stands among those of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The record, by its index; or the partition where only time moved.
    pub turn: u64,
    /// The instant of a timer; `NEVER` for the record itself, which comes after its timers.
    pub at: EventTime,
}

/// An output in its place.
#[derive(Debug)]
pub struct Placed {
    /// The place.
    pub place: Place,
    /// The partition.
    pub home: u32,
    /// The output.
    pub output: Output,
}

impl Output {
    /// Whose it is.
    pub fn customer_id(&self) -> &str {
        match self {
            Output::Alert(rung, _) => &rung.customer_id,
            Output::Scores(scores, _) => &scores.customer_id,
            Output::Erased(receipt) => &receipt.customer_id,
        }
    }
}

/// Brings the outputs of all lanes into their order, each with its partition. Those of one customer
/// keep theirs.
pub fn in_order(mut placed: Vec<Placed>) -> (Vec<u32>, Vec<Output>) {
    placed.sort_by(|a, b| {
        let by_place = a.place.cmp(&b.place);
        by_place.then_with(|| a.output.customer_id().cmp(b.output.customer_id()))
    });
    placed.into_iter().map(|placed| (placed.home, placed.output)).unzip()
}
