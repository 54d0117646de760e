//! Moments and spans of event time.
//!
//! Units   whole milliseconds; a moment counts from 1970-01-01T00:00:00Z.
//! Rules   nothing here reads a clock; sums saturate, so a far future stays a far future.
//! Errors  [`TimeFault`] says which part of a text was no time.
//! Source  RFC 3339; readings of the specification; days and dates by Howard
//!         Hinnant, <https://howardhinnant.github.io/date_algorithms.html> (jiff's own moments end
//!         a day before the last that a record may carry).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The moment a thing happened to the customer, in milliseconds since 1970-01-01 UTC.
///
/// Read from the record, never from the clock of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventTime(i64);

/// A length of time in milliseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Span(i64);

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFault {
    /// Not of the form `2026-11-21T10:00:00Z`.
    Form,
    /// A month, day, hour, minute, second or offset that does not exist; second 60 included.
    Part,
    /// Before 1970 or after 9999.
    Year,
}

impl fmt::Display for TimeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeFault::Form => "wanted RFC 3339 with an offset, such as 2026-11-21T10:00:00Z",
            TimeFault::Part => "it has a part that does not exist on the calendar",
            TimeFault::Year => "wanted a year from 1970 to 9999",
        })
    }
}

impl std::error::Error for TimeFault {}

impl EventTime {
    /// The first moment a record may carry: 1970-01-01T00:00:00Z.
    pub const FIRST: EventTime = EventTime(0);
    /// The last moment a record may carry: 9999-12-31T23:59:59.999Z.
    pub const LAST: EventTime = EventTime(253_402_300_799_999);
    /// Later than every moment: "never".
    pub const NEVER: EventTime = EventTime(i64::MAX);
    /// Earlier than every moment: "always".
    pub const ALWAYS: EventTime = EventTime(i64::MIN);

    /// The moment `millis` milliseconds after 1970-01-01 UTC, of any sign.
    pub const fn from_millis(millis: i64) -> EventTime {
        EventTime(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whether a record may carry this moment: years 1970 to 9999.
    pub fn is_recordable(self) -> bool {
        EventTime::FIRST <= self && self <= EventTime::LAST
    }

    /// The time passed since `earlier`, or zero if `earlier` is not earlier.
    pub const fn since(self, earlier: EventTime) -> Span {
        let millis = self.0.saturating_sub(earlier.0);
        Span(if millis < 0 { 0 } else { millis })
    }

    /// This moment moved into the future by `span`; `NEVER` and `ALWAYS` stay what they are.
    pub const fn plus(self, span: Span) -> EventTime {
        if self.0 == i64::MIN { self } else { EventTime(self.0.saturating_add(span.0)) }
    }

    /// This moment moved into the past by `span`; `NEVER` and `ALWAYS` stay what they are.
    pub const fn minus(self, span: Span) -> EventTime {
        if self.0 == i64::MAX { self } else { EventTime(self.0.saturating_sub(span.0)) }
    }

    /// The number of the UTC day this moment lies in; day 0 is 1970-01-01.
    pub const fn day_index(self) -> i64 {
        self.0.div_euclid(Span::DAY.0)
    }

    /// The first moment of UTC day `day_index`.
    pub const fn of_day(day_index: i64) -> EventTime {
        EventTime(day_index.saturating_mul(Span::DAY.0))
    }

    /// Reads RFC 3339 with `T` (or `t`) and an offset (`Z`, `z` or `±hh:mm`). Digits beyond
    /// milliseconds are cut.
    ///
    /// # Errors
    ///
    /// [`TimeFault`] where the text is of another form, names no real moment (second 60
    /// included) or lies outside the years 1970 to 9999.
    pub fn parse(text: &str) -> Result<EventTime, TimeFault> {
        let bytes = text.as_bytes();
        if bytes.len() < 20 || !matches!(bytes[10], b'T' | b't') {
            return Err(TimeFault::Form);
        }
        for (at, mark) in [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')] {
            if bytes[at] != mark {
                return Err(TimeFault::Form);
            }
        }
        let day_index = date(bytes)?;
        let (hour, minute) = (digits::<2>(bytes, 11)?, digits::<2>(bytes, 14)?);
        let second = digits::<2>(bytes, 17)?;
        if 23 < hour || 59 < minute || 59 < second {
            return Err(TimeFault::Part);
        }
        let (millis, rest) = fraction(&bytes[19..])?;
        let offset_s = offset(rest)?;
        let seconds = day_index * 86_400 + hour * 3600 + minute * 60 + second - offset_s;
        let time = EventTime(seconds * 1000 + millis);
        if time.is_recordable() { Ok(time) } else { Err(TimeFault::Year) }
    }

    /// Reads a calendar day, `2026-11-21`, as its first moment in UTC. Unlike a moment it may lie
    /// before 1970, for it may be a birthday.
    ///
    /// # Errors
    ///
    /// [`TimeFault`] where the text is of another form or names no day of the years 1 to 9999.
    pub fn parse_day(text: &str) -> Result<EventTime, TimeFault> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(TimeFault::Form);
        }
        if bytes.starts_with(b"0000") {
            return Err(TimeFault::Year);
        }
        date(bytes).map(EventTime::of_day)
    }
}

