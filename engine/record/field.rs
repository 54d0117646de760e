//! The raw JSON text of one value to a checked [`Value`].
//!
//! Shape   a value comes as the text that stands in the record, already known to be whole JSON;
//!         its first byte says what kind it is. Texts without escapes stay borrowed.
//! Rules   a value of another kind than its form wants refuses the record, and so does a moment
//!         that is none; numbers are rounded to millionths before they are compared.
//! Source  readings of the specification.

use std::borrow::Cow;

use crate::record::event::Value;
use crate::record::kind::Form;
use crate::record::number;
use crate::record::reject::{Reason, Reject};
use crate::unit::{EventTime, Micros, limit};

/// The value of the field called `name`, whose JSON text is `raw` and which must be of `form`.
///
/// # Errors
///
/// [`Reason::WrongForm`] for another JSON kind or another word than those listed,
/// [`Reason::BadTime`] for a moment that cannot be read, [`Reason::OutOfRange`] for a number that
/// is too large or negative where it must not be, [`Reason::BadJson`] for half a surrogate pair.
pub(crate) fn read<'a>(name: &str, raw: &'a str, form: Form) -> Result<Value<'a>, Reject> {
    match form {
        Form::Text => text(name, raw).map(Value::Text),
        Form::Label if is_whole(raw) => Ok(Value::Text(Cow::Borrowed(raw))),
        Form::Label if is_text(raw) => text(name, raw).map(Value::Text),
        Form::Label => Err(wrong_form(name, raw, "a string or a whole number")),
        Form::OneOf(words) => one_of(name, raw, words).map(Value::Text),
        Form::Number => any_number(name, raw, "a number").map(Value::Number),
        Form::Amount => amount(name, raw, "a number that is not negative").map(Value::Number),
        Form::Count => count(name, raw).map(Value::Number),
        Form::Flag if raw == "true" => Ok(Value::Flag(true)),
        Form::Flag if raw == "false" => Ok(Value::Flag(false)),
        Form::Flag => Err(wrong_form(name, raw, "true or false")),
        Form::Time => moment(name, raw).map(Value::Time),
        Form::Day => day(name, raw).map(Value::Time),
    }
}

/// The string in `raw`.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn text<'a>(name: &str, raw: &'a str) -> Result<Cow<'a, str>, Reject> {
    let Some(inside) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err(wrong_form(name, raw, "a string"));
    };
    if !inside.as_bytes().contains(&b'\\') {
        return Ok(Cow::Borrowed(inside));
    }
    match serde_json::from_str(raw) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(fault) => Err(Reject::new(Reason::BadJson, format!("{name}: {fault}"))),
    }
}

/// The moment in `raw`: RFC 3339 with an offset, or whole milliseconds since 1970.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn moment(name: &str, raw: &str) -> Result<EventTime, Reject> {
    if is_number(raw) {
        let time = if is_whole(raw) { raw.parse().ok().map(EventTime::from_millis) } else { None };
        let wanted = format_args!("whole milliseconds from 0 to {}", EventTime::LAST.millis());
        return time.filter(|time| time.is_recordable()).ok_or_else(|| {
            Reject::new(Reason::BadTime, format!("{name}: found {}; wanted {wanted}", cut(raw)))
        });
    }
    if !is_text(raw) {
        let wanted = "a moment such as 2026-11-21T10:00:00Z, or milliseconds since 1970";
        return Err(wrong_form(name, raw, wanted));
    }
    let text = text(name, raw)?;
    EventTime::parse(&text).map_err(|fault| {
        Reject::new(Reason::BadTime, format!("{name}: found {}; {fault}", cut(raw)))
    })
}

/// The first moment of the day in `raw`, or the moment there.
fn day(name: &str, raw: &str) -> Result<EventTime, Reject> {
    if is_text(raw)
        && let Ok(day) = EventTime::parse_day(&text(name, raw)?)
    {
        return Ok(day);
    }
    moment(name, raw).map_err(|reject| {
        let detail = format!("{} or a day such as 2026-11-21", reject.detail);
        Reject::new(reject.reason, detail)
    })
}

