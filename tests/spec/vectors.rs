//! The test vectors of the specification's §21 that are tables of scores.

use ebb::record::alert::Part;
use serde_json::json;

use super::recipes::{THEN, only, only_of_all};
use super::risk_cs::check_score;
use super::scenario::{Story, day};

/// One row of the table of `risk`.
struct Row {
    active: &'static [&'static str],
    capped: f64,
    normalised: f64,
    floor: f64,
    last: &'static str,
}

/// The table of §21: active signals, both weighted sums, the floor, the score with its band.
const TABLE: &[Row] = &[
    row(&[], 0.0, 0.0, 0.0, "0 low"),
    // 40 × 15 / 70
    row(&["R3-B1"], 15.0, 8.571, 0.0, "15 low"),
    row(&["R3-B2"], 20.0, 11.429, 0.0, "20 low"),
    row(&["R3-B2", "R3-S1"], 35.0, 20.429, 40.0, "40 medium"),
    row(&["R3-B2", "NPS 4"], 35.0, 20.429, 75.0, "75 high"),
    row(&["R3-C4", "R3-C2"], 25.0, 15.0, 90.0, "90 high"),
    row(&["R3-C5", "R3-C2"], 20.0, 12.0, 80.0, "80 high"),
    // 35 capped at 30
    row(&["R3-C4", "R3-C2", "R3-C5"], 30.0, 21.0, 90.0, "90 high"),
    // 45 capped at 40
    row(&["R3-B2", "R3-B4", "R3-B5"], 40.0, 25.714, 70.0, "70 high"),
    row(BEHAVIOUR, 40.0, 40.0, 70.0, "70 high"),
    row(SENTIMENT, 30.0, 30.0, 70.0, "70 high"),
    row(&["R3-B2", "R3-B5", "R3-S1", "R3-S5", "R3-C4"], 70.0, 41.143, 70.0, "70 high"),
    row(ALL, 100.0, 100.0, 90.0, "100 high"),
];
const BEHAVIOUR: &[&str] = &["R3-B1", "R3-B2", "R3-B3", "R3-B4", "R3-B5"];
const SENTIMENT: &[&str] = &["R3-S1", "R3-S2", "R3-S3", "R3-S4", "R3-S5"];
const ALL: &[&str] = &[
    "R3-B1", "R3-B2", "R3-B3", "R3-B4", "R3-B5", "R3-S1", "R3-S2", "R3-S3", "R3-S4", "R3-S5",
    "R3-C1", "R3-C2", "R3-C3", "R3-C4", "R3-C5",
];

const fn row(
    active: &'static [&'static str],
    capped: f64,
    normalised: f64,
    floor: f64,
    last: &'static str,
) -> Row {
    Row { active, capped, normalised, floor, last }
}

/// The weighted part of the score that the explanation tells, and the score itself.
fn weighted(story: &Story) -> (f64, f64) {
    let row = story.row(THEN);
    let parts = &row.reasons[0];
    let weighted = parts.iter().filter(|part| !matches!(part, Part::Floor { .. }));
    let score = row.scores.scores[0].value.expect("risk is never null").get();
    (weighted.map(Part::points).sum(), score)
}

#[test]
fn section_21_risk_is_the_capped_sum_under_its_floors() {
    for row in TABLE {
        let story = only(row.active);
        let seen = story.until(THEN);
        let n_active = ALL.iter().filter(|id| seen.signal(id).starts_with("active ")).count();
        assert_eq!(n_active, row.active.len(), "{:?}", row.active);
        assert_eq!(seen.score("risk"), row.last, "{:?}", row.active);
        let (weighted, score) = weighted(&story);
        assert!((weighted - row.capped).abs() < 1e-9, "{:?}: {weighted}", row.active);
        assert!((score - row.capped.max(row.floor)).abs() < 1e-9, "{:?}: {score}", row.active);
    }
}

#[test]
fn section_21_the_normalised_option_shares_each_cap_in_proportion() {
    for row in TABLE {
        let story = only_of_all(row.active);
        let story = story.model("combine = \"capped_sum\"", "combine = \"normalised\"");
        let (weighted, score) = weighted(&story);
        assert!((weighted - row.normalised).abs() < 0.0005, "{:?}: {weighted}", row.active);
        let wanted = row.normalised.max(row.floor);
        assert!((score - wanted).abs() < 0.0005, "{:?}: {score}", row.active);
    }
}

