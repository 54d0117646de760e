//! One input as a stream of records, each with its time where it has one.

use std::path::Path;
use std::sync::Arc;

use crate::record::map::{Format, Lookup, LookupReader, LookupRule, Mapped, Mapper, Table, Taken};
use crate::record::{Reject, peek_time};
use crate::unit::EventTime;
use crate::wire::files::input::{Input, cannot_open};
use crate::wire::files::lines::Lines;
use crate::wire::files::rows::{Cut, Found, Rows};
use crate::wire::{Batch, Body, Fault, Origin, RawRecord};

/// One record on its way into a batch; its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Its time, if it has one that can be read.
    pub(super) time: Option<EventTime>,
    /// The line it stands in, from 1.
    pub(super) line: u64,
    /// Why there is no event, where there is none.
    pub(super) refused: Option<Reject>,
    /// The event, or the bytes that were refused.
    pub(super) body: Vec<u8>,
    /// The row it was made from; empty where the body is what came.
    pub(super) original: Vec<u8>,
}

impl Pending {
    /// Sets everything; the memory of the bytes is used again.
    pub(super) fn set(
        &mut self,
        (time, line): (Option<EventTime>, u64),
        refused: Option<Reject>,
        body: &[u8],
        original: &[u8],
    ) {
        (self.time, self.line, self.refused) = (time, line, refused);
        self.body.clear();
        self.body.extend_from_slice(body);
        self.original.clear();
        self.original.extend_from_slice(original);
    }

    /// Appends the record to `batch`, as one of input `file`.
    pub(super) fn append(&mut self, file: u32, batch: &mut Batch) {
        let origin = Origin::File { file, line: self.line };
        let stored = batch.store(&self.body);
        let original = match batch.records.last() {
            _ if self.original.is_empty() => None,
            // Events of one row that follow one another share the row's bytes.
            Some(last) if last.origin == origin && last.original.is_some() => last.original.clone(),
            _ => Some(batch.store(&self.original)),
        };
        let body = match self.refused.take() {
            Some(reject) => Body::Refused(reject, stored),
            None => Body::Event(stored),
        };
        batch.records.push(RawRecord { body, key: None, original, origin });
    }
}

/// A stream of records.
pub(super) trait Stream: Send {
    /// Puts the next record into `out`; `false` at the end.
    ///
    /// # Errors
    ///
    /// A fault where the input cannot be read on.
    fn next(&mut self, out: &mut Pending) -> Result<bool, Fault>;
}

/// Canonical events, one a line.
pub(super) struct Canonical {
    rows: Rows,
}

impl Canonical {
    /// The events of `input`.
    pub(super) fn new(input: Input) -> Canonical {
        Canonical { rows: Rows::new(Lines::new(input), Cut::ByLine) }
    }

    /// Appends the next record to `batch` without looking at its time; `false` at the end.
    ///
    /// # Errors
    ///
    /// A fault where the input cannot be read on.
    pub(super) fn append(&mut self, batch: &mut Batch) -> Result<bool, Fault> {
        let Some(Found { line, refused }) = self.rows.next()? else { return Ok(false) };
        let stored = batch.store(self.rows.bytes());
        let body = match refused {
            Some(reject) => Body::Refused(reject, stored),
            None => Body::Event(stored),
        };
        let origin = Origin::File { file: 0, line };
        batch.records.push(RawRecord { body, key: None, original: None, origin });
        Ok(true)
    }
}

impl Stream for Canonical {
    fn next(&mut self, out: &mut Pending) -> Result<bool, Fault> {
        let Some(Found { line, refused }) = self.rows.next()? else { return Ok(false) };
        let bytes = self.rows.bytes();
        let time = if refused.is_none() { peek_time(bytes) } else { None };
        out.set((time, line), refused, bytes, b"");
        Ok(true)
    }
}

/// A platform's own rows, mapped.
pub(super) struct Foreign {
    rows: Rows,
    /// `None` for a CSV file without even a header.
    mapper: Option<Mapper>,
    mapped: Mapped,
    /// How many events of the last row were given out, and its line.
    n_given: usize,
    line: u64,
    n_skipped: Arc<std::sync::atomic::AtomicU64>,
}

