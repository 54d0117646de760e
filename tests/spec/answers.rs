//! What customers say and what they allow: scales, sentiments, surveys, consents.
//!
//! Source  the specification's §15; PV-1, Retener al cliente; readings.

use serde_json::{Value, json};

use super::scenario::{Story, day};

/// A sentiment of a comment on a scale reads `wanted` on the scale from 0 to 1.
fn check_sentiment(score: f64, scale: (f64, f64), wanted: &str) {
    let fields = json!({
        "channel": "comment", "score": score, "scale_min": scale.0, "scale_max": scale.1,
    });
    let seen = Story::known().on(day(1), "sentiment_scored", fields).end();
    assert_eq!(seen.signal("R3-S2"), wanted, "{score} on {scale:?}");
}

#[test]
fn section_15_sentiments_of_every_scale_come_onto_one_from_0_to_1() {
    check_sentiment(0.25, (0.0, 1.0), "active 0.25");
    // From [-1, 1]: (x + 1) / 2; a neutral text is neutral.
    check_sentiment(0.0, (-1.0, 1.0), "clear 0.5");
    check_sentiment(-0.5, (-1.0, 1.0), "active 0.25");
    // From stars: (x - 1) / 4.
    check_sentiment(2.0, (1.0, 5.0), "active 0.25");
    check_sentiment(5.0, (1.0, 5.0), "clear 1");
    // From [-4, 4]: (x + 4) / 8.
    check_sentiment(-2.0, (-4.0, 4.0), "active 0.25");
    check_sentiment(4.0, (-4.0, 4.0), "clear 1");
}

#[test]
fn section_15_below_0_3_is_negative_and_the_edges_are_neutral() {
    check_sentiment(0.2999, (0.0, 1.0), "active 0.2999");
    check_sentiment(0.3, (0.0, 1.0), "clear 0.3");
    check_sentiment(0.5, (0.0, 1.0), "clear 0.5");
    check_sentiment(0.5001, (0.0, 1.0), "clear 0.5001");
    // 0.3 on [-1, 1] is -0.4.
    check_sentiment(-0.4, (-1.0, 1.0), "clear 0.3");
    check_sentiment(-0.400002, (-1.0, 1.0), "active 0.299999");
}

#[test]
fn section_15_seven_of_ten_and_three_of_five_are_different_thresholds() {
    // 7 of 0 to 10 is 0.70 of the way, 3 of 1 to 5 is 0.50.
    let answer = |value: i64| json!({"kind": "csat", "value": value});
    let seen = Story::known().on(day(1), "survey_response", answer(3)).end();
    assert_eq!(seen.signal("R3-S4"), "active 5");
    assert_eq!(seen.signal("R4-S2"), "clear 3");
    let seen = Story::known().on(day(1), "survey_response", answer(2)).end();
    assert_eq!(seen.signal("R3-S4"), "active 2.5");
    assert_eq!(seen.signal("R4-S2"), "active 2");
}

/// One answer, whose `fields` say the rest, makes `id` read `wanted`.
fn check_answer(fields: Value, id: &str, wanted: &str) {
    let told = fields.to_string();
    let seen = Story::known().on(day(1), "survey_response", fields).end();
    assert_eq!(seen.signal(id), wanted, "{told}");
}

#[test]
fn a_20_answers_have_a_usual_scale_and_may_name_another() {
    check_answer(json!({"kind": "nps", "value": 6}), "R3-S1", "active 6");
    check_answer(json!({"kind": "nps", "value": 60, "scale_max": 100}), "R3-S1", "active 6");
    // (6 - 1) / (7 - 1) of 10.
    let seven = json!({"kind": "nps", "value": 6, "scale_min": 1, "scale_max": 7});
    check_answer(seven, "R3-S1", "clear 8.333333333333334");
    check_answer(json!({"kind": "satisfaction", "value": 6}), "R3-S4", "active 6");
    check_answer(json!({"kind": "csat", "value": 2}), "R4-S2", "active 2");
    // 1 + 4 × 0.5
    let ten = json!({"kind": "csat", "value": 5, "scale_min": 0, "scale_max": 10});
    check_answer(ten, "R4-S2", "clear 3");
    check_answer(json!({"kind": "exit", "value": 0}), "R3-S4", "n/a");
}

