//! Every measure of the default model, each as its sentence in the specification.
//!
//! Shape   a measure is a function of a view: one customer's whole history at one instant.
//! Units   what the signals compare: ratios, counts, hours, days, survey points.
//! Rules   a window of W covers (T − W, T]; a measure is one division of two integers.
//!         What customers say, in surveys and otherwise, is in `answers`.
//! Source  SPEC §1 to §3; readings; P-03, P-04, P-13 to P-16, P-20.

use std::collections::BTreeSet;

use crate::oracle::decode::{Event, ONE};
use crate::oracle::history::{Accepted, History, Status};
use crate::played::DAY;

/// A customer at an instant.
pub(crate) struct View<'a> {
    /// What the customer did.
    pub(crate) history: &'a History,
    /// T.
    pub(crate) at: i64,
    /// The status at T.
    pub(crate) status: Status,
    /// From when graces count.
    settled_since: i64,
    /// Features of the plan.
    features: u32,
}

/// A number, or not available.
pub(crate) type Reading = Option<f64>;

impl<'a> View<'a> {
    /// The customer of `history` at `at`.
    pub(crate) fn new(history: &'a History, at: i64, features: u32) -> View<'a> {
        let (status, settled_since) = (history.status(at), history.settled_since(at));
        View { history, at, status, settled_since, features }
    }

    /// What `measure` reads; nothing is available while cancelled.
    pub(crate) fn read(&self, measure: fn(&View<'_>) -> Reading) -> Reading {
        if self.status == Status::Cancelled { None } else { measure(self) }
    }

    /// `Some` once the customer has been active for `days` on end, never while paused.
    fn grace(&self, days: i64) -> Option<()> {
        let is_over = self.settled_since.saturating_add(days * DAY) <= self.at;
        (self.status == Status::Active && is_over).then_some(())
    }

    /// `Some` with a grant for `purpose`.
    pub(super) fn consent(&self, purpose: &str) -> Option<()> {
        self.history.is_granted(purpose, self.at).then_some(())
    }

    /// The events of `kind` in (T − `days`, T].
    pub(super) fn last<'b>(
        &'b self,
        days: i64,
        kind: &'b str,
    ) -> impl Iterator<Item = &'b Event> + 'b {
        self.history.within(kind, self.at - days * DAY, self.at)
    }

    /// How many events of `kind` there are in (T − `days`, T].
    fn count(&self, days: i64, kind: &str) -> i128 {
        count(self.last(days, kind))
    }

    /// How many distinct texts of `field` events of `kind` carry in (T − `days`, T].
    fn distinct(&self, days: i64, kind: &str, field: &str) -> i128 {
        let texts: BTreeSet<&str> =
            self.last(days, kind).filter_map(|event| event.text(field)).collect();
        count(texts.iter())
    }
}

/// Sent messages that were opened, of those sent in (T − 14 d, T − 2 d].
pub(crate) fn open_rate(view: &View<'_>) -> Reading {
    view.grace(14)?;
    let (after, upto) = (view.at - 14 * DAY, view.at - 2 * DAY);
    let sends = view.history.within("email_sent", after, upto);
    let sent: BTreeSet<&str> = sends.filter_map(|event| event.text("message_id")).collect();
    let opened = sent.iter().filter(|message| is_opened(view, message, after, upto));
    quotient(count(opened), count(sent.iter()))
}

/// Whether one send of `message` in (`after`, `upto`] was opened by T.
fn is_opened(view: &View<'_>, message: &str, after: i64, upto: i64) -> bool {
    let events = &view.history.events;
    let mut sends = events.iter().enumerate().filter(|(_, Accepted { event, .. })| {
        let is_meant = after < event.time && event.time <= upto;
        is_meant && event.kind == "email_sent" && event.text("message_id") == Some(message)
    });
    sends.any(|(sent_as, _)| is_answered(events, sent_as, events.len()))
}

/// Whether the send that arrived as number `sent_as` was opened by the arrival number `by`.
///
/// What comes later than its send is always seen. What came earlier is remembered for 14 days
/// after its own time: an open by itself, or with a send of the same message that it answered
/// and that is remembered (P-14).
fn is_answered(events: &[Accepted], sent_as: usize, by: usize) -> bool {
    let send = &events[sent_as];
    events[..by].iter().enumerate().any(|(other_as, other)| {
        let is_remembered = send.now < other.event.time + 14 * DAY;
        other.event.text("message_id") == send.event.text("message_id")
            && match other.event.kind.as_str() {
                "email_opened" => sent_as < other_as || is_remembered,
                "email_sent" => {
                    other_as < sent_as && is_remembered && is_answered(events, other_as, sent_as)
                }
                _ => false,
            }
    })
}

/// Distinct features used in 30 d of those in the plan, at most 1.
pub(crate) fn feature_ratio(view: &View<'_>) -> Reading {
    view.grace(30)?;
    let in_plan = i128::from(view.features);
    quotient(view.distinct(30, "feature_used", "feature_id").min(in_plan), in_plan)
}

/// Distinct features used in 30 d.
pub(crate) fn features(view: &View<'_>) -> Reading {
    view.grace(30)?;
    whole(view.distinct(30, "feature_used", "feature_id"))
}

/// Distinct tickets opened in 30 d.
pub(crate) fn tickets(view: &View<'_>) -> Reading {
    whole(view.distinct(30, "ticket_opened", "ticket_id"))
}

/// Days that the oldest unpaid invoice is late, else 0.
pub(crate) fn days_late(view: &View<'_>) -> Reading {
    let invoices = invoices(view);
    let oldest = invoices.iter().filter(|invoice| invoice.paid.is_none()).map(|i| i.due).min();
    let late = oldest.map_or(0, |due| (view.at - due).max(0));
    quotient(i128::from(late), i128::from(DAY))
}

/// Invoices due in 90 d and paid by their due date, of all due in 90 d.
pub(crate) fn paid_on_time(view: &View<'_>) -> Reading {
    let after = view.at - 90 * DAY;
    let invoices = invoices(view);
    let due = invoices.iter().filter(|invoice| after < invoice.due && invoice.due <= view.at);
    let on_time = due.clone().filter(|invoice| invoice.paid.is_some_and(|at| at <= invoice.due));
    quotient(count(on_time), count(due))
}

/// An invoice that has a due date.
struct Invoice {
    due: i64,
    /// The earliest payment.
    paid: Option<i64>,
}

/// Every invoice with a due date: the last one issued or deferred by event time (P-15).
fn invoices(view: &View<'_>) -> Vec<Invoice> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for kind in ["invoice_issued", "payment_deferred", "payment_succeeded"] {
        names.extend(view.history.of(kind).filter_map(|event| event.text("invoice_id")));
    }
    names.into_iter().filter_map(|name| invoice(view.history, name)).collect()
}

