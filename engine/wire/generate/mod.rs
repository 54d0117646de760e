//! A stream of customers who never lived: seeded, realistic, as long as asked for.
//!
//! Shape   a [`Plan`] says what; a [`Generator`] gives line after line, canonical JSON in order of
//!         time. Two flavours: customers with stories and every type of event, or the bench job's
//!         mix. Late, repeated and broken lines come on top where they are asked for.
//! Rules   the same plan gives the same bytes, on every machine; no clock, no file. Exactly as
//!         many lines as asked for, repeated and broken ones included.
//! Cost    about a microsecond an event; tens of bytes a customer and 24 bytes for each thing
//!         that is to follow, so a million customers fit in 100 MB.

use std::fmt;

use thiserror::Error;

use crate::unit::{EventTime, Span};

mod act;
mod agenda;
mod bench;
mod chain;
mod dice;
mod disorder;
mod firm;
mod follow;
mod garbage;
mod life;
mod pace;
mod pen;
mod people;
#[cfg(test)]
mod tests;
mod voice;
mod wheel;

use bench::Bench;
use disorder::Disorder;
use life::Life;

/// Where a stream ends unless it is told otherwise: 2026-11-01T00:00:00Z.
///
/// A fixed day, so that the same command gives the same bytes next year.
pub const END: EventTime = EventTime::from_millis(1_793_491_200_000);

/// Most customers of a stream: their numbers and their state must fit.
pub const CUSTOMERS_MAX: u32 = 100_000_000;

/// Most days of a stream.
pub const DAYS_MAX: u32 = 18_250;

/// Most lines of a stream.
pub const EVENTS_MAX: u64 = 1_000_000_000_000;

/// What kind of customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// People with stories; every type of event.
    Default,
    /// The eight types of the bench job in its shares; at rest, with a heavy tail.
    Bench,
}

/// A share of the lines, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

/// How much disorder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Of the events: written later than it is their turn.
    pub late: Share,
    /// Of the lines: an earlier line once more.
    pub duplicates: Share,
    /// Of the lines: no event at all.
    pub garbage: Share,
}

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many customers, 1 to [`CUSTOMERS_MAX`].
    pub customers: u32,
    /// How many lines, all kinds included.
    pub events: u64,
    /// How many days of event time, 1 to [`DAYS_MAX`].
    pub days: u32,
    /// What tells this stream from others.
    pub seed: u64,
    /// How much disorder.
    pub shares: Shares,
    /// What kind of customers.
    pub flavour: Flavour,
    /// The first moment after the stream.
    pub end: EventTime,
}

/// Why a plan cannot be carried out.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PlanFault {
    /// No customers, or too many.
    #[error("customers: {0}; wanted 1 to {CUSTOMERS_MAX}")]
    Customers(u32),
    /// Too many lines.
    #[error("events: {0}; wanted 0 to {EVENTS_MAX}")]
    Events(u64),
    /// No days, or too many.
    #[error("days: {0}; wanted 1 to {DAYS_MAX}")]
    Days(u32),
    /// The stream would begin before 1970 or end after 9999.
    #[error("end: {0}; wanted a span of {1} days that lies within the years 1970 to 9999")]
    End(EventTime, u32),
    /// Fewer events than are to be repeated.
    #[error(
        "duplicates {0} and garbage {1}: they leave too few events; wanted at most half of what \
         is not garbage as duplicates"
    )]
    Shares(Share, Share),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// An event in its turn.
    Fresh,
    /// An event after later ones.
    Late,
    /// An event that came before.
    Duplicate,
    /// No event.
    Garbage,
}

/// What is known of a line that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The customer's number; [`Line::key_into`] writes the id.
    pub customer: u32,
    /// The event's time; for garbage the time of the stream.
    pub time: EventTime,
    /// What the line is.
    pub sort: Sort,
}

/// An event that was written.
#[derive(Clone, Copy, Debug)]
struct Happened {
    customer: u32,
    time: i64,
}

/// Gives the lines of a plan one by one.
#[derive(Debug)]
pub struct Generator {
    stream: Stream,
    disorder: Disorder,
    written: u64,
    total: u64,
}

