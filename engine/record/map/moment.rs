//! The times of a platform's rows: how they are written, and in which time zone.
//!
//! Rules   a day means its first moment. A local time that a clock change skips is moved forward
//!         by the gap, one that it repeats means the first of the two. Digits beyond
//!         milliseconds are cut.
//! Source  the time zone database that is compiled in, not the machine's: a replay must not
//!         depend on where it runs.

use jiff::civil;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::unit::EventTime;
use crate::unit::time::TimeFault;

/// The years a record may name.
const YEARS: &str = "a year from 1970 to 9999";

/// How a column writes its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// `2026-11-21T10:00:00Z`.
    Rfc3339,
    /// Whole milliseconds since 1970.
    Millis,
    /// Seconds since 1970, with or without decimals.
    Seconds,
    /// `2026-11-21`.
    Date,
    /// As a pattern of strptime says.
    Pattern(String),
}

impl Writing {
    /// The writing called `name`: a word or a pattern.
    ///
    /// # Errors
    ///
    /// What a map may say here.
    pub(super) fn named(name: &str) -> Result<Writing, String> {
        match name {
            "rfc3339" => Ok(Writing::Rfc3339),
            "ms" => Ok(Writing::Millis),
            "s" => Ok(Writing::Seconds),
            "date" => Ok(Writing::Date),
            pattern if reads_back(pattern) => Ok(Writing::Pattern(pattern.to_owned())),
            _ => Err("rfc3339, ms, s, date, or a pattern such as \"%Y-%m-%d %H:%M:%S\" that \
                      names a whole day"
                .to_owned()),
        }
    }

    /// What a text of this writing looks like.
    fn wanted(&self) -> String {
        match self {
            Writing::Rfc3339 => "RFC 3339 with an offset, such as 2026-11-21T10:00:00Z".to_owned(),
            Writing::Millis => "whole milliseconds since 1970".to_owned(),
            Writing::Seconds => "seconds since 1970".to_owned(),
            Writing::Date => "a day such as 2026-11-21".to_owned(),
            Writing::Pattern(pattern) => format!("a time written as {pattern:?}"),
        }
    }

    /// The moment that `text` means in `zone`.
    ///
    /// # Errors
    ///
    /// What was wanted instead.
    pub(super) fn read(&self, text: &str, zone: &TimeZone) -> Result<EventTime, String> {
        let time = match self {
            Writing::Rfc3339 => EventTime::parse(text).map_err(|fault| match fault {
                TimeFault::Form | TimeFault::Part => self.wanted(),
                TimeFault::Year => YEARS.to_owned(),
            })?,
            Writing::Millis => {
                text.parse().map(EventTime::from_millis).map_err(|_| self.wanted())?
            }
            Writing::Seconds => seconds(text).ok_or_else(|| self.wanted())?,
            Writing::Date => {
                let day = day(text).ok_or_else(|| self.wanted())?;
                moment(day.to_datetime(civil::Time::midnight()), zone)
                    .ok_or_else(|| self.wanted())?
            }
            Writing::Pattern(pattern) => {
                by_pattern(pattern, text, zone).ok_or_else(|| self.wanted())?
            }
        };
        if time.is_recordable() { Ok(time) } else { Err(YEARS.to_owned()) }
    }

    /// The calendar day that `text` means, `2026-11-21`, which may lie before 1970.
    ///
    /// # Errors
    ///
    /// What was wanted instead.
    pub(super) fn read_day(&self, text: &str, zone: &TimeZone) -> Result<String, String> {
        let found = match self {
            Writing::Date => day(text),
            Writing::Pattern(pattern) => {
                BrokenDownTime::parse(pattern, text).ok().and_then(|time| time.to_date().ok())
            }
            _ => return self.read(text, zone).map(|time| day_of(time, zone)),
        };
        found.map(|day| day.to_string()).ok_or_else(|| self.wanted())
    }
}

/// The calendar day of `time` in `zone`, `2026-11-21`.
pub(super) fn day_of(time: EventTime, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(time.millis()) {
        Ok(moment) => zone.to_datetime(moment).date().to_string(),
        Err(_) => String::new(),
    }
}

/// The time zone called `name`: of the IANA database, or an offset such as `+02:00`.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    if let Some(sign) = name.strip_prefix('+').map(|_| 1).or(name.strip_prefix('-').map(|_| -1)) {
        let (hours, minutes) = name[1..].split_once(':')?;
        let both = hours.len() == 2 && minutes.len() == 2;
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let real = both && (0..24).contains(&hours) && (0..60).contains(&minutes);
        let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?;
        return real.then(|| TimeZone::fixed(offset));
    }
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The moment of a local time in `zone`.
fn moment(local: civil::DateTime, zone: &TimeZone) -> Option<EventTime> {
    zone.to_timestamp(local).ok().map(|moment| EventTime::from_millis(moment.as_millisecond()))
}

