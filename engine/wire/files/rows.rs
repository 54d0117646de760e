//! Rows of an input: lines, or what several lines hold between quotes.
//!
//! Rules   empty lines are passed over, but not inside quotes. A row that grows longer than
//!         [`limit::RECORD_BYTES_MAX`] is given up at that line; the next line is read as a row.

use crate::record::map::Quotes;
use crate::record::reject::{Reason, Reject};
use crate::unit::limit;
use crate::wire::Fault;
use crate::wire::files::lines::{Line, Lines};

/// Whether a row spans more than its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Every line is a row.
    ByLine,
    /// Quotes may hold line ends; cells are separated by `delimiter`.
    ByQuotes {
        /// What separates cells.
        delimiter: u8,
    },
}

/// One row: its bytes are [`Rows::bytes`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The line it begins in, from 1.
    pub(super) line: u64,
    /// Why it cannot be taken, where it cannot.
    pub(super) refused: Option<Reject>,
}

/// An input, read row by row.
pub(super) struct Rows {
    lines: Lines,
    cut: Cut,
    /// The last row: a line, or several of them joined.
    line: Option<Line>,
    joined: Vec<u8>,
}

impl Rows {
    /// The rows of `lines`.
    pub(super) fn new(lines: Lines, cut: Cut) -> Rows {
        Rows { lines, cut, line: None, joined: Vec::new() }
    }

    /// The bytes of the last row, without the end of its last line; of a row that is too long,
    /// its beginning.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.line {
            Some(line) => self.lines.bytes(&line.text),
            None => &self.joined,
        }
    }

    /// The next row, or `None` at the end.
    ///
    /// # Errors
    ///
    /// A fault where the input cannot be read on.
    pub(super) fn next(&mut self) -> Result<Option<Found>, Fault> {
        loop {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            let number = line.number;
            let refused = line.too_long.map(too_long);
            let text = self.lines.bytes(&line.text);
            if text.is_empty() {
                continue;
            }
            if let Cut::ByQuotes { delimiter } = self.cut
                && refused.is_none()
            {
                let quotes = Quotes::default().after(text, delimiter);
                if quotes == Quotes::Quoted {
                    return self.join(&line, delimiter).map(Some);
                }
            }
            self.line = Some(line);
            return Ok(Some(Found { line: number, refused }));
        }
    }

    /// Joins the lines of a row whose first line ends inside quotes.
    fn join(&mut self, first: &Line, delimiter: u8) -> Result<Found, Fault> {
        self.line = None;
        self.joined.clear();
        self.joined.extend_from_slice(self.lines.bytes(&first.whole));
        let mut quotes = Quotes::default().after(&self.joined, delimiter);
        let mut refused = None;
        while quotes == Quotes::Quoted && refused.is_none() {
            let Some(line) = self.lines.next()? else {
                let detail = "a quote that is not closed up to the end; wanted its partner";
                refused = Some(Reject::new(Reason::Unmapped, detail));
                break;
            };
            let whole = self.lines.bytes(&line.whole);
            quotes = quotes.after(whole, delimiter);
            self.joined.extend_from_slice(whole);
            let length = line.too_long.unwrap_or(0).max(self.joined.len() as u64);
            if limit::RECORD_BYTES_MAX < self.joined.len() || line.too_long.is_some() {
                refused = Some(too_long(length));
                self.joined.truncate(limit::TOO_LARGE_BYTES_KEPT);
            }
        }
        while let Some(b'\n' | b'\r') = self.joined.last() {
            self.joined.pop();
        }
        Ok(Found { line: first.number, refused })
    }
}

/// The reject of a record of `length` bytes.
pub(super) fn too_long(length: u64) -> Reject {
    let most = limit::RECORD_BYTES_MAX;
    Reject::new(Reason::TooLarge, format!("found {length} bytes; wanted at most {most}"))
}
