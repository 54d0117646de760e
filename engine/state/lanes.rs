//! Lanes: customers shared out over the cores.
//!
//! Shape   a lane owns its customers and their timers; a customer always walks the same lane.
//! Rules   a customer's events keep their order; what lanes put out is brought into one order
//!         afterwards, so their number and speed cannot be seen in it.
//! Cost    one task a lane and call; a single lane runs where it is called.

use std::sync::Mutex;

use rayon::iter::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator,
    IntoParallelRefMutIterator, ParallelIterator,
};

use crate::record::decode::{Decoded, decode};
use crate::record::{Event, Kind, Receipt};
use crate::score::Tally;
use crate::state::arrival::Arrival;
use crate::state::book::Book;
use crate::state::checkpoint::Share;
use crate::state::customer::{Customer, Waiting};
use crate::state::edition::{Copied, Copies, Whom};
use crate::state::output::{Output, Place, Placed, Provenance};
use crate::state::rules::{Rules, Timers as Switch};
use crate::state::step::{Desk, Occasion, Scratch, step};
use crate::state::timers::Timers;
use crate::unit::{EventTime, Key};

/// How many records are looked up together: their customers' memory is fetched side by side.
const GROUP: usize = 32;

/// A part of a partition's customers.
#[derive(Debug, Default)]
pub struct Lane {
    book: Book,
    timers: Timers,
    scratch: Scratch,
    fresh: Vec<Output>,
    /// What the lane has to write of a checkpoint, while one is on its way.
    share: Option<Box<Share>>,
    /// What it has to copy of editions, once there are any.
    copies: Option<Box<Copies>>,
}

/// One record for a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// The record's index in the call.
    pub record: usize,
    /// The key of its customer.
    pub key: Key,
    /// The partition's `now` once it is applied.
    pub now: EventTime,
}

/// What a lane has to do in one call.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    /// The lane.
    pub lane: &'a mut Lane,
    /// Its records.
    pub jobs: Vec<Job>,
    /// How the partition's `now` moves: after which record it stands where.
    pub moves: &'a [(u64, EventTime)],
    /// Which partition.
    pub partition: u32,
    /// What came out.
    pub done: Done,
}

/// What came out of a task.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub placed: Vec<Placed>,
    pub tally: Tally,
    /// Who was forgotten while events waited, and the time of the last of those.
    pub dropped: Vec<(Key, EventTime)>,
}

/// The lane, of `n_lanes`, that the customer with `key` walks.
pub(crate) fn lane_of(key: Key, n_lanes: usize) -> usize {
    // The upper bits, for the lane's own table goes by the lower ones.
    usize::try_from(key.bits() >> 40).unwrap_or(0) % n_lanes.max(1)
}

/// Works off all `tasks`, side by side where there are several.
pub(crate) fn work(tasks: &mut [Task<'_>], arrivals: &[Arrival<'_>], rules: &Rules) {
    match tasks {
        [only] => only.run(arrivals, rules),
        several => work_apart(several, arrivals, rules),
    }
}

/// Works off all `tasks` side by side, on other threads than the one that calls.
pub(crate) fn work_apart(tasks: &mut [Task<'_>], arrivals: &[Arrival<'_>], rules: &Rules) {
    match tasks {
        // Each on the thread of its number: a customer's memory then comes from one thread's
        // pages in every call, and the allocator need not hand pages to and fro.
        few if few.len() <= rayon::current_num_threads() => {
            let tasks: Vec<Mutex<&mut Task<'_>>> = few.iter_mut().map(Mutex::new).collect();
            rayon::broadcast(|thread| {
                if let Some(Ok(mut task)) = tasks.get(thread.index()).map(Mutex::lock) {
                    task.run(arrivals, rules);
                }
            });
        }
        several => several.par_iter_mut().for_each(|task| task.run(arrivals, rules)),
    }
}

/// Does `each` to all `items` on as many threads as there are cores; the results keep the order.
pub fn side_by_side<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    // Below so many items handing them out costs more than it brings.
    const SHARE: usize = 512;
    if items.len() <= SHARE {
        return items.iter().map(each).collect();
    }
    items.par_iter().with_min_len(SHARE).map(each).collect()
}

/// Does `each` to all `items`, one task an item; the results keep the order.
pub(crate) fn all_at_once<T: Send, R: Send>(
    items: Vec<T>,
    each: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    items.into_par_iter().map(each).collect()
}

/// Does `work` on the cores and, meanwhile, `wait` on the thread that asks: no core stands idle.
pub(crate) fn beside<'s, R>(work: impl FnOnce() + Send + 's, wait: impl FnOnce() -> R) -> R {
    rayon::in_place_scope(|scope: &rayon::Scope<'s>| {
        scope.spawn(|_| work());
        wait()
    })
}

