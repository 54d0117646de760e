//! What rings: edges of signals and red flags, held bands, open alerts, cooldowns, drops.
//!
//! Shape   the one thing that has a memory, for its readings speak of what was held, told and
//!         rung before. Each judging hands it the scores of that instant.
//! Rules   judging once more where nothing changed leaves no trace (P-01).
//! Source  DESIGN §7; readings;
//!         P-01, P-03, P-06 to P-09, P-11, P-12.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::oracle::history::{History, Status};
use crate::oracle::ring::Ring;
use crate::oracle::rules::{Asks, FLAGS, OF_RISK, RETENTION, RISK, RULES, SCALES, Worse};
use crate::oracle::scores::{Judged, STEP, points};
use crate::played::{DAY, Tuning};

/// What brought a judging.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause<'a> {
    /// This event.
    Event { id: &'a str, kind: &'a str },
    /// Time alone.
    Timer,
}

/// One judging: whose, when, why, and where the alerts go.
pub(crate) struct Judging<'a> {
    /// Whose.
    pub(crate) customer: &'a str,
    /// What they did.
    pub(crate) history: &'a History,
    /// When.
    pub(crate) at: i64,
    /// Why.
    pub(crate) cause: Cause<'a>,
    /// The scores now.
    pub(crate) judged: &'a Judged,
    /// The knobs of the scores.
    pub(crate) tuning: &'a [Tuning; 3],
    /// What rang.
    pub(crate) out: &'a mut Rung,
}

/// What rang and what was kept back.
#[derive(Debug, Default)]
pub(crate) struct Rung {
    /// The alerts in order.
    pub(crate) alerts: Vec<Value>,
    /// Rings within a cooldown.
    pub(crate) suppressed: u64,
    /// Rings within a snooze.
    pub(crate) snoozed: u64,
}

/// What is remembered of one score.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    /// The band held, by number.
    pub(crate) band: Option<usize>,
    /// A move that waits for its dwell.
    pub(crate) pending: Option<Pending>,
    open: Option<Open>,
    value: Option<i64>,
    /// The value before it last changed.
    previous: Option<i64>,
}

/// A move that waits for its dwell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    target: usize,
    /// Since when.
    pub(crate) since: i64,
    by_timer: bool,
}

/// An alert that was told and not taken back.
#[derive(Clone, Copy, Debug)]
struct Open {
    since: i64,
    told: usize,
}

/// What a customer's crossings remember.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// By score.
    pub(crate) held: [Held; 3],
    /// By kind, rule and target: the last real ring.
    rung: BTreeMap<(String, String, String), i64>,
    signals: [bool; OF_RISK],
    flags: [bool; 3],
    is_armed: bool,
    is_gone: bool,
    judged_at: Option<i64>,
    /// Retention as judged, whenever it changed.
    samples: Vec<(i64, Option<i64>)>,
}

impl Machine {
    /// Of a customer never judged.
    pub(crate) fn new() -> Machine {
        Machine {
            held: [Held::default(), Held::default(), Held::default()],
            rung: BTreeMap::new(),
            signals: [false; OF_RISK],
            flags: [false; 3],
            is_armed: true,
            is_gone: false,
            judged_at: None,
            samples: Vec::new(),
        }
    }

    /// Takes in one judging.
    pub(crate) fn judge(&mut self, mut judging: Judging<'_>) {
        self.arm_at_midnights(judging.at);
        let retention_changed = self.take_scores(&judging);
        if judging.judged.status == Status::Cancelled {
            self.forget();
        } else {
            if self.is_gone {
                (self.is_gone, self.is_armed) = (false, true);
            }
            self.intent(&mut judging);
            self.edges(&mut judging);
            for score in 0..SCALES.len() {
                self.band(score, &mut judging);
            }
            self.drop(&mut judging, retention_changed);
        }
        self.judged_at = Some(judging.at);
    }

