//! The wall clock has a say: silence rings at its own instant, and a stop is clean.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{LIMIT, Stage, wall_millis};

#[test]
fn silence_rings_at_its_own_instant_while_nothing_arrives() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let output = stage.settings.output.clone();
    // Seven days after this login, a few seconds from now, there was no session for a week.
    let at = wall_millis() + 4_000;
    let login = at - 7 * 86_400_000;
    let event = format!(r#"{{"id":"1","type":"login","customer_id":"c","time":{login}}}"#);
    // One that lies ahead of the clock waits until its time has come.
    let ahead = at + 2_000;
    let later =
        format!(r#"{{"id":"2","type":"cancellation_requested","customer_id":"d","time":{ahead}}}"#);
    stage.put(&[(Some("c"), Some(&event)), (Some("d"), Some(&later))]);
    let folder = tempfile::tempdir().unwrap();
    let mut running = stage.run(folder.path(), &[]);

    let began = Instant::now();
    let (mut silent, mut intent) = (None, None);
    while silent.is_none() || intent.is_none() {
        assert!(began.elapsed() < LIMIT, "no alert came");
        std::thread::sleep(Duration::from_millis(200));
        for record in stage.broker.read_all(&output.alerts) {
            let alert: Value = serde_json::from_slice(&record.value.unwrap()).unwrap();
            match alert["rule"].as_str() {
                Some("risk_cs") => silent = Some(alert),
                Some("CX-1") => intent = Some(alert),
                _ => {}
            }
        }
    }
    let moment = |millis| ebb::unit::EventTime::from_millis(millis).to_string();
    let (silent, intent) = (silent.unwrap(), intent.unwrap());
    assert_eq!(silent["at"], moment(at));
    assert_eq!(silent["cause"]["type"], "timer");
    assert_eq!(intent["at"], moment(ahead));
    assert_eq!(intent["cause"]["id"], "2");
    assert!(at <= wall_millis(), "it rang before its time");

    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}