/// The number of the day of `2026-11-21`, with which `bytes` begins; the marks between its parts
/// have been looked at.
#[inline]
fn date(bytes: &[u8]) -> Result<i64, TimeFault> {
    let (year, month) = (digits::<4>(bytes, 0)?, digits::<2>(bytes, 5)?);
    let day = digits::<2>(bytes, 8)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let day_max = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => return Err(TimeFault::Part),
    };
    if day < 1 || day_max < day {
        return Err(TimeFault::Part);
    }
    // A year that begins in March has its leap day at its end.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(era * DAYS_OF_ERA + day_of_era - EPOCH_DAY)
}

/// The year, month and day of day `day_index`.
fn civil(day_index: i64) -> (i64, i64, i64) {
    let day = day_index.saturating_add(EPOCH_DAY);
    let (era, day_of_era) = (day.div_euclid(DAYS_OF_ERA), day.rem_euclid(DAYS_OF_ERA));
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// Days of 400 years, after which the calendar repeats.
const DAYS_OF_ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAY: i64 = 719_468;

/// The number written in `LEN` digits at `from`.
#[inline]
fn digits<const LEN: usize>(bytes: &[u8], from: usize) -> Result<i64, TimeFault> {
    let digits = bytes.get(from..).and_then(|rest| rest.first_chunk::<LEN>());
    let (mut number, mut are_digits) = (0, true);
    for byte in digits.ok_or(TimeFault::Form)? {
        are_digits &= byte.is_ascii_digit();
        number = number * 10 + i64::from(byte.wrapping_sub(b'0'));
    }
    if are_digits { Ok(number) } else { Err(TimeFault::Form) }
}

/// The milliseconds of `.123456…`, if it stands there, and what follows.
fn fraction(bytes: &[u8]) -> Result<(i64, &[u8]), TimeFault> {
    let Some((b'.', after)) = bytes.split_first() else { return Ok((0, bytes)) };
    let n_digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if n_digits == 0 {
        return Err(TimeFault::Form);
    }
    let places = [100, 10, 1].into_iter().zip(&after[..n_digits]);
    let millis = places.map(|(place, byte)| place * i64::from(byte - b'0')).sum();
    Ok((millis, &after[n_digits..]))
}

/// The seconds east of UTC of `Z`, `z` or `±hh:mm`, which must be all that is left.
fn offset(bytes: &[u8]) -> Result<i64, TimeFault> {
    match bytes {
        [b'Z' | b'z'] => Ok(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits::<2>(bytes, 1)?, digits::<2>(bytes, 4)?);
            if 23 < hours || 59 < minutes {
                return Err(TimeFault::Part);
            }
            let seconds = hours * 3600 + minutes * 60;
            Ok(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => Err(TimeFault::Form),
    }
}

impl EventTime {
    /// What it is shown as, and how many bytes of that count; `None` beyond the years 0 to 9999.
    pub(crate) fn shown(self) -> Option<([u8; 24], usize)> {
        let (year, month, day) = civil(self.day_index());
        let millis = self.0.rem_euclid(Span::DAY.0);
        let (seconds, hundredths) = (millis / 1_000, millis / 10 % 100);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let digit = |number: i64| b'0' + u8::try_from(number.rem_euclid(10)).unwrap_or(0);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let pairs = [year / 100, year, month, day, hour, minute, second, hundredths];
        for (at, number) in [0, 2, 5, 8, 11, 14, 17, 20].into_iter().zip(pairs) {
            (text[at], text[at + 1]) = (digit(number / 10), digit(number));
        }
        text[22] = digit(millis);
        let is_whole = millis % 1_000 == 0;
        text[19] = if is_whole { b'Z' } else { b'.' };
        (0..=9_999).contains(&year).then_some((text, if is_whole { 20 } else { 24 }))
    }
}

/// UTC with `Z`; milliseconds only where they are not zero.
impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((text, len)) = self.shown() {
            return f.write_str(str::from_utf8(&text[..len]).unwrap_or_default());
        }
        if *self == EventTime::ALWAYS || *self == EventTime::NEVER {
            return f.write_str(if self.0 < 0 { "always" } else { "never" });
        }
        // No record carries such a moment: its day says enough.
        let (year, month, day) = civil(self.day_index());
        write!(f, "{year}-{month:02}-{day:02}")
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The smallest span there is.
    pub const MILLISECOND: Span = Span(1);
    /// Twenty-four hours.
    pub const DAY: Span = Span(86_400_000);
    /// Longer than every window: "for ever".
    pub const FOREVER: Span = Span(i64::MAX);

    /// A span of `millis` milliseconds; a negative number gives zero.
    pub const fn millis(millis: i64) -> Span {
        Span(if millis < 0 { 0 } else { millis })
    }

    /// A span of `days` times 24 hours.
    pub const fn days(days: i64) -> Span {
        Span::millis(days.saturating_mul(Span::DAY.0))
    }

    /// The length in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Both spans one after the other.
    pub const fn plus(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }

    /// What is left of this span when `other` is taken away, or zero.
    pub const fn minus(self, other: Span) -> Span {
        Span::millis(self.0.saturating_sub(other.0))
    }

    /// Reads a whole number with a unit: `250ms`, `30s`, `15m`, `24h`, `14d`, `2w`; or `0`.
    ///
    /// Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Span> {
        if text == "0" {
            return Some(Span::ZERO);
        }
        let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(unit_at);
        let number: i64 = number.parse().ok()?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        number.checked_mul(millis).map(Span)
    }
}

