//! What there is, as clients of Flight SQL ask for it.

use std::sync::LazyLock;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTableTypes,
    CommandGetTables, SqlInfo,
};
use tonic::Status;

use crate::query::catalog::{DATABASE, SCHEMA};
use crate::query::columns::TABLES;
use crate::query::doors::flight::service::status;
use crate::query::pool::{Pool, outline};
use crate::query::raw::{Asked, Dialect};

/// The type of every table.
const TABLE: &str = "TABLE";
/// Which transactions there are: none.
///
/// Source: `SqlSupportedTransaction` of `FlightSql.proto`.
const NO_TRANSACTIONS: i32 = 0;

static INFO: LazyLock<Result<SqlInfoData, FlightError>> = LazyLock::new(|| {
    let mut info = SqlInfoDataBuilder::new();
    info.append(SqlInfo::FlightSqlServerName, "Ebb");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    info.append(SqlInfo::FlightSqlServerArrowVersion, "59.3");
    info.append(SqlInfo::FlightSqlServerReadOnly, true);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    info.append(SqlInfo::FlightSqlServerTransaction, NO_TRANSACTIONS);
    info.append(SqlInfo::FlightSqlServerCancel, false);
    info.append(SqlInfo::SqlDdlCatalog, false);
    info.append(SqlInfo::SqlDdlSchema, false);
    info.append(SqlInfo::SqlDdlTable, false);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    info.build()
});

/// The one database.
pub(super) fn catalogs(wanted: CommandGetCatalogs) -> Result<RecordBatch, Status> {
    let mut found = wanted.into_builder();
    found.append(DATABASE);
    found.build().map_err(|error| broken(&error))
}

/// Its one schema.
pub(super) fn schemas(wanted: CommandGetDbSchemas) -> Result<RecordBatch, Status> {
    let mut found = wanted.into_builder();
    found.append(DATABASE, SCHEMA);
    found.build().map_err(|error| broken(&error))
}

/// The one type of tables.
pub(super) fn table_types(wanted: CommandGetTableTypes) -> Result<RecordBatch, Status> {
    let mut found = wanted.into_builder();
    found.append(TABLE);
    found.build().map_err(|error| broken(&error))
}

/// What this server is and can.
pub(super) fn info(wanted: CommandGetSqlInfo) -> Result<RecordBatch, Status> {
    let info = INFO.as_ref().map_err(|error| Status::internal(error.to_string()))?;
    wanted.into_builder(info).build().map_err(|error| broken(&error))
}

/// The tables, each with its columns if that is wanted.
pub(super) async fn tables(wanted: CommandGetTables, pool: &Pool) -> Result<RecordBatch, Status> {
    let mut found = wanted.into_builder();
    for (table, _) in TABLES {
        let columns = match found.include_schema() {
            true => columns_of(table, pool).await?,
            false => Schema::empty(),
        };
        let appended = found.append(DATABASE, SCHEMA, table, TABLE, &columns);
        appended.map_err(|error| broken(&error))?;
    }
    found.build().map_err(|error| broken(&error))
}

async fn columns_of(table: &str, pool: &Pool) -> Result<Schema, Status> {
    let asked = Asked {
        statement: format!("SELECT * FROM {table}"),
        dialect: Dialect::Plain,
        parameters: Vec::new(),
        as_of: None,
        format: "arrow".to_owned(),
    };
    let answer = pool.describe(asked).await.map_err(|refused| status(&refused))?;
    let outline = outline(answer).await.map_err(|refused| status(&refused))?;
    Ok(Schema::clone(&outline.columns))
}

fn broken(error: &FlightError) -> Status {
    Status::internal(error.to_string())
}
