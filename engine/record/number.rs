//! The text of a JSON number to millionths, and back.
//!
//! Rules   read from the decimal digits themselves, so that the half that is rounded away from
//!         zero is the half that was written; a number never passes through binary.
//! Cost    one walk over the digits.
//! Source  RFC 8259 §6; reading A-17 of the specification.

use crate::unit::{Micros, limit};

/// The largest number of millionths.
const MICROS_MAX: i64 = limit::AMOUNT_MAX_WHOLE * 1_000_000;

/// Decimals that are kept: millionths have six.
const DECIMALS: i64 = 6;

/// The number written in `text`, a number of JSON, rounded to millionths, halves away from zero;
/// `None` where it is larger than [`limit::AMOUNT_MAX`] either way.
pub(crate) fn parse(text: &str) -> Option<Micros> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let mantissa_len = digits.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match mantissa_len {
        Some(len) => (&digits[..len], exponent(&digits[len + 1..])),
        None => (digits, 0),
    };
    let whole_len = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
    // The digits before this place are kept, the one at it decides the rounding.
    let places = i64::try_from(whole_len).ok()?.saturating_add(exponent).saturating_add(DECIMALS);
    let micros = round(mantissa, places)?;
    Some(Micros::new(if negative { -micros } else { micros }))
}

/// The first `places` digits of `mantissa`, filled up with zeros and rounded by the next one.
fn round(mantissa: &[u8], places: i64) -> Option<i64> {
    let mut micros: i64 = 0;
    let mut place: i64 = 0;
    for byte in mantissa {
        if *byte == b'.' {
            continue;
        }
        let digit = i64::from(byte - b'0');
        if places <= place {
            let up = place == places && 5 <= digit;
            return Some(micros + i64::from(up)).filter(|&micros| micros <= MICROS_MAX);
        }
        micros = micros.checked_mul(10)?.checked_add(digit)?;
        place += 1;
    }
    // Of nothing but zeros there is no end to fill up, whatever the exponent says.
    while place < places && micros != 0 {
        micros = micros.checked_mul(10)?;
        place += 1;
    }
    Some(micros).filter(|&micros| micros <= MICROS_MAX)
}

/// The exponent in `text`, its sign included; one beyond all bounds stays beyond them.
fn exponent(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    // A record has fewer digits than this, so nothing beyond it can be made up for by them.
    const BEYOND: i64 = 1 << 40;
    let mut exponent: i64 = 0;
    for byte in digits {
        exponent = (exponent * 10 + i64::from(byte - b'0')).min(BEYOND);
    }
    if negative { -exponent } else { exponent }
}

/// Writes `micros` as a JSON number without needless zeros: `3`, `-0.25`.
pub(crate) fn write(micros: Micros, out: &mut Vec<u8>) {
    if micros < Micros::ZERO {
        out.push(b'-');
    }
    let count = micros.get().unsigned_abs();
    write_whole(count / 1_000_000, 1, out);
    let mut decimals = count % 1_000_000;
    if decimals == 0 {
        return;
    }
    let mut n_digits = 6;
    while decimals.is_multiple_of(10) {
        decimals /= 10;
        n_digits -= 1;
    }
    out.push(b'.');
    write_whole(decimals, n_digits, out);
}

/// Writes `number` in decimal with at least `n_digits_min` digits.
fn write_whole(mut number: u64, n_digits_min: usize, out: &mut Vec<u8>) {
    let start = out.len();
    while number != 0 || out.len() - start < n_digits_min {
        out.push(b'0' + u8::try_from(number % 10).unwrap_or(0));
        number /= 10;
    }
    out[start..].reverse();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, wanted: Option<i64>) {
        assert_eq!(parse(text).map(Micros::get), wanted, "{text}");
    }

    #[test]
    fn a_17_numbers_are_rounded_by_their_decimals_halves_away_from_zero() {
        check("0", Some(0));
        check("-0", Some(0));
        check("7", Some(7_000_000));
        check("0.3", Some(300_000));
        check("0.0000005", Some(1));
        check("-0.0000005", Some(-1));
        check("0.00000049999999999999999999999999", Some(0));
        check("0.9999995", Some(1_000_000));
        check("1.005e2", Some(100_500_000));
        check("12345e-3", Some(12_345_000));
        check("5E-7", Some(1));
        check("49e-8", Some(0));
        check("999e-10", Some(0));
        check("1e+3", Some(1_000_000_000));
    }

    #[test]
    fn numbers_beyond_the_bound_are_refused_and_zeros_are_not() {
        check("1e12", Some(1_000_000_000_000_000_000));
        check("-1e12", Some(-1_000_000_000_000_000_000));
        check("1000000000000.000001", None);
        check("1e999", None);
        check("-1e999", None);
        check("1e99999999999999999999999999", None);
        check("123456789012345678901234567890", None);
        check("0e999", Some(0));
        check("0.000e999", Some(0));
        check("1e-999", Some(0));
        check("1e-99999999999999999999999999", Some(0));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(count in -MICROS_MAX..=MICROS_MAX) {
            let mut text = Vec::new();
            write(Micros::new(count), &mut text);
            let text = String::from_utf8_lossy(&text);
            prop_assert_eq!(parse(&text), Some(Micros::new(count)), "{}", text);
        }

        #[test]
        fn both_roads_agree_on_ordinary_numbers(count in -1_000_000_000_i64..1_000_000_000) {
            // Seven decimals, so that halves are met.
            let (whole, rest) = (count.unsigned_abs() / 10_000_000, count.unsigned_abs() % 10_000_000);
            let text = format!("{}{whole}.{rest:07}", if count < 0 { "-" } else { "" });
            prop_assert_eq!(parse(&text), text.parse().ok().and_then(Micros::from_f64), "{}", text);
        }
    }
}
