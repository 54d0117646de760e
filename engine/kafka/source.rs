//! The input topic as a [`Source`]: a share of its partitions, by consumer group.
//!
//! Shape   one `Tap` a partition, emptied in turn into the batch; `handover` takes partitions
//!         on and gives them up between two batches.
//! Rules   a partition that is taken on is announced with its committed position, placed at the
//!         offset that its new owner asks for, and silent until it is opened: its state may still
//!         be on the way. Offsets are committed only by [`KafkaSource::commit`], waiting for the
//!         answer, with the partition's `now` as metadata (D-2). A committed offset whose records
//!         are gone is a fault, never a jump.
//! Cost    a record is copied once, from librdkafka's memory into the batch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;

use super::client::{Reach, Tries, duration, serve};
use super::group::{Bell, Group};
use super::membership::{self, session_ms, set_up};
use super::pause::Pauses;
use super::tap::{Poured, Tap};
use super::trouble::words;
use crate::record::Reject;
use crate::record::reject::Reason;
use crate::run::Settings;
use crate::unit::limit::RECORD_BYTES_MAX;
use crate::wire::{
    Batch, Body, Committed, Fault, Fetched, Handover, Origin, Position, RawRecord, Source,
};

/// Most bytes of a batch before no further chunk is taken: 4 096 records of 4 KiB.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// Most records taken from one partition before the next one has its turn.
const TURN: usize = 1_024;
/// How long to ask a broker that was reported down.
const PROBE: Duration = Duration::from_secs(1);

/// The input topic, shared with the other members of the group.
pub struct KafkaSource {
    pub(super) topic: String,
    pub(super) n_partitions: u32,
    pub(super) bell: Arc<Bell>,
    /// The partitions that are ours, in their order. Before `consumer`: a tap goes first.
    pub(super) shares: Vec<Share>,
    pub(super) assigned: Vec<u32>,
    /// Whose turn is first in the next batch.
    turn: usize,
    pub(super) committed: BTreeMap<u32, Position>,
    pub(super) handovers: Vec<Handover>,
    /// Partitions that were taken on and wait to be placed; the group waits for it, too.
    pub(super) unplaced: Option<Vec<i32>>,
    away: Option<Tries>,
    pub(super) pauses: Pauses,
    /// The id under which the partitions were taken on that are ours.
    pub(super) member_id: Option<String>,
    pub(super) settings: Settings,
    pub(super) consumer: Arc<BaseConsumer<Group>>,
}

/// One partition that is ours.
pub(super) struct Share {
    pub(super) partition: u32,
    pub(super) tap: Tap,
    /// Whether the last thing that came was the end so far.
    pub(super) is_at_end: bool,
    /// From which offset on its records may come; `None` until that is known.
    pub(super) opened_at: Option<i64>,
    /// Where it was placed.
    pub(super) placed_at: Option<i64>,
}

impl KafkaSource {
    /// Joins the group that `settings` name; partitions come with the first batches.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the cluster cannot be reached, refuses us or has no such topic.
    pub fn connect(settings: &Settings) -> Result<KafkaSource, Fault> {
        let topic = settings.input.topic.clone();
        let bell = Arc::new(Bell::default());
        let consumer = membership::consumer(settings, &bell)?;
        let group = Arc::clone(consumer.context());
        let brokers = &settings.kafka.brokers;
        let reach = Reach { brokers, retry: settings.retry, trouble: &group.trouble };
        let n_partitions = reach.partitions(&topic, |limit| {
            serve(&consumer);
            consumer.fetch_metadata(Some(&topic), limit)
        })?;
        consumer.subscribe(&[&topic]).map_err(|error| set_up(&error))?;
        Ok(KafkaSource {
            topic,
            n_partitions: u32::try_from(n_partitions).unwrap_or(u32::MAX),
            bell,
            shares: Vec::new(),
            assigned: Vec::new(),
            turn: 0,
            committed: BTreeMap::new(),
            handovers: Vec::new(),
            unplaced: None,
            away: None,
            pauses: Pauses::new(session_ms(&settings.kafka), settings.delivery),
            member_id: None,
            settings: settings.clone(),
            consumer: Arc::new(consumer),
        })
    }