    /// A cancelled customer is held to nothing; only cooldowns stay (P-06).
    fn forget(&mut self) {
        self.is_gone = true;
        self.signals = [false; OF_RISK];
        self.flags = [false; 3];
        for held in &mut self.held {
            (held.band, held.pending, held.open) = (None, None, None);
        }
    }

    /// Remembers the scores; says whether retention changed.
    fn take_scores(&mut self, judging: &Judging<'_>) -> bool {
        let was = self.held[RETENTION].value;
        for (held, score) in self.held.iter_mut().zip(judging.judged.scores) {
            if held.value != score {
                (held.previous, held.value) = (held.value, score);
            }
        }
        let is = self.held[RETENTION].value;
        if was != is {
            self.samples.push((judging.at, is));
        }
        was != is
    }

    /// CX-1: somebody said that they want to leave.
    fn intent(&mut self, judging: &mut Judging<'_>) {
        if let Cause::Event { kind: "cancellation_requested", .. } = judging.cause {
            let mut ring = Ring::new("cancellation_intent", "CX-1");
            ring.value = judging.judged.scores[RISK].map(points);
            self.ring(ring, judging);
        }
    }

    /// Signals of risk and red flags that became active (A-13, P-08).
    fn edges(&mut self, judging: &mut Judging<'_>) {
        for (index, rule) in RULES[..OF_RISK].iter().enumerate() {
            let signal = judging.judged.signals[index];
            if signal.is_active && !self.signals[index] {
                self.ring(Ring::edge("signal", rule.id, signal.value), judging);
            }
            self.signals[index] = signal.is_active;
        }
        for (index, (id, _, floor)) in FLAGS.into_iter().enumerate() {
            let holds = judging.judged.flags[index];
            if holds && !self.flags[index] {
                self.ring(Ring::edge("red_flag", id, Some(points(floor * STEP))), judging);
            }
            self.flags[index] = holds;
        }
    }

    /// The held band of one score: pending, then moved, then rung (A-07, A-51, P-09).
    fn band(&mut self, score: usize, judging: &mut Judging<'_>) {
        let tuning = judging.tuning[score];
        let held = &mut self.held[score];
        let Some(steps) = judging.judged.scores[score] else {
            held.pending = None;
            return;
        };
        let to = target(score, held.band, steps, tuning.exit_margin);
        if held.band == Some(to) {
            held.pending = None;
            return;
        }
        let by_timer = matches!(judging.cause, Cause::Timer);
        let fresh = Pending { target: to, since: judging.at, by_timer };
        let pending = held.pending.filter(|pending| pending.target == to).unwrap_or(fresh);
        if judging.at < pending.since.saturating_add(tuning.dwell) {
            held.pending = Some(pending);
            return;
        }
        held.pending = None;
        let from = held.band.replace(to);
        self.tell(score, from, pending, judging);
    }

    /// Rings for a held band that moved `from` somewhere to the pending target.
    fn tell(&mut self, score: usize, from: Option<usize>, to: Pending, judging: &mut Judging<'_>) {
        let scale = &SCALES[score];
        let (to, by_timer) = (to.target, to.by_timer);
        let asks = scale.bands[to].2;
        let open = self.held[score].open;
        let gets_worse = match from {
            None if asks == Asks::Nothing => return,
            None => true,
            Some(from) => is_worse(score, to, from),
        };
        let mut ring = Ring::new("band", scale.name);
        ring.score = Some(score);
        ring.from = from.map(|from| scale.bands[from].0);
        ring.to = Some(scale.bands[to].0);
        ring.value = self.held[score].value.map(points);
        ring.previous = self.held[score].previous.map(points);
        ring.open_since = open.map(|open| open.since);
        if gets_worse {
            ring.cooldown = Some(judging.tuning[score].cooldown);
            if self.ring(ring, judging) {
                let since = open.map_or(judging.at, |open| open.since);
                self.held[score].open = Some(Open { since, told: to });
            }
            return;
        }
        let Some(open) = open else { return };
        ring.direction = if by_timer { "faded" } else { "better" };
        ring.cooldown = None;
        if is_worse(score, open.told, to) && self.ring(ring, judging) {
            self.held[score].open = Some(Open { since: open.since, told: to });
        }
        // No action is asked for any more, whether anybody was told or it was snoozed.
        if asks == Asks::Nothing {
            self.held[score].open = None;
        }
    }

