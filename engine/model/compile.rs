//! From drafts to tracks, feeds and measures: one copy of the events for all who read them.
//!
//! Rules   parts stand before wholes; measures that read the same events in the same way share
//!         one track, kept as long as the most patient of them needs.

use crate::model::check_measure::{Draft, Intake, Wish};
use crate::model::fault::{Faults, Named, Spot};
use crate::model::measure::{How, Window};
use crate::model::track::{Entry, Feed, Shape, Track};
use crate::model::words;
use crate::record::Kind;
use crate::record::kind::KINDS;
use crate::unit::Span;

/// The types that set what a customer is: never too old, whoever else reads them.
const STATE_KINDS: &[Kind] = &[
    Kind::CustomerCreated,
    Kind::SubscriptionStarted,
    Kind::SubscriptionChanged,
    Kind::SubscriptionPaused,
    Kind::SubscriptionResumed,
    Kind::SubscriptionRenewed,
    Kind::SubscriptionCancelled,
    Kind::SubscriptionReactivated,
    Kind::Unsubscribed,
    Kind::AlertAcked,
    Kind::AlertSnoozed,
    Kind::ScoreOverride,
    Kind::OwnerChanged,
    Kind::ConsentChanged,
    Kind::ErasureRequested,
    Kind::Tick,
    Kind::ProfileDates,
];

/// Puts the drafts in an order in which the parts of a measure stand before it, and otherwise in
/// that of the file; joins every part's name to its index. `declared` are the names of all
/// measures, of faulty ones too.
pub(super) fn order(drafts: Vec<Draft>, declared: &[String], faults: &Faults<'_>) -> Vec<Draft> {
    let mut visit =
        Visit { drafts: &drafts, faults, state: vec![Seen::No; drafts.len()], order: vec![] };
    for (at, draft) in drafts.iter().enumerate() {
        for part in draft.parts.iter().filter(|part| !declared.contains(&part.name)) {
            let known = declared.iter().map(String::as_str);
            faults.unknown(part, "the name of a measure", known);
        }
        visit.one(at, &mut Vec::new());
    }
    let order = visit.order;
    let mut sorted: Vec<Draft> = Vec::with_capacity(drafts.len());
    for at in order {
        if let Some(draft) = drafts.get(at) {
            let mut draft = draft.clone();
            let find = |part: &Named| sorted.iter().position(|d| d.named.name == part.name);
            let parts: Vec<usize> = draft.parts.iter().filter_map(find).collect();
            set_parts(&mut draft.how, &parts);
            check_parts(&draft, &parts, &sorted, faults);
            sorted.push(draft);
        }
    }
    sorted
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    Open,
    Done,
}

struct Visit<'v> {
    drafts: &'v [Draft],
    faults: &'v Faults<'v>,
    state: Vec<Seen>,
    order: Vec<usize>,
}

impl Visit<'_> {
    /// Visits the parts of draft `at`, then itself; `path` is how it was reached. As deep as
    /// measures are nested, at most `MEASURES_MAX`.
    fn one(&mut self, at: usize, path: &mut Vec<usize>) {
        let (Some(draft), Some(seen)) = (self.drafts.get(at), self.state.get(at).copied()) else {
            return;
        };
        match seen {
            Seen::Done => return,
            Seen::Open => return self.cycle(at, path),
            Seen::No => {}
        }
        if let Some(state) = self.state.get_mut(at) {
            *state = Seen::Open;
        }
        path.push(at);
        for part in &draft.parts {
            if let Some(next) = self.drafts.iter().position(|d| d.named.name == part.name) {
                self.one(next, path);
            }
        }
        path.pop();
        if let Some(state) = self.state.get_mut(at) {
            *state = Seen::Done;
        }
        self.order.push(at);
    }

    fn cycle(&self, at: usize, path: &[usize]) {
        let from = path.iter().position(|step| *step == at).unwrap_or(0);
        let steps = path.iter().skip(from).chain([&at]);
        let names: Vec<&str> = steps
            .filter_map(|step| self.drafts.get(*step))
            .map(|draft| draft.named.name.as_str())
            .collect();
        if let Some(draft) = self.drafts.get(at) {
            let wanted = "measures that do not read themselves";
            self.faults.add(&draft.named.spot, names.join(" -> "), wanted);
        }
    }
}

/// Refuses parts that cannot be joined: continuous ones, and those over other periods.
fn check_parts(draft: &Draft, parts: &[usize], sorted: &[Draft], faults: &Faults<'_>) {
    let mut period: Option<(Window, &str)> = None;
    for (named, part) in draft.parts.iter().zip(parts.iter().filter_map(|at| sorted.get(*at))) {
        if part.how.is_continuous() {
            let wanted = "a measure that stands still between events: ages, tenure, days late and \
                          days until may stand in comparisons only";
            faults.add(&named.spot, format!("{:?}", named.name), wanted);
        }
        let Some(window) = window_of(&part.how) else { continue };
        match period {
            Some((other, name)) if other != window => {
                let wanted = format!("the period of {name}, {}", words::window(other));
                let found = format!("{:?} over {}", named.name, words::window(window));
                faults.add(&named.spot, found, wanted);
            }
            _ => period = Some((window, &part.named.name)),
        }
    }
}

