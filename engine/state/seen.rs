//! Which events were applied lately: the memory against duplicates.
//!
//! Shape   a table from the key of (customer, id) to the partition's `now` when the event was
//!         applied, and the same in order of that time, to forget by.
//! Cost    one probe an event; about 40 bytes for every event of the last `dedup.horizon`.
//! Source  reading A-33 of the specification.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::unit::{EventTime, Key, Span};

/// The events applied within the horizon.
#[derive(Debug)]
pub struct Seen {
    horizon: Span,
    known: HashTable<(Key, EventTime)>,
    order: VecDeque<(EventTime, Key)>,
}

impl Seen {
    /// An empty memory that reaches back `horizon`.
    pub fn new(horizon: Span) -> Seen {
        Seen { horizon, known: HashTable::new(), order: VecDeque::new() }
    }

    /// Whether `key` was applied less than the horizon before `at`, the later of `now` and the
    /// event's own time.
    pub fn knows(&self, key: Key, at: EventTime) -> bool {
        let known = self.known.find(key.bits(), |entry| entry.0 == key);
        known.is_some_and(|(_, applied)| at.minus(self.horizon) < *applied)
    }

    /// Remembers that `key` is applied at `now`, and forgets what no record can repeat any more.
    pub fn remember(&mut self, key: Key, now: EventTime) {
        while let Some((applied, old)) = self.order.front().copied()
            && applied <= now.minus(self.horizon)
        {
            self.order.pop_front();
            let same = |entry: &(Key, EventTime)| *entry == (old, applied);
            if let Ok(entry) = self.known.find_entry(old.bits(), same) {
                entry.remove();
            }
        }
        match self.known.find_mut(key.bits(), |entry| entry.0 == key) {
            Some(known) => known.1 = now,
            None => {
                self.known.insert_unique(key.bits(), (key, now), |entry| entry.0.bits());
            }
        }
        self.order.push_back((now, key));
    }

    /// How many events are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_33_an_id_is_a_duplicate_for_less_than_the_horizon() {
        let mut seen = Seen::new(Span::days(1));
        let key = Key::of(b"e-1");
        let first = EventTime::of_day(10);
        seen.remember(key, first);
        assert!(seen.knows(key, first));
        assert!(seen.knows(key, first.plus(Span::days(1)).minus(Span::MILLISECOND)));
        assert!(!seen.knows(key, first.plus(Span::days(1))));
        seen.remember(key, first.plus(Span::days(1)));
        assert!(seen.knows(key, first.plus(Span::days(1))));
        assert_eq!(seen.len(), 1);
    }
}
