//! Every table with its columns: type, unit, meaning, and what null means.
//!
//! Shape   the one list from which files are written, tables are opened, the `columns` table is
//!         filled and the page under `schemas/` is made.
//! Rules   the columns of `customers` follow the model: one for every measure, four for every
//!         score, one for every signal.

use crate::query::raw::Described;

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What stands in it.
    pub kind: Kind,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// What it means.
    pub means: String,
    /// What null means; empty where it is never null.
    pub null: String,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A number, 64-bit floating point.
    Number,
    /// A whole number, 64 bit.
    Whole,
    /// True or false.
    Flag,
    /// An instant in UTC, to the millisecond.
    Time,
    /// A day in UTC.
    Day,
    /// A list of rows with the columns of [`PARTS`].
    Parts,
}

impl Kind {
    /// Its name in SQL.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "double",
            Kind::Whole => "bigint",
            Kind::Flag => "boolean",
            Kind::Time => "timestamp",
            Kind::Day => "date",
            Kind::Parts => "list",
        }
    }
}

/// A row of a list below: name, kind, unit, meaning, what null means.
pub type Line = (&'static str, Kind, &'static str, &'static str, &'static str);

/// The tables with columns that no model changes, each with what it holds.
pub const TABLES: [(&str, &str); 9] = [
    ("customers", "one row a customer: what it is, its measures, scores and signals"),
    ("signals", "one row a customer and signal"),
    ("explanations", "one row a customer, score and part of its explanation"),
    ("alerts", "one row an alert, as it went out"),
    ("scores_history", "one row whenever the scores of a customer were published"),
    ("events_daily", "one row a customer, day and type of event, over 120 days"),
    ("snapshots", "one row a snapshot and partition"),
    ("kpis", "one row a KPI with its value and target"),
    ("columns", "one row a column: this list"),
];

/// Columns that every row of a snapshot begins with.
const HEAD: [Line; 3] = [
    ("customer_id", Kind::Text, "", "whose row it is", ""),
    ("partition", Kind::Whole, "", "the partition of the input that the customer is in", ""),
    ("as_of", Kind::Time, "UTC", "the partition's time, as of which everything here holds", ""),
];

/// When measures were taken.
const MEASURED: Line = (
    MEASURED_AT,
    Kind::Time,
    "UTC",
    "when this customer last changed, or everyone was written anew: its measures and trends are as \
     of then, all else is as of as_of",
    "",
);

/// What a customer is.
const ABOUT: [Line; 8] = [
    ("status", Kind::Text, "", "active, paused or cancelled", ""),
    ("known_since", Kind::Time, "UTC", "the time of the customer's earliest event", ""),
    ("plan", Kind::Text, "", "the current plan", "none was told"),
    ("mrr", Kind::Number, "currency a month", "monthly recurring revenue", "it was not told"),
    ("seats", Kind::Number, "seats", "seats of the subscription", "they were not told"),
    ("owner", Kind::Text, "", "who looks after the customer", "nobody was named"),
    (
        "approximate",
        Kind::Flag,
        "",
        "whether a window held more events than are kept one by one, so that a measure may be off",
        "",
    ),
    (
        "status_30d_before",
        Kind::Text,
        "",
        "the status 30 days before, as it is known now: as of measured_at, as measures are",
        "the customer was not known then",
    ),
];

/// What comes next.
const NEXT: [Line; 3] = [
    (
        "next_band_score",
        Kind::Text,
        "",
        "the score whose held band changes first if nothing more happens",
        "no change within 120 days",
    ),
    ("next_band", Kind::Text, "", "the band held then", "no change within 120 days"),
    ("next_band_at", Kind::Time, "UTC", "the instant of that change", "no change within 120 days"),
];

