//! Records to bytes: events in their canonical form, and what every other record shares.
//!
//! Shape   one JSON object without spaces: the envelope first, then the fields in the order in
//!         which the event holds them.
//! Rules   what is written decodes to the event it was written from; moments by A-41, numbers
//!         without needless zeros, days as days.
//! Cost    no allocation but what `out` needs to grow.
//! Source  DESIGN §2; reading A-41 of the specification.

use std::fmt;
use std::io::Write;

use serde::{Serialize, Serializer};

use crate::record::event::{Event, Value};
use crate::record::kind::{Field, Form};
use crate::record::number;
use crate::unit::{EventTime, Span};

impl Event<'_> {
    /// The canonical JSON of this event.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        self.write_json(&mut out);
        out
    }

    /// Appends the canonical JSON of this event to `out`, without a line end.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        write_shape(&self.id, out);
        out.extend_from_slice(b",\"type\":\"");
        out.extend_from_slice(self.kind.name().as_bytes());
        out.extend_from_slice(b"\",\"customer_id\":");
        write_shape(&self.customer_id, out);
        out.extend_from_slice(b",\"time\":");
        write_shown(&self.time, out);
        for (field, value) in &self.fields {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(field.name().as_bytes());
            out.extend_from_slice(b"\":");
            self.write_value(*field, value, out);
        }
        out.push(b'}');
    }

    fn write_value(&self, field: Field, value: &Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Text(text) => write_shape(text, out),
            Value::Number(number) => number::write(*number, out),
            Value::Flag(true) => out.extend_from_slice(b"true"),
            Value::Flag(false) => out.extend_from_slice(b"false"),
            Value::Time(time) if self.kind.form(field) == Some(Form::Day) && is_day(*time) => {
                let moment = time.to_string();
                write_shown(&moment.split('T').next().unwrap_or(&moment), out);
            }
            Value::Time(time) => write_shown(time, out),
        }
    }
}

/// Whether `time` is the first moment of a day.
fn is_day(time: EventTime) -> bool {
    time.millis() % Span::DAY.as_millis() == 0
}

/// Appends `shown` as a JSON string; it must show no character that JSON escapes.
pub(crate) fn write_shown(shown: &impl fmt::Display, out: &mut Vec<u8>) {
    let written = write!(out, "\"{shown}\"");
    debug_assert!(written.is_ok(), "a vector takes what it is given");
}

/// Appends the JSON of `shape`.
pub(crate) fn write_shape(shape: &impl Serialize, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, shape);
    debug_assert!(written.is_ok(), "names of objects are texts, and a vector takes what it gets");
}

/// The JSON of `shape`, whose objects are named by texts.
pub(crate) fn bytes_of(shape: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_shape(shape, &mut out);
    out
}

/// A thing that JSON shows as the text it displays.
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use smallvec::SmallVec;

    use super::*;
    use crate::record::{Decoded, Kind, decode};
    use crate::unit::{Micros, limit};

    /// A value of `form` drawn from `seed`, within every scale there is (1 to 5 lies in them all
    /// but the sentiments', which reach to 1).
    fn value_of(form: Form, seed: u64, text: &str) -> Value<'_> {
        let number = |end: i64| i64::try_from(seed % end.unsigned_abs()).unwrap_or(0);
        let draw = |end: usize| usize::try_from(seed).unwrap_or(0) % end;
        let time = EventTime::from_millis(number(253_402_300_800_000));
        match form {
            Form::Text => Value::Text(Cow::Borrowed(text)),
            Form::Label => Value::Text(Cow::Owned(seed.to_string())),
            Form::OneOf(words) => Value::Text(Cow::Borrowed(words[draw(words.len())])),
            Form::Number => Value::Number(Micros::ONE),
            Form::Amount => Value::Number(Micros::new(number(1_000_000_000_000_000))),
            Form::Count => Value::Number(Micros::new(number(1_000_000) * 1_000_000)),
            Form::Flag => Value::Flag(draw(2) == 0),
            Form::Time => Value::Time(time),
            Form::Day => Value::Time(EventTime::of_day(time.day_index() - 700_000)),
        }
    }

    prop_compose! {
        fn any_event()(
            kind in 0..Kind::ALL.len(),
            id in "\\PC{1,32}",
            customer in "[\\x01-\\x7fü😀]{1,60}",
            time in 0..=EventTime::LAST.millis(),
            seeds in prop::collection::vec(any::<Option<u64>>(), 14),
            text in any::<String>(),
        ) -> (Kind, String, String, i64, Vec<Option<u64>>, String) {
            (Kind::ALL[kind], id, customer, time, seeds, text)
        }
    }

    type Drawn = (Kind, String, String, i64, Vec<Option<u64>>, String);

    fn event_of((kind, id, customer, time, seeds, text): &Drawn) -> Event<'_> {
        let mut fields = SmallVec::new();
        for ((field, form), seed) in kind.fields().iter().zip(seeds) {
            // A scale drawn at random may have no room: its values have tests of their own.
            if matches!(field, Field::ScaleMin | Field::ScaleMax) {
                continue;
            }
            if let Some(seed) = seed {
                fields.push((*field, value_of(*form, *seed, text)));
            }
        }
        let id = Cow::Borrowed(id.as_str());
        let customer_id = Cow::Borrowed(customer.as_str());
        Event { id, kind: *kind, customer_id, time: EventTime::from_millis(*time), fields }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(drawn in any_event()) {
            prop_assume!(event_of(&drawn).id.len() <= limit::EVENT_ID_BYTES_MAX);
            let bytes = event_of(&drawn).to_json();
            prop_assert_eq!(decode(&bytes), Ok(Decoded::Event(event_of(&drawn))));
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _judged = decode(&bytes);
        }

        #[test]
        fn no_change_to_an_event_makes_the_decoder_panic(
            drawn in any_event(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3, any::<u8>()), 1..9),
        ) {
            let mut bytes = event_of(&drawn).to_json();
            for (at, how, byte) in changes {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ if 1 < bytes.len() => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            let _judged = decode(&bytes);
        }
    }

    #[test]
    fn a_birthday_is_written_as_a_day_and_a_moment_as_a_moment() {
        let record = br#"{"id":"e","type":"profile_dates","customer_id":"c","time":1500,
            "birthday":"1958-03-04","first_purchase_date":"2020-01-01T06:00:00Z"}"#;
        let Ok(Decoded::Event(event)) = decode(record) else { unreachable!("it is an event") };
        let written = event.to_json();
        assert_eq!(
            String::from_utf8_lossy(&written),
            "{\"id\":\"e\",\"type\":\"profile_dates\",\"customer_id\":\"c\",\
             \"time\":\"1970-01-01T00:00:01.500Z\",\"birthday\":\"1958-03-04\",\
             \"first_purchase_date\":\"2020-01-01T06:00:00Z\"}"
        );
    }
}