/// The window of a measure, if it has exactly one.
fn window_of(how: &How) -> Option<Window> {
    match how {
        How::Count { window, .. }
        | How::Sum { window, .. }
        | How::Mean { window, .. }
        | How::Min { window, .. }
        | How::Max { window, .. }
        | How::Distinct { window, .. }
        | How::Matched { window, .. }
        | How::OnTime { window, .. }
        | How::Most { window, .. } => Some(*window),
        _ => None,
    }
}

fn set_parts(how: &mut How, parts: &[usize]) {
    match (how, parts) {
        (How::Ratio { num, den, .. }, [first, second]) => (*num, *den) = (*first, *second),
        (How::Greatest(all), parts) => *all = parts.to_vec(),
        _ => {}
    }
}

/// The measures that `how` reads.
pub(super) fn parts_of(how: &How) -> Vec<usize> {
    match how {
        How::Ratio { num, den, .. } => vec![*num, *den],
        How::Greatest(parts) => parts.clone(),
        _ => Vec::new(),
    }
}

fn set_track(how: &mut How, index: usize) {
    match how {
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
        | How::DaysUntil { track } => *track = index,
        How::Ratio { .. } | How::Greatest(_) | How::Tenure | How::State(_) => {}
    }
}

/// Gives every draft its track: the tracks, and what feeds them by type.
pub(super) fn tracks(drafts: &mut [Draft]) -> (Vec<Track>, Vec<Vec<Feed>>) {
    let mut wishes: Vec<Wish> = Vec::new();
    // Sends with answers come first, so that counts of the same sends can join them.
    for marked in [true, false] {
        for draft in drafts.iter_mut() {
            let Some(wish) = &draft.wish else { continue };
            if wish.feeds.iter().any(is_mark) != marked {
                continue;
            }
            let index = match wishes.iter().position(|other| serves(other, wish)) {
                Some(index) => index,
                None => {
                    wishes.push(wish.clone());
                    wishes.len() - 1
                }
            };
            if let Some(shared) = wishes.get_mut(index) {
                shared.keep = shared.keep.max(wish.keep);
            }
            set_track(&mut draft.how, index);
        }
    }
    let mut feeds = vec![Vec::new(); KINDS];
    let mut tracks = Vec::with_capacity(wishes.len());
    for (track, wish) in wishes.into_iter().enumerate() {
        tracks.push(Track { name: words::track(&wish.feeds), shape: wish.shape, keep: wish.keep });
        for Intake { kind, filter, entry } in wish.feeds {
            if let Some(of_kind) = feeds.get_mut(kind.index()) {
                of_kind.push(Feed { track, filter, entry });
            }
        }
    }
    (tracks, feeds)
}

fn is_mark(intake: &Intake) -> bool {
    matches!(intake.entry, Entry::Mark(_))
}

/// Whether the track of `one` remembers what `other` wishes for.
fn serves(one: &Wish, other: &Wish) -> bool {
    let keys = |wish: &Wish| -> Vec<Intake> {
        wish.feeds.iter().filter(|intake| !is_mark(intake)).cloned().collect()
    };
    let unmarked = other.shape == Shape::Sends && !other.feeds.iter().any(is_mark);
    one.shape == other.shape && (one.feeds == other.feeds || unmarked && keys(one) == keys(other))
}

/// How old an event of each type may be; `shorter` are the file's own spans.
pub(super) fn reach(
    drafts: &[Draft],
    shorter: &[(Kind, Span, Spot)],
    faults: &Faults<'_>,
) -> Vec<Span> {
    let mut reach = vec![Span::ZERO; KINDS];
    let mut windows = vec![(Span::ZERO, ""); KINDS];
    for draft in drafts {
        for (wish, intake) in
            draft.wish.iter().flat_map(|wish| wish.feeds.iter().map(move |intake| (wish, intake)))
        {
            let at = intake.kind.index();
            // An answer counts whenever it came.
            let own = if is_mark(intake) { Span::FOREVER } else { wish.reach };
            if let Some(longest) = reach.get_mut(at) {
                *longest = own.max(*longest);
            }
            if let Some(window) = windows.get_mut(at)
                && wish.keep != Span::FOREVER
                && window.0 < wish.keep
            {
                *window = (wish.keep, &draft.named.name);
            }
        }
    }
    for kind in Kind::ALL {
        if let Some(longest) = reach.get_mut(kind.index())
            && (*longest == Span::ZERO || STATE_KINDS.contains(kind))
        {
            *longest = Span::FOREVER;
        }
    }
    for (kind, span, spot) in shorter {
        let (window, reader) = windows.get(kind.index()).copied().unwrap_or_default();
        if STATE_KINDS.contains(kind) {
            let wanted = "no span: this type sets what a customer is and is never too old";
            faults.add(spot, span.to_string(), wanted);
        } else if *span < window {
            let wanted = format!("at least {window}, which measure {reader} looks back");
            faults.add(spot, span.to_string(), wanted);
        }
        if let Some(longest) = reach.get_mut(kind.index()) {
            *longest = *span;
        }
    }
    reach
}
