//! What follows from what happened.
//!
//! Shape   one step a kind of consequence; a chain (a session, a ticket, an onboarding) notes
//!         its next link.
//! Rules   a step whose reason is gone, because the customer left or was erased, writes nothing.

use crate::record::kind::{Field, Kind};

use super::agenda::Due;
use super::firm::kind_name;
use super::life::{DAY, Fact, HOUR, Life, MINUTE, SECOND, Who};

/// A mail's kind, in [`Due::rest`].
pub(super) const MARKETING: u8 = 0;
/// The other kind.
pub(super) const TRANSACTIONAL: u8 = 1;

/// Kinds of consequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    Created,
    Consent,
    Profile,
    Welcome,
    Onboarding,
    Opened,
    Clicked,
    Replied,
    Unsubscribed,
    Session,
    Shop,
    Ticket,
    TicketReopened,
    TicketSentiment,
    Csat,
    Ces,
    Paid,
    PaymentFailed,
    PaymentDeferred,
    Refunded,
    Renewed,
    Attended,
    LimitReached,
    UsageBlocked,
    Redeemed,
    RewardRevoked,
    Care,
    ReferralQualified,
    ReferralConverted,
    ReferralRenewed,
    Cancelled,
    ExitSurvey,
    Reactivated,
    Resumed,
}

impl Life {
    /// Writes what is due and gives its time, or nothing if its reason is gone.
    pub(super) fn follow(&mut self, due: Due<Step>, out: &mut Vec<u8>) -> Option<i64> {
        let who = self.who(due.customer, due.time);
        let state = self.state(due.customer);
        let outlives = matches!(
            due.step,
            Step::Paid | Step::ExitSurvey | Step::Reactivated | Step::Ticket | Step::Refunded
        );
        let stands_still =
            matches!(due.step, Step::Session | Step::Shop | Step::Renewed | Step::Attended);
        if state.is(Fact::Erased)
            || (state.is(Fact::Cancelled) && !outlives)
            || (state.is(Fact::Paused) && stands_still)
        {
            return None;
        }
        self.write(&who, due, out).then_some(due.time)
    }

    fn write(&mut self, who: &Who, due: Due<Step>, out: &mut Vec<u8>) -> bool {
        match due.step {
            Step::Created => {
                self.create(who, out);
                self.wait(who);
            }
            Step::Consent => self.consent(who, due.number, out),
            Step::Profile => self.profile(who, out),
            Step::Welcome => self.mail(who, out),
            Step::Onboarding => self.onboard(who, due.number, out),
            Step::Opened | Step::Clicked | Step::Replied | Step::Unsubscribed => {
                self.mail_step(who, due, out);
            }
            Step::Session => self.session_step(who, due, out),
            Step::Shop => self.shop(who, out),
            Step::Ticket => self.ticket_step(who, due, out),
            Step::TicketReopened => self.reopen(who, due.number, out),
            Step::TicketSentiment => self.ticket_sentiment(who, due.number, out),
            Step::Csat | Step::Ces => self.ticket_survey(who, due.step, out),
            Step::Paid | Step::PaymentFailed | Step::PaymentDeferred | Step::Refunded => {
                self.payment_step(who, due, out);
            }
            Step::Renewed => self.renew(who, due.number, out),
            Step::Attended => self
                .begin(who, Kind::WebinarAttended, out)
                .named(Field::Webinar, "w-", due.number)
                .end(),
            Step::LimitReached | Step::UsageBlocked => self.limit(who, due.step, out),
            Step::Redeemed => self
                .begin(who, Kind::PointsRedeemed, out)
                .text(Field::Reward, "training")
                .count(Field::Points, due.number)
                .end(),
            Step::RewardRevoked => self
                .begin(who, Kind::RewardRevoked, out)
                .named(Field::Reward, "rw-", due.number)
                .end(),
            Step::Care => self.care_step(who, due, out),
            Step::ReferralQualified | Step::ReferralConverted | Step::ReferralRenewed => {
                self.referral_step(who, due, out);
            }
            Step::Cancelled => self.cancel(who, due.number, out),
            Step::ExitSurvey => self.exit_survey(who, out),
            Step::Reactivated => return self.come_back(who, out),
            Step::Resumed => {
                self.state_mut(who.index).clear(Fact::Paused);
                self.begin(who, Kind::SubscriptionResumed, out).end();
            }
        }
        true
    }

    /// Notes the next link of a chain.
    fn then(&mut self, due: Due<Step>, step: Step, wait: i64) {
        self.note_due(Due { time: due.time + wait, step, ..due });
    }

    fn consent(&mut self, who: &Who, purpose: u32, out: &mut Vec<u8>) {
        let name = if purpose == 0 {
            self.state_mut(who.index).set(Fact::Watched);
            "competitive_tracking"
        } else {
            "social_listening"
        };
        self.begin(who, Kind::ConsentChanged, out)
            .text(Field::Purpose, name)
            .yes(Field::Granted)
            .end();
    }

    fn profile(&mut self, who: &Who, out: &mut Vec<u8>) {
        let age = i64::from(self.dice.between(8_000, 22_000));
        let first = i64::from(self.dice.below(900));
        self.begin(who, Kind::ProfileDates, out)
            .day(Field::Birthday, (who.time - age * DAY).max(0))
            .day(Field::FirstPurchase, (who.time - first * DAY).max(0))
            .end();
    }

