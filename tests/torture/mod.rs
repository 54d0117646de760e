//! The promise of DESIGN §8 against a real broker: instances of one group that are killed,
//! stopped, frozen and started again while the broker, too, goes and comes back.
//!
//! Shape   `group` runs the instances, `course` lets things befall them in an order that a seed
//!         decides, `verdict` compares the topics with `ebb replay` of the same events.
//! Rules   a seed repeats the order of mishaps, not the moments at which the machine gets to
//!         them. `EBB_TEST_TORTURE=n` asks for n mishaps of every kind of run instead of the few
//!         that stand here, `EBB_SEED` for another seed. Every process that is signalled was
//!         started here.

mod course;
mod group;
mod verdict;

use std::sync::{Mutex, PoisonError};

use crate::broker::{self, Broker};
use crate::mishap::Mishap;
use course::Course;

/// What one run is.
#[derive(Clone, Copy, Debug)]
struct Plan {
    delivery: &'static str,
    /// "replay" or "live".
    clock: &'static str,
    mishaps: &'static [Mishap],
    n_mishaps: usize,
    n_events: usize,
    seed: u64,
}

const EXACTLY: &str = "exactly-once";
const EFFECTIVELY: &str = "effectively-once";

fn torture(mut plan: Plan) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    plan.n_mishaps = number("EBB_TEST_TORTURE").unwrap_or(plan.n_mishaps);
    plan.n_events = plan.n_events.max(plan.n_mishaps * 400);
    plan.seed = number("EBB_SEED").map_or(plan.seed, |seed| seed as u64);
    if broker::shared().is_none() {
        return;
    }
    // One after the other, for they weigh on the machine; and each with a broker that goes away.
    static ONE: Mutex<()> = Mutex::new(());
    let _turn = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let broker = Broker::start().unwrap();
    let mut course = Course::new(&broker, plan);
    course.run();
    let told = verdict::compare(&mut course);
    println!("{plan:?}: {told}");
}

#[test]
fn torture_in_transactions_loses_and_doubles_nothing() {
    torture(Plan {
        delivery: EXACTLY,
        clock: "replay",
        mishaps: &Mishap::ALL,
        n_mishaps: 25,
        n_events: 8_000,
        seed: 11,
    });
}

#[test]
fn torture_without_transactions_loses_nothing_and_repeats_only_ids() {
    torture(Plan {
        delivery: EFFECTIVELY,
        clock: "replay",
        mishaps: &Mishap::ALL,
        n_mishaps: 25,
        n_events: 8_000,
        seed: 12,
    });
}

#[test]
fn torture_under_a_live_clock_is_what_the_journal_tells() {
    torture(Plan {
        delivery: EXACTLY,
        clock: "live",
        mishaps: &Mishap::ALL,
        n_mishaps: 25,
        n_events: 8_000,
        seed: 13,
    });
}

/// As `ebb run` delivers and goes by the clock where nobody sets anything.
#[test]
fn torture_under_the_defaults_loses_nothing_and_repeats_only_ids() {
    torture(Plan {
        delivery: EFFECTIVELY,
        clock: "live",
        mishaps: &Mishap::ALL,
        n_mishaps: 25,
        n_events: 8_000,
        seed: 15,
    });
}

#[test]
fn a_zombie_does_not_write_one_committed_record() {
    torture(Plan {
        delivery: EXACTLY,
        clock: "replay",
        mishaps: &[Mishap::Zombie],
        n_mishaps: 5,
        n_events: 8_000,
        seed: 14,
    });
}
