//! What a customer, or the company towards them, does at a turn.
//!
//! Shape   what is due comes first: leaving, an invoice, a renewal, a survey; then a draw, on the
//!         company's menu or on the customer's.
//! Rules   a turn writes exactly one event.

use crate::record::kind::{Field, Kind};

use super::follow::Step;
use super::life::{DAY, Fact, HOUR, Life, MINUTE, SECOND, Who};
use super::people::PLANS;

impl Life {
    /// One turn of a known customer.
    pub(super) fn act(&mut self, who: &Who, out: &mut Vec<u8>) {
        let state = self.state(who.index);
        let day = self.day(who.time);
        if state.is(Fact::Cancelled) {
            return self.win_back(who, out);
        }
        if self.is_leaving(who) {
            return self.ask_to_leave(who, out);
        }
        if 30 <= day.saturating_sub(state.invoiced) {
            return self.invoice(who, out);
        }
        if self.term(who) <= day.saturating_sub(state.renewed) {
            return self.renewal(who, out);
        }
        let firm = self.firm_share();
        let own = (1_000 - firm) * who.phase.activity / 1_000;
        let is_firm = state.is(Fact::Paused) || self.dice.below(firm + own) < firm;
        if is_firm {
            return self.act_of_firm(who, out);
        }
        if 90 <= day.saturating_sub(state.surveyed) && self.dice.chance(400) {
            return self.survey(who, out);
        }
        if self.dice.chance(who.phase.trouble) {
            return self.open_ticket(who, out);
        }
        if self.dice.chance(who.phase.shopping) {
            return self.shop(who, out);
        }
        self.act_of_customer(who, out);
    }

    fn is_leaving(&self, who: &Who) -> bool {
        let state = self.state(who.index);
        let asked = [Fact::Leaving, Fact::Returned, Fact::Stayed];
        who.index != 0
            && !asked.into_iter().any(|fact| state.is(fact))
            && who.traits.leaves(&self.world).is_some_and(|at| at <= who.time)
    }

    fn act_of_firm(&mut self, who: &Who, out: &mut Vec<u8>) {
        const CHANNELS: [Kind; 4] =
            [Kind::InappShown, Kind::PushSent, Kind::WhatsappSent, Kind::SmsSent];
        match self.dice.below(1_000) {
            0..640 => self.mail(who, out),
            640..720 => {
                let kind = CHANNELS[self.dice.below(4) as usize];
                let message = self.name();
                self.begin(who, kind, out).named(Field::Message, "m-", message).end();
            }
            720..800 => self.meter(who, out),
            800..850 => {
                let webinar = 1 + u32::from(self.day(who.time)) / 10;
                let open = who.phase.open;
                if self.dice.chance(open / 2) {
                    let at = who.time + DAY + self.dice.spread(HOUR, 6 * DAY);
                    let at = self.awake(who, at);
                    self.note(who.index, at, Step::Attended, webinar);
                }
                self.begin(who, Kind::WebinarInvited, out)
                    .named(Field::Webinar, "w-", webinar)
                    .end();
            }
            850..890 => self.reward(who, out),
            890..930 => self.care(who, out),
            930..950 => self.firmographics(who, out),
            950..970 => self.department(who, out),
            970..982 => self.csm(who, out),
            982..990 => self.change_consent(who, out),
            990..992 => self.override_score(who, out),
            992..994 => {
                let now = who.time;
                self.begin(who, Kind::Tick, out).time(Field::Now, now).end();
            }
            _ => self.referral(who, out),
        }
    }

    fn act_of_customer(&mut self, who: &Who, out: &mut Vec<u8>) {
        // Those with few events to spend spend them on the product.
        if self.month < 20 && self.dice.chance(700) {
            return self.visit(who, out);
        }
        match self.dice.below(1_000) {
            0..720 => self.visit(who, out),
            720..790 => self.comment(who, out),
            790..820 => self.community(who, out),
            820..850 => {
                let resource = self.dice.between(1, 80);
                self.begin(who, Kind::ResourceDownloaded, out)
                    .named(Field::Resource, "r-", resource)
                    .end();
            }
            850..865 => self.review(who, out),
            865..875 => self.mention(who, out),
            875..915 => self.feedback(who, out),
            915..945 => self.results(who, out),
            945..960 => self.buy(who, out),
            960..968 => self.referral(who, out),
            968..976 => self.change_plan(who, out),
            976..982 => self.pause(who, out),
            982..988 => self.look_at_contract(who, out),
            _ => self.visit(who, out),
        }
    }

    /// A mail to someone who left: the only thing that still happens to them.
    fn win_back(&mut self, who: &Who, out: &mut Vec<u8>) {
        let message = self.name();
        if who.traits.bits % 12 == 7 && self.dice.chance(150) {
            self.state_mut(who.index).set(Fact::Erased);
            self.begin(who, Kind::ErasureRequested, out).text(Field::Scope, "all").end();
            return;
        }
        self.begin(who, Kind::EmailSent, out)
            .named(Field::Message, "m-", message)
            .text(Field::Campaign, "win-back")
            .text(Field::SubKind, "marketing")
            .end();
    }

    fn ask_to_leave(&mut self, who: &Who, out: &mut Vec<u8>) {
        const REASONS: [&str; 5] = ["price", "missing_feature", "no_use", "service", "competitor"];
        self.state_mut(who.index).set(Fact::Leaving);
        let at = who.time + self.dice.spread(2 * HOUR, 6 * DAY);
        let reason = self.dice.below(5);
        // Some are talked out of it.
        if self.dice.chance(120) {
            self.state_mut(who.index).set(Fact::Stayed);
        } else {
            self.note(who.index, at, Step::Cancelled, reason);
        }
        self.begin(who, Kind::CancellationRequested, out)
            .text(Field::ReasonCode, REASONS[reason as usize])
            .text(Field::Channel, "app")
            .end();
    }

