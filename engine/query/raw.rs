//! What this room reads and writes as JSON: manifests, alerts and scores as they went out, and
//! what passes between the process that asks and the one that answers.
//!
//! Rules   a manifest says everything that a reader needs, so that a folder of snapshots can be
//!         read without the program's settings and model.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::unit::EventTime;

/// The form of manifest that this program writes.
pub const FORMAT: u32 = 2;
/// The oldest form that it still reads.
pub const FORMAT_FIRST: u32 = 1;

/// One snapshot: what it holds and as of when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this file.
    pub format: u32,
    /// The snapshot's id: the name of its folder.
    pub id: String,
    /// The latest `now` of its partitions (RFC 3339).
    pub at: String,
    /// The model that judged.
    pub model: Described,
    /// Over how many partitions customers are spread, those of other instances included.
    pub partitions: u32,
    /// How far every partition was.
    pub positions: Vec<Place>,
    /// Whether every customer was written anew for it; form 1: always.
    #[serde(default = "yes")]
    pub complete: bool,
    /// Its files, by table and partition, from the oldest to the newest.
    pub files: Vec<FileOf>,
    /// The places of customers who were erased since all were written.
    #[serde(default)]
    pub erased: Vec<i64>,
}

fn yes() -> bool {
    true
}

/// How far a partition was (D-2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Which partition.
    pub partition: u32,
    /// Its time; null before its first event.
    pub now: Option<String>,
    /// The first offset not contained; null where records have none.
    pub offset: Option<i64>,
    /// How many customers it has; null in form 1, where its file of customers has as many rows.
    #[serde(default)]
    pub customers: Option<u64>,
}

/// One file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOf {
    /// The table that it belongs to.
    pub table: String,
    /// The partition whose rows it holds.
    pub partition: u32,
    /// Its path below the folder of all snapshots.
    pub path: String,
    /// How many rows it has.
    pub rows: u64,
    /// Of `customers`: the edition that its rows are of. A row counts unless a later edition has
    /// one of the same place.
    #[serde(default)]
    pub edition: i64,
    /// Of tables of what happened: the instant of the newest row, in milliseconds since 1970.
    #[serde(default = "never")]
    pub until: i64,
}

fn never() -> i64 {
    EventTime::NEVER.millis()
}

/// A model as far as a reader of its results needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// Its measures, in its order.
    pub measures: Vec<MeasureOf>,
    /// Its signals, in its order.
    pub signals: Vec<SignalOf>,
    /// Its scores, in its order.
    pub scores: Vec<ScoreOf>,
}

/// One measure of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureOf {
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub means: String,
}

/// One signal of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalOf {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The score it adds to.
    pub score: String,
    /// Its group, or its level in a score by severity.
    pub group: String,
    /// The measure it tests.
    pub measure: String,
    /// How: `<`, `<=`, `>` or `>=`.
    pub comparison: String,
    /// Against what.
    pub threshold: f64,
    /// Its points in its group, or those of its level.
    pub points: f64,
    /// The whole test in words.
    pub test: String,
    /// What people are told to do.
    pub action: String,
}

/// One score of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreOf {
    /// Its name.
    pub name: String,
    /// Its bands from the lowest up.
    pub bands: Vec<BandOf>,
}

/// One band of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandOf {
    /// Its name.
    pub name: String,
    /// Its edge, inclusive.
    pub from: f64,
}

/// The model a line was made by.
#[derive(Debug, Deserialize)]
pub struct ModelRef {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: i64,
}

/// An alert as it went out.
#[derive(Debug, Deserialize)]
pub struct AlertLine<'a> {
    /// What the alert is, hashed.
    pub id: String,
    /// What rang.
    pub kind: String,
    /// The name of what rang.
    pub rule: String,
    /// The score that rang.
    pub score: Option<String>,
    /// Which way.
    pub direction: String,
    /// Whose.
    pub customer_id: String,
    /// When.
    pub at: String,
    /// Before.
    pub from: Option<String>,
    /// After.
    pub to: Option<String>,
    /// The value that rang.
    pub value: Option<f64>,
    /// The value before.
    pub previous: Option<f64>,
    /// What brought it.
    pub cause: CauseLine,
    /// Why, as it was written.
    #[serde(borrow)]
    pub reasons: &'a RawValue,
    /// The model that judged.
    pub model: ModelRef,
    /// Since when the alert was open that a recovery closes.
    pub open_since: Option<String>,
    /// Who looks after the customer.
    pub owner: Option<String>,
}

/// What brought an alert.
#[derive(Debug, Deserialize)]
pub struct CauseLine {
    /// `event` or `timer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The event's id.
    pub id: Option<String>,
}

/// A question for the process that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The number of the process that asks: the one that answers ends with it.
    pub asker: u32,
    /// The folder of all snapshots.
    pub snapshots: String,
    /// As of when: a time, or the id of a snapshot; null is the latest.
    pub as_of: Option<String>,
    /// The statement.
    pub statement: String,
    /// The form of the answer.
    pub format: String,
    /// The most rows an answer may have.
    pub rows_max: u64,
    /// The most memory, in bytes.
    pub memory_max: u64,
    /// The longest statement, in bytes.
    pub statement_max: u64,
    /// The most operators in a statement.
    pub operators_max: u64,
}

/// What a process that answers many questions is told first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// The number of the process that asks: the one that answers ends with it.
    pub asker: u32,
    /// The folder of all snapshots.
    pub snapshots: String,
    /// The most rows an answer may have.
    pub rows_max: u64,
    /// The most memory of a query, in bytes.
    pub memory_max: u64,
    /// The longest statement, in bytes.
    pub statement_max: u64,
    /// The most operators in a statement.
    pub operators_max: u64,
}

/// What it is asked to do, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// To open the newest snapshot, if there is a newer one, so that the next question finds it.
    Look,
    /// To answer.
    Ask(Asked),
    /// To say what an answer would look like: its parameters, its columns.
    Describe(Asked),
}

/// One question of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The statement.
    pub statement: String,
    /// Whose words it is in.
    pub dialect: Dialect,
    /// What stands for `$1`, `$2`, …
    pub parameters: Vec<Parameter>,
    /// As of when: a time, or the id of a snapshot; null is the latest.
    pub as_of: Option<String>,
    /// The form of the answer.
    pub format: String,
}

/// Whose words a statement is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Dialect {
    /// This program's.
    Plain,
    /// Those of PostgreSQL's clients, who look into its catalogue.
    Postgres,
}

/// What stands for one `$n`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// What it is; null where whoever asks leaves that to the statement.
    pub kind: Option<ParameterKind>,
    /// Its value as text; null is null.
    pub value: Option<String>,
}

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterKind {
    /// True or false.
    Flag,
    /// A whole number, 64 bit.
    Whole,
    /// A number, 64-bit floating point.
    Number,
    /// Text.
    Text,
    /// An instant.
    Time,
    /// A day.
    Day,
}

/// What is said at the end of a task that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// How many rows the answer has.
    pub rows: u64,
    /// Whether the process keeps so much memory that a new one should take its place.
    pub is_full: bool,
}

/// A question as it comes in by HTTP.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpQuestion {
    /// The statement.
    pub sql: String,
    /// What stands for `$1`, `$2`, …: null, true, false, numbers, texts.
    #[serde(default)]
    pub parameters: Vec<serde_json::Value>,
    /// As of when: a time, or the id of a snapshot; null is the latest.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// A question inside a ticket of Flight SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlightQuestion {
    /// The statement.
    pub statement: String,
    /// What stands for its parameters.
    pub parameters: Vec<Parameter>,
}
