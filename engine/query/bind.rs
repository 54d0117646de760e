//! What stands for `$1`, `$2`, … in a statement.
//!
//! Rules   a parameter is what whoever asks says it is; where that is left open, what the
//!         statement compares it with; where that says nothing either, text.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::common::{DataFusionError, ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;

use crate::query::raw::{Parameter, ParameterKind};
use crate::query::refused::Refused;

/// Most parameters of a statement; more operators than that are refused anyway.
const PARAMETERS_MAX: usize = 1_000;

/// The parameters of `plan`, `$1` first, each with its type.
///
/// # Errors
///
/// [`Refused`] where the plan names them in another way, or leaves one out.
pub(crate) fn parameters(plan: &LogicalPlan, given: &[Parameter]) -> Result<Schema, Refused> {
    let types = types(plan)?;
    let mut n_parameters = 0;
    for name in types.keys() {
        let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        match number.filter(|number| (1..=PARAMETERS_MAX).contains(number)) {
            Some(number) => n_parameters = n_parameters.max(number),
            None => return Err(Refused(format!("a parameter {name}; wanted $1, $2, …"))),
        }
    }
    let fields = (0..n_parameters).map(|at| {
        let name = format!("${}", at + 1);
        let said = given.get(at).and_then(|parameter| parameter.kind).map(of_kind);
        let inferred = types.get(&name).cloned().flatten();
        Field::new(name, said.or(inferred).unwrap_or(DataType::Utf8), true)
    });
    Ok(Schema::new(fields.collect::<Vec<Field>>()))
}

/// `plan` with the values of `given` in their places.
///
/// # Errors
///
/// [`Refused`] where there are too few or too many, or one is not what its place wants.
pub(crate) fn bind(plan: LogicalPlan, given: &[Parameter]) -> Result<LogicalPlan, Refused> {
    let wanted = parameters(&plan, given)?;
    if wanted.fields().len() != given.len() {
        let (found, wanted) = (given.len(), wanted.fields().len());
        return Err(Refused(format!("parameters of the statement: {found}; wanted {wanted}")));
    }
    let values: Result<Vec<ScalarValue>, Refused> = wanted
        .fields()
        .iter()
        .zip(given)
        .map(|(field, parameter)| value(field, parameter))
        .collect();
    placed(plan, values?)
}

/// `plan` with nulls of the types of `parameters` in their places: what it gives, it would give
/// with values.
///
/// # Errors
///
/// [`Refused`] where a type has no null.
pub(crate) fn hollow(plan: LogicalPlan, parameters: &Schema) -> Result<LogicalPlan, Refused> {
    let nulls = parameters.fields().iter().map(|field| ScalarValue::try_from(field.data_type()));
    let nulls: Result<Vec<ScalarValue>, DataFusionError> = nulls.collect();
    placed(plan, nulls.map_err(|error| Refused(error.strip_backtrace()))?)
}

fn placed(plan: LogicalPlan, values: Vec<ScalarValue>) -> Result<LogicalPlan, Refused> {
    if values.is_empty() {
        return Ok(plan);
    }
    plan.with_param_values(ParamValues::from(values)).map_err(|error| Refused::of(&error, &[], 0))
}

fn types(plan: &LogicalPlan) -> Result<HashMap<String, Option<DataType>>, Refused> {
    plan.get_parameter_types().map_err(|error| Refused::of(&error, &[], 0))
}

fn value(field: &Field, parameter: &Parameter) -> Result<ScalarValue, Refused> {
    let text = ScalarValue::Utf8(parameter.value.clone());
    text.cast_to(field.data_type()).map_err(|_| {
        let found = parameter.value.as_deref().unwrap_or("null");
        Refused(format!("parameter {}: {found}; wanted a {}", field.name(), field.data_type()))
    })
}

/// The type of a column of `kind`.
fn of_kind(kind: ParameterKind) -> DataType {
    match kind {
        ParameterKind::Flag => DataType::Boolean,
        ParameterKind::Whole => DataType::Int64,
        ParameterKind::Number => DataType::Float64,
        ParameterKind::Text => DataType::Utf8,
        ParameterKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ParameterKind::Day => DataType::Date32,
    }
}
