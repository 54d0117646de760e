//! What librdkafka says of its troubles, kept by a client's callbacks, and put into words.
//!
//! Rules   the callbacks only note; whoever owns the client asks and decides. librdkafka mends
//!         most troubles by itself, so a note alone is never a fault.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What librdkafka last said of its connections, kept by a client's callbacks.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    /// Why the last connection failed.
    reason: Option<String>,
    /// Whether all brokers were reported down since [`Trouble::take_down`] was last asked.
    is_down: bool,
    /// Why trying again cannot help.
    refusal: Option<String>,
    /// Whether this client is broken for good; it then tells why when asked.
    is_fatal: bool,
}

impl Trouble {
    /// Keeps what an error callback brings.
    pub(super) fn note(&self, error: &KafkaError, reason: &str) {
        let mut said = lock(&self.0);
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => said.is_down = true,
            Some(
                RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::SSL,
            ) => said.refusal = Some(plain(reason)),
            Some(RDKafkaErrorCode::Fatal) => said.is_fatal = true,
            Some(RDKafkaErrorCode::PartitionEOF) => {}
            _ => said.reason = Some(plain(reason)),
        }
    }

    /// Whether all brokers were reported down since this was last asked.
    pub(super) fn take_down(&self) -> bool {
        std::mem::take(&mut lock(&self.0).is_down)
    }

    /// What has broken `client` for good, if something has.
    pub(super) fn fatal<C: ClientContext>(
        &self,
        client: &Client<C>,
    ) -> Option<(RDKafkaErrorCode, String)> {
        let is_fatal = lock(&self.0).is_fatal;
        is_fatal.then(|| client.fatal_error()).flatten().map(|(code, why)| (code, plain(&why)))
    }

    /// Why trying again cannot help.
    pub(super) fn refusal(&self) -> Option<String> {
        lock(&self.0).refusal.clone()
    }

    /// Why the last connection failed.
    pub(super) fn reason(&self) -> Option<String> {
        lock(&self.0).reason.clone()
    }
}

/// A lock whose holder never leaves anything half-done, so a panic elsewhere does not matter.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The heart of librdkafka's sentence, in lower case: of `host:1/bootstrap: Connect to
/// ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)` the refusal.
pub(super) fn plain(reason: &str) -> String {
    let reason = reason.rsplit_once(" failed: ").map_or(reason, |(_, rest)| rest);
    let reason = reason.split_once(" (after ").map_or(reason, |(heart, _)| heart);
    let mut letters = reason.trim().chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => "no reason given".to_owned(),
    }
}

/// An error of librdkafka as the end of a sentence.
pub(super) fn words(error: &KafkaError) -> String {
    error
        .rdkafka_error_code()
        .map_or_else(|| plain(&error.to_string()), |code| plain(&code.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heart_of_a_long_sentence_is_kept() {
        let check = |long: &str, short: &str| assert_eq!(plain(long), short);
        check(
            "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after \
             0ms in state CONNECT)",
            "connection refused",
        );
        check("Unknown topic", "unknown topic");
        check("", "no reason given");
    }
}
