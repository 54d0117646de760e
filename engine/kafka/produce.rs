//! Records to topics, each acknowledged by every replica or reported.
//!
//! Shape   librdkafka gathers and sends; its thread counts what is acknowledged and keeps the
//!         first failure. `send` waits while the queue is full, `settle` until all is counted.
//! Rules   idempotent: a retry neither doubles nor reorders; or transactional, see `transact`. A
//!         record that could not be delivered breaks the producer: everything after it is refused
//!         with the same fault, so no caller can take it for done. Keys spread over partitions as
//!         Kafka's default does.
//! Cost    a record is copied once, into librdkafka's memory.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};

use super::client::{self, Reach, Standing, duration, patience, standing};
use super::token::Tokens;
use super::trouble::{Trouble, lock, words};
use crate::run::settings::{Kafka, Retry};
use crate::unit::Span;
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
    /// Its partition, where the key does not choose it.
    pub partition: Option<u32>,
    /// Its key, which chooses the partition.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values, in order.
    pub headers: &'a [(&'a str, &'a str)],
}

/// Sends records. What was not settled when this is dropped is not sent any more.
pub struct Producer {
    pub(super) brokers: String,
    pub(super) retry: Retry,
    /// How long a transaction may stay open.
    pub(super) transaction_max: Duration,
    /// How many were sent: what lies between two lines is counted in the one place, what lies
    /// between the next two in the other.
    n_sent: [u64; 2],
    /// In which place what is sent is counted now.
    turn: usize,
    pub(super) producer: Arc<ThreadedProducer<Deliveries>>,
}

/// What the client's thread has counted.
#[derive(Default)]
pub(super) struct Deliveries {
    pub(super) trouble: Trouble,
    tokens: Tokens,
    counted: Mutex<Counted>,
    news: Condvar,
    /// The topic whose ends are watched.
    watched: Option<String>,
}

#[derive(Default)]
struct Counted {
    /// How many are done, counted where they were when they were sent.
    n_done: [u64; 2],
    failure: Option<String>,
    /// Behind the last record of each partition of the watched topic.
    ends: BTreeMap<i32, i64>,
}

/// A line behind what was sent before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where what lies before it is counted.
    turn: usize,
}

/// How a producer writes.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// What matters more.
    pub pace: Pace,
    /// The topic whose ends are watched, if one is.
    pub watched: Option<&'a str>,
    /// Name and timeout of transactions, if it writes in such.
    pub transactions: Option<(&'a str, Span)>,
}

impl From<Pace> for Manner<'_> {
    fn from(pace: Pace) -> Self {
        Manner { pace, watched: None, transactions: None }
    }
}

