//! What is let in: duplicates, what is too old, what is refused, what moves `now`.
//!
//! Source  readings A-33, A-34, A-38 to A-41, A-45 and A-46.

use serde_json::{Value, json};

use ebb::record::{Decoded, decode};
use ebb::state::{Applied, Arrival, Engine, Fate, Output};
use ebb::unit::EventTime;

use super::scenario::{HOUR, START, Story, clock, day, told};

fn ticket(id: &str) -> Value {
    json!({"ticket_id": id})
}

/// After a ticket with id `x` on day 1, a second record with id `x` is a duplicate or counts.
fn check_twice(then: impl Fn(Story) -> Story, n_duplicates: u64, n_tickets: &str) {
    let first = Story::known().with_id("x", day(1), "ticket_opened", ticket("a"));
    let seen = then(first).end();
    assert_eq!(seen.count("duplicate"), n_duplicates);
    assert_eq!(seen.cell("r3_b3_value"), n_tickets);
}

#[test]
fn a_33_the_same_id_counts_once_within_24_hours() {
    let again = |at: i64| move |story: Story| story.with_id("x", at, "ticket_opened", ticket("b"));
    check_twice(again(day(1)), 1, "1");
    check_twice(again(day(2) - 1), 1, "1");
    check_twice(again(day(2)), 0, "2");
    // It is `now` that counts: a day later the old record is new.
    let later = |at: i64| {
        move |story: Story| {
            let story = story.on(at, "tick", json!({}));
            story.with_id("x", day(1), "ticket_opened", ticket("b"))
        }
    };
    check_twice(later(day(2) - 1), 1, "1");
    check_twice(later(day(2)), 0, "2");
    // Contents are not compared.
    check_twice(|story| story.with_id("x", day(1), "login", json!({})), 1, "1");
}

#[test]
fn a_33_a_late_event_is_remembered_from_when_it_was_applied() {
    let story = Story::known().on(day(10), "tick", json!({})).with_id(
        "x",
        day(1),
        "ticket_opened",
        ticket("a"),
    );
    let again = |at: i64| {
        let story = story.clone().on(at, "tick", json!({}));
        let story = story.with_id("x", day(1), "ticket_opened", ticket("b"));
        story.end().count("duplicate")
    };
    assert_eq!(again(day(11) - 1), 1);
    assert_eq!(again(day(11)), 0);
}

#[test]
fn a_33_ids_are_those_of_one_customer_and_only_applied_ones_are_remembered() {
    let other = Story::known().with_id("x", day(1), "ticket_opened", ticket("a")).of("d").with_id(
        "x",
        day(1),
        "ticket_opened",
        ticket("a"),
    );
    assert_eq!(other.end().count("duplicate"), 0);
    let passed_over: [(i64, &str, Value); 3] = [
        (day(1), "ticket_opened", json!({"ticket_id": 7})),
        (day(1), "moon_landing", json!({})),
        (-day(100), "session_ended", json!({})),
    ];
    for (at, kind, fields) in passed_over {
        let story = Story::known().with_id("x", at, kind, fields).with_id(
            "x",
            day(1),
            "ticket_opened",
            ticket("a"),
        );
        let seen = story.end();
        assert_eq!(seen.count("duplicate"), 0, "{kind}");
        assert_eq!(seen.cell("r3_b3_value"), "1", "{kind}");
    }
}

#[test]
fn a_33_a_duplicate_does_not_move_now() {
    let story = Story::known().with_id("x", day(1), "login", json!({})).with_id(
        "x",
        day(2) - 1,
        "login",
        json!({}),
    );
    assert_eq!(clock(story.end().cell("as_of")), "1d");
}

/// An event of `kind` is too old from `days` days on.
fn check_reach(kind: &str, days: i64) {
    let at = |ago: i64| {
        let story =
            Story::new().on(day(500), "tick", json!({})).on(day(500) - ago, kind, json!({}));
        let seen = story.end();
        (seen.count("too_old"), seen.count("late"))
    };
    assert_eq!(at(day(days)), (1, 0), "{kind} {days} d ago");
    assert_eq!(at(day(days) - 1), (0, 1), "{kind} less than {days} d ago");
}

