//! What happens when: instances that turn, and everything that befalls them.
//!
//! Rules   every choice is drawn from the seed. At the end all that is broken is mended, and the
//!         instances go on until everything is done and committed.

mod mishaps;

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ebb::record::{Decoded, decode};
use ebb::run::settings::{Delivery, Layers};
use ebb::run::{Live, Pump, Service, Settings, Spread, Tools, Workers};
use ebb::state::Engine;
use ebb::unit::{EventTime, Span};
use ebb::wire::{Clock, Fault, JournalDoor, MemoryStore, Store};

use super::door::{Door, Shared, SimulatedJournal, lock};
use super::verdict::{self, rules};
use super::world::{Record, SIMULATED, World};
use crate::mishap::Mishap;
use crate::oracle::streams::{BEGIN, Random, Size, stream};
use crate::played::DAY;

/// Most instances at a time.
const INSTANCES_MAX: usize = 3;
/// Rounds after which the end must be reached once nothing is broken.
const ROUNDS_MAX: usize = 400;
const HOUR: i64 = 3_600_000;

/// A clock that a schedule moves.
#[derive(Debug, Default)]
struct Hand {
    wall: AtomicI64,
    uptime_ms: AtomicU64,
}

impl Hand {
    fn set(&self, wall: i64) {
        self.wall.store(wall, Ordering::Relaxed);
    }

    fn wall(&self) -> i64 {
        self.wall.load(Ordering::Relaxed)
    }

    fn pass(&self, ms: u64) {
        self.uptime_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> EventTime {
        EventTime::from_millis(self.wall())
    }

    fn uptime(&self) -> Duration {
        Duration::from_millis(self.uptime_ms.load(Ordering::Relaxed))
    }
}

/// What a seed decides before anything happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) delivery: Delivery,
    pub(super) is_live: bool,
    pub(super) n_partitions: usize,
    size: Size,
}

struct Instance<'c> {
    service: Service<'c, Door>,
    is_frozen: bool,
}

/// One schedule being played.
struct Play<'c> {
    plan: Plan,
    random: Random,
    world: Shared,
    store: MemoryStore,
    hand: &'c Hand,
    settings: Settings,
    lines: Vec<String>,
    n_appended: usize,
    instances: Vec<Instance<'c>>,
    trace: Trace,
}

/// What happened so far, printed where a test fails.
struct Trace {
    seed: u64,
    plan: Plan,
    steps: Vec<String>,
}

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("EBB_SEED={} {:?}\n{}", self.seed, self.plan, self.steps.join("\n"));
        }
    }
}

/// Plays the schedule of `seed` and compares what came of it.
pub(super) fn play(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x5eed_0f5e_ed01));
    let plan = Plan {
        delivery: random
            .pick(&[Delivery::EffectivelyOnce, Delivery::ExactlyOnce])
            .unwrap_or(Delivery::ExactlyOnce),
        is_live: random.chance(60),
        n_partitions: random.pick(&[1, 2, 4]).unwrap_or(1),
        size: Size {
            customers: random.pick(&[1, 3, 6]).unwrap_or(1),
            events: random.pick(&[10, 40, 80]).unwrap_or(1),
        },
    };
    let hand = Hand::default();
    hand.set(BEGIN - 100 * DAY);
    let world = World::new(Random(seed ^ 0x0dd5), plan.delivery, plan.n_partitions);
    let flags = ["checkpoint.interval=1s", "commit.interval=50ms", "checkpoint.keep=2"];
    let layers = Layers { env: Vec::new(), flags: flags.map(str::to_owned).to_vec() };
    let mut play = Play {
        plan,
        random,
        world: Arc::new(Mutex::new(world)),
        store: MemoryStore::default(),
        hand: &hand,
        settings: Settings::from_text(None, &layers).unwrap(),
        lines: stream(seed, plan.size),
        n_appended: 0,
        instances: Vec::new(),
        trace: Trace { seed, plan, steps: Vec::new() },
    };
    while play.n_appended < play.lines.len() || play.random.chance(95) {
        play.step();
    }
    play.drain();
    let engines: Vec<&Engine> =
        play.instances.iter().map(|instance| instance.service.engine()).collect();
    let assigned: Vec<Vec<u32>> = play.instances.iter().map(Instance::partitions).collect();
    verdict::compare(&lock(&play.world), plan, &engines, &assigned);
}

