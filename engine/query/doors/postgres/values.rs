//! Parameters as clients of PostgreSQL send them.
//!
//! Rules   text is left to the statement to read; of binary forms those are read that drivers
//!         send of their own accord: booleans, numbers, texts, days and instants.
//! Source  the send functions of PostgreSQL 16: `int8send`, `float8send`, `timestamptz_send`, …

use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use pgwire::api::Type;
use pgwire::api::portal::{Format, Portal};
use pgwire::error::PgWireResult;

use crate::query::doors::postgres::trouble;
use crate::query::raw::{Parameter, ParameterKind};

/// From 1970-01-01, from which we count, to 2000-01-01, from which PostgreSQL does.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The parameters of `portal`, whose statement wants `types` where the client did not say.
///
/// # Errors
///
/// 08P01 or 22P03 where they are not what their types say, 0A000 where their form is not read.
pub(super) fn parameters<S: Clone>(
    portal: &Portal<S>,
    types: &[Type],
) -> PgWireResult<Vec<Parameter>> {
    fits(&portal.parameter_format, portal.parameters.len())?;
    let said = &portal.statement.parameter_types;
    let mut parameters = Vec::with_capacity(portal.parameters.len());
    for (at, bytes) in portal.parameters.iter().enumerate() {
        let said = said.get(at).cloned().flatten().filter(|said| *said != Type::UNKNOWN);
        let kind = said.as_ref().and_then(kind);
        let of = said.or_else(|| types.get(at).cloned()).unwrap_or(Type::TEXT);
        let value = match bytes {
            None => None,
            Some(bytes) if portal.parameter_format.is_binary(at) => Some(binary(at, bytes, &of)?),
            Some(bytes) => Some(text(at, bytes)?),
        };
        parameters.push(Parameter { kind, value });
    }
    Ok(parameters)
}

/// Makes sure that `format` says something of each of `n` columns or parameters.
///
/// # Errors
///
/// 08P01 otherwise.
pub(super) fn fits(format: &Format, n: usize) -> PgWireResult<()> {
    match format {
        Format::Individual(codes) if codes.len() != n => {
            let words = format!("formats: {}; wanted none, one or {n}", codes.len());
            Err(trouble::error("08P01", words))
        }
        _ => Ok(()),
    }
}

/// What a parameter of type `of` is; `None` where that is left to the statement.
pub(super) fn kind(of: &Type) -> Option<ParameterKind> {
    Some(match *of {
        Type::BOOL => ParameterKind::Flag,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => ParameterKind::Whole,
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => ParameterKind::Number,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => ParameterKind::Text,
        Type::TIMESTAMPTZ | Type::TIMESTAMP => ParameterKind::Time,
        Type::DATE => ParameterKind::Day,
        _ => return None,
    })
}

fn text(at: usize, bytes: &[u8]) -> PgWireResult<String> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| trouble::error("22021", format!("parameter ${}: no UTF-8", at + 1)))
}

fn binary(at: usize, bytes: &[u8], of: &Type) -> PgWireResult<String> {
    let wrong = || {
        let words = format!("parameter ${}: {} bytes; wanted a {of}", at + 1, bytes.len());
        trouble::error("22P03", words)
    };
    let two = || bytes.try_into().map_err(|_| wrong());
    let four = || bytes.try_into().map_err(|_| wrong());
    let eight = || bytes.try_into().map_err(|_| wrong());
    Ok(match *of {
        Type::BOOL => match bytes {
            [0] => "false".to_owned(),
            [1] => "true".to_owned(),
            _ => return Err(wrong()),
        },
        Type::INT2 => i16::from_be_bytes(two()?).to_string(),
        Type::INT4 => i32::from_be_bytes(four()?).to_string(),
        Type::OID => u32::from_be_bytes(four()?).to_string(),
        Type::INT8 => i64::from_be_bytes(eight()?).to_string(),
        Type::FLOAT4 => f32::from_be_bytes(four()?).to_string(),
        Type::FLOAT8 => f64::from_be_bytes(eight()?).to_string(),
        Type::DATE => {
            let days = i32::from_be_bytes(four()?).checked_add(EPOCH_DAYS);
            let day = days.and_then(date32_to_datetime).ok_or_else(wrong)?;
            day.date().to_string()
        }
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let micros = i64::from_be_bytes(eight()?).checked_add(EPOCH_MICROS);
            let time = micros.and_then(timestamp_us_to_datetime).ok_or_else(wrong)?;
            format!("{}Z", time.to_string().replace(' ', "T"))
        }
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => text(at, bytes)?,
        _ => {
            let words = format!("parameter ${}: a {of} in binary form; wanted text", at + 1);
            return Err(trouble::error("0A000", words));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], of: Type, wanted: &str) {
        let found = binary(0, bytes, &of).unwrap_or_else(|error| error.to_string());
        assert_eq!(found, wanted, "{of}");
    }

    #[test]
    fn binary_values_are_read_as_postgres_sends_them() {
        check(&[1], Type::BOOL, "true");
        check(&(-2_i16).to_be_bytes(), Type::INT2, "-2");
        check(&70_000_i32.to_be_bytes(), Type::INT4, "70000");
        check(&i64::MIN.to_be_bytes(), Type::INT8, "-9223372036854775808");
        check(&0.1_f64.to_be_bytes(), Type::FLOAT8, "0.1");
        check(&0_i32.to_be_bytes(), Type::DATE, "2000-01-01");
        check(&1_500_000_i64.to_be_bytes(), Type::TIMESTAMPTZ, "2000-01-01T00:00:01.500Z");
        check("é".as_bytes(), Type::TEXT, "é");
    }

    #[test]
    fn what_is_not_of_its_type_is_refused() {
        let refused = |bytes: &[u8], of: Type| binary(0, bytes, &of).is_err();
        assert!(refused(&[2], Type::BOOL));
        assert!(refused(&[0, 1, 2], Type::INT2));
        assert!(refused(&[0xff, 0xfe], Type::TEXT));
        assert!(refused(&i64::MAX.to_be_bytes(), Type::TIMESTAMPTZ));
        assert!(refused(&[0; 8], Type::NUMERIC));
    }
}
