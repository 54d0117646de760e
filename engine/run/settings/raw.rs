//! What was written, before anyone believes it: every key with its value and where it stood.
//!
//! Shape   the defaults (`config/ebb.toml`, compiled in) hold every key and so are the list of
//!         those there are; a file, the environment and flags are laid over them in that order.
//! Rules   only keys are judged here: an unknown one is a fault that names the nearest known
//!         one. Tables are flattened to dotted keys, so `sasl.password` needs no quotes.

use std::collections::BTreeMap;
use std::fmt;

use toml::{Table, Value};

use super::secret::{is_secret, named_by_file, twin};
use super::{Fault, Place};
use crate::model::near;

/// The defaults, with the words that explain them.
pub const DEFAULTS: &str = include_str!("../../../config/ebb.toml");

/// The tables whose keys are not listed: they are librdkafka's, and those of object stores.
pub(super) const FREE: [&str; 2] = ["kafka.properties", "checkpoint.properties"];

/// A value and where it was given.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// All keys, dotted, each with the value that stands highest.
#[derive(Clone)]
pub(super) struct Raw {
    pub(super) values: BTreeMap<String, Given>,
}

impl Raw {
    /// The defaults alone.
    pub(super) fn defaults() -> Result<Raw, Fault> {
        let mut values = BTreeMap::new();
        for (key, value) in flatten(&parse(DEFAULTS, &Place::Default)?) {
            if !is_empty_table(&value) {
                values.insert(key, Given { value, place: Place::Default });
            }
        }
        Ok(Raw { values })
    }

    /// Lays the settings file `text`, called `name`, over what is there.
    pub(super) fn lay_file(&mut self, name: &str, text: &str, faults: &mut Vec<Fault>) {
        let place = Place::File(name.to_owned());
        match parse(text, &place) {
            Ok(table) => {
                for (key, value) in flatten(&table) {
                    self.lay(&key, value, place.clone(), faults);
                }
            }
            Err(fault) => faults.push(fault),
        }
    }

    /// Lays the variable `name` over what is there, if it speaks of a setting.
    ///
    /// A variable that begins as a section's does (`EBB_KAFKA_`) must name a key of it; other
    /// variables are none of ours.
    pub(super) fn lay_env(&mut self, name: &str, text: &str, faults: &mut Vec<Fault>) {
        if !name.starts_with("EBB_") {
            return;
        }
        if let Some(key) = property_of(name) {
            self.lay(&key, Value::String(text.to_owned()), Place::Env(name.to_owned()), faults);
        } else if let Some(key) = self.of_variable(name) {
            let value = self.convert(&key, text);
            self.lay(&key, value, Place::Env(name.to_owned()), faults);
        } else if self.sections().any(|section| name.starts_with(&(variable(section) + "_"))) {
            let known: Vec<String> = self.values.keys().map(|key| variable(key)).collect();
            let near = near(name, known.iter().map(String::as_str));
            faults.push(unknown(name, &Place::Env(name.to_owned()), near));
        }
    }

    /// Lays `key=value`, as a flag gives it, over what is there.
    pub(super) fn lay_flag(&mut self, text: &str, faults: &mut Vec<Fault>) {
        match text.split_once('=') {
            Some((key, value)) => {
                let value = self.convert(key.trim(), value.trim());
                self.lay(key.trim(), value, Place::Flag, faults);
            }
            // What stands there may be a secret behind another sign.
            None => faults.push(Fault {
                key: text.split([' ', ':']).next().unwrap_or_default().to_owned(),
                found: "no =".to_owned(),
                wanted: "key=value, such as clock.delay=5s".to_owned(),
                place: Place::Flag,
            }),
        }
    }

    fn lay(&mut self, key: &str, value: Value, place: Place, faults: &mut Vec<Fault>) {
        // The one of a pair that is not there stands in for the one that is.
        let is_known = self.values.contains_key(key)
            || named_by_file(key).is_some()
            || twin(key).is_some_and(|twin| self.values.contains_key(&twin));
        if is_known || free(key).is_some() {
            // A value from a file lies over one from a variable's text, and the other way round.
            if let Some(twin) = twin(key) {
                self.values.remove(&twin);
            }
            self.values.insert(key.to_owned(), Given { value, place });
        } else if !(is_empty_table(&value) && self.is_section(key)) {
            let near = near(key, self.values.keys().map(String::as_str));
            faults.push(unknown(key, &place, near));
        }
    }

