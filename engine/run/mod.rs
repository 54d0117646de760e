//! Floor 8: settings, the pump that drives the floors below, and what it counted.

pub mod counts;
mod course;
pub mod pump;
mod reading;
pub mod settings;

pub use counts::Counts;
pub use course::Journal;
pub use pump::{Live, Pump, Spread};
pub use settings::Settings;
