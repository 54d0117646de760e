//! What follows from the whole model about each measure: who judges by it, from which count on
//! nothing changes any more, whether a platform sends what it needs.

use crate::model::check_measure::{Draft, kinds_of_state};
use crate::model::compile::parts_of;
use crate::model::measure::{Compare, Felt, How, Measure, Op};
use crate::model::score::{Combine, Condition, RedFlag, Score, Signal};
use crate::model::track::Entry;
use crate::record::Kind;
use crate::unit::EventTime;

/// The types that a platform sends, each with the moment it began to, if it is known.
pub type Sources<'s> = Option<&'s [(Kind, Option<EventTime>)]>;

/// Who reads a measure directly.
#[derive(Clone, Debug, Default)]
struct Uses {
    /// The smallest whole number from which on all its readers behave alike; `None` where there is
    /// none.
    enough: Option<u64>,
    /// Whether a score depends on it.
    judged: bool,
    /// What its direct readers can tell apart.
    felt: Option<Felt>,
}

/// Fills in `enough` and `judged` of `measures`, whose parts stand before their wholes.
pub(super) fn uses(
    measures: &mut [Measure],
    signals: &[Signal],
    flags: &[RedFlag],
    scores: &[Score],
) {
    let nobody = Uses { enough: Some(0), judged: false, felt: None };
    let mut uses = vec![nobody; measures.len()];
    let mut judge = |measure: usize, enough: u64, felt: Felt| {
        if let Some(uses) = uses.get_mut(measure) {
            uses.enough = uses.enough.map(|other| other.max(enough));
            uses.judged = true;
            uses.felt = Some(uses.felt.map_or(felt, |other| other.or(felt)));
        }
    };
    for signal in signals {
        judge(signal.measure, alike_from(signal.test), Felt::by_test(signal.test));
    }
    for condition in flags.iter().flat_map(|flag| &flag.all) {
        if let Condition::Measure(measure, test) = condition {
            judge(*measure, alike_from(*test), Felt::by_test(*test));
        }
    }
    for score in scores {
        let Combine::Weighted { subscores } = &score.combine else { continue };
        for input in subscores.iter().flat_map(|subscore| &subscore.inputs) {
            let felt = Felt { low: input.low.min(input.high), high: input.low.max(input.high) };
            judge(input.measure, at_least(felt.high), felt);
        }
    }
    for at in (0..measures.len()).rev() {
        let (Some(measure), Some(own)) = (measures.get(at), uses.get(at).cloned()) else {
            continue;
        };
        // The greatest of several is at least as great as each; a quotient moves with each.
        let passed = if matches!(measure.how, How::Greatest(_)) { own.enough } else { None };
        for part in parts_of(&measure.how) {
            if let Some(uses) = uses.get_mut(part) {
                uses.enough = uses.enough.zip(passed).map(|(one, other)| one.max(other));
                uses.judged |= own.judged;
            }
        }
    }
    let mut counts = Vec::with_capacity(measures.len());
    for (measure, uses) in measures.iter_mut().zip(uses) {
        let is_count = match &measure.how {
            How::Count { .. } | How::Distinct { .. } | How::Matched { .. } | How::Most { .. } => {
                true
            }
            How::Greatest(parts) => parts.iter().all(|part| counts.get(*part) == Some(&true)),
            _ => false,
        };
        counts.push(is_count);
        measure.enough = uses.enough.filter(|_| is_count);
        measure.judged = uses.judged;
        measure.felt = uses.felt;
    }
}

impl Felt {
    /// What `test` can tell apart: the two sides of its threshold, and on which it stands.
    fn by_test(test: Compare) -> Felt {
        let edge = test.threshold;
        match test.op {
            Op::Lt | Op::Ge => Felt { low: edge.next_down(), high: edge },
            Op::Le | Op::Gt => Felt { low: edge, high: edge.next_up() },
        }
    }

    /// What two readers can tell apart between them.
    fn or(self, other: Felt) -> Felt {
        Felt { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}

/// The smallest whole number such that `test` says the same of it and of all above.
fn alike_from(test: Compare) -> u64 {
    match test.op {
        Op::Lt | Op::Ge => at_least(test.threshold),
        Op::Le | Op::Gt => at_least(test.threshold.floor() + 1.0),
    }
}

/// The smallest whole number that is not below `number`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of a model are at most AMOUNT_MAX, and negative ones become zero"
)]
fn at_least(number: f64) -> u64 {
    number.ceil().max(0.0) as u64
}

/// The drafts, whose parts stand before their wholes, as measures; and the purposes of consent
/// they ask for.
pub(super) fn measures(drafts: &[Draft], sources: Sources<'_>) -> (Vec<Measure>, Vec<String>) {
    let mut measures: Vec<Measure> = Vec::with_capacity(drafts.len());
    let mut kinds: Vec<Vec<Kind>> = Vec::with_capacity(drafts.len());
    let mut purposes: Vec<String> = Vec::new();
    for draft in drafts {
        let consent = draft.consent.as_ref().map(|purpose| {
            purposes.iter().position(|known| known == purpose).unwrap_or_else(|| {
                purposes.push(purpose.clone());
                purposes.len() - 1
            })
        });
        let mut read = own_kinds(draft);
        for part in parts_of(&draft.how) {
            read.extend(kinds.get(part).into_iter().flatten());
        }
        let since = sources.map_or(EventTime::ALWAYS, |listed| earliest(&read, listed));
        kinds.push(read);
        measures.push(Measure {
            name: draft.named.name.clone(),
            how: draft.how.clone(),
            grace: draft.grace,
            consent,
            sourced: sources.is_none_or(|listed| is_sourced(draft, &measures, listed)),
            since,
            enough: None,
            judged: false,
            felt: None,
        });
    }
    (measures, purposes)
}

/// The types that a measure reads itself.
fn own_kinds(draft: &Draft) -> Vec<Kind> {
    match draft.how {
        How::State(what) => kinds_of_state(what).to_vec(),
        _ => draft.wish.iter().flat_map(|wish| &wish.feeds).map(|intake| intake.kind).collect(),
    }
}

/// The earliest `since` of those of `kinds` that are listed; one without has always come.
fn earliest(kinds: &[Kind], listed: &[(Kind, Option<EventTime>)]) -> EventTime {
    let read = listed.iter().filter(|(kind, _)| kinds.contains(kind));
    read.map(|(_, since)| since.unwrap_or(EventTime::ALWAYS)).min().unwrap_or(EventTime::ALWAYS)
}

/// Whether the types that a measure needs are listed: one of those it reads, both parts of
/// a ratio, one part of several; and of `matched` a type to be answered and one that answers,
/// which are the two parts of its ratio.
fn is_sourced(draft: &Draft, before: &[Measure], listed: &[(Kind, Option<EventTime>)]) -> bool {
    let is_listed = |kind: Kind| listed.iter().any(|(known, _)| *known == kind);
    let part = |part: &usize| before.get(*part).is_some_and(|part| part.sourced);
    match &draft.how {
        How::Ratio { num, den, .. } => part(num) && part(den),
        How::Greatest(parts) => parts.iter().any(part),
        How::Matched { .. } => {
            let feeds = draft.wish.iter().flat_map(|wish| &wish.feeds);
            let (marks, sent): (Vec<_>, Vec<_>) =
                feeds.partition(|intake| matches!(intake.entry, Entry::Mark(_)));
            [marks, sent].iter().all(|side| side.iter().any(|intake| is_listed(intake.kind)))
        }
        _ => {
            let kinds = own_kinds(draft);
            kinds.is_empty() || kinds.into_iter().any(is_listed)
        }
    }
}
