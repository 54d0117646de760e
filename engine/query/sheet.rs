//! Rows on their way into columns.
//!
//! Shape   a [`Sheet`] has one builder a column; cells are put from left to right.
//! Errors  a cell of another kind than its column's, or a row too short, is a bug of this room
//!         and told as such.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanBuilder, Date32Builder, Float64Builder,
    Int64Builder, ListArray, PrimitiveBuilder, RecordBatch, StringBuilder, StructArray,
    TimestampMillisecondBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::query::columns::{Column, Kind, PARTS, all};
use crate::unit::EventTime;

/// What can stand in a cell.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// Text.
    Text(Option<&'a str>),
    /// A number.
    Number(Option<f64>),
    /// A whole number.
    Whole(Option<i64>),
    /// True or false.
    Flag(Option<bool>),
    /// An instant.
    Time(Option<EventTime>),
    /// A day, counted from 1970-01-01.
    Day(i32),
    /// The end of a list whose rows were put into [`Sheet::inner`].
    End,
}

/// Columns that are being filled.
#[derive(Debug)]
pub struct Sheet {
    schema: SchemaRef,
    cells: Vec<Cells>,
    at: usize,
    n_rows: usize,
}

#[derive(Debug)]
enum Cells {
    Text(StringBuilder),
    Number(Float64Builder),
    Whole(Int64Builder),
    Flag(BooleanBuilder),
    Time(TimestampMillisecondBuilder),
    Day(Date32Builder),
    Parts(Vec<i32>, Box<Sheet>),
}

/// A bug of this room: what was put where.
#[derive(Debug, thiserror::Error)]
#[error("a sheet was filled wrongly: column {0} of {1}")]
pub struct Misfit(usize, usize);

/// How text is held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// As in files.
    Plain,
    /// As queries like it: long values stay where they were read.
    Viewed,
}

/// The type of a column of `kind`.
pub fn data_type(kind: Kind, text: Text) -> DataType {
    match kind {
        Kind::Text if text == Text::Viewed => DataType::Utf8View,
        Kind::Text => DataType::Utf8,
        Kind::Number => DataType::Float64,
        Kind::Whole => DataType::Int64,
        Kind::Flag => DataType::Boolean,
        Kind::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Kind::Day => DataType::Date32,
        Kind::Parts => DataType::List(item(text)),
    }
}

fn item(text: Text) -> Arc<Field> {
    let fields = all(&PARTS).iter().map(|column| field(column, text)).collect::<Fields>();
    Arc::new(Field::new("item", DataType::Struct(fields), false))
}

fn field(column: &Column, text: Text) -> Field {
    let is_nullable = !column.null.is_empty();
    Field::new(&column.name, data_type(column.kind, text), is_nullable)
}

/// The schema of `columns`.
pub fn schema(columns: &[Column], text: Text) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|column| field(column, text)).collect();
    Arc::new(Schema::new(fields))
}

impl Sheet {
    /// An empty sheet with `columns`.
    pub fn new(columns: &[Column]) -> Sheet {
        let cells = columns.iter().map(|column| Cells::new(column.kind)).collect();
        Sheet { schema: schema(columns, Text::Plain), cells, at: 0, n_rows: 0 }
    }

    /// Its schema.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// How many whole rows it has.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Puts `cell` into the next column; the last one ends the row.
    ///
    /// # Errors
    ///
    /// A [`Misfit`] where the column is of another kind.
    pub fn put(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        let misfit = Misfit(self.at, self.cells.len());
        match (self.cells.get_mut(self.at), cell) {
            (Some(Cells::Text(cells)), Cell::Text(text)) => cells.append_option(text),
            (Some(Cells::Number(cells)), Cell::Number(number)) => cells.append_option(number),
            (Some(Cells::Whole(cells)), Cell::Whole(number)) => cells.append_option(number),
            (Some(Cells::Flag(cells)), Cell::Flag(flag)) => cells.append_option(flag),
            (Some(Cells::Time(cells)), Cell::Time(time)) => {
                cells.append_option(time.map(EventTime::millis));
            }
            (Some(Cells::Day(cells)), Cell::Day(day)) => cells.append_value(day),
            (Some(Cells::Parts(ends, sheet)), Cell::End) => {
                ends.push(i32::try_from(sheet.n_rows).map_err(|_| misfit)?);
            }
            _ => return Err(misfit),
        }
        self.at += 1;
        if self.at == self.cells.len() {
            (self.at, self.n_rows) = (0, self.n_rows + 1);
        }
        Ok(())
    }

