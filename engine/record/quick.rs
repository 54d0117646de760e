//! The quick road from a record to its event: every value is read as it is met.
//!
//! Shape   for plain records whose type stands before the fields that hang on it, as platforms
//!         write them.
//! Rules   whatever else it meets, faults included, it leaves to the whole road (`decode`), which
//!         alone says what is wrong; where it finds an event, the whole road finds the same. A test
//!         drives both side by side.
//! Cost    one walk over the bytes, no allocation up to four fields; a quarter fewer instructions
//!         than the whole road (benches/RUNS.md).

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::record::event::{Event, Value};
use crate::record::kind::{Field, Form, Kind};
use crate::record::plain::walk;
use crate::record::{check, field};
use crate::unit::{EventTime, limit};

/// Up to so many names that the type does not list are compared with one another.
const UNLISTED_MAX: usize = 8;

/// What was met of a record.
#[derive(Default)]
struct Met<'a> {
    id: Option<&'a str>,
    kind: Option<Kind>,
    customer_id: Option<&'a str>,
    time: Option<EventTime>,
    fields: SmallVec<[(Field, Value<'a>); 4]>,
    /// One bit a field that was met, null or not.
    listed: u128,
    unlisted: SmallVec<[&'a str; UNLISTED_MAX]>,
}

// One bit each in a set of fields.
const _: () = assert!(Field::ALL.len() <= u128::BITS as usize);

/// The event in `text`; `None` where the whole road must be taken.
pub(crate) fn event(text: &str) -> Option<Event<'_>> {
    let mut met = Met::default();
    walk(text, |name, raw| met.take(name, raw))?;
    let event = Event {
        id: Cow::Borrowed(met.id?),
        kind: met.kind?,
        customer_id: Cow::Borrowed(met.customer_id?),
        time: met.time?,
        fields: met.fields,
    };
    check::scale(&event).ok()?;
    Some(event)
}

impl<'a> Met<'a> {
    /// Takes in the value `raw` called `name`; `None` where that is not for this road.
    #[inline]
    fn take(&mut self, name: &'a str, raw: &'a str) -> Option<()> {
        match name {
            "id" => set(&mut self.id, id_of(raw, limit::EVENT_ID_BYTES_MAX)?),
            "type" => set(&mut self.kind, Kind::named(inside(raw)?)?),
            "customer_id" => set(&mut self.customer_id, id_of(raw, limit::CUSTOMER_ID_BYTES_MAX)?),
            "time" => set(&mut self.time, moment(name, raw)?),
            _ => self.take_field(name, raw),
        }
    }

    fn take_field(&mut self, name: &'a str, raw: &'a str) -> Option<()> {
        let listed = self.kind?.fields().iter().find(|(field, _)| field.name() == name);
        let Some(&(field, form)) = listed else {
            let is_new = self.unlisted.len() < UNLISTED_MAX && !self.unlisted.contains(&name);
            return is_new.then(|| self.unlisted.push(name));
        };
        let bit = 1 << field as u32;
        if self.listed & bit != 0 {
            return None;
        }
        self.listed |= bit;
        if raw != "null" {
            self.fields.push((field, value(name, raw, form)?));
        }
        Some(())
    }
}

/// Sets `place`, unless that was done before.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

/// The text in `raw`, which holds no escapes.
fn inside(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}

fn id_of(raw: &str, bytes_max: usize) -> Option<&str> {
    inside(raw).filter(|id| (1..=bytes_max).contains(&id.len()))
}

fn moment(name: &str, raw: &str) -> Option<EventTime> {
    match inside(raw) {
        Some(text) => EventTime::parse(text).ok(),
        None => field::moment(name, raw).ok(),
    }
}

fn value<'a>(name: &str, raw: &'a str, form: Form) -> Option<Value<'a>> {
    match (form, inside(raw)) {
        (Form::Text | Form::Label, Some(text)) => Some(Value::Text(Cow::Borrowed(text))),
        (Form::OneOf(words), Some(text)) => {
            words.contains(&text).then_some(Value::Text(Cow::Borrowed(text)))
        }
        (Form::Time, Some(text)) => EventTime::parse(text).ok().map(Value::Time),
        _ => field::read(name, raw, form).ok(),
    }
}