const SIGNALS: [Line; 10] = [
    ("signal", Kind::Text, "", "the signal's id in the model", ""),
    ("name", Kind::Text, "", "the signal's name", ""),
    ("score", Kind::Text, "", "the score it adds to", ""),
    ("member", Kind::Text, "", "its group, or its level in a score by severity", ""),
    ("active", Kind::Flag, "", "whether it is active", "its measure is not available"),
    ("value", Kind::Number, "of the measure", "what its measure reads", "not available"),
    ("comparison", Kind::Text, "", "how the value is compared: <, <=, > or >=", ""),
    ("threshold", Kind::Number, "of the measure", "what the value is compared with", ""),
    ("points", Kind::Number, "points", "its points in its group or level, before caps", ""),
    ("action", Kind::Text, "", "what the model tells people to do", "it tells nothing"),
];

/// One part of an explanation.
pub const PARTS: [Line; 13] = [
    ("score", Kind::Text, "", "the score that is explained", ""),
    ("position", Kind::Whole, "", "the place of the part in the explanation, from 1", ""),
    (
        "part",
        Kind::Text,
        "",
        "signal, cap, floor, override, subscore, or input (one input of the subscore before it)",
        "",
    ),
    (
        "rule",
        Kind::Text,
        "",
        "the signal's id, the capped group, count or the red flag, who set the override, the \
         subscore, the measure",
        "",
    ),
    ("name", Kind::Text, "", "the signal's name, or the subscore of an input", "of other parts"),
    ("value", Kind::Number, "of the rule", "what was compared, capped, lifted or set", ""),
    ("threshold", Kind::Number, "of the rule", "what it was compared with", "of other parts"),
    ("weight", Kind::Number, "0 to 1", "weight among the available subscores", "no subscore"),
    (
        "points",
        Kind::Number,
        "points",
        "what the part adds; the points of one score add up to it",
        "an input: the subscore has its points",
    ),
    ("low", Kind::Number, "of the measure", "where an input gives 0", "no input"),
    ("high", Kind::Number, "of the measure", "where an input gives 100", "no input"),
    ("gives", Kind::Number, "0 to 100", "what an input gives its subscore", "no input"),
    ("reason", Kind::Text, "", "why the override was set", "no override, or no reason given"),
];

/// The columns of `alerts`.
pub const ALERTS: [Line; 19] = [
    ("id", Kind::Text, "", "what the alert is, hashed; a replay repeats it", ""),
    ("customer_id", Kind::Text, "", "whose alert it is", ""),
    ("partition", Kind::Whole, "", "the partition that the customer is in", ""),
    ("at", Kind::Time, "UTC", "the instant of the crossing", ""),
    ("kind", Kind::Text, "", "band, signal, red_flag, drop or cancellation_intent", ""),
    ("rule", Kind::Text, "", "what rang: a score, a signal, a red flag, an intent", ""),
    ("score", Kind::Text, "", "the score that rang", "no band and no drop"),
    ("direction", Kind::Text, "", "worse, better (by an event) or faded (by time alone)", ""),
    ("from", Kind::Text, "", "the band, or clear, before", "an intent, a drop, a first band"),
    ("to", Kind::Text, "", "the band, or active, after", "an intent or a drop"),
    ("value", Kind::Number, "of the rule", "score, measure, floor or trend", "not available"),
    ("previous", Kind::Number, "points", "the score before it last changed", "no band, or none"),
    ("cause", Kind::Text, "", "what brought it: event or timer", ""),
    ("event_id", Kind::Text, "", "the id of the event that brought it", "time alone brought it"),
    ("reasons", Kind::Text, "JSON", "the explanation of the score it belongs to", ""),
    ("open_since", Kind::Time, "UTC", "when the alert first rang that is open", "none is open"),
    ("owner", Kind::Text, "", "who looked after the customer then", "nobody was named"),
    ("model_id", Kind::Text, "", "the model that judged", ""),
    ("model_version", Kind::Whole, "", "its version", ""),
];

