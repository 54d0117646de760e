//! The signals, red flags and intents of the file.
//!
//! Rules   a signal stands in a group of a capped score or on a level of a severity score; it may
//!         lean on signals before it, never on later ones; a red flag names what exists.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::model::check_score::ScoreDraft;
use crate::model::fault::{Faults, Named};
use crate::model::measure::{Compare, Op};
use crate::model::raw::{FLAG, NUMBER, SPAN, Section, TEXT, WEIGHT};
use crate::model::score::{Combine, Condition, Intent, RedFlag, Rings, Signal};
use crate::record::Kind;
use crate::unit::Micros;

/// What signals, flags and intents refer to.
pub(super) struct Known<'k> {
    /// The names of the measures, by index.
    pub(super) measures: &'k [String],
    /// The scores, by index.
    pub(super) scores: &'k [ScoreDraft],
    /// The names of all scores, of faulty ones too.
    pub(super) score_names: &'k [String],
    /// Which (score, group or level) some signal stands in.
    pub(super) peopled: RefCell<BTreeSet<(usize, usize)>>,
    /// Where faults go.
    pub(super) faults: &'k Faults<'k>,
}

impl Known<'_> {
    /// The measure called `named`.
    pub(super) fn measure(&self, named: &Named) -> Option<usize> {
        let found = self.measures.iter().position(|name| *name == named.name);
        if found.is_none() {
            let known = self.measures.iter().map(String::as_str);
            self.faults.unknown(named, "the name of a measure", known);
        }
        found
    }

    /// The score called `named`.
    fn score(&self, named: &Named) -> Option<usize> {
        let found = self.scores.iter().position(|score| score.named.name == named.name);
        if !self.score_names.contains(&named.name) {
            let known = self.score_names.iter().map(String::as_str);
            self.faults.unknown(named, "the name of a score", known);
        }
        found
    }
}

