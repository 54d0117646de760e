//! Floor 8: settings, the pump that drives the floors below, what it counted, and the service
//! that keeps it going: recovery, commits, checkpoints.

pub mod counts;
mod course;
mod keeper;
pub mod pump;
mod reading;
mod recovery;
pub mod service;
pub mod settings;
mod share;
mod steps;

pub use counts::Counts;
pub use course::Journal;
pub use pump::{Live, Pump, Spread};
pub use service::{Service, Tools, Workers};
pub use settings::Settings;
