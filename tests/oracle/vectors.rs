//! The oracle against the numbers printed in the specification.
//!
//! Shape   a scene is a healthy customer, known for 200 days, in whom everything is available
//!         and nothing active; each row of data spoils it and says what must come out.
//! Source  SPEC §21: the vectors of both risk models, the edges of thresholds and bands.

use std::collections::{BTreeMap, BTreeSet};

use crate::oracle::play;
use crate::oracle::rules::{OF_RISK, RULES};
use crate::oracle::streams::BEGIN;
use crate::played::{DAY, Played, default_options};

/// The day of judging, counted from the beginning.
pub(super) const TODAY: i64 = 200;

/// Events of one customer, in no particular order.
#[derive(Clone, Default)]
pub(super) struct Scene {
    lines: Vec<(i64, String)>,
}

impl Scene {
    /// Adds an event `days` and `millis` before or after the judging.
    pub(super) fn with(mut self, days: i64, millis: i64, kind: &str, fields: &str) -> Scene {
        let time = BEGIN + (TODAY + days) * DAY + millis;
        let (id, comma) = (self.lines.len(), if fields.is_empty() { "" } else { "," });
        self.lines.push((
            time,
            format!(
                r#"{{"id":"{id}","type":"{kind}","customer_id":"c","time":{time}{comma}{fields}}}"#
            ),
        ));
        self
    }

    /// The lines in the order of time.
    pub(super) fn lines(mut self) -> Vec<String> {
        self.lines.sort_by_key(|(time, _)| *time);
        self.lines.into_iter().map(|(_, line)| line).collect()
    }

    /// Plays the scene up to the judging.
    pub(super) fn play(self) -> Played {
        let lines = self.lines();
        let until = Some(BEGIN + TODAY * DAY);
        let played = play(&lines, &crate::played::Options { until, ..default_options() });
        assert_eq!(played.counts["rejected"], 0, "{lines:?}");
        played
    }

    /// The customer's row at the judging.
    pub(super) fn row(self) -> BTreeMap<String, String> {
        self.play().customers.remove("c").unwrap_or_default()
    }
}

