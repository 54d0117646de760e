//! Moments as text and back, by the calendar rules alone.
//!
//! Units   milliseconds since 1970-01-01T00:00:00Z.
//! Source  RFC 3339; readings.

use crate::played::DAY;

/// 9999-12-31T23:59:59.999Z.
const LAST: i64 = 253_402_300_799_999;

/// The moment that `text` names, or `None` where it names none.
pub(crate) fn read(text: &str) -> Option<i64> {
    if !text.is_ascii() || text.len() < 20 {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        if all_digits { digits.parse().ok() } else { None }
    };
    let mark =
        |at: usize, marks: &str| text.get(at..=at).is_some_and(|found| marks.contains(found));
    if !(mark(4, "-") && mark(7, "-") && mark(10, "Tt") && mark(13, ":") && mark(16, ":")) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || days_of(year, month) < day {
        return None;
    }
    if 23 < hour || 59 < minute || 59 < second {
        return None;
    }
    let mut rest = &text[19..];
    let mut millis = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let n_digits = fraction.bytes().take_while(|byte| byte.is_ascii_digit()).count();
        if n_digits == 0 {
            return None;
        }
        let three: String = fraction[..n_digits].chars().chain("000".chars()).take(3).collect();
        millis = three.parse().ok()?;
        rest = &fraction[n_digits..];
    }
    let east = match rest {
        "Z" | "z" => 0,
        _ => offset_minutes(rest)?,
    };
    let minutes = (day_number(year, month, day) * 24 + hour) * 60 + minute - east;
    let moment = (minutes * 60 + second) * 1000 + millis;
    (0..=LAST).contains(&moment).then_some(moment)
}

/// Whether a record may carry this number of milliseconds as its time.
pub(crate) fn is_in_range(moment: i64) -> bool {
    (0..=LAST).contains(&moment)
}

/// UTC with `Z`; milliseconds only where they are not zero.
pub(crate) fn write(moment: i64) -> String {
    let mut days_left = moment.div_euclid(DAY);
    let millis = moment.rem_euclid(DAY);
    let mut year = 1970;
    while 365 + i64::from(is_leap(year)) <= days_left {
        days_left -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    while days_of(year, month) <= days_left {
        days_left -= days_of(year, month);
        month += 1;
    }
    let (second, fraction) = (millis / 1000, millis % 1000);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let day = days_left + 1;
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction == 0 { format!("{text}Z") } else { format!("{text}.{fraction:03}Z") }
}

/// Minutes east of UTC of `±hh:mm`.
fn offset_minutes(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

/// Days from 1970-01-01 to this day.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let every = |n: i64| (year - 1).div_euclid(n) - 1969 / n;
    let years = (year - 1970) * 365 + every(4) - every(100) + every(400);
    years + (1..month).map(|earlier| days_of(year, earlier)).sum::<i64>() + day - 1
}

/// The length of a month.
fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether the year has a 29 February.
fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[test]
fn a_40_a_41_moments_are_read_and_written() {
    for (text, wanted) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2026-11-21T10:00:00+02:00", Some(1_795_248_000_000)),
        ("1970-01-02t00:00:00.1239999z", Some(86_400_123)),
        ("9999-12-31T23:59:59.999Z", Some(LAST)),
        ("1969-12-31T23:59:59Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("2026-02-29T10:00:00Z", None),
        ("2026-11-21T10:00:60Z", None),
        ("2026-11-21 10:00:00Z", None),
        ("2026-11-21T10:00:00", None),
        ("2026-11-21T10:00:00.Z", None),
    ] {
        assert_eq!(read(text), wanted, "{text}");
    }
    for day in (0..40_000).step_by(7) {
        let moment = day * DAY + 1_007;
        assert_eq!(read(&write(moment)), Some(moment), "{}", write(moment));
    }
    assert_eq!(write(1_795_248_000_000), "2026-11-21T08:00:00Z");
    assert_eq!(write(1_795_248_000_007), "2026-11-21T08:00:00.007Z");
}
