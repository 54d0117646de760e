//! Every signal of SPEC §1, §2 and §4 as the default model has it.

use super::{default_model, is, signal};
use crate::model::{Condition, Model, Rings, facts, words};
use crate::unit::Span;

type Checked = Result<(), Vec<String>>;

/// One row of SPEC §1: test, what it measures, conditions, group, points, action.
fn risk(id: &str, row: [&str; 5], points: f64) -> Checked {
    let model = default_model()?;
    let [test, is, needs, group, action] = row;
    let found = said(&model, id);
    assert_eq!(found, (test.into(), is.into(), needs.into(), "risk".into(), group.into()));
    let Some(signal) = signal(&model, id) else { return Err(vec![id.to_owned()]) };
    assert_eq!(signal.points.to_string(), points.to_string(), "{id}");
    assert_eq!(signal.action, action, "{id}");
    assert_eq!(signal.rings, Rings::WhenActive { cooldown: Span::days(7) }, "{id}");
    Ok(())
}

/// One row of SPEC §2: test, what it measures, conditions, level.
fn risk_cs(id: &str, [test, is, needs, level]: [&str; 4]) -> Checked {
    let model = default_model()?;
    let found = said(&model, id);
    assert_eq!(found, (test.into(), is.into(), needs.into(), "risk_cs".into(), level.into()));
    assert_eq!(signal(&model, id).map(|signal| signal.rings), Some(Rings::Never), "{id}");
    Ok(())
}

type Said = (String, String, String, String, String);

/// What the model says of signal `id`: test, measure, its conditions, score, group.
fn said(model: &Model, id: &str) -> Said {
    let Some(signal) = signal(model, id) else { return Said::default() };
    let measure = model.measures.get(signal.measure);
    let score = model.scores.get(signal.score);
    (
        facts::test(model, signal),
        words::measure(model, signal.measure),
        measure.map(|measure| words::conditions(model, measure)).unwrap_or_default(),
        score.map(|score| score.name.clone()).unwrap_or_default(),
        score.map(|score| facts::member(score, signal)).unwrap_or_default(),
    )
}

#[test]
fn r3_b1_low_engagement_is_under_half_of_the_emails_of_14_days_opened() -> Checked {
    let is_ratio = "emails_opened / emails_sent, if emails_sent >= 1";
    let row = ["open_rate < 0.5", is_ratio, "known for 14d", "behaviour", "personalised email"];
    risk("R3-B1", row, 15.0)?;
    let model = default_model()?;
    let window = "in the last 14d without the last 2d";
    let sent = format!("number of different message_id of email_sent {window}");
    assert_eq!(is(&model, "emails_sent"), sent);
    let opened =
        format!("number of different message_id of email_sent answered by email_opened {window}");
    assert_eq!(is(&model, "emails_opened"), opened);
    Ok(())
}

#[test]
fn r3_b2_reduced_use_is_under_30_percent_of_the_plans_features_in_30_days() -> Checked {
    let is_ratio = "features_used / plan_features, at most 1, if plan_features >= 1";
    let row = ["feature_ratio < 0.3", is_ratio, "known for 30d", "behaviour", "success coaching"];
    risk("R3-B2", row, 20.0)?;
    let model = default_model()?;
    let used = "number of different feature_id of feature_used in the last 30d";
    assert_eq!(is(&model, "features_used"), used);
    assert_eq!(is(&model, "plan_features"), "features of the plan, by the catalogue");
    Ok(())
}

#[test]
fn r3_b3_increased_support_is_more_than_3_tickets_in_30_days() -> Checked {
    let is = "number of different ticket_id of ticket_opened in the last 30d";
    risk("R3-B3", ["tickets > 3", is, "", "behaviour", "proactive outreach"], 10.0)
}

#[test]
fn r3_b4_late_payment_is_more_than_7_days_late() -> Checked {
    let is = "days late of the oldest unpaid invoice";
    risk("R3-B4", ["days_overdue > 7", is, "", "behaviour", "payment reminder"], 15.0)
}

#[test]
fn r3_b5_login_frequency_is_under_half_of_the_90_days_before() -> Checked {
    let is = "login a day in the last 14d / a day in the 90d before, of which the customer was \
              active on at least 30d";
    let row = ["login_ratio < 0.5", is, "known for 14d", "behaviour", "re-engagement campaign"];
    risk("R3-B5", row, 10.0)
}

