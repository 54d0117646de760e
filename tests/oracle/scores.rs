//! Signals, red flags and the three scores of a customer at an instant, with their reasons.
//!
//! Units   scores are whole steps of 1e-9 points; a score is the nearest step, a half
//!         goes away from zero.
//! Rules   retention is Σ weight × sub-score / Σ weight in whole numbers, so that a half is one.
//! Source  SPEC §1 to §4 with I-1, I-2, I-3; readings; P-12,
//!         P-19, P-21.

use serde_json::{Value, json};

use crate::oracle::answers::nps;
use crate::oracle::decode::rounded;
use crate::oracle::history::{Override, Status};
use crate::oracle::measures::{Reading, View};
use crate::oracle::rules::{
    FLAGS, GROUPS, Input, LEVELS, OF_RISK, Place, RETENTION, RF_3_NPS_BELOW, RISK, RISK_CS, RULES,
    Rule, SCALES, SUBSCORES, signal,
};

/// Steps of 1e-9 in a point.
pub(crate) const STEP: i64 = 1_000_000_000;

/// What one signal says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    /// What its measure reads.
    pub(crate) value: Reading,
    /// Whether it is active; never where it is not available.
    pub(crate) is_active: bool,
}

/// A customer judged at an instant.
pub(crate) struct Judged {
    /// Active, paused or cancelled.
    pub(crate) status: Status,
    /// The signals in model order.
    pub(crate) signals: Vec<Signal>,
    /// The red flags in model order.
    pub(crate) flags: [bool; 3],
    /// The scores in model order, in steps; null where not available.
    pub(crate) scores: [Option<i64>; 3],
    /// Available weight over all weight.
    pub(crate) coverage: [f64; 3],
    /// The scores before overrides.
    computed: [Option<i64>; 3],
    overrides: [Option<Override>; 3],
    subscores: Vec<Option<Subscore>>,
}

/// A sub-score of retention that is available.
struct Subscore {
    steps: i64,
    /// Value, low, high and score of each available input.
    inputs: Vec<(f64, f64, f64, f64)>,
}

impl Judged {
    /// Judges the customer of `view`.
    pub(crate) fn new(view: &View<'_>) -> Judged {
        let signals = signals(view);
        let flags = FLAGS.map(|(id, all, _)| {
            let is_sad = id != "RF-3" || view.read(nps).is_some_and(|nps| nps < RF_3_NPS_BELOW);
            is_sad && all.iter().all(|id| signals[signal(id)].is_active)
        });
        let is_gone = view.status == Status::Cancelled;
        let subscores: Vec<Option<Subscore>> =
            SUBSCORES.iter().map(|(_, _, inputs)| subscore(view, inputs)).collect();
        let computed = if is_gone {
            [None; 3]
        } else {
            [Some(risk(&signals, &flags)), Some(risk_cs(&signals)), retention(&subscores)]
        };
        let overrides = [RISK, RISK_CS, RETENTION].map(|score| {
            let manual = view.history.manual(SCALES[score].name, view.at);
            if is_gone { None } else { manual }
        });
        let scores = [RISK, RISK_CS, RETENTION].map(|score| {
            overrides[score].as_ref().map(|manual| steps_of(manual.value)).or(computed[score])
        });
        let coverage = [
            available(&signals[..OF_RISK], &RULES[..OF_RISK]),
            available(&signals[OF_RISK..], &RULES[OF_RISK..]),
            ratio(weight_of(&subscores), 100),
        ];
        let status = view.status;
        Judged { status, signals, flags, scores, coverage, computed, overrides, subscores }
    }

    /// The parts that add up to `score`.
    pub(crate) fn reasons(&self, score: usize) -> Vec<Value> {
        let mut parts = match (self.computed[score], score) {
            (None, _) => Vec::new(),
            (_, RISK) => self.risk_parts(),
            (_, RISK_CS) => self.risk_cs_parts(),
            _ => self.retention_parts(),
        };
        if let Some(manual) = &self.overrides[score] {
            let set = steps_of(manual.value);
            parts.push(json!({
                "override": manual.by.as_deref().unwrap_or("unknown"),
                "reason": manual.reason,
                "value": points(set),
                "points": points(set - self.computed[score].unwrap_or(0)),
            }));
        }
        parts
    }

