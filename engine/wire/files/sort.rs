//! A stream put in order of time, in bounded memory.
//!
//! Shape   records gather in memory up to [`GATHER_BYTES_MAX`]; what is more is written sorted
//!         into temporary files, which are merged as they are read back.
//! Rules   records of one time keep their order; one without a time stays behind its
//!         predecessor.
//! Cost    every record is written and read once, and once more for each [`RUNS_MAX`] runs.
//! Errors  a temporary folder without room is a fault that says how to name another. The files
//!         have no names, so nothing is left behind, whatever happens.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::ops::Range;

use crate::record::reject::{Reason, Reject};
use crate::unit::EventTime;
use crate::wire::Fault;
use crate::wire::files::stream::{Pending, Stream};

/// How many bytes of records are sorted in memory.
const GATHER_BYTES_MAX: usize = 64 << 20;

/// How many runs may lie in files before they are merged into one: each takes an open file.
const RUNS_MAX: usize = 64;

/// A stream in order of time.
pub(super) struct Sorted {
    name: String,
    /// The unsorted stream, until it was read to its end.
    from: Option<Box<dyn Stream>>,
    gather_bytes_max: usize,
    gathered: Gathered,
    n_given: usize,
    runs: Vec<File>,
    merge: Option<Merge>,
}

impl Sorted {
    /// The records of `from`, the input called `name`, in order of time.
    pub(super) fn new(name: &str, from: Box<dyn Stream>) -> Sorted {
        Sorted {
            name: name.to_owned(),
            from: Some(from),
            gather_bytes_max: GATHER_BYTES_MAX,
            gathered: Gathered::default(),
            n_given: 0,
            runs: Vec::new(),
            merge: None,
        }
    }

    /// The same with runs of at most so many bytes.
    #[cfg(test)]
    pub(super) fn in_runs_of(mut self, bytes: usize) -> Sorted {
        self.gather_bytes_max = bytes;
        self
    }

    /// Reads the stream to its end.
    fn gather(&mut self, mut from: Box<dyn Stream>, out: &mut Pending) -> Result<(), Fault> {
        let mut last = EventTime::ALWAYS;
        while from.next(out)? {
            last = out.time.unwrap_or(last);
            self.gathered.add(last, out);
            if self.gather_bytes_max <= self.gathered.size() {
                self.write_run().map_err(|error| self.cannot_sort(&error))?;
            }
        }
        self.gathered.sort();
        if !self.runs.is_empty() {
            let merge = self.write_run().and_then(|()| Merge::new(std::mem::take(&mut self.runs)));
            self.merge = Some(merge.map_err(|error| self.cannot_sort(&error))?);
        }
        Ok(())
    }

    /// Writes what was gathered into a temporary file.
    fn write_run(&mut self) -> io::Result<()> {
        if RUNS_MAX <= self.runs.len() {
            let mut merge = Merge::new(std::mem::take(&mut self.runs))?;
            let mut file = BufWriter::new(tempfile::tempfile()?);
            let mut pending = Pending::default();
            while let Some(key) = merge.next(&mut pending)? {
                write_record(&mut file, key, &pending)?;
            }
            self.runs.push(file.into_inner()?);
        }
        self.gathered.sort();
        let mut file = BufWriter::new(tempfile::tempfile()?);
        let mut pending = Pending::default();
        for at in 0..self.gathered.items.len() {
            let key = self.gathered.get(at, &mut pending);
            write_record(&mut file, key, &pending)?;
        }
        self.runs.push(file.into_inner()?);
        self.gathered.clear();
        Ok(())
    }

    fn cannot_sort(&self, error: &io::Error) -> Fault {
        let folder = std::env::temp_dir();
        Fault::Input(format!(
            "cannot sort: {}: temporary files in {}: {error}; wanted room for all its events; make \
             room, or set TMPDIR to a folder that has it",
            self.name,
            folder.display()
        ))
    }
}

impl Stream for Sorted {
    fn next(&mut self, out: &mut Pending) -> Result<bool, Fault> {
        if let Some(from) = self.from.take() {
            self.gather(from, out)?;
        }
        if let Some(merge) = &mut self.merge {
            let next = merge.next(out);
            return next.map(|key| key.is_some()).map_err(|error| self.cannot_sort(&error));
        }
        if self.n_given == self.gathered.items.len() {
            return Ok(false);
        }
        self.gathered.get(self.n_given, out);
        self.n_given += 1;
        Ok(true)
    }
}

/// Records in memory.
#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

struct Item {
    key: EventTime,
    time: Option<EventTime>,
    line: u64,
    refused: Option<Box<Reject>>,
    body: Range<usize>,
    original: Range<usize>,
}

