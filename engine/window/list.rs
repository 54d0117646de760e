//! Entries of one kind as they stand in a row: one after the other, each so many bytes.
//!
//! Shape   in time order, ties in order of arrival, but for the kinds that say otherwise.
//! Rules   an entry that no window can reach any more is swept when enough have gathered; a
//!         stale entry that is still there is never counted, for windows cut by time.
//! Cost    an entry in time order is put in at the end of its row; reading one is a load.

use std::marker::PhantomData;

use serde::{Serialize, Serializer};

use crate::unit::EventTime;
use crate::window::block::Block;
use crate::window::entry::Entry;

/// Entries to be read.
#[derive(Debug)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    kind: PhantomData<T>,
}

/// Entries to be changed: a stretch of a row.
#[derive(Debug)]
pub(crate) struct ListMut<'b, T> {
    block: &'b mut Block,
    row: usize,
    from: usize,
    to: usize,
    kind: PhantomData<T>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<'a, T: Entry> List<'a, T> {
    /// The entries in `bytes`.
    pub(crate) fn of(bytes: &'a [u8]) -> List<'a, T> {
        List { bytes, kind: PhantomData }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.bytes.len() / T::BYTES
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// Entry `at`.
    pub fn get(self, at: usize) -> Option<T> {
        let from = at * T::BYTES;
        self.bytes.get(from..from + T::BYTES).map(T::read)
    }

    /// The earliest.
    pub fn first(self) -> Option<T> {
        self.get(0)
    }

    /// The latest.
    pub fn last(self) -> Option<T> {
        self.len().checked_sub(1).and_then(|at| self.get(at))
    }

    /// All of them, in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + use<'a, T> {
        self.bytes.chunks_exact(T::BYTES).map(T::read)
    }

    /// How many lie at or before `time`, in a list in time order.
    pub fn n_until(self, time: EventTime) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle).is_some_and(|entry| entry.time() <= time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Those with a time in (`after`, `until`], in a list in time order.
    pub fn within(self, after: EventTime, until: EventTime) -> List<'a, T> {
        let from = match self.first() {
            Some(first) if first.time() <= after => self.n_until(after),
            _ => 0,
        };
        let to = match self.last() {
            Some(last) if until < last.time() => self.n_until(until),
            _ => self.len(),
        };
        List::of(self.bytes.get(from * T::BYTES..to.max(from) * T::BYTES).unwrap_or_default())
    }
}

