//! Floor 8: settings, the pump that drives the floors below, and what it counted.

pub mod counts;
pub mod pump;
pub mod settings;

pub use counts::Counts;
pub use pump::{Live, Pump, Spread};
pub use settings::Settings;
