//! What the first schedules showed: a wall clock that was set back, by itself.

use ebb::record::{Decoded, decode};
use ebb::state::{Arrival, Engine, Fate, Output};
use ebb::unit::EventTime;

use super::verdict::rules;
use crate::oracle::streams::BEGIN;
use crate::played::DAY;

#[test]
fn a_46_an_event_ahead_of_a_clock_that_was_set_back_is_late_where_its_partition_is_past_it() {
    let mut engine = Engine::new(rules(), 1);
    let apply = |engine: &mut Engine, time: i64, is_early: bool| {
        let line = format!(
            r#"{{"id":"{time}","type":"cancellation_requested","customer_id":"c-{time}","time":{time}}}"#
        );
        let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else { panic!("{line}") };
        let waits = is_early.then_some(line.as_bytes());
        engine.apply(&[Arrival { event, partition: 0, offset: Some(0), waits, told: None }])
    };
    apply(&mut engine, BEGIN, false);
    let now = EventTime::from_millis(BEGIN + 2 * DAY);
    engine.advance(0, now);
    // The wall clock, set back, says that this one lies in the future.
    let late = apply(&mut engine, BEGIN + DAY, true);
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
    let early = apply(&mut engine, BEGIN + 3 * DAY, true);
    assert_eq!(early.fates, [Fate::Waiting]);
}
