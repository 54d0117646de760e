//! The company's side: mails, invoices, renewals, rewards, care and what is known of the account.

use crate::record::kind::{Field, Kind};

use super::agenda::Due;
use super::follow::{MARKETING, Step, TRANSACTIONAL};
use super::life::{DAY, Fact, HOUR, Life, MINUTE, Who};

impl Life {
    /// A mail, and what becomes of it.
    pub(super) fn mail(&mut self, who: &Who, out: &mut Vec<u8>) {
        let state = self.state(who.index);
        let day = self.day(who.time);
        if state.mailed == day {
            return self.meter(who, out);
        }
        self.state_mut(who.index).mailed = day;
        let is_plain = state.is(Fact::Unsubscribed) || self.dice.chance(250);
        let kind = if is_plain { TRANSACTIONAL } else { MARKETING };
        let message = self.name();
        if self.dice.chance(who.phase.open) {
            let at = who.time + self.dice.spread(3 * MINUTE, 30 * HOUR);
            let time = self.awake(who, at);
            let step = Step::Opened;
            self.note_due(Due { time, customer: who.index, number: message, step, rest: kind });
        }
        self.begin(who, Kind::EmailSent, out)
            .named(Field::Message, "m-", message)
            .named(Field::Campaign, "week-", u32::from(day) / 7)
            .text(Field::SubKind, kind_name(kind))
            .end();
    }

    /// A monthly invoice, and how it gets paid.
    pub(super) fn invoice(&mut self, who: &Who, out: &mut Vec<u8>) {
        self.state_mut(who.index).invoiced = self.day(who.time);
        let invoice = self.name();
        let amount = self.mrr(who);
        let due_at = who.time - who.time.rem_euclid(DAY) + 15 * DAY;
        if self.dice.chance(who.phase.late) {
            let at = due_at - self.dice.spread(HOUR, 3 * DAY);
            self.note(who.index, at, Step::PaymentFailed, invoice);
        } else {
            let at = who.time + self.dice.spread(HOUR, 13 * DAY);
            self.note(who.index, at, Step::Paid, invoice);
        }
        self.begin(who, Kind::InvoiceIssued, out)
            .named(Field::Invoice, "i-", invoice)
            .hundredths(Field::Amount, amount)
            .time(Field::DueAt, due_at)
            .text(Field::Currency, "EUR")
            .end();
    }

    /// A renewal comes near.
    pub(super) fn renewal(&mut self, who: &Who, out: &mut Vec<u8>) {
        let term = self.term(who);
        self.state_mut(who.index).renewed = self.day(who.time);
        let due_at = who.time + 10 * DAY;
        if self.dice.chance(950) {
            let at = who.time + self.dice.spread(HOUR, 14 * DAY);
            let day = u32::try_from(due_at / DAY).unwrap_or(0);
            self.note(who.index, at, Step::Renewed, day);
        }
        self.begin(who, Kind::RenewalDue, out)
            .time(Field::DueAt, due_at)
            .count(Field::TermMonths, if term == 30 { 1 } else { 12 })
            .end();
    }

    /// How much of a limit is used; near it the customer runs into it.
    pub(super) fn meter(&mut self, who: &Who, out: &mut Vec<u8>) {
        let metric = self.dice.pick(&["documents", "seats", "volume"]);
        let limit = 1_000;
        let least = if who.traits.bits.is_multiple_of(6) { 700 } else { 50 };
        let used = self.dice.between(least, 990) * who.phase.activity.min(1_000) / 1_000;
        if 930 < used {
            let at = who.time + self.dice.spread(HOUR, 3 * DAY);
            let at = self.awake(who, at);
            self.note(who.index, at, Step::LimitReached, 0);
        }
        self.begin(who, Kind::UsageMetered, out)
            .text(Field::Metric, metric)
            .count(Field::Used, used)
            .count(Field::Limit, limit)
            .text(Field::Period, "month")
            .end();
    }

    /// A reward, which some redeem and a few lose again.
    pub(super) fn reward(&mut self, who: &Who, out: &mut Vec<u8>) {
        let reward = self.name();
        let points = 100 * self.dice.between(2, 10);
        let at = who.time + self.dice.spread(HOUR, 10 * DAY);
        let at = self.awake(who, at);
        match self.dice.below(10) {
            0..5 => self.note(who.index, at, Step::Redeemed, points),
            5 => self.note(who.index, at, Step::RewardRevoked, reward),
            _ => {}
        }
        self.begin(who, Kind::RewardGranted, out)
            .named(Field::Reward, "rw-", reward)
            .count(Field::Points, points)
            .end();
    }

