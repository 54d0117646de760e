//! One event, decoded: the envelope and the few fields its type carries.
//!
//! Shape   texts are borrowed from the record's bytes where they hold no escapes; up to four
//!         fields need no allocation.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::record::kind::{Field, Kind};
use crate::unit::{EventTime, Micros};

/// The value of one field, already checked for its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text, a label or one of a list.
    Text(Cow<'a, str>),
    /// A number, amount, count or whole number; a count of 3 is three million millionths.
    Number(Micros),
    /// A flag.
    Flag(bool),
    /// A moment or the first moment of a day.
    Time(EventTime),
}

/// One event as the engine reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What tells this event from every other of its customer.
    pub id: Cow<'a, str>,
    /// Its type.
    pub kind: Kind,
    /// Whose event it is.
    pub customer_id: Cow<'a, str>,
    /// When it happened.
    pub time: EventTime,
    /// The fields of its type that were present and not null, in the order of the record.
    pub fields: SmallVec<[(Field, Value<'a>); 4]>,
}

impl<'a> Event<'a> {
    /// The value of `field`, if the event carries it.
    pub fn get(&self, field: Field) -> Option<&Value<'a>> {
        self.fields.iter().find(|(known, _)| *known == field).map(|(_, value)| value)
    }

    /// The text of `field`, if the event carries it as text.
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.get(field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of `field`, if the event carries it as a number.
    pub fn number(&self, field: Field) -> Option<Micros> {
        match self.get(field) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The flag of `field`, if the event carries it as a flag.
    pub fn flag(&self, field: Field) -> Option<bool> {
        match self.get(field) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The moment of `field`, if the event carries it as a moment.
    pub fn moment(&self, field: Field) -> Option<EventTime> {
        match self.get(field) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }
}
