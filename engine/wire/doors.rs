//! A shared topic as one thing: its input, its outputs, its journal, and what is noted as done.
//!
//! Rules   a commit carries the pair of D-2, offset and `now`, and follows the outputs of
//!         everything before it, or goes with them where there are transactions.
//! Source  DESIGN §8, D-1 to D-3.

use crate::record::Note;
use crate::wire::{Fault, Position, Sink, Source};

/// A topic that a group of instances shares, and the outputs that hang on it.
///
/// A partition that is taken on gives no record before [`Doors::open`] says from where.
pub trait Doors {
    /// Both ends, for a turn of the pump.
    fn ends(&mut self) -> (&mut dyn Source, &mut dyn Sink);

    /// How many partitions the topic has.
    fn n_partitions(&self) -> u32;

    /// The partitions that are ours now, in their order.
    fn assigned(&self) -> &[u32];

    /// Whether all that `partition` holds was handed out, as far as is known.
    fn is_caught_up(&self, partition: u32) -> bool;

    /// Whether the world outside answers, as far as is known.
    fn is_reachable(&self) -> bool;

    /// Whether the next turn gives partitions up or takes some on: what is done should be
    /// committed before.
    fn is_rebalancing(&self) -> bool;

    /// The partitions that came and went since this was last asked, in that order. What was sent
    /// of them from here is safe by then, where there are no transactions: whoever takes one on
    /// reads it in the journal.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when that could not be made safe.
    fn handovers(&mut self) -> Result<Vec<Handover>, Fault>;

    /// The first offset of `partition` that is still there.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the topic could not be asked.
    fn earliest(&mut self, partition: u32) -> Result<i64, Fault>;

    /// Answers the group if it waits for that: the partitions just taken on are ours, and each is
    /// to be read from its offset in `starts` on.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when a partition cannot be read.
    fn place(&mut self, starts: &[(u32, i64)]) -> Result<(), Fault>;

    /// Lets the records of `partition` come, from offset `from` on.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the partition cannot be read from there.
    fn open(&mut self, partition: u32, from: i64) -> Result<(), Fault>;

    /// The place in the journal behind the last note of `partition` that went out from here and
    /// is safe, if one did.
    fn journal_end(&self, partition: u32) -> Option<i64>;

    /// Notes that everything before `positions` is done, once its outputs are safe.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when that could not be noted; the records will come again.
    fn commit(&mut self, positions: &[Position]) -> Result<Committed, Fault>;

    /// Begins what [`Doors::commit`] does, and does not wait for it: what became of it where that
    /// is known at once; else [`Doors::hear_commit`] tells. One is on its way at a time; a
    /// [`Doors::commit`] takes its place.
    ///
    /// # Errors
    ///
    /// As [`Doors::commit`].
    fn begin_commit(&mut self, positions: &[Position]) -> Result<Option<Committed>, Fault>;

    /// What became of the commit that was begun; `None` while it is on its way. `positions` are
    /// those it began with, without those of partitions that came or went since.
    ///
    /// # Errors
    ///
    /// As [`Doors::commit`].
    fn hear_commit(&mut self, positions: &[Position]) -> Result<Option<Committed>, Fault>;

    /// After [`Committed::Undone`]: what is committed for every partition that is ours. Their
    /// records come again once they are opened. Those that are ours no longer are told of by
    /// [`Doors::handovers`].
    ///
    /// # Errors
    ///
    /// A [`Fault`] when that could not be asked.
    fn start_over(&mut self) -> Result<Vec<(u32, Option<Position>)>, Fault>;
}

/// What was written to a journal.
pub trait JournalDoor: Send {
    /// The notes of `partition` in their order, from place `from` of the journal on or, where
    /// that is `None`, all there are; and the place behind them.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the journal cannot be read, holds what is no note, or has lost notes
    /// behind `from`.
    fn read(&mut self, partition: u32, from: Option<i64>) -> Result<(Vec<Note>, i64), Fault>;
}

/// A partition that came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// It is ours from now on; its committed position, if it has one.
    TakenOn(u32, Option<Position>),
    /// It is no longer ours.
    GivenUp(u32),
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is done.
    Done,
    /// The group is being divided anew: nothing is lost and nothing undone, but nothing is noted
    /// for some of the partitions either.
    Later,
    /// All that went out since the last commit is undone; the state is ahead of what is known.
    Undone(String),
}
