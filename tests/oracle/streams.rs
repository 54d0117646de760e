//! Streams made to hurt: a few customers whose events fall on, before and after every edge.
//!
//! Shape   episodes (a campaign of mails, an invoice's life, a pause, a quarrel) put events into
//!         an agenda; mostly the earliest of the agenda is written next, sometimes any other, so
//!         that most records are in order and some are late, tied, doubled or garbage.
//! Rules   the same seed gives the same lines; nothing else is random.
//! Source  the edges are the windows and graces of the default model and one millisecond beside.

use crate::oracle::moment;
use crate::oracle::timeline::SPANS;
use crate::played::DAY;

mod episodes;
mod people;

/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;

/// 2026-01-05T00:00:00Z: where streams begin.
pub(crate) const BEGIN: i64 = 1_767_571_200_000;

/// How large a stream is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Customers, at least 1.
    pub(crate) customers: usize,
    /// Lines.
    pub(crate) events: usize,
}

/// The hostile stream of `seed`.
pub(crate) fn stream(seed: u64, size: Size) -> Vec<String> {
    let mut maker = Maker {
        random: Random(seed),
        names: (0..size.customers).map(|number| format!("c-{number}")).collect(),
        now: BEGIN,
        times: vec![BEGIN],
        agenda: Vec::new(),
        written: Vec::new(),
        n_made: 0,
    };
    maker.begin();
    while maker.written.len() < size.events {
        match maker.random.below(100) {
            0..8 => maker.repeat(),
            8..11 => maker.garbage(),
            11..34 => maker.episode(),
            34..42 => maker.write_any(),
            _ => maker.write_earliest(),
        }
    }
    maker.written.truncate(size.events);
    maker.written.into_iter().map(|written| written.line).collect()
}

/// A moment to end at: never, at once, on an edge after the last event, or long after.
pub(crate) fn until(seed: u64, lines: &[String]) -> Option<i64> {
    let mut random = Random(seed ^ 0x5eed);
    let times = lines.iter().filter_map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        let time = value.get("time")?;
        time.as_i64().or_else(|| moment::read(time.as_str()?))
    });
    let times: Vec<i64> = times.collect();
    let last = times.iter().max().copied().unwrap_or(BEGIN);
    let edge = random.pick(&times).unwrap_or(BEGIN) + random.span() + random.beside();
    match random.below(5) {
        0 => None,
        1 => Some(last),
        2 => Some(edge),
        3 => Some(last + random.span() + random.beside()),
        _ => Some(last + 200 * DAY),
    }
}