    /// Signals, then caps, then one floor.
    fn risk_parts(&self) -> Vec<Value> {
        let active = || active(&self.signals[..OF_RISK], &RULES[..OF_RISK]);
        let mut parts: Vec<Value> =
            active().map(|(rule, value)| signal_part(rule, value, ratio(rule.points, 1))).collect();
        for (place, name, cap) in GROUPS {
            let sum = sum_of(active().filter(|(rule, _)| rule.place == place));
            if cap < sum {
                let (value, threshold, points) =
                    (ratio(sum, 1), ratio(cap, 1), ratio(cap - sum, 1));
                parts.push(json!({
                    "cap": name, "value": value, "threshold": threshold, "points": points,
                }));
            }
        }
        let weighted = weighted(&self.signals);
        let n_active = count_active(&self.signals);
        let mut floor = ("count", n_active, count_floor(n_active));
        for ((id, _, points), holds) in FLAGS.into_iter().zip(self.flags) {
            if holds && floor.2 < points {
                floor = (id, points, points);
            }
        }
        if weighted < floor.2 {
            parts.push(json!({
                "floor": floor.0, "value": ratio(floor.1, 1), "threshold": ratio(floor.2, 1),
                "points": ratio(floor.2 - weighted, 1),
            }));
        }
        parts
    }

    /// The worst signal with its base, then the others with their shares of the span.
    fn risk_cs_parts(&self) -> Vec<Value> {
        let active = || active(&self.signals[OF_RISK..], &RULES[OF_RISK..]);
        let Some((worst, base, span)) = worst(&self.signals) else { return Vec::new() };
        let others_all = sum_all() - worst.points;
        let first = active().find(|(rule, _)| rule.id == worst.id);
        let others = active().filter(|(rule, _)| rule.id != worst.id);
        let first = first.map(|(rule, value)| signal_part(rule, value, ratio(base, 1)));
        let others = others
            .map(|(rule, value)| signal_part(rule, value, ratio(span * rule.points, others_all)));
        first.into_iter().chain(others).collect()
    }

    /// The available sub-scores.
    fn retention_parts(&self) -> Vec<Value> {
        let all = weight_of(&self.subscores);
        let named = SUBSCORES.iter().zip(&self.subscores);
        let available = named.filter_map(|(known, subscore)| Some((known, subscore.as_ref()?)));
        available
            .map(|((name, weight, _), subscore)| {
                let inputs: Vec<Value> = subscore
                    .inputs
                    .iter()
                    .map(|(value, low, high, score)| {
                        json!({"input": "", "value": value, "low": low, "high": high, "score": score})
                    })
                    .collect();
                json!({
                    "subscore": name, "value": points(subscore.steps),
                    "weight": ratio(*weight, all),
                    "points": ratio(*weight, all) * points(subscore.steps), "inputs": inputs,
                })
            })
            .collect()
    }
}

/// Steps as points.
pub(crate) fn points(steps: i64) -> f64 {
    ratio(steps, STEP)
}

/// What every signal says; R4-I3 also wants R4-U1 or R4-U3 to be active.
fn signals(view: &View<'_>) -> Vec<Signal> {
    let mut signals: Vec<Signal> = RULES
        .iter()
        .map(|rule| {
            let value = view.read(rule.measure);
            Signal { value, is_active: value.is_some_and(|value| rule.test.holds(value)) }
        })
        .collect();
    let is_unused = signals[signal("R4-U1")].is_active || signals[signal("R4-U3")].is_active;
    signals[signal("R4-I3")].is_active &= is_unused;
    signals
}

/// max(weighted, floor by count, floors of red flags), in steps (I-2).
fn risk(signals: &[Signal], flags: &[bool; 3]) -> i64 {
    let red_flags = FLAGS.iter().zip(flags).filter(|(_, holds)| **holds).map(|((_, _, f), _)| *f);
    let floor = red_flags.max().unwrap_or(0).max(count_floor(count_active(signals)));
    weighted(signals).max(floor) * STEP
}

/// Σ over groups of min(cap, Σ points of its active signals).
fn weighted(signals: &[Signal]) -> i64 {
    let active = || active(&signals[..OF_RISK], &RULES[..OF_RISK]);
    let group = |place| sum_of(active().filter(|(rule, _)| rule.place == place));
    GROUPS.iter().map(|(place, _, cap)| group(*place).min(*cap)).sum()
}

/// How many signals of risk are active.
fn count_active(signals: &[Signal]) -> i64 {
    signals[..OF_RISK].iter().map(|signal| i64::from(signal.is_active)).sum()
}

/// The floor for so many active signals.
fn count_floor(n_active: i64) -> i64 {
    match n_active {
        0 | 1 => 0,
        2 => 40,
        _ => 70,
    }
}

