//! Every block of README.md does what it says.
//!
//! Shape   `blocks` reads them, `bench` is the folder in which they run, one after the other.
//! Rules   `sh` must succeed; `console` must print what it shows, where `…` stands for anything;
//!         `toml` and `csv` become the file that their first line names; `json` is an event that
//!         decodes, or an alert that holds to its schema and was rung by a block before it.
//!         `python` runs with the clients of the doors; where those, or psql, are missing, the
//!         blocks that want them are skipped.
//!         `ebb` and `cargo run --release --` are the program that was built with the tests, a
//!         broker at localhost:9092 is the tests' own (D-10).

mod bench;
mod blocks;

use std::fs;
use std::path::{Path, PathBuf};

use bench::Bench;
use blocks::{Block, matches};

use crate::broker;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> Vec<Block> {
    blocks::read(&fs::read_to_string(top().join("README.md")).unwrap())
}

/// Whether a block wants a broker, or the settings that name one.
fn wants_a_broker(block: &Block) -> bool {
    ["bin/kafka-", "localhost:9092", " mine.toml", "ebb-snapshots \""]
        .iter()
        .any(|word| block.text.contains(word))
}

#[test]
fn every_block_that_wants_no_broker_runs() {
    let mut bench = Bench::new(None);
    let blocks: Vec<Block> = readme().into_iter().filter(|block| !wants_a_broker(block)).collect();
    assert!(10 < blocks.len(), "only {} blocks were found", blocks.len());
    blocks.iter().for_each(|block| bench.run(block));
}

#[test]
fn every_block_that_wants_a_broker_runs() {
    let Some(broker) = broker::shared() else { return };
    let Some(jars) = broker::tools() else { return };
    let mut bench = Bench::new(Some((broker.brokers(), &jars)));
    let blocks: Vec<Block> = readme().into_iter().filter(wants_a_broker).collect();
    assert!(5 < blocks.len(), "only {} blocks were found", blocks.len());
    blocks.iter().for_each(|block| bench.run(block));
    bench.stop();
}

#[test]
fn the_test_command_is_the_one_of_ci() {
    let ci = fs::read_to_string(top().join(".ci/run")).unwrap();
    let blocks = readme();
    let command = blocks.iter().find(|block| block.is_the_test_command()).unwrap();
    let step = format!("step tests {}", command.text.trim());
    assert!(ci.lines().any(|line| line == step), ".ci/run has no line `{step}`");
}

#[test]
fn links_lead_to_files_that_are_there() {
    let text = fs::read_to_string(top().join("README.md")).unwrap();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files: Vec<PathBuf> = targets
        .filter(|target| !target.starts_with("https://"))
        .map(|target| top().join(target))
        .collect();
    assert!(4 < files.len());
    files.iter().for_each(|file| assert!(file.exists(), "{}", file.display()));
}

#[test]
fn what_is_shown_is_compared_with_what_is_printed() {
    let check = |shown: &str, printed: &str, same: bool| {
        assert_eq!(matches(shown, printed), same, "{shown:?} {printed:?}");
    };
    check("a\nb\n", "a\nb\n", true);
    check("a\n", "a\nb\n", false);
    check("a\nb\n", "a\n", false);
    check("a 1\n", "a 2\n", false);
    check("a …\n", "a 2\n", true);
    check("a … c …\n", "a 2 c \n", true);
    check("a … c\n", "a 2 d\n", false);
    check("…\nc\n", "a\nb\nc\n", true);
    check("a\n…\nc\n", "a\nc\n", true);
    check("a\n…\n", "b\n", false);
    check("…\n", "", true);
}
