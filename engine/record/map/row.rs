//! One row of a platform's file, taken apart into cells.
//!
//! Rules   CSV as RFC 4180 has it: a cell that begins with a quote ends at the next single quote,
//!         two quotes inside stand for one, line ends inside belong to the cell. A quote further
//!         on is a letter like any other. JSON: one object a row; a column `a.b` is key `b` of
//!         the object under key `a`, unless the row has a key `a.b`.
//! Cost    every cell is copied once, into memory that is used again for the next row.
//! Source  RFC 4180.

use std::ops::Range;

use serde_json::Value;

use crate::record::Reject;
use crate::record::reject::Reason;

/// The cells of one row; an empty cell is an absent one.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    cells: Vec<Range<usize>>,
}

impl Cells {
    /// The text of cell `place`, or `None` where it is empty or the row is shorter.
    pub(super) fn get(&self, place: usize) -> Option<&str> {
        let range = self.cells.get(place)?.clone();
        self.text.get(range).filter(|cell| !cell.is_empty())
    }

    /// How many cells the row has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Takes a CSV row apart.
    pub(super) fn split(&mut self, row: &str, delimiter: u8) {
        self.text.clear();
        self.cells.clear();
        let mut rest = Some(row);
        while let Some(row) = rest {
            let from = self.text.len();
            let after_quotes = match row.strip_prefix('"') {
                Some(inner) => self.unquote(inner),
                None => row,
            };
            let end = after_quotes.find(char::from(delimiter)).unwrap_or(after_quotes.len());
            self.text.push_str(&after_quotes[..end]);
            self.cells.push(from..self.text.len());
            rest = after_quotes.get(end + 1..);
        }
    }

    /// Keeps the text of a quoted cell and returns what follows its closing quote.
    fn unquote<'r>(&mut self, mut inner: &'r str) -> &'r str {
        loop {
            let Some(end) = inner.find('"') else {
                self.text.push_str(inner);
                return "";
            };
            self.text.push_str(&inner[..end]);
            inner = &inner[end + 1..];
            match inner.strip_prefix('"') {
                Some(after) => {
                    self.text.push('"');
                    inner = after;
                }
                None => return inner,
            }
        }
    }

    /// Takes the values at `paths` out of a JSON row, in their order.
    ///
    /// # Errors
    ///
    /// A reject where the row is no JSON object or one of the values is a list or an object.
    pub(super) fn pick(&mut self, row: &[u8], paths: &[String]) -> Result<(), Reject> {
        self.text.clear();
        self.cells.clear();
        let value: Value = serde_json::from_slice(row).map_err(|error| {
            Reject::new(Reason::BadJson, format!("{error}; wanted one JSON object a line"))
        })?;
        if !value.is_object() {
            return Err(Reject::new(Reason::BadJson, "no object; wanted one JSON object a line"));
        }
        for path in paths {
            let from = self.text.len();
            match at_path(&value, path) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => self.text.push_str(text),
                Some(Value::Bool(flag)) => self.text.push_str(if *flag { "true" } else { "false" }),
                Some(Value::Number(number)) => self.text.push_str(&number.to_string()),
                Some(Value::Array(_) | Value::Object(_)) => {
                    let detail = format!("column {path}: a list or an object; wanted one value");
                    return Err(Reject::new(Reason::Unmapped, detail));
                }
            }
            self.cells.push(from..self.text.len());
        }
        Ok(())
    }
}

/// The value under `path`: the key itself, or keys separated by dots.
fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// Whether a CSV row that begins at a line's start is still open at that line's end.
///
/// Fed line by line, each with its line end, so that a row of many lines is read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Quotes {
    /// At the start of a cell.
    #[default]
    Start,
    /// In a cell, outside quotes.
    Bare,
    /// Inside quotes.
    Quoted,
    /// Just behind a quote that may be the first of two.
    Closing,
}

impl Quotes {
    /// Moves through `bytes` and returns the state behind them; `Quoted` means the row goes on.
    #[must_use]
    pub fn after(self, bytes: &[u8], delimiter: u8) -> Quotes {
        if self != Quotes::Quoted && !bytes.contains(&b'"') {
            return Quotes::Start;
        }
        bytes.iter().fold(self, |state, byte| match (state, *byte) {
            (Quotes::Start | Quotes::Closing, b'"') => Quotes::Quoted,
            (Quotes::Quoted, b'"') => Quotes::Closing,
            (Quotes::Quoted, _) => Quotes::Quoted,
            (_, byte) if byte == delimiter => Quotes::Start,
            _ => Quotes::Bare,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: &str, wanted: &[&str]) {
        let mut cells = Cells::default();
        cells.split(row, b',');
        let found: Vec<&str> =
            (0..cells.len()).map(|at| cells.get(at).unwrap_or_default()).collect();
        assert_eq!(found, wanted, "{row}");
    }

    #[test]
    fn csv_rows_are_taken_apart_as_rfc_4180_says() {
        check("a,b,c", &["a", "b", "c"]);
        check("", &[""]);
        check(",,", &["", "", ""]);
        check(r#""a,b",c"#, &["a,b", "c"]);
        check(r#""say ""hi""",c"#, &[r#"say "hi""#, "c"]);
        check("\"two\nlines\",c", &["two\nlines", "c"]);
        check(r#"5" tube,c"#, &["5\" tube", "c"]);
        check(r#"""#, &[""]);
        check(r#""""#, &[""]);
        check("\"never closed,x", &["never closed,x"]);
        check("ä,\"ö,ü\"", &["ä", "ö,ü"]);
    }

    #[test]
    fn a_row_is_open_while_a_quoted_cell_is() {
        let open = |row: &str| Quotes::default().after(row.as_bytes(), b',') == Quotes::Quoted;
        assert!(open("a,\"b\n"));
        assert!(open("a,\"b\"\"\n"));
        assert!(!open("a,\"b\"\n"));
        assert!(!open("a,5\" tube\n"));
        assert!(!open("a,b"));
        let state = Quotes::default().after(b"\"one\n", b',').after(b"two\n", b',');
        assert_eq!(state, Quotes::Quoted);
        assert_ne!(state.after(b"three\",4\n", b','), Quotes::Quoted);
    }

    #[test]
    fn json_rows_are_picked_by_path() {
        let mut cells = Cells::default();
        let row = br#"{"a":{"b":"x\n"},"c":1.50,"d":true,"e":null,"a.z":"dot","l":[1]}"#;
        let paths = ["a.b", "c", "d", "e", "a.z", "none"].map(str::to_owned);
        assert_eq!(cells.pick(row, &paths), Ok(()));
        let found: Vec<Option<&str>> = (0..6).map(|at| cells.get(at)).collect();
        assert_eq!(found, [Some("x\n"), Some("1.5"), Some("true"), None, Some("dot"), None]);
        assert!(cells.pick(row, &["l".to_owned()]).is_err());
        assert!(cells.pick(b"[1]", &[]).is_err());
        assert!(cells.pick(b"{", &[]).is_err());
        let deep = "[".repeat(100_000);
        assert!(cells.pick(deep.as_bytes(), &[]).is_err());
    }
}
