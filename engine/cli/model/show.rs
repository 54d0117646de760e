//! A model, and the differences of two, as text and as JSON.

use serde_json::{Map, Value, json};

use super::super::table::Table;
use crate::model::facts::{self, Difference};
use crate::model::{Combine, Model, Score, words};
use crate::record::Kind;
use crate::unit::Span;

/// The size of a model in one line.
pub(super) fn counts(model: &Model) -> String {
    let Model { id, version, measures, signals, flags, scores, tracks, .. } = model;
    let scores: Vec<&str> = scores.iter().map(|score| score.name.as_str()).collect();
    format!(
        "model {id}, version {version}: {} measures over {} tracks, {} signals, {} red flags, \
         scores {}",
        measures.len(),
        tracks.len(),
        signals.len(),
        flags.len(),
        scores.join(", ")
    )
}

/// What `model` does, for people.
pub(super) fn table(model: &Model) -> String {
    let mut text = format!("{}\n", counts(model));
    for (at, score) in model.scores.iter().enumerate() {
        text.push_str(&format!("\nSCORE {}: {}\n", score.name, made(score)));
        text.push_str(&parts(model, score).to_string());
        text.push('\n');
        text.push_str(&bands(score).to_string());
        if !score.signals.is_empty() {
            text.push('\n');
            text.push_str(&signals(model, at).to_string());
        }
        if model.flags.iter().any(|flag| flag.score == at) {
            text.push('\n');
            text.push_str(&flags(model, at).to_string());
        }
    }
    for intent in &model.intents {
        let id = &intent.id;
        text.push_str(&format!("\nINTENT {id}: rings at every {}", intent.on.name()));
        text.push_str(&format!(", cooldown {}\n", intent.cooldown));
    }
    text.push_str("\nMEASURES\n");
    let mut measures = Table::new(&["name", "needs", "is"]);
    for (at, measure) in model.measures.iter().enumerate() {
        let needs = words::conditions(model, measure);
        measures.row([measure.name.clone(), needs, words::measure(model, at)]);
    }
    text.push_str(&measures.to_string());
    text.push_str("\nTOO OLD: an event older than this is counted and skipped\n");
    let mut ages = Table::new(&["after", "events"]);
    for reach in spans(model) {
        let of = Kind::ALL.iter().zip(&model.reach).filter(|(_, other)| **other == reach);
        let kinds: Vec<&str> = of.map(|(kind, _)| kind.name()).collect();
        ages.row([reach.to_string(), kinds.join(", ")]);
    }
    text.push_str(&ages.to_string());
    text.push_str("\nCATALOGUE\n");
    let mut plans = Table::new(&["plan", "features"]);
    for row in &model.catalog {
        plans.row([row.plan.clone(), row.n_features.to_string()]);
    }
    text.push_str(&plans.to_string());
    text
}