#[test]
fn r3_s1_negative_feedback_is_an_nps_under_7() -> Checked {
    let is = "worst of every user_id's latest survey_response (kind is nps), at most 120d old, \
              from 0 to 10";
    risk("R3-S1", ["nps < 7", is, "", "sentiment", "personal outreach"], 15.0)
}

#[test]
fn r3_s2_negative_comments_are_a_mean_sentiment_under_0_3() -> Checked {
    let is = "mean score of sentiment_scored (channel is comment or review or call) in the last \
              30d";
    risk("R3-S2", ["comment_sentiment < 0.3", is, "", "sentiment", "escalate to manager"], 10.0)
}

#[test]
fn r3_s3_social_networks_is_one_negative_mention_in_30_days() -> Checked {
    let is = "number of social_mention (polarity is negative, or no polarity and score < 0.3) in \
              the last 30d";
    let needs = "consent to social_listening";
    let row = ["negative_mentions >= 1", is, needs, "sentiment", "social media response"];
    risk("R3-S3", row, 5.0)
}

#[test]
fn r3_s4_surveys_is_a_satisfaction_under_7_of_10() -> Checked {
    let is = "worst of every user_id's latest survey_response (kind is satisfaction or csat), at \
              most 90d old, from 0 to 10";
    risk("R3-S4", ["satisfaction < 7", is, "", "sentiment", "follow-up call"], 10.0)
}

#[test]
fn r3_s5_support_tickets_is_a_mean_ticket_sentiment_under_0_3() -> Checked {
    let is = "mean score of sentiment_scored (channel is ticket) in the last 30d";
    risk("R3-S5", ["ticket_sentiment < 0.3", is, "", "sentiment", "priority resolution"], 10.0)
}

const TRACKED: &str = "consent to competitive_tracking";

#[test]
fn r3_c1_competitor_visits_are_3_in_7_days() -> Checked {
    let is = "number of competitor_visit in the last 7d";
    let row = ["competitor_visits >= 3", is, TRACKED, "competition", "competitive offer"];
    risk("R3-C1", row, 10.0)
}

#[test]
fn r3_c2_searching_alternatives_is_one_search_in_30_days() -> Checked {
    let is = "number of competitor_search (any keyword) in the last 30d";
    let row = ["competitor_searches >= 1", is, TRACKED, "competition", "value reinforcement"];
    risk("R3-C2", row, 10.0)
}

#[test]
fn r3_c3_competitor_evaluations_are_one_research_in_30_days() -> Checked {
    let is = "number of competitor_research in the last 30d";
    let row = ["competitor_research >= 1", is, TRACKED, "competition", "comparison content"];
    risk("R3-C3", row, 5.0)
}

#[test]
fn r3_c4_competitor_trial_is_one_sign_up_in_90_days() -> Checked {
    let is = "number of competitor_trial in the last 90d";
    risk("R3-C4", ["competitor_trials >= 1", is, TRACKED, "competition", "retention offer"], 15.0)
}

#[test]
fn r3_c5_contract_review_is_one_review_in_60_days() -> Checked {
    let is = "number of contract_reviewed in the last 60d";
    risk("R3-C5", ["contract_reviews >= 1", is, "", "competition", "renewal conversation"], 10.0)
}

#[test]
fn r4_u1_sessions_are_under_2_a_week() -> Checked {
    let is_greatest = "greatest of sessions_ended, logins";
    risk_cs("R4-U1", ["sessions < 2", is_greatest, "known for 7d", "high"])?;
    let model = default_model()?;
    assert_eq!(is(&model, "sessions_ended"), "number of session_ended in the last 7d");
    assert_eq!(is(&model, "logins"), "number of login in the last 7d");
    Ok(())
}

#[test]
fn r4_u2_time_is_under_1_hour_a_week() -> Checked {
    let is = "sum of duration_s of session_ended in the last 7d, divided by 3600";
    risk_cs("R4-U2", ["hours < 1", is, "known for 7d", "medium"])
}

#[test]
fn r4_u3_features_are_under_3_a_month() -> Checked {
    let is = "number of different feature_id of feature_used in the last 30d";
    risk_cs("R4-U3", ["features_used < 3", is, "known for 30d", "high"])
}

#[test]
fn r4_i1_no_login_for_7_days() -> Checked {
    let is = "days since the latest login, or since the customer is known";
    risk_cs("R4-I1", ["days_since_login >= 7", is, "known for 7d", "high"])
}

