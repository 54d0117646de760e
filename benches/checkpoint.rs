//! Cost of a checkpoint: the pause at its beginning, the pause of a slice, the rate, the way back.
//!
//! Budget  no pause above 5 ms at 1 M customers, and scoring within 5 s of a restart.
//! Load    `EBB_CUSTOMERS` (2 000) customers with `EBB_EVENTS` (100) events each of the bench
//!         model, in one partition on two lanes; slices of `EBB_SLICE` (1 000) customers, as the
//!         service writes them, with a batch of events between two of them. A run by hand takes
//!         1 000 000.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ebb::model::{load, shipped};
use ebb::record::{Decoded, decode};
use ebb::state::checkpoint::Mark;
use ebb::state::rules::Publish;
use ebb::state::{Arrival, Engine, Progress, Rules, TimersSwitch, restore};
use ebb::unit::Span;
use ebb::wire::generate::{END, Flavour, Generator, Plan, Shares};

// The program's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 4_096;
/// So many batches without a checkpoint are there to compare with.
const ALONE: usize = 100;
/// How often what was written is read back: the best counts.
const TIMES: usize = 3;

fn asked(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn engine() -> Option<Engine> {
    let rules = Rules {
        model: load(shipped::BENCH, shipped::CATALOG, None).ok()?,
        dedup_horizon: Span::days(1),
        exact_events_max: 4_096,
        timers: TimersSwitch::On,
        publish: Publish::Never,
        topic: None,
        n_lanes: 2,
    };
    Some(Engine::new(rules, 1))
}

/// Applies the next batch of `generator`; returns how many events it had, and what it took.
fn batch(engine: &mut Engine, generator: &mut Generator) -> (usize, Took) {
    let mut lines: Vec<Vec<u8>> = Vec::with_capacity(BATCH);
    for _ in 0..BATCH {
        let mut line = Vec::new();
        if generator.next_into(&mut line).is_none() {
            break;
        }
        lines.push(line);
    }
    let mut arrivals = Vec::with_capacity(lines.len());
    for line in &lines {
        if let Ok(Decoded::Event(event)) = decode(line) {
            arrivals.push(Arrival { event, partition: 0, offset: None, waits: None, told: None });
        }
    }
    let (applied, took) = Took::by(|| engine.apply(&arrivals));
    black_box(applied);
    (lines.len(), took)
}

/// What something took.
#[derive(Clone, Copy, Default)]
struct Took {
    /// By the clock on the wall.
    waited: Duration,
    /// On the cores.
    worked: Duration,
}

impl Took {
    fn by<R>(work: impl FnOnce() -> R) -> (R, Took) {
        let before = cpu();
        let began = Instant::now();
        let result = work();
        let waited = began.elapsed();
        (result, Took { waited, worked: cpu().saturating_sub(before) })
    }
}

/// Says how `all` are spread.
fn tell(what: &str, all: &[Took]) {
    println!("{what:15} {:10}         waited       on the cores", all.len());
    let sorted = |of: fn(&Took) -> Duration| {
        let mut times: Vec<Duration> = all.iter().map(of).collect();
        times.sort();
        times
    };
    let (waited, worked) = (sorted(|took| took.waited), sorted(|took| took.worked));
    for (name, permille) in [("p50", 500), ("p99", 990), ("p99.9", 999), ("max", 1_000)] {
        let at = all.len().saturating_sub(1) * permille / 1_000;
        let of = |times: &[Duration]| millis(times.get(at).copied().unwrap_or_default());
        println!("  {name:13} {:23.3} ms {:12.3} ms", of(&waited), of(&worked));
    }
}

/// The time that this process was on a core so far, all its threads together: what a busy machine
/// does not lengthen. Zero where Linux does not tell it.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Writes a checkpoint with a batch between two slices and says how long each took.
fn write(engine: &mut Engine, generator: &mut Generator) -> Vec<u8> {
    let alone: Vec<Took> = (0..ALONE).map(|_| batch(engine, generator).1).collect();
    let mark = Mark { next_offset: 0, n_partitions: 1, journal: 0 };
    let ((), begin) = Took::by(|| engine.begin_checkpoint(0, mark));
    let slice = usize::try_from(asked("EBB_SLICE", 1_000)).unwrap_or(1);
    let (mut file, mut slices, mut batches) = (Vec::new(), Vec::new(), Vec::new());
    let mut longest = 0;
    loop {
        let (progress, took) = Took::by(|| engine.continue_checkpoint(0, slice));
        slices.push(took);
        let Some(Progress::More(pieces) | Progress::Done(pieces)) = &progress else { break };
        longest = longest.max(pieces.iter().map(Vec::len).sum());
        pieces.iter().for_each(|bytes| file.extend_from_slice(bytes));
        if !matches!(progress, Some(Progress::More(_))) {
            break;
        }
        drop(progress);
        batches.push(batch(engine, generator).1);
    }
    let (waited, worked) = slices.iter().fold((Duration::ZERO, Duration::ZERO), |sum, took| {
        (sum.0 + took.waited, sum.1 + took.worked)
    });
    println!("begin           {:10.3} ms", millis(begin.waited));
    println!("slices of {slice} customers");
    tell("slices", &slices);
    tell("batches between", &batches);
    tell("batches before", &alone);
    let n_customers = engine.customers(0).count();
    println!("all slices      {:10.1} ms, {n_customers} customers", millis(waited));
    println!("  on the cores  {:10.1} ms", millis(worked));
    println!("longest slice   {:10} bytes", longest);
    println!("bytes           {:10} a customer", file.len() / n_customers.max(1));
    file
}

fn main() {
    let (customers, events) = (asked("EBB_CUSTOMERS", 2_000), asked("EBB_EVENTS", 100));
    let plan = Plan {
        customers,
        events: u64::from(customers) * u64::from(events),
        days: 120,
        seed: 1,
        shares: Shares::default(),
        flavour: Flavour::Bench,
        end: END,
    };
    let (Some(mut engine), Ok(mut generator)) = (engine(), Generator::new(&plan)) else { return };
    // The last tenth is left to go on with.
    let n_before = usize::try_from(plan.events / 10 * 9).unwrap_or(usize::MAX);
    let mut n_applied = 0;
    while n_applied < n_before {
        n_applied += batch(&mut engine, &mut generator).0.max(1);
    }
    let file = write(&mut engine, &mut generator);
    let rules = engine.rules().clone();
    drop(engine);
    for _ in 0..TIMES {
        read_back(&file, &rules);
    }
    for level in [1, 3] {
        pack(&file, level);
    }
}

/// Restores from `file` and says how long it took.
fn read_back(file: &[u8], rules: &Rules) {
    let (began, before) = (Instant::now(), cpu());
    let restored = restore(&mut &*file, 0, rules);
    let (time, worked) = (began.elapsed(), cpu().saturating_sub(before));
    let found = restored.as_ref().map(|restored| restored.header.n_customers);
    println!("restore         {:10.1} ms, {found:?} customers", millis(time));
    println!("  on the cores  {:10.1} ms", millis(worked));
}

/// What packing `file` would cost and bring.
fn pack(file: &[u8], level: i32) {
    let began = Instant::now();
    let packed = zstd::encode_all(file, level).unwrap_or_default();
    let to = began.elapsed();
    let began = Instant::now();
    let n_back = zstd::decode_all(&*packed).map(|back| back.len()).unwrap_or_default();
    let (to, back, n_packed) = (millis(to), millis(began.elapsed()), packed.len());
    println!("zstd level {level}    {to:10.1} ms, {n_packed} of {n_back} bytes, back {back:.1} ms");
}
