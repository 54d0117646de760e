//! Pauses of this process so long that the group may have gone on without it.
//!
//! Rules   whoever stood still for half a session asks the coordinator before it hands out another
//!         record or moves time: without transactions nothing else keeps a member that was
//!         expelled from writing what its successor does not. A transaction is refused anyway.

use std::time::{Duration, Instant};

use super::source::KafkaSource;
use crate::run::settings::Delivery;
use crate::wire::{Committed, Fault, Position};

/// When this process was last known to be a member at work.
#[derive(Debug)]
pub(super) struct Pauses {
    /// The longest pause that needs no question; `None` where none does.
    max: Option<Duration>,
    seen_at: Instant,
}

impl Pauses {
    /// No pause yet, in sessions of `session_ms`.
    pub(super) fn new(session_ms: u64, delivery: Delivery) -> Pauses {
        let half = Duration::from_millis(session_ms / 2);
        let max = (delivery == Delivery::EffectivelyOnce).then_some(half);
        Pauses { max, seen_at: Instant::now() }
    }

    /// Whether too much time has passed since anybody looked.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.max.is_some_and(|max| max < self.seen_at.elapsed())
    }
}

impl KafkaSource {
    /// Whether what is ours as far as we know is still ours; asks where that is in doubt.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where the coordinator stays away.
    pub(super) fn is_still_ours(&mut self) -> Result<bool, Fault> {
        if self.pauses.is_in_doubt() {
            let assigned = &self.assigned;
            let known = self.committed.values().copied();
            let ours: Vec<Position> =
                known.filter(|position| assigned.contains(&position.partition)).collect();
            // It is committed already; whoever is no member is refused.
            let is_known = ours.is_empty() || self.commit_ours(&ours)? == Committed::Done;
            if self.is_other_member() {
                self.join_anew()?;
                return Ok(false);
            }
            if !is_known {
                return Ok(false);
            }
        }
        self.pauses.seen_at = Instant::now();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_session_without_a_sign_is_a_doubt() {
        let mut pauses = Pauses::new(60_000, Delivery::EffectivelyOnce);
        assert!(!pauses.is_in_doubt());
        pauses.max = Some(Duration::ZERO);
        std::thread::yield_now();
        assert!(pauses.is_in_doubt());
        assert_eq!(Pauses::new(1, Delivery::ExactlyOnce).max, None);
    }
}
