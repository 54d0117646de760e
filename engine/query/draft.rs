//! A snapshot on its way into the folder of snapshots.
//!
//! Shape   one folder a snapshot, named by its id; in it one file a table and partition, and
//!         `manifest.json`, which says what there is.
//! Rules   everything is written into a folder whose name begins with a dot and that gets its
//!         real name, in one step, when all is safe on disk: a reader sees all of a snapshot or
//!         nothing. What a failure leaves behind keeps the dot, and a snapshot of a later day
//!         sweeps it. Rows are taken in chunks: whether they come from a finished replay or from
//!         a running engine makes no difference here.
//! Source  DESIGN §9; decisions D-2 and D-11.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::model::Model;
use crate::query::columns::{self, Column};
use crate::query::file::{Held, TableFile};
use crate::query::lines::{self, Unread, time};
use crate::query::raw::{AlertLine, Described, FORMAT, FileOf, Manifest, Place};
use crate::query::rows;
use crate::query::sheet::Cell;
use crate::query::spot::Spot;
use crate::record::{Kind, partition};
use crate::state::Row;
use crate::unit::{EventTime, Span};
use crate::wire::{Fault, Outgoing};

/// The name of the file that says what a snapshot holds.
pub const MANIFEST: &str = "manifest.json";

/// No snapshot takes this long to be written.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3_600);

/// A snapshot that is being written.
pub struct Draft {
    root: PathBuf,
    part: PathBuf,
    model: Described,
    n_partitions: NonZeroU32,
    tables: BTreeMap<(&'static str, u32), TableFile>,
    kept: Vec<FileOf>,
    editions: BTreeMap<u32, i64>,
    scores: Vec<Column>,
}

/// How a snapshot comes to its id, and what is said of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its instant: it holds everyone, and replaces what has that name.
    Instant,
    /// By its instant and, where that is taken, a number: others may lean on what is there.
    Anew {
        /// Whether it holds every customer.
        complete: bool,
        /// The places of customers who were erased since all were written.
        erased: Vec<i64>,
    },
}

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Which partition.
    pub partition: u32,
    /// Its time; `ALWAYS` before its first event.
    pub now: EventTime,
    /// The first offset not contained, where records have offsets.
    pub offset: Option<i64>,
    /// How many customers it has.
    pub n_customers: u64,
}

impl Draft {
    /// Begins a snapshot below `root`, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// A fault where nothing can be written there.
    pub fn begin(root: &Path, model: &Model, n_partitions: NonZeroU32) -> Result<Draft, Fault> {
        let part = root.join(format!(".part-{}", std::process::id()));
        fs::create_dir_all(root).map_err(|error| cannot(root, &error))?;
        sweep(root)?;
        if part.exists() {
            // Left by a process that had this one's number: it is no more.
            fs::remove_dir_all(&part).map_err(|error| cannot(&part, &error))?;
        }
        fs::create_dir(&part).map_err(|error| cannot(&part, &error))?;
        let model = Described::of(model);
        let scores = columns::scores_history(&model);
        let (root, editions) = (root.to_owned(), BTreeMap::new());
        let (tables, kept) = (BTreeMap::new(), Vec::new());
        Ok(Draft { root, part, model, n_partitions, tables, kept, editions, scores })
    }

    /// The file of `table` and `partition`, begun where it is not there yet.
    pub(crate) fn table(
        &mut self,
        table: &'static str,
        partition: u32,
    ) -> Result<&mut TableFile, Fault> {
        let path = self.part.join(file_name(table, partition));
        match self.tables.entry((table, partition)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(free) => {
                let columns = match table {
                    "customers" => columns::published(&self.model),
                    name => columns::of(name, &self.model),
                };
                Ok(free.insert(TableFile::create(path, &columns)?))
            }
        }
    }

    /// How many rows were taken of `table` and `partition`.
    pub(crate) fn n_rows(&self, table: &'static str, partition: u32) -> u64 {
        self.tables.get(&(table, partition)).map_or(0, TableFile::rows)
    }

    /// Ends the file of `table` and `partition`, if there is one, so that it can be gone over and
    /// written anew: what it is, and where it lies until the snapshot is published.
    pub(crate) fn set_aside(
        &mut self,
        table: &'static str,
        partition: u32,
    ) -> Result<Option<(FileOf, PathBuf)>, Fault> {
        let Some(file) = self.tables.remove(&(table, partition)) else { return Ok(None) };
        let name = file_name(table, partition);
        let held = (table, partition, file.finish()?);
        let (path, aside) = (self.part.join(&name), self.part.join(format!(".{name}")));
        fs::rename(&path, &aside).map_err(|error| cannot(&path, &error))?;
        Ok(Some((self.file_of("", &held), aside)))
    }

