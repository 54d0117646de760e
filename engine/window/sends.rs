//! Things sent, each with a key, and whether each was answered.
//!
//! Shape   sends in time order, 16 bytes each: the key lends its two highest bits to say that
//!         the send was answered, and that its key was sent more than once.
//! Rules   an answered send stays answered; an answer that finds no send is remembered as long
//!         as a send would be (P-14 in the tests), so the two may come in either order.
//! Source  reading A-27 of the specification.

use serde::{Deserialize, Serialize};

use crate::unit::{EventTime, Key, Span};
use crate::window::block::Block;
use crate::window::entry::{Entry, read_u64, write_u64};
use crate::window::list::{List, ListMut};

/// One send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    time: EventTime,
    tagged: u64,
}

/// All sends of a track, and the answers.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sends<'a> {
    sent: List<'a, Sent>,
    answers: List<'a, (EventTime, Key)>,
}

/// A row of sends and answers, to be changed: eight bytes that count the sends' own, the sends,
/// the answers.
#[derive(Debug)]
pub(crate) struct SendsMut<'b> {
    block: &'b mut Block,
    row: usize,
}

const ANSWERED: u64 = 1 << 63;
const REPEATED: u64 = 1 << 62;
const KEY: u64 = REPEATED - 1;

/// Bytes before the sends.
const HEAD: usize = 8;

impl Entry for Sent {
    const REST: usize = 8;
    const IS_FORMED: bool = false;

    fn time(&self) -> EventTime {
        self.time
    }

    fn read(time: EventTime, rest: &[u8]) -> Sent {
        Sent { time, tagged: read_u64(rest, 0) }
    }

