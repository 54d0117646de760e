//! Values looked up in another file: the account that a subscription belongs to.
//!
//! Rules   a key that stands in the file twice must say the same both times.
//! Cost    the file's keys and values are held in memory, at most
//!         [`limit::LOOKUP_ROWS_MAX`] of them.

use std::collections::HashMap;

use crate::record::map::keys::{Faults, Keys, MapFault, wanted_name};
use crate::record::map::row::Cells;
use crate::record::map::table::Format;
use crate::record::map::template::Columns;
use crate::unit::limit;

/// What a source looks up, and where.
#[derive(Clone, Debug)]
pub struct LookupRule {
    /// The file's name, beside the file that is being read.
    pub file: String,
    pub(super) key: String,
    pub(super) value: String,
    /// The column that the lookup adds to the row.
    pub(super) column: usize,
    /// The row's column that holds the key.
    pub(super) by: usize,
}

impl LookupRule {
    /// Reads one `[[source.lookup]]`.
    pub(super) fn read(
        mut keys: Keys,
        columns: &mut Columns,
        faults: &mut Faults,
    ) -> Option<LookupRule> {
        let name = keys.need_text("name", faults);
        let file = keys.need_text("file", faults);
        let key = keys.need_text("key", faults);
        let value = keys.need_text("value", faults);
        let by = keys.text("by", faults).or_else(|| key.clone());
        keys.finish(faults);
        let (column, by) = (columns.index(&name?), columns.index(&by?));
        Some(LookupRule { file: file?, key: key?, value: value?, column, by })
    }
}

/// A file's values by their keys.
#[derive(Debug, Default)]
pub struct Lookup {
    file: String,
    rows: HashMap<Box<str>, Box<str>>,
}

impl Lookup {
    /// The value under `key`.
    pub(super) fn find(&self, key: &str) -> Option<&str> {
        self.rows.get(key).map(AsRef::as_ref)
    }

    /// The name of its file.
    pub(super) fn file(&self) -> &str {
        &self.file
    }
}

/// Builds a [`Lookup`] from a file's rows.
#[derive(Debug)]
pub struct LookupReader {
    rule: LookupRule,
    format: Format,
    /// Where key and value stand; unknown before the header.
    places: Option<(usize, usize)>,
    cells: Cells,
    lookup: Lookup,
}

impl LookupReader {
    /// A reader for the file of `rule`, whose bytes are as `format` says.
    pub fn new(rule: &LookupRule, format: Format) -> LookupReader {
        let places = (format == Format::Json).then_some((0, 1));
        let lookup = Lookup { file: rule.file.clone(), rows: HashMap::new() };
        LookupReader { rule: rule.clone(), format, places, cells: Cells::default(), lookup }
    }

    /// Takes the next row, the header first where there is one.
    ///
    /// # Errors
    ///
    /// A fault where a column is absent, the row cannot be read, a key comes again with another
    /// value, or there are too many.
    pub fn take(&mut self, row: &[u8], line: u64) -> Result<(), MapFault> {
        let fault =
            |place: String, found: String, wanted: String| MapFault { place, found, wanted };
        let at_line = || format!("line {line}");
        match self.format {
            Format::Json => {
                let paths = [self.rule.key.clone(), self.rule.value.clone()];
                self.cells.pick(row, &paths).map_err(|reject| {
                    fault(at_line(), reject.to_string(), "a row to look up in".to_owned())
                })?;
            }
            Format::Csv { delimiter } => {
                let text = std::str::from_utf8(row).map_err(|_| {
                    fault(at_line(), "bytes that are no text".to_owned(), "UTF-8".to_owned())
                })?;
                self.cells.split(text, delimiter);
            }
        }
        let Some((key, value)) = self.places else {
            self.places =
                Some((self.find_column(&self.rule.key)?, self.find_column(&self.rule.value)?));
            return Ok(());
        };
        let (Some(key), Some(value)) = (self.cells.get(key), self.cells.get(value)) else {
            return Ok(());
        };
        if limit::LOOKUP_ROWS_MAX <= self.lookup.rows.len() {
            let wanted = format!("at most {} rows", limit::LOOKUP_ROWS_MAX);
            return Err(fault(at_line(), "one row more".to_owned(), wanted));
        }
        match self.lookup.rows.insert(key.into(), value.into()) {
            Some(before) if before.as_ref() != value => Err(fault(
                at_line(),
                format!("{key:?} again, now with {value:?}"),
                format!("{before:?} as before, for a key has one value"),
            )),
            _ => Ok(()),
        }
    }

    /// The finished lookup.
    pub fn finish(self) -> Lookup {
        self.lookup
    }

    fn find_column(&self, name: &str) -> Result<usize, MapFault> {
        let header: Vec<&str> =
            (0..self.cells.len()).map(|at| self.cells.get(at).unwrap_or_default()).collect();
        header.iter().position(|cell| *cell == name).ok_or_else(|| MapFault {
            place: format!("column {name}"),
            found: "not in the header".to_owned(),
            wanted: wanted_name(name, &header),
        })
    }
}
