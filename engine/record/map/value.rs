//! The fields of an event, made from a row.
//!
//! Shape   a text (`"{plan_tier}"`, `"USD"`), a number or a flag stands for itself; a table
//!         `{ column = …, … }` converts one column: by `scale` and `offset`, by `format`, or by
//!         `map` with `otherwise`.
//! Rules   what a field must look like is the vocabulary's word; an empty cell gives no field.

use toml::Value;

use crate::record::map::keys::{Faults, Keys, shown, wanted_name};
use crate::record::map::moment::Writing;
use crate::record::map::template::{Columns, Row, Template};
use crate::record::map::write;
use crate::record::reject::Reason;
use crate::record::{Field, Form, Reject};
use crate::unit::{EventTime, Micros};

/// A value that stands in the map itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scalar {
    Text(String),
    Number(Micros),
    Flag(bool),
}

#[derive(Clone, Debug)]
enum Make {
    Constant(Scalar),
    Text(Template),
    Number { column: usize, scale: f64, offset: f64 },
    Moment { column: usize, writing: Writing },
    Table { column: usize, rows: Vec<(String, Scalar)>, otherwise: Option<Scalar> },
}

/// How one field of an event is made.
#[derive(Clone, Debug)]
pub(super) struct FieldRule {
    field: Field,
    form: Form,
    make: Make,
}

impl FieldRule {
    /// Reads what stands at `place` for a field of this form.
    pub(super) fn read(
        (field, form): (Field, Form),
        value: Value,
        place: &str,
        columns: &mut Columns,
        faults: &mut Faults,
    ) -> Option<FieldRule> {
        let make = match value {
            Value::Table(table) => convert(form, Keys::new(place, table), columns, faults),
            Value::String(text) => match Template::read(&text, columns) {
                Ok(template) => by_template(form, template, place, faults),
                Err(wanted) => {
                    faults.note(place, format!("{text:?}"), wanted);
                    None
                }
            },
            other => constant(form, &other, place, faults).map(Make::Constant),
        };
        make.map(|make| FieldRule { field, form, make })
    }

    /// Appends `,"name":value` to `out`, or nothing where the cell is empty.
    ///
    /// # Errors
    ///
    /// A reject where the cell holds something that the field cannot be; `out` may then hold
    /// half a field.
    pub(super) fn write(
        &self,
        row: &Row<'_>,
        time: EventTime,
        scratch: &mut String,
        out: &mut Vec<u8>,
    ) -> Result<(), Reject> {
        let before = out.len();
        out.extend_from_slice(b",\"");
        out.extend_from_slice(self.field.name().as_bytes());
        out.extend_from_slice(b"\":");
        if !self.write_value(row, time, scratch, out)? {
            out.truncate(before);
        }
        Ok(())
    }

    /// Appends the value; `false` where there is none.
    fn write_value(
        &self,
        row: &Row<'_>,
        time: EventTime,
        scratch: &mut String,
        out: &mut Vec<u8>,
    ) -> Result<bool, Reject> {
        let found = |column: usize| row.get(column).map(|text| (column, text));
        match &self.make {
            Make::Constant(scalar) => write_scalar(out, scalar),
            Make::Text(template) => {
                if template.render(row, time, scratch).is_err() {
                    return Ok(false);
                }
                let scalar = as_form(self.form, scratch)
                    .map_err(|wanted| self.refuse(format!("{scratch:?}"), &wanted))?;
                write_scalar(out, &scalar);
            }
            Make::Number { column, scale, offset } => {
                let Some((column, text)) = found(*column) else { return Ok(false) };
                let number = text.parse::<f64>().ok().map(|number| number * scale + offset);
                let number = number.and_then(Micros::from_f64).ok_or(NUMBER.to_owned());
                let number = number
                    .and_then(|number| fitting(self.form, number))
                    .map_err(|wanted| self.refuse(row.shown(column), &wanted))?;
                write::number(out, number);
            }
            Make::Moment { column, writing } => {
                let Some((column, text)) = found(*column) else { return Ok(false) };
                let refuse = |wanted: String| self.refuse(row.shown(column), &wanted);
                if self.form == Form::Day {
                    write::text(out, &writing.read_day(text, row.zone).map_err(refuse)?);
                } else {
                    write::whole(out, writing.read(text, row.zone).map_err(refuse)?.millis());
                }
            }
            Make::Table { column, rows, otherwise } => {
                let Some((column, text)) = found(*column) else { return Ok(false) };
                let scalar = rows.iter().find(|(key, _)| key == text).map(|(_, scalar)| scalar);
                let scalar = scalar.or(otherwise.as_ref()).ok_or_else(|| {
                    let keys: Vec<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
                    self.refuse(row.shown(column), &format!("one of {}", keys.join(", ")))
                })?;
                write_scalar(out, scalar);
            }
        }
        Ok(true)
    }

