//! The checkpoints of one topic, for whoever wants to go on from one.
//!
//! Rules   a store that does not answer is waited for, with a word at every try, where somebody
//!         may wait: what cannot be looked up now is there later, and who scores meanwhile is not
//!         touched. Whether a checkpoint cannot be read or its store is away is told by listing.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing::warn;

use crate::run::service::Workers;
use crate::wire::store::{Name, Store};
use crate::wire::{Fault, Position};

/// How long until a store that did not answer is asked again, which waits by itself too.
const AGAIN: Duration = Duration::from_secs(1);

/// Looks checkpoints up.
#[derive(Clone)]
pub(super) struct Archive {
    pub(super) store: Arc<dyn Store>,
    pub(super) topic: String,
    pub(super) workers: Workers,
}

/// What the store holds for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    /// The checkpoints at or before what is committed, newest first.
    pub(super) names: Vec<Name>,
    /// Whether the store answered at once.
    pub(super) is_at_once: bool,
}

impl Archive {
    /// The checkpoints of `partition` from which `committed` can be reached.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where the store does not answer and nobody may wait for it.
    pub(super) fn look(
        &self,
        partition: u32,
        committed: Option<Position>,
    ) -> Result<Holding, Fault> {
        let position = committed.map(|position| (position.next_offset, position.now));
        let mut is_at_once = true;
        loop {
            match self.store.list_of(&self.topic, partition) {
                Ok(stored) => {
                    let names = stored.into_iter().map(|stored| stored.name);
                    let reach = |name: &Name| Some((name.next_offset, name.now)) <= position;
                    return Ok(Holding { names: names.filter(reach).collect(), is_at_once });
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
}
