//! Records to topics, each acknowledged by every replica or reported.
//!
//! Shape   librdkafka gathers and sends; its thread counts what is acknowledged and keeps the
//!         first failure. `send` waits while the queue is full, `settle` until all is counted.
//! Rules   idempotent: a retry neither doubles nor reorders. A record that could not be delivered
//!         breaks the producer: everything after it is refused with the same fault, so no caller
//!         can take it for done. Keys spread over partitions as Kafka's default does.
//! Cost    a record is copied once, into librdkafka's memory.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};

use super::client::{self, Reach, patience};
use super::trouble::{Trouble, lock, words};
use crate::run::settings::{Kafka, Retry};
use crate::wire::Fault;

/// How often a wait looks whether the client is broken for good.
const LOOK: Duration = Duration::from_millis(500);
/// How long to wait for room in a full queue before trying again.
const ROOM: Duration = Duration::from_millis(2);

/// What matters more to a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// That a record is there soon: alerts.
    Prompt,
    /// That many are there soon: generated events.
    Bulk,
}

/// One record to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Parcel<'a> {
    /// Where to.
    pub topic: &'a str,
    /// Its key, which chooses the partition.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values, in order.
    pub headers: &'a [(&'a str, &'a str)],
}

/// Sends records. What was not settled when this is dropped is not sent any more.
pub struct Producer {
    brokers: String,
    retry: Retry,
    n_sent: u64,
    producer: ThreadedProducer<Deliveries>,
}

/// What the client's thread has counted.
#[derive(Default)]
struct Deliveries {
    trouble: Trouble,
    counted: Mutex<Counted>,
    news: Condvar,
}

#[derive(Default)]
struct Counted {
    n_done: u64,
    failure: Option<String>,
}

impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.note(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut counted = lock(&self.counted);
        counted.n_done += 1;
        if let Err((error, message)) = result {
            let failure = || format!("{}: {}", message.topic(), words(error));
            counted.failure.get_or_insert_with(failure);
        }
        drop(counted);
        self.news.notify_all();
    }
}

impl Producer {
    /// A producer for the cluster that `kafka` names.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where librdkafka refuses the properties.
    pub fn new(kafka: &Kafka, retry: Retry, pace: Pace) -> Result<Producer, Fault> {
        let mut config = client::config(kafka);
        let (linger_ms, batch_bytes) = match pace {
            // Long enough to gather what one batch of records rings, a tenth of the 10 ms.
            Pace::Prompt => ("1", "131072"),
            Pace::Bulk => ("20", "1000000"),
        };
        let delivery_ms = patience(retry).as_millis().to_string();
        for (name, value) in [
            ("linger.ms", linger_ms),
            ("batch.size", batch_bytes),
            // The bound on what waits here; beyond it, `send` waits.
            ("queue.buffering.max.kbytes", "65536"),
            ("compression.type", "lz4"),
            ("message.timeout.ms", &delivery_ms),
        ] {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        }
        for (name, value) in
            [("enable.idempotence", "true"), ("acks", "all"), ("partitioner", "murmur2_random")]
        {
            config.set(name, value);
        }
        let producer = config.create_with_context(Deliveries::default()).map_err(|error| {
            Fault::Broker(format!("cannot set up the producer: kafka.properties: {error}"))
        })?;
        Ok(Producer { brokers: kafka.brokers.clone(), retry, n_sent: 0, producer })
    }

    /// The number of partitions of `topic`, which must be there.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the cluster cannot be reached or has no such topic.
    pub fn partitions(&self, topic: &str) -> Result<usize, Fault> {
        let client = self.producer.client();
        let trouble = &client.context().trouble;
        let reach = Reach { brokers: &self.brokers, retry: self.retry, trouble };
        reach.partitions(topic, |limit| client.fetch_metadata(Some(topic), limit))
    }

    /// Takes one record; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where this or an earlier record cannot be delivered.
    pub fn send(&mut self, parcel: &Parcel<'_>) -> Result<(), Fault> {
        self.broken()?;
        let mut record = BaseRecord::<[u8], [u8], ()>::to(parcel.topic);
        record.key = parcel.key;
        record.payload = parcel.value;
        if !parcel.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(parcel.headers.len());
            let add = |headers: OwnedHeaders, (key, value): &(&str, &str)| {
                headers.insert(Header { key, value: Some(*value) })
            };
            record.headers = Some(parcel.headers.iter().fold(headers, add));
        }
        let began = Instant::now();
        while let Err((error, back)) = self.producer.send(record) {
            if error.rdkafka_error_code() != Some(Code::QueueFull) {
                let topic = parcel.topic;
                return Err(self.fault(&format!("{topic}: {}", words(&error))));
            }
            record = back;
            self.wait_for_room(began)?;
        }
        self.n_sent += 1;
        Ok(())
    }

    /// Returns once every record sent so far is acknowledged.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where one of them could not be delivered.
    pub fn settle(&mut self) -> Result<(), Fault> {
        let began = Instant::now();
        let n_sent = self.n_sent;
        loop {
            let is_waiting = |counted: &mut Counted| counted.n_done < n_sent;
            let deliveries = self.deliveries();
            let counted = lock(&deliveries.counted);
            let waited = deliveries.news.wait_timeout_while(counted, LOOK, is_waiting);
            let (counted, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            drop(counted);
            self.broken()?;
            if !timeout.timed_out() {
                return Ok(());
            }
            self.patient(began)?;
        }
    }

    fn deliveries(&self) -> &Deliveries {
        self.producer.client().context()
    }

    /// Waits until there may be room in the queue. A moment at most: the place of a record is
    /// free a little after it was counted, and nothing tells of that.
    fn wait_for_room(&self, began: Instant) -> Result<(), Fault> {
        let deliveries = self.deliveries();
        let counted = lock(&deliveries.counted);
        drop(deliveries.news.wait_timeout(counted, ROOM));
        self.broken()?;
        self.patient(began)
    }

    /// Every record is reported by its own timeout at the latest; twice that is never.
    fn patient(&self, began: Instant) -> Result<(), Fault> {
        if began.elapsed() < 2 * patience(self.retry) {
            return Ok(());
        }
        Err(self.fault("no record was acknowledged or reported in time"))
    }

    /// The fault that broke this producer, if one did.
    fn broken(&self) -> Result<(), Fault> {
        let deliveries = self.deliveries();
        if let Some(failure) = &lock(&deliveries.counted).failure {
            return Err(self.fault(failure));
        }
        match deliveries.trouble.fatal(self.producer.client()) {
            Some((_, why)) => Err(self.fault(&why)),
            None => Ok(()),
        }
    }

    fn fault(&self, what: &str) -> Fault {
        Fault::Broker(format!(
            "cannot write to the broker: {}: {what}\n\
             safe: no offset was committed for what is not acknowledged; start again to send it",
            self.brokers
        ))
    }
}
