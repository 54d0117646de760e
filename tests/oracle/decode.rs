//! A line to an event, by the simplest road.
//!
//! Rules   it says only whether a line is an event, of an unknown type or rejected, never why;
//!         forms are checked for the fields that some measure or state reads.
//! Units   numbers in millionths, rounded from their decimal text, halves away from zero (A-17).
//! Source  DESIGN §2; readings A-38, A-39 and A-40.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::oracle::moment;

/// One million: a whole one in millionths.
pub(crate) const ONE: i128 = 1_000_000;

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Unique among its customer's.
    pub(crate) id: String,
    /// Its type.
    pub(crate) kind: String,
    /// Whose.
    pub(crate) customer: String,
    /// When.
    pub(crate) time: i64,
    fields: BTreeMap<String, Given>,
}

/// What a line turned out to be.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// An event.
    Event(Event),
    /// An event of a type nobody registered.
    Unknown,
    /// No event.
    Rejected,
}

/// The value of a field that is present and not null.
#[derive(Clone, Debug)]
enum Given {
    Text(String),
    Number { micros: Option<i128>, whole: Option<i64> },
    Flag(bool),
    Other,
}

/// What a line turns out to be.
pub(crate) fn decode(line: &str) -> Line {
    match envelope(line) {
        None => Line::Rejected,
        Some(event) if !TYPES.contains(&event.kind.as_str()) => Line::Unknown,
        Some(event) if is_well_formed(&event) && is_in_scale(&event) => Line::Event(event),
        Some(_) => Line::Rejected,
    }
}

