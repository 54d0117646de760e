//! Time: since when a customer is known, what waits for a grace, what speaks first, what is late.
//!
//! Source  readings.

use serde_json::{Value, json};

use crate::played::Timers;

use super::scenario::{HOUR, START, Story, clock, day, told};

/// The signals and days for which a customer must be known before they say something.
const GRACES: [(i64, &str); 10] = [
    (7, "R4-U1"),
    (7, "R4-U2"),
    (7, "R4-I1"),
    (14, "R3-B1"),
    (30, "R3-B2"),
    (30, "R4-U3"),
    (30, "R4-I2"),
    (90, "R4-I3"),
    (90, "R4-B2"),
    (90, "R4-B3"),
];

#[test]
fn a_01_any_event_makes_a_customer_known_and_a_late_one_moves_it_back() {
    for kind in ["customer_created", "cart_abandoned", "tick", "profile_dates", "email_sent"] {
        let story = Story::new().on(day(3), kind, json!({}));
        assert_eq!(story.until(day(10) - 1).signal("R4-U1"), "n/a", "{kind}");
        assert_eq!(story.until(day(10)).signal("R4-U1"), "active 0", "{kind}");
    }
    let late = Story::new().on(day(10), "purchase", json!({})).on(day(5), "purchase", json!({}));
    assert_eq!(late.end().count("late"), 1);
    assert_eq!(late.until(day(12) - 1).signal("R4-U1"), "n/a");
    assert_eq!(late.until(day(12)).signal("R4-U1"), "active 0");
}

#[test]
fn a_01_what_is_not_accepted_makes_nobody_known() {
    let story = Story::new()
        .on(day(1), "moon_landing", json!({}))
        .on(day(1), "login", json!({"user_id": 7}))
        .on(day(10), "login", json!({}))
        .on(day(10) - day(104), "login", json!({}));
    assert_eq!(story.end().count("too_old"), 1);
    assert_eq!(story.until(day(17) - 1).signal("R4-U1"), "n/a");
    assert_eq!(story.until(day(17)).signal("R4-U1"), "active 0");
}

#[test]
fn a_02_what_speaks_of_absence_waits_for_as_long_as_its_window() {
    let story = Story::known()
        .on(day(1), "email_sent", json!({"message_id": "early"}))
        .each([day(2); 3], "email_sent", |n| json!({"message_id": n.to_string()}))
        .on(day(2), "webinar_invited", json!({"webinar_id": "w"}));
    for (days, id) in GRACES.into_iter().chain([(90, "R4-B1")]) {
        assert_eq!(story.until(day(days) - 1).signal(id), "n/a", "{id}");
        assert_ne!(story.until(day(days)).signal(id), "n/a", "{id}");
    }
    assert_eq!(story.measure(day(30) - 1, "documents"), None);
    assert_eq!(story.measure(day(30), "documents"), Some(0.0));
}

#[test]
fn a_02_everything_else_has_no_grace() {
    let one = |kind: &str, fields: Value| (kind.to_owned(), fields);
    let rows = [
        ("R3-B3", one("login", json!({}))),
        ("R3-B4", one("login", json!({}))),
        ("R3-S1", one("survey_response", json!({"kind": "nps", "value": 3}))),
        ("R3-S2", one("sentiment_scored", json!({"channel": "call", "score": 0.5}))),
        ("R3-S3", one("login", json!({}))),
        ("R3-S4", one("survey_response", json!({"kind": "csat", "value": 3}))),
        ("R3-S5", one("sentiment_scored", json!({"channel": "ticket", "score": 0.5}))),
        ("R3-C1", one("login", json!({}))),
        ("R3-C5", one("login", json!({}))),
        ("R4-S3", one("survey_response", json!({"kind": "ces", "value": 3}))),
    ];
    for (id, (kind, fields)) in rows {
        let seen = Story::new().consenting().on(0, &kind, fields).end();
        assert_ne!(seen.signal(id), "n/a", "{id}");
    }
}

