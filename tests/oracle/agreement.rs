//! The engine against the oracle: equal means equal, to the last bit and in the same order.
//!
//! Shape   for each seed a stream and its options are played by both; where they differ, lines
//!         are dropped for as long as the two still differ, and what is left is printed with the
//!         first difference.
//! Rules   `EBB_SEED=n` plays one seed. Names of measures and signals are words of the model
//!         file, not definitions, and are not compared; the points, weights and input scores of
//!         an explanation agree within 1e-9, for no reading fixes their last bit.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine;
use crate::oracle;
use crate::oracle::streams::{Random, Size, stream};
use crate::oracle::traces::options;
use crate::oracle::without_id;
use crate::played::{Options, Played, Timers};

/// How many seeds are played where none is asked for.
const SEEDS: u64 = 300;

#[test]
fn the_engine_and_the_oracle_agree() {
    for seed in seeds() {
        let lines = stream(seed, size(seed));
        let mut options = options(seed, &lines);
        let mut random = Random(seed ^ 0x1a5e5);
        options.lanes = usize::try_from(1 + random.below(3)).unwrap_or(1);
        options.chunk = random.pick(&[1, 2, 7, 1000]).unwrap_or(1);
        check(seed, lines, &options);
    }
}

#[test]
fn the_engine_and_the_oracle_agree_without_timers() {
    for seed in seeds().into_iter().take(30) {
        let lines = stream(seed, size(seed));
        let options = Options { timers: Timers::Off, ..options(seed, &lines) };
        check(seed, lines, &options);
    }
}

#[test]
fn the_engine_and_the_oracle_agree_on_long_lives() {
    for seed in seeds().into_iter().take(6) {
        let lines = stream(seed, Size { customers: 2, events: 500 });
        let options = options(seed, &lines);
        check(seed, lines, &options);
    }
}

/// The seed of the environment, or the fixed ones.
fn seeds() -> Vec<u64> {
    let asked = std::env::var("EBB_SEED").ok().and_then(|text| text.parse().ok());
    asked.map_or_else(|| (1..=SEEDS).collect(), |seed| vec![seed])
}

/// How large the stream of `seed` is.
fn size(seed: u64) -> Size {
    let mut random = Random(seed ^ 0x512e);
    let customers = usize::try_from(1 + random.below(5)).unwrap_or(1);
    Size { customers, events: random.pick(&[20, 60, 80, 120]).unwrap_or(80) }
}

/// Fails with the smallest stream found on which the two still differ.
fn check(seed: u64, lines: Vec<String>, options: &Options) {
    if difference(&lines, options).is_none() {
        return;
    }
    let lines = shrunk(lines, options);
    let difference = difference(&lines, options).unwrap_or_default();
    let n_lines = lines.len();
    let text = lines.join("\n");
    let found = format!("EBB_SEED={seed}, {options:?}\n{n_lines} lines:\n{text}\n{difference}");
    assert!(difference.is_empty(), "the engine and the oracle differ: {found}");
}

/// Drops lines, many at once and then one at a time, for as long as the two still differ.
fn shrunk(mut lines: Vec<String>, options: &Options) -> Vec<String> {
    let mut together = lines.len() / 2;
    while 0 < together {
        let before = lines.len();
        let mut end = before;
        while 0 < end {
            let start = end.saturating_sub(together);
            let fewer = [&lines[..start], &lines[end..]].concat();
            if difference(&fewer, options).is_some() {
                lines = fewer;
            }
            end = start;
        }
        if lines.len() == before || 1 < together {
            together /= 2;
        }
    }
    lines
}

/// The first thing in which the two answers differ; rows are left out where time alone does not
/// judge, for no reading says as of when they are.
fn difference(lines: &[String], options: &Options) -> Option<String> {
    let engine = engine::play(lines, options);
    let oracle = oracle::play(lines, options);
    let rows = || match options.timers {
        Timers::On => first_column(&engine, &oracle),
        Timers::Off => None,
    };
    first_alert(&engine, &oracle)
        .or_else(rows)
        .or_else(|| first_count(&engine.counts, &oracle.counts))
}

/// The first alert that differs.
fn first_alert(engine: &Played, oracle: &Played) -> Option<String> {
    for index in 0..engine.alerts.len().max(oracle.alerts.len()) {
        let compared = |played: &Played| {
            let alert = played.alerts.get(index).cloned().unwrap_or(Value::Null);
            without_names(without_id(alert))
        };
        let (engine, oracle) = (compared(engine), compared(oracle));
        if !is_same(&engine, &oracle, "") {
            return Some(format!("alert {index}:\n  engine {engine}\n  oracle {oracle}"));
        }
    }
    None
}

/// The first column that differs.
fn first_column(engine: &Played, oracle: &Played) -> Option<String> {
    let names: Vec<&String> = engine.customers.keys().collect();
    let wanted: Vec<&String> = oracle.customers.keys().collect();
    if names != wanted {
        return Some(format!("customers:\n  engine {names:?}\n  oracle {wanted:?}"));
    }
    for (name, row) in &oracle.customers {
        for (column, wanted) in row {
            let found = engine.customers[name].get(column);
            if found != Some(wanted) {
                return Some(format!("{name} {column}:\n  engine {found:?}\n  oracle {wanted:?}"));
            }
        }
    }
    None
}

/// The first count that differs.
fn first_count(engine: &BTreeMap<String, u64>, oracle: &BTreeMap<String, u64>) -> Option<String> {
    let differing = oracle.iter().find(|(name, wanted)| engine.get(*name) != Some(wanted));
    differing.map(|(name, wanted)| {
        format!("count {name}:\n  engine {:?}\n  oracle {wanted}", engine.get(name))
    })
}

/// The alert without the model file's own words.
fn without_names(mut alert: Value) -> Value {
    let empty = Value::String(String::new());
    for part in alert["reasons"].as_array_mut().into_iter().flatten() {
        if part.get("name").is_some() {
            part["name"] = empty.clone();
        }
        for input in part.get_mut("inputs").and_then(Value::as_array_mut).into_iter().flatten() {
            input["input"] = empty.clone();
        }
    }
    alert
}

/// Whether two values are the same; `key` is what they stand under.
fn is_same(one: &Value, other: &Value, key: &str) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    other.get(name).is_some_and(|other| is_same(value, other, name))
                })
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same(one, other, key))
        }
        (Value::Number(one), Value::Number(other)) if APPROXIMATE.contains(&key) => {
            let numbers = one.as_f64().zip(other.as_f64());
            numbers.is_some_and(|(one, other)| (one - other).abs() <= 1e-9)
        }
        _ => one == other,
    }
}

/// The numbers of an explanation whose last bits no reading fixes.
const APPROXIMATE: &[&str] = &["points", "weight", "score"];
