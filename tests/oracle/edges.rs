//! The oracle against the edges that the readings name, to the millisecond.
//!
//! Shape   rows of data over the scenes of `vectors`; the instant of judging is day 200.
//! Source  SPEC §21 threshold edges; readings by their numbers.

use serde_json::Value;

use crate::oracle::crossings::target;
use crate::oracle::moment;
use crate::oracle::play;
use crate::oracle::rules::{RETENTION, RISK, RISK_CS, SCALES};
use crate::oracle::scores::STEP;
use crate::oracle::streams::BEGIN;
use crate::oracle::vectors::{Scene, TODAY, quiet};
use crate::played::{DAY, Options, Played, Timers, default_options};

/// Checks a column of the row at the judging.
fn check(scene: Scene, column: &str, wanted: &str) {
    let row = scene.row();
    assert_eq!(row[column], wanted, "{column}");
}

/// The alerts of `rule`: `day+millis from>to direction cause`.
fn rings(played: &Played, rule: &str) -> Vec<String> {
    let of_rule = played.alerts.iter().filter(|alert| alert["rule"] == rule);
    let line = |alert: &Value| {
        let at = alert["at"].as_str().and_then(moment::read).unwrap_or(0) - BEGIN - TODAY * DAY;
        let (day, rest) = (at.div_euclid(DAY), at.rem_euclid(DAY));
        let word = |key: &str| alert[key].as_str().unwrap_or("-").to_owned();
        let cause = alert["cause"]["type"].as_str().unwrap_or("-");
        format!("{day}+{rest} {}>{} {} {cause}", word("from"), word("to"), word("direction"))
    };
    of_rule.map(line).collect()
}

