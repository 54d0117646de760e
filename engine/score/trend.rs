//! Daily samples of a score, and how far it moved since.
//!
//! Shape   a sample is the score as last judged before a UTC midnight; only midnights at which
//!         it differs from the one before are kept, 8 bytes each.
//! Source  readings of the specification.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::unit::{EventTime, Points, Span};

/// The samples of one score.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Samples {
    /// The day in the upper bits, the score's steps plus one below, zero for null.
    packed: ThinVec<u64>,
}

/// How many bits the steps of a score take: 1e11 + 1 fits.
const STEP_BITS: u32 = 40;
/// Samples are kept for the longest trend and the day it falls into.
const DAYS_KEPT: i64 = 31;

/// With the head of their vector so many samples take 128 bytes, up to which the allocator's sizes
/// lie 16 bytes apart.
const FEW: usize = 14;

fn pack(day: i64, value: Option<Points>) -> u64 {
    let steps = value.map_or(0, |points| points.steps().unsigned_abs() + 1);
    day.unsigned_abs() << STEP_BITS | steps
}

fn day_of(packed: u64) -> i64 {
    i64::try_from(packed >> STEP_BITS).unwrap_or(i64::MAX)
}

fn value_of(packed: u64) -> Option<Points> {
    let steps = packed & ((1 << STEP_BITS) - 1);
    steps.checked_sub(1).and_then(|steps| i64::try_from(steps).ok()).map(Points::from_steps)
}

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Whether the score was null at the latest.
    pub(crate) fn ends_in_null(&self) -> bool {
        self.packed.last().is_some_and(|last| value_of(*last).is_none())
    }

    /// Notes the midnights in (`judged_at`, `now`], at which the score stood at `value`.
    pub fn roll(&mut self, judged_at: EventTime, now: EventTime, value: Option<Points>) {
        let day = judged_at.day_index() + 1;
        if now < EventTime::of_day(day) {
            return;
        }
        if self.packed.last().is_none_or(|last| value_of(*last) != value) {
            self.make_room();
            self.packed.push(pack(day, value));
        }
        let oldest = now.day_index() - DAYS_KEPT;
        let n_stale = self.packed.iter().skip(1).take_while(|p| day_of(**p) <= oldest).count();
        self.packed.drain(..n_stale);
    }

    /// Makes room for one more: the allocator's sizes lie two samples apart, later four, and a
    /// sample comes once a day at most.
    fn make_room(&mut self) {
        if self.packed.len() == self.packed.capacity() {
            let n_more = if self.packed.len() < FEW { 2 } else { 4 };
            self.packed.reserve_exact(n_more);
        }
    }

    /// The score as last judged before the midnight that begins day `day_index`.
    pub fn at(&self, day_index: i64) -> Option<Points> {
        let known = self.packed.iter().rev().find(|packed| day_of(**packed) <= day_index);
        known.and_then(|packed| value_of(*packed))
    }

    /// `value` less the sample of the latest midnight at or before `now` − `days`.
    pub fn trend(&self, value: Option<Points>, now: EventTime, days: u32) -> Option<f64> {
        let day_index = now.minus(Span::days(i64::from(days))).day_index();
        Some(value?.minus(self.at(day_index)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_35_a_sample_is_the_score_as_last_judged_strictly_before_midnight() {
        let mut samples = Samples::default();
        let (first, second) = (Points::new(80.0), Points::new(55.5));
        let noon = EventTime::of_day(10).plus(Span::millis(43_200_000));
        let midnight = EventTime::of_day(12);
        samples.roll(noon, midnight, Some(first));
        samples.roll(midnight, EventTime::of_day(20), Some(second));
        assert_eq!(samples.at(10), None);
        assert_eq!(samples.at(11), Some(first));
        assert_eq!(samples.at(12), Some(first));
        assert_eq!(samples.at(13), Some(second));
        let trend = samples.trend(Some(second), EventTime::of_day(18), 7);
        assert_eq!(trend, Some(-24.5));
        assert_eq!(samples.trend(None, EventTime::of_day(18), 7), None);
    }
}
