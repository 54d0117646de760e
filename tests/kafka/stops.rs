//! Stops in the middle of work, and a world that is slow, away or full.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ebb::kafka::KafkaDoors;
use ebb::wire::{Committed, Doors, Outgoing};

use super::load::{Heard, Load};
use super::{LIMIT, Stage};
use crate::broker::{self, Broker};

/// Events alone move time, so that a replay rings the same.
const REPLAY: &str = "clock.mode=replay";

impl Stage {
    /// The command that is `ebb run` on this stage with `more` settings.
    pub(super) fn command(&self, folder: &Path, more: &[&str]) -> Command {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ebb"));
        run.arg("run").args(self.sets(folder)).args(["--set", REPLAY]);
        run.args(more.iter().flat_map(|set| ["--set", set]));
        run
    }

    /// Starts it.
    pub(super) fn heard(&self, folder: &Path, more: &[&str]) -> Heard {
        Heard::start(&mut self.command(folder, more))
    }

    /// Lets it go on until everything is read.
    pub(super) fn catch_up(&self, folder: &Path, more: &[&str]) -> Heard {
        let mut run = Heard::start(self.command(folder, more).arg("--until-caught-up"));
        assert_eq!(run.end().code(), Some(0), "{}", run.said());
        run
    }
}

#[test]
fn exit_0_a_stop_in_the_middle_of_load_commits_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["effectively-once", "exactly-once"] {
        let Some(stage) = Stage::set(2, &[]) else { return };
        let load = Load::make(folder.path(), 2);
        let delivery = format!("delivery={mode}");
        let trickle = load.trickle(&stage);
        let state = folder.path().join(mode);
        for _ in 0..3 {
            let mut run = stage.heard(&state, &[&delivery]);
            run.wait_for("partition is scoring", 2);
            thread::sleep(Duration::from_millis(700));
            let began = Instant::now();
            run.signal("-TERM");
            assert_eq!(run.end().code(), Some(0), "{}", run.said());
            assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
            assert!(run.said().contains("everything done is committed"), "{}", run.said());
        }
        trickle.join().unwrap();
        let last = stage.catch_up(&state, &[&delivery]);
        assert!(last.said().contains("checkpoint read"), "{}", last.said());
        assert_eq!(load.compare(&stage), 0, "a clean stop doubles nothing");
    }
}

#[test]
fn exit_4_and_130_a_broker_that_stands_still_under_load_and_at_the_stop() {
    if broker::shared().is_none() {
        return;
    }
    let Ok(own) = Broker::start() else { return };
    let own: &'static Broker = Box::leak(Box::new(own));
    let stage = Stage::on(own, 2, &[]);
    let folder = tempfile::tempdir().unwrap();
    let load = Load::make(folder.path(), 2);
    let trickle = load.trickle(&stage);
    let mut run = stage.heard(folder.path(), &[]);
    run.wait_for("partition is scoring", 2);
    thread::sleep(Duration::from_secs(1));
    own.signal("STOP");
    thread::sleep(Duration::from_secs(20));
    own.signal("CONT");
    trickle.join().unwrap();
    run.signal("-TERM");
    assert_eq!(run.end().code(), Some(0), "{}", run.said());

    // Once more, and now it is told to stop meanwhile.
    let hang = |signals: &[&str], wanted: i32, limit: Duration| {
        // So seldom that what was read is still to be committed at the stop.
        let seldom = ["commit.interval=1m", "commit.transaction_timeout=10m"];
        let sets = ["halt.deadline=2s", seldom[0], seldom[1]];
        let mut run = stage.heard(folder.path(), &sets);
        run.wait_for("partition is scoring", 2);
        stage.put(&[(Some("c-1"), Some("no event, but a reject"))]);
        thread::sleep(Duration::from_secs(1));
        own.signal("STOP");
        thread::sleep(Duration::from_secs(1));
        let began = Instant::now();
        for signal in signals {
            run.signal(signal);
            thread::sleep(Duration::from_millis(500));
        }
        assert_eq!(run.end().code(), Some(wanted), "{}", run.said());
        assert!(began.elapsed() < limit, "{:?}", began.elapsed());
        own.signal("CONT");
        run.said()
    };
    let said = hang(&["-TERM"], 4, Duration::from_secs(10));
    assert!(said.contains("error: cannot stop in time"), "{said}");
    assert!(said.contains("safe: nothing is committed that was not done"), "{said}");
    hang(&["-TERM", "-TERM"], 130, Duration::from_secs(2));
    stage.catch_up(folder.path(), &[]);
    println!("{} alerts came twice", load.compare(&stage));
}

