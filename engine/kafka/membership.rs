//! Joining the group, leaving it, and under which id this process is a member.
//!
//! Rules   a partition belongs to the membership under which it was taken on. A member that the
//!         group has put out may be in again before it is told: with an instance id the broker
//!         takes it back at once under a new id, librdkafka goes on with the partitions that it
//!         had, and what it commits is taken, though others have worked on them meanwhile. So
//!         nothing is committed under another id than that; the consumer is made anew instead and
//!         takes on what the group gives it.
//! Source  librdkafka 2.12.1, `rd_kafka_cgrp_handle_JoinGroup` (an unknown member id revokes
//!         nothing) and `rd_kafka_cgrp_revoke_all_rejoin_maybe` (nor does it while the group is
//!         being divided anew); KIP-345.
#![allow(
    unsafe_code,
    reason = "rdkafka 0.39 has no safe call for the id under which a consumer is a member"
)]

use std::ffi::CStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use tracing::warn;

use super::client::{self, watched};
use super::group::{Bell, Group, answer};
use super::source::KafkaSource;
use super::trouble::words;
use crate::run::Settings;
use crate::run::settings::Kafka;
use crate::wire::{Fault, Handover};

/// After how long a member that is not heard of is replaced, unless a property says otherwise: its
/// alerts wait that long, so it is not the 45 s of Kafka's default.
const SESSION_MS: u64 = 10_000;

/// How long leaving the group may take.
const LEAVE_MAX: Duration = Duration::from_secs(5);
/// How often to look whether it is done.
const LEAVE_POLL: Duration = Duration::from_millis(20);

/// Why what this instance did is undone, where that is so.
pub(super) const PUT_OUT: &str = "the group has put this instance out and taken it in again";

impl KafkaSource {
    /// Whether this process is the member that it was when it took on what it has.
    pub(super) fn is_same_member(&self) -> bool {
        let id = member_id(&self.consumer);
        id.is_some() && id == self.member_id
    }

    /// Whether it is another member by now.
    pub(super) fn is_other_member(&self) -> bool {
        let id = member_id(&self.consumer);
        !self.shares.is_empty() && id.is_some() && id != self.member_id
    }

    /// Notes under which id the partitions are taken on that come now, the first there are.
    pub(super) fn note_member(&mut self) {
        if self.shares.is_empty() {
            self.member_id = member_id(&self.consumer);
        }
    }

    /// Gives up every partition and joins the group anew.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the consumer cannot be set up.
    pub(super) fn join_anew(&mut self) -> Result<(), Fault> {
        let given_up = std::mem::take(&mut self.assigned);
        warn!(partitions = ?given_up, "{PUT_OUT}; joining it anew");
        let fresh = Arc::new(consumer(&self.settings, &self.bell)?);
        self.let_all_go();
        self.handovers.extend(given_up.into_iter().map(Handover::GivenUp));
        self.committed.clear();
        (self.unplaced, self.member_id) = (None, None);
        leave(std::mem::replace(&mut self.consumer, fresh));
        self.consumer.subscribe(&[&self.topic]).map_err(|error| set_up(&error))
    }

    /// Lets go of everything, so that the consumer can close.
    pub(super) fn let_all_go(&mut self) {
        // Closing waits until the group's last change is answered, and nobody takes changes any
        // more: the callbacks answer by themselves, and those already noted are answered here.
        let group = Arc::clone(self.consumer.context());
        group.close();
        self.shares.clear();
        while let Some(change) = group.next_change() {
            let _answered = answer(&self.consumer, &self.topic, &change);
        }
    }
}

/// Has `consumer` leave its group, and close; what takes longer than [`LEAVE_MAX`] is left to
/// itself, as librdkafka may hang in it.
///
/// A member with a name that only closes keeps its place, and the group would give it to who
/// comes next by that name before others have let go what it holds.
fn leave(consumer: Arc<BaseConsumer<Group>>) {
    let left = watched(LEAVE_MAX, move || {
        let began = Instant::now();
        consumer.unsubscribe();
        while member_id(&consumer).is_some() && began.elapsed() < LEAVE_MAX {
            // What comes is the callbacks', or nobody's.
            let _nobodys = consumer.poll(LEAVE_POLL);
        }
    });
    if left.is_none() {
        warn!("the group was not left in time");
    }
}

/// A consumer as `settings` have it, which has not joined yet; `bell` hangs on its queue.
pub(super) fn consumer(
    settings: &Settings,
    bell: &Arc<Bell>,
) -> Result<BaseConsumer<Group>, Fault> {
    let made = config(settings).create_with_context(Group::new(&settings.kafka));
    let mut consumer: BaseConsumer<Group> = made.map_err(|error| set_up(&error))?;
    let hung = Arc::clone(bell);
    consumer.set_nonempty_callback(move || hung.ring());
    Ok(consumer)
}

/// How long a session of the group lasts that `kafka` asks for, in milliseconds.
pub(super) fn session_ms(kafka: &Kafka) -> u64 {
    millis(kafka, "session.timeout.ms").unwrap_or(SESSION_MS)
}

/// The milliseconds that the property called `name` says, if it says any.
pub(super) fn millis(kafka: &Kafka, name: &str) -> Option<u64> {
    let found = kafka.properties.iter().find(|(known, _)| *known == name);
    found.and_then(|(_, text)| text.parse().ok())
}

/// The consumer's configuration: what promises rest on last, so that no property undoes it.
fn config(settings: &Settings) -> ClientConfig {
    let mut config = client::config(&settings.kafka);
    for (name, value) in [
        ("session.timeout.ms", &*SESSION_MS.to_string()),
        // A full queue is looked at again soon, not after a second.
        ("fetch.queue.backoff.ms", "10"),
        // A flipped bit is a fault, not an event.
        ("check.crcs", "true"),
        // Bounds what is fetched ahead, for each partition, as each has a queue of its own.
        ("queued.max.messages.kbytes", "8192"),
        // Partitions that stay are not taken away; set from the start, because a group cannot
        // change over to it while it runs.
        ("partition.assignment.strategy", "cooperative-sticky"),
    ] {
        if config.get(name).is_none() {
            config.set(name, value);
        }
    }
    config.set("group.id", &settings.input.group);
    if let Some(instance_id) = &settings.kafka.instance_id {
        config.set("group.instance.id", instance_id);
    }
    for (name, value) in [
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
        ("enable.partition.eof", "true"),
    ] {
        config.set(name, value);
    }
    config
}

pub(super) fn set_up(error: &KafkaError) -> Fault {
    Fault::Broker(format!("cannot set up the consumer: kafka.properties: {}", words(error)))
}

/// The id under which `consumer` is a member of its group; `None` while it is none.
fn member_id(consumer: &BaseConsumer<Group>) -> Option<String> {
    let client = consumer.client().native_ptr();
    // SAFETY: the client lives as long as its borrow. What comes back is null or a text that ends
    // with a NUL and is ours until it is given back to librdkafka, which happens after its bytes
    // were copied.
    let id = unsafe {
        let text = bindings::rd_kafka_memberid(client);
        if text.is_null() {
            return None;
        }
        let id = CStr::from_ptr(text).to_string_lossy().into_owned();
        bindings::rd_kafka_mem_free(client, text.cast());
        id
    };
    Some(id).filter(|id| !id.is_empty())
}
