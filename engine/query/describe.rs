//! A model as a reader of its results needs it.

use crate::model::{Combine, Model, Op, Signal, facts, words};
use crate::query::raw::{BandOf, Described, MeasureOf, ScoreOf, SignalOf};

impl Described {
    /// What stands of `model` in a manifest.
    pub fn of(model: &Model) -> Described {
        let measures = (0..).zip(&model.measures).map(|(at, measure)| MeasureOf {
            name: measure.name.clone(),
            means: words::measure(model, at),
        });
        let scores = model.scores.iter().map(|score| ScoreOf {
            name: score.name.clone(),
            bands: score
                .bands
                .iter()
                .map(|band| BandOf { name: band.name.clone(), from: band.from })
                .collect(),
        });
        Described {
            id: model.id.clone(),
            version: model.version,
            measures: measures.collect(),
            signals: model.signals.iter().map(|signal| described(model, signal)).collect(),
            scores: scores.collect(),
        }
    }
}

fn described(model: &Model, signal: &Signal) -> SignalOf {
    let score = model.scores.get(signal.score);
    let points = match score.map(|score| &score.combine) {
        Some(Combine::Severity { levels, .. }) => {
            levels.get(signal.group).map_or(signal.points, |level| level.points)
        }
        _ => signal.points,
    };
    SignalOf {
        id: signal.id.clone(),
        name: signal.name.clone(),
        score: score.map(|score| score.name.clone()).unwrap_or_default(),
        group: score.map(|score| facts::member(score, signal)).unwrap_or_default(),
        measure: words::name(model, signal.measure).to_owned(),
        comparison: match signal.test.op {
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
        }
        .to_owned(),
        threshold: signal.test.threshold,
        points,
        test: facts::test(model, signal),
        action: signal.action.clone(),
    }
}
