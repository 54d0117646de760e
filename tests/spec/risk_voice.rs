//! The sentiment and competition signals of `risk`.
//!
//! Source  R3-S1 to R3-S5 and R3-C1 to R3-C5, Estrategias de Retención y Upsell; edges of the
//!         specification's §21.

use serde_json::{Value, json};

use super::risk::check_alone;
use super::scenario::{Story, day};

/// One event of `kind` on day 5 makes signal `id` read `wanted`.
fn check_one(id: &str, kind: &str, fields: Value, wanted: &str) {
    let told = format!("{kind} {fields}");
    let seen = Story::known().consenting().on(day(5), kind, fields).end();
    assert_eq!(seen.signal(id), wanted, "{id} after {told}");
}

/// A signal that an event on day 5 made active is so for `days` days, to the millisecond.
fn check_lasts(id: &str, kind: &str, fields: Value, days: i64) {
    let story = Story::known().consenting().on(day(5), kind, fields);
    let (last, gone) = (story.until(day(5 + days) - 1), story.until(day(5 + days)));
    assert!(last.signal(id).starts_with("active "), "{id}: {}", last.signal(id));
    assert!(!gone.signal(id).starts_with("active "), "{id}: {}", gone.signal(id));
}

#[test]
fn r3_s1_negative_feedback_fires_at_nps_6_and_not_at_7() {
    let check = |value: f64, wanted: &str| {
        let fields = json!({"kind": "nps", "value": value});
        check_one("R3-S1", "survey_response", fields, wanted);
    };
    check(7.0, "clear 7");
    check(6.0, "active 6");
    check(6.999999, "active 6.999999");
    check(0.0, "active 0");
    check(10.0, "clear 10");
    check_one("R3-S1", "survey_response", json!({"kind": "csat", "value": 1}), "n/a");
    check_lasts("R3-S1", "survey_response", json!({"kind": "nps", "value": 3}), 120);
    check_alone("R3-S1", "15");
}

#[test]
fn r3_s1_takes_the_worst_of_the_latest_answers_of_all_users() {
    let nps = |user: &str, value: i64| json!({"kind": "nps", "value": value, "user_id": user});
    let story = Story::known().on(day(1), "survey_response", nps("ana", 9)).on(
        day(2),
        "survey_response",
        nps("leo", 3),
    );
    assert_eq!(story.end().signal("R3-S1"), "active 3");
    let better = story.on(day(3), "survey_response", nps("leo", 8));
    assert_eq!(better.end().signal("R3-S1"), "clear 8");
}

#[test]
fn r3_s2_negative_comments_fire_below_a_mean_of_0_3_in_30_days() {
    let check = |scores: &[f64], wanted: &str| {
        let story = Story::known().each(vec![day(5); scores.len()], "sentiment_scored", |n| {
            let channel = ["comment", "review", "call"][n % 3];
            json!({"channel": channel, "score": scores[n]})
        });
        assert_eq!(story.end().signal("R3-S2"), wanted, "{scores:?}");
    };
    check(&[0.3], "clear 0.3");
    check(&[0.2999], "active 0.2999");
    // The mean of all three channels.
    check(&[0.1, 0.2, 0.6], "clear 0.3");
    check(&[0.1, 0.2, 0.5], "active 0.26666666666666666");
    check(&[], "n/a");
    for other in ["ticket", "social"] {
        let fields = json!({"channel": other, "score": 0.1});
        check_one("R3-S2", "sentiment_scored", fields, "n/a");
    }
    check_lasts("R3-S2", "sentiment_scored", json!({"channel": "call", "score": 0.1}), 30);
    check_alone("R3-S2", "10");
}

