//! The signals of `risk_cs`, its levels and its bands.
//!
//! Source  R4-U1 to R4-B3 and R4-BH to R4-B0, Estrategia de Customer Success y Retención; I-3.

use serde_json::{Value, json};

use ebb::model::Asks;
use ebb::unit::Span;

use super::recipes::{THEN, only};
use super::scenario::{HOUR, Story, day};

/// `active` signals, and no others, give a score that reads `wanted`.
pub(super) fn check_score(active: &[&str], wanted: &str) {
    let seen = only(active).until(THEN);
    for id in active {
        assert!(seen.signal(id).starts_with("active "), "{id}: {}", seen.signal(id));
    }
    assert_eq!(seen.score("risk_cs"), wanted, "{active:?}");
}

/// An answer of `kind` with `value` makes signal `id` read `wanted`.
fn check_answer(id: &str, kind: &str, value: f64, wanted: &str) {
    let fields = json!({"kind": kind, "value": value});
    let seen = Story::known().on(day(1), "survey_response", fields).end();
    assert_eq!(seen.signal(id), wanted, "{kind} of {value}");
}

#[test]
fn r4_u1_fewer_than_two_sessions_in_seven_days_are_high() {
    let check = |n: usize, kind: &str, wanted: &str| {
        let story = Story::known().each(vec![day(18); n], kind, |_| json!({}));
        assert_eq!(story.until(day(20)).signal("R4-U1"), wanted, "{n} of {kind}");
    };
    check(2, "session_ended", "clear 2");
    check(1, "session_ended", "active 1");
    check(2, "login", "clear 2");
    check(1, "login", "active 1");
    check(2, "session_started", "active 0");
    assert_eq!(Story::known().until(day(7) - 1).signal("R4-U1"), "n/a");
    assert_eq!(Story::known().until(day(7)).signal("R4-U1"), "active 0");
    let story = Story::known().each([day(10), day(11)], "login", |_| json!({}));
    assert_eq!(story.until(day(17) - 1).signal("R4-U1"), "clear 2");
    assert_eq!(story.until(day(17)).signal("R4-U1"), "active 1");
    check_score(&["R4-U1"], "80 high");
}

#[test]
fn r4_u2_less_than_an_hour_in_seven_days_is_medium() {
    let check = |seconds: &[f64], wanted: &str| {
        let story = Story::known().each(
            vec![day(18); seconds.len()],
            "session_ended",
            |n| json!({"duration_s": seconds[n]}),
        );
        assert_eq!(story.until(day(20)).signal("R4-U2"), wanted, "{seconds:?}");
    };
    check(&[3600.0], "clear 1");
    check(&[1800.0, 1800.0], "clear 1");
    // 3 599 of 3 600 seconds, and one millionth of a second less than an hour.
    check(&[3599.0], "active 0.9997222222222222");
    check(&[1800.0, 1799.999999], "active 0.9999999997222222");
    check(&[], "active 0");
    assert_eq!(Story::known().until(day(7) - 1).signal("R4-U2"), "n/a");
    let story = Story::known().on(day(10), "session_ended", json!({"duration_s": 7200}));
    assert_eq!(story.until(day(17) - 1).signal("R4-U2"), "clear 2");
    assert_eq!(story.until(day(17)).signal("R4-U2"), "active 0");
    check_score(&["R4-U2"], "50 medium");
}

#[test]
fn r4_u3_fewer_than_three_features_in_30_days_are_high() {
    let check = |used: &[&str], wanted: &str| {
        let story = Story::known().each(
            vec![day(35); used.len()],
            "feature_used",
            |n| json!({"feature_id": used[n]}),
        );
        assert_eq!(story.until(day(40)).signal("R4-U3"), wanted, "{used:?}");
    };
    check(&["a", "b", "c"], "clear 3");
    check(&["a", "b"], "active 2");
    check(&["a", "b", "a"], "active 2");
    check(&[], "active 0");
    assert_eq!(Story::known().until(day(30) - 1).signal("R4-U3"), "n/a");
    assert_eq!(Story::known().until(day(30)).signal("R4-U3"), "active 0");
    check_score(&["R4-U3"], "80 high");
}

#[test]
fn r4_i1_seven_days_without_a_login_are_high_to_the_millisecond() {
    let story = Story::known().on(day(10) + HOUR, "login", json!({}));
    // 604 799 999 ms of 86 400 000.
    let wanted = "clear 6.999999988425926";
    assert_eq!(story.until(day(17) + HOUR - 1).signal("R4-I1"), wanted);
    assert_eq!(story.until(day(17) + HOUR).signal("R4-I1"), "active 7");
    assert_eq!(story.until(day(20) + HOUR).signal("R4-I1"), "active 10");
    // Never: since the customer is known.
    assert_eq!(Story::known().until(day(7) - 1).signal("R4-I1"), "n/a");
    assert_eq!(Story::known().until(day(7)).signal("R4-I1"), "active 7");
    check_score(&["R4-I1"], "80 high");
}

