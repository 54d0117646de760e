//! Tables that are derived when somebody asks: signals, explanations, what people see of customers.
//!
//! Rules   what is written into a statement comes from the model: names are quoted, texts and
//!         numbers are literals.

use crate::query::columns::{self, EXPLANATION, PARTS, flag};
use crate::query::raw::{Described, SignalOf};

/// The name under which views find the files of customers.
pub(crate) const PUBLISHED: &str = "customers_published";

/// What every row of a snapshot begins with.
const HEAD: &str = "customer_id, partition, as_of";

/// `name` as a quoted name.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as a literal.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `number` as a literal.
pub(crate) fn number(number: f64) -> String {
    format!("CAST({number:?} AS DOUBLE)")
}

/// `customers`: everything but the explanation.
pub(crate) fn customers(model: &Described) -> String {
    let columns: Vec<String> =
        columns::customers(model).iter().map(|column| name(&column.name)).collect();
    format!("SELECT {} FROM {PUBLISHED}", columns.join(", "))
}

/// `signals`: one row a customer and signal.
pub(crate) fn signals(model: &Described) -> String {
    let rows: Vec<String> = model.signals.iter().map(|signal| one(model, signal)).collect();
    rows.join(" UNION ALL ")
}

fn one(model: &Described, signal: &SignalOf) -> String {
    let action = match signal.action.as_str() {
        "" => "CAST(NULL AS VARCHAR)".to_owned(),
        action => text(action),
    };
    format!(
        "SELECT {HEAD}, {} AS signal, {} AS name, {} AS score, {} AS member, {} AS active, \
         {} AS value, {} AS comparison, {} AS threshold, {} AS points, {action} AS action \
         FROM {PUBLISHED}",
        text(&signal.id),
        text(&signal.name),
        text(&signal.score),
        text(&signal.group),
        name(&flag(&signal.id)),
        name(&columns::measure(model, &signal.measure)),
        text(&signal.comparison),
        number(signal.threshold),
        number(signal.points),
    )
}

/// `explanations`: one row a part.
pub(crate) fn explanations() -> String {
    let columns: Vec<String> = PARTS
        .iter()
        .map(|(column, ..)| format!("get_field(part, {}) AS {}", text(column), name(column)))
        .collect();
    format!(
        "SELECT {HEAD}, {} FROM (SELECT {HEAD}, unnest({EXPLANATION}) AS part FROM {PUBLISHED})",
        columns.join(", ")
    )
}