    fn refuse(&self, found: String, wanted: &str) -> Reject {
        let detail = format!("{found}; wanted {wanted} for {}", self.field.name());
        Reject::new(Reason::Unmapped, detail)
    }
}

const NUMBER: &str = "a number up to 1e12 either way";

/// Reads a table that converts one column.
fn convert(form: Form, mut keys: Keys, columns: &mut Columns, faults: &mut Faults) -> Option<Make> {
    let column = keys.need_text("column", faults).map(|name| columns.index(&name));
    let writing = keys.text("format", faults);
    let (scale, offset) = (keys.number("scale", faults), keys.number("offset", faults));
    let rows = keys.table("map", faults);
    let otherwise = keys.take("otherwise");
    let place = keys.place().to_owned();
    keys.finish(faults);
    let ways = [writing.is_some(), scale.is_some() || offset.is_some(), rows.is_some()];
    if 1 < ways.iter().filter(|way| **way).count() || (otherwise.is_some() && rows.is_none()) {
        faults.note(
            place,
            "conversions that exclude each other",
            "one of: format; scale and offset; map with otherwise",
        );
        return None;
    }
    let column = column?;
    if let Some(rows) = rows {
        let n_before = faults.0.len();
        let rows: Vec<(String, Scalar)> = (rows.into_iter())
            .filter_map(|(key, value)| {
                let at = format!("{place}, map.{key}");
                constant(form, &value, &at, faults).map(|scalar| (key, scalar))
            })
            .collect();
        let otherwise = otherwise
            .and_then(|value| constant(form, &value, &format!("{place}, otherwise"), faults));
        return (n_before == faults.0.len()).then_some(Make::Table { column, rows, otherwise });
    }
    let is_number = matches!(form, Form::Number | Form::Amount | Form::Count);
    if scale.is_some() || offset.is_some() {
        if !is_number {
            faults.note(place, "scale or offset", "no such thing, for the field is no number");
            return None;
        }
        let (scale, offset) = (scale.unwrap_or(1.0), offset.unwrap_or(0.0));
        return Some(Make::Number { column, scale, offset });
    }
    if let Some(writing) = writing {
        return moment(form, column, &writing, &place, faults);
    }
    by_template(form, Template::of_column(column), &place, faults)
}

/// Reads the format of a field that is a time.
fn moment(
    form: Form,
    column: usize,
    writing: &str,
    place: &str,
    faults: &mut Faults,
) -> Option<Make> {
    if !matches!(form, Form::Time | Form::Day) {
        faults.note(place, "format", "no such thing, for the field is no time");
        return None;
    }
    match Writing::named(writing) {
        Ok(writing) => Some(Make::Moment { column, writing }),
        Err(wanted) => {
            faults.note(format!("{place}, format"), format!("{writing:?}"), wanted);
            None
        }
    }
}

