//! The consumer group's callbacks: they only note what happened.
//!
//! Rules   a partition is taken on or given up by the source, between two batches, never inside
//!         a callback: what was handed out before can then still be finished and committed. Only
//!         while the consumer closes does the callback itself give up all, as nobody is left to.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::types::RDKafkaRespErr;

use super::token::Tokens;
use super::trouble::{Trouble, lock};
use crate::run::settings::Kafka;

/// A change of which partitions are ours, in the order of happening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// These are ours from now on: all there are, or these more, as the protocol has it.
    Assigned(Vec<i32>),
    /// These are no longer ours.
    Revoked(Vec<i32>),
}

/// A partition, its next offset, and what stands beside that.
type End = (i32, i64, String);

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    ends: Vec<End>,
    is_done: bool,
}

/// What the callbacks have noted.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Troubles with the brokers.
    pub(super) trouble: Trouble,
    tokens: Tokens,
    changes: Mutex<VecDeque<Change>>,
    /// The last answer to a commit that nobody waits for.
    answer: Mutex<Option<Answer>>,
    is_closing: AtomicBool,
}

impl Group {
    /// Nothing noted yet, of a client that reaches the cluster as `kafka` has it.
    pub(super) fn new(kafka: &Kafka) -> Group {
        Group { tokens: Tokens::new(kafka), ..Group::default() }
    }

    /// The oldest change that was not yet taken.
    pub(super) fn next_change(&self) -> Option<Change> {
        lock(&self.changes).pop_front()
    }

    /// Whether a change waits.
    pub(super) fn has_change(&self) -> bool {
        !lock(&self.changes).is_empty()
    }

    /// Whether the commit of `list` that nobody waits for was done; `None` while that is not known.
    pub(super) fn answer(&self, list: &TopicPartitionList) -> Option<bool> {
        let ends = ends(list);
        lock(&self.answer).take_if(|answer| answer.ends == ends).map(|answer| answer.is_done)
    }

    /// From now on the callbacks give up partitions themselves.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
    }
}

impl ClientContext for Group {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        Ok(self.tokens.for_client()?)
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.note(&error, reason);
    }

    fn log(&self, _: RDKafkaLogLevel, facility: &str, line: &str) {
        self.trouble.hear(facility, line);
    }
}

impl ConsumerContext for Group {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        err: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let is_assigned = err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.is_closing.load(Ordering::Acquire) {
            // A failure here means that there is nothing left to answer.
            let _answered =
                if is_assigned { take_on(consumer, list) } else { give_up(consumer, list) };
            return;
        }
        let partitions = list.elements().iter().map(|element| element.partition()).collect();
        let change =
            if is_assigned { Change::Assigned(partitions) } else { Change::Revoked(partitions) };
        lock(&self.changes).push_back(change);
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let are_done = offsets.elements().iter().all(|element| element.error().is_ok());
        let answer = Answer { ends: ends(offsets), is_done: result.is_ok() && are_done };
        *lock(&self.answer) = Some(answer);
    }
}

/// What `list` holds, in order.
fn ends(list: &TopicPartitionList) -> Vec<End> {
    let elements = list.elements();
    let end = |it: &TopicPartitionListElem<'_>| {
        Some((it.partition(), it.offset().to_raw()?, it.metadata().to_owned()))
    };
    let mut ends: Vec<End> = elements.iter().filter_map(end).collect();
    ends.sort_unstable();
    ends
}

/// Gives up the partitions of `list`, or all, as the group's protocol has it.
pub(super) fn give_up<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    list: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
        RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.unassign(),
    }
}

/// Takes on the partitions of `list`, as the group's protocol has it.
pub(super) fn take_on<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    list: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
        RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.assign(list),
    }
}

/// Answers `change` without caring for its partitions, as a closing consumer does.
pub(super) fn answer(
    consumer: &BaseConsumer<Group>,
    topic: &str,
    change: &Change,
) -> KafkaResult<()> {
    let (Change::Assigned(partitions) | Change::Revoked(partitions)) = change;
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for &partition in partitions {
        list.add_partition(topic, partition);
    }
    match change {
        Change::Revoked(_) => give_up(consumer, &list),
        Change::Assigned(_) => take_on(consumer, &list),
    }
}

/// A bell that the client's threads ring when a queue is no longer empty.
#[derive(Debug, Default)]
pub(super) struct Bell {
    has_rung: Mutex<bool>,
    ring: Condvar,
}

impl Bell {
    /// Wakes whoever waits, or whoever waits next.
    pub(super) fn ring(&self) {
        *lock(&self.has_rung) = true;
        self.ring.notify_one();
    }

    /// Returns when the bell has rung since the last wait, or after `limit`; tells whether it has.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let has_rung = lock(&self.has_rung);
        let waited = self.ring.wait_timeout_while(has_rung, limit, |has_rung| !*has_rung);
        std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}