#[test]
fn outputs_that_the_broker_throttles_are_waited_for_within_bounded_memory() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let Some(jars) = broker::tools() else { return };
    let client = stage.broker.name("slow");
    let quota = Command::new("java")
        .arg("-cp")
        .arg(format!("{}/*", jars.display()))
        .args(["kafka.admin.ConfigCommand", "--bootstrap-server", stage.broker.brokers()])
        .args(["--alter", "--add-config", "producer_byte_rate=100000"])
        .args(["--entity-type", "clients", "--entity-name", &client])
        .output()
        .unwrap();
    assert!(quota.status.success(), "{quota:?}");
    let folder = tempfile::tempdir().unwrap();
    let load = Load::make(folder.path(), 2);
    load.trickle(&stage).join().unwrap();
    let sets = [format!("kafka.client_id={client}"), "scores.min_change=0".to_owned()];
    let mut run = stage.heard(folder.path(), &[&sets[0], &sets[1]]);
    let (began, mut most_kib) = (Instant::now(), 0);
    let wanted = load.compare_when_there(&stage, || most_kib = most_kib.max(memory_kib(run.pid())));
    run.signal("-TERM");
    assert_eq!(run.end().code(), Some(0), "{}", run.said());
    println!("{wanted} twice, {:?}, at most {most_kib} KiB", began.elapsed());
    assert!(Duration::from_secs(4) < began.elapsed(), "nothing was throttled");
    assert!(most_kib < 400 << 10, "{most_kib} KiB");
}

/// The most memory that the process has ever taken.
fn memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

#[test]
fn a_disk_that_is_full_costs_checkpoints_and_nothing_else() {
    let Some(stage) = Stage::set(1, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let load = Load::make(folder.path(), 1);
    let trickle = load.trickle(&stage);
    // No file may become longer than 4 KiB: room for a checkpoint of nothing, and for no other.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -S -f 8; exec \"$@\"", "sh"]);
    let command = stage.command(folder.path(), &["checkpoint.interval=1s"]);
    limited.arg(command.get_program()).args(command.get_args());
    let mut run = Heard::start(&mut limited);
    run.wait_for("a checkpoint could not be saved", 2);
    let n_saved = run.n_said("checkpoint saved");
    let free = Command::new("prlimit")
        .args(["--pid", &run.pid().to_string(), "--fsize=unlimited:"])
        .status();
    assert!(free.unwrap().success());
    run.wait_for("checkpoint saved", n_saved + 1);
    trickle.join().unwrap();
    run.signal("-TERM");
    assert_eq!(run.end().code(), Some(0), "{}", run.said());
    stage.catch_up(folder.path(), &[]);
    assert_eq!(load.compare(&stage), 0);
}

#[test]
fn whoever_stood_still_says_nothing_and_goes_back_to_what_is_committed() {
    // Ticks come every 250 ms, so a session of 100 ms is over at once.
    let properties = "kafka.properties.session.timeout.ms=100";
    let heartbeat = "kafka.properties.heartbeat.interval.ms=50";
    let Some(stage) = Stage::set(1, &[properties, heartbeat]) else { return };
    let alert = Outgoing::Alert { key: "c-1".to_owned(), value: b"{}".to_vec() };
    let mut doors = KafkaDoors::connect(&stage.settings).unwrap();
    thread::sleep(Duration::from_millis(400));
    doors.ends().1.send(std::slice::from_ref(&alert)).unwrap();
    let undone = doors.commit(&[]).unwrap();
    assert_eq!(undone, Committed::Undone("this process stood still for 0 s".to_owned()));
    assert_eq!(stage.broker.read_all(&stage.settings.output.alerts), []);

    let awake = Stage::set(1, &[]).unwrap();
    let mut doors = KafkaDoors::connect(&awake.settings).unwrap();
    doors.ends().1.send(&[alert]).unwrap();
    assert_eq!(doors.commit(&[]).unwrap(), Committed::Done);
    assert_eq!(awake.broker.read_all(&awake.settings.output.alerts).len(), 1);
}

#[test]
fn an_instance_that_was_paused_past_its_session_rings_nothing_of_its_own() {
    let Some(stage) = Stage::set(2, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let load = Load::make(folder.path(), 2);
    let trickle = load.trickle(&stage);
    let session = ["kafka.properties.session.timeout.ms=6000"];
    let mut first = stage.heard(folder.path(), &session);
    first.wait_for("partition is scoring", 2);
    let mut second = stage.heard(folder.path(), &session);
    second.wait_for("partition is scoring", 1);
    first.signal("-STOP");
    second.wait_for("partition is scoring", 2);
    first.signal("-CONT");
    trickle.join().unwrap();
    let began = Instant::now();
    while first.n_said("partition is scoring") + second.n_said("partition is scoring") < 5 {
        assert!(began.elapsed() < LIMIT, "{}\n{}", first.said(), second.said());
        thread::sleep(Duration::from_millis(100));
    }
    for run in [&mut first, &mut second] {
        run.signal("-TERM");
        assert_eq!(run.end().code(), Some(0), "{}", run.said());
    }
    stage.catch_up(folder.path(), &[]);
    println!("{} alerts came twice\n{}", load.compare(&stage), first.said());
}
