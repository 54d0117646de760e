//! The room that answers SQL.
//!
//! Shape   one side writes snapshots: a [`Draft`] takes customers, alerts, scores and daily
//!         counts and becomes a folder of Parquet files; a [`Gazette`] makes one after the other of
//!         what a running engine tells. The other side reads them: SQL runs in a process of its
//!         own, which gets a question, answers it and ends; or in one of a pool of such processes
//!         behind the doors that clients know.
//! Rules   Arrow, Parquet and DataFusion are known here and nowhere else; nothing here is known
//!         to scoring.

mod asker;
pub mod attend;
mod bind;
pub mod catalog;
mod chain;
pub mod columns;
mod current;
pub mod daily;
mod describe;
pub mod desk;
pub mod doors;
pub mod draft;
mod file;
pub mod forgotten;
pub mod form;
mod frame;
pub mod functions;
pub mod gazette;
pub mod guard;
mod kpis;
mod lift;
mod lines;
pub mod pool;
pub mod process;
pub mod raw;
pub mod refused;
mod retain;
mod rows;
pub mod sheet;
pub mod shelf;
pub mod spot;
mod tables;
mod view;
mod views;

pub use asker::FolderAsker;
pub use daily::Daily;
pub use desk::Desk;
pub use draft::{Draft, Stand};
pub use form::Form;
pub use gazette::Gazette;
pub use refused::Refused;