    /// Lets the snapshot lean on `file`, which an earlier one holds.
    pub(crate) fn keep(&mut self, file: FileOf) {
        self.kept.push(file);
    }

    /// Takes the alerts and scores among `outputs`, of customers who are spread by their ids.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written.
    pub fn outputs(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        for output in outputs {
            if let Outgoing::Alert { key, .. } | Outgoing::Scores { key, .. } = output {
                let home = partition(key.as_bytes(), self.n_partitions);
                self.output(home, output, |_, _| true)?;
            }
        }
        Ok(())
    }

    /// Takes `output`, of a customer of partition `home`, if it is an alert or scores, and
    /// `is_kept` says so of customer and instant.
    ///
    /// # Errors
    ///
    /// A fault where it cannot be written.
    pub(crate) fn output(
        &mut self,
        home: u32,
        output: &Outgoing,
        is_kept: impl Fn(&str, EventTime) -> bool,
    ) -> Result<(), Fault> {
        let unread = |error: Unread| Fault::Output(format!("cannot write the snapshot: {error}"));
        match output {
            Outgoing::Alert { value, .. } => {
                let line: AlertLine<'_> =
                    serde_json::from_slice(value).map_err(|error| unread(error.into()))?;
                let at = time(&line.at).map_err(unread)?;
                if is_kept(&line.customer_id, at) {
                    let file = self.table("alerts", home)?;
                    file.reaches(at);
                    file.row(|sheet| lines::alert(&line, home, sheet))?;
                }
            }
            Outgoing::Scores { key, value: Some(value) } => {
                let line: Value =
                    serde_json::from_slice(value).map_err(|error| unread(error.into()))?;
                let at = line.get("at").and_then(Value::as_str).unwrap_or_default();
                let at = time(at).map_err(unread)?;
                if is_kept(key, at) {
                    let columns = std::mem::take(&mut self.scores);
                    let file = self.table("scores_history", home)?;
                    file.reaches(at);
                    file.row(|sheet| lines::scores(&line, (home, &columns), sheet))?;
                    self.scores = columns;
                }
            }
            Outgoing::Scores { value: None, .. }
            | Outgoing::Receipt { .. }
            | Outgoing::Journal { .. }
            | Outgoing::Reject { .. } => {}
        }
        Ok(())
    }

    /// Says that the customers of `partition` that are taken are of `edition`; 0 where it is not
    /// said.
    pub(crate) fn in_edition(&mut self, partition: u32, edition: i64) {
        self.editions.insert(partition, edition);
    }

    /// Takes one customer, who stands at `spot`.
    ///
    /// # Errors
    ///
    /// A fault where it cannot be written.
    pub fn customer(&mut self, row: &Row<&str>, spot: Spot) -> Result<(), Fault> {
        let edition = self.editions.get(&spot.partition).copied().unwrap_or(0);
        let file = self.table("customers", spot.partition)?;
        file.row(|sheet| rows::put(row, spot, edition, sheet))
    }

    /// Takes `n` events of `kind` that a customer of a partition had on a day.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written.
    pub(crate) fn day(
        &mut self,
        (id, home): (&str, u32),
        (day, kind): (i32, Kind),
        n: i64,
    ) -> Result<(), Fault> {
        let file = self.table("events_daily", home)?;
        file.reaches(EventTime::from_millis(0).plus(Span::days(i64::from(day) + 1)));
        file.row(|sheet| {
            sheet.row([
                Cell::Text(Some(id)),
                Cell::Whole(Some(i64::from(home))),
                Cell::Day(day),
                Cell::Text(Some(kind.name())),
                Cell::Whole(Some(n)),
            ])
        })
    }

