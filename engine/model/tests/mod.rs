//! What loads, what does not, and what the shipped models say.

mod compiled;
mod faults;
mod faults_files;
mod faults_scores;
mod shipped_bands;
mod shipped_signals;
mod shipped_sums;
mod sound;

use crate::model::{Measure, Model, Signal, load, shipped, words};

/// The model in `text` with the shipped catalogue, or its faults as lines.
fn loaded(text: &str) -> Result<Model, Vec<String>> {
    load(text, shipped::CATALOG, None)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The default model.
fn default_model() -> Result<Model, Vec<String>> {
    loaded(shipped::DEFAULT)
}

fn measure<'m>(model: &'m Model, name: &str) -> Option<&'m Measure> {
    model.measures.iter().find(|measure| measure.name == name)
}

fn signal<'m>(model: &'m Model, id: &str) -> Option<&'m Signal> {
    model.signals.iter().find(|signal| signal.id == id)
}

/// What measure `name` is.
fn is(model: &Model, name: &str) -> String {
    let at = model.measures.iter().position(|measure| measure.name == name);
    at.map(|at| words::measure(model, at)).unwrap_or_default()
}

#[test]
fn the_shipped_models_load() -> Result<(), Vec<String>> {
    for (_, text) in shipped::MODELS {
        loaded(text)?;
    }
    Ok(())
}
