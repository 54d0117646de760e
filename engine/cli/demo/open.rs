//! The customers of a demo, open to questions: snapshots of them, and the doors to those.
//!
//! Rules   nothing here is needed for the show: what fails is left out of it.

use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cli::warden::{Places, Warden};
use crate::model::Model;
use crate::query::Gazette;
use crate::run::settings::SnapshotRules;
use crate::run::{Press, Witness};
use crate::state::Engine;
use crate::unit::Span;
use crate::wire::Position;

/// How often customers are published, and how often all of them.
const INTERVAL: Span = Span::millis(2_000);
const COMPLETE: Span = Span::millis(60_000);
/// Most slices copied at a time: a picture must not wait.
const SLICES: usize = 16;
/// Any port that is free.
const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);
/// A question to begin with.
const QUESTION: &str = "SELECT risk_held, count(*) AS n FROM customers GROUP BY 1 ORDER BY 2 DESC";

/// Customers open to questions.
pub struct Open {
    folder: TempDir,
    press: Press,
    warden: Option<Warden>,
    told: (Sender<String>, Receiver<String>),
    began: Instant,
}

impl Open {
    /// Opens what `model` judges, and who is to be shown what happens; `None` where there is no
    /// room for it.
    pub fn new(model: &Model) -> Option<(Open, Box<dyn Witness>)> {
        let folder = tempfile::tempdir().ok()?;
        let rules = SnapshotRules {
            folder: folder.path().to_owned(),
            interval: INTERVAL,
            complete: COMPLETE,
            keep: COMPLETE,
            history: Span::days(400),
        };
        let publisher = Box::new(Gazette::new(&rules, model));
        let (mut press, witness) = Press::new(&rules, publisher, Duration::ZERO);
        press.take_on(0, 1);
        let (warden, told) = (None, mpsc::channel());
        Some((Open { folder, press, warden, told, began: Instant::now() }, witness))
    }

    /// Publishes what `engine` knows after `n_events`, if it is time; new lines to copy.
    pub fn turn(&mut self, engine: &mut Engine, n_events: u64) -> Vec<String> {
        let uptime = self.began.elapsed();
        if self.press.is_due(uptime) {
            let next_offset = i64::try_from(n_events).unwrap_or(i64::MAX);
            let position = Position { partition: 0, next_offset, now: engine.now(0) };
            self.press.begin(engine, (&[position], 1), uptime);
        }
        for _ in 0..SLICES {
            if self.press.go_on(engine, uptime).is_some() && self.warden.is_none() {
                let (http, postgres) = (Some(ANY.into()), Some(ANY.into()));
                let places = Places { http, postgres, flight: None };
                let tell = self.told.0.clone();
                // Nobody listens once the show is over.
                let tell = move |line| tell.send(line).unwrap_or_default();
                self.warden = Some(Warden::open(self.folder.path(), places, Vec::new(), tell));
            }
        }
        self.told.1.try_iter().filter_map(|line| to_copy(&line)).collect()
    }
}

/// What to type to go through the door that `line` tells of.
fn to_copy(line: &str) -> Option<String> {
    let (door, address) = line.split_once(char::is_whitespace)?;
    let address = address.trim();
    match door {
        "http" => Some(format!("curl -s {address}v1/sql --json '{{\"sql\":\"{QUESTION}\"}}'")),
        "postgres" => Some(format!("psql {address} -c \"{QUESTION}\"")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_told_as_something_to_type() {
        let line = to_copy("http      http://127.0.0.1:8080/").unwrap_or_default();
        assert!(
            line.starts_with("curl -s http://127.0.0.1:8080/v1/sql --json '{\"sql\":"),
            "{line}"
        );
        let line = to_copy("postgres  postgresql://127.0.0.1:5432/ebb").unwrap_or_default();
        assert!(line.starts_with("psql postgresql://127.0.0.1:5432/ebb -c \"SELECT"), "{line}");
        assert_eq!(to_copy("flight    grpc+tcp://127.0.0.1:1"), None);
    }
}
