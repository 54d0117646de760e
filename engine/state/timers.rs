//! One timer a customer, in order of time.
//!
//! Shape   entries of the current stretch of about an hour in order, the latest first, those that
//!         were put in since it began in a heap, all later ones in unsorted buckets of a stretch.
//! Rules   an entry may be out of date, because the customer's instant moved later: the caller
//!         looks at the customer and puts it back. It is never too late.
//! Cost    putting in is O(1), within the hour O(log of those put in since it began); taking out
//!         alike. What comes next is known, so that its memory can be fetched ahead.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::unit::EventTime;

/// The timers of one lane.
#[derive(Debug)]
pub struct Timers {
    /// Of the stretch reached, those known when it was; the earliest at the end.
    sorted: Vec<Entry>,
    /// How many of `sorted` were not announced yet.
    unannounced: usize,
    /// Of the stretch reached, those put in since.
    near: BinaryHeap<Reverse<(EventTime, u32)>>,
    far: BTreeMap<i64, Vec<Entry>>,
    /// The stretch up to which everything is in `sorted` or `near`.
    reached: i64,
}

/// A slot, and when it is called, in milliseconds of its stretch; in order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u64);

/// How many entries are announced at once: so many customers fit the second cache with room.
const GROUP: usize = 32;

/// Two to the power of so many milliseconds is a stretch: 70 minutes.
const STRETCH_BITS: u32 = 22;

fn stretch(time: EventTime) -> i64 {
    time.millis() >> STRETCH_BITS
}

impl Entry {
    fn new(time: EventTime, slot: u32) -> Entry {
        let millis = time.millis() & ((1 << STRETCH_BITS) - 1);
        Entry(millis.unsigned_abs() << u32::BITS | u64::from(slot))
    }

    fn slot(self) -> u32 {
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    /// The time and the slot of an entry of `stretch`.
    fn within(self, stretch: i64) -> (EventTime, u32) {
        let millis = (self.0 >> u32::BITS).cast_signed();
        (EventTime::from_millis(stretch << STRETCH_BITS | millis), self.slot())
    }
}

impl Default for Timers {
    fn default() -> Self {
        let (sorted, near, far) = (Vec::new(), BinaryHeap::new(), BTreeMap::new());
        Timers { sorted, unannounced: 0, near, far, reached: i64::MIN }
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
            self.far.entry(stretch(time)).or_default().push(Entry::new(time, slot));
        }
    }

    /// Takes out the earliest entry that is not after `now`.
    pub fn pop(&mut self, now: EventTime) -> Option<(EventTime, u32)> {
        loop {
            let first = self.sorted.last().map(|entry| entry.within(self.reached));
            let fresh = self.near.peek().map(|entry| entry.0);
            let is_fresh = match (first, fresh) {
                (Some(first), Some(fresh)) => fresh < first,
                (first, _) => first.is_none(),
            };
            let next = if is_fresh { fresh } else { first };
            if let Some((time, _)) = next {
                // Everything near lies before everything far.
                if now < time {
                    return None;
                }
                if is_fresh {
                    self.near.pop();
                } else {
                    self.sorted.pop();
                }
                return next;
            }
            let first = self.far.first_entry()?;
            if stretch(now) < *first.key() {
                return None;
            }
            self.reached = *first.key();
            self.sorted = first.remove();
            self.sorted.sort_unstable_by(|a, b| b.cmp(a));
            self.unannounced = self.sorted.len();
        }
    }

    /// The slots that are called next, each told once, the last of them first; none while some
    /// that were told are still to be taken out.
    pub fn announce(&mut self) -> impl Iterator<Item = u32> + Clone + '_ {
        let told = if self.unannounced < self.sorted.len() {
            &[]
        } else {
            self.unannounced = self.sorted.len().saturating_sub(GROUP);
            self.sorted.get(self.unannounced..).unwrap_or_default()
        };
        told.iter().map(|entry| entry.slot())
    }

    /// Whether there may be an entry that is not after `now`; without one there is none.
    pub fn is_due(&self, now: EventTime) -> bool {
        let near = self.near.peek().map(|entry| entry.0.0);
        let first = self.sorted.last().map(|entry| entry.within(self.reached).0);
        match first.into_iter().chain(near).min() {
            Some(time) => time <= now,
            None => self.far.first_key_value().is_some_and(|(first, _)| *first <= stretch(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_of_a_stretch_is_announced_once_before_it_is_taken() {
        let mut timers = Timers::default();
        for slot in 0..100 {
            timers.push(EventTime::from_millis(i64::from(slot)), slot);
        }
        let (mut told, mut taken) = (Vec::new(), Vec::new());
        loop {
            let mut next: Vec<u32> = timers.announce().collect();
            next.reverse();
            told.extend(next);
            let Some((_, slot)) = timers.pop(EventTime::from_millis(200)) else { break };
            taken.push(slot);
            // The stretch becomes known when the first of it is taken.
            assert!(taken.len() == 1 || told.contains(&slot), "{slot}");
        }
        assert_eq!(taken, (0..100).collect::<Vec<u32>>());
        assert_eq!(told, taken[1..]);
    }

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
