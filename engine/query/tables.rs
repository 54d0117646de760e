//! Tables over the files of a lens, ready to be asked.
//!
//! Shape   files become tables, views stand on them; what is seen as of another instant is the
//!         same once more, reached through a function: `customers_at('…')`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;
use datafusion::prelude::SessionContext;

use crate::query::columns::{self, TABLES};
use crate::query::current::{Editions, is_current, stands_at};
use crate::query::raw::{Described, FileOf, Manifest};
use crate::query::refused::Refused;
use crate::query::sheet::{Cell, Misfit, Sheet, Text, schema};
use crate::query::shelf::{Lens, Shelf};
use crate::query::views::Written;
use crate::query::{kpis, views};
use crate::unit::EventTime;

/// Tables by name.
pub(crate) type Tables = BTreeMap<String, Arc<dyn TableProvider>>;

/// All tables of `lens`; views are planned in `context`, which has none of them yet.
///
/// # Errors
///
/// What DataFusion says; nothing that whoever asks can mend.
pub(crate) async fn open(context: &SessionContext, shelf: &Shelf, lens: &Lens) -> Result<Tables> {
    let model = &lens.model;
    let mut tables = Tables::new();
    let mut put = |name: &str, table: Arc<dyn TableProvider>| {
        context.register_table(name, Arc::clone(&table))?;
        tables.insert(name.to_owned(), table);
        Ok::<(), DataFusionError>(())
    };
    for table in ["alerts", "scores_history"] {
        put(table, files(lens, table, &columns::of(table, model))?)?;
    }
    let daily = files(lens, "events_daily", &columns::of("events_daily", model))?;
    context.register_table(views::DAILY_FILES, daily)?;
    let today = lens.nows.values().max().map_or(0, |now| now.day_index());
    let daily = views::events_daily(i32::try_from(today).unwrap_or(i32::MAX));
    put("events_daily", context.sql(&daily).await?.into_view())?;
    put("snapshots", snapshots(shelf)?)?;
    put("columns", listed(model)?)?;
    let written = match Editions::read(lens.files("customers"), &lens.erased)? {
        None => Written::AtOnce,
        Some(editions) => {
            context.register_udf(is_current(editions));
            context.register_udf(stands_at(lens.nows.clone()));
            Written::Bit
        }
    };
    let customers = files(lens, "customers", &columns::published(model))?;
    context.register_table(views::CUSTOMER_FILES, customers)?;
    let published = context.sql(&views::published(model, written)).await?.into_view();
    context.register_table(views::PUBLISHED, published)?;
    for (table, sql) in [
        ("customers", views::customers(model, written)),
        ("signals", views::signals(model)),
        ("explanations", views::explanations()),
        ("kpis", kpis::kpis(model)),
    ] {
        put(table, context.sql(&sql).await?.into_view())?;
    }
    Ok(tables)
}

/// The files of `table` as one table.
fn files(lens: &Lens, table: &str, columns: &[columns::Column]) -> Result<Arc<dyn TableProvider>> {
    let schema = schema(columns, Text::Viewed);
    let urls: Result<Vec<ListingTableUrl>> = lens.files(table).map(|(_, path)| url(path)).collect();
    let urls = urls?;
    if urls.is_empty() {
        return Ok(Arc::new(MemTable::try_new(schema, vec![Vec::new()])?));
    }
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// `path` as an address in which no letter means anything but itself.
fn url(path: &Path) -> Result<ListingTableUrl> {
    let path = std::path::absolute(path)?;
    let mut url = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                url.push(char::from(*byte));
            }
            // Writing to a text cannot fail.
            other => write!(url, "%{other:02X}").unwrap_or_default(),
        }
    }
    ListingTableUrl::parse(url)
}

/// The table of the rows that `fill` puts.
fn memory(
    columns: &[columns::Column],
    fill: impl FnOnce(&mut Sheet) -> std::result::Result<(), Misfit>,
) -> Result<Arc<dyn TableProvider>> {
    let mut sheet = Sheet::new(columns);
    let batch = fill(&mut sheet).and_then(|()| sheet.take());
    let batch = batch.map_err(|misfit| DataFusionError::External(Box::new(misfit)))?;
    let schema: SchemaRef = batch.schema();
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

/// `snapshots`: one row a snapshot and partition.
fn snapshots(shelf: &Shelf) -> Result<Arc<dyn TableProvider>> {
    memory(&columns::all(&columns::SNAPSHOTS), |sheet| {
        shelf.manifests().try_for_each(|manifest| put_snapshot(manifest, sheet))
    })
}

fn put_snapshot(manifest: &Manifest, sheet: &mut Sheet) -> std::result::Result<(), Misfit> {
    for place in &manifest.positions {
        let now = place.now.as_deref().and_then(|now| EventTime::parse(now).ok());
        let is_it = |file: &&FileOf| file.table == "customers" && file.partition == place.partition;
        let rows = || manifest.files.iter().find(is_it).map_or(0, |file| file.rows);
        let rows = i64::try_from(place.customers.unwrap_or_else(rows)).unwrap_or(i64::MAX);
        sheet.row([
            Cell::Text(Some(&manifest.id)),
            Cell::Whole(Some(i64::from(place.partition))),
            Cell::Time(now),
            Cell::Whole(place.offset),
            Cell::Whole(Some(rows)),
            Cell::Text(Some(&manifest.model.id)),
            Cell::Whole(Some(i64::from(manifest.model.version))),
        ])?;
    }
    Ok(())
}

/// `columns`: one row a column of every table.
fn listed(model: &Described) -> Result<Arc<dyn TableProvider>> {
    memory(&columns::of("columns", model), |sheet| {
        for (table, _) in TABLES {
            for column in columns::of(table, model) {
                sheet.row([
                    Cell::Text(Some(table)),
                    Cell::Text(Some(&column.name)),
                    Cell::Text(Some(column.kind.name())),
                    Cell::Text(Some(column.unit.as_str()).filter(|unit| !unit.is_empty())),
                    Cell::Text(Some(&column.means)),
                    Cell::Text(Some(column.null.as_str()).filter(|null| !null.is_empty())),
                ])?;
            }
        }
        Ok(())
    })
}

/// `NAME_at('…')`: a table as of another instant.
#[derive(Debug)]
pub(crate) struct LookBack {
    /// The table's name.
    pub(crate) table: String,
    /// The table as of everything that the statement names.
    pub(crate) seen: BTreeMap<String, Arc<dyn TableProvider>>,
}

impl TableFunctionImpl for LookBack {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let when = match args.exprs() {
            [Expr::Literal(ScalarValue::Utf8(Some(when)), _)] => self.seen.get(when),
            _ => None,
        };
        when.map(Arc::clone).ok_or_else(|| {
            let refused = Refused(format!(
                "{}_at takes one text in quotes: a time such as '2026-11-21T10:00:00Z', or a \
                 snapshot as in the table snapshots",
                self.table
            ));
            DataFusionError::External(Box::new(refused))
        })
    }
}
