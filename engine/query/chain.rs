//! The files of one table and partition, from the oldest to the newest, as snapshots lean on them.
//!
//! Shape   what is new goes into a file of its own, which takes in the files before it that are not
//!         much longer: there are about as many files as their number of rows has digits in binary,
//!         and a row is written as many times.
//! Rules   a file is never changed. The first file of customers, which holds everyone, is taken in
//!         by none.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMillisecondType};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::query::draft::Draft;
use crate::query::raw::FileOf;
use crate::unit::{EventTime, Span};
use crate::wire::Fault;

/// Rows read at a time.
const BATCH_ROWS: usize = 16 << 10;
/// Rows of a file of what happened that is not taken into another any more.
const LONG: u64 = 2_000_000;

/// How many of the last of `files` a file of `n_new` rows takes in; the first `n_fixed` stay.
pub(crate) fn n_taken(files: &[FileOf], n_fixed: usize, n_new: u64) -> usize {
    let mut n_rows = n_new;
    let mut n = 0;
    for file in files.iter().skip(n_fixed).rev() {
        if 2 * n_rows.max(1) < file.rows || LONG < n_rows.saturating_add(file.rows) {
            break;
        }
        n_rows = n_rows.saturating_add(file.rows);
        n += 1;
    }
    n
}

/// Writes the rows of the file of customers at `path` into `draft`, as of `edition`, but for those
/// whose place is among `taken`, to which theirs are added.
///
/// # Errors
///
/// A fault where it cannot be read or written.
pub(crate) fn take_customers(
    draft: &mut Draft,
    (partition, path): (u32, &Path),
    edition: i64,
    taken: &mut HashSet<i64>,
) -> Result<(), Fault> {
    each_batch(path, |batch| {
        let schema = batch.schema();
        let place = batch.column_by_name("place").ok_or_else(|| missing("place"))?;
        let places = place.as_primitive::<Int64Type>().values();
        let is_kept: BooleanArray = places.iter().map(|at| Some(taken.insert(*at))).collect();
        let mut columns = batch.columns().to_vec();
        if let Some(column) = columns.get_mut(schema.index_of("edition")?) {
            *column = Arc::new(Int64Array::from(vec![edition; batch.num_rows()]));
        }
        let batch = filter_record_batch(&RecordBatch::try_new(schema, columns)?, &is_kept)?;
        Ok(draft.table("customers", partition)?.batch(&batch)?)
    })
}

/// Writes the rows of `file` of what happened, at `path`, into `draft` of which `is_kept` says so by
/// customer and instant.
///
/// # Errors
///
/// A fault where it cannot be read or written.
pub(crate) fn take_happened(
    draft: &mut Draft,
    (table, file, path): (&'static str, &FileOf, &Path),
    is_kept: impl Fn(&str, EventTime) -> bool,
) -> Result<(), Fault> {
    each_batch(path, |batch| {
        let ids = batch.column_by_name("customer_id").ok_or_else(|| missing("customer_id"))?;
        let ids = ids.as_string::<i32>();
        let instants = instants(&batch)?;
        let rows = (0..batch.num_rows())
            .map(|row| Some(is_kept(ids.value(row), EventTime::from_millis(instants.value(row)))));
        let batch = filter_record_batch(&batch, &rows.collect())?;
        let until = EventTime::from_millis(file.until);
        let target = draft.table(table, file.partition)?;
        if 0 < batch.num_rows() {
            target.reaches(until);
        }
        Ok(target.batch(&batch)?)
    })
}

/// When the rows of `batch` happened: its column `at`, or the beginning of its `day`.
fn instants(batch: &RecordBatch) -> Result<TimestampMillisecondArray, Unmade> {
    if let Some(day) = batch.column_by_name("day") {
        let days = day.as_primitive::<Date32Type>();
        let instant = |day| EventTime::from_millis(0).plus(Span::days(i64::from(day))).millis();
        return Ok(days.iter().map(|day| day.map(instant)).collect());
    }
    let at = batch.column_by_name("at").ok_or_else(|| missing("at"))?;
    let plain = DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, None);
    Ok(cast(at, &plain)?.as_primitive::<TimestampMillisecondType>().clone())
}

/// What the rows at `path` whose instant is `at` are told apart by: the ids of alerts, or the ids of
/// customers where rows have none.
///
/// # Errors
///
/// A fault where it cannot be read.
pub(crate) fn known_at(path: &Path, at: EventTime) -> Result<HashSet<String>, Fault> {
    let mut known = HashSet::new();
    each_batch(path, |batch| {
        let ids = batch.column_by_name("id").or_else(|| batch.column_by_name("customer_id"));
        let ids = ids.ok_or_else(|| missing("customer_id"))?.as_string::<i32>();
        let instants = instants(&batch)?;
        let same = (0..batch.num_rows()).filter(|row| instants.value(*row) == at.millis());
        known.extend(same.map(|row| ids.value(row).to_owned()));
        Ok(())
    })?;
    Ok(known)
}

/// Why a batch could not be taken over.
enum Unmade {
    Fault(Fault),
    Arrow(ArrowError),
}

impl From<Fault> for Unmade {
    fn from(fault: Fault) -> Unmade {
        Unmade::Fault(fault)
    }
}

impl From<ArrowError> for Unmade {
    fn from(error: ArrowError) -> Unmade {
        Unmade::Arrow(error)
    }
}

fn missing(column: &str) -> Unmade {
    Unmade::Arrow(ArrowError::SchemaError(format!("no column {column}")))
}

/// Hands the rows at `path` to `each`.
fn each_batch(
    path: &Path,
    mut each: impl FnMut(RecordBatch) -> Result<(), Unmade>,
) -> Result<(), Fault> {
    let cannot = |found: String| {
        Fault::Output(format!("cannot go on from the snapshot before: {}: {found}", path.display()))
    };
    let file = File::open(path).map_err(|error| cannot(error.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(|error| cannot(error.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|error| cannot(error.to_string()))?;
        each(batch).map_err(|unmade| match unmade {
            Unmade::Fault(fault) => fault,
            Unmade::Arrow(error) => cannot(error.to_string()),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(rows: &[u64]) -> Vec<FileOf> {
        let file = |rows: &u64| FileOf {
            table: "alerts".to_owned(),
            partition: 0,
            path: String::new(),
            rows: *rows,
            edition: 0,
            until: 0,
        };
        rows.iter().map(file).collect()
    }

    #[test]
    fn a_file_takes_in_those_before_it_that_are_not_much_longer() {
        assert_eq!(n_taken(&chain(&[]), 0, 10), 0);
        assert_eq!(n_taken(&chain(&[100, 20]), 0, 10), 1);
        assert_eq!(n_taken(&chain(&[60, 20]), 0, 10), 2);
        assert_eq!(n_taken(&chain(&[60, 20]), 1, 10), 1);
        assert_eq!(n_taken(&chain(&[1_999_999]), 0, 1_999_999), 0);
    }

    #[test]
    fn there_are_few_files_however_many_snapshots() {
        let mut rows: Vec<u64> = Vec::new();
        for _ in 0..10_000 {
            let n = n_taken(&chain(&rows), 0, 7);
            let taken: u64 = rows.drain(rows.len() - n..).sum();
            rows.push(taken + 7);
            assert!(rows.len() <= 17, "{rows:?}");
        }
    }
}