impl Foreign {
    /// The rows of `input`, which lies at `path`, mapped by `table`.
    ///
    /// # Errors
    ///
    /// A fault where the header or a lookup does not fit the map.
    pub(super) fn open(
        input: Input,
        path: &Path,
        table: &Arc<Table>,
        n_skipped: Arc<std::sync::atomic::AtomicU64>,
    ) -> Result<Foreign, Fault> {
        let name = input.name().to_owned();
        let mut rows = Rows::new(Lines::new(input), cut(table.format()));
        let mut lookups = Vec::with_capacity(table.lookups().len());
        for rule in table.lookups() {
            lookups.push(look_up(rule, path, table.format())?);
        }
        let header = match table.format() {
            Format::Json => true,
            Format::Csv { .. } => rows.next()?.is_some(),
        };
        let mapper = if header {
            let header = matches!(table.format(), Format::Csv { .. }).then(|| rows.bytes());
            let mapper = Mapper::new(Arc::clone(table), header, lookups).map_err(|faults| {
                let said: Vec<String> = faults.iter().map(|f| format!("\n  {f}")).collect();
                Fault::Input(format!("cannot map: {name}: its columns:{}", said.concat()))
            })?;
            Some(mapper)
        } else {
            None
        };
        Ok(Foreign { rows, mapper, mapped: Mapped::default(), n_given: 0, line: 0, n_skipped })
    }
}

impl Stream for Foreign {
    fn next(&mut self, out: &mut Pending) -> Result<bool, Fault> {
        let Some(mapper) = &mut self.mapper else { return Ok(false) };
        while self.n_given == self.mapped.events.len() {
            let Some(Found { line, mut refused }) = self.rows.next()? else { return Ok(false) };
            (self.n_given, self.line) = (0, line);
            self.mapped.events.clear();
            if refused.is_none() {
                match mapper.map(self.rows.bytes(), line, &mut self.mapped) {
                    Ok(Taken::Mapped) => {}
                    Ok(Taken::Skipped) => {
                        self.n_skipped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                    Err(reject) => refused = Some(reject),
                }
            }
            if refused.is_some() {
                out.set((None, line), refused, self.rows.bytes(), b"");
                return Ok(true);
            }
        }
        let (range, time) = self.mapped.events[self.n_given].clone();
        self.n_given += 1;
        let at = (Some(time), self.line);
        out.set(at, None, &self.mapped.bytes[range], self.rows.bytes());
        Ok(true)
    }
}

fn cut(format: Format) -> Cut {
    match format {
        Format::Json => Cut::ByLine,
        Format::Csv { delimiter } => Cut::ByQuotes { delimiter },
    }
}

/// Reads the file that `rule` looks things up in, beside the file at `path`.
fn look_up(rule: &LookupRule, path: &Path, format: Format) -> Result<Lookup, Fault> {
    let beside = path.parent().unwrap_or(Path::new("")).join(&rule.file);
    let packed = ["gz", "zst"].map(|end| beside.with_added_extension(end));
    let there = std::iter::once(&beside).chain(&packed).find(|path| path.exists());
    let Some(there) = there else {
        let fault = cannot_open(&beside, &std::io::ErrorKind::NotFound.into());
        let wanted = format!("{} looks things up in it; put it there", path.display());
        return Err(Fault::Input(format!("{fault}; {wanted}")));
    };
    let format = match (crate::wire::files::input::content(there), format) {
        (crate::wire::files::input::Content::Json, _) => Format::Json,
        (_, Format::Csv { delimiter }) => Format::Csv { delimiter },
        _ => Format::Csv { delimiter: b',' },
    };
    let input = Input::open(there)?;
    let name = input.name().to_owned();
    let mut rows = Rows::new(Lines::new(input), cut(format));
    let mut reader = LookupReader::new(rule, format);
    while let Some(Found { line, refused }) = rows.next()? {
        let taken = match refused {
            Some(reject) => Err(format!("line {line}: {reject}")),
            None => reader.take(rows.bytes(), line).map_err(|fault| fault.to_string()),
        };
        taken.map_err(|said| Fault::Input(format!("cannot look up: {name}: {said}")))?;
    }
    Ok(reader.finish())
}
