//! The worked examples of §6 of the specification, as functions of SQL.

use serde_json::json;

use super::world;

/// `sql` must give exactly `wanted`.
fn gives(sql: &str, wanted: f64) {
    assert_eq!(world().cell(&format!("SELECT {sql}")), json!(wanted), "{sql}");
}

/// `sql` must give `wanted` within a part in a thousand million.
fn near(sql: &str, wanted: f64) {
    let found = world().cell(&format!("SELECT {sql}")).as_f64().unwrap();
    assert!((found - wanted).abs() < 1e-9 * wanted.abs(), "{sql}: {found}");
}

#[test]
fn f_1_and_f_2_value_of_a_customer() {
    gives("clv(100, 0.80, 0.05)", 1600.0);
    gives("clv(100, 0.80, 0.05, 0.20)", 1920.0);
}

#[test]
fn f_3_f_4_and_f_8_churn() {
    gives("churn_rate(50, 1000)", 5.0);
    near("churn_annual(0.05)", 0.459_639_912_337_268_1);
    let outside = "SELECT churn_annual(2) IS NULL AND clv(100, 0.8, -0.1) IS NULL";
    assert_eq!(world().cell(outside), json!(true));
    // I-5: sixty percent, twelve times five, is wrong.
    assert_eq!(world().cell("SELECT churn_annual(0.05) < 0.5"), json!(true));
    gives("100 - churn_rate(20, 100)", 80.0);
}

#[test]
fn f_5_and_f_6_expansion_and_net_revenue_retention() {
    gives("expansion_rate(30, 100)", 30.0);
    gives("nrr(100, 30, 5, 10)", 115.0);
}

#[test]
fn a_52_formulas_multiply_before_they_divide() {
    // (100000 + 30000 - 5000 - 10000) / 100000 * 100 would be 114.99999999999999.
    gives("nrr(100000, 30000, 5000, 10000)", 115.0);
    gives("churn_rate(7, 100)", 7.0);
}

#[test]
fn f_7_customer_retention() {
    gives("crr(100, 20, 90)", 70.0);
    gives("crr(200, 30, 210)", 90.0);
}

#[test]
fn f_9_to_f_11_lifetime_value() {
    gives("ltv(75, 4, 3)", 900.0);
    gives("ltv(75, 4, 3, 0.30)", 270.0);
    gives("avg(purchase) FROM (VALUES (50.0), (100.0)) AS t (purchase)", 75.0);
}

#[test]
fn f_12_nps() {
    let answers = "(VALUES (9), (10), (9), (10), (9), (10), (7), (8), (0), (6), (NULL)) t (answer)";
    gives(&format!("nps(answer) FROM {answers}"), 40.0);
    // The edges: 9 promotes, 7 does not detract, 6 does.
    gives("nps(x) FROM (VALUES (9.0)) t (x)", 100.0);
    gives("nps(x) FROM (VALUES (8.9)) t (x)", 0.0);
    gives("nps(x) FROM (VALUES (7.0)) t (x)", 0.0);
    gives("nps(x) FROM (VALUES (6.9)) t (x)", -100.0);
}

#[test]
fn f_13_and_f_14_return_on_an_offer() {
    near("offer_roi(1000, 300)", 3.333_333_333_333_333_5);
    near("offer_roi(125000, 8000)", 15.625);
}

#[test]
fn f_16_to_f_18_and_f_21_upsell_bundle_and_deltas() {
    gives("100 * 0.8", 80.0);
    gives("change_rate(50, 80)", 60.0);
    gives("change_rate(100, 300)", 200.0);
    gives("change_rate(200, 280)", 40.0);
    gives("change_rate(30, 15)", -50.0);
    gives("change_rate(20, 8)", -60.0);
    // I-11: 50 to 70-80 percent is +40 to +60, not +30 to +50.
    gives("change_rate(50, 70)", 40.0);
    gives("change_rate(50, 80)", 60.0);
}

#[test]
fn i_8_an_offer_costs_what_the_customer_pays() {
    near("offer_cost(333.33, 0.30, 3)", 299.997);
    near("offer_cost(100, 0.30, 3)", 90.0);
}

#[test]
fn what_is_null_or_would_divide_by_zero_is_null() {
    for sql in ["clv(100, 0.8, 0)", "clv(NULL, 0.8, 0.05)", "nrr(0, 1, 1, 1)"] {
        let cell = world().cell(&format!("SELECT {sql}"));
        assert!(cell.is_null(), "{sql}: {cell}");
    }
    assert!(world().cell("SELECT nps(x) FROM (VALUES (CAST(NULL AS DOUBLE))) t (x)").is_null());
}

#[test]
fn a_band_is_that_of_the_models_edges() {
    let check = |score: &str, value: &str, band: &str| {
        let found = world().cell(&format!("SELECT band('{score}', {value})"));
        assert_eq!(found, json!(band), "{score} {value}");
    };
    check("risk", "39.999", "low");
    check("risk", "40", "medium");
    check("risk", "69.999", "medium");
    check("risk", "70", "high");
    check("risk_cs", "79.999", "medium");
    check("risk_cs", "80", "high");
    check("risk_cs", "19.999", "none");
    check("retention", "39.9", "at_risk");
    assert!(world().cell("SELECT band('risk', NULL)").is_null());
    let wrong = "SELECT count(*) FROM customers WHERE band('risk', risk) <> risk_band";
    assert_eq!(world().cell(wrong), json!(0));
}
