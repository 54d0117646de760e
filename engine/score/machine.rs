//! What was said of a customer before, and what is worth saying now.
//!
//! Shape   one [`Machine`] a customer: which signals were active, and for every score the value,
//!         the band held, the band told, a move that is waiting, the daily samples.
//! Rules   alerts of one judging come in the order intents, signals, red flags, bands, drops;
//!         a ring is kept back by a snooze or a cooldown but its edge is used up; judging twice
//!         without a change says nothing.
//! Source  DESIGN §7; readings.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use thin_vec::ThinVec;

use crate::model::{Asks, Model, Rings, Score};
use crate::record::Kind;
use crate::record::alert::Direction;
use crate::record::scores::Status;
use crate::score::band;
use crate::score::held::{Arming, Held, Moved, Waiting};
use crate::score::orders::Orders;
use crate::score::ring::{Ring, What};
use crate::score::tally::Tally;
use crate::score::verdict::{Verdict, ones};
use crate::unit::{EventTime, Points, Span};

/// What brought a judging about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mover {
    /// Time alone.
    Timer,
    /// An event of this type.
    Event(Kind),
}

/// What was said of one customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    active: u128,
    flags: u128,
    judged_at: EventTime,
    status: Status,
    scores: ThinVec<Held>,
    cooldowns: ThinVec<(u32, EventTime)>,
    /// What rang at `judged_at`, to number repetitions.
    rung: ThinVec<u64>,
}

/// One judging, as a machine hears of it.
#[derive(Clone, Copy, Debug)]
pub struct Hearing<'a> {
    /// The model.
    pub model: &'a Model,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The orders given for the customer.
    pub orders: Option<&'a Orders>,
    /// The instant.
    pub now: EventTime,
    /// What brought it about.
    pub mover: Mover,
}

impl Default for Machine {
    fn default() -> Self {
        Machine {
            active: 0,
            flags: 0,
            judged_at: EventTime::ALWAYS,
            status: Status::Active,
            scores: ThinVec::new(),
            cooldowns: ThinVec::new(),
            rung: ThinVec::new(),
        }
    }
}

impl Machine {
    /// What was said of the scores, in model order; empty before the first judging.
    pub fn scores(&self) -> &[Held] {
        &self.scores
    }

    /// Looks at what the next judging will look at; the sum means nothing.
    pub(crate) fn warm(&self) -> usize {
        self.scores.iter().filter(|held| held.band.is_none()).count()
    }

    /// Looks at what is found through that; the sum means nothing.
    pub(crate) fn warm_samples(&self) -> usize {
        self.scores.iter().filter(|held| held.samples.ends_in_null()).count()
    }

    /// The status as last judged.
    pub fn status(&self) -> Status {
        self.status
    }

    /// One bit each: the signals that were active and the red flags that held.
    pub(crate) fn edges(&self) -> (u128, u128) {
        (self.active, self.flags)
    }

    /// When the customer was last judged; `ALWAYS` if never.
    pub fn judged_at(&self) -> EventTime {
        self.judged_at
    }

