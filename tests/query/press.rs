//! Whoever publishes may be slow: what is copied for it does not heap up meanwhile.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use ebb::model::{load, shipped};
use ebb::record::{Decoded, decode};
use ebb::run::{News, Press, Publisher};
use ebb::state::{Arrival, Engine, Rules};
use ebb::wire::{Fault, Position};

use crate::query::live::rules;

/// More than may wait, copied, at a time.
const CUSTOMERS: usize = 40_000;
/// Many more turns than all of them take.
const TURNS: u32 = 1_000;

/// Hears nothing before it may; how many customers it was told of is the name of its snapshot.
struct Slow {
    may: Receiver<()>,
    may_hear: bool,
    n_customers: usize,
}

impl Publisher for Slow {
    fn hear(&mut self, news: News) -> Result<Option<String>, Fault> {
        if !self.may_hear {
            self.may.recv().unwrap();
            self.may_hear = true;
        }
        if let News::Customers(_, copied) = &news {
            self.n_customers += copied.len();
        }
        Ok(matches!(news, News::Publish).then(|| self.n_customers.to_string()))
    }
}

/// An engine that knows [`CUSTOMERS`].
fn engine() -> Engine {
    let model = load(shipped::DEFAULT, shipped::CATALOG, None).unwrap();
    let mut engine = Engine::new(Rules::plain(model), 1);
    let line = |n| {
        format!(
            r#"{{"id":"e{n}","type":"login","customer_id":"c{n}","time":"2026-01-01T00:00:00Z"}}"#
        )
    };
    let lines: Vec<String> = (0..CUSTOMERS).map(line).collect();
    let arrivals = lines.iter().map(|line| match decode(line.as_bytes()) {
        Ok(Decoded::Event(event)) => Arrival::plain(event),
        other => panic!("{other:?}"),
    });
    engine.apply(&arrivals.collect::<Vec<_>>());
    engine
}

#[test]
fn nobody_more_is_copied_while_whoever_publishes_is_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine();
    let (let_go, may) = mpsc::channel();
    let slow = Slow { may, may_hear: false, n_customers: 0 };
    let (mut press, _witness) = Press::new(&rules(folder.path()), Box::new(slow), Duration::ZERO);
    let position = Position { partition: 0, next_offset: 1, now: engine.now(0) };
    press.begin(&mut engine, (&[position], 1), Duration::ZERO);
    for _ in 0..TURNS {
        assert_eq!(press.go_on(&mut engine, Duration::ZERO), None);
    }
    // Some are left: whoever takes a slice now gets it.
    let mut taken = Vec::new();
    let is_all = engine.continue_edition(0, 1, &mut taken);
    let n_taken: usize = taken.iter().map(Vec::len).sum();
    assert!(!is_all && 0 < n_taken, "{n_taken}");
    let_go.send(()).unwrap();
    let published = loop {
        if let Some(id) = press.go_on(&mut engine, Duration::ZERO) {
            break id;
        }
        std::thread::yield_now();
    };
    assert_eq!(published, (CUSTOMERS - n_taken).to_string());
}
