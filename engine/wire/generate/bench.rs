//! The bench flavour: the mix of the bench job and nothing else.
//!
//! Shape   each event draws its type by the mix and its customer by a heavy tail; an opened mail
//!         and a paid invoice are drawn from those that wait for it.
//! Rules   a mail or an invoice may be left for ever, or be opened or paid twice; the shares of
//!         the types hold to the last digit in the mean.
//! Cost    no state for a customer; the two pools are bounded.
//! Source  the bench job's page: types, shares and fields.

use crate::record::kind::{Field, Kind};

use super::dice::{Dice, mix};
use super::pace::Pace;
use super::pen::Pen;
use super::{Happened, Plan};

const DAY: i64 = 86_400_000;

/// Each type's share in a hundred.
pub(super) const MIX: [(u32, Kind); 8] = [
    (30, Kind::Login),
    (40, Kind::FeatureUsed),
    (3, Kind::TicketOpened),
    (2, Kind::InvoiceIssued),
    (2, Kind::PaymentSucceeded),
    (8, Kind::SentimentScored),
    (8, Kind::EmailSent),
    (7, Kind::EmailOpened),
];

/// The stream of the bench flavour.
#[derive(Debug)]
pub(super) struct Bench {
    dice: Dice,
    pen: Pen,
    pace: Pace,
    salt: u64,
    customers: u32,
    /// Spreads the busy customers over all numbers; shares no factor with `customers`.
    stride: u64,
    names: u32,
    left: u64,
    unopened: Pool,
    unpaid: Pool,
}

/// Things that wait for their answer, in no order.
#[derive(Debug)]
struct Pool {
    waiting: Vec<(u32, u32)>,
    most: usize,
}

impl Pool {
    /// A pool whose things wait `days` in the mean, when `per_cent` of `events` take one each.
    fn new(plan: &Plan, per_cent: u64, days: u64) -> Pool {
        let a_day = plan.events / 100 * per_cent / u64::from(plan.days.max(1));
        let most = usize::try_from(a_day * days).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        Pool { waiting: Vec::new(), most }
    }

    /// Lets `thing` wait; in a full pool another one is forgotten.
    fn put(&mut self, dice: &mut Dice, thing: (u32, u32)) {
        if self.waiting.len() < self.most {
            self.waiting.push(thing);
            return;
        }
        let at = dice.below(u32::try_from(self.most).unwrap_or(u32::MAX));
        if let Some(place) = self.waiting.get_mut(at as usize) {
            *place = thing;
        }
    }

    fn take(&mut self, dice: &mut Dice) -> Option<(u32, u32)> {
        let n_waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        if n_waiting == 0 {
            return None;
        }
        Some(self.waiting.swap_remove(dice.below(n_waiting) as usize))
    }
}

impl Bench {
    /// The stream of `plan`, of `events` events.
    pub(super) fn new(plan: &Plan, events: u64) -> Bench {
        let (start, end) = plan.span();
        let mut stride = 2_654_435_761;
        while 1 < common_divisor(stride, u64::from(plan.customers)) {
            stride += 2;
        }
        Bench {
            dice: Dice::new(plan.seed),
            pen: Pen::new(plan.seed),
            pace: Pace::even(start, end),
            salt: mix(plan.seed, 0xB3),
            customers: plan.customers,
            stride,
            names: 0,
            left: events,
            unopened: Pool::new(plan, 7, 1),
            unpaid: Pool::new(plan, 2, 10),
        }
    }

    /// Appends the next event to `out`; `None` when all are written.
    pub(super) fn next_into(&mut self, out: &mut Vec<u8>) -> Option<Happened> {
        if self.left == 0 {
            return None;
        }
        let time = self.pace.next(&mut self.dice, self.left);
        self.left -= 1;
        let customer = match self.draw_kind() {
            Kind::EmailOpened => self.open(time, out),
            Kind::PaymentSucceeded => self.pay(time, out),
            kind => {
                let customer = self.draw_customer();
                self.write(kind, customer, time, out);
                customer
            }
        };
        Some(Happened { customer, time })
    }

    fn draw_kind(&mut self) -> Kind {
        let mut point = self.dice.below(100);
        for (share, kind) in MIX {
            if point < share {
                return kind;
            }
            point -= share;
        }
        Kind::Login
    }

