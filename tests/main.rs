//! Crossings of floors.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod broker;
mod kafka;
