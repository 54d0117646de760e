//! One timer a customer, in order of time.
//!
//! Shape   entries within the current stretch of about an hour in a heap, all later ones in
//!         unsorted buckets of such a stretch.
//! Rules   an entry may be out of date, because the customer's instant moved later: the caller
//!         looks at the customer and puts it back. It is never too late.
//! Cost    putting in is O(1); taking out is O(log of the timers within the hour).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::unit::EventTime;

/// The timers of one lane.
#[derive(Debug)]
pub struct Timers {
    near: BinaryHeap<Reverse<(EventTime, u32)>>,
    far: BTreeMap<i64, Vec<(EventTime, u32)>>,
    /// The stretch up to which everything is in `near`.
    reached: i64,
}

/// Two to the power of so many milliseconds is a stretch: 70 minutes.
const STRETCH_BITS: u32 = 22;

fn stretch(time: EventTime) -> i64 {
    time.millis() >> STRETCH_BITS
}

impl Default for Timers {
    fn default() -> Self {
        Timers { near: BinaryHeap::new(), far: BTreeMap::new(), reached: i64::MIN }
    }
}

impl Timers {
    /// Calls for `slot` at `time`; `NEVER` calls for nothing.
    pub fn push(&mut self, time: EventTime, slot: u32) {
        if time == EventTime::NEVER {
            return;
        }
        if stretch(time) <= self.reached {
            self.near.push(Reverse((time, slot)));
        } else {
            self.far.entry(stretch(time)).or_default().push((time, slot));
        }
    }

    /// Takes out the earliest entry that is not after `now`.
    pub fn pop(&mut self, now: EventTime) -> Option<(EventTime, u32)> {
        loop {
            if let Some(Reverse((time, _))) = self.near.peek() {
                // Everything near lies before everything far.
                return if *time <= now { self.near.pop().map(|entry| entry.0) } else { None };
            }
            let first = self.far.first_entry()?;
            if stretch(now) < *first.key() {
                return None;
            }
            self.reached = *first.key();
            self.near.extend(first.remove().into_iter().map(Reverse));
        }
    }

    /// Whether there may be an entry that is not after `now`; without one there is none.
    pub fn is_due(&self, now: EventTime) -> bool {
        match self.near.peek() {
            Some(Reverse((time, _))) => *time <= now,
            None => self.far.first_key_value().is_some_and(|(first, _)| *first <= stretch(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_out_in_order_of_time_and_never_early() {
        let mut timers = Timers::default();
        let times = [900, 5_000_000_000, 5, 4_194_304, 4_194_303, 7, 5_000_000_001];
        for (slot, time) in (0..).zip(times) {
            timers.push(EventTime::from_millis(time), slot);
        }
        assert!(timers.is_due(EventTime::from_millis(5)));
        assert_eq!(timers.pop(EventTime::from_millis(4)), None);
        assert!(!timers.is_due(EventTime::from_millis(4)));
        let mut taken = Vec::new();
        while let Some((time, _)) = timers.pop(EventTime::from_millis(5_000_000_000)) {
            taken.push(time.millis());
            if time.millis() == 7 {
                timers.push(EventTime::from_millis(8), 99);
            }
        }
        assert_eq!(taken, [5, 7, 8, 900, 4_194_303, 4_194_304, 5_000_000_000]);
        assert!(timers.is_due(EventTime::from_millis(5_000_000_001)));
    }
}