/// The ages at which some type of event is too old, each once, the shortest first.
fn spans(model: &Model) -> Vec<Span> {
    let mut spans: Vec<Span> =
        model.reach.iter().copied().filter(|reach| *reach != Span::FOREVER).collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// How a score is made and how it rings, in one line.
fn made(score: &Score) -> String {
    let mut says = match &score.combine {
        Combine::CappedSum { .. } => "points of the active signals, up to each group's cap".into(),
        Combine::Normalised { .. } => {
            "each group's cap by the share of its active points among those available".into()
        }
        Combine::Severity { .. } => {
            format!("by the levels of the active signals ({})", facts::way(&score.combine))
        }
        Combine::Weighted { .. } => String::from("weighted mean of the sub-scores that are known"),
    };
    if let Combine::CappedSum { count_floor, .. } | Combine::Normalised { count_floor, .. } =
        &score.combine
    {
        let floors: Vec<String> = count_floor.iter().map(f64::to_string).collect();
        says.push_str(&format!("; at least {} for 0, 1, 2 … active", floors.join(", ")));
    }
    says.push_str(&format!("; exit margin {}, cooldown {}", score.exit_margin, score.cooldown));
    if let Some(drop) = &score.drop {
        says.push_str(&format!("; rings at {} points in {} days", drop.ring_at, drop.days));
    }
    says
}

/// Groups with caps, levels with bases, or sub-scores with weights.
fn parts(model: &Model, score: &Score) -> Table {
    match &score.combine {
        Combine::CappedSum { groups, .. } | Combine::Normalised { groups, .. } => {
            let mut table = Table::new(&["group", "cap"]);
            for group in groups {
                table.row([group.name.clone(), group.cap.to_string()]);
            }
            table
        }
        Combine::Severity { levels, .. } => {
            let mut table = Table::new(&["level", "base", "span", "points"]);
            for level in levels {
                let numbers = [level.base, level.span, level.points].map(|n| n.to_string());
                let [base, span, points] = numbers;
                table.row([level.name.clone(), base, span, points]);
            }
            table
        }
        Combine::Weighted { subscores } => {
            let mut table = Table::new(&["sub-score", "weight", "inputs (0 to 100 points)"]);
            for subscore in subscores {
                let inputs: Vec<String> = subscore
                    .inputs
                    .iter()
                    .map(|input| {
                        let name = words::name(model, input.measure);
                        format!("{name} {} to {}", input.low, input.high)
                    })
                    .collect();
                let weight = subscore.weight.to_f64().to_string();
                table.row([subscore.name.clone(), weight, inputs.join(", ")]);
            }
            table
        }
    }
}

fn bands(score: &Score) -> Table {
    let mut table = Table::new(&["band", "scores", "asks for", "due", "channels", "what to do"]);
    for (at, band) in score.bands.iter().enumerate().rev() {
        let to = score.bands.get(at + 1).map(|next| next.from);
        table.row([
            band.name.clone(),
            facts::range(band, to),
            facts::asks(band.asks).to_owned(),
            band.due.map(facts::due).unwrap_or_default(),
            band.channels.join(", "),
            band.action.clone(),
        ]);
    }
    table
}

fn signals(model: &Model, score: usize) -> Table {
    let mut table =
        Table::new(&["signal", "name", "group", "points", "rings", "active when", "what to do"]);
    for signal in model.signals.iter().filter(|signal| signal.score == score) {
        let of = model.scores.get(score);
        table.row([
            signal.id.clone(),
            signal.name.clone(),
            of.map(|of| facts::member(of, signal)).unwrap_or_default(),
            signal.points.to_string(),
            facts::rings(signal.rings),
            facts::test(model, signal),
            signal.action.clone(),
        ]);
    }
    table
}

fn flags(model: &Model, score: usize) -> Table {
    let mut table = Table::new(&["red flag", "name", "floor", "rings", "when"]);
    for flag in model.flags.iter().filter(|flag| flag.score == score) {
        let all: Vec<String> = flag.all.iter().map(|part| facts::condition(model, part)).collect();
        table.row([
            flag.id.clone(),
            flag.name.clone(),
            flag.floor.to_string(),
            facts::rings(flag.rings),
            all.join(" and "),
        ]);
    }
    table
}

/// What two models say differently, for people.
pub(super) fn diff(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "no difference\n".to_owned();
    }
    let mut text = String::new();
    for Difference { place, before, after } in differences {
        let line = match (before, after) {
            (Some(before), Some(after)) => format!("~ {place}: {before} -> {after}\n"),
            (Some(before), None) => format!("- {place}: {before}\n"),
            (None, Some(after)) => format!("+ {place}: {after}\n"),
            (None, None) => String::new(),
        };
        text.push_str(&line);
    }
    text
}

/// What programs read as numbers.
const NUMBERS: &[&str] =
    &["version", "points", "floor", "cap", "weight", "exit_margin", "min_coverage", "features"];

/// The model's facts as one object, nested by their places.
pub(super) fn json(model: &Model) -> String {
    pretty(&nested(model))
}

fn nested(model: &Model) -> Value {
    let mut all = Map::new();
    for fact in facts::facts(model) {
        let mut at = &mut all;
        for key in fact.about.split('.') {
            let below = at.entry(key).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = below else { return Value::Null };
            at = inner;
        }
        let number = || serde_json::from_str(&fact.says).ok().filter(Value::is_number);
        let says = if NUMBERS.contains(&fact.what) { number() } else { None };
        at.insert(fact.what.to_owned(), says.unwrap_or(Value::String(fact.says)));
    }
    Value::Object(all)
}

/// What two models say differently, as a list of objects.
pub(super) fn diff_json(differences: &[Difference]) -> String {
    let row = |difference: &Difference| {
        let Difference { place, before, after } = difference;
        json!({ "place": place, "before": before, "after": after })
    };
    pretty(&Value::Array(differences.iter().map(row).collect()))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
