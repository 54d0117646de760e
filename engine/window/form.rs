//! The form of a row: how many bytes the times of its entries take, and their numbers.
//!
//! Shape   a row that is not wide begins with the UTC day from which its times count, in two
//!         bytes. A time is then the milliseconds since that day began: in four bytes, which reach
//!         49 days, or in five, which reach 34 years. Numbers take four bytes where all of the
//!         row fit, else eight. The tag of the row says which.
//! Rules   a form is chosen for the entries there are; one that it does not fit has all of them
//!         written anew. The form cannot be told from what is read.

use crate::unit::{EventTime, Span};
use crate::window::entry::{Entry, TIME_BYTES, read_time, write_time};

/// How the entries of one row are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// The day from which times count.
    day: u16,
    /// Bytes of a time.
    time: u8,
    /// Bytes of an entry.
    entry: u8,
}

/// The bits of a tag that say of which kind the entries are.
pub(crate) const KIND: u8 = 15;

/// The bits of a tag that say how many bytes a time takes; none of them where it is wide.
const TIMES: u8 = 3 << 4;
const FOUR: u8 = 1 << 4;
const FIVE: u8 = 2 << 4;
/// The bit of a tag that says that numbers take four bytes.
const SHORT: u8 = 1 << 6;

/// Bytes of the day before the entries.
const DAY_BYTES: usize = 2;

/// The times of a row of five bytes that lie within so many milliseconds are worth four again:
/// three quarters of what four reach, so that a window's worth of them does not go to and fro.
const NEAR: u64 = 3 << 30;

/// Bytes of a wide time, as they are compared with those of a form.
const WIDE: u8 = 6;
const _: () = assert!(WIDE as usize == TIME_BYTES);

impl Form {
    /// The form of all entries of `T` where they stand wide, without a day before them.
    #[expect(clippy::cast_possible_truncation, reason = "an entry has less than 64 bytes")]
    pub(crate) const fn wide<T: Entry>() -> Form {
        const { assert!(TIME_BYTES + T::REST < 64) };
        Form { day: 0, time: WIDE, entry: WIDE + T::REST as u8 }
    }

    /// The form of the row of `bytes` with `tag`.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "an entry has less than 64 bytes")]
    pub(crate) fn of<T: Entry>(tag: u8, bytes: &[u8]) -> Form {
        let time = match tag & TIMES {
            FOUR if T::IS_FORMED => 4,
            FIVE if T::IS_FORMED => 5,
            _ => return Form::wide::<T>(),
        };
        let rest = if tag & SHORT == 0 { T::REST } else { T::REST_MIN };
        let day = bytes.first_chunk().map_or(0, |day| u16::from_le_bytes(*day));
        Form { day, time, entry: time + rest as u8 }
    }

    /// The tag of `kind` with the form that suits `entries` the best, and the day to be written
    /// before them where that has one.
    pub(crate) fn suiting<T: Entry>(kind: u8, entries: &[T]) -> (u8, Option<u16>) {
        let times = || entries.iter().map(|entry| entry.time());
        let first = times().min().unwrap_or(EventTime::FIRST);
        let last = times().max().unwrap_or(EventTime::FIRST);
        let day = u16::try_from(first.day_index()).ok();
        let span = last.since(EventTime::of_day(first.day_index())).as_millis();
        let (time, day) = match (day, span) {
            (Some(day), ..0x1_0000_0000) => (FOUR, Some(day)),
            (Some(day), ..0x100_0000_0000) => (FIVE, Some(day)),
            _ => (0, None),
        };
        let is_short = T::REST_MIN < T::REST && entries.iter().all(|one| one.rest() < T::REST);
        let short = if is_short && day.is_some() { SHORT } else { 0 };
        (kind & KIND | time | short, day)
    }

    /// Bytes before the first entry.
    #[inline]
    pub(crate) fn head(self) -> usize {
        if self.time == WIDE { 0 } else { DAY_BYTES }
    }

    /// Bytes of an entry.
    #[inline]
    pub(crate) fn bytes<T: Entry>(self) -> usize {
        match (T::IS_FORMED, self.time) {
            (true, 4) => self.bytes_by::<T, 4>(),
            (true, 5) => self.bytes_by::<T, 5>(),
            _ => TIME_BYTES + T::REST,
        }
    }

    /// The same, of a form whose times take `W` bytes: mostly known when the program is built.
    #[inline]
    fn bytes_by<T: Entry, const W: usize>(self) -> usize {
        if T::REST_MIN < T::REST { usize::from(self.entry) } else { W + T::REST }
    }

    /// How many entries there are in `bytes`.
    #[inline]
    pub(crate) fn count<T: Entry>(self, bytes: &[u8]) -> usize {
        match (T::IS_FORMED, self.time) {
            (true, 4) => bytes.len() / self.bytes_by::<T, 4>(),
            (true, 5) => bytes.len() / self.bytes_by::<T, 5>(),
            _ => bytes.len() / (TIME_BYTES + T::REST),
        }
    }

