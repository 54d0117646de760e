//! The retention score: bands, sub-scores, trend, and when it says nothing.
//!
//! Source  RT-1 to RT-4, Estrategias de Retención y Upsell; I-10; readings.

use serde_json::{Value, json};

use ebb::model::Asks;
use ebb::record::alert::Part;

use super::scenario::{HOUR, START, Story, day};

/// `name` holds from `low` inclusive to `high` exclusive, and says what to do.
fn check_band(name: &str, edges: (f64, f64), action: &str, asks: Asks) {
    let (low, high) = edges;
    let band = |value: f64| {
        let seen = Story::new().set(0, "retention", value).end();
        seen.cell("retention_band").to_owned()
    };
    assert_eq!(band(low), name, "{low}");
    assert_eq!(band(high - 0.001), name, "just below {high}");
    if 0.0 < low {
        assert_ne!(band(low - 0.001), name, "just below {low}");
    }
    let model = Story::new().rules().model;
    let found = model.scores[2].bands.iter().find(|band| band.name == name);
    let found = found.expect("a band of retention");
    assert!(found.action.contains(action), "{name}: {}", found.action);
    assert_eq!(found.asks, asks, "{name}");
}

#[test]
fn rt_1_80_to_100_is_high_and_means_upsell() {
    check_band("high", (80.0, 100.001), "upsell opportunities", Asks::Nothing);
}

#[test]
fn rt_2_60_to_80_is_medium_and_means_engagement_campaigns() {
    check_band("medium", (60.0, 80.0), "engagement campaigns", Asks::Nothing);
}

#[test]
fn rt_3_40_to_60_is_low_and_means_re_engagement() {
    check_band("low", (40.0, 60.0), "re-engagement campaigns", Asks::Action);
}

#[test]
fn rt_4_below_40_is_at_risk_and_means_retention_campaigns() {
    check_band("at_risk", (0.0, 40.0), "retention campaigns", Asks::Action);
}

/// Engagement 80, usage 70 and value 50 on day 40.
fn vector() -> Story {
    let sent = |n: usize| json!({"message_id": format!("m-{n}")});
    Story::known()
        // Opens 0.3 of 0.5: 60 points; sessions 3 of 3: 100.
        .each([day(30); 10], "email_sent", sent)
        .each([day(31); 3], "email_opened", sent)
        .each([day(39); 3], "session_ended", |_| json!({"duration_s": 2400}))
        // Features 0.8: 100; hours 2: 100; documents 1 of 10: 10.
        .each([day(39); 8], "feature_used", |n| json!({"feature_id": format!("f-{n}")}))
        .on(day(39), "content_created", json!({"kind": "document"}))
        // ROI 100 of 200: 50.
        .on(day(39), "roi_reported", json!({"roi_pct": 100}))
}

#[test]
fn section_3_the_vector_of_80_70_60_50_is_70_and_72_5_without_satisfaction() {
    let nps = json!({"kind": "nps", "value": 6});
    let with = vector().on(day(39), "survey_response", nps);
    let seen = with.until(day(40));
    // 0.4 × 80 + 0.3 × 70 + 0.2 × 60 + 0.1 × 50
    assert_eq!(seen.score("retention"), "70 medium");
    assert_eq!(seen.cell("coverage_retention"), "1");
    let seen = vector().until(day(40));
    // (32 + 21 + 5) / 0.8
    assert_eq!(seen.score("retention"), "72.5 medium");
    assert_eq!(seen.cell("coverage_retention"), "0.8");
}

/// The points of `name` within the sub-score `of` on day 100, and the sub-score's.
fn input(story: &Story, of: &str, name: &str) -> (f64, f64) {
    let row = story.row(day(100));
    for part in &row.reasons[2] {
        if let Part::Subscore { subscore, value, inputs, .. } = part
            && subscore == of
        {
            let found = inputs.iter().find(|input| input.input == name);
            return (found.unwrap_or_else(|| panic!("{name} says nothing")).score, *value);
        }
    }
    panic!("no sub-score {of}")
}

/// One event makes input `name` of sub-score `of` give `points`.
fn check_input(of: &str, name: &str, kind: &str, rows: &[(Value, f64)]) {
    for (fields, points) in rows {
        let story = Story::known().on(day(99), kind, fields.clone());
        let (found, _) = input(&story, of, name);
        assert!((found - points).abs() < 1e-9, "{name} after {kind} {fields}: {found}");
    }
}

