//! Customers as they stood at one instant, handed out while their partition goes on.
//!
//! Shape   an edition holds all customers, or those who changed since the one before it began. It
//!         begins in O(slots / 64) and is then copied in slices; whoever is about to change before
//!         their slice is copied first, into pages that are handed out as they are. What is made of
//!         the copies is no business of scoring.
//! Rules   a customer's place in the partition never changes and is never given to another, until
//!         the partition's state is read back anew. Who is not copied stands as in the edition
//!         before: whatever happens to a customer, timers included, marks the change.
//! Cost    about 0.5 us a copy, where a row of all measures takes twenty times as much; two bits
//!         a slot.
//! Source  DESIGN §9; D-11.

use std::mem::take;

use crate::state::book::Book;
use crate::state::customer::Customer;
use crate::unit::EventTime;

/// Whom an edition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everyone.
    All,
    /// Those who changed since the edition before it began.
    Changed,
}

/// One customer of an edition.
#[derive(Debug)]
pub struct Copied {
    /// Where the customer stands in the partition.
    pub place: Place,
    /// The customer as it stood; `None` once it was erased.
    pub customer: Option<Customer>,
}

/// Where a customer stands in its partition: lane and slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which lane.
    pub lane: u32,
    /// Which of its slots.
    pub slot: u32,
}

/// A lane's part in editions.
#[derive(Debug)]
pub(crate) struct Copies {
    lane: u32,
    /// Who changed since the last edition began.
    changed: Slots,
    /// Whom the edition on its way still needs.
    needed: Slots,
    /// Nobody before this slot is needed any more.
    next: u32,
    /// How many were copied before their turn since the last slice.
    n_early: usize,
    /// What is copied; no page ever grows.
    pages: Vec<Vec<Copied>>,
}

/// Customers of a page: some 40 KiB, little enough for the allocator to have one at hand.
const PAGE: usize = 128;

/// The memory of so many customers is fetched side by side.
const GROUP: usize = 32;

/// A slice copies at least this part of its customers, however many were copied early: it must
/// come to an end.
const DRAWN_MIN: usize = 4;

impl Copies {
    /// Of lane number `lane`, which had no edition yet.
    pub(crate) fn of(lane: u32) -> Copies {
        let (changed, needed) = (Slots::default(), Slots::default());
        Copies { lane, changed, needed, next: 0, n_early: 0, pages: Vec::new() }
    }

    /// Begins an edition of `whom` in `book`.
    pub(crate) fn begin(&mut self, whom: Whom, book: &Book) {
        let changed = take(&mut self.changed);
        self.needed = match whom {
            Whom::All => Slots::all(book.n_slots()),
            Whom::Changed => changed,
        };
        (self.next, self.n_early) = (0, 0);
        self.pages.clear();
    }

    /// Notes that the customer in `slot` of `book` is about to change, and copies it if it must be.
    pub(crate) fn touch(&mut self, slot: u32, book: &Book) {
        if self.needed.remove(slot) {
            self.n_early += 1;
            self.copy(slot, book);
        }
        self.changed.insert(slot);
    }

    /// Copies up to `n_max` more customers; fewer, where those that a batch copied early have taken
    /// time already. Returns whether that was all.
    pub(crate) fn draw(&mut self, book: &Book, n_max: usize) -> bool {
        let n_early = take(&mut self.n_early);
        let mut n_left = n_max.saturating_sub(n_early).max(n_max.div_ceil(DRAWN_MIN));
        let mut slots = Vec::with_capacity(GROUP);
        while 0 < n_left {
            slots.clear();
            while slots.len() < GROUP.min(n_left)
                && let Some(slot) = self.needed.first_from(self.next)
            {
                self.next = slot + 1;
                slots.push(slot);
            }
            if slots.is_empty() {
                return true;
            }
            n_left -= slots.len();
            book.warm(slots.iter().copied());
            for slot in &slots {
                self.needed.remove(*slot);
                self.copy(*slot, book);
            }
        }
        self.needed.first_from(self.next).is_none()
    }

    /// Takes out what is copied.
    pub(crate) fn take(&mut self) -> Vec<Vec<Copied>> {
        take(&mut self.pages)
    }

    fn copy(&mut self, slot: u32, book: &Book) {
        let Some(customer) = book.at(slot) else { return };
        let place = Place { lane: self.lane, slot };
        let copied = if customer.is_nobody() {
            Copied { place, customer: None }
        } else if customer.history.known_since() != EventTime::NEVER {
            Copied { place, customer: Some(customer.clone()) }
        } else {
            return;
        };
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        if let Some(page) = self.pages.last_mut() {
            page.push(copied);
        }
    }
}

/// A set of slots, one bit each.
#[derive(Debug, Default)]
pub struct Slots(Vec<u64>);

impl Slots {
    fn all(n_slots: usize) -> Slots {
        let mut words = vec![u64::MAX; n_slots / 64];
        match n_slots % 64 {
            0 => {}
            rest => words.push((1 << rest) - 1),
        }
        Slots(words)
    }

