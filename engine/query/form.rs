//! The forms in which an answer is written.
//!
//! Rules   moments as everywhere in this program: UTC with `Z`, milliseconds only when not zero
//!         numbers in full. A table needs all rows before it is written, for its
//!         columns are as wide as what stands in them; the other forms are written as rows come.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::csv::{Writer as CsvWriter, WriterBuilder as CsvBuilder};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{LineDelimited, Writer as JsonWriter, WriterBuilder as JsonBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

/// A moment, in the words of the library that writes it.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Columns for people.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma-separated values under a line of names.
    Csv,
    /// A Parquet file.
    Parquet,
    /// A stream of Arrow IPC messages.
    Arrow,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 5] = [Form::Table, Form::Json, Form::Csv, Form::Parquet, Form::Arrow];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Form::Table => "table",
            Form::Json => "json",
            Form::Csv => "csv",
            Form::Parquet => "parquet",
            Form::Arrow => "arrow",
        }
    }

    /// The form called `name`.
    pub fn named(name: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.name() == name)
    }

    /// Whether people cannot read it.
    pub const fn is_binary(self) -> bool {
        matches!(self, Form::Parquet | Form::Arrow)
    }
}

/// An answer on its way out.
pub enum Writer<'w> {
    /// Gathers.
    Table(SchemaRef, Vec<RecordBatch>, &'w mut (dyn Write + Send)),
    /// Writes lines.
    Json(JsonWriter<&'w mut (dyn Write + Send), LineDelimited>),
    /// Writes lines.
    Csv(Box<CsvWriter<&'w mut (dyn Write + Send)>>),
    /// Writes row groups.
    Parquet(Box<ArrowWriter<&'w mut (dyn Write + Send)>>),
    /// Writes messages.
    Arrow(StreamWriter<&'w mut (dyn Write + Send)>),
}

/// Why an answer could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// Arrow.
    #[error("{0}")]
    Arrow(#[from] ArrowError),
    /// Parquet.
    #[error("{0}")]
    Parquet(#[from] ParquetError),
    /// The way out.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl<'w> Writer<'w> {
    /// Begins an answer with columns of `schema`.
    ///
    /// # Errors
    ///
    /// [`Unwritten`] where the form does not know a column's type, or nobody reads.
    pub fn begin(
        form: Form,
        schema: SchemaRef,
        out: &'w mut (dyn Write + Send),
    ) -> Result<Writer<'w>, Unwritten> {
        Ok(match form {
            Form::Table => Writer::Table(schema, Vec::new(), out),
            Form::Json => {
                let builder = JsonBuilder::new().with_explicit_nulls(true);
                let builder = builder.with_timestamp_tz_format(MOMENT.to_owned());
                Writer::Json(builder.build::<_, LineDelimited>(out))
            }
            Form::Csv => {
                let builder = CsvBuilder::new().with_timestamp_tz_format(MOMENT.to_owned());
                let mut writer = builder.build(out);
                // The names stand there even where no row follows.
                writer.write(&RecordBatch::new_empty(schema))?;
                Writer::Csv(Box::new(writer))
            }
            Form::Parquet => Writer::Parquet(Box::new(ArrowWriter::try_new(out, schema, None)?)),
            Form::Arrow => Writer::Arrow(StreamWriter::try_new(out, &schema)?),
        })
    }

    /// Takes the next rows.
    ///
    /// # Errors
    ///
    /// [`Unwritten`]; what is out then is not whole.
    pub fn rows(&mut self, batch: RecordBatch) -> Result<(), Unwritten> {
        match self {
            Writer::Table(_, batches, _) => batches.push(in_utc(batch)?),
            Writer::Json(writer) => writer.write(&in_utc(batch)?)?,
            Writer::Csv(writer) => writer.write(&in_utc(batch)?)?,
            Writer::Parquet(writer) => writer.write(&batch)?,
            Writer::Arrow(writer) => writer.write(&batch)?,
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    ///
    /// [`Unwritten`]; what is out then is not whole.
    pub fn finish(self) -> Result<(), Unwritten> {
        match self {
            Writer::Table(schema, batches, out) => {
                out.write_all(table(&schema, &batches)?.as_bytes())?;
            }
            Writer::Json(mut writer) => writer.finish()?,
            Writer::Csv(_) => {}
            Writer::Parquet(writer) => {
                writer.close()?;
            }
            Writer::Arrow(mut writer) => writer.finish()?,
        }
        Ok(())
    }
}

/// The same rows with every instant in UTC, whatever zone was asked for: text says `Z`.
fn in_utc(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let utc = |field: &FieldRef, array: &ArrayRef| match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let data_type = DataType::Timestamp(*unit, Some("UTC".into()));
            let array = cast(array, &data_type)?;
            Ok((Arc::new(field.as_ref().clone().with_data_type(data_type)), array))
        }
        _ => Ok((Arc::clone(field), Arc::clone(array))),
    };
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    let columns: Result<Vec<(FieldRef, ArrayRef)>, ArrowError> =
        columns.map(|(field, array)| utc(field, array)).collect();
    let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns?.into_iter().unzip();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &rows)
}

/// Rows as a table for people: numbers to the right, null as nothing.
fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let options = FormatOptions::new().with_null("").with_timestamp_tz_format(Some(MOMENT));
    let mut columns: Vec<Vec<String>> =
        schema.fields().iter().map(|field| vec![field.name().clone()]).collect();
    for batch in batches {
        for (cells, array) in columns.iter_mut().zip(batch.columns()) {
            let formatter = ArrayFormatter::try_new(array, &options)?;
            for row in 0..batch.num_rows() {
                // A line end within a cell would break the table.
                cells.push(formatter.value(row).try_to_string()?.replace('\n', " "));
            }
        }
    }
    let widths: Vec<usize> = columns
        .iter()
        .map(|cells| cells.iter().map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let n_rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut text = String::new();
    for row in 0..=n_rows {
        let mut line = Vec::with_capacity(columns.len());
        for ((cells, wide), field) in columns.iter().zip(&widths).zip(schema.fields()) {
            let cell = cells.get(row).map_or("", String::as_str);
            let room = " ".repeat(wide.saturating_sub(width(cell)));
            let is_number = field.data_type().is_numeric();
            line.push(if is_number { format!("{room}{cell}") } else { format!("{cell}{room}") });
        }
        text.push_str(line.join(" | ").trim_end());
        text.push('\n');
        if row == 0 {
            let rules: Vec<String> = widths.iter().map(|wide| "-".repeat(*wide)).collect();
            text.push_str(&rules.join("-+-"));
            text.push('\n');
        }
    }
    let noun = if n_rows == 1 { "row" } else { "rows" };
    text.push_str(&format!("({n_rows} {noun})\n"));
    Ok(text)
}

/// How many places `cell` takes on a terminal, near enough: as many as it has letters.
fn width(cell: &str) -> usize {
    cell.chars().count()
}
