//! Everything remembered of one customer that measures read.
//!
//! Shape   one bit a track says whether the customer has a slot for it; the slots stand side by
//!         side in the order of the tracks.
//! Rules   an event goes in at its own time, late or not; what no window can reach is swept.
//! Cost    a handful of appends an event.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::model::{Entry, Feed, Model, Shape};
use crate::record::{Event, Field, Kind};
use crate::unit::{EventTime, Key, Micros};
use crate::window::invoice;
use crate::window::life::{Change, Life};
use crate::window::lump::Lumps;
use crate::window::probe;
use crate::window::slot::{Answer, Latest, Slot, bound, insert, keep_latest, sweep};
use crate::window::standing::Standing;

/// What one customer did, is and has allowed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    present: u128,
    known_since: EventTime,
    slots: ThinVec<Slot>,
    life: Life,
    standing: Option<Box<Standing>>,
    precision: Precision,
}

/// Whether measures equal their definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// They do.
    Exact,
    /// A window once held more events than are kept one by one.
    Approximate,
}

/// What an event needs to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Admitted<'a> {
    /// The model that says what is remembered.
    pub model: &'a Model,
    /// The partition's `now`, the event's time or later.
    pub now: EventTime,
    /// Most entries kept one by one for a track.
    pub exact_max: usize,
}

impl Default for History {
    fn default() -> Self {
        History {
            present: 0,
            known_since: EventTime::NEVER,
            slots: ThinVec::new(),
            life: Life::default(),
            standing: None,
            precision: Precision::Exact,
        }
    }
}

impl History {
    /// The time of the customer's earliest event; `NEVER` before the first.
    pub fn known_since(&self) -> EventTime {
        self.known_since
    }

    /// Pauses, cancellations, returns.
    pub fn life(&self) -> &Life {
        &self.life
    }

    /// Plan, revenue, owner, consents, if anything was said of them.
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_deref()
    }

    /// Whether measures equal their definitions.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The slot of `track`, if anything was remembered there.
    pub fn slot(&self, track: usize) -> Option<&Slot> {
        if self.present >> track & 1 == 0 { None } else { self.slots.get(self.rank(track)) }
    }

    /// Whether it has as many slots as it says: a history read from bytes may not.
    pub fn is_whole(&self) -> bool {
        self.present.count_ones() as usize == self.slots.len()
    }

    /// How many entries are kept, in all tracks.
    pub fn n_entries(&self) -> usize {
        self.slots.iter().map(Slot::n_entries).sum()
    }

    /// How many slots stand before that of `track`.
    fn rank(&self, track: usize) -> usize {
        (self.present & ((1_u128 << track) - 1)).count_ones() as usize
    }

    /// Looks at what measures will read; the sum means nothing.
    pub fn warm(&self) -> usize {
        self.slots.iter().map(Slot::warm).fold(0, usize::wrapping_add)
    }

    /// Lets `event` in.
    pub fn apply(&mut self, event: &Event<'_>, rules: &Admitted<'_>) {
        self.known_since = self.known_since.min(event.time);
        if let Some(change) = change_of(event) {
            self.life.insert(event.time, change);
        }
        if Standing::concerns(event.kind) {
            self.standing.get_or_insert_default().apply(event, &rules.model.purposes);
        }
        if let Some(feeds) = rules.model.feeds.get(event.kind.index()) {
            for feed in feeds.iter().filter(|feed| probe::admits(&feed.filter, event)) {
                self.feed(feed, event, rules);
            }
        }
    }

    /// Puts what `feed` keeps of `event` into its track.
    fn feed(&mut self, feed: &Feed, event: &Event<'_>, rules: &Admitted<'_>) {
        let Some(item) = Item::of(feed.entry, event) else { return };
        let Some(track) = rules.model.tracks.get(feed.track) else { return };
        let slot = self.slot_for(feed.track, track.shape);
        // Swept first: an answer or a paid invoice that is out of reach must not be found again.
        trim(slot, rules, track.keep);
        item.put(slot, event.time);
        if overflows(slot, rules.exact_max) {
            self.precision = Precision::Approximate;
        }
    }

    /// The slot of `track`, made if it is not there yet.
    fn slot_for(&mut self, track: usize, shape: Shape) -> &mut Slot {
        let at = self.rank(track);
        if self.present >> track & 1 == 0 {
            self.present |= 1 << track;
            if self.slots.len() == self.slots.capacity() {
                self.slots.reserve_exact(2);
            }
            self.slots.insert(at, Slot::new(shape));
        }
        &mut self.slots[at]
    }
}

/// How an event changes the customer's life, if it does.
fn change_of(event: &Event<'_>) -> Option<Change> {
    match event.kind {
        Kind::CustomerCreated | Kind::SubscriptionStarted => Some(Change::Start),
        Kind::SubscriptionPaused => Some(Change::Pause),
        Kind::SubscriptionResumed => Some(Change::Resume),
        Kind::SubscriptionReactivated => Some(Change::Reactivate),
        Kind::SubscriptionCancelled => {
            let effect = event.moment(Field::EffectiveAt).unwrap_or(event.time);
            Some(Change::Cancel { effect: effect.max(event.time) })
        }
        _ => None,
    }
}

