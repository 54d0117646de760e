//! The processes behind the doors: what becomes of those who misbehave, and of those who look on.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Server, has_tools, said, wait_for};
use crate::query::past::{a_login, replay};

/// A query that would not end before the universe does.
const ENDLESS: &str = "SELECT count(*) FROM events_daily a, events_daily b, events_daily c WHERE \
                       a.count + b.count + c.count < 0";

fn is_gone(id: u32) -> bool {
    // Or waiting to be buried by whoever started it.
    fs::read_to_string(format!("/proc/{id}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

fn kill(id: u32) {
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
}

/// How long the process used the processor, in ticks.
fn ticks(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.split_whitespace().nth(13)?.parse().ok()
}

/// As many processes as may be, all of them idle.
fn settled(server: &Server, n: usize) -> Vec<u32> {
    wait_for("processes that answer", || Some(server.workers()).filter(|found| found.len() == n))
}

#[test]
fn one_process_answers_many_questions() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.queries_max=1"]);
    let before = settled(&server, 1);
    for n in 0..5 {
        assert_eq!(server.cell(&format!("SELECT {n}")), n.to_string());
    }
    // A question that is refused is no reason to end it.
    assert!(!server.psql("SELECT rsk FROM customers").status.success());
    assert_eq!(server.workers(), before);
}

#[test]
fn a_query_beyond_its_time_is_ended_and_others_do_not_notice() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.queries_max=2", "--set", "sql.time_max=2s"]);
    settled(&server, 2);
    let mut endless = Command::new("psql")
        .args(["-X", "-d", server.place("postgres"), "-c", ENDLESS])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while endless.try_wait().unwrap().is_none() {
        assert_eq!(server.cell("SELECT 1"), "1");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    let said = said(&endless.wait_with_output().unwrap());
    assert!(said.contains("time of a query: not done; wanted at most 2 s"), "{said}");
    assert!(said.contains("sql.time_max"), "{said}");
    settled(&server, 2);
}

#[test]
fn a_query_that_eats_memory_is_ended_and_the_next_is_answered() {
    if !has_tools() {
        return;
    }
    let flags = ["--set", "sql.queries_max=1", "--set", "sql.memory_max=64MiB"];
    let server = Server::start(&flags);
    for statement in [
        "SELECT length(repeat('x', 2000000000))",
        "SELECT count(*) FROM (SELECT a.value AS x, row_number() OVER (ORDER BY a.value DESC) AS \
         n FROM generate_series(1, 100000000) a) t WHERE n > 5",
    ] {
        let output = server.psql_with(&["-v", "VERBOSITY=verbose", "-c", statement]);
        let said = said(&output);
        assert!(said.contains("53200: memory of a query") && said.contains("64 MiB"), "{said}");
        assert_eq!(server.cell("SELECT count(*) > 0 FROM customers"), "t");
    }
}

#[test]
fn who_waits_for_too_long_is_told() {
    if !has_tools() {
        return;
    }
    let flags = ["--set", "sql.queries_max=1", "--set", "sql.time_max=3s"];
    let server = Server::start(&flags);
    let mut holding: Vec<_> = (0..3)
        .map(|_| {
            Command::new("psql")
                .args(["-X", "-d", server.place("postgres"), "-c", ENDLESS])
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let words: Vec<String> =
        holding.drain(..).map(|child| said(&child.wait_with_output().unwrap())).collect();
    let n = |says: &str| words.iter().filter(|said| said.contains(says)).count();
    assert!(1 <= n("queries at once: no one ended in time; wanted at most 1"), "{words:?}");
    assert!(1 <= n("time of a query: not done"), "{words:?}");
    assert_eq!(server.cell("SELECT 1"), "1");
}

#[test]
fn a_client_that_goes_away_takes_its_query_with_it() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.queries_max=1"]);
    let asks = serde_json::json!({ "sql": ENDLESS }).to_string();
    let url = format!("{}v1/sql", server.place("http"));
    let psql = ["psql", "-X", "-d", server.place("postgres"), "-c", ENDLESS];
    let curl = ["curl", "-sS", "--data-binary", &asks, &url];
    for client in [&psql[..], &curl[..]] {
        let before = settled(&server, 1);
        let mut child = Command::new(client[0]).args(&client[1..]).spawn().unwrap();
        // It is at work when it uses the processor.
        let idle = ticks(before[0]);
        wait_for("work", || (idle.unwrap_or(0) + 20 < ticks(before[0])?).then_some(()));
        child.kill().unwrap();
        child.wait().unwrap();
        wait_for("an end", || is_gone(before[0]).then_some(()));
        assert_eq!(server.cell("SELECT 1"), "1");
    }
}

#[test]
fn whoever_was_not_shown_a_snapshot_answers_from_it_all_the_same() {
    if !has_tools() {
        return;
    }
    let folder = a_login();
    replay(&folder, "2026-01-02T00:00:00Z");
    let server = Server::over(&folder.path().join("snapshots"), &["--set", "sql.queries_max=2"]);
    let both = settled(&server, 2);
    let is_as_of = |day: &str| {
        let statement = format!("SELECT count(*) FROM customers WHERE as_of = '{day}T00:00:00Z'");
        server.cell(&statement) == "1"
    };
    assert!(is_as_of("2026-01-02"));
    replay(&folder, "2026-01-10T00:00:00Z");
    assert!(is_as_of("2026-01-10"));
    // One of the two has enough to do: the next question is the other one's.
    let asks = "SELECT sum(a.value * b.value) FROM generate_series(1, 1000000) a, \
                generate_series(1, 1000000) b";
    let idle: Vec<Option<u64>> = both.iter().map(|id| ticks(*id)).collect();
    let mut endless = Command::new("psql")
        .args(["-X", "-d", server.place("postgres"), "-c", asks])
        .spawn()
        .unwrap();
    let is_at_work = |(id, idle): (&u32, &Option<u64>)| idle.map(|n| n + 20) < ticks(*id);
    wait_for("work", || both.iter().zip(&idle).any(is_at_work).then_some(()));
    assert!(is_as_of("2026-01-10"));
    endless.kill().unwrap();
    endless.wait().unwrap();
}

#[test]
fn a_process_that_is_killed_is_replaced() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.queries_max=1"]);
    let before = settled(&server, 1);
    kill(before[0]);
    // Whoever asks at once is answered by another one.
    assert_eq!(server.cell("SELECT 1"), "1");
    let before = settled(&server, 1);
    let child = Command::new("psql")
        .args(["-X", "-d", server.place("postgres"), "-c", ENDLESS])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    kill(before[0]);
    let said = said(&child.wait_with_output().unwrap());
    assert!(said.contains("the process that answers was ended by signal 9"), "{said}");
    assert_eq!(server.cell("SELECT 1"), "1");
}

#[test]
fn the_processes_end_with_the_one_that_serves() {
    let server = Server::start(&["--set", "sql.queries_max=2"]);
    let workers = settled(&server, 2);
    kill(server.id());
    for id in workers {
        wait_for("an end", || is_gone(id).then_some(()));
    }
    let server = Server::start(&["--set", "sql.queries_max=2"]);
    let workers = settled(&server, 2);
    let log = server.stop();
    assert!(log.contains("stopped"), "{log}");
    for id in workers {
        wait_for("an end", || is_gone(id).then_some(()));
    }
}
