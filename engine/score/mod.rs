//! Floor 5: signals, scores and why; bands crossed and alerts rung; what comes next.
//!
//! Shape   [`Verdict`] is what the readings of one instant say; a [`Machine`] remembers what was
//!         said before and turns the difference into [`Ring`]s.

pub mod band;
pub mod forecast;
pub mod held;
pub mod machine;
pub mod orders;
pub mod reasons;
pub mod ring;
pub mod tally;
pub mod trend;
pub mod verdict;
mod weigh;

pub use forecast::{Next, Outlook, Prospect};
pub use machine::{Machine, Mover};
pub use orders::Orders;
pub use ring::{Ring, What};
pub use tally::Tally;
pub use verdict::{Before, Evidence, Judged, Verdict};
