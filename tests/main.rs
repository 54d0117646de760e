//! Crossings of floors.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says what it missed and ends"
)]

mod broker;
mod engine;
mod house;
mod kafka;
mod maps;
mod oracle;
mod played;
mod schemas;
mod smoke;
mod spec;
