//! The pace: moments in order, as many as asked for, thicker by day and on working days.
//!
//! Shape   a week of half hours, each with a mass: the sum over the time zones of how many are
//!         awake there. What is left of the mass is cut by what is left of the events.
//! Rules   never at or past the end, whatever is left; nearly all mass is used by the last event.
//! Source  the least of R uniform points is Beta(1, R), that is E / (E + G) with E exponential
//!         and G gamma of shape R, here its mean R.

use super::dice::{Dice, ONE};

/// Half hours of a week.
const SLOTS: i64 = 336;
const SLOT_MS: i64 = 1_800_000;
/// Monday 00:00 UTC before the epoch, which is a Thursday.
const MONDAY_MS: i64 = -3 * 86_400_000;

/// How many are at it in an hour of their day, a working day's peak being 100.
const BY_HOUR: [u32; 24] =
    [4, 2, 1, 1, 2, 5, 15, 38, 70, 95, 100, 94, 70, 68, 90, 95, 88, 70, 48, 38, 34, 28, 18, 9];
/// And on a day of their week from Monday, in hundredths.
const BY_DAY: [u32; 7] = [96, 100, 100, 98, 88, 34, 30];

/// Part of the world: its name, its distance from UTC in half hours, its share in a thousand.
///
/// Winter time all the year: the stream wants a rhythm, not a calendar.
pub(super) const ZONES: [(&str, i64, u32); 9] = [
    ("Europe/Madrid", 2, 300),
    ("America/New_York", -10, 160),
    ("Europe/London", 0, 120),
    ("America/Los_Angeles", -16, 90),
    ("America/Sao_Paulo", -6, 90),
    ("Europe/Helsinki", 4, 80),
    ("Asia/Kolkata", 11, 70),
    ("Asia/Singapore", 16, 50),
    ("Asia/Tokyo", 18, 40),
];

/// Gives moment after moment.
#[derive(Debug)]
pub(super) struct Pace {
    now: i64,
    end: i64,
    left: u64,
    /// By half hour of the week: the mass a millisecond, and the zones' shares of it summed up.
    week: Vec<(u64, [u32; ZONES.len()])>,
}

impl Pace {
    /// The pace of people in their time zones.
    pub(super) fn of_people(start: i64, end: i64) -> Pace {
        Pace::new(start, end, |zone, slot| {
            let (_, half_hours, share) = ZONES[zone];
            share * awake(slot + half_hours)
        })
    }

    /// The same pace day and night.
    pub(super) fn even(start: i64, end: i64) -> Pace {
        Pace::new(start, end, |_, _| 100)
    }

    fn new(start: i64, end: i64, mass: impl Fn(usize, i64) -> u32) -> Pace {
        let week = (0..SLOTS).map(|slot| {
            let mut sums = [0; ZONES.len()];
            let mut sum = 0;
            for (zone, place) in sums.iter_mut().enumerate() {
                sum += mass(zone, slot);
                *place = sum;
            }
            (u64::from(sum.max(1)), sums)
        });
        let mut pace = Pace { now: start, end, left: 0, week: week.collect() };
        pace.left = pace.mass_to_the_end();
        pace
    }

    fn mass_to_the_end(&self) -> u64 {
        let week_mass: u64 = self.week.iter().map(|(mass, _)| mass * SLOT_MS.unsigned_abs()).sum();
        let weeks = (self.end - self.now) / (SLOTS * SLOT_MS);
        let mut at = self.now + weeks * SLOTS * SLOT_MS;
        let mut sum = weeks.unsigned_abs() * week_mass;
        while at < self.end {
            let until = slot_end(at).min(self.end);
            sum += self.week[slot(at)].0 * (until - at).unsigned_abs();
            at = until;
        }
        sum
    }

    /// The next of `n_left` moments, this one included.
    pub(super) fn next(&mut self, dice: &mut Dice, n_left: u64) -> i64 {
        let wait = u128::from(dice.exponential());
        let whole = wait + u128::from(n_left.max(1)) * u128::from(ONE);
        let step = u128::from(self.left) * wait / whole;
        let mut step = u64::try_from(step).unwrap_or(0);
        self.left -= step;
        loop {
            let mass = self.week[slot(self.now)].0;
            let until = slot_end(self.now);
            let room = mass * (until - self.now).unsigned_abs();
            if step < room {
                let millis = i64::try_from(step / mass).unwrap_or(0);
                // What does not fill a millisecond is not lost.
                self.left += step % mass;
                self.now = (self.now + millis).min(self.end - 1);
                return self.now;
            }
            step -= room;
            self.now = until.min(self.end - 1);
            if self.now == self.end - 1 {
                return self.now;
            }
        }
    }

    /// A zone, drawn by how many are awake there at `time`.
    pub(super) fn zone(&self, dice: &mut Dice, time: i64) -> usize {
        let (_, sums) = &self.week[slot(time)];
        let point = dice.below(sums[ZONES.len() - 1]);
        sums.iter().position(|sum| point < *sum).unwrap_or(0)
    }
}

/// The hour of the day, 0 to 23, at `time` in `zone`.
pub(super) fn local_hour(time: i64, zone: usize) -> i64 {
    let half_hours = ZONES.get(zone).map_or(0, |(_, half_hours, _)| *half_hours);
    (time + half_hours * SLOT_MS).rem_euclid(48 * SLOT_MS) / (2 * SLOT_MS)
}

fn awake(slot: i64) -> u32 {
    let slot = slot.rem_euclid(SLOTS);
    let hour = usize::try_from(slot % 48 / 2).unwrap_or(0);
    let day = usize::try_from(slot / 48).unwrap_or(0);
    BY_HOUR[hour] * BY_DAY[day] / 100
}

fn slot(time: i64) -> usize {
    usize::try_from((time - MONDAY_MS).div_euclid(SLOT_MS).rem_euclid(SLOTS)).unwrap_or(0)
}

fn slot_end(time: i64) -> i64 {
    time - time.rem_euclid(SLOT_MS) + SLOT_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn moments_are_ordered_and_fill_the_span() {
        let mut dice = Dice::new(5);
        let (start, end) = (1_700_000_123_456, 1_700_000_123_456 + 30 * DAY);
        let mut pace = Pace::of_people(start, end);
        let (n, mut last, mut by_week) = (40_000_u64, start, [0_u32; 5]);
        for done in 0..n {
            let time = pace.next(&mut dice, n - done);
            assert!(last <= time && time < end);
            by_week[usize::try_from((time - start) / (7 * DAY)).unwrap_or(0)] += 1;
            last = time;
        }
        assert!(end - last < DAY, "{last}");
        for week in &by_week[..4] {
            assert!(week.abs_diff(9_500) < 900, "{by_week:?}");
        }
    }

    #[test]
    fn a_single_moment_lies_within_a_span_of_one_millisecond() {
        let mut dice = Dice::new(6);
        assert_eq!(Pace::even(1_000, 1_001).next(&mut dice, 1), 1_000);
    }

    #[test]
    fn people_sleep_at_night_and_rest_on_sundays() {
        // 2026-11-21 is a Saturday; Madrid is an hour east.
        let monday_ten = 1_795_248_000_000 + 2 * DAY + 3_600_000;
        assert_eq!(local_hour(monday_ten, 0), 10);
        let slots = |time: i64| awake(i64::try_from(slot(time)).unwrap_or(0) + 2);
        assert!(20 * slots(monday_ten - 7 * 3_600_000) < slots(monday_ten));
        assert!(2 * slots(monday_ten - DAY) < slots(monday_ten));
    }
}
