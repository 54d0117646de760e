//! Conditions: which rows give an event.
//!
//! Rules   all conditions of a list must hold. Texts are compared letter by letter; an empty cell
//!         fails every test but `empty = true`, `is_not` and `not_in`.

use toml::Value;

use crate::record::Reject;
use crate::record::map::keys::{Faults, Keys, shown};
use crate::record::map::template::{Columns, Row};
use crate::record::reject::Reason;

/// Whether the number found stands to the bound as it must.
type Holds = fn(f64, f64) -> bool;

#[derive(Clone, Debug)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Empty,
    Filled,
    Number { bound: f64, holds: Holds },
    Same(usize),
    Differs(usize),
}

/// One condition.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    column: usize,
    test: Test,
}

impl Condition {
    /// Reads one condition: a column and exactly one test.
    pub(super) fn read(
        mut keys: Keys,
        columns: &mut Columns,
        faults: &mut Faults,
    ) -> Option<Condition> {
        let column = keys.need_text("column", faults).map(|name| columns.index(&name));
        let n_before = faults.0.len();
        let mut tests = texts(&mut keys, faults);
        tests.extend(match keys.take("empty") {
            Some(Value::Boolean(true)) => Some(Test::Empty),
            Some(Value::Boolean(false)) => Some(Test::Filled),
            Some(other) => {
                faults.note(keys.place_of("empty"), shown(&other), "true or false");
                None
            }
            None => None,
        });
        tests.extend(numbers(&mut keys, faults));
        let same = keys.text("same_as", faults);
        tests.extend(same.map(|name| Test::Same(columns.index(&name))));
        let differs = keys.text("differs_from", faults);
        tests.extend(differs.map(|name| Test::Differs(columns.index(&name))));
        let place = keys.place().to_owned();
        keys.finish(faults);
        if tests.len() != 1 && n_before == faults.0.len() {
            faults.note(
                place,
                format!("{} tests", tests.len()),
                "one of: is, is_not, in, not_in, empty, above, at_least, below, at_most, same_as, \
                 differs_from",
            );
        }
        Some(Condition { column: column?, test: tests.pop()? })
    }

    /// Whether `row` meets it.
    ///
    /// # Errors
    ///
    /// A reject where a number is asked for and the cell holds none.
    pub(super) fn holds(&self, row: &Row<'_>) -> Result<bool, Reject> {
        let found = row.get(self.column);
        Ok(match &self.test {
            Test::In(texts) => found.is_some_and(|found| texts.iter().any(|text| text == found)),
            Test::NotIn(texts) => {
                !found.is_some_and(|found| texts.iter().any(|text| text == found))
            }
            Test::Empty => found.is_none(),
            Test::Filled => found.is_some(),
            Test::Same(other) => found.is_some() && found == row.get(*other),
            Test::Differs(other) => found.is_some() && found != row.get(*other),
            Test::Number { bound, holds } => {
                let Some(text) = found else { return Ok(false) };
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                let number = number.ok_or_else(|| {
                    let detail = format!("{}; wanted a number to compare", row.shown(self.column));
                    Reject::new(Reason::Unmapped, detail)
                })?;
                holds(number, *bound)
            }
        })
    }
}

/// The tests on texts that stand in `keys`.
fn texts(keys: &mut Keys, faults: &mut Faults) -> Vec<Test> {
    let mut tests = Vec::new();
    tests.extend(keys.text("is", faults).map(|text| Test::In(vec![text])));
    tests.extend(keys.text("is_not", faults).map(|text| Test::NotIn(vec![text])));
    for (key, make) in [("in", Test::In as fn(_) -> _), ("not_in", Test::NotIn)] {
        let list = match keys.take(key) {
            None => continue,
            Some(Value::Array(list)) => list,
            Some(other) => vec![other],
        };
        let n_listed = list.len();
        let texts: Vec<String> =
            list.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
        if texts.is_empty() || texts.len() != n_listed {
            faults.note(keys.place_of(key), "other things", "a list of texts in quotes");
        }
        tests.push(make(texts));
    }
    tests
}

/// The tests on numbers that stand in `keys`.
fn numbers(keys: &mut Keys, faults: &mut Faults) -> Vec<Test> {
    let ways: [(&'static str, Holds); 4] = [
        ("above", |found, bound| bound < found),
        ("at_least", |found, bound| bound <= found),
        ("below", |found, bound| found < bound),
        ("at_most", |found, bound| found <= bound),
    ];
    ways.into_iter()
        .filter_map(|(key, holds)| {
            keys.number(key, faults).map(|bound| Test::Number { bound, holds })
        })
        .collect()
}
