//! Numbers over all customers that are watched.
//!
//! Shape   after every snapshot each statement is asked, on a thread of its own; a number that
//!         crosses its line rings, as a score does: entered at the line, left only past the margin,
//!         held for a dwell, kept back by a cooldown.
//! Rules   what was found out, and alerts that are not known to be safe, stand in a file beside the
//!         snapshots before they go out: a restart sends them again, with the same ids. Where several
//!         instances publish side by side, the one that has partition 0 watches. A statement that
//!         fails is told of and changes nothing.
//! Source  DESIGN §9; KT-20, A-26, A-51 of the specification.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::record::alert::{Direction, KpiAlert};
use crate::run::settings::{Line, WatchRule};
use crate::unit::EventTime;
use crate::wire::Outgoing;

/// The name of the file beside the snapshots.
const FILE: &str = "watches.json";

/// Asks a snapshot; the room that answers SQL does.
pub trait Asker: Send {
    /// The one number that `sql` gives of the snapshot `id`, or null.
    ///
    /// # Errors
    ///
    /// What is wrong with the statement or its answer, for people.
    fn ask(&mut self, id: &str, sql: &str) -> Result<Option<f64>, String>;
}

/// What is known of one watch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Watched {
    value: Option<f64>,
    is_bad: bool,
    /// Since when it is on the other side, while it has not rung yet.
    since: Option<i64>,
    /// Since when an alert is open.
    open_since: Option<i64>,
    /// When it last rang.
    rang_at: Option<i64>,
}

/// Everything that outlives a restart.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Kept {
    watches: BTreeMap<String, Watched>,
    /// Alerts that may not be out yet: watch and JSON.
    pending: VecDeque<(String, String)>,
}

/// What the watching thread is told.
enum Word {
    /// A snapshot is published.
    Published(String, EventTime),
    /// So many of the alerts that were handed out are safe.
    Safe(u64),
    /// Those that are not are to be handed out again, in that round.
    Again(u64),
}

/// An alert, and the round in which it is handed out.
type Rung = (u64, (String, String));

/// Watches on a thread of its own.
pub(super) struct Watch {
    words: Sender<Word>,
    rung: Receiver<Rung>,
    /// How often alerts were handed out anew.
    round: u64,
    /// How many were handed out in this round, and how many of them are known to be safe.
    n_rung: u64,
    n_safe: u64,
}

impl Watch {
    /// A watch over what `rules` name, which asks `asker` and keeps its file in `folder`; `model`
    /// judges.
    pub(super) fn new(
        rules: Vec<WatchRule>,
        mut asker: Box<dyn Asker>,
        folder: &Path,
        model: (String, u32),
    ) -> Watch {
        let (words, heard) = mpsc::channel();
        let (ring, rung) = mpsc::channel();
        let path = folder.join(FILE);
        // It ends when nobody tells it anything any more.
        thread::spawn(move || {
            let mut kept = read(&path);
            kept.watches.retain(|name, _| rules.iter().any(|rule| rule.name == *name));
            // What an earlier run may not have sent goes out now.
            let mut round = 0;
            kept.pending.iter().for_each(|alert| _ = ring.send((round, alert.clone())));
            for word in heard {
                match word {
                    Word::Safe(n) => {
                        let n = usize::try_from(n).unwrap_or(usize::MAX);
                        kept.pending.drain(..n.min(kept.pending.len()));
                    }
                    Word::Again(next) => {
                        round = next;
                        kept.pending.iter().for_each(|alert| _ = ring.send((round, alert.clone())));
                        continue;
                    }
                    Word::Published(id, at) => {
                        let before = kept.pending.len();
                        for rule in &rules {
                            look(rule, (&id, at), &mut *asker, &model, &mut kept);
                        }
                        if write(&path, &kept) {
                            let new = kept.pending.iter().skip(before);
                            new.for_each(|alert| _ = ring.send((round, alert.clone())));
                            continue;
                        }
                        kept.pending.truncate(before);
                    }
                }
                write(&path, &kept);
            }
        });
        Watch { words, rung, round: 0, n_rung: 0, n_safe: 0 }
    }

    /// Has the snapshot `id`, as of `at`, looked at.
    pub(super) fn look(&self, id: String, at: EventTime) {
        let _gone = self.words.send(Word::Published(id, at));
    }