    /// Whether `entry` can be written in this form.
    #[inline]
    pub(crate) fn fits<T: Entry>(self, entry: &T) -> bool {
        if self.time == WIDE {
            return true;
        }
        let past = entry.time().millis().saturating_sub(self.base());
        0 <= past
            && past >> (8 * self.time) == 0
            && (T::REST_MIN == T::REST
                || usize::from(self.time) + entry.rest() <= usize::from(self.entry))
    }

    /// Whether entries from `first` to `last` would rather have fewer bytes.
    pub(crate) fn is_loose(self, first: EventTime, last: EventTime) -> bool {
        self.time == 5 && last.since(first).as_millis().unsigned_abs() < NEAR
    }

    /// The entry in `bytes`, which are as many as it takes.
    #[inline]
    pub(crate) fn read<T: Entry>(self, bytes: &[u8]) -> T {
        match (T::IS_FORMED, self.time) {
            (true, 4) => self.read_by::<T, 4>(bytes),
            (true, 5) => self.read_by::<T, 5>(bytes),
            _ => T::read(read_time(bytes), bytes.get(TIME_BYTES..).unwrap_or_default()),
        }
    }

    #[inline]
    fn read_by<T: Entry, const W: usize>(self, bytes: &[u8]) -> T {
        let time = EventTime::from_millis(self.base() + past::<W>(bytes));
        T::read(time, bytes.get(W..).unwrap_or_default())
    }

    /// Writes `entry`, which fits, into `bytes`, which are as many as it takes.
    #[inline]
    pub(crate) fn write<T: Entry>(self, entry: &T, bytes: &mut [u8]) {
        let past = entry.time().millis().saturating_sub(self.base()).to_le_bytes();
        let (Some(to), [a, b, c, d, e, ..]) = (bytes.first_chunk_mut(), past) else { return };
        let n_bytes = match (T::IS_FORMED, self.time) {
            (true, 4) => {
                *to = [a, b, c, d];
                4
            }
            (true, 5) => {
                *to = [a, b, c, d];
                bytes.get_mut(4).into_iter().for_each(|to| *to = e);
                5
            }
            _ => {
                write_time(entry.time(), bytes);
                TIME_BYTES
            }
        };
        if let Some(rest) = bytes.get_mut(n_bytes..) {
            entry.write(rest);
        }
    }

    /// How many of the entries in `bytes`, in time order, lie at or before `time`.
    pub(crate) fn n_until<T: Entry>(self, bytes: &[u8], time: EventTime) -> usize {
        match (T::IS_FORMED, self.time) {
            (true, 4) => search(bytes, self.bytes_by::<T, 4>(), self.past(time), past::<4>),
            (true, 5) => search(bytes, self.bytes_by::<T, 5>(), self.past(time), past::<5>),
            _ => search(bytes, TIME_BYTES + T::REST, time, read_time),
        }
    }

    /// The `bytes` of the entries, in time order, with a time in (`after`, `until`].
    #[inline]
    pub(crate) fn within<T: Entry>(
        self,
        bytes: &[u8],
        after: EventTime,
        until: EventTime,
    ) -> &[u8] {
        let ends = (self.past(after), self.past(until));
        match (T::IS_FORMED, self.time) {
            (true, 4) => cut(bytes, self.bytes_by::<T, 4>(), ends, past::<4>),
            (true, 5) => cut(bytes, self.bytes_by::<T, 5>(), ends, past::<5>),
            _ => cut(bytes, TIME_BYTES + T::REST, (after, until), read_time),
        }
    }

    /// The milliseconds from which times count.
    #[inline]
    fn base(self) -> i64 {
        i64::from(self.day) * Span::DAY.as_millis()
    }

    /// Where `time` lies as times are written; below zero where none can be as early.
    #[inline]
    fn past(self, time: EventTime) -> i64 {
        time.millis().saturating_sub(self.base())
    }
}

/// The number in the first `W` of `bytes`.
#[inline]
fn past<const W: usize>(bytes: &[u8]) -> i64 {
    let mut word = [0; 8];
    if let (Some(from), Some(to)) = (bytes.first_chunk::<W>(), word.first_chunk_mut::<W>()) {
        *to = *from;
    }
    i64::from_le_bytes(word)
}

