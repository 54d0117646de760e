//! What schedules and processes showed, by itself: a wall clock that was set back, or moved on
//! between a record and its repetition.

use ebb::record::{Decoded, decode};
use ebb::state::{Applied, Arrival, Engine, Fate, Output};
use ebb::unit::EventTime;

use super::verdict::rules;
use crate::oracle::streams::BEGIN;
use crate::played::DAY;

const KIND: &str = "cancellation_requested";

fn line(kind: &str, time: i64) -> String {
    format!(r#"{{"id":"{time}","type":"{kind}","customer_id":"c-{time}","time":{time}}}"#)
}

/// Applies the event of `line`, which waits where it has to.
fn apply(engine: &mut Engine, line: &str, waits: Option<&[u8]>) -> Applied {
    let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else { panic!("{line}") };
    engine.apply(&[Arrival { offset: Some(0), waits, ..Arrival::plain(event) }])
}

/// Applies an event that lies ahead of the wall clock.
fn apply_early(engine: &mut Engine, line: &str) -> Applied {
    apply(engine, line, Some(line.as_bytes()))
}

#[test]
fn a_46_an_event_ahead_of_a_clock_that_was_set_back_is_late_where_its_partition_is_past_it() {
    let mut engine = Engine::new(rules(), 1);
    apply(&mut engine, &line(KIND, BEGIN), None);
    let now = EventTime::from_millis(BEGIN + 2 * DAY);
    engine.advance(0, now);
    // The wall clock, set back, says that this one lies in the future.
    let late = apply_early(&mut engine, &line(KIND, BEGIN + DAY));
    assert_eq!(late.fates, [Fate::Late]);
    assert_eq!(late.told, [(0, now)], "a replay must move there first, too");
    assert!(!late.outputs.is_empty());
    for output in &late.outputs {
        let at = match output {
            Output::Alert(_, bytes) => {
                let alert: serde_json::Value = serde_json::from_slice(bytes).unwrap();
                alert["at"].as_str().unwrap().to_owned()
            }
            Output::Scores(scores, _) => scores.at.to_string(),
            Output::Erased(_) => continue,
        };
        assert_eq!(at, now.to_string(), "nothing speaks of the past");
    }
    let early = apply_early(&mut engine, &line(KIND, BEGIN + 3 * DAY));
    assert_eq!(early.fates, [Fate::Waiting]);
}

/// What is too old for a replay by itself needs no word; what follows may.
#[test]
fn d_2_no_word_is_lost_on_the_repetition_of_a_record_that_is_too_old() {
    let mut engine = Engine::new(rules(), 1);
    apply(&mut engine, &line(KIND, BEGIN), None);
    let now = |days: i64| EventTime::from_millis(BEGIN + days * DAY);
    engine.advance(0, now(200));
    let first = apply(&mut engine, &line("login", BEGIN + DAY), None);
    assert_eq!((first.fates, first.told), (vec![Fate::TooOld], vec![(0, now(200))]));
    engine.advance(0, now(201));
    let again = apply(&mut engine, &line("login", BEGIN + DAY), None);
    assert_eq!((again.fates, again.told), (vec![Fate::TooOld], vec![]));
    let late = apply(&mut engine, &line("login", BEGIN + 199 * DAY), None);
    assert_eq!((late.fates, late.told), (vec![Fate::Late], vec![(0, now(201))]));
}

/// It does not wait, so what rang until then rang before it.
#[test]
fn d_2_a_replay_is_told_when_a_request_that_lay_ahead_was_carried_out() {
    let mut engine = Engine::new(rules(), 1);
    apply(&mut engine, &line(KIND, BEGIN), None);
    let now = EventTime::from_millis(BEGIN + 10 * DAY);
    engine.advance(0, now);
    let request = line("erasure_requested", BEGIN + 11 * DAY);
    let carried_out = apply_early(&mut engine, &request);
    assert_eq!((carried_out.fates, carried_out.told), (vec![Fate::Applied], vec![(0, now)]));
}