/// The string in `raw`, which must be one of `words`.
fn one_of<'a>(name: &str, raw: &'a str, words: &[&str]) -> Result<Cow<'a, str>, Reject> {
    if !is_text(raw) {
        return Err(wrong_form(name, raw, &format!("one of {}", words.join(", "))));
    }
    let text = text(name, raw)?;
    if words.iter().any(|word| *word == text) {
        return Ok(text);
    }
    let detail = format!("{name}: found {}; wanted one of {}", cut(raw), words.join(", "));
    Err(Reject::new(Reason::WrongForm, detail))
}

/// The number in `raw`, of any sign.
fn any_number(name: &str, raw: &str, wanted: &str) -> Result<Micros, Reject> {
    if !is_number(raw) {
        return Err(wrong_form(name, raw, wanted));
    }
    number::parse(raw).ok_or_else(|| {
        let bound = limit::AMOUNT_MAX_WHOLE;
        let detail = format!("{name}: found {}; wanted {wanted}, at most {bound}", cut(raw));
        Reject::new(Reason::OutOfRange, detail)
    })
}

/// The number in `raw`, which must not be negative.
fn amount(name: &str, raw: &str, wanted: &str) -> Result<Micros, Reject> {
    let number = any_number(name, raw, wanted)?;
    if number < Micros::ZERO {
        let detail = format!("{name}: found {}; wanted {wanted}", cut(raw));
        return Err(Reject::new(Reason::OutOfRange, detail));
    }
    Ok(number)
}

/// The number in `raw`, which must be whole and not negative; `3.0` is whole.
fn count(name: &str, raw: &str) -> Result<Micros, Reject> {
    let wanted = "a whole number that is not negative";
    let number = amount(name, raw, wanted)?;
    if number.get() % Micros::ONE.get() != 0 {
        let detail = format!("{name}: found {}; wanted {wanted}", cut(raw));
        return Err(Reject::new(Reason::WrongForm, detail));
    }
    Ok(number)
}

/// Whether `raw` is a string.
fn is_text(raw: &str) -> bool {
    raw.starts_with('"')
}

/// Whether `raw` is a number.
fn is_number(raw: &str) -> bool {
    matches!(raw.as_bytes().first(), Some(b'-' | b'0'..=b'9'))
}

/// Whether `raw` is a number without a point or an exponent.
fn is_whole(raw: &str) -> bool {
    is_number(raw) && !raw.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// The reject of a value of another JSON kind than `wanted`.
pub(crate) fn wrong_form(name: &str, raw: &str, wanted: &str) -> Reject {
    let found = match raw.as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a flag",
        Some(b'n') => "null",
        _ => "a number",
    };
    Reject::new(Reason::WrongForm, format!("{name}: found {found}; wanted {wanted}"))
}

/// The first characters of `raw`: see [`shortened`].
fn cut(raw: &str) -> Cow<'_, str> {
    shortened(raw, 40)
}

