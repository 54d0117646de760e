//! Checkpoints in object stores, on servers that nobody here wrote.
//!
//! Shape   `servers` starts them; `stores` does what every store does, `hostile` what goes wrong
//!         there, through a `line` that is cut wherever wanted; `command` asks the program.

mod command;
#[path = "../../engine/wire/store/contract.rs"]
mod contract;
mod hostile;
pub(crate) mod line;
pub(crate) mod servers;
mod stores;

use ebb::unit::EventTime;
use ebb::wire::store::{Name, Stored, retain};
use ebb::wire::{Fault, Store};

/// So many bytes, no two parts of them alike.
fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|at| u8::try_from((at / 7 + at / 1_000_003) % 251).unwrap()).collect()
}