/// Lets every lane write up to `n_max` customers of its share; returns whether all are written.
pub(crate) fn draw(lanes: &mut [Lane], n_max: usize) -> bool {
    match lanes {
        [only] => only.draw(n_max),
        // Every lane must have its turn: no short cut at the first that is not through.
        several => {
            several.par_iter_mut().map(|lane| lane.draw(n_max)).reduce(|| true, |a, b| a & b)
        }
    }
}

impl Task<'_> {
    fn run(&mut self, arrivals: &[Arrival<'_>], rules: &Rules) {
        let jobs = std::mem::take(&mut self.jobs);
        let mut slots = Vec::with_capacity(GROUP);
        for jobs in jobs.chunks(GROUP) {
            let come = jobs.iter().filter_map(|job| Some((job, arrivals.get(job.record)?)));
            slots.clear();
            slots
                .extend(come.clone().map(|(job, arrival)| {
                    self.lane.book.slot(&arrival.event.customer_id, job.key)
                }));
            self.lane.book.warm(slots.iter().copied());
            for ((job, arrival), slot) in come.zip(&slots) {
                self.fire(job.now, rules);
                self.apply((*job, *slot), arrival, rules);
            }
        }
        if let Some((_, now)) = self.moves.last() {
            self.fire(*now, rules);
        }
    }

    /// Applies one record, or lets it wait.
    fn apply(&mut self, (job, slot): (Job, u32), arrival: &Arrival<'_>, rules: &Rules) {
        let event = &arrival.event;
        // Whoever was forgotten since the slots of this group were looked up has a new one.
        let is_gone = self.lane.book.at(slot).is_some_and(Customer::is_nobody);
        let slot = if is_gone { self.lane.book.slot(&event.customer_id, job.key) } else { slot };
        if event.kind == Kind::ErasureRequested {
            self.erase(slot, job, event);
            return;
        }
        if let Some(bytes) = arrival.waits.filter(|_| job.now < event.time) {
            self.lane.preserve(slot);
            let Some(customer) = self.lane.book.at_mut(slot) else { return };
            let waiting =
                Waiting { time: event.time, offset: arrival.offset, bytes: Box::from(bytes) };
            let at = customer.waiting.partition_point(|other| other.time <= event.time);
            customer.waiting.insert(at, waiting);
            customer.due = customer.due.min(event.time);
            self.call_again(slot);
            return;
        }
        let provenance = Provenance {
            topic: rules.topic.as_deref(),
            partition: self.partition,
            offset: arrival.offset,
        };
        let place = Place { turn: job.record as u64, at: EventTime::NEVER };
        self.step(slot, Occasion::Event(event, provenance), (job.now, place), rules);
        self.call_again(slot);
    }

    /// Forgets the customer in `slot`, as `event` asks.
    fn erase(&mut self, slot: u32, job: Job, event: &Event<'_>) {
        self.lane.preserve(slot);
        let Some(customer) = self.lane.book.at(slot) else { return };
        let receipt = Receipt {
            customer_id: event.customer_id.to_string(),
            request_id: event.id.to_string(),
            requested_at: event.time,
            erased_at: job.now,
            n_events: customer.history.n_entries() as u64,
            n_waiting: customer.waiting.len() as u64,
            remains: Vec::new(),
        };
        self.done.dropped.extend(customer.waiting.last().map(|last| (job.key, last.time)));
        self.lane.book.remove(slot);
        let place = Place { turn: job.record as u64, at: EventTime::NEVER };
        let output = Output::Erased(Box::new(receipt));
        self.done.placed.push(Placed { place, home: self.partition, output });
    }

    /// Fires every timer of the lane that is due by `now`.
    fn fire(&mut self, now: EventTime, rules: &Rules) {
        let Lane { book, timers, .. } = &mut *self.lane;
        book.warm(timers.announce());
        while let Some((at, slot)) = self.lane.timers.pop(now) {
            let Some(customer) = self.lane.book.at_mut(slot) else { continue };
            if customer.queued != at {
                continue;
            }
            customer.queued = EventTime::NEVER;
            if customer.due <= at {
                self.ring(slot, at, rules);
            }
            self.call_again(slot);
            let Lane { book, timers, .. } = &mut *self.lane;
            book.warm(timers.announce());
        }
    }

    /// Judges the customer in `slot` at `at`, then applies what waited for that instant.
    fn ring(&mut self, slot: u32, at: EventTime, rules: &Rules) {
        let turn = self.moves.partition_point(|(_, now)| *now < at);
        let turn = self.moves.get(turn).map_or(u64::MAX, |(record, _)| *record);
        let place = Place { turn, at };
        self.lane.preserve(slot);
        let Some(customer) = self.lane.book.at_mut(slot) else { return };
        let is_known = customer.history.known_since() != EventTime::NEVER;
        let due = customer.waiting.partition_point(|waiting| waiting.time <= at);
        let waiting: Vec<Waiting> = customer.waiting.drain(..due).collect();
        // A step sets it anew; where none follows, only what still waits may call again.
        customer.due = customer.next_waiting();
        if is_known && rules.timers == Switch::On {
            self.step(slot, Occasion::Timer, (at, place), rules);
        }
        for waiting in waiting {
            // The bytes were decoded when they came: they can be decoded again.
            if let Ok(Decoded::Event(event)) = decode(&waiting.bytes) {
                let provenance = Provenance {
                    topic: rules.topic.as_deref(),
                    partition: self.partition,
                    offset: waiting.offset,
                };
                self.step(slot, Occasion::Event(&event, provenance), (at, place), rules);
            }
        }
    }

    /// One step of the customer in `slot`.
    fn step(
        &mut self,
        slot: u32,
        occasion: Occasion<'_, '_>,
        when: (EventTime, Place),
        rules: &Rules,
    ) {
        let lane = &mut *self.lane;
        lane.preserve(slot);
        let Some(customer) = lane.book.at_mut(slot) else { return };
        let mut desk = Desk { outputs: &mut lane.fresh, scratch: &mut lane.scratch };
        let tally = step(customer, occasion, when.0, rules, &mut desk);
        self.done.tally.add(tally);
        let (place, home) = (when.1, self.partition);
        let fresh = lane.fresh.drain(..).map(|output| Placed { place, home, output });
        self.done.placed.extend(fresh);
    }

    /// Sees to it that the timers call no later than the customer in `slot` is due.
    fn call_again(&mut self, slot: u32) {
        let Some(customer) = self.lane.book.at_mut(slot) else { return };
        if customer.due < customer.queued {
            customer.queued = customer.due;
            self.lane.timers.push(customer.due, slot);
        }
    }
}

