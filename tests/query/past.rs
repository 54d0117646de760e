//! Snapshots of several instants in one folder, and looking back at them.

use std::fs;

use ebb::query::shelf::Shelf;
use serde_json::json;

use super::{done, ebb, rows, said, sql};

/// A folder in which a customer logs in once.
pub(super) fn a_login() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.jsonl");
    let line = r#"{"id":"1","type":"login","customer_id":"c","time":"2026-01-01T00:00:00Z"}"#;
    fs::write(&events, format!("{line}\n")).unwrap();
    folder
}

/// The same with snapshots as of the second and of the tenth of January.
fn two_instants() -> tempfile::TempDir {
    let folder = a_login();
    for until in ["2026-01-10T00:00:00Z", "2026-01-02T00:00:00Z"] {
        replay(&folder, until);
    }
    folder
}

/// Has a snapshot made of it as of `until`.
pub(super) fn replay(folder: &tempfile::TempDir, until: &str) {
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (snapshots, events) = (path("snapshots"), path("events.jsonl"));
    done(&ebb(&["replay", "--snapshots", &snapshots, "--until", until, &events]));
}

fn risk(folder: &tempfile::TempDir, flags: &[&str], from: &str) -> serde_json::Value {
    let statement = format!("SELECT risk_cs FROM {from}");
    let flags = [&["--format", "json"], flags].concat();
    rows(&sql(&folder.path().join("snapshots"), &flags, &statement))[0]["risk_cs"].clone()
}

#[test]
fn the_newest_is_seen_unless_another_instant_is_asked_for() {
    let folder = two_instants();
    // No login for seven days is a signal of level high.
    let (before, after) = (json!(0.0), risk(&folder, &[], "customers"));
    assert!(80.0 <= after.as_f64().unwrap(), "{after}");
    let check = |flags: &[&str], from: &str, wanted: &serde_json::Value| {
        assert_eq!(&risk(&folder, flags, from), wanted, "{flags:?} {from}");
    };
    for when in ["2026-01-02T00:00:00Z", "2026-01-09T23:59:59.999Z", "20260102T000000Z"] {
        check(&["--as-of", when], "customers", &before);
        check(&[], &format!("customers_at('{when}')"), &before);
        check(&[], &format!("CUSTOMERS_AT('{when}')"), &before);
    }
    check(&["--as-of", "2026-01-10T00:00:00Z"], "customers", &after);
    check(&["--as-of", "2030-01-10T01:00:00+01:00"], "customers", &after);
    // Both at once: how far it moved.
    let moved = "SELECT a.risk_cs - b.risk_cs AS moved FROM customers a JOIN \
                 customers_at('2026-01-02T00:00:00Z') b ON a.customer_id = b.customer_id";
    let moved = sql(&folder.path().join("snapshots"), &["--format", "json"], moved);
    assert_eq!(rows(&moved)[0]["moved"], after);
}

#[test]
fn every_table_can_be_seen_as_of_another_instant() {
    let folder = two_instants();
    let snapshots = folder.path().join("snapshots");
    for table in ["signals", "explanations", "alerts", "scores_history", "events_daily", "kpis"] {
        let count = |from: &str| {
            let statement = format!("SELECT count(*) AS n FROM {from}");
            rows(&sql(&snapshots, &["--format", "json"], &statement))[0]["n"].as_i64().unwrap()
        };
        let (then, now) = (count(&format!("{table}_at('20260102T000000Z')")), count(table));
        match table {
            "alerts" => assert!(then < now, "{table}: {then} {now}"),
            "signals" => assert_eq!((then, now), (27, 27)),
            "events_daily" => assert_eq!((then, now), (1, 1)),
            _ => assert!(then <= now, "{table}: {then} {now}"),
        }
    }
}

#[test]
fn what_cannot_be_seen_is_told_with_what_can() {
    let folder = two_instants();
    let says = |flags: &[&str], statement: &str| {
        let output = sql(&folder.path().join("snapshots"), flags, statement);
        assert_eq!(output.status.code(), Some(1));
        said(&output)
    };
    let early = says(&["--as-of", "2025-12-31T00:00:00Z"], "SELECT 1");
    assert!(early.contains("no snapshot is as of 2025-12-31T00:00:00Z or before; the first"));
    let unknown = says(&["--as-of", "20260102T000001Z"], "SELECT 1");
    assert!(unknown.contains("did you mean 20260102T000000Z?; or a time such as"), "{unknown}");
    let no_text = says(&[], "SELECT 1 FROM customers_at(5)");
    assert!(no_text.contains("customers_at takes one text in quotes"), "{no_text}");
}

#[test]
fn a_snapshot_as_of_the_same_instant_is_replaced_and_no_half_one_is_seen() {
    let folder = two_instants();
    let snapshots = folder.path().join("snapshots");
    let part = snapshots.join(".part-1");
    fs::create_dir(&part).unwrap();
    fs::write(part.join("manifest.json"), "{").unwrap();
    replay(&folder, "2026-01-10T00:00:00Z");
    let ids = sql(&snapshots, &["--format", "csv"], "SELECT snapshot FROM snapshots ORDER BY 1");
    assert_eq!(
        String::from_utf8_lossy(&ids.stdout),
        "snapshot\n20260102T000000Z\n20260110T000000Z\n"
    );
}