    /// The customer's manager takes care of those who are not well.
    pub(super) fn care(&mut self, who: &Who, out: &mut Vec<u8>) {
        let is_well = 600 < who.phase.activity && 400 < who.phase.mood;
        if is_well || self.state(who.index).is(Fact::InCare) {
            return self.mail(who, out);
        }
        self.state_mut(who.index).set(Fact::InCare);
        let playbook = if who.phase.mood < 400 { 2 } else { 1 };
        let at = who.time + self.dice.spread(12 * HOUR, 3 * DAY);
        let step = Step::Care;
        self.note_due(Due { time: at, customer: who.index, number: playbook, step, rest: 1 });
        self.begin(who, Kind::InterventionStepDone, out)
            .named(Field::Intervention, "IV-", playbook)
            .count(Field::Step, 0)
            .text(Field::Result, "contacted")
            .end();
    }

    /// What a customer's manager says to the engine.
    pub(super) fn csm(&mut self, who: &Who, out: &mut Vec<u8>) {
        let csm = self.dice.between(1, 12);
        match self.dice.below(10) {
            0..5 => self
                .begin(who, Kind::AlertAcked, out)
                .text(Field::Rule, "risk")
                .text(Field::Reason, "seen")
                .named(Field::By, "csm-", csm)
                .end(),
            5..7 => self
                .begin(who, Kind::AlertSnoozed, out)
                .text(Field::Rule, "R3-B1")
                .named(Field::By, "csm-", csm)
                .count(Field::Ttl, 259_200_000)
                .end(),
            _ => self
                .begin(who, Kind::OwnerChanged, out)
                .named(Field::Owner, "csm-", csm)
                .text(Field::Reason, "territory")
                .end(),
        }
    }

    /// A score that someone knows better, for a while.
    pub(super) fn override_score(&mut self, who: &Who, out: &mut Vec<u8>) {
        let value = self.dice.between(5, 60);
        let until = who.time + i64::from(self.dice.between(3, 20)) * DAY;
        let csm = self.dice.between(1, 12);
        self.begin(who, Kind::ScoreOverride, out)
            .text(Field::Score, "risk")
            .count(Field::Value, value)
            .time(Field::Until, until)
            .text(Field::Reason, "spoke with them")
            .named(Field::By, "csm-", csm)
            .end();
    }

    /// A purpose is granted or withdrawn.
    pub(super) fn change_consent(&mut self, who: &Who, out: &mut Vec<u8>) {
        let sheet_kind = Kind::ConsentChanged;
        match self.dice.below(10) {
            0..4 => {
                self.state_mut(who.index).clear(Fact::Watched);
                self.begin(who, sheet_kind, out)
                    .text(Field::Purpose, "competitive_tracking")
                    .no(Field::Granted)
                    .end();
            }
            4..7 => self
                .begin(who, sheet_kind, out)
                .text(Field::Purpose, "marketing")
                .yes(Field::Granted)
                .end(),
            _ => self
                .begin(who, sheet_kind, out)
                .text(Field::Purpose, "social_listening")
                .yes(Field::Granted)
                .end(),
        }
    }

    /// What the market knows of the company.
    pub(super) fn firmographics(&mut self, who: &Who, out: &mut Vec<u8>) {
        let employees = 8 + (who.traits.bits % 400) as u32 + self.dice.below(60);
        let revenue = employees * 9_000 + self.dice.below(100_000);
        let mut sheet = self
            .begin(who, Kind::FirmographicsUpdated, out)
            .count(Field::Employees, employees)
            .count(Field::Revenue, revenue);
        if employees.is_multiple_of(4) {
            sheet = sheet.text(Field::NewMarkets, "portugal");
        }
        if employees.is_multiple_of(5) {
            sheet = sheet.count(Field::NewProducts, 2);
        }
        sheet.end();
    }

    /// Another department asks.
    pub(super) fn department(&mut self, who: &Who, out: &mut Vec<u8>) {
        let department = self.dice.pick(&["marketing", "sales", "hr", "finance"]);
        let source = self.dice.pick(&["webinar", "referral", "question"]);
        self.begin(who, Kind::DepartmentInterest, out)
            .text(Field::Department, department)
            .text(Field::Role, "lead")
            .text(Field::Source, source)
            .end();
    }
}

/// The word for a mail's kind.
pub(super) fn kind_name(kind: u8) -> &'static str {
    if kind == TRANSACTIONAL { "transactional" } else { "marketing" }
}