/// What a feed keeps of an event.
enum Item {
    Time,
    Quotient(i64, i64),
    Key(Key),
    Mark(Key),
    Answer(Key, i64, i64),
    Grouped(Key, Key),
    Due(Key, EventTime),
    Paid(Key),
}

impl Item {
    /// Takes it from `event`; `None` where a field it needs is missing.
    fn of(entry: Entry, event: &Event<'_>) -> Option<Item> {
        let key = |field| event.text(field).map(|text| Key::of(text.as_bytes()));
        Some(match entry {
            Entry::Time => Item::Time,
            Entry::Value(number) => {
                let (num, den) = probe::quotient(number, event)?;
                Item::Quotient(num, den)
            }
            Entry::Key(field) => Item::Key(key(field)?),
            Entry::Mark(field) => Item::Mark(key(field)?),
            Entry::Answer { by } => {
                let (num, den) = event.answer()?;
                Item::Answer(key(by).unwrap_or(Key::from_bits(0)), num, den)
            }
            Entry::Grouped { key: member, group } => Item::Grouped(key(member)?, key(group)?),
            Entry::Issue => Item::Due(key(Field::Invoice)?, event.moment(Field::DueAt)?),
            Entry::Defer => Item::Due(key(Field::Invoice)?, event.moment(Field::NewDueAt)?),
            Entry::Pay => Item::Paid(key(Field::Invoice)?),
        })
    }

    /// Puts it into `slot` at `time`.
    fn put(self, slot: &mut Slot, time: EventTime) {
        match (slot, self) {
            (Slot::Times(times), _) => insert(times, time),
            (Slot::Values(values), Item::Quotient(num, _)) => {
                insert(values, (time, Micros::new(num)));
            }
            (Slot::Lumps(lumps), Item::Quotient(num, _)) => lumps.add(time, Micros::new(num)),
            (Slot::Lumps(lumps), _) => lumps.add(time, Micros::ZERO),
            (Slot::Keys(keys), Item::Key(key)) => {
                keep_latest(keys, (time, key), |other| other.1 == key);
            }
            (Slot::Sends(sends), Item::Key(key)) => sends.send(time, key),
            (Slot::Sends(sends), Item::Mark(key)) => sends.answer(time, key),
            (Slot::Answers(answers), Item::Answer(user, num, den)) => {
                keep_latest(answers, Answer { time, user, num, den }, |other| other.user == user);
            }
            (Slot::Groups(groups), Item::Grouped(key, group)) => {
                keep_latest(groups, (time, key, group), |o| o.1 == key && o.2 == group);
            }
            (Slot::Latest(latest), item) if latest.time <= time => {
                let (num, den) = if let Item::Quotient(n, d) = item { (n, d) } else { (1, 1) };
                **latest = Latest { time, num, den };
            }
            (Slot::Invoices(invoices), Item::Due(key, due)) => {
                invoice::set_due(invoices, key, due, time);
            }
            (Slot::Invoices(invoices), Item::Paid(key)) => invoice::pay(invoices, key, time),
            // An older entry than the latest; every other pair is ruled out by the loader.
            _ => {}
        }
    }
}

/// Sweeps what no window can reach any more.
fn trim(slot: &mut Slot, rules: &Admitted<'_>, keep: crate::unit::Span) {
    let until = rules.now.minus(keep);
    match slot {
        Slot::Times(entries) => sweep(entries, until),
        Slot::Values(entries) => sweep(entries, until),
        Slot::Lumps(lumps) => lumps.sweep(until),
        Slot::Keys(entries) => sweep(entries, until),
        Slot::Sends(sends) => sends.sweep(rules.now, keep),
        Slot::Answers(entries) => sweep(entries, until),
        Slot::Groups(entries) => sweep(entries, until),
        Slot::Latest(_) => {}
        Slot::Invoices(invoices) => invoice::sweep(invoices, rules.now),
    }
}

/// Brings `slot` back within `most` entries; returns whether it had more.
fn overflows(slot: &mut Slot, most: usize) -> bool {
    match slot {
        Slot::Times(times) if most < times.len() => {
            let mut lumps = Lumps::of(times.iter().map(|time| (*time, Micros::ZERO)));
            lumps.join(most);
            *slot = Slot::Lumps(Box::new(lumps));
            true
        }
        Slot::Values(values) if most < values.len() => {
            let mut lumps = Lumps::of(values.iter().copied());
            lumps.join(most);
            *slot = Slot::Lumps(Box::new(lumps));
            true
        }
        Slot::Lumps(lumps) => lumps.join(most),
        Slot::Keys(entries) => bound(entries, most),
        Slot::Sends(sends) => sends.bound(most),
        Slot::Answers(entries) => bound(entries, most),
        Slot::Groups(entries) => bound(entries, most),
        Slot::Invoices(entries) => bound(entries, most),
        _ => false,
    }
}