#[test]
fn a_03_a_measure_is_silent_where_none_of_its_types_is_listed() {
    let listed = [("customer_created", None), ("login", None), ("email_sent", None)];
    let story = Story::known().sources(&listed).each([day(98); 2], "login", |_| json!({})).on(
        day(90),
        "email_sent",
        json!({"message_id": "m"}),
    );
    let seen = story.until(day(100));
    // Logins stand for sessions; nobody sends how long they were, nor which features were used.
    assert_eq!(seen.signal("R4-U1"), "clear 2");
    for id in ["R4-U2", "R4-U3", "R3-B2", "R3-B3", "R3-B4", "R3-S1", "R4-B2", "R4-I3", "R3-C5"] {
        assert_eq!(seen.signal(id), "n/a", "{id}");
    }
    // A ratio needs the types of both its parts.
    assert_eq!(seen.signal("R3-B1"), "n/a");
    let both = [("customer_created", None), ("email_sent", None), ("email_opened", None)];
    let seen = Story::known()
        .sources(&both)
        .on(day(90), "email_sent", json!({"message_id": "m"}))
        .until(day(100));
    assert_eq!(seen.signal("R3-B1"), "active 0");
    // Nothing is listed: everything is sent.
    assert_ne!(Story::known().until(day(100)).signal("R4-U2"), "n/a");
}

#[test]
fn a_03_the_grace_counts_from_the_earliest_since_of_the_listed_types() {
    let sources = [
        ("customer_created", None),
        ("login", Some(day(20))),
        ("session_ended", Some(day(10))),
        ("feature_used", Some(day(5))),
    ];
    let story = Story::known().sources(&sources);
    let check = |id: &str, days: i64| {
        assert_eq!(story.until(day(days) - 1).signal(id), "n/a", "{id}");
        assert_ne!(story.until(day(days)).signal(id), "n/a", "{id}");
    };
    // Sessions are known by either type, so from day 10 on.
    check("R4-U1", 17);
    check("R4-U2", 17);
    check("R4-I1", 27);
    check("R4-U3", 35);
    // A customer who comes later is known later.
    let late = Story::new().sources(&sources).on(day(30), "login", json!({}));
    assert_eq!(late.until(day(37) - 1).signal("R4-U2"), "n/a");
    assert_ne!(late.until(day(37)).signal("R4-U2"), "n/a");
}

#[test]
fn a_11_at_one_instant_time_speaks_before_the_events_and_each_event_for_itself() {
    // On day 8 the login of day 1 is seven days old; then two things happen at once.
    let story = Story::known()
        .on(day(1), "login", json!({}))
        .each([day(8); 2], "session_ended", |_| json!({"duration_s": 1800}))
        .on(day(8), "login", json!({}));
    let seen = story.end();
    let alerts: Vec<(String, String)> =
        seen.alerts_of("risk_cs").iter().map(|a| (told(a), a["cause"].to_string())).collect();
    // On day 7: U1 (one login) and U2 (no time): 80 + 20 × 2 / 26. On day 8 first I1 comes
    // too: no new band. The second session clears U2 and U1, the login I1: 0.
    let timer = json!({"type": "timer"}).to_string();
    let login = json!({"type": "event", "id": "e-4"}).to_string();
    let wanted = [
        ("7d none>high worse 81.538461538".to_owned(), timer),
        ("8d high>none better 0".to_owned(), login),
    ];
    assert_eq!(alerts, wanted);
    assert_eq!(seen.alerts_of("risk_cs")[1]["previous"], 80.0);
}

#[test]
fn a_11_alerts_of_one_judging_go_from_intent_to_signals_red_flags_and_bands() {
    let story = Story::known()
        .options(|options| options.timers = Timers::Off)
        .on(day(1), "survey_response", json!({"kind": "nps", "value": 4}))
        .on(day(60), "cancellation_requested", json!({}));
    let seen = story.end();
    let at: Vec<String> = seen
        .alerts()
        .iter()
        .filter(|alert| alert["cause"]["id"] == "e-2")
        .map(|alert| format!("{} {}", alert["kind"], alert["rule"]).replace('"', ""))
        .collect();
    let wanted = [
        "cancellation_intent CX-1",
        "signal R3-B2",
        "red_flag RF-3",
        "band risk",
        "band retention",
    ];
    assert_eq!(at, wanted);
}

