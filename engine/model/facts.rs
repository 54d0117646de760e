//! What a model says, fact by fact, and what two models say differently.
//!
//! Rules   compared by meaning: comments, the order of keys, spaces and defaults that are written
//!         out make no difference; the order of signals and scores does, for alerts come in it.

use crate::model::score::{Asks, Band, Combine, Condition, Rings, Score, Severity, Signal, Worse};
use crate::model::{Model, words};
use crate::record::Kind;
use crate::unit::Span;

/// One thing a model says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// About what: `signals.R3-B1`, `scores.risk.bands.high`.
    pub about: String,
    /// Of which quality: `points`, `test`.
    pub what: &'static str,
    /// What it says, in words.
    pub says: String,
}

/// One difference between two models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// About what, with its quality: `signals.R3-B1.points`.
    pub place: String,
    /// What the first says, if it says anything.
    pub before: Option<String>,
    /// What the second says, if it says anything.
    pub after: Option<String>,
}

/// Everything `model` says, in its own order.
pub fn facts(model: &Model) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut note = |about: &str, what: &'static str, says: String| {
        if !says.is_empty() {
            facts.push(Fact { about: about.to_owned(), what, says });
        }
    };
    note("model", "id", model.id.clone());
    note("model", "version", model.version.to_string());
    for (index, measure) in model.measures.iter().enumerate() {
        let about = format!("measures.{}", measure.name);
        note(&about, "is", words::measure(model, index));
        note(&about, "needs", words::conditions(model, measure));
    }
    for signal in &model.signals {
        let about = format!("signals.{}", signal.id);
        let score = model.scores.get(signal.score);
        note(&about, "name", signal.name.clone());
        note(&about, "test", test(model, signal));
        note(&about, "score", score.map(|score| score.name.clone()).unwrap_or_default());
        note(&about, "group", score.map(|score| member(score, signal)).unwrap_or_default());
        note(&about, "points", signal.points.to_string());
        note(&about, "rings", rings(signal.rings));
        note(&about, "action", signal.action.clone());
    }
    for flag in &model.flags {
        let about = format!("red_flags.{}", flag.id);
        let all: Vec<String> = flag.all.iter().map(|part| condition(model, part)).collect();
        let score = model.scores.get(flag.score).map(|score| score.name.clone());
        note(&about, "name", flag.name.clone());
        note(&about, "all", all.join(" and "));
        note(&about, "score", score.unwrap_or_default());
        note(&about, "floor", flag.floor.to_string());
        note(&about, "rings", rings(flag.rings));
    }
    for score in &model.scores {
        score_facts(model, score, &mut note);
    }
    for intent in &model.intents {
        let about = format!("intents.{}", intent.id);
        let score = model.scores.get(intent.score).map(|score| score.name.clone());
        note(&about, "on", intent.on.name().to_owned());
        note(&about, "score", score.unwrap_or_default());
        note(&about, "cooldown", span(intent.cooldown));
    }
    for (kind, reach) in Kind::ALL.iter().zip(&model.reach) {
        if *reach != Span::FOREVER {
            note(&format!("too_old.{}", kind.name()), "after", span(*reach));
        }
    }
    for row in &model.catalog {
        note(&format!("catalog.{}", row.plan), "features", row.n_features.to_string());
    }
    facts
}