/// A customer known and agreeing to everything, who does nothing.
pub(super) fn quiet() -> Scene {
    Scene::default()
        .with(-TODAY, 0, "customer_created", "")
        .with(-TODAY, 0, "consent_changed", r#""purpose":"competitive_tracking","granted":true"#)
        .with(-TODAY, 0, "consent_changed", r#""purpose":"social_listening","granted":true"#)
}

/// A healthy customer but for the signals of risk in `spoilt`.
fn customer(spoilt: &BTreeSet<&str>) -> Scene {
    let is = |id: &str| spoilt.contains(id);
    let mut scene = quiet();
    for day in 1..104 {
        if 14 <= day || !is("R3-B5") {
            scene = scene.with(-day, 0, "login", "");
        }
    }
    for day in 1..7 {
        scene = scene.with(-day, 0, "session_ended", r#""duration_s":3600"#);
    }
    for feature in 0..if is("R3-B2") { 2 } else { 5 } {
        scene = scene.with(-8, 0, "feature_used", &format!(r#""feature_id":"{feature}""#));
    }
    for message in 0..4 {
        let fields = format!(r#""message_id":"{message}""#);
        scene = scene.with(-5, 0, "email_sent", &fields);
        if message < 2 && !is("R3-B1") {
            scene = scene.with(-4, 0, "email_opened", &fields);
        }
    }
    scene = scene.with(-4, 0, "email_replied", r#""message_id":"0""#);
    for ticket in 0..if is("R3-B3") { 4 } else { 3 } {
        scene = scene.with(-9, 0, "ticket_opened", &format!(r#""ticket_id":"{ticket}""#));
    }
    let due = BEGIN + (TODAY - 8) * DAY;
    scene = scene.with(-20, 0, "invoice_issued", &format!(r#""invoice_id":"i","due_at":{due}"#));
    if !is("R3-B4") {
        scene = scene.with(-10, 0, "payment_succeeded", r#""invoice_id":"i""#);
    }
    for (id, good, bad) in SPOKEN {
        let (kind, fields) = if is(id) { bad } else { good };
        scene = scene.with(-2, 0, kind, fields);
    }
    for visit in 0..if is("R3-C1") { 3 } else { 2 } {
        scene = scene.with(-3, visit, "competitor_visit", "");
    }
    for (id, kind) in [
        ("R3-S3", "social_mention"),
        ("R3-C2", "competitor_search"),
        ("R3-C3", "competitor_research"),
        ("R3-C4", "competitor_trial"),
        ("R3-C5", "contract_reviewed"),
    ] {
        let fields = if id == "R3-S3" { r#""polarity":"negative""# } else { "" };
        scene = if is(id) { scene.with(-1, 0, kind, fields) } else { scene };
    }
    for kind in ["webinar_invited", "webinar_attended"] {
        scene = scene.with(-1, 0, kind, r#""webinar_id":"w""#);
    }
    scene.with(-1, 0, "resource_downloaded", "").with(-1, 0, "community_activity", "")
}

/// A signal, what the customer says when well, what when spoilt: type and fields.
type Spoken = (&'static str, (&'static str, &'static str), (&'static str, &'static str));

/// What customers say.
const SPOKEN: [Spoken; 4] = [
    (
        "R3-S1",
        ("survey_response", r#""kind":"nps","value":9"#),
        ("survey_response", r#""kind":"nps","value":6"#),
    ),
    (
        "R3-S2",
        ("sentiment_scored", r#""channel":"comment","score":0.3"#),
        ("sentiment_scored", r#""channel":"comment","score":0.2999"#),
    ),
    (
        "R3-S4",
        ("survey_response", r#""kind":"satisfaction","value":7"#),
        ("survey_response", r#""kind":"satisfaction","value":6.9"#),
    ),
    (
        "R3-S5",
        ("sentiment_scored", r#""channel":"ticket","score":0.8"#),
        ("sentiment_scored", r#""channel":"ticket","score":0.1"#),
    ),
];

/// The ids of the active signals of risk.
fn active(row: &BTreeMap<String, String>) -> BTreeSet<&'static str> {
    let is_active =
        |id: &str| row[&format!("{}_active", id.to_lowercase().replace('-', "_"))] == "1";
    RULES[..OF_RISK].iter().map(|rule| rule.id).filter(|id| is_active(id)).collect()
}

fn check_risk(spoilt: &[&'static str], wanted: &str, band: &str) {
    let spoilt: BTreeSet<&str> = spoilt.iter().copied().collect();
    let row = customer(&spoilt).row();
    assert_eq!(active(&row), spoilt);
    assert_eq!((row["risk"].as_str(), row["risk_band"].as_str()), (wanted, band), "{spoilt:?}");
    assert_eq!(row["coverage_risk"], "1");
}

#[test]
fn the_risk_vectors_of_the_specification_come_out() {
    check_risk(&[], "0", "low");
    check_risk(&["R3-B1"], "15", "low");
    check_risk(&["R3-B2"], "20", "low");
    check_risk(&["R3-B2", "R3-S1"], "40", "medium");
    check_risk(&["R3-C4", "R3-C2"], "90", "high");
    check_risk(&["R3-C5", "R3-C2"], "80", "high");
    check_risk(&["R3-C4", "R3-C2", "R3-C5"], "90", "high");
    check_risk(&["R3-B2", "R3-B4", "R3-B5"], "70", "high");
    check_risk(&["R3-B1", "R3-B2", "R3-B3", "R3-B4", "R3-B5"], "70", "high");
    check_risk(&["R3-S1", "R3-S2", "R3-S3", "R3-S4", "R3-S5"], "70", "high");
    check_risk(&["R3-B2", "R3-B5", "R3-S1", "R3-S5", "R3-C4"], "70", "high");
    let all: Vec<&str> = RULES[..OF_RISK].iter().map(|rule| rule.id).collect();
    check_risk(&all, "100", "high");
}

#[test]
fn rf_3_reads_a_stricter_answer_than_r3_s1() {
    for (answer, wanted) in [("4", "75"), ("5", "40"), ("6", "40")] {
        let fields = format!(r#""kind":"nps","value":{answer}"#);
        let scene = customer(&BTreeSet::from(["R3-B2"])).with(-1, 0, "survey_response", &fields);
        assert_eq!(scene.row()["risk"], wanted, "NPS {answer}");
    }
}

/// A customer whose eleven silences and answers of risk_cs are all good but for `spoilt`.
fn check_risk_cs(spoilt: &[&str], wanted: &str) {
    let is = |id: &str| spoilt.contains(&id);
    let mut scene = quiet();
    let recent = if is("R4-I1") { -7 } else { -1 };
    scene = scene.with(recent, 0, "login", "").with(recent, 0, "login", "");
    let length = if is("R4-U2") { 3599 } else { 3600 };
    for _ in 0..if is("R4-U1") { 1 } else { 2 } {
        let fields = format!(r#""duration_s":{}"#, length / if is("R4-U1") { 1 } else { 2 });
        scene = scene.with(-1, 0, "session_ended", &fields);
    }
    for feature in 0..if is("R4-U3") { 2 } else { 3 } {
        scene = scene.with(-8, 0, "feature_used", &format!(r#""feature_id":"{feature}""#));
    }
    for message in 0..3 {
        scene = scene.with(-5, 0, "email_sent", &format!(r#""message_id":"{message}""#));
    }
    let kinds = [("R4-I2", "email_clicked"), ("R4-B2", "resource_downloaded")];
    let kinds = kinds.into_iter().chain([("R4-B3", "community_activity")]);
    for (_, kind) in kinds.filter(|(id, _)| !is(id)) {
        scene = scene.with(-3, 0, kind, "");
    }
    if !is("R4-I3") {
        scene = scene.with(-89, 0, "ticket_message", "");
    }
    for (id, kind, good, bad) in
        [("R4-S1", "nps", "7", "6.9"), ("R4-S2", "csat", "3", "2.9"), ("R4-S3", "ces", "3", "3.1")]
    {
        let fields = format!(r#""kind":"{kind}","value":{}"#, if is(id) { bad } else { good });
        scene = scene.with(-1, 0, "survey_response", &fields);
    }
    scene = scene.with(-1, 0, "webinar_invited", r#""webinar_id":"w""#);
    if !is("R4-B1") {
        scene = scene.with(-1, 0, "webinar_attended", r#""webinar_id":"w""#);
    }
    let row = scene.row();
    let is_active =
        |id: &str| row[&format!("{}_active", id.to_lowercase().replace('-', "_"))] == "1";
    let active: Vec<&str> = RULES[OF_RISK..].iter().map(|rule| rule.id).collect();
    let active: Vec<&str> = active.into_iter().filter(|id| is_active(id)).collect();
    assert_eq!(active, spoilt);
    assert_eq!(row["coverage_risk_cs"], "1");
    assert_eq!(row["risk_cs"], wanted, "{spoilt:?}");
}

#[test]
fn the_severity_vectors_of_the_specification_come_out() {
    check_risk_cs(&[], "0");
    check_risk_cs(&["R4-B3"], "20");
    check_risk_cs(&["R4-B2"], "50");
    check_risk_cs(&["R4-B1", "R4-B2", "R4-B3"], "53.333333333");
    check_risk_cs(&["R4-U2", "R4-I2", "R4-S3", "R4-B1", "R4-B2", "R4-B3"], "60");
    check_risk_cs(&["R4-S1"], "80");
    check_risk_cs(&["R4-S1", "R4-B1"], "81.538461538");
    check_risk_cs(&["R4-S1", "R4-S2", "R4-B1"], "83.846153846");
    let all: Vec<&str> = RULES[OF_RISK..].iter().map(|rule| rule.id).collect();
    let all: Vec<&str> = all.into_iter().filter(|id| !["R4-U1", "R4-I1"].contains(id)).collect();
    check_risk_cs(&all, "95.384615385");
}

#[test]
fn shares_of_r4_add_up_to_a_full_score() {
    // Twelve of twelve: nobody came for a week, so sessions and logins are gone too.
    let scene = quiet()
        .with(-10, 0, "email_sent", r#""message_id":"1""#)
        .with(-10, 0, "email_sent", r#""message_id":"2""#)
        .with(-10, 0, "email_sent", r#""message_id":"3""#)
        .with(-10, 0, "webinar_invited", r#""webinar_id":"w""#)
        .with(-1, 0, "survey_response", r#""kind":"nps","value":1"#)
        .with(-1, 0, "survey_response", r#""kind":"csat","value":1"#)
        .with(-1, 0, "survey_response", r#""kind":"ces","value":5"#);
    assert_eq!(scene.row()["risk_cs"], "100");
}
