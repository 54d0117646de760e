//! Crossings of floors.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says what it missed and ends"
)]
#![expect(unreachable_pub, reason = "`pub` is what a module offers; nobody sees more of a test")]

mod broker;
mod checkpoint;
mod clock;
#[cfg(feature = "cloud")]
mod cloud;
mod edition;
mod engine;
mod house;
mod journal;
mod kafka;
mod maps;
mod mishap;
mod oracle;
mod played;
mod query;
mod readme;
mod schemas;
mod simulator;
mod smoke;
mod spec;
mod torture;
