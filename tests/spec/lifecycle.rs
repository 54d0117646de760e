//! Intent, pause, cancellation and return, and the measures that watch a subscription.
//!
//! Source  CX-1, CX-10 to CX-13 and CX-15, Estrategia de Retención de Clientes and Retener al
//!         cliente; readings.

use serde_json::{Value, json};

use ebb::record::scores::Status;

use super::scenario::{HOUR, START, Story, day};

#[test]
fn cx_1_an_intention_to_cancel_rings_at_once_with_the_risk_as_its_value() {
    let story = Story::known()
        .on(day(3), "survey_response", json!({"kind": "nps", "value": 2}))
        .on(day(5) + HOUR, "cancellation_requested", json!({"reason_code": "price"}));
    let seen = story.end();
    assert_eq!(seen.rings("CX-1"), ["5d+1h null>null worse 15"]);
    let alert = &seen.alerts_of("CX-1")[0];
    assert_eq!(alert["kind"], "cancellation_intent");
    assert_eq!(alert["cause"], json!({"type": "event", "id": "e-2"}));
    assert_eq!(alert["reasons"][0]["signal"], "R3-S1");
}

#[test]
fn a_49_an_intent_rings_on_e05_only_once_in_7_days_and_not_while_cancelled() {
    let asked = |story: Story, at: i64| story.on(at, "cancellation_requested", json!({}));
    let story = asked(asked(asked(Story::known(), day(1)), day(8) - 1), day(8));
    let seen = story.end();
    assert_eq!(seen.rings("CX-1"), ["1d null>null worse 0", "8d null>null worse 0"]);
    assert_eq!(seen.count("suppressed"), 1);
    let cancelled = asked(Story::known().on(day(1), "subscription_cancelled", json!({})), day(2));
    assert_eq!(cancelled.end().alerts(), &[] as &[Value]);
    // A cancellation that is still to come does not silence it.
    let later = json!({"effective_at": START + day(30)});
    let announced = asked(Story::known().on(day(1), "subscription_cancelled", later), day(2));
    assert_eq!(announced.end().rings("CX-1"), ["2d null>null worse 0"]);
}

#[test]
fn cx_10_the_days_to_a_renewal_are_known() {
    let due = json!({"due_at": START + day(60)});
    let story = Story::known().on(day(1), "renewal_due", due);
    assert_eq!(Story::known().measure(day(1), "days_to_renewal"), None);
    assert_eq!(story.measure(day(30), "days_to_renewal"), Some(30.0));
    assert_eq!(story.measure(day(59) + 12 * HOUR, "days_to_renewal"), Some(0.5));
    assert_eq!(story.measure(day(62), "days_to_renewal"), Some(-2.0));
    let next = story.on(day(61), "renewal_due", json!({"due_at": START + day(91)}));
    assert_eq!(next.measure(day(61), "days_to_renewal"), Some(30.0));
}

#[test]
fn cx_11_repeated_tickets_are_counted_by_topic() {
    let ticket = |id: &str, topic: &str| json!({"ticket_id": id, "topic_id": topic});
    let story = Story::known()
        .on(day(1), "ticket_opened", ticket("a", "billing"))
        .on(day(2), "ticket_opened", ticket("b", "login"))
        .on(day(3), "ticket_opened", ticket("b", "login"));
    assert_eq!(story.measure(day(3), "tickets_of_one_topic"), Some(1.0));
    let story = story.on(day(4), "ticket_opened", ticket("c", "billing"));
    assert_eq!(story.measure(day(31) - 1, "tickets_of_one_topic"), Some(2.0));
    assert_eq!(story.measure(day(31), "tickets_of_one_topic"), Some(1.0));
    assert_eq!(story.measure(day(34), "tickets_of_one_topic"), Some(0.0));
}

#[test]
fn cx_12_a_core_feature_that_was_used_once_is_missed() {
    let used = |core: Value| json!({"feature_id": "f", "core": core});
    let story = Story::known().on(day(3), "feature_used", used(json!(false)));
    assert_eq!(story.measure(day(20), "days_since_core_feature"), None);
    let story = story.on(day(4), "feature_used", used(json!(true))).on(
        day(5),
        "feature_used",
        used(Value::Null),
    );
    assert_eq!(story.measure(day(18), "days_since_core_feature"), Some(14.0));
}