#[test]
fn a_34_an_event_is_too_old_from_the_longest_window_that_reads_it() {
    let rows = [
        ("session_ended", 7),
        ("competitor_visit", 7),
        ("email_opened", 14),
        ("email_sent", 30),
        ("email_clicked", 30),
        ("email_replied", 30),
        ("content_created", 30),
        ("sentiment_scored", 30),
        ("social_mention", 30),
        ("competitor_search", 30),
        ("competitor_research", 30),
        ("contract_reviewed", 60),
        ("ticket_opened", 90),
        ("ticket_message", 90),
        ("competitor_trial", 90),
        ("webinar_invited", 90),
        ("webinar_attended", 90),
        ("resource_downloaded", 90),
        ("login", 104),
        ("survey_response", 120),
        ("roi_reported", 120),
        ("kpi_reported", 120),
    ];
    for (kind, days) in rows {
        check_reach(kind, days);
    }
}

#[test]
fn a_34_what_only_sets_state_or_is_read_without_a_window_is_never_too_old() {
    let kinds = [
        "customer_created",
        "subscription_paused",
        "subscription_cancelled",
        "invoice_issued",
        "payment_succeeded",
        "consent_changed",
        "score_override",
        "owner_changed",
        "purchase",
        "renewal_due",
        "feature_used",
        "community_activity",
    ];
    for kind in kinds {
        let story = Story::new().on(day(500), "tick", json!({})).on(-day(3000), kind, json!({}));
        assert_eq!(story.end().count("too_old"), 0, "{kind}");
        assert_eq!(story.end().count("late"), 1, "{kind}");
    }
}

#[test]
fn a_34_a_too_old_event_makes_no_customer() {
    let story = Story::known().on(day(500), "tick", json!({})).of("d");
    let story = story.on(day(300), "login", json!({}));
    assert_eq!(story.end().count("too_old"), 1);
    assert!(!story.end().knows("d"));
}

#[test]
fn a_38_a_missing_or_null_field_hides_an_event_from_the_measures_that_need_it() {
    for fields in [json!({}), json!({"ticket_id": null})] {
        let story = Story::known()
            .each([day(1), day(1), day(1)], "ticket_opened", |n| ticket(&n.to_string()))
            .on(day(1), "ticket_opened", fields);
        let seen = story.end();
        assert_eq!(seen.count("applied"), 5);
        assert_eq!(seen.signal("R3-B3"), "clear 3");
        // Words with support are counted without an id.
        assert_eq!(story.measure(day(95), "support_contacts"), Some(0.0));
        assert_eq!(story.measure(day(91) - 1, "support_contacts"), Some(4.0));
    }
}

