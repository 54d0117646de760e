//! Cost of one event from its bytes to what rings: decode and step, timers included.
//!
//! Budget  2 us on one core under the default model at 100 000 customers, 1 us next: with the
//!         client library's half a microsecond that is 400 000 events/s a core.
//! Load    200 000 generated events of 20 000 customers over 120 days, from the first event on,
//!         so that windows fill and let go; outputs are made and thrown away.

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

fn lines(flavour: Flavour) -> Vec<Vec<u8>> {
    let shares = Shares::default();
    let plan =
        Plan { customers: 20_000, events: EVENTS, days: 120, seed: 1, shares, flavour, end: END };
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
    for (name, flavour, model) in [
        ("default", Flavour::Default, shipped::DEFAULT),
        ("bench", Flavour::Bench, shipped::BENCH),
        ("bench_events_default_model", Flavour::Bench, shipped::DEFAULT),
    ] {
        let lines = lines(flavour);
        group.bench_function(name, |b| {
            b.iter_custom(|n| (0..n).map(|_| play(model, &lines)).sum::<Duration>());
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
