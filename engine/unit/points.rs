//! A score: points from 0 to 100.
//!
//! Rules   finite; rounded to the nearest 1e-9 before it is banded, compared or shown, so that
//!         the order of a sum cannot move it across an edge.
//! Source  readings of the specification.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// Points from 0 to 100, a whole number of 1e-9.
///
/// Kept as its steps plus one, so that a score that may be missing takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Points(NonZeroU64);

const _: () = assert!(size_of::<Option<Points>>() == 8);

/// The largest number of steps.
const STEPS_MAX: i64 = 100_000_000_000;

/// How many of the smallest steps make one point.
const STEPS: f64 = 1e9;

impl Points {
    /// The lowest score.
    pub const ZERO: Points = Points(NonZeroU64::MIN);
    /// The highest score.
    pub const FULL: Points = Points(NonZeroU64::MIN.saturating_add(STEPS_MAX.unsigned_abs()));

    /// `number` rounded to the nearest 1e-9 and kept within 0 to 100; a number that is not
    /// finite gives zero.
    #[inline]
    pub fn new(number: f64) -> Points {
        if !number.is_finite() {
            return Points::ZERO;
        }
        Points::from_steps(to_steps(number.clamp(0.0, 100.0)))
    }

    /// The full number.
    #[expect(clippy::cast_precision_loss, reason = "at most 1e11 steps: every one is exact")]
    #[inline]
    pub fn get(self) -> f64 {
        self.steps() as f64 / STEPS
    }

    /// The number of 1e-9 steps: 0 to 100 000 000 000.
    pub const fn steps(self) -> i64 {
        (self.0.get() - 1).cast_signed()
    }

    /// The score of `steps` steps of 1e-9, kept within 0 to 100.
    #[inline]
    pub fn from_steps(steps: i64) -> Points {
        let steps = steps.clamp(0, STEPS_MAX).unsigned_abs();
        Points(NonZeroU64::MIN.saturating_add(steps))
    }

    /// This score less `other`, of any sign, rounded to 1e-9.
    #[expect(clippy::cast_precision_loss, reason = "at most 1e11 steps: every one is exact")]
    pub fn minus(self, other: Points) -> f64 {
        (self.steps() - other.steps()) as f64 / STEPS
    }
}

/// Its steps, as in [`Points::from_steps`].
impl From<i64> for Points {
    fn from(steps: i64) -> Points {
        Points::from_steps(steps)
    }
}

/// As in [`Points::steps`].
impl From<Points> for i64 {
    fn from(points: Points) -> i64 {
        points.steps()
    }
}

/// `number`, within 0 to 100, in steps of 1e-9: the nearest, of two the larger.
///
/// By hand, for rounding is a call where the processor may be an old one.
#[expect(clippy::cast_possible_truncation, reason = "the caller bounds it by 100")]
#[expect(clippy::cast_precision_loss, reason = "at most 1e11 steps: every one is exact")]
#[inline]
fn to_steps(number: f64) -> i64 {
    let steps = number * STEPS;
    let whole = steps as i64;
    whole + i64::from(0.5 <= steps - whole as f64)
}

/// One decimal, rounded down, so that number and band agree.
impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.steps() / 100_000_000;
        write!(f, "{}.{}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_42_people_see_the_largest_tenth_not_above_the_score() {
        for (number, wanted) in [(79.999, "79.9"), (80.0, "80.0"), (0.09, "0.0"), (100.0, "100.0")]
        {
            assert_eq!(Points::new(number).to_string(), wanted);
        }
    }

    #[test]
    fn a_17_steps_are_the_nearest() {
        for number in [0.0, 5e-10, 4.999e-10, 1.5e-9, 2.5e-9, 33.333_333_333_333, 99.999_999_999_6]
        {
            let wanted = (number * STEPS).round();
            assert!((to_steps(number) as f64 - wanted).abs() < 0.1, "{number}");
        }
        for n in 0..200_000_u32 {
            let number = f64::from(n) * 0.000_499_999_7;
            assert!((to_steps(number) as f64 - (number * STEPS).round()).abs() < 0.1, "{number}");
        }
    }

    #[test]
    fn a_17_a_sum_in_another_order_is_the_same_score() {
        assert_eq!(Points::new(0.1 + 0.2 + 0.3), Points::new(0.3 + 0.2 + 0.1));
        assert_eq!(Points::new(f64::NAN), Points::ZERO);
    }
}