    /// Retention fell by 20 points or more in seven days (A-53, P-07).
    fn drop(&mut self, judging: &mut Judging<'_>, retention_changed: bool) {
        let Some(trend) = self.trend(judging.at) else { return };
        if -15 * STEP < trend {
            self.is_armed = true;
        }
        if retention_changed && self.is_armed && trend <= -20 * STEP {
            self.is_armed = false;
            let mut ring = Ring::new("drop", "retention");
            ring.score = Some(RETENTION);
            ring.value = Some(points(trend));
            self.ring(ring, judging);
        }
    }

    /// Arms `drop` where the trend was above −15 at a UTC midnight since the last judging, that
    /// of `at` included.
    fn arm_at_midnights(&mut self, at: i64) {
        let Some(judged_at) = self.judged_at else { return };
        for day in judged_at.div_euclid(DAY) + 1..=at.div_euclid(DAY) {
            if self.trend(day * DAY).is_some_and(|trend| -15 * STEP < trend) {
                self.is_armed = true;
            }
        }
    }

    /// Retention as last judged less its sample at the latest midnight ≤ `at` − 7 d.
    fn trend(&self, at: i64) -> Option<i64> {
        let midnight = (at - 7 * DAY).div_euclid(DAY) * DAY;
        let sample = self.samples.iter().rfind(|(time, _)| *time < midnight)?.1?;
        Some(self.held[RETENTION].value? - sample)
    }

    /// Rings unless it is snoozed or cools down; says whether it really rang.
    fn ring(&mut self, ring: Ring, judging: &mut Judging<'_>) -> bool {
        if judging.history.is_snoozed(ring.rule, judging.at) {
            judging.out.snoozed += 1;
            return false;
        }
        if let Some(cooldown) = ring.cooldown {
            let to = ring.to.unwrap_or_default().to_owned();
            let key = (ring.kind.to_owned(), ring.rule.to_owned(), to);
            let last = self.rung.get(&key);
            if last.is_some_and(|last| judging.at - last < cooldown) {
                judging.out.suppressed += 1;
                return false;
            }
            self.rung.insert(key, judging.at);
        }
        judging.out.alerts.push(ring.to_json(judging));
        true
    }
}

/// The band that a score of `steps` leads to from the band held.
pub(crate) fn target(score: usize, held: Option<usize>, steps: i64, exit_margin: f64) -> usize {
    let bands = SCALES[score].bands;
    let edge = |band: usize| bands[band].1 * STEP;
    let margin = margin_steps(exit_margin);
    let plain = (0..bands.len()).rfind(|&band| edge(band) <= steps).unwrap_or(0);
    let Some(mut band) = held.filter(|&held| is_worse(score, held, plain)) else { return plain };
    match SCALES[score].worse {
        Worse::Higher => {
            while 0 < band && steps < edge(band) - margin {
                band -= 1;
            }
        }
        Worse::Lower => {
            while band + 1 < bands.len() && edge(band + 1) + margin <= steps {
                band += 1;
            }
        }
    }
    band
}

/// Whether band `one` is worse than band `other`.
fn is_worse(score: usize, one: usize, other: usize) -> bool {
    match SCALES[score].worse {
        Worse::Higher => other < one,
        Worse::Lower => one < other,
    }
}

/// A margin in points to the nearest step.
#[expect(clippy::cast_possible_truncation, reason = "a margin is at most 100 points")]
fn margin_steps(points: f64) -> i64 {
    (points * 1e9).round() as i64
}
