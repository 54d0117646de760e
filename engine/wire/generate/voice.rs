//! What customers say: surveys, comments, reviews, mentions, tickets, wishes, results, referrals.

use crate::record::kind::{Field, Kind};

use super::agenda::Due;
use super::follow::Step;
use super::life::{DAY, HOUR, Life, MINUTE, Who};
use super::pen::Sheet;

impl Life {
    /// A mood with the day's chance in it, in thousandths.
    fn felt(&mut self, who: &Who) -> u32 {
        (who.phase.mood + self.dice.below(330)).saturating_sub(90).min(1_000)
    }

    /// A quarterly survey.
    pub(super) fn survey(&mut self, who: &Who, out: &mut Vec<u8>) {
        self.state_mut(who.index).surveyed = self.day(who.time);
        let value = self.felt(who) / 100;
        let user = self.user(who);
        let kind = if self.dice.chance(650) { "nps" } else { "satisfaction" };
        let mut sheet = self
            .begin(who, Kind::SurveyResponse, out)
            .text(Field::SubKind, kind)
            .count(Field::Value, value);
        if value.is_multiple_of(2) {
            sheet = sheet.count(Field::ScaleMin, 0).count(Field::ScaleMax, 10);
        }
        sheet.named(Field::User, "u-", user).text(Field::Touchpoint, "quarterly").end();
    }

    /// A short survey after a ticket: how content (csat), or how much effort (ces, where much is
    /// bad).
    pub(super) fn ticket_survey(&mut self, who: &Who, step: Step, out: &mut Vec<u8>) {
        let felt = self.felt(who) / 200;
        let user = self.user(who);
        let sheet = self.begin(who, Kind::SurveyResponse, out);
        let sheet = if step == Step::Ces {
            sheet
                .text(Field::SubKind, "ces")
                .count(Field::Value, 5 - felt.min(4))
                .no(Field::HigherIsBetter)
        } else {
            sheet.text(Field::SubKind, "csat").count(Field::Value, (felt + 1).min(5))
        };
        sheet.named(Field::User, "u-", user).text(Field::Touchpoint, "ticket").end();
    }

    /// The last survey.
    pub(super) fn exit_survey(&mut self, who: &Who, out: &mut Vec<u8>) {
        let value = self.felt(who) / 150;
        self.begin(who, Kind::SurveyResponse, out)
            .text(Field::SubKind, "exit")
            .count(Field::Value, value)
            .count(Field::ScaleMin, 0)
            .count(Field::ScaleMax, 10)
            .text(Field::Touchpoint, "cancellation")
            .end();
    }

    /// A text that someone scored.
    pub(super) fn comment(&mut self, who: &Who, out: &mut Vec<u8>) {
        let channel = self.dice.pick(&["comment", "comment", "comment", "review", "call"]);
        let score = self.felt(who) / 10;
        let source = self.name();
        let sheet = self.begin(who, Kind::SentimentScored, out).text(Field::Channel, channel);
        scored(sheet, score, source).named(Field::SourceId, "s-", source).end();
    }

    /// A ticket's text that someone scored.
    pub(super) fn ticket_sentiment(&mut self, who: &Who, ticket: u32, out: &mut Vec<u8>) {
        let score = self.felt(who).saturating_sub(60) / 10;
        let sheet = self.begin(who, Kind::SentimentScored, out).text(Field::Channel, "ticket");
        scored(sheet, score, ticket).named(Field::SourceId, "t-", ticket).end();
    }

    /// A public review, scored a little later.
    pub(super) fn review(&mut self, who: &Who, out: &mut Vec<u8>) {
        let rating = (self.felt(who) / 200 + 1).min(5);
        let text = self.name();
        self.begin(who, Kind::ReviewPosted, out)
            .count(Field::Rating, rating)
            .named(Field::TextId, "x-", text)
            .end();
    }

    /// A word in public.
    pub(super) fn mention(&mut self, who: &Who, out: &mut Vec<u8>) {
        let felt = self.felt(who);
        let polarity = match felt {
            ..300 => "negative",
            300..500 => "neutral",
            _ => "positive",
        };
        let network = self.dice.pick(&["linkedin", "x", "reddit"]);
        let reach = 10 * self.dice.between(1, 500);
        let sheet = self.begin(who, Kind::SocialMention, out);
        let sheet = if reach.is_multiple_of(20) {
            sheet.text(Field::Polarity, polarity)
        } else {
            sheet.hundredths(Field::Score, felt / 10)
        };
        sheet.text(Field::Network, network).count(Field::Reach, reach).end();
    }

