//! Partitions that come and go, and how far they are done.
//!
//! Rules   between two batches only. A partition is taken on at its committed offset, or at its
//!         beginning if the group has never committed one; an offset whose records are gone, or
//!         that lies beyond the end, is a fault with the command that decides what to do.
//!         A commit waits for its answer; while the coordinator is away it is asked again, bounded
//!         in number and time. A group that is being divided anew is no fault: the records come
//!         again to whoever owns them next.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Tries, patience};
use super::group::{Change, give_up};
use super::source::{Handover, KafkaSource, Share};
use super::tap::Tap;
use super::trouble::words;
use crate::unit::EventTime;
use crate::wire::{Fault, Position};

impl KafkaSource {
    /// Carries out what the group's callbacks have noted.
    pub(super) fn hand_over(&mut self) -> Result<(), Fault> {
        while let Some(change) = self.consumer.context().next_change() {
            match change {
                Change::Assigned(partitions) => self.take_on(&partitions)?,
                Change::Revoked(partitions) => self.let_go(&partitions)?,
            }
            self.shares.sort_by_key(|share| share.partition);
            self.assigned = self.shares.iter().map(|share| share.partition).collect();
        }
        Ok(())
    }

    fn take_on(&mut self, partitions: &[i32]) -> Result<(), Fault> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &partition in partitions {
            list.add_partition(&self.topic, partition);
        }
        let consumer = Arc::clone(&self.consumer);
        let group = Arc::clone(consumer.context());
        let reach = self.reach(&group);
        let list = reach.until(|limit| consumer.committed_offsets(list.clone(), limit))?;
        let mut starts = TopicPartitionList::with_capacity(partitions.len());
        for element in list.elements() {
            let partition = element.partition().unsigned_abs();
            let start = match (element.error(), element.offset()) {
                (Err(error), _) => {
                    let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
                    self.weigh(code, &self.topic, &words(&error))?;
                    return Err(Fault::Broker(format!(
                        "cannot take on {}-{partition}: its committed offset: {}",
                        self.topic,
                        words(&error)
                    )));
                }
                (Ok(()), Offset::Offset(next_offset)) => {
                    self.still_there(partition, next_offset)?;
                    let now = element.metadata().parse();
                    let now = now.map_or(EventTime::ALWAYS, EventTime::from_millis);
                    self.committed.insert(partition, Position { partition, next_offset, now });
                    Offset::Offset(next_offset)
                }
                (Ok(()), _) => {
                    self.committed.remove(&partition);
                    Offset::Beginning
                }
            };
            let tap = Tap::open(&consumer, &self.topic, element.partition(), &self.bell);
            let Some(tap) = tap else {
                return Err(self.handover_fault(partition, "librdkafka knows no such partition"));
            };
            self.shares.retain(|share| share.partition != partition);
            self.shares.push(Share { partition, tap, is_at_end: false });
            let position = self.committed.get(&partition).copied();
            self.handovers.push(Handover::TakenOn(partition, position));
            let added = starts.add_partition_offset(&self.topic, element.partition(), start);
            added.map_err(|error| self.handover_fault(partition, &words(&error)))?;
        }
        let taken = match consumer.rebalance_protocol() {
            RebalanceProtocol::Cooperative => consumer.incremental_assign(&starts),
            RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.assign(&starts),
        };
        self.answered(taken)
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
        let ask = |limit: Duration| {
            self.consumer.fetch_watermarks(&self.topic, partition.cast_signed(), limit)
        };
        let (low, high) = self.reach(self.consumer.context()).until(ask)?;
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
    pub(super) fn commit_ours(&mut self, ours: &[Position]) -> Result<(), Fault> {
        let list = self.list(ours)?;
        let began = Instant::now();
        let mut tries = Tries::new(self.retry);
        while let Err(error) = self.consumer.commit(&list, CommitMode::Sync) {
            match error.rdkafka_error_code().unwrap_or(Code::Unknown) {
                // The group is being divided anew without us; see above.
                Code::RebalanceInProgress | Code::IllegalGeneration | Code::UnknownMemberId => {
                    return Ok(());
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
                    let is_patient = began.elapsed() < patience(self.retry);
                    let Some(wait) = tries.failed().filter(|_| is_patient) else {
                        let group = self.consumer.context();
                        let fault = self.reach(group).away(&tries, &error);
                        return Err(Fault::Broker(format!("{fault}\n{}", self.safe())));
                    };
                    thread::sleep(wait);
                }
                code => {
                    self.weigh(code, &self.topic, &words(&error))?;
                    let (group, words, safe) = (&self.group_id, words(&error), self.safe());
                    return Err(Fault::Broker(format!(
                        "cannot commit offsets: group {group}: {words}\n{safe}"
                    )));
                }
            }
        }
        self.committed.extend(ours.iter().map(|position| (position.partition, *position)));
        Ok(())
    }

    fn list(&self, positions: &[Position]) -> Result<TopicPartitionList, Fault> {
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
