//! Memory as a place for checkpoints, which can be told to fail: for tests.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::wire::Fault;
use crate::wire::store::{Name, Store, Stored, Unpublished, newest_first};

/// Checkpoints in memory; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    files: BTreeMap<String, Vec<u8>>,
    /// How many steps succeed before every further one fails.
    steps_left: Option<usize>,
    /// Whether nothing can be listed or read.
    is_away: bool,
    /// What cannot be read though the rest can.
    unreadable: Option<Name>,
}

/// A checkpoint that is being written.
#[derive(Debug)]
struct Open {
    store: MemoryStore,
    name: Name,
    bytes: Vec<u8>,
}

impl MemoryStore {
    /// Lets `n_steps` more steps succeed (begin, write, publish, delete), and none after them,
    /// as if the machine had stopped there. `None` mends it.
    pub fn fail_after(&self, n_steps: Option<usize>) {
        self.lock().steps_left = n_steps;
    }

    /// Lets nothing be listed or read while it `is_away`, as if the way there were cut.
    pub fn set_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    /// Lets `name` alone not be read, as if the place where it lies were worn out.
    pub fn wear_out(&self, name: Name) {
        self.lock().unreadable = Some(name);
    }

    /// Puts `bytes` under `name`, whatever they are.
    pub fn put(&self, name: &Name, bytes: Vec<u8>) {
        self.lock().files.insert(name.to_string(), bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step, which may fail.
    fn step(&self) -> Result<MutexGuard<'_, Inner>, Fault> {
        let mut inner = self.lock();
        match &mut inner.steps_left {
            Some(0) => return Err(Fault::Output("cannot write checkpoint: memory: full".into())),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(inner)
    }
}

impl Store for MemoryStore {
    fn list(&self) -> Result<Vec<Stored>, Fault> {
        let inner = self.lock();
        if inner.is_away {
            return Err(Fault::Input("cannot list checkpoints: memory: away".into()));
        }
        let files = inner.files.iter().filter_map(|(path, bytes)| {
            let name = Name::parse(path)?;
            Some(Stored { name, n_bytes: bytes.len() as u64, saved_at: None })
        });
        let mut stored: Vec<Stored> = files.collect();
        newest_first(&mut stored);
        Ok(stored)
    }

    fn list_of(&self, topic: &str, partition: u32) -> Result<Vec<Stored>, Fault> {
        let mut stored = self.list()?;
        stored.retain(|it| it.name.topic == topic && it.name.partition == partition);
        Ok(stored)
    }

    fn read(&self, name: &Name) -> Result<Box<dyn Read + Send>, Fault> {
        let inner = self.lock();
        match inner.files.get(&name.to_string()) {
            _ if inner.is_away || inner.unreadable.as_ref() == Some(name) => {
                Err(Fault::Input(format!("cannot read checkpoint: {name}: away")))
            }
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Err(Fault::Input(format!("cannot read checkpoint: {name}: not in memory"))),
        }
    }

    fn create(&self, name: &Name) -> Result<Box<dyn Unpublished>, Fault> {
        drop(self.step()?);
        Ok(Box::new(Open { store: self.clone(), name: name.clone(), bytes: Vec::new() }))
    }

    fn delete(&self, name: &Name) -> Result<(), Fault> {
        self.step()?.files.remove(&name.to_string());
        Ok(())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}

impl Unpublished for Open {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        drop(self.store.step()?);
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn publish(self: Box<Self>) -> Result<(), Fault> {
        self.store.step()?.files.insert(self.name.to_string(), self.bytes);
        Ok(())
    }
}
