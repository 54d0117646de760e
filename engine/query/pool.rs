//! The processes that answer what comes through the doors.
//!
//! Shape   as many processes as queries may run at once, the next one with the newest snapshot
//!         open. A question waits for one, gets it alone, and gives it back; what does not obey is
//!         ended and another one started in its place.
//! Rules   the process that listens never plans or runs anything. A query's time runs from when
//!         a process has it until its last byte is taken, so neither a query that never ends nor
//!         a reader who never reads holds one for longer. Whoever drops an [`Answer`] ends its
//!         query. A few frames lie between the two, so that a small answer frees its process at
//!         once.
//! Source  DESIGN §9; §15, traps 13 and 14.

mod answer;
mod worker;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, interval, timeout, timeout_at};
use tracing::{debug, warn};

use crate::query::frame::Kind;
use crate::query::raw::{Asked, Duty, Task};
use crate::query::refused::Refused;

pub use answer::{Answer, Batches, outline};
use worker::{Heard, Worker};

/// How many frames may lie between a process and whoever reads its answer.
const FRAMES_AHEAD: usize = 8;
/// How often idle processes are looked after: whether they live, and whether there is news.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What the processes may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRules {
    /// The folder of all snapshots.
    pub snapshots: PathBuf,
    /// How many queries may run at once.
    pub queries_max: usize,
    /// The longest time of a query.
    pub time_max: Duration,
    /// The most memory of a query, in bytes.
    pub memory_max: u64,
    /// The most rows of an answer.
    pub rows_max: u64,
    /// The longest statement, in bytes.
    pub statement_max: u64,
    /// The most operators in a statement.
    pub operators_max: u64,
}

/// All processes; a clone is the same.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    rules: PoolRules,
    turns: Arc<Semaphore>,
    /// Those who wait for a question. There are never more processes than turns.
    idle: Mutex<Vec<Worker>>,
    /// Whether one of them could open a snapshot.
    is_ready: AtomicBool,
    /// How often the folder of snapshots has changed.
    n_news: AtomicU64,
}

impl Pool {
    /// Starts the processes; what they cannot read yet they read when it is there.
    ///
    /// Must be called within a runtime whose threads stay: a process ends with the thread that
    /// started it.
    pub fn start(rules: PoolRules) -> Pool {
        let turns = Arc::new(Semaphore::new(rules.queries_max));
        let pool = Pool { inner: Arc::new(Inner::new(rules, turns)) };
        let inner = Arc::clone(&pool.inner);
        tokio::spawn(async move { inner.look_after().await });
        pool
    }

    /// Whether there is a snapshot to answer from.
    pub fn is_ready(&self) -> bool {
        self.inner.is_ready.load(Ordering::Relaxed)
    }

    /// What the processes may do.
    pub fn rules(&self) -> &PoolRules {
        &self.inner.rules
    }

    /// Asks, as soon as it is its turn.
    ///
    /// # Errors
    ///
    /// [`Refused`] where no process is free in time, or the statement has no answer; a query that
    /// fails later says so at the end of what it gave.
    pub async fn ask(&self, asked: Asked) -> Result<Answer, Refused> {
        self.send(Task::Ask(asked)).await
    }

    /// Asks what an answer would look like, as soon as it is its turn.
    ///
    /// # Errors
    ///
    /// [`Refused`] where no process is free in time, or the statement cannot be planned.
    pub async fn describe(&self, asked: Asked) -> Result<Answer, Refused> {
        self.send(Task::Describe(asked)).await
    }

    async fn send(&self, task: Task) -> Result<Answer, Refused> {
        let rules = &self.inner.rules;
        let statement = match &task {
            Task::Ask(asked) | Task::Describe(asked) => asked.statement.len(),
            Task::Look => 0,
        };
        let n_bytes = u64::try_from(statement).unwrap_or(u64::MAX);
        if rules.statement_max < n_bytes {
            let (found, most) = (format!("{n_bytes} bytes"), rules.statement_max.to_string());
            return Err(Refused::limit("size of a statement", &found, &most, "statement_max"));
        }
        let turn = Arc::clone(&self.inner.turns).acquire_owned();
        let turn = match timeout(rules.time_max, turn).await {
            Ok(Ok(turn)) => turn,
            _ => {
                let most = rules.queries_max.to_string();
                let (what, found) = ("queries at once", "no one ended in time");
                return Err(Refused::limit(what, found, &most, "queries_max"));
            }
        };
        let (tell, told) = mpsc::channel(FRAMES_AHEAD);
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move { inner.converse(task, turn, tell).await });
        Answer::begun(told).await
    }
}

impl Inner {
    fn new(rules: PoolRules, turns: Arc<Semaphore>) -> Inner {
        let (is_ready, n_news) = (AtomicBool::new(false), AtomicU64::new(0));
        Inner { rules, turns, idle: Mutex::default(), is_ready, n_news }
    }

