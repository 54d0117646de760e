//! Floor 8: settings, and what drives the floors below.

pub mod settings;

pub use settings::Settings;
