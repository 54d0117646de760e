//! The journal: what the records of a partition alone do not tell whoever replays them.
//!
//! Shape   one JSON object a note: the offset of the record that it speaks of, what it says, and
//!         the customer and id of that record, so that a replay of files finds it, too.
//! Rules   a note is safe before anything that hangs on it goes out. What repeats a record that was
//!         taken in, or was too old, has none, so that customer and id tell which record is meant;
//!         unless one id was taken in twice, because it was forgotten in between, or the first time
//!         it was refused, turned away or too old. A repetition that was too old may be counted
//!         as repeated by a replay, which goes without its note.
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
    /// Customer and id of that record; `None` where it was not there yet.
    pub record: Option<(String, String)>,
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
}

impl Note {
    /// The note as JSON, `now` in milliseconds since 1970-01-01 UTC.
    pub fn to_json(&self) -> Vec<u8> {
        let (says, now) = match self.says {
            Says::Now(now) => ("now", Some(now.millis())),
            Says::Waits => ("waits", None),
            Says::Refused => ("refused", None),
        };
        let record = self.record.as_ref();
        bytes_of(&Shape {
            offset: self.offset,
            says: Cow::Borrowed(says),
            now,
            customer_id: record.map(|(customer_id, _)| Cow::Borrowed(customer_id.as_str())),
            id: record.map(|(_, id)| Cow::Borrowed(id.as_str())),
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
        let record = shape.customer_id.zip(shape.id);
        let record = record.map(|(customer, id)| (customer.into_owned(), id.into_owned()));
        Ok(Note { offset: shape.offset, says, record })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_2_a_note_is_read_as_it_was_written() {
        let record = Some(("c-\"1\"".to_owned(), "e-1".to_owned()));
        let now = Says::Now(EventTime::from_millis(1_795_248_000_123));
        for note in [
            Note { offset: 7, says: now, record: record.clone() },
            Note { offset: 0, says: now, record: None },
            Note { offset: 9, says: Says::Waits, record: record.clone() },
            Note { offset: 9, says: Says::Refused, record },
        ] {
            assert_eq!(Note::parse(&note.to_json()), Ok(note));
        }
        let note = Note { offset: 7, says: now, record: None };
        let text = r#"{"offset":7,"says":"now","now":1795248000123}"#;
        assert_eq!(String::from_utf8_lossy(&note.to_json()), text);
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