#[test]
fn a_20_higher_is_better_but_for_the_effort_unless_the_answer_says_otherwise() {
    let with = |kind: &str, value: i64, better: bool| {
        let mut fields = json!({"kind": kind, "value": value});
        fields["higher_is_better"] = json!(better);
        fields
    };
    // 5 - 4 × (1 - 0.75)
    check_answer(json!({"kind": "ces", "value": 4}), "R4-S3", "active 4");
    check_answer(with("ces", 4, false), "R4-S3", "active 4");
    check_answer(with("ces", 4, true), "R4-S3", "clear 2");
    check_answer(with("ces", 2, true), "R4-S3", "active 4");
    check_answer(with("nps", 8, false), "R3-S1", "active 2");
    check_answer(with("csat", 5, false), "R4-S2", "active 1");
}

#[test]
fn a_20_the_worst_of_each_users_latest_answer_counts_until_it_is_too_old() {
    let nps = |user: Value, value: i64| json!({"kind": "nps", "value": value, "user_id": user});
    let story = Story::known()
        .on(day(1), "survey_response", nps(json!("ana"), 2))
        .on(day(2), "survey_response", nps(Value::Null, 4))
        .on(day(3), "survey_response", nps(json!("leo"), 6))
        .on(day(4), "survey_response", nps(Value::Null, 9));
    assert_eq!(story.end().signal("R3-S1"), "active 2");
    assert_eq!(story.until(day(121) - 1).signal("R3-S1"), "active 2");
    // Ana's answer is gone; those without a user are one user, who now says 9.
    assert_eq!(story.until(day(121)).signal("R3-S1"), "active 6");
    assert_eq!(story.until(day(123)).signal("R3-S1"), "clear 9");
    assert_eq!(story.until(day(124)).signal("R3-S1"), "n/a");
    // At equal times the later arrival is the latest.
    let tie = Story::known().on(day(1), "survey_response", nps(json!("ana"), 2)).on(
        day(1),
        "survey_response",
        nps(json!("ana"), 8),
    );
    assert_eq!(tie.end().signal("R3-S1"), "clear 8");
}

#[test]
fn a_20_answers_other_than_nps_last_90_days() {
    for (kind, id) in [("satisfaction", "R3-S4"), ("csat", "R4-S2"), ("ces", "R4-S3")] {
        let story = Story::known().on(day(1), "survey_response", json!({"kind": kind, "value": 3}));
        assert_ne!(story.until(day(91) - 1).signal(id), "n/a", "{kind}");
        assert_eq!(story.until(day(91)).signal(id), "n/a", "{kind}");
    }
}

#[test]
fn a_29_a_tickets_sentiment_is_the_mean_of_30_days_and_no_more() {
    let ticket = |score: f64| json!({"channel": "ticket", "score": score, "source_id": "t"});
    let story = Story::known()
        .on(day(1), "ticket_opened", json!({"ticket_id": "t"}))
        .on(day(1), "sentiment_scored", ticket(0.1))
        .on(day(2), "sentiment_scored", ticket(0.45));
    assert_eq!(story.end().signal("R3-S5"), "active 0.275");
    // The ticket is still open, but its first word is 30 days old.
    assert_eq!(story.until(day(31)).signal("R3-S5"), "clear 0.45");
    assert_eq!(story.until(day(32)).signal("R3-S5"), "n/a");
}

#[test]
fn a_30_comments_reviews_and_calls_count_and_posted_reviews_do_not() {
    let seen =
        |kind: &str, fields: Value| Story::known().consenting().on(day(1), kind, fields).end();
    let review = seen("review_posted", json!({"rating": 1}));
    assert_eq!(review.signal("R3-S2"), "n/a");
    let silent = seen("sentiment_scored", json!({"score": 0.1}));
    assert_eq!(silent.signal("R3-S2"), "n/a");
    let unscored = seen("sentiment_scored", json!({"channel": "call"}));
    assert_eq!(unscored.signal("R3-S2"), "n/a");
}

#[test]
fn a_30_a_mention_without_polarity_is_negative_below_0_3() {
    let check = |fields: Value, wanted: &str| {
        let told = fields.to_string();
        let seen = Story::known().consenting().on(day(1), "social_mention", fields).end();
        assert_eq!(seen.signal("R3-S3"), wanted, "{told}");
    };
    check(json!({"score": 0.299999}), "active 1");
    check(json!({"score": 0.3}), "clear 0");
    check(json!({}), "clear 0");
    // A polarity decides, whatever the score.
    check(json!({"polarity": "positive", "score": 0.1}), "clear 0");
    check(json!({"polarity": "negative", "score": 0.9}), "active 1");
    // -0.5 on [-1, 1] is 0.25.
    check(json!({"score": -0.5, "scale_min": -1, "scale_max": 1}), "active 1");
}

