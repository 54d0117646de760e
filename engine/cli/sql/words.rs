//! What the shell completes: tables, columns, functions, words of SQL.

use std::path::Path;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use crate::query::Refused;
use crate::query::columns::{self, Column, TABLES};
use crate::query::functions::FORMULAS;
use crate::query::raw::Described;
use crate::query::shelf::Shelf;

/// The words of SQL that are worth completing.
const SQL: [&str; 34] = [
    "SELECT", "FROM", "WHERE", "GROUP", "BY", "ORDER", "LIMIT", "HAVING", "JOIN", "LEFT", "ON",
    "AND", "OR", "NOT", "NULL", "IS", "IN", "AS", "CASE", "WHEN", "THEN", "ELSE", "END", "WITH",
    "UNION", "ALL", "DISTINCT", "DESC", "COUNT", "SUM", "AVG", "MIN", "MAX", "INTERVAL",
];

/// Everything that has a name.
pub struct Words {
    model: Described,
    all: Vec<String>,
}

impl Words {
    /// The names under the model of the snapshots below `root`, as of `when`.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is no snapshot to ask.
    pub fn of(root: &Path, when: Option<&str>) -> Result<Words, Refused> {
        let model = Shelf::read(root)?.lens(when)?.model;
        let tables = TABLES.iter().map(|(table, _)| (*table).to_owned());
        let mut all: Vec<String> = tables.collect();
        all.extend(TABLES.iter().map(|(table, _)| format!("{table}_at(")));
        all.extend(FORMULAS.iter().map(|formula| format!("{}(", formula.name)));
        all.extend(["band(".to_owned(), "nps(".to_owned()]);
        for (table, _) in TABLES {
            all.extend(columns::of(table, &model).into_iter().map(|column| column.name));
        }
        all.sort_unstable();
        all.dedup();
        Ok(Words { model, all })
    }

    /// The columns of `table`; none where there is no such table.
    pub fn columns(&self, table: &str) -> Vec<Column> {
        columns::of(table, &self.model)
    }

    /// What the word before `pos` in `line` may become, and where it begins.
    pub fn endings(&self, line: &str, pos: usize) -> (usize, Vec<String>) {
        let before = line.get(..pos).unwrap_or(line);
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let start = before.rfind(|c| !is_part(c)).map_or(0, |at| {
            at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
        });
        let word = before.get(start..).unwrap_or_default();
        if word.is_empty() {
            return (start, Vec::new());
        }
        let folded = word.to_lowercase();
        let names = self.all.iter().filter(|name| name.to_lowercase().starts_with(&folded));
        let sql = SQL.iter().filter(|known| known.to_lowercase().starts_with(&folded));
        // A word of SQL is written as it was begun: in small or in large letters.
        let is_small = word.chars().any(char::is_lowercase);
        let sql = sql.map(|w| if is_small { w.to_lowercase() } else { (*w).to_owned() });
        (start, names.cloned().chain(sql).collect())
    }
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> Result<(usize, Vec<Pair>), ReadlineError> {
        let (start, endings) = self.endings(line, pos);
        let pair = |word: String| Pair { display: word.clone(), replacement: word };
        Ok((start, endings.into_iter().map(pair).collect()))
    }
}

impl Validator for Words {
    /// A statement goes on over lines until its semicolon; a command is one line.
    fn validate(
        &self,
        context: &mut ValidationContext<'_>,
    ) -> Result<ValidationResult, ReadlineError> {
        let input = context.input().trim();
        let is_whole = input.is_empty() || input.starts_with('\\') || input.ends_with(';');
        let is_whole = is_whole || ["exit", "quit", "help"].contains(&input);
        Ok(if is_whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{load, shipped};

    fn words() -> Words {
        let model = load(shipped::DEFAULT, shipped::CATALOG, None).ok();
        let model = model.map_or_else(
            || Described {
                id: String::new(),
                version: 0,
                measures: Vec::new(),
                signals: Vec::new(),
                scores: Vec::new(),
            },
            |model| Described::of(&model),
        );
        let all = ["customers", "customer_id", "risk_band", "churn_annual("];
        Words { model, all: all.map(str::to_owned).to_vec() }
    }

    #[test]
    fn the_word_at_the_cursor_is_completed_in_the_letters_it_was_begun_in() {
        let check = |line: &str, start: usize, wanted: &[&str]| {
            let (at, found) = words().endings(line, line.len());
            assert_eq!((at, found), (start, wanted.iter().map(|w| (*w).to_owned()).collect()));
        };
        check("select customer", 7, &["customers", "customer_id"]);
        check("SELECT risk_", 7, &["risk_band"]);
        check("sel", 0, &["select"]);
        check("SEL", 0, &["SELECT"]);
        check("SELECT avg(chu", 11, &["churn_annual("]);
        check("SELECT ", 7, &[]);
        check("é cust", 3, &["customers", "customer_id"]);
    }

    #[test]
    fn the_columns_of_a_table_are_known() {
        let names: Vec<String> =
            words().columns("customers").into_iter().map(|column| column.name).collect();
        assert!(names.contains(&"r3_b1_active".to_owned()));
        assert!(words().columns("nothing").is_empty());
    }
}
