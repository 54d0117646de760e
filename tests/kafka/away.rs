//! The store of checkpoints goes away while partitions change hands.

use std::process::Command;

use super::Stage;
use super::load::{Heard, Load};
use crate::cloud::line::Line;
use crate::cloud::servers::{Kind, Place, Server};

/// Starts an instance whose checkpoints are at `place`.
fn start(stage: &Stage, place: &Place) -> Heard {
    let folder = format!("checkpoint.folder={}", place.url);
    let sets = [&folder, "checkpoint.interval=1s", "retry.tries_max=2", "retry.wait_first=10ms"];
    let mut run: Command = stage.command(std::path::Path::new("unused"), &sets);
    for (name, value) in place.properties() {
        run.env(format!("EBB_CHECKPOINT_PROPERTIES_{}", name.to_uppercase()), value);
    }
    Heard::start(&mut run)
}

#[test]
fn a_partition_taken_on_waits_for_its_store_while_the_others_score() {
    let Some(server) = Server::shared(Kind::Amazon) else { return };
    let Some(stage) = Stage::set(2, &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let load = Load::make(folder.path(), 2);
    let place = server.place();
    let line = Line::to(place.at(), i64::MAX);
    let mut first = start(&stage, &place.through(line.at()));
    first.wait_for("partition is scoring", 2);
    // The second one reaches the store by a way of its own, and takes a partition over.
    let mut second = start(&stage, &place);
    first.wait_for("partition given up", 1);
    second.wait_for("partition is scoring", 1);
    line.cut();
    second.signal("-TERM");
    assert_eq!(second.end().code(), Some(0), "{}", second.said());
    first.wait_for("the partition waits for its checkpoints", 1);
    let n_taken_on = first.n_said("partition is scoring");
    let trickle = load.trickle(&stage);
    // The one that it kept rings meanwhile.
    let n_rung = || stage.broker.read_all(&stage.settings.output.alerts).len();
    while n_rung() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(first.n_said("partition is scoring"), n_taken_on, "{}", first.said());
    line.mend();
    first.wait_for("partition is scoring", n_taken_on + 1);
    trickle.join().unwrap();
    load.compare_when_there(&stage, || ());
    first.signal("-TERM");
    assert_eq!(first.end().code(), Some(0), "{}", first.said());
}
