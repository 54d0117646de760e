//! All partitions: who is let in, in which order, and what `now` is.
//!
//! Shape   a call first walks its records one by one, for only then is known which of them move
//!         their partition's `now`; then the lanes work side by side.
//! Rules   duplicates and events that are too old have no effect and do not move `now`. Where the
//!         wall clock has moved `now` further than the records did, the first record that comes
//!         too late for it is told of, for a replay must move `now` before it, too.
//! Source  DESIGN §3, D-2; readings of the specification.

use crate::record::Kind;
use crate::state::arrival::{Applied, Arrival, Fate};
use crate::state::checkpoint::{Draft, Header, Mark, Print, Progress, Restored};
use crate::state::customer::Customer;
use crate::state::edition::{Copied, Whom};
use crate::state::erased::Erased;
use crate::state::lanes::{Job, Lane, Task, beside, lane_of, work, work_apart};
use crate::state::output::in_order;
use crate::state::plan::Plan;
use crate::state::rules::Rules;
use crate::state::seen::Seen;
use crate::unit::{EventTime, Key, Span};

/// All customers of all partitions that this process looks after.
#[derive(Debug)]
pub struct Engine {
    rules: Rules,
    print: Print,
    partitions: Vec<Partition>,
}

/// One partition: its own time, its own memory.
#[derive(Debug)]
struct Partition {
    now: EventTime,
    /// The `now` that a replay of the same records and of all that was told would have.
    retold: EventTime,
    seen: Seen,
    erased: Erased,
    lanes: Vec<Lane>,
    draft: Option<Draft>,
}

impl Engine {
    /// An engine without customers, for `n_partitions` partitions.
    pub fn new(rules: Rules, n_partitions: u32) -> Engine {
        let mut engine = Engine { print: Print::of(&rules), rules, partitions: Vec::new() };
        engine.reach(n_partitions);
        engine
    }

    /// Sees to it that there are at least `n_partitions` partitions.
    pub fn reach(&mut self, n_partitions: u32) {
        while self.n_partitions() < n_partitions {
            self.partitions.push(Partition::new(&self.rules));
        }
    }

    /// Forgets everything of `partition`, a checkpoint on its way included.
    pub fn forget(&mut self, partition: u32) {
        if let Some(found) = self.partitions.get_mut(partition as usize) {
            *found = Partition::new(&self.rules);
        }
    }

    /// The rules it goes by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many partitions there are.
    pub fn n_partitions(&self) -> u32 {
        u32::try_from(self.partitions.len()).unwrap_or(u32::MAX)
    }

    /// The time of `partition`: the largest applied so far; `ALWAYS` before the first.
    pub fn now(&self, partition: u32) -> EventTime {
        self.partitions.get(partition as usize).map_or(EventTime::ALWAYS, |found| found.now)
    }

    /// [`Engine::now`] of every partition, the first one's first.
    pub fn nows(&self) -> Vec<EventTime> {
        self.partitions.iter().map(|found| found.now).collect()
    }

    /// The customers of `partition`, in no order that means anything.
    pub fn customers(&self, partition: u32) -> impl Iterator<Item = &Customer> {
        let lanes = self.partitions.get(partition as usize).map(|found| &found.lanes);
        lanes.into_iter().flatten().flat_map(Lane::customers).filter(|customer| {
            // One whose only events still wait is not known yet.
            customer.history.known_since() != EventTime::NEVER
        })
    }

    /// The customer called `id`, and its partition.
    pub fn find(&self, id: &str) -> Option<(u32, &Customer)> {
        let key = Key::of(id.as_bytes());
        (0..).zip(&self.partitions).find_map(|(number, partition)| {
            let lane = partition.lanes.get(lane_of(key, partition.lanes.len()))?;
            lane.find(id, key).map(|customer| (number, customer))
        })
    }

