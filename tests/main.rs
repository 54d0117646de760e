//! Crossings of floors.
#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it missed and ends")]

mod engine;
mod played;
mod schemas;
mod smoke;
mod spec;
