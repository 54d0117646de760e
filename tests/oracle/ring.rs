//! A ring and the alert it becomes.
//!
//! Rules   every key is always there, null where it does not apply; `id` is left to the engine,
//!         for it follows from the others.
//! Source  DESIGN §7 and D-6; P-11, P-12.

use serde_json::{Value, json};

use crate::oracle::crossings::{Cause, Judging};
use crate::oracle::moment;
use crate::oracle::rules::{RISK, SCALES};
use crate::played::DAY;

/// A ring before it is known whether it is kept back.
pub(super) struct Ring {
    pub(super) kind: &'static str,
    pub(super) rule: &'static str,
    pub(super) score: Option<usize>,
    pub(super) direction: &'static str,
    pub(super) from: Option<&'static str>,
    pub(super) to: Option<&'static str>,
    pub(super) value: Option<f64>,
    pub(super) previous: Option<f64>,
    pub(super) open_since: Option<i64>,
    /// None for recoveries: they neither wait nor make others wait.
    pub(super) cooldown: Option<i64>,
}

impl Ring {
    /// A ring that says nothing but what it is; cooldown 7 d.
    pub(super) fn new(kind: &'static str, rule: &'static str) -> Ring {
        Ring {
            kind,
            rule,
            score: None,
            direction: "worse",
            from: None,
            to: None,
            value: None,
            previous: None,
            open_since: None,
            cooldown: Some(7 * DAY),
        }
    }

    /// Something that became active.
    pub(super) fn edge(kind: &'static str, rule: &'static str, value: Option<f64>) -> Ring {
        Ring { from: Some("clear"), to: Some("active"), value, ..Ring::new(kind, rule) }
    }

    /// The alert's JSON; signals, red flags and intents are explained by risk (P-12).
    pub(super) fn to_json(&self, judging: &Judging<'_>) -> Value {
        let cause = match judging.cause {
            Cause::Event { id, .. } => json!({"type": "event", "id": id}),
            Cause::Timer => json!({"type": "timer"}),
        };
        json!({
            "id": null,
            "kind": self.kind,
            "rule": self.rule,
            "score": self.score.map(|score| SCALES[score].name),
            "direction": self.direction,
            "customer_id": judging.customer,
            "at": moment::write(judging.at),
            "from": self.from,
            "to": self.to,
            "value": self.value,
            "previous": self.previous,
            "cause": cause,
            "reasons": judging.judged.reasons(self.score.unwrap_or(RISK)),
            "playbook": null,
            "model": {"id": "default", "version": 1},
            "open_since": self.open_since.map(moment::write),
            "owner": judging.history.owner(judging.at),
        })
    }
}
