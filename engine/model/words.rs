//! The model in words: what people read in `ebb model show`, in messages and explanations.

use crate::model::check_measure::Intake;
use crate::model::measure::Window;
use crate::model::track::{Entry, FieldTest, Filter, Number, Test};
use crate::unit::Span;

/// A window: `14d`, or `14d without the last 2d`.
pub(super) fn window(window: Window) -> String {
    match window.exclude_last {
        Span::ZERO => window.length.to_string(),
        last => format!("{} without the last {last}", window.length),
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
pub(super) fn filter(filter: &Filter) -> String {
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
        Test::HoldsAny(texts) if texts.is_empty() => format!("{field} is anything"),
        Test::HoldsAny(texts) => format!("{field} holds {}", texts.join(" or ")),
        Test::Flag(true) => format!("{field} is true"),
        Test::Flag(false) => format!("{field} is false"),
        Test::Absent => format!("{field} is absent"),
        Test::Present => format!("{field} is present"),
        Test::Below(number) => format!("{field} < {}", number.to_f64()),
        Test::AtLeast(number) => format!("{field} >= {}", number.to_f64()),
    }
}
