//! One customer: past, orders, what was said, and when to look again.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::record::scores::Status;
use crate::score::{Machine, Orders};
use crate::unit::limit::CUSTOMER_ID_BYTES_MAX;
use crate::unit::{EventTime, Key, Points};
use crate::window::{History, Memo, Standing};

/// One customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Customer {
    /// What the customer did.
    pub history: History,
    /// What it measured to when it was last judged; whoever has none looks anew.
    #[serde(skip)]
    pub memo: Memo,
    /// What was said of it.
    pub machine: Machine,
    /// What people ordered; most customers have none.
    pub orders: Option<Box<Orders>>,
    /// Events from the future, in the order in which they will be applied.
    pub waiting: ThinVec<Waiting>,
    /// The scores as last published.
    pub published: Option<Box<Published>>,
    /// The next instant at which something changes if nothing else happens.
    pub due: EventTime,
    /// The instant at which the timers will next call, not after `due`.
    #[serde(skip, default = "never")]
    pub queued: EventTime,
    id: Box<str>,
    #[serde(skip, default = "unknown")]
    key: Key,
}

/// An event that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its time.
    pub time: EventTime,
    /// Its offset, where records have one.
    pub offset: Option<i64>,
    /// The record as it came: canonical JSON that was decoded once.
    pub bytes: Box<[u8]>,
}

/// The scores as they last went out.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Published {
    /// Value, band of the value and held band of every score.
    pub scores: Vec<(Option<Points>, Option<u8>, Option<u8>)>,
    /// The status.
    pub status: Option<Status>,
}

fn first_of(text: &str) -> usize {
    text.bytes().next().map_or(0, usize::from)
}

fn never() -> EventTime {
    EventTime::NEVER
}

/// The key of a customer just read back, until [`Customer::come_back`] knows better.
fn unknown() -> Key {
    Key::from_bits(0)
}

impl Customer {
    /// A customer of whom nothing is known yet.
    pub fn new(id: &str, key: Key) -> Customer {
        Customer {
            history: History::default(),
            memo: Memo::default(),
            machine: Machine::default(),
            orders: None,
            waiting: ThinVec::new(),
            published: None,
            due: EventTime::NEVER,
            queued: EventTime::NEVER,
            id: Box::from(id),
            key,
        }
    }

    /// Fills in what follows from the rest of a customer just read back, or tells that the rest
    /// cannot be.
    pub(crate) fn come_back(mut self) -> Option<Customer> {
        self.key = Key::of(self.id.as_bytes());
        let is_named = (1..=CUSTOMER_ID_BYTES_MAX).contains(&self.id.len());
        (is_named && self.history.is_whole()).then_some(self)
    }

    /// The time of the next event that waits; `NEVER` where none does.
    pub(crate) fn next_waiting(&self) -> EventTime {
        self.waiting.first().map_or(EventTime::NEVER, |waiting| waiting.time)
    }

    /// Looks at every line of the customer itself; the sum means nothing.
    pub(crate) fn warm_self(&self) -> usize {
        let times = [self.due, self.history.known_since(), self.machine.judged_at()];
        let sum = times
            .iter()
            .fold(self.key.bits(), |sum, time| sum.wrapping_add(time.millis().cast_unsigned()));
        sum.to_le_bytes()[0].into()
    }

    /// Looks at what a step will look at and what the customer points to; the sum means nothing.
    pub(crate) fn warm(&self) -> usize {
        let parts = [
            self.history.warm(),
            self.memo.warm(),
            self.machine.warm(),
            first_of(&self.id),
            self.history.standing().and_then(Standing::owner).map_or(0, str::len),
        ];
        parts.into_iter().fold(0, usize::wrapping_add)
    }

    /// Looks at what is found through that; the sum means nothing.
    pub(crate) fn warm_far(&self) -> usize {
        let owner = self.history.standing().and_then(Standing::owner).map_or(0, first_of);
        owner.wrapping_add(self.machine.warm_samples())
    }

    /// Who stands in the slot of a customer who was forgotten.
    pub(crate) fn nobody() -> Customer {
        Customer::new("", Key::of(b""))
    }

    /// Whether this is nobody: no customer has an empty id.
    pub(crate) fn is_nobody(&self) -> bool {
        self.id.is_empty()
    }

    /// The customer's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key of the id.
    pub fn key(&self) -> Key {
        self.key
    }
}
