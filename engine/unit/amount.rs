//! Numbers from records, kept as whole millionths so that sums are exact.
//!
//! Units   1 = 1 000 000 millionths; up to [`limit::AMOUNT_MAX`] either way.
//! Rules   rounded once, on arrival, halves away from zero; taking away what was added gives
//!         exactly what was there before.
//! Source  reading A-17 of the specification.

use serde::{Deserialize, Serialize};

use crate::unit::limit;

/// A number in millionths.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Micros(i64);

impl Micros {
    /// How many millionths one is.
    pub const ONE: Micros = Micros(1_000_000);
    /// Nothing.
    pub const ZERO: Micros = Micros(0);

    /// `count` millionths.
    pub const fn new(count: i64) -> Micros {
        Micros(count)
    }

    /// The number of millionths.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// `number` rounded to millionths, halves away from zero; `None` when it is not finite or
    /// larger than [`limit::AMOUNT_MAX`].
    ///
    /// A half is what the shortest decimal text of `number` says is one, so that 0.0000005 read
    /// from a record is a half although its nearest binary neighbour may lie below.
    pub fn from_f64(number: f64) -> Option<Micros> {
        if !number.is_finite() || limit::AMOUNT_MAX < number.abs() {
            return None;
        }
        let scaled = number * 1e6;
        let nearest = scaled.round();
        let off_half = ((scaled - scaled.trunc()).abs() - 0.5).abs();
        // The product is off by at most 2^-53 of itself: only this close can the sides be mixed up.
        if off_half <= scaled.abs() * 2.5e-16 {
            return by_decimals(number);
        }
        to_i64(nearest).map(Micros)
    }

    /// `number` whole units; `None` when it is larger than [`limit::AMOUNT_MAX`].
    pub fn from_whole(number: i64) -> Option<Micros> {
        number.checked_mul(Micros::ONE.0).map(Micros).filter(|micros| {
            i128::from(micros.0).abs() <= i128::from(limit::AMOUNT_MAX_WHOLE) * 1_000_000
        })
    }

    /// The nearest binary number.
    #[expect(clippy::cast_precision_loss, reason = "the nearest is what is wanted")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// `num / den` rounded to millionths, halves away from zero; `None` where `den` is zero or
    /// the result does not fit.
    pub fn divided(num: i128, den: i128) -> Option<Micros> {
        let scaled = num.checked_mul(1_000_000)?;
        let (quotient, rest) = (scaled.checked_div(den)?, scaled.checked_rem(den)?);
        let away = if den.unsigned_abs() <= rest.unsigned_abs().saturating_mul(2) {
            if (scaled < 0) == (den < 0) { 1 } else { -1 }
        } else {
            0
        };
        i64::try_from(quotient + away).ok().map(Micros)
    }
}

/// Rounds by the decimal digits of the shortest text that reads back as `number`.
fn by_decimals(number: f64) -> Option<Micros> {
    let text = format!("{:?}", number.abs());
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa.to_owned(), exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let digits: i128 = format!("{whole}{decimals}").parse().ok()?;
    let shift = exponent - i32::try_from(decimals.len()).ok()?;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let rounded = match (power, 0 <= shift) {
        (Some(power), true) => Micros::divided(digits.checked_mul(power)?, 1)?,
        (Some(power), false) => Micros::divided(digits, power)?,
        (None, _) => Micros::ZERO,
    };
    Some(Micros(if number < 0.0 { -rounded.0 } else { rounded.0 }))
}

/// A whole number of `f64` as `i64`.
#[expect(clippy::cast_possible_truncation, reason = "the caller bounds it by AMOUNT_MAX")]
fn to_i64(whole: f64) -> Option<i64> {
    Some(whole as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: f64, wanted: Option<i64>) {
        assert_eq!(Micros::from_f64(number).map(Micros::get), wanted, "{number}");
    }

    #[test]
    fn a_17_rounds_to_millionths_halves_away_from_zero() {
        check(0.3, Some(300_000));
        check(0.000_000_5, Some(1));
        check(-0.000_000_5, Some(-1));
        check(0.000_000_49, Some(0));
        check(1.000_000_5, Some(1_000_001));
        check(0.299_999_5, Some(300_000));
        check(1.005_000_5, Some(1_005_001));
        check(2e9, Some(2_000_000_000_000_000));
        check(1e300, None);
        check(f64::NAN, None);
        check(5e-324, Some(0));
    }

    #[test]
    fn a_quotient_is_rounded_once() {
        assert_eq!(Micros::divided(1, 3), Some(Micros(333_333)));
        assert_eq!(Micros::divided(-2, 3), Some(Micros(-666_667)));
        assert_eq!(Micros::divided(1, -2), Some(Micros(-500_000)));
        assert_eq!(Micros::divided(1, 0), None);
    }
}
