//! From arguments and settings to the rules of an engine.
//!
//! Rules   a model, a map and a catalogue are named by a path or by the name of a shipped file;
//!         what stands on the command line wins over the settings.
//! Source  decision D-12.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Failure;
use crate::model::{Model, load, shipped};
use crate::record::Kind;
use crate::record::map::{Map, shipped as shipped_map};
use crate::run::Settings;
use crate::run::settings::{Layers, Timers};
use crate::state::rules::Publish;
use crate::state::{Rules, TimersSwitch};
use crate::unit::EventTime;

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
        let layers = Layers { env: std::env::vars().collect(), flags: self.set.clone() };
        let settings = Settings::read(self.settings.as_deref(), &layers)
            .map_err(|refused| Failure::settings(refused.to_string()))?;
        let map = match map.or(settings.map.as_deref()) {
            Some(name) => Some(read_map(name)?),
            None => None,
        };
        let name = self.model.as_deref().unwrap_or(&settings.model);
        let sources = map.as_ref().map(|map| map.sources.as_slice());
        let model = read_model(name, &settings.catalog, sources)?;
        Ok(Setup { settings, model, map })
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

/// The text of the shipped file called `name`, or of the file at that path.
fn text_of(name: &str, shipped: Option<&str>, what: &str, names: &str) -> Result<String, Failure> {
    if let Some(text) = shipped {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(Path::new(name)).map_err(|error| {
        Failure::settings(format!(
            "cannot read the {what}: {name}: {error}; wanted a path, or the name of a shipped \
             one: {names}"
        ))
    })
}

/// Loads the model called `name`, or at that path.
///
/// # Errors
///
/// Exit 3 with every fault of the model and the catalogue.
pub fn read_model(
    name: &str,
    catalog: &str,
    sources: Option<&[(Kind, Option<EventTime>)]>,
) -> Result<Model, Failure> {
    let names: Vec<&str> = shipped::MODELS.iter().map(|(name, _)| *name).collect();
    let text = text_of(name, shipped::find(name), "model", &names.join(", "))?;
    let shipped_catalog = (catalog == "catalog").then_some(shipped::CATALOG);
    let catalog_text = text_of(catalog, shipped_catalog, "catalogue", "catalog")?;
    load(&text, &catalog_text, sources).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
        let noun = if faults.len() == 1 { "fault" } else { "faults" };
        let n_faults = faults.len();
        Failure::settings(format!(
            "cannot use the model {name}: {n_faults} {noun}\n{}",
            lines.join("\n")
        ))
    })
}

/// Reads the map called `name`, or at that path.
fn read_map(name: &str) -> Result<Map, Failure> {
    let text = text_of(name, shipped_map(name), "map", "socialnet7, ravenstack")?;
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
