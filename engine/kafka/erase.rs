//! A request to be forgotten: to the input topic, and its receipt back.
//!
//! Rules   the request is a record like any other (E36), so that a replay repeats it; where no
//!         engine runs, it waits there for one.
//! Source  DESIGN D-11; reading A-44 of the specification.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{self, Reach, duration, serve};
use super::group::Group;
use super::produce::{Pace, Parcel, Producer};
use super::topics::make;
use super::trouble::words;
use crate::record::{Event, Field, Kind, Value};
use crate::run::Settings;
use crate::unit::{EventTime, Key, Span};
use crate::wire::Fault;

/// How long to wait for the next receipt.
const POLL: Duration = Duration::from_millis(100);

/// Asks that the customer be forgotten and waits up to `limit` for the receipt: its JSON, or
/// `None` where none came.
///
/// # Errors
///
/// [`Fault::Broker`] where the cluster stays away or refuses us; whether the request stands is
/// said in it.
pub fn erase(
    settings: &Settings,
    customer_id: &str,
    now: EventTime,
    limit: Span,
) -> Result<Option<String>, Fault> {
    let mut producer = Producer::new(&settings.kafka, settings.retry, Pace::Prompt)?;
    let topic = &settings.input.topic;
    producer.partitions(topic)?;
    let receipts = Receipts::watch(settings, &producer)?;
    let id = request_id(customer_id, now);
    let event = Event {
        id: Cow::Borrowed(&id),
        kind: Kind::ErasureRequested,
        customer_id: Cow::Borrowed(customer_id),
        time: now,
        fields: [(Field::Scope, Value::Text(Cow::Borrowed("all")))].into_iter().collect(),
    };
    let value = event.to_json();
    let key = Some(customer_id.as_bytes());
    producer.send(&Parcel { topic, partition: None, key, value: Some(&value), headers: &[] })?;
    producer.settle()?;
    receipts.wait(&id, duration(limit))
}

/// An id that no other request has.
fn request_id(customer_id: &str, now: EventTime) -> String {
    let key = Key::within(Key::of(customer_id.as_bytes()), &now.millis().to_le_bytes());
    format!("erase-{:016x}", key.bits())
}

/// The receipts from now on.
struct Receipts {
    reader: BaseConsumer<Group>,
    topic: String,
}

impl Receipts {
    fn watch(settings: &Settings, producer: &Producer) -> Result<Receipts, Fault> {
        let topic = settings.output.receipts.clone();
        let policy = ["cleanup.policy=delete", "retention.ms=-1"];
        make((settings, producer), &topic, 1, &policy)?;
        let mut config = client::config(&settings.kafka);
        config.set("group.id", &settings.input.group);
        config.set("enable.auto.commit", "false").set("isolation.level", "read_committed");
        let reader: BaseConsumer<Group> =
            config.create_with_context(Group::new(&settings.kafka)).map_err(|error| {
                Fault::Broker(format!("cannot read receipts: {}", words(&error)))
            })?;
        let (brokers, trouble) = (&settings.kafka.brokers, &reader.context().trouble);
        let reach = Reach { brokers, retry: settings.retry, trouble };
        let n = reach.partitions(&topic, |limit| {
            serve(&reader);
            reader.fetch_metadata(Some(&topic), limit)
        })?;
        let mut list = TopicPartitionList::new();
        for partition in 0..i32::try_from(n).unwrap_or(i32::MAX) {
            let (_, end) =
                reach.until(|limit| reader.fetch_watermarks(&topic, partition, limit))?;
            list.add_partition_offset(&topic, partition, Offset::Offset(end))
                .map_err(|error| Fault::Broker(format!("{topic}: {}", words(&error))))?;
        }
        reader
            .assign(&list)
            .map_err(|error| Fault::Broker(format!("{topic}: {}", words(&error))))?;
        Ok(Receipts { reader, topic })
    }

    /// The receipt of the request `id`, once it comes.
    fn wait(&self, id: &str, limit: Duration) -> Result<Option<String>, Fault> {
        let wanted = format!("\"request_id\":\"{id}\"");
        let began = Instant::now();
        while began.elapsed() < limit {
            let Some(Ok(message)) = self.reader.poll(POLL) else {
                if let Some(why) = self.reader.context().trouble.refusal() {
                    let topic = &self.topic;
                    return Err(Fault::Broker(format!("cannot read receipts: {topic}: {why}")));
                }
                continue;
            };
            let text = String::from_utf8_lossy(message.payload().unwrap_or_default());
            if text.contains(&wanted) {
                return Ok(Some(text.into_owned()));
            }
        }
        Ok(None)
    }
}
