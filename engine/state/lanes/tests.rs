//! What a lane is called for.

use crate::model::{load, shipped};
use crate::record::{Decoded, decode};
use crate::state::rules::Publish;
use crate::state::{Arrival, Engine, Fate, Rules, TimersSwitch};
use crate::unit::{EventTime, Span};

/// An event of the one customer, on `day`.
fn line(kind: &str, day: i64, fields: &str) -> String {
    let time = EventTime::from_millis(0).plus(Span::days(day)).millis();
    format!(r#"{{"id":"{kind}-{day}","type":"{kind}","customer_id":"c","time":{time}{fields}}}"#)
}

#[test]
fn without_timers_a_customer_is_called_for_what_waits_and_for_nothing_else() {
    let model = load(shipped::DEFAULT, shipped::CATALOG, None);
    let model = model.unwrap_or_else(|_| unreachable!("the shipped model is sound"));
    let publish = Publish::Changes { min_change: 0.0 };
    let rules = Rules { timers: TimersSwitch::Off, publish, ..Rules::plain(model) };
    let mut engine = Engine::new(rules, 1);
    // An override ends on day 20, before the first event that waits and after it.
    let until = r#","score":"risk","value":90,"until":1728000000,"reason":"r","by":"b""#;
    let lines = [
        (line("login", 1, ""), false),
        (line("score_override", 2, until), false),
        (line("login", 10, ""), true),
        (line("login", 30, ""), true),
    ];
    for (line, waits) in &lines {
        let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else {
            unreachable!("{line} is an event")
        };
        let waits = waits.then_some(line.as_bytes());
        let arrival = Arrival { waits, ..Arrival::plain(event) };
        let fate = if waits.is_some() { Fate::Waiting } else { Fate::Applied };
        assert_eq!(engine.apply(&[arrival]).fates, [fate], "{line}");
    }
    let mut n_judged = |day| {
        let to = EventTime::from_millis(0).plus(Span::days(day));
        engine.advance(0, to).outputs.len()
    };
    assert_eq!(n_judged(9), 0, "nothing waits for it");
    assert!(0 < n_judged(15), "what waited is applied");
    assert_eq!(n_judged(29), 0, "the end of the override is seen with the next event only");
    assert!(0 < n_judged(30), "what waited is applied");
    assert_eq!(n_judged(400), 0, "nothing waits any more");
}
