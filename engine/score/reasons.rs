//! Why a score is what it is: parts whose points add up to it.
//!
//! Rules   signals in model order, then caps, then one floor; the worst signal first in a
//!         severity score; an override last.
//! Source  reading A-48 of the specification.

use crate::model::{Combine, Group, Level, Model, Score, Severity, Signal, Subscore};
use crate::record::alert::{Input, Part};
use crate::score::orders::Orders;
use crate::score::verdict::{Verdict, others, points_in};
use crate::score::weigh::{linear, subscore};
use crate::unit::{EventTime, Micros, Points};
use crate::window::Readings;

/// What a score is explained from; the texts of the explanation are those of model and orders.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'m, 'a> {
    /// The model.
    pub model: &'m Model,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The readings behind it.
    pub readings: Readings<'a>,
    /// The orders given for the customer.
    pub orders: Option<&'m Orders>,
    /// The instant.
    pub now: EventTime,
}

impl<'m> Grounds<'m, '_> {
    /// The parts of score `index`; none for a null score.
    pub fn parts(&self, index: usize) -> Vec<Part<&'m str>> {
        let (Some(score), Some(judged)) =
            (self.model.scores.get(index), self.verdict.scores.get(index))
        else {
            return Vec::new();
        };
        let Some(value) = judged.value else { return Vec::new() };
        let mut parts = match (&score.combine, judged.own) {
            (_, None) => Vec::new(),
            (Combine::Weighted { subscores }, _) => self.subscores(subscores),
            (Combine::Severity { levels, how }, _) => self.severity(score, levels, *how),
            (Combine::CappedSum { groups, .. } | Combine::Normalised { groups, .. }, _) => {
                self.capped(score, groups)
            }
        };
        if let Some(order) = self.orders.and_then(|orders| orders.in_force(index, self.now)) {
            parts.push(Part::Override {
                by: order.by.as_deref().unwrap_or("unknown"),
                reason: order.reason.as_deref(),
                value: value.get(),
                points: value.minus(judged.own.unwrap_or(Points::ZERO)),
            });
        }
        parts
    }

    /// What the measure of signal `index` reads.
    pub fn measured(&self, index: usize) -> Option<f64> {
        let signal = self.model.signals.get(index)?;
        self.readings.value(signal.measure)
    }

    fn signal(&self, signal: &'m Signal, points: f64) -> Part<&'m str> {
        Part::Signal {
            signal: &signal.id,
            name: &signal.name,
            value: self.readings.value(signal.measure).unwrap_or_default(),
            threshold: signal.test.threshold,
            points,
        }
    }

    fn capped(&self, score: &'m Score, groups: &'m [Group]) -> Vec<Part<&'m str>> {
        let points = |signal: &Signal| points_in((self.model, score), signal, &self.readings);
        let mut parts: Vec<Part<&'m str>> = self
            .verdict
            .active(self.model, score)
            .map(|(_, signal)| self.signal(signal, points(signal)))
            .collect();
        let sums = self.verdict.group_sums((self.model, score, groups), &self.readings);
        let mut weighted = 0.0;
        for (sum, group) in sums.iter().zip(groups) {
            weighted += sum.min(group.cap);
            // A normalised group adds up to its cap but for the last bit.
            if 1e-9 < sum - group.cap {
                parts.push(Part::Cap {
                    cap: &group.name,
                    value: *sum,
                    threshold: group.cap,
                    points: group.cap - sum,
                });
            }
        }
        if let Some(floor) = self.verdict.floor(self.model, score)
            && weighted < floor.points
        {
            let flag = floor.flag.and_then(|flag| self.model.flags.get(flag));
            parts.push(Part::Floor {
                floor: flag.map_or("count", |flag| flag.id.as_str()),
                value: flag.map_or(count(floor.n_active), |flag| flag.floor),
                threshold: floor.points,
                points: floor.points - weighted,
            });
        }
        parts
    }

    fn severity(&self, score: &'m Score, levels: &[Level], how: Severity) -> Vec<Part<&'m str>> {
        let base = |signal: &Signal| levels.get(signal.group).map_or(0.0, |level| level.base);
        let Some((worst, first)) = self.verdict.worst(self.model, score) else { return Vec::new() };
        match how {
            Severity::Max => {
                let span = levels.get(first.group).map_or(0.0, |level| level.span);
                let others = others(self.model, score, worst);
                let mut parts = vec![self.signal(first, base(first))];
                let rest =
                    self.verdict.active(self.model, score).filter(|(index, _)| *index != worst);
                parts.extend(rest.map(|(_, s)| self.signal(s, span * s.points / others)));
                parts
            }
            Severity::SumCapped => {
                let mut parts: Vec<Part<&'m str>> = self
                    .verdict
                    .active(self.model, score)
                    .map(|(_, s)| self.signal(s, base(s)))
                    .collect();
                let sum: f64 = parts.iter().map(Part::points).sum();
                if 100.0 < sum {
                    parts.push(Part::Cap {
                        cap: "total",
                        value: sum,
                        threshold: 100.0,
                        points: 100.0 - sum,
                    });
                }
                parts
            }
            Severity::NoisyOr => {
                let mut left = 100.0;
                let mut parts = Vec::new();
                for (_, signal) in self.verdict.active(self.model, score) {
                    let points = left * base(signal) / 100.0;
                    left -= points;
                    parts.push(self.signal(signal, points));
                }
                parts
            }
        }
    }

    fn subscores(&self, subscores: &'m [Subscore]) -> Vec<Part<&'m str>> {
        let available: Vec<(&'m Subscore, Points)> = subscores
            .iter()
            .filter_map(|rule| Some((rule, subscore(rule, &self.readings)?)))
            .collect();
        let all: i64 = available.iter().map(|(rule, _)| rule.weight.get()).sum();
        let all = Micros::new(all).to_f64();
        let part = |(rule, points): (&'m Subscore, Points)| Part::Subscore {
            subscore: &*rule.name,
            value: points.get(),
            weight: rule.weight.to_f64() / all,
            points: rule.weight.to_f64() * points.get() / all,
            inputs: self.inputs(rule),
        };
        available.into_iter().map(part).collect()
    }

    fn inputs(&self, rule: &'m Subscore) -> Vec<Input<&'m str>> {
        let input = |input: &crate::model::InputRule| {
            let value = self.readings.value(input.measure)?;
            Some(Input {
                input: &*self.model.measures.get(input.measure)?.name,
                value,
                low: input.low,
                high: input.high,
                score: linear(value, input.low, input.high),
            })
        };
        rule.inputs.iter().filter_map(input).collect()
    }
}

/// A small count as a number.
fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::from(u32::MAX), f64::from)
}
