//! Which events were applied lately: the memory against duplicates.
//!
//! Shape   a queue of (key, time applied) in order of arrival, cut into chunks; a full chunk
//!         never changes again, so a checkpoint shares it instead of copying it. Beside it small
//!         tables from a key to its number in the queue.
//! Rules   whether a key is known hangs on its time alone; forgetting from the front only gives
//!         memory back, a little with every event, so that a jump in time costs no pause. What
//!         waits for its time may keep those behind it for longer.
//! Cost    one probe an event; about 24 bytes for every event of the last `dedup.horizon`. There
//!         are many tables, for a table that grows moves all it holds.
//! Source  reading A-33 of the specification.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::unit::{EventTime, Key, Span};

/// The events applied within the horizon.
#[derive(Debug)]
pub struct Seen {
    horizon: Span,
    tables: Vec<HashTable<u32>>,
    sealed: VecDeque<Arc<Chunk>>,
    open: Chunk,
    /// The number of the first entry of the first chunk, a multiple of [`CHUNK`]; numbers wrap.
    first: u32,
    /// How many entries of the first chunk are forgotten.
    n_forgotten: usize,
}

/// A stretch of the queue: keys, and when each was applied.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    entries: Vec<(Key, EventTime)>,
}

/// What is remembered at one instant.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// What was applied at or before it is forgotten.
    pub(crate) until: EventTime,
    /// The entries, in order of arrival.
    pub(crate) chunks: VecDeque<Arc<Chunk>>,
}

/// Entries of a full chunk: it is 64 KiB, little enough to be copied while it is still open.
pub const CHUNK: usize = 1 << 12;

/// A tenth of a million entries in each of so many tables move within a few milliseconds.
const TABLES: usize = 1 << 8;

/// Forgetting twice as much as comes in keeps pace with it and catches up after a jump.
const FORGOTTEN_AT_ONCE: usize = 8;

/// The table of `key`; by bits that the table itself does not go by.
fn table_of(key: Key) -> usize {
    usize::try_from(key.bits() >> 40).unwrap_or(0) % TABLES
}

impl Seen {
    /// An empty memory that reaches back `horizon`.
    pub fn new(horizon: Span) -> Seen {
        Seen {
            horizon,
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            sealed: VecDeque::new(),
            open: Chunk::default(),
            first: 0,
            n_forgotten: 0,
        }
    }

    /// Whether `key` was applied less than the horizon before `at`, the later of `now` and the
    /// event's own time.
    pub fn knows(&self, key: Key, at: EventTime) -> bool {
        let number = self.tables.get(table_of(key)).and_then(|table| {
            table.find(key.bits(), |number| self.entry(*number).is_some_and(|e| e.0 == key))
        });
        let applied = number.and_then(|number| self.entry(*number));
        applied.is_some_and(|(_, applied)| at.minus(self.horizon) < applied)
    }

    /// Remembers that `key` is applied at `at`, which is `now` or later, and forgets some of what
    /// no record can repeat any more.
    pub fn remember(&mut self, key: Key, at: EventTime, now: EventTime) {
        self.forget(now);
        if self.open.entries.len() == CHUNK {
            self.seal();
        }
        let number = self.number(self.sealed.len(), self.open.entries.len());
        self.open.entries.push((key, at));
        self.index(key, number);
    }

    /// Takes over `chunk`, whose entries came after all others.
    pub(crate) fn adopt(&mut self, chunk: Chunk) {
        self.seal();
        let chunk = Arc::new(chunk);
        self.sealed.push_back(Arc::clone(&chunk));
        for (place, (key, _)) in chunk.entries.iter().enumerate() {
            self.index(*key, self.number(self.sealed.len() - 1, place));
        }
    }

    /// What is remembered at `now`; the chunks are shared, not copied.
    pub(crate) fn remembered(&self, now: EventTime) -> Remembered {
        let mut chunks = self.sealed.clone();
        chunks.push_back(Arc::new(self.open.clone()));
        Remembered { until: now.minus(self.horizon), chunks }
    }

    /// How many events are remembered.
    pub fn len(&self) -> usize {
        self.tables.iter().map(HashTable::len).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(HashTable::is_empty)
    }

    /// Notes that the latest word on `key` stands at `number`.
    fn index(&mut self, key: Key, number: u32) {
        let (sealed, open, first) = (&self.sealed, &self.open, self.first);
        let key_of = |number: u32| entry(sealed, open, first, number).map(|entry| entry.0);
        let Some(table) = self.tables.get_mut(table_of(key)) else { return };
        match table.find_mut(key.bits(), |known| key_of(*known) == Some(key)) {
            Some(known) => *known = number,
            None => {
                let hash = |known: &u32| key_of(*known).map_or(0, Key::bits);
                table.insert_unique(key.bits(), number, hash);
            }
        }
    }

    /// Ends the open chunk, if there is anything in it.
    fn seal(&mut self) {
        if !self.open.entries.is_empty() {
            self.sealed.push_back(Arc::new(std::mem::take(&mut self.open)));
        }
    }

    /// Forgets from the front what lies the horizon or more before `now`.
    fn forget(&mut self, now: EventTime) {
        for _ in 0..FORGOTTEN_AT_ONCE {
            let number = self.number(0, self.n_forgotten);
            let Some((key, applied)) = self.entry(number) else { return };
            if now.minus(self.horizon) < applied {
                return;
            }
            if let Some(table) = self.tables.get_mut(table_of(key))
                && let Ok(entry) = table.find_entry(key.bits(), |known| *known == number)
            {
                entry.remove();
            }
            self.n_forgotten += 1;
            if self.sealed.front().is_some_and(|chunk| chunk.entries.len() <= self.n_forgotten) {
                self.sealed.pop_front();
                self.first = self.number(1, 0);
                self.n_forgotten = 0;
            }
        }
    }

