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

/// What is so now, and what comes of it.
#[derive(Debug)]
pub struct Outlook<'a> {
    prospect: Prospect<'a>,
    memo: Memo,
    verdict: Verdict,
    now: EventTime,
}

impl<'a> Outlook<'a> {
    /// Judges the customer of `prospect` at `now`, from what was last said of it.
    pub fn at(prospect: Prospect<'a>, now: EventTime) -> Outlook<'a> {
        let mut memo = prospect.memo.clone();
        let scope = Scope::new(prospect.model, prospect.history, now);
        let moved = memo.refresh(&scope, Stale::Nothing);
        let changes = memo.changes(&scope);
        let (readings, orders) = (memo.readings(prospect.model, now), prospect.orders);
        // The memo is as the machine judged by it.
        let before = Before { machine: prospect.machine, moved };
        let verdict = Verdict::since(before, &scope, &Evidence { readings, changes, orders });
        Outlook { prospect, memo, verdict, now }
    }

    /// The same where it is judged at `now` already, by what was last said of it.
    pub fn judged(prospect: Prospect<'a>, verdict: Verdict, now: EventTime) -> Outlook<'a> {
        let memo = prospect.memo.clone();
        Outlook { prospect, memo, verdict, now }
    }

    /// What the customer is judged now.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The first change of a held band in (now, now + 120 d] if nothing more arrives.
    pub fn next(&self) -> Option<Next> {
        let Outlook { prospect, now, .. } = self;
        let model = prospect.model;
        let mut held: SmallVec<[Option<u8>; 4]> = prospect.machine.bands().collect();
        let (mut memo, mut verdict, mut at) = (self.memo.clone(), self.verdict.clone(), *now);
        loop {
            if verdict.status == Status::Cancelled {
                return None;
            }
            for (index, score) in model.scores.iter().enumerate() {
                let Some(value) = verdict.scores.get(index).and_then(|judged| judged.value) else {
                    continue;
                };
                let Some(band) = held.get_mut(index) else { continue };
                let target = band::target(score, *band, value);
                if at == *now {
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
            let scope = Scope::new(model, prospect.history, at);
            let moved = memo.refresh(&scope, Stale::Nothing);
            let changes = memo.changes(&scope);
            let (readings, orders) = (memo.readings(model, at), prospect.orders);
            verdict = verdict.later(moved, &scope, &Evidence { readings, changes, orders });
        }
    }
}
