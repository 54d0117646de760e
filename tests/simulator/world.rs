//! What is outside the instances: topics, journal, group and transactions, in memory.
//!
//! Shape   every instance that was ever started is a [`Client`], by number; its doors speak of
//!         themselves by that number.
//! Rules   whoever is no member any more is refused at its commit and nowhere else, as Kafka has
//!         it. A partition is given to its next owner once the one before has let it go or is no
//!         member. An output is there for readers once its transaction is committed, or at once
//!         where there are none.

mod commit;
mod group;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ebb::record::Note;
use ebb::run::settings::Delivery;
use ebb::wire::{Fault, Outgoing, Position};

use crate::oracle::streams::Random;

/// What an injected fault says.
pub(super) const SIMULATED: &str = "simulated";

/// Everything outside.
pub(super) struct World {
    pub(super) random: Random,
    pub(super) delivery: Delivery,
    pub(super) input: Vec<Log>,
    pub(super) clients: Vec<Client>,
    pub(super) committed: Vec<Option<Position>>,
    /// Behind the last record that anybody read, by partition.
    pub(super) read: Vec<i64>,
    /// Whether everyone knows at once what was appended.
    pub(super) is_prompt: bool,
    outputs: Vec<(Sent, Outgoing)>,
    journal: Vec<Vec<Entry>>,
    transactions: Vec<Ending>,
    has_stragglers: bool,
    owners: Vec<Option<usize>>,
    targets: Vec<Option<usize>>,
    leaving: BTreeSet<u32>,
}

/// One partition of the input.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) begin: i64,
    pub(super) records: Vec<Record>,
    /// Behind the last record, and behind the offsets after it that hold none.
    pub(super) end: i64,
}

/// A record of the input.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) offset: i64,
    pub(super) key: String,
    pub(super) line: String,
}

/// The transaction in which something was sent, if in one.
type Sent = Option<usize>;

/// A place in the journal.
#[derive(Debug)]
enum Entry {
    Note(Sent, Note),
    /// The end of a transaction takes a place, too.
    Marker,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Open,
    Done,
    Undone,
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The group is being divided: some positions are noted, or none.
    Later,
    /// It fails.
    Undone,
    /// It succeeds, and the answer is lost.
    DoneUnknown,
}

/// What the group tells a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assigned(Vec<u32>),
    Revoked(Vec<u32>),
    /// It is no member any more.
    Lost,
}

/// One instance, as the world sees it.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) is_member: bool,
    pub(super) is_away: bool,
    pub(super) changes: VecDeque<Change>,
    /// How many calls of its doors succeed before it ends in the middle of one.
    pub(super) calls_left: Option<u64>,
    pub(super) fate: Option<Fate>,
    in_flight: VecDeque<Outgoing>,
    coming: Option<commit::Coming>,
    transaction: Option<usize>,
    journal_ends: BTreeMap<u32, i64>,
}

impl World {
    pub(super) fn new(mut random: Random, delivery: Delivery, n_partitions: usize) -> World {
        let log = |begin| Log { begin, records: Vec::new(), end: begin };
        let input = (0..n_partitions).map(|_| log(random.pick(&[0, 0, 7]).unwrap_or(0)));
        World {
            input: input.collect(),
            random,
            delivery,
            clients: Vec::new(),
            committed: vec![None; n_partitions],
            read: vec![0; n_partitions],
            is_prompt: false,
            outputs: Vec::new(),
            journal: (0..n_partitions).map(|_| Vec::new()).collect(),
            transactions: Vec::new(),
            has_stragglers: false,
            owners: vec![None; n_partitions],
            targets: vec![None; n_partitions],
            leaving: BTreeSet::new(),
        }
    }

    /// One call of a door; fails where the instance is to end in it.
    pub(super) fn call(&mut self, client: usize) -> Result<(), Fault> {
        match &mut self.clients[client].calls_left {
            Some(0) => return Err(Fault::Broker(SIMULATED.to_owned())),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }

    /// Everything that readers see, in the order of sending.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &Outgoing> {
        let seen = self.outputs.iter().filter(|(sent, _)| self.is_seen(*sent));
        seen.map(|(_, output)| output)
    }

    /// The notes of `partition` from place `from` on that readers see, and the place behind.
    pub(super) fn notes(&self, partition: u32, from: i64) -> (Vec<Note>, i64) {
        let journal = &self.journal[partition as usize];
        let from = usize::try_from(from).unwrap_or(0);
        let notes = journal.iter().skip(from).filter_map(|entry| match entry {
            Entry::Note(sent, note) if self.is_seen(*sent) => Some(note.clone()),
            Entry::Note(..) | Entry::Marker => None,
        });
        (notes.collect(), i64::try_from(journal.len()).unwrap_or(i64::MAX))
    }