#[test]
fn cx_13_an_active_member_of_the_community_who_goes_silent_is_missed() {
    let story = Story::known().on(day(4), "community_activity", json!({"kind": "post"}));
    assert_eq!(Story::known().measure(day(20), "days_since_community"), None);
    assert_eq!(story.measure(day(20), "days_since_community"), Some(16.0));
}

/// The signals that speak of absence, all with something to say on day 120.
const SILENCE: [&str; 11] = [
    "R3-B1", "R3-B2", "R3-B5", "R4-U1", "R4-U2", "R4-U3", "R4-I1", "R4-I2", "R4-I3", "R4-B2",
    "R4-B3",
];

/// Someone who logged in until day 100 and was written to on day 110.
fn silent() -> Story {
    Story::known()
        .each((1..100).map(day), "login", |_| json!({}))
        .each([day(110); 3], "email_sent", |n| json!({"message_id": format!("m-{n}")}))
        .on(day(110), "webinar_invited", json!({"webinar_id": "w"}))
}

#[test]
fn cx_15_a_pause_silences_every_measure_of_absence_and_nothing_else() {
    let story = silent().on(day(110), "survey_response", json!({"kind": "nps", "value": 2})).on(
        day(110),
        "contract_reviewed",
        json!({}),
    );
    let before = story.until(day(115));
    for id in SILENCE {
        assert_ne!(before.signal(id), "n/a", "{id}");
    }
    assert_ne!(before.signal("R4-B1"), "n/a");
    let paused = story.on(day(115), "subscription_paused", json!({"reason": "summer"}));
    let seen = paused.until(day(116));
    for id in SILENCE.into_iter().chain(["R4-B1"]) {
        assert_eq!(seen.signal(id), "n/a", "{id}");
    }
    assert_eq!(seen.signal("R3-S1"), "active 2");
    assert_eq!(seen.signal("R3-C5"), "active 1");
    assert_eq!(seen.signal("R3-B3"), "clear 0");
    assert_eq!(seen.signal("R3-B4"), "clear 0");
    // Two signals, no matter how silent: the score goes on.
    assert_eq!(seen.score("risk"), "40 medium");
    assert_eq!(paused.row(day(116)).scores.status, Status::Paused);
}

#[test]
fn cx_15_the_login_baseline_is_frozen_while_paused() {
    // 60 logins in 60 days, 30 days of pause, then 14 days with 7.
    let story = Story::known()
        .each((0..60).map(|n| day(n) + 1), "login", |_| json!({}))
        .on(day(60), "subscription_paused", json!({}))
        .on(day(90), "subscription_resumed", json!({}))
        .each((0..7).map(|n| day(91 + n)), "login", |_| json!({}));
    assert_eq!(story.until(day(104) - 1).signal("R3-B5"), "n/a");
    // (7 / 14) / (60 / 60), and not / (60 / 90).
    assert_eq!(story.until(day(104)).signal("R3-B5"), "clear 0.5");
}

#[test]
fn a_04_the_graces_start_again_when_a_pause_ends() {
    let check = |ends: &str, revives: bool| {
        let story = Story::known()
            .on(day(40), "subscription_paused", json!({"planned_resume_at": START + day(45)}))
            .on(day(50), ends, json!({}));
        let story =
            story.each([day(41); 3], "email_sent", |n| json!({"message_id": n.to_string()}));
        let at = |days: i64, id: &str| story.until(day(days) - 1).signal(id);
        let after = |days: i64, id: &str| story.until(day(days)).signal(id);
        for (days, id) in [(7, "R4-U1"), (7, "R4-U2"), (7, "R4-I1"), (30, "R3-B2"), (30, "R4-U3")] {
            assert_eq!(at(50 + days, id), "n/a", "{id} after {ends}");
            assert_eq!(after(50 + days, id) != "n/a", revives, "{id} after {ends}");
        }
        for (days, id) in [(90, "R4-I3"), (90, "R4-B2"), (90, "R4-B3")] {
            assert_eq!(at(50 + days, id), "n/a", "{id} after {ends}");
            assert_eq!(after(50 + days, id) != "n/a", revives, "{id} after {ends}");
        }
    };
    check("subscription_resumed", true);
    check("subscription_reactivated", true);
    // Neither the planned date nor anything else ends a pause.
    check("login", false);
    check("customer_created", false);
    check("subscription_renewed", false);
}

