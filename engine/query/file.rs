//! One Parquet file on its way to a snapshot.
//!
//! Rules   rows are written in groups of [`GROUP_ROWS`], so that a file of any length needs the
//!         memory of one group; pages are small, so that a look-up by customer reads one page a
//!         column. Of times and ids the smallest and largest of a page are on record, for people
//!         ask for the last days and for one customer; of other columns every page has some of all.
//!         Compressed by Snappy: half as large again as by zstd, but a page of zstd takes longer to
//!         open than to read, and a look-up opens a hundred.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::query::columns::{Column, Kind};
use crate::query::sheet::Sheet;
use crate::unit::EventTime;
use crate::wire::Fault;

/// Rows of a row group: a look-up by customer decodes one group's ids, and its dictionaries.
const GROUP_ROWS: usize = 32 << 10;
/// Rows of a page: what a look-up has to decode of every other column.
const PAGE_ROWS: usize = 2 << 10;
/// Rows gathered before they are turned into columns.
const SHEET_ROWS: usize = 1 << 10;

/// A file that is being written.
pub(crate) struct TableFile {
    path: PathBuf,
    sheet: Sheet,
    writer: ArrowWriter<File>,
    rows: u64,
    until: EventTime,
}

/// What a finished file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// How many rows.
    pub(crate) rows: u64,
    /// The instant of the newest; `NEVER` where rows have none.
    pub(crate) until: EventTime,
}

impl TableFile {
    /// Begins the file at `path` with `columns`.
    ///
    /// # Errors
    ///
    /// A fault where nothing can be written there.
    pub(crate) fn create(path: PathBuf, columns: &[Column]) -> Result<TableFile, Fault> {
        let file = File::create(&path).map_err(|error| cannot_write(&path, &error))?;
        let sheet = Sheet::new(columns);
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("ebb {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_write_batch_size(PAGE_ROWS)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_bloom_filter_enabled(ColumnPath::from("customer_id"), true)
            .set_column_bloom_filter_max_ndv(ColumnPath::from("customer_id"), GROUP_ROWS as u64);
        let times = columns.iter().filter(|column| matches!(column.kind, Kind::Time | Kind::Day));
        for column in times {
            let path = ColumnPath::from(column.name.as_str());
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        }
        let writer = ArrowWriter::try_new(file, sheet.schema(), Some(properties.build()))
            .map_err(|error| cannot_write(&path, &error))?;
        Ok(TableFile { path, sheet, writer, rows: 0, until: EventTime::ALWAYS })
    }

    /// Puts one row into the file by means of `put`.
    ///
    /// # Errors
    ///
    /// A fault where it cannot be written.
    pub(crate) fn row<E: Error + 'static>(
        &mut self,
        put: impl FnOnce(&mut Sheet) -> Result<(), E>,
    ) -> Result<(), Fault> {
        put(&mut self.sheet).map_err(|error| cannot_write(&self.path, &error))?;
        self.rows += 1;
        if self.sheet.n_rows() < SHEET_ROWS { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let batch = self.sheet.take().map_err(|misfit| cannot_write(&self.path, &misfit))?;
        self.writer.write(&batch).map_err(|error| cannot_write(&self.path, &error))
    }

    /// Puts the rows of `batch`, which has the file's columns, into the file.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written.
    pub(crate) fn batch(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        self.flush()?;
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        self.writer.write(batch).map_err(|error| cannot_write(&self.path, &error))
    }

    /// Notes that a row tells of `instant`.
    pub(crate) fn reaches(&mut self, instant: EventTime) {
        self.until = self.until.max(instant);
    }

    /// How many rows were put into it.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes what is left and makes the file safe; what it holds.
    ///
    /// # Errors
    ///
    /// A fault where that fails.
    pub(crate) fn finish(mut self) -> Result<Held, Fault> {
        self.flush()?;
        let path = self.path;
        let file = self.writer.into_inner().map_err(|error| cannot_write(&path, &error))?;
        file.sync_all().map_err(|error| cannot_write(&path, &error))?;
        let told = self.until != EventTime::ALWAYS;
        Ok(Held { rows: self.rows, until: if told { self.until } else { EventTime::NEVER } })
    }
}

/// What an error in writing at `path` means.
fn cannot_write(path: &Path, error: &(dyn Error + 'static)) -> Fault {
    let of_system =
        error.downcast_ref::<std::io::Error>().or_else(|| error.source()?.downcast_ref());
    let full = of_system.is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull);
    let advice = if full { "; the disk is full: make room and start again" } else { "" };
    Fault::Output(format!("cannot write the snapshot: {}: {error}{advice}", path.display()))
}
