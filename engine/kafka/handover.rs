//! Partitions that come and go, and how far they are done.
//!
//! Rules   between two batches only. A partition is announced with what the group committed, and
//!         the group is answered once its new owner has said where it is to be read from. An
//!         offset whose records are gone, or that lies beyond the end, is a fault with the command
//!         that decides what to do.
//!         A commit is asked for and its answer heard later, or it waits for the answer: then,
//!         while the coordinator is away, it is asked again, bounded in number and time. A group
//!         that is being divided anew is no fault: whoever owns them next gets the records again.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Tries, patience};
use super::committed::position_of;
use super::group::{Change, give_up, take_on};
use super::membership::PUT_OUT;
use super::source::{KafkaSource, Share};
use super::tap::Tap;
use super::trouble::words;
use crate::wire::{Committed, Fault, Handover, Position};

/// How long a partition may take to be read from elsewhere.
const SEEK_MAX: Duration = Duration::from_secs(10);
/// How long to wait before asking for that again.
const SEEK_STEP: Duration = Duration::from_millis(5);

impl KafkaSource {
    /// Carries out what the group's callbacks have noted.
    pub(super) fn hand_over(&mut self) -> Result<(), Fault> {
        // One that was announced is answered before the next one is taken.
        while self.unplaced.is_none()
            && let Some(change) = self.consumer.context().next_change()
        {
            match change {
                Change::Assigned(partitions) => self.take_on(&partitions)?,
                Change::Revoked(partitions) => self.let_go(&partitions)?,
            }
            self.sort_shares();
        }
        Ok(())
    }

    /// Announces `partitions` with what the group committed for them.
    fn take_on(&mut self, partitions: &[i32]) -> Result<(), Fault> {
        self.note_member();
        for (partition, position) in self.ask_committed(partitions)? {
            self.shares.retain(|share| share.partition != partition);
            self.handovers.push(Handover::TakenOn(partition, position));
        }
        self.unplaced = Some(partitions.to_vec());
        Ok(())
    }