impl ClientContext for Deliveries {
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

impl ProducerContext for Deliveries {
    /// Where it was counted when it was sent.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, turn: usize) {
        let mut counted = lock(&self.counted);
        counted.n_done[turn % 2] += 1;
        match result {
            Ok(message) if self.watched.as_deref() == Some(message.topic()) => {
                counted.ends.insert(message.partition(), message.offset() + 1);
            }
            Ok(_) => {}
            Err((error, message)) => {
                let failure = || format!("{}: {}", message.topic(), words(error));
                counted.failure.get_or_insert_with(failure);
            }
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
    pub fn new<'a>(
        kafka: &Kafka,
        retry: Retry,
        manner: impl Into<Manner<'a>>,
    ) -> Result<Producer, Fault> {
        let manner = manner.into();
        let mut config = client::config(kafka);
        // How long to gather, how much in one request, and how much may wait here; beyond that,
        // `send` waits.
        let (linger_ms, batch_bytes, queue_kbytes) = match manner.pace {
            // Long enough to gather what one batch of records rings, a tenth of the 10 ms. What
            // waits is written in five minutes by a broker that takes 50 kB a second: longer than
            // that, and the group takes us for dead.
            Pace::Prompt => ("1", "131072", "16384"),
            Pace::Bulk => ("20", "1000000", "65536"),
        };
        for (name, value) in [
            ("linger.ms", linger_ms),
            ("batch.size", batch_bytes),
            ("queue.buffering.max.kbytes", queue_kbytes),
            ("compression.type", "lz4"),
            // None: a broker that is slow is waited for as long as it takes anything at all, and
            // for one that takes nothing there is a bound of ours, see `Patience`.
            ("message.timeout.ms", "0"),
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
        if let Some((name, timeout)) = manner.transactions {
            config.set("transactional.id", name);
            config.set("transaction.timeout.ms", timeout.as_millis().to_string());
            // Within a transaction no record may wait longer than that.
            config.set("message.timeout.ms", timeout.as_millis().to_string());
        }
        let watched = manner.watched.map(str::to_owned);
        let deliveries =
            Deliveries { watched, tokens: Tokens::new(kafka), ..Deliveries::default() };
        let producer = config.create_with_context(deliveries).map_err(|error| {
            Fault::Broker(format!(
                "cannot set up the producer: kafka.properties: {}",
                words(&error)
            ))
        })?;
        Ok(Producer {
            brokers: kafka.brokers.clone(),
            retry,
            transaction_max: manner.transactions.map_or(Duration::ZERO, |(_, max)| duration(max)),
            n_sent: [0; 2],
            turn: 0,
            producer: Arc::new(producer),
        })
    }

    /// Behind the last record written to `partition` of the watched topic, if one was.
    pub(super) fn watched_end(&self, partition: u32) -> Option<i64> {
        lock(&self.deliveries().counted).ends.get(&partition.cast_signed()).copied()
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

    /// What the cluster says of `topic`.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where it cannot be reached.
    pub(super) fn standing(&self, topic: &str) -> Result<Standing, Fault> {
        let client = self.producer.client();
        let trouble = &client.context().trouble;
        let reach = Reach { brokers: &self.brokers, retry: self.retry, trouble };
        let metadata = reach.until(|limit| client.fetch_metadata(Some(topic), limit))?;
        Ok(standing(&metadata, topic))
    }

    /// Takes one record; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where this or an earlier record cannot be delivered.
    pub fn send(&mut self, parcel: &Parcel<'_>) -> Result<(), Fault> {
        self.broken()?;
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(parcel.topic, self.turn);
        record.partition = parcel.partition.map(u32::cast_signed);
        record.key = parcel.key;
        record.payload = parcel.value;
        if !parcel.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(parcel.headers.len());
            let add = |headers: OwnedHeaders, (key, value): &(&str, &str)| {
                headers.insert(Header { key, value: Some(*value) })
            };
            record.headers = Some(parcel.headers.iter().fold(headers, add));
        }
        let mut patience = Patience::new(self.retry);
        while let Err((error, back)) = self.producer.send(record) {
            if error.rdkafka_error_code() != Some(Code::QueueFull) {
                let topic = parcel.topic;
                return Err(self.fault(&format!("{topic}: {}", words(&error))));
            }
            record = back;
            self.wait_for_room(&mut patience)?;
        }
        self.n_sent[self.turn] += 1;
        Ok(())
    }

    /// Draws a line behind what was sent so far; `None` while something before the last line is
    /// not acknowledged.
    pub(super) fn line(&mut self) -> Option<Line> {
        let (line, other) = (Line { turn: self.turn }, 1 - self.turn);
        let is_free = lock(&self.deliveries().counted).n_done[other] == self.n_sent[other];
        if is_free {
            self.turn = other;
        }
        is_free.then_some(line)
    }

    /// Whether everything before the last `line` is acknowledged.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where a record could not be delivered.
    pub(super) fn is_settled(&self, line: Line) -> Result<bool, Fault> {
        self.broken()?;
        Ok(lock(&self.deliveries().counted).n_done[line.turn] == self.n_sent[line.turn])
    }

    /// Returns once every record sent so far is acknowledged.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where one of them could not be delivered.
    pub fn settle(&mut self) -> Result<(), Fault> {
        let mut patience = Patience::new(self.retry);
        let n_sent = self.n_sent;
        loop {
            let is_waiting = |counted: &mut Counted| counted.n_done != n_sent;
            let deliveries = self.deliveries();
            let counted = lock(&deliveries.counted);
            let waited = deliveries.news.wait_timeout_while(counted, LOOK, is_waiting);
            let (counted, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            let n_done = counted.n_done.iter().sum();
            drop(counted);
            self.broken()?;
            if !timeout.timed_out() {
                return Ok(());
            }
            self.patient(&mut patience, n_done)?;
        }
    }

    pub(super) fn deliveries(&self) -> &Deliveries {
        self.producer.client().context()
    }

    /// Waits until there may be room in the queue. A moment at most: the place of a record is
    /// free a little after it was counted, and nothing tells of that.
    fn wait_for_room(&self, patience: &mut Patience) -> Result<(), Fault> {
        let deliveries = self.deliveries();
        let counted = lock(&deliveries.counted);
        let waited = deliveries.news.wait_timeout(counted, ROOM);
        let n_done = waited.unwrap_or_else(PoisonError::into_inner).0.n_done.iter().sum();
        self.broken()?;
        self.patient(patience, n_done)
    }

    /// A fault when nothing was acknowledged for too long, `n_done` records being done now.
    fn patient(&self, patience: &mut Patience, n_done: u64) -> Result<(), Fault> {
        let Some(waited) = patience.ends_at(n_done) else { return Ok(()) };
        let why = self.deliveries().trouble.reason();
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        Err(self.fault(&format!("no record was acknowledged for {} s{why}", waited.as_secs())))
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

/// How long a broker is waited for that acknowledges nothing.
#[derive(Debug)]
struct Patience {
    limit: Duration,
    n_done: u64,
    since: Instant,
}

impl Patience {
    fn new(retry: Retry) -> Patience {
        Patience { limit: patience(retry), n_done: 0, since: Instant::now() }
    }

    /// How long nothing was acknowledged, `n_done` records being done now, where that is too long.
    fn ends_at(&mut self, n_done: u64) -> Option<Duration> {
        if self.n_done < n_done {
            (self.n_done, self.since) = (n_done, Instant::now());
        }
        Some(self.since.elapsed()).filter(|waited| self.limit <= *waited)
    }
}