    /// Takes `slot` in; returns whether it was not in yet.
    pub fn insert(&mut self, slot: u32) -> bool {
        let at = slot as usize / 64;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        let Some(word) = self.0.get_mut(at) else { return false };
        let before = *word;
        *word |= 1 << (slot % 64);
        before != *word
    }

    /// Takes `slot` out; returns whether it was in.
    pub fn remove(&mut self, slot: u32) -> bool {
        let Some(word) = self.0.get_mut(slot as usize / 64) else { return false };
        let bit = 1 << (slot % 64);
        let was_in = *word & bit != 0;
        *word &= !bit;
        was_in
    }

    /// The first slot of the set that is not before `slot`.
    fn first_from(&self, slot: u32) -> Option<u32> {
        let at = slot as usize / 64;
        let first = self.0.get(at)? & (u64::MAX << (slot % 64));
        let mut words =
            (at..).zip(std::iter::once(first).chain(self.0.iter().skip(at + 1).copied()));
        let (at, word) = words.find(|(_, word)| *word != 0)?;
        // A book has no more slots than a number of 32 bits can count.
        Some(u32::try_from(at * 64).ok()? + word.trailing_zeros())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use super::*;
    use crate::model::{load, shipped};
    use crate::record::{Decoded, decode};
    use crate::unit::Key;
    use crate::window::history::Admitted;

    /// A book of customers of whom something is known.
    fn book(n_customers: u32) -> Book {
        let mut book = Book::default();
        let model = load(shipped::BENCH, shipped::CATALOG, None).unwrap();
        for n in 0..n_customers {
            let id = format!("c-{n}");
            let line = format!(
                r#"{{"id":"e-{n}","customer_id":"{id}","type":"login","time":"2026-05-01T10:00:00Z"}}"#
            );
            let slot = book.slot(&id, Key::of(id.as_bytes()));
            if let Decoded::Event(event) = decode(line.as_bytes()).unwrap() {
                let admitted = Admitted { model: &model, now: event.time, exact_max: 10 };
                book.at_mut(slot).unwrap().history.apply(&event, &admitted);
            }
        }
        book
    }

    #[test]
    fn a_slice_hands_out_no_more_than_it_may_and_counts_those_copied_early() {
        let book = book(1_000);
        let mut copies = Copies::of(3);
        copies.begin(Whom::All, &book);
        for (early, wanted) in [(0, 100), (30, 70), (90, 25), (400, 25)] {
            let waiting: Vec<u32> =
                (0..1_000).filter(|slot| copies.needed.first_from(*slot) == Some(*slot)).collect();
            waiting.iter().rev().take(early).for_each(|slot| copies.touch(*slot, &book));
            assert!(!copies.draw(&book, 100));
            let pages = copies.take();
            assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), early + wanted, "{early}");
            assert!(pages.iter().all(|page| page.capacity() == PAGE), "{early}: a page grew");
        }
    }

    #[test]
    fn every_customer_is_copied_once_in_each_edition_that_holds_them() {
        let book = book(300);
        let mut copies = Copies::of(0);
        for (whom, touched) in [(Whom::All, 10), (Whom::Changed, 0)] {
            copies.begin(whom, &book);
            let mut slots = Vec::new();
            for slot in 0..touched {
                copies.touch(299 - slot, &book);
                copies.touch(299 - slot, &book);
            }
            loop {
                let is_all = copies.draw(&book, 7);
                slots.extend(copies.take().iter().flatten().map(|copied| copied.place.slot));
                if is_all {
                    break;
                }
            }
            slots.sort_unstable();
            let wanted = if whom == Whom::All { 0..300 } else { 290..300 };
            assert_eq!(slots, wanted.collect::<Vec<u32>>(), "{whom:?}");
        }
    }

    #[test]
    fn a_set_of_slots_gives_back_what_it_was_given() {
        let mut slots = Slots::default();
        for slot in [0, 63, 64, 200, 1_000] {
            slots.insert(slot);
        }
        let mut found = Vec::new();
        let mut next = 0;
        while let Some(slot) = slots.first_from(next) {
            found.push(slot);
            next = slot + 1;
        }
        assert_eq!(found, [0, 63, 64, 200, 1_000]);
        assert!(slots.remove(64) && !slots.remove(64) && !slots.remove(5_000));
        assert_eq!(slots.first_from(64), Some(200));
    }

    #[test]
    fn all_slots_are_those_that_there_are() {
        for n_slots in [0_usize, 1, 63, 64, 65, 128] {
            let slots = Slots::all(n_slots);
            let last = u32::try_from(n_slots).unwrap_or(0);
            assert_eq!(slots.first_from(last), None, "{n_slots}");
            assert_eq!(slots.first_from(0), (0 < n_slots).then_some(0), "{n_slots}");
            if let Some(before) = last.checked_sub(1) {
                assert_eq!(slots.first_from(before), Some(before), "{n_slots}");
            }
        }
    }
}
