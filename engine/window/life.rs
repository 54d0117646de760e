//! Whether the customer is a customer: pauses, cancellations, returns.
//!
//! Shape   every change by event time, ties in order of arrival; the status at an instant is
//!         told by walking through them, so a late change falls into its place.
//! Rules   a cancellation holds from its effect until a return; a return before the effect
//!         revokes it. A pause ends at a resume or a reactivation, or when a cancellation takes
//!         effect.
//! Cost    a customer who was never paused or cancelled is told in one comparison.
//! Source  readings of the specification.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use thin_vec::ThinVec;

use crate::record::scores::Status;
use crate::unit::{EventTime, Span};

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// E03 `subscription_paused`.
    Pause,
    /// E03 `subscription_resumed`.
    Resume,
    /// E06, with the moment from which it holds.
    Cancel {
        /// `effective_at`, or the event's time.
        effect: EventTime,
    },
    /// E07: ends a cancellation and a pause.
    Reactivate,
    /// E01: ends a cancellation.
    Start,
}

/// All changes of one customer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Life {
    changes: ThinVec<(EventTime, Change)>,
}

/// The customer's life as it looks at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifeAt {
    /// Active, paused or cancelled.
    pub status: Status,
    /// When the customer last came back from a pause or a cancellation; `ALWAYS` if never.
    pub returned: EventTime,
    /// When a cancellation that was announced takes effect; `NEVER` if none was.
    pub cancels_at: EventTime,
}

/// Most changes remembered; the oldest beyond it are forgotten. A customer who pauses every day
/// still has a year of them.
const CHANGES_MAX: usize = 1_024;

impl Life {
    /// Puts `change` at `time` in its place.
    pub fn insert(&mut self, time: EventTime, change: Change) {
        let at = self.changes.partition_point(|(other, _)| *other <= time);
        if self.changes.len() == self.changes.capacity() {
            // Most customers have one or two in all their life.
            self.changes.reserve_exact((self.changes.len() / 4).max(1));
        }
        self.changes.insert(at, (time, change));
        let excess = self.changes.len().saturating_sub(CHANGES_MAX);
        self.changes.drain(..excess);
    }

    /// How the customer's life looks at `now`.
    pub fn at(&self, now: EventTime) -> LifeAt {
        let mut walk = Walk::new();
        if !self.is_plain() {
            for (time, change) in self.changes.iter().filter(|(time, _)| *time <= now) {
                walk.step(*time, *change, &mut |_, _| {});
            }
            walk.take_effect(now, &mut |_, _| {});
        }
        LifeAt { status: walk.status, returned: walk.returned, cancels_at: walk.cancels_at }
    }

    /// Looks at the changes; the sum means nothing.
    pub(crate) fn warm(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing but starts ever happened.
    fn is_plain(&self) -> bool {
        self.changes.iter().all(|(_, change)| *change == Change::Start)
    }

    /// Whole days within (`now` − `far`, `now` − `near`] in which the customer, known since
    /// `known_since`, was active; and the first instant at which that number changes if nothing
    /// else happens.
    pub fn whole_days(&self, known_since: EventTime, now: EventTime, reach: Reach) -> Days {
        if self.is_plain() {
            return days(&[(known_since, EventTime::NEVER)], now, reach);
        }
        days(&self.stretches(known_since, now), now, reach)
    }

    /// The stretches [begin, end) in which the customer was known and active, as far as it is
    /// known at `now`; the last may never end.
    fn stretches(&self, known_since: EventTime, now: EventTime) -> Stretches {
        let mut stretches = Stretches::new();
        let mut begin = known_since;
        if !self.is_plain() {
            let mut walk = Walk::new();
            let mut idle = |from: EventTime, to: EventTime| {
                if begin < from {
                    stretches.push((begin, from));
                }
                begin = begin.max(to);
            };
            for (time, change) in self.changes.iter().filter(|(time, _)| *time <= now) {
                walk.step(*time, *change, &mut idle);
            }
            walk.take_effect(now, &mut idle);
            if walk.status != Status::Active {
                idle(walk.idle_since, EventTime::NEVER);
            }
        }
        if begin < EventTime::NEVER {
            stretches.push((begin, EventTime::NEVER));
        }
        stretches
    }
}

type Stretches = SmallVec<[(EventTime, EventTime); 4]>;

/// A window that ends before now: (T − `far`, T − `near`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Where it begins.
    pub far: Span,
    /// Where it ends.
    pub near: Span,
}

