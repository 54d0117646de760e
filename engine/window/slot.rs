//! The entries of one track of one customer.
//!
//! Shape   entries in time order, ties in order of arrival; the variant follows the track's
//!         [`Shape`].
//! Rules   an entry that no window can reach any more is swept when enough have gathered; a
//!         stale entry that is still there is never counted, for windows cut by time.
//! Cost    an entry in time order is appended; a late one is a move of those after it.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::model::Shape;
use crate::unit::{EventTime, Key, Micros, Span};
use crate::window::invoice::Invoice;
use crate::window::lump::Lumps;
use crate::window::sends::Sends;

/// The entries of one track.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Slot {
    /// Every time.
    Times(ThinVec<EventTime>),
    /// Every time with a number.
    Values(ThinVec<(EventTime, Micros)>),
    /// Times or numbers of a customer with more of them than are kept one by one.
    Lumps(Box<Lumps>),
    /// Every key's latest time.
    Keys(ThinVec<(EventTime, Key)>),
    /// Every send, and the answers that found none.
    Sends(Box<Sends>),
    /// Every user's latest answer.
    Answers(ThinVec<Answer>),
    /// Every (key, group)'s latest time.
    Groups(ThinVec<(EventTime, Key, Key)>),
    /// The latest entry.
    Latest(Box<Latest>),
    /// Every invoice.
    Invoices(ThinVec<Invoice>),
}

/// The latest entry of a track, as a quotient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// When.
    pub time: EventTime,
    /// Above the line.
    pub num: i64,
    /// Below the line; zero makes it not available.
    pub den: i64,
}

/// A user's latest answer: its goodness, from 0 to 1, as a quotient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When.
    pub time: EventTime,
    /// The user.
    pub user: Key,
    /// Above the line.
    pub num: i64,
    /// Below the line, above zero.
    pub den: i64,
}

impl Answer {
    /// How this answer compares with `other`: the worse one is less.
    pub fn compare(&self, other: &Answer) -> Ordering {
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        product(self.num, other.den).cmp(&product(other.num, self.den))
    }
}

// A customer's slots lie side by side: two words each.
const _: () = assert!(size_of::<Slot>() == 16);

/// Something that happened at a time.
pub(crate) trait Timed {
    /// When.
    fn time(&self) -> EventTime;
}

impl Timed for EventTime {
    fn time(&self) -> EventTime {
        *self
    }
}

impl Timed for Answer {
    fn time(&self) -> EventTime {
        self.time
    }
}

impl<A> Timed for (EventTime, A) {
    fn time(&self) -> EventTime {
        self.0
    }
}

impl<A, B> Timed for (EventTime, A, B) {
    fn time(&self) -> EventTime {
        self.0
    }
}

impl Slot {
    /// How many entries are kept.
    pub fn n_entries(&self) -> usize {
        match self {
            Slot::Latest(_) => 1,
            Slot::Lumps(lumps) => lumps.len(),
            lists => lists.warm(),
        }
    }

    /// An empty slot for a track of `shape`.
    pub fn new(shape: Shape) -> Slot {
        match shape {
            Shape::Times => Slot::Times(ThinVec::new()),
            Shape::Values => Slot::Values(ThinVec::new()),
            Shape::Keys => Slot::Keys(ThinVec::new()),
            Shape::Sends => Slot::Sends(Box::default()),
            Shape::Answers => Slot::Answers(ThinVec::new()),
            Shape::Groups => Slot::Groups(ThinVec::new()),
            Shape::Latest => {
                let never = Latest { time: EventTime::ALWAYS, num: 0, den: 0 };
                Slot::Latest(Box::new(never))
            }
            Shape::Invoices => Slot::Invoices(ThinVec::new()),
        }
    }
}

impl Slot {
    /// Looks at the head of the entries, which knows their number; the sum means nothing.
    pub(crate) fn warm(&self) -> usize {
        match self {
            Slot::Times(entries) => entries.len(),
            Slot::Values(entries) => entries.len(),
            Slot::Keys(entries) => entries.len(),
            Slot::Answers(entries) => entries.len(),
            Slot::Groups(entries) => entries.len(),
            Slot::Invoices(entries) => entries.len(),
            Slot::Latest(latest) => usize::from(latest.den == 0),
            Slot::Sends(sends) => sends.len(),
            // So large that one line of it would not help.
            Slot::Lumps(_) => 0,
        }
    }
}

