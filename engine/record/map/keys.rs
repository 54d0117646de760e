//! Reading the tables of a map file key by key, noting every fault on the way.
//!
//! Shape   [`Keys`] owns one table; what is asked for is taken out, and what is left at the end
//!         was never known.
//! Errors  a fault is noted and reading goes on, so that all of them are told at once.

use std::fmt;

use toml::{Table, Value};

/// One thing wrong with a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFault {
    /// Where: `source 1 (accounts.csv), event 2 (refund), fields.amount`.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub wanted: String,
}

impl fmt::Display for MapFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; wanted {}", self.place, self.found, self.wanted)
    }
}

/// The faults noted so far.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<MapFault>);

impl Faults {
    /// Notes one.
    pub(super) fn note(
        &mut self,
        place: impl Into<String>,
        found: impl Into<String>,
        wanted: impl Into<String>,
    ) {
        let (place, found, wanted) = (place.into(), found.into(), wanted.into());
        self.0.push(MapFault { place, found, wanted });
    }
}

/// One table that is being read.
pub(super) struct Keys {
    place: String,
    table: Table,
    known: Vec<&'static str>,
}

impl Keys {
    /// The table that stands at `place`; an empty place is the top of the file.
    pub(super) fn new(place: impl Into<String>, table: Table) -> Keys {
        Keys { place: place.into(), table, known: Vec::new() }
    }

    /// Where `key` of this table stands, in words.
    pub(super) fn place_of(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}, {key}", self.place) }
    }

    /// Where this table stands, in words.
    pub(super) fn place(&self) -> &str {
        if self.place.is_empty() { "the file" } else { &self.place }
    }

    /// Says more about where this table stands.
    pub(super) fn call(&mut self, place: String) {
        self.place = place;
    }

    /// Takes the value of `key` out.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// Takes a text out, if there is one.
    pub(super) fn text(&mut self, key: &'static str, faults: &mut Faults) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => {
                faults.note(self.place_of(key), shown(&other), "a text in quotes");
                None
            }
        }
    }

    /// Takes a text out that must be there and must not be empty.
    pub(super) fn need_text(&mut self, key: &'static str, faults: &mut Faults) -> Option<String> {
        let absent = !self.table.contains_key(key);
        let text = self.text(key, faults);
        if absent || text.as_deref() == Some("") {
            faults.note(self.place_of(key), "nothing", "a text in quotes");
            return None;
        }
        text
    }

    /// Takes a whole number out, if there is one.
    pub(super) fn whole(&mut self, key: &'static str, faults: &mut Faults) -> Option<i64> {
        match self.take(key)? {
            Value::Integer(number) => Some(number),
            other => {
                faults.note(self.place_of(key), shown(&other), "a whole number");
                None
            }
        }
    }

    /// Takes a number out, if there is one.
    pub(super) fn number(&mut self, key: &'static str, faults: &mut Faults) -> Option<f64> {
        let value = self.take(key)?;
        let number = as_number(&value).filter(|number| number.is_finite());
        if number.is_none() {
            faults.note(self.place_of(key), shown(&value), "a number");
        }
        number
    }

    /// Takes a table out, if there is one.
    pub(super) fn table(&mut self, key: &'static str, faults: &mut Faults) -> Option<Table> {
        match self.take(key)? {
            Value::Table(table) => Some(table),
            other => {
                faults.note(self.place_of(key), shown(&other), "a table");
                None
            }
        }
    }

    /// Takes a list of tables out; an absent one is empty.
    pub(super) fn tables(&mut self, key: &'static str, faults: &mut Faults) -> Vec<Table> {
        let list = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                faults.note(self.place_of(key), shown(&other), "a list of tables");
                return Vec::new();
            }
        };
        let mut tables = Vec::with_capacity(list.len());
        for item in list {
            match item {
                Value::Table(table) => tables.push(table),
                other => faults.note(self.place_of(key), shown(&other), "a list of tables"),
            }
        }
        tables
    }

    /// Takes what is left, whatever its keys.
    pub(super) fn rest(&mut self) -> Table {
        std::mem::take(&mut self.table)
    }

    /// Notes every key that nobody asked for.
    pub(super) fn finish(self, faults: &mut Faults) {
        for key in self.table.keys() {
            let wanted = wanted_name(key, &self.known);
            faults.note(self.place_of(key), "a key that nothing reads", wanted);
        }
    }
}

/// A whole number or a decimal as a number.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        // Larger whole numbers than a number can hold exactly are no scale, offset or bound.
        Value::Integer(number) => i32::try_from(*number).map(f64::from).ok(),
        _ => None,
    }
}

/// A value as a fault shows it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    }
}

/// What to ask for instead of `name`: the nearest of `names`, or all of them.
pub(super) fn wanted_name(name: &str, names: &[&str]) -> String {
    let nearest = names.iter().map(|known| (distance(name, known), known)).min();
    let near = nearest.filter(|(far, known)| *far <= 1 + known.len() / 4).map(|(_, known)| known);
    let begun = || names.iter().find(|known| 2 < name.len() && known.starts_with(name));
    match near.or_else(begun) {
        Some(known) => format!("{known:?} perhaps"),
        None if names.len() <= 30 => format!("one of {}", names.join(", ")),
        None => "one of the names of the vocabulary".to_owned(),
    }
}

/// How many letters must be put in, taken out or changed to make `one` into `other`.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (from, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = from + 1;
        for (to, wanted) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *wanted);
            diagonal = row[to + 1];
            row[to + 1] = change.min(diagonal + 1).min(row[to] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_proposed_and_a_far_one_is_not() {
        assert_eq!(distance("delimter", "delimiter"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(wanted_name("delimter", &["delimiter", "file"]), "\"delimiter\" perhaps");
        assert_eq!(wanted_name("colour", &["delimiter", "file"]), "one of delimiter, file");
    }

    #[test]
    fn what_nobody_asked_for_is_a_fault() {
        let mut faults = Faults::default();
        let mut table = Table::new();
        table.insert("file".into(), Value::Integer(1));
        table.insert("fil".into(), Value::Integer(1));
        let mut keys = Keys::new("source 1", table);
        assert_eq!(keys.text("file", &mut faults), None);
        keys.finish(&mut faults);
        let said: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "source 1, file: 1; wanted a text in quotes",
                "source 1, fil: a key that nothing reads; wanted \"file\" perhaps",
            ]
        );
    }
}
