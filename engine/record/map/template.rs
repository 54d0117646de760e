//! Texts with places for a row's cells: `{ticket_id}/opened`.
//!
//! Rules   `{column}` stands for a cell, `{@line}` for the row's line, `{@day}` for the calendar
//!         day of the event's time; `{{` and `}}` stand for braces. A text that asks for an empty
//!         cell is absent as a whole.

use jiff::tz::TimeZone;

use crate::record::map::moment;
use crate::record::map::row::Cells;
use crate::unit::EventTime;

/// The columns that a source's rules speak of, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    /// Their names, in the order in which they were first named.
    pub(super) names: Vec<String>,
}

impl Columns {
    /// The place of the column called `name`.
    pub(super) fn index(&mut self, name: &str) -> usize {
        if let Some(place) = self.names.iter().position(|known| known == name) {
            return place;
        }
        self.names.push(name.to_owned());
        self.names.len() - 1
    }
}

/// Where a column's text is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In this cell of the row.
    Cell(usize),
    /// In this lookup, under the text of that column.
    Lookup {
        /// Which lookup.
        table: usize,
        /// Which column holds the key.
        by: usize,
    },
}

/// A row as the rules see it.
pub(super) struct Row<'r> {
    /// Its cells.
    pub(super) cells: &'r Cells,
    /// Where each column is found.
    pub(super) places: &'r [Place],
    /// The names of the columns.
    pub(super) names: &'r [String],
    /// The tables to look things up in.
    pub(super) lookups: &'r [super::Lookup],
    /// Its line, from 1.
    pub(super) line: u64,
    /// The zone of its local times.
    pub(super) zone: &'r TimeZone,
}

impl<'r> Row<'r> {
    /// The text of `column`, or `None` where it is empty or nothing is found.
    pub(super) fn get(&self, column: usize) -> Option<&'r str> {
        match *self.places.get(column)? {
            Place::Cell(place) => self.cells.get(place),
            Place::Lookup { table, by } => self.lookups.get(table)?.find(self.get(by)?),
        }
    }

    /// What stands in `column`, for a reject: short, and saying why a lookup found nothing.
    pub(super) fn shown(&self, column: usize) -> String {
        let name = self.names.get(column).map_or("", String::as_str);
        match (self.get(column), self.places.get(column)) {
            (Some(text), _) => format!("column {name}: {}", short(text)),
            (None, Some(Place::Lookup { table, by })) => {
                let file = self.lookups.get(*table).map_or("", |lookup| lookup.file());
                match self.get(*by) {
                    Some(key) => format!("column {name}: {} is not in {file}", short(key)),
                    None => self.shown(*by),
                }
            }
            (None, _) => format!("column {name}: nothing"),
        }
    }
}

/// The first letters of a text that may be long, in quotes.
fn short(text: &str) -> String {
    const LETTERS_MAX: usize = 60;
    match text.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(usize),
    Line,
    Day,
}

/// A text with places for cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// The template that is just `column`.
    pub(super) fn of_column(column: usize) -> Template {
        Template { parts: vec![Part::Column(column)] }
    }

    /// Reads a template.
    ///
    /// # Errors
    ///
    /// What was wanted, where a brace has no partner or a name is unknown.
    pub(super) fn read(text: &str, columns: &mut Columns) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if after.starts_with(brace) {
                literal.push_str(brace);
                rest = &after[1..];
                continue;
            }
            let end = after.find('}').filter(|_| brace == "{");
            let end = end.ok_or("a brace with its partner, or {{ and }} for braces themselves")?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(match &after[..end] {
                "@line" => Part::Line,
                "@day" => Part::Day,
                "" => return Err("the name of a column between the braces".to_owned()),
                name if name.starts_with('@') => {
                    return Err("{@line}, {@day} or the name of a column".to_owned());
                }
                name => Part::Column(columns.index(name)),
            });
            rest = &after[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Template { parts })
    }

    /// The text, where no part of it hangs on the row.
    pub(super) fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Writes the text over `out`.
    ///
    /// # Errors
    ///
    /// The first column it asks for that is empty.
    pub(super) fn render(
        &self,
        row: &Row<'_>,
        time: EventTime,
        out: &mut String,
    ) -> Result<(), usize> {
        out.clear();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Column(column) => out.push_str(row.get(*column).ok_or(*column)?),
                Part::Line => out.push_str(&row.line.to_string()),
                Part::Day => out.push_str(&moment::day_of(time, row.zone)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_at_its_braces() {
        let mut columns = Columns::default();
        let read = Template::read("a{x}{{b}}{@line}{x}{@day}", &mut columns);
        assert_eq!(columns.names, ["x"]);
        let wanted = [
            Part::Text("a".to_owned()),
            Part::Column(0),
            Part::Text("{b}".to_owned()),
            Part::Line,
            Part::Column(0),
            Part::Day,
        ];
        assert_eq!(read.map(|template| template.parts), Ok(wanted.to_vec()));
        for broken in ["{", "}", "a{b", "a}b", "{}", "{@n}"] {
            assert!(Template::read(broken, &mut columns).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_text_without_places_is_a_constant() {
        let mut columns = Columns::default();
        let constant = |text, columns: &mut Columns| {
            Template::read(text, columns).ok().and_then(|t| t.constant().map(str::to_owned))
        };
        assert_eq!(constant("USD", &mut columns).as_deref(), Some("USD"));
        assert_eq!(constant("", &mut columns).as_deref(), Some(""));
        assert_eq!(constant("{x}", &mut columns), None);
    }
}
