//! Publishes snapshots of what is committed while partitions go on.
//!
//! Shape   an edition begins right after a commit, for every partition that scores; slices of it
//!         are copied between batches and handed to whoever publishes, on a thread of its own.
//!         What happens to customers is told there too, as it happens, for the tables of what
//!         happened.
//! Rules   one edition at a time. One that cannot be published is told of and tried anew at the
//!         next turn, with everyone in it. Scoring never waits for whoever publishes: where that
//!         falls behind, nobody more is copied until it has caught up, and where it falls far
//!         behind, what happens is told no more until it starts anew.
//! Cost    about 0.5 us a customer of an edition on the thread that scores, 0.1 us an event.
//! Source  DESIGN §9; D-9, D-11.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use tracing::{debug, warn};

use crate::record::Kind;
use crate::run::settings::SnapshotRules;
use crate::run::witness::Witness;
use crate::state::{Arrival, Copied, Engine, Fate, Whom};
use crate::unit::{EventTime, Key};
use crate::wire::{Fault, Outgoing, Position};

/// Customers copied in one slice: half a millisecond.
const SLICE: usize = 1_000;
/// Most bytes that wait for whoever publishes.
const WAITING_MAX: usize = 128 << 20;
/// Most bytes that wait and let customers be copied all the same: a third of a second's work.
const COPIES_MAX: usize = 32 << 20;
/// What a copied customer takes under the default model, an event that was applied, and any other
/// word, in bytes.
const COPY_BYTES: usize = 2 << 10;
const COUNT_BYTES: usize = 96;
const WORD_BYTES: usize = 128;

/// What whoever publishes is told, in this order.
#[derive(Debug)]
pub enum News {
    /// A partition, of so many, begins anew: what was told of it since it was last published is
    /// void.
    Begun(u32, u32),
    /// A partition is no longer ours.
    GivenUp(u32),
    /// Events were applied.
    Counted(Vec<Count>),
    /// An output went out, of a customer of that partition.
    WentOut(u32, Outgoing),
    /// An edition begins.
    Edition(Vec<Standing>),
    /// More customers of a partition in the edition.
    Customers(u32, Vec<Copied>),
    /// That was the whole edition: publish it.
    Publish,
}

impl News {
    /// About how many bytes it takes as it waits.
    fn n_bytes(&self) -> usize {
        let more = match self {
            News::Counted(counts) => COUNT_BYTES * counts.len(),
            News::Customers(_, copied) => COPY_BYTES * copied.len(),
            News::WentOut(_, Outgoing::Alert { value, .. }) => value.len(),
            News::WentOut(_, Outgoing::Scores { value, .. }) => value.as_ref().map_or(0, Vec::len),
            _ => 0,
        };
        WORD_BYTES + more
    }
}

/// One event that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Whose.
    pub customer_id: Box<str>,
    /// The partition of the customer.
    pub partition: u32,
    /// The record's offset, where records have one.
    pub offset: Option<i64>,
    /// The day on which it happened, counted from 1970-01-01 (UTC).
    pub day: i32,
    /// What it was.
    pub kind: Kind,
}

/// Where a partition stands in an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it is done; all of it is committed.
    pub position: Position,
    /// Over how many partitions customers are spread.
    pub n_partitions: u32,
    /// Whom the edition holds of it.
    pub whom: Whom,
    /// Who asked to be forgotten, and until when nothing of them is told.
    pub erased: Vec<(Key, EventTime)>,
}

/// Makes snapshots of what it is told; a heavy room does.
pub trait Publisher: Send {
    /// Takes `news` in; answers [`News::Publish`] with the id of the snapshot.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the snapshot could not be published; the next edition must hold everyone.
    fn hear(&mut self, news: News) -> Result<Option<String>, Fault>;

    /// Who tells how far a partition is published; `None` where nobody can.
    fn reach(&self) -> Option<Reach> {
        None
    }
}

