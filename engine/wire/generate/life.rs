//! The default flavour: customers who live their stories, one event after the other.
//!
//! Shape   a turn comes at the pace's next moment; a customer awake there takes it and does
//!         something, and what follows from it goes to the agenda. Whatever is earlier, the next
//!         turn or the next entry of the agenda, is the next event.
//! Rules   exactly as many events as asked for, in order of time, all before the end; nothing
//!         refers to what did not happen.
//! Cost    12 bytes a customer, 4 on the wheel, 24 for each thing that is to follow.

use crate::record::kind::{Field, Kind};

use super::agenda::{Agenda, Due};
use super::dice::Dice;
use super::follow::Step;
use super::pace::{Pace, ZONES, local_hour};
use super::pen::{Pen, Sheet};
use super::people::{Archetype, PLANS, Phase, Traits, World};
use super::wheel::{TICKS_MEAN, Wheels};
use super::{Happened, Plan};

pub(super) const SECOND: i64 = 1_000;
pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 3_600_000;
pub(super) const DAY: i64 = 86_400_000;

/// Added to stored day numbers, so that what happened before the stream has one too.
pub(super) const DAY_OFFSET: i64 = 400;

/// What is true of a customer, one bit each.
#[derive(Clone, Copy, Debug)]
#[repr(u16)]
pub(super) enum Fact {
    Known = 1,
    Leaving = 1 << 1,
    Cancelled = 1 << 2,
    Paused = 1 << 3,
    Unsubscribed = 1 << 4,
    Watched = 1 << 5,
    Erased = 1 << 6,
    Returned = 1 << 7,
    InCare = 1 << 8,
    Stayed = 1 << 9,
}

/// What must be remembered of a customer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    facts: u16,
    /// The last day of an invoice, a survey, a mail, a renewal; each plus [`DAY_OFFSET`].
    pub(super) invoiced: u16,
    pub(super) surveyed: u16,
    pub(super) mailed: u16,
    pub(super) renewed: u16,
    /// An index of [`PLANS`].
    pub(super) plan: u8,
    /// Counts the features used, to go through them in turn.
    pub(super) cursor: u8,
}

impl State {
    pub(super) fn is(&self, fact: Fact) -> bool {
        self.facts & fact as u16 != 0
    }

    pub(super) fn set(&mut self, fact: Fact) {
        self.facts |= fact as u16;
    }

    pub(super) fn clear(&mut self, fact: Fact) {
        self.facts &= !(fact as u16);
    }
}

/// A customer at the moment of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who {
    pub(super) index: u32,
    pub(super) time: i64,
    pub(super) traits: Traits,
    pub(super) phase: Phase,
}

/// The stream of the default flavour.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) dice: Dice,
    pub(super) world: World,
    pen: Pen,
    pace: Pace,
    agenda: Agenda<Step>,
    wheels: Wheels,
    states: Vec<State>,
    /// Messages, tickets, invoices and the like so far: the numbers in their names.
    names: u32,
    /// What a customer can do in a month: long sessions need many events.
    pub(super) month: u64,
    left: u64,
    written: u64,
    turns: u64,
    turn_at: Option<i64>,
}

impl Life {
    /// The stream of `plan`, of `events` events.
    pub(super) fn new(plan: &Plan, events: u64) -> Life {
        let (start, end) = plan.span();
        let world = World::new(plan.seed, start, end);
        let mut life = Life {
            dice: Dice::new(plan.seed),
            world,
            pen: Pen::new(plan.seed),
            pace: Pace::of_people(start, end),
            agenda: Agenda::new(start, end),
            wheels: Wheels::new(ZONES.len(), plan.customers),
            states: vec![State::default(); plan.customers as usize],
            names: 0,
            month: events * 30 / (u64::from(plan.customers) * u64::from(plan.days)).max(1),
            left: events,
            written: 0,
            turns: 0,
            turn_at: None,
        };
        for index in 0..plan.customers {
            life.settle(index);
        }
        life
    }

    /// Puts a customer where they wait for their first turn.
    fn settle(&mut self, index: u32) {
        let traits = self.world.traits(index);
        self.states[index as usize].plan = traits.plan;
        if traits.archetype == Archetype::Newcomer {
            self.note(index, traits.onset, Step::Created, 0);
        } else {
            // The first turn falls anywhere within the usual wait.
            let wait = TICKS_MEAN * 256 / traits.weight.max(1);
            let ticks = self.dice.below(wait + 1);
            self.wheels.put(traits.zone, index, ticks);
        }
    }