/// The columns of `events_daily`.
pub const EVENTS_DAILY: [Line; 5] = [
    ("customer_id", Kind::Text, "", "whose events", ""),
    ("partition", Kind::Whole, "", "the partition that the customer is in", ""),
    ("day", Kind::Day, "UTC", "the day they happened on", ""),
    ("type", Kind::Text, "", "their type", ""),
    ("count", Kind::Whole, "events", "how many were applied, or wait for their time", ""),
];

/// The columns of `snapshots`.
pub const SNAPSHOTS: [Line; 7] = [
    ("snapshot", Kind::Text, "", "the snapshot's id", ""),
    ("partition", Kind::Whole, "", "one of its partitions", ""),
    ("as_of", Kind::Time, "UTC", "the time of that partition", "it had no event"),
    ("next_offset", Kind::Whole, "", "the first offset not contained", "records have none"),
    ("customers", Kind::Whole, "rows", "how many customers the partition has", ""),
    ("model_id", Kind::Text, "", "the model that judged", ""),
    ("model_version", Kind::Whole, "", "its version", ""),
];

const KPIS: [Line; 9] = [
    ("kpi", Kind::Text, "", "the KPI's id in the specification", ""),
    ("name", Kind::Text, "", "what it is", ""),
    ("segment", Kind::Text, "", "over whom: all, or a plan", ""),
    ("value", Kind::Number, "unit", "its value now", "nobody it could be told of"),
    ("unit", Kind::Text, "", "the unit of value and target", ""),
    ("low", Kind::Number, "unit", "the target's lower end, inclusive", "it has none"),
    ("high", Kind::Number, "unit", "the target's upper end", "it has none"),
    ("in_range", Kind::Flag, "", "whether the value lies within the target", "there is no value"),
    ("customers", Kind::Whole, "customers", "over how many it was taken", ""),
];

const COLUMNS: [Line; 6] = [
    ("table_name", Kind::Text, "", "the table", ""),
    ("column_name", Kind::Text, "", "the column", ""),
    ("type", Kind::Text, "", "text, double, bigint, boolean, timestamp or date", ""),
    ("unit", Kind::Text, "", "the unit", "it has none"),
    ("means", Kind::Text, "", "what it means", ""),
    ("null_means", Kind::Text, "", "what null means", "it is never null"),
];

/// The columns of `lines`.
pub fn all(lines: &[Line]) -> Vec<Column> {
    let column = |&(name, kind, unit, means, null): &Line| Column {
        name: name.to_owned(),
        kind,
        unit: unit.to_owned(),
        means: means.to_owned(),
        null: null.to_owned(),
    };
    lines.iter().map(column).collect()
}

fn column(name: String, kind: Kind, unit: &str, says: (String, &str)) -> Column {
    Column { name, kind, unit: unit.to_owned(), means: says.0, null: says.1.to_owned() }
}

/// The columns of `customers` under `model`, as people see them.
pub fn customers(model: &Described) -> Vec<Column> {
    let mut columns = all(&HEAD);
    columns.extend(all(&[MEASURED]));
    columns.extend(all(&ABOUT));
    for score in &model.scores {
        columns.extend(scored(&score.name));
        let days = |days: u32| {
            let means = format!("{} less its value {days} days ago", score.name);
            (means, "there is no value, or there was none then")
        };
        for n in [7, 30] {
            let name = format!("{}_trend_{n}d", score.name);
            columns.push(column(name, Kind::Number, "points", days(n)));
        }
    }
    columns.extend(model.scores.iter().map(|score| covered(&score.name)));
    columns.extend(all(&NEXT));
    for measure in &model.measures {
        let mut name = measure.name.clone();
        // A measure may be called as another column is, before it or behind.
        let is_flag = model.signals.iter().any(|signal| flag(&signal.id) == name);
        let is_behind = name == EXPLANATION || STANDS.iter().any(|line| line.0 == name);
        if is_flag || is_behind || columns.iter().any(|known| known.name == name) {
            name = format!("{CLASH}{name}");
        }
        let says = (format!("{MEASURE}{}", measure.means), "not available");
        columns.push(column(name, Kind::Number, "of the measure", says));
    }
    for signal in &model.signals {
        let means = format!("signal {} ({}): {}", signal.id, signal.name, signal.test);
        let says = (means, "its measure is not available");
        columns.push(column(flag(&signal.id), Kind::Flag, "", says));
    }
    columns
}

