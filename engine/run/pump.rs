//! The pump: records in at one door, outputs out at the other.
//!
//! Shape   one turn takes a batch from the source, decodes it side by side, applies it and hands
//!         the outputs to the sink, in order.
//! Rules   a record that cannot be used goes out as a reject and the next one is taken; what is
//!         refused never stops the pump, a fault of a door always does.
//! Source  DESIGN §3, §8; decisions D-1, D-3, D-5.

use std::num::NonZeroU32;

use crate::record::reject::Reason;
use crate::record::{Decoded, Event, Reject, check_key, decode, partition};
use crate::run::counts::{Counts, Jump};
use crate::state::lanes::side_by_side;
use crate::state::{Applied, Arrival, Engine, Fate, Output};
use crate::unit::{EventTime, Span};
use crate::wire::{
    Batch, Body, Clock, Fault, Fetched, Origin, Outgoing, Position, RawRecord, Sink, Source,
};

/// How records find their partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// By the customer's id, as Kafka's default partitioner does (files).
    ByCustomer(NonZeroU32),
    /// As they come: the topic has partitions of its own.
    AsTheyCome,
}

/// How the wall clock has a say (D-1, D-3).
pub struct Live<'c> {
    /// The wall clock.
    pub clock: &'c dyn Clock,
    /// How far behind it a caught-up partition's `now` is kept.
    pub delay: Span,
    /// How far ahead of it an event may lie.
    pub ahead_max: Span,
    /// How little ahead still counts as now.
    pub skew: Span,
}

/// An engine between two doors.
pub struct Pump<'c> {
    engine: Engine,
    spread: Spread,
    live: Option<Live<'c>>,
    counts: Counts,
    next_offsets: Vec<Option<i64>>,
    batch: Batch,
    witness: Option<Witness<'c>>,
}

/// Is shown what was handed to the engine, with the fate of each.
pub type Witness<'c> = Box<dyn Fn(&[Arrival<'_>], &[Fate]) + Send + Sync + 'c>;

/// One record, read.
#[expect(clippy::large_enum_variant, reason = "one a record; a box would be an allocation each")]
enum Read<'a> {
    Arrival(Arrival<'a>),
    Unknown,
    Refused(Reject),
}

/// More than this in one step is worth a word (D-1).
const JUMP: Span = Span::days(30);

