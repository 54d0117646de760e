//! Reaching the cluster, and its troubles in words.
//!
//! Rules   a broker that is away is tried again with growing waits, a bounded number of times;
//!         one that refuses us (wrong password, no right) is not: trying again cannot mend it.
//! Errors  [`Fault::Broker`]: what failed, where, why, and what is safe.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::group::Group;
use super::trouble::{Trouble, plain, remedy, words};
use crate::run::settings::{self, Kafka, Retry, Settings};
use crate::unit::Span;
use crate::wire::Fault;

/// How long one try to reach the cluster may take, if no broker is known to be down before.
const TRY_MAX: Duration = Duration::from_secs(5);
/// The steps in which a try is made, so that a refused connection ends it at once.
const TRY_STEP: Duration = Duration::from_millis(250);
/// The least time for which the broker is waited for: its restart.
const PATIENCE_MIN: Duration = Duration::from_secs(30);
/// How many partitions a topic gets that somebody is told to make.
pub(super) const PARTITIONS: u32 = 4;
/// How long a topic that was just made may stay unknown to the broker that is asked.
const UNKNOWN_MAX: Duration = Duration::from_secs(2);

/// The configuration that every client shares, the user's properties last.
pub fn config(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.brokers).set("client.id", &kafka.client_id);
    // The log tells why a connection was closed.
    config.set_log_level(RDKafkaLogLevel::Info);
    // A broker that comes back is found within this time of the next try.
    config.set("reconnect.backoff.max.ms", "2000");
    // A misspelt topic is a fault. Asking for it would else make it, with the wrong partitions
    // and the wrong cleanup, on a broker that allows that.
    config.set("allow.auto.create.topics", "false");
    for (name, value) in kafka.properties.iter() {
        config.set(name, value);
    }
    let is_tls = config
        .get("security.protocol")
        .is_some_and(|word| word.to_ascii_lowercase().contains("ssl"));
    let has_ca = ["ssl.ca.location", "ssl.ca.pem"].iter().any(|name| config.get(name).is_some());
    if is_tls && !has_ca {
        // Where this machine keeps them: our OpenSSL was built along and does not know.
        config.set("ssl.ca.location", "probe");
    }
    config
}

/// Serves the callbacks of `consumer`, which reads nothing: so no record can come of it.
pub(super) fn serve(consumer: &BaseConsumer<Group>) {
    let _nothing = consumer.poll(Duration::ZERO);
}

/// Properties that librdkafka does not know or whose value it refuses, as faults of settings.
pub fn property_faults(settings: &Settings) -> Vec<settings::Fault> {
    let one = |(name, value): (&str, &str)| {
        let refused = ClientConfig::new().set(name, value).create_native_config().err()?;
        // The words of librdkafka for a wrong value repeat it, and it may be a secret.
        let refused = refused.to_string();
        let (found, wanted) = if refused.contains("No such configuration property") {
            ("unknown", "a property of librdkafka".to_owned())
        } else if refused.contains("at build time") {
            ("not built in", "a build that has it: cargo build --release".to_owned())
        } else {
            ("refused", format!("a value that librdkafka takes for {name}"))
        };
        let key = format!("kafka.properties.{name}");
        let found = found.to_owned();
        Some(settings::Fault { place: settings.place(&key), key, found, wanted })
    };
    settings.kafka.properties.iter().filter_map(one).collect()
}

/// Tries at reaching the broker: how many were made, and when the next one is due.
#[derive(Debug)]
pub(super) struct Tries {
    retry: Retry,
    n_made: u32,
    began: Instant,
    due: Instant,
    wait: Duration,
}

impl Tries {
    /// No try yet; the first is due at once.
    pub(super) fn new(retry: Retry) -> Tries {
        let now = Instant::now();
        Tries { retry, n_made: 0, began: now, due: now, wait: duration(retry.wait_first) }
    }

    /// Whether the next try is due.
    pub(super) fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Counts a try that failed and gives the wait before the next one, or `None` after the last.
    pub(super) fn failed(&mut self) -> Option<Duration> {
        self.n_made += 1;
        if self.retry.tries_max <= self.n_made {
            return None;
        }
        let wait = self.wait;
        self.due = Instant::now() + wait;
        self.wait = (wait * 2).min(duration(self.retry.wait_max));
        Some(wait)
    }
}

