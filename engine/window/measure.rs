//! What a history measures to at one instant.
//!
//! Shape   one [`Reading`] a measure, in model order: a quotient of two whole numbers, or "not
//!         available", and the next instant at which it could matter again.
//! Rules   windows are half-open, (T − length, T − exclude_last]; `until` may come too early,
//!         never too late; a change that no score can feel (`enough`) is passed over.
//! Cost    a binary search a window; sums walk the window.
//! Source  DESIGN §4; readings of the specification.

use crate::model::{Days, Felt, How, Measure, Model, OrKnown, StateOf, Window};
use crate::record::scores::Status;
use crate::unit::{EventTime, Micros, Span};
use crate::window::entry::Entry;
use crate::window::history::History;
use crate::window::invoice;
use crate::window::life::{LifeAt, Reach};
use crate::window::list::List;
use crate::window::reading::{
    DAY, Motion, ONE, Reading, Sums, earliest, greatest, ratio, shrunk, whole,
};
use crate::window::slot::{Latest, Slot, back};

/// One customer at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The model.
    pub model: &'a Model,
    /// The customer.
    pub history: &'a History,
    /// The instant.
    pub now: EventTime,
    /// The customer's life at that instant.
    pub life: LifeAt,
}

/// Which measures are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that a signal or score reads.
    Judged,
    /// All.
    All,
}

