//! Cost of publishing snapshots while an engine scores: pauses where it scores, work where it is
//! published, size.
//!
//! Budget  no pause above 5 ms at 1 M customers; 10 % of a core at 50 000 events a second.
//! Load    `EBB_CUSTOMERS` (2 000) customers with `EBB_EVENTS` (100) events each of `EBB_MODEL`
//!         (default, or bench), in one partition on two lanes; then `EBB_EDITIONS` (3) editions,
//!         `EBB_BETWEEN` (1 000) events apart, copied in slices of 1 000 with a batch of events
//!         between two. A run by hand takes 1 000 000 customers and 100 000 events between.

mod load;
mod took;

use std::hint::black_box;

use ebb::model::shipped;
use ebb::query::Gazette;
use ebb::run::settings::SnapshotRules;
use ebb::run::{News, Publisher, Standing, memory};
use ebb::state::{Engine, Whom};
use ebb::unit::Span;
use ebb::wire::generate::{Flavour, Generator};
use ebb::wire::{Fault, Position};
use load::{arrivals, engine, lines, plan};
use took::{Took, asked, millis, tell};

// The program's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: usize = 1_000;
const SLICE: usize = 1_000;

/// Applies the next `n` events of `generator`; what that took.
fn batch(engine: &mut Engine, generator: &mut Generator, n: usize) -> Took {
    let lines = lines(generator, n);
    let arrivals = arrivals(&lines);
    let (applied, took) = Took::by(|| engine.apply(&arrivals));
    black_box(applied);
    took
}

/// Applies the next `n` events of `generator` in batches, and says what one took.
fn go_on(what: &str, engine: &mut Engine, generator: &mut Generator, n: usize) {
    let mut took = Took::default();
    for _ in 0..n.div_ceil(BATCH) {
        took += batch(engine, generator, BATCH.min(n));
    }
    let each = took.worked.as_secs_f64() * 1e6 / n as f64;
    println!("{what}: {n} events, {each:.2} us each on the cores");
}

/// Publishes one edition with batches between its slices.
fn edition(
    engine: &mut Engine,
    generator: &mut Generator,
    gazette: &mut Gazette,
    (whom, next_offset): (Whom, i64),
) -> Result<(), Fault> {
    let position = Position { partition: 0, next_offset, now: engine.now(0) };
    let (whom, begin) = Took::by(|| engine.begin_edition(0, whom));
    let standing = Standing { position, n_partitions: 1, whom, erased: engine.erased(0) };
    gazette.hear(News::Edition(vec![standing]))?;
    let (mut slices, mut rows, mut n_copied) = (Vec::new(), Took::default(), 0);
    loop {
        let mut copied = Vec::new();
        let (is_all, took) = Took::by(|| engine.continue_edition(0, SLICE, &mut copied));
        slices.push(took);
        for page in copied {
            n_copied += page.len();
            let (heard, took) = Took::by(|| gazette.hear(News::Customers(0, page)));
            heard?;
            rows += took;
        }
        if is_all {
            break;
        }
        batch(engine, generator, BATCH);
    }
    let (id, end) = Took::by(|| gazette.hear(News::Publish));
    println!("{whom:?}: {n_copied} customers, {}", id?.unwrap_or_default());
    println!("begin           {:10.3} ms", millis(begin.waited));
    tell("slices", &slices);
    let each = rows.worked.as_secs_f64() * 1e6 / (n_copied.max(1) as f64);
    println!("rows            {:10.1} ms on the cores, {each:.1} us each", millis(rows.worked));
    println!("the end         {:10.1} ms on the cores", millis(end.worked));
    Ok(())
}

fn main() -> Result<(), Fault> {
    memory::keep();
    let (customers, events) = (asked("EBB_CUSTOMERS", 2_000), asked("EBB_EVENTS", 100));
    let is_bench = std::env::var("EBB_MODEL").is_ok_and(|name| name == "bench");
    let (model, flavour) = if is_bench {
        (shipped::BENCH, Flavour::Bench)
    } else {
        (shipped::DEFAULT, Flavour::Default)
    };
    let plan = plan(customers, u64::from(customers) * u64::from(events), flavour);
    let (Some(mut engine), Ok(mut generator)) = (engine(model, 2), Generator::new(&plan)) else {
        return Ok(());
    };
    let n_before = usize::try_from(plan.events / 10 * 8).unwrap_or(usize::MAX);
    go_on("before", &mut engine, &mut generator, n_before);
    let folder = tempfile::tempdir().map_err(|error| Fault::Output(error.to_string()))?;
    let rules = SnapshotRules {
        folder: folder.path().to_owned(),
        interval: Span::millis(2_000),
        complete: Span::days(1),
        keep: Span::days(1),
        history: Span::days(400),
    };
    let mut gazette = Gazette::new(&rules, &engine.rules().model);
    gazette.hear(News::Begun(0, 1))?;
    edition(&mut engine, &mut generator, &mut gazette, (Whom::All, 0))?;
    let between = asked("EBB_BETWEEN", 1_000) as usize;
    for next_offset in 1..=i64::from(asked("EBB_EDITIONS", 3)) {
        go_on("between", &mut engine, &mut generator, between);
        edition(&mut engine, &mut generator, &mut gazette, (Whom::Changed, next_offset))?;
    }
    Ok(())
}
