//! Topics of a run at a real broker, and the program between them.

use std::error::Error;
use std::process::{Child, Command, Stdio};

use ebb::run::Settings;
use ebb::run::settings::Layers;

use super::broker::Broker;

/// Topics of one run, and the settings that name them.
pub(crate) struct Stage {
    pub(crate) broker: &'static Broker,
    pub(crate) sets: Vec<String>,
    pub(crate) settings: Settings,
    pub(crate) folder: tempfile::TempDir,
}

impl Stage {
    /// New topics at `broker`, and `delivery` as settings have it.
    pub(crate) fn set(broker: &'static Broker, delivery: &str) -> Result<Stage, Box<dyn Error>> {
        let input = broker.topic("events", 4, &[]);
        let mut sets = vec![
            format!("kafka.brokers={}", broker.brokers()),
            format!("input.topic={input}"),
            format!("input.group={input}"),
            format!("delivery={delivery}"),
        ];
        for (name, n, configs) in [
            ("alerts", 1, &[][..]),
            ("scores", 4, &[("cleanup.policy", "compact")][..]),
            ("rejects", 1, &[][..]),
        ] {
            sets.push(format!("output.{name}={}", broker.topic(name, n, configs)));
        }
        let layers = Layers { env: Vec::new(), flags: sets.clone() };
        let settings = Settings::from_text(None, &layers)?;
        Ok(Stage { broker, sets, settings, folder: tempfile::tempdir()? })
    }

    /// Has `ebb generate` make `n_events` of the bench job by `n_customers`, to where `to` says.
    pub(crate) fn generate(
        &self,
        (n_events, n_customers): (u64, u64),
        to: &[&str],
    ) -> Result<(), Box<dyn Error>> {
        let (events, customers) = (n_events.to_string(), n_customers.to_string());
        let what = ["generate", "--model", "bench", "--customers", &customers, "--events", &events];
        let made = self.ebb(&[&what[..], to].concat()).status()?;
        if made.success() { Ok(()) } else { Err(format!("ebb generate ended with {made}").into()) }
    }

    fn ebb(&self, args: &[&str]) -> Command {
        let mut ebb = Command::new(env!("CARGO_BIN_EXE_ebb"));
        ebb.args(args).stderr(Stdio::null()).stdout(Stdio::null());
        ebb
    }

    /// Has `ebb run` begin with these settings, and `args`.
    pub(crate) fn run(&self, args: &[&str]) -> Result<Running, Box<dyn Error>> {
        let checkpoints = format!("checkpoint.folder={}", self.folder.path().display());
        let mut run = self.ebb(&["run", "--set", &checkpoints]);
        run.args(args).args(self.sets.iter().flat_map(|set| ["--set", set]));
        Ok(Running(run.spawn()?))
    }
}

/// A running engine, ended when this is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}
