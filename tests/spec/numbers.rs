//! Numbers: how they are rounded, shared out, explained and shown, and what bounds them.
//!
//! Source  readings.

use serde_json::json;

use ebb::record::alert::Part;
use ebb::record::{Decoded, decode};
use ebb::state::rules::Publish;
use ebb::state::{Arrival, Engine, Output};
use ebb::unit::Points;
use ebb::window::history::Precision;

use super::recipes::{THEN, only};
use super::scenario::{Story, day};

#[test]
fn a_08_a_signal_that_is_not_available_still_counts_among_the_others() {
    // On the first day nothing is known but the two answers: 80 + 20 × 2 / 26.
    let story = Story::new().on(0, "survey_response", json!({"kind": "nps", "value": 6})).on(
        0,
        "survey_response",
        json!({"kind": "ces", "value": 4}),
    );
    let seen = story.end();
    assert_eq!(seen.score("risk_cs"), "81.538461538 high");
    assert_eq!(seen.cell("coverage_risk_cs"), (5.0 / 29.0).to_string());
    // 50 + 30 × 0 / 27: the band is that of the worst level.
    let one = Story::new().on(0, "survey_response", json!({"kind": "ces", "value": 4}));
    assert_eq!(one.end().score("risk_cs"), "50 medium");
}

#[test]
fn a_08_risk_and_risk_cs_need_no_coverage() {
    let seen = Story::new().sources(&[("login", None)]).on(0, "login", json!({})).end();
    assert_eq!(seen.score("risk"), "0 low");
    assert_eq!(seen.score("risk_cs"), "0 none");
    assert_eq!(seen.cell("coverage_risk"), "0");
    assert_eq!(seen.cell("coverage_risk_cs"), "0");
}

#[test]
fn a_17_a_measure_is_one_division_of_whole_numbers() {
    let mean = |scores: &[f64]| {
        let story = Story::known().each(
            vec![day(1); scores.len()],
            "sentiment_scored",
            |n| json!({"channel": "call", "score": scores[n]}),
        );
        story.end().cell("r3_s2_value").to_owned()
    };
    // 0.1 + 0.2 is not 0.3 in binary; as millionths it is.
    assert_eq!(mean(&[0.1, 0.2]), "0.15");
    assert_eq!(mean(&[0.1, 0.7, 0.1]), "0.3");
    assert_eq!(mean(&[0.3, 0.3, 0.4]), "0.3333333333333333");
    assert_eq!(mean(&[0.4, 0.3, 0.3]), "0.3333333333333333");
    let hours = Story::known().each([day(6); 3], "session_ended", |_| json!({"duration_s": 0.1}));
    // 300 000 millionths of a second of 3 600 000 000: 1 / 12 000.
    assert_eq!(hours.until(day(7)).cell("r4_u2_value"), (1.0 / 12_000.0).to_string());
}

#[test]
fn a_17_numbers_are_rounded_to_millionths_on_arrival_and_sentiments_after_scaling() {
    let check = |score: f64, scale: (f64, f64), wanted: &str| {
        let fields = json!({
            "channel": "call", "score": score, "scale_min": scale.0, "scale_max": scale.1,
        });
        let seen = Story::known().on(day(1), "sentiment_scored", fields).end();
        assert_eq!(seen.signal("R3-S2"), wanted, "{score} on {scale:?}");
    };
    check(0.2999994, (0.0, 1.0), "active 0.299999");
    // Halves away from zero.
    check(0.2999995, (0.0, 1.0), "clear 0.3");
    check(0.29999949, (0.0, 1.0), "active 0.299999");
    // A third is rounded; (1 - 0.400001) / 2 = 0.2999995 is too, and is not negative any more.
    check(1.0, (0.0, 3.0), "clear 0.333333");
    check(-0.400001, (-1.0, 1.0), "clear 0.3");
    check(-0.400002, (-1.0, 1.0), "active 0.299999");
    // On arrival it becomes -0.400001, and then 0.3.
    check(-0.4000005, (-1.0, 1.0), "clear 0.3");
}

