//! A file of each format: from now on it loads, or is refused by its format.
//!
//! Rules   `small.ckpt` was written under the model `small.toml` from a stream of a fixed seed;
//!         `small.csv` are its customers. A change of what a customer holds breaks this test:
//!         give the format a new number (`frame.rs`), rename `small.ckpt` to `small-N.ckpt` with
//!         its old number, which is refused from then on, and write both anew with BLESS=1.

use std::fs;
use std::path::{Path, PathBuf};

use ebb::model::load;
use ebb::state::{Engine, Refusal, Row, Rules, restore};
use ebb::unit::Span;

use crate::checkpoint::script::Script;
use crate::checkpoint::{checkpoint, contents};
use crate::oracle::streams::Size;

/// The catalogue of the fixture: not the shipped one, which may grow.
const CATALOG: &str = "[features]\n\"*\" = 10\n";

/// Every shape in which a track is kept, and what else only some customers have.
const SHAPES: [&str; 12] = [
    "\"Times\":",
    "\"Values\":",
    "\"Lumps\":",
    "\"Keys\":",
    "\"Sends\":",
    "\"Answers\":",
    "\"Groups\":",
    "\"Latest\":",
    "\"Invoices\":",
    "\"overrides\":[{",
    "\"snoozes\":[{",
    "\"waiting\":[{",
];

/// The formats that are no longer read.
const OLDER: [u32; 2] = [1, 2];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkpoint")
}

fn rules(script: &Script) -> Rules {
    let text = fs::read_to_string(folder().join("small.toml")).expect("the model is there");
    let model = load(&text, CATALOG, None).expect("the model is sound");
    let dedup_horizon = Span::days(2);
    Rules { model, dedup_horizon, exact_events_max: 4, ..script.rules(2) }
}

/// The rows of the customers file.
fn customers(engine: &Engine) -> String {
    let model = &engine.rules().model;
    let now = engine.now(0);
    let rows = engine.customers(0).map(|customer| Row::of(customer, model, now).cells().join(","));
    let mut rows: Vec<String> = rows.collect();
    rows.sort();
    rows.insert(0, Row::columns(model).join(","));
    rows.join("\n") + "\n"
}

/// The shapes that no customer of the checkpoint has.
fn missing(bytes: &[u8]) -> Vec<&'static str> {
    let customers = contents(bytes).expect("it is whole").customers;
    let is_missing = |shape: &&str| !customers.values().any(|json| json.contains(shape));
    SHAPES.into_iter().filter(is_missing).collect()
}

/// The last checkpoint of the script in which all shapes are, and its customers.
fn last_of_all_shapes(script: &Script) -> Option<(Vec<u8>, String)> {
    let mut engine = Engine::new(rules(script), script.options.partitions);
    let mut last = None;
    for index in 0..script.steps.len() {
        script.play(index, &mut engine);
        let bytes = checkpoint(&mut engine, 0, 3);
        if missing(&bytes).is_empty() {
            last = Some((bytes, customers(&engine)));
        }
    }
    last
}

#[test]
fn the_file_of_this_format_loads_from_now_on() {
    let (file, csv) = (folder().join("small.ckpt"), folder().join("small.csv"));
    let script = Script::new(1, Size { customers: 1, events: 1 });
    if std::env::var_os("BLESS").is_some() {
        let size = || Size { customers: 6, events: 1_500 };
        let mut found = (1..100).filter_map(|seed| last_of_all_shapes(&Script::new(seed, size())));
        let (bytes, rows) = found.next().expect("some stream reaches them");
        fs::write(&csv, rows).expect("it can be written");
        fs::write(&file, bytes).expect("it can be written");
    }
    let bytes = fs::read(&file).expect("the fixture is there");
    assert_eq!(missing(&bytes), [""; 0]);
    let mut engine = Engine::new(rules(&script), 1);
    let restored = restore(&mut &*bytes, 0, engine.rules()).map_err(|refusal| refusal.to_string());
    engine.install(0, restored.expect("the file of this format loads"));
    assert_eq!(customers(&engine), fs::read_to_string(&csv).expect("the fixture is there"));
}

#[test]
fn the_files_of_older_formats_are_refused_by_their_format() {
    let rules = rules(&Script::new(1, Size { customers: 1, events: 1 }));
    for format in OLDER {
        let file = folder().join(format!("small-{format}.ckpt"));
        let bytes = fs::read(&file).expect("the fixture is there");
        match restore(&mut &*bytes, 0, &rules) {
            Err(Refusal::OtherFormat { found, .. }) => assert_eq!(found, format),
            other => panic!("format {format}: {other:?}"),
        }
    }
}