#[test]
fn the_same_input_gives_the_same_files() {
    let (one, other) = (two_instants(), two_instants());
    let read = |folder: &tempfile::TempDir, name: &str| {
        fs::read(folder.path().join("snapshots/20260110T000000Z").join(name)).unwrap()
    };
    for name in ["manifest.json", "customers-0.parquet", "alerts-0.parquet"] {
        assert_eq!(read(&one, name), read(&other, name), "{name}");
    }
}

#[test]
fn pv_3_a_snapshot_of_a_replay_tells_nothing_of_whom_was_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let event = |id: u32, kind: &str, customer: &str, time: &str| {
        format!(
            r#"{{"id":"{id}","type":"{kind}","customer_id":"{customer}","time":"2026-01-{time}Z"}}"#
        )
    };
    let intent = "cancellation_requested";
    let events = [
        event(1, intent, "c", "01T00:00:00"),
        event(2, intent, "d", "01T00:00:00"),
        event(3, "login", "c", "02T06:00:00"),
        event(4, intent, "c", "09T00:00:00"),
        // Late: what rang on the ninth goes, too.
        event(5, "erasure_requested", "c", "02T12:00:00"),
        event(6, "customer_created", "c", "09T18:00:00"),
        event(7, intent, "c", "10T00:00:00"),
    ];
    fs::write(folder.path().join("events.jsonl"), events.join("\n")).unwrap();
    replay(&folder, "2026-01-11T00:00:00Z");
    let check = |statement: &str, wanted: &[&str]| {
        let answer = sql(&folder.path().join("snapshots"), &["--format", "json"], statement);
        let found: Vec<String> = rows(&answer).iter().map(|row| row["what"].to_string()).collect();
        let wanted: Vec<String> = wanted.iter().map(|what| format!("{what:?}")).collect();
        assert_eq!(found, wanted, "{statement}");
    };
    let intents = "SELECT concat(customer_id, ' ', CAST(at AS DATE)) AS what FROM alerts \
                   WHERE kind = 'cancellation_intent' ORDER BY at";
    check(intents, &["d 2026-01-01", "c 2026-01-10"]);
    let first = "SELECT concat(customer_id, ' ', CAST(min(at) AS DATE)) AS what \
                 FROM scores_history GROUP BY customer_id ORDER BY customer_id";
    check(first, &["c 2026-01-09", "d 2026-01-01"]);
    let days = "SELECT concat(customer_id, ' ', day, ' ', type) AS what FROM events_daily \
                ORDER BY day, customer_id";
    let wanted = ["d 2026-01-01 cancellation_requested", "c 2026-01-10 cancellation_requested"];
    check(days, &wanted);
}

#[test]
fn a_measure_may_be_called_as_a_column_of_the_files_is() {
    let folder = a_login();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let model = include_str!("../../config/models/default.toml");
    for name in ["place", "edition", "explanation", "r3_b1_active"] {
        fs::write(path("model.toml"), model.replace("documents", name)).unwrap();
        let (model, snapshots) = (path("model.toml"), path(name));
        let snapshots = ["--snapshots", &snapshots, &path("events.jsonl")];
        done(&ebb(&[&["replay", "--model", &model][..], &snapshots[..]].concat()));
        let statement = format!("SELECT count(measure_{name}) AS n FROM customers");
        let found = rows(&sql(&folder.path().join(name), &["--format", "json"], &statement));
        assert_eq!(found, [json!({"n": 0})], "{name}");
    }
}

#[test]
fn a_44_what_waited_of_whom_was_forgotten_is_in_no_events_by_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let event = |(id, kind, customer, day): (u32, &str, &str, &str)| {
        format!(
            r#"{{"id":"{id}","type":"{kind}","customer_id":"{customer}","time":"2026-01-{day}T00:00:00Z"}}"#
        )
    };
    let events = [
        (1, "login", "d", "01"),
        (2, "login", "c", "09"),
        (3, "erasure_requested", "c", "02"),
        (4, "customer_created", "c", "05"),
        (5, "login", "c", "10"),
    ];
    fs::write(path("events.jsonl"), events.map(event).join("\n")).unwrap();
    fs::create_dir(path("journal")).unwrap();
    let note = r#"{"offset":1,"says":"waits","customer_id":"c","id":"2","n_before":1}"#;
    fs::write(path("journal/0.jsonl"), note).unwrap();
    let (snapshots, journal, events) = (path("snapshots"), path("journal"), path("events.jsonl"));
    let flags = ["--snapshots", &snapshots, "--clock-journal", &journal, &events];
    done(&ebb(&[&["replay"], &flags[..]].concat()));
    let statement = "SELECT customer_id, day FROM events_daily ORDER BY day";
    let found = rows(&sql(&folder.path().join("snapshots"), &["--format", "json"], statement));
    let wanted = [("d", "2026-01-01"), ("c", "2026-01-10")];
    assert_eq!(found, wanted.map(|(id, day)| json!({"customer_id": id, "day": day})));
}

#[test]
fn a_snapshot_of_another_number_of_partitions_is_none_to_go_on_from() {
    let folder = a_login();
    replay(&folder, "2026-01-02T00:00:00Z");
    let shelf = Shelf::read(&folder.path().join("snapshots")).unwrap();
    assert!(shelf.newest_of(0, 1).is_some());
    assert!(shelf.newest_of(0, 2).is_none());
}