impl Instance<'_> {
    fn client(&self) -> usize {
        self.service.doors().client()
    }

    fn partitions(&self) -> Vec<u32> {
        ebb::wire::Doors::assigned(self.service.doors()).to_vec()
    }
}

impl<'c> Play<'c> {
    fn note(&mut self, step: impl fmt::Display) {
        self.trace.steps.push(step.to_string());
    }

    fn step(&mut self) {
        self.hand.pass(self.random.below(120));
        for instance in self.instances.iter().filter(|instance| !instance.is_frozen) {
            lock(&self.world).pass(instance.client());
        }
        match self.random.below(100) {
            0..14 => self.append(),
            14..68 => {
                if let Some(at) = self.any(|instance| !instance.is_frozen) {
                    self.turn(at);
                }
            }
            68..78 => self.start(),
            78..81 => self.move_wall(),
            81..83 => self.fill_store(),
            83..86 => self.hand.pass(1_000),
            86..88 => self.arrive(),
            _ => {
                let mishap = self.random.pick(&Mishap::ALL).unwrap_or(Mishap::Kill);
                self.befall(mishap);
            }
        }
    }

    /// Some instance of which `is_right` holds.
    fn any(&mut self, is_right: impl Fn(&Instance<'c>) -> bool) -> Option<usize> {
        let all = self.instances.iter().enumerate();
        let right: Vec<usize> =
            all.filter(|(_, instance)| is_right(instance)).map(|(at, _)| at).collect();
        self.random.pick(&right)
    }

    /// Appends a few records, the wall clock mostly with them.
    fn append(&mut self) {
        let n = 1 + self.random.up_to(8);
        for _ in 0..n {
            let Some(line) = self.lines.get(self.n_appended).cloned() else { break };
            self.n_appended += 1;
            let (key, time) = match decode(line.as_bytes()) {
                Ok(Decoded::Event(event)) => (event.customer_id.to_string(), event.time.millis()),
                _ => ("c-0".to_owned(), self.hand.wall()),
            };
            let wall = match self.random.below(10) {
                0 => self.hand.wall(),
                1 => time - self.random.up_to(30 * HOUR),
                2 => time + self.random.up_to(20 * DAY),
                _ => time + self.random.up_to(2 * HOUR),
            };
            self.hand.set(self.hand.wall().max(wall));
            let mut world = lock(&self.world);
            let n_partitions = u32::try_from(self.plan.n_partitions).unwrap();
            let n_partitions = std::num::NonZeroU32::new(n_partitions).unwrap();
            let partition = ebb::record::partition(key.as_bytes(), n_partitions);
            let log = &mut world.input[partition as usize];
            log.records.push(Record { offset: log.end, key, line });
            // The end of a producer's transaction takes an offset and is no record.
            log.end += 1 + i64::from(self.random.chance(15));
        }
        let (n, wall) = (self.n_appended, self.hand.now());
        self.note(format!("append up to {n}, wall clock {wall}"));
    }

    fn turn(&mut self, at: usize) {
        self.hand.pass(self.random.below(30));
        let client = self.instances[at].client();
        self.note(format!("{client} turns"));
        if let Err(fault) = self.instances[at].service.turn() {
            self.fault(at, &fault);
        }
    }

    /// An instance whose fault is one of ours ends, as the program does.
    fn fault(&mut self, at: usize, fault: &Fault) {
        let words = fault.to_string();
        assert!(words.contains(SIMULATED) || words.contains("memory: full"), "{words}");
        self.note(format!("{} ends: {words}", self.instances[at].client()));
        self.kill(at);
    }

    fn kill(&mut self, at: usize) {
        let gone = self.instances.swap_remove(at);
        lock(&self.world).die(gone.client());
    }

    /// Starts an instance, some under the name of one that died.
    fn start(&mut self) {
        if INSTANCES_MAX <= self.instances.len() {
            return;
        }
        let living: Vec<usize> = self.instances.iter().map(Instance::client).collect();
        let client = {
            let mut world = lock(&self.world);
            let dead =
                |number: &usize| world.clients[*number].is_member && !living.contains(number);
            let dead: Vec<usize> = (0..world.clients.len()).filter(dead).collect();
            match self.random.pick(&dead).filter(|_| self.random.chance(60)) {
                Some(before) => world.replace(before),
                None => world.join(),
            }
        };
        self.note(format!("{client} starts"));
        let live = self.plan.is_live.then_some(Live {
            clock: self.hand,
            delay: Span::millis(2_000),
            ahead_max: Span::days(1),
            skew: Span::millis(1_000),
        });
        let engine = Engine::new(rules(), 0);
        let journal = SimulatedJournal(Arc::clone(&self.world), client);
        let tools = Tools {
            clock: self.hand,
            store: Arc::new(self.store.clone()) as Arc<dyn Store>,
            journal: self.plan.is_live.then(|| Box::new(journal) as Box<dyn JournalDoor>),
            publisher: None,
            asker: None,
            workers: Workers::Own,
        };
        let pump = Pump::new(engine, Spread::AsTheyCome, live);
        let service = Service::new(Door::new(&self.world, client), pump, &self.settings, tools);
        self.instances.push(Instance { service, is_frozen: false });
    }

    /// Moves the wall clock. Back only while nobody has applied what is not committed: whoever
    /// applies it again after a crash judges anew whether it lies ahead of the clock, which only
    /// transactions keep from being seen.
    fn move_wall(&mut self) {
        let may_go_back =
            self.plan.delivery == Delivery::ExactlyOnce || !lock(&self.world).has_uncommitted();
        let by = match self.random.below(3) {
            0 if may_go_back => -self.random.up_to(3 * DAY),
            1 => self.random.up_to(HOUR),
            _ => self.random.up_to(20 * DAY),
        };
        self.hand.set(self.hand.wall() + by);
        self.note(format!("wall clock {}", self.hand.now()));
    }

    /// The store takes a few more steps and then none, or any number again.
    fn fill_store(&mut self) {
        let steps = self.random.below(6);
        let left = self.random.chance(50).then(|| usize::try_from(steps).unwrap_or(0));
        self.store.fail_after(left);
        self.note(format!("the store takes {left:?} steps"));
    }

    fn arrive(&mut self) {
        if let Some(at) = self.any(|instance| !instance.is_frozen) {
            let client = self.instances[at].client();
            lock(&self.world).some_arrive(client);
        }
    }
}

impl Play<'_> {
    /// Mends everything and goes on until all is done.
    fn drain(&mut self) {
        self.note("all is mended");
        self.store.fail_after(None);
        {
            let mut world = lock(&self.world);
            world.is_prompt = true;
            for client in &mut world.clients {
                // What befalls its next commit may be the last thing that happens.
                (client.is_away, client.calls_left) = (false, None);
            }
        }
        for at in 0..self.instances.len() {
            if self.instances[at].is_frozen {
                self.freeze_or_thaw(at);
            }
        }
        if self.instances.is_empty() {
            self.start();
        }
        let living: Vec<usize> = self.instances.iter().map(Instance::client).collect();
        let dead = |number: &usize| !living.contains(number);
        let n_clients = lock(&self.world).clients.len();
        for number in (0..n_clients).filter(dead) {
            lock(&self.world).expel(number);
            lock(&self.world).clear_up(number);
        }
        self.end();
        if self.random.chance(50) {
            // Time that moved alone is committed later, and may be undone, too.
            self.hand.pass(6_000);
            (0..3).for_each(|_| self.round());
            self.end();
        }
        assert!(!lock(&self.world).is_transacting(), "a transaction stays open");
    }

