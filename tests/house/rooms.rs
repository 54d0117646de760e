//! What belongs into one room only: heavy libraries, the outside world, metrics, features.

use super::floors::{self, PLAIN};
use super::source::{Fault, Source, after_closing, is_name};

/// A library and the rooms, files or folders of the engine, that may use it.
const LIBRARIES: [(&str, &[&str]); 44] = [
    ("rdkafka", &["kafka/"]),
    ("rdkafka_sys", &["kafka/"]),
    ("rayon", &["state/lanes.rs"]),
    ("dashmap", &["state/book.rs"]),
    ("datafusion", &["query/"]),
    ("datafusion_postgres", &["query/"]),
    ("pgwire", &["query/"]),
    ("arrow", &["query/"]),
    ("arrow_flight", &["query/"]),
    ("arrow_schema", &["query/"]),
    ("parquet", &["query/"]),
    ("sqlparser", &["query/"]),
    ("arrow_pg", &["query/"]),
    ("datafusion_pg_catalog", &["query/"]),
    ("tokio_rustls", &["query/"]),
    ("tonic", &["query/"]),
    ("rustix", &["query/"]),
    ("tokio", &["cloud/", "query/"]),
    ("object_store", &["cloud/"]),
    ("axum", &["query/doors/"]),
    ("hyper", &["query/doors/"]),
    ("metrics", &["run/meter.rs"]),
    ("metrics_exporter_prometheus", &["run/meter.rs"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("ratatui", &["cli/"]),
    ("crossterm", &["cli/"]),
    ("rustyline", &["cli/"]),
    ("tracing_subscriber", &["cli/"]),
    ("signal_hook", &["cli/"]),
    ("csv", &["cli/", "wire/"]),
    ("flate2", &["wire/", "cli/packed.rs"]),
    ("zstd", &["wire/", "cli/packed.rs"]),
    ("tempfile", &["wire/", "cli/", "run/watch.rs"]),
    ("rand_xoshiro", &["wire/generate/"]),
    // What a checkpoint holds derives it; on floors 4 to 6 only `state/checkpoint` makes bytes.
    (
        "serde",
        &[
            "unit/",
            "record/",
            "model/raw.rs",
            "window/",
            "score/",
            "state/",
            "run/settings/",
            "run/watch.rs",
            "query/raw.rs",
        ],
    ),
    ("postcard", &["state/checkpoint/"]),
    ("serde_json", &["record/", "wire/", "run/", "serve/", "query/", "cli/"]),
    ("toml", &["record/map/", "model/raw.rs", "run/settings/"]),
    ("jiff", &["unit/", "record/"]),
    ("xxhash_rust", &["unit/key.rs"]),
    ("mimalloc", &["main.rs"]),
    ("libmimalloc_sys", &["run/memory.rs"]),
];

/// What floors 1 to 6 may not touch, so that a replayed log gives the same scores.
const OUTSIDE: [&str; 21] = [
    "SystemTime",
    "Instant",
    "std::net",
    "std::env",
    "std::fs",
    "std::process",
    "stdin",
    "stdout",
    "stderr",
    "std::thread",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "dbg!",
    "tracing",
    "log",
    "tokio",
    "async",
    "env!",
    "option_env!",
];

/// Macros that declare a metric.
const METRICS: [&str; 6] = [
    "counter!",
    "gauge!",
    "histogram!",
    "describe_counter!",
    "describe_gauge!",
    "describe_histogram!",
];

/// Every rule of this file over one source.
pub fn check(source: &Source) -> Vec<Fault> {
    let mut faults = features(source);
    if let Some(below) = source.path.strip_prefix("engine/") {
        libraries(source, below, &mut faults);
        outside(source, &mut faults);
        metrics(source, below, &mut faults);
    }
    faults
}

fn libraries(source: &Source, below: &str, faults: &mut Vec<Fault>) {
    for (library, rooms) in LIBRARIES {
        if rooms.iter().any(|room| below.starts_with(room)) {
            continue;
        }
        if let Some(at) = source.words(library).find(|at| is_root(&source.code, *at, library)) {
            faults.push(source.fault(at, format!("`{library}` belongs into {}", rooms.join(", "))));
        }
    }
}

/// Whether the word at `at` begins a path that leaves the house: `word::…` or `use word;`.
fn is_root(code: &str, at: usize, word: &str) -> bool {
    let before = code[..at].trim_end();
    let after = code[at + word.len()..].trim_start();
    let inside = before.ends_with("::")
        && !before.trim_end_matches("::").ends_with(|c: char| c.is_ascii() && is_name(c as u8));
    (!before.ends_with("::") || inside) && (after.starts_with("::") || before.ends_with("use"))
}

fn outside(source: &Source, faults: &mut Vec<Fault>) {
    let room = floors::room(&source.path).and_then(floors::floor);
    if room.is_none_or(|floor| PLAIN <= floor) {
        return;
    }
    for word in OUTSIDE {
        for at in source.words(word) {
            let is_crate = matches!(word, "tracing" | "log" | "tokio");
            if !is_crate || is_root(&source.code, at, word) {
                faults
                    .push(source.fault(at, format!("`{word}`: floors 1 to 6 are plain functions")));
            }
        }
    }
}

/// A metric is declared by a macro, or by a name such as `ebb_events_total` in a string.
fn metrics(source: &Source, below: &str, faults: &mut Vec<Fault>) {
    if below == "run/meter.rs" {
        return;
    }
    let names = source.text.match_indices("\"ebb_").map(|(at, _)| at);
    for at in METRICS.iter().flat_map(|name| source.words(name)).chain(names) {
        faults.push(source.fault(at, "a metric is declared in run/meter.rs and nowhere else"));
    }
}

/// `cfg(feature)` outside the three places that may ask.
fn features(source: &Source) -> Vec<Fault> {
    let path = source.path.as_str();
    if matches!(path, "engine/lib.rs" | "tests/main.rs") || path.starts_with("benches/") {
        return Vec::new();
    }
    let asks = ["cfg(", "cfg!(", "cfg_attr("].into_iter().flat_map(|head| {
        source.words(head).filter(move |at| {
            let open = at + head.len() - 1;
            let inner = &source.code[open..after_closing(&source.code, open)];
            let mut after =
                inner.match_indices("feature").map(|(at, word)| &inner[at + word.len()..]);
            after.any(|after| after.trim_start().starts_with('='))
        })
    });
    let says = "`cfg(feature)` belongs into engine/lib.rs, tests/main.rs and benches/";
    asks.map(|at| source.fault(at, says)).collect()
}
