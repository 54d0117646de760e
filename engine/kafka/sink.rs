//! The output topics as a [`Sink`].
//!
//! Rules   alerts and scores are keyed by customer, so a customer's records keep their order; a
//!         customer who is gone is deleted by a tombstone. A reject is its bytes as they came,
//!         with reason, detail, topic, partition and offset as headers (D-6); one so long that
//!         the topic might refuse it is cut, and says so in `bytes_total`.

use std::time::{SystemTime, UNIX_EPOCH};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;

use super::produce::{Line, Manner, Pace, Parcel, Producer};
use super::topics::make;
use super::transact::Ended;
use super::watch::Watch;
use crate::record::Reject;
use crate::run::Settings;
use crate::run::settings::Delivery;
use crate::wire::{Fault, Origin, Outgoing, Sink};

/// Most bytes of a reject: below Kafka's own default for a message (1 048 588 bytes with all
/// around it), because a reject that cannot be written would stop everything behind it.
const REJECT_BYTES_MAX: usize = 1_000_000 - 16 * 1_024;
/// Most bytes of a reject's detail, for the same reason.
const DETAIL_BYTES_MAX: usize = 4 * 1_024;

/// The output topics.
pub struct KafkaSink {
    settings: Settings,
    /// The name of this instance's transactions; `None` where there are none.
    transactions: Option<String>,
    transaction: Transaction,
    watch: Watch,
    /// Why what is sent goes nowhere where there are no transactions, until somebody asks.
    stale: Option<String>,
    producer: Producer,
}

/// Where the transaction stands, if there are such.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Transaction {
    /// None is open.
    None,
    /// One is.
    Open,
    /// It cannot be committed any more, and why; what is sent now goes nowhere.
    Spent(String),
}

impl KafkaSink {
    /// Reaches the cluster that `settings` name and looks for the output topics.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where it cannot be reached, refuses us or lacks a topic.
    pub fn connect(settings: &Settings) -> Result<KafkaSink, Fault> {
        let transactions = match settings.delivery {
            Delivery::EffectivelyOnce => None,
            Delivery::ExactlyOnce => Some(name_of(settings)),
        };
        let producer = producer(settings, transactions.as_deref())?;
        let output = &settings.output;
        for topic in [&output.alerts, &output.scores, &output.rejects] {
            producer.partitions(topic)?;
        }
        let policy = ["cleanup.policy=delete", "retention.ms=-1"];
        make((settings, &producer), &output.receipts, 1, &policy)?;
        let (settings, transaction) = (settings.clone(), Transaction::None);
        let watch = Watch::new(&settings.kafka);
        Ok(KafkaSink { settings, transactions, transaction, watch, stale: None, producer })
    }

    /// Behind the last note written for `partition`, if one was.
    pub(super) fn journal_end(&self, partition: u32) -> Option<i64> {
        self.producer.watched_end(partition)
    }

    /// Why something that was to be sent since this was last asked was not, if that is so: this
    /// process stood still so long that others may do its work. In transactions the brokers see
    /// to that.
    pub(super) fn take_stale(&mut self) -> Option<String> {
        let stale = self.stale.take();
        if stale.is_some() {
            self.watch.forget();
        }
        stale
    }

    /// A line behind what was sent so far; `None` while something before the last line is on its
    /// way, and where something was kept back.
    pub(super) fn line(&mut self) -> Option<Line> {
        if self.stale.is_some() { None } else { self.producer.line() }
    }

    /// Whether everything before the last `line` is acknowledged.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where a record could not be delivered.
    pub(super) fn is_settled(&self, line: Line) -> Result<bool, Fault> {
        self.producer.is_settled(line)
    }

    /// Whether a transaction waits to be committed.
    pub(super) fn is_open(&self) -> bool {
        self.transaction != Transaction::None
    }

