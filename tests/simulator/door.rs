//! The doors of one simulated instance: what [`KafkaDoors`] is to a cluster, these are to a
//! [`World`].
//!
//! Rules   a change of the group that could be seen before a batch is carried out in place of the
//!         batch. What an instance knows of the end of a partition may be old. A record comes
//!         although the partition has passed to somebody else, until the instance hears of it.
//!
//! [`KafkaDoors`]: ebb::kafka::KafkaDoors

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ebb::record::Note;
use ebb::run::settings::Delivery;
use ebb::wire::{
    Batch, Body, Committed, Doors, Fault, Fetched, Handover, JournalDoor, Origin, Outgoing,
    Position, RawRecord, Sink, Source,
};

use super::world::{Change, World};

/// Most records of a batch.
const BATCH: u64 = 12;

/// A world that several doors share.
pub(super) type Shared = Arc<Mutex<World>>;

pub(super) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The doors of one instance.
pub(super) struct Door {
    input: Input,
    output: Output,
}

struct Input {
    world: Shared,
    client: usize,
    shares: Vec<Share>,
    assigned: Vec<u32>,
    handovers: Vec<Handover>,
    unplaced: Option<Vec<u32>>,
}

/// One partition that is ours.
struct Share {
    partition: u32,
    /// The next offset, once it is open.
    next: Option<i64>,
    /// The end, as far as is known.
    end: i64,
    is_at_end: bool,
}

struct Output {
    world: Shared,
    client: usize,
}

/// The journal as one instance reads it.
pub(super) struct SimulatedJournal(pub(super) Shared, pub(super) usize);

impl Door {
    pub(super) fn new(world: &Shared, client: usize) -> Door {
        let input = Input {
            world: Arc::clone(world),
            client,
            shares: Vec::new(),
            assigned: Vec::new(),
            handovers: Vec::new(),
            unplaced: None,
        };
        Door { input, output: Output { world: Arc::clone(world), client } }
    }

    pub(super) fn client(&self) -> usize {
        self.input.client
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.output.world)
    }
}

impl Input {
    fn hand_over(&mut self, world: &mut World) {
        while self.unplaced.is_none()
            && let Some(change) = world.clients[self.client].changes.pop_front()
        {
            match change {
                Change::Assigned(partitions) => {
                    for &partition in &partitions {
                        self.shares.retain(|share| share.partition != partition);
                        let committed = world.committed[partition as usize];
                        self.handovers.push(Handover::TakenOn(partition, committed));
                    }
                    self.unplaced = Some(partitions);
                }
                Change::Revoked(partitions) => {
                    self.give_up(&partitions);
                    world.let_go(self.client, &partitions);
                }
                Change::Lost => {
                    let ours: Vec<u32> = self.shares.iter().map(|share| share.partition).collect();
                    self.give_up(&ours);
                    world.rejoin(self.client);
                }
            }
            self.sort();
        }
    }

    fn give_up(&mut self, partitions: &[u32]) {
        for &partition in partitions {
            self.shares.retain(|share| share.partition != partition);
            self.handovers.push(Handover::GivenUp(partition));
        }
    }

    fn sort(&mut self) {
        self.shares.sort_by_key(|share| share.partition);
        self.assigned = self.shares.iter().map(|share| share.partition).collect();
    }

    fn ours(&self, positions: &[Position]) -> Vec<Position> {
        let is_ours = |position: &&Position| self.assigned.contains(&position.partition);
        positions.iter().filter(is_ours).copied().collect()
    }

    fn share(&mut self, partition: u32) -> Option<&mut Share> {
        self.shares.iter_mut().find(|share| share.partition == partition)
    }
}

impl Source for Input {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
        let world = Arc::clone(&self.world);
        let world = &mut *lock(&world);
        let was_announced = !world.clients[self.client].changes.is_empty();
        world.call(self.client)?;
        if was_announced {
            self.hand_over(world);
            return Ok(Fetched::Some);
        }
        if world.clients[self.client].is_away {
            return Ok(Fetched::Some);
        }
        let mut room = 1 + world.random.below(BATCH);
        for share in &mut self.shares {
            let Some(next) = &mut share.next else { continue };
            let log = &world.input[share.partition as usize];
            if world.is_prompt || world.random.chance(70) {
                share.end = log.end;
            }
            let from = log.records.partition_point(|record| record.offset < *next);
            for record in log.records.iter().skip(from) {
                if room == 0 || share.end <= record.offset {
                    break;
                }
                room -= 1;
                let key = Some(Some(batch.store(record.key.as_bytes())));
                let body = Body::Event(batch.store(record.line.as_bytes()));
                let origin = Origin::Topic { partition: share.partition, offset: record.offset };
                batch.records.push(RawRecord { body, key, original: None, origin });
                *next = record.offset + 1;
            }
            let read = &mut world.read[share.partition as usize];
            *read = (*read).max(*next);
            let is_left = log.records.iter().any(|it| (*next..share.end).contains(&it.offset));
            share.is_at_end = !is_left;
        }
        // Sooner or later it hears that it was given up.
        if world.random.chance(30) {
            world.tell_lost(self.client);
        }
        world.call(self.client)?;
        let is_caught_up = self.unplaced.is_none() && self.shares.iter().all(|it| it.is_at_end);
        Ok(if batch.records.is_empty() && is_caught_up { Fetched::CaughtUp } else { Fetched::Some })
    }

    fn name(&self, _origin: Origin) -> &str {
        super::TOPIC
    }
}

