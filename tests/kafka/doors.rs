//! The process of SQL beside a running engine dies again and again, in the middle of queries.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::load::{Heard, Load};
use super::{LIMIT, Stage, wall_millis};
use crate::query::doors::{children, has_tools};

/// More work than any time limit lets a query do.
const ENDLESS: &str = r#"{"sql": "SELECT sum(value) FROM generate_series(1, 1000000000000)"}"#;
/// Askers at once: no core is idle while they ask.
const ASKERS: usize = 3;
/// How often the process dies: the last times it is seconds until it is started again.
const KILLS: usize = 5;
/// How many events come at once, and how often before it dies: until those come that ring much.
const EVENTS: usize = 60;
const FIRST: Duration = Duration::from_millis(15);
const N_FIRST: usize = 300;
/// How often as long as it dies: for a hundred seconds at least. Then as before.
const PAUSE: Duration = Duration::from_millis(300);
/// Hundredths of a second that a process which answers has worked when it is in the middle of a
/// query.
const WORK_TICKS: i64 = 50;

/// Where the HTTP door was opened last.
fn door(run: &Heard) -> Option<String> {
    let said = run.said();
    let (_, rest) = said.rsplit_once("http://127.0.0.1:")?;
    Some(format!("http://127.0.0.1:{}", rest.split(|c: char| !c.is_ascii_digit()).next()?))
}

/// The process of SQL that `run` watches, if it is there.
fn process(run: &Heard) -> Option<u32> {
    children(run.pid()).first().copied()
}

/// Asks what never ends, and again, until `is_over`; how many answers were cut off.
fn ask(run: &Arc<Heard>, is_over: &Arc<AtomicBool>) -> JoinHandle<usize> {
    let (run, is_over) = (Arc::clone(run), Arc::clone(is_over));
    thread::spawn(move || {
        let mut n_cut = 0;
        while !is_over.load(Ordering::Relaxed) {
            let Some(door) = door(&run) else { continue };
            let asked: Output = Command::new("curl")
                .args(["-sS", "--max-time", "60", "--data-binary", ENDLESS])
                .args(["-H", "Content-Type: application/json", &format!("{door}/v1/sql")])
                .output()
                .unwrap();
            // 52: the server closed without an answer; 56: it reset the connection.
            n_cut += usize::from(matches!(asked.status.code(), Some(52 | 56)));
            thread::sleep(Duration::from_millis(20));
        }
        n_cut
    })
}