impl Lane {
    /// The lane's customers.
    pub fn customers(&self) -> impl Iterator<Item = &Customer> {
        self.book.iter()
    }

    /// How many customers it has.
    pub(crate) fn len(&self) -> usize {
        self.book.len()
    }

    /// The customer called `id`.
    pub fn find(&self, id: &str, key: Key) -> Option<&Customer> {
        self.book.find(id, key)
    }

    /// Makes room for `n_customers`.
    pub(crate) fn reserve(&mut self, n_customers: usize) {
        self.book.reserve(n_customers);
    }

    /// Takes in a customer who was read back; returns whether there was none of that id.
    pub(crate) fn take_in(&mut self, mut customer: Customer, rules: &Rules) -> bool {
        let due = match rules.timers {
            Switch::On => customer.due,
            Switch::Off => customer.next_waiting(),
        };
        (customer.due, customer.queued) = (due, due);
        let Some(slot) = self.book.take_in(customer) else { return false };
        self.timers.push(due, slot);
        true
    }

    /// From now on every customer there is now is written before it changes.
    pub(crate) fn begin_share(&mut self) {
        self.share = Some(Box::new(Share::new(self.book.n_slots())));
    }

    /// The lane's share of a checkpoint, while one is on its way.
    pub(crate) fn share_mut(&mut self) -> Option<&mut Share> {
        self.share.as_deref_mut()
    }

    /// Nothing more is to be written.
    pub(crate) fn end_share(&mut self) {
        self.share = None;
    }

    fn draw(&mut self, n_max: usize) -> bool {
        self.share.as_mut().is_none_or(|share| share.draw(&self.book, n_max))
    }

    /// Begins an edition of `whom`; of everyone where there was none before. Whom it holds.
    /// The lane is number `number`.
    pub(crate) fn begin_edition(&mut self, number: u32, whom: Whom) -> Whom {
        let whom = if self.copies.is_some() { whom } else { Whom::All };
        let copies = self.copies.get_or_insert_with(|| Box::new(Copies::of(number)));
        copies.begin(whom, &self.book);
        whom
    }

    /// Copies up to `n_max` more customers of the edition into pages, and appends those to `out`;
    /// returns whether that was all.
    pub(crate) fn copy(&mut self, n_max: usize, out: &mut Vec<Vec<Copied>>) -> bool {
        let Some(copies) = &mut self.copies else { return true };
        let is_all = copies.draw(&self.book, n_max);
        out.append(&mut copies.take());
        is_all
    }

    /// Keeps the customer in `slot`, who is about to change, as a checkpoint or an edition that is
    /// on its way needs it.
    fn preserve(&mut self, slot: u32) {
        if let Some(copies) = &mut self.copies {
            copies.touch(slot, &self.book);
        }
        if let Some(share) = &mut self.share
            && let Some(customer) = self.book.at(slot)
        {
            share.preserve(slot, customer);
        }
    }

    /// Whether a timer may call by `now`.
    pub fn is_due(&self, now: EventTime) -> bool {
        self.timers.is_due(now)
    }
}

#[cfg(test)]
mod tests;
