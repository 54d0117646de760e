//! Bytes to an event.
//!
//! Shape   nearly every record takes the quick road (`quick`). For the others one pass cuts the
//!         record into names and the raw texts of their values, in any order (`cut`); then the
//!         envelope is read, and its type says which of the other names mean anything.
//! Rules   unknown names and those that the type does not list are skipped, whatever they hold;
//!         null is absent; a name that stands twice refuses the record.
//! Cost    no allocation up to eight fields beyond the envelope and without escapes.
//! Errors  [`Reject`] with the first fault in this order: JSON, a repeated name, what is missing,
//!         the envelope, the fields in the order of the record, their scales.
//! Source  DESIGN §2 and §11; readings of the specification.

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

use crate::record::cut::{Draft, ENVELOPE};
use crate::record::event::Event;
use crate::record::kind::Kind;
use crate::record::reject::{Reason, Reject};
use crate::record::{check, field, quick};
use crate::unit::{EventTime, limit};

/// What a record turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// An event of a type that the vocabulary has.
    Event(Event<'a>),
    /// A whole envelope around a type that nobody registered: its name. Counted and skipped.
    Unknown(Cow<'a, str>),
}

/// Reads one record of canonical JSON. What it returns borrows from `bytes`.
///
/// # Errors
///
/// A [`Reject`] that says what was found and wanted.
pub fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Reject> {
    if limit::RECORD_BYTES_MAX < bytes.len() {
        let (found, most) = (bytes.len(), limit::RECORD_BYTES_MAX);
        let detail = format!("found {found} bytes; wanted at most {most}");
        return Err(Reject::new(Reason::TooLarge, detail));
    }
    let text = std::str::from_utf8(bytes).map_err(|fault| bad_json(&fault))?;
    quick::event(text).map_or_else(|| read(text), |event| Ok(Decoded::Event(event)))
}

/// The whole road: takes every record and says what is wrong with those it refuses.
fn read(text: &str) -> Result<Decoded<'_>, Reject> {
    let mut draft = Draft::default();
    draft.read(text).map_err(|fault| bad_json(&fault))?;
    if let Some(name) = draft.repeated() {
        let name = field::shortened(name, 40);
        let detail = format!("{name}: found twice; wanted every name once");
        return Err(Reject::new(Reason::RepeatedKey, detail));
    }
    let present = draft.envelope.map(|raw| raw.filter(|raw| *raw != "null"));
    let [Some(id), Some(kind), Some(customer_id), Some(time)] = present else {
        return Err(missing(&present));
    };
    let id = id_of("id", id, limit::EVENT_ID_BYTES_MAX)?;
    let kind_name = field::text("type", kind)?;
    let customer_id = id_of("customer_id", customer_id, limit::CUSTOMER_ID_BYTES_MAX)?;
    let time = field::moment("time", time)?;
    let Some(kind) = Kind::named(&kind_name) else { return Ok(Decoded::Unknown(kind_name)) };

    let mut event = Event { id, kind, customer_id, time, fields: SmallVec::new() };
    for (name, raw) in &draft.others {
        let listed = kind.fields().iter().find(|(field, _)| field.name() == name);
        if let Some(&(known, form)) = listed
            && *raw != "null"
        {
            event.fields.push((known, field::read(known.name(), raw, form)?));
        }
    }
    check::scale(&event)?;
    Ok(Decoded::Event(event))
}

/// The time of the event in `bytes`, without reading the rest of it; `None` where `decode` would
/// find no time either.
pub fn peek_time(bytes: &[u8]) -> Option<EventTime> {
    let mut draft = Draft::default();
    draft.read(std::str::from_utf8(bytes).ok()?).ok()?;
    let [_, _, _, time] = draft.envelope;
    field::moment("time", time?).ok()
}

/// Whether a record's `key` is the customer id of the event in it.
///
/// # Errors
///
/// [`Reason::WrongKey`] where it is not or is absent: order and ownership hang on the key.
pub fn check_key(event: &Event<'_>, key: Option<&[u8]>) -> Result<(), Reject> {
    let found = match key {
        Some(key) if key == event.customer_id.as_bytes() => return Ok(()),
        Some(_) => "another key",
        None => "no key",
    };
    let detail = format!("found {found}; wanted the customer_id as the record's key");
    Err(Reject::new(Reason::WrongKey, detail))
}

/// The id in `raw`, which must hold 1 to `bytes_max` bytes.
fn id_of<'a>(name: &str, raw: &'a str, bytes_max: usize) -> Result<Cow<'a, str>, Reject> {
    let id = field::text(name, raw)?;
    if id.is_empty() || bytes_max < id.len() {
        let found = id.len();
        let detail = format!("{name}: found {found} bytes; wanted 1 to {bytes_max}");
        return Err(Reject::new(Reason::BadId, detail));
    }
    Ok(id)
}

fn missing(envelope: &[Option<&str>; 4]) -> Reject {
    let absent = |(name, value): (&&'static str, &Option<&str>)| value.is_none().then_some(*name);
    let names: Vec<&str> = ENVELOPE.iter().zip(envelope).filter_map(absent).collect();
    let detail = format!("{}: absent or null; wanted a value", names.join(", "));
    Reject::new(Reason::MissingField, detail)
}

fn bad_json(fault: &dyn fmt::Display) -> Reject {
    let fault = fault.to_string();
    let fault = field::shortened(&fault, 160);
    Reject::new(Reason::BadJson, format!("{fault}; wanted one JSON object in UTF-8"))
}

#[cfg(test)]
mod tests;
