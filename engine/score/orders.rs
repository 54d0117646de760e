//! What people ordered for one customer: overrides and snoozes (E34).
//!
//! Rules   of the overrides of a score only the newest by event time counts, even when it is
//!         over; snoozes add up.
//! Source  readings of the specification.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::model::Model;
use crate::record::{Event, Field, Kind};
use crate::unit::{EventTime, Key, Points, Span};

/// A score set by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Override {
    score: usize,
    /// From when.
    pub from: EventTime,
    /// Until when; `NEVER` is until replaced.
    pub until: EventTime,
    /// To what; `None` clears.
    pub value: Option<Points>,
    /// By whom.
    pub by: Option<Box<str>>,
    /// Why.
    pub reason: Option<Box<str>>,
}

/// Alerts kept back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Snooze {
    rule: Option<Key>,
    from: EventTime,
    until: EventTime,
}

/// All orders for one customer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Orders {
    overrides: ThinVec<Override>,
    snoozes: ThinVec<Snooze>,
}

/// Most snoozes remembered; the oldest beyond it are forgotten.
const SNOOZES_MAX: usize = 1_024;

impl Orders {
    /// Whether an event of `kind` orders anything.
    pub fn concerns(kind: Kind) -> bool {
        matches!(kind, Kind::ScoreOverride | Kind::AlertSnoozed)
    }

    /// Takes in what `event` orders, as of `now`.
    pub fn apply(&mut self, event: &Event<'_>, model: &Model, now: EventTime) {
        let ttl = event.number(Field::Ttl).map(|ttl| Span::millis(ttl.get() / 1_000_000));
        let until = event
            .moment(Field::Until)
            .or(ttl.map(|ttl| event.time.plus(ttl)))
            .unwrap_or(EventTime::NEVER);
        if event.kind == Kind::AlertSnoozed {
            let rule = event.text(Field::Rule).map(|rule| Key::of(rule.as_bytes()));
            self.snoozes.retain(|snooze| now < snooze.until);
            let excess = (self.snoozes.len() + 1).saturating_sub(SNOOZES_MAX);
            self.snoozes.drain(..excess);
            self.snoozes.push(Snooze { rule, from: event.time, until });
            return;
        }
        let name = event.text(Field::Score).unwrap_or("risk");
        let Some(score) = model.scores.iter().position(|score| score.name == name) else { return };
        let order = Override {
            score,
            from: event.time,
            until,
            value: event.number(Field::Value).map(|value| Points::new(value.to_f64())),
            by: event.text(Field::By).map(Box::from),
            reason: event.text(Field::Reason).map(Box::from),
        };
        match self.overrides.iter_mut().find(|known| known.score == score) {
            Some(known) if known.from <= order.from => *known = order,
            Some(_) => {}
            None => self.overrides.push(order),
        }
    }

    /// The override of `score` that holds at `now`.
    pub fn in_force(&self, score: usize, now: EventTime) -> Option<&Override> {
        self.overrides.iter().find(|order| {
            order.score == score && order.from <= now && now < order.until && order.value.is_some()
        })
    }

    /// Whether an alert of `rule` is kept back at `now`.
    pub fn is_snoozed(&self, rule: &str, now: EventTime) -> bool {
        let applies =
            |snooze: &Snooze| snooze.rule.is_none_or(|key| key == Key::of(rule.as_bytes()));
        self.snoozes
            .iter()
            .any(|snooze| snooze.from <= now && now < snooze.until && applies(snooze))
    }
}
