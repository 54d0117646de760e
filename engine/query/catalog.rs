//! The catalogue that PostgreSQL's clients look into: who is there, what it is called, its types.
//!
//! Rules   everything in it is made up or read off the tables; none of it can be changed. Names
//!         and numbers are those of a PostgreSQL new enough that no client asks for less.
//! Source  the manual of PostgreSQL 16, chapter 53 (system catalogues) and 9.27 (functions).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF, TypeSignature, Volatility, create_udf,
};
use datafusion::prelude::SessionContext;
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_pg_catalog::setup_pg_catalog;

/// The one database.
pub const DATABASE: &str = "ebb";
/// The schema of its tables.
pub const SCHEMA: &str = "public";
/// The version of PostgreSQL whose words are spoken.
pub const SERVER_VERSION: &str = "16.6";

/// What can be shown and what it is.
pub const SHOWN: [(&str, &str); 21] = [
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("datestyle", "ISO, MDY"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("is_superuser", "off"),
    ("lc_collate", "C"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("search_path", "public"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160006"),
    ("standard_conforming_strings", "on"),
    ("timezone", "UTC"),
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "on"),
];

/// Puts the catalogue and its functions into `session`.
///
/// # Errors
///
/// What DataFusion says; nothing that whoever asks can mend.
pub(crate) fn set_up(session: &SessionContext) -> Result<()> {
    setup_pg_catalog(session, DATABASE, EmptyContextProvider).map_err(|error| *error)?;
    session.register_udf(version());
    session.register_udf(current_setting());
    // Nothing here has a comment, a rule, an index or a function of its own.
    for (name, n_args) in [
        ("obj_description", &[1, 2][..]),
        ("col_description", &[2]),
        ("shobj_description", &[2]),
        ("pg_get_viewdef", &[1, 2]),
        ("pg_get_indexdef", &[1, 3]),
        ("pg_get_ruledef", &[1, 2]),
        ("pg_get_triggerdef", &[1, 2]),
        ("pg_get_serial_sequence", &[2]),
        ("pg_get_function_result", &[1]),
        ("pg_get_function_arguments", &[1]),
        ("pg_get_function_identity_arguments", &[1]),
        ("pg_tablespace_location", &[1]),
    ] {
        session.register_udf(nothing(name, n_args));
    }
    for (name, n_args) in [
        ("pg_function_is_visible", &[1][..]),
        ("pg_type_is_visible", &[1]),
        ("pg_is_visible", &[1]),
    ] {
        session.register_udf(constant(name, n_args, "true"));
    }
    session.register_udf(constant("pg_is_in_recovery", &[0], "false"));
    Ok(())
}

/// `version()`.
fn version() -> ScalarUDF {
    let words = format!(
        "PostgreSQL {SERVER_VERSION} (Ebb {}), customers scored as they act",
        env!("CARGO_PKG_VERSION")
    );
    create_udf(
        "version",
        Vec::new(),
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(move |_| Ok(ColumnarValue::Scalar(words.as_str().into()))),
    )
}

/// `current_setting(name [, missing_ok])`.
fn current_setting() -> ScalarUDF {
    let text = DataType::Utf8;
    let signature = Signature::one_of(
        vec![
            TypeSignature::Exact(vec![text.clone()]),
            TypeSignature::Exact(vec![text.clone(), DataType::Boolean]),
        ],
        Volatility::Stable,
    );
    let look = |args: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(args)?;
        let names = arrays.first().map(|names| names.as_string::<i32>().clone());
        let names = names.unwrap_or_else(|| StringArray::new_null(0));
        let values: StringArray = names.iter().map(|name| shown(name?)).collect();
        if args.len() == 1
            && let Some(at) = (0..names.len()).find(|at| values.is_null(*at) && names.is_valid(*at))
        {
            let words = format!("no setting is called {}", names.value(at));
            return Err(DataFusionError::Plan(words));
        }
        Ok(ColumnarValue::Array(Arc::new(values) as ArrayRef))
    };
    let udf =
        SimpleScalarUDF::new_with_signature("current_setting", signature, text, Arc::new(look));
    ScalarUDF::from(udf)
}

/// What the setting called `name` is.
pub fn shown(name: &str) -> Option<&'static str> {
    SHOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// A function of one of `n_args` arguments, whatever they are, that gives null.
fn nothing(name: &str, n_args: &[usize]) -> ScalarUDF {
    let null = |_: &[ColumnarValue]| {
        Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::Utf8(None)))
    };
    let udf =
        SimpleScalarUDF::new_with_signature(name, of_any(n_args), DataType::Utf8, Arc::new(null));
    ScalarUDF::from(udf)
}

/// A function that gives `true` or `false`, whatever it is asked.
fn constant(name: &str, n_args: &[usize], truth: &str) -> ScalarUDF {
    let truth = truth == "true";
    let udf = SimpleScalarUDF::new_with_signature(
        name,
        of_any(n_args),
        DataType::Boolean,
        Arc::new(move |_| Ok(ColumnarValue::Scalar(truth.into()))),
    );
    ScalarUDF::from(udf)
}

fn of_any(n_args: &[usize]) -> Signature {
    let any = |n: &usize| match n {
        0 => TypeSignature::Nullary,
        n => TypeSignature::Any(*n),
    };
    Signature::one_of(n_args.iter().map(any).collect(), Volatility::Stable)
}
