//! What is watched over all customers, as it was written.

use toml::{Table, Value};

use crate::unit::Span;

/// One number that is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchRule {
    /// Its name: the rule of its alerts.
    pub name: String,
    /// The statement whose answer is the number.
    pub sql: String,
    /// The line it is not to cross.
    pub line: Line,
    /// How far back it must come to be well again.
    pub exit_margin: f64,
    /// For how long it must have crossed before it rings.
    pub dwell: Span,
    /// For how long it does not ring again.
    pub cooldown: Span,
}

/// A line, and the side of it that is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    /// It or more is bad.
    Above(f64),
    /// Less than it is bad.
    Below(f64),
}

const KEYS: [&str; 7] = ["name", "sql", "above", "below", "exit_margin", "dwell", "cooldown"];

/// What `value`, a list of tables, asks to be watched; or everything that is wrong with it.
pub(super) fn read(value: &Value) -> Result<Vec<WatchRule>, Vec<String>> {
    let Some(tables) = value.as_array() else {
        return Err(vec!["tables that begin with [[watch]]".to_owned()]);
    };
    let (mut rules, mut wanted): (Vec<WatchRule>, Vec<String>) = (Vec::new(), Vec::new());
    for (number, table) in (1..).zip(tables) {
        let Some(table) = table.as_table() else {
            wanted.push(format!("a table as watch {number}"));
            continue;
        };
        let mut faults = Vec::new();
        let rule = one(table, &mut faults);
        if rules.iter().any(|other| other.name == rule.name) {
            faults.push("another name than the watch before it".to_owned());
        }
        wanted.extend(faults.into_iter().map(|fault| format!("in watch {number}: {fault}")));
        rules.push(rule);
    }
    if wanted.is_empty() { Ok(rules) } else { Err(wanted) }
}

fn one(table: &Table, faults: &mut Vec<String>) -> WatchRule {
    for key in table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        faults.push(format!("one of {}, not {key}", KEYS.join(", ")));
    }
    let text = |key: &str, faults: &mut Vec<String>| {
        let text = table.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            faults.push(format!("{key}, a text that is not empty"));
        }
        text.to_owned()
    };
    let (name, sql) = (text("name", faults), text("sql", faults));
    let line = match (number(table, "above", faults), number(table, "below", faults)) {
        (Some(line), None) => Line::Above(line),
        (None, Some(line)) => Line::Below(line),
        (found, _) => {
            faults.push("either above or below, a number".to_owned());
            Line::Above(found.unwrap_or(0.0))
        }
    };
    let exit_margin = number(table, "exit_margin", faults).unwrap_or(0.0);
    if exit_margin < 0.0 {
        faults.push("exit_margin, 0 or more".to_owned());
    }
    let (dwell, cooldown) = (span(table, "dwell", faults), span(table, "cooldown", faults));
    let cooldown = cooldown.unwrap_or(Span::days(7));
    WatchRule { name, sql, line, exit_margin, dwell: dwell.unwrap_or_default(), cooldown }
}

fn number(table: &Table, key: &str, faults: &mut Vec<String>) -> Option<f64> {
    let number = match table.get(key)? {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => i32::try_from(*number).ok().map(f64::from),
        _ => None,
    };
    let number = number.filter(|number| number.is_finite());
    if number.is_none() {
        faults.push(format!("{key}, a number"));
    }
    number
}

fn span(table: &Table, key: &str, faults: &mut Vec<String>) -> Option<Span> {
    let value = table.get(key)?;
    let span = value.as_str().and_then(Span::parse);
    if span.is_none() {
        faults.push(format!("{key}, a span such as \"10m\", not {value}"));
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<WatchRule>, Vec<String>> {
        let table: Table = text.parse().unwrap_or_default();
        read(table.get("watch").unwrap_or(&Value::Boolean(false)))
    }

    #[test]
    fn a_watch_has_a_name_a_statement_and_a_line() {
        let text = "[[watch]]\nname = 'a'\nsql = 'SELECT 1'\nbelow = 3\ndwell = '10m'";
        let rule = WatchRule {
            name: "a".to_owned(),
            sql: "SELECT 1".to_owned(),
            line: Line::Below(3.0),
            exit_margin: 0.0,
            dwell: Span::parse("10m").unwrap_or_default(),
            cooldown: Span::days(7),
        };
        assert_eq!(read_text(text), Ok(vec![rule]));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = "[[watch]]\nname = ''\nsql = 'x'\nabove = 1\nbelow = 2\ndwel = '1m'\n\
                    [[watch]]\nname = 'b'\nabove = 'x'\ncooldown = 7\nexit_margin = -1";
        let faults = read_text(text).err().unwrap_or_default();
        assert_eq!(
            faults,
            [
                "in watch 1: one of name, sql, above, below, exit_margin, dwell, cooldown, not dwel",
                "in watch 1: name, a text that is not empty",
                "in watch 1: either above or below, a number",
                "in watch 2: sql, a text that is not empty",
                "in watch 2: above, a number",
                "in watch 2: either above or below, a number",
                "in watch 2: exit_margin, 0 or more",
                "in watch 2: cooldown, a span such as \"10m\", not 7",
            ]
        );
        assert_eq!(read_text("watch = 3").err().map(|faults| faults.len()), Some(1));
    }
}