    /// Applies `arrivals` in order, timers in between.
    pub fn apply(&mut self, arrivals: &[Arrival<'_>]) -> Applied {
        let (plan, fates) = self.plan(arrivals);
        self.carry_out(plan, fates, arrivals, work)
    }

    /// Applies `arrivals` as [`Engine::apply`] does, and does `meanwhile` on the thread that calls
    /// while the lanes work on others.
    pub fn apply_beside(&mut self, arrivals: &[Arrival<'_>], meanwhile: impl FnOnce()) -> Applied {
        let (plan, fates) = self.plan(arrivals);
        self.carry_out(plan, fates, arrivals, |tasks, arrivals, rules| {
            beside(|| work_apart(tasks, arrivals, rules), meanwhile);
        })
    }

    /// Decides the fate of every one of `arrivals` and what is to be done.
    fn plan(&mut self, arrivals: &[Arrival<'_>]) -> (Plan, Vec<Fate>) {
        let mut plan = Plan::new(self.partitions.len());
        let fates = (0..).zip(arrivals).map(|(record, arrival)| {
            let Some(partition) = self.partitions.get_mut(arrival.partition as usize) else {
                return Fate::TooOld;
            };
            partition.admit(record, arrival, &self.rules, &mut plan)
        });
        let fates = fates.collect();
        (plan, fates)
    }

    /// Moves the time of `partition` to `to`, which changes nothing if it is not later, and
    /// fires the timers on the way.
    pub fn advance(&mut self, partition: u32, to: EventTime) -> Applied {
        let Some(found) = self.partitions.get_mut(partition as usize) else {
            return Applied::default();
        };
        if to <= found.now {
            return Applied::default();
        }
        found.now = to;
        // A clock that ticks while nothing is due costs no lane a thought.
        if !found.lanes.iter().any(|lane| lane.is_due(to)) {
            return Applied::default();
        }
        let mut plan = Plan::new(self.partitions.len());
        plan.moved(partition as usize, 0, to);
        self.carry_out(plan, Vec::new(), &[], work)
    }

    /// Begins a checkpoint of `partition` as it stands now; one that is on its way is given up.
    ///
    /// What is begun is written by [`Engine::continue_checkpoint`], while the partition goes on.
    pub fn begin_checkpoint(&mut self, partition: u32, mark: Mark) {
        let Some(found) = self.partitions.get_mut(partition as usize) else { return };
        let n_customers = found.lanes.iter().map(Lane::len).sum::<usize>() as u64;
        let header = Header {
            topic: self.rules.topic.clone(),
            partition,
            mark,
            now: found.now,
            retold: found.retold,
            print: self.print.clone(),
            n_customers,
        };
        let remembered = found.seen.remembered(found.now);
        let erased = found.erased.all();
        found.draft = Some(Draft::begin(&header, &mut found.lanes, (remembered, &erased)));
    }

    /// Writes about `n_customers_max` more customers of the checkpoint of `partition`; `None` if
    /// none is on its way.
    pub fn continue_checkpoint(
        &mut self,
        partition: u32,
        n_customers_max: usize,
    ) -> Option<Progress> {
        let found = self.partitions.get_mut(partition as usize)?;
        let progress = found.draft.as_mut()?.go_on(&mut found.lanes, n_customers_max);
        if let Progress::Done(_) = progress {
            self.abandon_checkpoint(partition);
        }
        Some(progress)
    }

    /// Gives up the checkpoint of `partition` that is on its way, if one is.
    pub fn abandon_checkpoint(&mut self, partition: u32) {
        if let Some(found) = self.partitions.get_mut(partition as usize) {
            found.draft = None;
            found.lanes.iter_mut().for_each(Lane::end_share);
        }
    }

    /// Begins an edition of `partition` as it stands now: of `whom`, or of everyone where there was
    /// none before. Whom it holds.
    ///
    /// What is begun is handed out by [`Engine::continue_edition`], while the partition goes on.
    pub fn begin_edition(&mut self, partition: u32, whom: Whom) -> Whom {
        let Some(found) = self.partitions.get_mut(partition as usize) else { return whom };
        let lanes = (0..).zip(&mut found.lanes);
        let begun = lanes.map(|(number, lane)| lane.begin_edition(number, whom));
        begun.fold(whom, |all, one| if one == Whom::All { one } else { all })
    }

    /// Copies about `n_customers_max` more customers of the edition of `partition` into pages, and
    /// appends those to `out`; fewer, where those that were about to change have taken time
    /// already. Returns whether that was all.
    pub fn continue_edition(
        &mut self,
        partition: u32,
        n_customers_max: usize,
        out: &mut Vec<Vec<Copied>>,
    ) -> bool {
        let Some(found) = self.partitions.get_mut(partition as usize) else { return true };
        let each = n_customers_max.max(1).div_ceil(found.lanes.len().max(1));
        let copied = found.lanes.iter_mut().map(|lane| lane.copy(each, out));
        // Every lane must have its turn: no short cut at the first that is not through.
        copied.fold(true, |all, one| all & one)
    }

    /// Who of `partition` asked to be forgotten, by the key of the id, and until when nothing of them
    /// is to be shown.
    pub fn erased(&self, partition: u32) -> Vec<(Key, EventTime)> {
        let found = self.partitions.get(partition as usize).map(|found| found.erased.all());
        let all = found.unwrap_or_default();
        all.into_iter().map(|(key, request)| (key, request.hidden_until)).collect()
    }

    /// Puts what was read back into the place of all that is known of `partition`.
    ///
    /// It must have been read under the rules of this engine.
    pub fn install(&mut self, partition: u32, restored: Restored) {
        self.reach(partition.saturating_add(1));
        if let Some(found) = self.partitions.get_mut(partition as usize) {
            let Restored { header, lanes, seen, erased } = restored;
            let (now, retold) = (header.now, header.retold);
            *found = Partition { now, retold, seen, erased, lanes, draft: None };
        }
    }

    /// Lets the lanes `work` and brings their output into order.
    fn carry_out(
        &mut self,
        plan: Plan,
        fates: Vec<Fate>,
        arrivals: &[Arrival<'_>],
        work: impl FnOnce(&mut [Task<'_>], &[Arrival<'_>], &Rules),
    ) -> Applied {
        let mut tasks = Vec::new();
        let plans = plan.jobs.into_iter().zip(&plan.moves);
        for ((number, partition), (mut jobs, moves)) in (0..).zip(&mut self.partitions).zip(plans) {
            if jobs.is_empty() && moves.is_empty() {
                continue;
            }
            let n_lanes = partition.lanes.len();
            let mut shares: Vec<Vec<Job>> = (0..n_lanes).map(|_| Vec::new()).collect();
            for job in jobs.drain(..) {
                if let Some(share) = shares.get_mut(lane_of(job.key, n_lanes)) {
                    share.push(job);
                }
            }
            for (lane, jobs) in partition.lanes.iter_mut().zip(shares) {
                let done = crate::state::lanes::Done::default();
                tasks.push(Task { lane, jobs, moves, partition: number, done });
            }
        }
        work(&mut tasks, arrivals, &self.rules);
        let mut applied = Applied { fates, told: plan.told, ..Applied::default() };
        let (mut placed, mut dropped) = (Vec::new(), Vec::new());
        for task in tasks {
            placed.extend(task.done.placed);
            applied.tally.add(task.done.tally);
            dropped.extend(task.done.dropped.into_iter().map(|one| (task.partition, one)));
        }
        for (partition, (key, time)) in dropped {
            if let Some(found) = self.partitions.get_mut(partition as usize) {
                found.erased.hide_until(key, time);
            }
        }
        (applied.homes, applied.outputs) = in_order(placed);
        applied
    }
}

impl Partition {
    fn new(rules: &Rules) -> Partition {
        Partition {
            now: EventTime::ALWAYS,
            retold: EventTime::ALWAYS,
            seen: Seen::new(rules.dedup_horizon),
            erased: Erased::default(),
            lanes: (0..rules.n_lanes.max(1)).map(|_| Lane::default()).collect(),
            draft: None,
        }
    }

    /// Decides the fate of one record and notes what it asks for.
    fn admit(
        &mut self,
        record: usize,
        arrival: &Arrival<'_>,
        rules: &Rules,
        plan: &mut Plan,
    ) -> Fate {
        let event = &arrival.event;
        let key = Key::of(event.customer_id.as_bytes());
        let identity = self.erased.identity(key, event);
        if let Some(told) = arrival.told {
            // Of what was noted before its record was there, only offsets tell: it is told again.
            self.move_to(told, record, arrival, plan);
        }
        if !self.erased.lets_in(key, event) {
            return Fate::Erased;
        }
        // Nobody who asks to be forgotten waits, nor does their clock move that of the others.
        // What lies ahead of a wall clock that was set back, but not of `now`, is late.
        let waits = arrival.waits.is_some() && self.now < event.time;
        let erases = event.kind == Kind::ErasureRequested;
        let now = if waits && erases { self.now } else { self.now.max(event.time) };
        // A duplicate at this `now` is one at an earlier one, too: a replay needs no word of it.
        if self.seen.knows(identity, now) {
            return Fate::Duplicate;
        }
        let reach = rules.model.reach.get(event.kind.index()).copied().unwrap_or(Span::FOREVER);
        let is_too_old = |now: EventTime| reach != Span::FOREVER && event.time <= now.minus(reach);
        // Nor does it need one of what is too old for itself.
        if is_too_old(self.retold) {
            return Fate::TooOld;
        }
        if !waits {
            self.tell(record, event.time, plan);
        } else if erases {
            // It is carried out at this `now`, whatever its time.
            self.tell(record, self.retold, plan);
        }
        if is_too_old(self.now) {
            return Fate::TooOld;
        }
        self.seen.remember(identity, now, self.now);
        self.erased.note(key, event, now);
        if erases && let Some(identity) = self.erased.identity_after(key, event) {
            self.seen.remember(identity, now, self.now);
        }
        let fate = match (waits && !erases, event.time < self.now) {
            (true, _) => Fate::Waiting,
            (false, true) => Fate::Late,
            (false, false) => Fate::Applied,
        };
        if !waits {
            self.move_to(now, record, arrival, plan);
        }
        if let Some(jobs) = plan.jobs.get_mut(arrival.partition as usize) {
            jobs.push(Job { record, key, now: self.now });
        }
        fate
    }

    /// Tells of `now` if `record`, of `time`, comes too late for it and a replay would not know.
    fn tell(&mut self, record: usize, time: EventTime, plan: &mut Plan) {
        if time < self.now && self.retold < self.now {
            plan.told.push((record, self.now));
            self.retold = self.now;
        }
        self.retold = self.retold.max(time);
    }

    /// Moves `now` to `to` before `record` is applied, if that is later.
    fn move_to(&mut self, to: EventTime, record: usize, arrival: &Arrival<'_>, plan: &mut Plan) {
        if self.now < to {
            self.now = to;
            plan.moved(arrival.partition as usize, record as u64, to);
        }
    }
}
