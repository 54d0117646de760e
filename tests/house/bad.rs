//! Sources that break a rule, and sources that only look as if they did.

use super::source::Source;
use super::{check, order};

/// The lines on which `text`, as the file at `path`, breaks a rule whose words contain `says`.
fn lines(path: &str, text: &str, says: &str) -> Vec<usize> {
    let faults = check(&Source::new(path, text));
    let mut lines = Vec::new();
    for fault in faults {
        assert!(fault.says.contains(says), "{path}:{}: {}; wanted {says}", fault.line, fault.says);
        lines.push(fault.line);
    }
    lines
}

fn sound(path: &str, text: &str) {
    assert_eq!(lines(path, text, ""), [0_usize; 0], "{path}: {text}");
}

#[test]
fn an_import_upward_is_found_however_it_is_written() {
    let above = "above it";
    assert_eq!(lines("engine/unit/time.rs", "use crate::record::Event;", above), [1]);
    assert_eq!(lines("engine/model/mod.rs", "\n\nfn f() { crate::run::go(); }", above), [3]);
    assert_eq!(lines("engine/window/slot.rs", "use crate::{unit::Key,\n  state};", above), [2]);
    assert_eq!(lines("engine/unit/mod.rs", "use super::wire::Batch;", above), [1]);
    assert_eq!(lines("engine/unit/time.rs", "use super::super::wire;", above), [1]);
    assert_eq!(lines("engine/score/a/b.rs", "use super::super::super::{\nwire};", above), [2]);
    let nested = "mod tests {\n    use super::super::super::cli;\n}";
    assert_eq!(lines("engine/unit/key.rs", nested, above), [2]);
    assert_eq!(lines("engine/kafka/mod.rs", "pub(crate) use crate::cli::Failure;", above), [1]);
    assert_eq!(
        lines("engine/wire/mod.rs", "macro_rules! m { () => { $crate::run::x } }", above),
        [1]
    );
}

#[test]
fn rooms_of_one_floor_do_not_know_each_other() {
    assert_eq!(lines("engine/kafka/sink.rs", "use crate::query::Table;", "beside it"), [1]);
    assert_eq!(lines("engine/serve/mod.rs", "use crate::kafka;", "beside it"), [1]);
}

#[test]
fn a_floor_may_know_itself_and_those_below() {
    sound("engine/state/step.rs", "use crate::{score, unit::{Key, Span}, state::book};");
    sound("engine/unit/time.rs", "use super::key::Key; use crate::unit::limit;");
    sound("engine/unit/key.rs", "mod tests { use super::*; use super::super::time; }");
    sound("engine/cli/run.rs", "use crate::kafka::KafkaSink; use crate::query::Table;");
    sound("engine/main.rs", "fn main() { ebb::cli::main() }");
    sound(
        "engine/unit/mod.rs",
        "// crate::run\n/* use crate::cli; */ const A: &str = \"crate::run\";",
    );
    sound(
        "engine/unit/mod.rs",
        "pub(crate) fn f<'a>(x: &'a str) -> char { '\"' } // crate::run \"",
    );
}

#[test]
fn hidden_ways_between_floors_are_found() {
    assert_eq!(lines("engine/unit/time.rs", "use crate::*;", "no floor"), [1]);
    assert_eq!(lines("engine/unit/mod.rs", "extern crate ebb;", "extern crate"), [1]);
    assert_eq!(lines("engine/attic/mod.rs", "", "stands on no floor"), [1]);
    assert_eq!(lines("engine/attic.rs", "", "stands on no floor"), [1]);
}

#[test]
fn a_heavy_library_outside_its_room_is_found() {
    let check = |path: &str, library: &str| {
        assert_eq!(lines(path, &format!("\nuse {library}::Thing;"), "belongs into"), [2]);
        assert_eq!(lines(path, &format!("fn f() {{ ::{library}::go() }}"), "belongs into"), [1]);
    };
    check("engine/wire/door.rs", "rdkafka");
    check("engine/state/engine.rs", "rayon");
    check("engine/state/step.rs", "dashmap");
    check("engine/run/pump.rs", "datafusion");
    check("engine/kafka/source.rs", "arrow");
    check("engine/serve/mod.rs", "parquet");
    check("engine/run/pump.rs", "metrics");
    check("engine/run/settings/mod.rs", "clap");
    check("engine/run/pump.rs", "tracing_subscriber");
    check("engine/kafka/source.rs", "indicatif");
    check("engine/wire/files/mod.rs", "ratatui");
    check("engine/run/pump.rs", "serde");
    check("engine/state/engine.rs", "postcard");
    sound("engine/state/lanes.rs", "use rayon::prelude::*;");
    sound("engine/kafka/client.rs", "use rdkafka::ClientConfig;");
    sound("engine/score/mod.rs", "fn f(arrow: u8) -> u8 { let metrics = arrow; metrics }");
}

