//! The promise of DESIGN §8 under thousands of schedules: whatever befalls the instances, what
//! they write is what one instance writes that nothing befalls.
//!
//! Shape   `world` is everything outside, `door` the doors to it, `schedule` lets things happen
//!         in an order that a seed decides, `verdict` plays the same records once more, in one
//!         go, and compares.
//! Rules   one seed, one schedule, to the last step; `EBB_SEED=n` plays one, and every failure
//!         prints its own. No thread, no sleep, no clock of this machine.

mod door;
mod schedule;
mod set_back;
mod verdict;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// The input topic.
const TOPIC: &str = "events";
/// How many schedules are played where no seed is given.
const SCHEDULES: u64 = 3_000;
/// Threads that play them.
const PLAYERS: usize = 2;

#[test]
fn whatever_befalls_the_instances_nothing_is_lost_or_doubled() {
    if let Some(seed) = std::env::var("EBB_SEED").ok().and_then(|text| text.parse().ok()) {
        schedule::play(seed);
        return;
    }
    let schedules = std::env::var("EBB_SCHEDULES").ok().and_then(|text| text.parse().ok());
    let (next, last) = (AtomicU64::new(1), schedules.unwrap_or(SCHEDULES));
    thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if last < seed {
                        return;
                    }
                    schedule::play(seed);
                }
            });
        }
    });
}

/// Schedules that showed a fault before the engine was mended, grouped by what differed: the time
/// of a partition, its customers, what was written. The first two: a checkpoint that told the journal
/// to be read from behind notes on records that it did not hold.
#[test]
fn what_once_went_wrong_stays_right() {
    for seed in [3504, 4410, 1549, 2660, 255, 2258, 1130, 2355, 2630, 2782] {
        schedule::play(seed);
    }
}