impl Sink for Output {
    fn send(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        let mut has_note = false;
        for output in outputs {
            let mut world = lock(&self.world);
            world.call(self.client)?;
            let is_note = matches!(output, Outgoing::Journal { .. });
            if has_note && !is_note && world.delivery == Delivery::EffectivelyOnce {
                world.arrive(self.client, usize::MAX);
            }
            has_note = is_note;
            world.send(self.client, output);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        let mut world = lock(&self.world);
        world.call(self.client)?;
        world.arrive(self.client, usize::MAX);
        Ok(())
    }
}

impl Doors for Door {
    fn ends(&mut self) -> (&mut dyn Source, &mut dyn Sink) {
        (&mut self.input, &mut self.output)
    }

    fn n_partitions(&self) -> u32 {
        u32::try_from(self.world().input.len()).unwrap_or(u32::MAX)
    }

    fn assigned(&self) -> &[u32] {
        &self.input.assigned
    }

    fn is_caught_up(&self, partition: u32) -> bool {
        let share = self.input.shares.iter().find(|share| share.partition == partition);
        self.is_reachable() && share.is_some_and(|share| share.is_at_end)
    }

    fn is_reachable(&self) -> bool {
        !self.world().clients[self.client()].is_away
    }

    fn is_rebalancing(&self) -> bool {
        !self.world().clients[self.client()].changes.is_empty()
    }

    fn handovers(&mut self) -> Result<Vec<Handover>, Fault> {
        let handovers = std::mem::take(&mut self.input.handovers);
        if !handovers.is_empty() {
            self.world().arrive(self.client(), usize::MAX);
        }
        Ok(handovers)
    }

    fn earliest(&mut self, partition: u32) -> Result<i64, Fault> {
        let mut world = self.world();
        world.call(self.client())?;
        Ok(world.input[partition as usize].begin)
    }

    fn place(&mut self, starts: &[(u32, i64)]) -> Result<(), Fault> {
        let Some(unplaced) = self.input.unplaced.take() else { return Ok(()) };
        self.world().call(self.client())?;
        for partition in unplaced {
            assert!(
                starts.iter().any(|(known, _)| *known == partition),
                "{partition} has no start"
            );
            self.input.shares.push(Share { partition, next: None, end: 0, is_at_end: false });
        }
        self.input.sort();
        Ok(())
    }

    fn open(&mut self, partition: u32, from: i64) -> Result<(), Fault> {
        let mut world = lock(&self.output.world);
        world.call(self.output.client)?;
        let end = world.input[partition as usize].end;
        if let Some(share) = self.input.share(partition) {
            (share.next, share.end, share.is_at_end) = (Some(from), end, false);
        }
        Ok(())
    }

    fn journal_end(&self, partition: u32) -> Option<i64> {
        self.world().journal_end(self.client(), partition)
    }

    fn commit(&mut self, positions: &[Position]) -> Result<Committed, Fault> {
        let ours = self.input.ours(positions);
        let mut world = self.world();
        world.call(self.client())?;
        let committed = world.commit(self.client(), &ours);
        // Where it ends here, it does so between the commit and its answer.
        world.call(self.client())?;
        Ok(committed)
    }

    fn begin_commit(&mut self, positions: &[Position]) -> Result<Option<Committed>, Fault> {
        let is_waited_for = {
            let mut world = self.world();
            world.call(self.client())?;
            world.delivery == Delivery::ExactlyOnce || world.random.chance(20)
        };
        if is_waited_for {
            return self.commit(positions).map(Some);
        }
        self.world().begin_commit(self.client());
        Ok(None)
    }

    fn hear_commit(&mut self, positions: &[Position]) -> Result<Option<Committed>, Fault> {
        let mut world = self.world();
        world.call(self.client())?;
        let committed = world.hear_commit(self.client(), &self.input.ours(positions));
        // Where it ends here, the commit was done and its answer is lost.
        world.call(self.client())?;
        Ok(committed)
    }

    fn start_over(&mut self) -> Result<Vec<(u32, Option<Position>)>, Fault> {
        let client = self.output.client;
        let mut world = lock(&self.output.world);
        world.call(client)?;
        // Every other one that was put out is in again before it hears of that.
        if !world.clients[client].is_member && client.is_multiple_of(2) {
            world.clients[client].changes.clear();
            let ours = std::mem::take(&mut self.input.assigned);
            self.input.give_up(&ours);
            world.rejoin(client);
            return Ok(Vec::new());
        }
        let of = |share: &mut Share| {
            (share.next, share.is_at_end) = (None, false);
            (share.partition, world.committed[share.partition as usize])
        };
        Ok(self.input.shares.iter_mut().map(of).collect())
    }
}

impl JournalDoor for SimulatedJournal {
    fn read(&mut self, partition: u32, from: Option<i64>) -> Result<(Vec<Note>, i64), Fault> {
        let mut world = lock(&self.0);
        world.call(self.1)?;
        // Whoever reads waits for what is open there.
        world.time_out_transactions(partition);
        Ok(world.notes(partition, from.unwrap_or(0)))
    }
}
