//! Cost of generating one event.
//!
//! Budget  2 us on one core, 500 000 events/s: a stream of five million in ten seconds, so that
//!         it is quicker to make one than to fetch one.
//! Load    100 000 lines of 10 000 and of 100 000 customers over 120 days, both flavours, without
//!         and with disorder; the customers are made anew each time, which the larger shows.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ebb::wire::generate::{END, Flavour, Generator, Plan, Share, Shares};

const EVENTS: u64 = 100_000;

fn write_all(plan: &Plan) -> usize {
    let mut out = Vec::with_capacity(1 << 16);
    let mut n_bytes = 0;
    if let Ok(mut generator) = Generator::new(black_box(plan)) {
        while generator.next_into(&mut out).is_some() {
            n_bytes += out.len();
            out.clear();
        }
    }
    n_bytes
}

fn generate(c: &mut Criterion) {
    let mut group = c.benchmark_group("generate");
    group.throughput(Throughput::Elements(EVENTS)).sample_size(10);
    let share = Share::millionths(20_000);
    let disorder = Shares { late: share, duplicates: share, garbage: share };
    for (name, flavour, customers, shares) in [
        ("default_10k", Flavour::Default, 10_000, Shares::default()),
        ("default_100k", Flavour::Default, 100_000, Shares::default()),
        ("default_disorder", Flavour::Default, 10_000, disorder),
        ("bench_100k", Flavour::Bench, 100_000, Shares::default()),
    ] {
        let plan =
            Plan { customers, events: EVENTS, days: 120, seed: 1, shares, flavour, end: END };
        group.bench_function(name, |b| b.iter(|| black_box(write_all(&plan))));
    }
    group.finish();
}

criterion_group!(benches, generate);
criterion_main!(benches);