/// The first `chars_max` characters of `text`, so that a detail stays a line however long the
/// value is.
pub(crate) fn shortened(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, form: Form, wanted: Result<Value<'_>, Reason>) {
        assert_eq!(read("x", raw, form).map_err(|reject| reject.reason), wanted, "{raw} {form:?}");
    }

    fn number(micros: i64) -> Result<Value<'static>, Reason> {
        Ok(Value::Number(Micros::new(micros)))
    }

    fn label(text: &'static str) -> Result<Value<'static>, Reason> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    #[test]
    fn a_38_a_value_of_another_json_kind_is_refused() {
        let raws = ["\"x\"", "1", "true", "[1]", "{\"a\":1}"];
        let fits = |form: Form| match form {
            Form::Text => [true, false, false, false, false],
            Form::Label => [true, true, false, false, false],
            Form::Number | Form::Amount | Form::Count => [false, true, false, false, false],
            Form::Flag => [false, false, true, false, false],
            Form::Time | Form::Day => [true, true, false, false, false],
            Form::OneOf(_) => [true, false, false, false, false],
        };
        let one_of = Form::OneOf(&["x"]);
        let others = [Form::Text, Form::Label, Form::Number, Form::Amount, Form::Count];
        let more = [Form::Flag, Form::Time, Form::Day, one_of];
        for form in others.into_iter().chain(more) {
            for (raw, fits) in raws.into_iter().zip(fits(form)) {
                let wrong = read("x", raw, form).is_err_and(|r| r.reason == Reason::WrongForm);
                assert_eq!(wrong, !fits, "{raw} {form:?}");
            }
        }
    }

    #[test]
    fn a_38_labels_and_words() {
        check("12", Form::Label, label("12"));
        check("\"12\"", Form::Label, label("12"));
        check("1.5", Form::Label, Err(Reason::WrongForm));
        check("1e3", Form::Label, Err(Reason::WrongForm));
        check("\"b\"", Form::OneOf(&["a", "b"]), label("b"));
        check("\"B\"", Form::OneOf(&["a", "b"]), Err(Reason::WrongForm));
        check("\"\\u0062\"", Form::OneOf(&["a", "b"]), label("b"));
    }

    #[test]
    fn a_39_amounts_and_counts_are_not_negative() {
        check("-1", Form::Number, number(-1_000_000));
        check("-1", Form::Amount, Err(Reason::OutOfRange));
        check("-0", Form::Amount, number(0));
        check("-1", Form::Count, Err(Reason::OutOfRange));
        check("3", Form::Count, number(3_000_000));
        check("3.0", Form::Count, number(3_000_000));
        check("3.5", Form::Count, Err(Reason::WrongForm));
        check("1e999", Form::Number, Err(Reason::OutOfRange));
        check("-1e999", Form::Amount, Err(Reason::OutOfRange));
    }

    #[test]
    fn a_40_times_are_rfc_3339_or_whole_milliseconds() {
        let time = |millis| Ok(Value::Time(EventTime::from_millis(millis)));
        check("0", Form::Time, time(0));
        check("253402300799999", Form::Time, time(253_402_300_799_999));
        check("253402300800000", Form::Time, Err(Reason::BadTime));
        check("-1", Form::Time, Err(Reason::BadTime));
        check("1.0", Form::Time, Err(Reason::BadTime));
        check("1e3", Form::Time, Err(Reason::BadTime));
        check("99999999999999999999", Form::Time, Err(Reason::BadTime));
        check("\"1795248000000\"", Form::Time, Err(Reason::BadTime));
        check("\"1970-01-01t00:00:01.2349z\"", Form::Time, time(1_234));
        check("\"1970-01-01T01:00:01\\u002b01:00\"", Form::Time, time(1_000));
        check("\"0000-01-01T00:00:00Z\"", Form::Time, Err(Reason::BadTime));
        check("\"9999-12-31T23:59:59.999Z\"", Form::Time, time(253_402_300_799_999));
        check("\"9999-12-31T23:59:59-00:01\"", Form::Time, Err(Reason::BadTime));
        check("\"2026-11-21T10:00:60Z\"", Form::Time, Err(Reason::BadTime));
        check("\"2026-11-21\"", Form::Time, Err(Reason::BadTime));
        check("\"1970-01-02\"", Form::Day, time(86_400_000));
        check("\"1969-12-31\"", Form::Day, time(-86_400_000));
        check("\"1970-01-01T00:00:01Z\"", Form::Day, time(1_000));
        check("\"21.11.2026\"", Form::Day, Err(Reason::BadTime));
    }

    #[test]
    fn escapes_are_read_and_half_a_surrogate_pair_is_refused() {
        check("\"a\\n\\u00fc\\ud83d\\ude00\"", Form::Text, label("a\nü😀"));
        check("\"\\ud83d\"", Form::Text, Err(Reason::BadJson));
    }
}
