//! A wall clock that is set while the engine runs (D-1, D-3).

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ebb::run::{Live, Pump, Spread};
use ebb::state::Engine;
use ebb::unit::{EventTime, Span};
use ebb::wire::{Clock, MemorySink, MemorySource, Outgoing};

use crate::engine::rules;
use crate::played::{DAY, default_options};

/// A clock that shows what it is told.
struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> EventTime {
        EventTime::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }
}

/// A login, seven days after which silence rings.
const LOGIN: i64 = 1_795_248_000_000;

#[test]
fn d_3_a_clock_that_is_set_back_stands_still_and_one_set_forwards_is_followed() {
    let clock = Set(AtomicI64::new(LOGIN));
    let (delay, skew) = (Span::millis(2_000), Span::millis(1_000));
    let live = Live { clock: &clock, delay, ahead_max: Span::days(1), skew };
    let engine = Engine::new(rules(&default_options()), 1);
    let mut pump = Pump::new(engine, Spread::ByCustomer(NonZeroU32::MIN), Some(live));
    let event = format!(r#"{{"id":"1","type":"login","customer_id":"c","time":{LOGIN}}}"#);
    let mut source = MemorySource::new([event], 1);
    let mut sink = MemorySink::default();
    pump.turn(&mut source, &mut sink).unwrap();
    let mut check = |wall: i64, now: i64, n_alerts: usize| {
        clock.0.store(wall, Ordering::Relaxed);
        pump.keep_up(0, &mut sink).unwrap();
        assert_eq!(pump.engine().now(0).millis(), now, "at {wall}");
        let sent = sink.take();
        let alerts = sent.iter().filter(|sent| matches!(sent, Outgoing::Alert { .. })).count();
        assert_eq!(alerts, n_alerts, "at {wall}: {sent:?}");
    };
    check(LOGIN + 60_000, LOGIN + 58_000, 0);
    // Set back by an hour: time stands still, and goes on where the clock is there again.
    check(LOGIN + 60_000 - 3_600_000, LOGIN + 58_000, 0);
    check(LOGIN + 59_000, LOGIN + 58_000, 0);
    check(LOGIN + 61_000, LOGIN + 59_000, 0);
    // Set forwards by eight days: time follows, and what falls silent rings: risk_cs, retention.
    check(LOGIN + 8 * DAY, LOGIN + 8 * DAY - 2_000, 2);
    check(LOGIN + 8 * DAY + 5, LOGIN + 8 * DAY - 1_995, 0);
}
