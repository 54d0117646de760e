//! Times and numbers of a customer who has more of them than are kept one by one.
//!
//! Shape   lumps in time order; each stands for `n` events at the time of its latest.
//! Rules   when there are more lumps than the bound, neighbours in the older half are joined
//!         two by two. Nothing is dropped.
//! Errors  a window's count, sum and mean are exact but for the one lump across its open end,
//!         which counts whole or not at all: at most `n` of that lump too many. The lumps of the
//!         newer half hold one event each, so a window within them is exact.
//! Cost    reading is O(lumps); joining is O(lumps) once per quarter of the bound.

use serde::{Deserialize, Serialize};

use crate::unit::{EventTime, Micros};

/// Several events as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lump {
    /// The time of the latest of them.
    pub time: EventTime,
    /// How many.
    pub n: u64,
    /// The sum of their numbers, in millionths.
    pub sum: i128,
    /// The smallest of their numbers.
    pub min: Micros,
    /// The largest of their numbers.
    pub max: Micros,
}

/// All lumps of a track.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lumps {
    lumps: Vec<Lump>,
}

impl Lump {
    /// One event at `time` with `number`.
    pub fn one(time: EventTime, number: Micros) -> Lump {
        Lump { time, n: 1, sum: i128::from(number.get()), min: number, max: number }
    }

    /// This lump and a `later` one as one.
    fn join(self, later: Lump) -> Lump {
        Lump {
            time: self.time.max(later.time),
            n: self.n.saturating_add(later.n),
            sum: self.sum.saturating_add(later.sum),
            min: self.min.min(later.min),
            max: self.max.max(later.max),
        }
    }
}

impl Lumps {
    /// Takes over `entries`, which are in time order.
    pub fn of(entries: impl Iterator<Item = (EventTime, Micros)>) -> Lumps {
        Lumps { lumps: entries.map(|(time, number)| Lump::one(time, number)).collect() }
    }

    /// How many lumps there are.
    pub fn len(&self) -> usize {
        self.lumps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lumps.is_empty()
    }

    /// Adds one event.
    pub fn add(&mut self, time: EventTime, number: Micros) {
        let at = self.lumps.partition_point(|lump| lump.time <= time);
        self.lumps.insert(at, Lump::one(time, number));
    }

    /// Joins old lumps if there are more than `most`; returns whether there were.
    pub fn join(&mut self, most: usize) -> bool {
        if self.lumps.len() <= most {
            return false;
        }
        let older = self.lumps.len() / 2;
        let mut joined = Vec::with_capacity(self.lumps.len());
        for pair in self.lumps.get(..older).unwrap_or(&[]).chunks(2) {
            match pair {
                [first, second] => joined.push(first.join(*second)),
                rest => joined.extend_from_slice(rest),
            }
        }
        joined.extend_from_slice(self.lumps.get(older..).unwrap_or(&[]));
        self.lumps = joined;
        true
    }

    /// The lumps with a time in (`after`, `until`].
    pub fn within(&self, after: EventTime, until: EventTime) -> &[Lump] {
        let from = self.lumps.partition_point(|lump| lump.time <= after);
        let to = self.lumps.partition_point(|lump| lump.time <= until);
        self.lumps.get(from..to.max(from)).unwrap_or(&[])
    }

    /// The first lump after `time`.
    pub fn first_after(&self, time: EventTime) -> Option<EventTime> {
        let at = self.lumps.partition_point(|lump| lump.time <= time);
        self.lumps.get(at).map(|lump| lump.time)
    }

    /// Forgets the lumps at or before `until`.
    pub fn sweep(&mut self, until: EventTime) {
        let n_stale = self.lumps.partition_point(|lump| lump.time <= until);
        if 2 + self.lumps.len() / 8 <= n_stale {
            self.lumps.drain(..n_stale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_lumps_keep_every_event_and_the_newer_half_stays_exact() {
        let mut lumps = Lumps::default();
        for milli in 1..=1_000 {
            lumps.add(EventTime::from_millis(milli), Micros::ONE);
            lumps.join(64);
        }
        let all = lumps.within(EventTime::ALWAYS, EventTime::NEVER);
        assert!(all.len() <= 64);
        assert_eq!(all.iter().map(|lump| lump.n).sum::<u64>(), 1_000);
        let sum: i128 = all.iter().map(|lump| lump.sum).sum();
        assert_eq!(sum, 1_000_000_000);
        let newest = lumps.within(EventTime::from_millis(985), EventTime::from_millis(1_000));
        assert_eq!(newest.iter().map(|lump| lump.n).sum::<u64>(), 15);
    }
}