/// How to reach one cluster: who to name in a fault, and how long to be patient.
pub(super) struct Reach<'a> {
    pub(super) brokers: &'a str,
    pub(super) retry: Retry,
    pub(super) trouble: &'a Trouble,
}

impl Reach<'_> {
    /// Calls `ask` with growing waits until it succeeds.
    ///
    /// `ask` gets the time it may take and must also serve the client's callbacks.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] after the last try, or at once where the broker refuses us.
    pub(super) fn until<T>(
        &self,
        mut ask: impl FnMut(Duration) -> KafkaResult<T>,
    ) -> Result<T, Fault> {
        let mut tries = Tries::new(self.retry);
        loop {
            let error = match self.once(&mut ask) {
                Ok(answer) => {
                    self.trouble.is_over();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if let Some(refusal) = self.trouble.refusal() {
                return Err(refused(self.brokers, &refusal));
            }
            match tries.failed() {
                Some(wait) => thread::sleep(wait),
                None => return Err(self.away(&tries, &error)),
            }
        }
    }

    /// One try, given up early when no broker can be connected to.
    fn once<T>(&self, ask: &mut impl FnMut(Duration) -> KafkaResult<T>) -> KafkaResult<T> {
        let began = Instant::now();
        loop {
            match ask(TRY_STEP) {
                Ok(answer) => return Ok(answer),
                Err(error) if self.trouble.take_down() || TRY_MAX <= began.elapsed() => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
    }

    /// The fault when the last try has failed.
    pub(super) fn away(&self, tries: &Tries, error: &KafkaError) -> Fault {
        let reason = self.trouble.reason().unwrap_or_else(|| words(error));
        let (n, noun) = (tries.n_made, if tries.n_made == 1 { "try" } else { "tries" });
        let seconds = tries.began.elapsed().as_secs();
        let remedy = remedy(&reason).map_or(String::new(), |remedy| format!("\ntry: {remedy}"));
        Fault::Broker(format!(
            "cannot reach the broker: {}: {reason}, {n} {noun} in {seconds} s{remedy}",
            self.brokers
        ))
    }

    /// The number of partitions of `topic`, which must be there.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the cluster cannot be reached or has no such topic.
    pub(super) fn partitions(
        &self,
        topic: &str,
        mut ask: impl FnMut(Duration) -> KafkaResult<Metadata>,
    ) -> Result<usize, Fault> {
        let began = Instant::now();
        loop {
            match standing(&self.until(&mut ask)?, topic) {
                Standing::Partitions(n) => return Ok(n),
                Standing::Missing if began.elapsed() < UNKNOWN_MAX => thread::sleep(TRY_STEP),
                Standing::Missing => return Err(missing(self.brokers, topic)),
                Standing::Refused(why) => {
                    return Err(Fault::Broker(format!("cannot use topic {topic}: {why}")));
                }
            }
        }
    }
}

/// What the cluster says of a topic.
pub(super) enum Standing {
    Partitions(usize),
    Missing,
    Refused(String),
}

/// What `metadata` says of `topic`.
pub(super) fn standing(metadata: &Metadata, topic: &str) -> Standing {
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Standing::Missing;
    };
    match found.error().map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            Standing::Missing
        }
        Some(code) => Standing::Refused(plain(&code.to_string())),
        None if found.partitions().is_empty() => Standing::Missing,
        None => Standing::Partitions(found.partitions().len()),
    }
}

/// The fault for a topic that is not there, with the command that makes it.
pub(super) fn missing(brokers: &str, topic: &str) -> Fault {
    Fault::Broker(format!(
        "cannot use topic {topic}: {brokers}: there is none of that name\ntry: {}",
        create_command(brokers, topic, PARTITIONS, &[])
    ))
}

/// The command that makes `topic` with `configs`.
pub(super) fn create_command(
    brokers: &str,
    topic: &str,
    n_partitions: u32,
    configs: &[&str],
) -> String {
    let mut command = format!(
        "kafka-topics.sh --bootstrap-server {brokers} --create --topic {topic} --partitions \
         {n_partitions}"
    );
    for config in configs {
        command += &format!(" --config {config}");
    }
    command
}

