//! What the score topic carries: a customer's latest scores.
//!
//! Shape   one JSON object, keyed by customer; a tombstone deletes it.
//! Rules   the names of the scores are those of the model; the full number is carried (A-42).
//! Source  DESIGN §7 and D-6.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::record::alert::Model;
use crate::record::encode::{Shown, bytes_of};
use crate::unit::{EventTime, Points};

/// Whether the customer is a customer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Judged as usual.
    Active,
    /// Judged by what a pause leaves available (A-04).
    Paused,
    /// Not judged until they return (A-05).
    Cancelled,
}

impl Status {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Paused => "paused",
            Status::Cancelled => "cancelled",
        }
    }
}

/// One score of a customer. Its texts are of type `S`, as those of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreLine<S = String> {
    /// The score's name in the model.
    pub name: S,
    /// Its value, or null.
    pub value: Option<Points>,
    /// The band of the value; for a null value null, or `insufficient_data` (A-22).
    pub band: Option<S>,
    /// The band the machine holds (A-26).
    pub held: Option<S>,
    /// Available weight over all weight, 0 to 1.
    pub coverage: f64,
}

/// The first change of a held band if nothing more arrives (A-36).
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast<S = String> {
    /// Which score.
    pub score: S,
    /// The held band then.
    pub band: S,
    /// When.
    pub at: EventTime,
}

/// A customer's scores at one instant. Its texts are of type `S`: borrowed where they go on at once,
/// owned where they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRecord<S = String> {
    /// Whose.
    pub customer_id: S,
    /// As of when.
    pub at: EventTime,
    /// Active, paused or cancelled.
    pub status: Status,
    /// The scores in the order of the model.
    pub scores: Vec<ScoreLine<S>>,
    /// What happens next if nothing does.
    pub next: Option<Forecast<S>>,
    /// The model that judged.
    pub model_id: S,
    /// Its version.
    pub model_version: u32,
}

impl ScoreRecord<&str> {
    /// The same record with texts of its own.
    pub fn into_owned(self) -> ScoreRecord {
        let line = |line: ScoreLine<&str>| ScoreLine {
            name: line.name.to_owned(),
            value: line.value,
            band: line.band.map(str::to_owned),
            held: line.held.map(str::to_owned),
            coverage: line.coverage,
        };
        let next = |next: Forecast<&str>| Forecast {
            score: next.score.to_owned(),
            band: next.band.to_owned(),
            at: next.at,
        };
        ScoreRecord {
            customer_id: self.customer_id.to_owned(),
            at: self.at,
            status: self.status,
            scores: self.scores.into_iter().map(line).collect(),
            next: self.next.map(next),
            model_id: self.model_id.to_owned(),
            model_version: self.model_version,
        }
    }
}

impl ScoreRecord {
    /// The JSON of this record, without a line end: `customer_id`, `at`, `status`, each score with
    /// its band and held band, each coverage, what is next, the model.
    pub fn to_json(&self) -> Vec<u8> {
        bytes_of(self)
    }
}

impl Serialize for ScoreRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("customer_id", &self.customer_id)?;
        map.serialize_entry("at", &Shown(self.at))?;
        map.serialize_entry("status", self.status.name())?;
        for ScoreLine { name, value, band, held, .. } in &self.scores {
            map.serialize_entry(name, &value.map(Points::get))?;
            map.serialize_entry(&format_args!("{name}_band"), band)?;
            map.serialize_entry(&format_args!("{name}_held"), held)?;
        }
        for ScoreLine { name, coverage, .. } in &self.scores {
            map.serialize_entry(&format_args!("coverage_{name}"), coverage)?;
        }
        let next = self.next.as_ref();
        map.serialize_entry("next_band_score", &next.map(|next| &next.score))?;
        map.serialize_entry("next_band", &next.map(|next| &next.band))?;
        map.serialize_entry("next_band_at", &next.map(|next| Shown(next.at)))?;
        let model = Model { id: &self.model_id, version: self.model_version };
        map.serialize_entry("model", &model)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, value: Option<f64>, band: &str, coverage: f64) -> ScoreLine {
        let band = Some(band.to_owned());
        let (name, held) = (name.to_owned(), band.clone());
        ScoreLine { name, value: value.map(Points::new), band, held, coverage }
    }

    #[test]
    fn d_6_the_keys_stand_in_the_order_of_the_customers_file() {
        let record = ScoreRecord {
            customer_id: "c-42".to_owned(),
            at: EventTime::from_millis(1_795_255_200_001),
            status: Status::Paused,
            scores: vec![
                line("risk", Some(75.0), "high", 1.0),
                ScoreLine { held: None, ..line("retention", None, "insufficient_data", 0.25) },
            ],
            next: Some(Forecast {
                score: "risk".to_owned(),
                band: "low".to_owned(),
                at: EventTime::from_millis(1_795_255_200_000),
            }),
            model_id: "default".to_owned(),
            model_version: 1,
        };
        let wanted = concat!(
            r#"{"customer_id":"c-42","at":"2026-11-21T10:00:00.001Z","status":"paused","#,
            r#""risk":75.0,"risk_band":"high","risk_held":"high","#,
            r#""retention":null,"retention_band":"insufficient_data","retention_held":null,"#,
            r#""coverage_risk":1.0,"coverage_retention":0.25,"#,
            r#""next_band_score":"risk","next_band":"low","next_band_at":"2026-11-21T10:00:00Z","#,
            r#""model":{"id":"default","version":1}}"#
        );
        assert_eq!(String::from_utf8_lossy(&record.to_json()), wanted);
    }

    #[test]
    fn a_42_the_topic_carries_the_full_number() {
        let line = line("risk", Some(53.333_333_333), "medium", 1.0 / 3.0);
        let record = ScoreRecord {
            customer_id: "c".to_owned(),
            at: EventTime::FIRST,
            status: Status::Active,
            scores: vec![line],
            next: None,
            model_id: "default".to_owned(),
            model_version: 1,
        };
        let json = String::from_utf8_lossy(&record.to_json()).into_owned();
        assert!(json.contains(r#""risk":53.333333333,"#), "{json}");
        assert!(json.contains(r#""coverage_risk":0.3333333333333333,"#), "{json}");
        assert!(json.contains(r#""next_band":null,"next_band_at":null"#), "{json}");
    }
}