#[test]
fn a_17_scores_are_rounded_to_the_billionth_before_they_are_banded() {
    // 80 + 20 × 2 / 26 = 81.538461538461…
    assert_eq!(only(&["R4-S1", "R4-S3"]).until(THEN).cell("risk_cs"), "81.538461538");
    // One session of three: 33.333333333; (0.4 × 33.333333333 + 0.3 × 0) / 0.7.
    let story = Story::known().on(day(6), "session_ended", json!({"duration_s": 0}));
    assert_eq!(story.until(day(7)).cell("retention"), "19.047619047");
}

#[test]
fn a_42_people_see_a_tenth_rounded_down_and_machines_the_full_number() {
    let shown = |value: f64| Points::new(value).to_string();
    assert_eq!(shown(79.999), "79.9");
    assert_eq!(shown(53.333333333), "53.3");
    assert_eq!(shown(0.0999), "0.0");
    assert_eq!(shown(100.0), "100.0");
    let seen = Story::known().set(day(1), "risk", 79.999).end();
    assert_eq!(seen.cell("risk"), "79.999");
    assert_eq!(seen.rings("risk"), ["1d low>high worse 79.999"]);
}

/// The coverage of risk in points of 170 and of risk_cs in points of 29 on a day.
fn check_coverage(story: &Story, at: i64, risk: f64, risk_cs: f64) {
    let seen = story.until(at);
    assert_eq!(seen.cell("coverage_risk"), (risk / 170.0).to_string(), "risk at {at}");
    assert_eq!(seen.cell("coverage_risk_cs"), (risk_cs / 29.0).to_string(), "risk_cs at {at}");
}

#[test]
fn a_47_coverage_is_what_is_available_of_all_points() {
    let story = Story::known();
    // B3 10, B4 15 and C5 10 speak from the first day on, zero or not.
    check_coverage(&story, 0, 35.0, 0.0);
    // U1 3, U2 2, I1 3 after a week; B2 20 and U3 3 after 30 days; I3 3, B2 2, B3 1 after 90.
    check_coverage(&story, day(7), 35.0, 8.0);
    check_coverage(&story, day(30), 55.0, 11.0);
    check_coverage(&story, day(90), 55.0, 17.0);
    // S3 5, C1 10, C2 10, C3 5, C4 15 with consent.
    check_coverage(&story.clone().consenting(), 0, 80.0, 0.0);
    // Answers: S1 15 and S1 3; S4 10, and for csat S2 3; S3 2.
    let answer = |kind: &str| json!({"kind": kind, "value": 5});
    check_coverage(&Story::known().on(0, "survey_response", answer("nps")), 0, 50.0, 3.0);
    check_coverage(&Story::known().on(0, "survey_response", answer("csat")), 0, 45.0, 3.0);
    check_coverage(&Story::known().on(0, "survey_response", answer("ces")), 0, 35.0, 2.0);
    let everything = only(&["R3-B1", "R3-B5", "R3-S1", "R3-S2", "R3-S4", "R3-S5"]);
    assert_eq!(everything.until(THEN).cell("coverage_risk"), "1");
}

#[test]
fn a_47_retention_counts_the_weights_of_its_sub_scores() {
    let check = |story: &Story, at: i64, wanted: &str| {
        assert_eq!(story.until(at).cell("coverage_retention"), wanted, "at {at}");
    };
    let story = Story::known();
    check(&story, 0, "0");
    check(&story, day(7), "0.7");
    let nps = json!({"kind": "nps", "value": 5});
    check(&story.clone().on(0, "survey_response", nps), day(7), "0.9");
    check(&story.on(0, "roi_reported", json!({"roi_pct": 5})), day(7), "0.8");
}