/// The splitmix64 generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next 64 bits.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `bound` − 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// The same as a signed number.
    pub(crate) fn up_to(&mut self, bound: i64) -> i64 {
        i64::try_from(self.below(bound.unsigned_abs())).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `these`, if there are any.
    pub(crate) fn pick<T: Clone>(&mut self, these: &[T]) -> Option<T> {
        let index = usize::try_from(self.below(these.len() as u64)).unwrap_or(0);
        these.get(index).cloned()
    }

    /// One of these words.
    pub(crate) fn word(&mut self, words: &[&'static str]) -> &'static str {
        self.pick(words).unwrap_or("")
    }

    /// The length of a window or a grace.
    pub(crate) fn span(&mut self) -> i64 {
        self.pick(&SPANS).unwrap_or(1) * DAY
    }

    /// −1, 0 or 1 milliseconds.
    pub(crate) fn beside(&mut self) -> i64 {
        self.up_to(3) - 1
    }
}

/// An event that is to be written.
#[derive(Clone)]
struct Plan {
    time: i64,
    customer: usize,
    kind: &'static str,
    /// `,"name":value` for every field.
    fields: String,
}

/// A line that was written.
#[derive(Clone)]
struct Written {
    line: String,
    /// The largest time written so far, which is `now` with one partition.
    now: i64,
    customer: usize,
}

struct Maker {
    random: Random,
    names: Vec<String>,
    now: i64,
    /// The times written and planned so far, to aim at their edges.
    times: Vec<i64>,
    agenda: Vec<Plan>,
    written: Vec<Written>,
    n_made: u64,
}

impl Maker {
    /// Everyone is known from some edge before the beginning, and mostly agrees to everything.
    fn begin(&mut self) {
        for customer in 0..self.names.len() {
            let span = self.random.span();
            let time = BEGIN - span + self.random.beside();
            let owner = if self.random.chance(50) { r#","owner_id":"csm-1""# } else { "" };
            self.plan(time, customer, "customer_created", owner.to_owned());
            for purpose in ["competitive_tracking", "social_listening"] {
                if self.random.chance(70) {
                    let fields = format!(r#","purpose":"{purpose}","granted":true"#);
                    self.plan(time, customer, "consent_changed", fields);
                }
            }
        }
    }

    /// Puts an event into the agenda.
    fn plan(&mut self, time: i64, customer: usize, kind: &'static str, fields: String) {
        self.times.push(time);
        self.agenda.push(Plan { time: time.max(0), customer, kind, fields });
    }

    /// A moment near now: soon, tied, on an edge of an earlier event, at midnight, late or after
    /// a silence.
    fn moment(&mut self) -> i64 {
        let earlier = self.random.pick(&self.times).unwrap_or(BEGIN);
        match self.random.below(100) {
            0..35 => self.now + self.random.up_to(2 * DAY),
            35..60 => {
                let edge = earlier + self.random.span() + self.random.beside();
                let is_near = (self.now - 30 * DAY..self.now + 30 * DAY).contains(&edge);
                if is_near { edge } else { self.now + self.random.up_to(12 * HOUR) }
            }
            60..70 => self.now,
            70..76 => earlier.max(self.now - 60 * DAY),
            76..84 => self.now - self.random.up_to(20 * DAY),
            84..86 => self.now - self.random.up_to(200 * DAY),
            86..93 => {
                let midnight = (self.now / DAY + 1 + self.random.up_to(8)) * DAY;
                midnight + self.random.beside()
            }
            _ => self.now + self.random.up_to(40 * DAY),
        }
    }

    /// Some customer.
    fn customer(&mut self) -> usize {
        usize::try_from(self.random.below(self.names.len() as u64)).unwrap_or(0)
    }

    /// A name not used before.
    fn fresh(&mut self, prefix: &str) -> String {
        self.n_made += 1;
        format!("{prefix}{}", self.n_made)
    }

    /// Writes the earliest event of the agenda.
    fn write_earliest(&mut self) {
        let numbered = self.agenda.iter().enumerate();
        match numbered.min_by_key(|(_, plan)| plan.time).map(|(index, _)| index) {
            Some(index) => self.write(index),
            None => self.episode(),
        }
    }

    /// Writes any event of the agenda that is not too far ahead.
    fn write_any(&mut self) {
        let horizon = self.now + 30 * DAY;
        let numbered = self.agenda.iter().enumerate();
        let near: Vec<usize> =
            numbered.filter(|(_, plan)| plan.time < horizon).map(|(index, _)| index).collect();
        if let Some(index) = self.random.pick(&near) {
            self.write(index);
        }
    }

    /// Writes one event of the agenda.
    fn write(&mut self, index: usize) {
        let Plan { time, customer, kind, fields } = self.agenda.swap_remove(index);
        let id = self.fresh("e");
        let name = &self.names[customer];
        let time_text = if self.random.chance(20) {
            format!(r#""{}""#, moment::write(time))
        } else {
            time.to_string()
        };
        let line = format!(
            r#"{{"id":"{id}","type":"{kind}","customer_id":"{name}","time":{time_text}{fields}}}"#
        );
        self.now = self.now.max(time);
        self.times.push(time);
        self.written.push(Written { line, now: self.now, customer });
    }

    /// Writes a line once more: at once, later, or about a day of `now` later.
    fn repeat(&mut self) {
        let Some(first) = self.random.pick(&self.written) else { return };
        if self.random.chance(50) && self.now < first.now + DAY {
            let time = first.now + DAY + self.random.beside();
            let other = self.customer();
            let customer = if self.random.chance(50) { first.customer } else { other };
            self.plan(time, customer, "tick", String::new());
            self.write(self.agenda.len() - 1);
        }
        let now = self.now;
        self.written.push(Written { now, ..first });
    }

    /// Writes something that is no event, or of no known type.
    fn garbage(&mut self) {
        let (id, time) = (self.fresh("g"), self.moment());
        let customer = self.customer();
        let name = &self.names[customer];
        let envelope = format!(r#""id":"{id}","customer_id":"{name}","time":{time}"#);
        let line = match self.random.below(8) {
            0 => "{".to_owned(),
            1 => format!("{{{envelope}}}"),
            2 => format!(r#"{{{envelope},"type":"moon_landed"}}"#),
            3 => format!(r#"{{{envelope},"type":"email_sent","message_id":7}}"#),
            4 => format!(r#"{{{envelope},"type":"session_ended","duration_s":-1}}"#),
            5 => format!(r#"{{{envelope},"type":"survey_response","kind":"nps","value":11}}"#),
            6 => format!(r#"{{{envelope},"type":"login","id":"{id}"}}"#),
            _ => format!(r#"{{"id":"","type":"login","customer_id":"{name}","time":{time}}}"#),
        };
        self.written.push(Written { line, now: self.now, customer });
    }
}

#[test]
fn the_same_seed_gives_the_same_lines() {
    let size = Size { customers: 3, events: 80 };
    assert_eq!(stream(7, size), stream(7, size));
    assert_ne!(stream(7, size), stream(8, size));
    assert_eq!(stream(7, size).len(), 80);
}