/// The largest unit that leaves a whole number: `14d`, `36h`, `1500ms`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (millis, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
            if self.0 != 0 && self.0 % millis == 0 {
                return write!(f, "{}{unit}", self.0 / millis);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Result<i64, TimeFault>) {
        assert_eq!(EventTime::parse(text).map(EventTime::millis), wanted, "{text}");
    }

    #[test]
    fn a_40_reads_rfc_3339_with_an_offset_and_nothing_else() {
        check("1970-01-01T00:00:00Z", Ok(0));
        check("1970-01-01t00:00:01z", Ok(1_000));
        check("2026-11-21T10:00:00+02:00", Ok(1_795_248_000_000));
        check("1970-01-02T00:00:00.1239999Z", Ok(86_400_123));
        check("9999-12-31T23:59:59.999Z", Ok(253_402_300_799_999));
        check("0000-01-01T00:00:00Z", Err(TimeFault::Year));
        check("1969-12-31T23:59:59Z", Err(TimeFault::Year));
        check("2026-11-21 10:00:00Z", Err(TimeFault::Form));
        check("2026-11-21T10:00:00", Err(TimeFault::Form));
        check("2026-11-21T10:00:60Z", Err(TimeFault::Part));
        check("2026-02-29T10:00:00Z", Err(TimeFault::Part));
        check("2026-11-21T10:00:00.Z", Err(TimeFault::Form));
        check("1795248000000", Err(TimeFault::Form));
    }

    #[test]
    fn every_day_reads_back_and_follows_the_one_before() {
        let (mut last, mut n_days) = ((0, 12, 31), 0);
        for day_index in -719_162..=EventTime::LAST.day_index() {
            let day = civil(day_index);
            let text = format!("{:04}-{:02}-{:02}", day.0, day.1, day.2);
            assert_eq!(EventTime::parse_day(&text).map(EventTime::day_index), Ok(day_index));
            assert!(last < day, "{last:?} {day:?}");
            (last, n_days) = (day, n_days + 1);
        }
        // 9 999 years with 2 424 leap days.
        assert_eq!((last, n_days), ((9999, 12, 31), 9_999 * 365 + 2_424));
    }

    #[test]
    fn a_day_may_lie_before_1970() {
        let day = |text| EventTime::parse_day(text).map(EventTime::day_index);
        assert_eq!((day("1970-01-02"), day("1969-12-31")), (Ok(1), Ok(-1)));
        assert_eq!(day("0001-01-01"), Ok(-719_162));
        assert_eq!(day("0000-12-31"), Err(TimeFault::Year));
        let faults = (Err(TimeFault::Part), Err(TimeFault::Form));
        assert_eq!((day("2026-02-29"), day("2026-2-9")), faults);
    }

    #[test]
    fn a_41_writes_utc_with_milliseconds_only_where_there_are_some() {
        let texts = [EventTime::NEVER, EventTime::ALWAYS, EventTime(-1)].map(|t| t.to_string());
        assert_eq!(texts, ["never", "always", "1969-12-31T23:59:59.999Z"]);
        assert_eq!(EventTime::LAST.to_string(), "9999-12-31T23:59:59.999Z");
        let texts = [0, 7].map(|millis| EventTime(1_795_248_000_000 + millis).to_string());
        assert_eq!(texts, ["2026-11-21T08:00:00Z", "2026-11-21T08:00:00.007Z"]);
    }

    #[test]
    fn spans_are_read_and_written_with_their_unit() {
        for text in ["14d", "36h", "1500ms", "1m"] {
            assert_eq!(Span::parse(text).map(|span| span.to_string()).as_deref(), Some(text));
        }
        let spans = ["2w", "14", "-1d"].map(Span::parse);
        assert_eq!(spans, [Some(Span::days(14)), None, None]);
    }
}