/// Reads every `[signals.ID]`.
pub(super) fn signals(rows: Vec<(Named, Section<'_>)>, known: &Known<'_>) -> Vec<Signal> {
    let ids: Vec<String> = rows.iter().map(|(named, _)| named.name.clone()).collect();
    let read = rows.into_iter().enumerate();
    read.filter_map(|(at, (named, section))| signal(named, section, known, ids.split_at(at)))
        .collect()
}

/// Reads one signal; `ids` are those before it and those from it on.
fn signal(
    id: Named,
    mut section: Section<'_>,
    known: &Known<'_>,
    (before, after): (&[String], &[String]),
) -> Option<Signal> {
    let score = section.name("score", "the name of a score").and_then(|named| known.score(&named));
    let place = score.and_then(|score| member(&mut section, known, score));
    let measure = section.name("measure", "the name of a measure");
    let measure = measure.and_then(|named| known.measure(&named));
    let test = compare(&mut section);
    let mut with_any = Vec::new();
    for named in section.names("with_any") {
        match before.iter().position(|id| *id == named.name) {
            Some(at) => with_any.push(at),
            None if after.contains(&named.name) => {
                let wanted = "a signal that stands before this one";
                known.faults.add(&named.spot, format!("{:?}", named.name), wanted);
            }
            None => {
                let ids = before.iter().map(String::as_str);
                known.faults.unknown(&named, "the id of a signal before this one", ids);
            }
        }
    }
    let name = section.need("name", &TEXT);
    let action = section.may("action", &TEXT).unwrap_or_default();
    let rings = rings(&mut section, known, score);
    if score.is_none() {
        // What the score would have asked for cannot be told from what is unknown.
        section.may("group", &TEXT);
        section.may("level", &TEXT);
        section.may("points", &NUMBER);
    }
    section.end();
    let (group, points) = place?;
    Some(Signal {
        id: id.name,
        name: name?,
        score: score?,
        group,
        points,
        micros: Micros::from_f64(points).map_or(0, Micros::get),
        measure: measure?,
        test: test?,
        with_any,
        rings,
        action,
    })
}

/// Reads where in its score a signal stands, and its points.
fn member(section: &mut Section<'_>, known: &Known<'_>, score: usize) -> Option<(usize, f64)> {
    let draft = known.scores.get(score)?;
    let find = |named: &Named, what: &str| {
        let found = draft.members.iter().position(|member| member.name == named.name);
        if found.is_none() {
            let members = draft.members.iter().map(|member| member.name.as_str());
            let what = format!("{what} of score {}", draft.named.name);
            known.faults.unknown(named, &what, members);
        }
        known.peopled.borrow_mut().extend(found.map(|found| (score, found)));
        found
    };
    match &draft.score.combine {
        Combine::CappedSum { .. } | Combine::Normalised { .. } => {
            let group = section.name("group", "the name of a group");
            let group = group.and_then(|named| find(&named, "the name of a group"));
            let points = section.need("points", &WEIGHT);
            Some((group?, points?))
        }
        Combine::Severity { levels, .. } => {
            let level = section.name("level", "the name of a level")?;
            let at = find(&level, "the name of a level")?;
            Some((at, levels.get(at).map_or(0.0, |level| level.points)))
        }
        Combine::Weighted { .. } => {
            let wanted = "a score that is made of signals; a weighted one is made of measures";
            section.fault("score", wanted);
            for key in ["group", "level"] {
                section.may(key, &TEXT);
            }
            section.may("points", &NUMBER);
            None
        }
    }
}

/// Reads the one comparison of a test.
pub(super) fn compare(section: &mut Section<'_>) -> Option<Compare> {
    let ops = [("lt", Op::Lt), ("le", Op::Le), ("gt", Op::Gt), ("ge", Op::Ge)];
    let given = ops.iter().filter(|(key, _)| section.has(key)).count();
    if given != 1 {
        let wanted = "exactly one of lt (less than), le (at most), gt (more than), ge (at least)";
        section.faults().add(&section.spot, format!("{given} comparisons"), wanted);
    }
    let mut compare = None;
    for (key, op) in ops {
        if let Some(threshold) = section.may(key, &NUMBER) {
            compare = Some(Compare { op, threshold });
        }
    }
    if given == 1 { compare } else { None }
}

/// Reads `rings` and `cooldown`; without its own, a ring has the cooldown of its score.
fn rings(section: &mut Section<'_>, known: &Known<'_>, score: Option<usize>) -> Rings {
    let rings = section.may("rings", &FLAG).unwrap_or(false);
    let own = section.may("cooldown", &SPAN);
    if own.is_some() && !rings {
        section.fault("cooldown", "no cooldown here, or `rings = true`: what never rings has none");
    }
    let of_score = score.and_then(|score| known.scores.get(score));
    let cooldown = own.or(of_score.map(|draft| draft.score.cooldown)).unwrap_or_default();
    if rings { Rings::WhenActive { cooldown } } else { Rings::Never }
}

/// Reads every `[red_flags.ID]`; `ids` are those of the signals.
pub(super) fn flags(
    rows: Vec<(Named, Section<'_>)>,
    known: &Known<'_>,
    ids: &[String],
) -> Vec<RedFlag> {
    rows.into_iter().filter_map(|(named, section)| flag(named, section, known, ids)).collect()
}

fn flag(id: Named, mut section: Section<'_>, known: &Known<'_>, ids: &[String]) -> Option<RedFlag> {
    let name = section.need("name", &TEXT);
    let score = section.name("score", "the name of a score").and_then(|named| known.score(&named));
    let floored = |score: usize| {
        let combine = known.scores.get(score).map(|draft| &draft.score.combine);
        matches!(combine, Some(Combine::CappedSum { .. } | Combine::Normalised { .. }))
    };
    if score.is_some_and(|score| !floored(score)) {
        section.fault("score", "a score of the way capped_sum or normalised: others have no floor");
    }
    let mut all = Vec::new();
    let rows = section.list("all");
    let n_rows = rows.len();
    for row in rows {
        all.extend(condition(row, known, ids));
    }
    if n_rows == 0 {
        section.fault("all", "at least one condition: { signal } or { measure, lt }");
    }
    let floor = section.need("floor", &WEIGHT);
    let rings = rings(&mut section, known, score);
    section.end();
    Some(RedFlag { id: id.name, name: name?, score: score?, all, floor: floor?, rings })
}

fn condition(mut row: Section<'_>, known: &Known<'_>, ids: &[String]) -> Option<Condition> {
    let condition = match (row.has("signal"), row.has("measure")) {
        (true, false) => {
            let named = row.name("signal", "the id of a signal")?;
            let found = ids.iter().position(|id| *id == named.name);
            if found.is_none() {
                let ids = ids.iter().map(String::as_str);
                known.faults.unknown(&named, "the id of a signal", ids);
            }
            found.map(Condition::Signal)
        }
        (false, true) => {
            let measure = row.name("measure", "the name of a measure");
            let measure = measure.and_then(|named| known.measure(&named));
            let test = compare(&mut row);
            measure.zip(test).map(|(measure, test)| Condition::Measure(measure, test))
        }
        (both, _) => {
            let found = if both { "both" } else { "neither" };
            known.faults.add(&row.spot, found, "either a signal, or a measure with a comparison");
            return None;
        }
    };
    row.end();
    condition
}

/// Reads every `[intents.ID]`.
pub(super) fn intents(rows: Vec<(Named, Section<'_>)>, known: &Known<'_>) -> Vec<Intent> {
    rows.into_iter().filter_map(|(named, section)| intent(named, section, known)).collect()
}

fn intent(id: Named, mut section: Section<'_>, known: &Known<'_>) -> Option<Intent> {
    let on = section.name("on", "the name of an event type");
    let on = on.and_then(|named| {
        let kind = Kind::named(&named.name);
        if kind.is_none() {
            let kinds = Kind::ALL.iter().map(|kind| kind.name());
            known.faults.unknown(&named, "the name of an event type", kinds);
        }
        kind
    });
    let score = section.name("score", "the name of a score").and_then(|named| known.score(&named));
    let cooldown = section.may("cooldown", &SPAN).unwrap_or_default();
    section.end();
    Some(Intent { id: id.name, on: on?, score: score?, cooldown })
}
