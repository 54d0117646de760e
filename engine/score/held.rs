//! What was said of one score before.
//!
//! Shape   the value, the band held, the band told, a move that is waiting, the daily samples.
//! Source  readings of the specification.

use serde::{Deserialize, Serialize};

use crate::model::DropRule;
use crate::score::trend::Samples;
use crate::unit::{EventTime, Points};

/// What was said of one score.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    /// The score as last judged.
    pub value: Option<Points>,
    pub(crate) previous: Option<Points>,
    /// The band held; `None` is null.
    pub band: Option<u8>,
    /// In a piece of its own: without a dwell no move ever waits.
    pub(crate) waiting: Option<Box<Waiting>>,
    pub(crate) told: Option<u8>,
    /// When the alert that is open first rang; `NEVER` where none is.
    pub(crate) open_since: EventTime,
    pub(crate) samples: Samples,
    pub(crate) arming: Arming,
}

/// A move that must hold for a while before it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) to: u8,
    pub(crate) since: EventTime,
    pub(crate) moved_by: Moved,
}

/// Whether an event or time moved a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Moved {
    ByEvent,
    ByTime,
}

/// Whether the next fall rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Arming {
    Armed,
    Spent,
}

// One of these stands for every score of every customer.
const _: () = assert!(size_of::<Held>() <= 48);

impl Held {
    /// When the alert that is open first rang, if one is.
    pub(crate) fn open_since(&self) -> Option<EventTime> {
        Some(self.open_since).filter(|since| *since != EventTime::NEVER)
    }

    pub(crate) fn new() -> Held {
        Held {
            value: None,
            previous: None,
            band: None,
            waiting: None,
            told: None,
            open_since: EventTime::NEVER,
            samples: Samples::default(),
            arming: Arming::Armed,
        }
    }

    /// The score less its sample of `days` ago, once the midnights up to `now` are noted.
    pub(crate) fn trend(&self, now: EventTime, days: u32) -> Option<f64> {
        self.samples.trend(self.value, now, days)
    }

    /// Arms the drop if the trend at one of the midnights in (`judged_at`, `now`] allows it.
    pub(crate) fn arm_at_midnights(
        &mut self,
        rule: &DropRule,
        judged_at: EventTime,
        now: EventTime,
    ) {
        if self.arming == Arming::Armed {
            return;
        }
        let first = judged_at.day_index() + 1;
        // After as many days as the trend looks back it is zero: nothing new comes later.
        let last = now.day_index().min(first + i64::from(rule.days));
        for day in first..=last {
            let trend = self.samples.trend(self.value, EventTime::of_day(day), rule.days);
            if trend.is_some_and(|trend| rule.arm_above < trend) {
                self.arming = Arming::Armed;
            }
        }
    }
}