    /// Has one process do `task` and tells what it says.
    async fn converse(
        &self,
        task: Task,
        turn: OwnedSemaphorePermit,
        tell: mpsc::Sender<Result<Heard, Refused>>,
    ) {
        let deadline = Instant::now() + self.rules.time_max;
        let mut worker = match self.take().await {
            Ok(worker) => worker,
            Err(refused) => return drop(tell.send(Err(refused)).await),
        };
        let last = tokio::select! {
            last = timeout_at(deadline, hear(&mut worker, &task, &tell)) => match last {
                Ok(last) => last,
                Err(_) => Last::Late,
            },
            () = tell.closed() => Last::Unheard,
        };
        let refused = match last {
            Last::Done { is_full: false } => {
                self.put(worker);
                None
            }
            Last::Refused(refused) => {
                self.put(worker);
                Some(refused)
            }
            Last::Done { is_full: true } | Last::Unheard => {
                worker.end().await;
                None
            }
            Last::Late => {
                worker.end().await;
                let most = format!("{} s", self.rules.time_max.as_secs_f64());
                Some(Refused::limit("time of a query", "not done", &most, "time_max"))
            }
            Last::Broken => {
                let (memory, operators) = (self.rules.memory_max, self.rules.operators_max);
                Some(worker.why(memory, operators).await)
            }
        };
        match refused {
            // Whoever asked may take its time to read that; the next one does not wait for it.
            Some(refused) => drop(tokio::spawn(async move { tell.send(Err(refused)).await })),
            None => drop(tell),
        }
        self.fill().await;
        drop(turn);
    }

    /// An idle process that lives, or a new one.
    async fn take(&self) -> Result<Worker, Refused> {
        loop {
            let Some(mut worker) = self.pop() else { return self.begin().await };
            if worker.lives() {
                return Ok(worker);
            }
            worker.end().await;
        }
    }

    async fn begin(&self) -> Result<Worker, Refused> {
        let rules = &self.rules;
        let duty = Duty {
            asker: std::process::id(),
            snapshots: rules.snapshots.display().to_string(),
            rows_max: rules.rows_max,
            memory_max: rules.memory_max,
            statement_max: rules.statement_max,
            operators_max: rules.operators_max,
        };
        Worker::start(&duty).await
    }

    fn put(&self, worker: Worker) {
        self.idle().push(worker);
    }

    /// Whoever waits for the shortest time: what it needs is still at hand.
    fn pop(&self) -> Option<Worker> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process where the one of this turn is gone, and lets it look around.
    async fn fill(&self) {
        // This turn is not among those that are left.
        if self.turns.available_permits() < self.idle().len() {
            return;
        }
        match self.begin().await {
            Ok(worker) => self.look(worker).await,
            Err(refused) => warn!(%refused, "no process to answer"),
        }
    }

    /// Lets an idle process open what is new; one that cannot stays as it is.
    async fn look(&self, mut worker: Worker) {
        let n_news = self.n_news.load(Ordering::Relaxed);
        let (tell, mut told) = mpsc::channel(FRAMES_AHEAD);
        let looked = timeout(self.rules.time_max, hear(&mut worker, &Task::Look, &tell)).await;
        told.close();
        match looked {
            Ok(Last::Done { is_full: false }) => {
                self.is_ready.store(true, Ordering::Relaxed);
                worker.knows = n_news;
                self.put(worker);
            }
            Ok(Last::Refused(refused)) => {
                self.is_ready.store(false, Ordering::Relaxed);
                debug!(%refused, "no snapshot to answer from");
                self.put(worker);
            }
            _ => worker.end().await,
        }
    }

    /// Looks after those who wait for a question, until the program ends.
    async fn look_after(&self) {
        let mut ticks = interval(LOOK_EVERY);
        let mut seen: Option<SystemTime> = None;
        loop {
            ticks.tick().await;
            let now = std::fs::metadata(&self.rules.snapshots).and_then(|folder| folder.modified());
            if now.as_ref().ok() != seen.as_ref() {
                seen = now.ok();
                self.n_news.fetch_add(1, Ordering::Relaxed);
            }
            let dead: Vec<Worker> = self.idle().extract_if(.., |worker| !worker.lives()).collect();
            for worker in dead {
                worker.end().await;
            }
            for _ in 0..self.rules.queries_max {
                // As if a client asked.
                let Ok(_turn) = Arc::clone(&self.turns).try_acquire_owned() else { break };
                self.fill().await;
            }
            self.show_news().await;
        }
    }

    /// Lets whoever is asked next open what is new. The others do when they are asked: for all of
    /// them to open each snapshot would cost more than most have to answer.
    async fn show_news(&self) {
        let Ok(_turn) = Arc::clone(&self.turns).try_acquire_owned() else { return };
        let Some(worker) = self.pop() else { return };
        if worker.knows < self.n_news.load(Ordering::Relaxed) {
            self.look(worker).await;
        } else {
            self.put(worker);
        }
    }
}

/// How a task ended.
enum Last {
    Done { is_full: bool },
    Refused(Refused),
    Late,
    Unheard,
    Broken,
}

/// Gives `task` to `worker` and tells what it says until it is done.
async fn hear(
    worker: &mut Worker,
    task: &Task,
    tell: &mpsc::Sender<Result<Heard, Refused>>,
) -> Last {
    if worker.tell(task).await.is_err() {
        return Last::Broken;
    }
    loop {
        match worker.hear().await {
            Ok(heard) if heard.kind == Kind::Done => {
                let Ok(done) = heard.done() else { return Last::Broken };
                return Last::Done { is_full: done.is_full };
            }
            Ok(heard) if heard.kind == Kind::Refused => {
                return Last::Refused(Refused(String::from_utf8_lossy(&heard.bytes).into_owned()));
            }
            Ok(heard) => {
                if tell.send(Ok(heard)).await.is_err() {
                    return Last::Unheard;
                }
            }
            Err(_) => return Last::Broken,
        }
    }
}