    fn entry(&self, number: u32) -> Option<(Key, EventTime)> {
        entry(&self.sealed, &self.open, self.first, number)
    }

    /// The number of entry `place` of chunk `chunk`.
    fn number(&self, chunk: usize, place: usize) -> u32 {
        // Four billion entries would take eighty gigabytes.
        self.first.wrapping_add(u32::try_from(chunk * CHUNK + place).unwrap_or(u32::MAX))
    }
}

/// The entry called `number`, if the queue still holds it.
fn entry(
    sealed: &VecDeque<Arc<Chunk>>,
    open: &Chunk,
    first: u32,
    number: u32,
) -> Option<(Key, EventTime)> {
    let place = number.wrapping_sub(first) as usize;
    let (chunk, place) = (place / CHUNK, place % CHUNK);
    let chunk = if chunk == sealed.len() { open } else { sealed.get(chunk)? };
    chunk.entries.get(place).copied()
}

impl Chunk {
    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries in order of arrival.
    pub(crate) fn entries(&self) -> &[(Key, EventTime)] {
        &self.entries
    }

    /// Appends the entries applied after `until` to `bytes`, and tells how many they are.
    pub(crate) fn encode(&self, until: EventTime, bytes: &mut Vec<u8>) -> u32 {
        let mut n_entries = 0;
        for (key, applied) in self.entries.iter().filter(|entry| until < entry.1) {
            bytes.extend_from_slice(&key.bits().to_le_bytes());
            bytes.extend_from_slice(&applied.millis().to_le_bytes());
            n_entries += 1;
        }
        n_entries
    }

    /// What [`Chunk::encode`] wrote; `None` where it cannot have.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Chunk> {
        let (words, rest) = bytes.as_chunks::<8>();
        let (pairs, odd) = words.as_chunks::<2>();
        if !rest.is_empty() || !odd.is_empty() || CHUNK < pairs.len() {
            return None;
        }
        let entries = pairs.iter().map(|[key, applied]| {
            let key = Key::from_bits(u64::from_le_bytes(*key));
            (key, EventTime::from_millis(i64::from_le_bytes(*applied)))
        });
        Some(Chunk { entries: entries.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> EventTime {
        EventTime::of_day(day)
    }

    #[test]
    fn a_33_an_id_is_a_duplicate_for_less_than_the_horizon() {
        let mut seen = Seen::new(Span::days(1));
        let key = Key::of(b"e-1");
        seen.remember(key, at(10), at(10));
        assert!(seen.knows(key, at(10)));
        assert!(seen.knows(key, at(11).minus(Span::MILLISECOND)));
        assert!(!seen.knows(key, at(11)));
        seen.remember(key, at(11), at(11));
        assert!(seen.knows(key, at(11)));
        assert_eq!(seen.len(), 1);
    }

    #[test]
    fn a_46_what_waits_does_not_make_the_past_forgotten() {
        let mut seen = Seen::new(Span::days(1));
        let (now, later) = (Key::of(b"now"), Key::of(b"later"));
        seen.remember(now, at(10), at(10));
        seen.remember(later, at(12), at(10));
        assert!(seen.knows(now, at(10)));
        assert!(seen.knows(later, at(12)));
    }

    #[test]
    fn many_come_and_go_and_the_queue_follows() {
        let mut seen = Seen::new(Span::millis(10_000));
        let key = |number: i64| Key::of(&number.to_le_bytes());
        for number in 0..50_000 {
            let now = EventTime::from_millis(number);
            seen.remember(key(number), now, now);
            assert!(seen.knows(key(number), now));
            assert!(seen.knows(key((number - 9_999).max(0)), now));
            assert!(number < 10_000 || !seen.knows(key(number - 10_000), now));
        }
        assert_eq!(seen.len(), 10_000);
        assert!(seen.sealed.len() <= 3);
    }

    #[test]
    fn what_is_remembered_can_be_taken_over() {
        let mut seen = Seen::new(Span::days(1));
        let key = |number: i64| Key::of(&number.to_le_bytes());
        for number in 0..10_000 {
            let now = EventTime::from_millis(number * 10_000);
            seen.remember(key(number % 9_500), now, now);
        }
        let now = EventTime::from_millis(9_999 * 10_000);
        let remembered = seen.remembered(now);
        let mut other = Seen::new(Span::days(1));
        for chunk in remembered.chunks {
            let mut bytes = Vec::new();
            let n_entries = chunk.encode(remembered.until, &mut bytes);
            let chunk = Chunk::decode(&bytes);
            let chunk = chunk.unwrap_or_default();
            assert_eq!(u32::try_from(chunk.len()), Ok(n_entries));
            other.adopt(chunk);
        }
        for number in 0..9_500 {
            for time in [now, now.plus(Span::millis(43_200_000))] {
                assert_eq!(seen.knows(key(number), time), other.knows(key(number), time));
            }
        }
        assert!(other.len() <= seen.len());
    }

    #[test]
    fn bytes_that_are_no_chunk_are_none() {
        assert!(Chunk::decode(&[0; 15]).is_none());
        assert!(Chunk::decode(&[0; 8]).is_none());
        assert!(Chunk::decode(&vec![0; 16 * (CHUNK + 1)]).is_none());
    }
}