    /// The alerts that rang since this was last asked.
    pub(super) fn rung(&mut self) -> Vec<Outgoing> {
        let now = self.rung.try_iter().filter(|(round, _)| *round == self.round);
        let rung = now.map(|(_, (key, value))| Outgoing::Alert { key, value: value.into_bytes() });
        let rung: Vec<Outgoing> = rung.collect();
        self.n_rung += rung.len() as u64;
        rung
    }

    /// How many alerts were handed out so far.
    pub(super) fn n_rung(&self) -> u64 {
        self.n_rung
    }

    /// Notes that the first `n_safe` of them are safe.
    pub(super) fn are_safe(&mut self, n_safe: u64) {
        if self.n_safe < n_safe {
            let _gone = self.words.send(Word::Safe(n_safe - self.n_safe));
            self.n_safe = n_safe;
        }
    }

    /// Hands out again what is not known to be safe: it was undone.
    pub(super) fn ring_again(&mut self) {
        self.round += 1;
        (self.n_rung, self.n_safe) = (0, 0);
        let _gone = self.words.send(Word::Again(self.round));
    }
}

/// Asks what `rule` watches and notes what rings.
fn look(
    rule: &WatchRule,
    (id, at): (&str, EventTime),
    asker: &mut dyn Asker,
    model: &(String, u32),
    kept: &mut Kept,
) {
    let value = match asker.ask(id, &rule.sql) {
        Ok(Some(value)) => value,
        Ok(None) => return,
        Err(says) => {
            warn!(watch = rule.name, "cannot be watched: {says}");
            return;
        }
    };
    let watched = kept.watches.entry(rule.name.clone()).or_default();
    let previous = watched.value;
    let Some((direction, open_since)) = watched.hear(rule, value, at) else { return };
    let model = (model.0.as_str(), model.1);
    let alert = KpiAlert {
        rule: &rule.name,
        direction,
        at,
        value,
        previous,
        snapshot: id,
        model,
        open_since,
    };
    let json = String::from_utf8(alert.to_json()).unwrap_or_default();
    kept.pending.push_back((rule.name.clone(), json));
}

impl Watched {
    /// Takes in that the number is `value` at `at`; which way it rings, if it does, and since when
    /// the alert was open that it closes.
    fn hear(
        &mut self,
        rule: &WatchRule,
        value: f64,
        at: EventTime,
    ) -> Option<(Direction, Option<EventTime>)> {
        self.value = Some(value);
        let is_bad = match (rule.line, self.is_bad) {
            (Line::Above(line), false) => line <= value,
            (Line::Above(line), true) => line - rule.exit_margin <= value,
            (Line::Below(line), false) => value < line,
            (Line::Below(line), true) => value < line + rule.exit_margin,
        };
        if is_bad == self.is_bad {
            self.since = None;
            return None;
        }
        let since = EventTime::from_millis(*self.since.get_or_insert(at.millis()));
        if at.since(since) < rule.dwell {
            return None;
        }
        (self.is_bad, self.since) = (is_bad, None);
        if !is_bad {
            // What never rang does not come back either.
            let open_since = self.open_since.take()?;
            return Some((Direction::Better, Some(EventTime::from_millis(open_since))));
        }
        let rang_at = self.rang_at.map(EventTime::from_millis);
        if rang_at.is_some_and(|rang_at| at.since(rang_at) < rule.cooldown) {
            return None;
        }
        self.rang_at = Some(at.millis());
        self.open_since = Some(at.millis());
        Some((Direction::Worse, None))
    }
}

/// What was kept at `path`; nothing where nothing is there.
fn read(path: &Path) -> Kept {
    let Ok(bytes) = fs::read(path) else { return Kept::default() };
    serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        warn!(path = %path.display(), %error, "what was watched before cannot be read: begins anew");
        Kept::default()
    })
}