#[test]
fn a_30_every_search_counts_unless_keywords_are_listed() {
    let search = |story: Story, fields: Value| {
        story.consenting().on(day(1), "competitor_search", fields).end().signal("R3-C2")
    };
    assert_eq!(search(Story::known(), json!({})), "active 1");
    assert_eq!(search(Story::known(), json!({"keyword": "weather"})), "active 1");
    let listed = || {
        let words = "holds_any = [\"rival\", \"alternative\"]";
        Story::known().model("holds_any = []", words)
    };
    assert_eq!(search(listed(), json!({"keyword": "weather"})), "clear 0");
    assert_eq!(search(listed(), json!({})), "clear 0");
    assert_eq!(search(listed(), json!({"keyword": "best RIVALS 2025"})), "active 1");
    assert_eq!(search(listed(), json!({"keyword": "Alternatives to us"})), "active 1");
}

/// The signals that ask for a consent, with an event that makes each active.
const WATCHED: [(&str, &str, usize, &str); 5] = [
    ("R3-C1", "competitor_visit", 3, "competitive_tracking"),
    ("R3-C2", "competitor_search", 1, "competitive_tracking"),
    ("R3-C3", "competitor_research", 1, "competitive_tracking"),
    ("R3-C4", "competitor_trial", 1, "competitive_tracking"),
    ("R3-S3", "social_mention", 1, "social_listening"),
];

fn consent(purpose: &str, granted: bool) -> Value {
    json!({"purpose": purpose, "granted": granted})
}

#[test]
fn pv_1_without_consent_a_signal_says_nothing_and_leaves_the_denominator() {
    for (id, kind, n, _) in WATCHED {
        let fields = json!({"polarity": "negative", "consent_basis": "contract"});
        let seen = Story::known().each(vec![day(1); n], kind, |_| fields.clone()).end();
        assert_eq!(seen.signal(id), "n/a");
        assert_eq!(seen.score("risk"), "0 low", "{id}");
    }
    // Of 170 points there are those of R3-B3, R3-B4 and R3-C5; with consent 45 more.
    let coverage = |story: Story| story.end().cell("coverage_risk").to_owned();
    assert_eq!(coverage(Story::known()), (35.0 / 170.0).to_string());
    assert_eq!(coverage(Story::known().consenting()), (80.0 / 170.0).to_string());
}

#[test]
fn a_19_a_grant_counts_earlier_events_and_a_withdrawal_silences_them() {
    for (id, kind, n, purpose) in WATCHED {
        let fields = json!({"polarity": "negative"});
        let story = Story::known().each(vec![day(1); n], kind, |_| fields.clone());
        let granted = story.on(day(2), "consent_changed", consent(purpose, true));
        assert_eq!(granted.end().signal(id), format!("active {n}"));
        assert_eq!(granted.end().rings(id).len(), 1, "{id}");
        let withdrawn = granted.on(day(3), "consent_changed", consent(purpose, false));
        assert_eq!(withdrawn.end().signal(id), "n/a");
    }
}

#[test]
fn a_19_the_latest_consent_by_event_time_holds_and_only_for_its_purpose() {
    let story = Story::known().on(day(1), "competitor_trial", json!({}));
    let tracking = |granted: bool| consent("competitive_tracking", granted);
    let late = story.clone().on(day(5), "consent_changed", tracking(false)).on(
        day(4),
        "consent_changed",
        tracking(true),
    );
    assert_eq!(late.end().signal("R3-C4"), "n/a");
    let tie = story.clone().on(day(5), "consent_changed", tracking(false)).on(
        day(5),
        "consent_changed",
        tracking(true),
    );
    assert_eq!(tie.end().signal("R3-C4"), "active 1");
    for purpose in ["social_listening", "marketing", "everything"] {
        let other = story.clone().on(day(2), "consent_changed", consent(purpose, true));
        assert_eq!(other.end().signal("R3-C4"), "n/a", "{purpose}");
    }
}
