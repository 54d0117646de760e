//! `ebb run`: events in from a topic, alerts, scores and rejects out to topics.
//!
//! Rules   offsets are committed only after everything they caused is acknowledged; before a
//!         partition is given up, and at the end, everything done is committed.
//! Source  DESIGN §3, §8, §10.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args as ClapArgs;
use tracing::{info, warn};

use crate::cli::Failure;
use crate::cli::setup::Sources;
use crate::kafka::source::Handover;
use crate::kafka::{KafkaSink, KafkaSource};
use crate::run::settings::ClockMode;
use crate::run::{Live, Pump, Settings, Spread};
use crate::state::Engine;
use crate::wire::clock::WallClock;
use crate::wire::{Fault, Position, Sink, Source};

/// `ebb run`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Ends once every partition is caught up, as a test or a backfill wants it
    #[arg(long)]
    until_caught_up: bool,
    /// Where every customer's last state goes at the end, one row each
    #[arg(long, value_name = "OUT.csv")]
    customers: Option<PathBuf>,
}

/// How often a running engine says how it is doing.
const REPORT_EVERY: Duration = Duration::from_secs(30);

static WALL: WallClock = WallClock;

/// Runs `ebb run` until it is told to stop (SIGTERM, SIGINT).
///
/// # Errors
///
/// Exit 3 for faulty rules, 4 where the broker stays away, 6 where going on would lose data.
pub fn run(args: &Args) -> Result<(), Failure> {
    let setup = args.sources.read(None)?;
    let settings = &setup.settings;
    if setup.map.is_some() {
        return Err(Failure::settings(
            "cannot start: map is set; a topic must hold events in Ebb's own form: try `ebb \
             replay --map` for files",
        ));
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        // A second signal ends the process at once.
        let hooked = signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()));
        hooked.map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    }
    let live = match settings.clock.mode {
        ClockMode::Replay => None,
        ClockMode::Live => Some(Live {
            clock: &WALL,
            delay: settings.clock.delay,
            ahead_max: settings.clock.ahead_max,
            skew: settings.clock.skew,
        }),
    };
    let rules = setup.rules(setup.publish(), Some(settings.input.topic.clone()));
    let mut service = Service {
        source: KafkaSource::connect(settings)?,
        sink: KafkaSink::connect(settings)?,
        pump: Pump::new(Engine::new(rules, 0), Spread::AsTheyCome, live),
        committed: Vec::new(),
        committed_at: Instant::now(),
        reported_at: Instant::now(),
    };
    let (topic, group) = (&settings.input.topic, &settings.input.group);
    info!(topic, group, brokers = settings.kafka.brokers, "reading");
    while !stop.load(Ordering::Relaxed) {
        service.turn(settings)?;
        if args.until_caught_up && service.is_caught_up() {
            break;
        }
    }
    service.finish()?;
    if let Some(path) = &args.customers {
        crate::cli::customers::write(path, service.pump.engine())?;
    }
    eprint!("{}", service.pump.counts());
    Ok(())
}

/// A pump between topics.
struct Service {
    source: KafkaSource,
    sink: KafkaSink,
    pump: Pump<'static>,
    committed: Vec<Position>,
    committed_at: Instant,
    reported_at: Instant,
}

impl Service {
    /// One batch, the partitions that came and went, and what time moved.
    fn turn(&mut self, settings: &Settings) -> Result<(), Fault> {
        if self.source.is_rebalancing() {
            self.commit()?;
        }
        self.pump.turn(&mut self.source, &mut self.sink)?;
        for handover in self.source.handovers() {
            match handover {
                Handover::TakenOn(partition, position) => {
                    let offset = position.map(|position| position.next_offset);
                    info!(partition, from = offset, "partition taken on");
                    self.pump.take_on(partition);
                }
                Handover::GivenUp(partition) => {
                    info!(partition, "partition given up");
                    self.pump.give_up(partition);
                    self.committed.retain(|known| known.partition != partition);
                }
            }
        }
        for partition in self.source.assigned().to_vec() {
            if self.source.is_caught_up(partition) {
                self.pump.keep_up(partition, &mut self.sink)?;
            }
        }
        let interval = settings.commit_interval.as_millis().unsigned_abs();
        if Duration::from_millis(interval) <= self.committed_at.elapsed() {
            self.commit()?;
        }
        if REPORT_EVERY <= self.reported_at.elapsed() {
            self.report();
        }
        Ok(())
    }

    fn report(&mut self) {
        self.reported_at = Instant::now();
        let counts = self.pump.counts();
        let (read, applied, alerts) = (counts.read, counts.applied, counts.alerts_in_all());
        let rejected = counts.rejected_in_all();
        info!(read, applied, rejected, alerts, "running");
        if !self.source.is_reachable() {
            warn!("the broker does not answer; trying again");
        }
    }

    /// Waits until everything sent is acknowledged, then commits what moved.
    fn commit(&mut self) -> Result<(), Fault> {
        self.committed_at = Instant::now();
        self.sink.settle()?;
        let positions = self.pump.positions();
        let moved: Vec<Position> = positions
            .iter()
            .filter(|position| !self.committed.contains(position))
            .filter(|position| self.source.assigned().contains(&position.partition))
            .copied()
            .collect();
        if !moved.is_empty() {
            self.source.commit(&moved)?;
            self.committed = positions;
        }
        Ok(())
    }

    fn is_caught_up(&self) -> bool {
        let assigned = self.source.assigned();
        !assigned.is_empty()
            && assigned.iter().all(|partition| self.source.is_caught_up(*partition))
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.commit()?;
        self.report();
        info!("stopped: everything done is committed");
        Ok(())
    }
}
