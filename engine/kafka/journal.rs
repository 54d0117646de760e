//! The journal's topic: made if it is not there, and read by whoever takes a partition on.
//!
//! Rules   it has as many partitions as the input. It is read up to the end that it has when the
//!         reading begins; where a transaction is open there, its end is waited for, as what it
//!         notes may be committed already.
//! Source  DESIGN D-2.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{self, Reach, duration, patience, serve};
use super::group::Group;
use super::produce::{Pace, Producer};
use super::topics::make;
use super::trouble::words;
use crate::record::Note;
use crate::run::Settings;
use crate::run::settings::Retry;
use crate::wire::{Fault, JournalDoor};

/// How often an open transaction is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How long to wait for the next note.
const POLL: Duration = Duration::from_millis(100);

/// Reads the journal.
pub struct Journal {
    topic: String,
    brokers: String,
    retry: Retry,
    /// How long a transaction may stay open, and a little more.
    patience: Duration,
    reader: BaseConsumer<Group>,
    /// Sees records whose transaction is still open.
    looker: BaseConsumer<Group>,
}

impl Journal {
    /// The journal that `settings` name, for an input of `n_partitions`; its topic is made if it
    /// is not there.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the cluster cannot be reached or the topic can neither be used nor
    /// made, [`Fault::DataLoss`] where it has another number of partitions.
    pub fn open(settings: &Settings, n_partitions: u32) -> Result<Journal, Fault> {
        let client = |isolation: &str| {
            let mut config = client::config(&settings.kafka);
            config.set("group.id", &settings.input.group);
            config.set("enable.auto.commit", "false").set("enable.partition.eof", "true");
            config.set("auto.offset.reset", "error").set("isolation.level", isolation);
            let made = config.create_with_context(Group::new(&settings.kafka));
            made.map_err(|error| {
                Fault::Broker(format!(
                    "cannot read the journal: kafka.properties: {}",
                    words(&error)
                ))
            })
        };
        let journal = Journal {
            topic: settings.journal.clone(),
            brokers: settings.kafka.brokers.clone(),
            retry: settings.retry,
            patience: duration(settings.transaction_timeout) + patience(settings.retry),
            reader: client("read_committed")?,
            looker: client("read_uncommitted")?,
        };
        let producer = Producer::new(&settings.kafka, settings.retry, Pace::Prompt)?;
        let policy = ["cleanup.policy=delete"];
        make((settings, &producer), &settings.journal, n_partitions, &policy)?;
        let found = producer.partitions(&journal.topic)?;
        if found != n_partitions as usize {
            let topic = &journal.topic;
            return Err(Fault::DataLoss(format!(
                "cannot start: {topic}: it has {found} partitions, and {} has {n_partitions}; \
                 wanted as many\nsafe: nothing was read\ntry: a new input.group, which begins \
                 with the first record, as customers now walk other partitions than before",
                settings.input.topic
            )));
        }
        Ok(journal)
    }

    /// The first place and the one behind the last, as `client` sees them.
    fn ends(&self, client: &BaseConsumer<Group>, partition: u32) -> Result<(i64, i64), Fault> {
        let trouble = &client.context().trouble;
        Reach { brokers: &self.brokers, retry: self.retry, trouble }.until(|limit| {
            serve(client);
            client.fetch_watermarks(&self.topic, partition.cast_signed(), limit)
        })
    }

    /// Returns once no transaction that is open now stands before `end`.
    fn wait_for_transactions(&self, partition: u32, end: i64) -> Result<(), Fault> {
        let began = Instant::now();
        while self.ends(&self.reader, partition)?.1 < end {
            if self.patience < began.elapsed() {
                return Err(self.fault(partition, "a transaction stays open there"));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn fault(&self, partition: u32, why: &str) -> Fault {
        Fault::Broker(format!("cannot read the journal: {}-{partition}: {why}", self.topic))
    }
}

impl JournalDoor for Journal {
    fn read(&mut self, partition: u32, from: Option<i64>) -> Result<(Vec<Note>, i64), Fault> {
        let (low, end) = self.ends(&self.looker, partition)?;
        let from = from.unwrap_or(low);
        if from < low {
            return Err(Fault::DataLoss(format!(
                "cannot go on: {}-{partition}: the notes {from} to {} are no longer on the topic; \
                 wanted all since the checkpoint\nsafe: nothing was skipped\n\
                 try: recovery.missing=go-on, which goes on without them: events that came late \
                 may then ring at other instants than they did",
                self.topic,
                low - 1
            )));
        }
        if end <= from {
            return Ok((Vec::new(), end));
        }
        self.wait_for_transactions(partition, end)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition.cast_signed(), Offset::Offset(from))
            .and_then(|()| self.reader.assign(&list))
            .map_err(|error| self.fault(partition, &words(&error)))?;
        let mut notes = Vec::new();
        let began = Instant::now();
        let read = loop {
            match self.reader.poll(POLL) {
                Some(Ok(message)) => match Note::parse(message.payload().unwrap_or_default()) {
                    Ok(note) => notes.push(note),
                    Err(why) => {
                        let at = message.offset();
                        break Err(self.fault(partition, &format!("offset {at}: {why}")));
                    }
                },
                Some(Err(KafkaError::PartitionEOF(_))) => break Ok(()),
                _ if self.patience < began.elapsed() => {
                    break Err(self.fault(partition, "it has no end"));
                }
                Some(Err(_)) | None => {}
            }
        };
        self.reader.unassign().map_err(|error| self.fault(partition, &words(&error)))?;
        read.map(|()| (notes, end))
    }
}
