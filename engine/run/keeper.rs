//! Saves the state of partitions while they go on.
//!
//! Shape   a checkpoint is begun right after a commit, so that it stands on what is committed;
//!         slices of it are written between batches and handed to a thread that stores them.
//! Rules   one checkpoint at a time. One that cannot be stored is told of and tried again at its
//!         next turn: scoring goes on, for the older one still serves. Older ones are deleted only
//!         after a newer one is there.
//! Cost    a slice takes about half a millisecond.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use crate::run::settings::CheckpointRules;
use crate::state::Engine;
use crate::state::checkpoint::{Mark, Progress};
use crate::wire::Fault;
use crate::wire::store::{Name, Store, Unpublished, retain};

/// Customers written in one slice, those included that a batch wrote early: below 3 ms at the worst
/// (benches/RUNS.md), so that a busy machine has room below the 5 ms that a pause may last.
const SLICE: usize = 1_000;
/// Most slices that wait to be stored.
const WAITING_MAX: usize = 16;

/// Saves states.
pub(super) struct Keeper {
    interval: Duration,
    due: BTreeMap<u32, Duration>,
    current: Option<Current>,
    scribe: Scribe,
}

/// The checkpoint on its way.
struct Current {
    name: Name,
    /// What could not be handed over yet.
    held: VecDeque<Word>,
    began: Duration,
}

/// What the storing side is told.
enum Word {
    Begin(Name),
    Bytes(Vec<Vec<u8>>),
    Publish,
    Abandon,
}

/// Who stores.
enum Scribe {
    /// A thread of its own.
    Apart(SyncSender<Word>, Receiver<Saved>),
    /// Whoever asks, at once.
    Own(Pen, VecDeque<Saved>),
}

/// What became of a checkpoint.
struct Saved {
    name: Name,
    /// How many bytes it has.
    result: Result<usize, Fault>,
}

/// Stores one checkpoint after the other.
struct Pen {
    store: Arc<dyn Store>,
    n_kept: usize,
    page: Option<Page>,
}

/// The checkpoint that is being stored.
struct Page {
    name: Name,
    n_bytes: usize,
    draft: Result<Box<dyn Unpublished>, Fault>,
}

impl Keeper {
    /// A keeper that stores on a thread of its own.
    pub(super) fn apart(rules: &CheckpointRules, store: Arc<dyn Store>) -> Keeper {
        let (words, heard) = mpsc::sync_channel(WAITING_MAX);
        let (tell, saved) = mpsc::channel();
        let mut pen = Pen { store, n_kept: rules.keep, page: None };
        // It ends when nobody tells it anything any more.
        thread::spawn(move || {
            for word in heard {
                if let Some(saved) = pen.hear(word)
                    && tell.send(saved).is_err()
                {
                    return;
                }
            }
        });
        Keeper::new(rules, Scribe::Apart(words, saved))
    }

    /// A keeper that stores at once: nothing happens beside it.
    pub(super) fn own(rules: &CheckpointRules, store: Arc<dyn Store>) -> Keeper {
        let pen = Pen { store, n_kept: rules.keep, page: None };
        Keeper::new(rules, Scribe::Own(pen, VecDeque::new()))
    }

    fn new(rules: &CheckpointRules, scribe: Scribe) -> Keeper {
        let interval = Duration::from_millis(rules.interval.as_millis().unsigned_abs());
        Keeper { interval, due: BTreeMap::new(), current: None, scribe }
    }

    /// The partition whose turn it is at `uptime`, if it is anyone's.
    pub(super) fn is_due(&self, uptime: Duration) -> Option<u32> {
        if self.current.is_some() {
            return None;
        }
        let first = self.due.iter().min_by_key(|(_, due)| **due);
        first.filter(|(_, due)| **due <= uptime).map(|(partition, _)| *partition)
    }

    /// Looks after `partition` from now on.
    pub(super) fn take_on(&mut self, partition: u32, uptime: Duration) {
        self.due.insert(partition, uptime + self.interval);
    }

    /// Forgets `partition`; a checkpoint of it that is on its way is given up.
    pub(super) fn give_up(&mut self, partition: u32) {
        self.due.remove(&partition);
        if let Some(current) = self.current.as_mut().filter(|c| c.name.partition == partition) {
            current.held = VecDeque::from([Word::Abandon]);
            self.hand_over();
        }
    }