    /// Ends, as time does, the transactions that have written to the journal of `partition`.
    pub(super) fn time_out_transactions(&mut self, partition: u32) {
        let entries = self.journal[partition as usize].iter();
        let open: BTreeSet<usize> = entries
            .filter_map(|entry| match entry {
                Entry::Note(sent, _) => *sent,
                Entry::Marker => None,
            })
            .filter(|sent| self.transactions[*sent] == Ending::Open)
            .collect();
        for transaction in open {
            self.end(transaction, Ending::Undone);
        }
    }

    fn is_seen(&self, sent: Sent) -> bool {
        sent.is_none_or(|transaction| self.transactions[transaction] == Ending::Done)
    }

    /// Takes what `client` sends: into its transaction, or to be on its way for a while.
    pub(super) fn send(&mut self, client: usize, output: &Outgoing) {
        match self.delivery {
            Delivery::EffectivelyOnce => self.clients[client].in_flight.push_back(output.clone()),
            Delivery::ExactlyOnce => {
                let transaction = self.begin(client);
                // One that has ended meanwhile takes nothing any more; its commit will tell.
                if self.transactions[transaction] == Ending::Open {
                    self.write(client, Some(transaction), output.clone());
                }
            }
        }
    }

    fn begin(&mut self, client: usize) -> usize {
        let (transactions, client) = (&mut self.transactions, &mut self.clients[client]);
        *client.transaction.get_or_insert_with(|| {
            transactions.push(Ending::Open);
            transactions.len() - 1
        })
    }

    fn end(&mut self, transaction: usize, ending: Ending) {
        self.transactions[transaction] = ending;
        for journal in &mut self.journal {
            let is_there =
                |entry: &Entry| matches!(entry, Entry::Note(Some(of), _) if *of == transaction);
            if journal.iter().any(is_there) {
                journal.push(Entry::Marker);
            }
        }
    }

    fn write(&mut self, client: usize, sent: Sent, output: Outgoing) {
        if let Outgoing::Journal { partition, note } = output {
            let journal = &mut self.journal[partition as usize];
            journal.push(Entry::Note(sent, note));
            let end = i64::try_from(journal.len()).unwrap_or(i64::MAX);
            self.clients[client].journal_ends.insert(partition, end);
        } else {
            self.outputs.push((sent, output));
        }
    }

    /// Lets what `client` has on its way arrive, all of it or the first few.
    pub(super) fn arrive(&mut self, client: usize, n_max: usize) {
        for _ in 0..n_max {
            let Some(output) = self.clients[client].in_flight.pop_front() else { return };
            if let Some(coming) = &mut self.clients[client].coming {
                coming.n_before = coming.n_before.saturating_sub(1);
            }
            self.has_stragglers |= !self.clients[client].is_member;
            self.write(client, None, output);
        }
    }

    /// Whether something arrived from one that was no member any more: it may stand behind what
    /// its successor has written.
    pub(super) fn has_stragglers(&self) -> bool {
        self.has_stragglers
    }

    /// A first part of what `client` has on its way arrives.
    pub(super) fn some_arrive(&mut self, client: usize) {
        let n = self.random.below(1 + self.clients[client].in_flight.len() as u64);
        self.arrive(client, usize::try_from(n).unwrap_or(0));
    }

    /// What `client` has on its way, beyond a first part, is lost with its process.
    pub(super) fn die(&mut self, client: usize) {
        self.some_arrive(client);
        if self.random.chance(50) {
            self.carry_out(client);
        }
        self.clients[client].in_flight.clear();
    }

    pub(super) fn journal_end(&self, client: usize, partition: u32) -> Option<i64> {
        self.clients[client].journal_ends.get(&partition).copied()
    }

    /// Ends the transaction that `client` has left open, as its successor or time does.
    pub(super) fn clear_up(&mut self, client: usize) {
        let left = self.clients[client].transaction.take();
        if let Some(open) = left.filter(|it| self.transactions[*it] == Ending::Open) {
            self.end(open, Ending::Undone);
        }
    }

    /// Whether a transaction is open.
    pub(super) fn is_transacting(&self) -> bool {
        self.transactions.contains(&Ending::Open)
    }
}
