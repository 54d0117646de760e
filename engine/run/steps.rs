//! A wall clock that somebody sets.
//!
//! Rules   the time of a partition never goes back: where the clock is set back, it stands still
//!         until the clock is there again; where it is set forwards, it follows. Either is worth a
//!         word, as silence then rings late or early. A clock that is led there slowly (NTP) is
//!         followed without one.

use std::time::Duration;

use tracing::warn;

use crate::unit::EventTime;
use crate::wire::Clock;

/// The least step that is worth a word; below it lie the pauses of a loaded machine's clock.
const STEP_MIN_MS: i64 = 1_000;

/// Compares the wall clock with one that nobody sets.
#[derive(Debug)]
pub(super) struct Steps {
    wall: EventTime,
    uptime: Duration,
}

impl Steps {
    /// Compares from now on.
    pub(super) fn of(clock: &dyn Clock) -> Steps {
        Steps { wall: clock.now(), uptime: clock.uptime() }
    }

    /// Says so where the wall clock was set since this was last called.
    pub(super) fn look(&mut self, clock: &dyn Clock) {
        let now = Steps::of(clock);
        let millis = self.step_to(&now);
        if STEP_MIN_MS <= millis {
            warn!(millis, "the wall clock was set forwards; the time of partitions follows it");
        } else if millis <= -STEP_MIN_MS {
            warn!(
                millis,
                "the wall clock was set back; the time of partitions stands still until it is \
                 there again"
            );
        }
        *self = now;
    }

    /// By how many milliseconds the wall clock was set between `self` and `now`.
    fn step_to(&self, now: &Steps) -> i64 {
        let passed = now.uptime.saturating_sub(self.uptime).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        now.wall.millis().saturating_sub(self.wall.millis()).saturating_sub(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_the_wall_clock_did_beyond_the_time_that_passed() {
        let at = |wall_ms, up_ms| Steps {
            wall: EventTime::from_millis(wall_ms),
            uptime: Duration::from_millis(up_ms),
        };
        let check = |to: Steps, wanted: i64| assert_eq!(at(1_000_000, 5_000).step_to(&to), wanted);
        check(at(1_000_250, 5_250), 0);
        check(at(4_600_250, 5_250), 3_600_000);
        check(at(400_250, 5_250), -600_000);
    }
}