#[test]
fn a_11_customers_due_at_one_instant_go_by_the_bytes_of_their_ids() {
    let mut story = Story::new();
    for id in ["b", "é", "a", "B", "10", "9"] {
        story = story.of(id).on(0, "login", json!({}));
    }
    let seen = story.until(day(7));
    let ids: Vec<&Value> = seen.alerts_of("risk_cs").iter().map(|a| &a["customer_id"]).collect();
    assert_eq!(ids, ["10", "9", "B", "a", "b", "é"]);
}

#[test]
fn a_12_a_late_event_counts_at_its_own_time_and_rings_now() {
    let ticket = |id: &str| json!({"ticket_id": id});
    let story = Story::known()
        .each([1, 2, 3].map(day), "ticket_opened", |n| ticket(&n.to_string()))
        .on(day(20), "login", json!({}))
        .on(day(4), "ticket_opened", ticket("late"));
    let seen = story.end();
    assert_eq!(seen.count("late"), 1);
    assert_eq!(seen.rings("R3-B3"), ["20d clear>active worse 4"]);
    // It leaves the window with its own time: four tickets until day 31.
    assert_eq!(story.until(day(31) - 1).signal("R3-B3"), "active 4");
    assert_eq!(story.until(day(31)).signal("R3-B3"), "clear 3");
}

#[test]
fn a_12_the_past_is_not_rung_again() {
    // The fourth ticket would have rung on day 4, but by day 31 the first is gone.
    let story = Story::known()
        .each([1, 2, 3].map(day), "ticket_opened", |n| json!({"ticket_id": n.to_string()}))
        .on(day(31), "login", json!({}))
        .on(day(4), "ticket_opened", json!({"ticket_id": "late"}));
    assert_eq!(story.until(day(60)).rings("R3-B3"), &[] as &[String]);
    // What rang stays rung, even if the reason turns out to be wrong.
    let story = Story::known()
        .on(day(5), "tick", json!({}))
        .on(day(8), "tick", json!({}))
        .each([day(6); 2], "session_ended", |_| json!({"duration_s": 1800}))
        .on(day(6), "login", json!({}));
    // 80 + 20 × (2 + 3) / 26
    let wanted = ["7d none>high worse 83.846153846", "8d high>none better 0"];
    assert_eq!(story.end().rings("risk_cs"), wanted);
}

#[test]
fn a_16_crossings_lie_on_whole_milliseconds() {
    let due = json!({"invoice_id": "i", "due_at": START + HOUR + 5});
    let story = Story::known().on(0, "invoice_issued", due);
    let at = |story: &Story, rule: &str| {
        let seen = story.until(day(130));
        clock(seen.alerts_of(rule)[0]["at"].as_str().expect("an instant"))
    };
    assert_eq!(at(&story, "R3-B4"), format!("7d+{}", HOUR + 6));
    let login = Story::known().each([day(2), day(3) + 123], "login", |_| json!({}));
    let login = login.each([day(3) + 123; 2], "session_ended", |_| json!({"duration_s": 1800}));
    assert_eq!(login.until(day(10) + 122).signal("R4-I1").split(' ').next(), Some("clear"));
    assert_eq!(login.until(day(10) + 123).signal("R4-I1"), "active 7");
    let answer =
        Story::known().on(day(1) + 7, "survey_response", json!({"kind": "nps", "value": 3}));
    assert_eq!(answer.until(day(121) + 6).signal("R3-S1"), "active 3");
    assert_eq!(answer.until(day(121) + 7).signal("R3-S1"), "n/a");
}
