//! The pump: records in at one door, outputs out at the other.
//!
//! Shape   one turn takes a batch from the source, decodes it side by side, applies it and hands
//!         the outputs to the sink, in order; before them what a replay must know of the wall
//!         clock.
//! Rules   a record that cannot be used goes out as a reject and the next one is taken; what is
//!         refused never stops the pump, a fault of a door always does. Of what was done before a
//!         restart nothing goes out again.
//! Source  DESIGN §3, §8; decisions D-1, D-2, D-3, D-5.

use crate::record::receipt::Remainder;
use crate::record::{Note, Says};
use crate::run::counts::Counts;
use crate::run::course::{Course, Journal};
use crate::run::jump::first_jump;
use crate::run::reading::{Live, Reader, Spread};
use crate::run::share::{Share, Sorter, note_of};
use crate::run::witness::Witness;
use crate::state::checkpoint::Restored;
use crate::state::lanes::side_by_side;
use crate::state::{Applied, Arrival, Engine, Fate, Output};
use crate::unit::EventTime;
use crate::wire::{Batch, Fault, Fetched, Origin, Outgoing, Position, Sink, Source};

/// What is done on the thread that calls while the lanes work; the source is handed to it.
pub(super) type Meanwhile<'m> = &'m mut dyn FnMut(&mut dyn Source);

/// An engine between two doors.
pub struct Pump<'c> {
    engine: Engine,
    spread: Spread,
    live: Option<Live<'c>>,
    journal: Option<Journal>,
    counts: Counts,
    courses: Vec<Course>,
    batch: Batch,
    /// How much went out.
    n_out: u64,
    /// What outlives an erasure for a while.
    remains: Vec<Remainder>,
    witness: Option<Box<dyn Witness>>,
}

