//! From arguments and settings to the rules of an engine.
//!
//! Rules   a model, a map and a catalogue are named by a path or by the name of a shipped file;
//!         what stands on the command line wins over the settings.
//! Source  decision D-12.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::cli::{Failure, model};
use crate::cloud::{self, Bucket};
use crate::kafka::client::property_faults;
use crate::model::Model;
use crate::record::map::{Map, shipped as shipped_map};
use crate::run::Settings;
use crate::run::settings::{Layers, Refused, Timers};
use crate::state::rules::Publish;
use crate::state::{Rules, TimersSwitch};
use crate::wire::{Directory, Store};

/// The name of the catalogue that comes with the program.
const SHIPPED_CATALOG: &str = "catalog";

/// Where rules come from.
#[derive(Args, Clone, Debug)]
pub struct Sources {
    /// Settings file; it holds only what differs from the defaults
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Model: a path, or the name of a shipped one (default, bench)
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// One setting that wins over the file and the environment
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Everything that scoring goes by.
pub struct Setup {
    /// The settings.
    pub settings: Settings,
    /// The model.
    pub model: Model,
    /// The map, where the input is a platform's own.
    pub map: Option<Map>,
}

impl Sources {
    /// Reads the settings, the map (`map` wins over the settings), the catalogue and the model.
    ///
    /// # Errors
    ///
    /// Exit 3 with every fault of the first of them that has any.
    pub fn read(&self, map: Option<&str>) -> Result<Setup, Failure> {
        let settings = self.settings()?;
        let map = match map.or(settings.map.as_deref()) {
            Some(name) => Some(read_map(name)?),
            None => None,
        };
        let name = self.model.as_deref().unwrap_or(&settings.model);
        let sources = map.as_ref().map(|map| map.sources.as_slice());
        let catalog = Some(settings.catalog.as_str()).filter(|name| *name != SHIPPED_CATALOG);
        let model = model::load(name, catalog, sources)?;
        Ok(Setup { settings, model, map })
    }

    /// Reads the settings alone.
    ///
    /// # Errors
    ///
    /// Exit 3 with every fault.
    pub fn settings(&self) -> Result<Settings, Failure> {
        settings(self.settings.as_deref(), self.set.clone())
    }
}

impl Setup {
    /// The rules of an engine that publishes scores if `publish` says so.
    pub fn rules(&self, publish: Publish, topic: Option<String>) -> Rules {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Rules {
            model: self.model.clone(),
            dedup_horizon: self.settings.dedup_horizon,
            exact_events_max: self.settings.exact_events_max,
            timers: match self.settings.clock.timers {
                Timers::On => TimersSwitch::On,
                Timers::Off => TimersSwitch::Off,
            },
            publish,
            topic,
            n_lanes: self.settings.lanes.map_or(cores, std::num::NonZero::get),
        }
    }

    /// Publishing as the settings have it.
    pub fn publish(&self) -> Publish {
        Publish::Changes { min_change: self.settings.score_change_min.get() }
    }
}

/// Reads the settings in `file`, if there is one, under the environment and `flags`.
///
/// # Errors
///
/// Exit 3 with every fault, those of properties included that only librdkafka and the object stores
/// can find.
pub fn settings(file: Option<&Path>, flags: Vec<String>) -> Result<Settings, Failure> {
    // A variable that is no text is none of ours.
    let texts = |(name, text): (OsString, OsString)| {
        Some((name.into_string().ok()?, text.into_string().ok()?))
    };
    let layers = Layers { env: std::env::vars_os().filter_map(texts).collect(), flags };
    let settings = Settings::read(file, &layers);
    let settings = settings.and_then(|settings| {
        let faults = [property_faults(&settings), cloud::property_faults(&settings)].concat();
        if faults.is_empty() { Ok(settings) } else { Err(Refused::Faults(faults)) }
    });
    settings.map_err(|refused| Failure::settings(refused.to_string()))
}

/// The place of the checkpoints of the group that `settings` name.
///
/// # Errors
///
/// Exit 3 where too little is set to reach the object store that `checkpoint.folder` names.
pub fn store(settings: &Settings) -> Result<Arc<dyn Store>, Failure> {
    let folder = settings.checkpoint.folder.trim_end_matches('/');
    // Groups share a place without a word, and each has scores of its own.
    let group: String = settings.input.group.chars().map(as_name).collect();
    store_at(&format!("{folder}/{group}"), settings)
}

/// The checkpoints at `place`: a path, a `file://` URL or the URL of an object store, which is
/// reached as `settings` have it.
///
/// # Errors
///
/// Exit 3 where it is no place for checkpoints, or too little is set to reach it.
pub fn store_at(place: &str, settings: &Settings) -> Result<Arc<dyn Store>, Failure> {
    let path = place.strip_prefix("file://").unwrap_or(place);
    if path.contains("://") {
        let bucket = Bucket::open(place, &settings.checkpoint.properties, settings.retry);
        return match bucket {
            Ok(bucket) => Ok(Arc::new(bucket)),
            Err(fault) => Err(Failure::settings(fault.to_string())),
        };
    }
    Ok(Arc::new(Directory::new(path)))
}

/// A character of a group's name as a part of a folder's: no two names become the same.
fn as_name(letter: char) -> String {
    if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_') {
        letter.to_string()
    } else {
        format!("%{:x}.", u32::from(letter))
    }
}

/// Reads the map called `name`, or at that path.
fn read_map(name: &str) -> Result<Map, Failure> {
    let text = match shipped_map(name) {
        Some(text) => text.to_owned(),
        None => std::fs::read_to_string(name).map_err(|error| {
            Failure::failed(format!(
                "cannot read the map: {name}: {error}; wanted a file, or one of socialnet7, \
                 ravenstack"
            ))
        })?,
    };
    Map::parse(&text).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
        let noun = if faults.len() == 1 { "fault" } else { "faults" };
        let n_faults = faults.len();
        Failure::settings(format!(
            "cannot use the map {name}: {n_faults} {noun}\n{}",
            lines.join("\n")
        ))
    })
}
