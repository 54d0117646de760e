//! The agenda: what follows from what happened, and when.
//!
//! Shape   the stream's span cut into equal buckets; the open bucket is a heap, later ones are
//!         plain lists that become the heap when their turn comes.
//! Rules   what would happen after the end is dropped; what is due in an open or past bucket
//!         still comes in order.
//! Cost    O(log n) with n the entries of one bucket; memory follows what is pending.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Buckets over the whole span.
const BUCKETS: i64 = 1 << 13;

/// Something that will happen to a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due<S> {
    /// When, in milliseconds since the epoch.
    pub(super) time: i64,
    /// To whom.
    pub(super) customer: u32,
    /// What it is about: a message, a ticket, a moment.
    pub(super) number: u32,
    /// What happens.
    pub(super) step: S,
    /// How often more, or which kind.
    pub(super) rest: u8,
}

impl<S: Eq> PartialOrd for Due<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest, for a heap gives its greatest first.
impl<S: Eq> Ord for Due<S> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.customer, other.number).cmp(&(self.time, self.customer, self.number))
    }
}

/// What is to come, in order of time.
#[derive(Debug)]
pub(super) struct Agenda<S> {
    start: i64,
    end: i64,
    width: i64,
    open: usize,
    near: BinaryHeap<Due<S>>,
    far: Vec<Vec<Due<S>>>,
}

impl<S: Eq> Agenda<S> {
    /// An empty agenda for [`start`, `end`).
    pub(super) fn new(start: i64, end: i64) -> Agenda<S> {
        let width = ((end - start) / BUCKETS + 1).max(1);
        let buckets = usize::try_from((end - start) / width + 1).unwrap_or(1);
        let far = std::iter::repeat_with(Vec::new).take(buckets).collect();
        Agenda { start, end, width, open: 0, near: BinaryHeap::new(), far }
    }

    /// Notes `due`, unless it lies after the end.
    pub(super) fn note(&mut self, due: Due<S>) {
        if self.end <= due.time {
            return;
        }
        let at = usize::try_from((due.time - self.start) / self.width).unwrap_or(0);
        match self.far.get_mut(at) {
            Some(bucket) if self.open < at => bucket.push(due),
            _ => self.near.push(due),
        }
    }

    /// Takes the earliest entry if it is due at `until` or before.
    pub(super) fn take_until(&mut self, until: i64) -> Option<Due<S>> {
        let last = usize::try_from((until - self.start).max(0) / self.width).unwrap_or(usize::MAX);
        while self.near.is_empty() && self.open < last && self.open + 1 < self.far.len() {
            self.open += 1;
            if let Some(bucket) = self.far.get_mut(self.open) {
                self.near = BinaryHeap::from(std::mem::take(bucket));
            }
        }
        if self.near.peek()?.time <= until { self.near.pop() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::generate::dice::Dice;

    #[test]
    fn entries_come_in_order_of_time_and_none_is_lost_before_the_end() {
        let mut dice = Dice::new(4);
        let mut agenda = Agenda::new(1_000, 1_000_000);
        let mut noted = 0;
        for number in 0..5_000 {
            let time = 1_000 + i64::from(dice.below(1_200_000));
            noted += u32::from(time < 1_000_000);
            agenda.note(Due { time, customer: 0, number, step: (), rest: 0 });
        }
        let (mut taken, mut last) = (0, 0);
        for until in (0..1_000_000).step_by(997) {
            while let Some(due) = agenda.take_until(until) {
                assert!(last <= due.time && due.time <= until);
                (taken, last) = (taken + 1, due.time);
            }
        }
        while agenda.take_until(1_000_000).is_some() {
            taken += 1;
        }
        assert_eq!(taken, noted);
    }
}