/// A text with places, or a constant that is checked at once.
fn by_template(form: Form, template: Template, place: &str, faults: &mut Faults) -> Option<Make> {
    if matches!(form, Form::Time | Form::Day) {
        faults.note(place, "a text", "{ column = \"…\", format = \"…\" }, for the field is a time");
        return None;
    }
    let Some(text) = template.constant() else { return Some(Make::Text(template)) };
    match as_form(form, text) {
        Ok(scalar) if !text.is_empty() => Some(Make::Constant(scalar)),
        Ok(_) => {
            faults.note(place, "an empty text", "a text, or no such field");
            None
        }
        Err(wanted) => {
            let hint = if matches!(form, Form::OneOf(_)) { "" } else { "; {column} for a cell" };
            faults.note(place, format!("{text:?}"), format!("{wanted}{hint}"));
            None
        }
    }
}

/// A value that stands in the map itself, checked for the form of its field.
fn constant(form: Form, value: &Value, place: &str, faults: &mut Faults) -> Option<Scalar> {
    let number = match value {
        Value::Integer(number) => Micros::from_whole(*number),
        Value::Float(number) => Micros::from_f64(*number),
        _ => None,
    };
    let scalar = match (value, form, number) {
        (Value::Boolean(flag), Form::Flag, _) => Ok(Scalar::Flag(*flag)),
        (Value::Integer(number), Form::Label, _) => Ok(Scalar::Text(number.to_string())),
        (_, Form::Number | Form::Amount | Form::Count, Some(number)) => {
            fitting(form, number).map(Scalar::Number)
        }
        (Value::String(text), Form::Text | Form::Label | Form::OneOf(_), _) => as_form(form, text),
        _ => Err(wanted(form)),
    };
    scalar.map_err(|wanted| faults.note(place, shown(value), wanted)).ok()
}

/// A cell's text as a value of `form`.
fn as_form(form: Form, text: &str) -> Result<Scalar, String> {
    match form {
        Form::Text | Form::Label => Ok(Scalar::Text(text.to_owned())),
        Form::OneOf(words) if words.contains(&text) => Ok(Scalar::Text(text.to_owned())),
        Form::OneOf(words) => Err(wanted_name(text, words)),
        Form::Flag if text.eq_ignore_ascii_case("true") => Ok(Scalar::Flag(true)),
        Form::Flag if text.eq_ignore_ascii_case("false") => Ok(Scalar::Flag(false)),
        Form::Number | Form::Amount | Form::Count => {
            let number = text.parse().ok().and_then(Micros::from_f64).ok_or(NUMBER)?;
            fitting(form, number).map(Scalar::Number)
        }
        Form::Flag | Form::Time | Form::Day => Err(wanted(form)),
    }
}

/// A number that may stand in a field of `form`.
fn fitting(form: Form, number: Micros) -> Result<Micros, String> {
    let whole = number.get() % Micros::ONE.get() == 0;
    match form {
        Form::Amount | Form::Count if number < Micros::ZERO => {
            Err("a number that is not negative".to_owned())
        }
        Form::Count if !whole => Err("a whole number".to_owned()),
        _ => Ok(number),
    }
}

/// What a field of `form` may hold.
fn wanted(form: Form) -> String {
    match form {
        Form::Text | Form::Label => "a text".to_owned(),
        Form::Number => NUMBER.to_owned(),
        Form::Amount => "a number that is not negative".to_owned(),
        Form::Count => "a whole number that is not negative".to_owned(),
        Form::Flag => "true or false (a map turns other words into them)".to_owned(),
        Form::Time | Form::Day => "{ column = \"…\", format = \"…\" }".to_owned(),
        Form::OneOf(words) => format!("one of {}", words.join(", ")),
    }
}

fn write_scalar(out: &mut Vec<u8>, scalar: &Scalar) {
    match scalar {
        Scalar::Text(text) => write::text(out, text),
        Scalar::Number(number) => write::number(out, *number),
        Scalar::Flag(true) => out.extend_from_slice(b"true"),
        Scalar::Flag(false) => out.extend_from_slice(b"false"),
    }
}
