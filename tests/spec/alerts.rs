//! What rings and what does not: margins, first values, recoveries, cooldowns, snoozes.
//!
//! Shape   most tests set a score by hand, which rings like any value.
//! Source  readings.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::scenario::{HOUR, START, Seen, Story, day};

/// A score set to each value in turn, a day apart, holds these bands.
fn check_held(score: &str, rows: &[(f64, &str)]) {
    let mut story = Story::known();
    for (n, (value, held)) in (1..).zip(rows) {
        story = story.set(day(n), score, *value);
        assert_eq!(story.end().held(score), *held, "{score}: {value} after {n} values");
    }
}

#[test]
fn a_07_risk_leaves_a_band_downwards_only_five_points_below_its_edge() {
    let rows = [
        (75.0, "high"),
        (66.0, "high"),
        (65.0, "high"),
        (64.999, "medium"),
        (35.0, "medium"),
        (34.999, "low"),
        (39.999, "low"),
        (40.0, "medium"),
        (69.999, "medium"),
        (70.0, "high"),
    ];
    check_held("risk", &rows);
    check_held("risk", &[(75.0, "high"), (37.0, "medium")]);
    check_held("risk", &[(75.0, "high"), (34.0, "low")]);
}

#[test]
fn a_07_risk_cs_passes_its_edges_one_by_one() {
    let rows = [
        (80.0, "high"),
        (75.0, "high"),
        (74.999, "medium"),
        (45.0, "medium"),
        (44.999, "low"),
        (15.0, "low"),
        (14.999, "none"),
        (19.999, "none"),
        (20.0, "low"),
        (80.0, "high"),
        (47.0, "medium"),
    ];
    check_held("risk_cs", &rows);
    check_held("risk_cs", &[(90.0, "high"), (16.0, "low")]);
    check_held("risk_cs", &[(90.0, "high"), (14.0, "none")]);
}

#[test]
fn a_07_retention_enters_a_better_band_five_points_above_its_edge() {
    let rows = [
        (59.999, "low"),
        (60.0, "low"),
        (64.999, "low"),
        (65.0, "medium"),
        (84.999, "medium"),
        (85.0, "high"),
        (80.0, "high"),
        (79.999, "medium"),
        (39.999, "at_risk"),
        (44.999, "at_risk"),
        (45.0, "low"),
        (39.999, "at_risk"),
        (84.0, "medium"),
    ];
    check_held("retention", &rows);
    check_held("retention", &[(10.0, "at_risk"), (90.0, "high")]);
}

#[test]
fn a_13_a_first_value_rings_only_where_its_band_asks_for_action() {
    let check = |score: &str, value: f64, wanted: Option<&str>| {
        let seen = Story::new().set(0, score, value).end();
        let wanted = wanted.map(|band| format!("0d null>{band} worse {value}"));
        assert_eq!(seen.rings(score), Vec::from_iter(wanted), "{score} {value}");
    };
    check("risk", 39.0, None);
    check("risk", 40.0, Some("medium"));
    check("risk", 70.0, Some("high"));
    check("risk_cs", 19.0, None);
    check("risk_cs", 20.0, Some("low"));
    check("risk_cs", 50.0, Some("medium"));
    check("risk_cs", 80.0, Some("high"));
    check("retention", 80.0, None);
    check("retention", 60.0, None);
    check("retention", 59.0, Some("low"));
    check("retention", 39.0, Some("at_risk"));
}

#[test]
fn a_13_later_every_worse_band_rings_even_one_that_asks_for_nothing() {
    let story = Story::known().set(day(1), "retention", 90.0).set(day(2), "retention", 75.0);
    assert_eq!(story.end().rings("retention"), ["2d high>medium worse 75"]);
}

