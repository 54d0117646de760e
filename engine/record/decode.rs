//! Bytes to an event.
//!
//! Shape   one pass cuts the record into names and the raw texts of their values, in any order;
//!         then the envelope is read, and with it known which of the other names mean anything.
//! Rules   unknown names and those that the type does not list are skipped, whatever they hold;
//!         null is absent; a name that stands twice refuses the record.
//! Cost    no allocation up to eight fields beyond the envelope and without escapes.
//! Errors  [`Reject`] with the first fault in this order: JSON, a repeated name, what is missing,
//!         the envelope, the fields in the order of the record, their scales.
//! Source  DESIGN §2 and §11; readings of the specification.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::record::event::Event;
use crate::record::kind::Kind;
use crate::record::reject::{Reason, Reject};
use crate::record::{check, field};
use crate::unit::limit;

/// What a record turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is an event: a box would cost each of them an allocation"
)]
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
    let draft = Draft::read(bytes)?;
    if let Some(name) = draft.repeated() {
        let detail = format!("{name}: found twice; wanted every name once");
        return Err(Reject::new(Reason::RepeatedKey, detail));
    }
    let [Some(id), Some(kind), Some(customer_id), Some(time)] = draft.envelope else {
        return Err(missing(&draft.envelope));
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

/// The names of the envelope, in the order in which a draft keeps them.
const ENVELOPE: [&str; 4] = ["id", "type", "customer_id", "time"];

/// A record cut into names and the raw texts of their values.
struct Draft<'a> {
    /// The envelope's values; `None` for absent or null.
    envelope: [Option<&'a str>; 4],
    /// The first name of the envelope that stood twice.
    envelope_repeated: Option<&'static str>,
    /// All other names and values, in the order of the record.
    others: SmallVec<[(Cow<'a, str>, &'a str); 8]>,
}

impl<'a> Draft<'a> {
    fn read(bytes: &'a [u8]) -> Result<Draft<'a>, Reject> {
        if limit::RECORD_BYTES_MAX < bytes.len() {
            let (found, most) = (bytes.len(), limit::RECORD_BYTES_MAX);
            let detail = format!("found {found} bytes; wanted at most {most}");
            return Err(Reject::new(Reason::TooLarge, detail));
        }
        let text = std::str::from_utf8(bytes).map_err(|fault| bad_json(&fault))?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let draft = reader.deserialize_map(DraftVisitor).map_err(|fault| bad_json(&fault))?;
        reader.end().map_err(|fault| bad_json(&fault))?;
        Ok(draft)
    }

    /// A name that stands twice, if there is one.
    fn repeated(&self) -> Option<&str> {
        /// Up to so many names comparing all pairs is quicker than sorting them.
        const PAIRS_MAX: usize = 16;
        if self.envelope_repeated.is_some() {
            return self.envelope_repeated;
        }
        if self.others.len() <= PAIRS_MAX {
            let twice = |(at, (name, _)): (usize, &(Cow<'_, str>, _))| {
                self.others[..at].iter().any(|(other, _)| other == name)
            };
            let at = self.others.iter().enumerate().position(twice)?;
            return Some(&self.others[at].0);
        }
        let mut names: Vec<&str> = self.others.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

struct DraftVisitor;

impl<'de> Visitor<'de> for DraftVisitor {
    type Value = Draft<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Draft<'de>, A::Error> {
        let mut seen = [false; ENVELOPE.len()];
        let mut draft =
            Draft { envelope: [None; 4], envelope_repeated: None, others: SmallVec::new() };
        while let Some(Name(name)) = map.next_key()? {
            let raw = map.next_value::<&'de RawValue>()?.get();
            if is_too_deep(raw) {
                let most = limit::RECORD_DEPTH_MAX;
                return Err(A::Error::custom(format_args!("nested deeper than {most}")));
            }
            match ENVELOPE.iter().position(|known| *known == name) {
                Some(at) => {
                    if std::mem::replace(&mut seen[at], true) {
                        draft.envelope_repeated = Some(ENVELOPE[at]);
                    }
                    draft.envelope[at] = Some(raw).filter(|raw| *raw != "null");
                }
                None => draft.others.push((name, raw)),
            }
        }
        Ok(draft)
    }
}

/// A name, borrowed unless it holds escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name<'de>, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Whether the value `raw`, known to be whole JSON, nests deeper than the bound.
///
/// The cutting itself keeps no stack, so this is a courtesy to readers of rejected records.
fn is_too_deep(raw: &str) -> bool {
    if raw.len() < 2 * limit::RECORD_DEPTH_MAX || !raw.starts_with(['[', '{']) {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in raw.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                if limit::RECORD_DEPTH_MAX < depth {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
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
    Reject::new(Reason::BadJson, format!("found {fault}; wanted one JSON object in UTF-8"))
}

#[cfg(test)]
mod tests;
