//! How scores move and are moved: overrides, two bands, forecasts, dwell, fading, drops.
//!
//! Source  readings.

use serde_json::{Value, json};

use crate::played::DAY;

use super::scenario::{HOUR, START, Story, clock, day};

/// What `risk` reads at `at` after `orders`, each with its time and fields.
fn check_override(orders: &[(i64, Value)], at: i64, wanted: &str) {
    let story = orders
        .iter()
        .fold(Story::known(), |story, (at, fields)| story.on(*at, "score_override", fields.clone()))
        .on(0, "contract_reviewed", json!({}));
    assert_eq!(story.until(at).score("risk"), wanted, "{orders:?} at {at}");
}

#[test]
fn a_25_an_override_holds_from_its_time_until_its_end() {
    let until = [(day(1), json!({"value": 75, "until": START + day(5)}))];
    let ttl = [(day(1), json!({"value": 75, "ttl_ms": day(4), "score": "risk"}))];
    for orders in [until, ttl] {
        check_override(&orders, day(1), "75 high");
        check_override(&orders, day(5) - 1, "75 high");
        check_override(&orders, day(5), "10 low");
    }
    check_override(&[(day(1), json!({"value": 75}))], day(3000), "75 high");
    let expired = [(day(5), json!({"value": 75, "until": START + day(5)}))];
    check_override(&expired, day(5), "10 low");
}

#[test]
fn a_25_the_newest_override_by_event_time_wins_and_null_clears() {
    let value = |value: i64| json!({"value": value});
    check_override(&[(day(1), value(75)), (day(2), value(50))], day(3), "50 medium");
    check_override(&[(day(2), value(50)), (day(1), value(75))], day(3), "50 medium");
    check_override(&[(day(2), value(50)), (day(2), value(75))], day(3), "75 high");
    check_override(&[(day(1), value(75)), (day(2), json!({"value": null}))], day(3), "10 low");
    // When the newest is over, no older one comes back.
    let brief = json!({"value": 50, "ttl_ms": day(1)});
    check_override(&[(day(1), value(75)), (day(2), brief)], day(3), "10 low");
}

#[test]
fn a_25_an_override_is_of_one_score_and_stands_above_floors_and_missing_coverage() {
    let story = Story::known().consenting();
    let story =
        story.on(day(1), "competitor_trial", json!({})).on(day(1), "competitor_search", json!({}));
    let low = story.clone().set(day(2), "risk", 5.0).end();
    assert_eq!(low.score("risk"), "5 low");
    assert_eq!(low.score("risk_cs"), "0 none");
    assert_eq!(low.rings("risk"), ["1d low>high worse 90", "2d high>low better 5"]);
    let kept = story.set(day(2), "retention", 64.0).end();
    assert_eq!(kept.score("retention"), "64 medium");
    assert_eq!(kept.cell("coverage_retention"), "0");
    let nobody = Story::known().set(day(2), "happiness", 64.0).end();
    assert_eq!(nobody.score("risk"), "0 low");
}

#[test]
fn a_26_a_row_shows_the_band_of_its_number_and_the_band_held() {
    let seen = Story::known().set(day(1), "risk", 75.0).set(day(2), "risk", 66.0).end();
    assert_eq!(seen.score("risk"), "66 medium");
    assert_eq!(seen.held("risk"), "high");
    // What rings are moves of the held band.
    let seen = Story::known()
        .set(day(1), "risk", 75.0)
        .set(day(2), "risk", 66.0)
        .set(day(3), "risk", 20.0)
        .end();
    assert_eq!(seen.rings("risk")[1], "3d high>low better 20");
    // 66 until day 9, then 0: the forecast tells of the held band.
    let until = json!({"value": 66, "until": START + day(9)});
    let story = Story::known()
        .on(0, "subscription_paused", json!({}))
        .set(day(1), "risk", 75.0)
        .on(day(2), "score_override", until);
    assert_eq!(next(&story), "9d risk low");
    assert_eq!(story.end().held("risk"), "high");
}

/// The forecast after the last event: `7d risk_cs high`, or nothing.
fn next(story: &Story) -> String {
    let seen = story.end();
    let at = seen.cell("next_band_at");
    let (score, band) = (seen.cell("next_band_score"), seen.cell("next_band"));
    if at.is_empty() {
        assert_eq!((score, band), ("", ""));
        return String::new();
    }
    format!("{} {score} {band}", clock(at))
}

