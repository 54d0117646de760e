//! What stands at the head of a checkpoint: of which partition, as of when, under which rules.

use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::model::facts::{Fact, facts};
use crate::record::Kind;
use crate::state::checkpoint::refusal::Refusal;
use crate::state::rules::{Rules, Timers};
use crate::unit::{EventTime, Key, Span};

/// Whose state it is, as of when, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The input topic; `None` where the input is none.
    pub topic: Option<String>,
    /// The partition.
    pub partition: u32,
    /// Where in the world outside it stands.
    pub mark: Mark,
    /// The partition's `now`.
    pub now: EventTime,
    /// The `now` that a replay of the records and the journal up to here would have.
    pub retold: EventTime,
    /// The rules that the state rests on.
    pub print: Print,
    /// How many customers it holds.
    pub n_customers: u64,
}

/// Where a checkpoint stands in the world outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The first record that is not in it.
    pub next_offset: i64,
    /// How many partitions the input had: by their number customers find theirs.
    pub n_partitions: u32,
    /// The place in the journal behind every note that speaks of what is in it.
    pub journal: i64,
    /// How many events of the partition came before, whatever became of them.
    pub n_events: u64,
}

/// The rules that a state rests on, short enough to be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// The model's id.
    pub model_id: String,
    /// The model's version.
    pub model_version: u32,
    /// The key of everything that the model and the catalogue say.
    pub model: Key,
    /// How long ids are remembered.
    pub dedup_horizon: Span,
    /// Most entries kept one by one.
    pub exact_events_max: u64,
    /// Whether silence is judged.
    pub timers: Timers,
}

impl Print {
    /// The print of `rules`.
    pub fn of(rules: &Rules) -> Print {
        Print {
            model_id: rules.model.id.clone(),
            model_version: rules.model.version,
            model: key_of(&rules.model),
            dedup_horizon: rules.dedup_horizon,
            exact_events_max: rules.exact_events_max as u64,
            timers: rules.timers,
        }
    }

    /// Compares the print of a checkpoint with that of the rules in force.
    ///
    /// # Errors
    ///
    /// [`Refusal::OtherRules`] with the first difference.
    pub(crate) fn check(&self, wanted: &Print) -> Result<(), Refusal> {
        let model = |print: &Print| format!("{} version {}", print.model_id, print.model_version);
        let max = |print: &Print| print.exact_events_max.to_string();
        let timers = |print: &Print| match print.timers {
            Timers::On => "on".to_owned(),
            Timers::Off => "off".to_owned(),
        };
        let horizon = |print: &Print| print.dedup_horizon.to_string();
        let rows: [(&'static str, String, String); 4] = [
            ("model", model(self), model(wanted)),
            ("dedup.horizon", horizon(self), horizon(wanted)),
            ("window.exact_events_max", max(self), max(wanted)),
            ("clock.timers", timers(self), timers(wanted)),
        ];
        if let Some((key, found, wanted)) = rows.into_iter().find(|(_, a, b)| a != b) {
            return Err(Refusal::OtherRules { key, found, wanted });
        }
        if self.model != wanted.model {
            let found = format!("another text of {}", model(self));
            let wanted = format!("the one in force ({:016x})", wanted.model.bits());
            return Err(Refusal::OtherRules { key: "model", found, wanted });
        }
        Ok(())
    }
}

/// The key of everything that `model` says, and of the places where a customer's history keeps it.
///
/// By meaning and in words: comments and spaces make no difference, nor does a program in which
/// the vocabulary has grown.
fn key_of(model: &Model) -> Key {
    let mut text = String::new();
    for Fact { about, what, says } in facts(model) {
        text += &format!("{about}.{what} = {says}\n");
    }
    text += &format!("{:?}\n{:?}\n", model.purposes, model.tracks);
    for (kind, feeds) in Kind::ALL.iter().zip(&model.feeds).filter(|(_, feeds)| !feeds.is_empty()) {
        text += &format!("{} {feeds:?}\n", kind.name());
    }
    Key::of(text.as_bytes())
}
