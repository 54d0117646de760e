//! Everything remembered of one customer that measures read.
//!
//! Shape   one bit a track says whether the customer has a slot for it; the slots stand side by
//!         side in the order of the tracks.
//! Rules   an event goes in at its own time, late or not; what no window can reach is swept.
//! Cost    a handful of appends an event.

use serde::{Deserialize, Serialize};

use crate::model::{Entry, Feed, Model, Shape};
use crate::record::{Event, Field, Kind};
use crate::unit::{EventTime, Key, Micros, ShortKey, Span};
use crate::window::entry::Entry as Packed;
use crate::window::invoice;
use crate::window::life::{Change, Life};
use crate::window::list::ListMut;
use crate::window::lump::{self, Lump};
use crate::window::probe;
use crate::window::sends::SendsMut;
use crate::window::slot::{Answer, Latest, RowKind, Slot};
use crate::window::slots::Slots;
use crate::window::standing::Standing;

/// What one customer did, is and has allowed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    present: u128,
    known_since: EventTime,
    slots: Slots,
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
            slots: Slots::default(),
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
    #[inline]
    pub fn slot(&self, track: usize) -> Option<Slot<'_>> {
        if self.present >> track & 1 == 0 { None } else { self.slots.get(self.rank(track)) }
    }

    /// Whether it has as many slots as it says: a history read from bytes may not.
    pub fn is_whole(&self) -> bool {
        self.present.count_ones() as usize == self.slots.len()
    }

    /// How many entries are kept, in all tracks.
    pub fn n_entries(&self) -> usize {
        self.slots.iter().map(|slot| slot.n_entries()).sum()
    }

    /// How many slots stand before that of `track`.
    #[inline]
    fn rank(&self, track: usize) -> usize {
        let before = self.present & ((1_u128 << track) - 1);
        // Half of the bits are counted in half of the time, and few models have more tracks.
        match u64::try_from(before) {
            Ok(before) => before.count_ones() as usize,
            Err(_) => before.count_ones() as usize,
        }
    }

    /// Looks at what measures will read; the sum means nothing.
    pub fn warm(&self) -> usize {
        self.slots.block.warm().wrapping_add(self.life.warm())
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
        let row = self.row_for(feed.track, track.shape);
        let mut row = RowMut { slots: &mut self.slots, row };
        // Swept first: an answer or a paid invoice that is out of reach must not be found again.
        row.trim(rules.now, track.keep);
        row.put(item, event.time);
        if row.overflows(rules.exact_max) {
            self.precision = Precision::Approximate;
        }
    }

    /// The row of `track`, opened if it is not there yet.
    fn row_for(&mut self, track: usize, shape: Shape) -> usize {
        let row = self.rank(track);
        if self.present >> track & 1 == 0 {
            self.present |= 1 << track;
            self.slots.block.open(row, RowKind::of(shape) as u8);
        }
        row
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
}

/// The row of one track, to be changed.
struct RowMut<'s> {
    slots: &'s mut Slots,
    row: usize,
}

