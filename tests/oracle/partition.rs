//! One partition: its customers, its own `now`, and the order in which things happen.
//!
//! Rules   `now` is the largest time applied; before an event is applied, every customer is
//!         judged at every instant up to its time at which something could change, in the order
//!         of the instants, then of the bytes of the customers' ids.
//! Source  DESIGN §3 and D-5; readings; P-10, P-17.

use std::collections::{BTreeMap, BTreeSet};

use crate::oracle::crossings::{Cause, Judging, Machine, Rung};
use crate::oracle::decode::Event;
use crate::oracle::history::{Accepted, History, reach};
use crate::oracle::measures::View;
use crate::oracle::moment;
use crate::oracle::rules::{RETENTION, RULES, SCALES};
use crate::oracle::scores::{Judged, STEP, points};
use crate::oracle::timeline::{candidates, forecast};
use crate::played::{DAY, Options, Timers};

/// How long a repeated id has no effect (DESIGN §3).
const DEDUP_HORIZON: i64 = DAY;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its id was applied not long ago.
    Duplicate,
    /// Older than everything that could use it.
    TooOld,
    /// Applied.
    Applied,
    /// Applied with a time before `now`.
    Late,
    /// Of a customer who asked to be forgotten and has not begun anew.
    Erased,
}

/// Customers that share one `now`.
pub(crate) struct Partition {
    now: Option<i64>,
    customers: BTreeMap<String, Customer>,
    forgotten: BTreeMap<String, Forgotten>,
    /// Instants at which everyone is judged without need.
    more: BTreeSet<i64>,
}

struct Customer {
    history: History,
    machine: Machine,
    /// By event id: `now` once it was applied.
    ids: BTreeMap<String, i64>,
    candidates: BTreeSet<i64>,
}

/// Whoever asked to be forgotten.
#[derive(Default)]
struct Forgotten {
    /// The times of the requests.
    requests: Vec<i64>,
    has_begun_anew: bool,
    /// By event id, of what came before the last request and itself: `now` once it was applied.
    ids: BTreeMap<String, i64>,
    /// The last request's id, and `now` once it was carried out.
    last: Option<(String, i64)>,
}

/// The partition, of so many, of a customer: as Kafka's default partitioner has it (D-5).
pub(crate) fn place(customer: &str, n_partitions: usize) -> usize {
    let positive = murmur2(customer.as_bytes()) & 0x7fff_ffff;
    usize::try_from(positive).unwrap_or(0) % n_partitions
}

impl Partition {
    /// A partition without customers, who will be judged at the instants `more` without need.
    pub(crate) fn new(more: &[i64]) -> Partition {
        let more = more.iter().copied().collect();
        let (customers, forgotten) = (BTreeMap::new(), BTreeMap::new());
        Partition { now: None, customers, forgotten, more }
    }

    /// Takes in one event.
    pub(crate) fn take(&mut self, event: Event, options: &Options, out: &mut Rung) -> Fate {
        let before = self.now.unwrap_or(i64::MIN);
        if self.is_shut_out(&event) {
            return Fate::Erased;
        }
        if self.known(&event).is_some_and(|at| before.max(event.time) - at < DEDUP_HORIZON) {
            return Fate::Duplicate;
        }
        if self.now.zip(reach(&event.kind)).is_some_and(|(now, reach)| event.time <= now - reach) {
            return Fate::TooOld;
        }
        let now = before.max(event.time);
        self.advance(now, options, out);
        let name = event.customer.clone();
        if event.kind == "erasure_requested" {
            let is_late = event.time < before;
            self.forget(event, now);
            return if is_late { Fate::Late } else { Fate::Applied };
        }
        if let Some(forgotten) = self.forgotten.get_mut(&name) {
            forgotten.has_begun_anew = true;
        }
        let customer = self.customers.entry(name.clone()).or_insert_with(|| Customer {
            history: History::default(),
            machine: Machine::new(),
            ids: BTreeMap::new(),
            candidates: BTreeSet::new(),
        });
        let (id, kind, time) = (event.id.clone(), event.kind.clone(), event.time);
        customer.ids.insert(id.clone(), now);
        customer.history.events.push(Accepted { event, now });
        customer.candidates = candidates(&customer.history);
        customer.judge(&name, now, Cause::Event { id: &id, kind: &kind }, options, out);
        if time < before { Fate::Late } else { Fate::Applied }
    }

    /// Whether `event` is of a customer who asked to be forgotten, and must stay out.
    fn is_shut_out(&self, event: &Event) -> bool {
        let Some(forgotten) = self.forgotten.get(&event.customer) else { return false };
        let begins = ["customer_created", "subscription_started"].contains(&event.kind.as_str());
        event.kind != "erasure_requested"
            && (forgotten.requests.iter().any(|request| event.time <= *request)
                || !(begins || forgotten.has_begun_anew))
    }

    /// `now` once an event of the same id was applied, if one is remembered. A request is known
    /// again for ever, all else only since the last request.
    fn known(&self, event: &Event) -> Option<i64> {
        let customer = self.customers.get(&event.customer);
        let since = customer.and_then(|customer| customer.ids.get(&event.id)).copied();
        let forgotten = self.forgotten.get(&event.customer);
        let before = forgotten.and_then(|forgotten| {
            if event.kind == "erasure_requested" {
                return forgotten.ids.get(&event.id).copied();
            }
            let last = forgotten.last.as_ref().filter(|(id, _)| *id == event.id);
            last.map(|(_, at)| *at)
        });
        since.max(before)
    }

