//! The bytes of an alert back to an alert, for those who show it to people.

use serde::Deserialize;

use crate::record::alert::{Alert, AlertKind, Cause, Direction, Part};
use crate::unit::{EventTime, Key128};

/// The keys of an alert that are read back; the rest is null or not for people.
#[derive(Deserialize)]
struct Shape {
    id: String,
    kind: String,
    rule: String,
    score: Option<String>,
    direction: String,
    customer_id: String,
    at: String,
    from: Option<String>,
    to: Option<String>,
    value: Option<f64>,
    previous: Option<f64>,
    cause: CauseShape,
    reasons: Vec<Part>,
    model: Model,
    open_since: Option<String>,
    owner: Option<String>,
}

#[derive(Deserialize)]
struct CauseShape {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    topic: Option<String>,
    partition: Option<u32>,
    offset: Option<i64>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    version: u32,
}

impl Alert {
    /// The alert whose JSON is `json`; `None` where that is none.
    pub fn from_json(json: &[u8]) -> Option<Alert> {
        let shape: Shape = serde_json::from_slice(json).ok()?;
        let moment = |text: &str| EventTime::parse(text).ok();
        let directions = [Direction::Worse, Direction::Better, Direction::Faded];
        Some(Alert {
            id: Key128::parse(&shape.id)?,
            kind: *AlertKind::ALL.iter().find(|kind| kind.name() == shape.kind)?,
            rule: shape.rule,
            score: shape.score,
            direction: directions.into_iter().find(|way| way.name() == shape.direction)?,
            customer_id: shape.customer_id,
            at: moment(&shape.at)?,
            from: shape.from,
            to: shape.to,
            value: shape.value,
            previous: shape.previous,
            cause: shape.cause.read()?,
            reasons: shape.reasons,
            model_id: shape.model.id,
            model_version: shape.model.version,
            open_since: match shape.open_since {
                Some(text) => Some(moment(&text)?),
                None => None,
            },
            owner: shape.owner,
        })
    }
}

impl CauseShape {
    fn read(self) -> Option<Cause> {
        Some(match (self.kind.as_str(), self.topic) {
            ("timer", _) => Cause::Timer,
            ("event", None) => Cause::Event { id: self.id? },
            ("event", Some(topic)) => {
                let (partition, offset) = (self.partition?, self.offset?);
                Cause::Record { id: self.id?, topic, partition, offset }
            }
            _ => return None,
        })
    }
}