impl RowMut<'_> {
    fn kind(&self) -> Option<RowKind> {
        self.slots.kind(self.row)
    }

    fn list<T: Packed>(&mut self) -> ListMut<'_, T> {
        ListMut::all(&mut self.slots.block, self.row)
    }

    fn sends(&mut self) -> SendsMut<'_> {
        SendsMut::of(&mut self.slots.block, self.row)
    }

    /// Puts `item` in at `time`.
    fn put(&mut self, item: Item, time: EventTime) {
        let Some(kind) = self.kind() else { return };
        match (kind, item) {
            (RowKind::Times, _) => self.list().insert(time),
            (RowKind::Values, Item::Quotient(num, _)) => {
                self.list().insert((time, Micros::new(num)));
            }
            (RowKind::Lumps, Item::Quotient(num, _)) => {
                self.list().insert(Lump::one(time, Micros::new(num)));
            }
            (RowKind::Lumps, _) => self.list().insert(Lump::one(time, Micros::ZERO)),
            (RowKind::Keys, Item::Key(key)) => {
                let key = ShortKey::of(key);
                let is_same = |other: &(EventTime, ShortKey)| other.1 == key;
                self.list().keep_latest((time, key), is_same);
            }
            (RowKind::Sends, Item::Key(key)) => self.sends().send(time, key),
            (RowKind::Sends, Item::Mark(key)) => self.sends().answer(time, key),
            (RowKind::Answers, Item::Answer(user, num, den)) => {
                let is_same = |other: &Answer| other.user == user;
                self.list().keep_latest(Answer { time, user, num, den }, is_same);
            }
            (RowKind::Groups, Item::Grouped(key, group)) => {
                let is_same = |other: &(EventTime, Key, Key)| other.1 == key && other.2 == group;
                self.list().keep_latest((time, key, group), is_same);
            }
            (RowKind::Latest, item) => {
                let (num, den) = if let Item::Quotient(n, d) = item { (n, d) } else { (1, 1) };
                // One at most, the same as all others.
                self.list().keep_latest(Latest { time, num, den }, |_| true);
            }
            (RowKind::Invoices, Item::Due(key, due)) => {
                invoice::set_due(&mut self.list(), key, due, time);
            }
            (RowKind::Invoices, Item::Paid(key)) => invoice::pay(&mut self.list(), key, time),
            // Every other pair is ruled out by the loader.
            _ => {}
        }
    }

    /// Sweeps what no window can reach any more.
    fn trim(&mut self, now: EventTime, keep: Span) {
        let until = now.minus(keep);
        match self.kind() {
            Some(RowKind::Times) => self.list::<EventTime>().sweep(until),
            Some(RowKind::Values) => self.list::<(EventTime, Micros)>().sweep(until),
            Some(RowKind::Lumps) => self.list::<Lump>().sweep(until),
            Some(RowKind::Keys) => self.list::<(EventTime, ShortKey)>().sweep(until),
            Some(RowKind::Sends) => self.sends().sweep(now, keep),
            Some(RowKind::Answers) => self.list::<Answer>().sweep(until),
            Some(RowKind::Groups) => self.list::<(EventTime, Key, Key)>().sweep(until),
            Some(RowKind::Invoices) => invoice::sweep(&mut self.list(), now),
            Some(RowKind::Latest) | None => {}
        }
    }

    /// Brings the row back within `most` entries; returns whether it had more.
    fn overflows(&mut self, most: usize) -> bool {
        match self.slots.get(self.row) {
            Some(Slot::Times(times)) if most < times.len() => {
                let lumps = times.iter().map(|time| Lump::one(time, Micros::ZERO)).collect();
                self.become_lumps(lumps, most)
            }
            Some(Slot::Values(values)) if most < values.len() => {
                let lumps = values.iter().map(|(time, number)| Lump::one(time, number)).collect();
                self.become_lumps(lumps, most)
            }
            Some(Slot::Lumps(_)) => lump::join(&mut self.list(), most),
            Some(Slot::Keys(_)) => self.list::<(EventTime, ShortKey)>().bound(most),
            Some(Slot::Sends(_)) => self.sends().bound(most),
            Some(Slot::Answers(_)) => self.list::<Answer>().bound(most),
            Some(Slot::Groups(_)) => self.list::<(EventTime, Key, Key)>().bound(most),
            Some(Slot::Invoices(_)) => self.list::<invoice::Invoice>().bound(most),
            _ => false,
        }
    }

    /// Keeps `lumps` instead of what stands there.
    fn become_lumps(&mut self, lumps: Vec<Lump>, most: usize) -> bool {
        let n_bytes = self.slots.block.row(self.row).len();
        self.slots.block.splice(self.row, 0, n_bytes, 0);
        self.slots.block.set_tag(self.row, RowKind::Lumps as u8);
        self.list().replace(0, &lumps);
        lump::join(&mut self.list(), most)
    }
}
