//! Where checkpoints are kept: a folder, an object store, or memory.
//!
//! Shape   a checkpoint has a [`Name`] that tells whose state it is and as of when; a [`Store`]
//!         lists, reads, writes and deletes by name.
//! Rules   a checkpoint is under its name whole or not at all; a store never touches what it has
//!         not written itself.
//! Errors  a [`Fault::Output`] or [`Fault::Input`] of the world; what was there before is whole.
//! Source  DESIGN §8, D-2.

mod directory;
mod memory;
mod name;

use std::io::Read;

use crate::unit::EventTime;
use crate::wire::Fault;

pub use directory::Directory;
pub use memory::MemoryStore;
pub use name::Name;

/// A checkpoint that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: Name,
    /// How many bytes it has.
    pub n_bytes: u64,
    /// When it was published, by the clock of the place; `None` where that is not known.
    pub saved_at: Option<EventTime>,
}

/// A place for checkpoints.
pub trait Store: Send + Sync {
    /// Every checkpoint of every partition, newest first within each.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where the place cannot be read; one that is not there yet is empty.
    fn list(&self) -> Result<Vec<Stored>, Fault>;

    /// The checkpoints of one partition, newest first.
    ///
    /// # Errors
    ///
    /// As [`Store::list`].
    fn list_of(&self, topic: &str, partition: u32) -> Result<Vec<Stored>, Fault>;

    /// The bytes of the checkpoint `name`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where it cannot be opened.
    fn read(&self, name: &Name) -> Result<Box<dyn Read + Send>, Fault>;

    /// Begins the checkpoint `name`; one of that name is replaced when it is published.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where nothing can be written.
    fn create(&self, name: &Name) -> Result<Box<dyn Unpublished>, Fault>;

    /// Deletes the checkpoint `name`; it is no fault if it is gone already.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where it stays.
    fn delete(&self, name: &Name) -> Result<(), Fault>;

    /// The place in words, for people.
    fn place(&self) -> String;
}

/// A checkpoint that is being written; dropped before it is published, it leaves nothing.
pub trait Unpublished: Send {
    /// Appends `bytes`.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; the checkpoint can then only be dropped.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault>;

    /// Puts the whole under its name, to stay there when the power fails.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; whether it is there is then unknown, but never half of it.
    fn publish(self: Box<Self>) -> Result<(), Fault>;
}

/// Deletes all but `n_kept` checkpoints of the partition of `newest`, which was published just
/// now; returns how many.
///
/// `newest` always stays, and so does what claims to be newer still: it is none of this run's.
///
/// # Errors
///
/// A [`Fault`] where one cannot be deleted; the next call tries again.
pub fn retain(store: &dyn Store, newest: &Name, n_kept: usize) -> Result<usize, Fault> {
    let stored = store.list_of(&newest.topic, newest.partition)?;
    let older = stored.into_iter().map(|stored| stored.name).filter(|name| name < newest);
    let mut n_deleted = 0;
    for name in older.skip(n_kept.saturating_sub(1)) {
        store.delete(&name)?;
        n_deleted += 1;
    }
    Ok(n_deleted)
}

/// Lists a place that has a folder for every topic and in it one for every partition: `folders` tells
/// what folders are in one, `list_into` appends the checkpoints in one.
///
/// # Errors
///
/// Those of the two.
pub fn list_folders(
    folders: impl Fn(&str) -> Result<Vec<String>, Fault>,
    list_into: impl Fn(&str, &mut Vec<Stored>) -> Result<(), Fault>,
) -> Result<Vec<Stored>, Fault> {
    let mut stored = Vec::new();
    for topic in folders("")? {
        for partition in folders(&topic)? {
            list_into(&format!("{topic}/{partition}"), &mut stored)?;
        }
    }
    newest_first(&mut stored);
    Ok(stored)
}

/// Brings `stored` into the order in which a store lists: by topic and partition, and newest first within them.
pub fn newest_first(stored: &mut [Stored]) {
    let key = |stored: &Stored| (stored.name.topic.clone(), stored.name.partition);
    stored.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| b.name.cmp(&a.name)));
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]
mod contract;
#[cfg(test)]
mod tests;
