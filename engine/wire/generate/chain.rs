//! Chains of consequences: a session, a limit, a care, a referral, leaving and coming back.

use crate::record::kind::{Field, Kind};

use super::agenda::Due;
use super::follow::Step;
use super::life::{DAY, Fact, HOUR, Life, MINUTE, SECOND, Who};
use super::people::{Archetype, PLANS};

impl Life {
    /// Notes a session that begins at `at`, in which `user` does `n_things`.
    pub(super) fn session(&mut self, who: &Who, at: i64, user: u32, n_things: u32) {
        let number = u32::try_from((who.time - self.world.start) / SECOND).unwrap_or(u32::MAX);
        // A session's count and its user share a byte: sixteen of each are enough.
        let rest = u8::try_from(n_things.min(15) * 16 + user.min(15)).unwrap_or(0);
        self.note_due(Due { time: at, customer: who.index, number, step: Step::Session, rest });
    }

    /// One thing done in a session, or its end.
    pub(super) fn session_step(&mut self, who: &Who, due: Due<Step>, out: &mut Vec<u8>) {
        let (n_left, user) = (due.rest / 16, u32::from(due.rest % 16));
        let started = self.world.start + i64::from(due.number) * SECOND;
        if n_left == 0 {
            let duration_s = u32::try_from((who.time - started).max(0) / SECOND).unwrap_or(0);
            self.begin(who, Kind::SessionEnded, out)
                .count(Field::Duration, duration_s)
                .named(Field::User, "u-", user)
                .time(Field::StartedAt, started)
                .end();
            return;
        }
        let time = who.time + self.dice.spread(20 * SECOND, 25 * MINUTE);
        // With few events to spend, not every session is seen to its end.
        if n_left != 1 || 20 <= self.month || self.dice.chance(500) {
            self.note_due(Due { time, rest: due.rest - 16, ..due });
        }
        if self.month < 20 && self.dice.chance(700) {
            return self.use_feature(who, user, out);
        }
        match self.dice.below(100) {
            0..78 => self.use_feature(who, user, out),
            78..94 => self.make(who, out),
            _ => self
                .begin(who, Kind::SessionStarted, out)
                .named(Field::User, "u-", user)
                .text(Field::Device, "web")
                .end(),
        }
    }

    fn use_feature(&mut self, who: &Who, user: u32, out: &mut Vec<u8>) {
        const TIERS: [&str; 10] = [
            "basic", "basic", "basic", "basic", "basic", "advanced", "advanced", "advanced",
            "premium", "premium",
        ];
        // Those who do little do it with few features.
        let breadth = if who.phase.activity < 400 { 2 } else { who.traits.breadth };
        let state = self.state_mut(who.index);
        state.cursor = state.cursor.wrapping_add(1);
        let turn = u32::from(state.cursor);
        let habit = if self.month < 20 { 950 } else { 600 };
        let step = if self.dice.chance(habit) { turn } else { self.dice.below(breadth) };
        let feature = (who.traits.base + step % breadth) % 10;
        let sheet = self
            .begin(who, Kind::FeatureUsed, out)
            .named(Field::Feature, "f-", feature)
            .text(Field::Tier, TIERS[feature as usize])
            .named(Field::User, "u-", user);
        if feature < 3 { sheet.yes(Field::Core).end() } else { sheet.no(Field::Core).end() }
    }

    fn make(&mut self, who: &Who, out: &mut Vec<u8>) {
        let kind = self.dice.pick(&["document", "document", "document", "campaign", "automation"]);
        let automations = 1 + who.traits.breadth;
        let sheet = self.begin(who, Kind::ContentCreated, out).text(Field::SubKind, kind);
        if kind == "automation" {
            sheet.count(Field::ActiveAutomations, automations).end();
        } else {
            sheet.end();
        }
    }

    /// The end of a plan is reached; soon nothing goes any more.
    pub(super) fn limit(&mut self, who: &Who, step: Step, out: &mut Vec<u8>) {
        let kind = if step == Step::LimitReached {
            if self.dice.chance(300) {
                let at = who.time + self.dice.spread(MINUTE, 2 * DAY);
                self.note(who.index, at, Step::UsageBlocked, 0);
            }
            Kind::LimitReached
        } else {
            Kind::UsageBlocked
        };
        self.begin(who, kind, out)
            .text(Field::Metric, "documents")
            .count(Field::Used, 1_000)
            .count(Field::Limit, 1_000)
            .text(Field::Period, "month")
            .end();
    }

