//! What a partition needs before it can go on where it was left.
//!
//! Shape   a [`Job`] is looked up first, which tells where the partition will probably be read
//!         from; `prepare` then reads the newest checkpoint at or before the committed position
//!         and the journal since. [`Hands`] lets a thread of its own do each of the two, so that
//!         the partitions that stay go on meanwhile.
//! Rules   a checkpoint that cannot be used is passed over for the next older one, with its reason.
//!         Without any, the topic is gone over from its first record, if that is still there;
//!         else going on would lose data, and somebody has to decide. A partition that begins for
//!         the first time leaves a checkpoint of nothing, so that its beginning is known.
//! Source  DESIGN §8, D-2.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use crate::record::Note;
use crate::run::archive::Archive;
use crate::run::settings::Missing;
use crate::state::checkpoint::{Mark, Progress, Refusal, Restored, restore};
use crate::state::{Engine, Rules};
use crate::unit::EventTime;
use crate::wire::store::Name;
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
}

/// Where a partition will probably be read from, once that is known.
pub(super) struct Guess(Receiver<i64>);

impl Guess {
    /// The offset, if it comes within `limit`.
    pub(super) fn wait(&self, limit: Duration) -> Option<i64> {
        self.0.recv_timeout(limit).ok()
    }
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
    pub(super) archive: Archive,
    /// `None` where the wall clock has no say.
    pub(super) journal: Option<Box<dyn JournalDoor>>,
    pub(super) missing: Missing,
}

/// Who makes partitions ready.
pub(super) enum Hands {
    /// Threads of their own.
    Apart(Sender<(Job, Sender<i64>)>, Receiver<Result<Ready, Fault>>),
    /// Whoever asks, at once.
    Own(Box<Bench>, VecDeque<Result<Ready, Fault>>),
}

impl Hands {
    /// Hands on threads of their own: a look into a store is short, and nobody's waits until
    /// another partition is read.
    pub(super) fn apart(mut bench: Bench) -> Hands {
        let (jobs, todo) = mpsc::channel::<(Job, Sender<i64>)>();
        let (look, looked) = mpsc::channel();
        let (done, results) = mpsc::channel();
        let archive = bench.archive.clone();
        // Both end when nobody asks any more.
        thread::spawn(move || {
            for (job, guess) in todo {
                let names = look_up(&archive, &job, &guess);
                if look.send(names.map(|names| (job, names))).is_err() {
                    return;
                }
            }
        });
        thread::spawn(move || {
            for job in looked {
                let ready = job.and_then(|(job, names)| bench.prepare(job, names));
                if done.send(ready).is_err() {
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
    pub(super) fn start(&mut self, job: Job) -> Result<Guess, Fault> {
        let (guess, guessed) = mpsc::channel();
        match self {
            Hands::Apart(jobs, _) => jobs.send((job, guess)).map_err(|_| ended())?,
            Hands::Own(bench, done) => {
                let names = look_up(&bench.archive, &job, &guess)?;
                done.push_back(bench.prepare(job, names));
            }
        }
        Ok(Guess(guessed))
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

/// The checkpoints that `job` can go on from, in order; the first of them is the `guess`.
fn look_up(archive: &Archive, job: &Job, guess: &Sender<i64>) -> Result<Vec<Name>, Fault> {
    let names = archive.look(job)?.names;
    // Whoever asked need not have waited for it.
    let _heard = guess.send(names.first().map_or(job.earliest, |name| name.next_offset));
    Ok(names)
}

fn ended() -> Fault {
    Fault::Input("cannot go on: the thread that reads checkpoints has ended".to_owned())
}

impl Bench {
    fn prepare(&mut self, job: Job, names: Vec<Name>) -> Result<Ready, Fault> {
        let refused = match self.newest(&job, names)? {
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

    /// The first of `names` that can be used, or why none can.
    fn newest(
        &self,
        job: &Job,
        mut names: Vec<Name>,
    ) -> Result<Result<Restored, Vec<String>>, Fault> {
        let mut refused = Vec::new();
        let mut at = 0;
        while let Some(name) = names.get(at) {
            let why = match self.read(name, job) {
                Ok(restored) if restored.header.mark.n_partitions == job.n_partitions => {
                    return Ok(Ok(restored));
                }
                Ok(restored) => {
                    return Err(repartitioned(job, restored.header.mark.n_partitions));
                }
                Err(Unusable::Unread(why)) => {
                    let holding = self.archive.look(job)?;
                    if !holding.is_at_once {
                        // It was the store; what it holds may have changed meanwhile.
                        (names, at) = (holding.names, 0);
                        refused.clear();
                        continue;
                    }
                    why
                }
                Err(Unusable::Refused(why)) => why,
            };
            warn!(%name, why, "a checkpoint is passed over");
            refused.push(format!("{name}: {why}"));
            at += 1;
        }
        Ok(Err(refused))
    }

    /// The state in the checkpoint `name`.
    fn read(&self, name: &Name, job: &Job) -> Result<Restored, Unusable> {
        let source = self.archive.store.read(name);
        let mut source = source.map_err(|fault| Unusable::Unread(fault.to_string()))?;
        match restore(&mut *source, job.partition, &self.rules) {
            Ok(restored) if is_called(name, &restored) => Ok(restored),
            Ok(_) => {
                Err(Unusable::Refused("it is of another position than it is called by".to_owned()))
            }
            Err(refusal @ Refusal::Unread { .. }) => Err(Unusable::Unread(refusal.to_string())),
            Err(refusal) => Err(Unusable::Refused(refusal.to_string())),
        }
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
        let n_partitions = job.n_partitions;
        let mark = Mark { next_offset, n_partitions, journal: 0, n_events: 0 };
        engine.begin_checkpoint(partition, mark);
        let (topic, now) = (self.archive.topic.clone(), EventTime::ALWAYS);
        let mut origin = self.archive.store.create(&Name { topic, partition, next_offset, now })?;
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
            format!("there is no checkpoint in {}", self.archive.store.place())
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

/// Why a checkpoint is not used.
enum Unusable {
    /// It, or the store that holds it, cannot be read.
    Unread(String),
    /// It is not what is wanted.
    Refused(String),
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

#[cfg(test)]
mod tests;