    /// A customer; rates go with `1 / sqrt(rank)`, so that a hundredth of them does a tenth.
    fn draw_customer(&mut self) -> u32 {
        let uniform = self.dice.bits() >> 32;
        let rank = (((uniform * uniform) >> 32) * u64::from(self.customers)) >> 32;
        let index = rank * self.stride % u64::from(self.customers);
        u32::try_from(index).unwrap_or(0)
    }

    fn name(&mut self) -> u32 {
        self.names = self.names.wrapping_add(1);
        self.names
    }

    fn open(&mut self, time: i64, out: &mut Vec<u8>) -> u32 {
        let Some((customer, message)) = self.unopened.take(&mut self.dice) else {
            let customer = self.draw_customer();
            self.write(Kind::EmailSent, customer, time, out);
            return customer;
        };
        let sheet = self.pen.begin(out, Kind::EmailOpened, customer, time);
        sheet.named(Field::Message, "m-", message).end();
        customer
    }

    fn pay(&mut self, time: i64, out: &mut Vec<u8>) -> u32 {
        let Some((customer, invoice)) = self.unpaid.take(&mut self.dice) else {
            let customer = self.draw_customer();
            self.write(Kind::InvoiceIssued, customer, time, out);
            return customer;
        };
        let sheet = self.pen.begin(out, Kind::PaymentSucceeded, customer, time);
        sheet.named(Field::Invoice, "i-", invoice).end();
        customer
    }

    fn write(&mut self, kind: Kind, customer: u32, time: i64, out: &mut Vec<u8>) {
        let traits = mix(self.salt, u64::from(customer));
        let draw = self.dice.bits();
        let user = 1 + ((draw >> 32) % (1 + traits % 8)) as u32;
        let number = match kind {
            Kind::TicketOpened | Kind::InvoiceIssued | Kind::EmailSent => self.name(),
            _ => 0,
        };
        match kind {
            Kind::EmailSent => self.await_open(customer, number, traits),
            Kind::InvoiceIssued => self.await_payment(customer, number, traits),
            _ => {}
        }
        let sheet = self.pen.begin(out, kind, customer, time);
        let sheet = match kind {
            Kind::Login => sheet.named(Field::User, "u-", user),
            Kind::FeatureUsed => {
                // The first of the ten names are used most.
                let uniform = draw & 0xFFFF;
                let feature = (((uniform * uniform * 10) >> 32) & 0xF) as u32;
                sheet.named(Field::Feature, "f-", feature).named(Field::User, "u-", user)
            }
            Kind::TicketOpened => sheet.named(Field::Ticket, "t-", number),
            Kind::InvoiceIssued => sheet
                .named(Field::Invoice, "i-", number)
                .hundredths(Field::Amount, 1_900 + ((traits >> 16) % 48_000) as u32)
                .time(Field::DueAt, time + 14 * DAY),
            Kind::SentimentScored => {
                let mean = 15 + ((traits >> 24) % 76) as u32;
                let score = (mean + ((draw & 0xFFFF) % 51) as u32).saturating_sub(25).min(100);
                sheet.text(Field::Channel, "comment").hundredths(Field::Score, score)
            }
            _ => sheet.named(Field::Message, "m-", number),
        };
        sheet.end();
    }

    /// One customer in twelve opens a quarter of their mails, the others nearly all.
    fn await_open(&mut self, customer: u32, message: u32, traits: u64) {
        let open = if (traits >> 40).is_multiple_of(12) { 250 } else { 960 };
        if self.dice.chance(open) {
            self.unopened.put(&mut self.dice, (customer, message));
        }
    }

    /// One customer in ten pays every other invoice; the others all, a few in two parts.
    fn await_payment(&mut self, customer: u32, invoice: u32, traits: u64) {
        let is_bad = (traits >> 48).is_multiple_of(10);
        if !is_bad || self.dice.chance(500) {
            self.unpaid.put(&mut self.dice, (customer, invoice));
        }
        if !is_bad && self.dice.chance(80) {
            self.unpaid.put(&mut self.dice, (customer, invoice));
        }
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