fn score_facts(model: &Model, score: &Score, note: &mut impl FnMut(&str, &'static str, String)) {
    let about = format!("scores.{}", score.name);
    note(&about, "combine", way(&score.combine).to_owned());
    note(&about, "worse", worse(score.worse).to_owned());
    note(&about, "exit_margin", score.exit_margin.to_string());
    note(&about, "dwell", span(score.dwell));
    note(&about, "cooldown", span(score.cooldown));
    note(&about, "min_coverage", score.min_coverage.to_string());
    note(&about, "null_band", score.null_band.clone().unwrap_or_default());
    if let Some(drop) = &score.drop {
        let (days, ring_at, arm_above) = (drop.days, drop.ring_at, drop.arm_above);
        let cooldown = span(drop.cooldown);
        let says = format!(
            "{ring_at} points in {days} days, armed above {arm_above}, cooldown {cooldown}"
        );
        note(&about, "drop", says);
    }
    made_facts(model, &about, &score.combine, note);
    for (at, band) in score.bands.iter().enumerate() {
        let about = format!("{about}.bands.{}", band.name);
        let to = score.bands.get(at + 1).map(|next| next.from);
        note(&about, "range", range(band, to));
        note(&about, "asks", asks(band.asks).to_owned());
        note(&about, "action", band.action.clone());
        note(&about, "channels", band.channels.join(", "));
        note(&about, "due", band.due.map(due).unwrap_or_default());
    }
}

/// What a score is made of.
fn made_facts(
    model: &Model,
    about: &str,
    combine: &Combine,
    note: &mut impl FnMut(&str, &'static str, String),
) {
    match combine {
        Combine::CappedSum { groups, count_floor, count_groups }
        | Combine::Normalised { groups, count_floor, count_groups } => {
            let floors: Vec<String> = count_floor.iter().map(f64::to_string).collect();
            note(about, "count_floor", floors.join(", "));
            let counted = count_groups.iter().filter_map(|group| groups.get(*group));
            let counted: Vec<&str> = counted.map(|group| group.name.as_str()).collect();
            note(about, "count_groups", counted.join(", "));
            for group in groups {
                note(&format!("{about}.groups.{}", group.name), "cap", group.cap.to_string());
            }
        }
        Combine::Severity { levels, .. } => {
            for level in levels {
                let (base, span, points) = (level.base, level.span, level.points);
                let says = format!("base {base}, up to {span} more, {points} points");
                note(&format!("{about}.levels.{}", level.name), "is", says);
            }
        }
        Combine::Weighted { subscores } => {
            for subscore in subscores {
                let about = &format!("{about}.subscores.{}", subscore.name);
                let input = |input: &crate::model::InputRule| {
                    let name = words::name(model, input.measure);
                    format!("{name} {} to {}", input.low, input.high)
                };
                let inputs: Vec<String> = subscore.inputs.iter().map(input).collect();
                note(about, "weight", subscore.weight.to_f64().to_string());
                note(about, "inputs", inputs.join(", "));
            }
        }
    }
}

/// What `before` and `after` say differently, in the order of their facts; what only one of them
/// has at all is one difference.
pub fn diff(before: &Model, after: &Model) -> Vec<Difference> {
    let (old, new) = (facts(before), facts(after));
    let mut differences = Vec::new();
    let (old_whole, new_whole) = (wholes(&old), wholes(&new));
    for (about, says) in old_whole.iter().filter(|(about, _)| !has(&new, about)) {
        let before = Some(says.clone());
        differences.push(Difference { place: about.clone(), before, after: None });
    }
    for (about, says) in new_whole {
        if !has(&old, &about) {
            differences.push(Difference { place: about, before: None, after: Some(says) });
            continue;
        }
        let qualities = old.iter().chain(&new).filter(|fact| fact.about == about);
        let mut seen = Vec::new();
        for what in qualities.map(|fact| fact.what) {
            let says = |facts: &[Fact]| {
                let fact = facts.iter().find(|fact| fact.about == about && fact.what == what);
                fact.map(|fact| fact.says.clone())
            };
            let (before, after) = (says(&old), says(&new));
            if !seen.contains(&what) && before != after {
                let place = format!("{about}.{what}");
                differences.push(Difference { place, before, after });
            }
            seen.push(what);
        }
    }
    let ids = |model: &Model| model.signals.iter().map(|signal| signal.id.clone()).collect();
    let scores = |model: &Model| model.scores.iter().map(|score| score.name.clone()).collect();
    differences.extend(order("signals.order", ids(before), ids(after)));
    differences.extend(order("scores.order", scores(before), scores(after)));
    differences
}

fn has(facts: &[Fact], about: &str) -> bool {
    facts.iter().any(|fact| fact.about == about)
}

/// Everything that is said about each thing, in one line.
fn wholes(facts: &[Fact]) -> Vec<(String, String)> {
    let mut wholes: Vec<(String, String)> = Vec::new();
    for Fact { about, what, says } in facts {
        let says = format!("{what} {says}");
        match wholes.last_mut().filter(|(last, _)| last == about) {
            Some((_, whole)) => *whole = format!("{whole}; {says}"),
            None => wholes.push((about.clone(), says)),
        }
    }
    wholes
}

/// The difference in the order of what both have, if there is one.
fn order(place: &str, before: Vec<String>, after: Vec<String>) -> Option<Difference> {
    let common = |list: &[String], other: &[String]| -> Vec<String> {
        list.iter().filter(|name| other.contains(name)).cloned().collect()
    };
    let (one, other) = (common(&before, &after), common(&after, &before));
    (one != other).then(|| Difference {
        place: place.to_owned(),
        before: Some(one.join(", ")),
        after: Some(other.join(", ")),
    })
}

/// What makes a signal active: `open_rate < 0.5`.
pub fn test(model: &Model, signal: &Signal) -> String {
    let mut says =
        format!("{} {}", words::name(model, signal.measure), words::compare(signal.test));
    if !signal.with_any.is_empty() {
        let others = signal.with_any.iter().filter_map(|at| model.signals.get(*at));
        let others: Vec<&str> = others.map(|signal| signal.id.as_str()).collect();
        says = format!("{says}, with {}", others.join(" or "));
    }
    says
}

/// The group or level a signal stands in.
pub fn member(score: &Score, signal: &Signal) -> String {
    let name = match &score.combine {
        Combine::CappedSum { groups, .. } | Combine::Normalised { groups, .. } => {
            groups.get(signal.group).map(|group| group.name.clone())
        }
        Combine::Severity { levels, .. } => {
            levels.get(signal.group).map(|level| level.name.clone())
        }
        Combine::Weighted { .. } => None,
    };
    name.unwrap_or_default()
}

/// One part of a red flag: `R3-C4`, or `nps < 5`.
pub fn condition(model: &Model, part: &Condition) -> String {
    match part {
        Condition::Signal(at) => {
            model.signals.get(*at).map(|signal| signal.id.clone()).unwrap_or_default()
        }
        Condition::Measure(at, test) => {
            format!("{} {}", words::name(model, *at), words::compare(*test))
        }
    }
}

/// The scores of a band: `[40, 70)`.
pub fn range(band: &Band, to: Option<f64>) -> String {
    match to {
        Some(to) => format!("[{}, {to})", band.from),
        None => format!("[{}, 100]", band.from),
    }
}

/// How a score is made, as the file says it.
pub fn way(combine: &Combine) -> &'static str {
    match combine {
        Combine::CappedSum { .. } => "capped_sum",
        Combine::Normalised { .. } => "normalised",
        Combine::Severity { how: Severity::Max, .. } => "severity_max",
        Combine::Severity { how: Severity::NoisyOr, .. } => "noisy_or",
        Combine::Severity { how: Severity::SumCapped, .. } => "sum_capped",
        Combine::Weighted { .. } => "weighted",
    }
}

fn worse(worse: Worse) -> &'static str {
    match worse {
        Worse::Higher => "higher",
        Worse::Lower => "lower",
    }
}

/// Whether a band asks for action.
pub fn asks(asks: Asks) -> &'static str {
    match asks {
        Asks::Action => "action",
        Asks::Nothing => "nothing",
    }
}

/// Within which time to act: `at once`, `24h`.
pub fn due(due: Span) -> String {
    if due == Span::ZERO { "at once".to_owned() } else { format!("within {due}") }
}

/// Whether something rings: `never`, `yes`, `cooldown 7d`.
pub fn rings(rings: Rings) -> String {
    match rings {
        Rings::Never => "never".to_owned(),
        Rings::WhenActive { cooldown: Span::ZERO } => "yes".to_owned(),
        Rings::WhenActive { cooldown } => format!("cooldown {cooldown}"),
    }
}

fn span(span: Span) -> String {
    if span == Span::ZERO { "0".to_owned() } else { span.to_string() }
}
