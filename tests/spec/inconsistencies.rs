//! Where the source documents contradict each other, and what was decided.
//!
//! Source  I-1 to I-34 of the specification, those that touch signals, scores and alerts.

use serde_json::json;

use ebb::unit::Span;

use super::recipes::{THEN, only, only_of_all};
use super::scenario::{Story, day};

/// `active` give the score `wanted` in the default model with `from` replaced by `to`.
fn check_option(change: (&str, &str), active: &[&str], score: &str, wanted: &str) {
    let story = only(active).model(change.0, change.1);
    assert_eq!(story.until(THEN).cell(score), wanted, "{active:?} under {}", change.1);
}

const NORMALISED: (&str, &str) = ("combine = \"capped_sum\"", "combine = \"normalised\"");

#[test]
fn i_1_by_default_points_are_added_and_capped_and_the_option_shares_the_caps() {
    let rows = [
        // 40 × points / 70
        ("R3-B1", "15", "8.571428571"),
        ("R3-B2", "20", "11.428571429"),
        ("R3-B3", "10", "5.714285714"),
        ("R3-B4", "15", "8.571428571"),
        ("R3-B5", "10", "5.714285714"),
        // 30 × points / 50
        ("R3-S1", "15", "9"),
        ("R3-S2", "10", "6"),
        ("R3-S3", "5", "3"),
        ("R3-S4", "10", "6"),
        ("R3-S5", "10", "6"),
        ("R3-C1", "10", "6"),
        ("R3-C2", "10", "6"),
        ("R3-C3", "5", "3"),
        ("R3-C4", "15", "9"),
        ("R3-C5", "10", "6"),
    ];
    for (id, capped, normalised) in rows {
        assert_eq!(only(&[id]).until(THEN).cell("risk"), capped, "{id}");
        let seen = only_of_all(&[id]).model(NORMALISED.0, NORMALISED.1).until(THEN);
        assert_eq!((seen.cell("risk"), seen.cell("coverage_risk")), (normalised, "1"), "{id}");
    }
}

/// DESIGN §4: what is not available leaves the denominator where there is one.
#[test]
fn i_1_a_normalised_cap_is_shared_among_what_is_available() {
    let no_floors = ("count_floor = [0, 0, 40, 70]", "count_floor = [0]");
    let message = json!({"message_id": "opened"});
    let overdue = super::scenario::START + day(100);
    // 20, 10 and 15 of 60 points are active, R3-B1 is clear and R3-B5 says nothing.
    let story = Story::known()
        .on(day(110), "email_sent", message.clone())
        .on(day(111), "email_opened", message)
        .on(day(115), "feature_used", json!({"feature_id": "f"}))
        .each([day(115); 4], "ticket_opened", |n| json!({"ticket_id": format!("t-{n}")}))
        .on(day(115), "invoice_issued", json!({"invoice_id": "i", "due_at": overdue}))
        .model(no_floors.0, no_floors.1)
        .model(NORMALISED.0, NORMALISED.1);
    let before = story.until(day(120));
    assert_eq!((before.signal("R3-B1"), before.score("risk")), ("clear 1".into(), "30 low".into()));
    // The only mail leaves the window: of 45 points all are active, by time alone.
    let later = story.until(day(130));
    assert_eq!((later.signal("R3-B1"), later.score("risk")), ("n/a".into(), "40 medium".into()));
    assert_eq!(later.rings("risk"), ["124d low>medium worse 40"]);
}

#[test]
fn pv_1_a_normalised_cap_is_not_shared_with_what_needs_a_consent() {
    let normalised = |story: Story| story.model(NORMALISED.0, NORMALISED.1);
    let reviews = |story: Story| normalised(story).on(day(1), "contract_reviewed", json!({})).end();
    // R3-C5 has 10 of 50 points with consent to be watched, and 10 of 10 without.
    assert_eq!(reviews(Story::known().consenting()).cell("risk"), "6");
    assert_eq!(reviews(Story::known()).cell("risk"), "30");
}