/// Whole days of activity, and until when there are so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// How many.
    pub whole: i64,
    /// The next instant at which there might be another number of them.
    pub until: EventTime,
    /// The active time in milliseconds, of which they are the whole days.
    active: i64,
    /// By how much it grows in a millisecond before `edge`.
    slope: i64,
    /// When that changes.
    edge: EventTime,
}

impl Days {
    /// The first instant, from `now` on, at which there may be fewer, or `enough` of them.
    pub fn until_enough(&self, enough: i64, now: EventTime) -> EventTime {
        if self.slope != 1 {
            return self.until;
        }
        let left = enough.saturating_mul(Span::DAY.as_millis()).saturating_sub(self.active);
        self.edge.min(now.plus(Span::millis(left)))
    }
}

/// The whole days of `stretches` within `reach` before `now`.
fn days(stretches: &[(EventTime, EventTime)], now: EventTime, reach: Reach) -> Days {
    let (from, to) = (now.minus(reach.far), now.minus(reach.near));
    let (mut active, mut slope, mut edge) = (0, 0, EventTime::NEVER);
    for &(begin, end) in stretches.iter().filter(|(begin, end)| begin < end) {
        active += end.min(to).since(begin.max(from)).as_millis();
        slope += i64::from(begin <= to && to < end) - i64::from(begin <= from && from < end);
        for moment in [begin, end] {
            for passes in [moment.plus(reach.near), moment.plus(reach.far)] {
                if now < passes {
                    edge = edge.min(passes);
                }
            }
        }
    }
    let day = Span::DAY.as_millis();
    let turns = match slope {
        0 => EventTime::NEVER,
        1 => now.plus(Span::millis(day - active % day)),
        _ => now.plus(Span::millis(active % day + 1)),
    };
    Days { whole: active / day, until: turns.min(edge), active, slope, edge }
}

/// The walk through the changes.
struct Walk {
    status: Status,
    returned: EventTime,
    cancels_at: EventTime,
    idle_since: EventTime,
}

impl Walk {
    fn new() -> Walk {
        Walk {
            status: Status::Active,
            returned: EventTime::ALWAYS,
            cancels_at: EventTime::NEVER,
            idle_since: EventTime::NEVER,
        }
    }

    /// Lets an announced cancellation take effect if it does so by `now`.
    fn take_effect(&mut self, now: EventTime, idle: &mut impl FnMut(EventTime, EventTime)) {
        if self.cancels_at <= now {
            if self.status == Status::Paused {
                idle(self.idle_since, self.cancels_at);
            }
            self.status = Status::Cancelled;
            self.idle_since = self.cancels_at;
            self.cancels_at = EventTime::NEVER;
        }
    }