    fn write(&self, rest: &mut [u8]) {
        write_u64(self.tagged, rest, 0);
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

/// Where the sends in `bytes` end.
fn split(bytes: &[u8]) -> usize {
    let n_bytes = usize::try_from(read_u64(bytes, 0)).unwrap_or(usize::MAX);
    HEAD.saturating_add(n_bytes).min(bytes.len())
}

impl<'a> Sends<'a> {
    /// The sends and answers in `bytes`.
    pub(crate) fn of(bytes: &'a [u8]) -> Sends<'a> {
        let split = split(bytes);
        let sent = List::wide(bytes.get(HEAD..split).unwrap_or_default());
        Sends { sent, answers: List::wide(bytes.get(split..).unwrap_or_default()) }
    }

    /// How many sends are remembered.
    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Counts the distinct keys sent in (`after`, `until`].
    pub fn tally(&self, after: EventTime, until: EventTime) -> Tally {
        let sent = self.sent.within(after, until);
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
        self.sent.get(self.sent.n_until(time)).map(|sent| sent.time)
    }
}

impl<'b> SendsMut<'b> {
    /// Row `row` of `block`.
    pub(crate) fn of(block: &'b mut Block, row: usize) -> SendsMut<'b> {
        if block.row(row).is_empty() {
            block.splice(row, 0, 0, HEAD);
            block.row_mut(row).fill(0);
        }
        SendsMut { block, row }
    }

    /// Remembers that `key` was sent at `time`.
    pub(crate) fn send(&mut self, time: EventTime, key: Key) {
        let key = key.bits() & KEY;
        let mut tagged = key;
        let Sends { sent, answers } = Sends::of(self.block.row(self.row));
        if answers.iter().any(|(_, answered)| answered.bits() & KEY == key) {
            tagged |= ANSWERED;
        }
        if sent.iter().any(|other| other.tagged & KEY == key) {
            tagged |= self.tag(key, REPEATED);
        }
        self.change_sent(|sent| sent.insert(Sent { time, tagged }));
    }

    /// Remembers that `key` was answered at `time`.
    pub(crate) fn answer(&mut self, time: EventTime, key: Key) {
        self.tag(key.bits() & KEY, ANSWERED);
        self.answers().insert((time, key));
    }

    /// Tags the sends of `key`; tells all tags that one of them has.
    fn tag(&mut self, key: u64, tag: u64) -> u64 {
        self.change_sent(|sent| {
            let mut tags = 0;
            for at in 0..sent.view().len() {
                let known = sent.view().get(at).filter(|known| known.tagged & KEY == key);
                if let Some(mut known) = known {
                    known.tagged |= tag;
                    tags |= known.tagged & !KEY;
                    sent.set(at, known);
                }
            }
            tags
        })
    }

    /// Forgets sends at or before `now` − `keep`, and answers as old.
    ///
    /// On the dot: what is sent again takes over from either that it was answered, which must not
    /// depend on when the sweep comes by.
    pub(crate) fn sweep(&mut self, now: EventTime, keep: Span) {
        let Sends { sent, answers } = Sends::of(self.block.row(self.row));
        let until = now.minus(keep);
        let (n_sent, n_answers) = (sent.n_until(until), answers.n_until(until));
        if 0 < n_sent {
            self.change_sent(|sent| sent.forget(n_sent));
        }
        if 0 < n_answers {
            self.answers().forget(n_answers);
        }
    }

    /// Drops the oldest beyond `most`; returns whether any was dropped.
    pub(crate) fn bound(&mut self, most: usize) -> bool {
        let dropped = self.change_sent(|sent| sent.bound(most));
        self.answers().bound(most) || dropped
    }

    /// Takes in what is read back, behind all that is there.
    pub(crate) fn take_in(&mut self, sent: &[Sent], answers: &[(EventTime, Key)]) {
        self.change_sent(|all| all.replace(0, sent));
        self.answers().replace(0, answers);
    }

    /// Changes the sends, and notes where they end then.
    fn change_sent<R>(&mut self, change: impl FnOnce(&mut ListMut<'_, Sent>) -> R) -> R {
        let end = split(self.block.row(self.row));
        let mut sent = ListMut::wide(self.block, self.row, HEAD, end);
        let result = change(&mut sent);
        let n_bytes = (sent.end() - HEAD) as u64;
        write_u64(n_bytes, self.block.row_mut(self.row), 0);
        result
    }

    fn answers(&mut self) -> ListMut<'_, (EventTime, Key)> {
        let bytes = self.block.row(self.row);
        let (from, to) = (split(bytes), bytes.len());
        ListMut::wide(self.block, self.row, from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(block: &Block, after: i64, until: i64) -> Tally {
        Sends::of(block.row(0)).tally(at(after), at(until))
    }

    fn block() -> Block {
        let mut block = Block::default();
        block.open(0, 0);
        block
    }

    fn at(milli: i64) -> EventTime {
        EventTime::from_millis(milli)
    }

    #[test]
    fn a_27_sends_and_opens_may_come_in_either_order() {
        let mut block = block();
        let mut sends = SendsMut::of(&mut block, 0);
        let (a, b, c) = (Key::of(b"a"), Key::of(b"b"), Key::of(b"c"));
        sends.answer(at(5), a);
        sends.send(at(10), a);
        sends.send(at(20), b);
        sends.answer(at(30), b);
        sends.send(at(40), c);
        assert_eq!(tally(&block, 0, 40), Tally { n_sent: 3, n_answered: 2 });
        assert_eq!(tally(&block, 10, 40), Tally { n_sent: 2, n_answered: 1 });
    }

    #[test]
    fn a_27_what_is_sent_again_takes_over_an_answer_only_from_what_is_within_reach() {
        let (a, b) = (Key::of(b"a"), Key::of(b"b"));
        for others in [0, 1, 5] {
            let mut block = block();
            let mut sends = SendsMut::of(&mut block, 0);
            sends.send(at(10), a);
            sends.answer(at(11), a);
            for other in 0..others {
                sends.send(at(12 + other), b);
            }
            sends.sweep(at(40), Span::millis(20));
            sends.send(at(40), a);
            assert_eq!(tally(&block, 20, 40), Tally { n_sent: 1, n_answered: 0 }, "{others}");
        }
    }

    #[test]
    fn a_key_sent_twice_counts_once_in_every_window_that_holds_one_of_them() {
        let mut block = block();
        let mut sends = SendsMut::of(&mut block, 0);
        let a = Key::of(b"a");
        sends.send(at(10), a);
        sends.send(at(20), a);
        sends.answer(at(30), a);
        assert_eq!(tally(&block, 0, 40), Tally { n_sent: 1, n_answered: 1 });
        assert_eq!(tally(&block, 0, 15), Tally { n_sent: 1, n_answered: 1 });
        assert_eq!(tally(&block, 15, 40), Tally { n_sent: 1, n_answered: 1 });
    }
}
