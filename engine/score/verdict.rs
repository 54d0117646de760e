//! What the readings of one instant say: which signals are active, and the scores.
//!
//! Rules   a signal over a measure that is not available is inactive, and its points leave the
//!         coverage and what a normalised group is shared among; sums run in model order; scores
//!         are rounded before anyone compares them.
//! Cost    a comparison a signal, a few additions a score; no allocation up to four scores.
//! Source  DESIGN §5; SPEC §1 to §4, I-1 to I-3; readings.

use smallvec::SmallVec;

use crate::model::{Combine, Condition, FlagsRead, Group, Level, Model, Score, Severity, Signal};
use crate::record::scores::Status;
use crate::score::machine::Machine;
use crate::score::orders::Orders;
use crate::score::weigh::{share, weighted};
use crate::unit::{EventTime, Points};
use crate::window::{Moved, Readings, Scope};

/// One score at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The score, override included; `None` is null.
    pub value: Option<Points>,
    /// What it would be without an override.
    pub own: Option<Points>,
}

/// What one instant says.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Active, paused or cancelled.
    pub status: Status,
    /// One bit a signal: active.
    pub active: u128,
    /// One bit a red flag: it holds.
    pub flags: u128,
    /// The scores in model order.
    pub scores: SmallVec<[Judged; 4]>,
    /// The first instant at which any of this might be otherwise by time alone.
    pub until: EventTime,
}

/// What a verdict may start from: what was said before, and what moved since.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// What was said.
    pub machine: &'a Machine,
    /// What moved since.
    pub moved: Moved,
}

/// What a verdict is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What the measures read.
    pub readings: Readings<'a>,
    /// When they change at the earliest.
    pub changes: EventTime,
    /// The orders given for the customer.
    pub orders: Option<&'a Orders>,
}

impl Verdict {
    /// Judges the `evidence` at `scope`.
    pub fn of(scope: &Scope<'_>, evidence: &Evidence<'_>) -> Verdict {
        let mut verdict = Verdict::begun(scope, evidence);
        verdict.test_signals(u128::MAX, scope, &evidence.readings);
        verdict.test_flags(scope, &evidence.readings);
        verdict.weigh_all(scope, evidence, |_, _| None);
        verdict
    }

    /// The same, where only that needs judging which moved since `before`.
    pub fn since(before: Before<'_>, scope: &Scope<'_>, evidence: &Evidence<'_>) -> Verdict {
        let machine = before.machine;
        let (Moved::Some { signals, scores: weighed, flags: tested }, Status::Active) =
            (before.moved, machine.status())
        else {
            return Verdict::of(scope, evidence);
        };
        // With orders the score as last judged may be another than its own.
        let said = if evidence.orders.is_none() { machine.scores() } else { &[] };
        let own = |index: usize| said.get(index).map(|held| held.value);
        let mut verdict = Verdict::begun(scope, evidence);
        (verdict.active, verdict.flags) = machine.edges();
        verdict.move_on((signals, weighed, tested), scope, evidence, own);
        verdict
    }

    /// The same at the later instant of `scope`, where only that needs judging which `moved` since
    /// this one.
    pub fn later(&self, moved: Moved, scope: &Scope<'_>, evidence: &Evidence<'_>) -> Verdict {
        let (Moved::Some { signals, scores: weighed, flags: tested }, Status::Active) =
            (moved, self.status)
        else {
            return Verdict::of(scope, evidence);
        };
        let mut verdict = Verdict::begun(scope, evidence);
        (verdict.active, verdict.flags) = (self.active, self.flags);
        let own = |index: usize| self.scores.get(index).map(|judged| judged.own);
        verdict.move_on((signals, weighed, tested), scope, evidence, own);
        verdict
    }

    /// Tests those `signals` that moved, and what hangs on them; the others stand as before. What
    /// does not hang on them weighs what `own` says.
    fn move_on(
        &mut self,
        (signals, weighed, tested): (u128, u32, FlagsRead),
        scope: &Scope<'_>,
        evidence: &Evidence<'_>,
        own: impl Fn(usize) -> Option<Option<Points>>,
    ) {
        let (active, flags) = (self.active, self.flags);
        self.test_signals(signals, scope, &evidence.readings);
        if self.active != active || tested == FlagsRead::Yes {
            self.test_flags(scope, &evidence.readings);
        }
        let (turned, flags_turned) = (self.active ^ active, self.flags != flags);
        self.weigh_all(scope, evidence, |index, score| {
            let moved = match score.combine {
                Combine::Weighted { .. } => weighed >> index & 1 == 1,
                // What is available counts, too.
                Combine::Normalised { .. } => signals & score.mask != 0 || flags_turned,
                _ => turned & score.mask != 0 || flags_turned,
            };
            if moved { None } else { own(index) }
        });
    }

    /// A verdict that says nothing yet.
    fn begun(scope: &Scope<'_>, evidence: &Evidence<'_>) -> Verdict {
        Verdict {
            status: scope.life.status,
            active: 0,
            flags: 0,
            scores: SmallVec::new(),
            until: scope.life.cancels_at.min(evidence.changes),
        }
    }

