//! Customers who asked to be forgotten: all that is known of them is that.
//!
//! Shape   a table from the key of an id to the time of the request, and whether somebody of that
//!         id has begun anew since.
//! Rules   what happened up to the request stays out for ever; what happened later comes in once
//!         the id has begun anew, by E01 with a later time.
//! Cost    24 bytes a customer who asked, and a probe an event where anyone has.
//! Source  reading A-44 of the specification, PV-3.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::record::{Event, Kind};
use crate::unit::{EventTime, Key};

/// Who asked to be forgotten.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    asked: HashMap<Key, Request>,
}

/// What is known of one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The time of the request.
    pub time: EventTime,
    /// Whether the id has begun anew since.
    pub since: Since,
}

/// What came after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Since {
    /// Nothing that counts.
    Nothing,
    /// A beginning: E01.
    Beginning,
}

impl Erased {
    /// Whether `event` of the customer with `key` is let in.
    pub fn lets_in(&self, key: Key, event: &Event<'_>) -> bool {
        if self.asked.is_empty() {
            return true;
        }
        let Some(request) = self.asked.get(&key) else { return true };
        let may_follow = request.since == Since::Beginning || begins(event.kind);
        event.kind == Kind::ErasureRequested || (may_follow && request.time < event.time)
    }

    /// Takes in that `event` of the customer with `key`, which was let in, is applied.
    pub fn note(&mut self, key: Key, event: &Event<'_>) {
        if event.kind == Kind::ErasureRequested {
            let first = Request { time: event.time, since: Since::Nothing };
            let request = self.asked.entry(key).or_insert(first);
            *request = Request { time: request.time.max(event.time), since: Since::Nothing };
        } else if begins(event.kind)
            && let Some(request) = self.asked.get_mut(&key)
        {
            request.since = Since::Beginning;
        }
    }

    /// Takes in what was read back.
    pub(crate) fn take_in(&mut self, key: Key, request: Request) {
        self.asked.insert(key, request);
    }

    /// All who asked, in the order of their keys.
    pub(crate) fn all(&self) -> Vec<(Key, Request)> {
        let mut all: Vec<(Key, Request)> =
            self.asked.iter().map(|(key, request)| (*key, *request)).collect();
        all.sort_by_key(|(key, _)| key.bits());
        all
    }
}

/// Whether an event of `kind` begins a customer: E01.
fn begins(kind: Kind) -> bool {
    matches!(kind, Kind::CustomerCreated | Kind::SubscriptionStarted)
}