fn refused(brokers: &str, why: &str) -> Fault {
    let remedy = remedy(why).unwrap_or("other kafka.properties: security.protocol, sasl.*, ssl.*");
    Fault::Broker(format!(
        "cannot reach the broker: {brokers}: it refuses this client: {why}\ntry: {remedy}"
    ))
}

/// How long the broker is waited for: the waits between all tries, and no less than a restart of
/// it takes. Also how long a record may be on its way.
pub(super) fn patience(retry: Retry) -> Duration {
    let mut wait = duration(retry.wait_first);
    let mut sum = Duration::ZERO;
    for _ in 1..retry.tries_max {
        sum += wait.min(duration(retry.wait_max));
        wait = (wait * 2).min(duration(retry.wait_max));
    }
    sum.clamp(PATIENCE_MIN, duration(Span::DAY))
}

/// A span as the standard library has it.
pub(super) fn duration(span: Span) -> Duration {
    Duration::from_millis(span.as_millis().unsigned_abs())
}

/// Runs `future` to its end on this thread; `None` when it has not ended within `limit`.
pub fn wait_for<T>(future: impl Future<Output = T>, limit: Duration) -> Option<T> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    let began = Instant::now();
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        thread::park_timeout(limit.checked_sub(began.elapsed())?);
    }
}

/// Runs `act` on a thread of its own; `None` when it has not ended within `limit`, and then its
/// thread is left to itself.
pub(super) fn watched<T: Send + 'static>(
    limit: Duration,
    act: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, answer) = mpsc::sync_channel(1);
    let began = Instant::now();
    let spawned = thread::Builder::new().name("watched".to_owned()).spawn(move || {
        // Nobody listens any more where it came too late.
        let _answered = sender.send(act());
    });
    spawned.ok()?;
    answer.recv_timeout(limit.saturating_sub(began.elapsed())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::settings::Layers;

    #[test]
    fn waits_double_up_to_their_bound_and_end() {
        let retry =
            Retry { tries_max: 5, wait_first: Span::millis(100), wait_max: Span::millis(300) };
        let mut tries = Tries::new(retry);
        assert!(tries.is_due());
        let waits: Vec<_> = (0..5).map(|_| tries.failed().map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(100), Some(200), Some(300), Some(300), None]);
        assert!(!tries.is_due());
    }

    #[test]
    fn the_broker_is_waited_for_as_long_as_all_waits_take() {
        let check = |tries_max, first_ms, max_ms, wanted_ms| {
            let (wait_first, wait_max) = (Span::millis(first_ms), Span::millis(max_ms));
            let found = patience(Retry { tries_max, wait_first, wait_max });
            assert_eq!(found, Duration::from_millis(wanted_ms));
        };
        check(10, 250, 30_000, 91_750);
        check(1, 250, 30_000, 30_000);
        check(1_000, 60_000, 600_000, 86_400_000);
    }

    #[test]
    fn unknown_properties_and_refused_values_are_faults_without_the_value() {
        let text = "[kafka.properties]\n\"no.such.thing\" = 1\n\"fetch.min.bytes\" = \"hush\"\n\
                    debug = \"fetch\"\n\
                    \"security.protocol\" = \"ssl\"\n";
        let settings = Settings::from_text(Some(("mine.toml", text)), &Layers::default());
        let Ok(settings) = settings else { return assert_eq!(settings.err().map(|_| ()), None) };
        let faults: Vec<_> = property_faults(&settings).iter().map(ToString::to_string).collect();
        assert!(faults[0].starts_with("kafka.properties.fetch.min.bytes = refused: wanted a val"));
        assert!(faults[1].starts_with("kafka.properties.no.such.thing = unknown: wanted a prop"));
        assert_eq!(faults.len(), 2, "TLS is built in: {faults:?}");
        assert!(!faults.concat().contains("hush"));
    }

    #[test]
    fn trap_3_a_call_that_hangs_is_left_behind() {
        assert_eq!(watched(Duration::from_secs(60), || 7), Some(7));
        let (keep, hang) = mpsc::channel::<()>();
        let hung = watched(Duration::from_millis(20), move || hang.recv().is_ok());
        assert_eq!(hung, None);
        drop(keep);
    }
}
