//! The model in words: what people read in `ebb model show`, in messages and explanations.
//!
//! Rules   two measures that say the same compute the same; spans are written as in the file.

use crate::model::check_measure::Intake;
use crate::model::measure::{Bound, Compare, Days, How, Op, OrKnown, StateOf, Window};
use crate::model::track::{Entry, Feed, FieldTest, Filter, Number, Test};
use crate::model::{Measure, Model};
use crate::record::Kind;
use crate::unit::Span;

/// What measure `index` of `model` is, without its grace and consent; empty if there is none.
pub fn measure(model: &Model, index: usize) -> String {
    let Some(measure) = model.measures.get(index) else { return String::new() };
    match &measure.how {
        How::Count { track, window } => {
            format!("number of {} in {}", events(model, *track), last(*window))
        }
        How::Sum { track, window, per } => {
            let sum = format!("sum of {} in {}", taken(model, *track), last(*window));
            if *per == 1 { sum } else { format!("{sum}, divided by {per}") }
        }
        How::Mean { track, window } => over(model, ("mean", *track, *window)),
        How::Min { track, window } => over(model, ("smallest", *track, *window)),
        How::Max { track, window } => over(model, ("largest", *track, *window)),
        How::Distinct { track, window } => over(model, ("number of different", *track, *window)),
        How::Matched { track, window } => {
            let (what, answers) = (taken(model, *track), answers(model, *track));
            format!("number of different {what} answered by {answers} in {}", last(*window))
        }
        How::Latest { track, max_age } => {
            format!("latest {}, at most {max_age} old", taken(model, *track))
        }
        How::Age { track, or_known } => {
            let or =
                if *or_known == OrKnown::Known { ", or since the customer is known" } else { "" };
            format!("days since the latest {}{or}", events(model, *track))
        }
        How::Ratio { num, den, min_den, bound } => {
            let most = if *bound == Bound::One { "at most 1, " } else { "" };
            let (num, den) = (name(model, *num), name(model, *den));
            format!("{num} / {den}, {most}if {den} >= {min_den}")
        }
        How::Rate { track, window, baseline, days } => {
            rate(model, *track, (*window, *baseline), *days)
        }
        How::Overdue { .. } => "days late of the oldest unpaid invoice".to_owned(),
        How::OnTime { window, .. } => {
            let last = last(*window);
            format!("share of the invoices due in {last} that were paid by their due date")
        }
        How::Tenure => "days since the customer is known".to_owned(),
        How::State(what) => state(*what).to_owned(),
        How::WorstLatest { track, max_age, low, high } => {
            let (what, low, high) = (events(model, *track), low.to_f64(), high.to_f64());
            let by = users(model, *track);
            format!(
                "worst of every {by}'s latest {what}, at most {max_age} old, from {low} to {high}"
            )
        }
        How::Most { track, window } => {
            format!("most {} in {}", taken(model, *track), last(*window))
        }
        How::Greatest(parts) => {
            let parts: Vec<&str> = parts.iter().map(|part| name(model, *part)).collect();
            format!("greatest of {}", parts.join(", "))
        }
        How::DaysUntil { track } => format!("days until the latest {}", taken(model, *track)),
    }
}

/// The grace and consent of a measure, empty where it has none.
pub fn conditions(model: &Model, measure: &Measure) -> String {
    let mut words = Vec::new();
    if measure.grace != Span::ZERO {
        words.push(format!("known for {}", measure.grace));
    }
    if let Some(purpose) = measure.consent.and_then(|index| model.purposes.get(index)) {
        words.push(format!("consent to {purpose}"));
    }
    words.join(", ")
}

/// A comparison: `< 0.5`.
pub fn compare(test: Compare) -> String {
    let op = match test.op {
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Gt => ">",
        Op::Ge => ">=",
    };
    format!("{op} {}", test.threshold)
}

/// The name of measure `index`.
pub fn name(model: &Model, index: usize) -> &str {
    model.measures.get(index).map_or("", |measure| measure.name.as_str())
}

fn over(model: &Model, (what, track, window): (&str, usize, Window)) -> String {
    format!("{what} {} in {}", taken(model, track), last(window))
}

fn rate(model: &Model, track: usize, (window, baseline): (Span, Span), days: Days) -> String {
    let days = match days {
        Days::Fixed => String::new(),
        Days::Active { min_history } => {
            format!(", of which the customer was active on at least {min_history}")
        }
    };
    let what = events(model, track);
    format!("{what} a day in the last {window} / a day in the {baseline} before{days}")
}

fn state(what: StateOf) -> &'static str {
    match what {
        StateOf::Mrr => "monthly recurring revenue",
        StateOf::Seats => "seats",
        StateOf::PlanFeatures => "features of the plan, by the catalogue",
        StateOf::Paused => "1 while paused, else 0",
    }
}