/// The day written as `2026-11-21`, with just these digits.
fn day(text: &str) -> Option<civil::Date> {
    let bytes = text.as_bytes();
    let digits = |from, to| {
        text.get(from..to).filter(|part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// Seconds since 1970, cut to milliseconds.
fn seconds(text: &str) -> Option<EventTime> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !(whole.bytes().chain(decimals.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let mut millis = seconds.checked_mul(1_000)?;
    for (byte, worth) in decimals.bytes().zip([100, 10, 1]) {
        millis = millis.checked_add(i64::from(byte - b'0') * worth)?;
    }
    Some(EventTime::from_millis(millis))
}

/// The moment that `text` means by `pattern`; an offset in the text goes before `zone`, and a
/// text without a time of day means the day's first moment.
fn by_pattern(pattern: &str, text: &str, zone: &TimeZone) -> Option<EventTime> {
    let parts = BrokenDownTime::parse(pattern, text).ok()?;
    if let Ok(moment) = parts.to_timestamp() {
        return Some(EventTime::from_millis(moment.as_millisecond()));
    }
    let time = if parts.hour().is_some() { parts.to_time().ok()? } else { civil::Time::midnight() };
    moment(parts.to_date().ok()?.to_datetime(time), zone)
}

/// Whether a time written by `pattern` can be read by it, and names at least a day.
fn reads_back(pattern: &str) -> bool {
    let Ok(example) = jiff::Timestamp::from_second(1_795_248_000) else { return false };
    let example = example.to_zoned_datetime(TimeZone::UTC);
    pattern.contains('%')
        && strtime::format(pattern, &example)
            .is_ok_and(|text| by_pattern(pattern, &text, &TimeZone::UTC).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(writing: &str, zone_name: &str, text: &str, wanted: Option<&str>) {
        let found = Writing::named(writing).ok().and_then(|writing| {
            writing.read(text, &zone(zone_name)?).ok().map(|time| time.to_string())
        });
        assert_eq!(found.as_deref(), wanted, "{text} as {writing} in {zone_name}");
    }

    #[test]
    fn times_are_read_in_every_writing() {
        check("rfc3339", "UTC", "2026-11-21T10:00:00+02:00", Some("2026-11-21T08:00:00Z"));
        check("ms", "UTC", "1795248000007", Some("2026-11-21T08:00:00.007Z"));
        check("s", "UTC", "1795248000", Some("2026-11-21T08:00:00Z"));
        check("s", "UTC", "1795248000.0079", Some("2026-11-21T08:00:00.007Z"));
        check("date", "UTC", "2026-11-21", Some("2026-11-21T00:00:00Z"));
        check("%Y-%m-%d %H:%M", "UTC", "2023-07-28 3:00", Some("2023-07-28T03:00:00Z"));
        check("%d/%m/%Y", "UTC", "28/07/2023", Some("2023-07-28T00:00:00Z"));
        check(
            "%Y-%m-%d %H:%M:%S%.f %z",
            "UTC",
            "2023-07-28 03:00:00.5 +0200",
            Some("2023-07-28T01:00:00.500Z"),
        );
        check("%s", "UTC", "1795248000", Some("2026-11-21T08:00:00Z"));
    }

    #[test]
    fn local_times_are_read_in_their_zone() {
        check("date", "Europe/Berlin", "2026-07-01", Some("2026-06-30T22:00:00Z"));
        check("date", "+05:30", "2026-07-01", Some("2026-06-30T18:30:00Z"));
        // The hour that the clock change skips, and the one that it repeats.
        check("%Y-%m-%d %H:%M", "Europe/Berlin", "2026-03-29 02:30", Some("2026-03-29T01:30:00Z"));
        check("%Y-%m-%d %H:%M", "Europe/Berlin", "2026-10-25 02:30", Some("2026-10-25T00:30:00Z"));
        assert!(zone("Mars/Olympus").is_none() && zone("+2").is_none() && zone("+25:00").is_none());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        check("date", "UTC", "2026-02-29", None);
        check("date", "UTC", "2026-2-9", None);
        check("date", "UTC", "1969-12-31", None);
        check("date", "UTC", "+026-01-01", None);
        check("ms", "UTC", "1e12", None);
        check("ms", "UTC", "99999999999999999999", None);
        check("s", "UTC", "-1", None);
        check("s", "UTC", "99999999999999999", None);
        check("%Y-%m-%d %H:%M", "UTC", "2023-07-28", None);
        check("%Y-%m-%d %H:%M", "UTC", "2023-07-28 03:00 and more", None);
        check("%H:%M", "UTC", "03:00", None);
        check("yesterday", "UTC", "yesterday", None);
        check("%", "UTC", "%", None);
    }

    #[test]
    fn a_birthday_may_lie_before_1970() {
        let day = |name: &str, text: &str| {
            Writing::named(name).ok().and_then(|w| w.read_day(text, &TimeZone::UTC).ok())
        };
        assert_eq!(day("date", "1938-01-23").as_deref(), Some("1938-01-23"));
        assert_eq!(day("%d.%m.%Y", "23.01.1938").as_deref(), Some("1938-01-23"));
        assert_eq!(day("rfc3339", "2026-11-21T10:00:00Z").as_deref(), Some("2026-11-21"));
    }
}
