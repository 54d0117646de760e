//! Everything a customer ever did, and what follows from it without counting.
//!
//! Shape   the full list of accepted events in the order of their arrival; nothing is forgotten
//!         and nothing is derived ahead of time.
//! Rules   lifecycle, consent, overrides and snoozes at T are computed anew from the list, by
//!         event time, ties by arrival (A-04, A-05, A-19, A-25, A-43, P-02 to P-05).

use crate::oracle::decode::Event;
use crate::played::DAY;

/// An event that was applied.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// The event.
    pub(crate) event: Event,
    /// `now` of the partition once it was applied.
    pub(crate) now: i64,
}

/// Whether the customer is a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// As usual.
    Active,
    /// Between a pause and its end.
    Paused,
    /// From a cancellation's effect to a return.
    Cancelled,
}

/// A manual score that holds.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    /// In millionths.
    pub(crate) value: i128,
    /// Who set it.
    pub(crate) by: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// The accepted events of one customer.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// In the order of arrival.
    pub(crate) events: Vec<Accepted>,
}

impl History {
    /// The smallest time of all accepted events.
    pub(crate) fn known_since(&self) -> i64 {
        self.events.iter().map(|accepted| accepted.event.time).min().unwrap_or(i64::MAX)
    }

    /// The events of this type, in the order of arrival.
    pub(crate) fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Event> + 'a {
        self.events.iter().map(|accepted| &accepted.event).filter(move |event| event.kind == kind)
    }

    /// The events of this type in (`after`, `upto`], in the order of arrival.
    pub(crate) fn within<'a>(
        &'a self,
        kind: &'a str,
        after: i64,
        upto: i64,
    ) -> impl Iterator<Item = &'a Event> + 'a {
        self.of(kind).filter(move |event| after < event.time && event.time <= upto)
    }

    /// The events of these types by event time, ties by arrival.
    pub(crate) fn by_time(&self, kinds: &[&str]) -> Vec<&Event> {
        let mut events: Vec<&Event> = self
            .events
            .iter()
            .map(|accepted| &accepted.event)
            .filter(|event| kinds.contains(&event.kind.as_str()))
            .collect();
        events.sort_by_key(|event| event.time);
        events
    }

    /// Every change of status, oldest first; before the first the customer is active.
    ///
    /// A cancellation takes effect at max(time, effective_at) and before other events of that
    /// instant; a return before the effect revokes it (A-05, P-05).
    pub(crate) fn lifecycle(&self) -> Vec<(i64, Status)> {
        let mut changes: Vec<(i64, Status)> = Vec::new();
        let mut planned: Vec<i64> = Vec::new();
        for event in self.by_time(LIFECYCLE) {
            take_effect(&mut changes, &mut planned, event.time);
            let status = changes.last().map_or(Status::Active, |(_, status)| *status);
            match (event.kind.as_str(), status) {
                ("subscription_paused", Status::Active) => {
                    changes.push((event.time, Status::Paused));
                }
                ("subscription_resumed", Status::Paused) => {
                    changes.push((event.time, Status::Active));
                }
                ("subscription_cancelled", _) => {
                    let effect = event.moment("effective_at").unwrap_or(event.time);
                    planned.push(effect.max(event.time));
                    take_effect(&mut changes, &mut planned, event.time);
                }
                ("subscription_reactivated", Status::Paused | Status::Cancelled)
                | ("customer_created" | "subscription_started", Status::Cancelled) => {
                    planned.clear();
                    changes.push((event.time, Status::Active));
                }
                ("subscription_reactivated" | "customer_created" | "subscription_started", _) => {
                    planned.clear();
                }
                _ => {}
            }
        }
        take_effect(&mut changes, &mut planned, i64::MAX);
        changes
    }

    /// The status at `at`.
    pub(crate) fn status(&self, at: i64) -> Status {
        let changes = self.lifecycle();
        let last = changes.iter().rev().find(|(time, _)| *time <= at);
        last.map_or(Status::Active, |(_, status)| *status)
    }

    /// From when graces count at `at`: known since, or back since (P-04).
    pub(crate) fn settled_since(&self, at: i64) -> i64 {
        let changes = self.lifecycle();
        let last = changes
            .iter()
            .rev()
            .find(|(time, status)| *time <= at && *status == Status::Active)
            .map_or(i64::MIN, |(time, _)| *time);
        last.max(self.known_since())
    }

    /// The stretches [from, to) in which the customer was known, not paused, not cancelled.
    pub(crate) fn active_stretches(&self) -> Vec<(i64, i64)> {
        let mut stretches = Vec::new();
        let mut since = Some(self.known_since());
        for (time, status) in self.lifecycle() {
            match (since, status) {
                (Some(from), Status::Paused | Status::Cancelled) => {
                    stretches.push((from, time));
                    since = None;
                }
                (None, Status::Active) => since = Some(time),
                _ => {}
            }
        }
        stretches.extend(since.map(|from| (from, i64::MAX)));
        stretches
    }

    /// How long the customer was active in (`after`, `upto`].
    pub(crate) fn active_time(&self, after: i64, upto: i64) -> i64 {
        let inside = |(from, to): &(i64, i64)| (*to.min(&upto) - *from.max(&after)).max(0);
        self.active_stretches().iter().map(inside).sum()
    }

    /// Whether the latest consent for `purpose` by event time is a grant.
    pub(crate) fn is_granted(&self, purpose: &str, at: i64) -> bool {
        self.by_time(&["consent_changed"])
            .into_iter()
            .filter(|event| event.time <= at && event.text("purpose") == Some(purpose))
            .filter_map(|event| event.flag("granted"))
            .next_back()
            .unwrap_or(false)
    }

    /// The override of `score` that holds at `at`: the newest or none (A-25, P-02).
    pub(crate) fn manual(&self, score: &str, at: i64) -> Option<Override> {
        let newest = self
            .by_time(&["score_override"])
            .into_iter()
            .rfind(|event| event.text("score").unwrap_or("risk") == score && event.time <= at)?;
        if end_of(newest) <= at {
            return None;
        }
        Some(Override {
            value: newest.number("value")?,
            by: newest.text("by").map(str::to_owned),
            reason: newest.text("reason").map(str::to_owned),
        })
    }

    /// Whether alerts of `rule` are kept back at `at` (A-43, P-03).
    pub(crate) fn is_snoozed(&self, rule: &str, at: i64) -> bool {
        self.of("alert_snoozed").any(|event| {
            let is_meant = event.text("rule").is_none_or(|meant| meant == rule);
            is_meant && event.time <= at && at < end_of(event)
        })
    }

    /// Who looks after the customer: the latest owner that an event names.
    pub(crate) fn owner(&self, at: i64) -> Option<String> {
        self.by_time(&["customer_created", "subscription_started", "owner_changed"])
            .into_iter()
            .filter(|event| event.time <= at)
            .filter_map(|event| event.text("owner_id"))
            .next_back()
            .map(str::to_owned)
    }
}

