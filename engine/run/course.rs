//! How far one partition is, and what is known of the road before it.
//!
//! Rules   up to the position that was committed before, nothing goes out: it did already. What
//!         the journal says of a record decides over the wall clock, there and beyond.
//! Cost    a look-up in the notes is O(log of them), and there are none on most roads.
//! Source  DESIGN §8, D-1 to D-3.

use std::collections::{BTreeMap, HashMap};

use crate::record::{Note, Says, Subject};
use crate::state::Arrival;
use crate::unit::{EventTime, Key};
use crate::wire::Position;

/// One partition's course.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The first offset that is not done; `None` before the partition is begun.
    pub(super) next_offset: Option<i64>,
    /// Where the partition was committed before, while it is not there again.
    pub(super) quiet_until: Option<Position>,
    /// How many events of the partition came so far, whatever became of them.
    pub(super) n_events: u64,
    notes: Notes,
}

/// What the journal says of records that are still to come.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Offsets, ascending, and the least `now` that the partition had before each and all that
    /// follow.
    nows: Vec<(i64, EventTime)>,
    /// What else is said, by offset.
    others: HashMap<i64, Says>,
}

impl Notes {
    /// What `notes` say, however they are ordered.
    pub(super) fn new(notes: &[Note]) -> Notes {
        let mut nows = Vec::new();
        let mut others = HashMap::new();
        for note in notes {
            match note.says {
                Says::Now(now) => nows.push((note.offset, now)),
                Says::Waits | Says::Refused => drop(others.insert(note.offset, note.says)),
            }
        }
        nows.sort_unstable();
        let mut least = EventTime::ALWAYS;
        for (_, now) in &mut nows {
            least = least.max(*now);
            *now = least;
        }
        Notes { nows, others }
    }

    /// The least `now` before the record at `offset`.
    pub(super) fn now_before(&self, offset: i64) -> Option<EventTime> {
        let n_before = self.nows.partition_point(|(of, _)| *of <= offset);
        self.nows.get(n_before.checked_sub(1)?).map(|(_, now)| *now)
    }

    /// Whether something is said of the records from `offset` on that a partition at `now` does
    /// not hold by itself.
    fn tell_more(&self, offset: i64, now: EventTime) -> bool {
        let is_ahead = |(of, least): &(i64, EventTime)| offset <= *of && now < *least;
        self.nows.last().is_some_and(is_ahead) || self.others.keys().any(|of| offset <= *of)
    }

    /// What else is said of the record at `offset`.
    pub(super) fn of(&self, offset: i64) -> Option<Says> {
        if self.others.is_empty() { None } else { self.others.get(&offset).copied() }
    }
}

impl Course {
    /// A partition that goes on at `from`, behind `n_events` events, quietly up to `quiet_until`.
    pub(super) fn new(
        from: i64,
        n_events: u64,
        quiet_until: Option<Position>,
        notes: &[Note],
    ) -> Course {
        Course { next_offset: Some(from), quiet_until, n_events, notes: Notes::new(notes) }
    }

    /// What the journal says.
    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Whether what was read of the journal says something of records that are still to come, the
    /// partition being at `now`.
    pub(super) fn is_told_more(&self, now: EventTime) -> bool {
        self.next_offset.is_some_and(|next| self.notes.tell_more(next, now))
    }

    /// Whether what the record at `offset` brings about went out before.
    pub(super) fn is_quiet_at(&self, offset: i64) -> bool {
        self.quiet_until.is_some_and(|position| offset < position.next_offset)
    }

    /// Whether everything that went out before has been gone over.
    pub(super) fn is_through(&self) -> bool {
        self.quiet_until.is_some_and(|position| {
            self.next_offset.is_some_and(|next| position.next_offset <= next)
        })
    }
}

/// The journal of an earlier run over the same events, where records have no offsets.
///
/// What is said of a record is found by its customer and id and by how many events of its partition
/// came before it.
#[derive(Debug, Default)]
pub struct Journal {
    /// What is still to be said, by customer and id, and how many events come before: where that
    /// is not known, of the first record of that name.
    said: HashMap<Key, Vec<(Option<u64>, Says)>>,
    ends: BTreeMap<u32, EventTime>,
    n_notes: usize,
}

impl Journal {
    /// Takes in what `notes` say of the records of `partition`.
    pub fn add(&mut self, partition: u32, notes: &[Note]) {
        for note in notes {
            if let Some(Subject { customer_id, id, n_before }) = &note.subject {
                let said = self.said.entry(identity(customer_id, id)).or_default();
                said.push((*n_before, note.says));
                self.n_notes += 1;
            }
            if let Says::Now(now) = note.says {
                let end = self.ends.entry(partition).or_insert(now);
                *end = now.max(*end);
            }
        }
    }