#[test]
fn i_2_of_weights_count_and_red_flags_the_largest_counts_and_an_override_above_all() {
    let use_nps_trial = ["R3-B2", "R3-S1", "R3-C4"];
    // Weighted 20 + 15 + 15, three signals: 70.
    assert_eq!(only(&use_nps_trial).until(THEN).score("risk"), "70 high");
    let no_floors = ("count_floor = [0, 0, 40, 70]", "count_floor = [0]");
    check_option(no_floors, &use_nps_trial, "risk", "50");
    let story = only_of_all(&use_nps_trial)
        .model(no_floors.0, no_floors.1)
        .model(NORMALISED.0, NORMALISED.1);
    // 11.428571429 + 9 + 9
    assert_eq!(story.until(THEN).cell("risk"), "29.428571429");
    // A red flag above the count, and more weight than either.
    assert_eq!(only(&["R3-C2", "R3-C4"]).until(THEN).score("risk"), "90 high");
    let much = ["R3-B1", "R3-B2", "R3-B4", "R3-S1", "R3-S2", "R3-S4", "R3-C1", "R3-C3"];
    // 40 of 50, 30 of 35, 15: above the floor of 70.
    assert_eq!(only(&much).until(THEN).score("risk"), "85 high");
    let set = only(&much).set(THEN, "risk", 12.5);
    assert_eq!(set.end().score("risk"), "12.5 low");
}

#[test]
fn i_3_the_other_ways_to_make_one_number_of_levels_are_options() {
    let absent = ["R4-B1", "R4-B2", "R4-B3"];
    assert_eq!(only(&absent).until(THEN).cell("risk_cs"), "53.333333333");
    // 1 − 0.5 × 0.5 × 0.8: no webinar, no download, no community would mean a phone call.
    let noisy = ("combine = \"severity_max\"", "combine = \"noisy_or\"");
    check_option(noisy, &absent, "risk_cs", "80");
    check_option(noisy, &["R4-B3"], "risk_cs", "20");
    // 50 + 50 + 20, at most 100.
    let sum = ("combine = \"severity_max\"", "combine = \"sum_capped\"");
    check_option(sum, &absent, "risk_cs", "100");
    check_option(sum, &["R4-B1", "R4-B3"], "risk_cs", "70");
}

#[test]
fn i_6_many_tickets_and_no_word_at_all_are_two_signals() {
    let many = only(&["R3-B3"]).until(THEN);
    assert!(many.signal("R3-B3").starts_with("active"));
    assert!(many.signal("R4-I3").starts_with("clear"));
    // Silence alone is no sign; beside low use it is.
    let silent = only(&["R4-I3"]).until(THEN);
    assert_eq!(silent.signal("R4-I3"), "clear 0");
    assert_eq!(silent.signal("R3-B3"), "clear 0");
    let low = only(&["R4-I3", "R4-U3"]).until(THEN);
    assert_eq!(low.signal("R4-I3"), "active 0");
}

#[test]
fn a_09_without_the_low_use_beside_it_silence_would_be_no_sign() {
    let both = only(&["R4-I3", "R4-U3"]);
    assert_eq!(both.without(THEN, "R4-U3", "risk_cs"), Some(0.0));
    // Beside another it would.
    let all = only(&["R4-I3", "R4-U3", "R4-U1"]);
    let wanted = only(&["R4-I3", "R4-U1"]).until(THEN).cell("risk_cs").parse().ok();
    assert_eq!(all.without(THEN, "R4-U3", "risk_cs"), wanted);
}

#[test]
fn i_10_retention_is_judged_at_every_event_and_sampled_at_every_midnight() {
    let nps = |value: i64| json!({"kind": "nps", "value": value});
    let story = Story::known().on(day(8), "survey_response", nps(9)).on(
        day(9) + 5,
        "survey_response",
        nps(0),
    );
    // (0.7 × 0 + 0.2 × 90) / 0.9, and then nothing at all, on the same day.
    let before = Story::known().on(day(8), "survey_response", nps(9));
    assert_eq!(before.end().cell("retention"), "20");
    assert_eq!(story.end().cell("retention"), "0");
    assert_eq!(story.row(day(16)).trends[2].0, Some(-20.0));
}

#[test]
fn i_12_the_thresholds_of_nps_are_those_of_a_response_from_0_to_10() {
    // Of an account with a promoter and a detractor the detractor counts: no -100 to 100 here.
    let nps = |user: &str, value: i64| json!({"kind": "nps", "value": value, "user_id": user});
    let story = Story::known().on(day(1), "survey_response", nps("ana", 10)).on(
        day(1),
        "survey_response",
        nps("leo", 6),
    );
    assert_eq!(story.end().signal("R3-S1"), "active 6");
    assert_eq!(story.end().signal("R4-S1"), "active 6");
}

