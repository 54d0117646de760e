//! What the measures of one customer read when they were last looked at.
//!
//! Shape   one entry for every measure that is read directly, with the instant until which it
//!         holds; 16 bytes each. [`Readings`] shows them as of an instant.
//! Rules   an event makes those stale that its type can move, time those whose instant has come;
//!         everything else need not be read again. What is kept may differ from what a fresh
//!         reading says, but never in a way that a signal or score could tell (`Felt`); such an
//!         entry is doubtful, and read anew before people are told of it.
//! Cost    of some thirty measures an event or instant moves two or three.

use smallvec::SmallVec;
use thin_vec::ThinVec;

use crate::model::{Compare, Felt, FlagsRead, Flow, How, Measure, Model, Moves, Reads};
use crate::record::Kind;
use crate::record::scores::Status;
use crate::unit::EventTime;
use crate::window::measure::Scope;
use crate::window::reading::{DAY, Motion, Reading};

/// The readings of one customer, as last looked at.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    kept: ThinVec<Kept>,
    /// The place of the entry that holds the shortest, as far as that is known.
    first: Option<u16>,
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

/// What a look found changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Perhaps everything.
    All,
    /// What reads the entries that changed.
    Some {
        /// One bit a signal.
        signals: u128,
        /// One bit a score that weighs measures.
        scores: u32,
        /// Whether a red flag does.
        flags: FlagsRead,
    },
}

/// How often one judging looks ahead before it lets a timer do so: a look costs about 40 ns, a
/// judging for nothing more than ten times that.
const LOOKS_MAX: usize = 24;

/// One reading.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// The number, not a number where there is none; of a measure that moves all the time the
    /// milliseconds of the moment it counts from or to, those of `ALWAYS` where there is none.
    bits: u64,
    until: Until,
}

/// An instant, and whether the reading that holds until then is doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Until(i64);

impl Until {
    fn new(time: EventTime, is_doubtful: bool) -> Until {
        // Half of the range reaches 146 million years: only `NEVER` and `ALWAYS` lie beyond.
        let millis = time.millis().clamp(i64::MIN >> 1, i64::MAX >> 1);
        Until(millis << 1 | i64::from(is_doubtful))
    }

    fn time(self) -> EventTime {
        let millis = self.0 >> 1;
        if millis == i64::MAX >> 1 { EventTime::NEVER } else { EventTime::from_millis(millis) }
    }

    fn is_doubtful(self) -> bool {
        self.0 & 1 == 1
    }
}

impl Kept {
    fn of(reading: &Reading, measure: &Measure) -> Kept {
        let value = reading.value();
        let number = match (reading.motion, value) {
            (_, None) if measure.how.is_continuous() => EventTime::ALWAYS.millis().cast_unsigned(),
            (Motion::Since(moment) | Motion::Until(moment), _) => moment.millis().cast_unsigned(),
            // Nothing is overdue: as if it were since a moment that never comes.
            _ if measure.how.is_continuous() => EventTime::NEVER.millis().cast_unsigned(),
            (Motion::Still, value) => value.unwrap_or(f64::NAN).to_bits(),
        };
        // Above `enough` a count is not read anew as it falls, nor a rate as it grows.
        let drifts = match measure.how {
            How::Rate { .. } => true,
            _ => measure.enough.zip(value).is_some_and(|(enough, n)| above(enough) < n),
        };
        Kept { bits: number, until: Until::new(reading.until, drifts) }
    }

    #[inline]
    fn value(self, flow: Flow, now: EventTime) -> Option<f64> {
        match flow {
            Flow::Steps => Some(f64::from_bits(self.bits)).filter(|number| !number.is_nan()),
            _ => self.moving(flow, now).and_then(|reading| reading.value()),
        }
    }

    /// The reading of a measure that moves all the time.
    fn moving(self, flow: Flow, now: EventTime) -> Option<Reading> {
        let moment = EventTime::from_millis(self.bits.cast_signed());
        let (num, motion) = match flow {
            Flow::Since => (now.since(moment).as_millis(), Motion::Since(moment)),
            _ => (moment.millis().saturating_sub(now.millis()), Motion::Until(moment)),
        };
        let reading = Reading { num, den: DAY, until: self.until.time(), motion };
        (moment != EventTime::ALWAYS && flow != Flow::Steps).then_some(reading)
    }
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "at most a model's largest number, 1e12")]
fn above(enough: u64) -> f64 {
    enough as f64
}