    /// Goes on until all is done.
    fn end(&mut self) {
        let is_over = (0..ROUNDS_MAX).any(|_| {
            self.round();
            self.is_done()
        });
        assert!(is_over, "everything is mended, and yet it does not come to an end");
    }

    fn round(&mut self) {
        let mut at = 0;
        while at < self.instances.len() {
            self.hand.pass(60);
            let client = self.instances[at].client();
            let Err(fault) = self.instances[at].service.turn() else {
                at += 1;
                continue;
            };
            // What the store has refused before may be heard only now.
            self.fault(at, &fault);
            let mut world = lock(&self.world);
            world.expel(client);
            world.clear_up(client);
        }
        if self.instances.is_empty() {
            self.start();
        }
    }

    /// Whether nothing is left to do, as everybody says who has work.
    fn is_done(&mut self) -> bool {
        let world = lock(&self.world);
        let n_partitions: usize = self.instances.iter().map(|it| it.partitions().len()).sum();
        let is_member = |it: &Instance<'_>| world.clients[it.client()].is_member;
        let is_idle = world.is_at_rest()
            && n_partitions == self.plan.n_partitions
            && self.instances.iter().all(is_member);
        drop(world);
        let mut working = self.instances.iter_mut().filter(|it| !it.partitions().is_empty());
        is_idle && working.all(|it| it.service.is_done().unwrap())
    }
}
