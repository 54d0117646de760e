//! What a way of delivery costs, against a real broker on the same machine.
//!
//! Budget  2.0 CPU s a million events for the whole process.
//! Load    the bench model's stream, all of it on the topic already.
//!
//! `EBB_EVENTS` chooses how many events.

#[expect(dead_code, unused_imports, clippy::unwrap_used, reason = "shared with the tests")]
#[path = "../tests/broker/mod.rs"]
mod broker;

mod stage;

use std::env;
use std::error::Error;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use stage::Stage;

/// The ways, the default first.
const WAYS: [&str; 2] = ["effectively-once", "exactly-once"];
/// Nothing here takes longer, on however loaded a machine.
const LIMIT: Duration = Duration::from_secs(600);

fn main() -> Result<(), Box<dyn Error>> {
    let is_test = env::args().any(|arg| arg == "--test");
    let Some(broker) = broker::shared() else { return Ok(()) };
    let n_events = match env::var("EBB_EVENTS") {
        Ok(text) => text.parse()?,
        Err(_) if is_test => 2_000,
        Err(_) => 2_000_000,
    };
    for way in WAYS {
        let (seconds, cpu) = drain(&Stage::set(broker, way)?, n_events)?;
        println!(
            "{way}: {:.0} events/s, {:.2} CPU s a million ({n_events} events)",
            n_events as f64 / seconds,
            cpu * 1e6 / n_events as f64
        );
    }
    Ok(())
}

/// Seconds and CPU seconds that a run takes for `n_events` that wait on the topic.
fn drain(stage: &Stage, n_events: u64) -> Result<(f64, f64), Box<dyn Error>> {
    let to = ["--brokers", stage.broker.brokers(), "--topic", &stage.settings.input.topic];
    stage.generate((n_events, (n_events / 50).max(10)), &to)?;
    let replay = ["--model", "bench", "--until-caught-up", "--set", "clock.mode=replay"];
    let began = Instant::now();
    let mut running = stage.run(&replay)?;
    let (mut cpu, stat) = (0.0, format!("/proc/{}/stat", running.0.id()));
    let status = loop {
        if let Ok(text) = fs::read_to_string(&stat) {
            cpu = cpu_seconds(&text).unwrap_or(cpu);
        }
        match running.0.try_wait()? {
            Some(status) => break status,
            None if LIMIT < began.elapsed() => return Err("it never ended".into()),
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    if !status.success() {
        return Err(format!("ebb run ended with {status}").into());
    }
    Ok((began.elapsed().as_secs_f64(), cpu))
}

/// User and system time of a line of /proc/PID/stat, in seconds of 100 ticks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let ticks = words.next()?.parse::<f64>().ok()? + words.next()?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}