impl Moved {
    fn note(&mut self, reads: &Reads, place: usize) {
        let Some(readers) = reads.readers.get(place) else { return };
        if let Moved::Some { signals, scores, flags } = self {
            *signals |= readers.signals;
            *scores |= readers.scores;
            *flags = (*flags).max(readers.flags);
        }
    }
}

impl Memo {
    /// Everything read anew.
    pub fn fresh(scope: &Scope<'_>) -> Memo {
        let mut memo = Memo::default();
        memo.refresh(scope, Stale::All);
        memo
    }

    /// What `readings` of all measures, in the order of `model`, keep.
    pub fn of(model: &Model, readings: &[Reading]) -> Memo {
        let read = model.reads.direct.iter().filter_map(|at| {
            let (reading, measure) = (readings.get(*at)?, model.measures.get(*at)?);
            Some(Kept::of(reading, measure))
        });
        Memo { kept: read.collect(), first: None }
    }

    /// Looks at every line of memory; the sum means nothing.
    pub fn warm(&self) -> usize {
        let lines = self.kept.iter().step_by(64 / size_of::<Kept>());
        lines.filter(|kept| kept.until.is_doubtful()).count()
    }

    /// What is kept, as of `now`.
    pub fn readings<'a>(&'a self, model: &'a Model, now: EventTime) -> Readings<'a> {
        Readings { reads: &model.reads, kept: &self.kept, now }
    }

    /// Reads anew what is `stale` at `scope`, and tells what changed.
    pub fn refresh(&mut self, scope: &Scope<'_>, stale: Stale) -> Moved {
        let reads = &scope.model.reads;
        // Whoever was ever away is rare enough to be read anew every time.
        let all = stale == Stale::All
            || self.kept.len() != reads.direct.len()
            || scope.life.status != Status::Active
            || scope.life.returned != EventTime::ALWAYS
            || scope.life.cancels_at != EventTime::NEVER;
        if all {
            self.first = None;
            self.kept.clear();
            self.kept.reserve_exact(reads.direct.len());
            let measures = reads.direct.iter().filter_map(|at| scope.model.measures.get(*at));
            self.kept.extend(measures.map(|measure| Kept::of(&scope.look(measure), measure)));
            return Moved::All;
        }
        let mut moved = Moved::Some { signals: reads.always, scores: 0, flags: reads.flags };
        let now = Until::new(scope.now, true);
        if self.first.is_none_or(|place| self.until(place) <= now) {
            let come = self.kept.iter().enumerate().filter(|(_, kept)| kept.until <= now);
            let come: SmallVec<[usize; 8]> = come.map(|(place, _)| place).collect();
            for place in come {
                self.look(place, scope, &mut moved);
            }
        }
        if let Stale::By(kind) = stale
            && let Some(Moves::Some(places)) = reads.moves.get(kind.index())
        {
            for place in places {
                self.look(usize::from(*place), scope, &mut moved);
            }
        }
        moved
    }

    /// Reads the entry at `place` anew.
    fn look(&mut self, place: usize, scope: &Scope<'_>, moved: &mut Moved) {
        let reads = &scope.model.reads;
        let measure = reads.direct.get(place).and_then(|at| scope.model.measures.get(*at));
        if let (Some(kept), Some(measure)) = (self.kept.get_mut(place), measure) {
            let fresh = Kept::of(&scope.look(measure), measure);
            if fresh.bits != kept.bits {
                moved.note(reads, place);
            }
            let before = std::mem::replace(kept, fresh);
            self.note(place, before.until, fresh.until);
        }
    }

    /// Until when the entry at `place` holds.
    fn until(&self, place: u16) -> Until {
        let kept = self.kept.get(usize::from(place));
        kept.map_or(Until::new(EventTime::NEVER, false), |kept| kept.until)
    }

    /// Notes that the entry at `place`, which held until `before`, holds until `until` now.
    fn note(&mut self, place: usize, before: Until, until: Until) {
        let Some(first) = self.first else { return };
        if place == usize::from(first) {
            self.first = self.first.filter(|_| until <= before);
        } else if until < self.until(first) {
            self.first = u16::try_from(place).ok();
        }
    }