/// The invoice called `name`; once paid it is forgotten 180 d after due date and payment, and
/// what comes later under its name is a new one.
fn invoice(history: &History, name: &str) -> Option<Invoice> {
    let mut due: Option<(i64, i64)> = None;
    let mut paid: Option<i64> = None;
    for accepted in &history.events {
        let event = &accepted.event;
        if event.text("invoice_id") != Some(name) {
            continue;
        }
        if let (Some((_, due_at)), Some(paid_at)) = (due, paid)
            && due_at.max(paid_at) + 180 * DAY <= accepted.now
        {
            (due, paid) = (None, None);
        }
        let named = match event.kind.as_str() {
            "invoice_issued" => event.moment("due_at"),
            "payment_deferred" => event.moment("new_due_at"),
            _ => None,
        };
        if let Some(due_at) = named
            && due.is_none_or(|(said_at, _)| said_at <= event.time)
        {
            due = Some((event.time, due_at));
        }
        if event.kind == "payment_succeeded" {
            paid = Some(paid.map_or(event.time, |earlier| earlier.min(event.time)));
        }
    }
    due.map(|(_, due)| Invoice { due, paid })
}

/// Logins a day in 14 d against those of the 90 d before.
pub(crate) fn login_ratio(view: &View<'_>) -> Reading {
    view.grace(14)?;
    let (baseline_from, recent_from) = (view.at - 104 * DAY, view.at - 14 * DAY);
    let recent = count(view.history.within("login", recent_from, view.at));
    let before = count(view.history.within("login", baseline_from, recent_from));
    let days = view.history.active_time(baseline_from, recent_from) / DAY;
    if days < 30 { None } else { quotient(recent * i128::from(days), 14 * before) }
}

/// Visits to competitors in 7 d.
pub(crate) fn competitor_visits(view: &View<'_>) -> Reading {
    view.consent("competitive_tracking")?;
    whole(view.count(7, "competitor_visit"))
}

/// Searches for competitors in 30 d.
pub(crate) fn competitor_searches(view: &View<'_>) -> Reading {
    view.consent("competitive_tracking")?;
    whole(view.count(30, "competitor_search"))
}

/// Research into competitors in 30 d.
pub(crate) fn competitor_research(view: &View<'_>) -> Reading {
    view.consent("competitive_tracking")?;
    whole(view.count(30, "competitor_research"))
}

/// Sign-ups at competitors in 90 d.
pub(crate) fn competitor_trials(view: &View<'_>) -> Reading {
    view.consent("competitive_tracking")?;
    whole(view.count(90, "competitor_trial"))
}