/// `B2 20`, `cap -5`, `floor 30`: the parts of a score with their points.
fn parts(story: &Story, score: usize) -> Vec<String> {
    let row = story.row(THEN);
    let name = |part: &Part| match part {
        Part::Signal { signal, .. } => signal.clone(),
        Part::Cap { cap, .. } => format!("cap {cap}"),
        Part::Floor { floor, .. } => format!("floor {floor}"),
        Part::Override { by, .. } => format!("override by {by}"),
        Part::Subscore { subscore, .. } => subscore.clone(),
    };
    let value = row.scores.scores[score].value.expect("a score").get();
    let sum: f64 = row.reasons[score].iter().map(Part::points).sum();
    assert!((sum - value).abs() < 1e-9, "{:?} add up to {sum}, not {value}", row.reasons[score]);
    row.reasons[score].iter().map(|part| format!("{} {:.3}", name(part), part.points())).collect()
}

#[test]
fn a_48_the_parts_of_risk_stand_in_model_order_with_caps_and_one_floor() {
    assert_eq!(parts(&only(&[]), 0), &[] as &[String]);
    assert_eq!(parts(&only(&["R3-B1"]), 0), ["R3-B1 15.000"]);
    let wanted = ["R3-B2 20.000", "R3-S1 15.000", "floor count 5.000"];
    assert_eq!(parts(&only(&["R3-S1", "R3-B2"]), 0), wanted);
    let wanted = ["R3-B2 20.000", "R3-S1 15.000", "floor RF-3 40.000"];
    assert_eq!(parts(&only(&["NPS 4", "R3-B2"]), 0), wanted);
    let wanted = [
        "R3-C2 10.000",
        "R3-C4 15.000",
        "R3-C5 10.000",
        "cap competition -5.000",
        "floor RF-1 60.000",
    ];
    assert_eq!(parts(&only(&["R3-C4", "R3-C2", "R3-C5"]), 0), wanted);
    let wanted = [
        "R3-B2 20.000",
        "R3-B4 15.000",
        "R3-B5 10.000",
        "cap behaviour -5.000",
        "floor count 30.000",
    ];
    assert_eq!(parts(&only(&["R3-B2", "R3-B4", "R3-B5"]), 0), wanted);
}

#[test]
fn a_48_where_two_floors_are_equal_the_count_is_told() {
    let story = only(&["R3-C5", "R3-C2", "R3-B2"]).model("floor = 80", "floor = 70");
    let wanted = ["R3-B2 20.000", "R3-C2 10.000", "R3-C5 10.000", "floor count 30.000"];
    assert_eq!(parts(&story, 0), wanted);
}

#[test]
fn a_48_the_worst_signal_stands_first_in_risk_cs() {
    // 20 × 2 / 26 and 20 × 1 / 26
    let story = only(&["R4-U2", "R4-S1", "R4-S2", "R4-B3"]);
    let wanted = ["R4-S1 80.000", "R4-U2 1.538", "R4-S2 2.308", "R4-B3 0.769"];
    assert_eq!(parts(&story, 1), wanted);
}

#[test]
fn a_48_an_override_stands_last_with_what_it_adds_or_takes_away() {
    let set = |value: f64| {
        let order = json!({"value": value, "by": "ana", "reason": "called"});
        only(&["R3-B1"]).on(THEN, "score_override", order)
    };
    assert_eq!(parts(&set(75.0), 0), ["R3-B1 15.000", "override by ana 60.000"]);
    assert_eq!(parts(&set(5.0), 0), ["R3-B1 15.000", "override by ana -10.000"]);
    let seen = set(75.0).end();
    let reasons = &seen.alerts_of("risk").last().expect("it rang")["reasons"];
    assert_eq!(reasons[0]["threshold"], 0.5);
    assert_eq!(reasons[1]["reason"], "called");
}