    /// How many partitions the topic has.
    pub fn n_partitions(&self) -> u32 {
        self.n_partitions
    }

    /// The partitions that are ours now, in their order.
    pub fn assigned(&self) -> &[u32] {
        &self.assigned
    }

    /// Whether all that `partition` holds has been handed out, as far as the broker has told;
    /// never while the broker is away.
    pub fn is_caught_up(&self, partition: u32) -> bool {
        let share = self.shares.iter().find(|share| share.partition == partition);
        self.away.is_none()
            && !self.pauses.is_in_doubt()
            && share.is_some_and(|share| share.is_at_end)
    }

    /// The position that was last committed for `partition`, by whichever member; `None` if it
    /// is not ours or was never committed. Its `now` is [`EventTime::ALWAYS`] where the commit
    /// carried none, as those of Kafka's own tools.
    ///
    /// [`EventTime::ALWAYS`]: crate::unit::EventTime::ALWAYS
    pub fn committed(&self, partition: u32) -> Option<Position> {
        self.committed.get(&partition).copied()
    }

    /// The partitions that came and went since this was last asked, in that order.
    pub fn handovers(&mut self) -> Vec<Handover> {
        std::mem::take(&mut self.handovers)
    }

    /// Whether the next [`Source::fill`] gives partitions up or takes some on: what is done
    /// should be committed before.
    pub fn is_rebalancing(&self) -> bool {
        self.consumer.context().has_change()
    }

    /// Whether the broker answers, as far as is known.
    pub fn is_reachable(&self) -> bool {
        self.away.is_none()
    }

    /// Notes that everything before `positions` is done. A position of a partition that is no
    /// longer ours is passed over: its new owner reads from the commit before, and the records
    /// come again.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when that could not be noted; the records will come again.
    pub fn commit(&mut self, positions: &[Position]) -> Result<Committed, Fault> {
        let ours = self.ours(positions);
        if ours.is_empty() { Ok(Committed::Done) } else { self.commit_ours(&ours) }
    }

    /// Those of `positions` whose partitions are ours.
    pub(super) fn ours(&self, positions: &[Position]) -> Vec<Position> {
        let is_ours = |position: &&Position| self.assigned.contains(&position.partition);
        positions.iter().filter(is_ours).copied().collect()
    }

    pub(super) fn reach<'a>(&'a self, group: &'a Group) -> Reach<'a> {
        let Settings { kafka, retry, .. } = &self.settings;
        Reach { brokers: &kafka.brokers, retry: *retry, trouble: &group.trouble }
    }

