//! Saves the state of partitions while they go on.
//!
//! Shape   a checkpoint is begun right after a commit, so that it stands on what is committed;
//!         slices of it are written between batches and handed to a thread that stores them.
//! Rules   one checkpoint at a time. One that cannot be stored is told of and tried again at its
//!         next turn: scoring goes on, for the older one still serves. Older ones are deleted only
//!         after a newer one is there.
//!         A partition to which no record comes rests once all that are kept stand at its end, what
//!         was erased being in none of them: it is saved once an hour, as time alone is soon gone
//!         over.
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

/// How long a partition rests at most.
const REST_MAX: Duration = Duration::from_secs(60 * 60);

/// Saves states.
pub(super) struct Keeper {
    interval: Duration,
    n_kept: usize,
    due: BTreeMap<u32, Duration>,
    ends: BTreeMap<u32, End>,
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

/// Where a partition was saved last.
#[derive(Clone, Copy)]
struct End {
    next_offset: i64,
    /// How many checkpoints stand there.
    n_saved: usize,
    saved_at: Duration,
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
        let (due, ends, current) = (BTreeMap::new(), BTreeMap::new(), None);
        Keeper { interval, n_kept: rules.keep, due, ends, current, scribe }
    }

    /// The partition whose turn it is at `uptime`, if it is anyone's.
    pub(super) fn is_due(&self, uptime: Duration) -> Option<u32> {
        if self.current.is_some() {
            return None;
        }
        let first = self.due.iter().min_by_key(|(_, due)| **due);
        first.filter(|(_, due)| **due <= uptime).map(|(partition, _)| *partition)
    }

    /// Whether `partition`, which is at `next_offset`, need not be saved again yet.
    pub(super) fn may_rest(&self, partition: u32, next_offset: i64, uptime: Duration) -> bool {
        self.ends.get(&partition).is_some_and(|end| {
            end.next_offset == next_offset
                && self.n_kept <= end.n_saved
                && uptime.saturating_sub(end.saved_at) < REST_MAX
        })
    }

    /// Notes that `name` is saved.
    fn note_end(&mut self, name: &Name, uptime: Duration) {
        let next_offset = name.next_offset;
        let before = self.ends.get(&name.partition).filter(|end| end.next_offset == next_offset);
        let n_saved = before.map_or(0, |end| end.n_saved) + 1;
        self.ends.insert(name.partition, End { next_offset, n_saved, saved_at: uptime });
    }

    /// Looks after `partition` from now on, which is due after an interval.
    pub(super) fn take_on(&mut self, partition: u32, uptime: Duration) {
        self.due.insert(partition, uptime + self.interval);
    }

    /// Forgets `partition`; a checkpoint of it that is on its way is given up.
    pub(super) fn give_up(&mut self, partition: u32) {
        self.due.remove(&partition);
        self.ends.remove(&partition);
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
            Ok(n_bytes) => {
                info!(%name, n_bytes, millis, "checkpoint saved");
                self.note_end(&name, uptime);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    use crate::run::settings::Properties;
    use crate::unit::{EventTime, Span};
    use crate::wire::store::MemoryStore;

    #[test]
    fn a_partition_to_which_nothing_comes_rests_once_all_that_are_kept_stand_at_its_end() {
        let (folder, properties) = (String::new(), Properties::default());
        let interval = Span::millis(60_000);
        let rules = CheckpointRules { folder, interval, keep: 2, properties };
        let mut keeper = Keeper::own(&rules, Arc::new(MemoryStore::default()));
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let name = |next_offset, millis| {
            let now = EventTime::from_millis(millis);
            Name { topic: "events".to_owned(), partition: 1, next_offset, now }
        };
        assert!(!keeper.may_rest(1, 7, minutes(0)));
        keeper.note_end(&name(6, 1), minutes(1));
        keeper.note_end(&name(7, 2), minutes(2));
        // The one before may still hold who was erased at offset 6.
        assert!(!keeper.may_rest(1, 7, minutes(3)));
        keeper.note_end(&name(7, 3), minutes(3));
        assert!(keeper.may_rest(1, 7, minutes(62)));
        assert!(!keeper.may_rest(1, 7, minutes(63)), "an hour has passed");
        assert!(!keeper.may_rest(1, 8, minutes(4)), "a record came");
        assert!(!keeper.may_rest(0, 7, minutes(4)), "another partition");
        keeper.give_up(1);
        assert!(!keeper.may_rest(1, 7, minutes(4)), "others may have saved it since");
    }
}
