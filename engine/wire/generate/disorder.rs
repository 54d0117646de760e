//! Disorder on demand: late events, repeated events, garbage.
//!
//! Shape   a line that must come later is held as bytes until the stream's time reaches its
//!         release; the rest passes through.
//! Rules   shares are met exactly, by drawing without replacement; what is still held at the
//!         end follows the last event.
//! Cost    a copy of each line held; nothing for the others.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::dice::{Dice, mix};
use super::pen::Pen;
use super::{Happened, Line, Plan, Sort, garbage};
use crate::unit::EventTime;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 86_400_000;

/// What is still to be drawn.
#[derive(Clone, Copy, Debug)]
struct Quota {
    late: u64,
    duplicates: u64,
    garbage: u64,
    /// Events of the stream below, each once.
    events: u64,
    lines: u64,
}

/// Holds back, repeats and spoils lines.
#[derive(Debug)]
pub(super) struct Disorder {
    dice: Dice,
    pen: Pen,
    quota: Quota,
    customers: u32,
    now: i64,
    held: BinaryHeap<Held>,
    serial: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Held {
    release: i64,
    serial: u64,
    line: Line,
    bytes: Box<[u8]>,
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest, for a heap gives its greatest first.
impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.release, other.serial).cmp(&(self.release, self.serial))
    }
}

impl Disorder {
    /// The disorder that `plan` asks for.
    pub(super) fn new(plan: &Plan) -> Disorder {
        let seed = mix(plan.seed, 0xD1);
        let events = plan.events_once();
        let quota = Quota {
            late: plan.shares.late.of(events),
            duplicates: plan.shares.duplicates.of(plan.events),
            garbage: plan.shares.garbage.of(plan.events),
            events,
            lines: plan.events,
        };
        Disorder {
            dice: Dice::new(seed),
            pen: Pen::new(seed),
            quota,
            customers: plan.customers,
            now: plan.span().0,
            held: BinaryHeap::new(),
            serial: 0,
        }
    }

    /// Appends the next line to `out`, taking events from `source`.
    pub(super) fn next_into(
        &mut self,
        out: &mut Vec<u8>,
        mut source: impl FnMut(&mut Vec<u8>) -> Option<Happened>,
    ) -> Option<Line> {
        if self.quota.lines == 0 {
            return None;
        }
        if self.dice.quota(self.quota.garbage, self.quota.lines) {
            return Some(self.spoil(out));
        }
        loop {
            let is_over = self.quota.events == 0;
            if self.held.peek().is_some_and(|held| is_over || held.release <= self.now) {
                let held = self.held.pop()?;
                out.extend_from_slice(&held.bytes);
                self.quota.lines -= 1;
                return Some(held.line);
            }
            let from = out.len();
            let Happened { customer, time } = source(out)?;
            self.now = time;
            let time = EventTime::from_millis(time);
            let line = Line { customer, time, sort: Sort::Fresh };
            if !self.hold(line, out.get(from..).unwrap_or_default()) {
                self.quota.lines -= 1;
                return Some(line);
            }
            out.truncate(from);
        }
    }

    /// Decides over an event; says whether its first line must wait.
    fn hold(&mut self, line: Line, bytes: &[u8]) -> bool {
        let Quota { late, duplicates, events, .. } = self.quota;
        let is_late = self.dice.quota(late, events);
        let is_twice = self.dice.quota(duplicates, events);
        self.quota.events -= 1;
        let mut release = self.now;
        if is_late {
            self.quota.late -= 1;
            release += self.lateness();
            self.keep(release, Line { sort: Sort::Late, ..line }, bytes);
        }
        if is_twice {
            self.quota.duplicates -= 1;
            release += self.echo();
            self.keep(release, Line { sort: Sort::Duplicate, ..line }, bytes);
        }
        is_late
    }

    fn keep(&mut self, release: i64, line: Line, bytes: &[u8]) {
        self.serial += 1;
        self.held.push(Held { release, serial: self.serial, line, bytes: bytes.into() });
    }

    /// Mostly hours, sometimes days, seldom weeks.
    fn lateness(&mut self) -> i64 {
        match self.dice.below(100) {
            0..85 => self.dice.spread(MINUTE, 12 * HOUR),
            85..98 => self.dice.spread(12 * HOUR, 5 * DAY),
            _ => self.dice.spread(5 * DAY, 30 * DAY),
        }
    }

    /// Mostly minutes to hours, sometimes after more than a day.
    fn echo(&mut self) -> i64 {
        match self.dice.below(100) {
            0..92 => self.dice.spread(MINUTE, 12 * HOUR),
            _ => self.dice.spread(24 * HOUR, 60 * HOUR),
        }
    }

    fn spoil(&mut self, out: &mut Vec<u8>) -> Line {
        self.quota.garbage -= 1;
        self.quota.lines -= 1;
        let customer = self.dice.below(self.customers);
        garbage::write(&mut self.dice, &mut self.pen, customer, self.now, out);
        let time = EventTime::from_millis(self.now);
        Line { customer, time, sort: Sort::Garbage }
    }
}