    /// Serves the callbacks; a record that comes this way is kept.
    fn serve(&mut self, batch: &mut Batch) -> Result<(), Fault> {
        let consumer = Arc::clone(&self.consumer);
        match consumer.poll(Duration::ZERO) {
            None => {}
            Some(Ok(message)) => {
                let partition = message.partition().unsigned_abs();
                self.note_end(partition, false);
                let (key, value) = (message.key(), message.payload());
                append(batch, (partition, message.offset()), key, value);
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.note_end(partition.unsigned_abs(), true);
            }
            Some(Err(error)) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
                self.weigh(code, &self.topic, &words(&error))?;
            }
        }
        match consumer.context().trouble.fatal(consumer.client()) {
            Some((code, why)) => self.weigh(code, &self.topic, &why),
            None => Ok(()),
        }
    }

    fn note_end(&mut self, partition: u32, is_at_end: bool) {
        for share in self.shares.iter_mut().filter(|share| share.partition == partition) {
            share.is_at_end = is_at_end;
        }
    }

    /// Empties the taps into `batch`, a turn each, as far as the bounds allow.
    fn pour(&mut self, batch: &mut Batch) -> Result<(), Fault> {
        let mut trouble = None;
        let n_shares = self.shares.len();
        let mut n_idle = 0;
        while n_idle < n_shares && trouble.is_none() {
            let room = self.settings.batch.records_max.saturating_sub(batch.records.len());
            if room == 0 || BATCH_BYTES_MAX <= batch.bytes.len() {
                break;
            }
            let Share { partition, tap, is_at_end, opened_at, .. } =
                &mut self.shares[self.turn % n_shares];
            self.turn = (self.turn + 1) % n_shares;
            let Some(from) = *opened_at else {
                n_idle += 1;
                continue;
            };
            let n = tap.take(room.min(TURN), |poured| match poured {
                // Fetched before the partition was moved on.
                Poured::Record { offset, .. } if offset < from => {}
                Poured::Record { offset, key, value } => {
                    *is_at_end = false;
                    append(batch, (*partition, offset), key, value);
                }
                Poured::End => *is_at_end = true,
                Poured::Trouble(code, sentence) => trouble = Some((*partition, code, sentence)),
            });
            n_idle = if n == 0 { n_idle + 1 } else { 0 };
        }
        match trouble {
            Some((partition, code, sentence)) => {
                self.weigh(code, &format!("{}-{partition}", self.topic), &sentence)
            }
            None => Ok(()),
        }
    }

    /// Asks for the broker while it is away, when nothing else is to do.
    fn mind_broker(&mut self) -> Result<(), Fault> {
        let group = Arc::clone(self.consumer.context());
        if group.trouble.take_down() && self.away.is_none() {
            self.away = Some(Tries::new(self.settings.retry));
        }
        let Some(mut tries) = self.away.take() else { return Ok(()) };
        if tries.is_due() {
            let Err(error) = self.consumer.fetch_metadata(Some(&self.topic), PROBE) else {
                group.trouble.is_over();
                return Ok(());
            };
            if tries.failed().is_none() {
                let fault = self.reach(&group).away(&tries, &error);
                return Err(Fault::Broker(format!("{fault}\n{}", self.safe())));
            }
        }
        self.away = Some(tries);
        Ok(())
    }
}

impl Source for KafkaSource {
    /// As the trait says. [`Fetched::CaughtUp`] only where every partition that is ours is
    /// caught up (or none is ours); an empty batch with [`Fetched::Some`] where it is not known,
    /// and where partitions came or went, which [`KafkaSource::is_rebalancing`] announced before.
    fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
        // Only what the caller could see before this call: what is done must be committed first.
        let was_announced = self.is_rebalancing();
        self.serve(batch)?;
        if batch.records.is_empty() && was_announced {
            self.hand_over()?;
            return Ok(Fetched::Some);
        }
        if self.is_still_ours()? {
            self.pour(batch)?;
        }
        // Where no bell has rung, nothing has come: an idle turn looks once, not twice.
        if batch.records.is_empty() && self.bell.wait(duration(self.settings.batch.wait)) {
            self.serve(batch)?;
            if self.is_still_ours()? {
                self.pour(batch)?;
            }
        }
        if !batch.records.is_empty() {
            return Ok(Fetched::Some);
        }
        self.mind_broker()?;
        let is_caught_up = self.away.is_none()
            && self.unplaced.is_none()
            && self.shares.iter().all(|share| share.is_at_end);
        Ok(if is_caught_up { Fetched::CaughtUp } else { Fetched::Some })
    }

    fn name(&self, _origin: Origin) -> &str {
        &self.topic
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.let_all_go();
    }
}

/// Copies one record into `batch`.
fn append(batch: &mut Batch, at: (u32, i64), key: Option<&[u8]>, value: Option<&[u8]>) {
    let key = key.map(|key| batch.store(key));
    let value = value.unwrap_or_default();
    let range = batch.store(value);
    let body = if RECORD_BYTES_MAX < value.len() {
        let detail = format!("{} bytes; wanted at most {RECORD_BYTES_MAX}", value.len());
        Body::Refused(Reject::new(Reason::TooLarge, detail), range)
    } else {
        Body::Event(range)
    };
    let (partition, offset) = at;
    let origin = Origin::Topic { partition, offset };
    batch.records.push(RawRecord { body, key: Some(key), original: None, origin });
}
