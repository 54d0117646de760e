//! Cost of one event from its bytes to what rings: decode and step, timers included.
//!
//! Budget  2 us on one core under the default model at 100 000 customers, 1 us next: with the
//!         client library's half a microsecond that is 400 000 events/s a core.
//! Load    200 000 generated events over 120 days, from the first event on, so that windows fill
//!         and let go; outputs are made and thrown away. `dense` are 1 000 customers with 200
//!         events each, whose memory stays near; `sparse` are 20 000 with 10 each, whom each event
//!         finds cold and time alone judges as often as events do.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ebb::model::{load, shipped};
use ebb::record::{Decoded, decode};
use ebb::state::rules::Publish;
use ebb::state::{Arrival, Engine, Rules, TimersSwitch};
use ebb::unit::Span;
use ebb::wire::generate::{END, Flavour, Generator, Plan, Shares};

const EVENTS: u64 = 200_000;
const BATCH: usize = 2_048;

fn lines(customers: u32, flavour: Flavour) -> Vec<Vec<u8>> {
    let shares = Shares::default();
    let plan = Plan { customers, events: EVENTS, days: 120, seed: 1, shares, flavour, end: END };
    let mut lines = Vec::new();
    if let Ok(mut generator) = Generator::new(&plan) {
        let mut line = Vec::new();
        while generator.next_into(&mut line).is_some() {
            lines.push(std::mem::take(&mut line));
        }
    }
    lines
}

fn engine(model: &str) -> Option<Engine> {
    let rules = Rules {
        model: load(model, shipped::CATALOG, None).ok()?,
        dedup_horizon: Span::days(1),
        exact_events_max: 4_096,
        timers: TimersSwitch::On,
        publish: Publish::Never,
        topic: None,
        n_lanes: 1,
    };
    Some(Engine::new(rules, 1))
}

/// How long the engine takes for all `lines`, made anew before.
fn play(model: &str, lines: &[Vec<u8>]) -> Duration {
    let Some(mut engine) = engine(model) else { return Duration::ZERO };
    let began = Instant::now();
    for chunk in lines.chunks(BATCH) {
        let mut arrivals = Vec::with_capacity(chunk.len());
        for line in chunk {
            if let Ok(Decoded::Event(event)) = decode(black_box(line)) {
                arrivals.push(Arrival {
                    event,
                    partition: 0,
                    offset: None,
                    waits: None,
                    told: None,
                });
            }
        }
        black_box(engine.apply(&arrivals));
    }
    began.elapsed()
}

fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    group.throughput(Throughput::Elements(EVENTS)).sample_size(10);
    let (dense, sparse) = (1_000, 20_000);
    for (name, customers, flavour, model) in [
        ("default_dense", dense, Flavour::Default, shipped::DEFAULT),
        ("default_sparse", sparse, Flavour::Default, shipped::DEFAULT),
        ("bench_dense", dense, Flavour::Bench, shipped::BENCH),
        ("bench_sparse", sparse, Flavour::Bench, shipped::BENCH),
        ("bench_events_default_model", sparse, Flavour::Bench, shipped::DEFAULT),
    ] {
        let lines = lines(customers, flavour);
        group.bench_function(name, |b| {
            b.iter_custom(|n| (0..n).map(|_| play(model, &lines)).sum::<Duration>());
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
