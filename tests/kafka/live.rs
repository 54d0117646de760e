//! The wall clock has a say: silence rings at its own instant, and a stop is clean.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::{LIMIT, Stage};

/// A running `ebb run`, ended when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already unless the test failed before.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn wall_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

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
    let checkpoints = folder.path().display().to_string();
    let mut run = Command::new(env!("CARGO_BIN_EXE_ebb"));
    run.arg("run").stderr(Stdio::null());
    for (key, value) in [
        ("kafka.brokers", stage.broker.brokers()),
        ("input.topic", stage.settings.input.topic.as_str()),
        ("input.group", stage.settings.input.group.as_str()),
        ("output.alerts", output.alerts.as_str()),
        ("output.scores", output.scores.as_str()),
        ("output.rejects", output.rejects.as_str()),
        ("checkpoint.folder", checkpoints.as_str()),
    ] {
        run.arg("--set").arg(format!("{key}={value}"));
    }
    let mut running = Running(run.spawn().unwrap());

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
