//! Columns of text for people: as wide as what stands in them, the last one wrapped.

use std::fmt;

use clap::ValueEnum;

/// A line no longer than this fits most terminals.
const LINE_CHARS: usize = 120;

/// The least room the last column gets, however wide the others are.
const LAST_CHARS: usize = 32;

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// Rows under a head.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(head: &[&str]) -> Table {
        Table { rows: vec![head.iter().map(|name| name.to_uppercase()).collect()] }
    }

    /// Adds a row; it has as many cells as the head.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        // A column in which no row says anything is left out.
        let is_used = |column: &usize| {
            self.rows.iter().skip(1).any(|row| row.get(*column).is_some_and(|c| !c.is_empty()))
        };
        let columns: Vec<usize> = (0..n_columns).filter(is_used).collect();
        let Some((last, before)) = columns.split_last() else { return Ok(()) };
        let indent: usize = before.iter().map(|column| width(*column) + 2).sum();
        let room = LINE_CHARS.saturating_sub(indent).max(LAST_CHARS);
        for row in &self.rows {
            let mut text = String::new();
            for column in before {
                let cell = row.get(*column).map_or("", String::as_str);
                text.push_str(&format!("{cell:<width$}  ", width = width(*column)));
            }
            let cell = row.get(*last).map_or("", String::as_str);
            text.push_str(&wrapped(cell, room).join(&format!("\n{:indent$}", "")));
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// `text` in lines of at most `room` letters, broken between words; one line at least.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Table::new(&["id", "empty", "says"]);
        table.row(["R3-B1".to_owned(), String::new(), "word ".repeat(40)]);
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"ID     SAYS"));
        assert!(lines.iter().all(|line| line.chars().count() <= LINE_CHARS));
        assert_eq!(lines.len(), 3);
        assert!(lines.get(2).is_some_and(|line| line.starts_with("       word")));
    }
}
