//! Alerts and scores as they went out into the cells of their tables.
//!
//! Errors  a line that cannot be read back is a bug of the one who wrote it; it is told with the
//!         line's beginning.

use serde_json::Value;

use crate::query::columns::{Column, Kind};
use crate::query::raw::AlertLine;
use crate::query::sheet::{Cell, Misfit, Sheet};
use crate::unit::EventTime;

/// Why a line could not be put into a table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("a line cannot be read back: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a line has a time that cannot be read back: {0}")]
    Time(String),
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

pub(crate) fn time(text: &str) -> Result<EventTime, Unread> {
    EventTime::parse(text).map_err(|_| Unread::Time(text.to_owned()))
}

/// Puts the alert `line`, of a customer of `partition`, into `sheet`.
pub(crate) fn alert(line: &AlertLine<'_>, partition: u32, sheet: &mut Sheet) -> Result<(), Unread> {
    let open_since = line.open_since.as_deref().map(time).transpose()?;
    let cells = [
        Cell::Text(Some(&line.id)),
        Cell::Text(Some(&line.customer_id)),
        Cell::Whole(Some(i64::from(partition))),
        Cell::Time(Some(time(&line.at)?)),
        Cell::Text(Some(&line.kind)),
        Cell::Text(Some(&line.rule)),
        Cell::Text(line.score.as_deref()),
        Cell::Text(Some(&line.direction)),
        Cell::Text(line.from.as_deref()),
        Cell::Text(line.to.as_deref()),
        Cell::Number(line.value),
        Cell::Number(line.previous),
        Cell::Text(Some(&line.cause.kind)),
        Cell::Text(line.cause.id.as_deref()),
        Cell::Text(Some(line.reasons.get())),
        Cell::Time(open_since),
        Cell::Text(line.owner.as_deref()),
        Cell::Text(Some(&line.model.id)),
        Cell::Whole(Some(line.model.version)),
    ];
    Ok(sheet.row(cells)?)
}

/// Puts the scores in `line`, of a customer of `partition`, into `sheet`, whose `columns` are
/// those of [`scores_history`](crate::query::columns::scores_history).
pub(crate) fn scores(
    line: &Value,
    (partition, columns): (u32, &[Column]),
    sheet: &mut Sheet,
) -> Result<(), Unread> {
    for column in columns {
        let value = match column.name.as_str() {
            "partition" => {
                sheet.put(Cell::Whole(Some(i64::from(partition))))?;
                continue;
            }
            "model_id" => line.pointer("/model/id"),
            "model_version" => line.pointer("/model/version"),
            name => line.get(name),
        };
        let text = value.and_then(Value::as_str);
        sheet.put(match column.kind {
            Kind::Number => Cell::Number(value.and_then(Value::as_f64)),
            Kind::Whole => Cell::Whole(value.and_then(Value::as_i64)),
            Kind::Time => Cell::Time(text.map(time).transpose()?),
            _ => Cell::Text(text),
        })?;
    }
    Ok(())
}