/// A window as a span of the past.
fn last(window: Window) -> String {
    format!("the last {}", self::window(window))
}

/// A window: `14d`, or `14d without the last 2d`.
pub(super) fn window(window: Window) -> String {
    match window.exclude_last {
        Span::ZERO => window.length.to_string(),
        last => format!("{} without the last {last}", window.length),
    }
}

/// What feeds `track`, by type, without the answers.
fn feeds(model: &Model, track: usize) -> Vec<(Kind, &Feed)> {
    let of_kind = Kind::ALL.iter().zip(&model.feeds);
    of_kind
        .flat_map(|(kind, feeds)| feeds.iter().map(move |feed| (*kind, feed)))
        .filter(|(_, feed)| feed.track == track && !matches!(feed.entry, Entry::Mark(_)))
        .collect()
}

/// The events that a track remembers.
fn events(model: &Model, track: usize) -> String {
    let feeds = feeds(model, track);
    let kinds: Vec<&str> = feeds.iter().map(|(kind, _)| kind.name()).collect();
    let kinds = kinds.join(" or ");
    match feeds.first().filter(|(_, feed)| !feed.filter.any.is_empty()) {
        Some((_, feed)) => format!("{kinds} ({})", filter(&feed.filter)),
        None => kinds,
    }
}

/// What is kept of the events of a track, and which events.
fn taken(model: &Model, track: usize) -> String {
    let events = events(model, track);
    match feeds(model, track).first().map(|(_, feed)| feed.entry) {
        Some(Entry::Value(number)) => format!("{} of {events}", self::number(number)),
        Some(Entry::Key(field)) => format!("{} of {events}", field.name()),
        Some(Entry::Grouped { key, group }) => {
            format!("different {} of {events} with one {}", key.name(), group.name())
        }
        _ => events,
    }
}

/// The types that answer the keys of a track.
fn answers(model: &Model, track: usize) -> String {
    let answers = |feeds: &Vec<Feed>| {
        feeds.iter().any(|feed| feed.track == track && matches!(feed.entry, Entry::Mark(_)))
    };
    let of_kind = Kind::ALL.iter().zip(&model.feeds);
    let kinds = of_kind.filter(|(_, feeds)| answers(feeds)).map(|(kind, _)| kind.name());
    kinds.collect::<Vec<_>>().join(" or ")
}

/// The field that tells one user from another.
fn users(model: &Model, track: usize) -> &'static str {
    match feeds(model, track).first().map(|(_, feed)| feed.entry) {
        Some(Entry::Answer { by }) => by.name(),
        _ => "",
    }
}

/// The name of a track: its types, what is kept of them and which.
pub(super) fn track(feeds: &[Intake]) -> String {
    let mut names: Vec<String> = Vec::new();
    for Intake { kind, filter, entry } in feeds {
        let mut name = format!("{}{}", kind.name(), self::entry(*entry));
        if !filter.any.is_empty() {
            name = format!("{name} where {}", self::filter(filter));
        }
        names.push(name);
    }
    names.join(" + ")
}

/// What is kept of an event, as the end of its type's name.
fn entry(entry: Entry) -> String {
    match entry {
        Entry::Time => String::new(),
        Entry::Value(number) => format!(".{}", self::number(number)),
        Entry::Key(field) | Entry::Mark(field) => format!(".{}", field.name()),
        Entry::Answer { by } => format!(" by {}", by.name()),
        Entry::Grouped { key, group } => format!(".{} by {}", key.name(), group.name()),
        Entry::Issue | Entry::Defer | Entry::Pay => ".invoice_id".to_owned(),
    }
}

/// A number that is taken from an event.
fn number(number: Number) -> &'static str {
    match number {
        Number::Field(field) => field.name(),
        Number::Scaled => "score",
        Number::Goodness => "goodness",
        Number::Attainment => "attainment",
    }
}

/// Which events.
fn filter(filter: &Filter) -> String {
    let rows: Vec<String> = filter
        .any
        .iter()
        .map(|row| row.iter().map(test).collect::<Vec<_>>().join(" and "))
        .collect();
    rows.join(", or ")
}

fn test(test: &FieldTest) -> String {
    let field = test.field.name();
    match &test.test {
        Test::OneOf(texts) => format!("{field} is {}", texts.join(" or ")),
        Test::NoneOf(texts) => format!("{field} is not {}", texts.join(" or ")),
        Test::HoldsAny(texts) if texts.is_empty() => format!("any {field}"),
        Test::HoldsAny(texts) => format!("{field} holds {}", texts.join(" or ")),
        Test::Flag(true) => format!("{field} is true"),
        Test::Flag(false) => format!("{field} is false"),
        Test::Absent => format!("no {field}"),
        Test::Present => format!("with {field}"),
        Test::Below(number) => format!("{field} < {}", number.to_f64()),
        Test::AtLeast(number) => format!("{field} >= {}", number.to_f64()),
    }
}