    /// Forgets the customer, as `event` asks.
    fn forget(&mut self, event: Event, now: i64) {
        let forgotten = self.forgotten.entry(event.customer.clone()).or_default();
        if let Some(customer) = self.customers.remove(&event.customer) {
            forgotten.ids.extend(customer.ids);
        }
        forgotten.ids.insert(event.id.clone(), now);
        forgotten.last = Some((event.id, now));
        forgotten.requests.push(event.time);
        forgotten.has_begun_anew = false;
    }

    /// Moves `now` to `until`, unless it is there already.
    pub(crate) fn end(&mut self, until: i64, options: &Options, out: &mut Rung) {
        if self.now.is_some_and(|now| now < until) {
            self.advance(until, options, out);
        }
    }

    /// Lets time pass up to and with `to`.
    fn advance(&mut self, to: i64, options: &Options, out: &mut Rung) {
        let from = self.now.unwrap_or(i64::MIN);
        self.now = Some(to);
        let mut due: BTreeSet<(i64, String)> = BTreeSet::new();
        if options.timers == Timers::On {
            for (name, customer) in &self.customers {
                let next = customer.next(from, &self.more, options);
                due.extend(next.map(|at| (at, name.clone())));
            }
        }
        while let Some((at, name)) = due.pop_first().filter(|(at, _)| *at <= to) {
            if let Some(customer) = self.customers.get_mut(&name) {
                customer.judge(&name, at, Cause::Timer, options, out);
                let next = customer.next(at, &self.more, options);
                due.extend(next.map(|at| (at, name)));
            }
        }
    }

    /// The rows of the customers file (P-17).
    pub(crate) fn rows(&self, options: &Options) -> Vec<(String, BTreeMap<String, String>)> {
        let Some(now) = self.now else { return Vec::new() };
        let row = |(name, customer): (&String, &Customer)| {
            (name.clone(), customer.row(name, now, options))
        };
        self.customers.iter().map(row).collect()
    }
}

impl Customer {
    /// The first instant after `after` at which something could change.
    fn next(&self, after: i64, more: &BTreeSet<i64>, options: &Options) -> Option<i64> {
        let pending = self.machine.held.iter().zip(&options.tuning);
        let dwell_ends = pending.filter_map(|(held, tuning)| {
            held.pending.map(|pending| pending.since.saturating_add(tuning.dwell))
        });
        let first =
            |instants: &BTreeSet<i64>| instants.range(after.saturating_add(1)..).next().copied();
        let later = first(&self.candidates).into_iter().chain(first(more));
        dwell_ends.filter(|&end| after < end).chain(later).min()
    }

    /// Judges the customer at `at`.
    fn judge(&mut self, name: &str, at: i64, cause: Cause<'_>, options: &Options, out: &mut Rung) {
        let judged = Judged::new(&View::new(&self.history, at, options.features));
        self.machine.judge(Judging {
            customer: name,
            history: &self.history,
            at,
            cause,
            judged: &judged,
            tuning: &options.tuning,
            out,
        });
    }

    /// The customer's row of the customers file.
    fn row(&self, name: &str, now: i64, options: &Options) -> BTreeMap<String, String> {
        let judged = Judged::new(&View::new(&self.history, now, options.features));
        let mut row = BTreeMap::new();
        let mut put = |column: String, text: Option<String>| {
            row.insert(column, text.unwrap_or_default());
        };
        put("customer_id".to_owned(), Some(name.to_owned()));
        put("as_of".to_owned(), Some(moment::write(now)));
        for (score, scale) in SCALES.iter().enumerate() {
            let steps = judged.scores[score];
            let null_band = (score == RETENTION).then(|| "insufficient_data".to_owned());
            let edge_below = |steps: i64| {
                let bands = scale.bands.iter().rev();
                let mut below = bands.filter(|(_, edge, _)| edge * STEP <= steps);
                below.next().map(|(band, _, _)| (*band).to_owned())
            };
            let held = self.machine.held[score].band.map(|band| scale.bands[band].0.to_owned());
            put(scale.name.to_owned(), steps.map(|steps| points(steps).to_string()));
            put(format!("{}_band", scale.name), steps.map_or(null_band, edge_below));
            put(format!("{}_held", scale.name), held);
            put(format!("coverage_{}", scale.name), Some(judged.coverage[score].to_string()));
        }
        let next = forecast(&self.history, &self.machine.held, now, options);
        let next = next.as_ref();
        put("next_band_score".to_owned(), next.map(|next| next.score.to_owned()));
        put("next_band".to_owned(), next.map(|next| next.band.to_owned()));
        put("next_band_at".to_owned(), next.map(|next| next.at.clone()));
        for (rule, signal) in RULES.iter().zip(&judged.signals) {
            let id = rule.id.to_lowercase().replace('-', "_");
            let active = signal.value.map(|_| u8::from(signal.is_active).to_string());
            put(format!("{id}_active"), active);
            put(format!("{id}_value"), signal.value.map(|value| value.to_string()));
        }
        row
    }
}

/// The hash of Kafka's default partitioner.
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c_u32 ^ u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[test]
fn d_5_customers_lie_where_kafka_puts_them() {
    // The vectors of org.apache.kafka.common.utils.UtilsTest.
    for (key, wanted) in [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ] {
        assert_eq!(murmur2(key.as_bytes()).cast_signed(), wanted, "{key}");
    }
}
