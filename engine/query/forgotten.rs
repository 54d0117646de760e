//! What is no longer told of customers who asked to be forgotten.
//!
//! Source  reading A-44 of the specification, PV-3; decision D-11.

use std::collections::HashMap;
use std::fs;

use crate::query::chain::take_happened;
use crate::query::draft::Draft;
use crate::unit::{EventTime, Key};
use crate::wire::Fault;

/// Who of a partition was forgotten, by the key of the id, and until when nothing of them is told.
#[derive(Debug, Default)]
pub struct Forgotten(HashMap<Key, EventTime>);

impl Forgotten {
    /// Those of `erased`.
    pub fn new(erased: impl IntoIterator<Item = (Key, EventTime)>) -> Forgotten {
        Forgotten(erased.into_iter().collect())
    }

    /// Whether what happened at `at` to the customer called `id` is told: not up to that
    /// instant.
    pub fn may_tell(&self, id: &str, at: EventTime) -> bool {
        self.0.is_empty() || self.0.get(&Key::of(id.as_bytes())).is_none_or(|until| *until < at)
    }

    /// Leaves out of the alerts and scores of `partition` in `draft` what is not told.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written anew.
    pub fn sift(&self, draft: &mut Draft, partition: u32) -> Result<(), Fault> {
        if self.0.is_empty() {
            return Ok(());
        }
        for table in ["alerts", "scores_history"] {
            let Some((file, path)) = draft.set_aside(table, partition)? else { continue };
            take_happened(draft, (table, &file, &path), |id, at| self.may_tell(id, at))?;
            fs::remove_file(&path).map_err(|error| {
                Fault::Output(format!("cannot write the snapshot: {}: {error}", path.display()))
            })?;
        }
        Ok(())
    }
}
