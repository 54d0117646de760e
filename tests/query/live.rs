//! Snapshots out of an engine that goes on: what SQL shows of each is what the engine knew.

use std::collections::BTreeMap;
use std::path::Path;

use ebb::query::Gazette;
use ebb::run::settings::SnapshotRules;
use ebb::run::{Count, News, Publisher, Standing};
use ebb::state::{Applied, Arrival, Engine, Fate, Output, Row, Whom};
use ebb::unit::{EventTime, Span};
use ebb::wire::{Outgoing, Position};
use serde_json::Value;

use crate::checkpoint::script::{Script, Step};
use crate::oracle::streams::{Random, Size};
use crate::played::Timers;
use crate::query::{rows, sql};

/// An engine that plays a script, and who publishes what it does.
struct Stage {
    script: Script,
    engine: Engine,
    gazette: Gazette,
    next_offsets: BTreeMap<u32, i64>,
    /// What went out, and what was counted, up to the last edition and since.
    shown: History,
    since: History,
    erased: BTreeMap<String, EventTime>,
}

/// What happened.
#[derive(Clone, Default)]
struct History {
    alerts: Vec<String>,
    scores: Vec<(String, String)>,
    days: BTreeMap<(String, i32, String), i64>,
}

impl History {
    fn add(&mut self, other: History) {
        self.alerts.extend(other.alerts);
        self.scores.extend(other.scores);
        for (key, n) in other.days {
            *self.days.entry(key).or_default() += n;
        }
    }
}

pub(super) fn rules(folder: &Path) -> SnapshotRules {
    SnapshotRules {
        folder: folder.to_owned(),
        interval: Span::millis(250),
        complete: Span::days(1),
        keep: Span::days(1),
        history: Span::days(3_650),
    }
}

impl Stage {
    fn new(seed: u64, folder: &Path) -> Stage {
        let script = Script::new(seed, Size { customers: 30, events: 900 });
        let engine = script.engine(2);
        let gazette = Gazette::new(&rules(folder), &script.rules(1).model);
        let mut stage = Stage {
            script,
            engine,
            gazette,
            next_offsets: BTreeMap::new(),
            shown: History::default(),
            since: History::default(),
            erased: BTreeMap::new(),
        };
        let n_partitions = stage.engine.n_partitions();
        for partition in 0..n_partitions {
            stage.hear(News::Begun(partition, n_partitions));
        }
        stage
    }

    fn hear(&mut self, news: News) -> Option<String> {
        self.gazette.hear(news).unwrap()
    }

    /// Plays step `index` and tells what happens.
    fn play(&mut self, index: usize) {
        let mut told = Vec::new();
        let applied = {
            let script = &self.script;
            let arrivals = script.arrivals(index, &mut self.next_offsets);
            let applied = match &script.steps[index] {
                Step::Advance(partition, to) => self.engine.advance(*partition, *to),
                Step::Apply(_) => self.engine.apply(&arrivals),
            };
            for (arrival, fate) in arrivals.iter().zip(&applied.fates) {
                note(arrival, *fate, &mut told, &mut self.erased);
            }
            applied
        };
        for count in &told {
            let key = (count.customer_id.to_string(), count.day, count.kind.name().to_owned());
            *self.since.days.entry(key).or_default() += 1;
        }
        self.hear(News::Counted(told));
        self.tell(applied);
    }

    fn tell(&mut self, applied: Applied) {
        for (home, output) in applied.homes.into_iter().zip(applied.outputs) {
            let output = match output {
                Output::Alert(rung, value) => {
                    self.since.alerts.push(text(&value, "id"));
                    Outgoing::Alert { key: rung.customer_id, value }
                }
                Output::Scores(scores, value) => {
                    self.since.scores.push((scores.customer_id.clone(), text(&value, "at")));
                    Outgoing::Scores { key: scores.customer_id, value: Some(value) }
                }
                Output::Erased(receipt) => {
                    Outgoing::Scores { key: receipt.customer_id.clone(), value: None }
                }
            };
            self.hear(News::WentOut(home, output));
        }
    }

