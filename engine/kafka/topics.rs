//! Topics of Ebb's own: made if they are not there.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode as Code;

use super::client::{self, Standing, create_command, missing, wait_for};
use super::produce::Producer;
use super::token::Tokens;
use super::trouble::{plain, words};
use crate::run::Settings;
use crate::run::settings::Kafka;
use crate::wire::Fault;

/// How long the making of a topic may take.
const MAKE_MAX: Duration = Duration::from_secs(30);

/// A client that changes and describes the cluster.
///
/// # Errors
///
/// The words for why there is none.
pub(super) fn admin(kafka: &Kafka) -> Result<AdminClient<DefaultClientContext>, String> {
    let admin: AdminClient<DefaultClientContext> =
        client::config(kafka).create().map_err(|error| words(&error))?;
    Tokens::new(kafka).hand_to(admin.inner())?;
    Ok(admin)
}

/// Makes `topic` with `configs`, each `key=value`, unless `producer` finds it there.
///
/// # Errors
///
/// [`Fault::Broker`] where it can neither be found nor made, with the command that makes it.
pub(super) fn make(
    (settings, producer): (&Settings, &Producer),
    topic: &str,
    n_partitions: u32,
    configs: &[&str],
) -> Result<(), Fault> {
    let brokers = &settings.kafka.brokers;
    if let Standing::Partitions(_) = producer.standing(topic)? {
        return Ok(());
    }
    let admin = admin(&settings.kafka)
        .map_err(|why| Fault::Broker(format!("cannot make topic {topic}: {why}")))?;
    let n = i32::try_from(n_partitions).unwrap_or(i32::MAX);
    // As many replicas as the cluster gives by default.
    let new = NewTopic::new(topic, n, TopicReplication::Fixed(-1));
    let pairs = configs.iter().filter_map(|config| config.split_once('='));
    let new = pairs.fold(new, |new, (key, value)| new.set(key, value));
    let options = AdminOptions::new().operation_timeout(Some(MAKE_MAX));
    let made = wait_for(admin.create_topics([&new], &options), MAKE_MAX);
    let why = match made {
        Some(Ok(results)) => match results.into_iter().next() {
            Some(Err((_, code))) if code != Code::TopicAlreadyExists => plain(&code.to_string()),
            _ => return Ok(()),
        },
        Some(Err(error)) => words(&error),
        None => "no answer".to_owned(),
    };
    let what = missing(brokers, topic).to_string();
    Err(Fault::Broker(format!(
        "{}, and it could not be made: {why}\ntry: {}",
        what.lines().next().unwrap_or_default(),
        create_command(brokers, topic, n_partitions, configs)
    )))
}