/// A sequence of its entries.
impl<T: Entry + Serialize> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'b, T: Entry> ListMut<'b, T> {
    /// The entries in the bytes from `from` on up to `to` of row `row` of `block`.
    pub(crate) fn of(block: &'b mut Block, row: usize, from: usize, to: usize) -> ListMut<'b, T> {
        ListMut { block, row, from, to, kind: PhantomData }
    }

    /// The entries of row `row` of `block`.
    pub(crate) fn all(block: &'b mut Block, row: usize) -> ListMut<'b, T> {
        let to = block.row(row).len();
        ListMut::of(block, row, 0, to)
    }

    /// As they stand.
    pub(crate) fn view(&self) -> List<'_, T> {
        List::of(self.block.row(self.row).get(self.from..self.to).unwrap_or_default())
    }

    /// Where in the row they end.
    pub(crate) fn end(&self) -> usize {
        self.to
    }

    /// Puts `entry` into the place of entry `at`.
    pub(crate) fn set(&mut self, at: usize, entry: T) {
        let from = self.from + at * T::BYTES;
        if let Some(bytes) = self.block.row_mut(self.row).get_mut(from..from + T::BYTES) {
            entry.write(bytes);
        }
    }

    /// Puts `entry` in before entry `at`, or behind the last.
    pub(crate) fn put(&mut self, at: usize, entry: T) {
        let from = self.from + at * T::BYTES;
        self.block.splice(self.row, from, from, T::BYTES);
        self.to += T::BYTES;
        self.set(at, entry);
    }

    /// Puts `entry` in where its time belongs, after those of the same time.
    pub(crate) fn insert(&mut self, entry: T) {
        let entries = self.view();
        let at = match entries.last() {
            Some(last) if entry.time() < last.time() => entries.n_until(entry.time()),
            _ => entries.len(),
        };
        self.put(at, entry);
    }

    /// Keeps one entry of those that are the same, the one with the latest time; at the same time
    /// the later arrival.
    pub(crate) fn keep_latest(&mut self, entry: T, is_same: impl Fn(&T) -> bool) {
        let entries = self.view();
        let Some(known) = entries.iter().rposition(|other| is_same(&other)) else {
            return self.insert(entry);
        };
        if entries.get(known).is_some_and(|other| entry.time() < other.time()) {
            return;
        }
        // Those between its old place and its new one move up by one.
        let to = entries.n_until(entry.time());
        let (at, end) = (self.from + known * T::BYTES, self.from + to * T::BYTES);
        if let Some(between) = self.block.row_mut(self.row).get_mut(at..end) {
            between.copy_within(T::BYTES.., 0);
        }
        self.set(to - 1, entry);
    }

    /// Forgets the first `n`.
    pub(crate) fn forget(&mut self, n: usize) {
        self.replace(n, &[]);
    }

    /// Puts `entries` into the place of the first `n`.
    pub(crate) fn replace(&mut self, n: usize, entries: &[T]) {
        let (old, new) = (n * T::BYTES, entries.len() * T::BYTES);
        self.block.splice(self.row, self.from, self.from + old, new);
        self.to = self.to + new - old;
        for (at, entry) in entries.iter().enumerate() {
            self.set(at, *entry);
        }
    }

    /// Forgets those at or before `until` once they are worth the move.
    pub(crate) fn sweep(&mut self, until: EventTime) {
        let entries = self.view();
        let Some(first) = entries.first() else { return };
        if until < first.time() {
            return;
        }
        let n_stale = entries.n_until(until);
        if 2 + entries.len() / 8 <= n_stale {
            self.forget(n_stale);
        }
    }

    /// Drops the oldest beyond `most`.
    ///
    /// Returns whether any was dropped: the customer is then approximate.
    pub(crate) fn bound(&mut self, most: usize) -> bool {
        let excess = self.view().len().saturating_sub(most);
        if 0 < excess {
            self.forget(excess);
        }
        0 < excess
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Key;

    fn at(milli: i64) -> EventTime {
        EventTime::from_millis(milli)
    }

    fn block() -> Block {
        let mut block = Block::default();
        block.open(0, 0);
        block
    }

    fn times(block: &mut Block, millis: &[i64]) {
        for &milli in millis {
            ListMut::all(block, 0).insert(at(milli));
        }
    }

    #[test]
    fn windows_are_half_open() {
        let mut block = block();
        times(&mut block, &[30, 10, 20]);
        let check = |after, until, wanted: &[i64]| {
            let found = List::<EventTime>::of(block.row(0)).within(at(after), at(until));
            let found: Vec<i64> = found.iter().map(EventTime::millis).collect();
            assert_eq!(found, wanted, "({after}, {until}]");
        };
        check(0, 30, &[10, 20, 30]);
        check(10, 30, &[20, 30]);
        check(9, 29, &[10, 20]);
        check(30, 40, &[]);
        check(40, 30, &[]);
    }

    #[test]
    fn one_entry_a_key_and_the_latest_of_them() {
        let mut block = block();
        for (milli, name) in [(10, "a"), (20, "b"), (5, "a"), (30, "a"), (25, "b"), (30, "c")] {
            let key = Key::of(name.as_bytes());
            ListMut::all(&mut block, 0).keep_latest((at(milli), key), |other| other.1 == key);
        }
        let found: Vec<(EventTime, Key)> = List::of(block.row(0)).iter().collect();
        let wanted = [(25, "b"), (30, "a"), (30, "c")];
        assert_eq!(found, wanted.map(|(milli, name)| (at(milli), Key::of(name.as_bytes()))));
    }

    #[test]
    fn sweeping_forgets_only_what_is_out_of_reach() {
        let mut block = block();
        times(&mut block, &[1, 2, 3, 4, 50]);
        ListMut::<EventTime>::all(&mut block, 0).sweep(at(4));
        assert_eq!(List::<EventTime>::of(block.row(0)).iter().collect::<Vec<_>>(), [at(50)]);
    }
}