    /// Begins the checkpoint `name` at `mark`, where everything is committed.
    pub(super) fn begin(&mut self, engine: &mut Engine, name: Name, mark: Mark, uptime: Duration) {
        engine.begin_checkpoint(name.partition, mark);
        self.due.insert(name.partition, uptime + self.interval);
        let held = VecDeque::from([Word::Begin(name.clone())]);
        self.current = Some(Current { name, held, began: uptime });
    }

    /// Writes a slice, if a checkpoint is on its way and there is room for one.
    pub(super) fn go_on(&mut self, engine: &mut Engine, uptime: Duration) -> Slice {
        self.hear(uptime);
        if self.hand_over() == Handed::Waits {
            return Slice::None;
        }
        let Some(current) = &mut self.current else { return Slice::None };
        match engine.continue_checkpoint(current.name.partition, SLICE) {
            Some(Progress::More(pieces)) => current.held.push_back(Word::Bytes(pieces)),
            Some(Progress::Done(pieces)) => {
                current.held.extend([Word::Bytes(pieces), Word::Publish]);
            }
            // All is written and is being stored.
            None => return Slice::None,
        }
        self.hand_over();
        Slice::Written
    }

    /// Whether a checkpoint is on its way.
    pub(super) fn is_busy(&self) -> bool {
        self.current.is_some()
    }

    /// Hands over what waits.
    fn hand_over(&mut self) -> Handed {
        let Some(current) = &mut self.current else { return Handed::All };
        while let Some(word) = current.held.pop_front() {
            let is_over = matches!(word, Word::Abandon);
            match &mut self.scribe {
                Scribe::Own(pen, saved) => saved.extend(pen.hear(word)),
                Scribe::Apart(words, _) => {
                    if let Err(back) = words.try_send(word) {
                        let (TrySendError::Full(word) | TrySendError::Disconnected(word)) = back;
                        current.held.push_front(word);
                        return Handed::Waits;
                    }
                }
            }
            if is_over {
                self.current = None;
                return Handed::All;
            }
        }
        Handed::All
    }

    /// Takes in what became of what was handed over.
    fn hear(&mut self, uptime: Duration) {
        let saved = match &mut self.scribe {
            Scribe::Own(_, saved) => saved.pop_front(),
            Scribe::Apart(_, saved) => saved.try_recv().ok(),
        };
        let Some(Saved { name, result }) = saved else { return };
        let Some(current) = self.current.take_if(|current| current.name == name) else { return };
        let millis = u64::try_from(uptime.saturating_sub(current.began).as_millis());
        let millis = millis.unwrap_or(u64::MAX);
        match result {
            Ok(n_bytes) => info!(%name, n_bytes, millis, "checkpoint saved"),
            Err(fault) => warn!(%name, %fault, "a checkpoint could not be saved"),
        }
    }
}

/// Whether there was something to write, and room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slice {
    Written,
    None,
}

/// Whether everything could be handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handed {
    All,
    Waits,
}

impl Pen {
    /// Does what `word` says; tells what became of a checkpoint once that is decided.
    fn hear(&mut self, word: Word) -> Option<Saved> {
        match word {
            Word::Begin(name) => {
                let draft = self.store.create(&name);
                self.page = Some(Page { name, n_bytes: 0, draft });
                None
            }
            Word::Bytes(pieces) => {
                let page = self.page.as_mut()?;
                page.n_bytes += pieces.iter().map(Vec::len).sum::<usize>();
                if let Ok(draft) = &mut page.draft
                    && let Err(fault) = pieces.iter().try_for_each(|bytes| draft.write(bytes))
                {
                    page.draft = Err(fault);
                }
                None
            }
            Word::Publish => {
                let Page { name, n_bytes, draft } = self.page.take()?;
                let published = draft.and_then(|draft| draft.publish()).and_then(|()| {
                    retain(&*self.store, &name, self.n_kept).map(|_n_deleted| n_bytes)
                });
                Some(Saved { name, result: published })
            }
            Word::Abandon => {
                self.page = None;
                None
            }
        }
    }
}