#[test]
fn section_21_risk_cs_is_the_worst_level_and_what_the_others_add() {
    check_score(&[], "0 none");
    check_score(&["R4-B3"], "20 low");
    check_score(&["R4-B2"], "50 medium");
    // 50 + 30 × (2 + 1) / 27
    check_score(&["R4-B1", "R4-B2", "R4-B3"], "53.333333333 medium");
    // 50 + 30 × (4 × 2 + 1) / 27
    check_score(&["R4-U2", "R4-I2", "R4-S3", "R4-B1", "R4-B2", "R4-B3"], "60 medium");
    check_score(&["R4-S1"], "80 high");
    // 80 + 20 × 2 / 26
    check_score(&["R4-S1", "R4-S3"], "81.538461538 high");
    // 80 + 20 × (3 + 2) / 26
    check_score(&["R4-S1", "R4-S2", "R4-S3"], "83.846153846 high");
    let all = [
        "R4-U1", "R4-U2", "R4-U3", "R4-I1", "R4-I2", "R4-I3", "R4-S1", "R4-S2", "R4-S3", "R4-B1",
        "R4-B2", "R4-B3",
    ];
    check_score(&all, "100 high");
}

#[test]
fn section_21_bands_belong_to_the_band_above_their_edge() {
    let check = |score: &str, value: f64, wanted: &str| {
        let seen = Story::new().set(0, score, value).end();
        assert_eq!(seen.score(score), format!("{value} {wanted}"));
    };
    check("risk_cs", 79.999, "medium");
    check("risk_cs", 80.0, "high");
    check("risk_cs", 19.999, "none");
    check("risk", 69.999, "medium");
    check("risk", 70.0, "high");
}

#[test]
fn section_21_an_input_is_interpolated_between_its_anchors_and_clamped() {
    // A score of one input: 0 points at 7, 100 at 30.
    let anchored = |roi: f64| {
        Story::known()
            .model("weight = 0.40", "weight = 0.10")
            .model("weight = 0.10\ninputs = [\n    { measure = \"roi\"", VALUE)
            .on(1, "roi_reported", json!({"roi_pct": roi}))
    };
    const VALUE: &str = "weight = 0.40\ninputs = [\n    { measure = \"roi\"";
    let check = |roi: f64, wanted: &str| {
        let story = anchored(roi)
            .model(
                "{ measure = \"roi\", lo = 0, hi = 200 }",
                "{ measure = \"roi\", lo = 7, hi = 30 }",
            )
            .model("min_coverage = 0.5", "min_coverage = 0");
        assert_eq!(story.end().cell("retention"), wanted, "{roi}");
    };
    // 100 × 11 / 23
    check(18.0, "47.826086957");
    check(5.0, "0");
    check(7.0, "0");
    check(30.0, "100");
    check(35.0, "100");
}

#[test]
fn section_21_a_weighted_mean_renormalises_the_weights() {
    // Weights 20, 15 and 22 of 100, and 43 that nothing is known of; scores 47, 59 and 21.
    let weights = [("engagement", "0.40", "0.43"), ("usage", "0.30", "0.20")];
    let mut story = Story::known();
    for (name, from, to) in weights {
        let of = |weight: &str| format!("subscores.{name}]\nweight = {weight}");
        story = story.model(&of(from), &of(to));
    }
    let story = story
        .model("subscores.satisfaction]\nweight = 0.20", "subscores.satisfaction]\nweight = 0.15")
        .model("subscores.value]\nweight = 0.10", "subscores.value]\nweight = 0.22")
        .model("{ measure = \"hours\", lo = 0, hi = 2 }", "{ measure = \"mrr\", lo = 0, hi = 100 }")
        .model("# --- Support and invoices ---", "[measures.mrr]\nkind = \"state\"\nwhat = \"mrr\"")
        .on(day(1), "customer_created", json!({"mrr": 47}))
        .on(day(1), "survey_response", json!({"kind": "nps", "value": 5.9}))
        .on(day(1), "roi_reported", json!({"roi_pct": 42}));
    // (20 × 47 + 15 × 59 + 22 × 21) / 57
    assert_eq!(story.end().cell("retention"), "40.122807018");
    assert_eq!(story.end().cell("coverage_retention"), "0.57");
}