/// Kills the process of SQL `n` times while it answers; from when to when it was not there.
fn kill(run: &Heard, n: usize) -> Vec<(i64, i64)> {
    let gone = (0..n).map(|_| {
        let began = Instant::now();
        let id = loop {
            assert!(began.elapsed() < LIMIT, "no process answers:\n{}", run.said());
            match process(run).filter(|id| is_answering(*id)) {
                Some(id) => break id,
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        assert_eq!(stat(id, 19), Some(19), "it does not give way to scoring");
        let from = wall_millis();
        assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
        while process(run).is_none_or(|now| now == id) {
            assert!(began.elapsed() < LIMIT, "it is not started again:\n{}", run.said());
            thread::sleep(Duration::from_millis(2));
        }
        (from, wall_millis())
    });
    gone.collect()
}

/// The field of number `at` of /proc/ID/stat, as proc(5) counts them; those are after the name.
fn stat(id: u32, at: usize) -> Option<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_whitespace().nth(at - 3)?.parse().ok()
}

/// Whether process `id` is in the middle of a query: one of those that answer for it has worked
/// longer than it needs to start.
fn is_answering(id: u32) -> bool {
    let ticks = children(id).into_iter().filter_map(|worker| stat(worker, 14));
    ticks.max().is_some_and(|ticks| WORK_TICKS <= ticks)
}

/// For every alert on `stage` that an event brought about: when that was sent, and the alert.
fn times(stage: &Stage) -> Vec<(i64, i64)> {
    let value = |value: Option<Vec<u8>>| serde_json::from_slice(&value.unwrap()).unwrap();
    let events = stage.broker.read_all(&stage.settings.input.topic).into_iter();
    let sent: HashMap<String, i64> = events
        .map(|record| {
            let event: Value = value(record.value);
            (event["id"].as_str().unwrap().to_owned(), record.sent_at)
        })
        .collect();
    let alerts = stage.broker.read_all(&stage.settings.output.alerts).into_iter();
    let times = alerts.filter_map(|record| {
        let alert: Value = value(record.value);
        Some((*sent.get(alert["cause"]["id"].as_str()?)?, record.sent_at))
    });
    times.collect()
}

/// The delays of `times` in milliseconds, in words.
fn in_words(times: &[(i64, i64)]) -> String {
    let mut delays: Vec<i64> = times.iter().map(|(event, alert)| alert - event).collect();
    delays.sort_unstable();
    let at = |per_cent: usize| delays.get((delays.len() * per_cent / 100).min(delays.len() - 1));
    format!("{} alerts, p50 {:?}, p99 {:?}, max {:?} ms", delays.len(), at(50), at(99), at(100))
}

#[test]
fn the_process_of_sql_killed_in_the_middle_of_queries_loses_no_event_and_delays_no_alert() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let load = Load::make(folder.path(), 2);
    let live = format!("snapshots.folder={}", folder.path().join("live").display());
    let sets = [&live, "snapshots.interval=250ms", "sql.http=127.0.0.1:0", "sql.time_max=60s"];
    let mut command = stage.command(&folder.path().join("state"), &sets);
    let run = Arc::new(Heard::start(command.stdout(Stdio::null())));
    run.wait_for("partition is scoring", 2);
    let (is_dying, n_sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let pause = {
        let (is_dying, n_sent) = (Arc::clone(&is_dying), Arc::clone(&n_sent));
        move || {
            n_sent.fetch_add(1, Ordering::Relaxed);
            thread::sleep(if is_dying.load(Ordering::Relaxed) { PAUSE } else { FIRST });
        }
    };
    let trickle = load.trickle_by(&stage, EVENTS, pause);
    let is_over = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..ASKERS).map(|_| ask(&run, &is_over)).collect();
    while n_sent.load(Ordering::Relaxed) < N_FIRST {
        thread::sleep(FIRST);
    }
    is_dying.store(true, Ordering::Relaxed);
    let gone = kill(&run, KILLS);
    is_dying.store(false, Ordering::Relaxed);
    trickle.join().unwrap();
    assert_eq!(load.compare_when_there(&stage, || ()), 0, "alerts were written twice");
    is_over.store(true, Ordering::Relaxed);
    run.signal("-TERM");
    let n_cut: usize = askers.into_iter().map(|asker| asker.join().unwrap()).sum();
    assert!(KILLS <= n_cut, "{n_cut} answers were cut off");

    let is_gone = |at: i64| gone.iter().any(|(from, to)| (*from..*to).contains(&at));
    let (without, with): (Vec<_>, Vec<_>) =
        times(&stage).into_iter().partition(|(event, _)| is_gone(*event));
    println!("with a process of SQL: {}", in_words(&with));
    println!("without: {}", in_words(&without));
    println!("gone for {:?} ms", gone.iter().map(|(from, to)| to - from).collect::<Vec<_>>());
    // What rang early in the last, longest time without was out before there was one again.
    let (from, to) = gone[gone.len() - 1];
    let early = |(event, _): &&(i64, i64)| (from..from + (to - from) / 4).contains(event);
    let early: Vec<_> = without.iter().filter(early).collect();
    assert!(!early.is_empty(), "nothing rang while it was gone: {gone:?}");
    assert!(early.iter().all(|(_, alert)| *alert < to), "{early:?} {gone:?}");
}
