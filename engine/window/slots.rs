//! The slots of one customer in the order of their tracks, and their way through serde.
//!
//! Shape   written, a slot is its kind and a sequence of its entries: how they stand in memory
//!         cannot be told from it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::unit::{EventTime, Key, Micros, ShortKey};
use crate::window::block::Block;
use crate::window::entry::Entry;
use crate::window::invoice::Invoice;
use crate::window::list::ListMut;
use crate::window::lump::Lump;
use crate::window::sends::{SendsMut, Sent};
use crate::window::slot::{Answer, Latest, RowKind, Slot};

/// The slots of one customer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    pub(crate) block: Block,
}

impl Slots {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.block.n_rows()
    }

    /// The kind of slot `row`.
    #[inline]
    pub(crate) fn kind(&self, row: usize) -> Option<RowKind> {
        self.block.tag(row).and_then(RowKind::tagged)
    }

    /// Slot `row`.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<Slot<'_>> {
        let (tag, bytes) = self.block.get(row)?;
        Slot::of(tag, bytes)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Slot<'_>> {
        let none = Slot::Latest(Latest::NONE);
        (0..self.len()).map(move |row| self.get(row).unwrap_or(none))
    }

    fn push<T: Entry>(&mut self, kind: RowKind, entries: &[T]) {
        let row = self.open(kind);
        ListMut::all(&mut self.block, row).fill(entries);
    }

    fn open(&mut self, kind: RowKind) -> usize {
        let row = self.len();
        self.block.open(row, kind as u8);
        row
    }

    fn take_in(&mut self, written: Written) {
        match written {
            Written::Times(entries) => self.push(RowKind::Times, &entries),
            Written::Values(entries) => self.push(RowKind::Values, &entries),
            Written::Lumps { lumps } => self.push(RowKind::Lumps, &lumps),
            Written::Keys(entries) => self.push(RowKind::Keys, &entries),
            Written::Answers(entries) => self.push(RowKind::Answers, &entries),
            Written::Groups(entries) => self.push(RowKind::Groups, &entries),
            Written::Latest(latest) => self.push(RowKind::Latest, &[latest]),
            Written::Invoices(entries) => self.push(RowKind::Invoices, &entries),
            Written::Sends { sent, answers } => {
                let row = self.open(RowKind::Sends);
                SendsMut::of(&mut self.block, row).take_in(&sent, &answers);
            }
        }
    }
}

/// A slot as it is written: the variants of [`Slot`] in their order.
#[derive(Deserialize)]
enum Written {
    Times(Vec<EventTime>),
    Values(Vec<(EventTime, Micros)>),
    Lumps { lumps: Vec<Lump> },
    Keys(Vec<(EventTime, ShortKey)>),
    Sends { sent: Vec<Sent>, answers: Vec<(EventTime, Key)> },
    Answers(Vec<Answer>),
    Groups(Vec<(EventTime, Key, Key)>),
    Latest(Latest),
    Invoices(Vec<Invoice>),
}

/// A sequence of slots.
impl Serialize for Slots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Slots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Slots, D::Error> {
        let mut slots = Slots::default();
        for written in Vec::<Written>::deserialize(deserializer)? {
            slots.take_in(written);
        }
        Ok(slots)
    }
}
