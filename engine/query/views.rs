//! Tables that are derived when somebody asks: signals, explanations, what people see of customers.
//!
//! Rules   what is written into a statement comes from the model: names are quoted, texts and
//!         numbers are literals.

use crate::query::columns::{self, Column, EXPLANATION, MEASURED_AT, PARTS, flag};
use crate::query::current::{IS_CURRENT, STANDS_AT};
use crate::query::daily::DAYS_KEPT;
use crate::query::raw::{Described, SignalOf};

/// The name under which views find customers with their explanations.
pub(crate) const PUBLISHED: &str = "customers_published";
/// The name under which views find their files.
pub(crate) const CUSTOMER_FILES: &str = "customers_files";
/// The name under which a view finds the files of `events_daily`.
pub(crate) const DAILY_FILES: &str = "events_daily_files";

/// How the customers of a snapshot were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// All in one go.
    AtOnce,
    /// Bit by bit: a row may stand for another.
    Bit,
}

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

/// `customers`: of the rows that were written, `written` so, those that count.
///
/// Every view between a question and the files takes its time to plan, a third of a look-up's: this
/// one stands on the files themselves.
pub(crate) fn customers(model: &Described, written: Written) -> String {
    counting(&columns::customers(model), written)
}

/// The same rows with the explanation of every score.
pub(crate) fn published(model: &Described, written: Written) -> String {
    let mut columns = columns::customers(model);
    columns.extend(columns::published(model).into_iter().filter(|it| it.name == EXPLANATION));
    counting(&columns, written)
}

fn counting(columns: &[Column], written: Written) -> String {
    let one = |column: &Column| match (column.name.as_str(), written) {
        (MEASURED_AT, _) => format!("as_of AS {MEASURED_AT}"),
        ("as_of", Written::Bit) => format!("{STANDS_AT}(partition) AS as_of"),
        (column, _) => name(column),
    };
    let shown: Vec<String> = columns.iter().map(one).collect();
    let all = format!("SELECT {} FROM {CUSTOMER_FILES}", shown.join(", "));
    match written {
        Written::AtOnce => all,
        Written::Bit => format!("{all} WHERE {IS_CURRENT}(place, edition)"),
    }
}

/// `events_daily`: what several files count of one day together, over the days that are kept.
pub(crate) fn events_daily(today: i32) -> String {
    let first = i64::from(today) - i64::from(DAYS_KEPT - 1);
    format!(
        "SELECT customer_id, partition, day, type, CAST(sum(count) AS BIGINT) AS count \
         FROM {DAILY_FILES} WHERE CAST(day AS INT) >= {first} \
         GROUP BY customer_id, partition, day, type"
    )
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