impl<'c> Pump<'c> {
    /// A pump around `engine`; `live` where the wall clock has a say.
    pub fn new(engine: Engine, spread: Spread, live: Option<Live<'c>>) -> Pump<'c> {
        let mut pump = Pump {
            engine,
            spread,
            live,
            journal: None,
            counts: Counts::default(),
            courses: Vec::new(),
            batch: Batch::default(),
            n_out: 0,
            remains: Vec::new(),
            witness: None,
        };
        pump.reach(0);
        pump
    }

    /// Goes by the journal that an earlier run over the same events has left (D-1).
    pub fn follow(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// The journal it goes by, if by one.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Names what outlives an erasure for a while, for the receipts.
    pub fn name_remains(&mut self, remains: Vec<Remainder>) {
        self.remains = remains;
    }

    /// Shows `witness` everything that is applied from here on.
    pub fn watch(&mut self, witness: Box<dyn Witness>) {
        self.witness = Some(witness);
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, for what is no scoring: checkpoints.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How far every partition is done; those that still go over what was done before are not
    /// among them.
    pub fn positions(&self) -> Vec<Position> {
        (0..self.engine.n_partitions()).filter_map(|partition| self.position(partition)).collect()
    }

    /// How far `partition` is done, unless it still goes over what was done before.
    pub fn position(&self, partition: u32) -> Option<Position> {
        let course = self.courses.get(partition as usize)?;
        let next_offset = course.next_offset.filter(|_| course.quiet_until.is_none())?;
        Some(Position { partition, next_offset, now: self.engine.now(partition) })
    }

    /// How many events of `partition` came so far, whatever became of them.
    pub fn n_events(&self, partition: u32) -> u64 {
        self.courses.get(partition as usize).map_or(0, |course| course.n_events)
    }

    /// Lets `partition` go on with the state `restored`, or none, over the `road`: from an offset,
    /// quietly up to the position at which it was committed before. `notes` of its journal say
    /// what the records do not.
    pub fn begin(
        &mut self,
        partition: u32,
        restored: Option<Restored>,
        road: (i64, Option<Position>),
        notes: &[Note],
    ) {
        self.reach(partition + 1);
        let n_events = restored.as_ref().map_or(0, |restored| restored.header.mark.n_events);
        match restored {
            Some(restored) => self.engine.install(partition, restored),
            None => self.engine.forget(partition),
        }
        let (from, quiet_until) = road;
        if let Some(course) = self.courses.get_mut(partition as usize) {
            *course = Course::new(from, n_events, quiet_until, notes);
        }
        self.get_through();
    }

    /// Whether what was read of the journal says something of records of `partition` that are
    /// still to come.
    pub fn is_told_more(&self, partition: u32) -> bool {
        let course = self.courses.get(partition as usize);
        course.is_some_and(|course| course.is_told_more(self.engine.now(partition)))
    }

    /// How many records `partition` still has to go over, if it goes over what was done before.
    pub fn is_catching_up(&self, partition: u32) -> Option<u64> {
        let course = self.courses.get(partition as usize)?;
        let until = course.quiet_until?.next_offset;
        Some(until.saturating_sub(course.next_offset?).max(0).unsigned_abs())
    }

    /// Says that `partition` holds no record before its committed position that was not read:
    /// the offsets that are left there hold none.
    pub fn is_at_end(&mut self, partition: u32) {
        if let Some(course) = self.courses.get_mut(partition as usize)
            && let Some(until) = course.quiet_until
        {
            course.next_offset = course.next_offset.max(Some(until.next_offset));
        }
        self.get_through();
    }

    /// Forgets `partition`: another instance looks after it.
    pub fn give_up(&mut self, partition: u32) {
        self.engine.forget(partition);
        if let Some(course) = self.courses.get_mut(partition as usize) {
            *course = Course::default();
        }
    }

    fn reach(&mut self, n_partitions: u32) {
        self.engine.reach(n_partitions);
        self.courses.resize_with(self.engine.n_partitions() as usize, Course::default);
    }

    /// Takes one batch from `source` and hands what comes out to `sink`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of either door; the batch may then be half written, and must not be committed.
    pub fn turn(&mut self, source: &mut dyn Source, sink: &mut dyn Sink) -> Result<Fetched, Fault> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        let fetched = source.fill(&mut batch)?;
        if !batch.records.is_empty() {
            let outgoing = self.process(&batch, source, None);
            self.send(&outgoing, sink)?;
        }
        self.batch = batch;
        Ok(fetched)
    }

    /// Moves the time of `partition` to `to` and hands what rings to `sink`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the sink.
    pub fn advance(
        &mut self,
        partition: u32,
        to: EventTime,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let applied = self.engine.advance(partition, to);
        let mut outgoing = Vec::new();
        // A restart must go through this instant before the next record.
        let next_offset = self.courses.get(partition as usize).and_then(|c| c.next_offset);
        if let Some(offset) = next_offset.filter(|_| !applied.outputs.is_empty())
            && self.live.is_some()
        {
            let note = Note { offset, says: Says::Now(to), subject: None };
            outgoing.push(Outgoing::Journal { partition, note });
        }
        outgoing.extend(self.say(applied));
        self.send(&outgoing, sink)
    }

    /// How much went out so far.
    pub fn n_out(&self) -> u64 {
        self.n_out
    }

    /// Sends alerts that speak of all customers.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the sink.
    pub fn say_of_all(&mut self, rung: &[Outgoing], sink: &mut dyn Sink) -> Result<(), Fault> {
        self.counts.kpis += rung.len() as u64;
        self.send(rung, sink)
    }

    /// Hands `outgoing` to `sink`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the sink.
    pub(super) fn send(&mut self, outgoing: &[Outgoing], sink: &mut dyn Sink) -> Result<(), Fault> {
        if outgoing.is_empty() {
            return Ok(());
        }
        self.n_out += outgoing.len() as u64;
        sink.send(outgoing)
    }

    /// Moves the time of a caught-up `partition` with the wall clock, where that has a say.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the sink.
    pub fn keep_up(&mut self, partition: u32, sink: &mut dyn Sink) -> Result<(), Fault> {
        let Some(live) = &self.live else { return Ok(()) };
        let to = live.clock.now().minus(live.delay);
        self.advance(partition, to, sink)
    }

    /// Turns one batch, which came from `source`, into outputs; what is to be done `meanwhile` is
    /// done while the lanes work.
    pub(super) fn process(
        &mut self,
        batch: &Batch,
        source: &mut dyn Source,
        meanwhile: Option<Meanwhile<'_>>,
    ) -> Vec<Outgoing> {
        for raw in &batch.records {
            if let Origin::Topic { partition, .. } = raw.origin {
                self.reach(partition + 1);
            }
        }
        let reads = {
            let (spread, live) = (self.spread, self.live.as_ref());
            let (courses, nows) = (self.courses.as_slice(), &self.engine.nows());
            let reader = Reader { spread, live, courses, nows };
            side_by_side(&batch.records, |raw| reader.read(raw, batch))
        };
        let Pump { courses, journal, counts, .. } = self;
        let share = Sorter { courses, journal: journal.as_mut(), counts }.sort(batch, reads);
        if !share.quiet.is_empty() {
            let applied = self.engine.apply(&share.quiet);
            self.show(&share.quiet, &applied.fates);
            self.say_quietly(applied);
        }
        self.get_through();
        self.apply(share, source, meanwhile)
    }

    /// Applies what was not done before and says what comes of it.
    fn apply(
        &mut self,
        share: Share<'_>,
        source: &mut dyn Source,
        meanwhile: Option<Meanwhile<'_>>,
    ) -> Vec<Outgoing> {
        let Share { arrivals, arrived, mut notes, refused, .. } = share;
        let before = self.engine.nows();
        let applied = match meanwhile {
            Some(work) => self.engine.apply_beside(&arrivals, || work(&mut *source)),
            None => self.engine.apply(&arrivals),
        };
        if self.counts.jump.is_none() {
            let came = (arrivals.as_slice(), arrived.as_slice());
            self.counts.jump = first_jump(before, &applied.fates, came, source);
        }
        self.show(&arrivals, &applied.fates);
        for (fate, arrival) in applied.fates.iter().zip(&arrivals) {
            self.counts.fate(*fate, arrival.event.kind);
            if arrival.waits.is_some() {
                notes.extend(note_of(arrival, Says::Waits));
            }
        }
        for (record, now) in &applied.told {
            let arrival = arrivals.get(*record);
            notes.extend(arrival.and_then(|arrival| note_of(arrival, Says::Now(*now))));
        }
        let mut outgoing = if self.live.is_some() { notes } else { Vec::new() };
        outgoing.extend(refused);
        outgoing.extend(self.say(applied));
        outgoing
    }

    /// Ends the quiet of the partitions that are where they were committed.
    fn get_through(&mut self) {
        for partition in 0..self.engine.n_partitions() {
            let course = self.courses.get_mut(partition as usize);
            let through = course.filter(|course| course.is_through());
            if let Some(position) = through.and_then(|course| course.quiet_until.take()) {
                // What rings on the way rang before.
                let applied = self.engine.advance(partition, position.now);
                self.say_quietly(applied);
            }
        }
    }

    fn show(&mut self, arrivals: &[Arrival<'_>], fates: &[Fate]) {
        if let Some(witness) = &mut self.witness {
            witness.applied(arrivals, fates);
        }
    }

    /// Lets nothing out of what went out before a restart, and shows it.
    fn say_quietly(&mut self, applied: Applied) {
        if self.witness.is_some() {
            let before = self.counts.clone();
            self.say(applied);
            self.counts = before;
        }
    }

    /// Puts what came out of the engine into bytes, counts it and shows it.
    fn say(&mut self, applied: Applied) -> Vec<Outgoing> {
        self.counts.tally.add(applied.tally);
        let mut outgoing = Vec::with_capacity(applied.outputs.len());
        for (home, output) in applied.homes.into_iter().zip(applied.outputs) {
            let before = outgoing.len();
            match output {
                Output::Alert(alert, value) => {
                    self.counts.alert(alert.kind);
                    outgoing.push(Outgoing::Alert { key: alert.customer_id, value });
                }
                Output::Scores(scores, value) => {
                    self.counts.scores += 1;
                    let (key, value) = (scores.customer_id, Some(value));
                    outgoing.push(Outgoing::Scores { key, value });
                }
                Output::Erased(mut receipt) => {
                    receipt.remains = self.remains.clone();
                    let (key, value) = (receipt.customer_id.clone(), receipt.to_json());
                    outgoing.push(Outgoing::Scores { key: key.clone(), value: None });
                    outgoing.push(Outgoing::Receipt { key, value });
                }
            }
            if let Some(witness) = &mut self.witness {
                outgoing.iter().skip(before).for_each(|output| witness.went_out(home, output));
            }
        }
        outgoing
    }
}