    /// Commits everything sent since the last commit, together with `offsets`, for `member` of
    /// the group as it is now.
    pub(super) fn commit(
        &mut self,
        offsets: TopicPartitionList,
        member: ConsumerGroupMetadata,
    ) -> Ended {
        self.open();
        match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::Spent(why) => Ended::Undone(why),
            Transaction::None | Transaction::Open => self.producer.end(offsets, member),
        }
    }

    /// Makes a new producer in place of one that is spent.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the cluster stays away or refuses us.
    pub(super) fn renew(&mut self) -> Result<(), Fault> {
        self.producer = producer(&self.settings, self.transactions.as_deref())?;
        self.transaction = Transaction::None;
        Ok(())
    }

    /// Opens a transaction, where there are such and none is open.
    fn open(&mut self) {
        if self.transactions.is_some() && self.transaction == Transaction::None {
            self.transaction = match self.producer.begin() {
                Ended::Done => Transaction::Open,
                Ended::Undone(why) => Transaction::Spent(why),
            };
        }
    }

    fn output(&mut self, output: &Outgoing) -> Result<(), Fault> {
        let topics = &self.settings.output;
        let (topic, partition, key, value) = match output {
            Outgoing::Alert { key, value } => {
                (&topics.alerts, None, Some(key.as_bytes()), Some(value.as_slice()))
            }
            Outgoing::Scores { key, value } => {
                (&topics.scores, None, Some(key.as_bytes()), value.as_deref())
            }
            Outgoing::Receipt { key, value } => {
                (&topics.receipts, None, Some(key.as_bytes()), Some(value.as_slice()))
            }
            Outgoing::Reject { reject, origin, bytes } => {
                return self.reject(reject, *origin, bytes);
            }
            Outgoing::Journal { partition, note } => {
                let (topic, value) = (&self.settings.journal, note.to_json());
                let (partition, key) = (Some(*partition), None);
                let parcel = Parcel { topic, partition, key, value: Some(&value), headers: &[] };
                return self.producer.send(&parcel);
            }
        };
        self.producer.send(&Parcel { topic, partition, key, value, headers: &[] })
    }

    /// Sends `outputs` in their order. Where there are no transactions, what stands behind notes
    /// waits until those are safe.
    fn send_all(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        let mut has_note = false;
        for output in outputs {
            let is_note = matches!(output, Outgoing::Journal { .. });
            if has_note && !is_note && self.transactions.is_none() {
                self.producer.settle()?;
            }
            has_note = is_note;
            self.output(output)?;
        }
        Ok(())
    }

    fn reject(&mut self, reject: &Reject, origin: Origin, bytes: &[u8]) -> Result<(), Fault> {
        let (place, index, offset) = match origin {
            Origin::Topic { partition, offset } => {
                (self.settings.input.topic.as_str(), partition, offset)
            }
            // A file's line in the same words: which input, which line.
            Origin::File { file, line } => ("", file, i64::try_from(line).unwrap_or(i64::MAX)),
        };
        let (index, offset) = (index.to_string(), offset.to_string());
        let total = bytes.len().to_string();
        let mut headers = vec![
            ("reason", reject.reason.name()),
            ("detail", cut(&reject.detail)),
            ("topic", place),
            ("partition", &index),
            ("offset", &offset),
        ];
        let value = bytes.get(..REJECT_BYTES_MAX).unwrap_or(bytes);
        if value.len() < bytes.len() {
            headers.push(("bytes_total", &total));
        }
        let (topic, partition, key) = (&self.settings.output.rejects, None, None);
        let parcel = Parcel { topic, partition, key, value: Some(value), headers: &headers };
        self.producer.send(&parcel)
    }
}

impl Sink for KafkaSink {
    /// As the trait says. In a transaction that cannot be committed any more, and after this
    /// process stood still, what is sent goes nowhere; the next commit will tell.
    fn send(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        if self.transactions.is_none() {
            if let Some(gap) = self.watch.stood_still() {
                let seconds = gap.as_secs();
                self.stale = Some(format!("this process stood still for {seconds} s"));
            }
            return if self.stale.is_some() { Ok(()) } else { self.send_all(outputs) };
        }
        self.open();
        if self.transaction == Transaction::Open
            && let Err(fault) = self.send_all(outputs)
        {
            self.transaction = Transaction::Spent(fault.to_string());
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.producer.settle()
    }
}

fn producer(settings: &Settings, transactions: Option<&str>) -> Result<Producer, Fault> {
    let manner = Manner {
        pace: Pace::Prompt,
        watched: Some(&settings.journal),
        transactions: transactions.map(|name| (name, settings.transaction_timeout)),
    };
    let producer = Producer::new(&settings.kafka, settings.retry, manner)?;
    if transactions.is_some() {
        producer.init()?;
    }
    Ok(producer)
}

/// The name of this instance's transactions: the same over restarts where the instance has a
/// name, so that what a crash leaves open ends at once; else one that nobody else has.
fn name_of(settings: &Settings) -> String {
    let group = &settings.input.group;
    match &settings.kafka.instance_id {
        Some(instance_id) => format!("{group}/{instance_id}"),
        None => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            format!("{group}/{}-{}", std::process::id(), now.as_nanos())
        }
    }
}

/// The start of `detail`, as long as a header should be, whole characters only.
fn cut(detail: &str) -> &str {
    &detail[..detail.floor_char_boundary(DETAIL_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(DETAIL_BYTES_MAX);
        assert_eq!(cut(&long).len(), DETAIL_BYTES_MAX);
        assert_eq!(cut(&format!("x{long}")).len(), DETAIL_BYTES_MAX - 1);
    }
}