    /// A session: a login, or its start, and a chain of what is done in it.
    fn visit(&mut self, who: &Who, out: &mut Vec<u8>) {
        const DEVICES: [&str; 3] = ["web", "ios", "android"];
        let (least, most) = match self.month {
            ..80 => (2, 3),
            80..400 => (1, 6),
            _ => (1, 12),
        };
        let n_things = self.dice.between(least, most);
        let user = self.user(who);
        let at = who.time + self.dice.spread(15 * SECOND, 3 * MINUTE);
        self.session(who, at, user, n_things);
        let device = self.dice.pick(&DEVICES);
        self.begin(who, Kind::Login, out)
            .named(Field::User, "u-", user)
            .text(Field::Device, device)
            .end();
    }

    fn community(&mut self, who: &Who, out: &mut Vec<u8>) {
        let kind = self.dice.pick(&["post", "reply", "like", "like"]);
        self.begin(who, Kind::CommunityActivity, out).text(Field::SubKind, kind).end();
    }

    fn buy(&mut self, who: &Who, out: &mut Vec<u8>) {
        let amount = self.dice.between(900, 24_000);
        if self.dice.chance(300) {
            self.begin(who, Kind::CartAbandoned, out).hundredths(Field::Value, amount).end();
        } else {
            let items = self.dice.between(1, 5);
            self.begin(who, Kind::Purchase, out)
                .hundredths(Field::Amount, amount)
                .count(Field::Items, items)
                .end();
        }
    }

    fn change_plan(&mut self, who: &Who, out: &mut Vec<u8>) {
        let old = self.state(who.index).plan;
        let old_mrr = self.mrr(who);
        let draw = self.dice.below(10);
        let (new, kind) = match draw {
            0..2 => (old, "addon"),
            2..4 => (old, "crosssell"),
            4..6 if old != 0 => (old - 1, "downgrade"),
            _ if old < 2 => (old + 1, "upgrade"),
            _ => (old, "addon"),
        };
        self.state_mut(who.index).plan = new;
        let extra = if new == old { 1_500 } else { 0 };
        let new_mrr = self.mrr(who) + extra;
        let name = |plan: u8| PLANS[usize::from(plan) % PLANS.len()].0;
        self.begin(who, Kind::SubscriptionChanged, out)
            .text(Field::OldPlan, name(old))
            .text(Field::NewPlan, name(new))
            .hundredths(Field::OldMrr, old_mrr)
            .hundredths(Field::NewMrr, new_mrr)
            .count(Field::Seats, who.traits.users + 2)
            .text(Field::SubKind, kind)
            .named(Field::Product, "p-", 1 + u32::from(new))
            .end();
    }

    fn pause(&mut self, who: &Who, out: &mut Vec<u8>) {
        // Most only look at the page.
        if who.index == 0 || !self.dice.chance(200) {
            return self.visit(who, out);
        }
        self.state_mut(who.index).set(Fact::Paused);
        let days = i64::from(self.dice.between(10, 45));
        let planned = who.time + days * DAY;
        let at = planned + self.dice.spread(HOUR, 2 * DAY);
        self.note(who.index, at, Step::Resumed, 0);
        let reason = self.dice.pick(&["holiday", "budget", "season"]);
        self.begin(who, Kind::SubscriptionPaused, out)
            .text(Field::Reason, reason)
            .time(Field::PlannedResume, planned)
            .end();
    }

    /// Before a renewal people read what they signed.
    fn look_at_contract(&mut self, who: &Who, out: &mut Vec<u8>) {
        let age = self.day(who.time).saturating_sub(self.state(who.index).renewed);
        if self.term(who) == 365 && 300 < age {
            return self.review_contract(who, out);
        }
        self.visit(who, out);
    }

    fn review_contract(&mut self, who: &Who, out: &mut Vec<u8>) {
        let days = self.dice.between(1, 120);
        let user = self.user(who);
        self.begin(who, Kind::ContractReviewed, out)
            .named(Field::By, "u-", user)
            .count(Field::DaysToRenewal, days)
            .end();
    }

    /// One step of looking around: first visits, seldom more.
    pub(super) fn shop(&mut self, who: &Who, out: &mut Vec<u8>) {
        const RIVALS: [&str; 4] = ["acme", "globex", "initech", "umbrella"];
        const WORDS: [&str; 3] = ["alternative", "cheaper", "migrate"];
        if !self.state(who.index).is(Fact::Watched) && self.dice.chance(850) {
            // Without consent most of it is not seen.
            return self.visit(who, out);
        }
        let rival = RIVALS[(who.traits.bits >> 24) as usize % RIVALS.len()];
        let is_set = who.traits.fate < 30;
        let kind = match self.dice.below(100) {
            0..62 => Kind::CompetitorVisit,
            62..82 => Kind::CompetitorSearch,
            82..92 => Kind::CompetitorResearch,
            92..95 if is_set => Kind::CompetitorTrial,
            95..98 if is_set => return self.review_contract(who, out),
            _ => Kind::CompetitorVisit,
        };
        // One look leads to the next.
        if kind == Kind::CompetitorVisit && self.dice.chance(550) {
            let at = who.time + self.dice.spread(20 * MINUTE, 2 * DAY);
            let at = self.awake(who, at);
            self.note(who.index, at, Step::Shop, 0);
        }
        let word = self.dice.pick(&WORDS);
        let mut sheet = self.begin(who, kind, out).text(Field::Competitor, rival);
        if kind == Kind::CompetitorSearch {
            sheet = sheet.text(Field::Keyword, word);
        }
        sheet.text(Field::ConsentBasis, "opt_in").end();
    }
}