#[test]
fn a_metric_declared_elsewhere_is_found() {
    let says = "run/meter.rs";
    assert_eq!(lines("engine/run/pump.rs", "fn f() { counter!(X).increment(1); }", says), [1]);
    assert_eq!(lines("engine/kafka/sink.rs", "\nconst N: &str = \"ebb_sent_total\";", says), [2]);
    sound("engine/run/meter.rs", "fn f() { gauge!(\"ebb_customers\").set(1.0); }");
}

#[test]
fn the_outside_world_on_a_plain_floor_is_found() {
    for text in [
        "use std::time::Instant;",
        "fn f() { std::time::SystemTime::now(); }",
        "use std::net::TcpStream;",
        "use std::env;",
        "use std::fs::File;",
        "fn f() { println!(); }",
        "fn f() { eprintln!(\"x\"); }",
        "use tracing::info;",
        "fn f() { tracing::info!(\"x\"); }",
        "async fn f() {}",
    ] {
        for floor in ["unit", "record", "model", "window", "score", "state"] {
            assert_eq!(lines(&format!("engine/{floor}/a.rs"), text, "plain functions"), [1]);
        }
        sound("engine/run/pump.rs", text);
    }
    sound("engine/unit/points.rs", "fn log(x: f64) -> f64 { x.log(2.0) }");
}

#[test]
fn a_feature_is_asked_for_in_three_places_only() {
    let says = "cfg(feature)";
    assert_eq!(lines("engine/run/pump.rs", "#[cfg(feature = \"sql\")]", says), [1]);
    assert_eq!(lines("tests/kafka.rs", "\n#![cfg(all(unix, feature = \"kafka\"))]", says), [2]);
    assert_eq!(lines("engine/cli/run.rs", "fn f() { if cfg!(feature=\"sql\") {} }", says), [1]);
    sound("engine/lib.rs", "#[cfg(feature = \"kafka\")]\npub mod kafka;");
    sound("engine/wire/generate/act.rs", "#[cfg(test)] fn f() { let feature = 1; }");
}

#[test]
fn too_long_is_found() {
    let long = "\n".repeat(401);
    assert_eq!(lines("engine/unit/time.rs", &long, "401 lines"), [402]);
    assert_eq!(lines("tests/kafka.rs", &long, "401 lines"), [402]);
    assert_eq!(lines("benches/decode.rs", &long, "401 lines"), [402]);
    sound("engine/unit/time.rs", &"\n".repeat(400));
    let body = |n_lines: usize| format!("\nfn f() {{{}}}\n", "\n".repeat(n_lines - 1));
    assert_eq!(lines("engine/unit/time.rs", &body(61), "fn f has 61 lines"), [2]);
    sound("engine/unit/time.rs", &body(60));
    sound("tests/maps.rs", &format!("fn f() {{ let rows = [{}]; }}", "\n(1, [2]),".repeat(90)));
}

#[test]
fn what_is_not_done_is_found() {
    assert_eq!(lines("engine/unit/a.rs", "fn f() { todo!() }", "todo!"), [1]);
    assert_eq!(lines("engine/unit/a.rs", "fn f() { unimplemented!() }", "unimplemented!"), [1]);
    assert_eq!(lines("tests/a.rs", "#[test]\n#[ignore = \"slow\"]", "#[ignore"), [2]);
    assert_eq!(lines("tests/a.rs", "#[should_panic(expected = \"x\")]", "should_panic"), [1]);
    assert_eq!(lines("engine/unit/a.rs", "#[allow(dead_code)]", "dead_code"), [1]);
    assert_eq!(lines("engine/unit/utils.rs", "", "says nothing"), [1]);
    assert_eq!(lines("tests/common/a.rs", "", "says nothing"), [1]);
}

#[test]
fn strangers_at_the_top_and_unexplained_dependencies_are_found() {
    let names = ["engine", "Cargo.toml", ".ci", "scripts", "docs", "README.md", "tests"];
    assert_eq!(order::strangers(names), ["scripts", "docs"]);
    let manifest = "[dependencies]\na = \"1\" # why\nb = \"2\"\n[lints]\nc = \"3\"\n";
    assert_eq!(order::unexplained(manifest), ["b = \"2\""]);
}

#[test]
fn comments_and_strings_are_told_from_code() {
    let check = |raw: &str, code: &str| {
        let source = Source::new("engine/unit/a.rs", raw);
        assert_eq!(source.code, code, "{raw}");
    };
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ d */ e", "a                   e");
    check("f(\"a\\\"b\", 'c')", "f(      ,    )");
    check("r#\"a\"b\"# + br\"c\"", "         +      ");
    check("'\\'' x '\\u{1F600}' y 'é'", "     x             y     ");
    check("<'a>(x: &'a str)", "<'a>(x: &'a str)".replace('\'', " ").as_str());
}