#[test]
fn a_21_satisfaction_and_value_are_read_between_their_anchors() {
    let answer = |kind: &str, value: f64| json!({"kind": kind, "value": value});
    let rows =
        [(answer("nps", 0.0), 0.0), (answer("nps", 6.0), 60.0), (answer("nps", 10.0), 100.0)];
    check_input("satisfaction", "nps", "survey_response", &rows);
    let rows =
        [(answer("csat", 1.0), 0.0), (answer("csat", 4.0), 75.0), (answer("csat", 5.0), 100.0)];
    check_input("satisfaction", "csat", "survey_response", &rows);
    let rows = [(answer("ces", 5.0), 0.0), (answer("ces", 2.0), 75.0), (answer("ces", 1.0), 100.0)];
    check_input("satisfaction", "ces", "survey_response", &rows);
    for channel in ["comment", "ticket", "review", "social", "call"] {
        let rows = [(json!({"channel": channel, "score": 0.25}), 25.0)];
        check_input("satisfaction", "sentiment", "sentiment_scored", &rows);
    }
    let roi = |value: f64| json!({"roi_pct": value});
    let rows = [(roi(-5.0), 0.0), (roi(50.0), 25.0), (roi(200.0), 100.0), (roi(500.0), 100.0)];
    check_input("value", "roi", "roi_reported", &rows);
    let kpi = |baseline: Value, value: f64| {
        json!({"kpi_name": "k", "kpi_role": "primary", "baseline": baseline, "value": value,
               "target": 20})
    };
    // (15 − 10) / (20 − 10); without a baseline from 0; downwards it works too.
    let rows = [
        (kpi(json!(10), 15.0), 50.0),
        (kpi(Value::Null, 15.0), 75.0),
        (kpi(json!(40), 30.0), 50.0),
        (kpi(json!(10), 5.0), 0.0),
        (kpi(json!(10), 25.0), 100.0),
    ];
    check_input("value", "kpi_attainment", "kpi_reported", &rows);
}

#[test]
fn a_21_only_the_latest_primary_kpi_and_roi_of_120_days_count() {
    let kpi = |role: &str, value: i64| json!({"kpi_role": role, "value": value, "target": 10});
    let story = Story::known()
        .on(day(90), "kpi_reported", kpi("primary", 5))
        .on(day(91), "kpi_reported", kpi("secondary", 9))
        .on(day(80), "kpi_reported", kpi("primary", 8))
        .on(day(90), "roi_reported", json!({"roi_pct": 10}));
    assert_eq!(story.measure(day(92), "kpi_attainment"), Some(0.5));
    assert_eq!(story.measure(day(210) - 1, "kpi_attainment"), Some(0.5));
    assert_eq!(story.measure(day(210), "kpi_attainment"), None);
    assert_eq!(story.measure(day(210) - 1, "roi"), Some(10.0));
    assert_eq!(story.measure(day(210), "roi"), None);
    let flat = json!({"kpi_role": "primary", "baseline": 10, "value": 12, "target": 10});
    let flat = Story::known().on(day(90), "kpi_reported", flat);
    assert_eq!(flat.measure(day(92), "kpi_attainment"), None);
}

#[test]
fn a_21_invoices_due_in_90_days_count_by_being_paid_on_time() {
    let issue = |id: &str, due: i64| json!({"invoice_id": id, "due_at": START + day(due)});
    let story = Story::known()
        .on(day(1), "invoice_issued", issue("on the day", 50))
        .on(day(1), "invoice_issued", issue("a millisecond late", 60))
        .on(day(1), "invoice_issued", issue("never", 70))
        .on(day(1), "invoice_issued", issue("not due yet", 101))
        .on(day(50), "payment_succeeded", json!({"invoice_id": "on the day"}))
        .on(day(60) + 1, "payment_succeeded", json!({"invoice_id": "a millisecond late"}));
    let early = Story::known().on(day(1), "invoice_issued", issue("early", 50));
    let early = early.on(day(2), "payment_succeeded", json!({"invoice_id": "early"}));
    assert_eq!(early.measure(day(50) - 1, "paid_on_time"), None);
    assert_eq!(early.measure(day(50), "paid_on_time"), Some(1.0));
    assert_eq!(story.measure(day(100), "paid_on_time"), Some(1.0 / 3.0));
    assert_eq!(story.measure(day(101), "paid_on_time"), Some(0.25));
    assert_eq!(story.measure(day(140), "paid_on_time"), Some(0.0));
    let (points, _) = input(&story, "value", "paid_on_time");
    assert!((points - 100.0 / 3.0).abs() < 1e-9);
}

