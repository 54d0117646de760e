//! Floor 6: all customers.
//!
//! Shape   an [`Engine`] has partitions, a partition has lanes, a lane has a book of customers
//!         and their timers. [`step`](step::step) moves one customer through one event or one
//!         instant: it is the spine of the house.

pub mod book;
pub mod customer;
pub mod engine;
pub mod lanes;
pub mod output;
pub mod row;
pub mod rules;
pub mod seen;
pub mod step;
pub mod timers;

pub use engine::{Applied, Arrival, Engine, Fate};
pub use output::{Output, Provenance};
pub use row::{About, Row, SignalCell};
pub use rules::{Rules, Timers as TimersSwitch};
