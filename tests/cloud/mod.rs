//! Checkpoints in object stores, on servers that nobody here wrote.
//!
//! Shape   `servers` starts them; `stores` does what every store does, `hostile` what goes wrong
//!         there, through a `line` that is cut wherever wanted; `command` asks the program.

mod command;
mod hostile;
mod line;
mod servers;
mod stores;

use std::io::Read;

use ebb::unit::EventTime;
use ebb::wire::store::{Name, Stored};
use ebb::wire::{Fault, Store};

/// The name of a checkpoint of `customer-events`.
fn name(partition: u32, next_offset: i64, now: i64) -> Name {
    let now = EventTime::from_millis(now);
    Name { topic: "customer-events".to_owned(), partition, next_offset, now }
}

/// Puts `bytes` under `name`, in pieces as an engine writes them.
fn write(store: &dyn Store, name: &Name, bytes: &[u8]) -> Result<(), Fault> {
    let mut open = store.create(name)?;
    for piece in bytes.chunks(70_000) {
        open.write(piece)?;
    }
    open.publish()
}

fn read(store: &dyn Store, name: &Name) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.read(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn names(stored: Vec<Stored>) -> Vec<Name> {
    stored.into_iter().map(|stored| stored.name).collect()
}

/// So many bytes, no two parts of them alike.
fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|at| u8::try_from((at / 7 + at / 1_000_003) % 251).unwrap()).collect()
}
