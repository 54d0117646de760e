//! Parameters as clients of Flight SQL send them: a row of Arrow.

use arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;

use crate::query::raw::{Parameter, ParameterKind};
use crate::query::refused::Refused;

/// The parameters in `batches`, one a column.
///
/// # Errors
///
/// [`Refused`] where they are more than one row, or of a type that no parameter has.
pub(super) fn of(batches: &[RecordBatch]) -> Result<Vec<Parameter>, Refused> {
    let n_rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let batch = batches.iter().find(|batch| 0 < batch.num_rows());
    match batch {
        None => Ok(Vec::new()),
        Some(batch) if n_rows == 1 => {
            let columns = (1..).zip(batch.columns());
            columns
                .map(|(n, column)| {
                    let value = ScalarValue::try_from_array(column, 0);
                    parameter(n, value.map_err(|error| Refused(error.strip_backtrace()))?)
                })
                .collect()
        }
        Some(_) => Err(Refused(format!("parameters of {n_rows} rows; wanted one row"))),
    }
}

fn parameter(n: usize, value: ScalarValue) -> Result<Parameter, Refused> {
    let kind = match &value {
        ScalarValue::Null => None,
        ScalarValue::Boolean(_) => Some(ParameterKind::Flag),
        ScalarValue::Utf8(_) | ScalarValue::LargeUtf8(_) | ScalarValue::Utf8View(_) => None,
        ScalarValue::Date32(_) | ScalarValue::Date64(_) => Some(ParameterKind::Day),
        ScalarValue::TimestampSecond(..)
        | ScalarValue::TimestampMillisecond(..)
        | ScalarValue::TimestampMicrosecond(..)
        | ScalarValue::TimestampNanosecond(..) => Some(ParameterKind::Time),
        number if number.data_type().is_integer() => Some(ParameterKind::Whole),
        number if number.data_type().is_numeric() => Some(ParameterKind::Number),
        other => {
            let found = other.data_type();
            let wanted = "a boolean, a number, a text, a day or an instant";
            return Err(Refused(format!("parameter ${n}: a {found}; wanted {wanted}")));
        }
    };
    let text = value.cast_to(&arrow::datatypes::DataType::Utf8);
    match text.map_err(|error| Refused(error.strip_backtrace()))? {
        ScalarValue::Utf8(value) => Ok(Parameter { kind, value }),
        _ => Ok(Parameter { kind, value: None }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray};

    use super::*;

    fn row(columns: Vec<ArrayRef>) -> RecordBatch {
        let named =
            columns.into_iter().zip(0..).map(|(column, n): (_, u32)| (n.to_string(), column));
        RecordBatch::try_from_iter(named).unwrap()
    }

    #[test]
    fn one_row_is_one_parameter_a_column() {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(vec![5])),
            Arc::new(StringArray::from(vec![Some("a")])),
            Arc::new(Float64Array::from(vec![None::<f64>])),
        ];
        let found = of(&[row(columns)]).unwrap();
        let parameter =
            |kind, value: Option<&str>| Parameter { kind, value: value.map(str::to_owned) };
        assert_eq!(
            found,
            [
                parameter(Some(ParameterKind::Whole), Some("5")),
                parameter(None, Some("a")),
                parameter(Some(ParameterKind::Number), None),
            ]
        );
        assert_eq!(of(&[]).unwrap(), []);
    }

    #[test]
    fn two_rows_are_refused() {
        let two: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let refused = of(&[row(vec![two])]).unwrap_err();
        assert_eq!(refused.to_string(), "parameters of 2 rows; wanted one row");
    }
}
