//! An alert about all customers together: a number that is watched crossed its line.
//!
//! Shape   the keys of every other alert, in their order; `customer_id`, `score` and `owner` are
//!         null, there are no reasons, and the cause is a snapshot.
//! Source  DESIGN §7, §9, D-6; KT-20 of the specification.

use crate::record::alert::Direction;
use crate::record::pen;
use crate::unit::{EventTime, Key128};

/// A number crossed its line, or came back.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiAlert<'a> {
    /// The watch's name.
    pub rule: &'a str,
    /// Which way.
    pub direction: Direction,
    /// The time of the snapshot that showed it.
    pub at: EventTime,
    /// What the number was.
    pub value: f64,
    /// What it was in the snapshot before, if it was anything.
    pub previous: Option<f64>,
    /// The snapshot's id.
    pub snapshot: &'a str,
    /// The model that judged.
    pub model: (&'a str, u32),
    /// When the alert first rang that a recovery closes.
    pub open_since: Option<EventTime>,
}

impl KpiAlert<'_> {
    /// What the alert is, hashed: as of other alerts, without a customer.
    pub fn id(&self) -> Key128 {
        let mut at = itoa::Buffer::new();
        let at = at.format(self.at.millis()).as_bytes();
        let (from, to) = self.states();
        let (rule, from, to) = (self.rule.as_bytes(), from.as_bytes(), to.as_bytes());
        Key128::of_parts(&[b"", b"kpi", rule, at, from, to, b"0"])
    }

    fn states(&self) -> (&'static str, &'static str) {
        match self.direction {
            Direction::Worse => ("clear", "active"),
            Direction::Better | Direction::Faded => ("active", "clear"),
        }
    }

    /// The JSON of this alert, without a line end.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let (from, to) = self.states();
        out.extend_from_slice(b"{\"id\":\"");
        self.id().write(&mut out);
        out.extend_from_slice(b"\",\"kind\":\"kpi\",\"rule\":");
        pen::text(self.rule, &mut out);
        out.extend_from_slice(b",\"score\":null,\"direction\":");
        pen::text(self.direction.name(), &mut out);
        out.extend_from_slice(b",\"customer_id\":null,\"at\":");
        pen::moment(self.at, &mut out);
        out.extend_from_slice(b",\"from\":");
        pen::text(from, &mut out);
        out.extend_from_slice(b",\"to\":");
        pen::text(to, &mut out);
        out.extend_from_slice(b",\"value\":");
        pen::number_or_null(Some(self.value), &mut out);
        out.extend_from_slice(b",\"previous\":");
        pen::number_or_null(self.previous, &mut out);
        out.extend_from_slice(b",\"cause\":{\"type\":\"snapshot\",\"id\":");
        pen::text(self.snapshot, &mut out);
        out.extend_from_slice(b"},\"reasons\":[],\"playbook\":null,\"model\":{\"id\":");
        pen::text(self.model.0, &mut out);
        out.extend_from_slice(b",\"version\":");
        pen::whole(self.model.1, &mut out);
        out.extend_from_slice(b"},\"open_since\":");
        pen::moment_or_null(self.open_since, &mut out);
        out.extend_from_slice(b",\"owner\":null}");
        out
    }
}