    /// Begins an edition; the rows that it must show.
    fn begin(&mut self, whom: Whom) -> BTreeMap<String, Row> {
        let n_partitions = self.engine.n_partitions();
        let standing = |engine: &mut Engine, partition, next_offset| Standing {
            position: Position { partition, next_offset, now: engine.now(partition) },
            n_partitions,
            whom: engine.begin_edition(partition, whom),
            erased: engine.erased(partition),
        };
        let offsets = self.next_offsets.clone();
        let standings = (0..n_partitions)
            .map(|p| standing(&mut self.engine, p, offsets.get(&p).copied().unwrap_or(0)))
            .collect();
        self.hear(News::Edition(standings));
        let since = std::mem::take(&mut self.since);
        self.shown.add(since);
        let model = &self.engine.rules().model;
        let of = |p| self.engine.customers(p).map(move |c| (c.id().to_owned(), (p, c)));
        let all = (0..n_partitions).flat_map(of);
        all.map(|(id, (p, c))| (id, Row::of(c, model, self.engine.now(p)))).collect()
    }

    /// Copies a slice; whether that was all.
    fn copy(&mut self, slice: usize) -> bool {
        let mut is_all = true;
        for partition in 0..self.engine.n_partitions() {
            let mut copied = Vec::new();
            is_all &= self.engine.continue_edition(partition, slice, &mut copied);
            for page in copied {
                self.hear(News::Customers(partition, page));
            }
        }
        is_all
    }
}

/// Notes what became of `arrival`.
fn note(
    arrival: &Arrival<'_>,
    fate: Fate,
    told: &mut Vec<Count>,
    erased: &mut BTreeMap<String, EventTime>,
) {
    let event = &arrival.event;
    if !matches!(fate, Fate::Applied | Fate::Late | Fate::Waiting) {
        return;
    }
    told.push(Count {
        customer_id: Box::from(&*event.customer_id),
        partition: arrival.partition,
        offset: arrival.offset,
        day: i32::try_from(event.time.day_index()).unwrap(),
        kind: event.kind,
    });
    if event.kind.name() == "erasure_requested" {
        let at = erased.entry(event.customer_id.to_string()).or_insert(event.time);
        *at = event.time.max(*at);
    }
}

fn text(json: &[u8], key: &str) -> String {
    let line: Value = serde_json::from_slice(json).unwrap();
    line[key].as_str().unwrap().to_owned()
}

#[test]
fn every_snapshot_of_a_running_engine_shows_what_it_knew() {
    for seed in [1, 2, 3, 4] {
        let folder = tempfile::tempdir().unwrap();
        check(seed, folder.path());
    }
}

fn check(seed: u64, folder: &Path) {
    let mut stage = Stage::new(seed, folder);
    let mut random = Random(seed ^ 0x11fe);
    let mut wanted = None;
    let mut n_published = 0;
    for index in 0..stage.script.steps.len() {
        if wanted.is_none() && index % 12 == 11 {
            let whom = if random.chance(20) { Whom::All } else { Whom::Changed };
            wanted = Some((whom, stage.begin(whom)));
        }
        stage.play(index);
        if wanted.is_some() && stage.copy(7) {
            let (whom, rows) = wanted.take().unwrap();
            assert!(stage.hear(News::Publish).is_some());
            n_published += 1;
            if n_published % 4 == 0 || whom == Whom::All {
                compare(&stage, folder, &rows, &format!("seed {seed}, step {index}"));
            }
        }
    }
    assert!(5 < n_published, "seed {seed}: {n_published} snapshots");
}

