//! What a partition needs before it can go on where it was left.
//!
//! Shape   `prepare` reads the newest checkpoint at or before the committed position and the
//!         journal since; [`Hands`] lets a thread of its own do that, so that the partitions that
//!         stay go on meanwhile.
//! Rules   a checkpoint that cannot be used is passed over for the next older one, with its reason.
//!         Without any, the topic is gone over from its first record, if that is still there;
//!         else going on would lose data, and somebody has to decide. A partition that begins for
//!         the first time leaves a checkpoint of nothing, so that its beginning is known.
//! Source  DESIGN §8, D-2.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;

use tracing::{info, warn};

use crate::record::Note;
use crate::run::settings::Missing;
use crate::state::checkpoint::{Mark, Progress, Restored, restore};
use crate::state::{Engine, Rules};
use crate::unit::EventTime;
use crate::wire::store::{Name, Store};
use crate::wire::{Fault, JournalDoor, Position};

/// One partition to be made ready.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) partition: u32,
    /// Distinguishes it from earlier ones of the same partition.
    pub(super) number: u64,
    /// What the group has committed.
    pub(super) committed: Option<Position>,
    /// The first record that is still there.
    pub(super) earliest: i64,
    pub(super) n_partitions: u32,
    /// The checkpoints at or before `committed`, newest first.
    pub(super) candidates: Vec<Name>,
}

/// A partition made ready.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) job: Job,
    /// Its state; `None` for none at all.
    pub(super) restored: Option<Restored>,
    /// From which record on it goes over what was done before.
    pub(super) from: i64,
    /// What the journal says of the records from there on.
    pub(super) notes: Vec<Note>,
    /// The place behind them.
    pub(super) journal: i64,
}

/// What partitions are made ready with.
pub(super) struct Bench {
    pub(super) rules: Rules,
    pub(super) store: Arc<dyn Store>,
    /// `None` where the wall clock has no say.
    pub(super) journal: Option<Box<dyn JournalDoor>>,
    pub(super) missing: Missing,
}

/// Who makes partitions ready.
pub(super) enum Hands {
    /// A thread of their own.
    Apart(Sender<Job>, Receiver<Result<Ready, Fault>>),
    /// Whoever asks, at once.
    Own(Box<Bench>, VecDeque<Result<Ready, Fault>>),
}

impl Hands {
    /// Hands on a thread of their own.
    pub(super) fn apart(mut bench: Bench) -> Hands {
        let (jobs, todo) = mpsc::channel();
        let (done, results) = mpsc::channel();
        // It ends when nobody asks any more.
        thread::spawn(move || {
            for job in todo {
                if done.send(bench.prepare(job)).is_err() {
                    return;
                }
            }
        });
        Hands::Apart(jobs, results)
    }

    /// Hands of whoever asks: nothing happens beside it.
    pub(super) fn own(bench: Bench) -> Hands {
        Hands::Own(Box::new(bench), VecDeque::new())
    }

    /// Takes on `job`.
    pub(super) fn start(&mut self, job: Job) -> Result<(), Fault> {
        match self {
            Hands::Apart(jobs, _) => jobs.send(job).map_err(|_| ended()),
            Hands::Own(bench, done) => {
                done.push_back(bench.prepare(job));
                Ok(())
            }
        }
    }

    /// The next partition that is ready.
    pub(super) fn next(&mut self) -> Result<Option<Ready>, Fault> {
        match self {
            Hands::Apart(_, results) => match results.try_recv() {
                Ok(ready) => ready.map(Some),
                Err(TryRecvError::Empty) => Ok(None),
                Err(TryRecvError::Disconnected) => Err(ended()),
            },
            Hands::Own(_, done) => done.pop_front().transpose(),
        }
    }
}

fn ended() -> Fault {
    Fault::Input("cannot go on: the thread that reads checkpoints has ended".to_owned())
}

impl Bench {
    fn prepare(&mut self, job: Job) -> Result<Ready, Fault> {
        let refused = match self.newest(&job)? {
            Ok(restored) => return self.go_on(job, restored),
            Err(refused) => refused,
        };
        let partition = job.partition;
        let Some(committed) = job.committed else {
            self.leave_origin(&job)?;
            let (notes, journal) = self.notes(partition, None)?;
            let from = job.earliest;
            return Ok(Ready { job, restored: None, from, notes, journal });
        };
        let (from, since) = match (job.earliest, self.missing) {
            (0, _) => (0, Some(0)),
            (earliest, Missing::GoOn) => {
                warn!(partition, from = earliest, "no checkpoint: events before it are missing");
                (earliest, None)
            }
            (earliest, Missing::Stop) => return Err(self.lost(partition, earliest, &refused)),
        };
        if 0 < committed.next_offset {
            info!(partition, from, to = committed.next_offset, "no checkpoint: going over all");
        }
        let (notes, journal) = self.notes(partition, since)?;
        Ok(Ready { job, restored: None, from, notes, journal })
    }