    /// The text of a variable or flag as a value of the kind that `key` has by default; a text
    /// that is none stays a text and is refused by the check that reads it.
    fn convert(&self, key: &str, text: &str) -> Value {
        let as_text = || Value::String(text.to_owned());
        match self.values.get(key).map(|given| &given.value) {
            Some(Value::Integer(_)) => text.parse().map_or_else(|_| as_text(), Value::Integer),
            Some(Value::Float(_)) => text.parse().map_or_else(|_| as_text(), Value::Float),
            _ => as_text(),
        }
    }

    /// The key that the variable `name` sets.
    fn of_variable(&self, name: &str) -> Option<String> {
        let twins = self.values.keys().filter_map(|key| twin(key));
        let mut keys = self.values.keys().cloned().chain(twins);
        keys.find(|key| variable(key) == name)
    }

    fn sections(&self) -> impl Iterator<Item = &str> {
        self.values.keys().filter_map(|key| key.split_once('.')).map(|(section, _)| section)
    }

    fn is_section(&self, key: &str) -> bool {
        FREE.contains(&key) || self.sections().any(|section| section == key)
    }
}

/// Keys and values as they hold, secrets masked: a settings file again.
impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, given) in &self.values {
            let shown = shown(key, &given.value);
            let key = match free(key) {
                Some((table, property)) => format!("{table}.\"{property}\""),
                None => key.clone(),
            };
            match &given.place {
                Place::Default => writeln!(f, "{key} = {shown}")?,
                place => writeln!(f, "{key} = {shown} # {place}")?,
            }
        }
        Ok(())
    }
}

/// The table whose keys are not listed, and the property of it, that `key` speaks of.
pub(super) fn free(key: &str) -> Option<(&'static str, &str)> {
    FREE.iter().find_map(|table| Some((*table, key.strip_prefix(table)?.strip_prefix('.')?)))
}

/// The key of the property that the variable `name` gives, if it gives one.
fn property_of(name: &str) -> Option<String> {
    let words = |rest: &str| rest.to_ascii_lowercase();
    if let Some(rest) = name.strip_prefix("EBB_KAFKA_PROPERTIES_") {
        return Some(format!("{}.{}", FREE[0], words(rest).replace('_', ".")));
    }
    // Object stores write their names with the same sign that stands before `FILE`.
    let name = words(name.strip_prefix("EBB_CHECKPOINT_PROPERTIES_")?);
    Some(match name.strip_suffix("_file") {
        // These end so by themselves.
        Some(rest) if !rest.ends_with("token") => format!("{}.{rest}.file", FREE[1]),
        _ => format!("{}.{name}", FREE[1]),
    })
}

/// `value` as TOML writes it, or a mask where `key` holds a secret.
pub(super) fn shown(key: &str, value: &Value) -> String {
    // That there is none is no secret.
    let is_hidden = is_secret(key) && value.as_str() != Some("");
    if is_hidden { "\"***\"".to_owned() } else { value.to_string() }
}

fn parse(text: &str, place: &Place) -> Result<Table, Fault> {
    text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        // The parser's words, without the excerpt that could show a secret.
        let found = error.message().lines().collect::<Vec<_>>().join("; ");
        Fault {
            key: format!("line {line}"),
            found,
            wanted: "TOML 1.0: key = value".to_owned(),
            place: place.clone(),
        }
    })
}

fn flatten(table: &Table) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) if !inner.is_empty() => {
                for (rest, value) in flatten(inner) {
                    flat.push((format!("{key}.{rest}"), value));
                }
            }
            _ => flat.push((key.clone(), value.clone())),
        }
    }
    flat
}

fn is_empty_table(value: &Value) -> bool {
    value.as_table().is_some_and(Table::is_empty)
}

/// The variable that overrides `key`: `clock.ahead_max` is `EBB_CLOCK_AHEAD_MAX`.
fn variable(key: &str) -> String {
    format!("EBB_{}", key.to_ascii_uppercase().replace('.', "_"))
}

fn unknown(key: &str, place: &Place, near: Option<&str>) -> Fault {
    let wanted = match near {
        Some(near) => format!("a key that there is; did you mean {near}?"),
        None => "a key that there is; config/ebb.toml lists them".to_owned(),
    };
    Fault { key: key.to_owned(), found: "unknown".to_owned(), wanted, place: place.clone() }
}
