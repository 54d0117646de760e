//! The receipt of an erasure: what is gone, and what remains until when.
//!
//! Shape   one JSON object, keyed by customer.
//! Source  PV-3 and reading A-44 of the specification; DESIGN D-11.

use serde::{Deserialize, Serialize};

use crate::record::encode::bytes_of;
use crate::unit::EventTime;

/// What became of one request to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who asked.
    pub customer_id: String,
    /// The id of the request.
    pub request_id: String,
    /// When it was made.
    pub requested_at: EventTime,
    /// The partition's time at which it was carried out.
    pub erased_at: EventTime,
    /// How many events were remembered one by one.
    pub n_events: u64,
    /// How many events waited for their time.
    pub n_waiting: u64,
    /// What is not gone yet, and until when it stays.
    pub remains: Vec<Remainder>,
}

/// Something that outlives an erasure for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remainder {
    /// What it is.
    pub what: String,
    /// Until when it stays.
    pub until: String,
}

#[derive(Serialize)]
struct Shape<'a> {
    customer_id: &'a str,
    request_id: &'a str,
    requested_at: String,
    erased_at: String,
    removed: Removed,
    remains: &'a [Remainder],
}

#[derive(Serialize)]
struct Removed {
    events: u64,
    waiting: u64,
}

impl Receipt {
    /// The receipt as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        bytes_of(&Shape {
            customer_id: &self.customer_id,
            request_id: &self.request_id,
            requested_at: self.requested_at.to_string(),
            erased_at: self.erased_at.to_string(),
            removed: Removed { events: self.n_events, waiting: self.n_waiting },
            remains: &self.remains,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pv_3_a_receipt_says_what_is_gone_and_what_remains() {
        let receipt = Receipt {
            customer_id: "c-1".to_owned(),
            request_id: "r-1".to_owned(),
            requested_at: EventTime::from_millis(1_795_248_000_000),
            erased_at: EventTime::from_millis(1_795_248_000_123),
            n_events: 12,
            n_waiting: 1,
            remains: vec![Remainder { what: "a".to_owned(), until: "b".to_owned() }],
        };
        let wanted = concat!(
            r#"{"customer_id":"c-1","request_id":"r-1","requested_at":"2026-11-21T08:00:00Z","#,
            r#""erased_at":"2026-11-21T08:00:00.123Z","removed":{"events":12,"waiting":1},"#,
            r#""remains":[{"what":"a","until":"b"}]}"#
        );
        assert_eq!(String::from_utf8_lossy(&receipt.to_json()), wanted);
    }
}