#[test]
fn r4_i2_no_reply_to_three_emails_or_more() -> Checked {
    let is_ratio = "replies_and_clicks / emails_to_answer, if emails_to_answer >= 3";
    risk_cs("R4-I2", ["answer_rate <= 0", is_ratio, "known for 30d", "medium"])?;
    let model = default_model()?;
    let sent = "number of different message_id of email_sent (kind is not transactional) in the \
                last 30d";
    assert_eq!(is(&model, "emails_to_answer"), sent);
    let answers = "number of email_clicked or email_replied in the last 30d";
    assert_eq!(is(&model, "replies_and_clicks"), answers);
    Ok(())
}

#[test]
fn r4_i3_no_interaction_with_support_counts_only_with_low_use() -> Checked {
    let is = "number of ticket_opened or ticket_message or ticket_resolved or ticket_reopened in \
              the last 90d";
    let test = "support_contacts <= 0, with R4-U1 or R4-U3";
    risk_cs("R4-I3", [test, is, "known for 90d", "high"])
}

#[test]
fn r4_s1_nps_is_under_7() -> Checked {
    let is = "worst of every user_id's latest survey_response (kind is nps), at most 120d old, \
              from 0 to 10";
    risk_cs("R4-S1", ["nps < 7", is, "", "high"])
}

#[test]
fn r4_s2_csat_is_under_3_of_5() -> Checked {
    let is = "worst of every user_id's latest survey_response (kind is csat), at most 90d old, \
              from 1 to 5";
    risk_cs("R4-S2", ["csat < 3", is, "", "high"])
}

#[test]
fn r4_s3_ces_is_over_3_of_5() -> Checked {
    let is = "worst of every user_id's latest survey_response (kind is ces), at most 90d old, \
              from 5 to 1";
    risk_cs("R4-S3", ["ces > 3", is, "", "medium"])
}

#[test]
fn r4_b1_no_webinar_attended_of_those_invited_to() -> Checked {
    let is_ratio = "webinars_attended / webinars_invited, at most 1, if webinars_invited >= 1";
    risk_cs("R4-B1", ["webinar_ratio <= 0", is_ratio, "known for 90d", "medium"])?;
    let model = default_model()?;
    let of = |kind: &str| format!("number of different webinar_id of {kind} in the last 90d");
    assert_eq!(is(&model, "webinars_attended"), of("webinar_attended"));
    assert_eq!(is(&model, "webinars_invited"), of("webinar_invited"));
    Ok(())
}

#[test]
fn r4_b2_no_resource_downloaded_in_90_days() -> Checked {
    let is = "number of resource_downloaded in the last 90d";
    risk_cs("R4-B2", ["downloads <= 0", is, "known for 90d", "medium"])
}

#[test]
fn r4_b3_not_in_the_community_for_90_days() -> Checked {
    let is = "number of community_activity in the last 90d";
    risk_cs("R4-B3", ["community <= 0", is, "known for 90d", "low"])
}

/// A red flag: its conditions and its floor.
fn flag(id: &str, wanted: &str, floor: f64) -> Checked {
    let model = default_model()?;
    let Some(flag) = model.flags.iter().find(|flag| flag.id == id) else {
        return Err(vec![id.to_owned()]);
    };
    let all: Vec<String> = flag.all.iter().map(|part| facts::condition(&model, part)).collect();
    assert_eq!(all.join(" and "), wanted);
    assert_eq!(flag.floor.to_string(), floor.to_string());
    assert_eq!(flag.rings, Rings::WhenActive { cooldown: Span::days(7) });
    assert_eq!(model.scores.get(flag.score).map(|score| score.name.as_str()), Some("risk"));
    Ok(())
}

#[test]
fn rf_1_a_trial_while_searching_is_90() -> Checked {
    flag("RF-1", "R3-C4 and R3-C2", 90.0)
}

#[test]
fn rf_2_a_contract_review_while_searching_is_80() -> Checked {
    flag("RF-2", "R3-C5 and R3-C2", 80.0)
}

#[test]
fn rf_3_an_nps_under_5_with_reduced_use_is_75() -> Checked {
    flag("RF-3", "nps < 5 and R3-B2", 75.0)?;
    let model = default_model()?;
    let by_measure = |part: &&Condition| matches!(part, Condition::Measure(..));
    let flag = model.flags.iter().find(|flag| flag.id == "RF-3");
    assert_eq!(flag.map(|flag| flag.all.iter().filter(by_measure).count()), Some(1));
    Ok(())
}