#[test]
fn r4_i2_no_reply_to_three_emails_in_30_days_is_medium() {
    let sent = |n: usize, kind: &str| {
        Story::known().each(
            vec![day(32); n],
            "email_sent",
            |n| json!({"message_id": format!("m-{n}"), "kind": kind}),
        )
    };
    assert_eq!(sent(3, "marketing").end().signal("R4-I2"), "active 0");
    assert_eq!(sent(2, "marketing").end().signal("R4-I2"), "n/a");
    assert_eq!(sent(3, "transactional").end().signal("R4-I2"), "n/a");
    for answer in ["email_replied", "email_clicked"] {
        let story = sent(3, "marketing").on(day(33), answer, json!({"message_id": "m-0"}));
        assert_eq!(story.end().signal("R4-I2"), "clear 0.3333333333333333", "{answer}");
    }
    let opened = sent(3, "marketing").on(day(33), "email_opened", json!({"message_id": "m-0"}));
    assert_eq!(opened.end().signal("R4-I2"), "active 0");
    check_score(&["R4-I2"], "50 medium");
}

#[test]
fn r4_i3_no_word_with_support_is_high_only_beside_low_use() {
    let check = |active: &[&str], wanted: &str, score: &str| {
        let seen = only(active).until(THEN);
        assert_eq!(seen.signal("R4-I3"), wanted, "{active:?}");
        assert_eq!(seen.score("risk_cs"), score, "{active:?}");
    };
    check(&[], "clear 1", "0 none");
    check(&["R4-I3"], "clear 0", "0 none");
    // 80 + 20 × 3 / 26
    check(&["R4-I3", "R4-U1"], "active 0", "82.307692308 high");
    check(&["R4-I3", "R4-U3"], "active 0", "82.307692308 high");
    check(&["R4-U1"], "clear 1", "80 high");
    // No other signal of low use will do.
    check(&["R4-I3", "R4-U2"], "clear 0", "50 medium");
    check(&["R4-I3", "R4-I1"], "clear 0", "80 high");
}

#[test]
fn r4_s1_an_nps_below_7_is_high() {
    check_answer("R4-S1", "nps", 7.0, "clear 7");
    check_answer("R4-S1", "nps", 6.0, "active 6");
    check_score(&["R4-S1"], "80 high");
}

#[test]
fn r4_s2_a_csat_below_3_of_5_is_high() {
    check_answer("R4-S2", "csat", 3.0, "clear 3");
    check_answer("R4-S2", "csat", 2.99, "active 2.99");
    check_answer("R4-S2", "satisfaction", 1.0, "n/a");
    check_score(&["R4-S2"], "80 high");
}

#[test]
fn r4_s3_an_effort_above_3_of_5_is_medium() {
    check_answer("R4-S3", "ces", 3.0, "clear 3");
    check_answer("R4-S3", "ces", 3.01, "active 3.01");
    check_answer("R4-S3", "ces", 5.0, "active 5");
    check_score(&["R4-S3"], "50 medium");
}

#[test]
fn r4_b1_invited_to_webinars_and_at_none_in_90_days_is_medium() {
    let invited = Story::known().on(day(50), "webinar_invited", json!({"webinar_id": "w"}));
    assert_eq!(Story::known().until(day(95)).signal("R4-B1"), "n/a");
    assert_eq!(invited.until(day(90) - 1).signal("R4-B1"), "n/a");
    assert_eq!(invited.until(day(90)).signal("R4-B1"), "active 0");
    assert_eq!(invited.until(day(140) - 1).signal("R4-B1"), "active 0");
    assert_eq!(invited.until(day(140)).signal("R4-B1"), "n/a");
    let attended = invited.on(day(60), "webinar_attended", json!({"webinar_id": "w"}));
    assert_eq!(attended.until(day(90)).signal("R4-B1"), "clear 1");
    check_score(&["R4-B1"], "50 medium");
}

/// Without any event of `kind` for 90 days, signal `id` is active.
fn check_silence(id: &str, kind: &str, fields: &Value) {
    assert_eq!(Story::known().until(day(90) - 1).signal(id), "n/a");
    assert_eq!(Story::known().until(day(90)).signal(id), "active 0");
    let story = Story::known().on(day(50), kind, fields.clone());
    assert_eq!(story.until(day(140) - 1).signal(id), "clear 1");
    assert_eq!(story.until(day(140)).signal(id), "active 0");
}