/// How far a partition, of so many, is published: the pair of D-2.
pub type Reach = Arc<dyn Fn(u32, u32) -> Option<(i64, EventTime)> + Send + Sync>;

/// Decides when an edition is due, and has it published.
pub struct Press {
    interval: Duration,
    complete: Duration,
    due: Duration,
    complete_due: Duration,
    state: State,
    /// Where partitions stood in the last edition.
    last: BTreeMap<u32, Position>,
    words: Words,
    told: Receiver<Result<String, Fault>>,
}

/// What the press is doing.
#[derive(Debug)]
enum State {
    Idle,
    /// The partitions that are still to be copied.
    Copying(VecDeque<u32>),
    /// All is handed over.
    Waiting(Duration),
}

/// The way to whoever publishes.
#[derive(Clone)]
struct Words {
    to: Sender<News>,
    bytes_waiting: Arc<AtomicUsize>,
}

impl Words {
    fn say(&self, news: News) {
        self.bytes_waiting.fetch_add(news.n_bytes(), Ordering::Relaxed);
        // Whoever publishes ends only with us.
        let _gone = self.to.send(news);
    }

    fn bytes_waiting(&self) -> usize {
        self.bytes_waiting.load(Ordering::Relaxed)
    }
}

impl Press {
    /// A press that has `publisher` publish on a thread of its own, and who is to be shown what
    /// happens.
    pub fn new(
        rules: &SnapshotRules,
        mut publisher: Box<dyn Publisher>,
        uptime: Duration,
    ) -> (Press, Box<dyn Witness>) {
        let (to, words) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let bytes_waiting = Arc::new(AtomicUsize::new(0));
        let bytes_left = Arc::clone(&bytes_waiting);
        // It ends when nobody tells it anything any more.
        thread::spawn(move || {
            let mut fault = None;
            for news in words {
                let (is_end, n_bytes) = (matches!(news, News::Publish), news.n_bytes());
                let heard = publisher.hear(news);
                bytes_left.fetch_sub(n_bytes, Ordering::Relaxed);
                match heard {
                    Ok(Some(id)) if fault.is_none() => _ = tell.send(Ok(id)),
                    Ok(_) => {}
                    Err(found) => fault = Some(found),
                }
                if is_end && let Some(fault) = fault.take() {
                    _ = tell.send(Err(fault));
                }
            }
        });
        let words = Words { to, bytes_waiting };
        let reporter = Reporter { words: words.clone(), is_behind: false };
        let press = Press {
            interval: duration(rules.interval),
            complete: duration(rules.complete),
            due: uptime,
            complete_due: uptime,
            state: State::Idle,
            last: BTreeMap::new(),
            words,
            told,
        };
        (press, Box::new(reporter))
    }

    /// Looks after `partition` of `n_partitions`, which begins anew.
    pub fn take_on(&mut self, partition: u32, n_partitions: u32) {
        self.forget(partition);
        self.words.say(News::Begun(partition, n_partitions));
    }

    /// Forgets `partition`.
    pub fn give_up(&mut self, partition: u32) {
        self.forget(partition);
        self.words.say(News::GivenUp(partition));
    }

    fn forget(&mut self, partition: u32) {
        self.last.remove(&partition);
        if let State::Copying(left) = &mut self.state {
            left.retain(|other| *other != partition);
        }
    }

    /// Whether an edition should begin at `uptime`.
    pub fn is_due(&self, uptime: Duration) -> bool {
        matches!(self.state, State::Idle) && self.due <= uptime
    }

    /// Puts off the edition that is due: nothing is committed that could be published.
    pub fn put_off(&mut self, uptime: Duration) {
        self.due = uptime + self.interval;
    }

