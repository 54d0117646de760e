//! What happens next if nothing does: the first change of a held band.
//!
//! Rules   known expiries are counted in, dwell is not; looked for up to [`AHEAD`].
//! Cost    one judging for every instant at which a window lets go of something, each of what moved
//!         since the one before.
//! Source  reading A-36 of the specification.

use smallvec::SmallVec;

use crate::model::Model;
use crate::record::scores::Status;
use crate::score::band;
use crate::score::machine::Machine;
use crate::score::orders::Orders;
use crate::score::verdict::{Before, Evidence, Verdict};
use crate::unit::{EventTime, Span};
use crate::window::{History, Memo, Scope, Stale};

/// How far ahead the forecast looks.
pub const AHEAD: Span = Span::days(120);

/// The first change of a held band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Of which score.
    pub score: usize,
    /// Into which band.
    pub band: u8,
    /// When.
    pub at: EventTime,
}

/// Everything that tells a customer's future.
#[derive(Clone, Copy, Debug)]
pub struct Prospect<'a> {
    /// The model.
    pub model: &'a Model,
    /// The customer's past.
    pub history: &'a History,
    /// What the customer measured to when last judged.
    pub memo: &'a Memo,
    /// The orders given for the customer.
    pub orders: Option<&'a Orders>,
    /// What was said of the customer so far.
    pub machine: &'a Machine,
}

/// The first change of a held band in (`now`, `now` + 120 d] if nothing more arrives.
pub fn forecast(prospect: &Prospect<'_>, now: EventTime) -> Option<Next> {
    let model = prospect.model;
    let mut held: SmallVec<[Option<u8>; 4]> = prospect.machine.bands().collect();
    let mut memo = prospect.memo.clone();
    let mut at = now;
    let mut last: Option<Verdict> = None;
    loop {
        let scope = Scope::new(model, prospect.history, at);
        let moved = memo.refresh(&scope, Stale::Nothing);
        let changes = memo.changes(&scope);
        let (readings, orders) = (memo.readings(model, at), prospect.orders);
        let evidence = Evidence { readings, changes, orders };
        let verdict = match last {
            // The memo is as the machine judged by it.
            None => {
                let before = Before { machine: prospect.machine, moved };
                Verdict::since(before, &scope, &evidence)
            }
            Some(last) => last.later(moved, &scope, &evidence),
        };
        if verdict.status == Status::Cancelled {
            return None;
        }
        for (index, score) in model.scores.iter().enumerate() {
            let Some(value) = verdict.scores.get(index).and_then(|judged| judged.value) else {
                continue;
            };
            let Some(band) = held.get_mut(index) else { continue };
            let target = band::target(score, *band, value);
            if at == now {
                // A move that is waiting out its dwell has happened as far as this looks.
                *band = Some(target);
            } else if *band != Some(target) {
                return Some(Next { score: index, band: target, at });
            }
        }
        if now.plus(AHEAD) < verdict.until {
            return None;
        }
        at = verdict.until;
        last = Some(verdict);
    }
}
