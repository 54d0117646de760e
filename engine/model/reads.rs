//! Who reads what: from the type of an event to the measures it can move.
//!
//! Shape   the measures that a signal, red flag or score reads directly, and for every type of
//!         event which of them it can move, through their parts too.

use crate::model::compile::parts_of;
use crate::model::{Combine, Condition, Feed, How, Measure, RedFlag, Score, Signal, StateOf};
use crate::record::Kind;

/// What an event of one type can move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Every measure: it changes what the customer is.
    All,
    /// These, by their place among the direct ones.
    Some(Vec<u16>),
}

/// Who reads what.
#[derive(Clone, Debug, Default)]
pub struct Reads {
    /// The measures that are read directly, by index, in model order.
    pub direct: Vec<usize>,
    /// By measure: where it stands among the direct ones, if it does.
    pub seats: Vec<Option<Seat>>,
    /// By place among the direct ones: who reads it.
    pub readers: Vec<Readers>,
    /// One bit a signal: those to be tested at every judging, for they hang on time or on others.
    pub always: u128,
    /// Whether a red flag hangs on time, so that they are tested at every judging.
    pub flags: FlagsRead,
    /// By score: the measures that its explanation tells of, by index.
    pub told: Vec<Vec<usize>>,
    /// By [`Kind::index`]: what an event of that type can move.
    pub moves: Vec<Moves>,
}

/// A measure's place among those that are read directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The place.
    pub place: u16,
    /// How it moves.
    pub flow: Flow,
}

/// How a measure moves between events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// By steps, at instants that are known.
    Steps,
    /// All the time: it is the time since a moment.
    Since,
    /// All the time: it is the time left until a moment.
    Until,
}

/// Who reads one measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Readers {
    /// One bit a signal that tests it.
    pub signals: u128,
    /// One bit a score that weighs it.
    pub scores: u32,
    /// Whether a red flag tests it.
    pub flags: FlagsRead,
}

/// Whether red flags read something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum FlagsRead {
    /// None does.
    #[default]
    No,
    /// One does.
    Yes,
}

impl Reads {
    /// Works it out for `measures`, whose parts stand before them, fed by `feeds`.
    pub(super) fn of(
        measures: &[Measure],
        feeds: &[Vec<Feed>],
        signals: &[Signal],
        flags: &[RedFlag],
        scores: &[Score],
    ) -> Reads {
        let felt = (0..).zip(measures).filter(|(_, measure)| measure.felt.is_some());
        let direct: Vec<usize> = felt.map(|(index, _)| index).collect();
        let seat = |(index, measure): (usize, &Measure)| {
            let place = u16::try_from(direct.binary_search(&index).ok()?).ok()?;
            let flow = match measure.how {
                How::DaysUntil { .. } => Flow::Until,
                _ if measure.how.is_continuous() => Flow::Since,
                _ => Flow::Steps,
            };
            Some(Seat { place, flow })
        };
        let moves = Kind::ALL.iter().map(|kind| {
            if changes_the_customer(*kind) {
                return Moves::All;
            }
            let fed = feeds.get(kind.index()).into_iter().flatten();
            let tracks: Vec<usize> = fed.map(|feed| feed.track).collect();
            let places = (0_u16..).zip(&direct);
            let places = places.filter(|(_, index)| moved(**index, measures, &tracks));
            Moves::Some(places.map(|(place, _)| place).collect())
        });
        Reads {
            moves: moves.collect(),
            seats: measures.iter().enumerate().map(seat).collect(),
            flags: flags_read(flags, |index| {
                measures.get(index).is_some_and(|measure| measure.how.is_continuous())
            }),
            readers: direct.iter().map(|index| readers(*index, signals, flags, scores)).collect(),
            always: always(measures, signals),
            told: scores.iter().map(|score| told(score, signals)).collect(),
            direct,
        }
    }
}

/// Who reads measure `index`.
fn readers(index: usize, signals: &[Signal], flags: &[RedFlag], scores: &[Score]) -> Readers {
    let flags = flags_read(flags, |other| other == index);
    let mut readers = Readers { flags, ..Readers::default() };
    // A model with more of either is refused.
    for (at, signal) in (0..u128::BITS).zip(signals) {
        readers.signals |= u128::from(signal.measure == index) << at;
    }
    for (at, score) in (0..u32::BITS).zip(scores) {
        let Combine::Weighted { subscores } = &score.combine else { continue };
        let mut inputs = subscores.iter().flat_map(|subscore| &subscore.inputs);
        readers.scores |= u32::from(inputs.any(|input| input.measure == index)) << at;
    }
    readers
}

/// Whether one of `flags` reads a measure of those that `which` picks.
fn flags_read(flags: &[RedFlag], which: impl Fn(usize) -> bool) -> FlagsRead {
    let reads = |condition: &Condition| match condition {
        Condition::Measure(measure, _) => which(*measure),
        Condition::Signal(_) => false,
    };
    let mut all = flags.iter().flat_map(|flag| &flag.all);
    if all.any(reads) { FlagsRead::Yes } else { FlagsRead::No }
}

/// The signals that may turn over though no step of their measure tells: one bit each.
fn always(measures: &[Measure], signals: &[Signal]) -> u128 {
    let mut always = 0;
    for (at, signal) in (0..u128::BITS).zip(signals) {
        let measure = measures.get(signal.measure);
        let hangs_on_time = measure.is_some_and(|measure| measure.how.is_continuous());
        always |= u128::from(hangs_on_time || !signal.with_any.is_empty()) << at;
    }
    always
}

/// The measures that an explanation of `score` tells of.
fn told(score: &Score, signals: &[Signal]) -> Vec<usize> {
    let tested = score.signals.iter().filter_map(|index| signals.get(*index));
    let mut measures: Vec<usize> = tested.map(|signal| signal.measure).collect();
    if let Combine::Weighted { subscores } = &score.combine {
        let inputs = subscores.iter().flat_map(|subscore| &subscore.inputs);
        measures.extend(inputs.map(|input| input.measure));
    }
    measures.sort_unstable();
    measures.dedup();
    measures
}

/// Whether an event of `kind` changes life, plan or consent, on which any measure may hang.
fn changes_the_customer(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CustomerCreated
            | Kind::SubscriptionStarted
            | Kind::SubscriptionChanged
            | Kind::SubscriptionPaused
            | Kind::SubscriptionResumed
            | Kind::SubscriptionCancelled
            | Kind::SubscriptionReactivated
            | Kind::ConsentChanged
    )
}

/// Whether measure `index` reads one of `tracks`, itself or through a part.
fn moved(index: usize, measures: &[Measure], tracks: &[usize]) -> bool {
    let Some(measure) = measures.get(index) else { return false };
    let own = match &measure.how {
        How::Count { track, .. }
        | How::Sum { track, .. }
        | How::Mean { track, .. }
        | How::Min { track, .. }
        | How::Max { track, .. }
        | How::Distinct { track, .. }
        | How::Matched { track, .. }
        | How::Latest { track, .. }
        | How::Age { track, .. }
        | How::Rate { track, .. }
        | How::Overdue { track }
        | How::OnTime { track, .. }
        | How::WorstLatest { track, .. }
        | How::Most { track, .. }
        | How::DaysUntil { track } => tracks.contains(track),
        How::State(StateOf::Mrr | StateOf::Seats | StateOf::PlanFeatures | StateOf::Paused)
        | How::Tenure
        | How::Ratio { .. }
        | How::Greatest(_) => false,
    };
    own || parts_of(&measure.how).into_iter().any(|part| moved(part, measures, tracks))
}