    /// Appends the next event to `out`; `None` when all are written.
    pub(super) fn next_into(&mut self, out: &mut Vec<u8>) -> Option<Happened> {
        while self.left != 0 {
            let turn_at = match self.turn_at {
                Some(time) => time,
                None => self.plan_turn(),
            };
            let (customer, time) = match self.agenda.take_until(turn_at) {
                Some(due) => (due.customer, self.follow(due, out)),
                None => {
                    self.turn_at = None;
                    self.turns += 1;
                    let zone = self.pace.zone(&mut self.dice, turn_at);
                    let customer = self.wheels.take(zone)?;
                    (customer, self.turn(customer, turn_at, out))
                }
            };
            if let Some(time) = time {
                self.left -= 1;
                self.written += 1;
                return Some(Happened { customer, time });
            }
        }
        None
    }

    /// Draws the time of the next turn: of the events left, some follow from others.
    fn plan_turn(&mut self) -> i64 {
        let share = u128::from(self.left) * u128::from(self.turns + 16);
        let n_left = u64::try_from(share / u128::from(self.written + 40)).unwrap_or(u64::MAX);
        let time = self.pace.next(&mut self.dice, n_left.max(1));
        self.turn_at = Some(time);
        time
    }

    fn turn(&mut self, index: u32, time: i64, out: &mut Vec<u8>) -> Option<i64> {
        let who = self.who(index, time);
        if self.state(index).is(Fact::Known) {
            self.act(&who, out);
        } else {
            self.create(&who, out);
        }
        self.wait(&who);
        Some(time)
    }

    /// Puts the customer back on their wheel.
    pub(super) fn wait(&mut self, who: &Who) {
        let state = self.state(who.index);
        if state.is(Fact::Erased) {
            return;
        }
        let liveliness = if state.is(Fact::Cancelled) {
            60
        } else if state.is(Fact::Paused) {
            self.firm_share()
        } else {
            self.firm_share() + who.phase.activity * (1_000 - self.firm_share()) / 1_000
        };
        let gap = u64::from(self.dice.gap()) * u64::from(TICKS_MEAN) * 256 * 1_000;
        let gap = gap / u64::from(who.traits.weight.max(1)) / u64::from(liveliness.max(1));
        // A part of a tick counts as often as it is large.
        let ticks = (gap + (self.dice.bits() & 0xFFFF)) >> 16;
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
        self.wheels.put(who.traits.zone, who.index, ticks);
    }

    /// How many turns in a thousand are the company's: mails, invoices and the like go on
    /// whether or not the customer does anything.
    pub(super) fn firm_share(&self) -> u32 {
        match self.month {
            ..80 => 270,
            80..400 => 180,
            _ => 60,
        }
    }

    pub(super) fn who(&self, index: u32, time: i64) -> Who {
        let traits = self.world.traits(index);
        let phase = traits.phase(&self.world, time);
        Who { index, time, traits, phase }
    }

    pub(super) fn state(&self, index: u32) -> State {
        self.states[index as usize]
    }

    pub(super) fn state_mut(&mut self, index: u32) -> &mut State {
        &mut self.states[index as usize]
    }

    /// The day of the stream, as [`State`] keeps it.
    pub(super) fn day(&self, time: i64) -> u16 {
        u16::try_from((time - self.world.start) / DAY + DAY_OFFSET).unwrap_or(u16::MAX)
    }

    /// A fresh number for something that later events will name.
    pub(super) fn name(&mut self) -> u32 {
        self.names = self.names.wrapping_add(1);
        self.names
    }

