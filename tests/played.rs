//! What a replay is asked and what it answers, whoever plays it: the engine or the oracle.
//!
//! Rules   both sides fill the same shapes with the same text, so that equal means equal.

use std::collections::BTreeMap;

use serde_json::Value;

/// Twenty-four hours in milliseconds.
pub(crate) const DAY: i64 = 86_400_000;

/// How a replay is to be played.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where `now` moves at the end of the input, in milliseconds.
    pub(crate) until: Option<i64>,
    /// Over how many partitions the customers are spread.
    pub(crate) partitions: u32,
    /// Lanes of a partition; nothing in the answer may depend on it.
    pub(crate) lanes: usize,
    /// Records handed over at once; nothing in the answer may depend on it.
    pub(crate) chunk: usize,
    /// The text of another model; the oracle knows the shipped one only.
    pub(crate) model: Option<String>,
    /// Whether time alone judges.
    pub(crate) timers: Timers,
    /// Features of every plan: the row `"*"` of the catalogue.
    pub(crate) features: u32,
    /// What differs from the shipped model in risk, risk_cs and retention, in this order.
    pub(crate) tuning: [Tuning; 3],
}

/// Whether time alone judges (D-12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timers {
    /// It does.
    On,
    /// Customers are judged only when one of their events arrives.
    Off,
}

/// The knobs of one score's crossing machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// In points.
    pub(crate) exit_margin: f64,
    /// In milliseconds.
    pub(crate) dwell: i64,
    /// Of its band alerts, in milliseconds.
    pub(crate) cooldown: i64,
}

/// The shipped default.
pub(crate) fn default_options() -> Options {
    let tuning = Tuning { exit_margin: 5.0, dwell: 0, cooldown: 7 * DAY };
    Options {
        until: None,
        partitions: 1,
        lanes: 1,
        chunk: 1000,
        model: None,
        timers: Timers::On,
        features: 10,
        tuning: [tuning; 3],
    }
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    /// The alerts in the order of output, as their JSON.
    pub(crate) alerts: Vec<Value>,
    /// By customer id: the columns of the customers file as text.
    pub(crate) customers: BTreeMap<String, BTreeMap<String, String>>,
    /// `read`, `applied`, `duplicate`, `late`, `too_old`, `erased`, `unknown`, `rejected`,
    /// `suppressed`, `snoozed`.
    pub(crate) counts: BTreeMap<String, u64>,
}
