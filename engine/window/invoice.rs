//! Invoices: what is due, until when, and whether it was paid.
//!
//! Rules   an invoice is due when an issue or a deferral says so, the last of them by event time;
//!         the first payment pays it, whatever the order of arrival. A paid invoice is forgotten
//!         [`FORGET`] after it was due and paid, an unpaid one never.
//! Source  reading A-31 of the specification.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::unit::{EventTime, Key, Span};

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

/// How long a paid invoice is remembered after it was due and paid: twice the 90 days over
/// which punctuality is measured, so that a late deferral or repeated issue still finds it.
pub const FORGET: Span = Span::days(180);

/// Remembers that `key` is due at `due`, said at `time`.
pub(crate) fn set_due(invoices: &mut ThinVec<Invoice>, key: Key, due: EventTime, time: EventTime) {
    let invoice = of_key(invoices, key);
    if invoice.due == EventTime::NEVER || invoice.set_at <= time {
        invoice.due = due;
        invoice.set_at = time;
    }
}

/// Remembers that `key` was paid at `time`.
pub(crate) fn pay(invoices: &mut ThinVec<Invoice>, key: Key, time: EventTime) {
    let invoice = of_key(invoices, key);
    invoice.paid = invoice.paid.min(time);
}

/// The invoice of `key`, a new one if there is none yet.
fn of_key(invoices: &mut ThinVec<Invoice>, key: Key) -> &mut Invoice {
    let at = match invoices.iter().position(|invoice| invoice.key == key) {
        Some(at) => at,
        None => {
            let (due, paid) = (EventTime::NEVER, EventTime::NEVER);
            if invoices.len() == invoices.capacity() {
                invoices.reserve_exact((invoices.len() / 4).max(2));
            }
            invoices.push(Invoice { key, due, set_at: EventTime::ALWAYS, paid });
            invoices.len() - 1
        }
    };
    &mut invoices[at]
}

/// Forgets what was due and paid more than [`FORGET`] before `now`.
pub(crate) fn sweep(invoices: &mut ThinVec<Invoice>, now: EventTime) {
    let until = now.minus(FORGET);
    invoices.retain(|invoice| {
        let settled = match (invoice.due, invoice.paid) {
            (_, EventTime::NEVER) => EventTime::NEVER,
            (EventTime::NEVER, paid) => paid,
            (due, paid) => due.max(paid),
        };
        until < settled
    });
}

/// The earliest due date among the unpaid.
pub(crate) fn oldest_unpaid(invoices: &[Invoice]) -> Option<EventTime> {
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
pub(crate) fn punctual(invoices: &[Invoice], now: EventTime, length: Span) -> Punctual {
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

    fn at(day: i64) -> EventTime {
        EventTime::of_day(day)
    }

    #[test]
    fn a_31_the_first_payment_pays_even_before_the_issue() {
        let mut invoices = ThinVec::new();
        let key = Key::of(b"i-1");
        pay(&mut invoices, key, at(1));
        assert_eq!(oldest_unpaid(&invoices), None);
        set_due(&mut invoices, key, at(10), at(2));
        assert_eq!(oldest_unpaid(&invoices), None);
        assert_eq!(punctual(&invoices, at(20), Span::days(90)).n_on_time, 1);
    }

    #[test]
    fn a_31_the_due_date_is_the_last_one_said_by_event_time() {
        let mut invoices = ThinVec::new();
        let key = Key::of(b"i-1");
        set_due(&mut invoices, key, at(30), at(5));
        set_due(&mut invoices, key, at(10), at(2));
        assert_eq!(oldest_unpaid(&invoices), Some(at(30)));
        pay(&mut invoices, key, at(31));
        let found = punctual(&invoices, at(40), Span::days(90));
        assert_eq!((found.n_due, found.n_on_time, found.until), (1, 0, at(120)));
    }

    #[test]
    fn only_the_paid_are_forgotten() {
        let mut invoices = ThinVec::new();
        set_due(&mut invoices, Key::of(b"unpaid"), at(10), at(2));
        set_due(&mut invoices, Key::of(b"paid"), at(10), at(2));
        pay(&mut invoices, Key::of(b"paid"), at(11));
        sweep(&mut invoices, at(191));
        assert_eq!(invoices.len(), 1);
        assert_eq!(oldest_unpaid(&invoices), Some(at(10)));
    }
}
