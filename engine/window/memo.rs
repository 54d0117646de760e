//! What the measures of one customer read when they were last looked at.
//!
//! Shape   one entry for every measure that is read directly, with the instant until which it
//!         holds; 24 bytes each.
//! Rules   an event makes those stale that its type can move, time those whose instant has come;
//!         everything else need not be read again. What is kept may differ from what a fresh
//!         reading says, but never in a way that a signal or score could tell (`Felt`).
//! Cost    of some thirty measures an event or instant moves two or three.

use thin_vec::ThinVec;

use crate::model::{Felt, Moves};
use crate::record::Kind;
use crate::record::scores::Status;
use crate::unit::EventTime;
use crate::window::measure::Scope;
use crate::window::reading::{Motion, Reading};

/// The readings of one customer, as last looked at.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    kept: ThinVec<Kept>,
}

/// One reading without its motion: what moves all the time is never taken from here.
#[derive(Clone, Copy, Debug)]
struct Kept {
    num: i64,
    den: i64,
    until: EventTime,
}

/// What may have changed since the last look, besides what time changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Anything.
    All,
    /// What an event of this type can move.
    By(Kind),
    /// Nothing.
    Nothing,
}

/// How often one judging looks ahead before it lets a timer do so: a look costs about 40 ns, a
/// judging for nothing more than ten times that.
const LOOKS_MAX: usize = 24;

impl Kept {
    fn of(reading: &Reading) -> Kept {
        Kept { num: reading.num, den: reading.den, until: reading.until }
    }

    fn reading(self) -> Reading {
        Reading { num: self.num, den: self.den, until: self.until, motion: Motion::Still }
    }
}

impl Memo {
    /// Brings the memo up to the instant of `scope` and writes it into `readings`, which no other
    /// model may have used; measures that nobody reads directly read "not available" there.
    pub fn refresh(&mut self, scope: &Scope<'_>, stale: Stale, readings: &mut Vec<Reading>) {
        let reads = &scope.model.reads;
        let none = Reading::none(EventTime::NEVER);
        if readings.len() != scope.model.measures.len() {
            readings.clear();
            readings.resize(scope.model.measures.len(), none);
        }
        // Whoever was ever away is rare enough to be read anew every time.
        let all = stale == Stale::All
            || self.kept.len() != reads.direct.len()
            || scope.life.status != Status::Active
            || scope.life.returned != EventTime::ALWAYS
            || scope.life.cancels_at != EventTime::NEVER;
        if all {
            self.kept.clear();
            self.kept.reserve_exact(reads.direct.len());
            self.kept.extend(reads.direct.iter().map(|index| Kept::of(&scope.look(*index))));
        } else {
            for (kept, measure) in self.kept.iter_mut().zip(&reads.direct) {
                if kept.until <= scope.now {
                    *kept = Kept::of(&scope.look(*measure));
                }
            }
            if let Stale::By(kind) = stale
                && let Some(Moves::Some(moved)) = reads.moves.get(kind.index())
            {
                for place in moved.iter().map(|place| usize::from(*place)) {
                    if let (Some(kept), Some(measure)) =
                        (self.kept.get_mut(place), reads.direct.get(place))
                    {
                        *kept = Kept::of(&scope.look(*measure));
                    }
                }
            }
        }
        for (kept, measure) in self.kept.iter().zip(&reads.direct) {
            if let Some(slot) = readings.get_mut(*measure) {
                *slot = kept.reading();
            }
        }
        for place in &reads.continuous {
            if let Some(measure) = reads.direct.get(usize::from(*place))
                && let Some(slot) = readings.get_mut(*measure)
            {
                *slot = scope.look(*measure);
            }
        }
    }

    /// The first instant after that of `scope` at which those who read the measures could tell a
    /// difference, and at the latest the first at which it was not worth while to look.
    ///
    /// Most of what leaves a window changes nothing that anyone can feel: the fifth login of a
    /// week, the day on which a rate of three grows to four.
    pub fn changes(&mut self, scope: &Scope<'_>) -> EventTime {
        let reads = &scope.model.reads;
        for _ in 0..LOOKS_MAX {
            let Some((place, before)) = self.first() else { return EventTime::NEVER };
            let until = before.until;
            let measure = reads.direct.get(place).copied().unwrap_or_default();
            let felt = scope.model.measures.get(measure).and_then(|measure| measure.felt);
            let nothing = Felt { low: f64::INFINITY, high: f64::NEG_INFINITY };
            let then = Scope::new(scope.model, scope.history, until);
            let after = then.look(measure);
            let is_alike = before.reading().is_alike(&after, felt.unwrap_or(nothing));
            if !is_alike || after.until <= until {
                return until;
            }
            if let Some(kept) = self.kept.get_mut(place) {
                kept.until = after.until;
            }
        }
        self.first().map_or(EventTime::NEVER, |(_, kept)| kept.until)
    }

    /// The entry that holds the shortest, unless all hold for ever.
    fn first(&self) -> Option<(usize, Kept)> {
        let entries = self.kept.iter().copied().enumerate();
        let first = entries.min_by_key(|(_, kept)| kept.until);
        first.filter(|(_, kept)| kept.until != EventTime::NEVER)
    }
}