#[test]
fn r3_s3_one_negative_mention_in_30_days_fires() {
    let check = |fields: Value, wanted: &str| check_one("R3-S3", "social_mention", fields, wanted);
    check(json!({"polarity": "negative"}), "active 1");
    check(json!({"polarity": "neutral"}), "clear 0");
    check(json!({"polarity": "positive"}), "clear 0");
    check_lasts("R3-S3", "social_mention", json!({"polarity": "negative"}), 30);
    check_alone("R3-S3", "5");
}

#[test]
fn r3_s4_satisfaction_fires_below_7_of_10() {
    let check = |kind: &str, value: f64, wanted: &str| {
        let fields = json!({"kind": kind, "value": value});
        check_one("R3-S4", "survey_response", fields, wanted);
    };
    check("satisfaction", 7.0, "clear 7");
    check("satisfaction", 6.9, "active 6.9");
    // 3.8 of 1 to 5 is 0.7 of the way, 3.7 is 0.675.
    check("csat", 3.8, "clear 7");
    check("csat", 3.7, "active 6.75");
    check("nps", 1.0, "n/a");
    let answer = json!({"kind": "satisfaction", "value": 2});
    check_lasts("R3-S4", "survey_response", answer, 90);
    check_alone("R3-S4", "10");
}

#[test]
fn r3_s5_negative_tickets_fire_below_a_mean_of_0_3() {
    let check = |score: f64, wanted: &str| {
        let fields = json!({"channel": "ticket", "score": score});
        check_one("R3-S5", "sentiment_scored", fields, wanted);
    };
    check(0.3, "clear 0.3");
    check(0.2999, "active 0.2999");
    let comment = json!({"channel": "comment", "score": 0.1});
    check_one("R3-S5", "sentiment_scored", comment, "n/a");
    check_lasts("R3-S5", "sentiment_scored", json!({"channel": "ticket", "score": 0.1}), 30);
    check_alone("R3-S5", "10");
}

#[test]
fn r3_c1_three_competitor_visits_within_7_days_fire() {
    let check = |third: i64, wanted: &str| {
        let times = [day(10), day(12), third];
        let story = Story::known().consenting().each(times, "competitor_visit", |_| json!({}));
        assert_eq!(story.end().signal("R3-C1"), wanted, "third visit at {third}");
    };
    // The first visit leaves the window at the very instant of day 17.
    check(day(17) - 1, "active 3");
    check(day(17), "clear 2");
    let story = Story::known().consenting();
    let story = story.each([day(10), day(12), day(13)], "competitor_visit", |_| json!({}));
    assert_eq!(story.until(day(17) - 1).signal("R3-C1"), "active 3");
    assert_eq!(story.until(day(17)).signal("R3-C1"), "clear 2");
    check_alone("R3-C1", "10");
}

/// One event of `kind` makes `id` active for `days` days and brings `points`.
fn check_competition(id: &str, kind: &str, days: i64, points: &str) {
    let before = Story::known().consenting().end();
    assert_eq!(before.signal(id), "clear 0");
    check_one(id, kind, json!({}), "active 1");
    check_lasts(id, kind, json!({}), days);
    let seen = Story::known().consenting().on(day(5), kind, json!({})).end();
    assert_eq!(seen.rings(id), ["5d clear>active worse 1"]);
    check_alone(id, points);
}

#[test]
fn r3_c2_one_search_for_alternatives_in_30_days_fires() {
    check_competition("R3-C2", "competitor_search", 30, "10");
}

#[test]
fn r3_c3_one_competitor_research_in_30_days_fires() {
    check_competition("R3-C3", "competitor_research", 30, "5");
}

#[test]
fn r3_c4_one_competitor_trial_in_90_days_fires() {
    check_competition("R3-C4", "competitor_trial", 90, "15");
}

#[test]
fn r3_c5_one_contract_review_in_60_days_fires_without_any_consent() {
    check_competition("R3-C5", "contract_reviewed", 60, "10");
    let seen = Story::known().on(day(5), "contract_reviewed", json!({})).end();
    assert_eq!(seen.signal("R3-C5"), "active 1");
}