    /// The same instant as if signal `index` were not active, nor what is so only together with it.
    pub fn without(&self, index: usize, scope: &Scope<'_>, evidence: &Evidence<'_>) -> Verdict {
        let mut verdict = self.clone();
        verdict.active &= !(1 << index);
        for (other, signal) in (0..u128::BITS).zip(&scope.model.signals) {
            let is_alone = !signal.with_any.iter().any(|with| verdict.is_active(*with));
            if !signal.with_any.is_empty() && is_alone {
                verdict.active &= !(1 << other);
            }
        }
        verdict.scores.clear();
        verdict.test_flags(scope, &evidence.readings);
        verdict.weigh_all(scope, evidence, |_, _| None);
        verdict
    }

    /// Weighs every score that `known` does not know.
    fn weigh_all(
        &mut self,
        scope: &Scope<'_>,
        evidence: &Evidence<'_>,
        known: impl Fn(usize, &Score) -> Option<Option<Points>>,
    ) {
        for (index, score) in scope.model.scores.iter().enumerate() {
            let own = known(index, score)
                .unwrap_or_else(|| self.weigh(scope.model, score, &evidence.readings));
            let mut judged = Judged { value: own, own };
            let orders = evidence.orders;
            if let Some(order) = orders.and_then(|orders| orders.in_force(index, scope.now)) {
                judged.value = order.value.or(judged.value);
                self.until = self.until.min(order.until);
            }
            if self.status == Status::Cancelled {
                judged = Judged { value: None, own: None };
            }
            self.scores.push(judged);
        }
    }

    /// Whether signal `index` is active.
    pub fn is_active(&self, index: usize) -> bool {
        self.active >> index & 1 == 1
    }

    /// Whether red flag `index` holds.
    pub fn is_flagged(&self, index: usize) -> bool {
        self.flags >> index & 1 == 1
    }

    /// Tests the signals with a bit in `which`.
    fn test_signals(&mut self, which: u128, scope: &Scope<'_>, readings: &Readings<'_>) {
        for index in ones(which) {
            let Some(signal) = scope.model.signals.get(index) else { break };
            let (holds, turns) = readings.test(signal.measure, signal.test);
            self.until = self.until.min(turns);
            let accompanied = signal.with_any.is_empty()
                || signal.with_any.iter().any(|other| self.is_active(*other));
            self.active &= !(1 << index);
            self.active |= u128::from(accompanied && holds) << index;
        }
    }

    fn test_flags(&mut self, scope: &Scope<'_>, readings: &Readings<'_>) {
        self.flags = 0;
        for (index, flag) in scope.model.flags.iter().enumerate() {
            let mut holds = true;
            for condition in &flag.all {
                holds &= match condition {
                    Condition::Signal(signal) => self.is_active(*signal),
                    Condition::Measure(measure, compare) => {
                        let (holds, turns) = readings.test(*measure, *compare);
                        self.until = self.until.min(turns);
                        holds
                    }
                };
            }
            self.flags |= u128::from(holds) << index;
        }
    }

    fn weigh(&self, model: &Model, score: &Score, readings: &Readings<'_>) -> Option<Points> {
        match &score.combine {
            Combine::Weighted { subscores } => {
                let (value, available, all) = weighted(subscores, readings);
                value.filter(|_| score.min_coverage <= share(available, all))
            }
            Combine::Severity { levels, how } => {
                Some(Points::new(self.severity(model, score, (levels, *how))))
            }
            Combine::CappedSum { groups, .. } | Combine::Normalised { groups, .. } => {
                let weighted = self.weighted_groups((model, score, groups), readings);
                let floor = self.floor(model, score).map_or(0.0, |floor| floor.points);
                Some(Points::new(weighted.max(floor)))
            }
        }
    }