    /// The newest checkpoint that can be used, or why none can.
    fn newest(&self, job: &Job) -> Result<Result<Restored, Vec<String>>, Fault> {
        let mut refused = Vec::new();
        for name in &job.candidates {
            let mut source = match self.store.read(name) {
                Ok(source) => source,
                Err(fault) => {
                    warn!(%name, %fault, "a checkpoint is passed over");
                    refused.push(format!("{name}: {fault}"));
                    continue;
                }
            };
            match restore(&mut *source, job.partition, &self.rules) {
                Ok(restored) if !is_called(name, &restored) => {
                    warn!(%name, "a checkpoint is passed over: it is of another position");
                    refused.push(format!("{name}: it is of another position than it is called by"));
                }
                Ok(restored) if restored.header.mark.n_partitions == job.n_partitions => {
                    return Ok(Ok(restored));
                }
                Ok(restored) => {
                    return Err(repartitioned(job, restored.header.mark.n_partitions));
                }
                Err(refusal) => {
                    warn!(%name, %refusal, "a checkpoint is passed over");
                    refused.push(format!("{name}: {refusal}"));
                }
            }
        }
        Ok(Err(refused))
    }

    fn go_on(&mut self, job: Job, restored: Restored) -> Result<Ready, Fault> {
        let (partition, mark) = (job.partition, restored.header.mark);
        let from = mark.next_offset;
        if from < job.earliest && self.missing == Missing::Stop {
            return Err(Fault::DataLoss(format!(
                "cannot go on: {}: the records {from} to {} are no longer on the topic, and the \
                 newest checkpoint ends before them; wanted every record since\n\
                 safe: nothing was skipped\n\
                 try: a longer retention.ms of the topic, a shorter checkpoint.interval, or \
                 recovery.missing=go-on, which goes on without them",
                self.place(partition),
                job.earliest - 1
            )));
        }
        let since = (self.missing == Missing::Stop).then_some(mark.journal);
        let (notes, journal) = self.notes(partition, since)?;
        let customers = restored.header.n_customers;
        info!(partition, customers, from, "checkpoint read");
        Ok(Ready { job, restored: Some(restored), from, notes, journal })
    }

    fn notes(&mut self, partition: u32, since: Option<i64>) -> Result<(Vec<Note>, i64), Fault> {
        match &mut self.journal {
            Some(journal) => journal.read(partition, since),
            None => Ok((Vec::new(), 0)),
        }
    }

    /// Leaves a checkpoint of nothing where the partition begins.
    fn leave_origin(&self, job: &Job) -> Result<(), Fault> {
        let (partition, next_offset) = (job.partition, job.earliest);
        let mut engine = Engine::new(self.rules.clone(), 0);
        engine.reach(partition + 1);
        let mark = Mark { next_offset, n_partitions: job.n_partitions, journal: 0 };
        engine.begin_checkpoint(partition, mark);
        let topic = self.rules.topic.clone().unwrap_or_default();
        let now = EventTime::ALWAYS;
        let mut origin = self.store.create(&Name { topic, partition, next_offset, now })?;
        while let Some(Progress::More(pieces) | Progress::Done(pieces)) =
            engine.continue_checkpoint(partition, 1)
        {
            origin.write(&pieces.concat())?;
        }
        origin.publish()
    }

    fn place(&self, partition: u32) -> String {
        format!("{}-{partition}", self.rules.topic.as_deref().unwrap_or("input"))
    }

    fn lost(&self, partition: u32, earliest: i64, refused: &[String]) -> Fault {
        let found = if refused.is_empty() {
            format!("there is no checkpoint in {}", self.store.place())
        } else {
            format!("no checkpoint can be used:\n  {}", refused.join("\n  "))
        };
        Fault::DataLoss(format!(
            "cannot go on: {}: {found}\n\
             the records 0 to {} are no longer on the topic either; wanted one of the two\n\
             safe: nothing was skipped\n\
             try: the right checkpoint.folder, or recovery.missing=go-on, which starts with what \
             the topic still has",
            self.place(partition),
            earliest - 1
        ))
    }
}

/// Whether `restored` is what `name` says.
fn is_called(name: &Name, restored: &Restored) -> bool {
    let header = &restored.header;
    (name.next_offset, name.now) == (header.mark.next_offset, header.now)
}

fn repartitioned(job: &Job, found: u32) -> Fault {
    Fault::DataLoss(format!(
        "cannot go on: partition {}: its checkpoint is of a topic with {found} partitions, which \
         now has {}; customers now walk other partitions than before\n\
         safe: nothing was read beyond what is committed\n\
         try: a new input.group, which begins with the first record, or a new topic",
        job.partition, job.n_partitions
    ))
}
