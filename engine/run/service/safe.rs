//! What is safe: commits, and the checkpoints and snapshots that stand on them.

use std::time::Duration;

use crate::run::Service;
use crate::run::keeper::Slice;
use crate::run::service::Phase;
use crate::run::watch::Watch;
use crate::state::checkpoint::Mark;
use crate::wire::store::Name;
use crate::wire::{Committed, Doors, Fault, Position};

/// After how long a time that moved alone, and rang nothing, is committed.
const QUIET_COMMIT: Duration = Duration::from_secs(5);

/// How much went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Out {
    /// In all.
    n_out: u64,
    /// Of what is watched.
    n_rung: u64,
}

/// A commit that is on its way.
#[derive(Debug)]
pub(super) struct Coming {
    moved: Vec<Position>,
    /// What had gone out when it began.
    out: Out,
}

/// When something is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timely {
    /// At once.
    Now,
    /// If its time has come.
    WhenDue,
}

impl<D: Doors> Service<'_, D> {
    /// Commits what moved; one that is only due, without waiting for it.
    pub(super) fn commit(&mut self, timely: Timely) -> Result<(), Fault> {
        if timely == Timely::WhenDue && self.is_coming()? {
            return Ok(());
        }
        let since = self.clock.uptime().saturating_sub(self.committed_at);
        if timely == Timely::WhenDue && since < self.commit_interval {
            return Ok(());
        }
        let moved: Vec<Position> =
            self.pump.positions().into_iter().filter(|position| self.is_news(position)).collect();
        let out = self.out();
        let is_all_safe = out == self.safe;
        let is_quiet = is_all_safe && moved.iter().all(|to| self.is_only_time(to));
        if (moved.is_empty() && is_all_safe)
            || (is_quiet && timely == Timely::WhenDue && since < QUIET_COMMIT)
        {
            return Ok(());
        }
        self.committed_at = self.clock.uptime();
        let committed = match timely {
            Timely::Now => Some(self.doors.commit(&moved)?),
            Timely::WhenDue => self.doors.begin_commit(&moved)?,
        };
        self.coming = Some(Coming { moved, out });
        committed.map_or(Ok(()), |committed| self.note(committed))
    }

    /// Whether a commit is still on its way.
    fn is_coming(&mut self) -> Result<bool, Fault> {
        let Some(coming) = &self.coming else { return Ok(false) };
        match self.doors.hear_commit(&coming.moved)? {
            Some(committed) => self.note(committed).map(|()| false),
            None => Ok(true),
        }
    }

    /// Notes what became of the commit.
    fn note(&mut self, committed: Committed) -> Result<(), Fault> {
        let Some(Coming { moved, out }) = self.coming.take() else { return Ok(()) };
        match committed {
            Committed::Done => {
                self.safe = out;
                if let Some(watch) = &mut self.watch {
                    watch.are_safe(out.n_rung);
                }
                for position in moved {
                    if let Some(ours) = self.partitions.get_mut(&position.partition) {
                        ours.committed = Some(position);
                    }
                }
                Ok(())
            }
            Committed::Later => Ok(()),
            Committed::Undone(_) => self.start_over(),
        }
    }

    /// Forgets that `partition` is in a commit that is on its way: it is no longer ours, or
    /// begins anew.
    pub(super) fn leave_out(&mut self, partition: u32) {
        if let Some(coming) = &mut self.coming {
            coming.moved.retain(|position| position.partition != partition);
        }
    }

    /// How much went out so far.
    fn out(&self) -> Out {
        let n_rung = self.watch.as_ref().map_or(0, Watch::n_rung);
        Out { n_out: self.pump.n_out(), n_rung }
    }

    fn is_news(&self, position: &Position) -> bool {
        let ours = self.partitions.get(&position.partition);
        ours.is_some_and(|ours| ours.committed != Some(*position))
    }

    /// Whether everything but time that moved alone is committed, and all that went out is safe.
    pub(super) fn is_all_committed(&self) -> bool {
        let is_safe = |to: &Position| !self.is_news(to) || self.is_only_time(to);
        self.out() == self.safe && self.pump.positions().iter().all(is_safe)
    }

    /// Whether nothing but time has moved since the last commit.
    fn is_only_time(&self, position: &Position) -> bool {
        let committed = self.partitions.get(&position.partition).and_then(|ours| ours.committed);
        committed.is_some_and(|committed| committed.next_offset == position.next_offset)
    }

    /// Goes back to what is committed, everywhere.
    fn start_over(&mut self) -> Result<(), Fault> {
        if let Some(watch) = &mut self.watch {
            watch.ring_again();
        }
        self.safe = self.out();
        for (partition, committed) in self.doors.start_over()? {
            self.take_on(partition, committed)?;
        }
        // What is no longer ours must not look as if it were still to be committed.
        self.hand_over()
    }

    /// Begins the checkpoint that is due, and writes a slice of the one on its way.
    pub(super) fn save(&mut self) -> Result<(), Fault> {
        let uptime = self.clock.uptime();
        if let Some(partition) = self.keeper.is_due(uptime) {
            let may_rest = |at: Position| self.keeper.may_rest(partition, at.next_offset, uptime);
            if self.position_if_scoring(partition).is_none_or(may_rest) {
                self.keeper.take_on(partition, uptime);
            } else {
                self.commit(Timely::Now)?;
                self.begin_checkpoint(partition);
            }
        }
        self.keeper.go_on(self.pump.engine_mut(), self.clock.uptime());
        Ok(())
    }

    /// Begins the checkpoint of `partition`, if all that it did is committed and all that the
    /// journal says is done: somebody may have been further before, and a checkpoint tells from
    /// where on the journal is read.
    pub(super) fn begin_checkpoint(&mut self, partition: u32) {
        let uptime = self.clock.uptime();
        let position = self.position_if_scoring(partition);
        let ours = self.partitions.get(&partition).filter(|ours| ours.committed == position);
        let ours = ours.filter(|_| !self.pump.is_told_more(partition));
        let (Some(position), Some(ours)) = (position, ours) else {
            self.keeper.take_on(partition, uptime);
            return;
        };
        let journal = self.doors.journal_end(partition).unwrap_or(0).max(ours.journal);
        let n_partitions = self.doors.n_partitions();
        let (next_offset, now) = (position.next_offset, position.now);
        let n_events = self.pump.n_events(partition);
        let mark = Mark { next_offset, n_partitions, journal, n_events };
        let name = Name { topic: self.topic(), partition, next_offset, now };
        self.keeper.begin(self.pump.engine_mut(), name, mark, uptime);
    }

    fn position_if_scoring(&self, partition: u32) -> Option<Position> {
        let ours = self.partitions.get(&partition)?;
        if ours.phase == Phase::Scoring { self.pump.position(partition) } else { None }
    }

    pub(super) fn wait_for_keeper(&mut self, until: Duration) {
        while self.keeper.is_busy() && self.clock.uptime() < until {
            if self.keeper.go_on(self.pump.engine_mut(), self.clock.uptime()) == Slice::None {
                // The disk is slower than we are.
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Begins the edition that is due, and copies a slice of the one on its way.
    pub(super) fn publish(&mut self) -> Result<(), Fault> {
        let uptime = self.clock.uptime();
        if self.press.as_ref().is_some_and(|press| press.is_due(uptime)) {
            self.commit(Timely::Now)?;
            self.begin_edition();
        }
        let Some(press) = &mut self.press else { return Ok(()) };
        let published = press.go_on(self.pump.engine_mut(), uptime);
        let Some(watch) = &mut self.watch else { return Ok(()) };
        // Of several instances one watches.
        if let Some(id) = published.filter(|_| self.partitions.contains_key(&0)) {
            watch.look(id, press.at());
        }
        let rung = watch.rung();
        let (_, sink) = self.doors.ends();
        self.pump.say_of_all(&rung, sink)
    }

    /// Begins an edition of the partitions of which all that they did is committed.
    fn begin_edition(&mut self) {
        let (uptime, n_partitions) = (self.clock.uptime(), self.doors.n_partitions());
        let positions = self.pump.positions();
        let is_safe = |position: &&Position| {
            let ours = self.partitions.get(&position.partition);
            ours.is_some_and(|ours| {
                ours.phase == Phase::Scoring && ours.committed == Some(**position)
            })
        };
        let safe: Vec<Position> = positions.iter().filter(is_safe).copied().collect();
        let Some(press) = &mut self.press else { return };
        if safe.is_empty() {
            press.put_off(uptime);
        } else {
            press.begin(self.pump.engine_mut(), (&safe, n_partitions), uptime);
        }
    }

    /// Publishes where everything ended, until `until` at most.
    pub(super) fn publish_last(&mut self, until: Duration) {
        self.wait_for_press(until);
        if self.press.as_ref().is_some_and(|press| !press.is_busy()) {
            self.begin_edition();
            self.wait_for_press(until);
        }
    }

    fn wait_for_press(&mut self, until: Duration) {
        while self.clock.uptime() < until {
            let uptime = self.clock.uptime();
            let Some(press) = self.press.as_mut().filter(|press| press.is_busy()) else { return };
            press.go_on(self.pump.engine_mut(), uptime);
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}
