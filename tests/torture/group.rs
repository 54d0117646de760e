//! Instances of `ebb run` in one group, as processes.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::torture::Plan;

/// How long anything may take that must come to an end by itself.
pub(super) const LIMIT: Duration = Duration::from_secs(180);

/// Exit codes with which an instance may end by itself here: told to stop, the broker away for
/// too long, fenced by its namesake.
const CODES: [i32; 3] = [0, 4, 5];

/// The topics of one run, and the settings that name them.
pub(super) struct Stage<'b> {
    pub(super) broker: &'b Broker,
    pub(super) folder: tempfile::TempDir,
    pub(super) input: String,
    pub(super) alerts: String,
    pub(super) scores: String,
    pub(super) rejects: String,
}

/// One process, ended when this is dropped.
pub(super) struct Instance {
    child: Child,
    pub(super) slot: usize,
    pub(super) is_frozen: bool,
}

impl<'b> Stage<'b> {
    pub(super) fn set(broker: &'b Broker, plan: &Plan) -> Stage<'b> {
        let stage = Stage {
            broker,
            folder: tempfile::tempdir().unwrap(),
            input: broker.topic("events", 4, &[]),
            alerts: broker.topic("alerts", 2, &[]),
            scores: broker.topic("scores", 2, &[("cleanup.policy", "compact")]),
            rejects: broker.topic("rejects", 1, &[]),
        };
        fs::write(stage.path("ebb.toml"), stage.settings(plan)).unwrap();
        stage
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self, plan: &Plan) -> String {
        let Stage { input, alerts, scores, rejects, .. } = self;
        let checkpoints = self.path("checkpoints");
        format!(
            "delivery = \"{}\"\n\
             [clock]\nmode = \"{}\"\n\
             [kafka]\nbrokers = \"{}\"\n\
             [kafka.properties]\n\"session.timeout.ms\" = {SESSION_MS}\n\
             \"heartbeat.interval.ms\" = 500\n\
             [input]\ntopic = \"{input}\"\ngroup = \"{input}\"\n\
             [output]\nalerts = \"{alerts}\"\nscores = \"{scores}\"\nrejects = \"{rejects}\"\n\
             receipts = \"{input}-receipts\"\n\
             [checkpoint]\nfolder = \"{}\"\ninterval = \"1s\"\n\
             [commit]\ninterval = \"100ms\"\ntransaction_timeout = \"10s\"\n\
             [retry]\ntries_max = 40\nwait_first = \"100ms\"\nwait_max = \"1s\"\n",
            plan.delivery,
            plan.clock,
            self.broker.brokers(),
            checkpoints.display()
        )
    }

    /// Starts an instance; those with a name keep it over their restarts.
    pub(super) fn start(&self, slot: usize) -> Instance {
        let log = OpenOptions::new().create(true).append(true).open(self.log(slot)).unwrap();
        let mut run = self.ebb(log);
        run.args(["run", "--settings"]).arg(self.path("ebb.toml"));
        if let Some(name) = name_of(slot) {
            run.arg("--set").arg(format!("kafka.instance_id={name}"));
        }
        Instance { child: run.spawn().unwrap(), slot, is_frozen: false }
    }

    pub(super) fn log(&self, slot: usize) -> PathBuf {
        self.path(&format!("{slot}.log"))
    }

    fn ebb(&self, log: File) -> Command {
        let mut ebb = Command::new(env!("CARGO_BIN_EXE_ebb"));
        ebb.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        ebb
    }

    /// Runs `ebb` to its end, which must be a good one; what it said.
    pub(super) fn run(&self, args: &[&str]) -> String {
        let log = self.path("last.log");
        let done = self.ebb(File::create(&log).unwrap()).args(args).status().unwrap();
        assert!(done.success(), "ebb {}: {}", args.join(" "), text(&log));
        text(&log)
    }
}

impl Drop for Stage<'_> {
    /// Where a test fails, what the instances said goes with the folder unless it is told here.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for slot in 0..3 {
                println!("instance {slot}:\n{}", text(&self.log(slot)));
            }
        }
    }
}

/// How long a session lasts.
pub(super) const SESSION_MS: u64 = 3_000;

/// The name of the instance in `slot`, if it has one.
pub(super) fn name_of(slot: usize) -> Option<String> {
    (slot < 2).then(|| format!("ebb-{slot}"))
}

pub(super) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

impl Instance {
    /// Whether it still runs; one that ended must have done so in one of the ways that are right.
    pub(super) fn is_running(&mut self, stage: &Stage<'_>) -> bool {
        let Some(status) = self.child.try_wait().unwrap() else { return true };
        let is_right = status.code().is_none_or(|code| CODES.contains(&code));
        assert!(
            is_right,
            "instance {} ended: {status}: {}",
            self.slot,
            text(&stage.log(self.slot))
        );
        false
    }

    pub(super) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        assert!(done.success(), "kill -{signal} {pid}");
    }

    /// Ends it at once.
    pub(super) fn kill(mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }

    /// Tells it to stop and waits until it has.
    pub(super) fn stop(mut self, stage: &Stage<'_>) {
        let began = Instant::now();
        if self.is_running(stage) {
            self.signal("TERM");
        }
        while self.is_running(stage) {
            assert!(
                began.elapsed() < LIMIT,
                "{} does not stop: {}",
                self.slot,
                text(&stage.log(self.slot))
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