#[test]
fn a_04_scores_and_alerts_go_on_while_paused() {
    let story = Story::known().on(day(1), "subscription_paused", json!({})).on(
        day(2),
        "survey_response",
        json!({"kind": "csat", "value": 1}),
    );
    let seen = story.until(day(60));
    assert_eq!(seen.rings("risk_cs"), ["2d none>high worse 80"]);
    assert_eq!(seen.rings("R3-S4"), ["2d clear>active worse 0"]);
    // Nothing about silence rang meanwhile.
    assert_eq!(seen.alerts().len(), 2);
}

#[test]
fn a_05_a_cancelled_customer_has_no_scores_no_bands_and_nothing_rings() {
    let story = silent().on(day(110), "survey_response", json!({"kind": "nps", "value": 2})).on(
        day(115),
        "subscription_cancelled",
        json!({"reason_code": "price"}),
    );
    let seen = story.clone().on(day(116), "contract_reviewed", json!({})).until(day(130));
    for score in ["risk", "risk_cs", "retention"] {
        assert_eq!(seen.cell(score), "");
        assert_eq!(seen.held(score), "");
        assert_eq!(seen.cell(&format!("coverage_{score}")), "0");
    }
    assert_eq!(seen.score("risk"), "null");
    assert_eq!(seen.score("retention"), "null insufficient_data");
    for id in SILENCE.into_iter().chain(["R4-B1", "R3-S1", "R3-C5", "R3-B3", "R3-B4"]) {
        assert_eq!(seen.signal(id), "n/a", "{id}");
    }
    assert_eq!(seen.cell("next_band_at"), "");
    assert_eq!(story.row(day(115)).scores.status, Status::Cancelled);
    let count = |seen: &super::scenario::Seen| seen.alerts().len();
    assert_eq!(count(&seen), count(&story.until(day(115))));
}

#[test]
fn a_05_a_cancellation_holds_from_its_effect_to_the_millisecond() {
    let later = json!({"effective_at": START + day(20)});
    let story = Story::known().on(day(10), "subscription_cancelled", later);
    assert_eq!(story.until(day(20) - 1).score("risk"), "0 low");
    assert_eq!(story.until(day(20)).score("risk"), "null");
    // An effect before the event holds from the event.
    let early = json!({"effective_at": START + day(5)});
    let story = Story::known().on(day(10), "subscription_cancelled", early);
    assert_eq!(story.end().score("risk"), "null");
}

#[test]
fn a_05_a_return_before_the_effect_revokes_the_cancellation() {
    for kind in ["subscription_reactivated", "subscription_started", "customer_created"] {
        let later = json!({"effective_at": START + day(20)});
        let story = Story::known().on(day(10), "subscription_cancelled", later).on(
            day(15),
            kind,
            json!({}),
        );
        let seen = story.until(day(25));
        assert_eq!(seen.score("risk"), "0 low", "{kind}");
        // Nobody was away: the graces did not start again.
        assert_ne!(seen.signal("R4-U1"), "n/a", "{kind}");
    }
}

#[test]
fn a_05_a_customer_who_returns_is_judged_as_new_but_cooldowns_are_kept() {
    let nps = |value: i64| json!({"kind": "nps", "value": value});
    let story = Story::known()
        .on(day(1), "survey_response", nps(2))
        .on(day(2), "subscription_cancelled", json!({}))
        .on(day(3), "subscription_reactivated", json!({}));
    let seen = story.end();
    // Active again at the first judging, but within seven days of the last ring.
    assert_eq!(seen.signal("R3-S1"), "active 2");
    assert_eq!(seen.rings("R3-S1"), ["1d clear>active worse 2"]);
    assert_eq!(seen.rings("risk_cs"), ["1d none>high worse 80"]);
    assert_eq!(seen.count("suppressed"), 2);
    let later = Story::known()
        .on(day(1), "survey_response", nps(2))
        .on(day(2), "subscription_cancelled", json!({}))
        .on(day(8), "subscription_reactivated", json!({}))
        .until(day(15));
    let wanted = ["1d clear>active worse 2", "8d clear>active worse 2"];
    assert_eq!(later.rings("R3-S1"), wanted);
    // From null, not from the band held before; graces start again at the return.
    assert_eq!(later.rings("risk_cs"), ["1d none>high worse 80", "8d null>high worse 80"]);
    assert_ne!(later.signal("R4-U1"), "n/a");
    let new = Story::known().on(day(2), "subscription_cancelled", json!({})).on(
        day(40),
        "subscription_started",
        json!({}),
    );
    assert_eq!(new.until(day(47) - 1).signal("R4-U1"), "n/a");
    assert_eq!(new.until(day(47)).signal("R4-U1"), "active 0");
}