impl Gathered {
    fn add(&mut self, key: EventTime, pending: &mut Pending) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(&pending.body);
        let body = from..self.bytes.len();
        self.bytes.extend_from_slice(&pending.original);
        let original = body.end..self.bytes.len();
        let refused = pending.refused.take().map(Box::new);
        let (time, line) = (pending.time, pending.line);
        self.items.push(Item { key, time, line, refused, body, original });
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.items.len() * size_of::<Item>()
    }

    fn sort(&mut self) {
        self.items.sort_by_key(|item| item.key);
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }

    /// Puts record `at` into `out` and returns its place in time.
    fn get(&mut self, at: usize, out: &mut Pending) -> EventTime {
        let item = &mut self.items[at];
        let refused = item.refused.take().map(|reject| *reject);
        let (body, original) = (item.body.clone(), item.original.clone());
        out.set((item.time, item.line), refused, &self.bytes[body], &self.bytes[original]);
        item.key
    }
}

/// Runs read back as one.
struct Merge {
    runs: Vec<(BufReader<File>, Pending)>,
    /// The place in time of each run's next record; ties go by the run, for it holds the earlier
    /// records.
    heads: BinaryHeap<Reverse<(EventTime, usize)>>,
}

impl Merge {
    fn new(files: Vec<File>) -> io::Result<Merge> {
        let mut merge = Merge { runs: Vec::with_capacity(files.len()), heads: BinaryHeap::new() };
        for (at, mut file) in files.into_iter().enumerate() {
            file.rewind()?;
            merge.runs.push((BufReader::new(file), Pending::default()));
            merge.advance(at)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, at: usize) -> io::Result<()> {
        let (run, pending) = &mut self.runs[at];
        if let Some(key) = read_record(run, pending)? {
            self.heads.push(Reverse((key, at)));
        }
        Ok(())
    }

    /// Puts the next record into `out` and returns its place in time.
    fn next(&mut self, out: &mut Pending) -> io::Result<Option<EventTime>> {
        let Some(Reverse((key, at))) = self.heads.pop() else { return Ok(None) };
        std::mem::swap(out, &mut self.runs[at].1);
        self.advance(at)?;
        Ok(Some(key))
    }
}

/// The mark of a record without a time, which no record can have.
const TIMELESS: i64 = i64::MIN;

/// Writes a record: its numbers, then its texts with their lengths.
fn write_record(file: &mut impl Write, key: EventTime, record: &Pending) -> io::Result<()> {
    let time = record.time.map_or(TIMELESS, EventTime::millis);
    let (reason, detail) = match &record.refused {
        Some(reject) => {
            let reason = Reason::ALL.iter().position(|reason| *reason == reject.reason);
            (reason.map_or(0, |at| at + 1), reject.detail.as_bytes())
        }
        None => (0, b"".as_slice()),
    };
    file.write_all(&key.millis().to_le_bytes())?;
    file.write_all(&time.to_le_bytes())?;
    file.write_all(&record.line.to_le_bytes())?;
    file.write_all(&(reason as u64).to_le_bytes())?;
    for text in [detail, &record.body, &record.original] {
        file.write_all(&(text.len() as u64).to_le_bytes())?;
        file.write_all(text)?;
    }
    Ok(())
}

/// Reads a record back; `None` at the end of the run.
fn read_record(file: &mut impl Read, out: &mut Pending) -> io::Result<Option<EventTime>> {
    let Some(key) = read_number(file)? else { return Ok(None) };
    let key = i64::from_le_bytes(key);
    let mut number = || read_number(file)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof));
    let time = i64::from_le_bytes(number()?);
    let line = u64::from_le_bytes(number()?);
    let reason = u64::from_le_bytes(number()?);
    let detail = read_text(file, Vec::new())?;
    out.body = read_text(file, std::mem::take(&mut out.body))?;
    out.original = read_text(file, std::mem::take(&mut out.original))?;
    out.time = (time != TIMELESS).then(|| EventTime::from_millis(time));
    out.line = line;
    let reason = usize::try_from(reason).ok().and_then(|at| Reason::ALL.get(at.checked_sub(1)?));
    out.refused =
        reason.map(|reason| Reject::new(*reason, String::from_utf8_lossy(&detail).into_owned()));
    Ok(Some(EventTime::from_millis(key)))
}

/// Eight bytes, or `None` at the end.
fn read_number(file: &mut impl Read) -> io::Result<Option<[u8; 8]>> {
    let mut bytes = [0; 8];
    let mut n_read = 0;
    while n_read < bytes.len() {
        match file.read(&mut bytes[n_read..]) {
            Ok(0) if n_read == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(more) => n_read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(bytes))
}

/// A text behind its length, into memory that is used again.
fn read_text(file: &mut impl Read, mut into: Vec<u8>) -> io::Result<Vec<u8>> {
    let length = read_number(file)?.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let length = u64::from_le_bytes(length);
    into.clear();
    let n_read = file.take(length).read_to_end(&mut into)?;
    let whole = u64::try_from(n_read).is_ok_and(|n_read| n_read == length);
    if whole { Ok(into) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