#[test]
fn a_13_signals_of_risk_and_red_flags_ring_when_they_become_active_and_those_of_risk_cs_never() {
    // At the very first judging.
    let nps = json!({"kind": "nps", "value": 6});
    let story = Story::new().on(0, "survey_response", nps.clone());
    assert_eq!(story.end().rings("R3-S1"), ["0d clear>active worse 6"]);
    assert_eq!(story.end().rings("R4-S1"), &[] as &[String]);
    // Still active is not active again.
    let story = story.on(day(1), "survey_response", nps);
    assert_eq!(story.end().rings("R3-S1").len(), 1);
    let seen = Story::known().until(day(130));
    let rules: BTreeSet<&str> = seen.alerts().iter().filter_map(|a| a["rule"].as_str()).collect();
    assert_eq!(rules, BTreeSet::from(["R3-B2", "retention", "risk_cs"]));
}

#[test]
fn a_14_a_recovery_rings_while_an_alert_is_open_and_closes_it() {
    let story = Story::known()
        .set(day(1), "risk", 75.0)
        .set(day(2), "risk", 50.0)
        .set(day(3), "risk", 10.0)
        .set(day(4), "risk", 45.0);
    let seen = story.end();
    let wanted = [
        "1d low>high worse 75",
        "2d high>medium better 50",
        "3d medium>low better 10",
        "4d low>medium worse 45",
    ];
    assert_eq!(seen.rings("risk"), wanted);
    let open: Vec<&Value> = seen.alerts_of("risk").iter().map(|a| &a["open_since"]).collect();
    let first = json!("2025-01-02T00:00:00Z");
    assert_eq!(open, [&Value::Null, &first, &first, &Value::Null]);
    let previous: Vec<&Value> = seen.alerts_of("risk").iter().map(|a| &a["previous"]).collect();
    assert_eq!(previous, [&json!(0.0), &json!(75.0), &json!(50.0), &json!(10.0)]);
}

#[test]
fn a_14_without_an_open_alert_a_better_band_is_no_news() {
    // Medium rings; high is told too; back to medium and low.
    let story = Story::known()
        .set(day(1), "retention", 90.0)
        .set(day(2), "retention", 70.0)
        .set(day(3), "retention", 95.0)
        .set(day(4), "retention", 75.0)
        .set(day(5), "retention", 95.0);
    // The second fall is within the cooldown, so nothing is open when it ends.
    let wanted = ["2d high>medium worse 70", "3d medium>high better 95"];
    assert_eq!(story.end().rings("retention"), wanted);
    assert_eq!(story.end().count("suppressed"), 1);
    assert_eq!(story.end().held("retention"), "high");
    let calm = Story::known().set(day(1), "retention", 70.0).set(day(2), "retention", 90.0);
    assert_eq!(calm.end().rings("retention"), &[] as &[String]);
}

#[test]
fn a_14_a_worse_ring_keeps_the_alert_open_since_the_first() {
    let story = Story::known().set(day(1) + HOUR, "risk", 45.0).set(day(2), "risk", 75.0).set(
        day(3),
        "risk",
        10.0,
    );
    let seen = story.end();
    let wanted = ["1d+1h low>medium worse 45", "2d medium>high worse 75", "3d high>low better 10"];
    assert_eq!(seen.rings("risk"), wanted);
    assert_eq!(seen.alerts_of("risk")[2]["open_since"], "2025-01-02T01:00:00Z");
}

#[test]
fn a_14_only_a_band_better_than_the_one_last_told_is_a_recovery() {
    // High is never told, so to fall back to medium is no news; to fall to low is.
    let hush = json!({"rule": "risk", "ttl_ms": day(1)});
    let story = Story::known()
        .set(day(1), "risk", 45.0)
        .on(day(2), "alert_snoozed", hush)
        .set(day(2), "risk", 75.0)
        .set(day(4), "risk", 50.0)
        .set(day(5), "risk", 10.0);
    let seen = story.end();
    assert_eq!(seen.rings("risk"), ["1d low>medium worse 45", "5d medium>low better 10"]);
    assert_eq!(seen.alerts_of("risk")[1]["open_since"], "2025-01-02T00:00:00Z");
}

