//! The spine: one customer through one event or one instant.

use crate::model::{Model, Moves};
use crate::record::alert::{Cause, Identity, alert_id};
use crate::record::scores::{Forecast, ScoreLine};
use crate::record::{Alert, Event, ScoreRecord};
use crate::score::machine::Hearing;
use crate::score::reasons::Grounds;
use crate::score::{
    Before, Evidence, Mover, Next, Orders, Outlook, Prospect, Ring, Tally, Verdict, What, band,
};
use crate::state::customer::{Customer, Published};
use crate::state::output::{Output, Provenance, Rung};
use crate::state::rules::{Publish, Rules, Timers};
use crate::unit::{EventTime, Points};
use crate::window::history::Admitted;
use crate::window::{Readings, Scope, Stale};

/// Memory that a lane uses again and again.
#[derive(Debug, Default)]
pub struct Scratch {
    rings: Vec<Ring>,
}

/// What brings a customer to be judged.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a, 'e> {
    /// An event, with where it came from.
    Event(&'a Event<'e>, Provenance<'a>),
    /// Time alone.
    Timer,
}

/// Moves `customer` through one `occasion` at `now`, and appends what goes out.
///
/// Returns how much was kept back.
pub fn step(
    customer: &mut Customer,
    occasion: Occasion<'_, '_>,
    now: EventTime,
    rules: &Rules,
    desk: &mut Desk<'_>,
) -> Tally {
    let model = &rules.model;
    let (stale, mover) = match occasion {
        Occasion::Event(event, _) => (admit(customer, event, now, rules), Mover::Event(event.kind)),
        Occasion::Timer => (Stale::Nothing, Mover::Timer),
    };
    let orders = customer.orders.as_deref();
    let scope = Scope::new(model, &customer.history, now);
    let moved = customer.memo.refresh(&scope, stale);
    let changes = match rules.timers {
        Timers::On => customer.memo.changes(&scope),
        Timers::Off => EventTime::NEVER,
    };
    let evidence = Evidence { readings: customer.memo.readings(model, now), changes, orders };
    let before = Before { machine: &customer.machine, moved };
    let verdict = Verdict::since(before, &scope, &evidence);
    let hearing = Hearing { model, verdict: &verdict, orders, now, mover };
    desk.scratch.rings.clear();
    let tally = customer.machine.hear(&hearing, &mut desk.scratch.rings);
    if !desk.scratch.rings.is_empty() {
        // What is kept is good enough to judge by; people are told what is so.
        for ring in &desk.scratch.rings {
            let told = model.reads.told.get(ring.what.explained_by(model));
            customer.memo.settle(told.map_or(&[], Vec::as_slice), &scope);
        }
        let readings = customer.memo.readings(model, now);
        let grounds = Grounds { model, verdict: &verdict, readings, orders, now };
        let cause = match occasion {
            Occasion::Event(event, provenance) => provenance.cause(&event.id),
            Occasion::Timer => Cause::Timer,
        };
        for ring in &desk.scratch.rings {
            let alert = word(ring, customer, &grounds, cause.clone());
            // Put into bytes here, for lanes work side by side and what follows does not.
            let json = alert.to_json();
            let customer_id = customer.id().to_owned();
            desk.outputs.push(Output::Alert(Rung { kind: alert.kind, customer_id }, json));
        }
    }
    let looks = match rules.timers {
        Timers::On => verdict.until.min(customer.machine.due(model)),
        // Whoever is not judged by time alone would be called for nothing, again and again.
        Timers::Off => EventTime::NEVER,
    };
    customer.due = looks.min(customer.next_waiting());
    if let Publish::Changes { min_change } = rules.publish {
        publish(customer, (&verdict, now), (model, min_change), desk.outputs);
    }
    tally
}

/// Where a step writes: what goes out, and memory to work in.
#[derive(Debug)]
pub struct Desk<'a> {
    /// What goes out.
    pub outputs: &'a mut Vec<Output>,
    /// Memory to work in.
    pub scratch: &'a mut Scratch,
}

/// Takes in what `event` says, and tells what it may have moved.
fn admit(customer: &mut Customer, event: &Event<'_>, now: EventTime, rules: &Rules) -> Stale {
    let model = &rules.model;
    let known_since = customer.history.known_since();
    customer.history.apply(event, &Admitted { model, now, exact_max: rules.exact_events_max });
    if Orders::concerns(event.kind) {
        customer.orders.get_or_insert_default().apply(event, model, now);
    }
    let moves = model.reads.moves.get(event.kind.index());
    if customer.history.known_since() != known_since || moves == Some(&Moves::All) {
        Stale::All
    } else {
        Stale::By(event.kind)
    }
}

