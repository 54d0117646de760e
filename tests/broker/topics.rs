//! Topics of a test: made, filled, and read to their end.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ebb::kafka::client::wait_for;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::Broker;

/// A record as it stands on a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its partition.
    pub(crate) partition: i32,
    /// Its offset.
    pub(crate) offset: i64,
    /// When it was sent, in milliseconds of its sender's clock.
    pub(crate) sent_at: i64,
    /// Its key.
    pub(crate) key: Option<Vec<u8>>,
    /// Its value; `None` is a tombstone.
    pub(crate) value: Option<Vec<u8>>,
    /// Its headers in their order.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The key as text.
    pub(crate) fn key_text(&self) -> String {
        String::from_utf8_lossy(self.key.as_deref().unwrap_or_default()).into_owned()
    }

    /// The value as text.
    pub(crate) fn value_text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned()
    }

    /// The text of the header `name`, or nothing.
    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    }
}

impl Broker {
    /// A name that no other test and no earlier run uses.
    pub(crate) fn name(&self, stem: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("{stem}-{}-{}-{number}", std::process::id(), now.as_millis())
    }

    /// Makes a topic under a name that begins with `stem`, and gives the name.
    pub(crate) fn topic(&self, stem: &str, n_partitions: i32, configs: &[(&str, &str)]) -> String {
        let name = self.name(stem);
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let mut topic = NewTopic::new(&name, n_partitions, TopicReplication::Fixed(1));
        for (key, value) in configs {
            topic = topic.set(key, value);
        }
        let limit = Duration::from_secs(30);
        let options = AdminOptions::new().operation_timeout(Some(limit));
        let made = wait_for(admin.create_topics([&topic], &options), limit);
        assert!(matches!(made.as_ref().map(|made| made.as_deref()), Some(Ok([Ok(_)]))), "{made:?}");
        name
    }

    /// Deletes the records of one partition before `offset`.
    pub(crate) fn delete_before(&self, topic: &str, partition: i32, offset: i64) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        let limit = Duration::from_secs(30);
        let options = AdminOptions::new().operation_timeout(Some(limit));
        let deleted = wait_for(admin.delete_records(&list, &options), limit);
        assert!(matches!(deleted, Some(Ok(_))), "{deleted:?}");
    }

    /// All that stands on `topic` now, partition by partition, in the order of offsets; what is in
    /// a transaction that is still open is waited for.
    pub(crate) fn read_all(&self, topic: &str) -> Vec<Record> {
        let reader = self.reader("read_committed");
        let metadata = reader.fetch_metadata(Some(topic), Duration::from_secs(30)).unwrap();
        let n_partitions = i32::try_from(metadata.topics()[0].partitions().len()).unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..n_partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        self.wait_for_transactions(topic, n_partitions, &reader);
        reader.assign(&list).unwrap();
        let (mut records, mut unread): (_, BTreeSet<_>) = (Vec::new(), (0..n_partitions).collect());
        let began = Instant::now();
        while !unread.is_empty() {
            assert!(began.elapsed() < Duration::from_secs(120), "{topic} has no end");
            match reader.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => records.push(record(&message)),
                // It may come again where something was written meanwhile.
                Some(Err(KafkaError::PartitionEOF(partition))) => _ = unread.remove(&partition),
                Some(Err(fault)) => println!("reading {topic}: {fault}"),
                None => {}
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    fn reader(&self, isolation: &str) -> BaseConsumer {
        let mut config = self.config();
        config.set("group.id", "read-all").set("enable.auto.commit", "false");
        config.set("enable.partition.eof", "true").set("isolation.level", isolation);
        config.create().unwrap()
    }

    /// Returns once everything that now stands on `topic` is committed or undone, as `reader` sees
    /// it: the broker tells of a commit before every partition shows it.
    fn wait_for_transactions(&self, topic: &str, n_partitions: i32, reader: &BaseConsumer) {
        let looker = self.reader("read_uncommitted");
        let limit = Duration::from_secs(30);
        for partition in 0..n_partitions {
            let end =
                |client: &BaseConsumer| client.fetch_watermarks(topic, partition, limit).unwrap().1;
            let (written, began) = (end(&looker), Instant::now());
            while end(reader) < written {
                assert!(began.elapsed() < limit, "{topic}-{partition}: a transaction stays open");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// A client's configuration, before what its kind needs.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.brokers());
        config
    }
}

fn record(message: &impl Message) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| {
        headers.iter().map(|header| {
            (header.key.to_owned(), header.value.map(<[u8]>::to_vec).unwrap_or_default())
        })
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        sent_at: message.timestamp().to_millis().unwrap_or_default(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.collect(),
    }
}
