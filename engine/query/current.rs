//! Which row of a customer counts, where a snapshot is written in several files.
//!
//! Shape   every row of `customers` has a place and an edition; of the rows of one place the one of
//!         the latest edition counts, and none once the customer was erased. Two functions of SQL,
//!         hidden from people, tell so of columns: the view of customers filters by them.
//! Rules   a place that no later file names counts in the first.
//! Cost    reading the places of the later files when a snapshot is opened, 4 bytes a place that is
//!         there, 2 ns a row that is asked for.
//! Source  decision D-11.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::query::raw::FileOf;
use crate::query::spot::Spot;
use crate::unit::EventTime;

/// The function `(place, edition)` that tells whether a row counts.
pub(crate) const IS_CURRENT: &str = "is_current_row";
/// The function `(partition)` that tells where a partition stands.
pub(crate) const STANDS_AT: &str = "partition_stands_at";

/// The edition of a place that was erased.
const GONE: u32 = u32::MAX;

/// The latest edition of every place that is not in the first file of its partition alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Editions {
    /// By partition and lane, a list by slot: 0 where the first file counts, else one more than the
    /// edition less that of the first.
    latest: HashMap<(u32, u32), Vec<u32>>,
    /// The edition of the first file of each partition.
    first: BTreeMap<u32, i64>,
}

impl Editions {
    /// What `files` of customers, from the oldest to the newest, and the places that were `erased`
    /// say; `None` where every row counts.
    ///
    /// # Errors
    ///
    /// What cannot be read of a file.
    pub(crate) fn read<'f>(
        files: impl Iterator<Item = (&'f FileOf, &'f Path)>,
        erased: &[i64],
    ) -> Result<Option<Editions>> {
        let mut editions = Editions::default();
        for (file, path) in files {
            match editions.first.get(&file.partition) {
                None => _ = editions.first.insert(file.partition, file.edition),
                Some(_) => editions.add(&places(path)?, file.edition),
            }
        }
        for place in erased {
            editions.set(Spot::of(*place), GONE);
        }
        Ok((!editions.latest.is_empty()).then_some(editions))
    }

    fn add(&mut self, places: &[i64], edition: i64) {
        for place in places {
            let spot = Spot::of(*place);
            let first = self.first.get(&spot.partition).copied().unwrap_or(edition);
            self.set(spot, u32::try_from(edition - first).unwrap_or(0));
        }
    }

    fn set(&mut self, spot: Spot, edition: u32) {
        let list = self.latest.entry((spot.partition, spot.place.lane)).or_default();
        let slot = spot.place.slot as usize;
        if list.len() <= slot {
            list.resize(slot + 1, 0);
        }
        if let Some(latest) = list.get_mut(slot) {
            *latest = edition.max(*latest);
        }
    }

    /// Whether the row of `edition` at `place` counts.
    fn is_current(&self, place: i64, edition: i64) -> bool {
        let spot = Spot::of(place);
        let list = self.latest.get(&(spot.partition, spot.place.lane));
        let latest = list.and_then(|list| list.get(spot.place.slot as usize)).copied();
        let first = self.first.get(&spot.partition).copied().unwrap_or(edition);
        match latest.unwrap_or(0) {
            GONE => false,
            latest => edition - first == i64::from(latest),
        }
    }
}

/// The places in the file of customers at `path`.
///
/// # Errors
///
/// What cannot be read of it.
pub(crate) fn places(path: &Path) -> Result<Vec<i64>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["place"]);
    let mut places = Vec::new();
    for batch in builder.with_projection(mask).with_batch_size(64 << 10).build()? {
        let batch = batch?;
        places.extend_from_slice(batch.column(0).as_primitive::<Int64Type>().values());
    }
    Ok(places)
}

/// The function that tells whether a row counts.
pub(crate) fn is_current(editions: Editions) -> ScalarUDF {
    hidden(IS_CURRENT, 2, DataType::Boolean, move |columns| {
        let [places, editions_of] = columns else { return Err(wrong(IS_CURRENT)) };
        let (places, editions_of) = (
            places.as_primitive::<Int64Type>().values(),
            editions_of.as_primitive::<Int64Type>().values(),
        );
        let rows = places.iter().zip(editions_of);
        let counts: BooleanArray =
            rows.map(|(place, edition)| Some(editions.is_current(*place, *edition))).collect();
        Ok(Arc::new(counts))
    })
}

/// The function that tells where a partition stands.
pub(crate) fn stands_at(nows: BTreeMap<u32, EventTime>) -> ScalarUDF {
    let instant = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    hidden(STANDS_AT, 1, instant, move |columns| {
        let [partitions] = columns else { return Err(wrong(STANDS_AT)) };
        let partitions = partitions.as_primitive::<Int64Type>();
        let now = |partition: Option<i64>| {
            let partition = u32::try_from(partition?).ok()?;
            nows.get(&partition).map(|now| now.millis())
        };
        let instants: TimestampMillisecondArray = partitions.iter().map(now).collect();
        Ok(Arc::new(instants.with_timezone("UTC")))
    })
}

fn wrong(name: &str) -> DataFusionError {
    DataFusionError::Internal(format!("{name} was called with other arguments"))
}

type Compute = Arc<dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync>;

/// A function of whole numbers that belongs to one opened snapshot.
struct Hidden {
    name: &'static str,
    signature: Signature,
    gives: DataType,
    compute: Compute,
}

fn hidden(
    name: &'static str,
    n_args: usize,
    gives: DataType,
    compute: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Int64; n_args], Volatility::Immutable);
    ScalarUDF::new_from_impl(Hidden { name, signature, gives, compute: Arc::new(compute) })
}

impl ScalarUDFImpl for Hidden {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        (self.compute)(&columns).map(ColumnarValue::Array)
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hidden").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Hidden) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.compute, &other.compute)
    }
}

impl Eq for Hidden {}

impl Hash for Hidden {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::edition::Place;

    fn at(partition: u32, slot: u32) -> i64 {
        Spot { partition, place: Place { lane: 1, slot } }.number()
    }

    #[test]
    fn the_latest_edition_of_a_place_counts_and_none_of_one_that_was_erased() {
        let mut editions =
            Editions { first: BTreeMap::from([(0, 7), (1, 1)]), ..Editions::default() };
        editions.add(&[at(0, 2), at(0, 5)], 8);
        editions.add(&[at(0, 5)], 11);
        editions.set(Spot::of(at(0, 3)), GONE);
        let counts = |slot| -> Vec<i64> {
            (7..=11).filter(|edition| editions.is_current(at(0, slot), *edition)).collect()
        };
        assert_eq!(
            [counts(0), counts(2), counts(3), counts(5)],
            [vec![7], vec![8], vec![], vec![11]]
        );
        assert!(editions.is_current(at(1, 5), 1), "another partition is not touched");
        assert!(editions.is_current(at(0, 5_000), 7), "nor is a place beyond the list");
    }
}