    /// The signals of `score` with their indices.
    fn signals<'m>(
        model: &'m Model,
        score: &'m Score,
    ) -> impl Iterator<Item = (usize, &'m Signal)> {
        score.signals.iter().filter_map(|index| Some((*index, model.signals.get(*index)?)))
    }

    /// The active signals of `score` with their indices, in model order.
    pub fn active<'m>(
        &self,
        model: &'m Model,
        score: &'m Score,
    ) -> impl Iterator<Item = (usize, &'m Signal)> {
        let active = ones(self.active & score.mask);
        active.filter_map(|index| Some((index, model.signals.get(index)?)))
    }

    /// Available weight of `score` over all its weight, 0 to 1; 0 while cancelled.
    pub fn coverage(&self, model: &Model, score: &Score, readings: &Readings<'_>) -> f64 {
        if self.status == Status::Cancelled {
            return 0.0;
        }
        if let Combine::Weighted { subscores } = &score.combine {
            let (_, available, all) = weighted(subscores, readings);
            return share(available, all);
        }
        let (mut available, mut all) = (0, 0);
        for (_, signal) in Verdict::signals(model, score) {
            all += signal.micros;
            available += if readings.value(signal.measure).is_some() { signal.micros } else { 0 };
        }
        share(available, all)
    }

    /// The points of every group before its cap.
    pub fn group_sums(
        &self,
        (model, score, groups): (&Model, &Score, &[Group]),
        readings: &Readings<'_>,
    ) -> SmallVec<[f64; 8]> {
        let mut sums: SmallVec<[f64; 8]> = SmallVec::from_elem(0.0, groups.len());
        for (_, signal) in self.active(model, score) {
            if let Some(sum) = sums.get_mut(signal.group) {
                *sum += points_in((model, score), signal, readings);
            }
        }
        sums
    }

    fn weighted_groups(
        &self,
        (model, score, groups): (&Model, &Score, &[Group]),
        readings: &Readings<'_>,
    ) -> f64 {
        if self.active & score.mask == 0 {
            return 0.0;
        }
        let sums = self.group_sums((model, score, groups), readings);
        sums.iter().zip(groups).map(|(sum, group)| sum.min(group.cap)).sum()
    }

    /// The largest floor under `score` that is above zero; count before red flag where equal.
    pub fn floor(&self, model: &Model, score: &Score) -> Option<Floor> {
        let (count_floor, count_groups) = match &score.combine {
            Combine::CappedSum { count_floor, count_groups, .. }
            | Combine::Normalised { count_floor, count_groups, .. } => (count_floor, count_groups),
            _ => return None,
        };
        let counts =
            |signal: &Signal| count_groups.is_empty() || count_groups.contains(&signal.group);
        let n_active = self.active(model, score).filter(|(_, signal)| counts(signal)).count();
        let points = count_floor.get(n_active).or(count_floor.last()).copied().unwrap_or(0.0);
        let mut floor = Floor { flag: None, n_active, points };
        let flags = if self.flags == 0 { [].as_slice() } else { model.flags.as_slice() };
        for (index, flag) in flags.iter().enumerate() {
            if self.is_flagged(index)
                && model.scores.get(flag.score).is_some_and(|of| of.name == score.name)
                && floor.points < flag.floor
            {
                floor = Floor { flag: Some(index), n_active, points: flag.floor };
            }
        }
        if 0.0 < floor.points { Some(floor) } else { None }
    }

    fn severity(&self, model: &Model, score: &Score, rule: (&[Level], Severity)) -> f64 {
        let active = || self.active(model, score);
        let level = |signal: &Signal| rule.0.get(signal.group);
        let base = |signal: &Signal| level(signal).map_or(0.0, |level| level.base);
        match rule.1 {
            Severity::NoisyOr => {
                let left: f64 = active().map(|(_, signal)| 1.0 - base(signal) / 100.0).product();
                100.0 * (1.0 - left)
            }
            Severity::SumCapped => active().map(|(_, signal)| base(signal)).sum::<f64>().min(100.0),
            Severity::Max => {
                let Some((worst, signal)) = self.worst(model, score) else { return 0.0 };
                let others = others(model, score, worst);
                let sum: f64 = active()
                    .filter(|(index, _)| *index != worst)
                    .map(|(_, signal)| signal.points)
                    .sum();
                let span = level(signal).map_or(0.0, |level| level.span);
                let added = if others <= 0.0 { 0.0 } else { span * sum / others };
                base(signal) + added
            }
        }
    }

    /// The first of the active signals of the worst level.
    pub fn worst<'m>(&self, model: &'m Model, score: &'m Score) -> Option<(usize, &'m Signal)> {
        self.active(model, score).min_by_key(|(index, signal)| (signal.group, *index))
    }
}

/// The places of the bits that are set, from the lowest up.
pub(crate) fn ones(mut bits: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
        usize::try_from(place).ok().filter(|_| place < u128::BITS)
    })
}

/// The floor under a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// The red flag it comes from, or the count of active signals.
    pub flag: Option<usize>,
    /// How many signals are active.
    pub n_active: usize,
    /// The floor.
    pub points: f64,
}

/// What the points of all signals of `score` but `worst` add up to.
pub(crate) fn others(model: &Model, score: &Score, worst: usize) -> f64 {
    Verdict::signals(model, score)
        .filter(|(index, _)| *index != worst)
        .map(|(_, signal)| signal.points)
        .sum()
}

/// What `signal`, which is active, adds to its group: its points or, where normalised, its share of
/// the cap among the signals that are available.
pub(crate) fn points_in(
    (model, score): (&Model, &Score),
    signal: &Signal,
    readings: &Readings<'_>,
) -> f64 {
    let Combine::Normalised { groups, .. } = &score.combine else { return signal.points };
    let all: f64 = Verdict::signals(model, score)
        .filter(|(_, other)| other.group == signal.group)
        .filter(|(_, other)| readings.value(other.measure).is_some())
        .map(|(_, other)| other.points)
        .sum();
    let cap = groups.get(signal.group).map_or(0.0, |group| group.cap);
    if all <= 0.0 { 0.0 } else { cap * signal.points / all }
}
