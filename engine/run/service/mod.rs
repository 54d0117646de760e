//! A running engine: partitions that come and go, commits, checkpoints, the wall clock.
//!
//! Shape   a turn takes one batch through the pump, then looks after everything else that is due:
//!         handovers, partitions that became ready, the clock, a commit, a slice of a checkpoint.
//! Rules   what is done is committed before partitions change hands. A checkpoint begins only on
//!         what is committed. Where a commit is undone, every partition goes back to what is
//!         committed and takes the same road again.
//! Source  DESIGN §3, §8, §10; D-2, D-3.

mod safe;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::run::archive::Archive;
use crate::run::keeper::Keeper;
use crate::run::press::{Press, Publisher};
use crate::run::recovery::{Bench, Guess, Hands, Job, Ready};
use crate::run::service::safe::{Coming, Out, Timely};
use crate::run::settings::Settings;
use crate::run::steps::Steps;
use crate::run::watch::{Asker, Watch};
use crate::run::{Counts, Pump};
use crate::state::Engine;
use crate::unit::Span;
use crate::wire::store::Store;
use crate::wire::{Clock, Doors, Fault, Handover, JournalDoor, Position};

/// How often a running engine says how it is doing.
const REPORT_EVERY: Duration = Duration::from_secs(30);
/// How often it does so while partitions go over what was done before.
const REPORT_RECOVERY_EVERY: Duration = Duration::from_secs(2);

/// How long the group waits to hear from where a partition will be read: where a store takes longer
/// for its list, what is fetched meanwhile is fetched again.
const GUESS_MAX: Duration = Duration::from_millis(100);

/// Who does the work that need not be done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// Threads of their own.
    Apart,
    /// Nobody else: it is done where it is asked for, so that a run can be repeated.
    Own,
}

/// What a service works with besides its doors.
pub struct Tools<'c> {
    /// The clock.
    pub clock: &'c dyn Clock,
    /// Where checkpoints are.
    pub store: Arc<dyn Store>,
    /// The journal; `None` where the wall clock has no say.
    pub journal: Option<Box<dyn JournalDoor>>,
    /// Who publishes snapshots; `None` where none are.
    pub publisher: Option<Box<dyn Publisher>>,
    /// Who asks snapshots what is watched; `None` where nothing is.
    pub asker: Option<Box<dyn Asker>>,
    /// Who reads and stores.
    pub workers: Workers,
}

/// A running engine between doors.
pub struct Service<'c, D> {
    doors: D,
    pump: Pump<'c>,
    clock: &'c dyn Clock,
    hands: Hands,
    keeper: Keeper,
    press: Option<Press>,
    watch: Option<Watch>,
    /// `None` where the wall clock has no say.
    steps: Option<Steps>,
    partitions: BTreeMap<u32, Partition>,
    commit_interval: Duration,
    n_jobs: u64,
    /// The commit that is on its way.
    coming: Option<Coming>,
    /// What is safe of what went out.
    safe: Out,
    committed_at: Duration,
    reported_at: Duration,
}

/// One partition that is ours.
#[derive(Clone, Copy, Debug)]
struct Partition {
    /// The job that makes it ready, or made it so.
    job: u64,
    phase: Phase,
    /// What is committed, as far as we know.
    committed: Option<Position>,
    /// The place in the journal up to which it was read.
    journal: i64,
}

/// What a partition is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its state is being read.
    Loading,
    /// It goes over what was done before.
    CatchingUp,
    /// It scores.
    Scoring,
}

