//! A ring, before it is put into words.

use crate::model::Model;
use crate::record::alert::{AlertKind, Direction};
use crate::unit::EventTime;

/// What rang, by indices into the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An event that announces the end.
    Intent(usize),
    /// A signal became active.
    Signal(usize),
    /// A red flag became active.
    Flag(usize),
    /// The held band of a score moved.
    Band {
        /// Which score.
        score: usize,
        /// From which band; `None` is null.
        from: Option<u8>,
        /// To which band.
        to: u8,
    },
    /// A score fell.
    Drop(usize),
}

/// One ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ring {
    /// What rang.
    pub what: What,
    /// Which way.
    pub direction: Direction,
    /// The score, measure, floor or trend.
    pub value: Option<f64>,
    /// The score before it last changed.
    pub previous: Option<f64>,
    /// When the alert that this one continues or closes first rang.
    pub open_since: Option<EventTime>,
    /// How many alike rang at the same instant before.
    pub repetition: u32,
}

impl What {
    /// The kind of alert.
    pub fn kind(self) -> AlertKind {
        match self {
            What::Intent(_) => AlertKind::CancellationIntent,
            What::Signal(_) => AlertKind::Signal,
            What::Flag(_) => AlertKind::RedFlag,
            What::Band { .. } => AlertKind::Band,
            What::Drop(_) => AlertKind::Drop,
        }
    }

    /// The name of what rang.
    pub fn rule(self, model: &Model) -> &str {
        let score = |index: usize| model.scores.get(index).map(|score| score.name.as_str());
        let name = match self {
            What::Intent(index) => model.intents.get(index).map(|intent| intent.id.as_str()),
            What::Signal(index) => model.signals.get(index).map(|signal| signal.id.as_str()),
            What::Flag(index) => model.flags.get(index).map(|flag| flag.id.as_str()),
            What::Band { score: index, .. } | What::Drop(index) => score(index),
        };
        name.unwrap_or_default()
    }

    /// The score that rang, if one did.
    pub fn score(self) -> Option<usize> {
        match self {
            What::Band { score, .. } | What::Drop(score) => Some(score),
            What::Intent(_) | What::Signal(_) | What::Flag(_) => None,
        }
    }

    /// The score whose explanation goes with it.
    pub fn explained_by(self, model: &Model) -> usize {
        let of = match self {
            What::Intent(index) => model.intents.get(index).map(|intent| intent.score),
            What::Signal(index) => model.signals.get(index).map(|signal| signal.score),
            What::Flag(index) => model.flags.get(index).map(|flag| flag.score),
            What::Band { score, .. } | What::Drop(score) => Some(score),
        };
        of.unwrap_or_default()
    }

    /// The names before and after: bands, `clear` and `active`, or nothing.
    pub fn ends(self, model: &Model) -> (Option<&str>, Option<&str>) {
        match self {
            What::Signal(_) | What::Flag(_) => (Some("clear"), Some("active")),
            What::Intent(_) | What::Drop(_) => (None, None),
            What::Band { score, from, to } => {
                let name = |band: u8| {
                    let bands = &model.scores.get(score)?.bands;
                    bands.get(usize::from(band)).map(|band| band.name.as_str())
                };
                (from.and_then(name), name(to))
            }
        }
    }

    /// What a cooldown goes by: kind, rule and target.
    pub(crate) fn cooldown_key(self) -> u32 {
        let (rule, to) = match self {
            What::Intent(index) | What::Signal(index) | What::Flag(index) | What::Drop(index) => {
                (index, 0)
            }
            What::Band { score, to, .. } => (score, to),
        };
        let kind = self.kind() as u32;
        kind << 24 | u32::try_from(rule).unwrap_or(0xFFFF) << 8 | u32::from(to)
    }

    /// What makes two rings of one instant alike: the cooldown's key and the band before.
    pub(crate) fn identity(self) -> u64 {
        let from = match self {
            What::Band { from: Some(from), .. } => u64::from(from) + 1,
            _ => 0,
        };
        from << 32 | u64::from(self.cooldown_key())
    }
}
