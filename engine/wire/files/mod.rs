//! Files as a door: canonical JSON lines, and whatever a map makes of a platform's own rows.
//!
//! Shape   each input is a stream of records; one canonical input is read straight into the
//!         batch, several are merged by the time of their next record.
//! Rules   ties go by the order on the command line, then by line; an input's own order is kept
//!         unless its map says `sort = "time"`; a record whose time cannot be read follows its
//!         predecessor (DESIGN D-4).
//! Cost    one canonical input: a search for its line ends and one copy. Merging adds a look at
//!         each record's time.
//! Errors  every fault names the input, what was found and what to do. Behind a fault nothing
//!         more comes: what was read up to there is not the whole.

mod input;
mod lines;
mod rows;
mod sort;
mod stream;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::map::{Map, Order, Table};
use crate::unit::EventTime;
use crate::wire::files::input::{Content, Input, STDIN, content};
use crate::wire::files::sort::Sorted;
use crate::wire::files::stream::{Canonical, Foreign, Pending, Stream};
use crate::wire::{Batch, Fault, Fetched, Origin, Source};

/// How many records a batch holds at most: decoded, they still fit the second cache.
const BATCH_RECORDS: usize = 2_048;

/// How many bytes a batch holds before it is handed over; the last record may go beyond.
const BATCH_BYTES: usize = 4 << 20;

/// Files and standard input as a source.
pub struct FileSource {
    names: Vec<String>,
    /// By input: bytes read so far, and bytes there are.
    meters: Vec<(Arc<AtomicU64>, u64)>,
    n_skipped: Arc<AtomicU64>,
    road: Road,
    /// What broke, and stays broken.
    broken: Option<String>,
}

/// How records get into a batch.
enum Road {
    /// One canonical input, straight.
    Straight(Box<Canonical>),
    /// Several inputs, or mapped ones.
    Merged(Merged),
}

#[derive(Default)]
struct Merged {
    streams: Vec<(Box<dyn Stream>, Pending)>,
    /// The time of each stream's next record, where it has one.
    heads: BinaryHeap<Reverse<(EventTime, usize)>>,
    /// The stream whose next record has no time and follows its predecessor at once.
    timeless: Option<usize>,
    /// How many streams were asked for their first record.
    n_begun: usize,
}

