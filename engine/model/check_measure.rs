//! The measures of the file, read into drafts: what each computes and what it must remember.
//!
//! Shape   a [`Draft`] carries its [`How`] with the indices still open, the track it wishes for,
//!         and the names of its parts.

use crate::model::check_events::{Pairs, Source, kinds, numbers, source, text_field, time_field};
use crate::model::fault::Named;
use crate::model::measure::{Bound, Days, How, OrKnown, StateOf, Window};
use crate::model::raw::{COUNT, FLAG, NUMBER, SPAN, Section, TEXT, WINDOW};
use crate::model::track::{Entry, Filter, Number, Shape};
use crate::record::Kind;
use crate::unit::{Micros, Span};

/// One measure, read but not yet joined to the others.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Its name and place.
    pub(super) named: Named,
    /// How it is computed; tracks and parts are still zero.
    pub(super) how: How,
    /// The track it reads, if any.
    pub(super) wish: Option<Wish>,
    /// The measures it reads, in the order in which `how` names them.
    pub(super) parts: Vec<Named>,
    /// Its grace.
    pub(super) grace: Span,
    /// The consent it asks for.
    pub(super) consent: Option<String>,
}

/// A track that a measure needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Its shape.
    pub(super) shape: Shape,
    /// What feeds it.
    pub(super) feeds: Vec<Intake>,
    /// How long its entries matter to this measure.
    pub(super) keep: Span,
    /// How far back an event can matter to this measure; `FOREVER` without a window.
    pub(super) reach: Span,
}

/// One way into a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Intake {
    /// The type.
    pub(super) kind: Kind,
    /// Which events of it.
    pub(super) filter: Filter,
    /// What is kept.
    pub(super) entry: Entry,
}

/// What one kind of measure reads: how it computes, its track, its parts.
type Parsed = Option<(How, Option<Wish>, Vec<Named>)>;

