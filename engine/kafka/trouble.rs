//! What librdkafka says of its troubles, kept by a client's callbacks, and put into words.
//!
//! Rules   the callbacks only note; whoever owns the client asks and decides. librdkafka mends
//!         most troubles by itself, so a note alone is never a fault.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tracing::debug;

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

    /// Keeps what a line of librdkafka's log tells of a connection that failed; of one that the
    /// broker closed, only the log does.
    pub(super) fn hear(&self, facility: &str, line: &str) {
        if facility == "FAIL" {
            debug!(line, "a connection failed");
            // `[thrd:NAME]: NAME: REASON`, where the name has colons but no spaces.
            let mut reason = plain(line.splitn(3, ": ").nth(2).unwrap_or(line));
            if line.contains("state APIVERSION_QUERY") {
                // It hung up at the first word, as a port does that expects another language.
                reason += ", at the first request; wrong security.protocol?";
            }
            lock(&self.0).reason = Some(reason);
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

    /// Notes that the broker answers: what was said before counts no more.
    pub(super) fn is_over(&self) {
        let mut said = lock(&self.0);
        (said.reason, said.refusal) = (None, None);
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

const PROTOCOL: &str = "kafka.properties security.protocol as that port speaks it: plaintext, ssl, \
                        sasl_plaintext or sasl_ssl";
const CERTIFICATES: &str = "kafka.properties ssl.ca.location with the certificates that vouch for \
                            the broker's, and kafka.brokers with the names that stand in it";
const PASSWORDS: &str =
    "kafka.properties sasl.mechanism, sasl.username and sasl.password as the broker has them";

/// What to change where librdkafka gives `reason`, if that tells.
pub(super) fn remedy(reason: &str) -> Option<&'static str> {
    // The first that is in the sentence tells. A size that cannot be is what a TLS listener's
    // answer looks like to a client without TLS.
    let tells: [(&str, &str); 10] = [
        ("security.protocol", PROTOCOL),
        ("PLAINTEXT broker listener", PROTOCOL),
        ("wrong version number", PROTOCOL),
        ("nvalid response size", PROTOCOL),
        ("verif", CERTIFICATES),
        // A listener without TLS closes so at the first word of a client with it.
        ("SSL connection closed by peer", PROTOCOL),
        ("ssl.key.location", "kafka.properties ssl.certificate.location and ssl.key.location"),
        ("token", "a fresh token in kafka.oauth_token_file"),
        ("uthenticat", PASSWORDS),
        ("SASL", PASSWORDS),
    ];
    tells.iter().find(|(word, _)| reason.contains(word)).map(|(_, remedy)| *remedy)
}

/// An error of librdkafka as the end of a sentence; never a value of `kafka.properties`.
pub(super) fn words(error: &KafkaError) -> String {
    if let KafkaError::ClientConfig(_, _, name, _) = error {
        return format!("{name} is refused");
    }
    error
        .rdkafka_error_code()
        .map_or_else(|| plain(&error.to_string()), |code| plain(&code.to_string()))
}

#[cfg(test)]
mod tests {
    use rdkafka::types::RDKafkaConfRes;

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

    #[test]
    fn a_connection_that_was_closed_is_told_by_the_log() {
        let trouble = Trouble::default();
        trouble.hear("CONNECT", "[thrd:b:1/1]: b:1/1: connected");
        assert_eq!(trouble.reason(), None);
        let line =
            "[thrd:b:1/1]: b:1/1: Disconnected: requesting ApiVersion (after 1ms in state X)";
        trouble.hear("FAIL", line);
        assert_eq!(trouble.reason().as_deref(), Some("disconnected: requesting ApiVersion"));
    }

    #[test]
    fn a_reason_has_its_remedy_and_an_error_no_value() {
        let check = |reason: &str, wanted: Option<&str>| assert_eq!(remedy(reason), wanted);
        check("broker certificate could not be verified", Some(CERTIFICATES));
        check("disconnected: connecting to a PLAINTEXT broker listener?", Some(PROTOCOL));
        check("authentication failed due to invalid credentials", Some(PASSWORDS));
        check("connection refused", None);
        let [name, value] = ["sasl.password", "hush"].map(str::to_owned);
        let code = RDKafkaConfRes::RD_KAFKA_CONF_INVALID;
        let error = KafkaError::ClientConfig(code, value.clone(), name, value);
        assert_eq!(words(&error), "sasl.password is refused");
    }
}