    /// Puts `cells` one after the other.
    ///
    /// # Errors
    ///
    /// A [`Misfit`] at the first that does not fit.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) -> Result<(), Misfit> {
        cells.into_iter().try_for_each(|cell| self.put(cell))
    }

    /// The sheet of the list in the next column.
    ///
    /// # Errors
    ///
    /// A [`Misfit`] where the next column is no list.
    pub fn inner(&mut self) -> Result<&mut Sheet, Misfit> {
        let misfit = Misfit(self.at, self.cells.len());
        match self.cells.get_mut(self.at) {
            Some(Cells::Parts(_, sheet)) => Ok(sheet),
            _ => Err(misfit),
        }
    }

    /// Takes out all rows.
    ///
    /// # Errors
    ///
    /// A [`Misfit`] where the last row is not whole.
    pub fn take(&mut self) -> Result<RecordBatch, Misfit> {
        let misfit = || Misfit(self.at, self.cells.len());
        if self.at != 0 {
            return Err(misfit());
        }
        self.n_rows = 0;
        let arrays: Result<Vec<ArrayRef>, Misfit> =
            self.cells.iter_mut().map(Cells::finish).collect();
        let batch = RecordBatch::try_new(self.schema(), arrays?);
        batch.map_err(|_| Misfit(self.at, self.cells.len()))
    }
}

impl Cells {
    fn new(kind: Kind) -> Cells {
        match kind {
            Kind::Text => Cells::Text(StringBuilder::new()),
            Kind::Number => Cells::Number(Float64Builder::new()),
            Kind::Whole => Cells::Whole(Int64Builder::new()),
            Kind::Flag => Cells::Flag(BooleanBuilder::new()),
            Kind::Time => Cells::Time(TimestampMillisecondBuilder::new().with_timezone("UTC")),
            Kind::Day => Cells::Day(Date32Builder::new()),
            Kind::Parts => Cells::Parts(vec![0], Box::new(Sheet::new(&all(&PARTS)))),
        }
    }

    /// What was put in so far; there is room for as much once more.
    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(match self {
            Cells::Text(cells) => {
                let full = cells.finish();
                *cells = StringBuilder::with_capacity(full.len(), full.value_data().len());
                Arc::new(full)
            }
            Cells::Number(cells) => refilled(cells),
            Cells::Whole(cells) => refilled(cells),
            Cells::Flag(cells) => {
                let full = cells.finish();
                *cells = BooleanBuilder::with_capacity(full.len());
                Arc::new(full)
            }
            Cells::Time(cells) => refilled(cells),
            Cells::Day(cells) => refilled(cells),
            Cells::Parts(ends, sheet) => {
                let ends = OffsetBuffer::new(std::mem::replace(ends, vec![0]).into());
                let rows: ArrayRef = Arc::new(StructArray::from(sheet.take()?));
                let list = ListArray::try_new(item(Text::Plain), ends, rows, None);
                Arc::new(list.map_err(|_| Misfit(0, 0))?)
            }
        })
    }
}

/// What `cells` hold; they have room for as much once more.
fn refilled<T: ArrowPrimitiveType>(cells: &mut PrimitiveBuilder<T>) -> ArrayRef {
    let full = cells.finish();
    let next = PrimitiveBuilder::with_capacity(full.len());
    *cells = next.with_data_type(full.data_type().clone());
    Arc::new(full)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use super::*;

    fn columns(kinds: &[Kind]) -> Vec<Column> {
        let column = |kind: &Kind| Column {
            name: format!("{kind:?}"),
            kind: *kind,
            unit: String::new(),
            means: String::new(),
            null: "absent".to_owned(),
        };
        kinds.iter().map(column).collect()
    }

    #[test]
    fn a_row_is_put_from_left_to_right_and_a_cell_of_another_kind_is_refused() {
        let mut sheet = Sheet::new(&columns(&[Kind::Text, Kind::Number, Kind::Time]));
        let time = Cell::Time(Some(EventTime::from_millis(7)));
        sheet.row([Cell::Text(Some("a")), Cell::Number(None), time]).unwrap();
        assert!(sheet.put(Cell::Number(Some(1.0))).is_err());
        sheet.put(Cell::Text(None)).unwrap();
        assert!(sheet.take().is_err());
        sheet.row([Cell::Number(Some(2.5)), Cell::Time(None)]).unwrap();
        let batch = sheet.take().unwrap();
        assert_eq!((batch.num_rows(), sheet.n_rows()), (2, 0));
        assert_eq!(batch.column(1).null_count(), 1);
        assert_eq!(sheet.take().unwrap().num_rows(), 0);
    }

    #[test]
    fn a_list_holds_the_rows_put_before_its_end() {
        let mut sheet = Sheet::new(&columns(&[Kind::Whole, Kind::Parts]));
        for n in [0_i64, 2, 1] {
            sheet.put(Cell::Whole(Some(n))).unwrap();
            for _ in 0..n {
                for column in all(&PARTS) {
                    let cell = match column.kind {
                        Kind::Text => Cell::Text(Some("x")),
                        Kind::Whole => Cell::Whole(Some(1)),
                        _ => Cell::Number(Some(1.0)),
                    };
                    sheet.inner().unwrap().put(cell).unwrap();
                }
            }
            sheet.put(Cell::End).unwrap();
        }
        let batch = sheet.take().unwrap();
        let lists = batch.column(1).as_any().downcast_ref::<ListArray>().unwrap();
        assert_eq!(
            [lists.value_length(0), lists.value_length(1), lists.value_length(2)],
            [0, 2, 1]
        );
    }
}