    /// Begins an event of `who`.
    pub(super) fn begin<'a>(
        &'a mut self,
        who: &Who,
        kind: Kind,
        out: &'a mut Vec<u8>,
    ) -> Sheet<'a> {
        self.pen.begin(out, kind, who.index, who.time)
    }

    /// Notes what will happen to customer `index` at `time`, about `number`.
    pub(super) fn note(&mut self, index: u32, time: i64, step: Step, number: u32) {
        self.agenda.note(Due { time, customer: index, number, step, rest: 0 });
    }

    /// The same with a count or a kind that the step understands.
    pub(super) fn note_due(&mut self, due: Due<Step>) {
        self.agenda.note(due);
    }

    /// `time`, or the next morning where it is night for the customer.
    pub(super) fn awake(&mut self, who: &Who, time: i64) -> i64 {
        let hour = local_hour(time, who.traits.zone);
        if 7 <= hour {
            return time;
        }
        time + (7 - hour) * HOUR + i64::from(self.dice.below(5_400_000))
    }

    /// One of the account's users: the first is there most often.
    pub(super) fn user(&mut self, who: &Who) -> u32 {
        if self.dice.chance(500) { 1 } else { self.dice.between(1, who.traits.users) }
    }

    /// What the customer pays a month, in hundredths.
    pub(super) fn mrr(&self, who: &Who) -> u32 {
        let plan = self.state(who.index).plan;
        let (_, price) = PLANS[usize::from(plan) % PLANS.len()];
        price + (who.traits.users - 1) * 900
    }

    /// The customer appears: the event that comes before all others of theirs.
    pub(super) fn create(&mut self, who: &Who, out: &mut Vec<u8>) {
        const INDUSTRIES: [&str; 5] = ["technology", "marketing", "sales", "retail", "health"];
        const SEGMENTS: [&str; 4] = ["marketing", "sales", "hr", "finance"];
        let is_new = who.traits.archetype == Archetype::Newcomer;
        let mrr = self.mrr(who);
        let bits = who.traits.bits;
        let (day, term) = (self.day(who.time), self.term(who));
        let since = if is_new { 0 } else { i64::from(self.dice.between(20, 900)) };
        let (invoiced, surveyed) = (self.days_ago(30), self.days_ago(90));
        let renewed = if is_new { 0 } else { self.days_ago(term) };
        let state = self.state_mut(who.index);
        state.set(Fact::Known);
        state.invoiced = if is_new { day - 30 } else { day - invoiced };
        state.surveyed = if is_new { day - 60 } else { day - surveyed };
        state.renewed = day - renewed;
        let (plan, _) = PLANS[usize::from(state.plan) % PLANS.len()];
        let kind =
            if bits.is_multiple_of(8) { Kind::SubscriptionStarted } else { Kind::CustomerCreated };
        let (zone, _, _) = ZONES[who.traits.zone];
        let industry = INDUSTRIES[(bits >> 8) as usize % INDUSTRIES.len()];
        let segment = SEGMENTS[(bits >> 12) as usize % SEGMENTS.len()];
        let b2 = if bits.is_multiple_of(5) { "b2c" } else { "b2b" };
        self.begin(who, kind, out)
            .text(Field::Plan, plan)
            .hundredths(Field::Mrr, mrr)
            .text(Field::Currency, "EUR")
            .count(Field::BillingPeriod, if term == 30 { 1 } else { 12 })
            .count(Field::Seats, who.traits.users + 2)
            .text(Field::Segment, segment)
            .text(Field::Industry, industry)
            .named(Field::Owner, "csm-", 1 + ((bits >> 16) % 12) as u32)
            .text(Field::Timezone, zone)
            .text(Field::B2, b2)
            .time(Field::Purchased, (who.time - since * DAY).max(0))
            .end();
        self.welcome(who);
    }

    /// A number of days below `most`.
    fn days_ago(&mut self, most: u16) -> u16 {
        u16::try_from(self.dice.below(u32::from(most))).unwrap_or(0)
    }

    /// Days of a subscription's term.
    pub(super) fn term(&self, who: &Who) -> u16 {
        if who.traits.bits.is_multiple_of(3) { 365 } else { 30 }
    }

    /// What follows a customer's first event.
    fn welcome(&mut self, who: &Who) {
        let soon = who.time + self.dice.spread(30 * SECOND, 4 * MINUTE);
        if who.traits.bits % 10 < 8 {
            self.note(who.index, soon, Step::Consent, 0);
        }
        if who.traits.bits % 10 < 7 {
            self.note(who.index, soon + SECOND, Step::Consent, 1);
        }
        if who.traits.bits.is_multiple_of(4) {
            self.note(who.index, soon + MINUTE, Step::Profile, 0);
        }
        if who.traits.archetype == Archetype::Newcomer {
            self.note(who.index, soon, Step::Welcome, 0);
            let first = soon + self.dice.spread(5 * MINUTE, 3 * HOUR);
            self.note(who.index, first, Step::Onboarding, 0);
        }
    }
}
