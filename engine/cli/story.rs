//! A customer's row in words: the arithmetic of every score, what would change it, what comes.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::model::{Compare, Model, Op, Score};
use crate::record::alert::Part;
use crate::record::scores::ScoreLine;
use crate::state::Row;
use crate::unit::Points;
use crate::window::Standing;

/// Everything there is to tell of one customer.
pub struct Story<'a> {
    /// The row.
    pub row: &'a Row,
    /// For every active signal, by its index, what every score would be without it.
    pub without: &'a [(usize, Vec<Option<Points>>)],
    /// The model that judged.
    pub model: &'a Model,
    /// Plan, owner, revenue, if anything was said of them.
    pub standing: Option<&'a Standing>,
}

impl Story<'_> {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.tell(&mut text);
        text
    }

    fn tell(&self, text: &mut String) {
        let scores = &self.row.scores;
        let mut head =
            format!("{} as of {}: {}", scores.customer_id, scores.at, scores.status.name());
        let said = |name: &str, value: Option<&str>| {
            value.map(|value| format!(", {name} {value}")).unwrap_or_default()
        };
        head += &said("plan", self.standing.and_then(Standing::plan));
        head += &said("owner", self.standing.and_then(Standing::owner));
        line(text, &head);
        line(text, &format!("model {} version {}", self.model.id, self.model.version));
        for (index, (score, found)) in self.model.scores.iter().zip(&scores.scores).enumerate() {
            line(text, "");
            self.score(text, index, score, found);
        }
        line(text, "");
        self.signals(text);
        line(text, "");
        match &scores.next {
            Some(next) => line(
                text,
                &format!(
                    "If nothing more happens, {} enters {} at {}.",
                    next.score, next.band, next.at
                ),
            ),
            None => line(text, "If nothing more happens, no band changes within 120 days."),
        }
    }

    fn score(&self, text: &mut String, index: usize, score: &Score, found: &ScoreLine) {
        let band = found.band.as_deref().unwrap_or("no band");
        let held = match &found.held {
            Some(held) if Some(held) != found.band.as_ref() => format!(", held {held}"),
            _ => String::new(),
        };
        let coverage = Points::new(found.coverage * 100.0);
        match found.value {
            None => line(text, &format!("{}: none ({band}{held}; {coverage} % known)", score.name)),
            Some(value) => {
                line(text, &format!("{}: {value} ({band}{held}; {coverage} % known)", score.name));
            }
        }
        for part in self.row.reasons.get(index).into_iter().flatten() {
            self.part(text, part);
        }
        if let Some(value) = found.value {
            line(text, &format!("  {:>6}  in all", value.to_string()));
        }
        if let Some((week, month)) = self.row.trends.get(index) {
            let moved = |trend: &Option<f64>, days| {
                trend.map(|trend| format!("{trend:+.1} in {days} days"))
            };
            let moves: Vec<String> =
                [moved(week, 7), moved(month, 30)].into_iter().flatten().collect();
            if !moves.is_empty() {
                line(text, &format!("  moved {}", moves.join(", ")));
            }
        }
        self.without(text, index, found);
    }

    fn part(&self, text: &mut String, part: &Part) {
        let points = signed(part.points());
        match part {
            Part::Signal { signal, name, value, threshold, .. } => {
                let op = self.test_of(signal).map_or("against", |test| word(test.op));
                let value = rounded(*value);
                line(text, &format!("  {points}  {signal} {name}: {value}, {op} {threshold}"));
            }
            Part::Cap { cap, value, threshold, .. } => {
                let sum = rounded(*value);
                line(text, &format!("  {points}  {cap} adds up to {sum}, capped at {threshold}"));
            }
            Part::Floor { floor, value, threshold, .. } if floor == "count" => {
                line(text, &format!("  {points}  {value} active signals lift it to {threshold}"));
            }
            Part::Floor { floor, threshold, .. } => {
                line(text, &format!("  {points}  red flag {floor} lifts it to {threshold}"));
            }
            Part::Override { by, reason, value, .. } => {
                let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                line(text, &format!("  {points}  set to {value} by {by}{why}"));
            }
            Part::Subscore { subscore, value, weight, inputs, .. } => {
                let (value, weight) = (Points::new(*value), Points::new(weight * 100.0));
                line(text, &format!("  {points}  {subscore} {value}, weight {weight} %"));
                for input in inputs {
                    let (name, read) = (&input.input, rounded(input.value));
                    let (gives, low, high) = (Points::new(input.score), input.low, input.high);
                    line(text, &format!("          {name} {read} gives {gives} ({low} to {high})"));
                }
            }
        }
    }

    /// What the score would be without each of its active signals.
    fn without(&self, text: &mut String, index: usize, found: &ScoreLine) {
        for (signal, scores) in self.without {
            let Some(signal) = self.model.signals.get(*signal) else { continue };
            let other = scores.get(index).copied().flatten();
            if signal.score == index && other != found.value {
                let score = other.map_or("none".to_owned(), |score| score.to_string());
                line(text, &format!("  without {} it would be {score}", signal.id));
            }
        }
    }

    fn signals(&self, text: &mut String) {
        let rows = self.model.signals.iter().zip(&self.row.signals);
        let quiet: Vec<String> = rows
            .clone()
            .filter(|(_, cell)| cell.active == Some(false))
            .map(|(signal, cell)| format!("{} {}", signal.id, rounded(cell.value.unwrap_or(0.0))))
            .collect();
        let unknown: Vec<&str> =
            rows.filter(|(_, cell)| cell.active.is_none()).map(|(s, _)| s.id.as_str()).collect();
        wrapped(text, "not active:", &quiet);
        wrapped(text, "not known: ", &unknown);
    }

    fn test_of(&self, id: &str) -> Option<Compare> {
        self.model.signals.iter().find(|signal| signal.id == id).map(|signal| signal.test)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let scores = &self.row.scores;
        let score = |(index, line): (usize, &ScoreLine)| {
            let trend = self.row.trends.get(index).copied().unwrap_or_default();
            json!({
                "name": line.name,
                "value": line.value.map(Points::get),
                "band": line.band,
                "held": line.held,
                "coverage": line.coverage,
                "trend_7d": trend.0,
                "trend_30d": trend.1,
                "reasons": self.row.reasons.get(index),
            })
        };
        let signal = |(signal, cell): (&crate::model::Signal, &crate::state::SignalCell)| {
            json!({
                "signal": signal.id,
                "name": signal.name,
                "active": cell.active,
                "value": cell.value,
                "threshold": signal.test.threshold,
            })
        };
        let measure = |(measure, value): (&crate::model::Measure, &Option<f64>)| {
            (measure.name.clone(), json!(value))
        };
        let measures = self.model.measures.iter().zip(&self.row.measures).map(measure);
        json!({
            "customer_id": scores.customer_id,
            "as_of": scores.at.to_string(),
            "status": scores.status.name(),
            "plan": self.standing.and_then(Standing::plan),
            "owner": self.standing.and_then(Standing::owner),
            "scores": scores.scores.iter().enumerate().map(score).collect::<Vec<_>>(),
            "signals": self.model.signals.iter().zip(&self.row.signals).map(signal)
                .collect::<Vec<_>>(),
            "measures": measures.collect::<serde_json::Map<_, _>>(),
            "next": scores.next.as_ref().map(|next| json!({
                "score": next.score,
                "band": next.band,
                "at": next.at.to_string(),
            })),
            "model": { "id": self.model.id, "version": self.model.version },
        })
    }
}

fn word(op: Op) -> &'static str {
    match op {
        Op::Lt => "below",
        Op::Le => "at most",
        Op::Gt => "above",
        Op::Ge => "at least",
    }
}

/// Points of a part with their sign, in a column; cut like scores are.
fn signed(points: f64) -> String {
    let tenths = (points.abs() * 10.0 + 1e-6).floor() / 10.0;
    format!("{:>6}", format!("{}{tenths:.1}", if points < 0.0 { "-" } else { "+" }))
}

/// A measure to at most four digits behind the point.
fn rounded(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn line(text: &mut String, line: &str) {
    // Writing into a string cannot fail.
    let _fits = writeln!(text, "{line}");
}

/// `words` after `head`, broken into lines of at most 96 columns.
fn wrapped<S: AsRef<str>>(text: &mut String, head: &str, words: &[S]) {
    let mut row = head.to_owned();
    for word in words {
        if 96 < row.len() + 2 + word.as_ref().len() {
            line(text, row.trim_end());
            row = " ".repeat(head.len());
        }
        let _fits = write!(row, " {},", word.as_ref());
    }
    if !words.is_empty() {
        line(text, row.trim_end_matches(','));
    }
}