    /// A further step of an intervention, and what came of it.
    pub(super) fn care_step(&mut self, who: &Who, due: Due<Step>, out: &mut Vec<u8>) {
        let result = self.dice.pick(&["contacted", "no_answer", "accepted", "declined"]);
        let is_last = 2 <= due.rest;
        let kind = if is_last {
            self.state_mut(who.index).clear(Fact::InCare);
            Kind::InterventionOutcome
        } else {
            let time = due.time + self.dice.spread(DAY, 4 * DAY);
            self.note_due(Due { time, rest: due.rest + 1, ..due });
            Kind::InterventionStepDone
        };
        self.begin(who, kind, out)
            .named(Field::Intervention, "IV-", due.number)
            .count(Field::Step, u32::from(due.rest))
            .text(Field::Result, result)
            .end();
    }

    /// A referral goes on.
    pub(super) fn referral_step(&mut self, who: &Who, due: Due<Step>, out: &mut Vec<u8>) {
        let wait = self.dice.spread(DAY, 20 * DAY);
        let (kind, next) = match due.step {
            Step::ReferralQualified => {
                (Kind::ReferralQualified, Some((600, Step::ReferralConverted)))
            }
            Step::ReferralConverted => {
                (Kind::ReferralConverted, Some((400, Step::ReferralRenewed)))
            }
            _ => (Kind::ReferralRenewed, None),
        };
        if let Some((odds, step)) = next
            && self.dice.chance(odds)
        {
            self.note(who.index, due.time + wait, step, due.number);
        }
        self.refer(who, kind, due.number, out);
    }

    /// The customer leaves: now, or at the end of what is paid.
    pub(super) fn cancel(&mut self, who: &Who, reason: u32, out: &mut Vec<u8>) {
        const REASONS: [&str; 5] = ["price", "missing_feature", "no_use", "service", "competitor"];
        self.state_mut(who.index).set(Fact::Cancelled);
        let at = who.time + self.dice.spread(MINUTE, DAY);
        if self.dice.chance(600) {
            self.note(who.index, at, Step::ExitSurvey, 0);
        }
        let returns = who.traits.archetype == Archetype::Returning || self.dice.chance(80);
        if returns {
            let days = i64::from(self.dice.between(12, 55));
            let at = who.time + days * self.world.day;
            self.note(who.index, self.world.start.max(at), Step::Reactivated, 0);
        }
        let effective_at = who.time + self.dice.spread(HOUR, 12 * DAY);
        let sheet = self
            .begin(who, Kind::SubscriptionCancelled, out)
            .text(Field::ReasonCode, REASONS[reason as usize % REASONS.len()]);
        let sheet = if who.traits.archetype == Archetype::Payer {
            sheet.no(Field::Voluntary)
        } else {
            sheet.yes(Field::Voluntary)
        };
        sheet.time(Field::EffectiveAt, effective_at).end();
    }

    /// The customer comes back: the old subscription, seldom a new one.
    pub(super) fn come_back(&mut self, who: &Who, out: &mut Vec<u8>) -> bool {
        let mrr = self.mrr(who);
        let day = self.day(who.time);
        let state = self.state_mut(who.index);
        if !state.is(Fact::Cancelled) {
            return false;
        }
        state.clear(Fact::Cancelled);
        state.clear(Fact::Leaving);
        state.set(Fact::Returned);
        state.invoiced = day;
        state.renewed = day;
        let (plan, _) = PLANS[usize::from(state.plan) % PLANS.len()];
        if self.dice.chance(150) {
            self.begin(who, Kind::SubscriptionStarted, out)
                .text(Field::Plan, plan)
                .hundredths(Field::Mrr, mrr)
                .text(Field::Currency, "EUR")
                .end();
        } else {
            self.begin(who, Kind::SubscriptionReactivated, out)
                .text(Field::Campaign, "win-back")
                .text(Field::Offer, "20-off")
                .end();
        }
        true
    }
}
