//! The room that answers SQL.
//!
//! Shape   a [`Draft`] takes customers, alerts, scores and daily counts and becomes a snapshot: a
//!         folder of Parquet files.
//! Rules   Arrow and Parquet are known here and nowhere else; nothing here is known to scoring.

pub mod columns;
pub mod daily;
mod describe;
pub mod draft;
mod file;
mod lines;
pub mod raw;
mod rows;
pub mod sheet;

pub use daily::Daily;
pub use draft::{Draft, Stand};