/// Reviews of the contract in 60 d.
pub(crate) fn contract_reviews(view: &View<'_>) -> Reading {
    whole(view.count(60, "contract_reviewed"))
}

/// Sessions in 7 d: ended sessions or logins, whichever are more.
pub(crate) fn sessions(view: &View<'_>) -> Reading {
    view.grace(7)?;
    whole(view.count(7, "session_ended").max(view.count(7, "login")))
}

/// Hours of ended sessions in 7 d.
pub(crate) fn hours(view: &View<'_>) -> Reading {
    view.grace(7)?;
    let ended = view.last(7, "session_ended");
    quotient(ended.filter_map(|event| event.number("duration_s")).sum(), 3600 * ONE)
}

/// Days since the last login, else since the customer is known.
pub(crate) fn days_since_login(view: &View<'_>) -> Reading {
    view.grace(7)?;
    let last = view.history.of("login").map(|event| event.time).max();
    let since = last.unwrap_or_else(|| view.history.known_since());
    quotient(i128::from(view.at - since), i128::from(DAY))
}

/// Replies and clicks in 30 d for every message that was worth one.
pub(crate) fn reply_ratio(view: &View<'_>) -> Reading {
    view.grace(30)?;
    let sends = view.last(30, "email_sent");
    let worthy = sends.filter(|event| event.text("kind") != Some("transactional"));
    let messages: BTreeSet<&str> = worthy.filter_map(|event| event.text("message_id")).collect();
    if messages.len() < 3 {
        return None;
    }
    let answers = view.count(30, "email_replied") + view.count(30, "email_clicked");
    quotient(answers, count(messages.iter()))
}

/// Events of tickets in 90 d.
pub(crate) fn support_events(view: &View<'_>) -> Reading {
    view.grace(90)?;
    let kinds = ["ticket_opened", "ticket_message", "ticket_resolved", "ticket_reopened"];
    whole(kinds.into_iter().map(|kind| view.count(90, kind)).sum())
}

/// Webinars attended of those invited to in 90 d, at most 1.
pub(crate) fn webinar_ratio(view: &View<'_>) -> Reading {
    view.grace(90)?;
    let invited = view.distinct(90, "webinar_invited", "webinar_id");
    quotient(view.distinct(90, "webinar_attended", "webinar_id").min(invited), invited)
}

/// Resources downloaded in 90 d.
pub(crate) fn downloads(view: &View<'_>) -> Reading {
    view.grace(90)?;
    whole(view.count(90, "resource_downloaded"))
}

/// Community activity in 90 d.
pub(crate) fn community(view: &View<'_>) -> Reading {
    view.grace(90)?;
    whole(view.count(90, "community_activity"))
}

/// Documents created in 30 d.
pub(crate) fn documents(view: &View<'_>) -> Reading {
    view.grace(30)?;
    let created = view.last(30, "content_created");
    whole(count(created.filter(|event| event.text("kind") == Some("document"))))
}

/// The latest reported return on investment, in per cent.
pub(crate) fn roi(view: &View<'_>) -> Reading {
    let reported = view.history.by_time(&["roi_reported"]);
    let young = reported.into_iter().filter(|event| view.at - 120 * DAY < event.time);
    quotient(young.filter_map(|event| event.number("roi_pct")).next_back()?, ONE)
}

/// How far the latest primary KPI got from its baseline to its target.
pub(crate) fn kpi_attainment(view: &View<'_>) -> Reading {
    let reported = view.history.by_time(&["kpi_reported"]);
    let primary = reported.into_iter().filter(|event| {
        view.at - 120 * DAY < event.time && event.text("kpi_role") == Some("primary")
    });
    let mut pairs = primary.filter_map(|event| {
        let baseline = event.number("baseline").unwrap_or(0);
        Some((event.number("value")? - baseline, event.number("target")? - baseline))
    });
    let (reached, wanted) = pairs.next_back()?;
    quotient(reached, wanted)
}

/// How many there are.
pub(super) fn count<T>(items: impl Iterator<Item = T>) -> i128 {
    items.map(|_| 1).sum()
}

/// A whole number.
pub(super) fn whole(number: i128) -> Reading {
    quotient(number, 1)
}

/// `num / den`, n/a where `den` is zero; both must fit a binary number, so that the quotient is
/// the nearest one.
pub(super) fn quotient(num: i128, den: i128) -> Reading {
    assert!(num.abs() < 1 << 53 && den.abs() < 1 << 53, "{num} / {den} is beyond the oracle");
    if den == 0 { None } else { Some(to_f64(num) / to_f64(den)) }
}

/// A number of fewer than 53 bits.
#[expect(clippy::cast_precision_loss, reason = "fewer than 53 bits, as the caller asserts")]
fn to_f64(number: i128) -> f64 {
    number as f64
}