/// Base of the worst, plus span × Σ points of the other active / Σ points of all others (I-3).
fn risk_cs(signals: &[Signal]) -> i64 {
    let Some((worst, base, span)) = worst(signals) else { return 0 };
    let others_active = sum_of(active(&signals[OF_RISK..], &RULES[OF_RISK..])) - worst.points;
    let share = i128::from(span * others_active) * i128::from(STEP);
    base * STEP + whole(rounded(share, i128::from(sum_all() - worst.points)))
}

/// The first active signal of the worst active level, with the level's base and span.
fn worst(signals: &[Signal]) -> Option<(&'static Rule, i64, i64)> {
    LEVELS.into_iter().find_map(|(level, base, span): (Place, i64, i64)| {
        let mut active = active(&signals[OF_RISK..], &RULES[OF_RISK..]);
        active.find(|(rule, _)| rule.place == level).map(|(rule, _)| (rule, base, span))
    })
}

/// The points of all signals of risk_cs.
fn sum_all() -> i64 {
    RULES[OF_RISK..].iter().map(|rule| rule.points).sum()
}

/// The weighted mean of the available sub-scores, null below coverage 0.5.
fn retention(subscores: &[Option<Subscore>]) -> Option<i64> {
    let weight = weight_of(subscores);
    if weight < 50 {
        return None;
    }
    let named = SUBSCORES.iter().zip(subscores);
    let sum: i128 = named
        .filter_map(|((_, weight, _), subscore)| {
            Some(i128::from(*weight) * i128::from(subscore.as_ref()?.steps))
        })
        .sum();
    Some(whole(rounded(sum, i128::from(weight))))
}

/// The weights of the available sub-scores.
fn weight_of(subscores: &[Option<Subscore>]) -> i64 {
    let named = SUBSCORES.iter().zip(subscores);
    named.filter(|(_, subscore)| subscore.is_some()).map(|((_, weight, _), _)| *weight).sum()
}

/// The mean of the available inputs, to the nearest step.
fn subscore(view: &View<'_>, inputs: &[Input]) -> Option<Subscore> {
    let inputs: Vec<(f64, f64, f64, f64)> = inputs
        .iter()
        .filter_map(|(measure, low, high)| {
            let value = view.read(*measure)?;
            let score = 100.0 * ((value - low) / (high - low)).clamp(0.0, 1.0);
            Some((value, *low, *high, score))
        })
        .collect();
    let n_inputs = i32::try_from(inputs.len()).ok().filter(|&n_inputs| 0 < n_inputs)?;
    let sum: f64 = inputs.iter().map(|(_, _, _, score)| score).sum();
    Some(Subscore { steps: nearest_step(sum / f64::from(n_inputs)), inputs })
}

/// Points of 0 to 100 to the nearest step.
#[expect(clippy::cast_possible_truncation, reason = "at most 1e11")]
fn nearest_step(points: f64) -> i64 {
    (points * 1e9).round() as i64
}

/// Millionths as steps, kept within 0 to 100 points.
fn steps_of(micros: i128) -> i64 {
    whole((micros * 1000).clamp(0, 100 * i128::from(STEP)))
}

/// A number of steps.
fn whole(steps: i128) -> i64 {
    i64::try_from(steps).unwrap_or(i64::MAX)
}

/// The nearest binary number to `num / den`; 0 where `den` is.
#[expect(clippy::cast_precision_loss, reason = "at most 1e11 over 1e9")]
fn ratio(num: i64, den: i64) -> f64 {
    if den == 0 { 0.0 } else { num as f64 / den as f64 }
}

/// The points of the available of all.
fn available(signals: &[Signal], rules: &[Rule]) -> f64 {
    let all: i64 = rules.iter().map(|rule| rule.points).sum();
    let known = rules.iter().zip(signals).filter(|(_, signal)| signal.value.is_some());
    ratio(known.map(|(rule, _)| rule.points).sum(), all)
}

/// The active signals with their values.
fn active<'a>(
    signals: &'a [Signal],
    rules: &'static [Rule],
) -> impl Iterator<Item = (&'static Rule, f64)> + 'a {
    rules.iter().zip(signals).filter_map(|(rule, signal)| {
        if signal.is_active { Some((rule, signal.value?)) } else { None }
    })
}

/// The points of these signals.
fn sum_of(signals: impl Iterator<Item = (&'static Rule, f64)>) -> i64 {
    signals.map(|(rule, _)| rule.points).sum()
}

/// The part of one active signal.
fn signal_part(rule: &Rule, value: f64, points: f64) -> Value {
    json!({
        "signal": rule.id, "name": "", "value": value, "threshold": rule.test.threshold(),
        "points": points,
    })
}