#[test]
fn a_36_the_forecast_is_what_happens_if_nothing_does() {
    let story = Story::known().on(day(1) + HOUR, "login", json!({}));
    assert_eq!(next(&story), "7d risk_cs high");
    assert_eq!(story.until(day(9)).rings("risk_cs")[0].split(' ').next(), Some("7d"));
    // Once that has come, what comes then: on day 30 the features, on day 44 the logins.
    let later = story.on(day(8), "tick", json!({}));
    assert_eq!(next(&later), "44d risk medium");
}

#[test]
fn a_36_of_scores_that_change_at_one_instant_the_first_is_told() {
    // On day 7 both risk_cs, from none to high, and retention, from null to at_risk.
    let story = Story::known();
    assert_eq!(next(&story), "7d risk_cs high");
    assert_eq!(story.until(day(7)).held("retention"), "at_risk");
    // With risk_cs high for another reason, retention comes from null.
    let nps = json!({"kind": "nps", "value": 2});
    let story = story.on(day(1), "survey_response", nps);
    assert_eq!(next(&story), "7d retention at_risk");
}

#[test]
fn a_36_the_forecast_looks_120_days_ahead_and_knows_what_expires() {
    let paused = |until: i64| {
        let order = json!({"value": 75, "until": START + until});
        Story::new().on(0, "subscription_paused", json!({})).on(0, "score_override", order)
    };
    assert_eq!(next(&paused(day(50))), "50d risk low");
    assert_eq!(next(&paused(day(120))), "120d risk low");
    assert_eq!(next(&paused(day(120) + 1)), "");
    // A contract review is forgotten after 60 days, an answer after 120: 40, then 15.
    let story = Story::new()
        .on(0, "subscription_paused", json!({}))
        .on(0, "survey_response", json!({"kind": "nps", "value": 6}))
        .on(0, "contract_reviewed", json!({}));
    assert_eq!(next(&story), "60d risk low");
    // A cancellation to come ends it all; null is no band.
    let gone = json!({"effective_at": START + day(3)});
    assert_eq!(next(&Story::known().on(0, "subscription_cancelled", gone)), "");
}

#[test]
fn a_36_the_forecast_overlooks_dwell() {
    let story = Story::known().options(|options| options.tuning[1].dwell = 3 * DAY).on(
        day(1),
        "login",
        json!({}),
    );
    assert_eq!(next(&story), "7d risk_cs high");
    assert_eq!(story.until(day(10) - 1).rings("risk_cs").len(), 0);
    assert_eq!(story.until(day(10)).rings("risk_cs").len(), 1);
}

/// A paused customer with two signals on day 1: a review for 60 days and an answer for 120.
fn two_signals() -> Story {
    Story::new()
        .on(0, "subscription_paused", json!({}))
        .on(day(1), "contract_reviewed", json!({}))
        .on(day(1), "survey_response", json!({"kind": "nps", "value": 6}))
}

#[test]
fn a_50_a_band_that_improves_by_time_alone_has_faded_and_by_an_event_is_better() {
    let worse = "1d low>medium worse 40";
    let faded = two_signals().until(day(61));
    assert_eq!(faded.rings("risk"), [worse, "61d medium>low faded 15"]);
    let good = json!({"kind": "nps", "value": 9});
    let better = two_signals().on(day(20), "survey_response", good).end();
    assert_eq!(better.rings("risk"), [worse, "20d medium>low better 10"]);
    // Both close the alert.
    let story = two_signals().on(day(61), "tick", json!({}));
    let again = story.set(day(70), "risk", 50.0).set(day(71), "risk", 10.0).end();
    let alerts = again.alerts_of("risk");
    assert_eq!(alerts[2]["open_since"], Value::Null);
    assert_eq!(alerts[3]["open_since"], "2025-03-12T00:00:00Z");
}

#[test]
fn a_50_with_dwell_the_direction_follows_what_moved_the_score() {
    let dwelling = || two_signals().options(|options| options.tuning[0].dwell = DAY);
    let good = json!({"kind": "nps", "value": 9});
    let better = dwelling().on(day(20), "survey_response", good).until(day(22));
    assert_eq!(better.rings("risk"), ["2d low>medium worse 40", "21d medium>low better 10"]);
    assert_eq!(better.alerts_of("risk")[1]["cause"]["type"], "timer");
    let faded = dwelling().until(day(63));
    assert_eq!(faded.rings("risk"), ["2d low>medium worse 40", "62d medium>low faded 15"]);
}

/// Risk with a dwell of two days, set to each value at its day; what has rung by day 20.
fn check_dwell(values: &[(i64, f64)], wanted: &[&str]) {
    let story = Story::known().options(|options| options.tuning[0].dwell = 2 * DAY);
    let story = values.iter().fold(story, |story, (n, value)| story.set(day(*n), "risk", *value));
    assert_eq!(story.until(day(20)).rings("risk"), wanted, "{values:?}");
}

