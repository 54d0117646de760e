//! Who reads what: from the type of an event to the measures it can move.
//!
//! Shape   the measures that a signal, red flag or score reads directly, and for every type of
//!         event which of them it can move, through their parts too.

use crate::model::compile::parts_of;
use crate::model::{Combine, Feed, How, Measure, Score, Signal, StateOf};
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
    /// Of those, by their place: the ones that move with every millisecond.
    pub continuous: Vec<u16>,
    /// By score: the measures that its explanation tells of, by index.
    pub told: Vec<Vec<usize>>,
    /// By [`Kind::index`]: what an event of that type can move.
    pub moves: Vec<Moves>,
}

impl Reads {
    /// Works it out for `measures`, whose parts stand before them, fed by `feeds`.
    pub(super) fn of(
        measures: &[Measure],
        feeds: &[Vec<Feed>],
        signals: &[Signal],
        scores: &[Score],
    ) -> Reads {
        let felt = (0..).zip(measures).filter(|(_, measure)| measure.felt.is_some());
        let direct: Vec<usize> = felt.map(|(index, _)| index).collect();
        let places = |holds: &dyn Fn(usize) -> bool| {
            let places = (0_u16..).zip(&direct).filter(|(_, index)| holds(**index));
            places.map(|(place, _)| place).collect::<Vec<u16>>()
        };
        let continuous =
            places(&|index| measures.get(index).is_some_and(|measure| measure.how.is_continuous()));
        let moves = Kind::ALL.iter().map(|kind| {
            if changes_the_customer(*kind) {
                return Moves::All;
            }
            let fed = feeds.get(kind.index()).into_iter().flatten();
            let tracks: Vec<usize> = fed.map(|feed| feed.track).collect();
            Moves::Some(places(&|index| moved(index, measures, &tracks)))
        });
        let told = scores.iter().map(|score| told(score, signals)).collect();
        Reads { moves: moves.collect(), direct, continuous, told }
    }
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
