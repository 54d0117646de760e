//! Any text is a model or a list of faults, each with its place; a model judges without a fault.

#![no_main]

use ebb::model::{load, shipped};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match load(text, shipped::CATALOG, None) {
        Ok(model) => {
            assert!(!model.scores.is_empty() && !model.measures.is_empty());
            for signal in &model.signals {
                assert!(signal.measure < model.measures.len() && signal.score < model.scores.len());
            }
        }
        Err(faults) => assert!(faults.iter().all(|fault| !fault.to_string().is_empty())),
    }
});
