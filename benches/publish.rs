//! Cost of publishing snapshots while an engine scores: pauses where it scores, work where it is
//! published, size.
//!
//! Budget  no pause above 5 ms at 1 M customers; 10 % of a core at 50 000 events a second.
//! Load    `EBB_CUSTOMERS` (2 000) customers with `EBB_EVENTS` (100) events each of `EBB_MODEL`
//!         (default, or bench), in one partition on two lanes; then `EBB_EDITIONS` (3) editions,
//!         `EBB_BETWEEN` (1 000) events apart, copied in slices of 1 000 with a batch of events
//!         between two. A run by hand takes 1 000 000 customers and 100 000 events between.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ebb::model::{load, shipped};
use ebb::query::Gazette;
use ebb::record::{Decoded, decode};
use ebb::run::settings::SnapshotRules;
use ebb::run::{News, Publisher, Standing};
use ebb::state::rules::Publish;
use ebb::state::{Arrival, Engine, Rules, TimersSwitch, Whom};
use ebb::unit::Span;
use ebb::wire::generate::{END, Flavour, Generator, Plan, Shares};
use ebb::wire::{Fault, Position};

// The program's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 1_000;
const SLICE: usize = 1_000;

fn asked(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn engine(text: &str) -> Option<Engine> {
    let rules = Rules {
        model: load(text, shipped::CATALOG, None).ok()?,
        dedup_horizon: Span::days(1),
        exact_events_max: 4_096,
        timers: TimersSwitch::On,
        publish: Publish::Never,
        topic: None,
        n_lanes: 2,
    };
    Some(Engine::new(rules, 1))
}

/// Applies the next `n` events of `generator`; how long that took.
fn batch(engine: &mut Engine, generator: &mut Generator, n: usize) -> Duration {
    let mut lines: Vec<Vec<u8>> = Vec::with_capacity(n);
    for _ in 0..n {
        let mut line = Vec::new();
        if generator.next_into(&mut line).is_none() {
            break;
        }
        lines.push(line);
    }
    let arrivals = lines.iter().filter_map(|line| match decode(line) {
        Ok(Decoded::Event(event)) => {
            Some(Arrival { event, partition: 0, offset: None, waits: None, told: None })
        }
        _ => None,
    });
    let arrivals: Vec<Arrival<'_>> = arrivals.collect();
    let began = Instant::now();
    black_box(engine.apply(&arrivals));
    began.elapsed()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Publishes one edition with batches between its slices.
fn edition(
    engine: &mut Engine,
    generator: &mut Generator,
    gazette: &mut Gazette,
    (whom, next_offset): (Whom, i64),
) -> Result<(), Fault> {
    let position = Position { partition: 0, next_offset, now: engine.now(0) };
    let began = Instant::now();
    let whom = engine.begin_edition(0, whom);
    let begin = began.elapsed();
    let standing = Standing { position, n_partitions: 1, whom, erased: engine.erased(0) };
    gazette.hear(News::Edition(vec![standing]))?;
    let (mut slices, mut published, mut n_copied) = (Vec::new(), Duration::ZERO, 0);
    loop {
        let mut copied = Vec::new();
        let began = Instant::now();
        let is_all = engine.continue_edition(0, SLICE, &mut copied);
        slices.push(began.elapsed());
        n_copied += copied.len();
        let began = Instant::now();
        gazette.hear(News::Customers(0, copied))?;
        published += began.elapsed();
        if is_all {
            break;
        }
        batch(engine, generator, BATCH);
    }
    let began = Instant::now();
    let id = gazette.hear(News::Publish)?;
    let end = began.elapsed();
    slices.sort();
    let at = |permille: usize| slices.get((slices.len() - 1) * permille / 1_000).copied();
    let [p50, p99, max] =
        [500, 990, 1_000].map(|permille| millis(at(permille).unwrap_or_default()));
    let each = published.as_secs_f64() * 1e6 / (n_copied.max(1) as f64);
    println!(
        "{whom:?}: {n_copied} customers; begin {:.3} ms; {} slices: p50 {p50:.3}, p99 {p99:.3}, max \
         {max:.3} ms; rows {:.1} ms, {each:.1} us each; the end {:.1} ms; {}",
        millis(begin),
        slices.len(),
        millis(published),
        millis(end),
        id.unwrap_or_default(),
    );
    Ok(())
}

fn main() -> Result<(), Fault> {
    let (customers, events) = (asked("EBB_CUSTOMERS", 2_000), asked("EBB_EVENTS", 100));
    let is_bench = std::env::var("EBB_MODEL").is_ok_and(|name| name == "bench");
    let (model, flavour) = if is_bench {
        (shipped::BENCH, Flavour::Bench)
    } else {
        (shipped::DEFAULT, Flavour::Default)
    };
    let plan = Plan {
        customers,
        events: u64::from(customers) * u64::from(events),
        days: 120,
        seed: 1,
        shares: Shares::default(),
        flavour,
        end: END,
    };
    let (Some(mut engine), Ok(mut generator)) = (engine(model), Generator::new(&plan)) else {
        return Ok(());
    };
    let n_before = plan.events / 10 * 8;
    let mut time = Duration::ZERO;
    for _ in 0..n_before / BATCH as u64 {
        time += batch(&mut engine, &mut generator, BATCH);
    }
    println!("before: {:.2} us an event", time.as_secs_f64() * 1e6 / (n_before as f64));
    let folder = tempfile::tempdir().map_err(|error| Fault::Output(error.to_string()))?;
    let rules = SnapshotRules {
        folder: folder.path().to_owned(),
        interval: Span::millis(2_000),
        complete: Span::days(1),
        keep: Span::days(1),
        history: Span::days(400),
    };
    let mut gazette = Gazette::new(&rules, &engine.rules().model);
    gazette.hear(News::Begun(0))?;
    edition(&mut engine, &mut generator, &mut gazette, (Whom::All, 0))?;
    let between = asked("EBB_BETWEEN", 1_000) as usize;
    for next_offset in 1..=i64::from(asked("EBB_EDITIONS", 3)) {
        let mut time = Duration::ZERO;
        for _ in 0..between.div_ceil(BATCH) {
            time += batch(&mut engine, &mut generator, BATCH.min(between));
        }
        println!("between: {:.2} us an event", time.as_secs_f64() * 1e6 / between as f64);
        edition(&mut engine, &mut generator, &mut gazette, (Whom::Changed, next_offset))?;
    }
    Ok(())
}
