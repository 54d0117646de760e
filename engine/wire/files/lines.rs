//! Lines of an input, one by one, in constant memory.
//!
//! Rules   a byte order mark at the start is no part of the first line; `\n` and `\r\n` end a
//!         line, and so does the end of the input. A line longer than
//!         [`limit::RECORD_BYTES_MAX`] is passed over; its first bytes are kept to be shown.
//! Cost    one search through memory per line, no allocation; the block grows only for a line
//!         that does not fit, at most to the longest line there may be.

use std::ops::Range;

use crate::unit::limit;
use crate::wire::Fault;
use crate::wire::files::input::Input;

/// How much is asked of the input at a time.
const READ_BYTES: usize = 256 << 10;

/// The longest piece in which no line end was found that may still be a line: with `\r`.
const PIECE_BYTES_MAX: usize = limit::RECORD_BYTES_MAX + 1;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line, as ranges of [`Lines::block`] that hold until the next line is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The line without its end; of one that is too long, its beginning.
    pub(super) text: Range<usize>,
    /// The line with its end.
    pub(super) whole: Range<usize>,
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its length without its end, where that is too long.
    pub(super) too_long: Option<u64>,
}

/// An input, read line by line.
pub(super) struct Lines {
    input: Input,
    block: Vec<u8>,
    /// Where the line to come begins, how far no line end was found, and where the bytes end.
    from: usize,
    searched: usize,
    end: usize,
    number: u64,
    at_end: bool,
}

impl Lines {
    /// The lines of `input`.
    pub(super) fn new(input: Input) -> Lines {
        let block = Vec::new();
        Lines { input, block, from: 0, searched: 0, end: 0, number: 0, at_end: false }
    }

    /// The bytes at `range` of the last line.
    pub(super) fn bytes(&self, range: &Range<usize>) -> &[u8] {
        &self.block[range.clone()]
    }

    /// How much memory it holds.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.block.capacity()
    }

    /// The next line, empty ones too, or `None` at the end.
    ///
    /// # Errors
    ///
    /// A fault where the input cannot be read on.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Fault> {
        if self.number == 0 {
            self.skip_mark()?;
        }
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.block[self.searched..self.end]) {
                let end = self.searched + at;
                return Ok(Some(self.line(end, end + 1)));
            }
            self.searched = self.end;
            if PIECE_BYTES_MAX < self.end - self.from {
                return self.skip_long().map(Some);
            }
            if self.at_end {
                let there_is_one = self.from < self.end;
                return Ok(there_is_one.then(|| self.line(self.end, self.end)));
            }
            self.read_on()?;
        }
    }

    /// Ends the line at `end`; the next begins at `next`.
    fn line(&mut self, end: usize, next: usize) -> Line {
        let whole = self.from..next;
        let carriage_return = self.from < end && self.block[end - 1] == b'\r';
        let mut text = self.from..if carriage_return { end - 1 } else { end };
        let too_long = (limit::RECORD_BYTES_MAX < text.len()).then_some(text.len() as u64);
        if too_long.is_some() {
            text.end = text.start + limit::TOO_LARGE_BYTES_KEPT;
        }
        (self.from, self.searched) = (next, next);
        self.number += 1;
        Line { text, whole, number: self.number, too_long }
    }

    /// Reads past a line that is too long, keeping its beginning.
    fn skip_long(&mut self) -> Result<Line, Fault> {
        const KEPT: usize = limit::TOO_LARGE_BYTES_KEPT;
        let mut length = (self.end - self.from) as u64;
        let mut last = self.block[self.end - 1];
        self.block.copy_within(self.from..self.from + KEPT, 0);
        loop {
            (self.from, self.end) = (KEPT, KEPT);
            let n_read = self.input.read(&mut self.block[KEPT..])?;
            self.end += n_read;
            self.at_end = n_read == 0;
            let found = memchr::memchr(b'\n', &self.block[KEPT..self.end]);
            let piece = found.unwrap_or(n_read);
            length += piece as u64;
            if let Some(at) = piece.checked_sub(1) {
                last = self.block[KEPT + at];
            }
            if found.is_none() && !self.at_end {
                continue;
            }
            self.from = self.end.min(KEPT + piece + 1);
            self.searched = self.from;
            self.number += 1;
            let length = length - u64::from(last == b'\r');
            let (text, number) = (0..KEPT, self.number);
            return Ok(Line { text, whole: 0..KEPT, number, too_long: Some(length) });
        }
    }

    /// Passes over the byte order mark, if the input begins with one.
    fn skip_mark(&mut self) -> Result<(), Fault> {
        while self.end - self.from < BYTE_ORDER_MARK.len() && !self.at_end {
            self.read_on()?;
        }
        if self.block[self.from..self.end].starts_with(BYTE_ORDER_MARK) {
            self.from += BYTE_ORDER_MARK.len();
            self.searched = self.from;
        }
        Ok(())
    }

    /// Reads more bytes behind those that are there.
    fn read_on(&mut self) -> Result<(), Fault> {
        if self.from != 0 {
            self.block.copy_within(self.from..self.end, 0);
            self.end -= self.from;
            self.searched -= self.from;
            self.from = 0;
        }
        if self.block.len() < self.end + READ_BYTES / 4 {
            self.block.resize((self.block.len() * 2).max(READ_BYTES), 0);
        }
        let n_read = self.input.read(&mut self.block[self.end..])?;
        self.end += n_read;
        self.at_end = n_read == 0;
        Ok(())
    }
}