impl<'c> Pump<'c> {
    /// A pump around `engine`; `live` where the wall clock has a say.
    pub fn new(engine: Engine, spread: Spread, live: Option<Live<'c>>) -> Pump<'c> {
        let next_offsets = vec![None; engine.n_partitions() as usize];
        let (counts, batch) = (Counts::default(), Batch::default());
        Pump { engine, spread, live, counts, next_offsets, batch, witness: None }
    }

    /// Shows `witness` everything that is applied from here on.
    pub fn watch(&mut self, witness: Witness<'c>) {
        self.witness = Some(witness);
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How far every partition that had records is done.
    pub fn positions(&self) -> Vec<Position> {
        let position = |(partition, next): (u32, &Option<i64>)| {
            next.map(|next_offset| Position {
                partition,
                next_offset,
                now: self.engine.now(partition),
            })
        };
        (0..).zip(&self.next_offsets).filter_map(position).collect()
    }

    /// Makes room for `partition`, of which nothing is known yet.
    pub fn take_on(&mut self, partition: u32) {
        self.engine.reach(partition + 1);
        if self.next_offsets.len() < self.engine.n_partitions() as usize {
            self.next_offsets.resize(self.engine.n_partitions() as usize, None);
        }
    }

    /// Forgets `partition`: another instance looks after it.
    pub fn give_up(&mut self, partition: u32) {
        self.engine.forget(partition);
        if let Some(next) = self.next_offsets.get_mut(partition as usize) {
            *next = None;
        }
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
            let outgoing = self.process(&batch, source);
            sink.send(&outgoing)?;
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
        self.say(applied, &mut outgoing);
        if outgoing.is_empty() { Ok(()) } else { sink.send(&outgoing) }
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

    /// Turns one batch into outputs.
    fn process(&mut self, batch: &Batch, source: &dyn Source) -> Vec<Outgoing> {
        let mut outgoing = Vec::new();
        for raw in &batch.records {
            if let Origin::Topic { partition, .. } = raw.origin
                && self.engine.n_partitions() <= partition
            {
                self.take_on(partition);
            }
        }
        let reads = side_by_side(&batch.records, |raw| self.read(raw, batch));
        let mut arrivals = Vec::with_capacity(reads.len());
        let mut arrived: Vec<&RawRecord> = Vec::with_capacity(reads.len());
        for (raw, read) in batch.records.iter().zip(reads) {
            self.counts.read += 1;
            if let Origin::Topic { partition, offset } = raw.origin
                && let Some(next) = self.next_offsets.get_mut(partition as usize)
            {
                *next = Some(offset + 1);
            }
            match read {
                Read::Arrival(arrival) => {
                    arrivals.push(arrival);
                    arrived.push(raw);
                }
                Read::Unknown => self.counts.unknown += 1,
                Read::Refused(reject) => {
                    self.counts.reject(reject.reason);
                    outgoing.push(refused(reject, raw, batch));
                }
            }
        }
        let before: Vec<EventTime> =
            (0..self.engine.n_partitions()).map(|number| self.engine.now(number)).collect();
        let applied = self.engine.apply(&arrivals);
        self.note_jump(before, &applied.fates, (&arrivals, &arrived), source);
        if let Some(witness) = &self.witness {
            witness(&arrivals, &applied.fates);
        }
        for (fate, arrival) in applied.fates.iter().zip(&arrivals) {
            self.counts.fate(*fate, arrival.event.kind);
        }
        self.say(applied, &mut outgoing);
        outgoing
    }

    /// Decodes one record and decides where it goes.
    fn read<'a>(&self, raw: &RawRecord, batch: &'a Batch) -> Read<'a> {
        let range = match &raw.body {
            Body::Refused(reject, _) => return Read::Refused(reject.clone()),
            Body::Event(range) => range.clone(),
        };
        let bytes = batch.bytes.get(range).unwrap_or_default();
        let event = match decode(bytes) {
            Ok(Decoded::Event(event)) => event,
            Ok(Decoded::Unknown(_)) => return Read::Unknown,
            Err(reject) => return Read::Refused(reject),
        };
        if let Some(key) = &raw.key {
            let key = key.clone().map(|range| batch.bytes.get(range).unwrap_or_default());
            if let Err(reject) = check_key(&event, key) {
                return Read::Refused(reject);
            }
        }
        let waits = match self.early(&event) {
            Ok(Early::No) => None,
            Ok(Early::Waits) => Some(bytes),
            Err(reject) => return Read::Refused(reject),
        };
        let (partition, offset) = match (raw.origin, self.spread) {
            (Origin::Topic { partition, offset }, _) => (partition, Some(offset)),
            (Origin::File { .. }, Spread::ByCustomer(n)) => {
                (partition(event.customer_id.as_bytes(), n), None)
            }
            (Origin::File { .. }, Spread::AsTheyCome) => (0, None),
        };
        Read::Arrival(Arrival { event, partition, offset, waits })
    }

    /// Whether `event` lies ahead of the wall clock, where that has a say.
    fn early(&self, event: &Event<'_>) -> Result<Early, Reject> {
        let Some(live) = &self.live else { return Ok(Early::No) };
        let wall = live.clock.now();
        if wall.plus(live.ahead_max) < event.time {
            let detail = format!(
                "time {}; wanted at most {} after the wall clock ({wall})",
                event.time, live.ahead_max
            );
            return Err(Reject::new(Reason::FromTheFuture, detail));
        }
        Ok(if wall.plus(live.skew) < event.time { Early::Waits } else { Early::No })
    }

    /// Puts what came out of the engine into bytes and counts it.
    fn say(&mut self, applied: Applied, outgoing: &mut Vec<Outgoing>) {
        self.counts.tally.add(applied.tally);
        for output in applied.outputs {
            outgoing.push(match output {
                Output::Alert(alert, value) => {
                    self.counts.alert(alert.kind);
                    Outgoing::Alert { key: alert.customer_id, value }
                }
                Output::Scores(scores, value) => {
                    self.counts.scores += 1;
                    Outgoing::Scores { key: scores.customer_id, value: Some(value) }
                }
            });
        }
    }

    /// Remembers the first record that moved a partition's `now` very far.
    fn note_jump(
        &mut self,
        mut nows: Vec<EventTime>,
        fates: &[Fate],
        came: (&[Arrival<'_>], &[&RawRecord]),
        source: &dyn Source,
    ) {
        if self.counts.jump.is_some() {
            return;
        }
        for ((fate, arrival), raw) in fates.iter().zip(came.0).zip(came.1) {
            let Some(now) = nows.get_mut(arrival.partition as usize) else { continue };
            let time = arrival.event.time;
            if *fate != Fate::Applied || time <= *now {
                continue;
            }
            if *now != EventTime::ALWAYS && JUMP < time.since(*now) {
                let place = match raw.origin {
                    Origin::File { line, .. } => format!("{}:{line}", source.name(raw.origin)),
                    Origin::Topic { partition, offset } => {
                        format!("{}-{partition}@{offset}", source.name(raw.origin))
                    }
                };
                self.counts.jump = Some(Jump { place, from: *now, to: time });
                return;
            }
            *now = time;
        }
    }
}

/// Whether an event lies ahead of the wall clock.
enum Early {
    No,
    Waits,
}

/// A refused record on its way out, with its bytes as they came.
fn refused(reject: Reject, raw: &RawRecord, batch: &Batch) -> Outgoing {
    let body = match &raw.body {
        Body::Event(range) | Body::Refused(_, range) => range.clone(),
    };
    let range = raw.original.clone().unwrap_or(body);
    let bytes = batch.bytes.get(range).unwrap_or_default().to_vec();
    Outgoing::Reject { reject, origin: raw.origin, bytes }
}