impl FileSource {
    /// Opens `paths` (`-` is standard input), reading by `map` those that it speaks of.
    ///
    /// # Errors
    ///
    /// Every input that cannot be opened or mapped, one a line.
    pub fn open(paths: &[PathBuf], map: Option<&Map>) -> Result<FileSource, Fault> {
        let mut faults: Vec<String> = Vec::new();
        let n_skipped = Arc::new(AtomicU64::new(0));
        let (mut names, mut meters) = (Vec::new(), Vec::new());
        let mut streams: Vec<Opened> = Vec::new();
        for path in paths {
            let opened = table_of(path, map).and_then(|table| {
                let input = Input::open(path)?;
                names.push(input.name().to_owned());
                meters.push((input.meter(), input.total()));
                Opened::of(input, path, table, &n_skipped)
            });
            match opened {
                Ok(opened) => streams.push(opened),
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        if !faults.is_empty() {
            return Err(Fault::Input(faults.join("\n")));
        }
        let road = match (streams.pop(), streams.is_empty()) {
            (Some(Opened::Canonical(only)), true) => Road::Straight(only),
            (last, _) => {
                let streams = streams.into_iter().chain(last).map(Opened::into_stream);
                let streams = streams.map(|stream| (stream, Pending::default())).collect();
                Road::Merged(Merged { streams, ..Merged::default() })
            }
        };
        Ok(FileSource { names, meters, n_skipped, road, broken: None })
    }

    /// How many bytes were read, and how many there are as far as that is known, both as they
    /// lie in the files.
    pub fn progress(&self) -> (u64, u64) {
        self.meters.iter().fold((0, 0), |(read, total), (meter, size)| {
            (read + meter.load(Ordering::Relaxed), total + size)
        })
    }

    /// The inputs' names, in their order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many rows the map said to skip so far.
    pub fn skipped(&self) -> u64 {
        self.n_skipped.load(Ordering::Relaxed)
    }

    fn fill_batch(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
        let mut there_is_more = true;
        while there_is_more
            && batch.records.len() < BATCH_RECORDS
            && batch.bytes.len() < BATCH_BYTES
        {
            there_is_more = match &mut self.road {
                Road::Straight(only) => only.append(batch)?,
                Road::Merged(merged) => merged.append(batch)?,
            };
        }
        Ok(if batch.records.is_empty() { Fetched::End } else { Fetched::Some })
    }
}

impl Source for FileSource {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
        if let Some(said) = &self.broken {
            return Err(Fault::Input(said.clone()));
        }
        self.fill_batch(batch).inspect_err(|fault| self.broken = Some(fault.to_string()))
    }

    fn name(&self, origin: Origin) -> &str {
        match origin {
            Origin::File { file, .. } => {
                let name = usize::try_from(file).ok().and_then(|at| self.names.get(at));
                name.map_or("", String::as_str)
            }
            Origin::Topic { .. } => "",
        }
    }
}

impl Merged {
    /// Appends the next record of all; `false` at the end.
    fn append(&mut self, batch: &mut Batch) -> Result<bool, Fault> {
        while self.n_begun < self.streams.len() {
            let at = self.n_begun;
            self.n_begun += 1;
            let (stream, pending) = &mut self.streams[at];
            if stream.next(pending)? {
                let time = pending.time.unwrap_or(EventTime::ALWAYS);
                self.heads.push(Reverse((time, at)));
            }
        }
        let next = self.timeless.take().or_else(|| self.heads.pop().map(|Reverse((_, at))| at));
        let Some(at) = next else { return Ok(false) };
        let (stream, pending) = &mut self.streams[at];
        pending.append(u32::try_from(at).unwrap_or(u32::MAX), batch);
        if stream.next(pending)? {
            match pending.time {
                Some(time) => self.heads.push(Reverse((time, at))),
                None => self.timeless = Some(at),
            }
        }
        Ok(true)
    }
}

/// One input, opened.
enum Opened {
    Canonical(Box<Canonical>),
    Mapped(Box<dyn Stream>),
}

impl Opened {
    fn of(
        input: Input,
        path: &Path,
        table: Option<Arc<Table>>,
        n_skipped: &Arc<AtomicU64>,
    ) -> Result<Opened, Fault> {
        let Some(table) = table else {
            return Ok(Opened::Canonical(Box::new(Canonical::new(input))));
        };
        let name = input.name().to_owned();
        let rows = Foreign::open(input, path, &table, Arc::clone(n_skipped))?;
        Ok(Opened::Mapped(match table.order() {
            Order::Own => Box::new(rows),
            Order::Time => Box::new(Sorted::new(&name, Box::new(rows))),
        }))
    }

    fn into_stream(self) -> Box<dyn Stream> {
        match self {
            Opened::Canonical(stream) => stream,
            Opened::Mapped(stream) => stream,
        }
    }
}

/// How the rows of `path` are to be read: by a table of `map`, or as canonical events.
fn table_of(path: &Path, map: Option<&Map>) -> Result<Option<Arc<Table>>, Fault> {
    let name = path.display();
    let file_name = path.file_name().map_or(path.as_os_str(), |name| name).to_string_lossy();
    if let Some(table) = map.and_then(|map| map.table_for(&file_name)) {
        return Ok(Some(table));
    }
    match (content(path), map) {
        (Content::Json, _) => Ok(None),
        _ if path == Path::new(STDIN) => Ok(None),
        (Content::Foreign, _) => Err(Fault::Input(format!(
            "cannot read: {name}: a format that Ebb does not read; wanted JSON lines or CSV, \
             plain, .gz or .zst; convert it first"
        ))),
        (Content::Csv, Some(map)) => {
            let patterns: Vec<&str> = map.patterns().collect();
            Err(Fault::Input(format!(
                "cannot map: {name}: no [[source]] of the map {} fits its name; wanted one of {}; \
                 rename it, or add a [[source]]",
                map.id,
                patterns.join(", ")
            )))
        }
        (Content::Csv, None) => Err(Fault::Input(format!(
            "cannot read: {name}: rows of CSV, which are no events by themselves; wanted --map \
             with a file that says what they mean; config/maps holds two to start from"
        ))),
    }
}