#[test]
fn a_51_a_move_rings_when_it_has_held_with_the_score_of_then() {
    check_dwell(&[(5, 50.0)], &["7d low>medium worse 50"]);
    check_dwell(&[(5, 50.0), (6, 60.0)], &["7d low>medium worse 60"]);
    // The old band cancels the move, another target starts anew.
    check_dwell(&[(5, 50.0), (6, 10.0)], &[]);
    check_dwell(&[(5, 50.0), (6, 10.0), (7, 50.0)], &["9d low>medium worse 50"]);
    check_dwell(&[(5, 50.0), (6, 75.0)], &["8d low>high worse 75"]);
    // In both directions.
    let wanted = ["7d low>high worse 75", "12d high>low better 10"];
    check_dwell(&[(5, 75.0), (10, 10.0)], &wanted);
    let story = Story::known().options(|options| options.tuning[0].dwell = 2 * DAY);
    let story = story.set(day(5), "risk", 50.0);
    assert_eq!(story.until(day(7) - 1).held("risk"), "low");
    assert_eq!(story.until(day(7)).held("risk"), "medium");
}

/// Retention set to each value at its instant rings these drops.
fn check_drops(values: &[(i64, f64)], wanted: &[&str]) {
    let story = values
        .iter()
        .fold(Story::known(), |story, (at, value)| story.set(*at, "retention", *value));
    assert_eq!(story.until(day(60)).drops(), wanted, "{values:?}");
}

#[test]
fn a_53_a_loss_of_20_points_in_7_days_rings() {
    let start = (HOUR, 90.0);
    check_drops(&[start, (day(10), 70.0)], &["10d null>null worse -20"]);
    check_drops(&[start, (day(10), 70.000001)], &[]);
    check_drops(&[start, (day(10), 50.0)], &["10d null>null worse -40"]);
    // In steps too: what counts is where it stood a week ago.
    check_drops(&[start, (day(10), 80.0), (day(14), 69.0)], &["14d null>null worse -21"]);
    // Too slow: on day 20 the score of a week ago is 80.
    check_drops(&[start, (day(10), 80.0), (day(20), 69.0)], &[]);
    // Nothing to compare with.
    check_drops(&[start, (day(6), 10.0)], &[]);
    let seen = Story::known().set(HOUR, "retention", 90.0).set(day(10), "retention", 30.0).end();
    let kinds: Vec<&Value> = seen
        .alerts()
        .iter()
        .skip_while(|a| a["rule"] != "retention")
        .map(|alert| &alert["kind"])
        .collect();
    assert_eq!(kinds, ["band", "drop"]);
    assert_eq!(seen.alerts_of("retention")[1]["score"], "retention");
}

#[test]
fn a_53_a_drop_rings_again_only_after_it_was_armed_again() {
    let first = "10d null>null worse -20";
    // On every midnight until day 18 the loss of a week is 20 or more: not armed.
    let falling = [(HOUR, 90.0), (day(10), 70.0), (day(16), 45.0), (day(18) + HOUR, 44.0)];
    check_drops(&falling, &[first]);
    // The same a day later: at the midnight of day 18 the week before day 10 is forgotten.
    let steady = [(HOUR, 90.0), (day(10), 70.0), (day(18) + HOUR, 44.0)];
    check_drops(&steady, &[first, "18d+1h null>null worse -26"]);
    // A recovery arms it at its judging.
    let back = [(HOUR, 90.0), (day(10), 70.0), (day(11), 76.0), (day(17), 60.0)];
    check_drops(&back, &[first, "17d null>null worse -30"]);
}

#[test]
fn a_53_a_drop_is_kept_back_for_seven_days_and_armed_by_a_return() {
    let first = "10d null>null worse -20";
    let again = |at: i64| [(HOUR, 90.0), (day(10), 70.0), (day(11), 90.0), (at, 60.0)];
    check_drops(&again(day(17) - 1), &[first]);
    check_drops(&again(day(17)), &[first, "17d null>null worse -30"]);
    // From day 10 to 17 the loss of a week is never less than 16, so only a return arms.
    let story = |returned: bool| {
        let story = Story::known().set(HOUR, "retention", 90.0).set(day(10), "retention", 70.0);
        let story =
            if returned { story.on(day(12), "subscription_cancelled", json!({})) } else { story };
        let story = story
            .set(day(12) + HOUR, "retention", 74.0)
            .on(day(13), "subscription_reactivated", json!({}))
            .set(day(17) + HOUR, "retention", 44.0);
        story.end().drops()
    };
    assert_eq!(story(false), [first]);
    assert_eq!(story(true), [first, "17d+1h null>null worse -46"]);
}