/// Inserts `entry` where its time belongs, after those of the same time.
pub(crate) fn insert<T: Timed>(entries: &mut ThinVec<T>, entry: T) {
    if entries.len() == entries.capacity() {
        // A quarter more, not twice as much: memory per customer is the budget here.
        entries.reserve_exact((entries.len() / 4).max(2));
    }
    match entries.last() {
        Some(last) if entry.time() < last.time() => {
            let at = entries.partition_point(|other| other.time() <= entry.time());
            entries.insert(at, entry);
        }
        _ => entries.push(entry),
    }
}

/// The entries with a time in (`after`, `until`].
pub(crate) fn within<T: Timed>(entries: &[T], after: EventTime, until: EventTime) -> &[T] {
    let from = match entries.first() {
        Some(first) if first.time() <= after => {
            entries.partition_point(|entry| entry.time() <= after)
        }
        _ => 0,
    };
    let to = match entries.last() {
        Some(last) if until < last.time() => entries.partition_point(|entry| entry.time() <= until),
        _ => entries.len(),
    };
    entries.get(from..to.max(from)).unwrap_or(&[])
}

/// Forgets the entries at or before `until` once they are worth the move.
pub(crate) fn sweep<T: Timed>(entries: &mut ThinVec<T>, until: EventTime) {
    let Some(first) = entries.first() else { return };
    if until < first.time() {
        return;
    }
    let n_stale = entries.partition_point(|entry| entry.time() <= until);
    if 2 + entries.len() / 8 <= n_stale {
        entries.drain(..n_stale);
        let roomy = entries.len() + entries.len() / 2 + 4;
        if roomy < entries.capacity() {
            entries.shrink_to_fit();
        }
    }
}

/// Keeps one entry for `key`, the one with the latest time; at the same time the later arrival.
///
/// Returns whether the entry was taken.
pub(crate) fn keep_latest<T: Timed>(
    entries: &mut ThinVec<T>,
    entry: T,
    is_same: impl Fn(&T) -> bool,
) -> Taken {
    let known = entries.iter().rposition(is_same);
    if let Some(at) = known {
        if entries.get(at).is_some_and(|other| entry.time() < other.time()) {
            return Taken::No;
        }
        entries.remove(at);
    }
    insert(entries, entry);
    Taken::Yes
}

/// Whether an entry found a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It did.
    Yes,
    /// A later one of its kind stands there already.
    No,
}

/// Drops the oldest entries beyond `most`.
///
/// Returns whether any was dropped: the customer is then approximate.
pub(crate) fn bound<T>(entries: &mut ThinVec<T>, most: usize) -> bool {
    let excess = entries.len().saturating_sub(most);
    entries.drain(..excess);
    0 < excess
}

/// The moment `span` before `time`, where a window's open end lies.
pub(crate) fn back(time: EventTime, span: Span) -> EventTime {
    if span == Span::FOREVER { EventTime::ALWAYS } else { time.minus(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(millis: &[i64]) -> ThinVec<EventTime> {
        let mut entries = ThinVec::new();
        for &milli in millis {
            insert(&mut entries, EventTime::from_millis(milli));
        }
        entries
    }

    #[test]
    fn windows_are_half_open() {
        let entries = times(&[30, 10, 20]);
        let check = |after, until, wanted: &[i64]| {
            let found =
                within(&entries, EventTime::from_millis(after), EventTime::from_millis(until));
            let found: Vec<i64> = found.iter().map(|time| time.millis()).collect();
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
        let mut entries: ThinVec<(EventTime, Key)> = ThinVec::new();
        for (milli, name) in [(10, "a"), (20, "b"), (5, "a"), (30, "a")] {
            let key = Key::of(name.as_bytes());
            keep_latest(&mut entries, (EventTime::from_millis(milli), key), |e| e.1 == key);
        }
        let found: Vec<i64> = entries.iter().map(|entry| entry.0.millis()).collect();
        assert_eq!(found, [20, 30]);
    }

    #[test]
    fn sweeping_forgets_only_what_is_out_of_reach() {
        let mut entries = times(&[1, 2, 3, 4, 50]);
        sweep(&mut entries, EventTime::from_millis(4));
        assert_eq!(entries.len(), 1);
    }
}