#[test]
fn a_21_engagement_and_usage_are_read_between_their_anchors() {
    let check = |story: Story, of: &str, name: &str, wanted: f64| {
        let (found, _) = input(&story, of, name);
        assert!((found - wanted).abs() < 1e-9, "{name}: {found}, wanted {wanted}");
    };
    let known = Story::known;
    let message = |n: usize| json!({"message_id": format!("m-{n}")});
    for (n_opened, wanted) in [(0, 0.0), (1, 50.0), (2, 100.0), (4, 100.0)] {
        let story = known().each([day(95); 4], "email_sent", message).each(
            vec![day(96); n_opened],
            "email_opened",
            message,
        );
        check(story, "engagement", "open_rate", wanted);
    }
    for (n, wanted) in [(0, 0.0), (1, 100.0 / 3.0), (3, 100.0), (5, 100.0)] {
        let story = known().each(vec![day(99); n], "session_ended", |_| json!({"duration_s": 900}));
        check(story.clone(), "engagement", "sessions", wanted);
        check(story, "usage", "hours", [0.0, 12.5, 25.0, 37.5, 50.0, 62.5][n]);
    }
    // 30 logins in 76 days before, so many in 14.
    let before = known().each((0..38).map(|n| day(1 + n)), "login", |_| json!({}));
    let story = before.each((0..7).map(|n| day(87 + n)), "login", |_| json!({}));
    // (7 / 14) / (38 / 86) is above 1.
    check(story, "engagement", "login_ratio", 100.0);
    for (n_attended, wanted) in [(0, 0.0), (1, 50.0), (2, 100.0), (3, 100.0)] {
        let webinar = |n: usize| json!({"webinar_id": format!("w-{n}")});
        let story = known().each([day(95); 2], "webinar_invited", webinar).each(
            vec![day(96); n_attended],
            "webinar_attended",
            webinar,
        );
        check(story, "engagement", "webinar_ratio", wanted);
    }
    for (n, features, documents) in
        [(0, 0.0, 0.0), (2, 25.0, 20.0), (8, 100.0, 80.0), (10, 100.0, 100.0), (11, 100.0, 100.0)]
    {
        let feature = |n: usize| json!({"feature_id": format!("f-{n}")});
        let story = known().each(vec![day(95); n], "feature_used", feature).each(
            vec![day(95); n],
            "content_created",
            |_| json!({"kind": "document"}),
        );
        check(story.clone(), "usage", "feature_ratio", features);
        check(story, "usage", "documents", documents);
    }
    let other = known().on(day(95), "content_created", json!({"kind": "campaign"}));
    check(other, "usage", "documents", 0.0);
}

#[test]
fn a_22_below_half_of_the_weights_there_is_no_score() {
    let nps = json!({"kind": "nps", "value": 9});
    let story = Story::known().on(day(1), "survey_response", nps);
    let seen = story.until(day(7) - 1);
    assert_eq!(seen.score("retention"), "null insufficient_data");
    assert_eq!(seen.held("retention"), "");
    assert_eq!(seen.cell("coverage_retention"), "0.2");
    // Sessions and hours of seven days are 0: (0.4 × 0 + 0.3 × 0 + 0.2 × 90) / 0.9.
    let seen = story.until(day(7));
    assert_eq!(seen.score("retention"), "20 at_risk");
    assert_eq!(seen.cell("coverage_retention"), "0.9");
    assert_eq!(seen.rings("retention"), ["7d null>at_risk worse 20"]);
}

#[test]
fn a_22_a_coverage_of_exactly_half_is_enough() {
    let story = Story::known()
        .sources(&[("customer_created", None), ("login", None), ("roi_reported", None)])
        .each([day(8); 3], "login", |_| json!({}))
        .on(day(8), "roi_reported", json!({"roi_pct": 50}));
    // (0.4 × 100 + 0.1 × 25) / 0.5
    assert_eq!(story.end().score("retention"), "85 high");
    assert_eq!(story.end().cell("coverage_retention"), "0.5");
}

#[test]
fn a_22_a_null_score_keeps_its_band_in_silence() {
    let nps = json!({"kind": "nps", "value": 9});
    let story = Story::known()
        .on(day(1), "survey_response", nps)
        .on(day(8), "subscription_paused", json!({}))
        .on(day(20), "subscription_resumed", json!({}));
    let paused = Story::known()
        .on(day(1), "survey_response", json!({"kind": "nps", "value": 9}))
        .on(day(8), "subscription_paused", json!({}));
    let seen = paused.until(day(19));
    assert_eq!(seen.score("retention"), "null insufficient_data");
    assert_eq!(seen.held("retention"), "at_risk");
    // Back after the grace with the same band: nothing to say.
    let seen = story.until(day(27));
    assert_eq!(seen.score("retention"), "20 at_risk");
    assert_eq!(seen.rings("retention"), ["7d null>at_risk worse 20"]);
}

#[test]
fn a_35_the_trend_is_against_the_score_as_last_judged_before_that_midnight() {
    let story = Story::known()
        .set(HOUR, "retention", 90.0)
        .set(day(10), "retention", 80.0)
        .set(day(10) + HOUR, "retention", 70.0)
        .set(day(31), "retention", 55.5);
    let trend = |at: i64| story.row(at).trends[2];
    // Before the first midnight there is nothing to compare with.
    let early = Story::known().set(HOUR, "retention", 90.0);
    assert_eq!(early.row(day(7)).trends[2], (None, None));
    assert_eq!(early.row(day(8) - 1).trends[2], (None, None));
    assert_eq!(early.row(day(8)).trends[2], (Some(0.0), None));
    // On day 33 the midnight of day 26: 70. On day 31 that of day 1: 90.
    assert_eq!(trend(day(33)), (Some(-14.5), Some(-34.5)));
    // The value that came at the very midnight of day 10 counts from the next one.
    let until = |at: i64| {
        let story = Story::known().set(HOUR, "retention", 90.0).set(day(10), "retention", 80.0);
        story.row(at).trends[2].0
    };
    assert_eq!(until(day(17) + HOUR), Some(-10.0));
    assert_eq!(until(day(18) - 1), Some(-10.0));
    assert_eq!(until(day(18)), Some(0.0));
}