/// A record with these fields is refused or not.
fn check_refused(kind: &str, fields: &str, n_rejected: u64) {
    let comma = if fields.is_empty() { "" } else { "," };
    let whose = r#""customer_id":"c","time":"2025-01-02T00:00:00Z""#;
    let line = format!(r#"{{"id":"x","type":"{kind}",{whose}{comma}{fields}}}"#);
    let seen = Story::known().record(&line).end();
    assert_eq!(seen.count("rejected"), n_rejected, "{line}");
    assert_eq!(seen.count("applied"), 2 - n_rejected, "{line}");
}

#[test]
fn a_38_a_wrong_kind_or_a_repeated_key_is_refused() {
    check_refused("login", "", 0);
    check_refused("login", r#""user_id":"u","unknown":[{"a":1}]"#, 0);
    check_refused("login", r#""user_id":7"#, 1);
    check_refused("login", r#""user_id":"u","user_id":"u""#, 1);
    check_refused("login", r#""id":"y""#, 1);
    check_refused("feature_used", r#""core":"yes""#, 1);
    check_refused("feature_used", r#""core":null"#, 0);
    check_refused("session_ended", r#""duration_s":"60""#, 1);
    let no_time = r#"{"id":"x","type":"login","customer_id":"c"}"#;
    assert_eq!(Story::known().record(no_time).end().count("rejected"), 1);
}

#[test]
fn a_39_a_value_outside_its_scale_is_refused() {
    check_refused("survey_response", r#""kind":"nps","value":10"#, 0);
    check_refused("survey_response", r#""kind":"nps","value":10.5"#, 1);
    check_refused("survey_response", r#""kind":"csat","value":0"#, 1);
    check_refused("survey_response", r#""kind":"csat","value":3,"scale_min":5"#, 1);
    check_refused("sentiment_scored", r#""score":-0.1"#, 1);
    check_refused("sentiment_scored", r#""score":-0.1,"scale_min":-1"#, 0);
    check_refused("session_ended", r#""duration_s":-1"#, 1);
    for kind in ["invoice_issued", "payment_succeeded", "purchase"] {
        check_refused(kind, r#""amount":-1"#, 1);
        check_refused(kind, r#""amount":0"#, 0);
    }
}

#[test]
fn a_40_instants_come_as_rfc_3339_or_as_whole_milliseconds() {
    let check = |time: &str, wanted: Option<&str>| {
        let line = format!(r#"{{"id":"x","type":"tick","customer_id":"c","time":{time}}}"#);
        let seen = Story::new().record(&line).end();
        assert_eq!(seen.count("rejected"), u64::from(wanted.is_none()), "{time}");
        if let Some(wanted) = wanted {
            assert_eq!(seen.cell("as_of"), wanted, "{time}");
        }
    };
    check(r#""2025-01-02T03:04:05Z""#, Some("2025-01-02T03:04:05Z"));
    check(r#""2025-01-02t03:04:05z""#, Some("2025-01-02T03:04:05Z"));
    check(r#""2025-01-02T03:04:05+02:00""#, Some("2025-01-02T01:04:05Z"));
    check(r#""2025-01-02T03:04:05.1239Z""#, Some("2025-01-02T03:04:05.123Z"));
    check("1735689600000", Some("2025-01-01T00:00:00Z"));
    check("0", Some("1970-01-01T00:00:00Z"));
    check(r#""9999-12-31T23:59:59.999Z""#, Some("9999-12-31T23:59:59.999Z"));
    for refused in [
        r#""2025-01-02T03:04:60Z""#,
        r#""2025-01-02 03:04:05Z""#,
        r#""2025-01-02T03:04:05""#,
        r#""1735689600000""#,
        "1735689600000.0",
        "1.7e12",
        "-1",
        "253402300800000",
        "null",
    ] {
        check(refused, None);
    }
}

#[test]
fn a_41_instants_go_out_in_utc_with_milliseconds_only_where_there_are_some() {
    let at = |millis: i64| {
        let story = Story::known().on(millis, "contract_reviewed", json!({}));
        story.end().alerts_of("R3-C5")[0]["at"].clone()
    };
    assert_eq!(at(0), "2025-01-01T00:00:00Z");
    assert_eq!(at(1), "2025-01-01T00:00:00.001Z");
    assert_eq!(at(HOUR + 120), "2025-01-01T01:00:00.120Z");
}

#[test]
fn a_45_only_applied_events_move_now_and_a_tick_is_one() {
    let story = Story::known().on(day(7), "tick", json!({}));
    assert_eq!(story.end().signal("R4-I1"), "active 7");
    let passed_over = Story::known().on(day(9), "moon_landing", json!({})).on(
        day(9),
        "login",
        json!({"user_id": 1}),
    );
    assert_eq!(clock(passed_over.end().cell("as_of")), "0d");
    assert_eq!(passed_over.end().alerts().len(), 0);
}

#[test]
fn a_45_the_last_instant_fires_its_timers_and_one_before_now_does_nothing() {
    assert_eq!(Story::known().until(day(7) - 1).rings("risk_cs").len(), 0);
    let wanted = "7d none>high worse 83.846153846";
    assert_eq!(Story::known().until(day(7)).rings("risk_cs"), [wanted]);
    let past = Story::known()
        .on(day(7), "tick", json!({}))
        .options(|options| options.until = Some(START + day(3)));
    let seen = past.end();
    assert_eq!(clock(seen.cell("as_of")), "7d");
    assert_eq!(seen.rings("risk_cs"), [wanted]);
}

/// Hands `line` to `engine`, to wait for its time if `waits`.
fn hand(engine: &mut Engine, line: &str, waits: Option<&[u8]>) -> Applied {
    let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else { panic!("{line}") };
    engine.apply(&[Arrival { waits, ..Arrival::plain(event) }])
}

fn rung(applied: &Applied) -> Vec<String> {
    let json = |output: &Output| match output {
        Output::Alert(_, json) => Some(serde_json::from_slice(json).expect("JSON")),
        Output::Scores(..) | Output::Erased(_) => None,
    };
    let alerts: Vec<Value> = applied.outputs.iter().filter_map(json).collect();
    alerts.iter().map(|alert| format!("{} {}", alert["rule"], told(alert))).collect()
}

#[test]
fn a_45_after_the_last_instant_events_still_apply() {
    let story =
        Story::known().on(day(5), "login", json!({})).on(day(12), "contract_reviewed", json!({}));
    let mut engine = Engine::new(story.rules(), 1);
    hand(&mut engine, &story.lines()[0], None);
    engine.advance(0, EventTime::from_millis(START + day(10)));
    assert_eq!(hand(&mut engine, &story.lines()[1], None).fates, [Fate::Late]);
    let applied = hand(&mut engine, &story.lines()[2], None);
    assert_eq!(applied.fates, [Fate::Applied]);
    let last = rung(&applied).pop();
    assert_eq!(last.as_deref(), Some(r#""R3-C5" 12d clear>active worse 1"#));
    assert_eq!(engine.now(0), EventTime::from_millis(START + day(12)));
}

#[test]
fn a_46_an_event_from_the_future_waits_until_now_reaches_its_time() {
    let story =
        Story::known().on(day(5), "contract_reviewed", json!({})).on(day(2), "login", json!({}));
    let mut engine = Engine::new(story.rules(), 1);
    let instant = |at: i64| EventTime::from_millis(START + at);
    hand(&mut engine, &story.lines()[0], None);
    let future = &story.lines()[1];
    let applied = hand(&mut engine, future, Some(future.as_bytes()));
    assert_eq!(applied.fates, [Fate::Waiting]);
    assert_eq!(applied.outputs.len(), 0);
    assert_eq!(engine.now(0), instant(0));
    // Every other event is applied at once.
    let applied = hand(&mut engine, &story.lines()[2], None);
    assert_eq!(applied.fates, [Fate::Applied]);
    assert_eq!(engine.now(0), instant(day(2)));
    assert_eq!(rung(&engine.advance(0, instant(day(5) - 1))), &[] as &[String]);
    let wanted = [r#""R3-C5" 5d clear>active worse 1"#];
    assert_eq!(rung(&engine.advance(0, instant(day(6) - 1))), wanted);
    // Applied once, when `now` was its own time: its copy is a duplicate for a day from then.
    assert_eq!(hand(&mut engine, future, None).fates, [Fate::Duplicate]);
    engine.advance(0, instant(day(6)));
    assert_eq!(hand(&mut engine, future, None).fates, [Fate::Late]);
}

#[test]
fn a_46_who_only_has_a_future_is_not_known_yet() {
    let story = Story::new().on(day(5), "login", json!({}));
    let mut engine = Engine::new(story.rules(), 1);
    let line = &story.lines()[0];
    hand(&mut engine, line, Some(line.as_bytes()));
    assert_eq!(engine.customers(0).count(), 0);
}
