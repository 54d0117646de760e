//! What is kept of one track of one customer.
//!
//! Shape   a row of the customer's block; the variant follows the track's [`Shape`].

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::model::Shape;
use crate::unit::{EventTime, Key, Micros, ShortKey, Span};
use crate::window::entry::{Entry, read_u64, write_u64};
use crate::window::form;
use crate::window::invoice::Invoice;
use crate::window::list::List;
use crate::window::lump::Lumps;
use crate::window::sends::Sends;

/// The entries of one track, as they stand.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Slot<'a> {
    /// Every time.
    Times(List<'a, EventTime>),
    /// Every time with a number.
    Values(List<'a, (EventTime, Micros)>),
    /// Times or numbers of a customer with more of them than are kept one by one.
    Lumps(Lumps<'a>),
    /// Every key's latest time.
    Keys(List<'a, (EventTime, ShortKey)>),
    /// Every send, and the answers that found none.
    Sends(Sends<'a>),
    /// Every user's latest answer.
    Answers(List<'a, Answer>),
    /// Every (key, group)'s latest time.
    Groups(List<'a, (EventTime, Key, Key)>),
    /// The latest entry.
    Latest(Latest),
    /// Every invoice.
    Invoices(List<'a, Invoice>),
}

/// The kinds of rows: of every variant of [`Slot`] its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    Times,
    Values,
    Lumps,
    Keys,
    Sends,
    Answers,
    Groups,
    Latest,
    Invoices,
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

impl RowKind {
    /// All of them, each in its place.
    const ALL: [RowKind; 9] = [
        RowKind::Times,
        RowKind::Values,
        RowKind::Lumps,
        RowKind::Keys,
        RowKind::Sends,
        RowKind::Answers,
        RowKind::Groups,
        RowKind::Latest,
        RowKind::Invoices,
    ];

    /// The kind with which a track of `shape` begins.
    pub(crate) fn of(shape: Shape) -> RowKind {
        match shape {
            Shape::Times => RowKind::Times,
            Shape::Values => RowKind::Values,
            Shape::Keys => RowKind::Keys,
            Shape::Sends => RowKind::Sends,
            Shape::Answers => RowKind::Answers,
            Shape::Groups => RowKind::Groups,
            Shape::Latest => RowKind::Latest,
            Shape::Invoices => RowKind::Invoices,
        }
    }

    /// The kind that `tag` of a row names, if there is one.
    #[inline]
    pub(crate) fn tagged(tag: u8) -> Option<RowKind> {
        RowKind::ALL.get(usize::from(tag & form::KIND)).copied()
    }
}

impl<'a> Slot<'a> {
    /// The slot that stands in the `bytes` of a row with `tag`, if there is such a kind.
    #[inline]
    pub(crate) fn of(tag: u8, bytes: &'a [u8]) -> Option<Slot<'a>> {
        Some(match RowKind::tagged(tag)? {
            RowKind::Times => Slot::Times(List::of(tag, bytes)),
            RowKind::Values => Slot::Values(List::of(tag, bytes)),
            RowKind::Lumps => Slot::Lumps(Lumps::of(bytes)),
            RowKind::Keys => Slot::Keys(List::of(tag, bytes)),
            RowKind::Sends => Slot::Sends(Sends::of(bytes)),
            RowKind::Answers => Slot::Answers(List::of(tag, bytes)),
            RowKind::Groups => Slot::Groups(List::of(tag, bytes)),
            RowKind::Latest => Slot::Latest(List::wide(bytes).first().unwrap_or(Latest::NONE)),
            RowKind::Invoices => Slot::Invoices(List::wide(bytes)),
        })
    }

    /// How many entries are kept.
    pub fn n_entries(&self) -> usize {
        match self {
            Slot::Times(entries) => entries.len(),
            Slot::Values(entries) => entries.len(),
            Slot::Lumps(lumps) => lumps.len(),
            Slot::Keys(entries) => entries.len(),
            Slot::Sends(sends) => sends.len(),
            Slot::Answers(entries) => entries.len(),
            Slot::Groups(entries) => entries.len(),
            Slot::Latest(_) => 1,
            Slot::Invoices(entries) => entries.len(),
        }
    }
}

impl Latest {
    /// What stands where nothing came yet.
    pub(crate) const NONE: Latest = Latest { time: EventTime::ALWAYS, num: 0, den: 0 };
}

impl Entry for Latest {
    const REST: usize = 16;
    const IS_FORMED: bool = false;

    fn time(&self) -> EventTime {
        self.time
    }

    fn read(time: EventTime, rest: &[u8]) -> Latest {
        let number = |at| read_u64(rest, at).cast_signed();
        Latest { time, num: number(0), den: number(8) }
    }

    fn write(&self, rest: &mut [u8]) {
        write_u64(self.num.cast_unsigned(), rest, 0);
        write_u64(self.den.cast_unsigned(), rest, 8);
    }
}

impl Entry for Answer {
    const REST: usize = 24;
    const IS_FORMED: bool = true;

    fn time(&self) -> EventTime {
        self.time
    }

    fn read(time: EventTime, rest: &[u8]) -> Answer {
        let number = |at| read_u64(rest, at).cast_signed();
        Answer { time, user: Key::from_bits(read_u64(rest, 0)), num: number(8), den: number(16) }
    }

    fn write(&self, rest: &mut [u8]) {
        write_u64(self.user.bits(), rest, 0);
        write_u64(self.num.cast_unsigned(), rest, 8);
        write_u64(self.den.cast_unsigned(), rest, 16);
    }
}

/// The moment `span` before `time`, where a window's open end lies.
#[inline]
pub(crate) fn back(time: EventTime, span: Span) -> EventTime {
    if span == Span::FOREVER { EventTime::ALWAYS } else { time.minus(span) }
}