#[test]
fn i_13_bands_share_no_point_and_leave_none_out() {
    let check = |score: &str, rows: &[(f64, &str)]| {
        for (value, band) in rows {
            let seen = Story::new().set(0, score, *value).end();
            assert_eq!(seen.score(score), format!("{value} {band}"));
        }
    };
    check("risk", &[(0.0, "low"), (39.999999, "low"), (40.0, "medium"), (69.999999, "medium")]);
    check("risk", &[(70.0, "high"), (100.0, "high")]);
    check("risk_cs", &[(0.0, "none"), (19.999999, "none"), (20.0, "low"), (49.999999, "low")]);
    check("risk_cs", &[(50.0, "medium"), (79.999999, "medium"), (80.0, "high"), (100.0, "high")]);
    check("retention", &[(0.0, "at_risk"), (39.999999, "at_risk"), (40.0, "low")]);
    check("retention", &[(59.999999, "low"), (60.0, "medium"), (79.999999, "medium")]);
    check("retention", &[(80.0, "high"), (100.0, "high")]);
}

#[test]
fn i_14_exactly_70_is_high() {
    let seen = only(&["R3-S3", "R3-C3", "R3-C5"]).until(THEN);
    assert_eq!(seen.score("risk"), "70 high");
    let rings = seen.rings("risk");
    assert!(rings.last().is_some_and(|ring| ring.ends_with("medium>high worse 70")), "{rings:?}");
}

#[test]
fn i_15_the_deadlines_of_the_bands_are_0_24_and_48_hours() {
    let model = Story::new().rules().model;
    let due: Vec<(&str, Option<Span>)> =
        model.scores[1].bands.iter().map(|band| (band.name.as_str(), band.due)).collect();
    let hours = |n: i64| Some(Span::millis(n * 3_600_000));
    let wanted = [("none", None), ("low", hours(48)), ("medium", hours(24)), ("high", hours(0))];
    assert_eq!(due, wanted);
}

#[test]
fn i_26_between_risk_and_target_a_measure_is_neither_and_counts_the_whole_account() {
    // Two sessions are no risk and short of the three that retention wants.
    let user = |n: usize| json!({"user_id": format!("u-{n}"), "duration_s": 1800});
    let story = Story::known().each([day(8); 2], "session_ended", user);
    let seen = story.until(day(10));
    assert_eq!(seen.signal("R4-U1"), "clear 2");
    assert_eq!(seen.signal("R4-U2"), "clear 1");
    // (0.4 × 200 / 3 + 0.3 × 50) / 0.7
    assert_eq!(seen.cell("retention"), "59.523809524");
}

#[test]
fn i_27_an_effort_counts_as_bad_when_high_unless_the_survey_asks_how_easy() {
    let ces = |fields: serde_json::Value| {
        Story::known().on(day(1), "survey_response", fields).end().signal("R4-S3")
    };
    assert_eq!(ces(json!({"kind": "ces", "value": 4})), "active 4");
    assert_eq!(ces(json!({"kind": "ces", "value": 4, "higher_is_better": true})), "clear 2");
}

#[test]
fn i_33_correlated_signals_do_not_add_up_beyond_their_cap_or_level() {
    // No login means no session and no time: the level stays high.
    let absent = only(&["R4-I1", "R4-U1", "R4-U2"]).until(THEN);
    assert_eq!(absent.cell("risk_cs_band"), "high");
    // Behaviour adds at most 40, however many of its signals follow from one another.
    let no_floors = ("count_floor = [0, 0, 40, 70]", "count_floor = [0]");
    let behaviour = ["R3-B1", "R3-B2", "R3-B3", "R3-B4", "R3-B5"];
    check_option(no_floors, &behaviour, "risk", "40");
}

#[test]
fn i_34_every_signal_counts_for_the_tier_and_the_option_counts_behaviour_only() {
    let mixed = ["R3-B2", "R3-S3", "R3-C3"];
    assert_eq!(only(&mixed).until(THEN).cell("risk"), "70");
    let option = (
        "count_floor = [0, 0, 40, 70]",
        "count_floor = [0, 0, 40, 70]\ncount_groups = [\"behaviour\"]",
    );
    check_option(option, &mixed, "risk", "30");
    check_option(option, &["R3-B2", "R3-B3", "R3-C3"], "risk", "40");
    check_option(option, &["R3-B2", "R3-B3", "R3-B5"], "risk", "70");
}