impl<'a> Scope<'a> {
    /// The customer as of `now`.
    pub fn new(model: &'a Model, history: &'a History, now: EventTime) -> Scope<'a> {
        Scope { model, history, now, life: history.life().at(now) }
    }

    /// Reads `which` measures into `readings`; those left out read "not available".
    pub fn read(&self, which: Which, readings: &mut Vec<Reading>) {
        readings.clear();
        for measure in &self.model.measures {
            let reading = if which == Which::Judged && !measure.judged {
                Reading::none(EventTime::NEVER)
            } else {
                let part = |index: usize| readings.get(index).copied();
                self.reading(measure, &part, None)
            };
            readings.push(reading);
        }
    }

    /// What `measure` reads, its parts read anew.
    pub fn look(&self, measure: &Measure) -> Reading {
        let part = |part: usize| self.model.measures.get(part).map(|part| self.exactly(part));
        self.reading(measure, &part, measure.felt)
    }

    /// The same, without passing over what the measure's own readers cannot feel.
    fn exactly(&self, measure: &Measure) -> Reading {
        let part = |part: usize| self.model.measures.get(part).map(|part| self.exactly(part));
        self.reading(measure, &part, None)
    }

    /// What `measure` reads, given how to read its parts and what of it is felt.
    fn reading(&self, measure: &Measure, part: Part<'_>, felt: Option<Felt>) -> Reading {
        match self.opens(measure) {
            None => self.measure(measure, part, felt),
            Some(until) => Reading::none(until),
        }
    }

    /// Until when the measure is withheld, if it is: `NEVER` where only an event can tell.
    fn opens(&self, measure: &Measure) -> Option<EventTime> {
        if !measure.sourced || self.life.status == Status::Cancelled {
            return Some(EventTime::NEVER);
        }
        if let Some(purpose) = measure.consent {
            let granted = self.history.standing().is_some_and(|said| said.has_granted(purpose));
            if !granted {
                return Some(EventTime::NEVER);
            }
        }
        if measure.grace == Span::ZERO {
            return None;
        }
        if self.life.status == Status::Paused {
            return Some(EventTime::NEVER);
        }
        let known = self.history.known_since().max(self.life.returned).max(measure.since);
        let opens = known.plus(measure.grace);
        if self.now < opens { Some(opens) } else { None }
    }

    /// What `measure` reads where nothing withholds it.
    fn measure(&self, measure: &Measure, part: Part<'_>, felt: Option<Felt>) -> Reading {
        let part = |index: &usize| part(*index).unwrap_or(Reading::none(EventTime::NEVER));
        match &measure.how {
            How::Count { track, window } => self.count(*track, *window, measure.enough),
            How::Distinct { track, window } => self.distinct(*track, *window, measure.enough),
            How::Matched { track, window } => self.matched(*track, *window),
            How::Sum { track, window, per } => self.sums(*track, *window).sum(i64::from(*per)),
            How::Mean { track, window } => self.sums(*track, *window).mean(),
            How::Min { track, window } => self.sums(*track, *window).least(),
            How::Max { track, window } => self.sums(*track, *window).most(),
            How::Latest { track, max_age } => self.latest(*track, *max_age),
            How::Age { track, or_known } => self.age(*track, *or_known),
            How::DaysUntil { track } => self.days_until(*track),
            How::Tenure => self.since(self.history.known_since()),
            How::Overdue { track } => self.overdue(*track),
            How::OnTime { track, window } => self.on_time(*track, *window),
            How::State(state) => self.state(*state),
            How::WorstLatest { track, max_age, low, high } => {
                self.worst(*track, *max_age, (*low, *high))
            }
            How::Most { track, window } => self.most_of_one(*track, *window),
            How::Rate { track, window, baseline, days } => {
                self.rate(*track, (*window, *baseline), *days, felt)
            }
            How::Ratio { num, den, min_den, bound } => {
                ratio(part(num), part(den), i64::from(*min_den), *bound)
            }
            How::Greatest(of) => greatest(of.iter().map(part)),
        }
    }

    /// The bounds of `window`: (after, until].
    fn bounds(&self, window: Window) -> (EventTime, EventTime) {
        (back(self.now, window.length), self.now.minus(window.exclude_last))
    }

    fn count(&self, track: usize, window: Window, enough: Option<u64>) -> Reading {
        let (after, until) = self.bounds(window);
        match self.history.slot(track) {
            Some(Slot::Times(times)) => counted(times, (after, until), window, enough),
            Some(Slot::Lumps(lumps)) => {
                let found = lumps.within(after, until);
                let n = found.iter().fold(0_u64, |n, lump| n.saturating_add(lump.n));
                let leaves = found.first().map(|lump| lump.time.plus(window.length));
                let enters = lumps.first_after(until).map(|time| time.plus(window.exclude_last));
                Reading::still(whole(n), 1, earliest(leaves, enters))
            }
            _ => Reading::still(0, 1, EventTime::NEVER),
        }
    }

    fn distinct(&self, track: usize, window: Window, enough: Option<u64>) -> Reading {
        let (after, until) = self.bounds(window);
        match self.history.slot(track) {
            Some(Slot::Keys(keys)) => counted(keys, (after, until), window, enough),
            Some(Slot::Sends(sends)) => {
                let n = sends.tally(after, until).n_sent;
                Reading::still(whole(n), 1, self.sends_until(track, window))
            }
            _ => Reading::still(0, 1, EventTime::NEVER),
        }
    }

    fn matched(&self, track: usize, window: Window) -> Reading {
        let (after, until) = self.bounds(window);
        match self.history.slot(track) {
            Some(Slot::Sends(sends)) => {
                let n = sends.tally(after, until).n_answered;
                Reading::still(whole(n), 1, self.sends_until(track, window))
            }
            _ => Reading::still(0, 1, EventTime::NEVER),
        }
    }

    /// When the next send enters or leaves `window`.
    fn sends_until(&self, track: usize, window: Window) -> EventTime {
        let (after, until) = self.bounds(window);
        let Some(Slot::Sends(sends)) = self.history.slot(track) else { return EventTime::NEVER };
        let leaves = sends.first_after(after).map(|time| time.plus(window.length));
        let enters = sends.first_after(until).map(|time| time.plus(window.exclude_last));
        earliest(leaves, enters)
    }

    /// Number, sum and extremes in `window`.
    fn sums(&self, track: usize, window: Window) -> Sums {
        let (after, until) = self.bounds(window);
        let mut sums = Sums::new();
        let (leaves, enters) = match self.history.slot(track) {
            Some(Slot::Values(values)) => {
                let found = values.within(after, until);
                for (_, number) in found.iter() {
                    sums.add(1, i128::from(number.get()), (number, number));
                }
                let next = values.within(until, EventTime::NEVER).first();
                (found.first().map(|value| value.0), next.map(|value| value.0))
            }
            Some(Slot::Lumps(lumps)) => {
                let found = lumps.within(after, until);
                for lump in found.iter() {
                    sums.add(lump.n, lump.sum, (lump.min, lump.max));
                }
                (found.first().map(|lump| lump.time), lumps.first_after(until))
            }
            _ => (None, None),
        };
        let leaves = leaves.map(|time| time.plus(window.length));
        sums.until = earliest(leaves, enters.map(|time| time.plus(window.exclude_last)));
        sums
    }

    /// The latest entry of `track`.
    fn last(&self, track: usize) -> Option<Latest> {
        match self.history.slot(track) {
            Some(Slot::Latest(latest)) => Some(latest),
            _ => None,
        }
    }

    fn latest(&self, track: usize, max_age: Span) -> Reading {
        match self.last(track) {
            Some(last) if back(self.now, max_age) < last.time => {
                Reading::still(last.num, last.den, last.time.plus(max_age)).positive()
            }
            _ => Reading::none(EventTime::NEVER),
        }
    }

    fn age(&self, track: usize, or_known: OrKnown) -> Reading {
        match (self.last(track), or_known) {
            (Some(last), _) => self.since(last.time),
            (None, OrKnown::Known) => self.since(self.history.known_since()),
            (None, OrKnown::Nothing) => Reading::none(EventTime::NEVER),
        }
    }

    /// The days since `moment`, zero before it.
    fn since(&self, moment: EventTime) -> Reading {
        let num = self.now.since(moment).as_millis();
        Reading { num, den: DAY, until: EventTime::NEVER, motion: Motion::Since(moment) }
    }

    fn days_until(&self, track: usize) -> Reading {
        let Some(last) = self.last(track) else { return Reading::none(EventTime::NEVER) };
        let moment = EventTime::from_millis(last.num);
        let num = last.num.saturating_sub(self.now.millis());
        Reading { num, den: DAY, until: EventTime::NEVER, motion: Motion::Until(moment) }
    }

    fn overdue(&self, track: usize) -> Reading {
        let oldest = match self.history.slot(track) {
            Some(Slot::Invoices(invoices)) => invoice::oldest_unpaid(invoices),
            _ => None,
        };
        oldest.map_or(Reading::still(0, DAY, EventTime::NEVER), |due| self.since(due))
    }

    fn on_time(&self, track: usize, window: Window) -> Reading {
        let Some(Slot::Invoices(invoices)) = self.history.slot(track) else {
            return Reading::none(EventTime::NEVER);
        };
        let found = invoice::punctual(invoices, self.now, window.length);
        Reading::still(whole(found.n_on_time), whole(found.n_due), found.until)
    }

    fn state(&self, state: StateOf) -> Reading {
        let standing = self.history.standing();
        let amount = |amount: Option<Micros>| match amount {
            Some(amount) => Reading::still(amount.get(), ONE, EventTime::NEVER),
            None => Reading::none(EventTime::NEVER),
        };
        match state {
            StateOf::Mrr => amount(standing.and_then(|standing| standing.mrr())),
            StateOf::Seats => amount(standing.and_then(|standing| standing.seats())),
            StateOf::PlanFeatures => {
                let plan = standing.and_then(|standing| standing.plan());
                let n = i64::from(self.model.features_of(plan));
                Reading::still(n, 1, EventTime::NEVER)
            }
            StateOf::Paused => {
                let paused = i64::from(self.life.status == Status::Paused);
                Reading::still(paused, 1, EventTime::NEVER)
            }
        }
    }

    fn worst(&self, track: usize, max_age: Span, ends: (Micros, Micros)) -> Reading {
        let Some(Slot::Answers(answers)) = self.history.slot(track) else {
            return Reading::none(EventTime::NEVER);
        };
        let live = answers.within(back(self.now, max_age), self.now);
        // Of equally bad ones the first, which is gone first: the reading holds until then.
        let Some(worst) = live.iter().min_by(|a, b| a.compare(b)) else {
            return Reading::none(EventTime::NEVER);
        };
        let (low, high) = (i128::from(ends.0.get()), i128::from(ends.1.get()));
        let (above, below) = (i128::from(worst.num), i128::from(worst.den));
        // low + goodness × (high − low), and no larger numbers than the ends ask for.
        let one = i128::from(ONE);
        let unit = if low % one == 0 && high % one == 0 { one } else { 1 };
        let num = (low / unit) * below + above * ((high - low) / unit);
        shrunk(num, below * (one / unit), worst.time.plus(max_age))
    }

    fn most_of_one(&self, track: usize, window: Window) -> Reading {
        let Some(Slot::Groups(groups)) = self.history.slot(track) else {
            return Reading::still(0, 1, EventTime::NEVER);
        };
        let (after, until) = self.bounds(window);
        let live = groups.within(after, until);
        let in_group = |group| live.iter().filter(|entry| entry.2 == group).count();
        let most = live.iter().map(|entry| in_group(entry.2)).max().unwrap_or(0);
        let leaves = live.first().map(|entry| entry.0.plus(window.length));
        Reading::still(whole(most as u64), 1, earliest(leaves, None))
    }

    fn rate(&self, track: usize, spans: (Span, Span), days: Days, felt: Option<Felt>) -> Reading {
        let (recent, baseline) = spans;
        let far = recent.plus(baseline);
        let (n_now, n_before, turns) = self.halves(track, recent, far);
        let per_day = |n_days: i64, until: EventTime| {
            // (n / recent days) / (n before / days): recent is in milliseconds, so is a day.
            let num = i128::from(n_now) * i128::from(n_days) * i128::from(DAY);
            shrunk(num, i128::from(recent.as_millis()) * i128::from(n_before), until)
        };
        let Days::Active { min_history } = days else {
            let rate = per_day(baseline.as_millis() / DAY, turns);
            return if n_before == 0 { Reading::none(turns) } else { rate };
        };
        let reach = Reach { far, near: recent };
        let known = self.history.known_since();
        let found = self.history.life().whole_days(known, self.now, reach);
        let min_days = min_history.as_millis() / DAY;
        if n_before == 0 {
            return Reading::none(turns);
        }
        if found.whole < min_days {
            return Reading::none(turns.min(found.until_enough(min_days, self.now)));
        }
        let rate = per_day(found.whole, turns);
        // With more days the rate only grows: nobody feels it where it is zero or high already.
        let is_felt =
            n_now != 0 && rate.value().zip(felt).is_none_or(|(rate, felt)| rate < felt.high);
        let enough = if is_felt { found.whole + 1 } else { i64::MAX };
        Reading { until: turns.min(found.until_enough(enough, self.now)), ..rate }
    }

    /// The events in (T − `recent`, T] and in (T − `far`, T − `recent`], and until when there
    /// are so many.
    fn halves(&self, track: usize, recent: Span, far: Span) -> (i64, i64, EventTime) {
        if let Some(Slot::Times(times)) = self.history.slot(track) {
            let counted = times.within(self.now.minus(far), self.now);
            let n_before = counted.n_until(self.now.minus(recent));
            let first = counted.first().filter(|_| 0 < n_before).map(|time| time.plus(far));
            let next = counted.get(n_before).map(|time| time.plus(recent));
            let n_now = counted.len() - n_before;
            return (whole(n_now as u64), whole(n_before as u64), earliest(first, next));
        }
        let now = Window { length: recent, exclude_last: Span::ZERO };
        let before = Window { length: far, exclude_last: recent };
        let (now, before) = (self.count(track, now, None), self.count(track, before, None));
        (now.num, before.num, now.until.min(before.until))
    }
}

/// How a measure reads its parts.
type Part<'p> = &'p dyn Fn(usize) -> Option<Reading>;

/// The number of entries in `bounds`, and when it next matters.
fn counted<T: Entry>(
    entries: List<'_, T>,
    bounds: (EventTime, EventTime),
    window: Window,
    enough: Option<u64>,
) -> Reading {
    let found = entries.within(bounds.0, bounds.1);
    let n = found.len();
    // Above `enough` only the entry whose leaving brings the count below it matters.
    let spare = enough
        .and_then(|enough| usize::try_from(enough).ok())
        .map_or(0, |enough| if enough == 0 { n } else { n.saturating_sub(enough) });
    let leaves = found.get(spare).map(|entry| entry.time().plus(window.length));
    let enters = if window.exclude_last == Span::ZERO {
        None
    } else {
        let next = entries.within(bounds.1, EventTime::NEVER).first();
        next.map(|entry| entry.time().plus(window.exclude_last))
    };
    Reading::still(whole(n as u64), 1, earliest(leaves, enters))
}
