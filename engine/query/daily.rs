//! How many events of which type each customer had on which day.
//!
//! Shape   one list of days a customer; a day and a type take 12 bytes.
//! Rules   days are those of UTC; what is [`DAYS_KEPT`] days or more before the customer's latest
//!         day is dropped, so that a customer has a bounded number of them. What waits for its
//!         time counts, and drops nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::record::Kind;
use crate::record::kind::KINDS;
use crate::state::{Arrival, Fate};

/// How many days are kept (D-11).
pub const DAYS_KEPT: i32 = 120;

/// One count: day since 1970-01-01, index of the type, events.
type Count = (i32, u16, u32);

/// All counts.
#[derive(Debug, Default)]
pub struct Daily {
    customers: HashMap<Box<str>, (u32, Vec<Count>)>,
}

impl Daily {
    /// Counts those of `arrivals` that were applied, or wait for their time.
    pub fn count(&mut self, arrivals: &[Arrival<'_>], fates: &[Fate]) {
        for (arrival, fate) in arrivals.iter().zip(fates) {
            if matches!(fate, Fate::Applied | Fate::Late | Fate::Waiting) {
                self.count_one(arrival, *fate);
            }
        }
    }

    fn count_one(&mut self, arrival: &Arrival<'_>, fate: Fate) {
        let event = &arrival.event;
        let Ok(day) = i32::try_from(event.time.day_index()) else { return };
        let Ok(kind) = u16::try_from(event.kind.index()) else { return };
        let id: Box<str> = Box::from(&*event.customer_id);
        let (_, counts) = match self.customers.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert((arrival.partition, Vec::new())),
        };
        match counts.binary_search_by_key(&(day, kind), |count| (count.0, count.1)) {
            Ok(at) => {
                if let Some(count) = counts.get_mut(at) {
                    count.2 = count.2.saturating_add(1);
                }
            }
            Err(at) => {
                counts.insert(at, (day, kind, 1));
                if fate != Fate::Waiting {
                    let stale = counts.partition_point(|count| count.0 <= day - DAYS_KEPT);
                    counts.drain(..stale);
                }
            }
        }
    }

    /// The counts of `partition` from day `first` on, by customer, day and type.
    pub fn of(&self, partition: u32, first: i32) -> impl Iterator<Item = (&str, i32, Kind, i64)> {
        let mut customers: Vec<(&str, &[Count])> = self
            .customers
            .iter()
            .filter(|(_, (home, _))| *home == partition)
            .map(|(id, (_, counts))| (&**id, counts.as_slice()))
            .collect();
        customers.sort_unstable_by_key(|(id, _)| *id);
        customers.into_iter().flat_map(move |(id, counts)| {
            let counts = counts.iter().filter(move |count| first <= count.0);
            counts.filter_map(move |&(day, kind, n)| {
                Some((id, day, *Kind::ALL.get(usize::from(kind))?, i64::from(n)))
            })
        })
    }
}

const _: () = assert!(KINDS <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Decoded, decode};

    fn days(lines: &[(&str, &str, Fate)]) -> Vec<(String, i32, &'static str, i64)> {
        let mut daily = Daily::default();
        for (customer, time, fate) in lines {
            let json = format!(
                r#"{{"id":"{time}","type":"login","customer_id":"{customer}","time":"{time}"}}"#
            );
            if let Ok(Decoded::Event(event)) = decode(json.as_bytes()) {
                daily.count(&[Arrival::plain(event)], &[*fate]);
            }
        }
        daily.of(0, 0).map(|(id, day, kind, n)| (id.to_owned(), day, kind.name(), n)).collect()
    }

    #[test]
    fn events_count_on_their_own_day_if_they_were_applied_or_wait() {
        let found = days(&[
            ("b", "1970-01-03T23:59:59.999Z", Fate::Applied),
            ("b", "1970-01-03T00:00:00Z", Fate::Late),
            ("b", "1970-01-03T01:00:00Z", Fate::Duplicate),
            ("b", "1970-01-04T00:00:00Z", Fate::Waiting),
            ("b", "1970-01-04T01:00:00Z", Fate::TooOld),
            ("a", "1970-01-02T12:00:00+14:00", Fate::Applied),
        ]);
        let row = |id: &str, day, n| (id.to_owned(), day, "login", n);
        assert_eq!(found, [row("a", 0, 1), row("b", 2, 2), row("b", 3, 1)]);
    }

    #[test]
    fn a_customer_has_120_days() {
        let found = days(&[
            ("a", "1970-01-01T00:00:00Z", Fate::Applied),
            ("a", "1970-01-02T00:00:00Z", Fate::Applied),
            ("a", "1970-05-01T00:00:00Z", Fate::Applied),
        ]);
        // The first of May is day 120: the day 0 has just left.
        assert_eq!(found.iter().map(|row| row.1).collect::<Vec<_>>(), [1, 120]);
    }
}