    fn onboard(&mut self, who: &Who, at: u32, out: &mut Vec<u8>) {
        const STEPS: [&str; 8] = [
            "email_verified",
            "profile_completed",
            "setup_scheduled",
            "setup_done",
            "tutorial_completed",
            "first_result",
            "first_report",
            "automations_configured",
        ];
        let n_steps = if who.traits.fate < 30 { 4 } else { 8 };
        if at + 1 < n_steps {
            let time = who.time + self.dice.spread(20 * MINUTE, 3 * DAY);
            let time = self.awake(who, time);
            self.note(who.index, time, Step::Onboarding, at + 1);
        }
        self.begin(who, Kind::OnboardingStep, out)
            .text(Field::Step, STEPS[at as usize % STEPS.len()])
            .end();
    }

    fn mail_step(&mut self, who: &Who, due: Due<Step>, out: &mut Vec<u8>) {
        let kind = match due.step {
            Step::Opened => Kind::EmailOpened,
            Step::Clicked => Kind::EmailClicked,
            Step::Replied => Kind::EmailReplied,
            _ => Kind::Unsubscribed,
        };
        let wait = self.dice.spread(4 * SECOND, 20 * MINUTE);
        if due.step == Step::Opened {
            let unhappy = if who.phase.mood < 600 { 25 } else { 2 };
            match self.dice.below(1_000) {
                draw if draw < unhappy => self.then(due, Step::Unsubscribed, wait),
                draw if draw < 380 => self.then(due, Step::Clicked, wait),
                draw if draw < 450 => self.then(due, Step::Replied, wait),
                _ => {}
            }
        }
        if due.step == Step::Unsubscribed {
            self.state_mut(who.index).set(Fact::Unsubscribed);
        }
        self.begin(who, kind, out)
            .named(Field::Message, "m-", due.number)
            .text(Field::SubKind, kind_name(due.rest))
            .end();
    }

    fn ticket_step(&mut self, who: &Who, due: Due<Step>, out: &mut Vec<u8>) {
        if due.rest != 0 {
            let wait = self.dice.spread(10 * MINUTE, DAY);
            let time = self.awake(who, due.time + wait);
            self.note_due(Due { time, rest: due.rest - 1, ..due });
            self.begin(who, Kind::TicketMessage, out).named(Field::Ticket, "t-", due.number).end();
            return;
        }
        let wait = self.dice.spread(2 * MINUTE, 2 * DAY);
        match self.dice.below(100) {
            0..28 => self.then(due, Step::Csat, wait),
            28..42 => self.then(due, Step::Ces, wait),
            42..48 => self.then(due, Step::TicketReopened, wait),
            _ => {}
        }
        let first_response_s = self.dice.between(40, 14_000);
        self.begin(who, Kind::TicketResolved, out)
            .named(Field::Ticket, "t-", due.number)
            .count(Field::FirstResponse, first_response_s)
            .end();
    }

    fn reopen(&mut self, who: &Who, ticket: u32, out: &mut Vec<u8>) {
        let time = who.time + self.dice.spread(HOUR, 2 * DAY);
        let (customer, step) = (who.index, Step::Ticket);
        self.note_due(Due { time, customer, number: ticket, step, rest: 1 });
        self.begin(who, Kind::TicketReopened, out).named(Field::Ticket, "t-", ticket).end();
    }

    fn payment_step(&mut self, who: &Who, due: Due<Step>, out: &mut Vec<u8>) {
        let amount = self.mrr(who);
        let attempt = u32::from(due.rest) + 1;
        let sheet_kind = match due.step {
            Step::Paid => {
                if self.dice.chance(8) {
                    let wait = self.dice.spread(DAY, 10 * DAY);
                    self.then(due, Step::Refunded, wait);
                }
                Kind::PaymentSucceeded
            }
            Step::PaymentFailed => {
                self.after_failure(due);
                Kind::PaymentFailed
            }
            Step::PaymentDeferred => {
                let wait = self.dice.spread(2 * DAY, 20 * DAY);
                self.then(due, Step::Paid, wait);
                Kind::PaymentDeferred
            }
            _ => Kind::Refund,
        };
        let sheet = self
            .begin(who, sheet_kind, out)
            .named(Field::Invoice, "i-", due.number)
            .hundredths(Field::Amount, amount);
        let sheet = match sheet_kind {
            Kind::PaymentFailed => sheet
                .text(Field::Decline, if due.rest < 2 { "soft" } else { "hard" })
                .count(Field::Attempt, attempt),
            Kind::PaymentDeferred => sheet.time(Field::NewDueAt, who.time + 14 * DAY),
            _ => sheet.text(Field::Currency, "EUR"),
        };
        sheet.end();
    }

    /// Tried again, paid late, deferred, or never paid.
    fn after_failure(&mut self, due: Due<Step>) {
        let wait = self.dice.spread(2 * DAY, 9 * DAY);
        let again = Due { rest: due.rest + 1, ..due };
        match self.dice.below(100) {
            0..35 if due.rest < 3 => self.then(again, Step::PaymentFailed, wait),
            35..45 => self.then(due, Step::PaymentDeferred, wait),
            45..90 => {
                let wait = self.dice.spread(3 * DAY, 30 * DAY);
                self.then(due, Step::Paid, wait);
            }
            _ => {}
        }
    }

    fn renew(&mut self, who: &Who, due_day: u32, out: &mut Vec<u8>) {
        let due_at = i64::from(due_day) * DAY;
        let timing = match (due_at - who.time) / DAY {
            2.. => "early",
            0 | 1 => "on_time",
            _ => "late",
        };
        let months = if self.term(who) == 30 { 1 } else { 12 };
        self.begin(who, Kind::SubscriptionRenewed, out)
            .time(Field::DueAt, due_at)
            .time(Field::RenewedAt, who.time)
            .count(Field::TermMonths, months)
            .text(Field::Timing, timing)
            .end();
    }
}