impl Event {
    /// The text of `field`.
    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        match self.fields.get(field)? {
            Given::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of `field`, in millionths.
    pub(crate) fn number(&self, field: &str) -> Option<i128> {
        match self.fields.get(field)? {
            Given::Number { micros, .. } => *micros,
            _ => None,
        }
    }

    /// The flag of `field`.
    pub(crate) fn flag(&self, field: &str) -> Option<bool> {
        match self.fields.get(field)? {
            Given::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The moment of `field`.
    pub(crate) fn moment(&self, field: &str) -> Option<i64> {
        match self.fields.get(field)? {
            Given::Text(text) => moment::read(text),
            Given::Number { whole, .. } => whole.filter(|&whole| moment::is_in_range(whole)),
            _ => None,
        }
    }

    /// The whole number of `field`.
    pub(crate) fn whole(&self, field: &str) -> Option<i64> {
        match self.fields.get(field)? {
            Given::Number { whole, .. } => *whole,
            _ => None,
        }
    }

    /// `value` or `score` with the ends of its scale, in millionths.
    pub(crate) fn scaled(&self) -> Option<(i128, i128, i128)> {
        let (field, low, high) = match (self.kind.as_str(), self.text("kind")) {
            ("survey_response", Some("nps" | "satisfaction")) => ("value", 0, 10 * ONE),
            ("survey_response", Some("csat" | "ces")) => ("value", ONE, 5 * ONE),
            ("sentiment_scored" | "social_mention", _) => ("score", 0, ONE),
            _ => return None,
        };
        let low = self.number("scale_min").unwrap_or(low);
        let high = self.number("scale_max").unwrap_or(high);
        Some((self.number(field)?, low, high))
    }
}

/// The four fields every event has, or `None`.
fn envelope(line: &str) -> Option<Event> {
    let Object(pairs) = serde_json::from_str(line).ok()?;
    let mut fields = BTreeMap::new();
    for (key, raw) in pairs {
        if fields.insert(key, given(raw.get())?).is_some() {
            return None;
        }
    }
    let mut fields: BTreeMap<String, Given> =
        fields.into_iter().filter_map(|(key, given)| given.map(|given| (key, given))).collect();
    let mut text = |name: &str, longest: usize| match fields.remove(name) {
        Some(Given::Text(text)) if (1..=longest).contains(&text.len()) => Some(text),
        _ => None,
    };
    let id = text("id", 128)?;
    let customer = text("customer_id", 256)?;
    let kind = text("type", usize::MAX)?;
    let mut event = Event { id, kind, customer, time: 0, fields };
    event.time = event.moment("time")?;
    Some(event)
}

/// One JSON value: `None` where it cannot be, `Some(None)` for null.
fn given(raw: &str) -> Option<Option<Given>> {
    Some(match raw.chars().next()? {
        'n' => None,
        '"' => Some(Given::Text(serde_json::from_str(raw).ok()?)),
        't' => Some(Given::Flag(true)),
        'f' => Some(Given::Flag(false)),
        '{' | '[' => Some(Given::Other),
        _ => Some(Given::Number { micros: micros(raw), whole: raw.parse().ok() }),
    })
}

/// The decimal number `text` in millionths, halves away from zero; `None` beyond 10^12.
fn micros(text: &str) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let is_negative = mantissa.starts_with('-');
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{}{decimals}", whole.trim_start_matches('-')).parse().ok()?;
    let shift = exponent + 6 - i64::try_from(decimals.len()).ok()?;
    let power = 10_i128.checked_pow(u32::try_from(shift.abs()).ok()?);
    let size = match (power, 0 <= shift) {
        _ if digits == 0 => 0,
        (Some(power), true) => digits.checked_mul(power)?,
        (Some(power), false) => rounded(digits, power),
        (None, true) => return None,
        (None, false) => 0,
    };
    if 1_000_000_000_000 * ONE < size {
        return None;
    }
    Some(if is_negative { -size } else { size })
}

/// `num / den` to the nearest whole number, halves away from zero; `den` is positive.
pub(crate) fn rounded(num: i128, den: i128) -> i128 {
    let size = (2 * num.abs() + den) / (2 * den);
    if num < 0 { -size } else { size }
}

/// Whether every field that somebody reads has its form (A-38).
fn is_well_formed(event: &Event) -> bool {
    event.fields.keys().all(|field| {
        let is_text = || event.text(field).is_some();
        let is_number = || event.number(field).is_some();
        let is_amount = || event.number(field).is_some_and(|number| 0 <= number);
        let is_one_of =
            |words: &[&str]| event.text(field).is_some_and(|word| words.contains(&word));
        match (event.kind.as_str(), field.as_str()) {
            ("survey_response", "kind") => {
                is_one_of(&["nps", "csat", "ces", "satisfaction", "exit"])
            }
            ("content_created", "kind") => is_one_of(&["document", "campaign", "automation"]),
            ("community_activity", "kind") => is_one_of(&["post", "reply", "like"]),
            (kind, "kind") if kind.starts_with("email_") || kind == "unsubscribed" => {
                is_one_of(&["marketing", "transactional"])
            }
            ("sentiment_scored", "channel") => {
                is_one_of(&["comment", "ticket", "review", "social", "call"])
            }
            ("social_mention", "polarity") => is_one_of(&["positive", "neutral", "negative"]),
            ("kpi_reported", "kpi_role") => is_one_of(&["primary", "secondary"]),
            ("score_override", "score") => is_text(),
            (_, "message_id" | "feature_id" | "ticket_id" | "topic_id" | "invoice_id") => is_text(),
            (_, "user_id" | "webinar_id" | "resource_id" | "purpose" | "rule") => is_text(),
            (_, "owner_id" | "plan" | "by" | "reason" | "keyword" | "competitor") => is_text(),
            ("session_ended", "duration_s") | (_, "amount") => is_amount(),
            (_, "value" | "score" | "scale_min" | "scale_max" | "roi_pct") => is_number(),
            (_, "baseline" | "target") => is_number(),
            (_, "granted" | "higher_is_better" | "core") => event.flag(field).is_some(),
            (_, "due_at" | "new_due_at" | "effective_at" | "until" | "now") => {
                event.moment(field).is_some()
            }
            (_, "ttl_ms") => event.whole(field).is_some_and(|ttl| 0 <= ttl),
            _ => true,
        }
    })
}

/// Whether every value lies on its scale (A-39).
fn is_in_scale(event: &Event) -> bool {
    if event.kind == "score_override" {
        return event.number("value").is_none_or(|value| (0..=100 * ONE).contains(&value));
    }
    event.scaled().is_none_or(|(value, low, high)| low < high && low <= value && value <= high)
}

/// An object's pairs in the order of the line, repeated keys and all.
struct Object(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The vocabulary (SPEC §0).
const TYPES: &[&str] = &[
    "customer_created",
    "subscription_started",
    "subscription_changed",
    "subscription_paused",
    "subscription_resumed",
    "renewal_due",
    "subscription_renewed",
    "cancellation_requested",
    "subscription_cancelled",
    "subscription_reactivated",
    "login",
    "session_started",
    "session_ended",
    "feature_used",
    "usage_metered",
    "limit_reached",
    "usage_blocked",
    "content_created",
    "onboarding_step",
    "email_sent",
    "email_opened",
    "email_clicked",
    "email_replied",
    "unsubscribed",
    "inapp_shown",
    "push_sent",
    "whatsapp_sent",
    "sms_sent",
    "ticket_opened",
    "ticket_message",
    "ticket_resolved",
    "ticket_reopened",
    "invoice_issued",
    "payment_succeeded",
    "payment_failed",
    "payment_deferred",
    "refund",
    "survey_response",
    "sentiment_scored",
    "social_mention",
    "competitor_visit",
    "competitor_search",
    "competitor_research",
    "competitor_trial",
    "contract_reviewed",
    "webinar_invited",
    "webinar_attended",
    "resource_downloaded",
    "community_activity",
    "feedback_submitted",
    "feature_requested",
    "social_share",
    "referral_sent",
    "referral_qualified",
    "referral_converted",
    "referral_renewed",
    "roi_reported",
    "kpi_reported",
    "firmographics_updated",
    "department_interest",
    "points_redeemed",
    "reward_granted",
    "reward_revoked",
    "intervention_step_done",
    "intervention_outcome",
    "alert_acked",
    "alert_snoozed",
    "score_override",
    "owner_changed",
    "consent_changed",
    "erasure_requested",
    "purchase",
    "cart_abandoned",
    "review_posted",
    "tick",
    "profile_dates",
];

#[test]
fn a_17_numbers_are_rounded_from_their_decimals() {
    for (text, wanted) in [
        ("0.3", Some(300_000)),
        ("0.0000005", Some(1)),
        ("-5e-7", Some(-1)),
        ("0.00000049", Some(0)),
        ("1e12", Some(1_000_000_000_000_000_000)),
        ("1000000000001", None),
        ("1e999", None),
        ("0e999", Some(0)),
        ("1e-999", Some(0)),
    ] {
        assert_eq!(micros(text), wanted, "{text}");
    }
}

#[test]
fn a_38_a_39_lines_are_told_apart() {
    let event = |more: &str| format!(r#"{{"id":"1","customer_id":"c","time":0{more}}}"#);
    for (line, is_event) in [
        (event(r#","type":"login""#), true),
        (event(r#","type":"login","type":"login""#), false),
        (event(r#","type":"email_sent","message_id":7"#), false),
        (event(r#","type":"email_sent","message_id":null"#), true),
        (event(r#","type":"session_ended","duration_s":-1"#), false),
        (event(r#","type":"survey_response","kind":"nps","value":11"#), false),
        (event(r#","type":"survey_response","kind":"csat","value":10,"scale_max":10"#), true),
        (event(r#","type":"survey_response","kind":"csat","value":1,"scale_max":1"#), false),
        (event(""), false),
        (r#"{"id":"","type":"login","customer_id":"c","time":0}"#.to_owned(), false),
        (r#"{"id":"1","type":"login","customer_id":"c","time":1.0}"#.to_owned(), false),
        (r#"{"id":"1","type":"login","customer_id":"c","time":"0"}"#.to_owned(), false),
        ("[]".to_owned(), false),
    ] {
        assert_eq!(matches!(decode(&line), Line::Event(_)), is_event, "{line}");
    }
    assert!(matches!(decode(&event(r#","type":"moonrise""#)), Line::Unknown));
}