    /// What the group has committed for `partitions`, whose records from there on are all there.
    fn ask_committed(&mut self, partitions: &[i32]) -> Result<Vec<(u32, Option<Position>)>, Fault> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &partition in partitions {
            list.add_partition(&self.topic, partition);
        }
        let consumer = Arc::clone(&self.consumer);
        let group = Arc::clone(consumer.context());
        let reach = self.reach(&group);
        let list = reach.until(|limit| consumer.committed_offsets(list.clone(), limit))?;
        let mut known = Vec::with_capacity(partitions.len());
        for element in list.elements() {
            let partition = element.partition().unsigned_abs();
            if let Err(error) = element.error() {
                let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
                self.weigh(code, &self.topic, &words(&error))?;
                let words = format!("its committed offset: {}", words(&error));
                return Err(self.handover_fault(partition, &words));
            }
            let position = position_of(&element);
            match position {
                Some(position) => {
                    self.still_there(partition, position.next_offset)?;
                    self.committed.insert(partition, position);
                }
                None => drop(self.committed.remove(&partition)),
            }
            known.push((partition, position));
        }
        Ok(known)
    }

    /// Answers the group if it waits for that: the partitions taken on are ours, and each is read
    /// from its offset in `starts` on, once it is opened.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where a partition cannot be read.
    pub fn place(&mut self, starts: &[(u32, i64)]) -> Result<(), Fault> {
        let Some(unplaced) = self.unplaced.take() else { return Ok(()) };
        let consumer = Arc::clone(&self.consumer);
        let mut list = TopicPartitionList::with_capacity(unplaced.len());
        for partition in unplaced {
            let number = partition.unsigned_abs();
            let start = starts.iter().find(|(known, _)| *known == number).map(|(_, from)| *from);
            let offset = start.map_or(Offset::Beginning, Offset::Offset);
            let Some(tap) = Tap::open(&consumer, &self.topic, partition, &self.bell) else {
                return Err(self.handover_fault(number, "librdkafka knows no such partition"));
            };
            self.shares.push(Share {
                partition: number,
                tap,
                is_at_end: false,
                opened_at: None,
                placed_at: start,
            });
            let added = list.add_partition_offset(&self.topic, partition, offset);
            added.map_err(|error| self.handover_fault(number, &words(&error)))?;
        }
        self.sort_shares();
        self.answered(take_on(&consumer, &list))
    }

    /// Lets the records of `partition` come, from offset `from` on.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the partition cannot be read from there.
    pub fn open(&mut self, partition: u32, from: i64) -> Result<(), Fault> {
        let Some(at) = self.shares.iter().position(|share| share.partition == partition) else {
            return Ok(());
        };
        if self.shares[at].placed_at != Some(from) {
            self.seek(partition, from)?;
        }
        let share = &mut self.shares[at];
        (share.opened_at, share.placed_at, share.is_at_end) = (Some(from), None, false);
        // What was fetched meanwhile has rung before.
        self.bell.ring();
        Ok(())
    }

    fn seek(&self, partition: u32, from: i64) -> Result<(), Fault> {
        let began = Instant::now();
        loop {
            let (offset, limit) = (Offset::Offset(from), SEEK_MAX);
            match self.consumer.seek(&self.topic, partition.cast_signed(), offset, limit) {
                Ok(()) => return Ok(()),
                // It was just assigned and is about to start, or an earlier move is under way.
                Err(error) if began.elapsed() < SEEK_MAX => {
                    tracing::debug!(partition, from, %error, "seeking again");
                    thread::sleep(SEEK_STEP);
                }
                Err(error) => return Err(self.handover_fault(partition, &words(&error))),
            }
        }
    }

    /// Closes every partition that is ours and asks what is committed for it; where the group has
    /// put us out meanwhile, none is.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the group cannot be asked, or the records from there on are gone.
    pub fn start_over(&mut self) -> Result<Vec<(u32, Option<Position>)>, Fault> {
        if self.is_other_member() {
            self.join_anew()?;
        }
        for share in &mut self.shares {
            (share.opened_at, share.placed_at, share.is_at_end) = (None, None, false);
        }
        let ours: Vec<i32> = self.assigned.iter().map(|number| number.cast_signed()).collect();
        if ours.is_empty() { Ok(Vec::new()) } else { self.ask_committed(&ours) }
    }

    /// The first offset of `partition` that is still there.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the broker stays away.
    pub fn earliest(&self, partition: u32) -> Result<i64, Fault> {
        self.watermarks(partition).map(|(low, _)| low)
    }

    fn watermarks(&self, partition: u32) -> Result<(i64, i64), Fault> {
        let ask = |limit: Duration| {
            self.consumer.fetch_watermarks(&self.topic, partition.cast_signed(), limit)
        };
        self.reach(self.consumer.context()).until(ask)
    }

    fn sort_shares(&mut self) {
        self.shares.sort_by_key(|share| share.partition);
        self.assigned = self.shares.iter().map(|share| share.partition).collect();
    }

    fn let_go(&mut self, partitions: &[i32]) -> Result<(), Fault> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &partition in partitions {
            list.add_partition(&self.topic, partition);
            let partition = partition.unsigned_abs();
            self.shares.retain(|share| share.partition != partition);
            self.committed.remove(&partition);
            self.handovers.push(Handover::GivenUp(partition));
        }
        let given = give_up(&self.consumer, &list);
        self.answered(given)
    }

    /// A change that comes too late for the group is no fault: the next one is on its way.
    fn answered(&self, answer: KafkaResult<()>) -> Result<(), Fault> {
        let fatal = self.consumer.context().trouble.fatal(self.consumer.client());
        match (answer, fatal) {
            (Err(_), Some((code, why))) => self.weigh(code, &self.topic, &why),
            _ => Ok(()),
        }
    }

    /// Whether the records from `next_offset` on are all there.
    fn still_there(&self, partition: u32, next_offset: i64) -> Result<(), Fault> {
        let (low, high) = self.watermarks(partition)?;
        let place = format!("{}-{partition}", self.topic);
        if next_offset < low {
            let last = low - 1;
            let found = format!("the records {next_offset} to {last} are no longer on the topic");
            return Err(Fault::DataLoss(self.gone(&place, &found)));
        }
        if high < next_offset {
            let found = format!(
                "offset {next_offset} is committed, but the topic ends at {high}: it was made anew"
            );
            return Err(Fault::DataLoss(self.gone(&place, &found)));
        }
        Ok(())
    }

    fn handover_fault(&self, partition: u32, why: &str) -> Fault {
        Fault::Broker(format!("cannot take on {}-{partition}: {why}", self.topic))
    }
}

