//! A snapshot on its way into the folder of snapshots.
//!
//! Shape   one folder a snapshot, named by its id; in it one file a table and partition, and
//!         `manifest.json`, which says what there is.
//! Rules   everything is written into a folder whose name begins with a dot and that gets its
//!         real name, in one step, when all is safe on disk: a reader sees all of a snapshot or
//!         nothing. A snapshot as of the same instant is replaced. What a failure leaves behind
//!         keeps the dot, and a snapshot of a later day sweeps it.
//!         Rows are taken in chunks: whether they come from a finished replay or from a running
//!         engine makes no difference here.
//! Source  DESIGN §9; decisions D-2 and D-11.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::Model;
use crate::query::columns::{self, Column};
use crate::query::daily::{DAYS_KEPT, Daily};
use crate::query::file::TableFile;
use crate::query::lines;
use crate::query::raw::{Described, FORMAT, FileOf, Manifest, Place};
use crate::query::rows;
use crate::query::sheet::Cell;
use crate::record::partition;
use crate::state::Row;
use crate::unit::EventTime;
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
    scores: Vec<Column>,
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
        let (root, tables) = (root.to_owned(), BTreeMap::new());
        Ok(Draft { root, part, model, n_partitions, tables, scores })
    }

    /// The file of `table` and `partition`, begun where it is not there yet.
    fn table(&mut self, table: &'static str, partition: u32) -> Result<&mut TableFile, Fault> {
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

    /// Takes the alerts and scores among `outputs`.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written.
    pub fn outputs(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        for output in outputs {
            match output {
                Outgoing::Alert { key, value } => {
                    let home = self.home(key);
                    self.table("alerts", home)?.row(|sheet| lines::alert(value, home, sheet))?;
                }
                Outgoing::Scores { key, value: Some(value) } => {
                    let home = self.home(key);
                    let columns = std::mem::take(&mut self.scores);
                    let file = self.table("scores_history", home)?;
                    file.row(|sheet| lines::scores(value, (home, &columns), sheet))?;
                    self.scores = columns;
                }
                Outgoing::Scores { value: None, .. }
                | Outgoing::Receipt { .. }
                | Outgoing::Journal { .. }
                | Outgoing::Reject { .. } => {}
            }
        }
        Ok(())
    }

    fn home(&self, customer: &str) -> u32 {
        partition(customer.as_bytes(), self.n_partitions)
    }

    /// Takes customers of `partition`, in the order of their ids.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written.
    pub fn customers(&mut self, partition: u32, rows: &[Row]) -> Result<(), Fault> {
        let file = self.table("customers", partition)?;
        rows.iter().try_for_each(|row| file.row(|sheet| rows::put(row, partition, sheet)))
    }

    /// Takes the daily counts of the partition that stands at `stand`.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written.
    pub fn daily(&mut self, daily: &Daily, stand: Stand) -> Result<(), Fault> {
        let home = stand.partition;
        let today = i32::try_from(stand.now.day_index()).unwrap_or(i32::MIN);
        let first = today.saturating_sub(DAYS_KEPT - 1);
        let file = self.table("events_daily", home)?;
        for (id, day, kind, n) in daily.of(home, first) {
            file.row(|sheet| {
                sheet.row([
                    Cell::Text(Some(id)),
                    Cell::Whole(Some(i64::from(home))),
                    Cell::Day(day),
                    Cell::Text(Some(kind.name())),
                    Cell::Whole(Some(n)),
                ])
            })?;
        }
        Ok(())
    }

    /// Puts the snapshot under its name; its id.
    ///
    /// # Errors
    ///
    /// A fault where that fails; nothing is then to be seen of it.
    pub fn publish(mut self, stands: &[Stand]) -> Result<String, Fault> {
        for stand in stands {
            for table in ["customers", "alerts", "scores_history", "events_daily"] {
                self.table(table, stand.partition)?;
            }
        }
        let told = |stand: &Stand| stand.now != EventTime::ALWAYS;
        let at = stands.iter().filter(|stand| told(stand)).map(|stand| stand.now).max();
        let at = at.ok_or_else(|| {
            let root = self.root.display();
            Fault::Output(format!(
                "cannot write the snapshot: {root}: no event was applied; wanted at least one"
            ))
        })?;
        let id = id_of(at);
        let mut files = Vec::new();
        for ((table, partition), file) in std::mem::take(&mut self.tables) {
            let path = format!("{id}/{}", file_name(table, partition));
            let rows = file.finish()?;
            files.push(FileOf { table: table.to_owned(), partition, path, rows });
        }
        let positions = stands.iter().map(|stand| Place {
            partition: stand.partition,
            now: told(stand).then(|| stand.now.to_string()),
            offset: stand.offset,
        });
        let manifest = Manifest {
            format: FORMAT,
            id: id.clone(),
            at: at.to_string(),
            model: self.model.clone(),
            partitions: self.n_partitions.get(),
            positions: positions.collect(),
            files,
        };
        self.put_manifest(&manifest).map_err(|error| cannot(&self.part, &error))?;
        self.reveal(&id).map_err(|error| cannot(&self.root.join(&id), &error))?;
        Ok(id)
    }

    fn put_manifest(&self, manifest: &Manifest) -> std::io::Result<()> {
        let mut file = File::create(self.part.join(MANIFEST))?;
        serde_json::to_writer_pretty(&mut file, manifest)?;
        file.write_all(b"\n")?;
        file.sync_all()
    }

    /// Gives the folder its name.
    fn reveal(&self, id: &str) -> std::io::Result<()> {
        let (name, old) = (self.root.join(id), self.root.join(format!(".old-{id}")));
        File::open(&self.part)?.sync_all()?;
        if name.exists() {
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
        std::io::ErrorKind::StorageFull => "the disk is full: make room and start again",
        std::io::ErrorKind::PermissionDenied => "write elsewhere, or ask its owner",
        _ => "name a folder that can be written",
    };
    Fault::Output(format!("cannot write the snapshot: {}: {error}; {advice}", path.display()))
}
