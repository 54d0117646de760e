//! What the group has committed, by whichever member, and what is left beyond it.
//!
//! Rules   whether something is left is found out by reading: behind the last record of a
//!         transaction there is an offset more, which nobody commits.
//! Source  DESIGN §8, D-2.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use tracing::info;

use super::client::{self, Reach, serve};
use super::group::Group;
use super::trouble::words;
use crate::run::Settings;
use crate::unit::EventTime;
use crate::wire::{Fault, Position};

/// How often the other members are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a partition may take to show its next record.
const SHOW_MAX: Duration = Duration::from_secs(5);
/// How long to wait for that at a time.
const POLL: Duration = Duration::from_millis(100);

/// Asks what is committed, and is no member of the group.
struct Asker<'s> {
    settings: &'s Settings,
    consumer: BaseConsumer<Group>,
}

impl<'s> Asker<'s> {
    fn new(settings: &'s Settings) -> Result<Asker<'s>, Fault> {
        let mut config = client::config(&settings.kafka);
        config.set("group.id", &settings.input.group);
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        // What is gone or lies beyond the end is an error, and not the end.
        config.set("isolation.level", "read_committed").set("auto.offset.reset", "error");
        // The end of a partition is told of at once.
        config.set("fetch.wait.max.ms", "10");
        let made = config.create_with_context(Group::new(&settings.kafka));
        let consumer = made.map_err(|error| fault(&words(&error)))?;
        Ok(Asker { settings, consumer })
    }

    fn reach(&self) -> Reach<'_> {
        let Settings { kafka, retry, .. } = self.settings;
        let trouble = &self.consumer.context().trouble;
        Reach { brokers: &kafka.brokers, retry: *retry, trouble }
    }

    fn n_partitions(&self) -> Result<usize, Fault> {
        let topic = &self.settings.input.topic;
        self.reach().partitions(topic, |limit| {
            serve(&self.consumer);
            self.consumer.fetch_metadata(Some(topic), limit)
        })
    }

    /// What is committed for each of `partitions`.
    fn committed(
        &self,
        partitions: impl Iterator<Item = u32>,
    ) -> Result<TopicPartitionList, Fault> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.settings.input.topic, partition.cast_signed());
        }
        self.reach().until(|limit| {
            serve(&self.consumer);
            self.consumer.committed_offsets(list.clone(), limit)
        })
    }

    /// Whether none of the partitions in `committed` holds a record from there on; as far as is
    /// seen in time.
    fn is_all_done(&self, committed: &TopicPartitionList) -> Result<bool, Fault> {
        let mut starts = TopicPartitionList::new();
        let mut unseen = BTreeSet::new();
        for element in committed.elements() {
            let partition = element.partition();
            let from = match element.offset() {
                Offset::Offset(next_offset) => Offset::Offset(next_offset),
                _ => Offset::Beginning,
            };
            starts
                .add_partition_offset(&self.settings.input.topic, partition, from)
                .map_err(|error| fault(&words(&error)))?;
            unseen.insert(partition);
        }
        self.consumer.assign(&starts).map_err(|error| fault(&words(&error)))?;
        let began = Instant::now();
        while !unseen.is_empty() && began.elapsed() < SHOW_MAX {
            match self.consumer.poll(POLL) {
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    unseen.remove(&partition);
                }
                // A record, or a trouble that whoever owns the partition tells of.
                Some(Ok(_) | Err(_)) => break,
                None => {}
            }
        }
        self.consumer.unassign().map_err(|error| fault(&words(&error)))?;
        Ok(unseen.is_empty())
    }
}

/// The other members of the group, and how far they are.
pub struct Others<'s> {
    settings: &'s Settings,
    /// Made where there are such.
    asker: Option<Asker<'s>>,
    looked_at: Option<Instant>,
}

impl<'s> Others<'s> {
    /// The others in the group that `settings` name.
    pub fn new(settings: &'s Settings) -> Others<'s> {
        Others { settings, asker: None, looked_at: None }
    }

    /// Whether all records of the partitions `theirs` are done and committed; looks once a second
    /// at most, and takes it for untrue in between.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the cluster stays away or refuses us.
    pub fn are_caught_up(&mut self, theirs: &[u32]) -> Result<bool, Fault> {
        if theirs.is_empty() {
            return Ok(true);
        }
        if self.looked_at.is_some_and(|looked_at| looked_at.elapsed() < LOOK_EVERY) {
            return Ok(false);
        }
        let asker = match &mut self.asker {
            Some(asker) => asker,
            none => none.insert(Asker::new(self.settings)?),
        };
        let is_all_done = asker.is_all_done(&asker.committed(theirs.iter().copied())?)?;
        if !is_all_done && self.looked_at.is_none() {
            info!(partitions = ?theirs, "caught up; other members of the group are not yet");
        }
        self.looked_at = Some(Instant::now());
        Ok(is_all_done)
    }
}

/// What the group that `settings` name has committed for every partition of its input.
///
/// # Errors
///
/// [`Fault::Broker`] where the cluster stays away or refuses us.
pub fn committed(settings: &Settings) -> Result<Vec<Option<Position>>, Fault> {
    let asker = Asker::new(settings)?;
    let n_partitions = u32::try_from(asker.n_partitions()?).unwrap_or(u32::MAX);
    let list = asker.committed(0..n_partitions)?;
    Ok(list.elements().iter().map(position_of).collect())
}

/// The position that a commit says, if there is one.
pub(super) fn position_of(element: &TopicPartitionListElem<'_>) -> Option<Position> {
    let Offset::Offset(next_offset) = element.offset() else { return None };
    let partition = element.partition().unsigned_abs();
    // Kafka's own tools commit without a word of `now`.
    let now = element.metadata().parse().map_or(EventTime::ALWAYS, EventTime::from_millis);
    Some(Position { partition, next_offset, now })
}

fn fault(why: &str) -> Fault {
    Fault::Broker(format!("cannot ask the group: {why}"))
}