/// Puts `ring` into words.
fn word<'a>(
    ring: &Ring,
    customer: &'a Customer,
    grounds: &Grounds<'a, '_>,
    cause: Cause<&'a str>,
) -> Alert<&'a str> {
    let model = grounds.model;
    let (kind, rule) = (ring.what.kind(), ring.what.rule(model));
    let (from, to) = ring.what.ends(model);
    let score = ring.what.score().and_then(|score| model.scores.get(score));
    let standing = customer.history.standing();
    Alert {
        id: alert_id(&Identity {
            customer_id: customer.id(),
            kind,
            rule,
            at: grounds.now,
            from,
            to,
            repetition: ring.repetition,
        }),
        kind,
        rule,
        score: score.map(|score| score.name.as_str()),
        direction: ring.direction,
        customer_id: customer.id(),
        at: grounds.now,
        from,
        to,
        value: match ring.what {
            What::Signal(index) => grounds.measured(index),
            _ => ring.value,
        },
        previous: ring.previous,
        cause,
        reasons: grounds.parts(ring.what.explained_by(model)),
        model_id: &model.id,
        model_version: model.version,
        open_since: ring.open_since,
        owner: standing.and_then(|standing| standing.owner()),
    }
}

/// Publishes the scores if one moved far enough, or a band or the status changed.
fn publish(
    customer: &mut Customer,
    judged: (&Verdict, EventTime),
    rule: (&Model, f64),
    outputs: &mut Vec<Output>,
) {
    let ((verdict, now), (model, min_change)) = (judged, rule);
    let mut scores = Vec::with_capacity(model.scores.len());
    for (score, held) in model.scores.iter().zip(customer.machine.scores()) {
        let raw = held.value.map(|value| band::of(score, value));
        scores.push((held.value, raw, held.band));
    }
    let current = Published { scores, status: Some(verdict.status) };
    if let Some(last) = &customer.published
        && !differs(last, &current, min_change)
    {
        return;
    }
    customer.published = Some(Box::new(current));
    let readings = customer.memo.readings(model, now);
    let next = Outlook::judged(prospect(customer, model), verdict.clone(), now).next();
    let record = record(customer, (verdict, &readings, next), (model, now)).into_owned();
    let json = record.to_json();
    outputs.push(Output::Scores(Box::new(record), json));
}

/// Whether `current` is worth publishing after `last`.
fn differs(last: &Published, current: &Published, min_change: f64) -> bool {
    let moved = |a: Option<Points>, b: Option<Points>| match (a, b) {
        (Some(a), Some(b)) => a != b && min_change <= a.minus(b).abs(),
        (a, b) => a != b,
    };
    last.status != current.status
        || last.scores.len() != current.scores.len()
        || last
            .scores
            .iter()
            .zip(&current.scores)
            .any(|(a, b)| moved(a.0, b.0) || (a.1, a.2) != (b.1, b.2))
}

/// Everything that tells the future of `customer`.
pub(crate) fn prospect<'a>(customer: &'a Customer, model: &'a Model) -> Prospect<'a> {
    let orders = customer.orders.as_deref();
    let (history, machine, memo) = (&customer.history, &customer.machine, &customer.memo);
    Prospect { model, history, memo, orders, machine }
}

/// The scores of `customer` as they stand at `now`, where they are judged so and that comes next.
pub fn record<'a>(
    customer: &'a Customer,
    judged: (&Verdict, &Readings<'_>, Option<Next>),
    at: (&'a Model, EventTime),
) -> ScoreRecord<&'a str> {
    let ((verdict, readings, next), (model, now)) = (judged, at);
    let name = |score: &'a crate::model::Score, band: Option<u8>| {
        band.and_then(|band| score.bands.get(usize::from(band))).map(|band| band.name.as_str())
    };
    let line = |(index, score): (usize, &'a crate::model::Score)| {
        let held = customer.machine.scores().get(index);
        let value = held.and_then(|held| held.value);
        let band = name(score, value.map(|value| band::of(score, value)));
        ScoreLine {
            name: &*score.name,
            value,
            band: if value.is_none() { score.null_band.as_deref() } else { band },
            held: name(score, held.and_then(|held| held.band)),
            coverage: verdict.coverage(model, score, readings),
        }
    };
    let next = next.and_then(|next| {
        let score = model.scores.get(next.score)?;
        let band = name(score, Some(next.band))?;
        Some(Forecast { score: &*score.name, band, at: next.at })
    });
    ScoreRecord {
        customer_id: customer.id(),
        at: now,
        status: verdict.status,
        scores: model.scores.iter().enumerate().map(line).collect(),
        next,
        model_id: &model.id,
        model_version: model.version,
    }
}
