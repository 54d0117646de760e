//! Sub-scores and their weighted mean.
//!
//! Rules   a sub-score is the mean of its available inputs, rounded; the score weighs those that are
//!         available, in whole numbers.
//! Source  DESIGN §5.

use crate::model::Subscore;
use crate::unit::Points;
use crate::window::Readings;

/// The mean of a sub-score's available inputs, rounded; `None` without any.
pub(crate) fn subscore(rule: &Subscore, readings: &Readings<'_>) -> Option<Points> {
    let (mut sum, mut n) = (0.0, 0.0);
    for input in &rule.inputs {
        if let Some(value) = readings.value(input.measure) {
            sum += linear(value, input.low, input.high);
            n += 1.0;
        }
    }
    if n < 1.0 { None } else { Some(Points::new(sum / n)) }
}

/// Points from 0 at `low` to 100 at `high`, clamped; `low` may lie above `high`.
#[inline]
pub(crate) fn linear(value: f64, low: f64, high: f64) -> f64 {
    ((value - low) / (high - low) * 100.0).clamp(0.0, 100.0)
}

/// The weighted mean over the available sub-scores, their weights, and all weights.
///
/// In whole numbers: every tenth mean of steps is a half, which a sum of binary numbers would
/// round either way. Weights add up to a million, a sum to 1e17.
pub(crate) fn weighted(
    subscores: &[Subscore],
    readings: &Readings<'_>,
) -> (Option<Points>, i64, i64) {
    let (mut sum, mut available, mut all) = (0_i64, 0, 0);
    for rule in subscores {
        let weight = rule.weight.get();
        all += weight;
        if let Some(points) = subscore(rule, readings) {
            sum += weight * points.steps();
            available += weight;
        }
    }
    let nearest = (2 * sum + available).checked_div(2 * available);
    let value = nearest.map(Points::from_steps);
    (value, available, all)
}

/// `part / all`, zero where there is nothing.
#[expect(clippy::cast_precision_loss, reason = "millionths of points: far below 2^53")]
#[inline]
pub(crate) fn share(part: i64, all: i64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}
