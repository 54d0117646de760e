//! Whether this process stood still: paused, frozen with its machine, or starved.
//!
//! Shape   a thread ticks; whoever is about to send asks how long no tick came.
//! Rules   a member of the group that is not heard of for a session is taken for dead, and others
//!         take its partitions over. It cannot know that before it hears from the broker again,
//!         and until then it must not speak. What counts is the time since its last heartbeat,
//!         which may lie one interval of those before the standstill.
//!         `pause` asks the coordinator before anything is read; this here is asked last, when
//!         something is about to be written.
//!         What is left is a process that freezes between the question and the moment at which
//!         librdkafka has written what it was handed, `linger.ms` and the way to the broker: some
//!         two milliseconds of each batch. On waking librdkafka writes that, whoever owns the
//!         partition by now. Alerts lose nothing by it: they carry ids, and their readers drop
//!         repeated ones. A score can stand behind a newer one of the successor until the customer's
//!         next change. A note of the journal can tell of a `now` that the successor had not
//!         reached before that record, where a record came too late for a clock that had moved
//!         (`clock.mode = "live"`): a later restart from a checkpoint before it would then judge
//!         that record, and those up to that `now`, as late. No question can close that; the brokers
//!         can, and do where there are transactions: `delivery = "exactly-once"` has nothing left.
//! Cost    four ticks a second; a question is two loads and a reading of the clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::membership::{millis, session_ms};
use crate::run::settings::Kafka;

/// How often the thread ticks.
const TICK: Duration = Duration::from_millis(250);
/// How often a member says that it lives, unless a property says otherwise.
///
/// Source: `heartbeat.interval.ms` in librdkafka's `CONFIGURATION.md`.
const HEARTBEAT_MS: u64 = 3_000;

/// Watches over this process.
pub(super) struct Watch {
    began: Instant,
    ticks: Arc<Ticks>,
    limit_ms: u64,
}

/// When the last tick came, and the longest time without one; in milliseconds.
#[derive(Debug, Default)]
struct Ticks {
    last: AtomicU64,
    longest: AtomicU64,
}

impl Ticks {
    fn tick(&self, now: u64) {
        let gap = now.saturating_sub(self.last.swap(now, Ordering::AcqRel));
        self.longest.fetch_max(gap, Ordering::AcqRel);
    }

    /// The longest time without a tick, that until `now` included.
    fn longest(&self, now: u64) -> u64 {
        // The last tick first: a tick that comes between the two reads is then in the other.
        let open = now.saturating_sub(self.last.load(Ordering::Acquire));
        open.max(self.longest.load(Ordering::Acquire))
    }

    fn forget(&self, now: u64) {
        self.last.fetch_max(now, Ordering::AcqRel);
        self.longest.store(0, Ordering::Release);
    }
}

impl Watch {
    /// A watch that holds the session of a group that `kafka` asks for.
    pub(super) fn new(kafka: &Kafka) -> Watch {
        let session = session_ms(kafka);
        let heartbeat = millis(kafka, "heartbeat.interval.ms").unwrap_or(HEARTBEAT_MS);
        let limit_ms = session.saturating_sub(heartbeat).max(session / 2);
        let (began, ticks) = (Instant::now(), Arc::new(Ticks::default()));
        let watched = Arc::downgrade(&ticks);
        thread::spawn(move || keep_ticking(began, &watched));
        Watch { began, ticks, limit_ms }
    }

    /// How long this process stood still since [`Watch::forget`] was last called, where others
    /// may have taken it for dead.
    pub(super) fn stood_still(&self) -> Option<Duration> {
        let longest = self.ticks.longest(millis_since(self.began));
        (self.limit_ms <= longest).then(|| Duration::from_millis(longest))
    }

    /// Begins anew: what others did meanwhile is known.
    pub(super) fn forget(&self) {
        self.ticks.forget(millis_since(self.began));
    }
}

/// Ticks until nobody asks any more.
fn keep_ticking(began: Instant, ticks: &Weak<Ticks>) {
    while let Some(ticks) = ticks.upgrade() {
        ticks.tick(millis_since(began));
        drop(ticks);
        thread::sleep(TICK);
    }
}

fn millis_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standstill_shows_before_and_after_the_next_tick_until_it_is_forgotten() {
        let ticks = Ticks::default();
        ticks.tick(250);
        assert_eq!(ticks.longest(400), 250);
        // Stopped from here on; asked before the thread has ticked again, and after.
        assert_eq!(ticks.longest(9_000), 8_750);
        ticks.tick(9_010);
        assert_eq!(ticks.longest(9_020), 8_760);
        ticks.forget(9_030);
        ticks.tick(9_260);
        assert_eq!(ticks.longest(9_300), 230);
    }
}