type Reader = fn(&mut Section<'_>) -> Parsed;

const READERS: &[(&str, Reader)] = &[
    ("count", count),
    ("sum", sum),
    ("mean", mean),
    ("min", min),
    ("max", max),
    ("distinct", distinct),
    ("matched", matched),
    ("most", most),
    ("latest", latest),
    ("age", age),
    ("days_until", days_until),
    ("worst_latest", worst_latest),
    ("rate_vs_baseline", rate),
    ("overdue", overdue),
    ("on_time", on_time),
    ("ratio", ratio),
    ("greatest", greatest),
    ("tenure", tenure),
    ("state", state),
];

/// Reads one `[measures.NAME]`.
pub(super) fn draft(named: Named, mut section: Section<'_>) -> Option<Draft> {
    let reader = section.choice("kind", READERS);
    let parsed = match reader {
        Some(reader) => reader(&mut section),
        // Without its kind nothing can be said about the other keys.
        None => return None,
    };
    let grace = section.may("grace", &SPAN).unwrap_or(Span::ZERO);
    let consent = section.may("consent", &TEXT);
    if consent.as_deref() == Some("marketing") {
        let wanted = "a purpose that must be granted; marketing is allowed until it is refused";
        section.fault("consent", wanted);
    }
    section.end();
    let (how, wish, parts) = parsed?;
    Some(Draft { named, how, wish, parts, grace, consent })
}

/// Reads `window` and `exclude_last`, which must leave something of it.
fn window(section: &mut Section<'_>, exclude: &'static str) -> Option<Window> {
    let length = section.need("window", &WINDOW);
    let exclude_last = section.may(exclude, &SPAN).unwrap_or(Span::ZERO);
    let length = length?;
    if length <= exclude_last {
        section.fault(exclude, format!("less than the window ({length})"));
        return None;
    }
    Some(Window { length, exclude_last })
}

/// A wish for a track of `shape` that `source` feeds with `entry`.
fn wish(shape: Shape, source: &Source, entry: Entry, length: Span) -> Wish {
    let intake = |kind: &Kind| Intake { kind: *kind, filter: source.filter.clone(), entry };
    let feeds = source.kinds.iter().map(intake).collect();
    Wish { shape, feeds, keep: length, reach: length }
}

/// The same, with a number of its own for every type.
fn wish_numbers(shape: Shape, source: &Source, numbers: &[Number], length: Span) -> Wish {
    let mut wish = wish(shape, source, Entry::Time, length);
    for (intake, number) in wish.feeds.iter_mut().zip(numbers) {
        intake.entry = Entry::Value(*number);
    }
    wish
}

fn count(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let window = window(section, "exclude_last");
    let (source, window) = (source?, window?);
    let wish = wish(Shape::Times, &source, Entry::Time, window.length);
    Some((How::Count { track: 0, window }, Some(wish), vec![]))
}

/// Reads what every measure over numbers has.
fn values(section: &mut Section<'_>) -> Option<(Window, Wish)> {
    let source = source(section);
    let kinds = source.as_ref().map_or(&[][..], |source| &source.kinds);
    let numbers = numbers(section, kinds, Pairs::Refused);
    let window = window(section, "exclude_last");
    let (source, window) = (source?, window?);
    Some((window, wish_numbers(Shape::Values, &source, &numbers?, window.length)))
}

fn sum(section: &mut Section<'_>) -> Parsed {
    let values = values(section);
    let per = section.may("per", &COUNT).unwrap_or(1);
    let (window, wish) = values?;
    Some((How::Sum { track: 0, window, per }, Some(wish), vec![]))
}

fn mean(section: &mut Section<'_>) -> Parsed {
    let (window, wish) = values(section)?;
    Some((How::Mean { track: 0, window }, Some(wish), vec![]))
}

fn min(section: &mut Section<'_>) -> Parsed {
    let (window, wish) = values(section)?;
    Some((How::Min { track: 0, window }, Some(wish), vec![]))
}

fn max(section: &mut Section<'_>) -> Parsed {
    let (window, wish) = values(section)?;
    Some((How::Max { track: 0, window }, Some(wish), vec![]))
}

fn distinct(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let kinds = source.as_ref().map_or(&[][..], |source| &source.kinds);
    let key = text_field(section, "field", kinds);
    let window = window(section, "exclude_last");
    let (source, key, window) = (source?, key?, window?);
    // A table of latest times cannot tell what was there before the end of the window.
    let ends_now = window.exclude_last == Span::ZERO;
    let shape = if ends_now { Shape::Keys } else { Shape::Sends };
    let wish = wish(shape, &source, Entry::Key(key), window.length);
    Some((How::Distinct { track: 0, window }, Some(wish), vec![]))
}

fn matched(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let sent = source.as_ref().map_or(&[][..], |source| &source.kinds);
    let answers = kinds(section, "answered_by");
    let both: Vec<Kind> = sent.iter().chain(answers.iter().flatten()).copied().collect();
    let key = text_field(section, "field", &both);
    let window = window(section, "mature");
    let (source, answers, key, window) = (source?, answers?, key?, window?);
    if let Some(kind) = answers.iter().find(|kind| source.kinds.contains(kind)) {
        section.fault("answered_by", format!("types other than those of `of` ({})", kind.name()));
        return None;
    }
    let mut wish = wish(Shape::Sends, &source, Entry::Key(key), window.length);
    let mark = |kind: Kind| Intake { kind, filter: Filter::default(), entry: Entry::Mark(key) };
    wish.feeds.extend(answers.into_iter().map(mark));
    Some((How::Matched { track: 0, window }, Some(wish), vec![]))
}

fn most(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let kinds = source.as_ref().map_or(&[][..], |source| &source.kinds);
    let key = text_field(section, "field", kinds);
    let group = text_field(section, "by", kinds);
    let length = section.need("window", &WINDOW);
    let (source, key, group, length) = (source?, key?, group?, length?);
    let window = Window { length, exclude_last: Span::ZERO };
    let wish = wish(Shape::Groups, &source, Entry::Grouped { key, group }, window.length);
    Some((How::Most { track: 0, window }, Some(wish), vec![]))
}

fn latest(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let kinds = source.as_ref().map_or(&[][..], |source| &source.kinds);
    let numbers = numbers(section, kinds, Pairs::Kept);
    let max_age = section.need("max_age", &WINDOW);
    let (source, numbers, max_age) = (source?, numbers?, max_age?);
    let wish = wish_numbers(Shape::Latest, &source, &numbers, max_age);
    Some((How::Latest { track: 0, max_age }, Some(wish), vec![]))
}

fn age(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let known = section.may("or_known", &FLAG).unwrap_or(false);
    let or_known = if known { OrKnown::Known } else { OrKnown::Nothing };
    let wish = wish(Shape::Latest, &source?, Entry::Time, Span::FOREVER);
    Some((How::Age { track: 0, or_known }, Some(wish), vec![]))
}

fn days_until(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let kinds = source.as_ref().map_or(&[][..], |source| &source.kinds);
    let moment = time_field(section, "field", kinds);
    let entry = Entry::Value(Number::Field(moment?));
    let wish = wish(Shape::Latest, &source?, entry, Span::FOREVER);
    Some((How::DaysUntil { track: 0 }, Some(wish), vec![]))
}

fn worst_latest(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let kinds = source.as_ref().map_or(&[][..], |source| &source.kinds);
    let by = text_field(section, "by", kinds);
    let is_survey = kinds.iter().all(|kind| *kind == Kind::SurveyResponse);
    if !is_survey {
        section.fault("of", "\"survey_response\", the only type whose answers have a scale");
    }
    let max_age = section.need("max_age", &WINDOW);
    let low = section.need("lo", &NUMBER).and_then(Micros::from_f64);
    let high = section.need("hi", &NUMBER).and_then(Micros::from_f64);
    let (source, by, max_age, low, high) = (source?, by?, max_age?, low?, high?);
    if !is_survey {
        return None;
    }
    if low == high {
        section.fault("hi", "another number than lo: the worst and the best answer differ");
        return None;
    }
    let wish = wish(Shape::Answers, &source, Entry::Answer { by }, max_age);
    Some((How::WorstLatest { track: 0, max_age, low, high }, Some(wish), vec![]))
}

fn rate(section: &mut Section<'_>) -> Parsed {
    let source = source(section);
    let window = whole_days(section, "window");
    let baseline = whole_days(section, "baseline");
    let fixed = section.choice("days", &[("active", false), ("fixed", true)]);
    let days = match fixed? {
        true => Days::Fixed,
        false => Days::Active { min_history: whole_days(section, "min_history")? },
    };
    let (source, window, baseline) = (source?, window?, baseline?);
    if let Days::Active { min_history } = days
        && baseline < min_history
    {
        section.fault("min_history", format!("at most the baseline ({baseline})"));
    }
    let wish = wish(Shape::Times, &source, Entry::Time, window.plus(baseline));
    Some((How::Rate { track: 0, window, baseline, days }, Some(wish), vec![]))
}

/// Reads a window of whole days: a rate is so many a day.
fn whole_days(section: &mut Section<'_>, key: &'static str) -> Option<Span> {
    let span = section.need(key, &WINDOW)?;
    if span.as_millis() % Span::DAY.as_millis() != 0 {
        section.fault(key, "whole days, such as \"14d\"");
        return None;
    }
    Some(span)
}

/// The track of invoices. They are remembered until they are paid, so nothing is ever too old.
fn invoices() -> Wish {
    let rows = [
        (Kind::InvoiceIssued, Entry::Issue),
        (Kind::PaymentSucceeded, Entry::Pay),
        (Kind::PaymentDeferred, Entry::Defer),
    ];
    let intake = |(kind, entry)| Intake { kind, filter: Filter::default(), entry };
    let feeds = rows.into_iter().map(intake).collect();
    Wish { shape: Shape::Invoices, feeds, keep: Span::FOREVER, reach: Span::FOREVER }
}

fn overdue(_: &mut Section<'_>) -> Parsed {
    Some((How::Overdue { track: 0 }, Some(invoices()), vec![]))
}

fn on_time(section: &mut Section<'_>) -> Parsed {
    let window = Window { length: section.need("window", &WINDOW)?, exclude_last: Span::ZERO };
    Some((How::OnTime { track: 0, window }, Some(invoices()), vec![]))
}

fn ratio(section: &mut Section<'_>) -> Parsed {
    let num = section.name("num", "the name of a measure");
    let den = section.name("den", "the name of a measure");
    let min_den = section.need("min_den", &COUNT);
    let bound = match section.has("bound") {
        true => section.choice("bound", &[("one", Bound::One), ("none", Bound::None)]),
        false => Some(Bound::None),
    };
    let how = How::Ratio { num: 0, den: 0, min_den: min_den?, bound: bound? };
    Some((how, None, vec![num?, den?]))
}

fn greatest(section: &mut Section<'_>) -> Parsed {
    let parts = section.names("parts");
    if parts.len() < 2 {
        section.fault("parts", "the names of two measures or more");
        return None;
    }
    Some((How::Greatest(vec![0; parts.len()]), None, parts))
}

fn tenure(_: &mut Section<'_>) -> Parsed {
    Some((How::Tenure, None, vec![]))
}

fn state(section: &mut Section<'_>) -> Parsed {
    let choices = [
        ("plan_features", StateOf::PlanFeatures),
        ("mrr", StateOf::Mrr),
        ("seats", StateOf::Seats),
        ("paused", StateOf::Paused),
    ];
    Some((How::State(section.choice("what", &choices)?), None, vec![]))
}

/// The types that name a customer's revenue and seats.
pub(super) fn kinds_of_state(what: StateOf) -> &'static [Kind] {
    match what {
        StateOf::Mrr | StateOf::Seats => {
            &[Kind::CustomerCreated, Kind::SubscriptionStarted, Kind::SubscriptionChanged]
        }
        StateOf::PlanFeatures | StateOf::Paused => &[],
    }
}