/// How many entries of `n_bytes` begin with a time, as `read` reads it, at or before `time`.
#[inline]
fn search<O: Ord>(bytes: &[u8], n_bytes: usize, time: O, read: impl Fn(&[u8]) -> O) -> usize {
    let (mut low, mut high) = (0, bytes.len() / n_bytes);
    while low < high {
        let middle = usize::midpoint(low, high);
        if bytes.get(middle * n_bytes..).is_some_and(|bytes| read(bytes) <= time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The part of `bytes` whose entries have a time in (after, until], the two `ends`.
#[inline]
fn cut<O: Ord + Copy>(
    bytes: &[u8],
    n_bytes: usize,
    (after, until): (O, O),
    read: impl Fn(&[u8]) -> O + Copy,
) -> &[u8] {
    let Some(last) = bytes.len().checked_sub(n_bytes) else { return &[] };
    let from = if read(bytes) <= after { n_bytes * search(bytes, n_bytes, after, read) } else { 0 };
    let is_last_in = bytes.get(last..).is_some_and(|last| read(last) <= until);
    let to = if is_last_in { bytes.len() } else { n_bytes * search(bytes, n_bytes, until, read) };
    bytes.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Micros;
    use crate::window::block::Block;
    use crate::window::list::{List, ListMut};

    type Value = (EventTime, Micros);

    fn view(block: &Block) -> List<'_, Value> {
        let (tag, bytes) = block.get(0).unwrap_or_default();
        List::of(tag, bytes)
    }

    /// Puts in `values`, sweeps up to those `until`, and compares with the definition.
    fn check(values: &[(i64, i64)], until: i64, n_bytes: usize) {
        let mut block = Block::default();
        block.open(0, 1);
        let mut plain: Vec<(i64, i64)> = Vec::new();
        for &(milli, number) in values {
            let value = (EventTime::from_millis(milli), Micros::new(number));
            ListMut::all(&mut block, 0).insert(value);
            plain.insert(plain.partition_point(|known| known.0 <= milli), (milli, number));
        }
        ListMut::<Value>::all(&mut block, 0).sweep(EventTime::from_millis(until));
        plain.retain(|known| until < known.0);
        let found: Vec<(i64, i64)> =
            view(&block).iter().map(|(time, number)| (time.millis(), number.get())).collect();
        assert_eq!(found, plain);
        assert_eq!(view(&block).len(), plain.len());
        assert_eq!(block.row(0).len(), n_bytes, "{plain:?}");
        assert_eq!(block.tag(0).map(|tag| tag & KIND), Some(1));
        let edges = plain
            .iter()
            .flat_map(|(milli, _)| [milli.saturating_sub(1), *milli, milli.saturating_add(1)]);
        let edges: Vec<i64> = edges.chain([i64::MIN, 0, i64::MAX]).collect();
        for after in &edges {
            let times = (EventTime::from_millis(*after), EventTime::NEVER);
            let n = plain.iter().filter(|known| known.0 <= *after).count();
            assert_eq!(view(&block).n_until(times.0), n, "{plain:?} until {after}");
            let within = view(&block).within(times.0, times.1).len();
            assert_eq!(within, plain.len() - n, "{plain:?} after {after}");
        }
    }

    const DAY: i64 = Span::DAY.as_millis();
    /// A day of 2026.
    const NOW: i64 = 20_500 * DAY;

    #[test]
    fn a_row_takes_as_many_bytes_as_its_entries_need() {
        check(&[(NOW, 5)], 0, 2 + 8);
        check(&[(NOW, 5), (NOW + DAY, -7), (NOW - DAY, 9)], 0, 2 + 3 * 8);
        check(&[(NOW, 5), (NOW + DAY, i64::MAX)], 0, 2 + 2 * 12);
        check(&[(NOW, i64::from(i32::MIN)), (NOW + 60 * DAY, 1)], 0, 2 + 2 * 9);
        check(&[(NOW, 5), (NOW + 49 * DAY, 1), (NOW + 60 * DAY, i64::MIN)], 0, 2 + 3 * 13);
        // What lies 35 years apart, or after 2149, stands wide.
        check(&[(NOW, 5), (NOW + 35 * 366 * DAY, 1)], 0, 2 * 14);
        check(&[(65_536 * DAY, 5), (65_536 * DAY + 1, 1)], 0, 2 * 14);
        check(&[(65_535 * DAY, 5), (65_536 * DAY + 1, 1)], 0, 2 + 2 * 8);
        check(&[(NOW, 5), (i64::MAX, 1)], 0, 2 * 14);
        check(&[], 0, 0);
    }

    #[test]
    fn a_row_takes_fewer_bytes_again_once_its_entries_lie_close() {
        let far = [(NOW, 1), (NOW + 1, 2), (NOW + 60 * DAY, 3), (NOW + 90 * DAY, 4)];
        check(&far, 0, 2 + 4 * 9);
        check(&far, NOW + 1, 2 + 2 * 8);
        check(&far, NOW + 90 * DAY, 2);
        // What went wide because of one that was far off stays so.
        check(&[(0, 1), (1, 1), (NOW, 2), (NOW + DAY, 2)], 1, 2 * 14);
    }

    #[test]
    fn rows_of_all_forms_hold_what_was_put_in() {
        for reach in [DAY, 40 * DAY, 70 * DAY, 20_000 * DAY] {
            let mut dice = 7_i64;
            let values = (0..200).map(|_| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
                let late = (dice >> 20).rem_euclid(reach);
                (NOW - late, (dice >> 33).rem_euclid(1 << 31))
            });
            let values: Vec<(i64, i64)> = values.collect();
            let span = values.iter().map(|value| NOW - value.0).max().unwrap_or(0);
            let time = if span < 49 * DAY {
                4
            } else if span < 12_000 * DAY {
                5
            } else {
                6
            };
            let n_bytes = if time == 6 { 14 } else { time + 4 };
            let day = if time == 6 { 0 } else { 2 };
            check(&values, 0, day + values.len() * n_bytes);
        }
    }
}
