//! The models and the catalogue that come with the program.

/// The full model: SPEC §1 to §4.
pub const DEFAULT: &str = include_str!("../../config/models/default.toml");

/// The reduced model for comparing engines.
pub const BENCH: &str = include_str!("../../config/models/bench.toml");

/// The catalogue: features per plan.
pub const CATALOG: &str = include_str!("../../config/catalog.toml");

/// The shipped models by name.
pub const MODELS: &[(&str, &str)] = &[("default", DEFAULT), ("bench", BENCH)];

/// The text of the shipped model called `name`.
pub fn find(name: &str) -> Option<&'static str> {
    MODELS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
