//! A checkpoint that is being written while its partition goes on.
//!
//! Rules   what is written of a customer is what stood there when the draft was begun; whoever
//!         came later is not written.

use std::collections::VecDeque;
use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use crate::state::book::Book;
use crate::state::checkpoint::frame::{Kind, Writer};
use crate::state::checkpoint::header::Header;
use crate::state::customer::Customer;
use crate::state::erased::Request;
use crate::state::lanes::{Lane, draw};
use crate::state::seen::{Chunk, Remembered};
use crate::unit::{EventTime, Key};

/// How far a checkpoint got, and the bytes to append to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to come.
    More(Vec<u8>),
    /// These are the last.
    Done(Vec<u8>),
}

/// A checkpoint on its way.
#[derive(Debug)]
pub(crate) struct Draft {
    writer: Writer,
    /// What is ready to go out.
    ready: Vec<u8>,
    chunks: VecDeque<Arc<Chunk>>,
    until: EventTime,
    n_customers: u64,
    n_remembered: u64,
}

/// The part of a checkpoint that one lane writes.
#[derive(Debug)]
pub(crate) struct Share {
    /// Those in the slots before it are written, later ones came too late.
    n_slots: u32,
    /// Those in the slots before it are written.
    next: u32,
    /// One bit a slot: written before its turn.
    early: Vec<u64>,
    bytes: Vec<u8>,
    n_ready: u32,
}

/// The memory of so many customers is fetched side by side.
const GROUP: u32 = 32;

/// So many customers cost as much to write as one chunk of remembered ids.
const CHUNK_COST: usize = 32;

impl Draft {
    /// Marks the instant: from now on the lanes write every customer before they change it.
    pub(crate) fn begin(
        header: &Header,
        lanes: &mut [Lane],
        (remembered, erased): (Remembered, &[(Key, Request)]),
    ) -> Draft {
        let mut ready = Vec::new();
        let mut writer = Writer::begin(header, &mut ready);
        if !erased.is_empty() {
            let body = postcard::to_allocvec(erased);
            assert!(body.is_ok(), "requests of plain values always have bytes");
            let n = u32::try_from(erased.len()).unwrap_or(u32::MAX);
            writer.section(Kind::Erased, n, &body.unwrap_or_default(), &mut ready);
        }
        for lane in lanes {
            lane.begin_share();
        }
        let Remembered { until, chunks } = remembered;
        Draft { writer, ready, chunks, until, n_customers: 0, n_remembered: 0 }
    }

    /// Writes about `n_customers_max` more customers.
    pub(crate) fn go_on(&mut self, lanes: &mut [Lane], n_customers_max: usize) -> Progress {
        let each = n_customers_max.max(1).div_ceil(lanes.len().max(1));
        let is_drawn = draw(lanes, each);
        let mut out = std::mem::take(&mut self.ready);
        for share in lanes.iter_mut().filter_map(Lane::share_mut) {
            let (n, bytes) = share.take();
            if 0 < n {
                self.n_customers += u64::from(n);
                self.writer.section(Kind::Customers, n, &bytes, &mut out);
            }
        }
        if !is_drawn {
            return Progress::More(out);
        }
        for _ in 0..n_customers_max.div_ceil(CHUNK_COST) {
            let Some(chunk) = self.chunks.pop_front() else { break };
            let mut body = Vec::new();
            let n = chunk.encode(self.until, &mut body);
            if 0 < n {
                self.n_remembered += u64::from(n);
                self.writer.section(Kind::Remembered, n, &body, &mut out);
            }
        }
        if !self.chunks.is_empty() {
            return Progress::More(out);
        }
        let body = [self.n_customers.to_le_bytes(), self.n_remembered.to_le_bytes()].concat();
        self.writer.section(Kind::End, 0, &body, &mut out);
        Progress::Done(out)
    }
}

impl Share {
    /// The share of a lane with `n_customers`.
    pub(crate) fn new(n_customers: usize) -> Share {
        let n_slots = u32::try_from(n_customers).unwrap_or(u32::MAX);
        let early = vec![0; n_customers.div_ceil(64)];
        Share { n_slots, next: 0, early, bytes: Vec::new(), n_ready: 0 }
    }

    /// Writes `customer`, who is about to change, unless it is written already or came too late.
    pub(crate) fn preserve(&mut self, slot: u32, customer: &Customer) {
        if slot < self.next || self.n_slots <= slot || self.is_early(slot) {
            return;
        }
        if let Some(word) = self.early.get_mut(slot as usize / 64) {
            *word |= 1 << (slot % 64);
        }
        self.write(customer);
    }

    /// Writes up to `n_max` more customers of `book`; returns whether all are written.
    pub(crate) fn draw(&mut self, book: &Book, n_max: usize) -> bool {
        let mut n_left = n_max;
        while self.next < self.n_slots && 0 < n_left {
            let slot = self.next;
            if slot.is_multiple_of(GROUP) {
                book.warm(slot..slot.saturating_add(GROUP).min(self.n_slots));
            }
            self.next += 1;
            if self.is_early(slot) {
                continue;
            }
            if let Some(customer) = book.at(slot) {
                self.write(customer);
                n_left -= 1;
            }
        }
        self.next == self.n_slots
    }

    /// Takes out what is written: how many customers, and their bytes.
    fn take(&mut self) -> (u32, Vec<u8>) {
        // The next slice will be about as long.
        let next = Vec::with_capacity(self.bytes.len());
        (std::mem::take(&mut self.n_ready), std::mem::replace(&mut self.bytes, next))
    }

    fn is_early(&self, slot: u32) -> bool {
        self.early.get(slot as usize / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    fn write(&mut self, customer: &Customer) {
        if customer.is_nobody() {
            return;
        }
        let mut serializer = postcard::Serializer { output: Append(&mut self.bytes) };
        let written = customer.serialize(&mut serializer);
        assert!(written.is_ok(), "a customer of plain values always has bytes");
        self.n_ready += 1;
    }
}

/// Postcard's way into a vector that is there already.
struct Append<'v>(&'v mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
