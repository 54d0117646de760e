//! How to make just these signals active at one instant.
//!
//! Rules   the customer has been known for 120 days and has agreed to everything; a signal that
//!         is not asked for is clear or has nothing to say.

use serde_json::json;

use super::scenario::{HOUR, Story, day};

/// The instant at which the signals are as asked.
pub(crate) const THEN: i64 = day(120);
/// When most of what is still in every window happened.
const LATELY: i64 = THEN - HOUR;

/// A story at whose instant [`THEN`] exactly `active` are active. `NPS 4` is R3-S1 and R4-S1 with
/// an answer of 4 instead of 6.
pub(crate) fn only(active: &[&str]) -> Story {
    let story = usage(Story::known().consenting(), active);
    let story = answers(contacts(story, active), active);
    competitors(money(story, active), active)
}

/// The same where every signal of `risk` that is not active is clear: none has nothing to say.
pub(crate) fn only_of_all(active: &[&str]) -> Story {
    let is = |id| active.contains(&id);
    let mut story = only(active);
    if !is("R3-B1") {
        let message = json!({"message_id": "opened"});
        story = story.on(THEN - day(5), "email_sent", message.clone());
        story = story.on(THEN - day(4), "email_opened", message);
    }
    if !is("R3-B5") {
        story = story.each((10..120).map(day), "login", |_| json!({}));
    }
    let surveys = [(is("R3-S1") || is("NPS 4"), "nps"), (is("R3-S4"), "satisfaction")];
    for (_, kind) in surveys.iter().filter(|row| !row.0) {
        story = story.on(LATELY, "survey_response", json!({"kind": kind, "value": 9}));
    }
    for (_, channel) in
        [(is("R3-S2"), "comment"), (is("R3-S5"), "ticket")].iter().filter(|row| !row.0)
    {
        story = story.on(LATELY, "sentiment_scored", json!({"channel": channel, "score": 0.9}));
    }
    story
}

fn usage(mut story: Story, active: &[&str]) -> Story {
    let is = |id| active.contains(&id);
    if is("R3-B5") {
        // Once a day from day 10 to 100; at most one login in the two weeks after.
        story = story.each((10..100).map(day), "login", |_| json!({}));
    }
    if !is("R4-I1") {
        story = story.on(LATELY, "login", json!({}));
    }
    let seconds = if is("R4-U2") { 600 } else { 3600 };
    let n_sessions = if is("R4-U1") { 1 } else { 2 };
    let sessions = [LATELY, LATELY].into_iter().take(n_sessions);
    story = story.each(sessions, "session_ended", |_| json!({"duration_s": seconds}));
    let n_features = if is("R3-B2") || is("R4-U3") { 2 } else { 3 };
    let features = [LATELY, LATELY, LATELY].into_iter().take(n_features);
    story = story.each(features, "feature_used", |n| json!({"feature_id": format!("f-{n}")}));
    if !is("R4-B2") {
        story = story.on(LATELY, "resource_downloaded", json!({}));
    }
    if !is("R4-B3") {
        story = story.on(LATELY, "community_activity", json!({}));
    }
    if is("R4-B1") {
        story = story.on(LATELY, "webinar_invited", json!({"webinar_id": "w"}));
    }
    story
}

fn contacts(mut story: Story, active: &[&str]) -> Story {
    let is = |id| active.contains(&id);
    if is("R3-B1") {
        story = story.on(THEN - day(5), "email_sent", json!({"message_id": "unopened"}));
    }
    if is("R4-I2") {
        story = story.each(
            [LATELY; 3],
            "email_sent",
            |n| json!({"message_id": format!("unanswered-{n}")}),
        );
    }
    if is("R3-B3") {
        story =
            story.each([LATELY; 4], "ticket_opened", |n| json!({"ticket_id": format!("t-{n}")}));
    }
    if !is("R4-I3") {
        story = story.on(LATELY, "ticket_message", json!({"ticket_id": "t-0"}));
    }
    story
}

fn answers(mut story: Story, active: &[&str]) -> Story {
    let is = |id| active.contains(&id);
    let surveys = [
        (is("R3-S1") || is("R4-S1"), "nps", 6),
        (is("NPS 4"), "nps", 4),
        (is("R3-S4"), "satisfaction", 6),
        (is("R4-S2"), "csat", 2),
        (is("R4-S3"), "ces", 4),
    ];
    for (_, kind, value) in surveys.iter().filter(|row| row.0) {
        story = story.on(LATELY, "survey_response", json!({"kind": kind, "value": value}));
    }
    for (_, channel) in
        [(is("R3-S2"), "comment"), (is("R3-S5"), "ticket")].iter().filter(|row| row.0)
    {
        story = story.on(LATELY, "sentiment_scored", json!({"channel": channel, "score": 0.1}));
    }
    if is("R3-S3") {
        story = story.on(LATELY, "social_mention", json!({"polarity": "negative"}));
    }
    story
}

fn money(story: Story, active: &[&str]) -> Story {
    if !active.contains(&"R3-B4") {
        return story;
    }
    let due = super::scenario::START + THEN - day(8);
    story.on(LATELY, "invoice_issued", json!({"invoice_id": "i", "due_at": due}))
}

fn competitors(mut story: Story, active: &[&str]) -> Story {
    let is = |id| active.contains(&id);
    let kinds = [
        (is("R3-C1"), "competitor_visit", 3),
        (is("R3-C2"), "competitor_search", 1),
        (is("R3-C3"), "competitor_research", 1),
        (is("R3-C4"), "competitor_trial", 1),
        (is("R3-C5"), "contract_reviewed", 1),
    ];
    for (_, kind, n) in kinds.iter().filter(|row| row.0) {
        story = story.each(std::iter::repeat_n(LATELY, *n), kind, |_| json!({}));
    }
    story
}