    /// Reads anew those of `measures`, by index, whose kept number is only as good as the number.
    pub fn settle(&mut self, measures: &[usize], scope: &Scope<'_>) {
        for at in measures {
            let direct = scope.model.reads.seats.get(*at).copied().flatten();
            let kept = direct.and_then(|seat| self.kept.get_mut(usize::from(seat.place)));
            if let (Some(kept), Some(measure)) = (kept, scope.model.measures.get(*at))
                && kept.until.is_doubtful()
            {
                // The instant until which nobody feels a difference stays what it is.
                kept.bits = Kept::of(&scope.look(measure), measure).bits;
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
            let until = before.until.time();
            let measure = reads.direct.get(place).and_then(|at| scope.model.measures.get(*at));
            let Some(measure) = measure else { return until };
            let then = Scope::new(scope.model, scope.history, until);
            let reading = then.look(measure);
            if reading.until <= until || !before.is_alike(&reading, measure) {
                return until;
            }
            let after = Kept::of(&reading, measure);
            let doubt = before.until.is_doubtful() || after.bits != before.bits;
            let until = Until::new(reading.until, doubt);
            if let Some(kept) = self.kept.get_mut(place) {
                kept.until = until;
            }
            self.note(place, before.until, until);
        }
        self.first().map_or(EventTime::NEVER, |(_, kept)| kept.until.time())
    }

    /// The entry that holds the shortest, unless all hold for ever.
    fn first(&mut self) -> Option<(usize, Kept)> {
        let never = Until::new(EventTime::NEVER, false);
        let first = self.first.unwrap_or_else(|| {
            let mut first = (0, never);
            for (place, kept) in (0_u16..).zip(&self.kept) {
                if kept.until < first.1 {
                    first = (place, kept.until);
                }
            }
            first.0
        });
        self.first = Some(first);
        let kept = self.kept.get(usize::from(first)).filter(|kept| kept.until < never)?;
        Some((usize::from(first), *kept))
    }
}

impl Kept {
    /// Whether those who read `measure` take `reading` for the same.
    fn is_alike(self, reading: &Reading, measure: &Measure) -> bool {
        let Some(felt) = measure.felt.filter(|_| !measure.how.is_continuous()) else {
            return false;
        };
        let number = Some(f64::from_bits(self.bits)).filter(|number| !number.is_nan());
        felt.is_alike(number, reading.value())
    }
}

impl Felt {
    /// Whether those who can tell values apart only as this says take both for the same.
    fn is_alike(self, one: Option<f64>, other: Option<f64>) -> bool {
        match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                (one <= self.low && other <= self.low)
                    || (self.high <= one && self.high <= other)
                    || one.total_cmp(&other).is_eq()
            }
            _ => false,
        }
    }
}

/// The readings of one customer as of an instant: of the measures that are read directly.
#[derive(Clone, Copy, Debug)]
pub struct Readings<'a> {
    reads: &'a Reads,
    kept: &'a [Kept],
    now: EventTime,
}

impl Readings<'_> {
    /// What measure `index` reads; `None` where it is not available or nobody reads it directly.
    #[inline]
    pub fn value(&self, index: usize) -> Option<f64> {
        let seat = self.reads.seats.get(index).copied().flatten()?;
        self.kept.get(usize::from(seat.place))?.value(seat.flow, self.now)
    }

    /// Whether measure `index` is available and passes `compare`, and the first instant at which
    /// that turns over by time alone before anything else changes.
    #[inline]
    pub fn test(&self, index: usize, compare: Compare) -> (bool, EventTime) {
        let seat = self.reads.seats.get(index).copied().flatten();
        let kept = seat.and_then(|seat| self.kept.get(usize::from(seat.place)));
        let (Some(seat), Some(kept)) = (seat, kept) else { return (false, EventTime::NEVER) };
        if seat.flow == Flow::Steps {
            let number = f64::from_bits(kept.bits);
            return (!number.is_nan() && compare.holds(number), EventTime::NEVER);
        }
        let Some(reading) = kept.moving(seat.flow, self.now) else {
            return (false, EventTime::NEVER);
        };
        let holds = reading.value().is_some_and(|number| compare.holds(number));
        (holds, reading.turns(compare, self.now))
    }
}
