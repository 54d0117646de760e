//! Ebb scores every customer's risk of leaving on every event, and rings at the exact moment a
//! score crosses a line, even when that moment is silence.
//!
//! The modules are the floors of one house, in the order in which a record walks through them; a
//! floor uses those above it in this list, never one below or beside.

pub mod unit;

pub mod record;

pub mod model;

pub mod window;

pub mod score;

pub mod state;

pub mod wire;

pub mod run;

#[cfg(feature = "cloud")]
pub mod cloud;

#[cfg(not(feature = "cloud"))]
#[path = "cloud/absent.rs"]
pub mod cloud;

#[cfg(feature = "kafka")]
pub mod kafka;

#[cfg(feature = "sql")]
pub mod query;

#[cfg(all(feature = "kafka", feature = "sql"))]
pub mod cli;