#[test]
fn r4_b2_90_days_without_a_download_are_medium() {
    check_silence("R4-B2", "resource_downloaded", &json!({"resource_id": "r"}));
    check_score(&["R4-B2"], "50 medium");
}

#[test]
fn r4_b3_90_days_away_from_the_community_are_low() {
    check_silence("R4-B3", "community_activity", &json!({"kind": "like"}));
    check_score(&["R4-B3"], "20 low");
}

/// What a band of `risk_cs` is and asks for.
struct Asked {
    edges: (f64, &'static str, f64, &'static str),
    due: Option<Span>,
    channels: &'static [&'static str],
    action: &'static str,
}

/// `name` holds from the lower edge inclusive to the upper edge exclusive.
fn check_band(name: &str, asked: &Asked) {
    let (low, below, high, above) = asked.edges;
    let band = |value: f64| {
        let seen = Story::new().set(0, "risk_cs", value).end();
        seen.cell("risk_cs_band").to_owned()
    };
    assert_eq!(band(low), name, "{low}");
    assert_eq!(band(high - 0.001), name, "just below {high}");
    if 0.0 < low {
        assert_eq!(band(low - 0.001), below, "just below {low}");
        assert_eq!(band(high.min(100.0)), above, "{high}");
    }
    let model = Story::new().rules().model;
    let bands = &model.scores[1].bands;
    let band = bands.iter().find(|band| band.name == name).expect("a band of risk_cs");
    assert_eq!(band.due, asked.due, "{name}");
    assert_eq!(band.channels, asked.channels, "{name}");
    assert!(band.action.contains(asked.action), "{name}: {}", band.action);
    assert_eq!(band.asks == Asks::Action, asked.due.is_some(), "{name}");
}

#[test]
fn r4_bh_80_to_100_is_high_and_wants_a_call_and_an_email_at_once() {
    check_band(
        "high",
        &Asked {
            edges: (80.0, "medium", 100.001, "high"),
            due: Some(Span::ZERO),
            channels: &["phone", "email"],
            action: "solve critical problems",
        },
    );
}

#[test]
fn r4_bm_50_to_80_is_medium_and_wants_email_and_linkedin_within_24_hours() {
    check_band(
        "medium",
        &Asked {
            edges: (50.0, "low", 80.0, "high"),
            due: Some(Span::days(1)),
            channels: &["email", "linkedin"],
            action: "re-engage",
        },
    );
}

#[test]
fn r4_bl_20_to_50_is_low_and_wants_an_email_within_48_hours() {
    check_band(
        "low",
        &Asked {
            edges: (20.0, "none", 50.0, "medium"),
            due: Some(Span::days(2)),
            channels: &["email"],
            action: "prevent escalation",
        },
    );
}

#[test]
fn r4_b0_below_20_is_none_and_wants_nothing() {
    let asked = Asked { edges: (0.0, "", 20.0, "low"), due: None, channels: &[], action: "" };
    check_band("none", &asked);
}

/// Band `name` of `risk_cs` tells people to do all of `actions`, and no other band does.
fn check_strategy(name: &str, actions: &[&str]) {
    let model = Story::new().rules().model;
    for band in &model.scores[1].bands {
        for action in actions {
            let is_told = band.action.contains(action);
            assert_eq!(is_told, band.name == name, "{action} in {}: {}", band.name, band.action);
        }
    }
}

#[test]
fn r4_st1_high_means_problem_resolution_followed_up_within_48_hours() {
    let actions = [
        "problem resolution, followed up within 48 h",
        "immediate phone call",
        "usage and problem analysis",
        "custom solution",
    ];
    check_strategy("high", &actions);
}

#[test]
fn r4_st2_medium_means_re_engagement() {
    let actions = [
        "re-engagement",
        "personalised email",
        "special offer",
        "exclusive resources",
        "event invitation",
    ];
    check_strategy("medium", &actions);
}

#[test]
fn r4_st3_low_means_added_value() {
    let actions = [
        "added value: free consulting",
        "personalised training",
        "premium resources",
        "relevant success cases",
    ];
    check_strategy("low", &actions);
}

#[test]
fn r4_st4_high_means_incentives_too() {
    let actions = [
        "incentives: renewal discount",
        "free extra services",
        "premium feature access",
        "extended priority support",
    ];
    check_strategy("high", &actions);
}
