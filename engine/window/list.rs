//! Entries of one kind as they stand in a row: one after the other, each of so many bytes.
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
use crate::window::form::Form;

/// Entries to be read.
#[derive(Debug)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    form: Form,
    kind: PhantomData<T>,
}

/// Entries to be changed: a stretch of a row.
#[derive(Debug)]
pub(crate) struct ListMut<'b, T> {
    block: &'b mut Block,
    row: usize,
    from: usize,
    to: usize,
    form: Form,
    kind: PhantomData<T>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<'a, T: Entry> List<'a, T> {
    /// The entries of the row of `bytes` with `tag`.
    #[inline]
    pub(crate) fn of(tag: u8, bytes: &'a [u8]) -> List<'a, T> {
        let form = Form::of::<T>(tag, bytes);
        List { bytes: bytes.get(form.head()..).unwrap_or_default(), form, kind: PhantomData }
    }

    /// The entries in `bytes`, wide ones.
    pub(crate) fn wide(bytes: &'a [u8]) -> List<'a, T> {
        List { bytes, form: Form::wide::<T>(), kind: PhantomData }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.form.count::<T>(self.bytes)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// Entry `at`.
    #[inline]
    pub fn get(self, at: usize) -> Option<T> {
        let n_bytes = self.form.bytes::<T>();
        self.bytes.get(at * n_bytes..(at + 1) * n_bytes).map(|bytes| self.form.read(bytes))
    }

    /// The earliest.
    pub fn first(self) -> Option<T> {
        self.get(0)
    }

    /// The latest.
    pub fn last(self) -> Option<T> {
        let from = self.bytes.len().checked_sub(self.form.bytes::<T>())?;
        self.bytes.get(from..).map(|bytes| self.form.read(bytes))
    }

    /// All of them, in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + use<'a, T> {
        self.bytes.chunks_exact(self.form.bytes::<T>()).map(move |bytes| self.form.read(bytes))
    }

    /// How many lie at or before `time`, in a list in time order.
    pub fn n_until(self, time: EventTime) -> usize {
        self.form.n_until::<T>(self.bytes, time)
    }

    /// Those with a time in (`after`, `until`], in a list in time order.
    pub fn within(self, after: EventTime, until: EventTime) -> List<'a, T> {
        List { bytes: self.form.within::<T>(self.bytes, after, until), ..self }
    }
}

/// A sequence of its entries.
impl<T: Entry + Serialize> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'b, T: Entry> ListMut<'b, T> {
    /// The wide entries in the bytes from `from` on up to `to` of row `row` of `block`.
    pub(crate) fn wide(block: &'b mut Block, row: usize, from: usize, to: usize) -> ListMut<'b, T> {
        ListMut { block, row, from, to, form: Form::wide::<T>(), kind: PhantomData }
    }

    /// The entries of row `row` of `block`.
    pub(crate) fn all(block: &'b mut Block, row: usize) -> ListMut<'b, T> {
        let (tag, bytes) = block.get(row).unwrap_or_default();
        let (form, to) = (Form::of::<T>(tag, bytes), bytes.len());
        ListMut { from: form.head(), form, block, row, to, kind: PhantomData }
    }

    /// As they stand.
    pub(crate) fn view(&self) -> List<'_, T> {
        let bytes = self.block.row(self.row).get(self.from..self.to).unwrap_or_default();
        List { bytes, form: self.form, kind: PhantomData }
    }

    /// Writes `entries` into the place of all there are.
    pub(crate) fn fill(&mut self, entries: &[T]) {
        if T::IS_FORMED {
            self.form_anew(entries, entries.len());
        } else {
            self.replace(self.view().len(), entries);
        }
    }

    /// Sees to it that `entry` can be put in.
    #[inline]
    fn suit(&mut self, entry: T) {
        if !T::IS_FORMED {
            return;
        }
        if self.to <= self.from {
            self.form_anew(&[entry], 0);
        } else if !self.form.fits(&entry) {
            let mut all: Vec<T> = self.view().iter().collect();
            all.push(entry);
            self.form_anew(&all, all.len() - 1);
        }
    }

    /// Gives a row that is theirs alone the form that suits `entries`, and writes the first `n`
    /// of them into it.
    #[cold]
    fn form_anew(&mut self, entries: &[T], n: usize) {
        let (tag, day) = Form::suiting(self.block.tag(self.row).unwrap_or(0), entries);
        let day = day.map(u16::to_le_bytes);
        let day = day.as_ref().map_or(&[][..], |day| day);
        self.form = Form::of::<T>(tag, day);
        let len = day.len() + n * self.form.bytes::<T>();
        self.block.set_tag(self.row, tag);
        self.block.splice(self.row, 0, self.to, len);
        (self.from, self.to) = (day.len(), len);
        for (to, from) in self.block.row_mut(self.row).iter_mut().zip(day) {
            *to = *from;
        }
        for (at, entry) in entries.iter().take(n).enumerate() {
            self.set(at, *entry);
        }
    }

    /// Where in the row they end.
    pub(crate) fn end(&self) -> usize {
        self.to
    }

    /// Puts `entry` into the place of entry `at`.
    pub(crate) fn set(&mut self, at: usize, entry: T) {
        let (form, n_bytes) = (self.form, self.form.bytes::<T>());
        let from = self.from + at * n_bytes;
        if let Some(bytes) = self.block.row_mut(self.row).get_mut(from..from + n_bytes) {
            form.write(&entry, bytes);
        }
    }

    /// Puts `entry` in before entry `at`, or behind the last.
    pub(crate) fn put(&mut self, at: usize, entry: T) {
        self.suit(entry);
        let n_bytes = self.form.bytes::<T>();
        let from = self.from + at * n_bytes;
        self.block.splice(self.row, from, from, n_bytes);
        self.to += n_bytes;
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
        self.suit(entry);
        let n_bytes = self.form.bytes::<T>();
        let (at, end) = (self.from + known * n_bytes, self.from + to * n_bytes);
        if let Some(between) = self.block.row_mut(self.row).get_mut(at..end) {
            between.copy_within(n_bytes.., 0);
        }
        self.set(to - 1, entry);
    }

    /// Forgets the first `n`.
    pub(crate) fn forget(&mut self, n: usize) {
        self.replace(n, &[]);
    }

    /// Puts `entries` into the place of the first `n`.
    pub(crate) fn replace(&mut self, n: usize, entries: &[T]) {
        let n_bytes = self.form.bytes::<T>();
        let (old, new) = (n * n_bytes, entries.len() * n_bytes);
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
            self.tighten();
        }
    }

    /// Writes the entries anew where they need fewer bytes by now.
    fn tighten(&mut self) {
        let entries = self.view();
        if let (Some(first), Some(last)) = (entries.first(), entries.last())
            && self.form.is_loose(first.time(), last.time())
        {
            let all: Vec<T> = entries.iter().collect();
            self.fill(&all);
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

    fn view<T: Entry>(block: &Block) -> List<'_, T> {
        let (tag, bytes) = block.get(0).unwrap_or_default();
        List::of(tag, bytes)
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
            let found = view::<EventTime>(&block).within(at(after), at(until));
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
        let found: Vec<(EventTime, Key)> = view(&block).iter().collect();
        let wanted = [(25, "b"), (30, "a"), (30, "c")];
        assert_eq!(found, wanted.map(|(milli, name)| (at(milli), Key::of(name.as_bytes()))));
    }

    #[test]
    fn sweeping_forgets_only_what_is_out_of_reach() {
        let mut block = block();
        times(&mut block, &[1, 2, 3, 4, 50]);
        ListMut::<EventTime>::all(&mut block, 0).sweep(at(4));
        assert_eq!(view::<EventTime>(&block).iter().collect::<Vec<_>>(), [at(50)]);
    }
}
