//! Things sent, each with a key, and whether each was answered.
//!
//! Shape   sends in time order, 16 bytes each: the key lends its two highest bits to say that
//!         the send was answered, and that its key was sent more than once.
//! Rules   an answered send stays answered; an answer that finds no send is remembered as long
//!         as a send would be (P-14 in the tests), so the two may come in either order.
//! Source  reading A-27 of the specification.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::unit::{EventTime, Key, Span};
use crate::window::slot::{Timed, bound, insert, sweep, within};

/// One send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    time: EventTime,
    tagged: u64,
}

/// All sends of a track, and the answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sends {
    sent: ThinVec<Sent>,
    answers: ThinVec<(EventTime, Key)>,
}

const ANSWERED: u64 = 1 << 63;
const REPEATED: u64 = 1 << 62;
const KEY: u64 = REPEATED - 1;

impl Timed for Sent {
    fn time(&self) -> EventTime {
        self.time
    }
}

/// How many distinct keys a window holds, and how many of them were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Distinct keys sent.
    pub n_sent: u64,
    /// Those of them that were answered.
    pub n_answered: u64,
}

impl Sends {
    /// How many sends are remembered.
    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Remembers that `key` was sent at `time`.
    pub fn send(&mut self, time: EventTime, key: Key) {
        let key = key.bits() & KEY;
        let mut tagged = key;
        if self.answers.iter().any(|(_, answered)| answered.bits() & KEY == key) {
            tagged |= ANSWERED;
        }
        for other in self.sent.iter_mut().filter(|other| other.tagged & KEY == key) {
            other.tagged |= REPEATED;
            tagged |= REPEATED | (other.tagged & ANSWERED);
        }
        insert(&mut self.sent, Sent { time, tagged });
    }

    /// Remembers that `key` was answered at `time`.
    pub fn answer(&mut self, time: EventTime, key: Key) {
        for sent in self.sent.iter_mut().filter(|sent| sent.tagged & KEY == key.bits() & KEY) {
            sent.tagged |= ANSWERED;
        }
        insert(&mut self.answers, (time, key));
    }

    /// Counts the distinct keys sent in (`after`, `until`].
    pub fn tally(&self, after: EventTime, until: EventTime) -> Tally {
        let sent = within(&self.sent, after, until);
        let n_answered = sent.iter().filter(|sent| sent.tagged & ANSWERED != 0).count();
        if sent.iter().all(|sent| sent.tagged & REPEATED == 0) {
            return Tally { n_sent: sent.len() as u64, n_answered: n_answered as u64 };
        }
        let mut keys: Vec<u64> = sent.iter().map(|sent| sent.tagged & !REPEATED).collect();
        keys.sort_unstable_by_key(|tagged| tagged & KEY);
        keys.dedup_by_key(|tagged| *tagged & KEY);
        let n_answered = keys.iter().filter(|tagged| *tagged & ANSWERED != 0).count();
        Tally { n_sent: keys.len() as u64, n_answered: n_answered as u64 }
    }

    /// The time of the first send after `time`.
    pub fn first_after(&self, time: EventTime) -> Option<EventTime> {
        within(&self.sent, time, EventTime::NEVER).first().map(|sent| sent.time)
    }

    /// Forgets sends at or before `now` − `keep`, and answers as old.
    pub fn sweep(&mut self, now: EventTime, keep: Span) {
        sweep(&mut self.sent, now.minus(keep));
        // Answers are forgotten on the dot: whether one still counts must not depend on when
        // the sweep comes by.
        let n_stale = self.answers.partition_point(|(time, _)| *time <= now.minus(keep));
        self.answers.drain(..n_stale);
    }

    /// Drops the oldest beyond `most`; returns whether any was dropped.
    pub fn bound(&mut self, most: usize) -> bool {
        let dropped = bound(&mut self.sent, most);
        bound(&mut self.answers, most) || dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milli: i64) -> EventTime {
        EventTime::from_millis(milli)
    }

    #[test]
    fn a_27_sends_and_opens_may_come_in_either_order() {
        let mut sends = Sends::default();
        let (a, b, c) = (Key::of(b"a"), Key::of(b"b"), Key::of(b"c"));
        sends.answer(at(5), a);
        sends.send(at(10), a);
        sends.send(at(20), b);
        sends.answer(at(30), b);
        sends.send(at(40), c);
        assert_eq!(sends.tally(at(0), at(40)), Tally { n_sent: 3, n_answered: 2 });
        assert_eq!(sends.tally(at(10), at(40)), Tally { n_sent: 2, n_answered: 1 });
    }

    #[test]
    fn a_key_sent_twice_counts_once_in_every_window_that_holds_one_of_them() {
        let mut sends = Sends::default();
        let a = Key::of(b"a");
        sends.send(at(10), a);
        sends.send(at(20), a);
        sends.answer(at(30), a);
        assert_eq!(sends.tally(at(0), at(40)), Tally { n_sent: 1, n_answered: 1 });
        assert_eq!(sends.tally(at(0), at(15)), Tally { n_sent: 1, n_answered: 1 });
        assert_eq!(sends.tally(at(15), at(40)), Tally { n_sent: 1, n_answered: 1 });
    }
}