impl KafkaSource {
    /// Commits `ours`, all of partitions that are ours.
    pub(super) fn commit_ours(&mut self, ours: &[Position]) -> Result<Committed, Fault> {
        let list = self.list(ours)?;
        let began = Instant::now();
        let mut tries = Tries::new(self.settings.retry);
        loop {
            let put_out = || Ok(Committed::Undone(PUT_OUT.to_owned()));
            if self.is_other_member() {
                return put_out();
            }
            let Err(error) = self.consumer.commit(&list, CommitMode::Sync) else {
                // It may have become another one while the commit waited for the coordinator.
                if self.is_other_member() {
                    return put_out();
                }
                break;
            };
            match error.rdkafka_error_code().unwrap_or(Code::Unknown) {
                // The group is being divided anew without us; see above.
                Code::RebalanceInProgress | Code::IllegalGeneration | Code::UnknownMemberId => {
                    return Ok(Committed::Later);
                }
                Code::WaitingForCoordinator
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::NotCoordinator
                | Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::RequestTimedOut => {
                    // One try waits for the coordinator as long as a session lasts, 45 s unless
                    // set otherwise, so the tries are bounded by time as well.
                    let is_patient = began.elapsed() < patience(self.settings.retry);
                    let Some(wait) = tries.failed().filter(|_| is_patient) else {
                        let group = self.consumer.context();
                        let fault = self.reach(group).away(&tries, &error);
                        return Err(Fault::Broker(format!("{fault}\n{}", self.safe())));
                    };
                    thread::sleep(wait);
                }
                code => {
                    self.weigh(code, &self.topic, &words(&error))?;
                    let (group, words, safe) =
                        (&self.settings.input.group, words(&error), self.safe());
                    return Err(Fault::Broker(format!(
                        "cannot commit offsets: group {group}: {words}\n{safe}"
                    )));
                }
            }
        }
        self.note_committed(ours);
        Ok(Committed::Done)
    }

    /// Asks for a commit of `ours`, all of partitions that are ours, and does not wait for it;
    /// `None` where not even that can be done.
    pub(super) fn ask_to_commit(&self, ours: &[Position]) -> Option<TopicPartitionList> {
        let list = self.list(ours).ok()?;
        self.consumer.commit(&list, CommitMode::Async).ok().map(|()| list)
    }

    /// Whether the commit of `list` that was asked for is done; `None` while that is not known.
    pub(super) fn answer(&self, list: &TopicPartitionList) -> Option<bool> {
        self.consumer.context().answer(list)
    }

    /// Remembers what is committed, for the words of a fault.
    pub(super) fn note_committed(&mut self, ours: &[Position]) {
        self.committed.extend(ours.iter().map(|position| (position.partition, *position)));
    }

    pub(super) fn list(&self, positions: &[Position]) -> Result<TopicPartitionList, Fault> {
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for position in positions {
            let mut element = list.add_partition(&self.topic, position.partition.cast_signed());
            let offset = element.set_offset(Offset::Offset(position.next_offset));
            offset.map_err(|error| Fault::Broker(format!("cannot commit: {}", words(&error))))?;
            element.set_metadata(position.now.millis().to_string());
        }
        Ok(list)
    }
}