/// Puts `kept` at `path`, whole or not at all; returns whether that went well.
fn write(path: &Path, kept: &Kept) -> bool {
    let part = PathBuf::from(format!("{}.part", path.display()));
    let put = || {
        let mut file = fs::File::create(&part)?;
        serde_json::to_writer(&mut file, kept)?;
        file.flush()?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    let result: std::io::Result<()> = put();
    if let Err(error) = &result {
        warn!(path = %path.display(), %error, "what is watched cannot be kept: nothing rings now");
    }
    result.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Span;

    fn rule(line: Line) -> WatchRule {
        WatchRule {
            name: "w".to_owned(),
            sql: String::new(),
            line,
            exit_margin: 2.0,
            dwell: Span::millis(0),
            cooldown: Span::millis(0),
        }
    }

    fn rings(rule: &WatchRule, values: &[(i64, f64)]) -> Vec<(i64, Direction)> {
        let mut watched = Watched::default();
        let mut rings = Vec::new();
        for (at, value) in values {
            if let Some((way, _)) = watched.hear(rule, *value, EventTime::from_millis(*at)) {
                rings.push((*at, way));
            }
        }
        rings
    }

    #[test]
    fn kt_20_a_number_below_its_line_rings_and_comes_back_past_the_margin() {
        let values = [(1, 10.0), (2, 9.9), (3, 5.0), (4, 11.9), (5, 12.0), (6, 10.0)];
        let wanted = [(2, Direction::Worse), (5, Direction::Better)];
        assert_eq!(rings(&rule(Line::Below(10.0)), &values), wanted);
    }

    #[test]
    fn kt_20_a_number_at_or_above_its_line_rings_and_comes_back_past_the_margin() {
        let values = [(1, 9.9), (2, 10.0), (3, 8.0), (4, 7.9), (5, 10.0)];
        let wanted = [(2, Direction::Worse), (4, Direction::Better), (5, Direction::Worse)];
        assert_eq!(rings(&rule(Line::Above(10.0)), &values), wanted);
    }

    #[test]
    fn a_dwell_must_pass_and_a_cooldown_keeps_back() {
        let rule = WatchRule {
            dwell: Span::millis(10),
            cooldown: Span::millis(100),
            ..rule(Line::Above(10.0))
        };
        let short = [(1, 11.0), (5, 9.0), (12, 11.0), (21, 11.0)];
        assert_eq!(rings(&rule, &short), [], "it did not hold");
        let long = [
            (1, 11.0),
            (11, 11.0),
            (20, 0.0),
            (30, 0.0),
            (40, 11.0),
            (50, 11.0),
            (60, 0.0),
            (70, 0.0),
        ];
        let wanted = [(11, Direction::Worse), (30, Direction::Better)];
        assert_eq!(rings(&rule, &long), wanted, "the second fall is within the cooldown");
    }

    /// Gives one number after the other.
    struct Numbers(VecDeque<f64>);

    impl Asker for Numbers {
        fn ask(&mut self, _: &str, _: &str) -> Result<Option<f64>, String> {
            self.0.pop_front().map(Some).ok_or_else(|| "no more".to_owned())
        }
    }

    fn watch(folder: &Path, numbers: &[f64]) -> Watch {
        let asker = Numbers(numbers.iter().copied().collect());
        let watch =
            Watch::new(vec![rule(Line::Above(10.0))], Box::new(asker), folder, ("m".to_owned(), 1));
        for (n, _) in (1..).zip(numbers) {
            watch.look(format!("s{n}"), EventTime::from_millis(n));
        }
        watch
    }

    /// Waits until `n` alerts rang.
    fn wait(watch: &mut Watch, n: usize) -> Vec<Outgoing> {
        let mut rung = Vec::new();
        while rung.len() < n {
            rung.extend(watch.rung());
            thread::yield_now();
        }
        rung
    }

    #[test]
    fn what_is_not_known_to_be_out_goes_out_again_after_a_restart() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let rung = wait(&mut watch(folder.path(), &[11.0, 0.0]), 2);
        let mut again = watch(folder.path(), &[12.0]);
        let rung_again = wait(&mut again, 3);
        assert_eq!(rung_again.get(..2), Some(&rung[..]), "the same bytes");
        again.are_safe(again.n_rung());
        // The file tells once the thread has heard of it.
        while !read(&folder.path().join(FILE)).pending.is_empty() {
            thread::yield_now();
        }
        assert!(watch(folder.path(), &[]).rung().is_empty());
        Ok(())
    }

    #[test]
    fn what_was_undone_rings_again_and_what_was_not_taken_rings_once() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut watch = watch(folder.path(), &[11.0, 0.0]);
        let rung = wait(&mut watch, 1);
        // The other one may be on its way.
        watch.ring_again();
        let rung_again = wait(&mut watch, 2);
        assert_eq!(rung_again.first(), rung.first());
        watch.are_safe(1);
        watch.ring_again();
        assert_eq!(wait(&mut watch, 1), rung_again[1..]);
        watch.are_safe(watch.n_rung());
        while !read(&folder.path().join(FILE)).pending.is_empty() {
            thread::yield_now();
        }
        assert!(watch.rung().is_empty());
        Ok(())
    }
}
