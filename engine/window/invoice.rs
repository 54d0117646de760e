//! Invoices: what is due, until when, and whether it was paid.
//!
//! Rules   an invoice is due when an issue or a deferral says so, the last of them by event time;
//!         the first payment pays it, whatever the order of arrival. A paid invoice is forgotten
//!         [`FORGET`] after it was due and paid, an unpaid one never.
//! Source  reading A-31 of the specification.

use serde::{Deserialize, Serialize};

use crate::unit::{EventTime, Key, Span};
use crate::window::entry::{Entry, TIME_BYTES, read_time, read_u64, write_time, write_u64};
use crate::window::list::{List, ListMut};

/// One invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    key: Key,
    /// When it is due; `NEVER` while only its payment is known.
    due: EventTime,
    /// The event time of the issue or deferral that set `due`.
    set_at: EventTime,
    /// When it was first paid; `NEVER` while it is not.
    paid: EventTime,
}

impl Entry for Invoice {
    const REST: usize = 2 * TIME_BYTES + 8;
    const IS_FORMED: bool = false;

    fn time(&self) -> EventTime {
        self.due
    }

    fn read(due: EventTime, rest: &[u8]) -> Invoice {
        let time = |at: usize| rest.get(at * TIME_BYTES..).map_or(EventTime::NEVER, read_time);
        let key = Key::from_bits(read_u64(rest, 2 * TIME_BYTES));
        Invoice { key, due, set_at: time(0), paid: time(1) }
    }

    fn write(&self, rest: &mut [u8]) {
        let times = [self.set_at, self.paid];
        for (time, bytes) in times.into_iter().zip(rest.chunks_exact_mut(TIME_BYTES)) {
            write_time(time, bytes);
        }
        write_u64(self.key.bits(), rest, 2 * TIME_BYTES);
    }
}

/// How long a paid invoice is remembered after it was due and paid: twice the 90 days over
/// which punctuality is measured, so that a late deferral or repeated issue still finds it.
pub const FORGET: Span = Span::days(180);

/// Remembers that `key` is due at `due`, said at `time`.
pub(crate) fn set_due(
    invoices: &mut ListMut<'_, Invoice>,
    key: Key,
    due: EventTime,
    time: EventTime,
) {
    change(invoices, key, |invoice| {
        if invoice.due == EventTime::NEVER || invoice.set_at <= time {
            invoice.due = due;
            invoice.set_at = time;
        }
    });
}

/// Remembers that `key` was paid at `time`.
pub(crate) fn pay(invoices: &mut ListMut<'_, Invoice>, key: Key, time: EventTime) {
    change(invoices, key, |invoice| invoice.paid = invoice.paid.min(time));
}

/// Changes the invoice of `key`, a new one if there is none yet.
fn change(invoices: &mut ListMut<'_, Invoice>, key: Key, change: impl FnOnce(&mut Invoice)) {
    let known = invoices.view().iter().position(|invoice| invoice.key == key);
    let (due, paid) = (EventTime::NEVER, EventTime::NEVER);
    let mut invoice = Invoice { key, due, set_at: EventTime::ALWAYS, paid };
    let Some(at) = known else {
        change(&mut invoice);
        return invoices.put(invoices.view().len(), invoice);
    };
    invoice = invoices.view().get(at).unwrap_or(invoice);
    change(&mut invoice);
    invoices.set(at, invoice);
}

/// Forgets what was due and paid more than [`FORGET`] before `now`.
pub(crate) fn sweep(invoices: &mut ListMut<'_, Invoice>, now: EventTime) {
    let until = now.minus(FORGET);
    let n_before = invoices.view().len();
    let kept: Vec<Invoice> =
        invoices.view().iter().filter(|known| until < known.settled()).collect();
    if kept.len() < n_before {
        invoices.replace(n_before, &kept);
    }
}

impl Invoice {
    /// When it was due and paid: `NEVER` while it is not paid.
    fn settled(&self) -> EventTime {
        match (self.due, self.paid) {
            (_, EventTime::NEVER) => EventTime::NEVER,
            (EventTime::NEVER, paid) => paid,
            (due, paid) => due.max(paid),
        }
    }
}

/// The earliest due date among the unpaid.
pub(crate) fn oldest_unpaid(invoices: List<'_, Invoice>) -> Option<EventTime> {
    let unpaid = invoices.iter().filter(|invoice| invoice.paid == EventTime::NEVER);
    unpaid.map(|invoice| invoice.due).filter(|due| *due != EventTime::NEVER).min()
}

/// Punctuality in a window of due dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Punctual {
    /// Due in the window.
    pub n_due: u64,
    /// Of those, paid by their due date.
    pub n_on_time: u64,
    /// The next instant at which a due date enters or leaves the window.
    pub until: EventTime,
}

/// Counts the invoices due in (`now` − `length`, `now`].
pub(crate) fn punctual(invoices: List<'_, Invoice>, now: EventTime, length: Span) -> Punctual {
    let mut found = Punctual { n_due: 0, n_on_time: 0, until: EventTime::NEVER };
    for invoice in invoices.iter().filter(|invoice| invoice.due != EventTime::NEVER) {
        if now < invoice.due {
            found.until = found.until.min(invoice.due);
        } else if now.minus(length) < invoice.due {
            found.n_due += 1;
            found.n_on_time += u64::from(invoice.paid <= invoice.due);
            found.until = found.until.min(invoice.due.plus(length));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::block::Block;

    fn block() -> Block {
        let mut block = Block::default();
        block.open(0, 0);
        block
    }

    fn at(day: i64) -> EventTime {
        EventTime::of_day(day)
    }

    #[test]
    fn a_31_the_first_payment_pays_even_before_the_issue() {
        let mut block = block();
        let mut invoices = ListMut::all(&mut block, 0);
        let key = Key::of(b"i-1");
        pay(&mut invoices, key, at(1));
        assert_eq!(oldest_unpaid(invoices.view()), None);
        set_due(&mut invoices, key, at(10), at(2));
        assert_eq!(oldest_unpaid(invoices.view()), None);
        assert_eq!(punctual(invoices.view(), at(20), Span::days(90)).n_on_time, 1);
    }

    #[test]
    fn a_31_the_due_date_is_the_last_one_said_by_event_time() {
        let mut block = block();
        let mut invoices = ListMut::all(&mut block, 0);
        let key = Key::of(b"i-1");
        set_due(&mut invoices, key, at(30), at(5));
        set_due(&mut invoices, key, at(10), at(2));
        assert_eq!(oldest_unpaid(invoices.view()), Some(at(30)));
        pay(&mut invoices, key, at(31));
        let found = punctual(invoices.view(), at(40), Span::days(90));
        assert_eq!((found.n_due, found.n_on_time, found.until), (1, 0, at(120)));
    }

    #[test]
    fn only_the_paid_are_forgotten() {
        let mut block = block();
        let mut invoices = ListMut::all(&mut block, 0);
        set_due(&mut invoices, Key::of(b"unpaid"), at(10), at(2));
        set_due(&mut invoices, Key::of(b"paid"), at(10), at(2));
        pay(&mut invoices, Key::of(b"paid"), at(11));
        sweep(&mut invoices, at(191));
        assert_eq!(invoices.view().len(), 1);
        assert_eq!(oldest_unpaid(invoices.view()), Some(at(10)));
    }
}