    /// Moves on to `change` at `time`; calls `idle` for every stretch that ends there.
    fn step(
        &mut self,
        time: EventTime,
        change: Change,
        idle: &mut impl FnMut(EventTime, EventTime),
    ) {
        self.take_effect(time, idle);
        match (change, self.status) {
            (Change::Pause, Status::Active) => {
                self.status = Status::Paused;
                self.idle_since = time;
            }
            (Change::Resume | Change::Reactivate, Status::Paused)
            | (Change::Reactivate | Change::Start, Status::Cancelled) => {
                idle(self.idle_since, time);
                self.status = Status::Active;
                self.returned = time;
            }
            (Change::Cancel { effect }, Status::Active | Status::Paused) => {
                self.cancels_at = self.cancels_at.min(effect.max(time));
                self.take_effect(time, idle);
                return;
            }
            _ => {}
        }
        if matches!(change, Change::Reactivate | Change::Start) {
            self.cancels_at = EventTime::NEVER;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> EventTime {
        EventTime::of_day(day)
    }

    fn life(changes: &[(i64, Change)]) -> Life {
        let mut life = Life::default();
        for (day, change) in changes {
            life.insert(at(*day), *change);
        }
        life
    }

    fn check(life: &Life, day: i64, status: Status) {
        assert_eq!(life.at(at(day)).status, status, "day {day} of {life:?}");
    }

    #[test]
    fn a_05_a_cancellation_holds_from_its_effect_until_a_return() {
        let cancelled = life(&[(1, Change::Start), (5, Change::Cancel { effect: at(10) })]);
        check(&cancelled, 9, Status::Active);
        check(&cancelled, 10, Status::Cancelled);
        assert_eq!(cancelled.at(at(9)).cancels_at, at(10));
        let mut back = cancelled.clone();
        back.insert(at(12), Change::Start);
        check(&back, 12, Status::Active);
        assert_eq!(back.at(at(13)).returned, at(12));
        let mut revoked = cancelled;
        revoked.insert(at(7), Change::Reactivate);
        check(&revoked, 10, Status::Active);
    }

    #[test]
    fn a_04_a_pause_ends_at_a_resume_or_a_reactivation_only() {
        check(&life(&[(1, Change::Pause), (3, Change::Start)]), 4, Status::Paused);
        check(&life(&[(1, Change::Pause), (3, Change::Resume)]), 3, Status::Active);
        check(&life(&[(1, Change::Pause), (3, Change::Reactivate)]), 4, Status::Active);
    }

    #[test]
    fn a_late_change_falls_into_its_place() {
        check(&life(&[(3, Change::Resume), (1, Change::Pause)]), 4, Status::Active);
        check(&life(&[(3, Change::Resume), (1, Change::Pause)]), 2, Status::Paused);
    }

    #[test]
    fn a_06_active_days_leave_out_pauses_and_the_time_before_the_customer_was_known() {
        let reach = Reach { far: Span::days(104), near: Span::days(14) };
        let paused = life(&[(20, Change::Pause), (30, Change::Resume)]);
        let found = paused.whole_days(at(10), at(104), reach);
        // The baseline holds day 10 to 20 and 30 to 90; day 90 comes in as day 0 has gone.
        assert_eq!((found.whole, found.until), (70, at(105)));
        // Known all along: nothing changes any more.
        let always = Life::default().whole_days(at(-500), at(104), reach);
        assert_eq!((always.whole, always.until), (90, EventTime::NEVER));
        // Known for ten days: the first of them comes in on day 14 after it.
        let new = Life::default().whole_days(at(100), at(110), reach);
        assert_eq!((new.whole, new.until), (0, at(114)));
        // The baseline begins to fill on day 114; until then nothing is told of the third day.
        assert_eq!(new.until_enough(3, at(110)), at(114));
        let begun = Life::default().whole_days(at(100), at(114), reach);
        assert_eq!((begun.whole, begun.until), (0, at(115)));
        assert_eq!(begun.until_enough(3, at(114)), at(117));
        assert_eq!(begun.until_enough(200, at(114)), at(204));
    }

    #[test]
    fn whole_days_hold_until_the_instant_they_say() {
        let changes = [
            (3, Change::Pause),
            (9, Change::Resume),
            (40, Change::Cancel { effect: at(45) }),
            (47, Change::Reactivate),
        ];
        let life = life(&changes);
        let reach = Reach { far: Span::days(30), near: Span::days(5) };
        let mut now = at(48).plus(Span::millis(12_345));
        for _ in 0..200 {
            let found = life.whole_days(at(0), now, reach);
            if found.until == EventTime::NEVER {
                break;
            }
            assert!(now < found.until);
            let before = found.until.minus(Span::MILLISECOND);
            assert_eq!(life.whole_days(at(0), before, reach).whole, found.whole);
            now = found.until;
        }
        assert_eq!(life.whole_days(at(0), now, reach).until, EventTime::NEVER);
    }
}