/// The types that move the lifecycle.
const LIFECYCLE: &[&str] = &[
    "customer_created",
    "subscription_started",
    "subscription_paused",
    "subscription_resumed",
    "subscription_cancelled",
    "subscription_reactivated",
];

/// Lets the planned cancellations that are due by `upto` happen, in the order of their effect.
fn take_effect(changes: &mut Vec<(i64, Status)>, planned: &mut Vec<i64>, upto: i64) {
    planned.sort_unstable();
    while let Some(&effect) = planned.first().filter(|&&effect| effect <= upto) {
        planned.remove(0);
        if changes.last().is_none_or(|(_, status)| *status != Status::Cancelled) {
            changes.push((effect, Status::Cancelled));
        }
    }
}

/// Where an override or a snooze ends: `until`, else `ttl_ms` after its time, else never.
pub(crate) fn end_of(event: &Event) -> i64 {
    let by_ttl = || event.whole("ttl_ms").map(|ttl| event.time.saturating_add(ttl));
    event.moment("until").or_else(by_ttl).unwrap_or(i64::MAX)
}

/// How long before `now` an event of this type is too old; `None` where it never is.
///
/// Features and community activity are read without a window by CX-12 and CX-13 (D-7), invoices
/// and payments by R3-B4.
pub(crate) fn reach(kind: &str) -> Option<i64> {
    let days = match kind {
        "competitor_visit" | "session_ended" => 7,
        "email_opened" => 14,
        "email_sent" | "email_clicked" | "email_replied" | "content_created" => 30,
        "sentiment_scored" | "social_mention" => 30,
        "competitor_search" | "competitor_research" => 30,
        "contract_reviewed" => 60,
        "ticket_opened" | "ticket_message" | "ticket_resolved" | "ticket_reopened" => 90,
        "competitor_trial" | "webinar_invited" | "webinar_attended" => 90,
        "resource_downloaded" => 90,
        "login" => 104,
        "survey_response" | "roi_reported" | "kpi_reported" => 120,
        _ => return None,
    };
    Some(days * DAY)
}
