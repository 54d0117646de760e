//! The settings: written once, believed once.
//!
//! Shape   `raw` gathers what was written, in the order defaults, file, environment, flags;
//!         `check` turns it into [`Settings`], which cannot be wrong, or lists all faults.
//! Rules   `config/ebb.toml` holds every key with its unit, range and reason and is compiled in.
//!         Secrets are masked wherever settings are shown.
//! Errors  [`Refused`] says where each fault stands, what was found and what was wanted.

mod check;
mod raw;
mod secret;
mod sql;
mod watches;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::unit::{Points, Span};

pub use raw::DEFAULTS;
pub use sql::SqlRules;
pub use watches::{Line, WatchRule};

/// Everything a user can decide, checked.
#[derive(Clone)]
pub struct Settings {
    /// The plans and their features: a path or a shipped file's name.
    pub catalog: String,
    /// The model: a path or a shipped model's name.
    pub model: String,
    /// The map: a path or a shipped map's name; `None` for events in Ebb's own form.
    pub map: Option<String>,
    /// How outputs and offsets hang together.
    pub delivery: Delivery,
    /// Where events come from.
    pub input: Input,
    /// Where outputs go.
    pub output: Output,
    /// The journal's topic.
    pub journal: String,
    /// How state is saved.
    pub checkpoint: CheckpointRules,
    /// How snapshots are published; `None` where none are.
    pub snapshots: Option<SnapshotRules>,
    /// What is watched over all customers.
    pub watches: Vec<WatchRule>,
    /// What to do where neither a checkpoint nor the first events are there.
    pub missing: Missing,
    /// How to reach the cluster.
    pub kafka: Kafka,
    /// How time passes.
    pub clock: ClockRules,
    /// For how long an event's id is remembered.
    pub dedup_horizon: Span,
    /// Most events of one kind that a customer's window holds exactly.
    pub exact_events_max: usize,
    /// The least change of a score that is written.
    pub score_change_min: Points,
    /// The threads that score; `None` for one a core.
    pub lanes: Option<NonZeroUsize>,
    /// How much is taken at once, and how long to wait for it.
    pub batch: BatchRules,
    /// The least time between two commits.
    pub commit_interval: Span,
    /// After how long the brokers give up a transaction.
    pub transaction_timeout: Span,
    /// What to do while the broker is away.
    pub retry: Retry,
    /// Who may ask questions, and what they may take.
    pub sql: SqlRules,
    /// How long a stop may take.
    pub halt_deadline: Span,
    raw: raw::Raw,
}

/// How outputs and offsets hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Alerts at once, offsets after their alerts; repeated alerts carry the same id.
    EffectivelyOnce,
    /// Alerts and offsets in one transaction.
    ExactlyOnce,
}

/// How state is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRules {
    /// Where to: a path or a URL.
    pub folder: String,
    /// How often each partition is.
    pub interval: Span,
    /// How many checkpoints of each partition are kept.
    pub keep: usize,
    /// What is passed on to the object store, where the place is one.
    pub properties: Properties,
}

/// How snapshots are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRules {
    /// Where to.
    pub folder: PathBuf,
    /// How often.
    pub interval: Span,
    /// How often with every customer.
    pub complete: Span,
    /// For how long complete ones are kept.
    pub keep: Span,
    /// For how long tables of what happened go back.
    pub history: Span,
}

/// What to do at a start where a part of the past is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// End with exit code 6.
    Stop,
    /// Start from what there is.
    GoOn,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The topic of events.
    pub topic: String,
    /// The consumer group.
    pub group: String,
}

/// Where outputs go: topics different from each other and from the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Alerts.
    pub alerts: String,
    /// Latest scores, compacted.
    pub scores: String,
    /// Records that are no events.
    pub rejects: String,
    /// Receipts of erasures.
    pub receipts: String,
}

/// How to reach the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kafka {
    /// `host:port`, several with commas between.
    pub brokers: String,
    /// The name that brokers log.
    pub client_id: String,
    /// Static membership, if wanted.
    pub instance_id: Option<String>,
    /// The file that holds a fresh token for SASL/OAUTHBEARER, if that is wanted.
    pub oauth_token_file: Option<PathBuf>,
    /// What is passed on to librdkafka.
    pub properties: Properties,
}

/// Properties of librdkafka or of an object store; shown with their secrets masked.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockRules {
    /// Whether the wall clock has a say.
    pub mode: ClockMode,
    /// How far behind the wall clock a partition's time is kept.
    pub delay: Span,
    /// How far ahead of the wall clock an event may be.
    pub ahead_max: Span,
    /// How little ahead still counts as now.
    pub skew: Span,
    /// Whether silence rings.
    pub timers: Timers,
}