    /// Begins an edition of the partitions that stand at `positions`, of `n_partitions`.
    pub fn begin(
        &mut self,
        engine: &mut Engine,
        (positions, n_partitions): (&[Position], u32),
        uptime: Duration,
    ) {
        self.due = uptime + self.interval;
        let stands: BTreeMap<u32, Position> =
            positions.iter().map(|position| (position.partition, *position)).collect();
        let is_complete = self.complete_due <= uptime;
        if stands.is_empty() || (stands == self.last && !is_complete) {
            return;
        }
        if is_complete {
            self.complete_due = uptime + self.complete;
        }
        let whom = if is_complete { Whom::All } else { Whom::Changed };
        let standing = |position: &Position| Standing {
            position: *position,
            n_partitions,
            whom: engine.begin_edition(position.partition, whom),
            erased: engine.erased(position.partition),
        };
        self.words.say(News::Edition(positions.iter().map(standing).collect()));
        self.state = State::Copying(stands.keys().copied().collect());
        self.last = stands;
    }

    /// Copies a slice, if an edition is on its way and there is room for one; the id of the
    /// snapshot that was published meanwhile, if one was.
    pub fn go_on(&mut self, engine: &mut Engine, uptime: Duration) -> Option<String> {
        let State::Copying(left) = &mut self.state else { return self.hear(uptime) };
        let Some(partition) = left.front().copied() else {
            self.words.say(News::Publish);
            self.state = State::Waiting(uptime);
            return None;
        };
        // What is copied must not heap up.
        if COPIES_MAX < self.words.bytes_waiting() {
            return None;
        }
        let mut copied = Vec::new();
        if engine.continue_edition(partition, SLICE, &mut copied) {
            left.pop_front();
        }
        for page in copied {
            self.words.say(News::Customers(partition, page));
        }
        None
    }

    /// Where the furthest partition stands in the last edition.
    pub fn at(&self) -> EventTime {
        let nows = self.last.values().map(|position| position.now);
        nows.max().unwrap_or(EventTime::ALWAYS)
    }

    /// Takes in what became of the last edition; its id.
    fn hear(&mut self, uptime: Duration) -> Option<String> {
        let State::Waiting(since) = self.state else { return None };
        let Ok(result) = self.told.try_recv() else { return None };
        self.state = State::Idle;
        match result {
            Ok(id) => {
                let millis = uptime.saturating_sub(since).as_millis();
                debug!(id, millis, "snapshot published");
                Some(id)
            }
            Err(fault) => {
                warn!(%fault, "a snapshot could not be published; the next holds every customer");
                self.complete_due = uptime;
                None
            }
        }
    }

    /// Whether an edition is on its way.
    pub fn is_busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}

/// Tells whoever publishes what happens.
struct Reporter {
    words: Words,
    is_behind: bool,
}

impl Reporter {
    /// Whether what happens can still be told.
    fn has_room(&mut self) -> bool {
        let has_room = self.words.bytes_waiting() < WAITING_MAX;
        if !has_room && !self.is_behind {
            warn!("snapshots are published too slowly: tables of what happened miss some of it");
        }
        self.is_behind = !has_room;
        has_room
    }
}

impl Witness for Reporter {
    fn applied(&mut self, arrivals: &[Arrival<'_>], fates: &[Fate]) {
        if !self.has_room() {
            return;
        }
        let counted = arrivals.iter().zip(fates).filter_map(|(arrival, fate)| {
            let counts = matches!(fate, Fate::Applied | Fate::Late | Fate::Waiting);
            let event = &arrival.event;
            let day = i32::try_from(event.time.day_index()).ok().filter(|_| counts)?;
            Some(Count {
                customer_id: Box::from(&*event.customer_id),
                partition: arrival.partition,
                offset: arrival.offset,
                day,
                kind: event.kind,
            })
        });
        let counted: Vec<Count> = counted.collect();
        if !counted.is_empty() {
            self.words.say(News::Counted(counted));
        }
    }

    fn went_out(&mut self, partition: u32, output: &Outgoing) {
        if matches!(output, Outgoing::Alert { .. } | Outgoing::Scores { .. }) && self.has_room() {
            self.words.say(News::WentOut(partition, output.clone()));
        }
    }
}

fn duration(span: crate::unit::Span) -> Duration {
    Duration::from_millis(span.as_millis().unsigned_abs())
}
