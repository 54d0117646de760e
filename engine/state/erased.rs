//! Customers who asked to be forgotten: all that is known of them is that.
//!
//! Shape   a table from the key of an id to the time of the request, and whether somebody of that
//!         id has begun anew since.
//! Rules   what happened up to the request stays out for ever; what happened later comes in once
//!         the id has begun anew, by E01 with a later time.
//! Cost    some 40 bytes a customer who asked, and two probes an event where anyone has: a key is
//!         spread well enough not to be hashed once more.
//! Source  reading A-44 of the specification, PV-3.

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::record::{Event, Kind};
use crate::unit::{EventTime, Key};

/// Who asked to be forgotten.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    asked: HashTable<(Key, Request)>,
}

/// What is known of one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The time of the request, the latest if there were several.
    pub time: EventTime,
    /// What went out of them or is counted up to here is not shown: the partition's `now` when the
    /// request was carried out, its time where it lay ahead, the last time of what waited then.
    pub hidden_until: EventTime,
    /// How many requests were carried out.
    pub n_requests: u32,
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
        let Some(request) = self.find(key) else { return true };
        let may_follow = request.since == Since::Beginning || begins(event.kind);
        event.kind == Kind::ErasureRequested || (may_follow && request.time < event.time)
    }

    /// By what `event` of the customer with `key` is known again: its id, and after an erasure that,
    /// too, for what came before it is forgotten. Requests are known again for good.
    pub fn identity(&self, key: Key, event: &Event<'_>) -> Key {
        match self.find(key) {
            Some(request) if event.kind != Kind::ErasureRequested => request.identity(key, event),
            _ => Key::within(key, event.id.as_bytes()),
        }
    }

    /// By what an event that repeats the id of the request `event` is known again.
    pub fn identity_after(&self, key: Key, event: &Event<'_>) -> Option<Key> {
        self.find(key).map(|request| request.identity(key, event))
    }

    /// Takes in that `event` of the customer with `key`, which was let in, is applied at `now`.
    pub fn note(&mut self, key: Key, event: &Event<'_>, now: EventTime) {
        if event.kind == Kind::ErasureRequested {
            let (time, hidden_until) = (event.time, now.max(event.time));
            let first = Request { time, hidden_until, n_requests: 0, since: Since::Nothing };
            let request = self.entry(key, first);
            *request = Request {
                time: request.time.max(time),
                hidden_until: request.hidden_until.max(hidden_until),
                n_requests: request.n_requests + 1,
                since: Since::Nothing,
            };
        } else if begins(event.kind)
            && let Some((_, request)) = self.asked.find_mut(key.bits(), |asked| asked.0 == key)
        {
            request.since = Since::Beginning;
        }
    }

    /// Takes in that events of the customer with `key`, who is forgotten, waited for `time`.
    pub(crate) fn hide_until(&mut self, key: Key, time: EventTime) {
        if let Some((_, request)) = self.asked.find_mut(key.bits(), |asked| asked.0 == key) {
            request.hidden_until = request.hidden_until.max(time);
        }
    }

    /// Takes in what was read back.
    pub(crate) fn take_in(&mut self, key: Key, request: Request) {
        *self.entry(key, request) = request;
    }

    /// The request of the customer with `key`, if there is one.
    #[inline]
    fn find(&self, key: Key) -> Option<&Request> {
        self.asked.find(key.bits(), |asked| asked.0 == key).map(|asked| &asked.1)
    }

    /// The same, to be changed; `request` where there is none yet.
    fn entry(&mut self, key: Key, request: Request) -> &mut Request {
        let is_same = |asked: &(Key, Request)| asked.0 == key;
        let entry = self.asked.entry(key.bits(), is_same, |asked| asked.0.bits());
        &mut entry.or_insert((key, request)).into_mut().1
    }

    /// All who asked, in the order of their keys.
    pub(crate) fn all(&self) -> Vec<(Key, Request)> {
        let mut all: Vec<(Key, Request)> = self.asked.iter().copied().collect();
        all.sort_by_key(|(key, _)| key.bits());
        all
    }
}

impl Request {
    fn identity(&self, key: Key, event: &Event<'_>) -> Key {
        let since = Key::within(key, &self.n_requests.to_le_bytes());
        Key::within(since, event.id.as_bytes())
    }
}

/// Whether an event of `kind` begins a customer: E01.
fn begins(kind: Kind) -> bool {
    matches!(kind, Kind::CustomerCreated | Kind::SubscriptionStarted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Decoded, decode};

    /// Whether an event of `kind` at `time` is let in, and takes it in at once if so.
    fn take(erased: &mut Erased, kind: &str, time: i64) -> bool {
        let line = format!(r#"{{"id":"1","type":"{kind}","customer_id":"c","time":{time}}}"#);
        let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else { return false };
        let key = Key::of(b"c");
        let is_in = erased.lets_in(key, &event);
        if is_in {
            erased.note(key, &event, EventTime::FIRST);
        }
        is_in
    }

    #[test]
    fn a_44_nothing_comes_back_before_a_later_beginning_and_nothing_earlier_ever() {
        let mut erased = Erased::default();
        assert!(take(&mut erased, "login", 5));
        assert!(take(&mut erased, "erasure_requested", 10));
        assert!(!take(&mut erased, "login", 11));
        assert!(!take(&mut erased, "customer_created", 10), "not later than the request");
        assert!(take(&mut erased, "customer_created", 11));
        assert!(take(&mut erased, "login", 11));
        assert!(!take(&mut erased, "login", 10));
        assert!(take(&mut erased, "erasure_requested", 7), "a late request is one, too");
        assert!(!take(&mut erased, "login", 12));
        assert!(!take(&mut erased, "subscription_started", 10), "the later request counts");
        assert!(take(&mut erased, "subscription_started", 12));
        assert_eq!(erased.all().len(), 1);
    }

    #[test]
    fn a_44_what_went_out_until_a_late_request_was_carried_out_is_not_told_either() {
        let mut erased = Erased::default();
        let line = r#"{"id":"1","type":"erasure_requested","customer_id":"c","time":10}"#;
        let mut carry_out = |now: i64| {
            let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else {
                unreachable!("{line} is an event")
            };
            erased.note(Key::of(b"c"), &event, EventTime::from_millis(now));
            erased
                .all()
                .first()
                .map(|(_, asked)| (asked.time.millis(), asked.hidden_until.millis()))
        };
        assert_eq!(carry_out(7), Some((10, 10)), "it lay ahead");
        assert_eq!(carry_out(25), Some((10, 25)));
        assert_eq!(carry_out(20), Some((10, 25)));
    }
}