impl<'c, D: Doors> Service<'c, D> {
    /// A service that moves `pump` between `doors`.
    pub fn new(
        doors: D,
        mut pump: Pump<'c>,
        settings: &Settings,
        tools: Tools<'c>,
    ) -> Service<'c, D> {
        let Tools { clock, store, journal, publisher, asker, workers } = tools;
        let published = publisher.as_ref().and_then(|publisher| publisher.reach());
        let press = settings.snapshots.as_ref().zip(publisher).map(|(rules, publisher)| {
            let (press, witness) = Press::new(rules, publisher, clock.uptime());
            pump.watch(witness);
            press
        });
        let rules = pump.engine().rules().clone();
        let watched = settings.snapshots.as_ref().zip(asker);
        let watch = watched.filter(|_| !settings.watches.is_empty()).map(|(rules_of, asker)| {
            let model = (rules.model.id.clone(), rules.model.version);
            Watch::new(settings.watches.clone(), asker, &rules_of.folder, model)
        });
        let missing = settings.missing;
        let steps = journal.as_ref().map(|_| Steps::of(clock));
        let topic = rules.topic.clone().unwrap_or_default();
        let archive = Archive { store: Arc::clone(&store), topic, workers, published };
        let bench = Bench { rules, archive, journal, missing };
        let (hands, keeper) = match workers {
            Workers::Apart => (Hands::apart(bench), Keeper::apart(&settings.checkpoint, store)),
            Workers::Own => (Hands::own(bench), Keeper::own(&settings.checkpoint, store)),
        };
        Service {
            doors,
            pump,
            clock,
            hands,
            keeper,
            press,
            watch,
            steps,
            partitions: BTreeMap::new(),
            commit_interval: duration(settings.commit_interval),
            n_jobs: 0,
            coming: None,
            safe: Out::default(),
            committed_at: clock.uptime(),
            reported_at: clock.uptime(),
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> &Counts {
        self.pump.counts()
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        self.pump.engine()
    }

    /// The doors.
    pub fn doors(&self) -> &D {
        &self.doors
    }

    /// Whether every partition that is ours scores; none where none is.
    pub fn is_ready(&self) -> bool {
        let mut phases = self.partitions.values().map(|partition| partition.phase);
        !self.partitions.is_empty() && phases.all(|phase| phase == Phase::Scoring)
    }

    /// Whether it is ready and everything that waits was read.
    pub fn is_caught_up(&self) -> bool {
        self.is_ready()
            && self.partitions.keys().all(|partition| self.doors.is_caught_up(*partition))
    }

    /// Whether nothing is left to do on the partitions that are ours: it is caught up, and what was
    /// done is committed; commits that first. None where none is ours.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when that could not be committed.
    pub fn is_done(&mut self) -> Result<bool, Fault> {
        if !self.is_caught_up() {
            return Ok(false);
        }
        if !self.is_all_committed() {
            self.commit(Timely::Now)?;
        }
        Ok(self.is_caught_up() && self.is_all_committed())
    }

    /// One batch, and everything else that is due.
    ///
    /// # Errors
    ///
    /// A [`Fault`] that a retry inside could not mend; what was not committed comes again.
    pub fn turn(&mut self) -> Result<(), Fault> {
        if self.doors.is_rebalancing() {
            self.commit(Timely::Now)?;
        }
        let (source, sink) = self.doors.ends();
        self.pump.turn(source, sink)?;
        self.hand_over()?;
        self.welcome()?;
        self.keep_up()?;
        self.commit(Timely::WhenDue)?;
        self.save()?;
        self.publish()?;
        self.report();
        Ok(())
    }

    /// Ends in order: everything done is committed, and every partition saved that can be within
    /// `limit`. Tells whether all is committed: while the group is divided anew it takes nothing,
    /// and what it does not take may be undone.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when that could not be committed.
    pub fn finish(&mut self, limit: Span) -> Result<bool, Fault> {
        let until = self.clock.uptime() + duration(limit);
        let was_ready = self.is_ready();
        self.commit(Timely::Now)?;
        // Where it is no longer, what it did is undone.
        let is_all_committed = self.is_all_committed() && self.is_ready() == was_ready;
        let ours: Vec<u32> = self.partitions.keys().copied().collect();
        for partition in ours {
            self.wait_for_keeper(until);
            if !self.keeper.is_busy() {
                self.begin_checkpoint(partition);
            }
        }
        self.wait_for_keeper(until);
        self.publish_last(until);
        if self.keeper.is_busy() {
            warn!("no time is left to save the state; the next start goes over more again");
        }
        Ok(is_all_committed)
    }

    /// Takes partitions on and gives them up, as the group has it.
    fn hand_over(&mut self) -> Result<(), Fault> {
        let mut guesses = Vec::new();
        for handover in self.doors.handovers()? {
            match handover {
                Handover::TakenOn(partition, committed) => {
                    let guess = self.take_on(partition, committed)?;
                    guesses.push((partition, committed, guess));
                }
                Handover::GivenUp(partition) => {
                    info!(partition, "partition given up");
                    self.give_up(partition);
                }
            }
        }
        let until = self.clock.uptime() + GUESS_MAX;
        let starts = guesses.into_iter().filter_map(|(partition, committed, guess)| {
            let guess = guess.wait(until.saturating_sub(self.clock.uptime()));
            let from = guess.or(committed.map(|position: Position| position.next_offset))?;
            Some((partition, from))
        });
        let starts: Vec<(u32, i64)> = starts.collect();
        self.doors.place(&starts)
    }

    /// Has `partition` made ready, and tells where it will probably be read from.
    fn take_on(&mut self, partition: u32, committed: Option<Position>) -> Result<Guess, Fault> {
        self.give_up(partition);
        info!(partition, committed = committed.map(|p| p.next_offset), "partition taken on");
        self.n_jobs += 1;
        let (number, n_partitions) = (self.n_jobs, self.doors.n_partitions());
        let (phase, journal) = (Phase::Loading, 0);
        self.partitions.insert(partition, Partition { job: number, phase, committed, journal });
        let earliest = self.doors.earliest(partition)?;
        self.hands.start(Job { partition, number, committed, earliest, n_partitions })
    }

    fn give_up(&mut self, partition: u32) {
        self.keeper.give_up(partition);
        if let Some(press) = &mut self.press {
            press.give_up(partition);
        }
        self.pump.give_up(partition);
        self.leave_out(partition);
        self.partitions.remove(&partition);
    }

    /// Lets the partitions go on that became ready.
    fn welcome(&mut self) -> Result<(), Fault> {
        while let Some(ready) = self.hands.next()? {
            let Ready { job, restored, from, notes, journal } = ready;
            let partition = job.partition;
            let ours = self.partitions.get_mut(&partition);
            // It may have gone meanwhile, or have been taken on anew.
            let Some(ours) = ours.filter(|ours| ours.job == job.number) else { continue };
            (ours.phase, ours.journal) = (Phase::CatchingUp, journal);
            if let Some(press) = &mut self.press {
                press.take_on(partition, job.n_partitions);
            }
            self.pump.begin(partition, restored, (from, job.committed), &notes);
            self.doors.open(partition, from)?;
            self.keeper.take_on(partition, self.clock.uptime());
        }
        for (partition, ours) in &mut self.partitions {
            if ours.phase != Phase::CatchingUp {
                continue;
            }
            if self.doors.is_caught_up(*partition) {
                self.pump.is_at_end(*partition);
            }
            if self.pump.is_catching_up(*partition).is_none() {
                ours.phase = Phase::Scoring;
                info!(partition, "partition is scoring");
            }
        }
        Ok(())
    }

    /// Moves the time of the partitions that are caught up with the wall clock.
    ///
    /// Not while the group has something to say: it may be that they are no longer ours.
    fn keep_up(&mut self) -> Result<(), Fault> {
        if let Some(steps) = &mut self.steps {
            steps.look(self.clock);
        }
        if self.doors.is_rebalancing() {
            return Ok(());
        }
        for (partition, ours) in &self.partitions {
            if ours.phase == Phase::Scoring && self.doors.is_caught_up(*partition) {
                let (_, sink) = self.doors.ends();
                self.pump.keep_up(*partition, sink)?;
            }
        }
        Ok(())
    }

    fn topic(&self) -> String {
        self.pump.engine().rules().topic.clone().unwrap_or_default()
    }

    fn report(&mut self) {
        let behind: u64 =
            self.partitions.keys().filter_map(|number| self.pump.is_catching_up(*number)).sum();
        let is_recovering = self.partitions.values().any(|ours| ours.phase != Phase::Scoring);
        let every = if is_recovering { REPORT_RECOVERY_EVERY } else { REPORT_EVERY };
        if self.clock.uptime().saturating_sub(self.reported_at) < every {
            return;
        }
        self.reported_at = self.clock.uptime();
        let counts = self.pump.counts();
        let (read, applied, alerts) = (counts.read, counts.applied, counts.alerts_in_all());
        let (rejected, recovered) = (counts.rejected_in_all(), counts.recovered);
        if is_recovering {
            info!(recovered, behind, "recovering: going over what was done before");
        } else {
            info!(read, applied, rejected, alerts, "running");
        }
        if !self.doors.is_reachable() {
            warn!("the broker does not answer; trying again");
        }
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.as_millis().unsigned_abs())
}
