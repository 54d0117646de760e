//! A run cut anywhere goes on as if nothing had happened.

use ebb::state::checkpoint::Mark;
use ebb::state::{Engine, Progress, Row, restore};

use crate::checkpoint::script::{Heard, Script};
use crate::checkpoint::{Contents, as_felt, checkpoint, contents, mark};
use crate::oracle::streams::{Random, Size};

/// How many seeds are played where none is asked for.
const SEEDS: u64 = 120;

/// How many customers the streams have in turn.
const CUSTOMERS: [usize; 4] = [1, 2, 4, 7];

#[test]
fn a_run_cut_anywhere_goes_on_as_if_nothing_had_happened() {
    let asked = std::env::var("EBB_SEED").ok().and_then(|text| text.parse().ok());
    let seeds: Vec<u64> = asked.map_or_else(|| (1..=SEEDS).collect(), |seed| vec![seed]);
    for seed in seeds {
        let at = usize::try_from(seed).unwrap_or(0);
        check(seed, Size { customers: CUSTOMERS[at % CUSTOMERS.len()], events: 120 });
    }
}

#[test]
fn a_run_of_many_customers_cut_anywhere_goes_on_as_if_nothing_had_happened() {
    for seed in 1..=4 {
        check(seed, Size { customers: 300, events: 3_000 });
    }
}

fn check(seed: u64, size: Size) {
    let script = Script::new(seed, size);
    let mut random = Random(seed ^ 0xcafe);
    let mut lanes = || usize::try_from(1 + random.below(4)).unwrap_or(1);
    let (mut whole, mut cut) = (script.engine(lanes()), script.engine(lanes()));
    let (n_lanes, other) = (lanes(), lanes());
    let n_steps = script.steps.len();
    let at = usize::try_from(random.below(n_steps as u64)).unwrap_or(0);
    let slice = random.pick(&[1, 3, 100]).unwrap_or(1);
    for index in 0..at {
        let wanted = script.play(index, &mut whole);
        assert_eq!(script.play(index, &mut cut), wanted, "EBB_SEED={seed}: step {index}");
    }
    let before = all_contents(&mut whole, slice);
    // One engine goes on while its checkpoint is written, one never hears of checkpoints.
    let mut files = begin(&mut cut, at);
    let mut wanted: Vec<Heard> = Vec::new();
    for index in at..n_steps {
        go_on(&mut cut, &mut files, slice);
        wanted.push(script.play(index, &mut whole));
        let found = script.play(index, &mut cut);
        assert_eq!(Some(&found), wanted.last(), "EBB_SEED={seed}: step {index} while written");
    }
    while files.iter().any(|(_, is_done)| !is_done) {
        go_on(&mut cut, &mut files, slice);
    }
    let mut restored = [script.engine(n_lanes), script.engine(other)];
    for engine in &mut restored {
        for (partition, (file, _)) in (0..).zip(&files) {
            let found = contents(file).expect("it is whole");
            assert_eq!(found.header.mark, mark(engine, at));
            let found = marked(found, mark(engine, 0));
            assert_eq!(found, before[partition as usize], "EBB_SEED={seed}: as at step {at}");
            let read = restore(&mut &**file, partition, engine.rules()).expect("it is sound");
            engine.install(partition, read);
        }
        assert_eq!(all_contents(engine, 7), before, "EBB_SEED={seed}: read back");
        for (index, wanted) in (at..).zip(&wanted) {
            let found = script.play(index, engine);
            assert_eq!(found, *wanted, "EBB_SEED={seed}: step {index}, cut at {at}");
        }
        assert_eq!(rows(engine), rows(&whole), "EBB_SEED={seed}: rows, cut at {at}");
    }
    let [one, two] = restored.map(|mut engine| all_contents(&mut engine, slice));
    assert_eq!(one, two, "EBB_SEED={seed}: the number of lanes shows");
    for (one, whole) in one.into_iter().zip(all_contents(&mut whole, slice)) {
        let [one, whole] = as_felt(one, whole);
        assert_eq!(one, whole, "EBB_SEED={seed}: the end, cut at {at}");
    }
}

/// Begins a checkpoint of every partition.
fn begin(engine: &mut Engine, at: usize) -> Vec<(Vec<u8>, bool)> {
    (0..engine.n_partitions())
        .map(|partition| {
            engine.begin_checkpoint(partition, mark(engine, at));
            (Vec::new(), false)
        })
        .collect()
}

/// Writes one more slice of every checkpoint that is not done.
fn go_on(engine: &mut Engine, files: &mut [(Vec<u8>, bool)], slice: usize) {
    for (partition, (file, is_done)) in (0..).zip(files) {
        match engine.continue_checkpoint(partition, slice) {
            Some(Progress::More(pieces)) => file.extend(pieces.concat()),
            Some(Progress::Done(pieces)) => {
                file.extend(pieces.concat());
                *is_done = true;
            }
            None => assert!(*is_done, "it was begun"),
        }
    }
}

fn all_contents(engine: &mut Engine, slice: usize) -> Vec<Contents> {
    (0..engine.n_partitions())
        .map(|partition| contents(&checkpoint(engine, partition, slice)).expect("it is whole"))
        .collect()
}

fn marked(mut contents: Contents, mark: Mark) -> Contents {
    contents.header.mark = mark;
    contents
}

/// Everyone as the customers file shows them.
fn rows(engine: &Engine) -> Vec<Vec<String>> {
    let model = &engine.rules().model;
    let mut rows: Vec<Vec<String>> = (0..engine.n_partitions())
        .flat_map(|number| {
            let now = engine.now(number);
            engine.customers(number).map(move |customer| Row::of(customer, model, now).cells())
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn a_checkpoint_given_up_leaves_nothing_and_one_begun_anew_is_whole() {
    let script = Script::new(3, Size { customers: 5, events: 80 });
    let mut engine = script.engine(2);
    for index in 0..script.steps.len() {
        script.play(index, &mut engine);
    }
    let wanted = contents(&checkpoint(&mut engine, 0, 100)).expect("it is whole");
    assert_eq!(engine.continue_checkpoint(0, 1), None);
    engine.begin_checkpoint(0, mark(&engine, 0));
    assert!(matches!(engine.continue_checkpoint(0, 1), Some(Progress::More(_))));
    engine.abandon_checkpoint(0);
    assert_eq!(engine.continue_checkpoint(0, 1), None);
    // Begun anew in the midst of another.
    engine.begin_checkpoint(0, mark(&engine, 0));
    engine.continue_checkpoint(0, 1);
    assert_eq!(contents(&checkpoint(&mut engine, 0, 1)).expect("it is whole"), wanted);
    engine.begin_checkpoint(0, mark(&engine, 0));
    engine.forget(0);
    assert_eq!(engine.continue_checkpoint(0, 1), None);
    assert_eq!(contents(&checkpoint(&mut engine, 0, 1)).expect("it is whole").customers.len(), 0);
}