    /// Puts the snapshot under its name; what it says of itself.
    ///
    /// # Errors
    ///
    /// A fault where that fails; nothing is then to be seen of it.
    pub fn publish(mut self, stands: &[Stand], named: &Named) -> Result<Manifest, Fault> {
        self.leave_no_table_out(stands)?;
        let told = |stand: &Stand| stand.now != EventTime::ALWAYS;
        let at = stands.iter().filter(|stand| told(stand)).map(|stand| stand.now).max();
        let at = at.ok_or_else(|| {
            let root = self.root.display();
            Fault::Output(format!(
                "cannot write the snapshot: {root}: no event was applied; wanted at least one"
            ))
        })?;
        let mut held = Vec::new();
        for ((table, partition), file) in std::mem::take(&mut self.tables) {
            held.push((table, partition, file.finish()?));
        }
        let positions = stands.iter().map(|stand| Place {
            partition: stand.partition,
            now: told(stand).then(|| stand.now.to_string()),
            offset: stand.offset,
            customers: Some(stand.n_customers),
        });
        let (complete, erased) = match named {
            Named::Instant => (true, Vec::new()),
            Named::Anew { complete, erased } => (*complete, erased.clone()),
        };
        let mut manifest = Manifest {
            format: FORMAT,
            id: String::new(),
            at: at.to_string(),
            model: self.model.clone(),
            partitions: self.n_partitions.get(),
            positions: positions.collect(),
            complete,
            files: Vec::new(),
            erased,
        };
        let ids = std::iter::once(id_of(at)).chain((2..).map(|n| format!("{}-{n}", id_of(at))));
        for id in ids {
            if *named != Named::Instant && self.root.join(&id).exists() {
                continue;
            }
            let new = held.iter().map(|file| self.file_of(&id, file));
            manifest.files = self.kept.iter().cloned().chain(new).collect();
            manifest.id.clone_from(&id);
            self.put_manifest(&manifest).map_err(|error| cannot(&self.part, &error))?;
            match self.reveal(&id, named) {
                Ok(()) => break,
                // Somebody else took the name meanwhile.
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
                Err(error) => return Err(cannot(&self.root.join(&id), &error)),
            }
        }
        Ok(manifest)
    }

    /// Sees to it that every partition has a file of every table, an empty one where nothing is.
    fn leave_no_table_out(&mut self, stands: &[Stand]) -> Result<(), Fault> {
        for stand in stands {
            for table in ["customers", "alerts", "scores_history", "events_daily"] {
                let is_it =
                    |file: &FileOf| (&*file.table, file.partition) == (table, stand.partition);
                if !self.kept.iter().any(is_it) {
                    self.table(table, stand.partition)?;
                }
            }
        }
        Ok(())
    }

    /// A finished file as the manifest of the snapshot `id` names it.
    fn file_of(&self, id: &str, (table, partition, held): &(&'static str, u32, Held)) -> FileOf {
        FileOf {
            table: (*table).to_owned(),
            partition: *partition,
            path: format!("{id}/{}", file_name(table, *partition)),
            rows: held.rows,
            edition: self.editions.get(partition).copied().unwrap_or(0),
            until: held.until.millis(),
        }
    }

    fn put_manifest(&self, manifest: &Manifest) -> std::io::Result<()> {
        let mut file = File::create(self.part.join(MANIFEST))?;
        serde_json::to_writer_pretty(&mut file, manifest)?;
        file.write_all(b"\n")?;
        file.sync_all()
    }

    /// Gives the folder its name.
    fn reveal(&self, id: &str, named: &Named) -> std::io::Result<()> {
        let (name, old) = (self.root.join(id), self.root.join(format!(".old-{id}")));
        File::open(&self.part)?.sync_all()?;
        if *named == Named::Instant && name.exists() {
            fs::rename(&name, &old)?;
        }
        fs::rename(&self.part, &name)?;
        File::open(&self.root)?.sync_all()?;
        if old.exists() { fs::remove_dir_all(&old) } else { Ok(()) }
    }
}

/// The id of a snapshot as of `at`: the instant, in letters that every file system takes.
pub fn id_of(at: EventTime) -> String {
    at.to_string().replace([':', '-'], "")
}

fn file_name(table: &str, partition: u32) -> String {
    format!("{table}-{partition}.parquet")
}

/// Removes what failures of earlier days left behind; what is younger may be another process's
/// snapshot on its way.
fn sweep(root: &Path) -> Result<(), Fault> {
    let entries = fs::read_dir(root).map_err(|error| cannot(root, &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let age = entry.metadata().and_then(|found| found.modified()).map(|then| then.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if LEFT_BEHIND < age);
        if is_old && (name.starts_with(".part-") || name.starts_with(".old-")) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(|error| cannot(&path, &error))?;
        }
    }
    Ok(())
}

fn cannot(path: &Path, error: &std::io::Error) -> Fault {
    let advice = match error.kind() {
        ErrorKind::StorageFull => "the disk is full: make room and start again",
        ErrorKind::PermissionDenied => "write elsewhere, or ask its owner",
        _ => "name a folder that can be written",
    };
    Fault::Output(format!("cannot write the snapshot: {}: {error}; {advice}", path.display()))
}
