//! What a call has to do, before the lanes do it.

use crate::state::lanes::Job;
use crate::unit::EventTime;

/// What a call has to do, by partition.
pub(crate) struct Plan {
    /// The records that are let in.
    pub(crate) jobs: Vec<Vec<Job>>,
    /// After which record `now` stands where.
    pub(crate) moves: Vec<Vec<(u64, EventTime)>>,
    /// The records before which a replay must be told of `now`.
    pub(crate) told: Vec<(usize, EventTime)>,
}

impl Plan {
    pub(crate) fn new(n_partitions: usize) -> Plan {
        let jobs = (0..n_partitions).map(|_| Vec::new()).collect();
        let moves = (0..n_partitions).map(|_| Vec::new()).collect();
        Plan { jobs, moves, told: Vec::new() }
    }

    pub(crate) fn moved(&mut self, partition: usize, record: u64, now: EventTime) {
        if let Some(moves) = self.moves.get_mut(partition) {
            moves.push((record, now));
        }
    }
}
