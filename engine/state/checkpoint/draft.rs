//! A checkpoint that is being written while its partition goes on.
//!
//! Rules   what is written of a customer is what stood there when the draft was begun; whoever
//!         came later is not written.

use std::collections::VecDeque;
use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use crate::state::book::Book;
use crate::state::checkpoint::frame::{Body, Kind, Writer};
use crate::state::checkpoint::header::Header;
use crate::state::customer::Customer;
use crate::state::erased::Request;
use crate::state::lanes::{Lane, draw};
use crate::state::seen::{Chunk, Remembered};
use crate::unit::{EventTime, Key};

/// How far a checkpoint got, and the pieces to append to it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to come.
    More(Vec<Vec<u8>>),
    /// These are the last.
    Done(Vec<Vec<u8>>),
}

/// A checkpoint on its way.
#[derive(Debug)]
pub(crate) struct Draft {
    writer: Writer,
    /// What is ready to go out.
    ready: Vec<Vec<u8>>,
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
    /// One bit a slot, [`GROUP`] of them a word: written before its turn.
    early: Vec<u32>,
    /// How many were written before their turn since the last slice.
    n_early: usize,
    pages: Vec<Page>,
}

/// Customers, and how many they are.
#[derive(Debug)]
struct Page {
    n: u32,
    body: Body,
}

/// The memory of so many customers is fetched side by side.
const GROUP: u32 = u32::BITS;

/// A page with more bytes than that is full: little enough for the allocator to have one at hand.
const PAGE_BYTES: usize = 64 << 10;

/// So many customers cost as much to write as one chunk of remembered ids, which is 64 KiB.
const CHUNK_COST: usize = 256;

/// A slice writes at least this part of its customers, however many were written early: it must
/// come to an end.
const DRAWN_MIN: usize = 4;

impl Draft {
    /// Marks the instant: from now on the lanes write every customer before they change it.
    pub(crate) fn begin(
        header: &Header,
        lanes: &mut [Lane],
        (remembered, erased): (Remembered, &[(Key, Request)]),
    ) -> Draft {
        let mut head = Vec::new();
        let mut writer = Writer::begin(header, &mut head);
        let mut ready = vec![head];
        if !erased.is_empty() {
            let body = postcard::to_allocvec(erased);
            assert!(body.is_ok(), "requests of plain values always have bytes");
            let n = u32::try_from(erased.len()).unwrap_or(u32::MAX);
            ready.push(writer.seal(Kind::Erased, n, Body::of(&body.unwrap_or_default())));
        }
        for lane in lanes {
            lane.begin_share();
        }
        let Remembered { until, chunks } = remembered;
        Draft { writer, ready, chunks, until, n_customers: 0, n_remembered: 0 }
    }

    /// Writes about `n_customers_max` more customers; fewer, where those that a batch wrote early
    /// have taken time already.
    pub(crate) fn go_on(&mut self, lanes: &mut [Lane], n_customers_max: usize) -> Progress {
        let n_early: usize = lanes.iter_mut().filter_map(Lane::share_mut).map(Share::early).sum();
        let least = n_customers_max.div_ceil(DRAWN_MIN).max(1);
        let n_drawn = n_customers_max.saturating_sub(n_early).max(least);
        let is_drawn = draw(lanes, n_drawn.div_ceil(lanes.len().max(1)));
        let mut out = std::mem::take(&mut self.ready);
        for share in lanes.iter_mut().filter_map(Lane::share_mut) {
            for Page { n, body } in share.pages.drain(..) {
                self.n_customers += u64::from(n);
                out.push(self.writer.seal(Kind::Customers, n, body));
            }
        }
        if !is_drawn {
            return Progress::More(out);
        }
        for _ in 0..n_drawn.div_ceil(CHUNK_COST) {
            let Some(chunk) = self.chunks.pop_front() else { break };
            let mut body = Body::with_capacity(PAGE_BYTES);
            let n = chunk.encode(self.until, body.bytes_mut());
            if 0 < n {
                self.n_remembered += u64::from(n);
                out.push(self.writer.seal(Kind::Remembered, n, body));
            }
        }
        if !self.chunks.is_empty() {
            return Progress::More(out);
        }
        let body = [self.n_customers.to_le_bytes(), self.n_remembered.to_le_bytes()].concat();
        out.push(self.writer.seal(Kind::End, 0, Body::of(&body)));
        Progress::Done(out)
    }
}

impl Share {
    /// The share of a lane with `n_customers`.
    pub(crate) fn new(n_customers: usize) -> Share {
        let n_slots = u32::try_from(n_customers).unwrap_or(u32::MAX);
        let early = vec![0; n_customers.div_ceil(GROUP as usize)];
        Share { n_slots, next: 0, early, n_early: 0, pages: Vec::new() }
    }

    /// Writes `customer`, who is about to change, unless it is written already or came too late.
    pub(crate) fn preserve(&mut self, slot: u32, customer: &Customer) {
        if slot < self.next || self.n_slots <= slot {
            return;
        }
        let Some(word) = self.early.get_mut((slot / GROUP) as usize) else { return };
        let bit = 1 << (slot % GROUP);
        if *word & bit == 0 {
            *word |= bit;
            self.n_early += 1;
            self.write(customer);
        }
    }

    /// Writes up to `n_max` more customers of `book`; returns whether all are written.
    pub(crate) fn draw(&mut self, book: &Book, n_max: usize) -> bool {
        let mut n_left = n_max;
        while self.next < self.n_slots && 0 < n_left {
            let group = self.next / GROUP * GROUP;
            let early = self.early.get((group / GROUP) as usize).copied().unwrap_or(0);
            let end = group.saturating_add(GROUP).min(self.n_slots);
            let waiting = (self.next..end).filter(move |slot| early >> (slot % GROUP) & 1 == 0);
            // The rest of the group has its turn in the next slice.
            let turn = waiting.take(n_left);
            book.warm(turn.clone());
            self.next = end;
            for slot in turn {
                let Some(customer) = book.at(slot) else { continue };
                self.write(customer);
                n_left -= 1;
                if n_left == 0 {
                    self.next = slot + 1;
                }
            }
        }
        self.next == self.n_slots
    }

    /// How many were written before their turn since this was last asked.
    fn early(&mut self) -> usize {
        std::mem::take(&mut self.n_early)
    }

    fn write(&mut self, customer: &Customer) {
        if customer.is_nobody() {
            return;
        }
        if self.pages.last().is_none_or(|page| PAGE_BYTES <= page.body.len()) {
            // The last customer of a page may reach over its end.
            let body = Body::with_capacity(PAGE_BYTES + PAGE_BYTES / 8);
            self.pages.push(Page { n: 0, body });
        }
        let Some(Page { n, body }) = self.pages.last_mut() else { return };
        let mut serializer = postcard::Serializer { output: Append(body.bytes_mut()) };
        let written = customer.serialize(&mut serializer);
        assert!(written.is_ok(), "a customer of plain values always has bytes");
        *n += 1;
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