    /// The bands held, in model order.
    pub fn bands(&self) -> impl Iterator<Item = Option<u8>> + '_ {
        self.scores.iter().map(|held| held.band)
    }

    /// Score `index` as last judged less its sample of `days` before `now`.
    pub fn trend(&self, index: usize, now: EventTime, days: u32) -> Option<f64> {
        let held = self.scores.get(index)?;
        let midnight = EventTime::of_day(now.minus(Span::days(i64::from(days))).day_index());
        // Midnights since the last judging are noted at the next one: the score has stood still.
        if self.judged_at < midnight { held.value.map(|_| 0.0) } else { held.trend(now, days) }
    }

    /// When the first waiting move will have held long enough.
    pub fn due(&self, model: &Model) -> EventTime {
        let due = |(held, score): (&Held, &Score)| {
            held.waiting.as_ref().map(|waiting| waiting.since.plus(score.dwell))
        };
        let dues = self.scores.iter().zip(&model.scores).filter_map(due);
        dues.min().unwrap_or(EventTime::NEVER)
    }

    /// Hears of one judging, appends what rings, and tells what was kept back.
    pub fn hear(&mut self, hearing: &Hearing<'_>, rings: &mut Vec<Ring>) -> Tally {
        let n_timers = u64::from(hearing.mover == Mover::Timer);
        let mut tally = Tally { n_timers, ..Tally::default() };
        if self.judged_at != hearing.now && !self.rung.is_empty() {
            // Its memory goes too: most customers ring seldom.
            self.rung = ThinVec::new();
        }
        while self.scores.len() < hearing.model.scores.len() {
            self.scores.reserve_exact(hearing.model.scores.len() - self.scores.len());
            self.scores.push(Held::new());
        }
        self.roll(hearing);
        if hearing.verdict.status == Status::Cancelled {
            self.forget();
        } else {
            if self.status == Status::Cancelled {
                self.scores.iter_mut().for_each(|held| held.arming = Arming::Armed);
            }
            let mut bell = Bell { rings, tally: &mut tally, hearing };
            self.ring_intents(&mut bell);
            self.ring_edges(&mut bell);
            let changed: SmallVec<[Change; 4]> =
                (0..hearing.model.scores.len()).map(|i| self.move_band(i, &mut bell)).collect();
            for (index, change) in changed.into_iter().enumerate() {
                self.ring_drop(index, change, &mut bell);
            }
        }
        self.status = hearing.verdict.status;
        self.judged_at = hearing.now;
        tally
    }

    /// Notes the midnights that passed since the last judging.
    fn roll(&mut self, hearing: &Hearing<'_>) {
        if self.judged_at == EventTime::ALWAYS
            || hearing.now.day_index() == self.judged_at.day_index()
        {
            return;
        }
        for (held, score) in self.scores.iter_mut().zip(&hearing.model.scores) {
            held.samples.roll(self.judged_at, hearing.now, held.value);
            if let Some(rule) = &score.drop {
                held.arm_at_midnights(rule, self.judged_at, hearing.now);
            }
        }
    }

    /// A cancelled customer has no scores, no bands and no edges.
    fn forget(&mut self) {
        self.active = 0;
        self.flags = 0;
        for held in &mut self.scores {
            let samples = std::mem::take(&mut held.samples);
            *held = Held { samples, ..Held::new() };
        }
    }

    fn ring_intents(&mut self, bell: &mut Bell<'_, '_>) {
        let Mover::Event(kind) = bell.hearing.mover else { return };
        for (index, intent) in bell.hearing.model.intents.iter().enumerate() {
            if intent.on == kind {
                let value = bell.value_of(intent.score);
                self.ring(bell, Ring::worse(What::Intent(index), value), intent.cooldown);
            }
        }
    }

    /// Rings the signals and red flags that became active.
    fn ring_edges(&mut self, bell: &mut Bell<'_, '_>) {
        let (model, verdict) = (bell.hearing.model, bell.hearing.verdict);
        let rose = verdict.active & !self.active;
        self.active = verdict.active;
        for index in ones(rose) {
            if let Some(Rings::WhenActive { cooldown }) = model.signals.get(index).map(|s| s.rings)
            {
                self.ring(bell, Ring::worse(What::Signal(index), None), cooldown);
            }
        }
        let rose = verdict.flags & !self.flags;
        self.flags = verdict.flags;
        for index in ones(rose) {
            if let Some(flag) = model.flags.get(index)
                && let Rings::WhenActive { cooldown } = flag.rings
            {
                self.ring(bell, Ring::worse(What::Flag(index), Some(flag.floor)), cooldown);
            }
        }
    }

    /// Takes in the new value of score `index` and moves its held band.
    fn move_band(&mut self, index: usize, bell: &mut Bell<'_, '_>) -> Change {
        let hearing = bell.hearing;
        let (Some(score), Some(held)) =
            (hearing.model.scores.get(index), self.scores.get_mut(index))
        else {
            return Change::No;
        };
        let value = hearing.verdict.scores.get(index).and_then(|judged| judged.value);
        if held.value == value && held.waiting.is_none() {
            // The same value of the same band leads to the same band.
            return Change::No;
        }
        let change = if held.value == value { Change::No } else { Change::Yes };
        if change == Change::Yes {
            held.previous = held.value;
            held.value = value;
        }
        let to = value.map(|value| band::target(score, held.band, value));
        let Some(to) = to.filter(|to| held.band != Some(*to)) else {
            held.waiting = None;
            return change;
        };
        let moved_by = match hearing.mover {
            Mover::Timer => Moved::ByTime,
            Mover::Event(_) => Moved::ByEvent,
        };
        let waiting = match &held.waiting {
            Some(waiting) if waiting.to == to => **waiting,
            _ => Waiting { to, since: hearing.now, moved_by },
        };
        if hearing.now < waiting.since.plus(score.dwell) {
            held.waiting = Some(Box::new(waiting));
            return change;
        }
        held.waiting = None;
        let from = held.band.replace(to);
        self.tell_band(What::Band { score: index, from, to }, waiting.moved_by, bell);
        change
    }

    /// Rings a move of a held band if it is worth it.
    fn tell_band(&mut self, what: What, moved_by: Moved, bell: &mut Bell<'_, '_>) {
        let What::Band { score: index, from, to } = what else { return };
        let Some(score) = bell.hearing.model.scores.get(index) else { return };
        let Some(held) = self.scores.get(index) else { return };
        let asks = |band: u8| {
            score.bands.get(usize::from(band)).is_some_and(|band| band.asks == Asks::Action)
        };
        let is_recovery = from.is_some_and(|from| band::is_worse(score, from, to));
        let ring = Ring {
            what,
            direction: match (is_recovery, moved_by) {
                (false, _) => Direction::Worse,
                (true, Moved::ByEvent) => Direction::Better,
                (true, Moved::ByTime) => Direction::Faded,
            },
            value: held.value.map(Points::get),
            previous: held.previous.map(Points::get),
            open_since: held.open_since(),
            repetition: 0,
        };
        let worth_it = if is_recovery {
            let better = held.told.is_some_and(|told| band::is_worse(score, told, to));
            held.open_since().is_some() && better
        } else {
            from.is_some() || asks(to)
        };
        let cooldown = if is_recovery { Span::ZERO } else { score.cooldown };
        let rang = worth_it && self.ring(bell, ring, cooldown) == Heard::Rang;
        let Some(held) = self.scores.get_mut(index) else { return };
        if rang {
            held.told = Some(to);
            held.open_since = held.open_since.min(bell.hearing.now);
        }
        if is_recovery && !asks(to) {
            // Whether it was heard or not.
            held.open_since = EventTime::NEVER;
        }
    }

    /// Looks at the fall of score `index` where the score changed.
    fn ring_drop(&mut self, index: usize, change: Change, bell: &mut Bell<'_, '_>) {
        let now = bell.hearing.now;
        let Some(score) = bell.hearing.model.scores.get(index) else { return };
        let (Some(rule), Some(held)) = (&score.drop, self.scores.get_mut(index)) else { return };
        if change == Change::No && held.arming == Arming::Armed {
            return;
        }
        let Some(trend) = held.trend(now, rule.days) else { return };
        if rule.arm_above < trend {
            held.arming = Arming::Armed;
        }
        let falls = change == Change::Yes && trend <= rule.ring_at;
        if falls && held.arming == Arming::Armed {
            held.arming = Arming::Spent;
            self.ring(bell, Ring::worse(What::Drop(index), Some(trend)), rule.cooldown);
        }
    }

    /// Rings unless a snooze or a cooldown keeps it back.
    fn ring(&mut self, bell: &mut Bell<'_, '_>, ring: Ring, cooldown: Span) -> Heard {
        let hearing = bell.hearing;
        let rule = ring.what.rule(hearing.model);
        if hearing.orders.is_some_and(|orders| orders.is_snoozed(rule, hearing.now)) {
            bell.tally.n_snoozed += 1;
            return Heard::KeptBack;
        }
        if Span::ZERO < cooldown {
            let key = ring.what.cooldown_key();
            match self.cooldowns.iter_mut().find(|(known, _)| *known == key) {
                Some((_, last)) if hearing.now < last.plus(cooldown) => {
                    bell.tally.n_suppressed += 1;
                    return Heard::KeptBack;
                }
                Some((_, last)) => *last = hearing.now,
                None => self.cooldowns.push((key, hearing.now)),
            }
        }
        let identity = ring.what.identity();
        let alike = self.rung.iter().filter(|known| **known == identity).count();
        self.rung.push(identity);
        let repetition = u32::try_from(alike).unwrap_or(u32::MAX);
        bell.rings.push(Ring { repetition, ..ring });
        Heard::Rang
    }
}

/// Whether a score changed at this judging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Yes,
    No,
}

/// What became of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Rang,
    KeptBack,
}

/// Where rings go.
struct Bell<'a, 'b> {
    rings: &'a mut Vec<Ring>,
    tally: &'a mut Tally,
    hearing: &'b Hearing<'b>,
}

impl Bell<'_, '_> {
    /// The value of score `index`.
    fn value_of(&self, index: usize) -> Option<f64> {
        self.hearing.verdict.scores.get(index)?.value.map(Points::get)
    }
}

impl Ring {
    /// A ring that tells of something worse.
    fn worse(what: What, value: Option<f64>) -> Ring {
        let direction = Direction::Worse;
        Ring { what, direction, value, previous: None, open_since: None, repetition: 0 }
    }
}