#[test]
fn a_06_the_login_ratio_counts_whole_days_known_and_neither_paused_nor_cancelled() {
    // Known on day 60: of (T − 104 d, T − 14 d] at day 104 there are 30 days.
    let story = Story::new().each((0..30).map(|n| day(60 + n)), "login", |_| json!({}));
    let story = story.each((0..5).map(|n| day(92 + n)), "login", |_| json!({}));
    assert_eq!(story.until(day(104) - 1).signal("R3-B5"), "n/a");
    // (5 / 14) / (30 / 30)
    assert_eq!(story.until(day(104)).signal("R3-B5"), "active 0.35714285714285715");
    // 30 days and 23 hours are 30 whole days.
    let seen = story.until(day(104) + 23 * HOUR);
    assert_eq!(seen.signal("R3-B5"), "active 0.35714285714285715");
    // (5 / 14) / (30 / 31)
    assert_eq!(story.until(day(105)).signal("R3-B5"), "active 0.36904761904761907");
}

#[test]
fn a_06_a_cancelled_stretch_leaves_the_days_of_the_login_ratio_and_a_return_waits_14_days() {
    let story = Story::new()
        .each((0..40).map(day), "login", |_| json!({}))
        .on(day(40), "subscription_cancelled", json!({}))
        .on(day(60), "subscription_reactivated", json!({}))
        .each([day(61), day(62)], "login", |_| json!({}));
    assert_eq!(story.until(day(74) - 1).signal("R3-B5"), "n/a");
    // (2 / 14) / (40 / 40): on day 74 the baseline ends on day 60, 20 days of it cancelled.
    assert_eq!(story.until(day(74)).signal("R3-B5"), "active 0.14285714285714285");
    assert_eq!(Story::known().until(day(100)).signal("R3-B5"), "n/a");
}

#[test]
fn a_09_silence_towards_support_counts_from_90_days_on_and_only_beside_low_use() {
    let story = Story::known();
    assert_eq!(story.until(day(90) - 1).signal("R4-I3"), "n/a");
    assert_eq!(story.until(day(90)).signal("R4-I3"), "active 0");
    for kind in ["ticket_opened", "ticket_message", "ticket_resolved", "ticket_reopened"] {
        let told = story.clone().on(day(50), kind, json!({}));
        assert_eq!(told.until(day(140) - 1).signal("R4-I3"), "clear 1", "{kind}");
        assert_eq!(told.until(day(140)).signal("R4-I3"), "active 0", "{kind}");
    }
    let busy = story.each([day(99); 2], "login", |_| json!({})).each(
        [day(99); 3],
        "feature_used",
        |n| json!({"feature_id": n.to_string()}),
    );
    assert_eq!(busy.until(day(100)).signal("R4-I3"), "clear 0");
    // Two logins leave the week: U1 is active, and I3 with it.
    assert_eq!(busy.until(day(106)).signal("R4-I3"), "active 0");
}

#[test]
fn a_10_sessions_are_the_greater_of_session_ends_and_logins_of_the_whole_account() {
    let check = |ends: usize, logins: usize, wanted: &str| {
        let user = |n: usize| json!({"user_id": format!("u-{n}")});
        let story = Story::known().each(vec![day(18); ends], "session_ended", user).each(
            vec![day(18); logins],
            "login",
            user,
        );
        assert_eq!(story.until(day(20)).signal("R4-U1"), wanted, "{ends} ends, {logins} logins");
    };
    check(0, 0, "active 0");
    check(1, 1, "active 1");
    check(1, 2, "clear 2");
    check(3, 1, "clear 3");
    // A session counts whole at its end, however long before the window it began.
    let long = json!({"duration_s": 36_000});
    let story = Story::known().on(day(13) + 1, "session_ended", long);
    assert_eq!(story.until(day(20)).signal("R4-U2"), "clear 10");
    assert_eq!(story.until(day(20) + 1).signal("R4-U2"), "active 0");
}
