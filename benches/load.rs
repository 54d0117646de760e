//! A load for an engine.

use ebb::model::{load, shipped};
use ebb::record::{Decoded, decode};
use ebb::state::{Arrival, Engine, Rules};
use ebb::wire::generate::{END, Flavour, Generator, Plan, Shares};

/// `events` events of so many `customers` in 120 days.
pub(crate) fn plan(customers: u32, events: u64, flavour: Flavour) -> Plan {
    let shares = Shares::default();
    Plan { customers, events, days: 120, seed: 1, shares, flavour, end: END }
}

/// An engine with one partition for the model in `text`, if that is one.
pub(crate) fn engine(text: &str, n_lanes: usize) -> Option<Engine> {
    let model = load(text, shipped::CATALOG, None).ok()?;
    Some(Engine::new(Rules { n_lanes, ..Rules::plain(model) }, 1))
}

/// The next `n` lines of `generator`, or those that are left.
pub(crate) fn lines(generator: &mut Generator, n: usize) -> Vec<Vec<u8>> {
    let next = |_| {
        let mut line = Vec::new();
        generator.next_into(&mut line).map(|_| line)
    };
    (0..n).map_while(next).collect()
}

/// The events in `lines`.
pub(crate) fn arrivals(lines: &[Vec<u8>]) -> Vec<Arrival<'_>> {
    let events = lines.iter().filter_map(|line| match decode(line) {
        Ok(Decoded::Event(event)) => Some(Arrival::plain(event)),
        _ => None,
    });
    events.collect()
}