#[test]
fn r3_b4_is_late_after_seven_days_and_a_millisecond() {
    for (late, wanted) in [(0, "0"), (1, "1")] {
        let due = BEGIN + (TODAY - 7) * DAY - late;
        let fields = format!(r#""invoice_id":"i","due_at":{due}"#);
        check(quiet().with(-30, 0, "invoice_issued", &fields), "r3_b4_active", wanted);
    }
    let due = BEGIN + (TODAY - 20) * DAY;
    let fields = format!(r#""invoice_id":"i","due_at":{due}"#);
    let played = quiet().with(-30, 0, "invoice_issued", &fields).play();
    assert_eq!(rings(&played, "R3-B4"), ["-13+1 clear>active worse timer"]);
}

#[test]
fn windows_are_half_open() {
    for (millis, wanted) in [(0, "2"), (1, "3")] {
        let scene = quiet()
            .with(-7, millis, "competitor_visit", "")
            .with(-2, 0, "competitor_visit", "")
            .with(0, 0, "competitor_visit", "");
        check(scene, "r3_c1_value", wanted);
    }
}

#[test]
fn a_27_a_message_is_judged_after_two_days() {
    for (days, millis, wanted) in [(-2, 0, "0"), (-2, 1, ""), (-14, 0, ""), (-14, 1, "0")] {
        let scene = quiet().with(days, millis, "email_sent", r#""message_id":"m""#);
        check(scene, "r3_b1_value", wanted);
    }
    let sent = || quiet().with(-5, 0, "email_sent", r#""message_id":"m""#);
    check(sent().with(0, 0, "email_opened", r#""message_id":"m""#), "r3_b1_value", "1");
    check(sent().with(-18, 0, "email_opened", r#""message_id":"m""#), "r3_b1_value", "1");
    check(sent().with(-19, 0, "email_opened", r#""message_id":"m""#), "r3_b1_value", "0");
    check(sent().with(-1, 0, "email_clicked", r#""message_id":"m""#), "r3_b1_value", "0");
}

#[test]
fn a_06_the_baseline_counts_the_days_of_the_customer() {
    let logins = |scene: Scene, from: i64, to: i64| {
        (from..to).fold(scene, |scene, day| scene.with(day, 0, "login", ""))
    };
    // 14 in the last 14 days, 45 in 90 known days before: (14 / 14) / (45 / 90).
    check(logins(logins(quiet(), -13, 1), -60, -15), "r3_b5_value", "2");
    // The same with 30 of those 90 days paused: (14 / 14) / (45 / 60).
    let paused = logins(logins(quiet(), -13, 1), -60, -15)
        .with(-100, 0, "subscription_paused", "")
        .with(-70, 0, "subscription_resumed", "");
    check(paused, "r3_b5_value", "1.3333333333333333");
    // Known for 43 whole days, then 44: 29 or 30 of them before the last 14.
    for (millis, wanted) in [(1, ""), (0, "30")] {
        let scene = logins(Scene::default().with(-44, millis, "login", ""), -13, 1);
        check(scene, "r3_b5_value", wanted);
    }
}

#[test]
fn a_20_the_worst_latest_answer_counts() {
    let nps = |scene: Scene, days: i64, more: &str| {
        scene.with(days, 0, "survey_response", &format!(r#""kind":"nps",{more}"#))
    };
    let two = || nps(nps(quiet(), -9, r#""value":9,"user_id":"a""#), -8, r#""value":6"#);
    check(two(), "r3_s1_value", "6");
    check(nps(two(), -7, r#""value":8"#), "r3_s1_value", "8");
    check(nps(two(), -7, r#""value":70,"scale_max":100,"user_id":"b""#), "r3_s1_value", "6");
    check(nps(quiet(), -1, r#""value":3,"higher_is_better":false"#), "r3_s1_value", "7");
    check(nps(quiet(), -120, r#""value":3"#), "r3_s1_value", "");
    for (value, ces, csat) in [("3", "3", "3"), ("3.5", "3.5", "3.5")] {
        let fields = |kind: &str| format!(r#""kind":"{kind}","value":{value}"#);
        let scene = quiet().with(-1, 0, "survey_response", &fields("ces")).with(
            -1,
            0,
            "survey_response",
            &fields("csat"),
        );
        check(scene.clone(), "r4_s3_value", ces);
        check(scene.clone(), "r4_s2_value", csat);
        check(scene, "r4_s3_active", if ces == "3" { "0" } else { "1" });
    }
}

#[test]
fn a_07_a_better_band_is_entered_past_its_margin() {
    let check = |score: usize, held: &str, points: i64, wanted: &str| {
        let bands = SCALES[score].bands;
        let held = bands.iter().position(|(name, _, _)| *name == held);
        let to = target(score, held, points * STEP / 1000, 5.0);
        assert_eq!(bands[to].0, wanted, "{held:?} {points}");
    };
    check(RISK, "high", 37_000, "medium");
    check(RISK, "high", 34_000, "low");
    check(RISK, "high", 65_000, "high");
    check(RISK, "high", 64_999, "medium");
    check(RISK, "medium", 70_000, "high");
    check(RISK, "", 69_999, "medium");
    check(RISK_CS, "", 79_999, "medium");
    check(RISK_CS, "", 80_000, "high");
    check(RISK_CS, "", 19_999, "none");
    check(RETENTION, "at_risk", 44_999, "at_risk");
    check(RETENTION, "at_risk", 45_000, "low");
    check(RETENTION, "at_risk", 85_000, "high");
    check(RETENTION, "high", 79_999, "medium");
}

/// An override of risk to `value` for `days`.
fn set(scene: Scene, at: i64, value: &str, days: i64) -> Scene {
    let fields = format!(r#""value":{value},"ttl_ms":{}"#, days * DAY);
    scene.with(at, 0, "score_override", &fields)
}

#[test]
fn a_14_a_15_a_50_bands_ring_recover_and_cool_down() {
    let scene = set(set(set(quiet(), -100, "75", 2), -97, "80", 1), -90, "72", 100);
    let played = set(scene, -80, "5", 1).play();
    assert_eq!(
        rings(&played, "risk"),
        [
            "-100+0 low>high worse event",
            "-98+0 high>low faded timer",
            "-90+0 low>high worse event",
            "-80+0 high>low better event",
        ]
    );
    assert_eq!(played.counts["suppressed"], 1);
    let bands: Vec<&Value> = played.alerts.iter().filter(|alert| alert["rule"] == "risk").collect();
    assert_eq!(bands[0]["open_since"], Value::Null);
    assert_eq!(bands[1]["open_since"], bands[0]["at"]);
    assert_eq!(bands[3]["previous"], 72.0);
    let reasons = bands[3]["reasons"].as_array().and_then(|parts| parts.last());
    assert_eq!(reasons.map(|part| &part["override"]), Some(&"unknown".into()));
}

#[test]
fn a_51_a_move_waits_for_its_dwell() {
    let mut options = default_options();
    options.tuning[RISK].dwell = 2 * DAY;
    let lines = |scene: Scene| scene.lines();
    let long = play(&lines(set(quiet(), -100, "75", 5)), &ending(&options));
    assert_eq!(rings(&long, "risk"), ["-98+0 low>high worse timer", "-93+0 high>low faded timer"]);
    let short = play(&lines(set(quiet(), -100, "75", 1)), &ending(&options));
    assert!(rings(&short, "risk").is_empty());
}

/// The options with an end at the judging.
fn ending(options: &Options) -> Options {
    Options { until: Some(BEGIN + TODAY * DAY), ..options.clone() }
}

#[test]
fn a_05_a_43_a_49_silence_is_kept_where_it_is_asked_for() {
    let ask = |scene: Scene, day: i64| scene.with(day, 0, "cancellation_requested", "");
    let asked = ask(ask(ask(quiet(), -100), -99), -93);
    assert_eq!(rings(&asked.play(), "CX-1").len(), 2);
    let snoozed = ask(quiet(), -100).with(-101, 0, "alert_snoozed", r#""rule":"CX-1""#).play();
    assert_eq!((rings(&snoozed, "CX-1").len(), snoozed.counts["snoozed"]), (0, 1));
    let gone = ask(quiet().with(-101, 0, "subscription_cancelled", ""), -100);
    let row = gone.clone().row();
    assert!(rings(&gone.play(), "CX-1").is_empty());
    assert_eq!((row["risk"].as_str(), row["risk_held"].as_str()), ("", ""));
    assert_eq!(
        (row["coverage_risk"].as_str(), row["retention_band"].as_str()),
        ("0", "insufficient_data")
    );
}

#[test]
fn a_53_a_fall_by_twenty_points_rings() {
    let retention = |scene: Scene, day: i64, value: &str| {
        let fields = format!(r#""score":"retention","value":{value}"#);
        scene.with(day, 0, "score_override", &fields)
    };
    let played = retention(retention(quiet(), -50, "90"), -40, "70").play();
    let drops: Vec<&Value> = played.alerts.iter().filter(|alert| alert["kind"] == "drop").collect();
    assert_eq!(drops.len(), 1);
    assert_eq!((&drops[0]["value"], &drops[0]["score"]), (&(-20.0).into(), &"retention".into()));
    // Not armed again until the trend was above −15: it is at the midnight when 90 leaves.
    let twice = retention(retention(quiet(), -50, "90"), -40, "70");
    for (day, wanted) in [(-36, 1), (-32, 2)] {
        let played = retention(twice.clone(), day, "45").play();
        let kind = |alert: &&Value| alert["kind"] == "drop";
        assert_eq!(played.alerts.iter().filter(kind).count(), wanted, "{day}");
    }
}

#[test]
fn a_33_a_34_a_45_records_are_told_apart() {
    let line = |id: &str, kind: &str, day: i64, millis: i64| {
        let time = BEGIN + day * DAY + millis;
        format!(r#"{{"id":"{id}","type":"{kind}","customer_id":"c","time":{time}}}"#)
    };
    let lines = vec![
        line("a", "tick", 100, 0),
        line("a", "tick", 101, -1),
        line("b", "competitor_visit", 93, 0),
        line("b", "competitor_visit", 93, 1),
        line("c", "login", 0, 0),
        line("a", "tick", 101, 0),
        line("d", "moon_landed", 101, 0),
        "{".to_owned(),
    ];
    let played = play(&lines, &Options { timers: Timers::Off, ..default_options() });
    let wanted = [
        ("read", 8),
        ("applied", 4),
        ("duplicate", 1),
        ("late", 2),
        ("too_old", 1),
        ("unknown", 1),
        ("rejected", 1),
    ];
    for (name, wanted) in wanted {
        assert_eq!(played.counts[name], wanted, "{name}");
    }
}

#[test]
fn a_36_the_next_change_is_foreseen() {
    let row = set(quiet(), -1, "75", 5).row();
    let foreseen = ["next_band_score", "next_band", "next_band_at"].map(|name| row[name].as_str());
    let at = moment::write(BEGIN + (TODAY + 4) * DAY);
    assert_eq!(foreseen, ["risk", "low", at.as_str()]);
}
