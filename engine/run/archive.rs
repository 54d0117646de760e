//! The checkpoints of one topic, for whoever wants to go on from one.
//!
//! Rules   a store that does not answer is waited for, with a word at every try, where somebody
//!         may wait: what cannot be looked up now is there later, and who scores meanwhile is not
//!         touched. Whether a checkpoint cannot be read or its store is away is told by listing.
//!         Where the newest checkpoint is ahead of the snapshots, the one before it comes first:
//!         what lies between is then told once more, and no row of what happened is lost.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing::warn;

use crate::run::press::Reach;
use crate::run::recovery::Job;
use crate::run::service::Workers;
use crate::wire::Fault;
use crate::wire::store::{Name, Store};

/// How long until a store that did not answer is asked again, which waits by itself too.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks checkpoints up.
#[derive(Clone)]
pub(super) struct Archive {
    pub(super) store: Arc<dyn Store>,
    pub(super) topic: String,
    pub(super) workers: Workers,
    /// How far snapshots are, where there are any.
    pub(super) published: Option<Reach>,
}

/// What the store holds for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    /// The checkpoints at or before what is committed, in the order in which they are to be tried:
    /// newest first, but for the one that is ahead of the snapshots.
    pub(super) names: Vec<Name>,
    /// Whether the store answered at once.
    pub(super) is_at_once: bool,
}

impl Archive {
    /// The checkpoints from which what is committed of the partition of `job` can be reached.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where the store does not answer and nobody may wait for it.
    pub(super) fn look(&self, job: &Job) -> Result<Holding, Fault> {
        let partition = job.partition;
        let position = job.committed.map(|position| (position.next_offset, position.now));
        let mut is_at_once = true;
        loop {
            match self.store.list_of(&self.topic, partition) {
                Ok(stored) => {
                    let names = stored.into_iter().map(|stored| stored.name);
                    let reach = |name: &Name| Some((name.next_offset, name.now)) <= position;
                    let mut names: Vec<Name> = names.filter(reach).collect();
                    if self.is_ahead(&names, job) {
                        names.swap(0, 1);
                    }
                    return Ok(Holding { names, is_at_once });
                }
                Err(fault) if self.workers == Workers::Own => return Err(fault),
                Err(fault) => {
                    warn!(partition, %fault, "the partition waits for its checkpoints");
                    is_at_once = false;
                    thread::sleep(AGAIN);
                }
            }
        }
    }

    /// Whether of `names`, newest first, the first is ahead of what is published and the second is
    /// not, and the topic still holds what came since.
    fn is_ahead(&self, names: &[Name], job: &Job) -> bool {
        let [first, second, ..] = names else { return false };
        let reached = self.published.as_ref().and_then(|of| of(job.partition, job.n_partitions));
        let pair = |name: &Name| (name.next_offset, name.now);
        job.earliest <= second.next_offset
            && reached.is_some_and(|reached| reached < pair(first) && pair(second) <= reached)
    }
}
