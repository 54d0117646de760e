//! Floor 8: settings, the pump that drives the floors below, what it counted, and the service
//! that keeps it going: recovery, commits, checkpoints, snapshots.

mod archive;
pub mod counts;
mod course;
mod jump;
mod keeper;
pub mod memory;
pub mod press;
pub mod pump;
mod reading;
mod recovery;
mod relay;
pub mod service;
pub mod settings;
mod share;
mod steps;
mod watch;
mod witness;

pub use counts::Counts;
pub use course::Journal;
pub use press::{Count, News, Press, Publisher, Reach, Standing};
pub use pump::Pump;
pub use reading::{Live, Spread};
pub use relay::Relay;
pub use service::{Service, Tools, Workers};
pub use settings::Settings;
pub use watch::Asker;
pub use witness::Witness;