#[derive(Debug)]
enum Stream {
    Life(Box<Life>),
    Bench(Box<Bench>),
}

impl Generator {
    /// A generator at the first line of `plan`. O(customers) in the default flavour.
    ///
    /// # Errors
    ///
    /// [`PlanFault`] where a number of the plan is out of its range.
    pub fn new(plan: &Plan) -> Result<Generator, PlanFault> {
        plan.check()?;
        let events = plan.events_once();
        let stream = match plan.flavour {
            Flavour::Default => Stream::Life(Box::new(Life::new(plan, events))),
            Flavour::Bench => Stream::Bench(Box::new(Bench::new(plan, events))),
        };
        let disorder = Disorder::new(plan);
        Ok(Generator { stream, disorder, written: 0, total: plan.events })
    }

    /// Appends the next line to `out`, without a line end, and says whose it is; `None` after
    /// the last one.
    pub fn next_into(&mut self, out: &mut Vec<u8>) -> Option<Line> {
        let stream = &mut self.stream;
        let line = self.disorder.next_into(out, |out| match stream {
            Stream::Life(life) => life.next_into(out),
            Stream::Bench(bench) => bench.next_into(out),
        })?;
        self.written += 1;
        Some(line)
    }

    /// How many lines were written, and how many there will be.
    pub const fn progress(&self) -> (u64, u64) {
        (self.written, self.total)
    }
}

impl Line {
    /// Appends the customer's id, the key of the record in a topic.
    pub fn key_into(&self, out: &mut Vec<u8>) {
        pen::customer_id(out, self.customer);
    }
}

impl Plan {
    fn check(&self) -> Result<(), PlanFault> {
        if !(1..=CUSTOMERS_MAX).contains(&self.customers) {
            return Err(PlanFault::Customers(self.customers));
        }
        if EVENTS_MAX < self.events {
            return Err(PlanFault::Events(self.events));
        }
        if !(1..=DAYS_MAX).contains(&self.days) {
            return Err(PlanFault::Days(self.days));
        }
        let (start, end) = self.span();
        // What an event names may lie weeks after it.
        let last = EventTime::from_millis(end).plus(Span::days(366));
        if !EventTime::from_millis(start).is_recordable() || !last.is_recordable() {
            return Err(PlanFault::End(self.end, self.days));
        }
        let Shares { duplicates, garbage, .. } = self.shares;
        if self.events_once() < duplicates.of(self.events) {
            return Err(PlanFault::Shares(duplicates, garbage));
        }
        Ok(())
    }

    /// The first moment, and the first after the last, in milliseconds since the epoch.
    fn span(&self) -> (i64, i64) {
        let end = self.end.millis();
        (end.saturating_sub(Span::days(i64::from(self.days)).as_millis()), end)
    }

    /// How many events there are when each is counted once.
    fn events_once(&self) -> u64 {
        let spent = self.shares.duplicates.of(self.events) + self.shares.garbage.of(self.events);
        self.events.saturating_sub(spent)
    }
}

impl Share {
    /// Nothing.
    pub const NONE: Share = Share(0);

    /// `millionths` of a million, everything at most.
    pub const fn millionths(millionths: u32) -> Share {
        Share(if 1_000_000 < millionths { 1_000_000 } else { millionths })
    }

    /// Reads a decimal number from 0 to 1, `0.05`; digits beyond millionths are cut.
    pub fn parse(text: &str) -> Option<Share> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(rest) || whole.len() + rest.len() == 0 {
            return None;
        }
        let whole: u32 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut millionths: u32 = whole.checked_mul(1_000_000)?;
        for (place, digit) in rest.bytes().take(6).enumerate() {
            let unit = 100_000 / 10_u32.pow(u32::try_from(place).ok()?);
            millionths = millionths.checked_add(u32::from(digit - b'0') * unit)?;
        }
        (millionths <= 1_000_000).then_some(Share(millionths))
    }

    /// This share of `whole`, rounded down.
    fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / 1_000_000;
        u64::try_from(part).unwrap_or(u64::MAX)
    }
}

/// A decimal number: `0.05`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
