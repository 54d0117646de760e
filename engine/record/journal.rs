//! The journal: what the records of a partition alone do not tell whoever replays them.
//!
//! Shape   one JSON object a note: the offset of the record that it speaks of, what it says, and
//!         the customer and id of that record with the number of events before it, so that a
//!         replay of files finds it, too: an id may come again after it was forgotten.
//! Rules   a note is safe before anything that hangs on it goes out. What a replay judges alike by
//!         itself may have none; of a repetition that was too old it may then say that it was
//!         repeated.
//! Source  DESIGN D-1, D-2, D-3; reading A-46 of the specification.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::record::encode::bytes_of;
use crate::unit::EventTime;

/// One note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The record that it speaks of: the first that was not done yet.
    pub offset: i64,
    /// What it says.
    pub says: Says,
    /// What that record is, where records have no offsets; `None` where it was not there yet.
    pub subject: Option<Subject>,
}

/// The record of a note, by what files know of it, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its customer.
    pub customer_id: String,
    /// Its id.
    pub id: String,
    /// How many events of its partition came before it, whatever became of them; older notes do
    /// not say.
    pub n_before: Option<u64>,
}

/// What a note says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// The wall clock had moved the partition's time to this before the record was applied.
    Now(EventTime),
    /// The record lay ahead of the wall clock and waits for its time.
    Waits,
    /// The record lay so far ahead of the wall clock that it was refused.
    Refused,
}

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    offset: i64,
    #[serde(borrow)]
    says: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<i64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    customer_id: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_before: Option<u64>,
}

impl Note {
    /// The note as JSON, `now` in milliseconds since 1970-01-01 UTC.
    pub fn to_json(&self) -> Vec<u8> {
        let (says, now) = match self.says {
            Says::Now(now) => ("now", Some(now.millis())),
            Says::Waits => ("waits", None),
            Says::Refused => ("refused", None),
        };
        let subject = self.subject.as_ref();
        bytes_of(&Shape {
            offset: self.offset,
            says: Cow::Borrowed(says),
            now,
            customer_id: subject.map(|subject| Cow::Borrowed(subject.customer_id.as_str())),
            id: subject.map(|subject| Cow::Borrowed(subject.id.as_str())),
            n_before: subject.and_then(|subject| subject.n_before),
        })
    }

    /// Reads a note.
    ///
    /// # Errors
    ///
    /// What was found and what was wanted, in a sentence.
    pub fn parse(bytes: &[u8]) -> Result<Note, String> {
        let shape: Shape<'_> = serde_json::from_slice(bytes)
            .map_err(|error| format!("no note of a journal: {error}"))?;
        let says = match (&*shape.says, shape.now) {
            ("now", Some(now)) => Says::Now(EventTime::from_millis(now)),
            ("waits", None) => Says::Waits,
            ("refused", None) => Says::Refused,
            (says, now) => {
                return Err(format!(
                    "says {says:?} with now {now:?}; wanted now, waits or refused"
                ));
            }
        };
        let n_before = shape.n_before;
        let subject = shape.customer_id.zip(shape.id).map(|(customer_id, id)| Subject {
            customer_id: customer_id.into_owned(),
            id: id.into_owned(),
            n_before,
        });
        Ok(Note { offset: shape.offset, says, subject })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_2_a_note_is_read_as_it_was_written() {
        let (customer_id, id) = ("c-\"1\"".to_owned(), "e-1".to_owned());
        let subject = Some(Subject { customer_id, id, n_before: Some(6) });
        let now = Says::Now(EventTime::from_millis(1_795_248_000_123));
        for note in [
            Note { offset: 7, says: now, subject: subject.clone() },
            Note { offset: 0, says: now, subject: None },
            Note { offset: 9, says: Says::Waits, subject: subject.clone() },
            Note { offset: 9, says: Says::Refused, subject },
        ] {
            assert_eq!(Note::parse(&note.to_json()), Ok(note));
        }
        let note = Note { offset: 7, says: now, subject: None };
        let text = r#"{"offset":7,"says":"now","now":1795248000123}"#;
        assert_eq!(String::from_utf8_lossy(&note.to_json()), text);
    }

    #[test]
    fn a_note_from_before_events_were_counted_is_read() {
        let text = r#"{"offset":7,"says":"waits","customer_id":"c-1","id":"e-1"}"#;
        let note = Note::parse(text.as_bytes());
        assert_eq!(note.map(|note| note.subject.map(|of| of.n_before)), Ok(Some(None)));
    }

    #[test]
    fn what_is_no_note_is_told() {
        let check = |text: &str, words: &str| {
            let said = Note::parse(text.as_bytes()).err().unwrap_or_default();
            assert!(said.contains(words), "{said}");
        };
        check("{}", "missing field `offset`");
        check(r#"{"offset":1,"says":"now"}"#, "wanted now, waits or refused");
        check(r#"{"offset":1,"says":"never"}"#, r#"says "never""#);
    }
}
