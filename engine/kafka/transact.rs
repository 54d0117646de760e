//! Transactions: outputs and offsets together, or not at all.
//!
//! Rules   a transaction begins with its first record and ends with a commit; whatever goes wrong
//!         in between, the producer is never used again: its successor of the same name ends
//!         what it left behind, and what is committed is asked anew. Before a commit everything
//!         in flight is waited for, as librdkafka's own wait goes by steps of 100 ms. Offsets are
//!         handed over on a thread of its own with a watchdog, as that call ignores its timeout
//!         while the coordinator is away.
//! Source  DESIGN §15, traps 1 to 5; KIP-98, KIP-447.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::producer::Producer as _;

use super::client::{Reach, Tries, watched};
use super::produce::Producer;
use super::trouble::words;
use crate::run::settings::Retry;
use crate::wire::Fault;

/// How long one call may take that ends a transaction, before it is asked again.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How much longer than its limit a call may hang before its thread is left behind.
const HANG_MAX: Duration = Duration::from_secs(5);

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Committed.
    Done,
    /// Not committed, as far as is known, and why; the producer is spent.
    Undone(String),
}

impl Producer {
    /// Makes transactions possible: ends those that an earlier producer of the same name left.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the cluster stays away or refuses us.
    pub(super) fn init(&self) -> Result<(), Fault> {
        let trouble = &self.deliveries().trouble;
        Reach { brokers: &self.brokers, retry: self.retry, trouble }
            .until(|_| self.producer.init_transactions(CALL_MAX))
    }

    /// Begins a transaction.
    pub(super) fn begin(&self) -> Ended {
        match self.producer.begin_transaction() {
            Ok(()) => Ended::Done,
            Err(error) => Ended::Undone(words(&error)),
        }
    }

    /// Commits what was sent since the beginning, together with `offsets`, for `member` of the
    /// group as it is now.
    pub(super) fn end(
        &mut self,
        offsets: TopicPartitionList,
        member: ConsumerGroupMetadata,
    ) -> Ended {
        // What is not acknowledged now will not be in this transaction.
        if let Err(fault) = self.settle() {
            return Ended::Undone(fault.to_string());
        }
        let (producer, retry) = (Arc::clone(&self.producer), self.retry);
        let ended = watched(self.transaction_max + HANG_MAX, move || {
            let hand = || producer.send_offsets_to_transaction(&offsets, &member, CALL_MAX);
            again(retry, hand).map_err(|error| format!("offsets: {}", words(&error)))?;
            again(retry, || producer.commit_transaction(CALL_MAX))
                .map_err(|error| format!("commit: {}", words(&error)))
        });
        match ended {
            Some(Ok(())) => Ended::Done,
            Some(Err(why)) => Ended::Undone(why),
            None => Ended::Undone("no answer from the coordinator".to_owned()),
        }
    }
}

/// Calls `act` until it succeeds or fails for good, as often as `retry` has it.
fn again(retry: Retry, act: impl Fn() -> KafkaResult<()>) -> KafkaResult<()> {
    let mut tries = Tries::new(retry);
    loop {
        let Err(error) = act() else { return Ok(()) };
        match tries.failed() {
            Some(wait) if is_passing(&error) => thread::sleep(wait),
            _ => return Err(error),
        }
    }
}

/// Whether the same call may succeed later.
fn is_passing(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => {
            error.is_retriable() && !error.txn_requires_abort() && !error.is_fatal()
        }
        error => error.rdkafka_error_code() == Some(Code::OperationTimedOut),
    }
}
