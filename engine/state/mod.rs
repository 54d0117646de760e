//! Floor 6: all customers.
//!
//! Shape   an [`Engine`] has partitions, a partition has lanes, a lane has a book of customers
//!         and their timers. [`step`](step::step) moves one customer through one event or one
//!         instant: it is the spine of the house.

pub mod arrival;
pub mod book;
pub mod checkpoint;
pub mod customer;
pub mod edition;
pub mod engine;
pub mod erased;
pub mod lanes;
pub mod output;
mod plan;
pub mod row;
pub mod rules;
pub mod seen;
pub mod step;
pub mod timers;

pub use arrival::{Applied, Arrival, Fate};
pub use checkpoint::{Header, Progress, Refusal, Restored, restore};
pub use edition::{Copied, Whom};
pub use engine::Engine;
pub use output::{Output, Provenance, Rung};
pub use row::{About, Row, SignalCell};
pub use rules::{Rules, Timers as TimersSwitch};