#[test]
fn a_14_a_recovery_that_is_snoozed_closes_the_alert_too() {
    let hush = json!({"rule": "risk", "ttl_ms": day(1)});
    let story = Story::known()
        .set(day(1), "risk", 45.0)
        .on(day(2), "alert_snoozed", hush)
        .set(day(2), "risk", 10.0)
        .set(day(20), "risk", 45.0)
        .set(day(21), "risk", 10.0);
    let seen = story.end();
    let wanted = ["1d low>medium worse 45", "20d low>medium worse 45", "21d medium>low better 10"];
    assert_eq!(seen.rings("risk"), wanted);
    let open: Vec<&Value> = seen.alerts_of("risk").iter().map(|a| &a["open_since"]).collect();
    assert_eq!(open, [&Value::Null, &Value::Null, &json!("2025-01-21T00:00:00Z")]);
}

#[test]
fn a_15_the_same_ring_is_kept_back_for_seven_days_and_never_made_up_for() {
    let rings = |at: i64| {
        let story = Story::known()
            .set(day(1), "risk", 75.0)
            .set(day(2), "risk", 10.0)
            .set(at, "risk", 80.0);
        (story.until(day(20)).rings("risk"), story.end().count("suppressed"))
    };
    let first = ["1d low>high worse 75", "2d high>low better 10"].map(str::to_owned);
    assert_eq!(rings(day(8) - 1), (first.to_vec(), 1));
    let mut all = first.to_vec();
    all.push("8d low>high worse 80".to_owned());
    assert_eq!(rings(day(8)), (all, 0));
    // The held band moves all the same.
    let kept = Story::known().set(day(1), "risk", 75.0).set(day(2), "risk", 10.0).set(
        day(3),
        "risk",
        80.0,
    );
    assert_eq!(kept.end().held("risk"), "high");
}

#[test]
fn a_15_a_cooldown_is_of_one_customer_rule_and_target_and_only_real_rings_start_it() {
    let review = |story: Story, at: i64| story.on(at, "contract_reviewed", json!({}));
    let both = review(review(Story::new(), 0).of("d"), 0).end();
    assert_eq!(both.rings("R3-C5").len(), 2);
    // Another target of the same rule.
    let targets = Story::known().set(day(1), "risk", 75.0).set(day(2), "risk", 10.0).set(
        day(3),
        "risk",
        45.0,
    );
    assert_eq!(targets.end().rings("risk")[2], "3d low>medium worse 45");
    // A ring that was kept back on day 7 does not make the one of day 9 wait.
    let values = [(1, 75.0), (2, 10.0), (7, 75.0), (8, 10.0), (9, 75.0)];
    let story =
        values.iter().fold(Story::known(), |story, (n, value)| story.set(day(*n), "risk", *value));
    let rings = story.end().rings("risk");
    assert_eq!(rings.last().map(String::as_str), Some("9d low>high worse 75"));
    assert_eq!(rings.len(), 3);
}

fn ids(seen: &Seen) -> Vec<&str> {
    seen.alerts().iter().filter_map(|alert| alert["id"].as_str()).collect()
}