    /// How far the wall clock has moved the time of each partition that it moved at all.
    pub fn ends(&self) -> impl Iterator<Item = (u32, EventTime)> + '_ {
        self.ends.iter().map(|(partition, end)| (*partition, *end))
    }

    /// How many notes speak of records.
    pub fn n_notes(&self) -> usize {
        self.n_notes
    }

    /// How many of them found no record so far.
    pub fn n_left(&self) -> usize {
        self.said.values().map(Vec::len).sum()
    }

    /// What is said of `arrival`, in order, and once.
    pub(super) fn take(&mut self, arrival: &Arrival<'_>) -> Vec<Says> {
        if self.said.is_empty() {
            return Vec::new();
        }
        let name = identity(&arrival.event.customer_id, &arrival.event.id);
        let Some(said) = self.said.get_mut(&name) else { return Vec::new() };
        let n_before = arrival.n_before;
        let taken = said.extract_if(.., |(n, _)| n.is_none_or(|n| n == n_before));
        taken.map(|(_, says)| says).collect()
    }
}

fn identity(customer_id: &str, id: &str) -> Key {
    Key::within(Key::of(customer_id.as_bytes()), id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Decoded, decode};

    fn now(offset: i64, millis: i64) -> Note {
        Note { offset, says: Says::Now(EventTime::from_millis(millis)), subject: None }
    }

    #[test]
    fn a_course_is_told_more_until_its_records_and_its_time_are_past_the_notes() {
        let waits = Note { offset: 6, says: Says::Waits, subject: None };
        let is_told_more = |from, millis| {
            let notes = [now(5, 100), waits.clone(), now(9, 70)];
            let course = Course::new(from, 0, None, &notes);
            course.is_told_more(EventTime::from_millis(millis))
        };
        assert!(is_told_more(5, 90) && is_told_more(6, 100), "somebody was further before");
        assert!(is_told_more(7, 99) && !is_told_more(7, 100));
        assert!(!is_told_more(10, 0) && !Course::default().is_told_more(EventTime::ALWAYS));
    }

    #[test]
    fn d_2_a_note_holds_for_its_record_and_all_after_it() {
        let waits = Note { offset: 6, says: Says::Waits, subject: None };
        let notes = Notes::new(&[now(5, 100), now(9, 70), now(5, 90), waits, now(12, 300)]);
        let check = |offset, millis: Option<i64>| {
            assert_eq!(notes.now_before(offset), millis.map(EventTime::from_millis), "{offset}");
        };
        check(4, None);
        check(5, Some(100));
        check(9, Some(100));
        check(12, Some(300));
        check(99, Some(300));
        assert_eq!(notes.of(6), Some(Says::Waits));
        assert_eq!(notes.of(5), None);
    }

    #[test]
    fn d_2_where_an_id_came_twice_the_number_of_events_before_tells_which_is_meant() {
        let says = Says::Now(EventTime::from_millis(100));
        let (customer_id, id) = ("c".to_owned(), "e".to_owned());
        let subject = Some(Subject { customer_id, id, n_before: Some(4) });
        let mut journal = Journal::default();
        journal.add(0, &[Note { offset: 4, says, subject }]);
        assert_eq!(journal.n_notes(), 1);
        let json = r#"{"id":"e","type":"login","customer_id":"c","time":1}"#;
        let mut take = |n_before| {
            let Ok(Decoded::Event(event)) = decode(json.as_bytes()) else {
                unreachable!("{json} is an event")
            };
            (journal.take(&Arrival { n_before, ..Arrival::plain(event) }), journal.n_left())
        };
        assert_eq!(take(0), (vec![], 1));
        assert_eq!(take(9), (vec![], 1));
        assert_eq!(take(4), (vec![says], 0));
        assert_eq!(take(4), (vec![], 0), "it is said once");
    }

    #[test]
    fn a_course_is_quiet_up_to_where_it_was_committed() {
        let position = Position { partition: 0, next_offset: 7, now: EventTime::FIRST };
        let mut course = Course::new(3, 0, Some(position), &[]);
        assert!(course.is_quiet_at(6) && !course.is_quiet_at(7) && !course.is_through());
        course.next_offset = Some(7);
        assert!(course.is_through());
        assert!(!Course::new(3, 0, None, &[]).is_quiet_at(3));
    }
}
