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
use crate::window::entry::{Entry, read_u64, write_u64};
use crate::window::list::{List, ListMut};

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
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Lumps<'a> {
    lumps: List<'a, Lump>,
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

impl Entry for Lump {
    const REST: usize = 40;
    const IS_FORMED: bool = false;

    fn time(&self) -> EventTime {
        self.time
    }

    fn read(time: EventTime, rest: &[u8]) -> Lump {
        let number = |at: usize| read_u64(rest, at);
        let sum = u128::from(number(8)) | u128::from(number(16)) << 64;
        Lump {
            time,
            n: number(0),
            sum: sum.cast_signed(),
            min: Micros::new(number(24).cast_signed()),
            max: Micros::new(number(32).cast_signed()),
        }
    }

    fn write(&self, rest: &mut [u8]) {
        write_u64(self.n, rest, 0);
        if let Some(sum) = rest.get_mut(8..24) {
            sum.copy_from_slice(&self.sum.to_le_bytes());
        }
        write_u64(self.min.get().cast_unsigned(), rest, 24);
        write_u64(self.max.get().cast_unsigned(), rest, 32);
    }
}

impl<'a> Lumps<'a> {
    /// The lumps in `bytes`.
    pub(crate) fn of(bytes: &'a [u8]) -> Lumps<'a> {
        Lumps { lumps: List::wide(bytes) }
    }

    /// How many lumps there are.
    pub fn len(&self) -> usize {
        self.lumps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lumps.is_empty()
    }

    /// The lumps with a time in (`after`, `until`].
    pub fn within(&self, after: EventTime, until: EventTime) -> List<'a, Lump> {
        self.lumps.within(after, until)
    }

    /// The first lump after `time`.
    pub fn first_after(&self, time: EventTime) -> Option<EventTime> {
        self.lumps.get(self.lumps.n_until(time)).map(|lump| lump.time)
    }
}

/// Joins old lumps if there are more than `most`; returns whether there were.
pub(crate) fn join(lumps: &mut ListMut<'_, Lump>, most: usize) -> bool {
    let entries = lumps.view();
    if entries.len() <= most {
        return false;
    }
    let older: Vec<Lump> = entries.iter().take(entries.len() / 2).collect();
    let mut joined = Vec::with_capacity(older.len());
    for pair in older.chunks(2) {
        match pair {
            [first, second] => joined.push(first.join(*second)),
            rest => joined.extend_from_slice(rest),
        }
    }
    lumps.replace(older.len(), &joined);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::block::Block;

    #[test]
    fn joined_lumps_keep_every_event_and_the_newer_half_stays_exact() {
        let mut block = Block::default();
        block.open(0, 0);
        for milli in 1..=1_000 {
            let mut lumps = ListMut::all(&mut block, 0);
            lumps.insert(Lump::one(EventTime::from_millis(milli), Micros::ONE));
            join(&mut lumps, 64);
        }
        let lumps = Lumps::of(block.row(0));
        let all = lumps.within(EventTime::ALWAYS, EventTime::NEVER);
        assert!(all.len() <= 64);
        assert_eq!(all.iter().map(|lump| lump.n).sum::<u64>(), 1_000);
        let sum: i128 = all.iter().map(|lump| lump.sum).sum();
        assert_eq!(sum, 1_000_000_000);
        let newest = lumps.within(EventTime::from_millis(985), EventTime::from_millis(1_000));
        assert_eq!(newest.iter().map(|lump| lump.n).sum::<u64>(), 15);
    }
}
