//! Cost of reading one event from its bytes.
//!
//! Budget  300 ns on one core: decode and step together may take 1 us (DESIGN §12).
//! Load    canonical JSON of about 150 bytes, as platforms write it: the type before its fields
//!         (`ordinary`), after them (`type_last`), a survey with five fields (`survey`), and what
//!         is refused at its last field (`refused`).

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ebb::record::decode;

const RECORDS: [(&str, &str); 4] = [
    (
        "ordinary",
        concat!(
            r#"{"id":"01JD3Q8X5T9ZB6K2M4N7P0R1SV","type":"feature_used","customer_id":"c-000042","#,
            r#""time":"2026-11-21T10:00:00Z","user_id":"u-000007","feature_id":"export"}"#
        ),
    ),
    (
        "type_last",
        concat!(
            r#"{"id":"01JD3Q8X5T9ZB6K2M4N7P0R1SV","user_id":"u-000007","feature_id":"export","#,
            r#""customer_id":"c-000042","time":"2026-11-21T10:00:00Z","type":"feature_used"}"#
        ),
    ),
    (
        "survey",
        concat!(
            r#"{"id":"01JD3Q8X5T9ZB6K2M4N7P0R1SV","type":"survey_response","customer_id":"c-42","#,
            r#""time":1795255200000,"kind":"nps","value":6,"scale_min":0,"scale_max":10,"#,
            r#""user_id":"u-7"}"#
        ),
    ),
    (
        "refused",
        concat!(
            r#"{"id":"01JD3Q8X5T9ZB6K2M4N7P0R1SV","type":"purchase","customer_id":"c-000042","#,
            r#""time":"2026-11-21T10:00:00Z","items":2,"currency":"EUR","amount":-19.99}"#
        ),
    ),
];

fn decode_one(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    for (name, record) in RECORDS {
        group.bench_function(name, |b| b.iter(|| black_box(decode(black_box(record.as_bytes())))));
    }
    group.finish();
}

criterion_group!(benches, decode_one);
criterion_main!(benches);
