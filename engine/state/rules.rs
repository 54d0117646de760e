//! What every lane goes by: the model and the few settings that scoring hangs on.

use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::unit::Span;

/// The rules of one engine.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The model.
    pub model: Model,
    /// How long an id is remembered against duplicates.
    pub dedup_horizon: Span,
    /// Most entries of one track kept one by one.
    pub exact_events_max: usize,
    /// Whether silence is judged.
    pub timers: Timers,
    /// When scores are published.
    pub publish: Publish,
    /// The input topic, which alerts name as their cause.
    pub topic: Option<String>,
    /// How many lanes a partition has, at least 1.
    pub n_lanes: usize,
}

impl Rules {
    /// The rules of `model` where nothing else is set: on one lane, from no topic, with no scores
    /// going out.
    pub fn plain(model: Model) -> Rules {
        Rules {
            model,
            dedup_horizon: Span::days(1),
            exact_events_max: 4_096,
            timers: Timers::On,
            publish: Publish::Never,
            topic: None,
            n_lanes: 1,
        }
    }
}

/// Whether customers are judged at the instants at which time alone changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timers {
    /// They are.
    On,
    /// Only when one of their events arrives.
    Off,
}

/// When a customer's scores go out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Publish {
    /// Never.
    Never,
    /// When one moved by so many points since it last went out, or a band changed.
    Changes {
        /// The points.
        min_change: f64,
    },
}