fn compare(stage: &Stage, folder: &Path, wanted: &BTreeMap<String, Row>, says: &str) {
    let ask = |statement: &str| rows(&sql(folder, &["--format", "json"], statement));
    let columns = "customer_id, as_of, measured_at, status, risk, risk_band, risk_held, \
                   coverage_risk, retention, retention_held, r3_b1_active";
    let found = ask(&format!("SELECT {columns} FROM customers ORDER BY customer_id"));
    let ids = |rows: &[Value]| -> Vec<String> {
        rows.iter().map(|row| row["customer_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&found), wanted.keys().cloned().collect::<Vec<_>>(), "{says}");
    for row in &found {
        let want = &wanted[row["customer_id"].as_str().unwrap()];
        if stage.script.options.timers == Timers::Off {
            continue;
        }
        let instant = |key: &str| EventTime::parse(row[key].as_str().unwrap()).unwrap();
        assert_eq!(instant("as_of"), want.scores.at, "{says}: {row}");
        assert!(instant("measured_at") <= instant("as_of"), "{says}: {row}");
        assert_eq!(row["status"], want.scores.status.name(), "{says}: {row}");
        for line in &want.scores.scores {
            let of = |suffix: &str| &row[format!("{}{suffix}", line.name)];
            if line.name == "risk_cs" {
                continue;
            }
            assert_eq!(of("").as_f64(), line.value.map(|value| value.get()), "{says}: {row}");
            assert_eq!(of("_held").as_str(), line.held.as_deref(), "{says}: {row}");
        }
    }
    let snapshots =
        ask("SELECT DISTINCT snapshot, customers FROM snapshots s JOIN (SELECT max(as_of) \
                         AS at FROM snapshots) ON s.as_of = at");
    assert!(!snapshots.is_empty());
    let n = ask("SELECT count(*) AS n FROM customers");
    assert_eq!(n[0]["n"].as_u64(), Some(wanted.len() as u64), "{says}");
    what_happened(stage, &ask, says);
}

/// Compares the tables of what happened. Whoever asked to be forgotten goes from them with the next
/// complete snapshot.
fn what_happened(stage: &Stage, ask: &dyn Fn(&str) -> Vec<Value>, says: &str) {
    let is_told = |id: &str| !stage.erased.contains_key(id);
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let mut told = stage.shown.alerts.clone();
    told.sort();
    let alerts = ask("SELECT id, customer_id FROM alerts ORDER BY id");
    let alerts = alerts.iter().filter(|row| is_told(&text(row, "customer_id")));
    let alerts: Vec<String> = alerts.map(|row| text(row, "id")).collect();
    if stage.erased.is_empty() {
        assert_eq!(alerts, told, "{says}");
    } else {
        assert!(alerts.iter().all(|id| told.binary_search(id).is_ok()), "{says}");
    }
    let scores = ask("SELECT customer_id, at FROM scores_history");
    let instant = |row: &Value| EventTime::parse(&text(row, "at")).unwrap().to_string();
    let scores = scores.iter().map(|row| (text(row, "customer_id"), instant(row)));
    let mut scores: Vec<(String, String)> = scores.filter(|(id, _)| is_told(id)).collect();
    scores.sort();
    let told = stage.shown.scores.iter().filter(|(id, _)| is_told(id));
    let mut told: Vec<(String, String)> = told.cloned().collect();
    told.sort();
    assert_eq!(scores, told, "{says}");
    let today = &ask("SELECT CAST(CAST(max(as_of) AS DATE) AS INT) AS today FROM snapshots")[0];
    let first = i32::try_from(today["today"].as_i64().unwrap()).unwrap() - 119;
    let days = ask("SELECT customer_id, CAST(day AS INT) AS day, type, count FROM events_daily");
    let days = days.iter().map(|row| {
        let day = i32::try_from(row["day"].as_i64().unwrap()).unwrap();
        ((text(row, "customer_id"), day, text(row, "type")), row["count"].as_i64().unwrap())
    });
    let days: BTreeMap<(String, i32, String), i64> =
        days.filter(|(key, _)| is_told(&key.0)).collect();
    let told = stage.shown.days.iter().filter(|((id, day, _), _)| first <= *day && is_told(id));
    assert_eq!(days, told.map(|(key, n)| (key.clone(), *n)).collect(), "{says}");
}
