//! Red flags: combinations that put a floor under `risk`.
//!
//! Source  RF-1 to RF-3, Estrategias de Retención y Upsell.

use super::recipes::{THEN, only};

/// `active` signals make the red flags `flags` ring, with their floors, and the score `wanted`.
fn check(active: &[&str], flags: &[(&str, &str)], wanted: &str) {
    let seen = only(active).until(THEN);
    assert_eq!(seen.score("risk"), wanted, "{active:?}");
    for id in ["RF-1", "RF-2", "RF-3"] {
        let floor = flags.iter().find(|flag| flag.0 == id).map(|flag| flag.1);
        let rings = seen.rings(id);
        let values: Vec<&str> =
            rings.iter().filter_map(|ring| ring.split("clear>active worse ").nth(1)).collect();
        assert_eq!(values, Vec::from_iter(floor), "{id} of {active:?}");
    }
}

#[test]
fn rf_1_a_trial_at_a_competitor_while_searching_is_at_least_90() {
    check(&["R3-C4", "R3-C2"], &[("RF-1", "90")], "90 high");
    check(&["R3-C4"], &[], "15 low");
    check(&["R3-C2"], &[], "10 low");
    check(&["R3-C4", "R3-C1"], &[], "40 medium");
}

#[test]
fn rf_2_a_contract_review_while_searching_is_at_least_80() {
    check(&["R3-C5", "R3-C2"], &[("RF-2", "80")], "80 high");
    check(&["R3-C5"], &[], "10 low");
    check(&["R3-C5", "R3-C4"], &[], "40 medium");
    // Both combinations: the larger floor.
    check(&["R3-C5", "R3-C4", "R3-C2"], &[("RF-1", "90"), ("RF-2", "80")], "90 high");
}

#[test]
fn rf_3_an_nps_below_5_with_reduced_use_is_at_least_75() {
    check(&["NPS 4", "R3-B2"], &[("RF-3", "75")], "75 high");
    // An NPS of 6 makes R3-S1 active but is not low enough.
    check(&["R3-S1", "R3-B2"], &[], "40 medium");
    check(&["NPS 4"], &[], "15 low");
}

#[test]
fn rf_3_takes_an_nps_of_4_and_not_of_5() {
    use super::scenario::{Story, day};
    use serde_json::json;
    let score = |nps: f64| {
        let answer = json!({"kind": "nps", "value": nps});
        let story = Story::known().on(day(40), "survey_response", answer);
        story.end().score("risk")
    };
    assert_eq!(score(4.0), "75 high");
    assert_eq!(score(4.999999), "75 high");
    assert_eq!(score(5.0), "40 medium");
}