#[test]
fn a_48_retention_is_told_by_sub_scores_with_their_inputs() {
    let nps = json!({"kind": "nps", "value": 6});
    let story = Story::known()
        .each([THEN - 1; 3], "session_ended", |_| json!({"duration_s": 1200}))
        .on(THEN - 1, "survey_response", nps);
    // Sessions 100; features 0, hours 50, documents 0; nps 60: over 0.9.
    let wanted = ["engagement 44.444", "usage 5.556", "satisfaction 13.333"];
    assert_eq!(parts(&story, 2), wanted);
    let Part::Subscore { inputs, weight, .. } = &story.row(THEN).reasons[2][1] else {
        panic!("a sub-score")
    };
    let told: Vec<(&str, f64)> = inputs.iter().map(|i| (i.input.as_str(), i.score)).collect();
    assert_eq!(told, [("feature_ratio", 0.0), ("hours", 50.0), ("documents", 0.0)]);
    assert!((weight - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn a_54_a_signal_that_is_not_available_never_counts_towards_the_floor() {
    let story = Story::known()
        .on(day(1), "competitor_trial", json!({}))
        .on(day(1), "competitor_visit", json!({}))
        .on(day(1), "contract_reviewed", json!({}));
    assert_eq!(story.end().score("risk"), "10 low");
    assert_eq!(story.clone().consenting().end().score("risk"), "40 medium");
    // A pause makes B2 say nothing.
    let idle = Story::known().on(day(1), "contract_reviewed", json!({}));
    assert_eq!(idle.until(day(31)).score("risk"), "40 medium");
    let paused = idle.on(day(31), "subscription_paused", json!({}));
    assert_eq!(paused.end().score("risk"), "10 low");
}

#[test]
fn a_54_the_bound_on_exact_events_is_of_one_customer_and_type() {
    let check = |n_calls: usize, n_logins: usize, wanted: Precision| {
        let story = Story::known()
            .each(
                vec![day(1); n_calls],
                "sentiment_scored",
                |_| json!({"channel": "call", "score": 0.5}),
            )
            .each(vec![day(1); n_logins], "login", |_| json!({}));
        let mut rules = story.rules();
        rules.exact_events_max = 4;
        let mut engine = Engine::new(rules, 1);
        apply(&mut engine, &story);
        let (_, customer) = engine.find("c").expect("the customer is known");
        assert_eq!(customer.history.precision(), wanted, "{n_calls} and {n_logins}");
    };
    check(4, 4, Precision::Exact);
    check(5, 0, Precision::Approximate);
    check(0, 5, Precision::Approximate);
}

fn apply(engine: &mut Engine, story: &Story) -> Vec<Output> {
    let mut outputs = Vec::new();
    for line in story.lines() {
        let Ok(Decoded::Event(event)) = decode(line.as_bytes()) else { panic!("{line}") };
        outputs.extend(engine.apply(&[Arrival::plain(event)]).outputs);
    }
    outputs
}

/// The values of `risk` that go out when it is set to `values` and small changes are kept.
fn check_published(values: &[f64], wanted: &[f64]) {
    let story =
        (1..).zip(values).fold(Story::new(), |story, (n, value)| story.set(day(n), "risk", *value));
    let mut rules = story.rules();
    rules.publish = Publish::Changes { min_change: 1.0 };
    let outputs = apply(&mut Engine::new(rules, 1), &story);
    let risk = |output: &Output| match output {
        Output::Scores(record, _) => record.scores[0].value.map(Points::get),
        Output::Alert(..) | Output::Erased(_) => None,
    };
    let found: Vec<f64> = outputs.iter().filter_map(risk).collect();
    assert_eq!(found, wanted, "{values:?}");
}

#[test]
fn a_54_small_changes_are_measured_from_the_score_last_published() {
    check_published(&[10.0, 10.5, 10.999], &[10.0]);
    check_published(&[10.0, 10.5, 11.0], &[10.0, 11.0]);
    check_published(&[10.0, 10.6, 11.2, 11.8], &[10.0, 11.2]);
    // A band goes out however small its step.
    check_published(&[39.9, 40.0], &[39.9, 40.0]);
}
