//! The measures of what customers say: surveys, sentiments, mentions in public.
//!
//! Units   survey points on the scale of the signal that reads them; sentiments from 0 to 1.
//! Source  SPEC §15; readings; P-13.

use std::collections::BTreeMap;

use crate::oracle::decode::{Event, ONE, rounded};
use crate::oracle::measures::{Reading, View, count, quotient, whole};
use crate::played::DAY;

/// The worst latest NPS answer of a user, 0 to 10.
pub(crate) fn nps(view: &View<'_>) -> Reading {
    let (good, of) = worst_answer(view, &["nps"], 120)?;
    quotient(10 * good, of)
}

/// The worst latest answer about satisfaction, 0 to 10.
pub(crate) fn satisfaction(view: &View<'_>) -> Reading {
    let (good, of) = worst_answer(view, &["satisfaction", "csat"], 90)?;
    quotient(10 * good, of)
}

/// The worst latest CSAT answer, 1 to 5.
pub(crate) fn csat(view: &View<'_>) -> Reading {
    let (good, of) = worst_answer(view, &["csat"], 90)?;
    quotient(of + 4 * good, of)
}

/// The worst latest CES answer, from 5, bad, to 1, good.
pub(crate) fn ces(view: &View<'_>) -> Reading {
    let (good, of) = worst_answer(view, &["ces"], 90)?;
    quotient(5 * of - 4 * good, of)
}

/// The goodness of the worst among every user's latest answer, as a quotient (A-20, P-13).
fn worst_answer(view: &View<'_>, kinds: &[&str], max_age_days: i64) -> Option<(i128, i128)> {
    let mut latest: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for event in view.history.by_time(&["survey_response"]) {
        let is_young = view.at - max_age_days * DAY < event.time && event.time <= view.at;
        if is_young
            && event.text("kind").is_some_and(|kind| kinds.contains(&kind))
            && let Some(goodness) = goodness(event)
        {
            latest.insert(event.text("user_id").unwrap_or(""), goodness);
        }
    }
    latest.into_values().reduce(
        |worst, other| {
            if other.0 * worst.1 < worst.0 * other.1 { other } else { worst }
        },
    )
}

/// How good an answer is, from 0 to 1, as a quotient of millionths.
///
/// It is not rounded: A-17 rounds numbers on arrival and sentiments after scaling, no more.
fn goodness(event: &Event) -> Option<(i128, i128)> {
    let (value, low, high) = event.scaled()?;
    let higher_is_better =
        event.flag("higher_is_better").unwrap_or(event.text("kind") != Some("ces"));
    let good = if higher_is_better { value - low } else { high - value };
    Some((good, high - low))
}

/// Mean sentiment of comments, reviews and calls in 30 d.
pub(crate) fn comment_sentiment(view: &View<'_>) -> Reading {
    mean_sentiment(view, |channel| matches!(channel, Some("comment" | "review" | "call")))
}

/// Mean sentiment of tickets in 30 d.
pub(crate) fn ticket_sentiment(view: &View<'_>) -> Reading {
    mean_sentiment(view, |channel| channel == Some("ticket"))
}

/// Mean sentiment of all channels in 30 d.
pub(crate) fn sentiment(view: &View<'_>) -> Reading {
    mean_sentiment(view, |_| true)
}

/// Mean sentiment in 30 d, 0 to 1, of the channels meant.
fn mean_sentiment(view: &View<'_>, is_meant: fn(Option<&str>) -> bool) -> Reading {
    let scored = view.last(30, "sentiment_scored");
    let scores: Vec<i128> =
        scored.filter(|event| is_meant(event.text("channel"))).filter_map(scaled).collect();
    quotient(scores.iter().sum(), count(scores.iter()) * ONE)
}

/// `score` on a scale from 0 to 1, rounded to millionths again.
fn scaled(event: &Event) -> Option<i128> {
    let (score, low, high) = event.scaled()?;
    Some(rounded((score - low) * ONE, high - low))
}

/// Negative mentions in 30 d.
pub(crate) fn negative_mentions(view: &View<'_>) -> Reading {
    view.consent("social_listening")?;
    whole(count(view.last(30, "social_mention").filter(|event| match event.text("polarity") {
        Some(polarity) => polarity == "negative",
        None => scaled(event).is_some_and(|score| score < 300_000),
    })))
}
