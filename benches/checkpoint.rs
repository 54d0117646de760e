//! Cost of a checkpoint: the pause at its beginning, the pause of a slice, the rate, the way back.
//!
//! Budget  no pause above 5 ms at 1 M customers, and scoring within 5 s of a restart.
//! Load    `EBB_CUSTOMERS` (2 000) customers with `EBB_EVENTS` (100) events each of the bench
//!         model, in one partition on two lanes; slices of `EBB_SLICE` (1 000) customers, as the
//!         service writes them, with a batch of events between two of them. A run by hand takes
//!         1 000 000.

mod load;
mod took;

use std::hint::black_box;
use std::time::Instant;

use ebb::model::shipped;
use ebb::run::memory;
use ebb::state::checkpoint::Mark;
use ebb::state::{Engine, Progress, Rules, restore};
use ebb::wire::generate::{Flavour, Generator};
use load::{arrivals, engine, lines, plan};
use took::{Took, asked, millis, tell};

// The program's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 4_096;
/// So many batches without a checkpoint are there to compare with.
const ALONE: usize = 100;
/// How often what was written is read back: the best counts.
const TIMES: usize = 3;

/// Applies the next batch of `generator`; returns how many events it had, and what it took.
fn batch(engine: &mut Engine, generator: &mut Generator) -> (usize, Took) {
    let lines = lines(generator, BATCH);
    let arrivals = arrivals(&lines);
    let (applied, took) = Took::by(|| engine.apply(&arrivals));
    black_box(applied);
    (lines.len(), took)
}

/// Writes a checkpoint with a batch between two slices and says how long each took.
fn write(engine: &mut Engine, generator: &mut Generator) -> Vec<u8> {
    let alone: Vec<Took> = (0..ALONE).map(|_| batch(engine, generator).1).collect();
    let mark = Mark { next_offset: 0, n_partitions: 1, journal: 0, n_events: 0 };
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
    let mut whole = Took::default();
    slices.iter().for_each(|took| whole += *took);
    println!("begin           {:10.3} ms", millis(begin.waited));
    println!("slices of {slice} customers");
    tell("slices", &slices);
    tell("batches between", &batches);
    tell("batches before", &alone);
    let n_customers = engine.customers(0).count();
    println!("all slices      {:10.1} ms, {n_customers} customers", millis(whole.waited));
    println!("  on the cores  {:10.1} ms", millis(whole.worked));
    println!("longest slice   {:10} bytes", longest);
    println!("bytes           {:10} a customer", file.len() / n_customers.max(1));
    file
}

fn main() {
    memory::keep();
    let (customers, events) = (asked("EBB_CUSTOMERS", 2_000), asked("EBB_EVENTS", 100));
    let plan = plan(customers, u64::from(customers) * u64::from(events), Flavour::Bench);
    let made = (engine(shipped::BENCH, 2), Generator::new(&plan));
    let (Some(mut engine), Ok(mut generator)) = made else { return };
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
    let (restored, took) = Took::by(|| restore(&mut &*file, 0, rules));
    let found = restored.as_ref().map(|restored| restored.header.n_customers);
    println!("restore         {:10.1} ms, {found:?} customers", millis(took.waited));
    println!("  on the cores  {:10.1} ms", millis(took.worked));
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