#[test]
fn a_37_an_alerts_id_is_what_it_is_and_nothing_else() {
    let story = Story::known().on(day(1), "contract_reviewed", json!({})).set(day(2), "risk", 75.0);
    let seen = story.end();
    let first = ids(&seen);
    assert_eq!(first.len(), 2);
    for id in &first {
        assert_eq!(id.len(), 32, "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    // The event's id, the value and the model do not matter; customer and instant do.
    let same = Story::known()
        .with_id("another", day(1), "contract_reviewed", json!({}))
        .set(day(2), "risk", 99.0)
        .model("version = 1", "version = 2");
    assert_eq!(ids(&same.end()), first);
    let other = story.clone().of("d").on(day(2), "contract_reviewed", json!({})).end();
    assert_eq!(ids(&other)[..2], first[..]);
    assert!(!first.contains(&ids(&other)[2]));
    let later = Story::known().on(day(1) + 1, "contract_reviewed", json!({})).end();
    assert_ne!(ids(&later)[0], first[0]);
}

#[test]
fn a_37_the_same_ring_twice_at_one_instant_has_two_ids() {
    let values = [75.0, 10.0, 75.0, 10.0];
    let story = Story::known().options(|options| options.tuning[0].cooldown = 0);
    let story = values.iter().fold(story, |story, value| story.set(day(1), "risk", *value));
    let seen = story.end();
    assert_eq!(seen.rings("risk").len(), 4);
    assert_eq!(ids(&seen).into_iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn a_37_every_kind_of_alert_says_what_rang_and_from_where_to_where() {
    let story = Story::known()
        .consenting()
        .on(day(1), "competitor_trial", json!({}))
        .on(day(1), "competitor_search", json!({}))
        .on(day(1), "cancellation_requested", json!({}));
    let seen = story.end();
    let shape = |rule: &str| {
        let alert = seen.alerts_of(rule)[0].clone();
        let keys = ["kind", "score", "from", "to", "value", "direction"];
        Value::Array(keys.iter().map(|key| alert[key].clone()).collect())
    };
    assert_eq!(shape("R3-C4"), json!(["signal", null, "clear", "active", 1.0, "worse"]));
    assert_eq!(shape("RF-1"), json!(["red_flag", null, "clear", "active", 90.0, "worse"]));
    assert_eq!(shape("risk"), json!(["band", "risk", "low", "high", 90.0, "worse"]));
    assert_eq!(shape("CX-1"), json!(["cancellation_intent", null, null, null, 90.0, "worse"]));
}

fn snoozed(fields: Value) -> Story {
    Story::known().on(day(1), "alert_snoozed", fields)
}

/// What rings at `at` under a snooze of day 1, and how often something was kept back.
fn review_at(story: Story, at: i64) -> (usize, u64) {
    let seen = story.on(at, "contract_reviewed", json!({})).end();
    (seen.rings("R3-C5").len(), seen.count("snoozed"))
}

#[test]
fn a_43_a_snooze_holds_from_its_time_until_its_end() {
    let until = || snoozed(json!({"until": START + day(5)}));
    let ttl = || snoozed(json!({"ttl_ms": day(4)}));
    for story in [until(), ttl()] {
        assert_eq!(review_at(story.clone(), day(1)), (0, 1));
        assert_eq!(review_at(story.clone(), day(5) - 1), (0, 1));
        assert_eq!(review_at(story, day(5)), (1, 0));
    }
    // Without an end it never ends.
    assert_eq!(review_at(snoozed(json!({})), day(3000)).0, 0);
    let before = Story::known().on(day(1), "contract_reviewed", json!({})).on(
        day(1) + 1,
        "alert_snoozed",
        json!({}),
    );
    assert_eq!(before.end().rings("R3-C5").len(), 1);
}

#[test]
fn a_43_what_was_kept_back_is_not_made_up_for_and_starts_no_cooldown() {
    let story = snoozed(json!({"ttl_ms": day(2)})).set(day(2), "risk", 75.0);
    let seen = story.until(day(6));
    assert_eq!(seen.rings("risk"), &[] as &[String]);
    assert_eq!(seen.held("risk"), "high");
    // Nothing was told, so nothing is over; the next fall rings although a week has not passed.
    let story = story.set(day(4), "risk", 10.0).set(day(5), "risk", 75.0);
    assert_eq!(story.end().rings("risk"), ["5d low>high worse 75"]);
    assert_eq!(story.end().count("suppressed"), 0);
}

#[test]
fn a_43_a_snooze_of_one_rule_keeps_back_that_rule_only() {
    let story = snoozed(json!({"rule": "R3-C5"}));
    assert_eq!(review_at(story.clone(), day(2)), (0, 1));
    let other = story.clone().set(day(2), "risk", 75.0).end();
    assert_eq!(other.rings("risk").len(), 1);
    // And of one customer.
    let story = snoozed(json!({})).of("d").on(day(2), "contract_reviewed", json!({}));
    assert_eq!(story.end().rings("R3-C5").len(), 1);
}

#[test]
fn a_43_to_acknowledge_or_to_change_the_owner_changes_no_ringing() {
    let story = Story::known()
        .on(day(1), "alert_acked", json!({"rule": "R3-C5", "ttl_ms": day(9)}))
        .on(day(1), "owner_changed", json!({"owner_id": "csm-3"}));
    assert_eq!(review_at(story.clone(), day(2)), (1, 0));
    let seen = story.on(day(2), "contract_reviewed", json!({})).end();
    assert_eq!(seen.alerts()[0]["owner"], "csm-3");
}
