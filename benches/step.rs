//! Cost of one event from its bytes to what rings: decode and step, timers included.
//!
//! Budget  2 us on one core under the default model at 100 000 customers, 1 us next: with the
//!         client library's half a microsecond that is 400 000 events/s a core.
//! Load    200 000 generated events over 120 days, from the first event on, so that windows fill
//!         and let go; outputs are made and thrown away. `dense` are 1 000 customers with 200
//!         events each, whose memory stays near; `sparse` are 20 000 with 10 each, whom each event
//!         finds cold and time alone judges as often as events do.

mod load;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ebb::model::shipped;
use ebb::wire::generate::{Flavour, Generator};
use load::{arrivals, engine, lines, plan};

const EVENTS: u64 = 200_000;
const BATCH: usize = 2_048;

/// How long the engine takes for all `lines`, made anew before.
fn play(model: &str, lines: &[Vec<u8>]) -> Duration {
    let Some(mut engine) = engine(model, 1) else { return Duration::ZERO };
    let began = Instant::now();
    for chunk in lines.chunks(BATCH) {
        black_box(engine.apply(&arrivals(black_box(chunk))));
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
        let made = Generator::new(&plan(customers, EVENTS, flavour));
        let lines = made.map_or_else(|_| Vec::new(), |mut made| lines(&mut made, usize::MAX));
        group.bench_function(name, |b| {
            b.iter_custom(|n| (0..n).map(|_| play(model, &lines)).sum::<Duration>());
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