    /// A ticket, and how it goes on.
    pub(super) fn open_ticket(&mut self, who: &Who, out: &mut Vec<u8>) {
        let ticket = self.name();
        let n_messages = u8::try_from(self.dice.between(0, 3)).unwrap_or(0);
        let at = who.time + self.dice.spread(5 * MINUTE, 8 * HOUR);
        let time = self.awake(who, at);
        let step = Step::Ticket;
        self.note_due(Due { time, customer: who.index, number: ticket, step, rest: n_messages });
        if self.dice.chance(500) {
            let at = who.time + self.dice.spread(MINUTE, HOUR);
            self.note(who.index, at, Step::TicketSentiment, ticket);
        }
        let topic = self.dice.between(1, 12);
        let priority = self.dice.pick(&["low", "normal", "normal", "high", "urgent"]);
        let sheet = self
            .begin(who, Kind::TicketOpened, out)
            .named(Field::Ticket, "t-", ticket)
            .named(Field::Topic, "topic-", topic)
            .text(Field::Priority, priority);
        if topic == 12 { sheet.yes(Field::About).end() } else { sheet.no(Field::About).end() }
    }

    /// A wish, a word of thanks, a share.
    pub(super) fn feedback(&mut self, who: &Who, out: &mut Vec<u8>) {
        let feature = self.dice.below(20);
        let number = self.name();
        match self.dice.below(10) {
            0..4 => self
                .begin(who, Kind::FeedbackSubmitted, out)
                .named(Field::Feature, "f-", feature)
                .named(Field::Feedback, "fb-", number)
                .end(),
            4..7 => self
                .begin(who, Kind::FeatureRequested, out)
                .named(Field::Feature, "f-", feature)
                .text(Field::RequiresPlan, "enterprise")
                .end(),
            _ => self
                .begin(who, Kind::SocialShare, out)
                .named(Field::Feature, "f-", feature)
                .named(Field::Share, "sh-", number)
                .end(),
        }
    }

    /// What the product brought them.
    pub(super) fn results(&mut self, who: &Who, out: &mut Vec<u8>) {
        let felt = self.felt(who);
        if self.dice.chance(400) {
            let roi = i32::try_from(felt / 2 + self.dice.below(200)).unwrap_or(0) - 180;
            self.begin(who, Kind::RoiReported, out).signed(Field::Roi, roi).end();
            return;
        }
        let target = 100 + self.dice.below(100);
        let role = self.dice.pick(&["primary", "secondary"]);
        self.begin(who, Kind::KpiReported, out)
            .text(Field::KpiName, "leads")
            .count(Field::Baseline, 50)
            .count(Field::Value, 50 + (target - 50) * felt / 800)
            .count(Field::Target, target)
            .text(Field::KpiRole, role)
            .end();
    }

    /// A friend is told, and may become a customer.
    pub(super) fn referral(&mut self, who: &Who, out: &mut Vec<u8>) {
        let friend = self.name();
        if self.dice.chance(600) {
            let at = who.time + self.dice.spread(HOUR, 10 * DAY);
            self.note(who.index, at, Step::ReferralQualified, friend);
        }
        self.refer(who, Kind::ReferralSent, friend, out);
    }

    /// One step of a referral.
    pub(super) fn refer(&mut self, who: &Who, kind: Kind, friend: u32, out: &mut Vec<u8>) {
        let code = who.index;
        let sheet = self.begin(who, kind, out).named(Field::ReferralCode, "ref-", code);
        if kind == Kind::ReferralSent {
            return sheet.end();
        }
        let sheet = sheet.named(Field::ReferredCustomer, "friend-", friend);
        if friend.is_multiple_of(4) {
            sheet.text(Field::ReferredPlan, "enterprise").yes(Field::IsPremium).end();
        } else {
            sheet.text(Field::ReferredPlan, "starter").no(Field::IsPremium).end();
        }
    }
}

/// A score in hundredths: mostly from 0 to 1, now and then on a scale to 100.
fn scored(sheet: Sheet<'_>, score: u32, draw: u32) -> Sheet<'_> {
    if draw.is_multiple_of(10) {
        sheet.count(Field::Score, score).count(Field::ScaleMin, 0).count(Field::ScaleMax, 100)
    } else {
        sheet.hundredths(Field::Score, score)
    }
}
