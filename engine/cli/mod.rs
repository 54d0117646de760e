//! Roof: arguments, wiring, exit codes.

pub mod failure;
pub mod model;
pub mod table;

pub use failure::Failure;