/// What a measure's column is called by if another column has its name.
const CLASH: &str = "measure_";
/// What the meaning of a measure's column begins with.
const MEASURE: &str = "measure: ";

/// The column of `customers` that holds the measure called `name` under `model`.
pub fn measure(model: &Described, name: &str) -> String {
    let clash = format!("{CLASH}{name}");
    let columns = customers(model);
    let is_clash = columns.iter().any(|column| column.name == clash);
    if is_clash && model.measures.iter().all(|measure| measure.name != clash) {
        clash
    } else {
        name.to_owned()
    }
}

/// The columns of the files of customers: with the explanation of every score.
pub fn published(model: &Described) -> Vec<Column> {
    let mut columns = customers(model);
    let means = "the parts of the explanation of every score".to_owned();
    columns.push(column(EXPLANATION.to_owned(), Kind::Parts, "", (means, "")));
    columns.retain(|column| column.name != MEASURED_AT);
    columns.extend(all(&STANDS));
    columns
}

/// The column that tells when a customer's measures were taken; in files it is `as_of`.
pub const MEASURED_AT: &str = "measured_at";

/// Where a row of a file of customers stands among those of the others.
const STANDS: [Line; 2] = [
    ("place", Kind::Whole, "", "where the customer stands", "written by an older version"),
    (
        "edition",
        Kind::Whole,
        "",
        "a later row of the same place counts in its stead",
        "written by an older version",
    ),
];

/// The column that holds the explanation.
pub const EXPLANATION: &str = "explanation";

/// The column of a signal's flag.
pub fn flag(signal: &str) -> String {
    format!("{}_active", signal.to_lowercase().replace('-', "_"))
}

/// The columns of `scores_history` under `model`.
pub fn scores_history(model: &Described) -> Vec<Column> {
    let mut columns = all(&HEAD[..2]);
    let at = ("at", Kind::Time, "UTC", "when the scores were published", "");
    columns.extend(all(&[at, ABOUT[0]]));
    columns.extend(model.scores.iter().flat_map(|score| scored(&score.name)));
    columns.extend(model.scores.iter().map(|score| covered(&score.name)));
    columns.extend(all(&NEXT));
    columns.extend(all(&ALERTS[17..]));
    columns
}

/// Value, band and held band of a score.
fn scored(score: &str) -> [Column; 3] {
    let value = format!("the score {score}");
    let band = format!("the band of the number {score}");
    let held = format!("the band held, which {score} leaves only past its exit margin");
    [
        column(
            score.to_owned(),
            Kind::Number,
            "0 to 100",
            (value, "cancelled, or too little is known"),
        ),
        column(format!("{score}_band"), Kind::Text, "", (band, "the score is null")),
        column(format!("{score}_held"), Kind::Text, "", (held, "none was entered yet")),
    ]
}

fn covered(score: &str) -> Column {
    let means = format!("available weight of {score} over all its weight");
    column(format!("coverage_{score}"), Kind::Number, "0 to 1", (means, ""))
}

/// The columns of the table called `name` under `model`; none where there is no such table.
pub fn of(name: &str, model: &Described) -> Vec<Column> {
    match name {
        "customers" => customers(model),
        "signals" => [all(&HEAD), all(&SIGNALS)].concat(),
        "explanations" => [all(&HEAD), all(&PARTS)].concat(),
        "alerts" => all(&ALERTS),
        "scores_history" => scores_history(model),
        "events_daily" => all(&EVENTS_DAILY),
        "snapshots" => all(&SNAPSHOTS),
        "kpis" => all(&KPIS),
        "columns" => all(&COLUMNS),
        _ => Vec::new(),
    }
}