/// Whether the wall clock has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// It moves the time of partitions that are caught up.
    Live,
    /// Event time only.
    Replay,
}

/// Whether silence rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timers {
    /// Customers are judged at the instant at which something changes.
    On,
    /// Customers are judged only when one of their own events arrives.
    Off,
}

/// How much is taken at once, and how long to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRules {
    /// Most records of a batch.
    pub records_max: usize,
    /// How long to wait when nothing is there.
    pub wait: Span,
}

/// What to do while the broker is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all, the first one included.
    pub tries_max: u32,
    /// The wait before the second try; it doubles from try to try.
    pub wait_first: Span,
    /// The longest wait.
    pub wait_max: Span,
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `config/ebb.toml`, as compiled in.
    Default,
    /// The user's file.
    File(String),
    /// An environment variable.
    Env(String),
    /// A flag.
    Flag,
}

/// One value that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, dotted, or the line where the file cannot be read.
    pub key: String,
    /// What stands there; masked if it is a secret.
    pub found: String,
    /// What would be right.
    pub wanted: String,
    /// Where it stands.
    pub place: Place,
}

/// Settings that cannot be used; nothing was started.
#[derive(Debug, Error)]
pub enum Refused {
    /// The file cannot be read.
    #[error("cannot read settings: {file}: {source}; wanted a readable file")]
    Unreadable {
        /// Which file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Faults, all of them.
    #[error("{}", list(.0))]
    Faults(Vec<Fault>),
}

/// What lies over the defaults, lowest first.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Environment variables; those that are not ours are passed over.
    pub env: Vec<(String, String)>,
    /// `key=value`, as flags give them.
    pub flags: Vec<String>,
}

impl Settings {
    /// Reads `file`, if there is one, and lays it and `layers` over the defaults.
    ///
    /// # Errors
    ///
    /// [`Refused`] with every fault there is.
    pub fn read(file: Option<&Path>, layers: &Layers) -> Result<Settings, Refused> {
        let Some(path) = file else { return Settings::from_text(None, layers) };
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Settings::from_text(Some((&name, &text)), layers),
            Err(source) => Err(Refused::Unreadable { file: name, source }),
        }
    }

    /// Lays `file`, given as its name and text, and `layers` over the defaults.
    ///
    /// # Errors
    ///
    /// [`Refused`] with every fault there is.
    pub fn from_text(file: Option<(&str, &str)>, layers: &Layers) -> Result<Settings, Refused> {
        let mut faults = Vec::new();
        let mut raw = raw::Raw::defaults().map_err(|fault| Refused::Faults(vec![fault]))?;
        if let Some((name, text)) = file {
            raw.lay_file(name, text, &mut faults);
        }
        for (name, text) in &layers.env {
            raw.lay_env(name, text, &mut faults);
        }
        for text in &layers.flags {
            raw.lay_flag(text, &mut faults);
        }
        match check::check(raw, faults) {
            Ok(settings) => Ok(settings),
            Err(faults) => Err(Refused::Faults(faults)),
        }
    }

    /// Where the value of `key` was given, for faults that only a later check can find.
    pub fn place(&self, key: &str) -> Place {
        self.raw.values.get(key).map_or(Place::Default, |given| given.place.clone())
    }
}

/// All keys as they hold, as a settings file, secrets masked.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.raw, f)
    }
}

/// The same as when shown: a derived form would print secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.raw, f)
    }
}

impl Properties {
    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Properties {
        Properties(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = self.iter().map(|(name, value)| {
            let is_secret = |table| secret::is_secret(&format!("{table}.{name}"));
            (name, if raw::FREE.iter().any(is_secret) { "***" } else { value })
        });
        f.debug_map().entries(masked).finish()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Default => f.write_str("the defaults"),
            Place::File(name) | Place::Env(name) => f.write_str(name),
            Place::Flag => f.write_str("--set"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: wanted {}", self.key, self.found, self.wanted)
    }
}

/// One line that counts the faults, then one for each; their place once if they share it.
fn list(faults: &[Fault]) -> String {
    let noun = if faults.len() == 1 { "setting" } else { "settings" };
    let verb = if faults.len() == 1 { "is" } else { "are" };
    let place = faults.first().map(|fault| &fault.place);
    let shared = place.filter(|place| faults.iter().all(|fault| fault.place == **place));
    let mut text = format!("cannot start: {} {noun}", faults.len());
    if let Some(place) = shared {
        text += &format!(" in {place}");
    }
    text += &format!(" {verb} wrong");
    for fault in faults {
        match shared {
            Some(_) => text += &format!("\n  {fault}"),
            None => text += &format!("\n  {}: {fault}", fault.place),
        }
    }
    text
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
